/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "message.h"
#include "sbs/linux_clock.h"
#include "signals.h"

#define LONGEST_WAIT_MS 250u /* so that a signal is seen soon */
#define SEND_MS 10000u

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static bool device_make_raw(int descriptor) {
    struct termios line;
    if (tcgetattr(descriptor, &line) != 0) {
        return false;
    }

    line.c_iflag = IGNBRK;
    line.c_oflag = 0;
    line.c_lflag = 0;

    /* 8 bits, no parity, one stop bit, no modem lines. */
    line.c_cflag = (line.c_cflag & ~(tcflag_t)(CSIZE | PARENB | CSTOPB)) | CS8 | CREAD | CLOCAL;
    line.c_cc[VMIN] = 0;
    line.c_cc[VTIME] = 0;

    return cfsetspeed(&line, B115200) == 0 && tcsetattr(descriptor, TCSAFLUSH, &line) == 0;
}

/* Closes it and leaves errno as it is. Returns -1. */
static int device_close_for_fault(int descriptor) {
    int error = errno;
    (void)close(descriptor);
    errno = error;
    return -1;
}

static int device_open_terminal(const char *path) {
    int descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0 && !device_make_raw(descriptor)) {
        return device_close_for_fault(descriptor);
    }
    return descriptor;
}

static int device_connect(int family, const void *address, socklen_t len) {
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && connect(descriptor, address, len) != 0) {
        return device_close_for_fault(descriptor);
    }
    return descriptor;
}

static int device_open_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }

    memcpy(address.sun_path, path, len + 1);
    return device_connect(AF_UNIX, &address, sizeof address);
}

/* HOST:PORT; false with errno if the text is not that. */
static bool device_split_host(const char *text, char *host, size_t host_size, uint16_t *out_port) {
    const char *colon = strchr(text, ':');
    uint64_t port;

    errno = ENOENT;
    if (colon == NULL || (size_t)(colon - text) >= host_size) {
        return false;
    }

    if (sbs_text_to_uint(sbs_text_of(colon + 1), &port) != SBS_OK || port == 0 || port > UINT16_MAX) {
        return false;
    }

    size_t len = (size_t)(colon - text);
    memcpy(host, text, len);
    host[len] = '\0';
    *out_port = (uint16_t)port;

    return true;
}

/* A console has no password, so its line must not leave this machine. */
static int device_open_loopback(const char *path) {
    char host[16];
    uint16_t port;
    if (!device_split_host(path, host, sizeof host, &port)) {
        return -1;
    }

    const char *number = host;
    if (strcmp(host, "localhost") == 0) {
        number = "127.0.0.1";
    }

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, number, &address.sin_addr) != 1 ||
        (ntohl(address.sin_addr.s_addr) >> 24) != IN_LOOPBACKNET) {
        errno = EADDRNOTAVAIL;
        return -1;
    }

    return device_connect(AF_INET, &address, sizeof address);
}

int cli_device_open(cli_device *device, const char *path) {
    struct stat found;

    /* What is no file may be HOST:PORT. */
    bool exists = stat(path, &found) == 0;

    *device = (cli_device){.descriptor = -1};
    if (exists && S_ISSOCK(found.st_mode)) {
        device->descriptor = device_open_unix(path);
    } else if (exists) {
        device->descriptor = device_open_terminal(path);
        device->is_terminal = true;
    } else {
        device->descriptor = device_open_loopback(path);
    }

    if (device->descriptor < 0) {
        return cli_fail(CLI_INPUT,
                        "device %s: %s, give a serial line, a Unix socket, or HOST:PORT of a loopback address", path,
                        strerror(errno));
    }

    int flags = fcntl(device->descriptor, F_GETFL);
    (void)fcntl(device->descriptor, F_SETFL, flags | O_NONBLOCK);
    return CLI_DONE;
}

void cli_device_close(cli_device *device) {
    if (device->descriptor >= 0) {
        (void)close(device->descriptor);
        device->descriptor = -1;
    }
}

/* ---- talking ----------------------------------------------------------------------------------------------------- */

/* False after the deadline, an error or a signal. */
static bool device_wait(const cli_device *device, short events, uint64_t deadline_ms) {
    for (;;) {
        uint64_t now_ms = sbs_linux_now().mono_ms;
        if (cli_signal() != 0 || now_ms >= deadline_ms) {
            return false;
        }

        /* In short waits, so that a signal that came just before one is seen. */
        uint64_t wait_ms = deadline_ms - now_ms;
        if (wait_ms > LONGEST_WAIT_MS) {
            wait_ms = LONGEST_WAIT_MS;
        }

        struct pollfd one = {.fd = device->descriptor, .events = events};
        int count = poll(&one, 1, (int)wait_ms);
        if (count > 0) {
            return true;
        }

        if (count < 0 && errno != EINTR) {
            return false;
        }
    }
}

/* True of a read or write that may succeed later. */
static bool device_may_retry(ssize_t count) {
    return count < 0 && (errno == EAGAIN || errno == EINTR);
}

bool cli_device_send(cli_device *device, const char *text) {
    size_t len = strlen(text);
    uint64_t deadline_ms = sbs_linux_now().mono_ms + SEND_MS;

    while (len > 0) {
        ssize_t count = write(device->descriptor, text, len);
        if (count > 0) {
            text += count;
            len -= (size_t)count;
            continue;
        }

        if (count < 0 && !device_may_retry(count)) {
            return false;
        }

        if (!device_wait(device, POLLOUT, deadline_ms)) {
            errno = ETIMEDOUT;
            return false;
        }
    }

    return true;
}

/* The end of a line, which was too long to be kept if `skipping`. True if there is a line to be read. */
static bool device_line_end(cli_device *device) {
    bool whole = !device->skipping;
    size_t len = device->len;
    if (!whole) {
        len = 0;
    }

    device->line[len] = '\0';
    device->len = 0;
    device->skipping = false;

    return whole;
}

/* True if the byte ends a line. */
static bool device_line_take(cli_device *device, char c) {
    if (c == '\n') {
        return device_line_end(device);
    }

    /* Colours and carriage returns of a console are no part of its lines. */
    if (c < 0x20 || c > 0x7E) {
        return false;
    }

    if (device->len + 1 >= sizeof device->line) {
        /* No line of a device is so long: noise, or another speed. */
        device->skipping = true;
        device->len = 0;
    }

    device->line[device->len++] = c;
    return false;
}

const char *cli_device_line(cli_device *device, uint64_t deadline_ms) {
    for (;;) {
        char c;
        ssize_t count = read(device->descriptor, &c, 1);
        if (count == 1) {
            if (device_line_take(device, c)) {
                return device->line;
            }
            continue;
        }

        /* A terminal reads nothing where nothing came; elsewhere that is the end. */
        bool closed = count == 0 && !device->is_terminal;
        bool failed = count < 0 && !device_may_retry(count);
        if (closed || failed || !device_wait(device, POLLIN, deadline_ms)) {
            return NULL;
        }
    }
}
