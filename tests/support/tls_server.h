/* SPDX-License-Identifier: Apache-2.0 */
/* `openssl s_server` on loopback as the peer of TLS tests. make_certificates.sh makes its certificates. */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

typedef struct tls_server {
    pid_t pid;
    uint16_t port;
} tls_server;

/* Starts a server in @p folder with these arguments (NULL-terminated) beside -accept. Fails the test if it does not
 * come up. It ends with the test program at the latest. */
void tls_server_start(tls_server *server, const char *folder, const char *const *arguments);
void tls_server_stop(tls_server *server);

#endif
