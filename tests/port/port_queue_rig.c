/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that most checks of a queue make. */
#include "port_queue_rig.h"

#include <string.h>

const sbs_queue_meta port_queue_meta = {
    .uptime_ms = 123456789, .utc_s = 1767225600, .boot_id = 42, .lane = 7, .zone_minutes = 60, .format = 1};

bool port_queue_empty(port_report *report, const port_queue *port) {
    const sbs_queue_ops *ops = port->queue.ops;
    sbs_queue_item item;

    /* Ids grow, so this ends; what a check before it left is settled. */
    for (;;) {
        sbs_status status = ops->next(port->queue.ctx, 0, &item);
        if (status == SBS_ERR_NOT_FOUND) {
            return true;
        }

        if (status == SBS_ERR_DAMAGED) {
            continue;
        }

        if (!port_expect_status(report, "next() of a queue that is being emptied", status, SBS_OK)) {
            return false;
        }

        status = ops->settle(port->queue.ctx, item.id, SBS_QUEUE_DELIVERED, NULL, NULL);
        if (!port_expect_status(report, "settle() of the first item", status, SBS_OK)) {
            return false;
        }
    }
}

bool port_queue_add(port_report *report, const port_queue *port, uint32_t seed, uint64_t *out_id) {
    uint8_t data[PORT_QUEUE_ITEM];
    port_fill(data, sizeof data, seed);
    *out_id = 0;

    sbs_status status = port->queue.ops->append(port->queue.ctx, &port_queue_meta, data, sizeof data, out_id);

    return port_expect_status(report, "append() of a small item", status, SBS_OK);
}

bool port_queue_next(port_report *report, const port_queue *port, uint64_t after, uint64_t id, sbs_queue_item *out) {
    memset(out, 0, sizeof *out);
    sbs_status status = port->queue.ops->next(port->queue.ctx, after, out);

    return port_expect_status(report, "next()", status, SBS_OK) &&
           port_expect_number(report, "the id that next() tells", out->id, id);
}

bool port_queue_end(port_report *report, const port_queue *port, uint64_t after) {
    sbs_queue_item item;
    return port_expect_status(report, "next() behind the last item",
                              port->queue.ops->next(port->queue.ctx, after, &item), SBS_ERR_NOT_FOUND);
}

bool port_queue_read(port_report *report, const port_queue *port, uint64_t id, size_t offset, uint8_t *out, size_t size,
                     size_t *out_len) {
    *out_len = 0;
    while (*out_len < size) {
        size_t part = 0;
        sbs_status status =
            port->queue.ops->read(port->queue.ctx, id, offset + *out_len, out + *out_len, size - *out_len, &part);
        if (!port_expect_status(report, "read()", status, SBS_OK) ||
            !port_expect(report, "the length that read() tells", part <= size - *out_len, "at most the buffer",
                         "more")) {
            return false;
        }

        if (part == 0) {
            return true;
        }

        *out_len += part;
    }

    return true;
}

bool port_queue_holds(port_report *report, const port_queue *port, uint64_t id, uint32_t seed) {
    uint8_t data[PORT_QUEUE_ITEM], got[PORT_QUEUE_ITEM];
    size_t len = 0;
    port_fill(data, sizeof data, seed);

    return port_queue_read(report, port, id, 0, got, sizeof got, &len) &&
           port_expect_number(report, "the bytes that read() gives", len, sizeof data) &&
           port_expect_bytes(report, "the bytes of an item", got, data, sizeof data);
}

bool port_queue_mark(port_report *report, const port_queue *port, uint64_t id) {
    return port_expect_status(report, "mark_attempt()", port->queue.ops->mark_attempt(port->queue.ctx, id), SBS_OK);
}

bool port_queue_settle(port_report *report, const port_queue *port, uint64_t id, sbs_queue_fate fate) {
    sbs_status status = port->queue.ops->settle(port->queue.ctx, id, fate, NULL, NULL);
    return port_expect_status(report, "settle()", status, SBS_OK);
}
