/* SPDX-License-Identifier: Apache-2.0 */
#include "certificates.h"

#include <errno.h>
#include <string.h>

#include "message.h"
#include "sbs/linux_file.h"
#include "sbs/tls_explain.h"
#include "tls_words.h"

int cli_trust_load(sbs_tls_trust *trust, const char *ca) {
    const char *path = ca;
    size_t skipped = 0;

    if (path == NULL) {
        path = sbs_linux_ca_file();
    }

    if (path == NULL) {
        return cli_fail(CLI_INPUT, "CA file: this system has none in the usual places, give one with --ca");
    }

    cli_tls_words_use_ca(path);
    sbs_status status = sbs_linux_trust_load(trust, path, &skipped);
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_STORAGE) {
        return cli_fail(CLI_INPUT, "CA file %s: %s, give a file that can be read", path, strerror(errno));
    }

    sbs_tls_problem problem = sbs_tls_trust_problem(trust);
    if (status != SBS_OK && problem == SBS_TLS_NO_PROBLEM) {
        return cli_fail(CLI_INPUT, "CA file %s: there is no certificate in it, %s", path, cli_tls_file_advice(problem));
    }
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "CA file %s: none of its certificates can be used: %s, %s", path,
                        sbs_tls_problem_text(problem), cli_tls_file_advice(problem));
    }

    if (skipped != 0 && ca != NULL) { /* a system's bundle has roots for everybody, and nobody here can mend it */
        cli_warn("CA file %s: %zu of its certificates cannot be used: %s; the others are trusted", path, skipped,
                 sbs_tls_problem_text(problem));
    }

    return CLI_DONE;
}

static int identity_read(sbs_tls_identity *identity, const char *certificate, const char *key) {
    sbs_tls_identity_fault fault = SBS_TLS_IDENTITY_NO_FAULT;
    sbs_status status = sbs_linux_identity_load(identity, certificate, key, &fault);
    if (status == SBS_OK) {
        return CLI_DONE;
    }
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_STORAGE) {
        return cli_fail(CLI_INPUT, "client certificate %s: %s, give files that can be read", certificate,
                        strerror(errno));
    }

    const char *why = sbs_status_text(status);
    if (status == SBS_ERR_KEY) {
        why = sbs_tls_identity_fault_text(fault);
    }

    return cli_fail(CLI_INPUT, "client certificate %s: %s, check --cert and --cert-key", certificate, why);
}

int cli_identity_load(sbs_tls_identity *identity, const char *certificate, const char *key) {
    if (certificate != NULL) {
        return identity_read(identity, certificate, key);
    }
    if (key != NULL) {
        return cli_fail(CLI_USAGE, "--cert-key: there is no certificate for it, give one with --cert");
    }
    return CLI_DONE;
}
