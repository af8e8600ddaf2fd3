/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_words.h"

static const sbs_tls_stream *explained; /* NULL: none */

void cli_tls_words_use(const sbs_tls_stream *tls) {
    explained = tls;
}

static sbs_tls_problem problem_for(sbs_status status) {
    switch (status) {
    case SBS_ERR_TLS:
    case SBS_ERR_UNTRUSTED:
    case SBS_ERR_WRONG_NAME:
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

const char *cli_tls_words(sbs_status status) {
    if (problem_for(status) == SBS_TLS_NO_PROBLEM) {
        return "";
    }
    return sbs_tls_stream_words(explained);
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
