/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of the client's files of Mbed TLS. With SBS_PK_VERIFY_ONLY there is no certificate of the client's
 * own, and the compiler knows: what signs with its key and writes its chain is not linked.
 */
#ifndef SBS_TLS_NO_IDENTITY_H
#define SBS_TLS_NO_IDENTITY_H

#if __has_include("common.h") /* of Mbed TLS 3.6 */
#include "common.h"
#endif

#if defined(SBS_PK_VERIFY_ONLY) && defined(MBEDTLS_SSL_TLS_C)
#include "ssl_misc.h"

#define mbedtls_ssl_own_cert(ssl) ((mbedtls_x509_crt *)NULL)
#define mbedtls_ssl_own_key(ssl) ((mbedtls_pk_context *)NULL)
#endif

#endif
