/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strcasestr */
#include "push_words.h"

#include <stdio.h>
#include <string.h>

#include "advice.h"
#include "message.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "server.h"

/* ---- why ------------------------------------------------------------------------------------------------------ */

/* Statuses that speak of what was asked for rather than of what was sent. */
static bool is_about_target(unsigned http_status) {
    return http_status == 404 || http_status == 405 || http_status == 410;
}

/* Names what the server says is not there: a wrong --fhir shows in it. */
static void reason_add_url(const sbs_forward_event *event, char *out, size_t size) {
    if (!is_about_target(event->push->http_status) || event->detail->step != SBS_STEP_RESOURCE) {
        return;
    }

    size_t len = strlen(out);
    const char *slash = cli_server.fhir[strlen(cli_server.fhir) - 1] == '/' ? "" : "/";
    const char *target = event->statement ? "metadata" : event->target;
    (void)snprintf(out + len, size - len, "; the URL was %s%s%s", cli_server.fhir, slash, target);
}

/* The engine's short names for what the status says better. */
static bool is_said_by_status(const char *reason) {
    return strcmp(reason, "refused") == 0 || strcmp(reason, "several match") == 0;
}

void cli_push_reason(const sbs_forward_event *event, char *out, size_t size) {
    const sbs_push_event *push = event->push;

    if (push->kind == SBS_PUSH_COLLISION && push->http_status == 200) {
        (void)snprintf(out, size, "%s",
                       "already there before it was ever sent: perhaps another one has the same identifier");
        return;
    }

    /* Ours comes first. */
    bool known = event->detail != NULL || push->http_status != 0;
    bool ours = event->reason[0] != '\0' && !(known && is_said_by_status(event->reason));
    out[0] = '\0';
    if (ours) {
        (void)snprintf(out, size, "%s%s", event->reason, known ? ": " : "");
    }

    /* Then what the client or the engine knows of the answer. */
    size_t len = strlen(out);
    if (event->detail != NULL) {
        cli_reason(push->status, event->detail, out + len, size - len);
        reason_add_url(event, out, size);
    } else if (push->http_status != 0) {
        (void)snprintf(out + len, size - len, "%s (HTTP %u)%s%s", cli_sentence(push->status, push->http_status),
                       push->http_status, cli_colon(event->words), event->words);
    } else if (!ours) {
        (void)snprintf(out, size, "%s", sbs_status_text(push->status));
    }
}

/* ---- what to do ----------------------------------------------------------------------------------------------- */

static bool says_ids_are_its_own(const char *words) {
    static const char *const phrases[] = {"client-assigned",        "client assigned",  "supplied by",
                                          "assigned by the server", "server-assigned",  "create resource with id",
                                          "update-as-create",       "update as create", "updatecreate"};

    for (size_t i = 0; i < SBS_COUNT_OF(phrases); i++) {
        if (strcasestr(words, phrases[i]) != NULL) {
            return true;
        }
    }

    return false;
}

/* A server that assigns ids refuses a PUT with 404 or 405, or with words that say so. */
static bool refuses_put(const sbs_forward_event *event) {
    if (event->push->id == 0 || event->write_mode != SBS_WRITE_PUT) {
        return false;
    }

    switch (event->push->http_status) {
    case 404:
    case 405:
        return true;
    case 400:
    case 422:
        return says_ids_are_its_own(event->words);
    default:
        return false;
    }
}

/* If-None-Exist needs c (create), which not every scope has. */
static bool may_create(const sbs_forward_event *event) {
    char type[SBS_FHIR_ID_MAX + 1];
    size_t len = strcspn(event->target, "/");

    if (cli_server.any_scope) {
        return true;
    }
    if (len == 0 || len >= sizeof type) {
        return false;
    }

    /* The target is "Type" or "Type/id". */
    memcpy(type, event->target, len);
    type[len] = '\0';
    sbs_text granted = sbs_forward_server_scope(cli_server_forward(), sbs_linux_now());
    return sbs_scope_covers(granted, type, SBS_SCOPE_CREATE);
}

const char *cli_push_mode_advice(const sbs_forward_event *event) {
    if (!refuses_put(event)) {
        return NULL;
    }
    if (may_create(event)) {
        return "if the server assigns ids itself, use --write-mode if-none-exist";
    }
    return "if the server assigns ids itself, ask with --scope for c (create) too and use --write-mode if-none-exist";
}

static const char *advice_without_update(void) {
    if (cli_scope_is_unclear()) {
        return "ask with --scope for what the request needs, or use --write-mode if-none-exist, or --any-scope sends "
               "it all the same";
    }
    return "ask with --scope for what the request needs, or use --write-mode if-none-exist";
}

static sbs_detail detail_of_entry(const sbs_forward_event *event) {
    return (sbs_detail){
        .step = SBS_STEP_RESOURCE,
        .status = event->push->status,
        .http_status = event->push->http_status,
        .text = event->words,
    };
}

const char *cli_push_advice(const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;

    if (event->statement && push->http_status == 0 && event->detail == NULL) {
        return "choose a way to write with --write-mode";
    }

    /* A refused PUT has a way out that the status does not show. */
    const char *mode_advice = cli_push_mode_advice(event);
    if (mode_advice != NULL) {
        return mode_advice;
    }

    bool put_lacks_scope = push->status == SBS_ERR_SCOPE && event->write_mode == SBS_WRITE_PUT && push->id != 0;
    if (put_lacks_scope && may_create(event)) {
        return advice_without_update();
    }

    if (event->detail != NULL || push->http_status == 0) {
        return cli_advice(push->status, event->detail);
    }

    /* One entry of a batch: the request itself went well, so that the client has no detail of it. */
    sbs_detail of_entry = detail_of_entry(event);
    return cli_advice(push->status, &of_entry);
}

const char *cli_push_collision_advice(const sbs_forward_event *event) {
    if (event->push->kind != SBS_PUSH_COLLISION || event->push->http_status != 200) {
        return NULL;
    }
    return "if this server answers 200 to new resources, use --already-there accept";
}

bool cli_push_is_unmended(const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;

    if (cli_is_for_later(push->status, event->detail)) {
        return false;
    }

    return push->kind == SBS_PUSH_PAUSED || push->status == SBS_ERR_SCOPE || push->http_status == 403 ||
           is_about_target(push->http_status);
}
