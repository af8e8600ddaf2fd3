/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls_constraints.h
 * Name constraints of issuers (RFC 5280 section 4.2.1.10), of the kinds dNSName and iPAddress: Mbed TLS refuses a
 * certificate with critical ones, and does not look at others. sbs/tls_explain.h uses this module.
 */
#ifndef SBS_TLS_CONSTRAINTS_H
#define SBS_TLS_CONSTRAINTS_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What issuers of the chain that is being checked say. All zero at first. */
typedef struct sbs_tls_constraints {
    struct {
        const mbedtls_x509_crt *issuers[MBEDTLS_X509_MAX_INTERMEDIATE_CA + 2]; /* those that have constraints */
        uint8_t count;
    } priv;
} sbs_tls_constraints;

/**
 * Checks one certificate of a chain: to be called for each, from the root (highest depth) to the server's own (0), and
 * with that the next chain begins. False: an issuer does not allow one of its names, or its constraints are malformed,
 * have a minimum or maximum, or are so many that checking them would take long.
 */
bool sbs_tls_constraints_allow(sbs_tls_constraints *constraints, const mbedtls_x509_crt *certificate, int depth);

#ifdef __cplusplus
}
#endif
#endif
