/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on SQLite: repeats, what is kept of an item, single items, the state of the whole. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_cut_vfs.h"
#include "sqlite_rig.h"
#include "test.h"

/* ---- repeats ---------------------------------------------------------------------------------------------------- */

static void the_same_again_is_a_repeat(void **state) {
    (void)state;
    uint64_t id = 0;
    uint64_t again = 0;
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_WAITS);
    assert_int_equal(again, id);
    rig_reopen();
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_WAITS);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    again = 0;
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_IS_DEAD);
    assert_int_equal(again, id);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, id), SBS_OK);
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_WAITS);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    again = 0;
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_DELIVERED);
    assert_int_equal(again, id);
    rig_reopen();
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_DELIVERED);
    sbs_queue_counters count = rig_counters();
    assert_true(count.accepted == 1 && count.waiting == 0);
}

static void within_a_group_too(void **state) {
    (void)state;
    uint64_t id = 0;
    uint64_t again = 0;
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_WAITS);
    assert_int_equal(again, id);
    sbs_sqlite_queue_undo(&rig.queue);
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_NEW);
    assert_int_equal(rig_counters().waiting, 1);
}

static void other_content_or_another_identity_is_stored(void **state) {
    (void)state;
    uint64_t ids[3];
    sbs_sqlite_entry found;
    assert_int_equal(rig_add("a", 1, 1, &ids[0]), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("b", 1, 2, &ids[1]), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 2, 1, &ids[2]), SBS_SQLITE_NEW);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ids[i], i + 1);
        assert_int_equal(sbs_sqlite_queue_find(&rig.queue, ids[i], &found), SBS_OK);
        assert_true(found.has_identity && found.identity[0] == (i == 2 ? 2 : 1) &&
                    found.identity[19] == found.identity[0]);
    }
}

/* The server has, or gets, what came between. */
static void what_changes_back_is_no_repeat(void **state) {
    (void)state;
    uint64_t id = 0;
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_add("b", 1, 2, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_WAITS);
    assert_int_equal(rig_add("b", 1, 2, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_settle(2, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_settle(3, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_settle(4, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_DELIVERED); /* what came after it was refused */
    assert_int_equal(id, 3);
    assert_int_equal(rig_add("b", 1, 2, &id), SBS_SQLITE_IS_DEAD);
}

static sbs_sqlite_repeat add_only_same(uint8_t identity, uint8_t content, uint64_t *out_id) {
    uint8_t hashes[2][SBS_SQLITE_HASH_SIZE];
    sbs_sqlite_repeat repeat = SBS_SQLITE_NEW;
    const sbs_sqlite_facts facts = {.identity = hashes[0], .content = hashes[1], .only_same = true};
    memset(hashes[0], identity, sizeof hashes[0]);
    memset(hashes[1], content, sizeof hashes[1]);
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, out_id, &repeat), SBS_OK);
    return repeat;
}

static void other_content_is_told_to_who_wants_the_same_only(void **state) {
    (void)state;
    uint64_t id = 0;
    assert_int_equal(add_only_same(1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(add_only_same(1, 1, &id), SBS_SQLITE_WAITS);
    assert_int_equal(add_only_same(1, 2, &id), SBS_SQLITE_DIFFERS);
    assert_int_equal(id, 1);
    assert_int_equal(rig_counters().accepted, 1);
    assert_int_equal(rig_settle(1, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(add_only_same(1, 2, &id), SBS_SQLITE_DIFFERS);
    assert_int_equal(add_only_same(1, 1, &id), SBS_SQLITE_DELIVERED);

    /* What changes back differs from what came last; what is gone differs from nothing. */
    assert_int_equal(rig_add("b", 1, 2, &id), SBS_SQLITE_NEW);
    assert_int_equal(add_only_same(1, 1, &id), SBS_SQLITE_DIFFERS);
    assert_int_equal(id, 2);
    assert_int_equal(add_only_same(2, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, id), SBS_OK);
    assert_int_equal(add_only_same(2, 2, &id), SBS_SQLITE_NEW);
}

/* What is in no queue and on no server must be taken again. */
static void what_was_given_up_may_come_again(void **state) {
    (void)state;
    uint64_t id = 0;
    rig.config.items_max = 2;
    rig.config.policy = SBS_SQLITE_DROP_OLDEST;
    rig_reopen();
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, id), SBS_OK);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_remove_dead(&rig.queue, id), SBS_OK);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("b", 2, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("c", 3, 1, &id), SBS_SQLITE_NEW); /* a is dropped */
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
}

/* A damaged item cannot be sent: what comes again replaces it. */
static void what_is_damaged_may_come_again(void **state) {
    (void)state;
    uint64_t id = 0;
    uint64_t again = 0;
    sbs_queue_item item;
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    rig_tamper("UPDATE sbs_body SET data = x'78'");
    assert_int_equal(rig_add("a", 1, 1, &again), SBS_SQLITE_NEW);
    assert_int_not_equal(again, id);
    assert_int_equal(rig_next(0, &item), SBS_ERR_DAMAGED);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_WAITS);
    assert_int_equal(id, again);
}

/* As a program of version 1 leaves it that had the file open meanwhile. */
static void an_identity_without_its_item_is_no_promise(void **state) {
    (void)state;
    uint64_t id = 0;
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    rig_tamper("DELETE FROM sbs_item; DELETE FROM sbs_body; UPDATE sbs_queue SET waiting = 0, bytes = 0");
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_WAITS);
}

static void without_an_identity_nothing_is_a_repeat(void **state) {
    (void)state;
    const sbs_sqlite_facts facts = {.type = "Device"};
    sbs_sqlite_repeat repeat;
    uint64_t ids[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, &ids[i], &repeat), SBS_OK);
        assert_int_equal(repeat, SBS_SQLITE_NEW);
    }
    assert_int_not_equal(ids[0], ids[1]);
    sbs_sqlite_stats stats;
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_int_equal(stats.seen, 0);
}

