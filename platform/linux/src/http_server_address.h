/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server listens, and who its peers are. */
#ifndef SBS_HTTP_SERVER_ADDRESS_H
#define SBS_HTTP_SERVER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "sbs/status.h"

/* What a listening socket is bound to. */
typedef struct sbs_http_bound {
    char *path; /* of a Unix socket, which is removed with it; NULL: TCP */
    dev_t device;
    ino_t inode; /* of the path */
    uint16_t port;
} sbs_http_bound;

/* Who connected. */
typedef struct sbs_http_peer {
    char text[INET6_ADDRSTRLEN]; /* "" on a Unix socket */
    uint8_t address[16];         /* IPv4 as ::ffff:a.b.c.d; zeros on a Unix socket */
    bool local;                  /* loopback or a Unix socket */
} sbs_http_peer;

/* Binds and listens; early: also at an address that this machine does not have. SBS_ERR_ARGUMENT: no address;
 * SBS_ERR_NETWORK: errno says why; SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_http_address_listen(const char *address, bool early, int *out_fd,
                                                 sbs_http_bound *out_bound);
/* Closes it, and removes a Unix socket's path. */
void sbs_http_address_close(int fd, sbs_http_bound *bound);
/* Who an accepted socket's address is. */
void sbs_http_address_peer(const struct sockaddr_storage *address, sbs_http_peer *out);

#endif
