/* SPDX-License-Identifier: Apache-2.0 */
/* What a result of the library means for a person: exit status, words, advice. */
#include <stdio.h>

#include "message.h"
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

static const char *oauth_advice(const sbs_detail *detail) {
    switch (detail == NULL ? SBS_OAUTH_NONE : detail->oauth) {
    case SBS_OAUTH_INVALID_CLIENT:
    case SBS_OAUTH_INVALID_GRANT:
        return "check --client-id, the registered key and its kid, and this machine's clock";
    case SBS_OAUTH_INVALID_SCOPE:
        return "ask for scopes that the client is registered for";
    default:
        return "check the client's registration with the server's operator";
    }
}

const char *cli_advice(sbs_status status, const sbs_detail *detail) {
    const char *of_tls = cli_tls_advice(status);
    if (of_tls != NULL) {
        return of_tls;
    }

    switch (status) {
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
    case SBS_ERR_OAUTH:
        return oauth_advice(detail);
    case SBS_ERR_SCOPE:
        return "ask with --scope for what the request needs, or have it granted";
    case SBS_ERR_UNAUTHORIZED:
        return "check that the token's server is the one that this FHIR server trusts";
    case SBS_ERR_FORBIDDEN:
        return "check --fhir, the path and what the client may do";
    case SBS_ERR_REDIRECT:
        return "give the URL that the server redirects to, if you trust it";
    case SBS_ERR_REJECTED:
        return "correct the resource or the request";
    case SBS_ERR_AMBIGUOUS:
        return "remove the duplicates on the server";
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
        return sbs_status_group(status) == SBS_CLASS_LATER ? "try again later" : "ask the server's operator";
    }
}

void cli_reason(sbs_status status, const sbs_detail *detail, char *out, size_t size) {
    char http[48] = "";
    char retry[48] = "";
    if (detail->http_status != 0) {
        (void)snprintf(http, sizeof http, " (HTTP %u)", detail->http_status);
    }
    if (detail->retry_after_s != 0) {
        (void)snprintf(retry, sizeof retry, ", in %u s", (unsigned)detail->retry_after_s);
    }
    const char *words = detail->text[0] != '\0' ? detail->text : cli_tls_words(status);
    (void)snprintf(out, size, "%s%s%s%s%s%s", sbs_status_text(status), http, retry, words[0] == '\0' ? "" : ": ", words,
                   detail->outcome_unknown ? " (the server may hold it all the same)" : "");
}

int cli_fail_request(const char *what, sbs_status status, const sbs_detail *detail) {
    char reason[SBS_DETAIL_TEXT_SIZE + 256];
    if (status == SBS_ERR_CANCELLED) {
        return cli_fail(CLI_NETWORK, "%s: cancelled by a signal, run it again", what);
    }
    cli_reason(status, detail, reason, sizeof reason);
    const char *step = sbs_step_text(detail->step);
    return cli_fail(cli_exit_of(status, detail), "%s%s%s: %s, %s", what, step[0] == '\0' ? "" : ": ", step, reason,
                    cli_advice(status, detail));
}