static void the_oldest_delivered_identity_gives_way(void **state) {
    (void)state;
    uint64_t id;
    uint64_t waiting;
    rig.config.seen_max = 3;
    rig_reopen();
    assert_int_equal(rig_add("w", 9, 1, &waiting), SBS_SQLITE_NEW);
    for (uint8_t i = 1; i <= 4; i++) {
        rig.now_s++;
        assert_int_equal(rig_add("a", i, 1, &id), SBS_SQLITE_NEW);
        assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    }
    assert_int_equal(rig_add("w", 9, 1, &id), SBS_SQLITE_WAITS);
    assert_int_equal(rig_add("a", 4, 1, &id), SBS_SQLITE_DELIVERED);
    assert_int_equal(rig_add("a", 3, 1, &id), SBS_SQLITE_DELIVERED);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static void all_that_is_known_is_told(void **state) {
    (void)state;
    sbs_sqlite_entry found;
    sbs_queue_item item;
    uint64_t id = 0;
    assert_int_equal(rig_add("a", 7, 8, &id), SBS_SQLITE_NEW);
    rig.now_s += 60;
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &found), SBS_OK);
    assert_true(found.item.id == id && found.item.len == 1 && !found.dead && !found.damaged);
    assert_int_equal(found.item.meta.format, 1);
    assert_int_equal(found.item.meta.lane, rig_meta.lane);
    assert_string_equal(found.type, "Observation");
    assert_string_equal(found.source, "scale-1");
    assert_true(found.arrived_s == RIG_NOW && found.utc_s == SBS_UTC_UNKNOWN);
    assert_true(found.has_identity && found.identity[0] == 7);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.meta.format, 1);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id + 1, &found), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, UINT64_MAX, &found), SBS_ERR_NOT_FOUND);
}

static void facts_must_fit(void **state) {
    (void)state;
    char name[SBS_SQLITE_SOURCE_SIZE + 1];
    const uint8_t hash[SBS_SQLITE_HASH_SIZE] = {1};
    sbs_sqlite_facts facts = {.source = name};
    sbs_sqlite_repeat repeat;
    uint64_t id;
    memset(name, 's', sizeof name);
    name[SBS_SQLITE_SOURCE_SIZE] = '\0';
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, &id, &repeat), SBS_ERR_ARGUMENT);
    name[SBS_SQLITE_SOURCE_SIZE - 1] = '\0';
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, &id, &repeat), SBS_OK);
    facts = (sbs_sqlite_facts){.type = name};
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, &id, &repeat), SBS_ERR_ARGUMENT);
    facts = (sbs_sqlite_facts){.identity = hash};
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, &id, &repeat), SBS_ERR_ARGUMENT);
}

