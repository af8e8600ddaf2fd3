/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at of the way to the server, and of the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway_check_internal.h"
#include "gateway_words.h"
#include "sbs/count.h"
#include "sbs/date.h"
#include "sbs/forward_mode.h"
#include "sbs/gateway_key.h"
#include "sbs/gateway_server.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"

#define SOON_S (14 * 86400)
#define PATIENCE_MS 90000u

typedef struct check_run {
    const sbs_gateway_check *check;
    const sbs_gateway_config *config;
    sbs_gateway_server server;
    sbs_gateway_keys keys;
    sbs_key key;
    sbs_forward_modes modes;
} check_run;

/* The stages in their order: what comes before the one that failed went well. */
typedef enum check_stage {
    STAGE_PROXY,
    STAGE_DNS,
    STAGE_TCP,
    STAGE_TLS,
    STAGE_METADATA,
    STAGE_DISCOVERY,
    STAGE_TOKEN,
    STAGE_COUNT
} check_stage;

static const char *const stage_names[STAGE_COUNT] = {"proxy", "dns", "tcp", "tls", "metadata", "discovery", "token"};

/* ---- what failed ------------------------------------------------------------------------------------------------ */

static check_stage stage_of_connection(sbs_status status) {
    switch (status) {
    case SBS_ERR_RESOLVE:
        return STAGE_DNS;
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_TIMEOUT:
    case SBS_ERR_NETWORK:
        return STAGE_TCP;
    case SBS_ERR_TLS:
    case SBS_ERR_UNTRUSTED:
    case SBS_ERR_WRONG_NAME:
    case SBS_ERR_CERT_DATE:
    case SBS_ERR_NO_TIME:
        return STAGE_TLS;
    default:
        return STAGE_COUNT;
    }
}

static check_stage stage_of(check_run *run, sbs_status status) {
    const sbs_detail *detail = sbs_forward_server_detail(&run->server.forward);
    const sbs_linux_proxy_stream *tunnel = sbs_forward_server_tunnel(&run->server.forward);
    if (tunnel != NULL && sbs_linux_proxy_stream_problem(tunnel) != SBS_LINUX_PROXY_NO_PROBLEM) {
        return STAGE_PROXY;
    }

    /* No answer: the connection. */
    check_stage stage = stage_of_connection(status);
    if (detail->http_status == 0 && stage != STAGE_COUNT) {
        return stage;
    }
    if (sbs_forward_modes_asks_statement(&run->modes)) {
        return STAGE_METADATA;
    }

    if (detail->step == SBS_STEP_DISCOVERY) {
        return STAGE_DISCOVERY;
    }

    return STAGE_TOKEN;
}

/* ---- the certificate -------------------------------------------------------------------------------------------- */

static void check_certificate(const check_run *run) {
    int64_t until_s = sbs_tls_stream_valid_until(sbs_forward_server_tls(&run->server.forward));
    int64_t now_s = sbs_linux_now().utc_s;
    char date[40] = "";
    sbs_writer out;
    if (until_s == 0) {
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "tls", NULL, "the server's certificate is trusted");
        return;
    }

    sbs_writer_init(&out, date, sizeof date - 1);
    sbs_date_put(&out, until_s, -1, 0);
    sbs_gateway_verdict verdict = SBS_GATEWAY_OK;
    const char *advice = NULL;
    if (now_s != SBS_UTC_UNKNOWN && until_s - now_s < SOON_S) {
        verdict = SBS_GATEWAY_WARN;
        advice = "ask the server's operator whether it will be renewed in time";
    }
    gateway_check_tell(run->check, verdict, "tls", advice,
                       "the server's certificates are trusted, the first of them ends %s", date);
}

/* ---- what went well --------------------------------------------------------------------------------------------- */

