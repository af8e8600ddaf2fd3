/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_mode.h
 * How a resource is written so that a repeat does not store it twice: what the server states in its
 * CapabilityStatement (R4 capabilitystatement.html) and what the granted scope allows decide together.
 */
#ifndef SBS_FORWARD_MODE_H
#define SBS_FORWARD_MODE_H

#include "sbs/forward_buffer.h"
#include "sbs/forward_server.h"
#include "sbs/forward_statement.h"
#include "sbs/push.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sbs_forward_mode {
    SBS_FORWARD_AUTO = 1, /**< the first of the others that the server states and the scope allows */
    SBS_FORWARD_PUT,
    SBS_FORWARD_IF_NONE_EXIST,
    SBS_FORWARD_PLAIN
} sbs_forward_mode;

/** What a learning run came to. */
typedef enum sbs_forward_knowledge {
    SBS_FORWARD_NOT_ASKED, /**< nothing depends on it, or it was not asked yet */
    SBS_FORWARD_STATED,
    SBS_FORWARD_NOT_SHOWN /**< the server shows none, or none that can be read to a mode that was chosen: no failure */
} sbs_forward_knowledge;

/** Place it anywhere; it must not move once it is in use. */
typedef struct sbs_forward_modes {
    struct {
        sbs_forward_server *server;
        sbs_forward_mode asked;
        sbs_forward_knowledge knowledge;
        void (*warn)(void *ctx, const char *sentence); /**< as given to init */
        void *warn_ctx;
        sbs_forward_statement statement;
        char *answer;
        uint8_t step;
        bool whole;         /* the whole statement is asked for, not only what is read of it */
        bool recalled;      /* what is known of it is of an earlier run */
        bool bad_statement; /* one came and cannot be used */
        bool old_release;   /* because it is of a release before R4 */
        bool warned, warned_version;
        uint16_t refused_with; /* HTTP status where none is shown */
        char fault[512];       /* of a statement that cannot be used: a sentence */
    } priv;
} sbs_forward_modes;

/** Starts with nothing known. @p asked: what the operator chose. @p warn, may be NULL, is called at most once with a
 * sentence of what may be stored twice. */
void sbs_forward_modes_init(sbs_forward_modes *modes, sbs_forward_server *server, sbs_forward_mode asked,
                            void (*warn)(void *ctx, const char *sentence), void *warn_ctx);
/** Asks for nothing where the mode was chosen: a statement could only be warned of. */
void sbs_forward_modes_trust(sbs_forward_modes *modes);
/** Takes what an earlier run learnt of the server in place of asking for it. @p statement: NULL: it showed none, and
 * answered with @p refused_with. SBS_ERR_MEMORY: it is asked for. */
sbs_status sbs_forward_modes_recall(sbs_forward_modes *modes, const sbs_forward_statement *statement,
                                    uint16_t refused_with);
/** What was learnt from the server in this run: true if a statement came, or the server showed none; what came in
 * @p out_statement, NULL and @p out_refused_with if none did. False if nothing was learnt that is worth keeping. */
bool sbs_forward_modes_learnt(const sbs_forward_modes *modes, const sbs_forward_statement **out_statement,
                              uint16_t *out_refused_with);
/** Frees what was learnt. Legal twice. */
void sbs_forward_modes_free(sbs_forward_modes *modes);

/**
 * Learns what the asked mode depends on: the statement, and a token for its scope. SBS_PENDING: call again as
 * @p out_wait says; SBS_OK: done. Else what failed, with the server's detail, or sbs_forward_modes_has_bad_statement();
 * the next call tries again.
 */
SBS_NODISCARD sbs_status sbs_forward_modes_poll(sbs_forward_modes *modes, sbs_now now, sbs_wait *out_wait);
/** Gives up the request under way. */
void sbs_forward_modes_cancel(sbs_forward_modes *modes);
/** True if the failure is that of a statement that came and cannot be used. */
bool sbs_forward_modes_has_bad_statement(const sbs_forward_modes *modes);
/** Why it cannot be used, as a sentence: the URL that was asked and what came, or the release that it states. */
const char *sbs_forward_modes_fault(const sbs_forward_modes *modes);
/** True if what failed last was asking for the statement, false if it was the token after it. */
bool sbs_forward_modes_asks_statement(const sbs_forward_modes *modes);

/** True if an answer to the request for the statement came, was meant as a success, and has no body that can be read.
 * @p status: of that request. */
bool sbs_forward_is_useless(sbs_forward_server *server, sbs_status status);
/** Writes what came instead: "URL answers with an HTML page (HTTP 200), not with a CapabilityStatement in JSON".
 * @p status: of the request, or of reading the body; SBS_OK: it is JSON, but something else. */
void sbs_forward_name_useless(sbs_forward_server *server, sbs_status status, sbs_text body, char *out, size_t size);

/** The way for a type, by what was learnt and by the scope that is granted now. */
sbs_write_mode sbs_forward_modes_for(sbs_forward_modes *modes, const char *type, sbs_now now);
/** True unless it is clear that Observations are PUT. */
bool sbs_forward_modes_may_search(sbs_forward_modes *modes, sbs_now now);

#ifdef __cplusplus
}
#endif
#endif
