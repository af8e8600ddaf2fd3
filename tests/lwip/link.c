/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static sbs_status receive_begin(void *ctx, size_t *out_len) {
    link_port *link = ctx;
    ssize_t len = read(link->fd, link->in, sizeof link->in);
    if (len < (ssize_t)SBS_ETHERNET_HEADER || len > (ssize_t)SBS_ETHERNET_FRAME_MAX) {
        return SBS_PENDING;
    }
    link->in_len = (size_t)len;
    link->in_at = 0;
    *out_len = link->in_len;
    return SBS_OK;
}

static void receive(void *ctx, uint8_t *buffer, size_t len) {
    link_port *link = ctx;
    memcpy(buffer, link->in + link->in_at, len);
    link->in_at += len;
}

static void receive_end(void *ctx) {
    link_port *link = ctx;
    link->in_len = 0;
}

static sbs_status send_begin(void *ctx, size_t len) {
    link_port *link = ctx;
    link->out_len = len;
    link->out_at = 0;
    return SBS_OK;
}

static void send_part(void *ctx, const uint8_t *data, size_t len) {
    link_port *link = ctx;
    memcpy(link->out + link->out_at, data, len);
    link->out_at += len;
}

static void send_end(void *ctx) {
    link_port *link = ctx;
    (void)!write(link->fd, link->out, link->out_at); /* a full queue loses it, as a wire may */
}

static bool link_up(void *ctx) {
    (void)ctx;
    return true;
}

static const sbs_ethernet_ops ops = {receive_begin, receive, receive_end, send_begin, send_part, send_end, link_up};

static int open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static int open_relay(const char *relay, const char *device) {
    struct sockaddr_un own = address_of(device);
    struct sockaddr_un peer = address_of(relay);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)unlink(device);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&own, sizeof own) != 0 ||
                    connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

bool link_open(link_port *link) {
    const char *name = getenv("SBS_LAB_LINK");
    const char *device = getenv("SBS_LAB_DEVICE");
    memset(link, 0, sizeof *link);
    link->fd = -1;
    if (name != NULL && device != NULL) {
        link->fd = name[0] == '/' ? open_relay(name, device) : open_tap(name);
    }
    if (link->fd < 0) {
        perror("link: no device: run this in tests/lab/lab");
        return false;
    }
    link->ethernet = (sbs_ethernet){.ops = &ops, .ctx = link, .address = {0x02, 0, 0, 0, 0, 0x17}};
    return true;
}

void link_close(link_port *link) {
    (void)close(link->fd);
}

void link_wait(const link_port *link, uint32_t timeout_ms) {
    struct pollfd entry = {.fd = link->fd, .events = POLLIN};
    (void)poll(&entry, 1, (int)timeout_ms);
}
