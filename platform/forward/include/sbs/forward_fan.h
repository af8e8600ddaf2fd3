/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_fan.h
 * A push (forward_push.h) over one connection or over several, without threads: it is polled and waited for as one.
 *
 *     poll ──▶ lead learns ──▶ each line that is due: polled until it waits ──▶ one commit ──▶ wait for the first of
 * all
 *
 * A line is a client, a push and a view of the queue (forward_share.h). The lead is the program's own server; further
 * lines are opened one after the other while there is work that nobody has and answers come well: twice as many after
 * each round of good answers at first, one more later; half as many after 429, 503, or a network that fails. A
 * Retry-After, whoever gets it, holds back all. Discovery, CapabilityStatement and token are the lead's. The first line
 * whose token is over, or was refused, fetches the next one, and the others wait for that: one token request serves
 * all. Where it fails another line tries at once, and where that fails, too, all wait. What was refused with an older
 * token than the newest is sent anew with that.
 *
 * All wait, or are paused, when no line has anything else to do: then the first of those events is told.
 */
#ifndef SBS_FORWARD_FAN_H
#define SBS_FORWARD_FAN_H

#include "sbs/forward_push.h"
#include "sbs/forward_share.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_CONNECTIONS_MAX SBS_FORWARD_VIEWS_MAX

/** Configuration. */
typedef struct sbs_forward_fan_config {
    sbs_forward_push_config push; /**< as for one push; lead, ahead and item_max are filled in */
    uint16_t connections;         /**< at most SBS_FORWARD_CONNECTIONS_MAX; 0 or 1, or a queue without bulk operations:
                                     one */
    /** Optional: as in sbs_forward_server_config, for the streams of the connections behind the first. */
    bool (*wrap)(void *ctx, sbs_stream *stream, bool secured);
    void *wrap_ctx;
} sbs_forward_fan_config;

struct sbs_forward_fan;

/** One connection. */
typedef struct sbs_forward_line {
    struct sbs_forward_fan *fan;
    sbs_forward_view *view; /* NULL: the only line, on the queue itself */
    sbs_queue queue;
    sbs_forward_server own; /* of lines behind the first */
    sbs_forward_server *server;
    sbs_forward_push push;
    uint64_t due_ms;
    int descriptor;       /* that is waited for; -1: none */
    uint32_t token_turn;  /* of the token that its client was given */
    bool ready;           /* to be polled, whatever the time is */
    bool parked;          /* it had nothing to do */
    bool waiting;         /* its engine waits, or is paused */
    bool untold;          /* and nobody was told, as others went on */
    sbs_push_event event; /* of that; its texts are the engine's until it is polled again */
    sbs_forward_event told;
    char target[2 * SBS_FHIR_ID_MAX + 2];
} sbs_forward_line;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_forward_fan {
    struct {
        sbs_forward_fan_config config;
        sbs_forward_line *lines[SBS_FORWARD_CONNECTIONS_MAX];
        size_t count; /* lines that are open */
        size_t most;  /* that may be */
        sbs_forward_share share;
        sbs_now now;
        uint64_t told_ms;   /* when the first was told that is not durable */
        uint64_t held_ms;   /* nothing new is sent before */
        uint64_t slowed_ms; /* when there were made fewer last */
        uint64_t learnt_ms;
        uint32_t token_turn;
        sbs_forward_line *token_from; /* the line that has the newest token; NULL: none had one */
        sbs_forward_line *renewer;    /* the line that fetches the next one; NULL: none does */
        uint64_t token_expires_ms;
        uint64_t renew_ms; /* nobody fetches it before: those who tried could not */
        uint32_t renewals_failed;
        uint32_t active;    /* lines that may claim items */
        uint32_t threshold; /* below it each good answer makes one more */
        uint32_t good;      /* answers since there was made one more */
        size_t turn;        /* the line that is polled first */
        const char *warned; /* the last sentence */
        int poller;         /* epoll(7) */
        bool shared;        /* there are several lines */
        bool told;
        bool draining; /* nothing more is taken up */
        bool open;
    } priv;
} sbs_forward_fan;

/** Prepares everything, sends nothing. SBS_ERR_MEMORY, SBS_ERR_ARGUMENT; nothing needs to be closed then. */
SBS_NODISCARD sbs_status sbs_forward_fan_open(sbs_forward_fan *fan, const sbs_forward_fan_config *config);
/** As sbs_forward_push_close(). */
sbs_status sbs_forward_fan_close(sbs_forward_fan *fan);
/** As sbs_forward_push_poll(). The descriptor of @p out_wait, if there is one, becomes readable when one of the lines
 * has something to do. */
SBS_NODISCARD sbs_status sbs_forward_fan_poll(sbs_forward_fan *fan, sbs_now now, sbs_wait *out_wait);
/** As sbs_forward_push_mode_of(). */
bool sbs_forward_fan_mode_of(const sbs_forward_fan *fan, uint64_t id, sbs_write_mode *out_mode);
/** True if it is known that resources of this type are written by PUT, so that a later one under the same id is an
 * update. */
bool sbs_forward_fan_puts(sbs_forward_fan *fan, const char *type, sbs_now now);
/** As sbs_forward_push_wake(). */
void sbs_forward_fan_wake(sbs_forward_fan *fan);
/** As sbs_forward_push_cancel(). */
void sbs_forward_fan_cancel(sbs_forward_fan *fan);
/** From now on nothing more is taken up, until the fan is closed; what is under way goes on, as it is polled. True when
 * nothing is under way any more. A push over one connection alone counts as drained at once. */
bool sbs_forward_fan_drain(sbs_forward_fan *fan);
/** How many connections may take items at present. */
uint32_t sbs_forward_fan_active(const sbs_forward_fan *fan);

#ifdef __cplusplus
}
#endif
#endif
