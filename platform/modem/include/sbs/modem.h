/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file modem.h
 * A stream (port/stream.h) over the AT commands of a modem on a serial line (port/serial.h): TCP to put
 * sbs_tls_stream on, or TLS in the modem. No heap, no operating system; link sbs_modem and name one dialect.
 *
 * TLS in the modem is secured: before each connection the modem is told to check chain, name and dates, the settings
 * and its clock are read back, and open() fails with SBS_ERR_UNVERIFIED where one differs. Before the first connection
 * since its start the modem has to refuse the server while its clock stands in the year 2001. A modem that compares no
 * names serves only with a pinned certificate. What it means to trust a modem stands in SECURITY.md.
 *
 * Sending: send() copies into the send buffer and returns; the modem's command, prompt and answer follow in later
 * calls of any function. Sending and receiving may interleave as they like.
 *
 * Closing: a modem needs a command and an answer to hang up, so close() leaves that, and what is still in the send
 * buffer, to the next open(), or to sbs_modem_poll() before a device sleeps.
 *
 * End: no modem tells close_notify from a mere FIN, so TLS in the modem never ends with SBS_END but with
 * SBS_ERR_TRUNCATED. An answer whose length is known is not touched by that.
 *
 * The modem's power, its SIM's PIN and its registration in the network are the program's. One task uses a modem.
 */
#ifndef SBS_MODEM_H
#define SBS_MODEM_H

#include "sbs/modem_dialect.h"
#include "sbs/serial.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_MODEM_LINE_SIZE 128u      /**< longest line that is read; of longer ones the beginning */
#define SBS_MODEM_CERTIFICATE_MAX 40u /**< bytes of a certificate's name */

/** What to use. Zero means the default; what it points to must outlive the stream. */
typedef struct sbs_modem_config {
    const sbs_modem_dialect *dialect; /**< required: one of sbs/modem_dialect.h */
    sbs_serial serial;                /**< required; open, at the modem's speed */
    sbs_now (*clock)(void);           /**< required: sbs_linux_now, sbs_baremetal_now */
    uint8_t *send_buffer;             /**< required: what waits to be sent; wiped */
    size_t send_size;                 /**< at least 1; 512 are good */
    uint8_t *receive_buffer;          /**< required: what was read and not yet taken; wiped */
    size_t receive_size;              /**< at least 1; 512 are good */
    const char *apn;                  /**< name of the access point; NULL: what the modem has */
    const char *certificate_name;     /**< TLS in the modem: its name of the one certificate to trust, at most
                                           SBS_MODEM_CERTIFICATE_MAX bytes ("ca.pem", Quectel "UFS:ca.pem") */
    const char *certificate;          /**< it (PEM), put into the modem at each start; NULL: it is there */
    size_t certificate_len;
    bool pinned;   /**< the certificate is the server's own, or of an authority that vouches for nobody else: its name
                        need not be compared. Needed where the dialect does not compare names */
    bool no_trial; /**< no handshake that has to fail: for a modem that is switched off between connections, and was
                        seen to refuse what it has to */
} sbs_modem_config;

/** A modem and its one connection. Place it anywhere; it must not move. */
typedef struct sbs_modem {
    struct {
        /* Bytes first, then words, as Thumb code reaches them best. */
        uint8_t state, tries, line_len, refusals;
        bool ready;     /* the modem was set up since it started */
        bool tried;     /* it refused what it has to, and then connected */
        bool connected; /* there may be a connection to close */
        bool data_waits, busy, prompted, is_final, is_wanted, is_resulted;
        uint16_t port;
        const sbs_modem_config *config;
        const sbs_modem_dialect *dialect;
        const sbs_modem_step *step;  /* the command under way; NULL: none */
        const sbs_modem_step *steps; /* the next one of open() */
        const char *host;
        size_t written; /* bytes of the command, or behind it, that the line took */
        size_t send_len, receive_at, receive_len;
        uint32_t number;      /* %n */
        uint32_t unread;      /* bytes that the modem said it has */
        uint32_t data_left;   /* bytes of the answer that are no lines */
        int32_t value;        /* of the result line */
        int32_t code;         /* last_code() */
        sbs_status outcome;   /* of the command; SBS_PENDING: it has none yet */
        sbs_status ended;     /* why the connection is over; SBS_OK: it is not */
        uint64_t deadline_ms; /* of the command */
        uint64_t send_ms;     /* nothing is sent before: the modem took nothing */
        uint64_t ask_ms;      /* what has come is asked for, though nothing was told */
        int64_t told_utc_s;   /* the time that the modem was told last */
        char line[SBS_MODEM_LINE_SIZE];
    } priv;
} sbs_modem;

/**
 * Prepares a modem and says nothing to it. @p config stays the caller's.
 * @return SBS_OK; SBS_ERR_ARGUMENT: something required is missing, or a secured one has no certificate_name, or it is
 * too long or has a quotation mark or control character.
 */
SBS_NODISCARD sbs_status sbs_modem_init(sbs_modem *modem, const sbs_modem_config *config, sbs_stream *out_stream);

/** Does what close() left: sends what waits, and hangs up. SBS_OK: nothing is left, and the modem may sleep;
 *  SBS_PENDING: call again after waits_for() of the stream; SBS_ERR_STATE: the stream is open. */
SBS_NODISCARD sbs_status sbs_modem_poll(sbs_modem *modem);

/** Forgets the connection and wipes the buffers; says nothing to the modem. Legal twice. */
void sbs_modem_deinit(sbs_modem *modem);

#ifdef __cplusplus
}
#endif
#endif