static void a_dead_letter_keeps_the_servers_words(void **state) {
    (void)state;
    char words[SBS_QUEUE_WORDS_SIZE + 8];
    sbs_sqlite_dead dead;
    uint64_t id = rig_append("a");
    memset(words, 'w', sizeof words);
    memcpy(words + SBS_QUEUE_WORDS_SIZE - 2, "\xC3\xA9", 2); /* cut in its middle */
    words[sizeof words - 1] = '\0';
    assert_int_equal(sbs_sqlite_queue_note_http(&rig.queue, id, 422), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig.port.ops->settle(rig.port.ctx, id, SBS_QUEUE_DEAD, "refused", words), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_note_http(&rig.queue, id, 422), SBS_OK);
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_true(dead.dead && dead.http_status == 422);
    assert_string_equal(dead.reason, "refused");
    assert_int_equal(strlen(dead.words), SBS_QUEUE_WORDS_SIZE - 2);
    assert_memory_equal(dead.words, words, SBS_QUEUE_WORDS_SIZE - 2);

    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, id), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &dead), SBS_OK);
    assert_true(!dead.dead && dead.http_status == 0 && dead.words[0] == '\0' && dead.reason[0] == '\0');
}

static void why_an_item_waits_is_kept(void **state) {
    (void)state;
    sbs_sqlite_entry entry;
    char reason[SBS_QUEUE_REASON_SIZE + 8];
    uint64_t id = rig_append("a");
    memset(reason, 'r', sizeof reason);
    reason[sizeof reason - 1] = '\0';
    assert_int_equal(sbs_sqlite_queue_note_trouble(&rig.queue, id + 1, 503, "busy", ""), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_note_trouble(&rig.queue, id, 0, reason, NULL), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &entry), SBS_OK);
    assert_int_equal(strlen(entry.reason), SBS_QUEUE_REASON_SIZE - 1);

    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_note_trouble(&rig.queue, id, 503, "busy", "come back"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &entry), SBS_OK);
    assert_true(!entry.dead && entry.http_status == 503 && entry.utc_s == RIG_NOW);
    assert_string_equal(entry.reason, "busy");
    assert_string_equal(entry.words, "come back");

    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &entry), SBS_OK);
    assert_true(entry.dead && entry.http_status == 0 && entry.words[0] == '\0');
    assert_int_equal(sbs_sqlite_queue_note_trouble(&rig.queue, id, 503, "busy", ""), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, id), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, id, &entry), SBS_OK);
    assert_true(!entry.dead && entry.reason[0] == '\0' && entry.utc_s == SBS_UTC_UNKNOWN);
}

static void failures_are_kept_until_a_retry(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t id = rig_append("a");
    assert_int_equal(rig.port.ops->note_failures(rig.port.ctx, id + 1, 1, RIG_NOW), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig.port.ops->note_failures(rig.port.ctx, id, 3, SBS_UTC_UNKNOWN), SBS_OK);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_true(item.failures == 3 && item.failing_since_s == SBS_UTC_UNKNOWN);
    assert_int_equal(rig.port.ops->note_failures(rig.port.ctx, id, 4, RIG_NOW - 5), SBS_OK);
    rig_reopen();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_true(item.failures == 4 && item.failing_since_s == RIG_NOW - 5);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, "x"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, id), SBS_OK);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.failures, 0);
}

/* ---- single items ------------------------------------------------------------------------------------------------ */

