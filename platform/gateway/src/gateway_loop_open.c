/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop opens, and closes: configuration, key, queue, push, listeners. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway_loop_internal.h"
#include "sbs/linux_clock.h"

static char *loop_path(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", folder, name);
    }
    return path;
}

/* A folder that is there already is as its maker wanted it. */
static bool loop_make_folder(const char *path, mode_t mode, char *message, size_t size) {
    if (mkdir(path, mode) == 0 || errno == EEXIST) {
        return true;
    }

    (void)snprintf(message, size, "folder %s cannot be made: %s, make it for the gateway's user", path,
                   strerror(errno));
    return false;
}

/* One process at a time works on a state, and a queue that is pushed by another is left to it. */
static sbs_status loop_lock_queue(struct sbs_gateway_loop *loop, uint64_t *out_idle_ms, char *message, size_t size) {
    sbs_status status = sbs_sqlite_queue_lock_pusher(&loop->pusher, loop->queue_path, out_idle_ms);
    if (status == SBS_ERR_BUSY) {
        (void)snprintf(message, size,
                       "queue %s: another sbs-gateway, or 'sbs queue push', works on it: end that one first",
                       loop->queue_path);
    } else if (status != SBS_OK) {
        (void)snprintf(message, size, "queue %s: its lock cannot be taken: %s, check who owns %s.lock",
                       loop->queue_path, sbs_status_text(status), loop->queue_path);
    }
    return status;
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

/* For who looks at what a device sends. Asking again who it was counts nothing: what is wrong was answered so. */
static void loop_watch(struct sbs_gateway_loop *loop, const sbs_linux_http_request *request,
                       const sbs_linux_http_answer *answer) {
    const char *name = NULL;
    uint32_t wait_s;
    if (loop->now.mono_ms >= loop->watch.until_ms) {
        return;
    }

    bool known = answer->status != 401 && answer->status != 429;
    if (!known ||
        sbs_gateway_devices_who(&loop->devices, loop->now, request->peer,
                                sbs_linux_http_request_field(request, "Authorization"), &name, &wait_s) != SBS_OK) {
        name = "";
    }
    gateway_watch_note(loop, name, request, answer);
}

static void loop_handle(void *ctx, const sbs_linux_http_request *request, sbs_linux_http_answer *out) {
    struct sbs_gateway_loop *loop = ctx;
    if (request->listener == loop->control) {
        gateway_control_http(loop, request, out);
    } else {
        const sbs_gateway_listener *listener = gateway_listeners_find(&loop->listeners, request->listener);
        if (listener == NULL) {
            *out = (sbs_linux_http_answer){.status = 404, .close = true};
        } else if (strcmp(listener->name, SBS_GATEWAY_PAGE_LISTENER) == 0) {
            sbs_gateway_page_http(&loop->page, loop->now, listener, request, out);
        } else {
            sbs_gateway_intake_http(&loop->intake, sbs_gateway_clock_known(&loop->clock, loop->now), request, out);
            loop_watch(loop, request, out);
        }
    }

    /* Whose answer waits for the disk has put something into the group. */
    if (out->held) {
        sbs_gateway_group_expect(&loop->group);
        loop->accepted = true;
        loop->stored++;
    }
}

static void loop_lost(void *ctx, sbs_linux_http_answer *out) {
    const struct sbs_gateway_loop *loop = ctx;
    sbs_gateway_intake_lost(&loop->intake, out);
}

static bool loop_admit(void *ctx, unsigned number, const char *peer) {
    const struct sbs_gateway_loop *loop = ctx;
    const sbs_gateway_listener *listener = gateway_listeners_find(&loop->listeners, number);
    return listener == NULL || sbs_gateway_listener_allows(listener, peer);
}

/* Commands are root's, and those of the gateway's own user. */
static bool loop_admit_user(void *ctx, unsigned number, uint32_t uid) {
    const struct sbs_gateway_loop *loop = ctx;
    return number != loop->control || uid == 0 || uid == geteuid();
}

/* The operator's commands come by a socket in the run folder, which only the gateway's user and root can reach. */
static sbs_status loop_add_control(struct sbs_gateway_loop *loop, char *message, size_t size) {
    char *path = loop_path(loop->config->run, SBS_GATEWAY_CONTROL);
    if (path == NULL) {
        return SBS_ERR_MEMORY;
    }

    const sbs_linux_http_listener config = {.address = path};
    sbs_status status = sbs_linux_http_server_add(loop->server, &config, &loop->control);
    if (status != SBS_OK) {
        (void)snprintf(message, size, "socket %s cannot be made: %s, check who owns the folder", path, strerror(errno));
    }
    free(path);
    return status;
}

static sbs_status loop_open_server(struct sbs_gateway_loop *loop, char *message, size_t size) {
    const sbs_linux_http_server_config config = {
        .handle = loop_handle,
        .lost = loop_lost,
        .admit = loop_admit,
        .admit_user = loop_admit_user,
        .ctx = loop,
    };

    sbs_status status = sbs_linux_http_server_open(&loop->server, &config);
    if (status == SBS_OK) {
        bool known = sbs_gateway_clock_known(&loop->clock, loop->now).utc_s != SBS_UTC_UNKNOWN;
        status = gateway_listeners_open(&loop->listeners, loop->config, loop->server, loop->now, known, message, size);
    }
    if (status == SBS_OK) {
        status = loop_add_control(loop, message, size);
    }

    return status;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static sbs_status loop_open_config(struct sbs_gateway_loop *loop, const char *path, char *message, size_t size) {
    loop->config_path = strdup(path);
    loop->config = calloc(1, sizeof *loop->config);
    if (loop->config_path == NULL || loop->config == NULL) {
        return SBS_ERR_MEMORY;
    }

    sbs_status status = sbs_gateway_config_load(path, loop->config, message, size);
    if (status != SBS_OK) {
        return status;
    }
    if (!loop_make_folder(loop->config->state, 0700, message, size) ||
        !loop_make_folder(loop->config->run, 0750, message, size)) {
        return SBS_ERR_STORAGE;
    }

    loop->queue_path = loop_path(loop->config->state, GATEWAY_QUEUE);
    return loop->queue_path != NULL ? SBS_OK : SBS_ERR_MEMORY;
}

static sbs_status loop_open_keys(struct sbs_gateway_loop *loop, char *message, size_t size) {
    char *folder = loop_path(loop->config->state, SBS_GATEWAY_KEYS);
    char *secrets = loop_path(loop->config->state, GATEWAY_SECRETS);
    sbs_alg alg = gateway_loop_algorithm(loop->config);
    sbs_status status = SBS_ERR_MEMORY;

    if (folder != NULL && secrets != NULL) {
        status = sbs_gateway_keys_open(&loop->keys, folder, alg, NULL);
        if (status != SBS_OK) {
            (void)snprintf(message, size, "keys in %s: %s, the folder must belong to the gateway's user alone", folder,
                           sbs_status_text(status));
        }
    }
    if (status == SBS_OK) {
        status = sbs_gateway_devices_open(&loop->devices, secrets);
        if (status != SBS_OK) {
            (void)snprintf(message, size, "secrets of devices in %s: %s, the file must have mode 0600", secrets,
                           sbs_status_text(status));
        }
    }

    free(folder);
    free(secrets);
    return status;
}

/* What came before the clock was known is dated by it later, in another boot, too. Without the notes it is not. */
static void loop_open_dating(struct sbs_gateway_loop *loop) {
    bool noted = sbs_linux_storage_open(&loop->notes, loop->config->state, &loop->notes_port) == SBS_OK;
    loop->dating = (sbs_forward_dating){
        .utc_now = sbs_gateway_clock_utc,
        .ctx = &loop->clock,
        .storage = noted ? &loop->notes_port : NULL,
        .boot_id = sbs_forward_boot_id(),
    };
    loop->intake.boot_id = loop->dating.boot_id;
}

static sbs_status loop_open_parts(struct sbs_gateway_loop *loop, const char *path, char *message, size_t size) {
    uint64_t idle_ms;
    sbs_status status = loop_open_config(loop, path, message, size);
    if (status == SBS_OK) {
        status = gateway_loop_open_queue(loop, message, size);
    }
    if (status == SBS_OK) {
        status = loop_lock_queue(loop, &idle_ms, message, size);
    }
    if (status == SBS_OK) {
        status = loop_open_keys(loop, message, size);
    }
    if (status == SBS_OK) {
        loop_open_dating(loop);
        status = sbs_gateway_page_open(&loop->page, &gateway_page_ops, loop, &loop->devices);
    }
    if (status == SBS_OK) {
        status = gateway_loop_open_sender(loop);
    }
    if (status == SBS_OK) {
        status = loop_open_server(loop, message, size);
    }

    return status;
}

sbs_status sbs_gateway_loop_open(struct sbs_gateway_loop **out, const char *config_path, char *message,
                                 size_t message_size) {
    struct sbs_gateway_loop *loop = calloc(1, sizeof *loop);
    *out = NULL;
    message[0] = '\0';
    if (loop == NULL) {
        (void)snprintf(message, message_size, "%s", sbs_status_text(SBS_ERR_MEMORY));
        return SBS_ERR_MEMORY;
    }

    loop->senses = (gateway_senses){-1, -1, -1};
    loop->now = sbs_linux_now();
    loop->started_s = loop->now.utc_s;
    loop->today = -1;
    loop->watchdog_ms = sbs_linux_watchdog_ms();
    for (size_t i = 0; i < SBS_GATEWAY_DEVICES_MAX; i++) {
        loop->counts[i].heard_s = SBS_UTC_UNKNOWN;
    }

    sbs_status status = loop_open_parts(loop, config_path, message, message_size);
    if (status != SBS_OK) {
        if (message[0] == '\0') {
            (void)snprintf(message, message_size, "%s", sbs_status_text(status));
        }
        sbs_gateway_loop_close(loop);
        return status;
    }

    loop->intake.config = loop->config;
    loop->intake.devices = &loop->devices;
    loop->intake.queue = &loop->queue;
    loop->intake.counts = loop->counts;
    loop->intake.no_group = &loop->no_group;
    gateway_loop_open_spool(loop);
    gateway_senses_open(&loop->senses, loop->config->state);
    *out = loop;
    return SBS_OK;
}

/* ---- closing ---------------------------------------------------------------------------------------------------- */

static void loop_free_config(sbs_gateway_config *config) {
    if (config != NULL) {
        sbs_gateway_config_free(config);
        free(config);
    }
}

void sbs_gateway_loop_close(struct sbs_gateway_loop *loop) {
    if (loop == NULL) {
        return;
    }

    sbs_linux_http_server_close(loop->server);
    gateway_listeners_close(&loop->listeners);
    sbs_gateway_sender_close(&loop->sender);
    if (loop->queue_open) {
        sbs_sqlite_queue_undo(&loop->queue); /* nobody was told of what is not committed by now */
    }
    sbs_sqlite_queue_unlock_pusher(&loop->pusher);
    sbs_sqlite_queue_close(&loop->queue);

    sbs_gateway_spool_close(&loop->spool);
    sbs_gateway_intake_close(&loop->intake);
    sbs_linux_storage_close(&loop->notes);
    sbs_gateway_page_close(&loop->page);
    sbs_gateway_devices_close(&loop->devices);
    sbs_gateway_keys_close(&loop->keys);
    gateway_senses_close(&loop->senses);
    sbs_forward_buffer_free(&loop->text);
    loop_free_config(loop->next);
    loop_free_config(loop->config);
    free(loop->config_path);
    free(loop->queue_path);
    sbs_wipe(loop, sizeof *loop);
    free(loop);
}
