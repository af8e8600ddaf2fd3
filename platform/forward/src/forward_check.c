/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sbs/date.h"
#include "sbs/linux_clock.h"
#include "sbs/url.h"

#define CLOCK_GOOD_S 5 /* no server minds a difference of so little */
#define SOON_S (14 * 86400)
#define TYPE_SIZE (SBS_FHIR_ID_MAX + 1)

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static const char *const verdict_names[] = {"OK", "WARN", "FAIL"};

const char *sbs_forward_step_name(sbs_forward_step step) {
    static const char *const names[] = {
        [SBS_FORWARD_STEP_CONFIGURATION] = "configuration",
        [SBS_FORWARD_STEP_STATE] = "state",
        [SBS_FORWARD_STEP_DISK] = "disk",
        [SBS_FORWARD_STEP_CLOCK] = "clock",
        [SBS_FORWARD_STEP_LISTEN] = "listen",
        [SBS_FORWARD_STEP_DEVICES] = "devices",
        [SBS_FORWARD_STEP_KEY] = "key",
        [SBS_FORWARD_STEP_PROXY] = "proxy",
        [SBS_FORWARD_STEP_DNS] = "DNS",
        [SBS_FORWARD_STEP_TCP] = "TCP",
        [SBS_FORWARD_STEP_TLS] = "TLS",
        [SBS_FORWARD_STEP_METADATA] = "metadata",
        [SBS_FORWARD_STEP_DISCOVERY] = "discovery",
        [SBS_FORWARD_STEP_TOKEN] = "token",
        [SBS_FORWARD_STEP_SCOPE] = "scope",
        [SBS_FORWARD_STEP_CREATE] = "create",
        [SBS_FORWARD_STEP_COUNT] = "",
    };
    return names[step];
}

void sbs_forward_check_tell(const sbs_forward_check *check, sbs_forward_verdict verdict, sbs_forward_step step,
                            const char *advice, const char *format, ...) {
    char text[SBS_FORWARD_FINDING_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return;
    }

    const sbs_forward_finding finding = {verdict, step, text, advice};
    check->tell(check->ctx, &finding);
}

void sbs_forward_check_put_line(sbs_writer *out, const sbs_forward_finding *finding) {
    const char *verdict = verdict_names[finding->verdict];
    sbs_put_string(out, verdict);
    for (size_t width = strlen(verdict); width < strlen("WARN  "); width++) {
        sbs_put_char(out, ' ');
    }

    sbs_put_string(out, sbs_forward_step_name(finding->step));
    sbs_put_string(out, ": ");
    sbs_put_string(out, finding->text);
    if (finding->advice != NULL) {
        sbs_put_string(out, ", ");
        sbs_put_string(out, finding->advice);
    }
    sbs_put_char(out, '\n');
}

void sbs_forward_check_put_json(sbs_json_writer *json, const sbs_forward_finding *finding) {
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "step", sbs_text_of(sbs_forward_step_name(finding->step)));
    sbs_json_member_text(json, "result", sbs_text_of(verdict_names[finding->verdict]));
    sbs_json_member_text(json, "text", sbs_text_of(finding->text));
    sbs_json_member_text(json, "advice", sbs_text_of(finding->advice));
    sbs_json_end_object(json);
}

/* ---- the connection --------------------------------------------------------------------------------------------- */

/* The server that is asked first. False: its URL is not well-formed, which is told elsewhere. */
static bool check_server_url(const sbs_forward_server *server, sbs_url *out) {
    const char *text = server->priv.given.fhir_base;
    if (text == NULL) {
        text = server->priv.given.token_url;
    }
    return text != NULL && sbs_url_parse(sbs_text_of(text), out) == SBS_OK;
}

static void check_host(const sbs_url *url, char out[SBS_HOST_SIZE]) {
    (void)snprintf(out, SBS_HOST_SIZE, "%.*s", (int)url->host.len, url->host.ptr);
}

/* NULL: the server is reached without one. */
static const sbs_linux_proxy *check_proxy_of(const sbs_forward_server *server) {
    const sbs_linux_proxy *proxy = server->priv.given.proxy;
    char host[SBS_HOST_SIZE];
    sbs_url url;
    if (proxy == NULL || !check_server_url(server, &url) || !url.https) {
        return NULL;
    }

    check_host(&url, host);
    return sbs_linux_proxy_serves(proxy->exceptions, host, url.port) ? proxy : NULL;
}

sbs_forward_step sbs_forward_check_reached(const sbs_forward_server *server, sbs_status status,
                                           const sbs_detail *detail) {
    if (detail->http_status != 0) {
        return SBS_FORWARD_STEP_COUNT;
    }

    /* A proxy resolves the name and connects: that is one step, then. */
    bool proxied = check_proxy_of(server) != NULL;
    switch (status) {
    case SBS_ERR_RESOLVE:
        return proxied ? SBS_FORWARD_STEP_PROXY : SBS_FORWARD_STEP_DNS;
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_NETWORK:
    case SBS_ERR_TIMEOUT:
        return proxied ? SBS_FORWARD_STEP_PROXY : SBS_FORWARD_STEP_TCP;
    case SBS_ERR_TLS:
    case SBS_ERR_UNTRUSTED:
    case SBS_ERR_WRONG_NAME:
    case SBS_ERR_CERT_DATE:
        return SBS_FORWARD_STEP_TLS;
    default:
        return SBS_FORWARD_STEP_COUNT;
    }
}

