/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_mode.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "forward_text.h"
#include "sbs/outcome.h"

#define SENTENCE_SIZE 1536u
#define URL_SHOWN_MAX 256 /* bytes of a URL in a sentence */

enum { ASK_OPENLY, ASK_WITH_TOKEN, ASK_TOKEN, LEARNT };

void sbs_forward_modes_init(sbs_forward_modes *modes, sbs_forward_server *server, sbs_forward_mode asked,
                            void (*warn)(void *ctx, const char *sentence), void *warn_ctx) {
    *modes = (sbs_forward_modes){.priv = {.server = server, .asked = asked, .warn = warn, .warn_ctx = warn_ctx}};

    /* Nothing that a server states could change these. */
    if (asked == SBS_FORWARD_PUT || asked == SBS_FORWARD_PLAIN) {
        modes->priv.step = LEARNT;
    }
}

void sbs_forward_modes_trust(sbs_forward_modes *modes) {
    if (modes->priv.asked != SBS_FORWARD_AUTO) {
        modes->priv.step = LEARNT;
    }
}

sbs_status sbs_forward_modes_recall(sbs_forward_modes *modes, const sbs_forward_statement *statement,
                                    uint16_t refused_with) {
    if (modes->priv.step == LEARNT) {
        return SBS_OK; /* nothing depends on it */
    }

    modes->priv.knowledge = SBS_FORWARD_NOT_SHOWN;
    modes->priv.refused_with = refused_with;
    if (statement != NULL) {
        modes->priv.knowledge = SBS_FORWARD_NOT_ASKED;
        sbs_status status = sbs_forward_statement_copy(&modes->priv.statement, statement);
        if (status != SBS_OK) {
            return status;
        }
        modes->priv.knowledge = SBS_FORWARD_STATED;
    }

    modes->priv.recalled = true;
    modes->priv.step = modes->priv.asked == SBS_FORWARD_AUTO ? ASK_TOKEN : LEARNT;
    return SBS_OK;
}

bool sbs_forward_modes_learnt(const sbs_forward_modes *modes, const sbs_forward_statement **out_statement,
                              uint16_t *out_refused_with) {
    *out_statement = NULL;
    *out_refused_with = modes->priv.refused_with;
    if (modes->priv.recalled || modes->priv.knowledge == SBS_FORWARD_NOT_ASKED) {
        return false;
    }

    if (modes->priv.knowledge == SBS_FORWARD_STATED) {
        *out_statement = &modes->priv.statement;
        return true;
    }

    return modes->priv.fault[0] == '\0'; /* what came and cannot be used may be mended by then */
}

void sbs_forward_modes_free(sbs_forward_modes *modes) {
    sbs_forward_statement_free(&modes->priv.statement);
    free(modes->priv.answer);
    *modes = (sbs_forward_modes){0};
}

