/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at of the way to the server, and of the server. */
#include "sbs/gateway_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway_words.h"
#include "sbs/gateway_key.h"
#include "sbs/gateway_server.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"

#define PATIENCE_MS 90000u

typedef struct check_run {
    const sbs_forward_check *check;
    const sbs_gateway_config *config;
    sbs_gateway_server server;
    sbs_gateway_keys keys;
    sbs_key key;
    sbs_forward_modes modes;
    bool unread; /* what came in place of a statement is none, and need not be */
} check_run;

/* Where it ended: what comes before that went well. */
static sbs_forward_step check_step_of(check_run *run, sbs_status status) {
    const sbs_detail *detail = sbs_forward_server_detail(&run->server.forward);
    sbs_forward_step step = sbs_forward_check_reached(&run->server.forward, status, detail);
    if (step != SBS_FORWARD_STEP_COUNT) {
        return step;
    }
    if (!run->unread && sbs_forward_modes_asks_statement(&run->modes)) {
        return SBS_FORWARD_STEP_METADATA;
    }
    if (detail->step == SBS_STEP_DISCOVERY) {
        return SBS_FORWARD_STEP_DISCOVERY;
    }
    return SBS_FORWARD_STEP_TOKEN;
}

/* ---- what went well ---------------------------------------------------------------------------------------------- */

static void check_clock_of_server(const check_run *run) {
    sbs_now now = sbs_linux_now();
    int64_t server_utc_s = sbs_client_server_time(&run->server.forward.priv.client, now);
    if (server_utc_s != SBS_UTC_UNKNOWN) {
        sbs_forward_check_clock(run->check, now, server_utc_s);
    }
}

static void check_statement(const check_run *run) {
    const sbs_forward_statement *statement = NULL;
    uint16_t refused_with = 0;
    if (run->unread) {
        sbs_forward_check_tell(run->check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_METADATA,
                               "'write-mode' is used all the same", "%s", sbs_forward_modes_fault(&run->modes));
        return;
    }
    if (!sbs_forward_modes_learnt(&run->modes, &statement, &refused_with)) {
        return;
    }

    if (statement == NULL) {
        sbs_forward_check_unstated(run->check);
    } else {
        (void)sbs_forward_check_release(run->check, sbs_text_of(statement->release), statement->major);
    }
}

