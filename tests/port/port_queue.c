/* SPDX-License-Identifier: Apache-2.0 */
/* What port/include/sbs/queue.h promises: items, their order, marks and settling. port_queue_power.c has the rest. */
#include <string.h>

#include "port_queue_rig.h"

#define MARKS 260u /* more than a byte counts */
#define GUARD 0xC3u

/* ---- items ------------------------------------------------------------------------------------------------------- */

static void queue_is_empty(port_report *report, const void *context) {
    const port_queue *port = context;
    sbs_queue_counters counters;
    if (!port_queue_empty(report, port) || !port_queue_end(report, port, 0)) {
        return;
    }

    port->queue.ops->counters(port->queue.ctx, &counters);
    (void)port_expect_number(report, "counters.waiting of an empty queue", counters.waiting, 0);
}

static void queue_order(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t ids[5], after = 0;
    sbs_queue_item item;
    if (!port_queue_empty(report, port)) {
        return;
    }

    for (uint32_t i = 0; i < SBS_COUNT_OF(ids); i++) {
        if (!port_queue_add(report, port, i, &ids[i])) {
            return;
        }
    }

    for (size_t i = 0; i < SBS_COUNT_OF(ids); i++) {
        if (!port_queue_next(report, port, after, ids[i], &item)) {
            return;
        }

        after = item.id;
    }

    (void)port_queue_end(report, port, after);
}

static void queue_ids_grow(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t last = 0;
    for (uint32_t i = 0; i < 4u; i++) {
        uint64_t id = 0;

        /* Also when nothing is left of the items before. */
        if (!port_queue_empty(report, port) || !port_queue_add(report, port, i, &id) ||
            !port_expect(report, "the id of append()", id > last, "above all ids before, and above 0",
                         "an id that is not larger")) {
            return;
        }

        last = id;
    }
}

static bool meta_is_kept(port_report *report, const port_queue *port, const sbs_queue_meta *meta) {
    uint8_t byte = 1;
    uint64_t id = 0;
    sbs_queue_item item;
    sbs_status status = port->queue.ops->append(port->queue.ctx, meta, &byte, 1, &id);

    return port_expect_status(report, "append()", status, SBS_OK) && port_queue_next(report, port, 0, id, &item) &&
           port_expect_number(report, "meta.uptime_ms", item.meta.uptime_ms, meta->uptime_ms) &&
           port_expect_number(report, "meta.utc_s", (uint64_t)item.meta.utc_s, (uint64_t)meta->utc_s) &&
           port_expect_number(report, "meta.boot_id", item.meta.boot_id, meta->boot_id) &&
           port_expect_number(report, "meta.lane", item.meta.lane, meta->lane) &&
           port_expect_number(report, "meta.zone_minutes", (uint16_t)item.meta.zone_minutes,
                              (uint16_t)meta->zone_minutes) &&
           port_expect_number(report, "meta.format", item.meta.format, meta->format) &&
           port_expect_number(report, "attempts of a new item", item.attempts, 0) &&
           port_expect_number(report, "failures of a new item", item.failures, 0) &&
           port_queue_settle(report, port, id, SBS_QUEUE_DELIVERED);
}

static void queue_meta(port_report *report, const void *context) {
    static const sbs_queue_meta metas[] = {
        {.utc_s = 0},
        {.utc_s = 1767225600, .uptime_ms = 86400000, .boot_id = 300, .lane = 3, .zone_minutes = -210, .format = 2},
        {.utc_s = SBS_UTC_UNKNOWN, .zone_minutes = INT16_MIN},
        {.utc_s = -1, .zone_minutes = -1},
        {.utc_s = INT32_MAX + INT64_C(1), .uptime_ms = UINT32_MAX + UINT64_C(1), .zone_minutes = 845},
        {.utc_s = INT64_C(253402300799),
         .uptime_ms = UINT64_C(1) << 53,
         .boot_id = UINT32_MAX,
         .lane = UINT32_MAX,
         .zone_minutes = 840,
         .format = UINT16_MAX},
    };
    const port_queue *port = context;
    if (!port_queue_empty(report, port)) {
        return;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(metas); i++) {
        if (!meta_is_kept(report, port, &metas[i])) {
            return;
        }
    }
}