static sbs_client *modes_client(sbs_forward_modes *modes) {
    return sbs_forward_server_client(modes->priv.server);
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

static void modes_warn(sbs_forward_modes *modes, const char *sentence) {
    if (modes->priv.warn != NULL) {
        modes->priv.warn(modes->priv.warn_ctx, sentence);
    }
}

static bool starts_with(sbs_text text, const char *start) {
    size_t len = strlen(start);
    return text.len >= len && strncasecmp(text.ptr, start, len) == 0;
}

/* What a body is that is no CapabilityStatement. Its type does not count: pages and XML come as JSON, too. */
static const char *name_body(sbs_text body) {
    body = sbs_forward_without_mark(body);
    while (body.len > 0 && sbs_forward_is_blank(body.ptr[0])) {
        body.ptr++;
        body.len--;
    }

    if (body.len == 0) {
        return "nothing";
    }
    if (starts_with(body, "<!doctype html") || starts_with(body, "<html")) {
        return "an HTML page";
    }
    if (body.ptr[0] == '<') {
        return "XML";
    }
    if (body.ptr[0] == '{' || body.ptr[0] == '[') {
        return "damaged JSON";
    }

    return "text that is not JSON";
}

/* What came instead of the statement. */
static const char *name_answer(sbs_status status, sbs_text body) {
    switch (status) {
    case SBS_ERR_BUFFER:
    case SBS_ERR_TOO_LARGE:
        return "more than 4 MB";
    case SBS_ERR_HTTP:
        return "a compressed body that cannot be read";
    case SBS_OK:
        return "another JSON document";
    default:
        return name_body(body);
    }
}

/* "https://fhir.example/r4/metadata" */
static void put_statement_url(const sbs_forward_server *server, char *out, size_t size) {
    const char *base = server->priv.given.fhir_base;
    size_t len = strlen(base);

    const char *slash = len > 0 && base[len - 1] == '/' ? "" : "/";
    (void)snprintf(out, size, "%.*s%smetadata", URL_SHOWN_MAX, base, slash);
}

void sbs_forward_name_useless(sbs_forward_server *server, sbs_status status, sbs_text body, char *out, size_t size) {
    char url[URL_SHOWN_MAX + 16];

    put_statement_url(server, url, sizeof url);
    (void)snprintf(out, size, "%s answers with %s (HTTP %u), not with a CapabilityStatement in JSON", url,
                   name_answer(status, body), sbs_client_response(sbs_forward_server_client(server)).http_status);
}

bool sbs_forward_is_useless(sbs_forward_server *server, sbs_status status) {
    unsigned http = sbs_client_response(sbs_forward_server_client(server)).http_status;
    bool judged = status == SBS_ERR_RESPONSE || status == SBS_ERR_BUFFER || status == SBS_ERR_TOO_LARGE;

    /* The client says what it could not do with a body; a broken connection has no words. */
    bool coded = status == SBS_ERR_HTTP && sbs_forward_server_detail(server)->text[0] != '\0';
    return http >= 200 && http < 300 && (judged || coded);
}

static void note_useless(sbs_forward_modes *modes, sbs_status status) {
    sbs_text body = {modes->priv.answer, sbs_client_response(modes_client(modes)).body_len};

    sbs_forward_name_useless(modes->priv.server, status, body, modes->priv.fault, sizeof modes->priv.fault);
    modes->priv.bad_statement = true;
}

/* ---- learning --------------------------------------------------------------------------------------------------- */

/* What is read of a statement: the rest of it may have megabytes (R4 search.html, _elements; some servers take paths,
 * where the standard names the members of the resource alone). */
#define READ_ELEMENTS                                                                                                  \
    "metadata?_elements=fhirVersion,rest.mode,rest.interaction,rest.resource.type,rest.resource.interaction,"          \
    "rest.resource.updateCreate,rest.resource.conditionalCreate"

static sbs_status modes_start_request(sbs_forward_modes *modes) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of(modes->priv.whole ? "metadata" : READ_ELEMENTS),
        .response_size = SBS_FORWARD_STATEMENT_MAX,
        .without_token = modes->priv.step == ASK_OPENLY,
        .max_attempts = 1,
    };

    /* The granted scope is known with the token. */
    if (modes->priv.step == ASK_TOKEN) {
        request = (sbs_request){.interaction = SBS_TOKEN, .max_attempts = 1};
        return sbs_client_start(modes_client(modes), &request);
    }

    if (modes->priv.answer == NULL) {
        modes->priv.answer = malloc(SBS_FORWARD_STATEMENT_MAX);
    }
    if (modes->priv.answer == NULL) {
        return SBS_ERR_MEMORY;
    }

    request.response = modes->priv.answer;
    return sbs_client_start(modes_client(modes), &request);
}

