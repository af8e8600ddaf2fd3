/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 128

typedef union socket_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un path;
    struct sockaddr_storage storage;
} socket_address;

/* ---- TCP ------------------------------------------------------------------------------------------------------ */

static bool address_parse_port(const char *text, uint16_t *out_port) {
    unsigned long port = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return false;
    }

    port = strtoul(text, NULL, 10);
    *out_port = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* ADDRESS:PORT or [IPv6]:PORT; no names: what a listener is bound to must not depend on a resolver. */
static bool address_parse(const char *text, socket_address *out, socklen_t *out_len) {
    char host[INET6_ADDRSTRLEN];
    uint16_t port = 0;
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    if (colon == NULL || !address_parse_port(colon + 1, &port)) {
        return false;
    }

    const char *start = text + bracketed;
    const char *end = colon - bracketed;
    if (end <= start || (size_t)(end - start) >= sizeof host || (bracketed && *end != ']')) {
        return false;
    }
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';

    memset(out, 0, sizeof *out);
    if (bracketed) {
        out->ip6.sin6_family = AF_INET6;
        out->ip6.sin6_port = htons(port);
        *out_len = sizeof out->ip6;
        return inet_pton(AF_INET6, host, &out->ip6.sin6_addr) == 1;
    }

    out->ip4.sin_family = AF_INET;
    out->ip4.sin_port = htons(port);
    *out_len = sizeof out->ip4;
    return inet_pton(AF_INET, host, &out->ip4.sin_addr) == 1;
}

static bool address_bind_tcp(int fd, const socket_address *address, socklen_t len, bool early, uint16_t *out_port) {
    int on = 1;
    socket_address bound;
    socklen_t bound_len = sizeof bound;
    /* A program that starts anew must not wait for the last connections of the one before. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (early) {
        (void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on); /* of IPv6, too */
    }

    if (bind(fd, &address->any, len) != 0 || getsockname(fd, &bound.any, &bound_len) != 0) {
        return false;
    }

    *out_port = ntohs(bound.ip4.sin_port);
    if (bound.any.sa_family == AF_INET6) {
        *out_port = ntohs(bound.ip6.sin6_port);
    }
    return true;
}

/* ---- Unix sockets --------------------------------------------------------------------------------------------- */

/* True if a socket stands there that nobody listens at: a program that was killed left it. */
static bool address_is_left_over(const socket_address *address, socklen_t len) {
    struct stat status;
    if (lstat(address->path.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, &address->any, len) != 0 && errno == ECONNREFUSED;
    if (fd >= 0) {
        (void)close(fd);
    }

    return refused;
}

static bool address_bind_path(int fd, const socket_address *address, socklen_t len, sbs_http_bound *bound) {
    struct stat status;
    const char *path = address->path.sun_path;
    /* Between bind() and chmod() nobody gets in. */
    (void)fchmod(fd, 0600);

    int result = bind(fd, &address->any, len);
    if (result != 0 && errno == EADDRINUSE && address_is_left_over(address, len) && unlink(path) == 0) {
        result = bind(fd, &address->any, len);
    }

    if (result != 0 || lstat(path, &status) != 0 || chmod(path, 0660) != 0) {
        return false;
    }

    bound->device = status.st_dev;
    bound->inode = status.st_ino;
    return true;
}

static sbs_status address_parse_path(const char *path, socket_address *out, socklen_t *out_len) {
    size_t len = strlen(path);
    if (len >= sizeof out->path.sun_path) {
        return SBS_ERR_ARGUMENT;
    }

    memset(out, 0, sizeof *out);
    out->path.sun_family = AF_UNIX;
    memcpy(out->path.sun_path, path, len + 1);
    *out_len = sizeof out->path;
    return SBS_OK;
}

/* ---- both ----------------------------------------------------------------------------------------------------- */

static bool address_open(int fd, const socket_address *address, socklen_t len, bool early, sbs_http_bound *bound) {
    bool well;
    if (bound->path != NULL) {
        well = address_bind_path(fd, address, len, bound);
    } else {
        well = address_bind_tcp(fd, address, len, early, &bound->port);
    }

    return well && listen(fd, LISTEN_BACKLOG) == 0;
}

sbs_status sbs_http_address_listen(const char *address, bool early, int *out_fd, sbs_http_bound *out_bound) {
    socket_address parsed;
    socklen_t len = 0;
    sbs_status status = SBS_OK;
    *out_bound = (sbs_http_bound){.path = NULL};

    if (address[0] == '/') {
        status = address_parse_path(address, &parsed, &len);
    } else if (!address_parse(address, &parsed, &len)) {
        status = SBS_ERR_ARGUMENT;
    }
    if (status != SBS_OK) {
        return status;
    }

    if (address[0] == '/' && (out_bound->path = strdup(address)) == NULL) {
        return SBS_ERR_MEMORY;
    }
    int fd = socket(parsed.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && address_open(fd, &parsed, len, early, out_bound)) {
        *out_fd = fd;
        return SBS_OK;
    }

    /* A path that could not be bound is somebody else's. */
    int error = errno;
    free(out_bound->path);
    out_bound->path = NULL;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = error;
    return SBS_ERR_NETWORK;
}

void sbs_http_address_close(int fd, sbs_http_bound *bound) {
    struct stat status;
    (void)close(fd);

    /* The next program may have its own there already. */
    if (bound->path != NULL && lstat(bound->path, &status) == 0 && status.st_dev == bound->device &&
        status.st_ino == bound->inode) {
        (void)unlink(bound->path);
    }
    free(bound->path);
    bound->path = NULL;
}

/* ---- peers ---------------------------------------------------------------------------------------------------- */

static void address_peer_ip4(struct in_addr address, sbs_http_peer *out) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

    (void)inet_ntop(AF_INET, &address, out->text, sizeof out->text);
    memcpy(out->address, mapped, sizeof mapped);
    memcpy(out->address + sizeof mapped, &address, sizeof address);
    out->local = out->address[12] == 127;
}

void sbs_http_address_peer(const struct sockaddr_storage *address, sbs_http_peer *out) {
    socket_address peer;
    struct in_addr ip4;
    memset(out, 0, sizeof *out);
    memcpy(&peer.storage, address, sizeof *address);

    if (peer.any.sa_family == AF_INET) {
        address_peer_ip4(peer.ip4.sin_addr, out);
    } else if (peer.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.ip6.sin6_addr)) {
        memcpy(&ip4, peer.ip6.sin6_addr.s6_addr + 12, sizeof ip4);
        address_peer_ip4(ip4, out);
    } else if (peer.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &peer.ip6.sin6_addr, out->text, sizeof out->text);
        memcpy(out->address, peer.ip6.sin6_addr.s6_addr, sizeof out->address);
        out->local = IN6_IS_ADDR_LOOPBACK(&peer.ip6.sin6_addr);
    } else {
        out->local = true;
    }
}
