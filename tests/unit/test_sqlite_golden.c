/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of version 2 as a program of then left it. Its epoch is random, so that what is written now is not compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "sqlite_rig.h"
#include "test.h"
#include "test_folder.h"

#define LARGE 9000u /* bytes of the large item: several pages */

/* What the file holds: run once with SBS_GOLDEN=FOLDER to make it. */
static void make(void) {
    static char large[LARGE + 1];
    uint64_t id;
    rig.now_s = RIG_NOW;
    rig_reopen();
    assert_int_equal(rig_add("waits", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("tried and failing", 2, 2, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_mark(2), SBS_OK);
    assert_int_equal(rig_mark(2), SBS_OK);
    assert_int_equal(rig.port.ops->note_failures(rig.port.ctx, 2, 3, RIG_NOW + 5), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_note_trouble(&rig.queue, 2, 503, "the server is busy", "come later"), SBS_OK);

    assert_int_equal(rig_add("refused", 3, 3, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig.port.ops->settle(rig.port.ctx, 3, SBS_QUEUE_DEAD, "refused", "error invalid: unit"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_note_http(&rig.queue, 3, 422), SBS_OK);
    assert_int_equal(rig_add("for an operator", 4, 4, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_settle(4, SBS_QUEUE_DEAD, SBS_QUEUE_REASON_OPERATOR ": refused"), SBS_OK);

    assert_int_equal(rig_add("delivered", 5, 5, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_mark(5), SBS_OK);
    assert_int_equal(rig_settle(5, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    memset(large, 'b', LARGE);
    assert_int_equal(rig_append(large), 6);
    sbs_sqlite_queue_close(&rig.queue);
}

static void place(void) {
    size_t len;
    sbs_sqlite_queue_close(&rig.queue);
    uint8_t *bytes = golden_load("sqlite_queue_2", &len);
    rig_write(bytes, len);
    free(bytes);
    rig.now_s = RIG_NOW + 10;
    rig_reopen();
}

static sbs_sqlite_entry find(uint64_t id, const char *text) {
    sbs_sqlite_entry found;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &found), SBS_OK);
    assert_false(found.damaged);
    assert_true(found.item.meta.utc_s == rig_meta.utc_s && found.item.meta.boot_id == rig_meta.boot_id);
    assert_true(found.item.meta.lane == rig_meta.lane && found.item.meta.zone_minutes == -90);
    assert_true(found.item.meta.uptime_ms == rig_meta.uptime_ms);
    if (text != NULL) {
        rig_assert_reads(id, text);
        assert_int_equal(found.item.meta.format, 1);
        assert_true(found.arrived_s == RIG_NOW && found.has_identity && found.identity[0] == id);
        assert_string_equal(found.type, "Observation");
        assert_string_equal(found.source, "scale-1");
    }
    return found;
}

static void a_queue_of_version_2_is_read(void **state) {
    (void)state;
    const char *folder = getenv("SBS_GOLDEN");
    if (folder != NULL && folder[0] != '\0') {
        size_t len;
        make();
        char *bytes = test_folder_load(rig.folder, "queue.db", &len);
        golden_compare("sqlite_queue_2", bytes, len);
        free(bytes);
        return;
    }

    place();
    sbs_sqlite_entry found = find(1, "waits");
    assert_true(!found.dead && found.item.attempts == 0 && found.reason[0] == '\0');
    found = find(2, "tried and failing");
    assert_true(!found.dead && found.item.attempts == 2 && found.item.failures == 3);
    assert_true(found.item.failing_since_s == RIG_NOW + 5 && found.http_status == 503);
    assert_string_equal(found.reason, "the server is busy");
    assert_string_equal(found.words, "come later");

    found = find(3, "refused");
    assert_true(found.dead && !found.mendable && found.utc_s == RIG_NOW && found.http_status == 422);
    assert_string_equal(found.reason, "refused");
    assert_string_equal(found.words, "error invalid: unit");
    found = find(4, "for an operator");
    assert_true(found.dead && found.mendable);
    found = find(6, NULL);
    assert_true(found.item.len == LARGE && !found.has_identity && found.item.meta.format == rig_meta.format);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 5, &found), SBS_ERR_NOT_FOUND);
}

static void and_goes_on(void **state) {
    (void)state;
    sbs_sqlite_stats stats;
    sbs_queue_item item;
    uint64_t id, kept;
    if (getenv("SBS_GOLDEN") != NULL) {
        return;
    }

    place();
    assert_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.counters.waiting == 3 && stats.letters == 2 && stats.counters.delivered == 1);
    assert_true(stats.seen == 5 && stats.counters.accepted == 6);

    /* What was added then is known, whatever became of it; ids go on. */
    assert_int_equal(rig_add("waits", 1, 1, &id), SBS_SQLITE_WAITS);
    assert_int_equal(rig_add("refused", 3, 3, &id), SBS_SQLITE_IS_DEAD);
    assert_int_equal(rig_add("delivered", 5, 5, &id), SBS_SQLITE_DELIVERED);
    assert_int_equal(rig_append("new"), 7);
    assert_int_equal(rig_next(2, &item), SBS_OK);
    assert_int_equal(item.id, 6);
    assert_int_equal(rig_settle(6, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_queue_of_version_2_is_read),
        TEST(and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
