/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_check.h
 * What `sbs check` and `sbs-gateway check` have in common: the steps and their names, how a row is written, how far a
 * request came, and what is said of connection, clock, statement, scope and the permission to write. Each program walks
 * the way to the server as it works itself, and tells its own rows beside these. Nothing is written to the server.
 */
#ifndef SBS_FORWARD_CHECK_H
#define SBS_FORWARD_CHECK_H

#include "sbs/forward_mode.h"
#include "sbs/json.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SBS_FORWARD_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define SBS_FORWARD_PRINTF(string, first)
#endif

#define SBS_FORWARD_FINDING_SIZE                                                                                       \
    1400u /**< bytes of what was found, with the NUL: a server's words and what is around */

/** How it is. */
typedef enum sbs_forward_verdict {
    SBS_FORWARD_OK,
    SBS_FORWARD_WARN, /**< it works, but may not for long or not as meant */
    SBS_FORWARD_FAIL  /**< it does not work */
} sbs_forward_verdict;

/** What is looked at. The steps from SBS_FORWARD_STEP_PROXY on are the way to the server, each behind those before. */
typedef enum sbs_forward_step {
    SBS_FORWARD_STEP_CONFIGURATION,
    SBS_FORWARD_STEP_STATE,
    SBS_FORWARD_STEP_DISK,
    SBS_FORWARD_STEP_CLOCK,
    SBS_FORWARD_STEP_LISTEN,
    SBS_FORWARD_STEP_DEVICES,
    SBS_FORWARD_STEP_KEY,
    SBS_FORWARD_STEP_PROXY,
    SBS_FORWARD_STEP_DNS,
    SBS_FORWARD_STEP_TCP,
    SBS_FORWARD_STEP_TLS,
    SBS_FORWARD_STEP_METADATA,
    SBS_FORWARD_STEP_DISCOVERY,
    SBS_FORWARD_STEP_TOKEN,
    SBS_FORWARD_STEP_SCOPE,
    SBS_FORWARD_STEP_CREATE,
    SBS_FORWARD_STEP_COUNT
} sbs_forward_step;

/** One row. Its texts are valid during the call that tells it. */
typedef struct sbs_forward_finding {
    sbs_forward_verdict verdict;
    sbs_forward_step step;
    char *text;         /**< what was found; may hold a server's words: who shows it cleans it, in place */
    const char *advice; /**< what to do; NULL: nothing */
} sbs_forward_finding;

/** Who is told, and how a person names the settings that an advice is about: "--scope", "'scope' in gateway.conf". */
typedef struct sbs_forward_check {
    void (*tell)(void *ctx, const sbs_forward_finding *finding); /**< is given each row, as it is found */
    void *ctx;
    const char *fhir, *scope, *token_url, *write_mode;
} sbs_forward_check;

/** What a step is called, here and in scripts. Static. */
const char *sbs_forward_step_name(sbs_forward_step step);

/** Tells a row: @p advice is what to do, NULL: nothing; @p format what was found. What does not fit into
 * SBS_FORWARD_FINDING_SIZE is cut. */
void sbs_forward_check_tell(const sbs_forward_check *check, sbs_forward_verdict verdict, sbs_forward_step step,
                            const char *advice, const char *format, ...) SBS_FORWARD_PRINTF(5, 6);

/** Writes a row as a line: "WARN  clock: 90 s ahead of the server's, set this machine's clock". */
void sbs_forward_check_put_line(sbs_writer *out, const sbs_forward_finding *finding);
/** The same as an object with the members step, result, text and, where something is to be done, advice. */
void sbs_forward_check_put_json(sbs_json_writer *json, const sbs_forward_finding *finding);

/** Where a request ended without an answer: SBS_FORWARD_STEP_PROXY, _DNS, _TCP or _TLS. SBS_FORWARD_STEP_COUNT: the
 * connection stood. @p server: with the FHIR base, or the token endpoint, of its configuration. */
sbs_forward_step sbs_forward_check_reached(const sbs_forward_server *server, sbs_status status,
                                           const sbs_detail *detail);
/** Tells the steps of the connection that come before @p end as good. With all of them it is told when the server's
 * certificates end, too: a warning in the last two weeks. */
void sbs_forward_check_connection(const sbs_forward_check *check, const sbs_forward_server *server,
                                  sbs_forward_step end);

/** Tells of the clock: by the server's authenticated time, @p server_utc_s in seconds since 1970; where that is
 * SBS_UTC_UNKNOWN by what the kernel says of it. */
void sbs_forward_check_clock(const sbs_forward_check *check, sbs_now now, int64_t server_utc_s);

/** Tells which token endpoint was found, or that it was given. */
void sbs_forward_check_discovery(const sbs_forward_check *check, sbs_forward_server *server);
/** Tells of a token that was given, and of each scope that was asked for and not granted. */
void sbs_forward_check_token(const sbs_forward_check *check, const sbs_forward_server *server,
                             const sbs_token_view *token);

/** Tells which FHIR release the server states. False: it is one whose resources are others. */
bool sbs_forward_check_release(const sbs_forward_check *check, sbs_text release, unsigned major);
/** Tells that the server shows no CapabilityStatement. */
void sbs_forward_check_unstated(const sbs_forward_check *check);

/** What stands for and against writing resources of one type. */
typedef struct sbs_forward_writing {
    const char *type;
    sbs_forward_mode asked; /**< that an operator chose, or SBS_FORWARD_AUTO */
    bool may_create, may_update;
    bool any_scope;        /**< the granted scope is not the whole truth: what it lacks is a warning */
    bool known;            /**< the server states something of this type */
    sbs_capability stated; /**< what it states */
} sbs_forward_writing;

/** Tells how resources of the type would be written, and whether that is granted and stated. False: it is not granted.
 */
bool sbs_forward_check_writing(const sbs_forward_check *check, const sbs_forward_writing *writing);

#ifdef __cplusplus
}
#endif
#endif
