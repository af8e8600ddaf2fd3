/* SPDX-License-Identifier: Apache-2.0 */
/** @file certificates.h Certificate files of the command line: trusted roots, and the client's own certificate. */
#ifndef SBS_CLI_CERTIFICATES_H
#define SBS_CLI_CERTIFICATES_H

#include "sbs/tls_identity.h"
#include "sbs/tls_trust.h"

/** Loads the roots of @p ca (NULL: the system's) into the empty @p trust. Returns an exit status; says what is wrong.
 */
int cli_trust_load(sbs_tls_trust *trust, const char *ca);

/** Loads the client's certificate and its key (NULL: from the same file) into the empty @p identity. Returns an exit
 * status; says what is wrong. */
int cli_identity_load(sbs_tls_identity *identity, const char *certificate, const char *key);

#endif
