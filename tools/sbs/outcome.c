/* SPDX-License-Identifier: Apache-2.0 */
/* What a result of the library means for a person: exit status, words, advice. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "message.h"
#include "options.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "server.h"
#include "tls_words.h"

int cli_exit_of(sbs_status status, const sbs_detail *detail) {
    bool before_answer = detail == NULL || detail->http_status == 0;
    switch (status) {
    case SBS_OK:
        return CLI_DONE;
    case SBS_ERR_BUSY:
        return before_answer ? CLI_NETWORK : CLI_REFUSED;
    case SBS_ERR_CONFLICT:
    case SBS_ERR_OAUTH:
    case SBS_ERR_SCOPE:
    case SBS_ERR_UNAUTHORIZED:
    case SBS_ERR_FORBIDDEN:
    case SBS_ERR_REDIRECT:
    case SBS_ERR_REJECTED:
    case SBS_ERR_AMBIGUOUS:
    case SBS_ERR_TOKEN_HOST:
        return CLI_REFUSED;
    case SBS_ERR_RESOLVE:
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_TRUNCATED:
    case SBS_ERR_TIMEOUT:
    case SBS_ERR_NETWORK:
    case SBS_ERR_MEMORY:
    case SBS_ERR_HTTP:
    case SBS_ERR_TOO_LARGE:
    case SBS_ERR_TLS:
    case SBS_ERR_UNTRUSTED:
    case SBS_ERR_WRONG_NAME:
    case SBS_ERR_CERT_DATE:
        return CLI_NETWORK;
    case SBS_ERR_STORAGE:
    case SBS_ERR_DAMAGED:
    case SBS_ERR_VERSION:
    case SBS_ERR_RANDOM:
        return CLI_LOCAL;
    default:
        return CLI_INPUT;
    }
}

/* ---- sentences and advice: tables whose first row that fits counts ------------------------------------------- */

/* Without regard to case: servers write their words as they like. */
static bool says(const sbs_detail *detail, const char *word) {
    size_t len = strlen(word);
    for (const char *at = detail->text; *at != '\0'; at++) {
        if (strncasecmp(at, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool says_audience(const sbs_detail *detail) {
    return says(detail, "audience") || says(detail, "\"aud\"") || says(detail, "'aud'") || says(detail, "aud claim");
}

static bool says_several(const sbs_detail *detail) {
    return detail->text[0] == '\0' || says(detail, "multiple") || says(detail, "several") ||
           says(detail, "more than one") || says(detail, "duplicate");
}

/* The seed's profile has neither kid nor jti. */
static bool lacks_claims_of_smart(const sbs_detail *detail) {
    return cli_server.profile == 2 && (says(detail, "jti") || says(detail, "kid"));
}

/* By more than what an assertion is dated back. */
static bool clock_differs(const sbs_detail *detail) {
    return detail->clock_difference_s > SBS_ASSERTION_BACKDATE_S ||
           detail->clock_difference_s < -SBS_ASSERTION_BACKDATE_S;
}

static bool refuses_client(const sbs_detail *detail) {
    return detail->oauth == SBS_OAUTH_INVALID_CLIENT || detail->oauth == SBS_OAUTH_INVALID_GRANT;
}

/* A server that demands kid or jti refuses the seed's profile as it would a wrong key. */
static bool refuses_seed(const sbs_detail *detail) {
    return cli_server.profile == 2 &&
           (refuses_client(detail) || (detail->oauth == SBS_OAUTH_NONE && detail->step == SBS_STEP_TOKEN &&
                                       (detail->http_status == 401 || detail->http_status == 403)));
}

static bool refuses_scope(const sbs_detail *detail) {
    return detail->oauth == SBS_OAUTH_INVALID_SCOPE;
}

static bool has_no_code(const sbs_detail *detail) {
    return detail->oauth == SBS_OAUTH_NONE;
}

static bool names_no_time(const sbs_detail *detail) {
    return detail->retry_after_s == 0;
}

static bool is_page(const sbs_detail *detail) {
    return detail->page;
}

#define ANY_STATUS SBS_OK

typedef struct outcome_row {
    sbs_status status;
    sbs_step step;                           /* SBS_STEP_NONE: any */
    uint16_t http_first, http_last;          /* 0: any, and none */
    bool (*holds)(const sbs_detail *detail); /* NULL: always */
    const char *words;
} outcome_row;

/* Sentences that tell more than the library's one for the status. */
static const outcome_row sentences[] = {
    {SBS_ERR_BUSY, SBS_STEP_NONE, 500, 500, names_no_time, "the server failed"},
    {SBS_ERR_BUSY, SBS_STEP_NONE, 502, 502, names_no_time, "a gateway got no usable answer from the server"},
    {SBS_ERR_BUSY, SBS_STEP_NONE, 504, 504, names_no_time, "a gateway got no answer from the server in time"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 404, 404, NULL, "not found"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 410, 410, NULL, "not there any more"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, 413, 413, NULL, NULL},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, 0, 0, is_page, "a web page refuses in the FHIR server's place"},
    {SBS_ERR_RESPONSE, SBS_STEP_RESOURCE, 0, 0, is_page, "a web page answers in the FHIR server's place"},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 304, 304, NULL, "the server says that nothing changed"},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 412, 412, says_several, NULL},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 412, 412, NULL, "a condition of the request does not hold"},
};

