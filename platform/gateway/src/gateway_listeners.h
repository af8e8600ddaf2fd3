/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners of a configuration, and the certificates that they show. */
#ifndef SBS_GATEWAY_LISTENERS_H
#define SBS_GATEWAY_LISTENERS_H

#include "sbs/forward_buffer.h"
#include "sbs/gateway_ca.h"
#include "sbs/gateway_config.h"
#include "sbs/linux_http_server.h"

typedef struct gateway_listeners {
    const sbs_gateway_config *config;
    struct sbs_linux_http_server *server;
    unsigned numbers[SBS_GATEWAY_LISTENERS_MAX];
    sbs_tls_server tls[SBS_GATEWAY_LISTENERS_MAX]; /* with files of the operator's */
    sbs_tls_server own_tls;                        /* with the gateway's own certificate */
    sbs_gateway_ca ca;
    bool own;        /* some listener shows the gateway's own */
    uint64_t due_ms; /* when it is looked after next */
    char *hosts[SBS_GATEWAY_CA_HOSTS_MAX];
    size_t host_count;
} gateway_listeners;

/** Opens all of them in the server. @p message: what is wrong and what to do; "" after SBS_OK. close() in any case. */
sbs_status gateway_listeners_open(gateway_listeners *listeners, const sbs_gateway_config *config,
                                  struct sbs_linux_http_server *server, sbs_now now, bool clock_known, char *message,
                                  size_t size);
/** Renews the gateway's own certificate where it is due. True: something is wrong, that @p message tells. */
bool gateway_listeners_keep(gateway_listeners *listeners, sbs_now now, bool clock_known, char *message, size_t size);
/** The listener with this number of the server, NULL: none of the configuration's. */
const sbs_gateway_listener *gateway_listeners_find(const gateway_listeners *listeners, unsigned number);
/** The configuration was exchanged for one with the same listeners. */
void gateway_listeners_use(gateway_listeners *listeners, const sbs_gateway_config *config);
/** The root that signed the gateway's own certificate, PEM; nothing where no listener shows one. */
void gateway_listeners_put_ca(const gateway_listeners *listeners, sbs_forward_buffer *out);
/** End of the gateway's own certificate, 0: none. */
int64_t gateway_listeners_until(const gateway_listeners *listeners);
/** Behind the server's close. */
void gateway_listeners_close(gateway_listeners *listeners);

#endif
