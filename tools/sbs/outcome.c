/* SPDX-License-Identifier: Apache-2.0 */
/* What a result of the library means for a person: exit status, words, advice. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "advice.h"
#include "message.h"
#include "options.h"
#include "proxy.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "server.h"
#include "tls_words.h"
#include "token_key.h"

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

/* ---- what a failure says of itself ---------------------------------------------------------------------------- */

/* Without regard to case: servers write their words as they like. */
static bool server_says(const sbs_detail *detail, const char *word) {
    size_t len = strlen(word);

    for (const char *at = detail->text; *at != '\0'; at++) {
        if (strncasecmp(at, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool says_audience(const sbs_detail *detail) {
    return server_says(detail, "audience") || server_says(detail, "\"aud\"") || server_says(detail, "'aud'") ||
           server_says(detail, "aud claim");
}

static bool says_several(const sbs_detail *detail) {
    return detail->text[0] == '\0' || server_says(detail, "multiple") || server_says(detail, "several") ||
           server_says(detail, "more than one") || server_says(detail, "duplicate");
}

/* The seed's profile has neither kid nor jti. */
static bool lacks_claims_of_smart(const sbs_detail *detail) {
    return cli_server.profile == 2 && (server_says(detail, "jti") || server_says(detail, "kid"));
}

/* An assertion is dated back by some seconds: a smaller difference makes no server refuse it. */
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

static bool is_no_token_answer(const sbs_detail *detail) {
    return strcmp(detail->text, "Content-Type") == 0;
}

static bool says_scope(const sbs_detail *detail) {
    return server_says(detail, "scope");
}

static bool is_scope_unclear(const sbs_detail *detail) {
    (void)detail;
    return cli_scope_is_unclear();
}

/* True if the words begin with one of @p words, and the next character does not go on with it. */
static bool begins_with_one(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(text, words[i], len) == 0 && (text[len] == '\0' || text[len] == ':' || text[len] == ' ')) {
            return true;
        }
    }
    return false;
}

/* Codes of RFC 6749 section 4.1.2.1 and RFC 8628 that come from token endpoints, too. The words begin with the code. */
static bool is_oauth_for_later(const sbs_detail *detail) {
    static const char *const codes[] = {"server_error", "temporarily_unavailable", "slow_down", "too_many_requests"};

    return detail->oauth != SBS_OAUTH_NONE && begins_with_one(detail->text, codes, SBS_COUNT_OF(codes));
}

/* The issue of an OperationOutcome says so whatever the HTTP status is: a severity and a code begin its words. */
static bool is_issue_for_later(const sbs_detail *detail) {
    static const char *const issues[] = {"error transient", "error throttled", "error lock-error", "error no-store",
                                         "error timeout",   "fatal transient", "fatal throttled",  "fatal lock-error",
                                         "fatal no-store",  "fatal timeout"};

    return begins_with_one(detail->text, issues, SBS_COUNT_OF(issues));
}

/* ---- what comes back by itself -------------------------------------------------------------------------------- */

bool cli_is_for_later(sbs_status status, const sbs_detail *detail) {
    if (sbs_status_group(status) == SBS_CLASS_LATER) {
        return true;
    }
    if (detail == NULL) {
        return false;
    }

    switch (status) {
    case SBS_ERR_OAUTH:
        return is_oauth_for_later(detail);
    case SBS_ERR_REJECTED:
        return is_issue_for_later(detail);
    case SBS_ERR_FORBIDDEN:
        return detail->http_status == 423 && detail->step == SBS_STEP_RESOURCE;
    default:
        return false;
    }
}

/* ---- sentences and advice: tables whose first row that fits counts -------------------------------------------- */

#define ANY_STATUS SBS_OK
#define ANY_HTTP 0 /* any HTTP status, and none */

typedef struct outcome_row {
    sbs_status status;
    sbs_step step; /* SBS_STEP_NONE: any */
    uint16_t http_status;
    bool (*holds)(const sbs_detail *detail); /* NULL: always */
    const char *words;
} outcome_row;

#define PROXY_LOGIN "a proxy wants a login"
#define NETWORK_SIGN_IN "the network wants a sign-in"
#define REQUEST_TOO_LARGE "the request is too large for what stands before the server"

/* Where more is known than the library's sentence for the status tells. No words: that one is the best. */
static const outcome_row sentences[] = {
    {SBS_ERR_BUSY, SBS_STEP_NONE, 500, names_no_time, "the server failed"},
    {SBS_ERR_BUSY, SBS_STEP_NONE, 502, names_no_time, "a gateway got no usable answer from the server"},
    {SBS_ERR_BUSY, SBS_STEP_NONE, 504, names_no_time, "a gateway got no answer from the server in time"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 404, NULL, "not found"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 410, NULL, "no longer there"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 407, NULL, PROXY_LOGIN},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 423, NULL, "what it would change is locked"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_NONE, 511, NULL, NETWORK_SIGN_IN},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 404, NULL, NULL},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 405, NULL, NULL},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 407, NULL, PROXY_LOGIN},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 413, NULL, REQUEST_TOO_LARGE},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 414, NULL, REQUEST_TOO_LARGE},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 415, NULL, "what answers there takes no token requests"},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 431, NULL, REQUEST_TOO_LARGE},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 511, NULL, NETWORK_SIGN_IN},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, ANY_HTTP, is_page,
     "a page answers in the authorization server's place: a firewall, a proxy or a sign-in page"},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, ANY_HTTP, is_oauth_for_later, "the authorization server cannot answer now"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, 413, NULL, NULL},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, ANY_HTTP, is_page, "a web page refused it, not the FHIR server"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, ANY_HTTP, is_issue_for_later, "the server cannot take it now"},
    {SBS_ERR_RESPONSE, SBS_STEP_RESOURCE, ANY_HTTP, is_page, "a web page answered, not the FHIR server"},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 304, NULL, "the server says that nothing changed"},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 412, says_several, NULL},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 412, NULL, "a precondition of the request failed"},
};

