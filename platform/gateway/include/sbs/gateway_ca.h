/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_ca.h
 * The gateway's own certificate authority: a root that devices are given once, and the certificate that the gateway
 * shows, which is renewed without anybody. Both are made at the first start, with P-256 keys, each with its key in one
 * file of mode 0600 in the state folder.
 *
 * - The root lives ten years. Its name constraints (RFC 5280 section 4.2.1.10) keep it from vouching for anything but
 *   private networks, local names and what was configured when it was made, so that a stolen root is worth little on
 * the Internet. They are not marked critical: Mbed TLS, which many devices have, refuses such a root.
 * - The leaf lives 90 days and is renewed after 60, when the hosts change, and when it is not valid by a known clock.
 * - While the clock is not known, a leaf is made that is valid from long ago to at least 800 days from now; it is
 *   replaced as soon as the clock is known. The root is valid from long ago in any case.
 */
#ifndef SBS_GATEWAY_CA_H
#define SBS_GATEWAY_CA_H

#include "sbs/linux_file.h"
#include "sbs/time.h"
#include "sbs/tls_server.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_CA_HOSTS_MAX 16u /**< names and addresses in a certificate */

/** What certificates are made for. */
typedef struct sbs_gateway_ca_config {
    const char *folder; /**< the state folder, where ca-root.pem and ca-leaf.pem stand */
    const char *name;   /**< of the gateway: a name of the certificate as it is, and with ".local" */
    /** Addresses without port and names that devices use; 0.0.0.0 and :: stand for all addresses that the host has now.
     */
    const char *const *hosts;
    size_t host_count;
    bool clock_known;
} sbs_gateway_ca_config;

/** What there is. Filled in by sbs_gateway_ca_keep(). */
typedef struct sbs_gateway_ca {
    int64_t root_until_s;   /**< end of the root */
    int64_t leaf_from_s;    /**< begin of the leaf */
    int64_t leaf_until_s;   /**< and its end */
    int64_t leaf_renewal_s; /**< when it is renewed */
} sbs_gateway_ca;

/**
 * Makes what is missing, and renews the leaf where it is due. To be called at the start, once an hour, and when
 * addresses change or the clock becomes known. A root that is there is never replaced: devices trust it.
 * @param out_changed true: there is a new leaf, to be loaded by sbs_gateway_ca_serve().
 * @return SBS_OK; SBS_ERR_DAMAGED: the root's file cannot be used; it stays, for an operator to restore or remove;
 * SBS_ERR_WRONG_NAME: the root does not cover a host that was configured after it was made; SBS_ERR_ARGUMENT: too many
 * hosts, or one that is neither an address nor a name; SBS_ERR_CERT_DATE: the root has ended; SBS_ERR_STORAGE;
 * SBS_ERR_MEMORY; SBS_ERR_CRYPTO. After an error an older leaf is still there.
 */
SBS_NODISCARD sbs_status sbs_gateway_ca_keep(sbs_gateway_ca *ca, const sbs_gateway_ca_config *config, sbs_now now,
                                             bool *out_changed);

/** Gives the leaf in @p folder to a TLS server. Errors of sbs_linux_file_read() and sbs_tls_server_load(). */
SBS_NODISCARD sbs_status sbs_gateway_ca_serve(const char *folder, sbs_tls_server *server);

/** Reads the root's certificate as PEM, without its key, into new memory. SBS_ERR_NOT_FOUND; SBS_ERR_DAMAGED;
 * SBS_ERR_STORAGE; SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_gateway_ca_root(const char *folder, sbs_linux_blob *out_pem);

#ifdef __cplusplus
}
#endif
#endif