static void queue_copies(port_report *report, const void *context) {
    const port_queue *port = context;
    uint8_t data[PORT_QUEUE_ITEM];
    uint64_t id = 0;
    if (!port_queue_empty(report, port)) {
        return;
    }

    port_fill(data, sizeof data, 3);
    sbs_status status = port->queue.ops->append(port->queue.ctx, &port_queue_meta, data, sizeof data, &id);
    memset(data, 0, sizeof data);
    if (port_expect_status(report, "append()", status, SBS_OK)) {
        (void)port_queue_holds(report, port, id, 3);
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void queue_reads_parts(port_report *report, const void *context) {
    const port_queue *port = context;
    uint8_t data[PORT_QUEUE_ITEM], got[PORT_QUEUE_ITEM + 1u];
    uint64_t id;
    port_fill(data, sizeof data, 4);
    if (!port_queue_empty(report, port) || !port_queue_add(report, port, 4, &id)) {
        return;
    }

    for (size_t offset = 0; offset < PORT_QUEUE_ITEM; offset++) {
        for (size_t size = 1; size <= PORT_QUEUE_ITEM + 1u; size += 8u) {
            size_t wanted = PORT_QUEUE_ITEM - offset < size ? PORT_QUEUE_ITEM - offset : size;
            size_t len = 0;
            memset(got, (int)GUARD, sizeof got);
            if (!port_queue_read(report, port, id, offset, got, size, &len) ||
                !port_expect_number(report, "the bytes from an offset on", len, wanted) ||
                !port_expect_bytes(report, "the bytes from an offset on", got, data + offset, wanted) ||
                (len < sizeof got && !port_expect_number(report, "the byte behind those", got[len], GUARD))) {
                return;
            }
        }
    }
}

static void queue_reads_nothing(port_report *report, const void *context) {
    static const size_t offsets[] = {PORT_QUEUE_ITEM, PORT_QUEUE_ITEM + 1u, 100000};
    const port_queue *port = context;
    uint8_t byte = GUARD;
    uint64_t id;
    if (!port_queue_empty(report, port) || !port_queue_add(report, port, 5, &id)) {
        return;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(offsets); i++) {
        size_t len = 99;
        sbs_status status = port->queue.ops->read(port->queue.ctx, id, offsets[i], &byte, 1, &len);
        if (!port_expect_status(report, "read() at or behind the end", status, SBS_OK) ||
            !port_expect_number(report, "the bytes that it gives", len, 0) ||
            !port_expect_number(report, "the buffer after that", byte, GUARD)) {
            return;
        }
    }
}

static void queue_empty_item(port_report *report, const void *context) {
    const port_queue *port = context;
    uint8_t byte = GUARD;
    uint64_t id = 0;
    size_t len = 99;
    sbs_queue_item item;
    if (!port_queue_empty(report, port)) {
        return;
    }

    sbs_status status = port->queue.ops->append(port->queue.ctx, &port_queue_meta, &byte, 0, &id);
    (void)(port_expect_status(report, "append() of 0 bytes", status, SBS_OK) &&
           port_queue_next(report, port, 0, id, &item) && port_expect_number(report, "its length", item.len, 0) &&
           port_expect_status(report, "read() of it", port->queue.ops->read(port->queue.ctx, id, 0, &byte, 1, &len),
                              SBS_OK) &&
           port_expect_number(report, "the bytes that it gives", len, 0));
}

static void queue_largest_item(port_report *report, const void *context) {
    const port_queue *port = context;
    uint8_t got[64];
    uint64_t id = 0;
    sbs_queue_item item;
    if (port->largest == 0 || port->memory_size < port->largest) {
        port_missing(report, "port_queue.largest and memory");
        return;
    }

    port_fill(port->memory, port->largest, 6);
    if (!port_queue_empty(report, port) ||
        !port_expect_status(
            report, "append() of the largest item",
            port->queue.ops->append(port->queue.ctx, &port_queue_meta, port->memory, port->largest, &id), SBS_OK) ||
        !port_queue_next(report, port, 0, id, &item) ||
        !port_expect_number(report, "its length", item.len, port->largest)) {
        return;
    }

    /* Piece by piece: it need not fit into memory twice. */
    for (size_t at = 0, len = 1; len > 0 && at < port->largest; at += len) {
        if (!port_queue_read(report, port, id, at, got, sizeof got, &len) ||
            !port_expect(report, "its bytes", len > 0, "more of them", "the end") ||
            !port_expect_bytes(report, "its bytes", got, port->memory + at, len)) {
            return;
        }
    }
}

static void queue_too_large(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t id = 0;
    if (port->too_large == 0 || port->memory_size < port->too_large) {
        port_missing(report, "port_queue.too_large and memory");
        return;
    }

    if (!port_queue_empty(report, port)) {
        return;
    }

    sbs_status status = port->queue.ops->append(port->queue.ctx, &port_queue_meta, port->memory, port->too_large, &id);
    if (port_expect_status(report, "append() of an item that is too large", status, SBS_ERR_TOO_LARGE)) {
        (void)port_queue_end(report, port, 0);
    }
}

/* ---- marks and settling ------------------------------------------------------------------------------------------ */

static void queue_counts_attempts(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t first, second;
    sbs_queue_item item;
    if (!port_queue_empty(report, port) || !port_queue_add(report, port, 1, &first) ||
        !port_queue_add(report, port, 2, &second)) {
        return;
    }

    /* Only the second one is marked. */
    for (unsigned i = 1; i <= 3u; i++) {
        if (!port_queue_mark(report, port, second) || !port_queue_next(report, port, first, second, &item) ||
            !port_expect_number(report, "attempts of the item that was marked", item.attempts, i) ||
            !port_queue_next(report, port, 0, first, &item) ||
            !port_expect_number(report, "attempts of the other one", item.attempts, 0)) {
            return;
        }
    }
}

static void queue_attempts_saturate(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t id;
    sbs_queue_item item;
    if (!port_queue_empty(report, port) || !port_queue_add(report, port, 1, &id)) {
        return;
    }

    uint16_t last = 0;

    for (unsigned i = 0; i < MARKS; i++) {
        if (!port_queue_mark(report, port, id)) {
            return;
        }

        if (i + 8u > MARKS || i % 64u == 0) {
            if (!port_queue_next(report, port, 0, id, &item) ||
                !port_expect(report, "attempts after one more mark", item.attempts >= last, "never fewer", "fewer")) {
                return;
            }

            last = item.attempts;
        }
    }

    (void)port_expect(report, "attempts after 260 marks", last >= 255u, "255 or more", "fewer");
}

/* A dead item may be kept for reading, a delivered one is gone. */
static bool delivered_is_gone(port_report *report, const port_queue *port, uint64_t id, sbs_queue_fate fate) {
    uint8_t byte;
    size_t len = 0;
    if (fate != SBS_QUEUE_DELIVERED) {
        return true;
    }

    sbs_status status = port->queue.ops->read(port->queue.ctx, id, 0, &byte, 1, &len);

    return port_expect_status(report, "read() of a delivered item", status, SBS_ERR_NOT_FOUND);
}

static void queue_settles_once(port_report *report, const void *context) {
    static const sbs_queue_fate fates[] = {SBS_QUEUE_DELIVERED, SBS_QUEUE_DEAD};
    const port_queue *port = context;
    const sbs_queue_ops *ops = port->queue.ops;

    for (size_t i = 0; i < SBS_COUNT_OF(fates); i++) {
        uint64_t id;
        if (!port_queue_empty(report, port) || !port_queue_add(report, port, 1, &id) ||
            !port_queue_settle(report, port, id, fates[i]) || !port_queue_end(report, port, 0) ||
            !port_expect_status(report, "settle() again", ops->settle(port->queue.ctx, id, fates[i], NULL, NULL),
                                SBS_ERR_NOT_FOUND) ||
            !port_expect_status(report, "mark_attempt() of a settled item", ops->mark_attempt(port->queue.ctx, id),
                                SBS_ERR_NOT_FOUND) ||
            !delivered_is_gone(report, port, id, fates[i])) {
            return;
        }
    }
}

static void queue_settles_any(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t ids[3];
    sbs_queue_item item;
    if (!port_queue_empty(report, port)) {
        return;
    }

    for (uint32_t i = 0; i < SBS_COUNT_OF(ids); i++) {
        if (!port_queue_add(report, port, i, &ids[i])) {
            return;
        }
    }

    /* The one in the middle goes, the others stay as they are. */
    (void)(port_queue_settle(report, port, ids[1], SBS_QUEUE_DELIVERED) &&
           port_queue_next(report, port, 0, ids[0], &item) && port_queue_next(report, port, ids[0], ids[2], &item) &&
           port_queue_end(report, port, ids[2]) && port_queue_holds(report, port, ids[0], 0) &&
           port_queue_holds(report, port, ids[2], 2));
}

static void queue_reasons(port_report *report, const void *context) {
    const port_queue *port = context;
    const sbs_queue_ops *ops = port->queue.ops;
    char reason[SBS_QUEUE_REASON_SIZE + 1u];
    char words[SBS_QUEUE_WORDS_SIZE];
    uint64_t id;
    sbs_queue_item item;
    memset(reason, 'r', sizeof reason);
    reason[SBS_QUEUE_REASON_SIZE] = '\0';
    memset(words, 'w', sizeof words);
    words[sizeof words - 1u] = '\0';
    if (!port_queue_empty(report, port) || !port_queue_add(report, port, 1, &id)) {
        return;
    }

    /* One that is too long changes nothing; the longest is taken. */
    sbs_status status = ops->settle(port->queue.ctx, id, SBS_QUEUE_DEAD, reason, words);
    if (!port_expect_status(report, "settle() with a reason of 64 bytes", status, SBS_ERR_ARGUMENT) ||
        !port_queue_next(report, port, 0, id, &item)) {
        return;
    }

    reason[SBS_QUEUE_REASON_SIZE - 1u] = '\0';
    status = ops->settle(port->queue.ctx, id, SBS_QUEUE_DEAD, reason, words);
    if (port_expect_status(report, "settle() with a reason of 63 bytes and words of 1023", status, SBS_OK)) {
        (void)port_queue_end(report, port, 0);
    }
}

/* ---- counters and room ------------------------------------------------------------------------------------------- */

static void queue_counts(port_report *report, const void *context) {
    const port_queue *port = context;
    sbs_queue_counters before, now;
    uint64_t ids[3];
    if (!port_queue_empty(report, port)) {
        return;
    }

    port->queue.ops->counters(port->queue.ctx, &before);

    for (uint32_t i = 0; i < SBS_COUNT_OF(ids); i++) {
        if (!port_queue_add(report, port, i, &ids[i])) {
            return;
        }
    }

    if (!port_queue_settle(report, port, ids[0], SBS_QUEUE_DELIVERED) ||
        !port_queue_settle(report, port, ids[1], SBS_QUEUE_DEAD)) {
        return;
    }

    port->queue.ops->counters(port->queue.ctx, &now);
    (void)(port_expect_number(report, "counters.accepted after 3 items", now.accepted, before.accepted + 3u) &&
           port_expect_number(report, "counters.delivered after 1 of them", now.delivered, before.delivered + 1u) &&
           port_expect_number(report, "counters.dead after 1 of them", now.dead, before.dead + 1u) &&
           port_expect_number(report, "counters.dropped", now.dropped, before.dropped) &&
           port_expect_number(report, "counters.waiting", now.waiting, 1));
}

/* Each item that was accepted is there; while the queue is full it can be marked and settled. */
static bool full_queue_works(port_report *report, const port_queue *port, uint32_t accepted) {
    uint64_t after = 0;
    for (uint32_t i = 0; i < accepted; i++) {
        sbs_queue_item item;
        sbs_status status = port->queue.ops->next(port->queue.ctx, after, &item);

        if (!port_expect_status(report, "next() for each item that was accepted", status, SBS_OK) ||
            !port_queue_holds(report, port, item.id, i) || (i % 16u == 0 && !port_queue_mark(report, port, item.id)) ||
            !port_queue_settle(report, port, item.id, SBS_QUEUE_DELIVERED)) {
            return false;
        }

        after = item.id;
    }

    return port_queue_end(report, port, 0);
}

static void queue_full(port_report *report, const void *context) {
    const port_queue *port = context;
    uint8_t data[PORT_QUEUE_ITEM];
    sbs_status status = SBS_OK;
    uint32_t accepted = 0;
    uint64_t id;
    if (port->full_after == 0) {
        port_missing(report, "port_queue.full_after");
        return;
    }

    if (!port_queue_empty(report, port)) {
        return;
    }

    /* Each with bytes of its own, so that what is lost or mixed up shows. */
    while (accepted <= port->full_after) {
        port_fill(data, sizeof data, accepted);
        status = port->queue.ops->append(port->queue.ctx, &port_queue_meta, data, sizeof data, &id);
        if (status != SBS_OK) {
            break;
        }

        accepted++;
    }

    /* Refused, and nothing lost; with room again it takes items again. */
    if (port_expect_status(report, "append() to a full queue", status, SBS_ERR_BUFFER) &&
        full_queue_works(report, port, accepted)) {
        (void)port_queue_add(report, port, 1, &id);
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const port_check queue_checks[] = {
    {"an empty queue has no next item", "queue.h, next: \"SBS_ERR_NOT_FOUND at the end\"",
     "next() with after 0, and counters.waiting", queue_is_empty},
    {"items come in the order in which they were appended",
     "queue.h, next: \"The unsettled item with the smallest id above after\"",
     "the comparison with after: above, not from it on", queue_order},
    {"ids grow and none is used twice", "queue.h: \"Item ids grow and are never used again\"",
     "an id that is the number of a place, or the largest id that is left plus one", queue_ids_grow},
    {"what stands beside an item is kept, to its last bit",
     "queue.h, sbs_queue_meta: \"What the queue keeps beside an item's bytes\"",
     "the width and the sign of the field that differs, and the values that mean unknown", queue_meta},
    {"append() keeps no pointer to the bytes", "port/README.md: \"You own your context; the core owns nothing of it\"",
     "a pointer to data that is kept after append() returned", queue_copies},
    {"read() gives any part of an item", "queue.h, read: \"Reads up to size bytes from offset; fewer at the end\"",
     "the offset, and the smaller of what is left and what is asked for", queue_reads_parts},
    {"read() gives nothing at or behind the end", "queue.h, read: \"0 at or behind it\"",
     "an error at the end, or a length that is computed below zero", queue_reads_nothing},
    {"an empty item is an item", "port/README.md: \"Check sizes before you write\"", "tests for len == 0",
     queue_empty_item},
    {"the largest item fits", "queue.h, append: \"SBS_ERR_TOO_LARGE: never fits\"",
     "port_queue.largest, and what the queue adds to the bytes", queue_largest_item},
    {"an item that never fits is told so, and not accepted", "queue.h, append: \"SBS_ERR_TOO_LARGE: never fits\"",
     "the order of the checks: too large comes before full", queue_too_large},
    {"mark_attempt() counts the attempts of this item", "queue.h, attempts: \"times that mark_attempt was called\"",
     "which item the mark goes to, and whether next() reads it", queue_counts_attempts},
    {"attempts saturate and never decrease", "queue.h, attempts: \"times that mark_attempt was called, saturating\"",
     "the width of the counter", queue_attempts_saturate},
    {"settle() removes an item, once", "queue.h, settle: \"SBS_ERR_NOT_FOUND if it is settled already\"",
     "settle(), mark_attempt() and read() of an id that is gone", queue_settles_once},
    {"settle() takes any item and leaves the others", "queue.h, settle: \"Settles an item\"",
     "a queue that settles up to an id rather than this id", queue_settles_any},
    {"a reason has less than 64 bytes, words are cut",
     "queue.h, settle: \"shorter than SBS_QUEUE_REASON_SIZE (else SBS_ERR_ARGUMENT)\"",
     "the length of reason; words of up to SBS_QUEUE_WORDS_SIZE are cut to the room there is", queue_reasons},
    {"the counters say what happened", "queue.h, sbs_queue_counters: \"since the queue was made\"",
     "the counter that differs, at append() or settle()", queue_counts},
    {"a full queue refuses, loses nothing, and takes items again",
     "queue.h, append: \"SBS_ERR_BUFFER: the queue is full and its policy is to refuse\"",
     "room for marks in a full queue, and what tells that there is room again", queue_full},
};

unsigned port_suite_queue(const port_suite *suite, const port_queue *port) {
    unsigned failures = port_report_run(suite, "queue", queue_checks, SBS_COUNT_OF(queue_checks), port);
    return failures + port_queue_power(suite, port);
}
