/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_rig.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"
#include "sqlite_cut_vfs.h"
#include "test.h"
#include "test_folder.h"

sqlite_rig rig;

const sbs_queue_meta rig_meta = {
    .uptime_ms = 1, .utc_s = RIG_NOW, .boot_id = 2, .lane = 3, .zone_minutes = -90, .format = 4};

static int64_t tell_time(void *ctx) {
    (void)ctx;
    return rig.now_s;
}

sbs_status rig_open_again(void) {
    sbs_sqlite_queue_close(&rig.queue);
    return sbs_sqlite_queue_open(&rig.queue, &rig.config, &rig.port);
}

void rig_reopen(void) {
    assert_int_equal(rig_open_again(), SBS_OK);
}

int rig_set_up(void **state) {
    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.folder = test_folder_make(NULL);
    (void)snprintf(rig.path, sizeof rig.path, "%s/queue.db", rig.folder);
    rig.config = (sbs_sqlite_queue_config){.path = rig.path, .utc_now = tell_time};
    rig.now_s = RIG_NOW;
    rig_reopen();
    return 0;
}

int rig_tear_down(void **state) {
    (void)state;
    sbs_sqlite_queue_close(&rig.queue);
    test_folder_remove(rig.folder);
    cut_vfs_reset();
    return 0;
}

sbs_status rig_try_append(const char *text, uint64_t *out_id) {
    return rig.port.ops->append(rig.port.ctx, &rig_meta, text, strlen(text), out_id);
}

uint64_t rig_append(const char *text) {
    uint64_t id = 0;
    assert_int_equal(rig_try_append(text, &id), SBS_OK);
    return id;
}

sbs_status rig_next(uint64_t after, sbs_queue_item *out) {
    return rig.port.ops->next(rig.port.ctx, after, out);
}

sbs_status rig_mark(uint64_t id) {
    return rig.port.ops->mark_attempt(rig.port.ctx, id);
}

sbs_status rig_settle(uint64_t id, sbs_queue_fate fate, const char *reason) {
    return rig.port.ops->settle(rig.port.ctx, id, fate, reason, NULL);
}

sbs_queue_counters rig_counters(void) {
    sbs_queue_counters out;
    rig.port.ops->counters(rig.port.ctx, &out);
    return out;
}

void rig_assert_reads(uint64_t id, const char *text) {
    char bytes[256];
    size_t len = 0;
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id, 0, bytes, sizeof bytes, &len), SBS_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bytes, text, len);
}

sbs_sqlite_repeat rig_add(const char *text, uint8_t identity, uint8_t content, uint64_t *out_id) {
    uint8_t hashes[2][SBS_SQLITE_HASH_SIZE];
    sbs_sqlite_repeat repeat = SBS_SQLITE_NEW;
    const sbs_sqlite_facts facts = {
        .identity = hashes[0], .content = hashes[1], .type = "Observation", .source = "scale-1", .rule = 1};
    memset(hashes[0], identity, sizeof hashes[0]);
    memset(hashes[1], content, sizeof hashes[1]);
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, text, strlen(text), out_id, &repeat), SBS_OK);
    return repeat;
}

char *rig_version_1(size_t *out_len) {
    return (char *)golden_load("sqlite_queue_1", out_len);
}

void rig_write(const void *bytes, size_t len) {
    static const char *const suffixes[] = {"-wal", "-shm"};
    char name[300];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof name, "%s%s", rig.path, suffixes[i]);
        (void)unlink(name);
    }
    FILE *file = fopen(rig.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void rig_tamper(const char *sql) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(rig.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