#define CHECK_CLIENT "check --client-id, the registered key and its kid, --aud, and this machine's clock"
#define CHECK_CLIENT_SEED                                                                                              \
    "check --client-id, the registered key, --aud, and this machine's clock; a server that demands kid or jti "        \
    "refuses "                                                                                                         \
    "--profile seed, leave it out"

#define CHECK_BETWEEN "check --fhir and what stands before the server: a proxy, a gateway, the network's sign-in"

static const outcome_row advices[] = {
    {ANY_STATUS, SBS_STEP_TOKEN, 404, 405, NULL, "give the right token endpoint with --token-url"},
    {ANY_STATUS, SBS_STEP_TOKEN, 0, 0, says_audience, "give the audience that the server expects with --aud"},
    {ANY_STATUS, SBS_STEP_TOKEN, 0, 0, lacks_claims_of_smart,
     "leave --profile seed out: the smart profile has kid and jti"},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, 0, 0, refuses_scope, "ask for scopes that the client is registered for"},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, 0, 0, refuses_seed, CHECK_CLIENT_SEED},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, 0, 0, refuses_client, CHECK_CLIENT},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 401, 401, has_no_code, CHECK_CLIENT},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 403, 403, has_no_code, CHECK_CLIENT},
    {ANY_STATUS, SBS_STEP_TOKEN, 0, 0, clock_differs,
     "set this machine's clock, then check the client's registration with the server's operator"},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, 0, 0, NULL, "check the client's registration with the server's operator"},

    {SBS_ERR_JSON, SBS_STEP_DISCOVERY, 0, 0, NULL, "check --fhir, or give --token-url"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_DISCOVERY, 0, 0, NULL, "check --fhir, or give --token-url"},

    {SBS_ERR_FORBIDDEN, SBS_STEP_RESOURCE, 404, 404, NULL, "check --fhir and the path"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 0, 0, NULL, "check --fhir, the path and what the client may do"},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 412, 412, says_several, "remove the duplicates on the server"},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 0, 0, NULL, "look at what the server holds"},
    {SBS_ERR_UNAUTHORIZED, SBS_STEP_NONE, 0, 0, NULL,
     "check that the token's server is the one that this FHIR server trusts"},
    {SBS_ERR_SCOPE, SBS_STEP_NONE, 0, 0, NULL, "ask with --scope for what the request needs, or have it granted"},
    {SBS_ERR_REDIRECT, SBS_STEP_NONE, 0, 0, NULL, "give the URL that the server redirects to, if you trust it"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, 413, 413, NULL, "have the server take larger resources"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, 0, 0, is_page, CHECK_BETWEEN},
    {SBS_ERR_RESPONSE, SBS_STEP_RESOURCE, 0, 0, is_page, CHECK_BETWEEN},
    {SBS_ERR_REJECTED, SBS_STEP_NONE, 0, 0, NULL, "correct the resource or the request"},
    {SBS_ERR_BUSY, SBS_STEP_NONE, 500, 500, names_no_time, "ask the server's operator, or try again later"},

    {SBS_ERR_RESOLVE, SBS_STEP_NONE, 0, 0, NULL, "check the host in the URL and the name server"},
    {SBS_ERR_REFUSED, SBS_STEP_NONE, 0, 0, NULL, "check the URL and that the server runs"},
    {SBS_ERR_UNREACHABLE, SBS_STEP_NONE, 0, 0, NULL, "check the URL and that the server runs"},
    {SBS_ERR_NETWORK, SBS_STEP_NONE, 0, 0, NULL, "check the URL and that the server runs"},
    {SBS_ERR_TIMEOUT, SBS_STEP_NONE, 0, 0, NULL, "try again, or with a larger --timeout"},
    {SBS_ERR_UNTRUSTED, SBS_STEP_NONE, 0, 0, NULL, "give the server's root certificate with --ca"},
    {SBS_ERR_WRONG_NAME, SBS_STEP_NONE, 0, 0, NULL, "use the host name that the certificate is for"},
    {SBS_ERR_CERT_DATE, SBS_STEP_NONE, 0, 0, NULL, "check this machine's clock, then ask the server's operator"},
    {SBS_ERR_URL, SBS_STEP_DISCOVERY, 0, 0, NULL,
     "have the server's operator state an https token endpoint, or give it with --token-url"},
    {SBS_ERR_URL, SBS_STEP_NONE, 0, 0, NULL, "use absolute https URLs"},
    {SBS_ERR_KEY, SBS_STEP_NONE, 0, 0, NULL, "check --key"},
    {SBS_ERR_CRYPTO, SBS_STEP_NONE, 0, 0, NULL, "check --key"},
    {SBS_ERR_NO_TIME, SBS_STEP_NONE, 0, 0, NULL, "set this machine's clock"},
    {SBS_ERR_BUFFER, SBS_STEP_NONE, 0, 0, NULL, "ask for less"},
    {SBS_ERR_TOKENS, SBS_STEP_NONE, 0, 0, NULL, "ask for less"},
};

