/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_server.h
 * The server of a gateway's configuration, with its roots and the proxy before it.
 */
#ifndef SBS_GATEWAY_SERVER_H
#define SBS_GATEWAY_SERVER_H

#include "sbs/forward_server.h"
#include "sbs/gateway_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Zero-initialise; it must not move while it is open. */
typedef struct sbs_gateway_server {
    sbs_forward_server forward;
    sbs_tls_trust trust;
    sbs_linux_proxy proxy;
    bool open;
    char fault[256]; /* names the file that cannot be read */
} sbs_gateway_server;

/**
 * Sets it up; connects to nothing.
 * @param key of the client; must outlive it, as @p config.
 * @param out_fault what of the configuration does not do, and what to write: a static sentence, or one in @p server
 *                  until it is opened again; NULL after SBS_OK and SBS_ERR_MEMORY.
 * @return SBS_OK; SBS_ERR_MEMORY; SBS_ERR_STATE with the fault. After an error there is nothing to close.
 */
SBS_NODISCARD sbs_status sbs_gateway_server_open(sbs_gateway_server *server, const sbs_gateway_config *config,
                                                 const sbs_key *key, const char **out_fault);
/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_gateway_server_close(sbs_gateway_server *server);

#ifdef __cplusplus
}
#endif
#endif