static void check_tell_tls(const sbs_forward_check *check, const sbs_forward_server *server, bool https,
                           const char *host) {
    int64_t until_s = sbs_tls_stream_valid_until(sbs_forward_server_tls(server));
    int64_t now_s = sbs_linux_now().utc_s;
    char date[40] = "";
    sbs_writer out;
    if (!https) {
        sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_TLS, "use it for tests only",
                               "none, plain http");
        return;
    }
    if (until_s == 0) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_TLS, NULL, "%s", host);
        return;
    }

    sbs_writer_init(&out, date, sizeof date - 1);
    sbs_date_put(&out, until_s, -1, 0);
    bool soon = now_s != SBS_UTC_UNKNOWN && until_s - now_s < SOON_S;
    const char *advice = soon ? "ask the server's operator whether it will be renewed in time" : NULL;
    sbs_forward_check_tell(check, soon ? SBS_FORWARD_WARN : SBS_FORWARD_OK, SBS_FORWARD_STEP_TLS, advice,
                           "%s, the first of its certificates ends %s", host, date);
}

void sbs_forward_check_connection(const sbs_forward_check *check, const sbs_forward_server *server,
                                  sbs_forward_step end) {
    const sbs_linux_proxy *proxy = check_proxy_of(server);
    char host[SBS_HOST_SIZE];
    sbs_url url;
    if (!check_server_url(server, &url)) {
        return;
    }

    check_host(&url, host);
    if (proxy != NULL && end > SBS_FORWARD_STEP_PROXY) {
        char name[SBS_HOST_SIZE + 16];
        sbs_linux_proxy_place(proxy->host, proxy->port, name, sizeof name);
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_PROXY, NULL, "%s", name);
    }
    if (proxy == NULL && end > SBS_FORWARD_STEP_DNS) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_DNS, NULL, "%s", host);
    }
    if (proxy == NULL && end > SBS_FORWARD_STEP_TCP) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_TCP, NULL, "%s", host);
    }
    if (end > SBS_FORWARD_STEP_TLS) {
        check_tell_tls(check, server, url.https, host);
    }
}

void sbs_forward_check_clock(const sbs_forward_check *check, sbs_now now, int64_t server_utc_s) {
    const char *advice = "set this machine's clock";
    if (server_utc_s == SBS_UTC_UNKNOWN && sbs_linux_clock_is_synchronised()) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_CLOCK, NULL, "synchronised");
        return;
    }
    if (server_utc_s == SBS_UTC_UNKNOWN) {
        sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_CLOCK,
                               "set up NTP ('timedatectl set-ntp true')",
                               "the kernel does not call it synchronised; the server's answer has to vouch for it");
        return;
    }

    int64_t ahead_s = now.utc_s - server_utc_s;
    if (ahead_s > CLOCK_GOOD_S) {
        sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_CLOCK, advice, "%lld s ahead of the server's",
                               (long long)ahead_s);
    } else if (ahead_s < -CLOCK_GOOD_S) {
        sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_CLOCK, advice, "%lld s behind the server's",
                               -(long long)ahead_s);
    } else {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_CLOCK, NULL, "agrees with the server's");
    }
}

/* ---- the token -------------------------------------------------------------------------------------------------- */

void sbs_forward_check_discovery(const sbs_forward_check *check, sbs_forward_server *server) {
    if (server->priv.given.token_url != NULL) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_DISCOVERY, NULL, "not needed, %s is given",
                               check->token_url);
        return;
    }

    /* The URL is the one that the token request goes to. */
    sbs_text url = sbs_client_token_url(sbs_forward_server_client(server));
    sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_DISCOVERY, NULL, "token endpoint %.*s", (int)url.len,
                           url.ptr);
}

/* A scope of SMART's form may be covered by a wider one; any other is granted as it stands or not at all. */
static bool scope_is_granted(sbs_text granted, sbs_text asked) {
    sbs_scope scope;
    char type[TYPE_SIZE];
    sbs_text token;

    if (sbs_scope_parse(asked, &scope) == SBS_OK && scope.type.len < sizeof type &&
        sbs_text_equal(scope.context, SBS_TEXT("system")) && scope.query.ptr == NULL) {
        memcpy(type, scope.type.ptr, scope.type.len);
        type[scope.type.len] = '\0';
        return sbs_scope_covers(granted, type, scope.permissions);
    }

    while (sbs_scope_next(&granted, &token)) {
        if (sbs_text_equal(token, asked)) {
            return true;
        }
    }
    return false;
}

void sbs_forward_check_token(const sbs_forward_check *check, const sbs_forward_server *server,
                             const sbs_token_view *token) {
    sbs_text asked = sbs_text_of(server->priv.given.scope);
    sbs_text one;
    bool all = true;
    sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_TOKEN, NULL, "valid for %u s",
                           (unsigned)token->expires_in_s);

    while (sbs_scope_next(&asked, &one)) {
        if (!scope_is_granted(token->scope, one)) {
            all = false;
            sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_SCOPE, "have it granted",
                                   "%.*s is not granted", (int)one.len, one.ptr);
        }
    }
    if (all) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_SCOPE, NULL, "%.*s", (int)token->scope.len,
                               token->scope.ptr);
    }
}