static void an_item_is_removed_whatever_it_is(void **state) {
    (void)state;
    sbs_sqlite_entry found;
    char bytes[4];
    size_t len;
    sbs_queue_item item;
    uint64_t waiting = rig_append("a");
    uint64_t dead = rig_append("b");
    assert_int_equal(rig_mark(waiting), SBS_OK); /* it may be on its way */
    assert_int_equal(rig_settle(dead, SBS_QUEUE_DEAD, "x"), SBS_OK);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, waiting), SBS_OK);
    assert_int_equal(rig.port.ops->read(rig.port.ctx, waiting, 0, bytes, sizeof bytes, &len), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_settle(waiting, SBS_QUEUE_DELIVERED, NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, waiting), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, dead), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, dead, &found), SBS_ERR_NOT_FOUND);
    sbs_queue_counters count = rig_counters();
    assert_true(count.waiting == 0 && count.dropped == 1 && count.dead == 1 && count.accepted == 2);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void the_state_of_the_whole_is_told(void **state) {
    (void)state;
    sbs_sqlite_stats stats;
    uint64_t ids[3];
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.oldest_id == 0 && stats.oldest_s == SBS_UTC_UNKNOWN && stats.bytes == 0);
    for (uint8_t i = 0; i < 3; i++) {
        assert_int_equal(rig_add("abc", i, 1, &ids[i]), SBS_SQLITE_NEW);
        rig.now_s += 10;
    }
    assert_int_equal(rig_settle(ids[0], SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_settle(ids[2], SBS_QUEUE_DEAD, "x"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.counters.accepted == 3 && stats.counters.delivered == 1 && stats.counters.waiting == 1);
    assert_true(stats.letters == 1 && stats.expired == 0 && stats.seen == 3 && stats.bytes == 6);
    assert_true(stats.oldest_id == ids[1] && stats.oldest_s == RIG_NOW + 10);
    assert_true(stats.file_bytes >= 4096 && stats.free_bytes < stats.file_bytes);
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_ERR_STATE);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* What a full queue refuses in a group takes nothing else with it, though dead letters had begun to give way. */
static void a_refusal_in_a_group_undoes_itself_alone(void **state) {
    (void)state;
    sbs_sqlite_dead dead;
    uint64_t id;
    rig.config.bytes_max = 10;
    rig_reopen();
    uint64_t letter = rig_append("12");
    assert_int_equal(rig_settle(letter, SBS_QUEUE_DEAD, "x"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    uint64_t first = rig_append("12345");
    assert_int_equal(rig_try_append("123456", &id), SBS_ERR_BUFFER);
    uint64_t second = rig_append("123");
    assert_int_equal(second, first + 1);
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_int_equal(rig_counters().waiting, 2);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 0);
    sbs_sqlite_stats stats;
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_int_equal(stats.bytes, 10);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, first), SBS_OK);
    rig_append("12345"); /* the letter stays */
    rig_append("1");     /* and gives way here */
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 1);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_ERR_NOT_FOUND);
}

/* What fails for want of a disk undoes the group, which can be done again then. */
static void a_failure_in_a_group_undoes_it(void **state) {
    (void)state;
    static char large[300000];
    uint64_t id;
    cut_vfs_register();
    rig.config.path = "queue.db";
    rig.config.vfs = CUT_VFS;
    rig_reopen();
    uint64_t first = rig_append("a");
    memset(large, 'x', sizeof large - 1);
    cut_vfs_limit(cut_vfs_size() + 100000);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(rig_settle(first, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    sbs_status status = rig_try_append(large, &id);
    if (status == SBS_OK) { /* SQLite had the pages in memory */
        assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_ERR_STORAGE);
    } else {
        assert_int_equal(rig_mark(first), SBS_ERR_STORAGE);
        assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_ERR_STORAGE);
    }
    assert_true(rig_counters().waiting == 1 && rig_counters().delivered == 0);
    cut_vfs_limit(0);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(rig_settle(first, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_true(rig_counters().waiting == 0 && rig_counters().delivered == 1);
}

static bool always(void *ctx) {
    (void)ctx;
    return true;
}

static void a_group_survives_a_signal(void **state) {
    (void)state;
    rig.config.stop = always;
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    for (int i = 0; i < 300; i++) { /* usual operations are not cut short, however many there are */
        uint64_t id = rig_append("a");
        assert_int_equal(rig_mark(id), SBS_OK);
        assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    }
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_int_equal(rig_counters().delivered, 300);
}

static void a_group_may_be_begun_and_ended_at_any_time(void **state) {
    (void)state;
    assert_int_equal(rig.port.ops->commit(rig.port.ctx), SBS_OK);
    assert_int_equal(rig.port.ops->begin(rig.port.ctx), SBS_OK);
    uint64_t id = rig_append("a");
    assert_int_equal(rig.port.ops->begin(rig.port.ctx), SBS_OK);
    assert_int_equal(rig_mark(id), SBS_OK);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_counters().delivered, 1);
    assert_int_equal(rig.port.ops->commit(rig.port.ctx), SBS_OK);
    assert_int_equal(rig.port.ops->commit(rig.port.ctx), SBS_OK);
    rig_reopen();
    assert_int_equal(rig_counters().delivered, 1);
}

/* ---- the end of the ids ------------------------------------------------------------------------------------------ */

static void after_the_last_id_nothing_is_added(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t id = 0;
    rig_append("a");
    rig_tamper("UPDATE sbs_queue SET last_id = 9223372036854775806");
    assert_int_equal(rig_append("b"), INT64_MAX);
    assert_int_equal(rig_try_append("c", &id), SBS_ERR_BUFFER);
    assert_int_equal(rig_next(1, &item), SBS_OK);
    assert_int_equal(item.id, INT64_MAX);
    assert_int_equal(rig_next(item.id, &item), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_next(UINT64_MAX, &item), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_settle(INT64_MAX, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_counters().waiting, 1);
}

/* ---- by source -------------------------------------------------------------------------------------------------- */

typedef struct told {
    sbs_sqlite_source sources[4];
    size_t count;
} told;

static void tell(void *ctx, const sbs_sqlite_source *source) {
    told *all = ctx;
    assert_true(all->count < 4);
    all->sources[all->count] = *source;
    all->count++;
}

static void add_from(const char *source) {
    const sbs_sqlite_facts facts = {.source = source};
    sbs_sqlite_repeat repeat;
    uint64_t id;
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, "a", 1, &id, &repeat), SBS_OK);
}

