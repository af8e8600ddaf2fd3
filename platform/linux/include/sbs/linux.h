/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux.h
 * The Linux platform in one: a key file, a CA file, and a TLS stream over TCP, for programs with one client. Answers
 * that come compressed are read with `.decode = sbs_linux_decode` in the client's configuration.
 */
#ifndef SBS_LINUX_H
#define SBS_LINUX_H

#include "sbs/linux_clock.h"
#include "sbs/linux_decode.h"
#include "sbs/linux_file.h"
#include "sbs/linux_loop.h"
#include "sbs/linux_proxy.h"
#include "sbs/linux_stream.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/pem_key.h"
#include "sbs/psa_key.h"
#include "sbs/tls_explain.h"
#include "sbs/tls_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_linux_platform {
    sbs_stream stream;                        /**< secured: give it to the client */
    sbs_key key;                              /**< the key of the file */
    sbs_pem_fault key_fault;                  /**< why the key file was refused (SBS_ERR_KEY) */
    sbs_tls_identity_fault certificate_fault; /**< why the client certificate was (SBS_ERR_KEY, key_fault is none) */
    struct {
        sbs_stream raw, tunnel;
        sbs_linux_stream tcp;
        sbs_linux_proxy_stream proxy;
        sbs_tls_stream tls;
        sbs_tls_trust trust;
        sbs_tls_identity identity;
        sbs_tls_config config;
        sbs_tls_explain explain;
        sbs_tls_session sessions[2];
        sbs_psa_key psa_key;
        psa_key_id_t key_id;
    } priv;
} sbs_linux_platform;

/**
 * Initialises Mbed TLS and PSA, reads the private key (PEM, at most 64 KiB) and the trusted roots, and prepares the
 * streams. No connection is opened.
 * @param key_file path of a PKCS#1, PKCS#8 or SEC 1 key.
 * @param ca_file  path of a PEM bundle; NULL: the system's.
 * @return SBS_OK; errors of sbs_mbedtls_init(), sbs_linux_file_read(), sbs_pem_key_import() and sbs_linux_trust_load().
 * After an error nothing needs to be closed.
 */
SBS_NODISCARD sbs_status sbs_linux_platform_open(sbs_linux_platform *platform, const char *key_file,
                                                 const char *ca_file);

/** What sbs_linux_platform_open_with() opens. Zero means the default. Paths are read during the call only. */
typedef struct sbs_linux_platform_config {
    const char *key_file;             /**< PKCS#1, PKCS#8 or SEC 1, PEM; NULL: none, the program has a key elsewhere */
    const char *ca_file;              /**< PEM bundle; NULL: the system's */
    const char *certificate_file;     /**< the client's own certificate and its intermediates, PEM; NULL: none */
    const char *certificate_key_file; /**< its key; NULL: in the same file */
    sbs_linux_proxy *proxy;           /**< what connections go through; it must outlive the platform; NULL: nothing */
} sbs_linux_platform_config;

/** sbs_linux_platform_open() with a client certificate, for servers that ask for one (mutual TLS). Errors also of
 *  sbs_linux_identity_load(). */
SBS_NODISCARD sbs_status sbs_linux_platform_open_with(sbs_linux_platform *platform,
                                                      const sbs_linux_platform_config *config);

/** Why the last connection failed, a clause for a person; "" if no more is known than the status says. Good until the
 *  next open(). */
const char *sbs_linux_platform_tls_words(const sbs_linux_platform *platform);

/** Closes the connection, destroys the key in PSA and wipes what was kept. Legal twice. */
void sbs_linux_platform_close(sbs_linux_platform *platform);

#ifdef __cplusplus
}
#endif
#endif