/* The rows of what came before @p end. */
static void check_tell_until(check_run *run, sbs_forward_step end) {
    sbs_forward_check_connection(run->check, &run->server.forward, end);
    if (end > SBS_FORWARD_STEP_TLS) {
        check_clock_of_server(run);
    }
    if (end > SBS_FORWARD_STEP_METADATA) {
        check_statement(run);
    }
    if (end > SBS_FORWARD_STEP_DISCOVERY) {
        sbs_forward_check_discovery(run->check, &run->server.forward);
    }
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void check_rights(check_run *run) {
    const sbs_forward_statement *statement = NULL;
    uint16_t refused_with = 0;
    sbs_token_view token = {0};
    sbs_forward_writing writing = {.type = "Observation", .asked = run->config->write_mode};
    if (sbs_client_token(&run->server.forward.priv.client, sbs_linux_now(), &token) != SBS_OK) {
        return; /* it ended a moment ago */
    }

    sbs_forward_check_token(run->check, &run->server.forward, &token);
    writing.may_create = sbs_scope_covers(token.scope, writing.type, SBS_SCOPE_CREATE);
    writing.may_update = sbs_scope_covers(token.scope, writing.type, SBS_SCOPE_UPDATE);
    writing.known = sbs_forward_modes_learnt(&run->modes, &statement, &refused_with) && statement != NULL;
    if (writing.known) {
        writing.stated = sbs_forward_statement_of(&run->modes.priv.statement, writing.type);
    }
    (void)sbs_forward_check_writing(run->check, &writing);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void check_fail(check_run *run, sbs_status status) {
    sbs_forward_step step = check_step_of(run, status);
    const sbs_detail *detail = sbs_forward_server_detail(&run->server.forward);
    sbs_push_event push = {.kind = SBS_PUSH_WAITING, .status = status, .http_status = detail->http_status};
    push.reason = "";
    if (!run->unread && sbs_forward_modes_has_bad_statement(&run->modes)) {
        push.reason = sbs_forward_modes_fault(&run->modes);
    }

    const sbs_forward_event event = {
        .push = &push,
        .reason = push.reason,
        .detail = detail,
        .statement = !run->unread && sbs_forward_modes_asks_statement(&run->modes),
    };

    char words[512];
    sbs_gateway_wait_words(&run->server.forward, &run->keys, &event, words, sizeof words);
    check_tell_until(run, step);

    /* The sentence has its advice behind a semicolon. */
    const char *advice = "ask the server's operator";
    char *end = strstr(words, "; ");
    if (end != NULL) {
        *end = '\0';
        advice = end + 2;
    }
    sbs_forward_check_tell(run->check, SBS_FORWARD_FAIL, step, advice, "%s", words);
}

/* Polls one of the two until it has ended, or the time is over. */
static sbs_status check_poll(check_run *run, bool statement, uint64_t until_ms) {
    sbs_client *client = sbs_forward_server_client(&run->server.forward);
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING && sbs_linux_now().mono_ms < until_ms) {
        sbs_wait wait;
        status = statement ? sbs_forward_modes_poll(&run->modes, sbs_linux_now(), &wait)
                           : sbs_client_poll(client, sbs_linux_now(), &wait);
        if (status == SBS_PENDING) {
            (void)sbs_linux_wait(&wait);
        }
    }
    return status == SBS_PENDING ? SBS_ERR_TIMEOUT : status;
}

/* A way to write that was chosen is used whatever came in place of a statement, unless that is of an older release. */
static bool check_goes_on(check_run *run, sbs_status status) {
    bool useless = sbs_forward_modes_has_bad_statement(&run->modes) && status != SBS_ERR_UNSUPPORTED;
    run->unread = useless && run->config->write_mode > SBS_FORWARD_AUTO;
    return run->unread;
}

static void check_talk(check_run *run) {
    const sbs_request token = {.interaction = SBS_TOKEN, .max_attempts = 1};
    uint64_t until_ms = sbs_linux_now().mono_ms + PATIENCE_MS;

    /* What a chosen way does not need is looked at all the same. */
    sbs_forward_modes_init(&run->modes, &run->server.forward, SBS_FORWARD_AUTO, NULL, NULL);
    sbs_status status = check_poll(run, true, until_ms);
    if (status != SBS_OK && check_goes_on(run, status)) {
        status = sbs_client_start(sbs_forward_server_client(&run->server.forward), &token);
        if (status == SBS_OK) {
            status = check_poll(run, false, until_ms);
        }
    }

    if (status != SBS_OK) {
        check_fail(run, status);
    } else {
        check_tell_until(run, SBS_FORWARD_STEP_TOKEN);
        check_rights(run);
    }
    sbs_forward_modes_cancel(&run->modes);
    sbs_forward_modes_free(&run->modes);
}

static bool check_open_token(check_run *run) {
    char thumbprint[SBS_KID_THUMBPRINT_LEN + 1];
    sbs_status status = sbs_gateway_keys_use(&run->keys, run->config->key);
    if (status == SBS_OK) {
        status = sbs_gateway_keys_thumbprint(&run->keys, thumbprint);
    }
    if (status != SBS_OK) {
        char words[256];
        sbs_gateway_token_clause(&run->keys, words, sizeof words);
        sbs_forward_check_tell(run->check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_KEY,
                               "check the token, 'key' in gateway.conf, the PIN and its file, which the gateway's user "
                               "must be able to read",
                               "in a token: %s", words);
        return false;
    }

    sbs_forward_check_tell(run->check, SBS_FORWARD_OK, SBS_FORWARD_STEP_KEY, NULL, "%s, in a token", thumbprint);
    return true;
}

/* The key is the gateway's to make: a look makes none. */
static bool check_open_key(check_run *run) {
    char thumbprint[SBS_KID_THUMBPRINT_LEN + 1];
    char path[4096];
    struct stat folder;
    int len = snprintf(path, sizeof path, "%s/" SBS_GATEWAY_KEYS, run->config->state);
    if (len < 0 || (size_t)len >= sizeof path || stat(path, &folder) != 0) {
        sbs_forward_check_tell(run->check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_KEY,
                               "start it with 'systemctl start sbs-gateway'",
                               "there is none: the gateway makes it at its first start");
        return false;
    }

    sbs_status status = sbs_gateway_keys_open(&run->keys, path, SBS_ES384, NULL);
    if (status != SBS_OK) {
        sbs_forward_check_tell(run->check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_KEY,
                               "run this as root or as the gateway's user", "%s: %s", path, sbs_status_text(status));
        return false;
    }

    status = sbs_gateway_keys_thumbprint(&run->keys, thumbprint);
    if (status != SBS_OK) {
        sbs_forward_check_tell(run->check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_KEY,
                               "restore it from a backup, or empty the folder and register a new key", "%s",
                               sbs_status_text(status));
        return false;
    }

    sbs_forward_check_tell(run->check, SBS_FORWARD_OK, SBS_FORWARD_STEP_KEY, NULL, "%s", thumbprint);
    if (sbs_gateway_keys_is_rotating(&run->keys)) {
        sbs_forward_check_tell(run->check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_KEY,
                               "once the set is registered, run 'sbs-gateway key confirm'",
                               "the next one is made, and not used");
    }
    return true;
}

void sbs_gateway_check_server(const sbs_forward_check *check, const sbs_gateway_config *config) {
    check_run *run = calloc(1, sizeof *run);
    const char *fault = NULL;
    if (run == NULL) {
        return;
    }

    run->check = check;
    run->config = config;
    bool has_key = config->key != NULL ? check_open_token(run) : check_open_key(run);
    if (has_key) {
        sbs_gateway_keys_port(&run->keys, &run->key);
        sbs_status status = sbs_gateway_server_open(&run->server, config, &run->key, &fault);
        if (status == SBS_OK) {
            check_talk(run);
        } else if (fault != NULL) {
            sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_CONFIGURATION, "then run this again", "%s",
                                   fault);
        } else {
            sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_CONFIGURATION, "close other programs",
                                   "%s", sbs_status_text(status));
        }
    }

    sbs_gateway_server_close(&run->server);
    sbs_gateway_keys_close(&run->keys);
    sbs_wipe(run, sizeof *run);
    free(run);
}