static const outcome_row *find_row(const outcome_row *rows, size_t count, sbs_status status, const sbs_detail *detail) {
    for (size_t i = 0; i < count; i++) {
        const outcome_row *row = &rows[i];
        if ((row->status == ANY_STATUS || row->status == status) &&
            (row->step == SBS_STEP_NONE || row->step == detail->step) &&
            (row->http_last == 0 ||
             (detail->http_status >= row->http_first && detail->http_status <= row->http_last)) &&
            (row->holds == NULL || row->holds(detail))) {
            return row;
        }
    }
    return NULL;
}

const char *cli_advice(sbs_status status, const sbs_detail *detail) {
    static const sbs_detail none = {.text = ""};
    const char *of_tls = cli_tls_advice(status);
    if (of_tls != NULL) {
        return of_tls;
    }
    const outcome_row *row = find_row(advices, SBS_COUNT_OF(advices), status, detail == NULL ? &none : detail);
    if (row != NULL) {
        return row->words;
    }
    return sbs_status_group(status) == SBS_CLASS_LATER ? "try again later" : "ask the server's operator";
}

/* ---- the whole message ---------------------------------------------------------------------------------------- */

/* A clock before the build was never set, and says so itself. */
static void put_clock_before_build(char *out, size_t size) {
    time_t now = (time_t)sbs_linux_wall_clock();
    struct tm date;
    char day[16] = "an unknown day";
    if (gmtime_r(&now, &date) != NULL) {
        (void)strftime(day, sizeof day, "%Y-%m-%d", &date);
    }
    (void)snprintf(out, size, "this machine's clock says %s, before this program was built", day);
}

static void put_sentence(sbs_status status, const sbs_detail *detail, char *out, size_t size) {
    const outcome_row *row = find_row(sentences, SBS_COUNT_OF(sentences), status, detail);
    if (status == SBS_ERR_NO_TIME) {
        put_clock_before_build(out, size);
        return;
    }
    (void)snprintf(out, size, "%s", row != NULL && row->words != NULL ? row->words : sbs_status_text(status));
}

const char *cli_sentence(sbs_status status, unsigned http_status) {
    sbs_detail detail = {.status = status, .http_status = (uint16_t)http_status, .text = ""};
    const outcome_row *row = find_row(sentences, SBS_COUNT_OF(sentences), status, &detail);
    return row != NULL && row->words != NULL ? row->words : sbs_status_text(status);
}

/* The server's clock is what the refusal was judged by. */
static void put_clock(const sbs_detail *detail, char *out, size_t size) {
    int64_t ahead = -(int64_t)detail->clock_difference_s;
    out[0] = '\0';
    if (ahead != 0) {
        (void)snprintf(out, size, "; this machine's clock is %lld s %s the server's",
                       (long long)(ahead < 0 ? -ahead : ahead), ahead < 0 ? "behind" : "ahead of");
    }
}

/* A page is for a browser. */
static const char *words_of(const sbs_detail *detail) {
    return detail->text[0] == '<' ? "" : detail->text;
}

void cli_reason(sbs_status status, const sbs_detail *detail, char *out, size_t size) {
    char sentence[128];
    char http[48] = "";
    char retry[48] = "";
    char clock[80];
    const char *words = words_of(detail);
    put_clock(detail, clock, sizeof clock);
    put_sentence(status, detail, sentence, sizeof sentence);
    if (detail->http_status != 0) {
        (void)snprintf(http, sizeof http, " (HTTP %u)", detail->http_status);
    }
    if (detail->retry_after_s != 0) {
        (void)snprintf(retry, sizeof retry, ", in %u s", (unsigned)detail->retry_after_s);
    }
    if (words[0] == '\0') {
        words = cli_tls_words(status);
    }
    (void)snprintf(out, size, "%s%s%s%s%s%s%s", sentence, http, retry, words[0] == '\0' ? "" : ": ", words, clock,
                   detail->outcome_unknown ? " (the server may hold it all the same)" : "");
}

int cli_fail_request_with(const char *what, sbs_status status, const sbs_detail *detail, const char *advice) {
    char reason[CLI_REASON_SIZE];
    if (status == SBS_ERR_CANCELLED) {
        return cli_fail(CLI_NETWORK, "%s: cancelled by a signal, run it again", what);
    }
    cli_reason(status, detail, reason, sizeof reason);
    const char *step = sbs_step_text(detail->step);
    return cli_fail(cli_exit_of(status, detail), "%s%s%s: %s, %s", what, step[0] == '\0' ? "" : ": ", step, reason,
                    advice);
}

int cli_fail_request(const char *what, sbs_status status, const sbs_detail *detail) {
    return cli_fail_request_with(what, status, detail, cli_advice(status, detail));
}
