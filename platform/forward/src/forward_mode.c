/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_mode.h"

#include <stdio.h>
#include <stdlib.h>

#include "sbs/outcome.h"

enum { ASK_OPENLY, ASK_WITH_TOKEN, ASK_TOKEN, LEARNT };

void sbs_forward_modes_init(sbs_forward_modes *modes, sbs_forward_server *server, sbs_forward_mode asked,
                            void (*warn)(void *ctx, const char *sentence), void *warn_ctx) {
    *modes = (sbs_forward_modes){.priv = {.server = server, .asked = asked, .warn = warn, .warn_ctx = warn_ctx}};
    if (asked == SBS_FORWARD_PUT || asked == SBS_FORWARD_PLAIN) {
        modes->priv.step = LEARNT;
    }
}

void sbs_forward_modes_trust(sbs_forward_modes *modes) {
    if (modes->priv.asked != SBS_FORWARD_AUTO) {
        modes->priv.step = LEARNT;
    }
}

void sbs_forward_modes_free(sbs_forward_modes *modes) {
    sbs_forward_json_free(&modes->priv.statement);
    free(modes->priv.answer);
    *modes = (sbs_forward_modes){0};
}

/* ---- learning ------------------------------------------------------------------------------------------------- */

static sbs_status start_request(sbs_forward_modes *modes) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of("metadata"),
        .response_size = SBS_FORWARD_ANSWER_MAX,
        .without_token = modes->priv.step == ASK_OPENLY,
        .max_attempts = 1,
    };
    if (modes->priv.step == ASK_TOKEN) {
        request = (sbs_request){.interaction = SBS_TOKEN, .max_attempts = 1};
        return sbs_client_start(sbs_forward_server_client(modes->priv.server), &request);
    }

    if (modes->priv.answer == NULL) {
        modes->priv.answer = malloc(SBS_FORWARD_ANSWER_MAX);
    }
    if (modes->priv.answer == NULL) {
        return SBS_ERR_MEMORY;
    }
    request.response = modes->priv.answer;
    return sbs_client_start(sbs_forward_server_client(modes->priv.server), &request);
}

static void modes_warn(sbs_forward_modes *modes, const char *sentence) {
    if (modes->priv.warn != NULL) {
        modes->priv.warn(modes->priv.warn_ctx, sentence);
    }
}

/* R4 is what is written. Older releases would refuse it, or misread it; newer ones read most of it. */
static sbs_status check_version(sbs_forward_modes *modes) {
    static const struct {
        unsigned major;
        const char *name;
    } olds[] = {{0, "older than R4"}, {1, "DSTU2"}, {2, "older than STU3"}, {3, "STU3"}};
    sbs_text version = {NULL, 0};
    unsigned major = 0;
    char sentence[160];
    sbs_status status = sbs_capability_version(&modes->priv.statement.doc, &version, &major);
    if (status != SBS_OK || version.ptr == NULL) {
        return status;
    }

    int len = version.len < 32 ? (int)version.len : 32;
    if (major < 4) {
        (void)snprintf(modes->priv.fault, sizeof modes->priv.fault,
                       "the server states FHIR %.*s (%s), what is pushed is R4: give the base of its R4 endpoint", len,
                       version.ptr, olds[major].name);
        return SBS_ERR_UNSUPPORTED;
    }
    if (major > 4 && !modes->priv.warned_version) {
        modes->priv.warned_version = true;
        (void)snprintf(sentence, sizeof sentence,
                       "the server states FHIR %.*s, what is pushed is R4: it may refuse some of it", len, version.ptr);
        modes_warn(modes, sentence);
    }
    return SBS_OK;
}

static sbs_status read_statement(sbs_forward_modes *modes) {
    sbs_capability capability;
    modes->priv.fault[0] = '\0';
    size_t len = sbs_client_response(sbs_forward_server_client(modes->priv.server)).body_len;
    sbs_status status = sbs_forward_json_parse(&modes->priv.statement, (sbs_text){modes->priv.answer, len}, NULL);
    if (status == SBS_OK) {
        status = check_version(modes);
    }
    if (status == SBS_OK) {
        status = sbs_capability_read(&modes->priv.statement.doc, "Observation", &capability);
    }
    if (status == SBS_OK) {
        modes->priv.knowledge = SBS_FORWARD_STATED;
    }
    modes->priv.bad_statement = status != SBS_OK;
    return status;
}

/* The step after one that ended with @p status. What fails is tried again by the next poll, from the start. */
static sbs_status end_step(sbs_forward_modes *modes, sbs_status status) {
    bool refused = status == SBS_ERR_UNAUTHORIZED || status == SBS_ERR_FORBIDDEN || status == SBS_ERR_SCOPE ||
                   status == SBS_ERR_REJECTED;
    if (modes->priv.step == ASK_TOKEN) {
        if (status == SBS_OK) {
            modes->priv.step = LEARNT;
        }
        return status;
    }

    if (status == SBS_OK) {
        status = read_statement(modes);
    } else if (refused && modes->priv.step == ASK_OPENLY) {
        modes->priv.step = ASK_WITH_TOKEN; /* the standard says that it is public; not every server agrees */
        return SBS_PENDING;
    } else if (refused) {
        modes->priv.knowledge = SBS_FORWARD_NOT_SHOWN;
        status = SBS_OK;
    }
    if (status == SBS_OK) {
        modes->priv.step = modes->priv.asked == SBS_FORWARD_AUTO ? ASK_TOKEN : LEARNT;
    }
    return status;
}

