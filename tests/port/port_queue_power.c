/* SPDX-License-Identifier: Apache-2.0 */
/* What of port/include/sbs/queue.h shows only after a restart, in groups, and when something is damaged. */
#include <string.h>

#include "port_queue_rig.h"

#define SINCE_S 1767000000

static bool queue_restart(port_report *report, const port_queue *port) {
    if (port->restart == NULL) {
        port_missing(report, "port_queue.restart");
        return false;
    }

    return port_expect(report, "port_queue.restart", port->restart(port->ctx), "true", "false");
}

static bool queue_begin(port_report *report, const port_queue *port) {
    return port_expect_status(report, "begin()", port->queue.ops->begin(port->queue.ctx), SBS_OK);
}

static bool queue_commit(port_report *report, const port_queue *port) {
    return port_expect_status(report, "commit()", port->queue.ops->commit(port->queue.ctx), SBS_OK);
}

/* An item in an otherwise empty queue. */
static bool queue_one(port_report *report, const port_queue *port, uint32_t seed, uint64_t *out_id) {
    return port_queue_empty(report, port) && port_queue_add(report, port, seed, out_id);
}

/* ---- restarts ---------------------------------------------------------------------------------------------------- */

static void power_keeps_items(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t first, second;
    sbs_queue_item item;
    if (!queue_one(report, port, 1, &first) || !port_queue_add(report, port, 2, &second) ||
        !queue_restart(report, port)) {
        return;
    }

    (void)(port_queue_next(report, port, 0, first, &item) &&
           port_expect_number(report, "its lane after a restart", item.meta.lane, port_queue_meta.lane) &&
           port_expect_number(report, "its length after a restart", item.len, PORT_QUEUE_ITEM) &&
           port_queue_next(report, port, first, second, &item) && port_queue_end(report, port, second) &&
           port_queue_holds(report, port, first, 1) && port_queue_holds(report, port, second, 2));
}

static void power_keeps_attempts(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t id;
    sbs_queue_item item;

    (void)(queue_one(report, port, 1, &id) && port_queue_mark(report, port, id) && port_queue_mark(report, port, id) &&
           queue_restart(report, port) && port_queue_next(report, port, 0, id, &item) &&
           port_expect_number(report, "attempts after a restart", item.attempts, 2));
}

static void power_keeps_settled(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t first, second, third;
    sbs_queue_item item;

    (void)(queue_one(report, port, 1, &first) && port_queue_add(report, port, 2, &second) &&
           port_queue_add(report, port, 3, &third) && port_queue_settle(report, port, first, SBS_QUEUE_DELIVERED) &&
           port_queue_settle(report, port, second, SBS_QUEUE_DEAD) && queue_restart(report, port) &&
           port_queue_next(report, port, 0, third, &item) && port_queue_end(report, port, third));
}

static void power_keeps_ids(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t before, after = 0;

    /* All of them settled: nothing is left that would show which ids were used. */
    (void)(queue_one(report, port, 1, &before) && port_queue_empty(report, port) && queue_restart(report, port) &&
           port_queue_add(report, port, 2, &after) &&
           port_expect(report, "the id of an item after a restart", after > before, "above all ids before",
                       "an id that was used"));
}

