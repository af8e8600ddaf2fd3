/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop tells of itself. */
#include <stdio.h>
#include <string.h>

#include "gateway_loop_internal.h"
#include "sbs/linux_text.h"

uint64_t gateway_loop_accepted(const struct sbs_gateway_loop *loop) {
    uint64_t accepted = 0;
    for (size_t i = 0; i < loop->config->device_count; i++) {
        accepted += loop->counts[i].accepted;
    }
    return accepted;
}

void gateway_loop_note_history(struct sbs_gateway_loop *loop) {
    uint64_t quarter = loop->now.mono_ms / GATEWAY_QUARTER_MS;
    sbs_queue_counters counters = {0};
    bool over = !loop->history.begun || quarter != loop->history.quarter;
    if (!over || !loop->queue_open) {
        return;
    }

    loop->inner.ops->counters(loop->inner.ctx, &counters);
    gateway_history_note(&loop->history, loop->now.mono_ms, gateway_loop_accepted(loop),
                         sbs_gateway_sender_delivered(&loop->sender), counters.waiting);
}

static void status_take_history(struct sbs_gateway_loop *loop, sbs_gateway_status *out) {
    gateway_history_note(&loop->history, loop->now.mono_ms, gateway_loop_accepted(loop),
                         sbs_gateway_sender_delivered(&loop->sender), out->queue.counters.waiting);
    memcpy(out->accepted, loop->history.accepted, sizeof out->accepted);
    memcpy(out->delivered, loop->history.delivered, sizeof out->delivered);
    memcpy(out->waiting, loop->history.waiting, sizeof out->waiting);
}

static void status_take_queue(struct sbs_gateway_loop *loop, sbs_gateway_status *out) {
    uint64_t kept;
    out->queue_known = false;
    if (loop->queue_open && !loop->failing) {
        out->queue_known = sbs_sqlite_queue_stats(&loop->queue, &out->queue) == SBS_OK;
    }
    if (!out->queue_known) {
        (void)snprintf(out->queue_words, sizeof out->queue_words, "%s", loop->queue_words);
    }
    if (!loop->queue_open) {
        return;
    }

    const char *aside = sbs_sqlite_queue_set_aside(&loop->queue, &kept);
    if (aside != NULL) {
        (void)snprintf(out->set_aside, sizeof out->set_aside, "%s", aside);
    }
    out->disk_low |= sbs_sqlite_queue_check_disk(&loop->queue, loop->config->keep_free, &out->disk_free) != SBS_OK;
}

void sbs_gateway_loop_status(struct sbs_gateway_loop *loop, sbs_gateway_status *out) {
    *out = (sbs_gateway_status){
        .config = loop->config,
        .counts = loop->counts,
        .now = loop->now,
        .started_s = loop->started_s,
        .disk_low = loop->intake.full,
        .own_certificate_s = gateway_listeners_until(&loop->listeners),
        .clock = sbs_gateway_clock_state(&loop->clock, loop->now),
    };

    status_take_queue(loop, out);
    status_take_history(loop, out);
    sbs_gateway_sender_status(&loop->sender, loop->now, out);
    if (sbs_gateway_keys_thumbprint(&loop->keys, out->key_thumbprint) != SBS_OK) {
        out->key_thumbprint[0] = '\0';
    }
}

/* ---- what the page asks for ------------------------------------------------------------------------------------- */

static void ops_status(void *ctx, sbs_gateway_status *out) {
    sbs_gateway_loop_status(ctx, out);
}

/* Bytes of a file become a line that can be shown. */
static void letter_take(char *out, size_t size, const char *text) {
    size_t len = strnlen(text, size - 1);
    memcpy(out, text, len);
    out[sbs_linux_clean_text(out, len)] = '\0';
}

static sbs_status ops_letter(void *ctx, uint64_t after, sbs_gateway_letter *out) {
    struct sbs_gateway_loop *loop = ctx;
    sbs_sqlite_dead dead;
    if (!loop->queue_open) {
        return SBS_ERR_STORAGE;
    }

    sbs_status status = sbs_sqlite_queue_dead(&loop->queue, after, &dead);
    if (status != SBS_OK) {
        return status;
    }

    *out = (sbs_gateway_letter){
        .id = dead.item.id,
        .arrived_s = dead.arrived_s,
        .dead_s = dead.utc_s,
        .http_status = dead.http_status,
    };
    letter_take(out->device, sizeof out->device, dead.source);
    letter_take(out->type, sizeof out->type, dead.type);
    letter_take(out->reason, sizeof out->reason, dead.reason);
    letter_take(out->words, sizeof out->words, dead.words);
    return SBS_OK;
}

/* In the group of the turn, so that the answer waits for the disk. */
static sbs_status ops_begin(struct sbs_gateway_loop *loop) {
    return loop->queue_open ? sbs_sqlite_queue_begin(&loop->queue) : SBS_ERR_STORAGE;
}

static sbs_status ops_retry(void *ctx, uint64_t id) {
    struct sbs_gateway_loop *loop = ctx;
    sbs_status status = ops_begin(loop);
    if (status == SBS_OK) {
        status = sbs_sqlite_queue_retry(&loop->queue, id);
    }
    if (status == SBS_OK) {
        sbs_gateway_sender_wake(&loop->sender);
    }
    return status;
}

static sbs_status ops_discard(void *ctx, uint64_t id) {
    struct sbs_gateway_loop *loop = ctx;
    sbs_status status = ops_begin(loop);
    if (status == SBS_OK) {
        status = sbs_sqlite_queue_remove_dead(&loop->queue, id);
    }
    return status;
}

const sbs_gateway_page_ops gateway_page_ops = {ops_status, ops_letter, ops_retry, ops_discard};