#define CHECK_CLIENT "check --client-id, the registered key and its kid, --aud, and this machine's clock"
#define CHECK_CLIENT_SEED                                                                                              \
    "check --client-id, the registered key, --aud, and this machine's clock; a server that demands kid or jti "        \
    "refuses --profile seed, leave it out"
#define CHECK_BETWEEN "check --fhir and what is in front of the server: a proxy, a gateway, the network's sign-in page"
#define CHECK_TOKEN_URL "check the token endpoint's URL, then ask the operators of the network and of the server"
#define GIVE_TOKEN_URL "give the right token endpoint with --token-url"
#define ASK_NETWORK "ask the network's operator for a way to the server without one"
#define SIGN_IN "sign this machine in, or ask the network's operator"
#define SMALLER_REQUEST "ask for fewer scopes, or have the server's operator raise its limit"
#define LATER "try again later"

/* What depends on more than the status alone; the rest is advice_for_status(). */
static const outcome_row advices[] = {
    {ANY_STATUS, SBS_STEP_TOKEN, 404, NULL, GIVE_TOKEN_URL},
    {ANY_STATUS, SBS_STEP_TOKEN, 405, NULL, GIVE_TOKEN_URL},
    {ANY_STATUS, SBS_STEP_NONE, 407, NULL, ASK_NETWORK},
    {ANY_STATUS, SBS_STEP_NONE, 511, NULL, SIGN_IN},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 413, NULL, SMALLER_REQUEST},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 414, NULL, SMALLER_REQUEST},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 415, NULL, GIVE_TOKEN_URL},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 431, NULL, SMALLER_REQUEST},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, ANY_HTTP, is_page, CHECK_TOKEN_URL},
    {SBS_ERR_RESPONSE, SBS_STEP_TOKEN, ANY_HTTP, is_no_token_answer, CHECK_TOKEN_URL},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, ANY_HTTP, is_oauth_for_later, LATER},
    {ANY_STATUS, SBS_STEP_TOKEN, ANY_HTTP, says_audience, "give the audience that the server expects with --aud"},
    {ANY_STATUS, SBS_STEP_TOKEN, ANY_HTTP, lacks_claims_of_smart,
     "leave --profile seed out: the smart profile has kid and jti"},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, ANY_HTTP, refuses_scope, "ask for scopes that the client is registered for"},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, ANY_HTTP, refuses_seed, CHECK_CLIENT_SEED},
    {SBS_ERR_OAUTH, SBS_STEP_NONE, ANY_HTTP, refuses_client, CHECK_CLIENT},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 401, has_no_code, CHECK_CLIENT},
    {SBS_ERR_OAUTH, SBS_STEP_TOKEN, 403, has_no_code, CHECK_CLIENT},
    {ANY_STATUS, SBS_STEP_TOKEN, ANY_HTTP, clock_differs,
     "set this machine's clock, then check the client's registration with the server's operator"},

    {SBS_ERR_JSON, SBS_STEP_DISCOVERY, ANY_HTTP, NULL, "check --fhir, or give --token-url"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_DISCOVERY, ANY_HTTP, NULL, "check --fhir, or give --token-url"},
    {SBS_ERR_URL, SBS_STEP_DISCOVERY, ANY_HTTP, NULL,
     "have the server's operator state an https token endpoint, or give it with --token-url"},

    {SBS_ERR_SCOPE, SBS_STEP_NONE, ANY_HTTP, is_scope_unclear,
     "ask with --scope for what the request needs, or have it granted, or --any-scope sends it all the same"},

    {SBS_ERR_FORBIDDEN, SBS_STEP_RESOURCE, 403, says_scope,
     "ask with --scope for what the server demands, or have it granted"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_RESOURCE, 404, NULL, "check --fhir and the path"},
    {SBS_ERR_FORBIDDEN, SBS_STEP_RESOURCE, 423, NULL, LATER},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, ANY_HTTP, is_issue_for_later, LATER},
    {SBS_ERR_AMBIGUOUS, SBS_STEP_NONE, 412, says_several, "remove the duplicates on the server"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, 413, NULL, "have the server's operator allow larger resources"},
    {SBS_ERR_REJECTED, SBS_STEP_RESOURCE, ANY_HTTP, is_page, CHECK_BETWEEN},
    {SBS_ERR_RESPONSE, SBS_STEP_RESOURCE, ANY_HTTP, is_page, CHECK_BETWEEN},
    {SBS_ERR_BUSY, SBS_STEP_NONE, 500, names_no_time, "ask the server's operator, or try again later"},
};

