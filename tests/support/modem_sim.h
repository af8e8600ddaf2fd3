/* SPDX-License-Identifier: Apache-2.0 */
/* A modem in the same process, for both dialects: its peer sends back what it gets. Tests make it misbehave. */
#ifndef MODEM_SIM_H
#define MODEM_SIM_H

#include "sbs/modem.h"

#define MODEM_SIM_LOG 2048u
#define MODEM_SIM_OUT 4096u
#define MODEM_SIM_PEER 1024u

typedef struct modem_sim {
    /* What a test sets. Zero: a good modem. */
    bool quectel;
    bool result_first;     /* result lines before the OK */
    size_t read_max;       /* bytes of one read; 0: all */
    size_t write_max;      /* bytes of one write; 0: all */
    uint32_t accept_max;   /* bytes that one send command takes; 0: all. SIMCom counts, Quectel says SEND FAIL */
    unsigned refuse_sends; /* so many send commands take nothing */
    bool hides_data;       /* no line tells that data came */
    bool sends_more;       /* a byte more than was asked for */
    size_t cut_data;       /* after so many bytes of data it starts anew; 0: not */
    bool gone;             /* the serial line is */
    bool ok_before_prompt;
    bool mute_start;        /* it does not say RDY */
    unsigned restart_at;    /* it starts anew instead of obeying command number restart_at; 0: not */
    unsigned restart_after; /* or behind its answer */
    const char *refuse;     /* commands with this text get an ERROR */
    const char *silent;     /* they get no answer */
    const char *instead;    /* answer to commands with the text in instead_of */
    const char *instead_of;
    const char *says; /* said between two answers, before piece number says_at */
    size_t says_at;
    bool says_at_byte;   /* says_at counts bytes, and it is said in the middle of whatever it is */
    int open_code;       /* result of opening */
    bool checks_nothing; /* and says that it does */
    /* What it knows. */
    bool echo, open, pauses, online, serves_tls;
    unsigned commands, opened, refused, closed, starts; /* how often */
    uint32_t payload_left;                              /* bytes behind a prompt that have not come */
    char payload_kind;                                  /* 's' to the peer, 'f' a file */
    char log[MODEM_SIM_LOG];                            /* commands, each with a line feed */
    size_t log_len;
    char line[384];
    size_t line_len;
    uint8_t out[MODEM_SIM_OUT];
    size_t out_at, out_len, pieces, bytes;
    uint8_t peer[MODEM_SIM_PEER]; /* what comes back and was not read */
    size_t peer_len;
    size_t peer_got; /* bytes that came to the peer, in all connections */
    uint8_t file[256];
    size_t file_len;
    char settings[16][24]; /* what was set: "name=value" */
    size_t setting_count;
    char clock[24];
    uint32_t asked;
} modem_sim;

extern uint64_t modem_sim_ms; /* the clock, which waits move */
extern int64_t modem_sim_utc;

sbs_now modem_sim_now(void);
void modem_sim_init(modem_sim *sim, sbs_serial *out_serial);
/* Says something of its own. */
void modem_sim_say(modem_sim *sim, const char *text);
/* The modem starts anew, and says RDY. */
void modem_sim_restart(modem_sim *sim);
/* The peer sends, without being asked. */
void modem_sim_peer_send(modem_sim *sim, const char *text);
/* How often a command with this text came. */
unsigned modem_sim_heard(const modem_sim *sim, const char *text);

#endif
