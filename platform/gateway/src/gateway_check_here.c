/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at on this machine. */
#include "sbs/gateway_check.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sbs/linux_clock.h"
#include "sbs/linux_http_server.h"

#define OVERLAY_MAGIC 0x794c7630
#define MIB 1048576u

void sbs_gateway_check_name_settings(sbs_forward_check *check) {
    check->fhir = "'fhir' in gateway.conf";
    check->scope = "'scope' in gateway.conf";
    check->token_url = "'token-url' in gateway.conf";
    check->write_mode = "'write-mode' in gateway.conf";
}

/* What stands in RAM, or in a layer that is gone at the next boot, is not kept. */
static void check_state(const sbs_forward_check *check, const char *state) {
    struct statfs system;
    if (statfs(state, &system) != 0) {
        sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_STATE,
                               "start the gateway once: the package makes the folder", "folder %s: %s", state,
                               strerror(errno));
        return;
    }
    if (access(state, W_OK) != 0) {
        sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_STATE, "it must belong to the gateway's user",
                               "folder %s cannot be written: %s", state, strerror(errno));
        return;
    }

    unsigned long type = (unsigned long)system.f_type;
    if (type == TMPFS_MAGIC || type == OVERLAY_MAGIC || type == RAMFS_MAGIC) {
        sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_STATE,
                               "put it onto a partition that stays, and name it with 'state'",
                               "folder %s lies on a file system that a restart empties", state);
        return;
    }

    sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_STATE, NULL, "folder %s", state);
}

static void check_disk(const sbs_forward_check *check, const sbs_gateway_config *config) {
    struct statvfs disk;
    if (statvfs(config->state, &disk) != 0) {
        return; /* the state was told already */
    }

    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    sbs_forward_verdict verdict = SBS_FORWARD_OK;
    const char *advice = NULL;
    if (free_bytes <= config->keep_free) {
        verdict = SBS_FORWARD_FAIL;
        advice = "make room: below keep-free devices are told to wait";
    } else if (free_bytes <= 2 * config->keep_free) {
        verdict = SBS_FORWARD_WARN;
        advice = "make room before it is less than keep-free";
    }

    sbs_forward_check_tell(check, verdict, SBS_FORWARD_STEP_DISK, advice,
                           "%" PRIu64 " MiB free, keep-free is %" PRIu64 " MiB", free_bytes / MIB,
                           config->keep_free / MIB);
}

/* Without a time there is no TLS; else the server is asked what it says of the clock. */
static void check_clock(const sbs_forward_check *check) {
    if (sbs_linux_now().utc_s == SBS_UTC_UNKNOWN) {
        sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_CLOCK,
                               "set up NTP ('timedatectl set-ntp true')",
                               "it was never set: it says a time before this program was built");
    } else {
        sbs_forward_check_clock(check, sbs_linux_now(), SBS_UTC_UNKNOWN);
    }
}

/* ---- listeners -------------------------------------------------------------------------------------------------- */

/* True if a gateway answers at its socket: then the listeners are its. */
static bool check_is_running(const sbs_gateway_config *config) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/" SBS_GATEWAY_CONTROL, config->run);
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
static void check_port(const sbs_forward_check *check, const sbs_gateway_listener *listener) {
    int error = check_listen(listener->address);
    if (error != 0) {
        sbs_forward_check_tell(check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_LISTEN,
                               "give an address of this machine that nothing else uses",
                               "%s: %s cannot be listened at: %s", listener->name, listener->address, strerror(error));
    } else {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_LISTEN, NULL, "%s: %s is free", listener->name,
                               listener->address);
    }
}

static void check_listeners(const sbs_forward_check *check, const sbs_gateway_config *config) {
    bool running = check_is_running(config);
    for (size_t i = 0; i < config->listener_count; i++) {
        const sbs_gateway_listener *listener = &config->listeners[i];
        if (listener->insecure) {
            sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_LISTEN, "use TLS where the devices can",
                                   "%s: %s is plain: who shares that network can read and change what devices send",
                                   listener->name, listener->address);
        }
        if (!check_is_here(listener)) {
            sbs_forward_check_tell(
                check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_LISTEN, "devices reach it once this machine has that address",
                "%s: no network of this machine has the address of %s", listener->name, listener->address);
        } else if (!running) {
            check_port(check, listener);
        }
    }

    if (running) {
        sbs_forward_check_tell(check, SBS_FORWARD_OK, SBS_FORWARD_STEP_LISTEN, NULL, "the gateway runs");
    }
    if (config->device_count == 0) {
        sbs_forward_check_tell(check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_DEVICES,
                               "add one with 'sbs-gateway device add NAME'", "none");
    }
}

void sbs_gateway_check_here(const sbs_forward_check *check, const sbs_gateway_config *config) {
    check_state(check, config->state);
    check_disk(check, config);
    check_clock(check);
    check_listeners(check, config);
}