static bool is_under_way(sbs_status started) {
    return started == SBS_OK || started == SBS_ERR_STATE;
}

sbs_status sbs_forward_modes_poll(sbs_forward_modes *modes, sbs_now now, sbs_wait *out_wait) {
    sbs_client *client = sbs_forward_server_client(modes->priv.server);
    *out_wait = (sbs_wait){.descriptor = -1};
    if (modes->priv.step == LEARNT) {
        return SBS_OK;
    }

    sbs_status status = start_request(modes); /* refused while one is under way */
    if (!is_under_way(status)) {
        return status;
    }
    status = sbs_client_poll(client, now, out_wait);
    if (status == SBS_PENDING) {
        return status;
    }

    *out_wait = (sbs_wait){.descriptor = -1};
    status = end_step(modes, status);
    return status == SBS_OK && modes->priv.step != LEARNT ? SBS_PENDING : status;
}

void sbs_forward_modes_cancel(sbs_forward_modes *modes) {
    if (modes->priv.server != NULL && modes->priv.step != LEARNT) {
        sbs_client_cancel(sbs_forward_server_client(modes->priv.server));
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

/* ---- deciding ------------------------------------------------------------------------------------------------- */

/* What the statement says of a type; nothing where it says nothing. */
static sbs_capability stated(const sbs_forward_modes *modes, const char *type) {
    sbs_capability capability = {0};
    if (modes->priv.knowledge != SBS_FORWARD_STATED ||
        sbs_capability_read(&modes->priv.statement.doc, type, &capability) != SBS_OK) {
        return (sbs_capability){0};
    }
    return capability;
}

/* A person can act on one such sentence, not on one for each item. */
static void warn_twice(sbs_forward_modes *modes, const char *why, const char *type, const char *advice) {
    char sentence[320];
    if (modes->priv.warned) {
        return;
    }
    modes->priv.warned = true;
    (void)snprintf(sentence, sizeof sentence, "%s for %s: %s", why, type, advice);
    modes_warn(modes, sentence);
}

#define LOST "an item whose answer is lost may be stored twice, use --write-mode put if the server can"
#define AGAIN "a repeated push stores it again, choose with --write-mode"

static bool allows(sbs_forward_modes *modes, const char *type, uint8_t permission, sbs_now now) {
    return sbs_forward_server_has_any_scope(modes->priv.server) ||
           sbs_scope_covers(sbs_forward_server_scope(modes->priv.server, now), type, permission);
}

/* PUT needs u, also where it creates; If-None-Exist and plain POST need c (SMART App Launch 2.2, scopes). */
static sbs_write_mode choose(sbs_forward_modes *modes, const char *type, sbs_now now) {
    sbs_capability capability = stated(modes, type);
    bool may_update = allows(modes, type, SBS_SCOPE_UPDATE, now);
    bool may_create = allows(modes, type, SBS_SCOPE_CREATE, now);
    bool undecided = !may_update && !may_create; /* then the server shall say what is missing */

    if (modes->priv.knowledge != SBS_FORWARD_STATED) {
        if (may_update && !may_create) {
            return SBS_WRITE_PUT;
        }
        warn_twice(modes, "the server shows no CapabilityStatement, so nothing says whether it heeds If-None-Exist",
                   type, LOST);
        return SBS_WRITE_IF_NONE_EXIST;
    }
    if (capability.update_create && (may_update || undecided)) {
        return SBS_WRITE_PUT;
    }
    if (capability.conditional_create) {
        return SBS_WRITE_IF_NONE_EXIST;
    }
    if (!capability.create && !capability.update && !capability.update_create) {
        warn_twice(modes, "the server states neither create nor update and so does not state that it takes writing",
                   type, "it may refuse it, check --fhir");
    } else if (capability.update_create) {
        warn_twice(modes, "the granted scope has no u (update), and the server does not state conditional create", type,
                   AGAIN);
    } else {
        warn_twice(modes, "the server does not state update-as-create or conditional create", type, AGAIN);
    }
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
            warn_twice(modes, "the server shows no CapabilityStatement, so nothing says whether it heeds If-None-Exist",
                       type, LOST);
        } else if (modes->priv.knowledge == SBS_FORWARD_STATED && !stated(modes, type).conditional_create) {
            warn_twice(modes, "the server does not state conditional create, it may ignore If-None-Exist", type, LOST);
        }
        return SBS_WRITE_IF_NONE_EXIST;
    default:
        return choose(modes, type, now);
    }
}

bool sbs_forward_modes_may_search(sbs_forward_modes *modes, sbs_now now) {
    switch (modes->priv.asked) {
    case SBS_FORWARD_PUT:
    case SBS_FORWARD_PLAIN:
        return false;
    case SBS_FORWARD_IF_NONE_EXIST:
        return true;
    default:
        return !(stated(modes, "Observation").update_create && allows(modes, "Observation", SBS_SCOPE_UPDATE, now));
    }
}

bool sbs_forward_modes_takes_batch(const sbs_forward_modes *modes) {
    sbs_capability capability = stated(modes, "Observation");
    return modes->priv.knowledge != SBS_FORWARD_STATED || capability.batch || capability.transaction;
}
