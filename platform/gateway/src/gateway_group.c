/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_group.h"

static const sbs_queue *group_inner(const void *ctx) {
    const sbs_gateway_group *group = ctx;
    return &group->priv.inner;
}

static sbs_status group_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->append(inner->ctx, meta, data, len, out_id);
}

static sbs_status group_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->next(inner->ctx, after, out_item);
}

static sbs_status group_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->read(inner->ctx, id, offset, buffer, size, out_len);
}

static sbs_status group_mark_attempt(void *ctx, uint64_t id) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->mark_attempt(inner->ctx, id);
}

static sbs_status group_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->settle(inner->ctx, id, fate, reason, words);
}

static void group_counters(void *ctx, sbs_queue_counters *out) {
    const sbs_queue *inner = group_inner(ctx);
    inner->ops->counters(inner->ctx, out);
}

static sbs_status group_begin(void *ctx) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->begin(inner->ctx);
}

/* The commit takes all of the turn with it, whoever asks for it. */
static sbs_status group_commit(void *ctx) {
    sbs_gateway_group *group = ctx;
    sbs_status status = group->priv.inner.ops->commit(group->priv.inner.ctx);
    if (group->priv.waits) {
        group->priv.waits = false;
        group->priv.failed = status != SBS_OK;
    }

    return status;
}

static sbs_status group_note_failures(void *ctx, uint64_t id, uint16_t failures, int64_t since_s) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->note_failures(inner->ctx, id, failures, since_s);
}

static sbs_status group_list(void *ctx, uint64_t after, sbs_queue_row *rows, size_t max, size_t *out_count) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->bulk->list(inner->ctx, after, rows, max, out_count);
}

static sbs_status group_mark_fresh(void *ctx, uint64_t first, uint64_t last) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->bulk->mark_fresh(inner->ctx, first, last);
}

static sbs_status group_unmark(void *ctx, uint64_t id) {
    const sbs_queue *inner = group_inner(ctx);
    return inner->ops->bulk->unmark(inner->ctx, id);
}

void sbs_gateway_group_init(sbs_gateway_group *group, const sbs_queue *inner, sbs_queue *out_port) {
    static const sbs_queue_bulk bulk = {group_list, group_mark_fresh, group_unmark};
    static const sbs_queue_ops ops = {
        .append = group_append,
        .next = group_next,
        .read = group_read,
        .mark_attempt = group_mark_attempt,
        .settle = group_settle,
        .counters = group_counters,
        .begin = group_begin,
        .commit = group_commit,
        .note_failures = group_note_failures,
        .bulk = &bulk,
    };

    *group = (sbs_gateway_group){.priv = {.inner = *inner}};
    *out_port = (sbs_queue){&ops, group};
}

void sbs_gateway_group_expect(sbs_gateway_group *group) {
    if (!group->priv.waits) {
        group->priv.failed = false;
    }
    group->priv.waits = true;
}

sbs_status sbs_gateway_group_end(sbs_gateway_group *group) {
    sbs_status status = group_commit(group);
    if (status == SBS_OK && group->priv.failed) {
        status = SBS_ERR_STORAGE; /* an earlier commit of this turn was that of what was accepted */
    }

    group->priv.failed = false;
    return status;
}
