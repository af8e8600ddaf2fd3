/* SPDX-License-Identifier: Apache-2.0 */
/* `openssl s_server` on loopback as the peer of TLS tests, with certificates made on the spot. */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

typedef struct tls_server {
    pid_t pid;
    uint16_t port;
} tls_server;

/* Makes keys and certificates in a new folder under TMPDIR; returns its path, which tls_certificates_remove frees. */
char *tls_certificates_make(void);
void tls_certificates_remove(char *folder);

/* Starts a server in @p folder with these arguments (NULL-terminated) beside -accept. Fails the test if it does not
 * come up. It ends with the test program at the latest. */
void tls_server_start(tls_server *server, const char *folder, const char *const *arguments);
void tls_server_stop(tls_server *server);

#endif