static void tell_stage(const check_run *run, check_stage stage) {
    switch (stage) {
    case STAGE_PROXY:
        if (sbs_forward_server_tunnel(&run->server.forward) != NULL) {
            gateway_check_tell(run->check, SBS_GATEWAY_OK, "proxy", NULL, "%s, port %u", run->server.proxy.host,
                               run->server.proxy.port);
        } else {
            gateway_check_tell(run->check, SBS_GATEWAY_OK, "proxy", NULL, "none");
        }
        break;
    case STAGE_DNS:
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "dns", NULL, "the server's name is known");
        break;
    case STAGE_TCP:
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "tcp", NULL, "the server can be reached");
        break;
    case STAGE_TLS:
        check_certificate(run);
        break;
    case STAGE_METADATA:
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "metadata", NULL, "the server states what it can do");
        break;
    case STAGE_DISCOVERY:
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "discovery", NULL, "the token endpoint is known");
        break;
    default:
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "token", NULL, "given");
        break;
    }
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void check_rights(check_run *run) {
    sbs_now now = sbs_linux_now();
    sbs_text granted = sbs_forward_server_scope(&run->server.forward, now);
    bool create = sbs_scope_covers(granted, "Observation", SBS_SCOPE_CREATE);
    bool update = sbs_scope_covers(granted, "Observation", SBS_SCOPE_UPDATE);
    char scope[300];
    (void)snprintf(scope, sizeof scope, "%.*s", (int)granted.len, granted.ptr);
    if (!create && !update) {
        gateway_check_tell(
            run->check, SBS_GATEWAY_FAIL, "scope",
            "write 'scope = system/Observation.cu' into [server] of gateway.conf, and have it granted to "
            "this client",
            "granted is %s", scope);
        return;
    }

    gateway_check_tell(run->check, SBS_GATEWAY_OK, "scope", NULL, "granted is %s", scope);
    sbs_write_mode mode = sbs_forward_modes_for(&run->modes, "Observation", now);
    sbs_capability can = sbs_forward_statement_of(&run->modes.priv.statement, "Observation");
    const char *way = "plain POST";
    if (mode == SBS_WRITE_PUT) {
        way = "PUT under an id of its own";
    } else if (mode == SBS_WRITE_IF_NONE_EXIST) {
        way = "POST unless it is there";
    }

    if (mode == SBS_WRITE_PLAIN) {
        gateway_check_tell(run->check, SBS_GATEWAY_WARN, "create",
                           "have u (update) granted too, or ask the server's operator for conditional create",
                           "Observation: by %s: a repeat after a lost answer may be stored twice", way);
    } else if (!can.create && !can.update && !can.update_create) {
        gateway_check_tell(run->check, SBS_GATEWAY_WARN, "create", "ask the server's operator",
                           "Observation: the server does not state that it takes new ones");
    } else {
        gateway_check_tell(run->check, SBS_GATEWAY_OK, "create", NULL, "Observation: granted and stated, by %s", way);
    }
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void check_fail(check_run *run, sbs_status status) {
    check_stage stage = stage_of(run, status);
    const sbs_detail *detail = sbs_forward_server_detail(&run->server.forward);
    sbs_push_event push = {.kind = SBS_PUSH_WAITING, .status = status, .http_status = detail->http_status};
    push.reason = "";
    if (sbs_forward_modes_has_bad_statement(&run->modes)) {
        push.reason = sbs_forward_modes_fault(&run->modes);
    }

    const sbs_forward_event event = {
        .push = &push,
        .reason = push.reason,
        .detail = detail,
        .statement = sbs_forward_modes_asks_statement(&run->modes),
    };

    char words[512];
    sbs_gateway_wait_words(&run->server.forward, &run->keys, &event, words, sizeof words);
    for (check_stage before = STAGE_PROXY; before < stage; before++) {
        tell_stage(run, before);
    }

    /* The sentence has its advice behind a semicolon. */
    const char *advice = "ask the server's operator";
    char *end = strstr(words, "; ");
    if (end != NULL) {
        *end = '\0';
        advice = end + 2;
    }
    gateway_check_tell(run->check, SBS_GATEWAY_FAIL, stage_names[stage], advice, "%s", words);
}

static void check_talk(check_run *run) {
    uint64_t until_ms = sbs_linux_now().mono_ms + PATIENCE_MS;
    sbs_status status = SBS_PENDING;
    sbs_wait wait;

    sbs_forward_mode asked = SBS_FORWARD_AUTO;
    if (run->config->write_mode != 0) {
        asked = run->config->write_mode;
    }
    sbs_forward_modes_init(&run->modes, &run->server.forward, asked, NULL, NULL);
    while (status == SBS_PENDING && sbs_linux_now().mono_ms < until_ms) {
        status = sbs_forward_modes_poll(&run->modes, sbs_linux_now(), &wait);
        if (status == SBS_PENDING) {
            (void)sbs_linux_wait(&wait);
        }
    }

    if (status == SBS_PENDING) {
        check_fail(run, SBS_ERR_TIMEOUT);
    } else if (status != SBS_OK) {
        check_fail(run, status);
    } else {
        for (check_stage stage = STAGE_PROXY; stage < STAGE_COUNT; stage++) {
            tell_stage(run, stage);
        }
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
        gateway_check_tell(run->check, SBS_GATEWAY_FAIL, "key",
                           "check the token, 'key' in gateway.conf, the PIN and its file, which the gateway's user "
                           "must be able to read",
                           "in a token: %s", words);
        return false;
    }

    gateway_check_tell(run->check, SBS_GATEWAY_OK, "key", NULL, "%s, in a token", thumbprint);
    return true;
}

/* The key is the gateway's to make: a look makes none. */
static bool check_open_key(check_run *run) {
    char thumbprint[SBS_KID_THUMBPRINT_LEN + 1];
    char path[4096];
    struct stat folder;
    int len = snprintf(path, sizeof path, "%s/keys", run->config->state);
    if (len < 0 || (size_t)len >= sizeof path || stat(path, &folder) != 0) {
        gateway_check_tell(run->check, SBS_GATEWAY_FAIL, "key", "start it with 'systemctl start sbs-gateway'",
                           "there is none: the gateway makes it at its first start");
        return false;
    }

    sbs_status status = sbs_gateway_keys_open(&run->keys, path, SBS_ES384, NULL);
    if (status != SBS_OK) {
        gateway_check_tell(run->check, SBS_GATEWAY_FAIL, "key", "run this as root or as the gateway's user", "%s: %s",
                           path, sbs_status_text(status));
        return false;
    }

    status = sbs_gateway_keys_thumbprint(&run->keys, thumbprint);
    if (status != SBS_OK) {
        gateway_check_tell(run->check, SBS_GATEWAY_FAIL, "key",
                           "restore it from a backup, or empty the folder and register a new key", "%s",
                           sbs_status_text(status));
        return false;
    }

    gateway_check_tell(run->check, SBS_GATEWAY_OK, "key", NULL, "%s", thumbprint);
    if (sbs_gateway_keys_is_rotating(&run->keys)) {
        gateway_check_tell(run->check, SBS_GATEWAY_WARN, "key",
                           "once the set is registered, run 'sbs-gateway key confirm'",
                           "the next one is made, and not used");
    }
    return true;
}

void sbs_gateway_check_server(const sbs_gateway_check *check, const sbs_gateway_config *config) {
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
            gateway_check_tell(check, SBS_GATEWAY_FAIL, "server", "then run this again", "%s", fault);
        } else {
            gateway_check_tell(check, SBS_GATEWAY_FAIL, "server", "close other programs", "%s",
                               sbs_status_text(status));
        }
    }

    sbs_gateway_server_close(&run->server);
    sbs_gateway_keys_close(&run->keys);
    sbs_wipe(run, sizeof *run);
    free(run);
}