static void power_keeps_counters(port_report *report, const void *context) {
    const port_queue *port = context;
    sbs_queue_counters before, now;
    uint64_t id;
    if (!queue_one(report, port, 1, &id) || !port_queue_settle(report, port, id, SBS_QUEUE_DEAD) ||
        !queue_one(report, port, 2, &id)) {
        return;
    }

    port->queue.ops->counters(port->queue.ctx, &before);
    if (!queue_restart(report, port)) {
        return;
    }

    port->queue.ops->counters(port->queue.ctx, &now);
    (void)(port_expect_number(report, "counters.accepted after a restart", now.accepted, before.accepted) &&
           port_expect_number(report, "counters.delivered after a restart", now.delivered, before.delivered) &&
           port_expect_number(report, "counters.dead after a restart", now.dead, before.dead) &&
           port_expect_number(report, "counters.dropped after a restart", now.dropped, before.dropped) &&
           port_expect_number(report, "counters.waiting after a restart", now.waiting, 1));
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static void group_is_whole(port_report *report, const void *context) {
    const port_queue *port = context;
    bool begins = port->queue.ops->begin != NULL;
    bool commits = port->queue.ops->commit != NULL;
    (void)port_expect(report, "sbs_queue_ops.begin and commit", begins == commits, "both or none", "one of them");
}

static bool has_groups(port_report *report, const port_queue *port) {
    if (port->queue.ops->begin == NULL || port->queue.ops->commit == NULL) {
        port_missing(report, "sbs_queue_ops.begin and commit, which are optional");
        return false;
    }

    return true;
}

static void group_may_repeat(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t id;
    sbs_queue_item item;
    if (!has_groups(report, port)) {
        return;
    }

    (void)(queue_one(report, port, 1, &id) && queue_commit(report, port) && queue_begin(report, port) &&
           port_queue_mark(report, port, id) && queue_begin(report, port) && port_queue_mark(report, port, id) &&
           queue_commit(report, port) && queue_commit(report, port) && port_queue_next(report, port, 0, id, &item) &&
           port_expect_number(report, "attempts after both", item.attempts, 2));
}

/* Adds two items; begins a group, and in it marks the second and settles the first. */
static bool queue_change_two(port_report *report, const port_queue *port, uint64_t *first, uint64_t *second) {
    return queue_one(report, port, 1, first) && port_queue_add(report, port, 2, second) && queue_begin(report, port) &&
           port_queue_mark(report, port, *second) && port_queue_settle(report, port, *first, SBS_QUEUE_DELIVERED);
}

static void group_is_durable(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t first, second;
    sbs_queue_item item;
    if (!has_groups(report, port)) {
        return;
    }

    (void)(queue_change_two(report, port, &first, &second) && queue_commit(report, port) &&
           queue_restart(report, port) && port_queue_next(report, port, 0, second, &item) &&
           port_expect_number(report, "attempts after commit() and a restart", item.attempts, 1));
}

static void group_is_undone(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t first, second;
    sbs_queue_item item;
    if (!has_groups(report, port)) {
        return;
    }

    (void)(queue_change_two(report, port, &first, &second) && queue_restart(report, port) &&
           port_queue_next(report, port, 0, first, &item) && port_queue_next(report, port, first, second, &item) &&
           port_expect_number(report, "attempts after a restart without commit()", item.attempts, 0));
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static bool notes_failures(port_report *report, const port_queue *port) {
    if (port->queue.ops->note_failures == NULL) {
        port_missing(report, "sbs_queue_ops.note_failures, which is optional");
        return false;
    }

    return true;
}

static bool queue_note(port_report *report, const port_queue *port, uint64_t id, uint16_t failures, int64_t since_s) {
    return port_expect_status(report, "note_failures()",
                              port->queue.ops->note_failures(port->queue.ctx, id, failures, since_s), SBS_OK);
}

static bool failures_told(port_report *report, const port_queue *port, uint64_t id, uint16_t failures,
                          int64_t since_s) {
    sbs_queue_item item;
    return port_queue_next(report, port, 0, id, &item) &&
           port_expect_number(report, "failures that next() tells", item.failures, failures) &&
           port_expect_number(report, "failing_since_s that next() tells", (uint64_t)item.failing_since_s,
                              (uint64_t)since_s);
}

static void failures_are_told(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t id;
    if (!notes_failures(report, port)) {
        return;
    }

    (void)(queue_one(report, port, 1, &id) && queue_note(report, port, id, 3, SINCE_S) &&
           failures_told(report, port, id, 3, SINCE_S) && queue_note(report, port, id, UINT16_MAX, SBS_UTC_UNKNOWN) &&
           failures_told(report, port, id, UINT16_MAX, SBS_UTC_UNKNOWN) &&
           port_queue_settle(report, port, id, SBS_QUEUE_DELIVERED) &&
           port_expect_status(report, "note_failures() of a settled item",
                              port->queue.ops->note_failures(port->queue.ctx, id, 1, SINCE_S), SBS_ERR_NOT_FOUND));
}

static void failures_last(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t id;
    if (!notes_failures(report, port)) {
        return;
    }

    (void)(queue_one(report, port, 1, &id) && queue_note(report, port, id, 5, SINCE_S) && queue_restart(report, port) &&
           failures_told(report, port, id, 5, SINCE_S));
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

static void damage_is_told_once(port_report *report, const void *context) {
    const port_queue *port = context;
    uint64_t first, second, third;
    sbs_queue_item item;
    if (port->damage == NULL) {
        port_missing(report, "port_queue.damage");
        return;
    }

    if (!queue_one(report, port, 1, &first) || !port_queue_add(report, port, 2, &second) ||
        !port_queue_add(report, port, 3, &third) ||
        !port_expect(report, "port_queue.damage", port->damage(port->ctx, second), "true", "false")) {
        return;
    }

    /* Reported in its turn, and not there any more; the others are as they were. */
    memset(&item, 0, sizeof item);
    (void)(port_queue_next(report, port, 0, first, &item) &&
           port_expect_status(report, "next() at a damaged item", port->queue.ops->next(port->queue.ctx, first, &item),
                              SBS_ERR_DAMAGED) &&
           port_expect_number(report, "the id in out_item", item.id, second) &&
           port_queue_next(report, port, first, third, &item) && port_queue_end(report, port, third) &&
           port_queue_holds(report, port, first, 1) && port_queue_holds(report, port, third, 3));
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const port_check power_checks[] = {
    {"an accepted item survives a restart", "queue.h: \"from then on it is kept, whatever happens to the power\"",
     "what append() does before it returns SBS_OK: a cache, a missing commit, or a restart that begins anew",
     power_keeps_items},
    {"attempts survive a restart", "queue.h, mark_attempt: \"Notes, durably\"",
     "whether the mark is written, and whether mounting reads it", power_keeps_attempts},
    {"a settled item stays settled over a restart", "queue.h, settle: \"Settles an item, durably\"",
     "whether the settling is written, and whether mounting reads it", power_keeps_settled},
    {"no id is used again after a restart", "queue.h: \"Item ids grow and are never used again\"",
     "where the last id is kept when no item is left", power_keeps_ids},
    {"the counters go on after a restart", "queue.h, sbs_queue_counters: \"since the queue was made\"",
     "the counter that differs: is it kept, and written with what it counts?", power_keeps_counters},
    {"begin() and commit() come together", "queue.h, commit: \"NULL only with begin\"", "the table of functions",
     group_is_whole},
    {"a second begin() and a commit() without a group do nothing",
     "queue.h: \"A second begin() before the commit is SBS_OK and changes nothing\", \"SBS_OK without one\"",
     "begin() that fails, commits or undoes what is open", group_may_repeat},
    {"a group is durable when commit() has returned",
     "queue.h, begin: \"durable together when commit() returns SBS_OK\"", "what commit() writes, and when",
     group_is_durable},
    {"a group that was not committed was not done", "queue.h, begin: \"or not done at all\"",
     "what mark_attempt() and settle() write before commit()", group_is_undone},
    {"failures are kept and told",
     "queue.h, note_failures: \"keeps what is held against an item, which next() tells again\"",
     "the fields failures and failing_since_s of next()", failures_are_told},
    {"failures survive a restart", "queue.h, note_failures: \"NULL where a restart may forget it\"",
     "a queue that forgets them has no note_failures", failures_last},
    {"a damaged item is reported once, and the others stay",
     "queue.h, next: \"reported once as SBS_ERR_DAMAGED with its id in out_item, and never again\"",
     "the checksum of each item, and that next() settles what it reports", damage_is_told_once},
};

unsigned port_queue_power(const port_suite *suite, const port_queue *port) {
    return port_report_run(suite, "queue", power_checks, SBS_COUNT_OF(power_checks), port);
}
