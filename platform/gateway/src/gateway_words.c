/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_words.h"

#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/linux_text.h"

#define TOKEN_CLAUSE_SIZE 150u /* so that a status has room for what follows it */

/* What somebody can do, by what failed and where. The first row that fits counts. */
typedef struct words_advice {
    sbs_status status;  /* SBS_OK: any */
    int step;           /* -1: any */
    uint16_t http_from; /* 0 to 0: any, or none */
    uint16_t http_to;
    const char *text;
} words_advice;

static const words_advice advices[] = {
    {SBS_ERR_RESOLVE, -1, 0, 0, "check the network, the DNS and the host in 'fhir'"},
    {SBS_ERR_REFUSED, -1, 0, 0, "check the host and the port in 'fhir', and whether the server runs"},
    {SBS_ERR_UNREACHABLE, -1, 0, 0, "check the network's cable, router and proxy"},
    {SBS_ERR_UNTRUSTED, -1, 0, 0, "check 'ca' in gateway.conf, and who answers at that address"},
    {SBS_ERR_WRONG_NAME, -1, 0, 0, "check the host in 'fhir'"},
    {SBS_ERR_CERT_DATE, -1, 0, 0, "check the clock first, then the server's certificate"},
    {SBS_ERR_NO_TIME, -1, 0, 0, "the clock was never set: check NTP ('timedatectl')"},
    {SBS_ERR_KEY, -1, 0, 0, "the gateway's key cannot be used: see 'sbs-gateway check'"},
    {SBS_ERR_SCOPE, -1, 0, 0,
     "check 'scope' in gateway.conf, system/Observation.cu is enough, and have it granted to this client"},
    {SBS_OK, SBS_STEP_TOKEN, 400, 403,
     "check 'client-id' in gateway.conf, and have the server's administrator look at the client id and at the key that "
     "'sbs-gateway jwk --set' prints"},
    {SBS_OK, SBS_STEP_RESOURCE, 401, 403, "have the server's administrator look at the rights of this client"},
    {SBS_OK, -1, 404, 405, "check 'fhir' in gateway.conf"},
    {SBS_OK, -1, 429, 429, "the server asks for time"},
    {SBS_OK, -1, 500, 599, "the server has a fault of its own"},
};

/* NULL: the proxy is not why. */
static const char *words_advise_proxy(sbs_linux_proxy_problem problem) {
    switch (problem) {
    case SBS_LINUX_PROXY_NO_PROBLEM:
        return NULL;
    case SBS_LINUX_PROXY_WANTS_LOGIN:
        return "write 'proxy = http://USER:PASSWORD@HOST:PORT' into [server] of gateway.conf; it has to take Basic";
    case SBS_LINUX_PROXY_REFUSES_LOGIN:
        return "check user and password in 'proxy' of gateway.conf, and that the proxy takes Basic";
    case SBS_LINUX_PROXY_REFUSES:
        return "have the network's operator allow it";
    case SBS_LINUX_PROXY_FAILS:
        return "check the host in 'fhir', then ask the network's operator";
    case SBS_LINUX_PROXY_NO_HTTP:
        return "check host and port of 'proxy' in gateway.conf";
    default:
        return "check 'proxy' in gateway.conf, and that the proxy runs";
    }
}

static const char *words_advise(const sbs_push_event *push, const sbs_detail *detail) {
    int step = detail != NULL ? (int)detail->step : -2;

    /* The same HTTP status stands for a wrong client, and for a scope that this client may not have. */
    if (detail != NULL && detail->step == SBS_STEP_TOKEN && detail->oauth == SBS_OAUTH_INVALID_SCOPE) {
        return "check 'scope' in gateway.conf: scopes are separated by blanks, and each has to be granted to this "
               "client";
    }

    for (size_t i = 0; i < SBS_COUNT_OF(advices); i++) {
        const words_advice *row = &advices[i];
        bool status = row->status == SBS_OK || row->status == push->status;
        bool where = row->step == -1 || row->step == step;
        bool http = row->http_from == 0 || (push->http_status >= row->http_from && push->http_status <= row->http_to);
        if (status && where && http) {
            return row->text;
        }
    }

    return NULL;
}

