/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the loop that are opened again while it runs: the queue, the push, the folders of files. */
#include <stdio.h>
#include <string.h>

#include "gateway_loop_internal.h"

#define RESERVE_BYTES (8u << 20)
#define PAGE_BYTES 1024u /* half as much is written for an item that comes alone */
#define DAY_S 86400u
#define BUSY_MS 250u /* while another process holds the queue, devices and the page wait, too */

/* ---- the queue -------------------------------------------------------------------------------------------------- */

static sbs_status loop_tell_queue(struct sbs_gateway_loop *loop, sbs_status status, char *message, size_t size) {
    const char *words = sbs_sqlite_queue_error(&loop->queue);
    const char *what = words[0] != '\0' ? words : sbs_status_text(status);
    (void)snprintf(message, size, "queue %s: %s, check the disk and who owns the file", loop->queue_path, what);
    return status;
}

/* At the start there is time, as nobody is served yet: zero is the queue's own patience. */
static uint32_t loop_patience_ms(const struct sbs_gateway_loop *loop) {
    return loop->failing ? BUSY_MS : 0;
}

sbs_status gateway_loop_open_queue(struct sbs_gateway_loop *loop, char *message, size_t size) {
    const sbs_sqlite_queue_config config = {
        .path = loop->queue_path,
        .items_max = loop->config->items_max,
        .dead_keep_s = loop->config->dead_keep_days * DAY_S,
        .page_bytes = PAGE_BYTES,
        .reserve_bytes = RESERVE_BYTES,
        .busy_ms = loop_patience_ms(loop),
        .utc_now = sbs_gateway_clock_utc,
        .utc_ctx = &loop->clock,
    };

    sbs_status status = sbs_sqlite_queue_open(&loop->queue, &config, &loop->inner);
    if (status != SBS_OK) {
        return loop_tell_queue(loop, status, message, size);
    }

    sbs_sqlite_queue_set_busy_ms(&loop->queue, BUSY_MS);
    sbs_gateway_group_init(&loop->group, &loop->inner, &loop->port);
    loop->queue_open = true;
    message[0] = '\0';
    return SBS_OK;
}

/* ---- the push --------------------------------------------------------------------------------------------------- */

/* What happened goes into the journal, with fields that a program finds it by. */
static void loop_tell(void *ctx, bool bad, const char *event, const char *device, uint64_t item, uint16_t http_status,
                      const char *message) {
    char number[24] = "";
    char http[8] = "";
    (void)ctx;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)item);
    (void)snprintf(http, sizeof http, "%u", http_status);

    const sbs_linux_record_field fields[] = {
        {"SBS_EVENT", event},
        {"SBS_DEVICE", device},
        {"SBS_ITEM", item != 0 ? number : NULL},
        {"SBS_HTTP_STATUS", http_status != 0 ? http : NULL},
    };
    sbs_linux_record(bad ? SBS_LINUX_WARNING : SBS_LINUX_NOTICE, message, fields, sizeof fields / sizeof fields[0]);
}

sbs_status gateway_loop_open_sender(struct sbs_gateway_loop *loop) {
    const sbs_gateway_sender_config config = {
        .config = loop->config,
        .queue = &loop->queue,
        .port = &loop->port,
        .queue_path = loop->queue_path,
        .keys = &loop->keys,
        .clock = &loop->clock,
        .dating = &loop->dating,
        .counts = loop->counts,
        .pushed_ms = 0, /* something may have been sent a moment ago */
        .tell = loop_tell,
        .ctx = loop,
    };
    return sbs_gateway_sender_open(&loop->sender, &config);
}

void gateway_loop_open_spool(struct sbs_gateway_loop *loop) {
    sbs_gateway_spool_close(&loop->spool);
    loop->spool_due_ms = 0;
    if (sbs_gateway_spool_open(&loop->spool, &loop->intake) != SBS_OK) {
        sbs_linux_record(SBS_LINUX_ERROR, "folders of files are not looked at: out of memory", NULL, 0);
    }
}

uint16_t sbs_gateway_loop_port(const struct sbs_gateway_loop *loop, const char *name) {
    for (size_t i = 0; i < loop->config->listener_count; i++) {
        if (strcmp(loop->config->listeners[i].name, name) == 0) {
            return sbs_linux_http_server_port(loop->server, loop->listeners.numbers[i]);
        }
    }
    return 0;
}

sbs_alg gateway_loop_algorithm(const sbs_gateway_config *config) {
    if (config->algorithm != NULL && strcmp(config->algorithm, "RS384") == 0) {
        return SBS_RS384;
    }
    return SBS_ES384;
}
