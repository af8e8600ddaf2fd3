/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_words.h"

#include <stdio.h>

#include "message.h"

static const sbs_tls_stream *explained; /* NULL: none */
static const char *ca_file = "";

void cli_tls_words_use(const sbs_tls_stream *tls) {
    explained = tls;
}

void cli_tls_words_use_ca(const char *path) {
    ca_file = path;
}

static sbs_tls_problem problem_for(sbs_status status) {
    switch (status) {
    case SBS_ERR_TLS:
    case SBS_ERR_UNTRUSTED:
    case SBS_ERR_WRONG_NAME:
    case SBS_ERR_CERT_DATE:
    case SBS_ERR_NETWORK: /* the server said why, and then closed while we were sending */
    case SBS_ERR_TRUNCATED:
        break;
    default:
        return SBS_TLS_NO_PROBLEM;
    }

    if (explained == NULL) {
        return SBS_TLS_NO_PROBLEM;
    }

    return sbs_tls_stream_problem(explained);
}

/* Names and dates: what is known of them is the whole sentence. */
static bool is_whole_sentence(sbs_tls_problem problem) {
    switch (problem) {
    case SBS_TLS_ROOT_EXPIRED:
    case SBS_TLS_EXPIRED:
    case SBS_TLS_NOT_YET_VALID:
    case SBS_TLS_OTHER_NAME:
        return true;
    default:
        return false;
    }
}

const char *cli_tls_sentence(sbs_status status) {
    if (!is_whole_sentence(problem_for(status))) {
        return NULL;
    }
    return sbs_tls_stream_words(explained);
}

const char *cli_tls_words(sbs_status status) {
    sbs_tls_problem problem = problem_for(status);
    if (problem == SBS_TLS_NO_PROBLEM || is_whole_sentence(problem)) {
        return "";
    }
    return sbs_tls_stream_words(explained);
}

static const char *advice_for_root(void) {
    static char advice[CLI_REASON_SIZE];
    (void)snprintf(advice, sizeof advice, "replace it in the CA file %s", ca_file);
    return advice;
}

const char *cli_tls_advice(sbs_status status) {
    switch (problem_for(status)) {
    case SBS_TLS_PLAIN_HTTP:
    case SBS_TLS_NO_TLS:
        return "check the port in the URL";
    case SBS_TLS_UNKNOWN_HOST:
        return "use the host name that the server's certificate is for";
    case SBS_TLS_WANTS_CERTIFICATE:
        return "give one with --cert and --cert-key";
    case SBS_TLS_CERTIFICATE_REFUSED:
        return "check --cert and that the server's operator trusts its issuer";
    case SBS_TLS_ISSUER_MISSING:
        return "have the server's operator send the intermediate certificate, or give the root of that issuer with "
               "--ca";
    case SBS_TLS_ROOT_UNKNOWN:
        return "give that root with --ca, if you trust it";
    case SBS_TLS_ISSUER_UNFIT:
        return "check that --ca holds the server's own root";
    case SBS_TLS_ROOT_EXPIRED:
        return advice_for_root();
    case SBS_TLS_EXPIRED:
        return "ask the server's operator to renew it";
    case SBS_TLS_NOT_YET_VALID:
        return "check this machine's clock, then ask the server's operator";
    case SBS_TLS_OTHER_NAME:
        return "use a name that the certificate is for";
    case SBS_TLS_NO_PROBLEM:
        return NULL;
    default:
        return "ask the server's operator";
    }
}

const char *cli_tls_file_advice(sbs_tls_problem problem) {
    if (problem == SBS_TLS_NO_PROBLEM || problem == SBS_TLS_MALFORMED) {
        return "give PEM certificates";
    }
    return "give another root, or ask the server's operator for one";
}