static void what_is_there_is_counted_by_source(void **state) {
    (void)state;
    sbs_sqlite_stats stats;
    told all = {.count = 0};
    assert_int_equal(sbs_sqlite_queue_survey(&rig.queue, &stats, tell, &all), SBS_OK);
    assert_int_equal(all.count, 0);
    add_from("scale-2");
    rig.now_s += 60;
    add_from("scale-1");
    rig.now_s = SBS_UTC_UNKNOWN;
    add_from(NULL);
    add_from("scale-2");
    assert_int_equal(rig_settle(1, SBS_QUEUE_DEAD, "refused"), SBS_OK);

    assert_int_equal(sbs_sqlite_queue_survey(&rig.queue, &stats, tell, &all), SBS_OK);
    assert_true(stats.counters.waiting == 3 && stats.letters == 1 && stats.file_bytes > 0 && stats.oldest_id == 2);
    assert_int_equal(all.count, 3);
    assert_string_equal(all.sources[0].source, "");
    assert_true(all.sources[0].waiting == 1 && all.sources[0].oldest_s == SBS_UTC_UNKNOWN);
    assert_string_equal(all.sources[1].source, "scale-1");
    assert_true(all.sources[1].waiting == 1 && all.sources[1].oldest_s == RIG_NOW + 60);
    assert_string_equal(all.sources[2].source, "scale-2");
    assert_true(all.sources[2].waiting == 1 && all.sources[2].letters == 1);
    assert_true(all.sources[2].oldest_s == SBS_UTC_UNKNOWN); /* the dated one does not wait any more */
}

static void a_survey_that_fails_tells_no_zeros(void **state) {
    (void)state;
    sbs_sqlite_stats stats;
    told all = {.count = 0};
    add_from("scale-1");
    rig_tamper("DROP TABLE sbs_item");
    assert_int_equal(sbs_sqlite_queue_survey(&rig.queue, &stats, tell, &all), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_ERR_STORAGE);
}

static void a_disk_is_asked_for_room(void **state) {
    (void)state;
    uint64_t unused = 0;
    assert_int_equal(sbs_sqlite_queue_check_disk(&rig.queue, 1, &unused), SBS_OK);
    assert_true(unused > 0 && unused < UINT64_MAX);
    assert_int_equal(sbs_sqlite_queue_check_disk(&rig.queue, UINT64_MAX, NULL), SBS_ERR_BUFFER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_same_again_is_a_repeat),
        TEST(within_a_group_too),
        TEST(other_content_or_another_identity_is_stored),
        TEST(what_changes_back_is_no_repeat),
        TEST(other_content_is_told_to_who_wants_the_same_only),
        TEST(what_is_there_is_counted_by_source),
        TEST(a_survey_that_fails_tells_no_zeros),
        TEST(a_disk_is_asked_for_room),
        TEST(what_was_given_up_may_come_again),
        TEST(what_is_damaged_may_come_again),
        TEST(an_identity_without_its_item_is_no_promise),
        TEST(without_an_identity_nothing_is_a_repeat),
        TEST(the_oldest_delivered_identity_gives_way),
        TEST(all_that_is_known_is_told),
        TEST(facts_must_fit),
        TEST(a_dead_letter_keeps_the_servers_words),
        TEST(why_an_item_waits_is_kept),
        TEST(failures_are_kept_until_a_retry),
        TEST(an_item_is_removed_whatever_it_is),
        TEST(the_state_of_the_whole_is_told),
        TEST(a_refusal_in_a_group_undoes_itself_alone),
        TEST(a_failure_in_a_group_undoes_it),
        TEST(a_group_survives_a_signal),
        TEST(a_group_may_be_begun_and_ended_at_any_time),
        TEST(after_the_last_id_nothing_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