static const outcome_row *find_row(const outcome_row *rows, size_t count, sbs_status status, const sbs_detail *detail) {
    for (size_t i = 0; i < count; i++) {
        const outcome_row *row = &rows[i];
        bool same_status = row->status == ANY_STATUS || row->status == status;
        bool same_step = row->step == SBS_STEP_NONE || row->step == detail->step;
        bool same_http = row->http_status == ANY_HTTP || row->http_status == detail->http_status;

        if (same_status && same_step && same_http && (row->holds == NULL || row->holds(detail))) {
            return row;
        }
    }

    return NULL;
}

static const char *advice_for_status(sbs_status status) {
    switch (status) {
    case SBS_ERR_OAUTH:
        return "check the client's registration with the server's operator";
    case SBS_ERR_FORBIDDEN:
        return "check --fhir, the path and what the client may do";
    case SBS_ERR_AMBIGUOUS:
        return "check what the server holds";
    case SBS_ERR_UNAUTHORIZED:
        return "check that the FHIR server trusts the server that gives the tokens, and that nothing else takes "
               "tokens for this client";
    case SBS_ERR_SCOPE:
        return "ask with --scope for what the request needs, or have it granted";
    case SBS_ERR_REDIRECT:
        return "give the URL that the server redirects to, if you trust it";
    case SBS_ERR_REJECTED:
        return "correct the resource or the request";
    case SBS_ERR_RESOLVE:
        return "check the host in the URL and the name server";
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_NETWORK:
        return "check the URL and that the server runs";
    case SBS_ERR_TIMEOUT:
        return "try again, or with a larger --timeout";
    case SBS_ERR_UNTRUSTED:
        return "give the server's root certificate with --ca";
    case SBS_ERR_WRONG_NAME:
        return "use the host name that the certificate is for";
    case SBS_ERR_CERT_DATE:
        return "check this machine's clock, then ask the server's operator";
    case SBS_ERR_URL:
        return "use absolute https URLs";
    case SBS_ERR_KEY:
    case SBS_ERR_CRYPTO:
        return "check --key";
    case SBS_ERR_NO_TIME:
        return "set this machine's clock";
    case SBS_ERR_BUFFER:
    case SBS_ERR_TOKENS:
        return "ask for less";
    default:
        break;
    }

    if (sbs_status_group(status) == SBS_CLASS_LATER) {
        return LATER;
    }

    return "ask the server's operator";
}

/* ---- all of the advice ----------------------------------------------------------------------------------------- */

const char *cli_advice(sbs_status status, const sbs_detail *detail) {
    static const sbs_detail none = {.text = ""};
    const char *of_tls = cli_tls_advice(status);
    if (of_tls != NULL) {
        return of_tls;
    }

    const char *of_proxy = cli_proxy_advice(status);
    if (of_proxy != NULL) {
        return of_proxy;
    }

    const char *of_token = cli_token_key_advice(status);
    if (of_token != NULL) {
        return of_token;
    }
    if (detail == NULL) {
        detail = &none;
    }

    /* The most special advice comes first. */
    const char *of_redirect = cli_advice_redirect(status, detail);
    if (of_redirect != NULL) {
        return of_redirect;
    }

    const char *usual = advice_for_status(status);
    const outcome_row *row = find_row(advices, SBS_COUNT_OF(advices), status, detail);
    if (row != NULL) {
        usual = row->words;
    }

    const char *of_host = cli_advice_unreached(status, detail, usual);
    if (of_host != NULL) {
        return of_host;
    }
    return usual;
}

/* ---- the whole message ---------------------------------------------------------------------------------------- */