/* R4 is what is written. Older releases would refuse it, or misread it; newer ones read most of it. */
static sbs_status modes_check_version(sbs_forward_modes *modes) {
    static const char *const olds[] = {"older than R4", "DSTU2", "older than STU3", "STU3"};
    const char *release = modes->priv.statement.release;
    unsigned major = modes->priv.statement.major;
    char sentence[160];
    if (release[0] == '\0') {
        return SBS_OK; /* it states none: what it can is what counts */
    }

    if (major < 4) {
        (void)snprintf(modes->priv.fault, sizeof modes->priv.fault,
                       "the server states FHIR %s (%s), what is pushed is R4: give the base of its R4 endpoint",
                       release, olds[major]);
        modes->priv.bad_statement = modes->priv.old_release = true;
        return SBS_ERR_UNSUPPORTED;
    }

    if (major > 4 && !modes->priv.warned_version) {
        modes->priv.warned_version = true;
        (void)snprintf(sentence, sizeof sentence,
                       "the server states FHIR %s, what is pushed is R4: it may refuse some of it", release);
        modes_warn(modes, sentence);
    }
    return SBS_OK;
}

/* The document is walked once, and its memory given back. */
static sbs_status modes_read_document(sbs_forward_modes *modes) {
    sbs_text body = {modes->priv.answer, sbs_client_response(modes_client(modes)).body_len};
    sbs_forward_json json = {0};
    sbs_status status = sbs_forward_json_parse(&json, body, NULL);
    if (status == SBS_OK) {
        status = sbs_forward_statement_read(&modes->priv.statement, &json.doc);
        if (status == SBS_ERR_RESPONSE && modes->priv.statement.release[0] == '\0') {
            note_useless(modes, SBS_OK);
        }
    } else if (status != SBS_ERR_MEMORY) { /* which says nothing of the document */
        note_useless(modes, status);
    }

    sbs_forward_json_free(&json);
    return status;
}

static sbs_status modes_read_statement(sbs_forward_modes *modes) {
    sbs_status status = modes_read_document(modes);
    if (status == SBS_ERR_MEMORY || modes->priv.bad_statement) {
        return status;
    }

    sbs_status version = modes_check_version(modes);
    if (version != SBS_OK) {
        return version;
    }
    if (status != SBS_OK) {
        note_useless(modes, SBS_OK);
        return status;
    }

    modes->priv.knowledge = SBS_FORWARD_STATED;
    free(modes->priv.answer);
    modes->priv.answer = NULL;
    return SBS_OK;
}

static bool is_refused(sbs_status status) {
    return status == SBS_ERR_UNAUTHORIZED || status == SBS_ERR_FORBIDDEN || status == SBS_ERR_SCOPE ||
           status == SBS_ERR_REJECTED;
}

/* True if less than the whole statement was asked for and what came does not do: an answer to that alone is no word
 * about the statement. */
static bool modes_needs_whole(sbs_forward_modes *modes, sbs_status status) {
    unsigned http = sbs_client_response(modes_client(modes)).http_status;
    bool wants_token = modes->priv.step == ASK_OPENLY && (http == 401 || http == 403);
    if (modes->priv.whole || http == 0 || wants_token) {
        return false;
    }

    if (status == SBS_OK) { /* of some servers nothing is left of what was not named as they name it */
        return !sbs_forward_statement_is_safe(&modes->priv.statement);
    }
    return status != SBS_ERR_MEMORY && sbs_status_group(status) != SBS_CLASS_LATER;
}

/* After the request for the statement: SBS_OK if what is known of it, be it nothing, suffices; SBS_PENDING: another way
 * of asking is left. */
static sbs_status modes_end_statement(sbs_forward_modes *modes, sbs_status status) {
    modes->priv.bad_statement = modes->priv.old_release = false;
    modes->priv.fault[0] = '\0';
    if (status == SBS_OK) {
        status = modes_read_statement(modes);
    } else if (sbs_forward_is_useless(modes->priv.server, status)) {
        note_useless(modes, status);
    }

    if (!modes->priv.old_release && modes_needs_whole(modes, status)) {
        modes->priv.whole = true;
        modes->priv.knowledge = SBS_FORWARD_NOT_ASKED;
        return SBS_PENDING;
    }

    if (is_refused(status) && modes->priv.step == ASK_OPENLY) {
        modes->priv.step = ASK_WITH_TOKEN; /* the standard says that it is public; not every server agrees */
        return SBS_PENDING;
    }
    if (is_refused(status)) {
        modes->priv.refused_with = sbs_forward_server_detail(modes->priv.server)->http_status;
        modes->priv.knowledge = SBS_FORWARD_NOT_SHOWN;
        return SBS_OK;
    }

    /* A mode that was chosen is the way out of a statement that cannot be read; not out of an older release. */
    if (modes->priv.bad_statement && !modes->priv.old_release && modes->priv.asked != SBS_FORWARD_AUTO) {
        modes->priv.bad_statement = false;
        modes->priv.knowledge = SBS_FORWARD_NOT_SHOWN;
        return SBS_OK;
    }

    return status;
}

