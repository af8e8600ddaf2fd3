/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as text (RFC 5280, RFC 7468): key first, certificate behind it. */
#ifndef SBS_CA_WRITE_H
#define SBS_CA_WRITE_H

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "ca_hosts.h"

#define SBS_CA_TEXT_SIZE 16384u

/* A certificate with its key. Zero-initialise by sbs_ca_pair_init(). */
typedef struct sbs_ca_pair {
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
} sbs_ca_pair;

void sbs_ca_pair_init(sbs_ca_pair *pair);
void sbs_ca_pair_free(sbs_ca_pair *pair);
/* Reads both from a NUL-terminated text of @p len bytes. SBS_ERR_DAMAGED: it holds no such pair. */
SBS_NODISCARD sbs_status sbs_ca_pair_parse(sbs_ca_pair *pair, const char *text, size_t len);

typedef struct sbs_ca_term {
    int64_t from_s, until_s;
} sbs_ca_term;

/* Makes a key and its certificate, and writes both into @p text, NUL-terminated; the caller wipes it. */
SBS_NODISCARD sbs_status sbs_ca_write_root(const char *name, const sbs_ca_hosts *hosts, sbs_ca_term term,
                                           char text[SBS_CA_TEXT_SIZE]);
SBS_NODISCARD sbs_status sbs_ca_write_leaf(const char *name, const sbs_ca_hosts *hosts, sbs_ca_term term,
                                           sbs_ca_pair *root, char text[SBS_CA_TEXT_SIZE]);

#endif