static const char *sentence_of(sbs_status status, const sbs_detail *detail) {
    const outcome_row *row = find_row(sentences, SBS_COUNT_OF(sentences), status, detail);
    if (row != NULL && row->words != NULL) {
        return row->words;
    }
    return sbs_status_text(status);
}

const char *cli_sentence(sbs_status status, unsigned http_status) {
    sbs_detail detail = {.status = status, .http_status = (uint16_t)http_status, .text = ""};
    return sentence_of(status, &detail);
}

/* A clock before the build was never set, and its date shows that. */
static void put_clock_before_build(sbs_writer *out) {
    time_t now = (time_t)sbs_linux_wall_clock();

    /* The date shows what is wrong: 1970, or the day of the last image. */
    struct tm date;
    char day[16] = "an unknown day";

    if (gmtime_r(&now, &date) != NULL) {
        (void)strftime(day, sizeof day, "%Y-%m-%d", &date);
    }

    sbs_put_string(out, "this machine's clock says ");
    sbs_put_string(out, day);
    sbs_put_string(out, ", before this program was built");
}

/* A server judges an assertion by its own clock: a difference may be why it refused. */
static void put_clock_difference(sbs_writer *out, const sbs_detail *detail) {
    int64_t behind = detail->clock_difference_s;

    if (behind == 0) {
        return;
    }

    sbs_put_string(out, "; this machine's clock is ");
    if (behind > 0) {
        sbs_put_int(out, behind);
        sbs_put_string(out, " s behind the server's");
    } else {
        sbs_put_int(out, -behind);
        sbs_put_string(out, " s ahead of the server's");
    }
}

/* The server's own words, else what TLS knows. A page is for a browser and is not quoted. Where a proxy failed, the
 * client knows only the server's name. */
static void put_explanation(sbs_writer *out, sbs_status status, const sbs_detail *detail) {
    const char *words = detail->text;

    if (words[0] == '\0' || words[0] == '<') {
        words = cli_tls_words(status);
    }
    if (words[0] == '\0') {
        words = cli_token_key_words(status);
    }
    if (cli_proxy_advice(status) != NULL) {
        words = cli_proxy_words(status);
    }
    if (words[0] != '\0') {
        sbs_put_string(out, ": ");
        sbs_put_string(out, words);
    }
}

static void put_reason(sbs_writer *out, sbs_status status, const sbs_detail *detail) {
    const char *of_tls = cli_tls_sentence(status);
    const char *of_proxy = cli_proxy_sentence(status);
    if (status == SBS_ERR_NO_TIME) {
        put_clock_before_build(out);
    } else if (of_tls != NULL) {
        sbs_put_string(out, of_tls);
    } else if (of_proxy != NULL) {
        sbs_put_string(out, of_proxy);
    } else {
        sbs_put_string(out, sentence_of(status, detail));
    }
    if (detail->http_status != 0) {
        sbs_put_string(out, " (HTTP ");
        sbs_put_uint(out, detail->http_status);
        sbs_put_char(out, ')');
    }

    if (detail->retry_after_s != 0) {
        sbs_put_string(out, ", in ");
        sbs_put_uint(out, detail->retry_after_s);
        sbs_put_string(out, " s");
    }

    put_explanation(out, status, detail);
    put_clock_difference(out, detail);
    if (detail->outcome_unknown) {
        sbs_put_string(out, " (the server may have stored it all the same)");
    }
}

/* What does not fit is cut: the words of a server may be longer than a message. */
typedef struct cut_text {
    char *data;
    size_t size, len;
} cut_text;

static sbs_status cut_text_put(void *ctx, const char *data, size_t len) {
    cut_text *text = ctx;
    size_t room = text->size - 1 - text->len;

    if (len > room) {
        len = room;
    }

    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
    return SBS_OK;
}

void cli_reason(sbs_status status, const sbs_detail *detail, char *out, size_t size) {
    cut_text text = {.data = out, .size = size};
    sbs_writer writer;

    out[0] = '\0';
    sbs_writer_init_sink(&writer, cut_text_put, &text);
    put_reason(&writer, status, detail);
}

int cli_fail_request_with(const char *what, sbs_status status, const sbs_detail *detail, const char *advice) {
    char reason[CLI_REASON_SIZE];

    if (status == SBS_ERR_CANCELLED) {
        return cli_fail(CLI_NETWORK, "%s: cancelled by a signal, run it again", what);
    }

    const char *step = sbs_step_text(detail->step);
    cli_reason(status, detail, reason, sizeof reason);
    return cli_fail(cli_exit_of(status, detail), "%s%s%s: %s, %s", what, cli_colon(step), step, reason, advice);
}

int cli_fail_request(const char *what, sbs_status status, const sbs_detail *detail) {
    return cli_fail_request_with(what, status, detail, cli_advice(status, detail));
}