/* The step after one that ended with @p status. What fails is tried again by the next poll, from the start. */
static sbs_status modes_end_step(sbs_forward_modes *modes, sbs_status status) {
    if (modes->priv.step == ASK_TOKEN) {
        if (status == SBS_OK) {
            modes->priv.step = LEARNT;
        }
        return status;
    }

    status = modes_end_statement(modes, status);
    if (status == SBS_OK) {
        modes->priv.step = modes->priv.asked == SBS_FORWARD_AUTO ? ASK_TOKEN : LEARNT;
    }
    return status;
}

sbs_status sbs_forward_modes_poll(sbs_forward_modes *modes, sbs_now now, sbs_wait *out_wait) {
    *out_wait = (sbs_wait){.descriptor = -1};

    if (modes->priv.step == LEARNT) {
        return SBS_OK;
    }

    sbs_status status = modes_start_request(modes);
    if (status != SBS_OK && status != SBS_ERR_STATE) { /* which means that it is under way */
        return status;
    }

    status = sbs_client_poll(modes_client(modes), now, out_wait);
    if (status == SBS_PENDING) {
        return status;
    }

    *out_wait = (sbs_wait){.descriptor = -1};
    status = modes_end_step(modes, status);
    if (status == SBS_OK && modes->priv.step != LEARNT) {
        return SBS_PENDING;
    }

    return status;
}

void sbs_forward_modes_cancel(sbs_forward_modes *modes) {
    if (modes->priv.server != NULL && modes->priv.step != LEARNT) {
        sbs_client_cancel(modes_client(modes));
    }
}

bool sbs_forward_modes_has_bad_statement(const sbs_forward_modes *modes) {
    return modes->priv.bad_statement;
}

const char *sbs_forward_modes_fault(const sbs_forward_modes *modes) {
    return modes->priv.fault;
}

bool sbs_forward_modes_asks_statement(const sbs_forward_modes *modes) {
    return modes->priv.step == ASK_OPENLY || modes->priv.step == ASK_WITH_TOKEN;
}

/* ---- deciding --------------------------------------------------------------------------------------------------- */

/* What the statement says of a type; nothing where it says nothing. */
static sbs_capability modes_stated(sbs_forward_modes *modes, const char *type) {
    if (modes->priv.knowledge != SBS_FORWARD_STATED) {
        return (sbs_capability){0};
    }
    return sbs_forward_statement_of(&modes->priv.statement, type);
}

#define LOST "an item whose answer is lost may be stored twice, use --write-mode put if the server can"
#define AGAIN "a repeated push stores it again, choose with --write-mode"

/* A person can act on one such sentence, not on one for each item. */
static void modes_warn_twice(sbs_forward_modes *modes, const char *why, const char *type, const char *advice) {
    char sentence[SENTENCE_SIZE];
    if (modes->priv.warned) {
        return;
    }

    modes->priv.warned = true;
    (void)snprintf(sentence, sizeof sentence, "%s for %s: %s", why, type, advice);
    modes_warn(modes, sentence);
}

/* Where no statement says how a type may be written: what came instead, with the URL that was asked. */
static void modes_warn_not_shown(sbs_forward_modes *modes, const char *type) {
    char url[URL_SHOWN_MAX + 16];
    char why[sizeof modes->priv.fault + 64];
    char what[URL_SHOWN_MAX + 128];

    if (modes->priv.fault[0] != '\0') {
        (void)snprintf(why, sizeof why, "%s, so nothing says whether the server heeds If-None-Exist",
                       modes->priv.fault);
        modes_warn_twice(modes, why, type, LOST);
        return;
    }

    put_statement_url(modes->priv.server, url, sizeof url);
    (void)snprintf(what, sizeof what, "%.64s (asked was %s, HTTP %u)", type, url, modes->priv.refused_with);
    modes_warn_twice(modes, "the server shows no CapabilityStatement, so nothing says whether it heeds If-None-Exist",
                     what, LOST);
}