static void words_append(char *out, size_t size, size_t *inout_len, const char *first, const char *second) {
    int len = snprintf(out + *inout_len, size - *inout_len, "%s%s", first, second);
    if (len > 0) {
        *inout_len += (size_t)len;
    }
    if (*inout_len >= size) {
        *inout_len = size - 1;
    }
}

void sbs_gateway_token_clause(const sbs_gateway_keys *keys, char *out, size_t size) {
    const char *words = sbs_gateway_keys_words(keys);
    if (words[0] == '\0') {
        words = "out of memory"; /* no token was asked */
    }

    size_t len = strnlen(words, size - 1);
    memcpy(out, words, len);
    out[sbs_linux_clean_text(out, len)] = '\0';
}

void sbs_gateway_token_words(const sbs_gateway_keys *keys, char *out, size_t size) {
    char clause[TOKEN_CLAUSE_SIZE];
    const char *next = "plug it in or unlock it: it is tried again by itself";
    if (sbs_gateway_keys_pin_was_refused(keys)) {
        next = "mend the PIN, then run 'sbs-gateway reload'";
    }

    sbs_gateway_token_clause(keys, clause, sizeof clause);
    (void)snprintf(out, size, "the key in the token cannot be used: %s; %s", clause, next);
}

void sbs_gateway_wait_words(sbs_forward_server *server, const sbs_gateway_keys *keys, const sbs_forward_event *event,
                            char *out, size_t size) {
    const sbs_push_event *push = event->push;
    const sbs_linux_proxy_stream *tunnel = sbs_forward_server_tunnel(server);
    const char *why = sbs_status_text(push->status);
    const char *advice = words_advise(push, event->detail);
    const char *beside = "";
    char http[32] = "";

    /* Nothing was sent: the token knows best why it did not sign. */
    if ((push->status == SBS_ERR_KEY || push->status == SBS_ERR_CRYPTO) && sbs_gateway_keys_words(keys)[0] != '\0') {
        sbs_gateway_token_words(keys, out, size);
        return;
    }

    /* A sentence of ours says more than the name of a status; TLS and the proxy know best what they failed with. */
    if (event->statement && event->reason[0] != '\0') {
        why = event->reason;
    }
    const char *tls = sbs_tls_stream_words(sbs_forward_server_tls(server));
    if (push->status == SBS_ERR_TLS || push->status == SBS_ERR_UNTRUSTED || push->status == SBS_ERR_WRONG_NAME ||
        push->status == SBS_ERR_CERT_DATE) {
        if (tls[0] != '\0') {
            why = tls;
        }
    }
    if (tunnel != NULL && sbs_linux_proxy_stream_problem(tunnel) != SBS_LINUX_PROXY_NO_PROBLEM &&
        push->http_status == 0) {
        /* That the proxy was not reached is said beside the sentence that tells why. */
        if (sbs_linux_proxy_stream_problem(tunnel) == SBS_LINUX_PROXY_NOT_REACHED) {
            beside = sbs_linux_proxy_stream_words(tunnel);
        } else {
            why = sbs_linux_proxy_stream_words(tunnel);
        }
        advice = words_advise_proxy(sbs_linux_proxy_stream_problem(tunnel));
    }

    if (push->http_status != 0) {
        (void)snprintf(http, sizeof http, " (HTTP %u)", push->http_status);
    }

    const char *step = "";
    if (event->detail != NULL) {
        step = sbs_step_text(event->detail->step);
    }

    /* "token request: the server refused (HTTP 401); have the key registered" */
    size_t len = 0;
    if (step[0] != '\0') {
        words_append(out, size, &len, step, ": ");
    }
    words_append(out, size, &len, why, http);
    if (beside[0] != '\0') {
        words_append(out, size, &len, ", ", beside);
    }
    if (advice != NULL) {
        words_append(out, size, &len, "; ", advice);
    }
}
