/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file modem_dialect.h
 * What a make of modems wants to hear and says, as data: another make is another table, and no code.
 *
 * In commands and patterns these stand for values: %a the access point's name, %f the name of the trusted certificate,
 * %l its length, %h host, %p port, %n how many bytes are sent or asked for, %t the time as AT+CCLK wants it, %d the
 * beginning of that or of the present (date and hour), %z blanks that fill up what a modem may still wait for. A
 * pattern is compared with the beginning of a line; in it * stands for anything up to the next comma, and $ for the end
 * of the line.
 */
#ifndef SBS_MODEM_DIALECT_H
#define SBS_MODEM_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When a step is left out. */
#define SBS_MODEM_IF_APN 0x004u  /**< only where a name of an access point is given */
#define SBS_MODEM_IF_FILE 0x008u /**< only where a certificate is given */
/* What a step is like. */
#define SBS_MODEM_MAY_FAIL 0x010u    /**< ERROR is as good as OK, and so is OK without what is wanted */
#define SBS_MODEM_MAY_REFUSE 0x020u  /**< ERROR is as good as what is wanted: this model does not know the setting */
#define SBS_MODEM_SKIPS_NEXT 0x040u  /**< the next step is left out if the wanted line came */
#define SBS_MODEM_HAS_PAYLOAD 0x080u /**< behind a prompt (> or CONNECT) go bytes: what is sent, or the certificate */
#define SBS_MODEM_COUNTS 0x100u      /**< the number of the result line is a count, not a code */
#define SBS_MODEM_OPENS 0x200u       /**< opens the connection; the codes of the link tell why it failed */
#define SBS_MODEM_ALIGNS 0x400u      /**< OK before the wanted line belongs to an earlier command, and does not count */
#define SBS_MODEM_SYNCS 0x800u       /**< no answer: tried again, several times */
#define SBS_MODEM_TRIES 0x1000u /**< until the first connection since a start: a trial. If it opens, it has to fail */
#define SBS_MODEM_TELLS_TIME 0x2000u /**< has %t in it, which is taken as it begins */

/** A command and its answer. It ends with OK and, if there is one, the result line, in either order; or with ERROR. */
typedef struct sbs_modem_step {
    const char *command; /**< without the CR at its end; NULL ends a list */
    const char *want;    /**< pattern of a line that has to come before the OK; NULL: none */
    const char *result;  /**< pattern of a line behind which a number stands, 0 for success; NULL: none */
    uint16_t flags;      /**< SBS_MODEM_... */
    uint8_t seconds;     /**< that the answer may take */
    int8_t failure;      /**< sbs_status if it fails; 0: SBS_ERR_NETWORK */
} sbs_modem_step;

/** Why a connection was not opened: a code of the modem, and the status that it means. */
typedef struct sbs_modem_code {
    uint16_t code;
    int8_t status; /**< 0 ends a list */
} sbs_modem_code;

/** What it means when the modem says something unasked. */
typedef enum sbs_modem_event {
    SBS_MODEM_NOTHING = 1,
    SBS_MODEM_DATA,    /**< bytes have come */
    SBS_MODEM_ENDED,   /**< the peer ended the connection in order, as far as TCP knows */
    SBS_MODEM_LOST,    /**< the connection is over; how is not told */
    SBS_MODEM_OFFLINE, /**< so are all, with the network: the modem is set up anew before the next one */
    SBS_MODEM_RESET    /**< the modem starts, and has forgotten everything */
} sbs_modem_event;

typedef struct sbs_modem_urc {
    const char *pattern; /**< the first one of the list that fits counts */
    uint8_t event;       /**< sbs_modem_event; 0 ends a list */
} sbs_modem_urc;

/** What a make wants to hear and says, for one way to carry bytes: a TCP connection, or one with TLS in the modem. */
typedef struct sbs_modem_dialect {
    const sbs_modem_step *start; /**< after each start of the modem, and where it makes no sense or connects no more */
    const sbs_modem_step *connect; /**< for each connection; the last one opens it */
    sbs_modem_step send;           /**< without a result line: SEND OK and SEND FAIL end it */
    sbs_modem_step count;          /**< bytes that can be read; no command: reading tells that */
    sbs_modem_step receive;
    sbs_modem_step close;
    const char *data; /**< pattern of the line whose number is how many bytes follow it */
    const sbs_modem_code *codes;
    const sbs_modem_urc *urcs;
    uint16_t send_max, receive_max; /**< bytes of one command */
    bool secured;                   /**< TLS in the modem, which confirms its checks */
    bool checks_name; /**< the modem compares the certificate's name with the host, and confirms that it will */
} sbs_modem_dialect;

/**
 * SIMCom A7600, A7670, A7672 and their like (A76XX Series AT Command Manual V1.11): TCP, and TLS in the modem. They
 * show no setting that compares names: TLS in them needs a pinned certificate.
 */
extern const sbs_modem_dialect sbs_modem_simcom, sbs_modem_simcom_tls;

/** Quectel EC2x, EG9x, BG9x (TCP/IP and SSL application notes V1.1). They compare names ("checkhost"). */
extern const sbs_modem_dialect sbs_modem_quectel, sbs_modem_quectel_tls;

#ifdef __cplusplus
}
#endif
#endif