static bool modes_allow(sbs_forward_modes *modes, const char *type, uint8_t permission, sbs_now now) {
    return sbs_forward_server_has_any_scope(modes->priv.server) ||
           sbs_scope_covers(sbs_forward_server_scope(modes->priv.server, now), type, permission);
}

/* Nothing was stated that makes a repeat safe. */
static void modes_warn_plain(sbs_forward_modes *modes, const char *type, const sbs_capability *capability) {
    if (!capability->create && !capability->update && !capability->update_create) {
        modes_warn_twice(modes,
                         "the server states neither create nor update and so does not state that it takes writing",
                         type, "it may refuse it, check --fhir");
        return;
    }
    if (capability->update_create) {
        modes_warn_twice(modes, "the granted scope has no u (update), and the server does not state conditional create",
                         type, AGAIN);
        return;
    }

    modes_warn_twice(modes, "the server does not state update-as-create or conditional create", type, AGAIN);
}

/* PUT needs u, also where it creates; If-None-Exist and plain POST need c (SMART App Launch 2.2, scopes). */
static sbs_write_mode modes_choose(sbs_forward_modes *modes, const char *type, sbs_now now) {
    sbs_capability capability = modes_stated(modes, type);
    bool may_update = modes_allow(modes, type, SBS_SCOPE_UPDATE, now);
    bool may_create = modes_allow(modes, type, SBS_SCOPE_CREATE, now);
    bool undecided = !may_update && !may_create; /* then the server shall say what is missing */

    if (modes->priv.knowledge != SBS_FORWARD_STATED) {
        if (may_update && !may_create) {
            return SBS_WRITE_PUT;
        }

        modes_warn_not_shown(modes, type);
        return SBS_WRITE_IF_NONE_EXIST;
    }

    /* PUT first: its repeat is safe even where a search would not find what was stored a moment ago. */
    if (capability.update_create && (may_update || undecided)) {
        return SBS_WRITE_PUT;
    }
    if (capability.conditional_create) {
        return SBS_WRITE_IF_NONE_EXIST;
    }

    modes_warn_plain(modes, type, &capability);
    return SBS_WRITE_PLAIN;
}

sbs_write_mode sbs_forward_modes_for(sbs_forward_modes *modes, const char *type, sbs_now now) {
    switch (modes->priv.asked) {
    case SBS_FORWARD_PUT:
        return SBS_WRITE_PUT;
    case SBS_FORWARD_PLAIN:
        return SBS_WRITE_PLAIN;
    case SBS_FORWARD_IF_NONE_EXIST:
        if (modes->priv.knowledge == SBS_FORWARD_NOT_SHOWN) {
            modes_warn_not_shown(modes, type);
        } else if (modes->priv.knowledge == SBS_FORWARD_STATED && !modes_stated(modes, type).conditional_create) {
            modes_warn_twice(modes, "the server does not state conditional create, it may ignore If-None-Exist", type,
                             LOST);
        }
        return SBS_WRITE_IF_NONE_EXIST;
    default:
        return modes_choose(modes, type, now);
    }
}

bool sbs_forward_modes_may_search(sbs_forward_modes *modes, sbs_now now) {
    /* Who asks wants to know whether a server that indexes late could be asked too early. */
    switch (modes->priv.asked) {
    case SBS_FORWARD_PUT:
    case SBS_FORWARD_PLAIN:
        return false;
    case SBS_FORWARD_IF_NONE_EXIST:
        return true;
    default:
        break;
    }

    bool puts =
        modes_stated(modes, "Observation").update_create && modes_allow(modes, "Observation", SBS_SCOPE_UPDATE, now);
    return !puts;
}
