/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at on this machine. */
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "gateway_check_internal.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_http_server.h"

#define OVERLAY_MAGIC 0x794c7630
#define MIB 1048576u

void gateway_check_tell(const sbs_gateway_check *check, sbs_gateway_verdict verdict, const char *name,
                        const char *advice, const char *format, ...) {
    char text[640];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return;
    }

    const sbs_gateway_finding finding = {verdict, name, text, advice};
    check->tell(check->ctx, &finding);
}

/* What stands in RAM, or in a layer that is gone at the next boot, is not kept. */
static void check_state(const sbs_gateway_check *check, const char *state) {
    struct statfs system;
    if (statfs(state, &system) != 0) {
        gateway_check_tell(check, SBS_GATEWAY_FAIL, "state", "start the gateway once: the package makes the folder",
                           "folder %s: %s", state, strerror(errno));
        return;
    }
    if (access(state, W_OK) != 0) {
        gateway_check_tell(check, SBS_GATEWAY_FAIL, "state", "it must belong to the gateway's user",
                           "folder %s cannot be written: %s", state, strerror(errno));
        return;
    }

    unsigned long type = (unsigned long)system.f_type;
    if (type == TMPFS_MAGIC || type == OVERLAY_MAGIC || type == RAMFS_MAGIC) {
        gateway_check_tell(check, SBS_GATEWAY_FAIL, "state",
                           "put it onto a partition that stays, and name it with 'state'",
                           "folder %s lies on a file system that a restart empties", state);
        return;
    }

    gateway_check_tell(check, SBS_GATEWAY_OK, "state", NULL, "folder %s", state);
}

static void check_disk(const sbs_gateway_check *check, const sbs_gateway_config *config) {
    struct statvfs disk;
    if (statvfs(config->state, &disk) != 0) {
        return; /* the state was told already */
    }

    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    sbs_gateway_verdict verdict = SBS_GATEWAY_OK;
    const char *advice = NULL;
    if (free_bytes <= config->keep_free) {
        verdict = SBS_GATEWAY_FAIL;
        advice = "make room: below keep-free devices are told to wait";
    } else if (free_bytes <= 2 * config->keep_free) {
        verdict = SBS_GATEWAY_WARN;
        advice = "make room before it is less than keep-free";
    }

    gateway_check_tell(check, verdict, "disk", advice, "%" PRIu64 " MiB free, keep-free is %" PRIu64 " MiB",
                       free_bytes / MIB, config->keep_free / MIB);
}

static void check_clock(const sbs_gateway_check *check) {
    struct timex kernel = {.modes = 0};
    bool synchronised = adjtimex(&kernel) >= 0 && (kernel.status & STA_UNSYNC) == 0;
    if (sbs_linux_now().utc_s == SBS_UTC_UNKNOWN) {
        gateway_check_tell(check, SBS_GATEWAY_FAIL, "clock", "set up NTP ('timedatectl set-ntp true')",
                           "it was never set: it says a time before this program was built");
    } else if (!synchronised) {
        gateway_check_tell(check, SBS_GATEWAY_WARN, "clock", "set up NTP ('timedatectl set-ntp true')",
                           "the kernel does not call it synchronised; the server's answer has to vouch for it");
    } else {
        gateway_check_tell(check, SBS_GATEWAY_OK, "clock", NULL, "synchronised");
    }
}

/* ---- listeners -------------------------------------------------------------------------------------------------- */

/* True if a gateway answers at its socket: then the listeners are its. */
static bool check_is_running(const sbs_gateway_config *config) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", config->run);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool fits = len > 0 && (size_t)len < sizeof address.sun_path && descriptor >= 0;

    bool running = fits && connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return running;
}

static void check_handle(void *ctx, const sbs_linux_http_request *request, sbs_linux_http_answer *out) {
    (void)ctx;
    (void)request;
    *out = (sbs_linux_http_answer){.status = 503, .close = true};
}

/* Listens for a moment. 0, or the error. */
static int check_listen(const char *address) {
    const sbs_linux_http_server_config config = {.handle = check_handle};
    const sbs_linux_http_listener at = {.address = address};
    struct sbs_linux_http_server *server;
    unsigned number;
    int error = 0;
    if (sbs_linux_http_server_open(&server, &config) != SBS_OK) {
        return ENOMEM;
    }

    if (sbs_linux_http_server_add(server, &at, &number) != SBS_OK) {
        error = errno;
    }
    sbs_linux_http_server_close(server);
    return error;
}

/* Whether this machine has the address, whoever listens at its port. A gateway listens there already, and serves it
 * once it comes. */
static bool check_is_here(const sbs_gateway_listener *listener) {
    char any_port[96];
    const char *colon = strrchr(listener->address, ':');
    if (colon == NULL || colon - listener->address > (ptrdiff_t)sizeof any_port - 3) {
        return true;
    }

    (void)snprintf(any_port, sizeof any_port, "%.*s:0", (int)(colon - listener->address), listener->address);
    return check_listen(any_port) != EADDRNOTAVAIL;
}

/* Whether the address could be listened at, where no gateway does. */
static void check_port(const sbs_gateway_check *check, const sbs_gateway_listener *listener) {
    int error = check_listen(listener->address);
    if (error != 0) {
        gateway_check_tell(check, SBS_GATEWAY_FAIL, "listen", "give an address of this machine that nothing else uses",
                           "%s: %s cannot be listened at: %s", listener->name, listener->address, strerror(error));
    } else {
        gateway_check_tell(check, SBS_GATEWAY_OK, "listen", NULL, "%s: %s is free", listener->name, listener->address);
    }
}

static void check_listeners(const sbs_gateway_check *check, const sbs_gateway_config *config) {
    bool running = check_is_running(config);
    for (size_t i = 0; i < config->listener_count; i++) {
        const sbs_gateway_listener *listener = &config->listeners[i];
        if (listener->insecure) {
            gateway_check_tell(check, SBS_GATEWAY_WARN, "listen", "use TLS where the devices can",
                               "%s: %s is plain: who shares that network can read and change what devices send",
                               listener->name, listener->address);
        }
        if (!check_is_here(listener)) {
            gateway_check_tell(check, SBS_GATEWAY_WARN, "listen", "devices reach it once this machine has that address",
                               "%s: no network of this machine has the address of %s", listener->name,
                               listener->address);
        } else if (!running) {
            check_port(check, listener);
        }
    }

    if (running) {
        gateway_check_tell(check, SBS_GATEWAY_OK, "listen", NULL, "the gateway runs");
    }
    if (config->device_count == 0) {
        gateway_check_tell(check, SBS_GATEWAY_WARN, "devices", "add one with 'sbs-gateway device add NAME'", "none");
    }
}

void sbs_gateway_check_here(const sbs_gateway_check *check, const sbs_gateway_config *config) {
    check_state(check, config->state);
    check_disk(check, config);
    check_clock(check);
    check_listeners(check, config);
}
