/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of version 1 becomes one of this version, whatever happens meanwhile; hostile and newer files are refused. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sbs/count.h"
#include "sqlite_cut_vfs.h"
#include "sqlite_rig.h"
#include "test.h"
#include "test_folder.h"

#define LARGE 8999u /* bytes of the large item */

/* ---- what version 1 held ---------------------------------------------------------------------------------------- */

typedef struct old_item {
    uint64_t id;
    int64_t utc_s;
    const char *text;   /* NULL: the large one */
    const char *reason; /* NULL: it waits */
    int64_t dead_s;
    uint16_t attempts;
    uint32_t lane;
} old_item;

static const old_item old_items[] = {
    {.id = 2, .text = "waiting", .utc_s = 1763999990, .lane = 2},
    {.id = 3, .text = "tried twice", .utc_s = SBS_UTC_UNKNOWN, .lane = 3, .attempts = 2},
    {.id = 4,
     .text = "refused",
     .utc_s = 1763999991,
     .lane = 4,
     .attempts = 1,
     .reason = "refused: 422 unknown code",
     .dead_s = 1764000000},
    {.id = 5,
     .text = "undated letter",
     .utc_s = 1763999992,
     .lane = 5,
     .reason = "collision",
     .dead_s = SBS_UTC_UNKNOWN},
    {.id = 6, .utc_s = 1763999993, .lane = UINT32_MAX},
    {.id = 7, .text = "last", .utc_s = -1, .lane = 2},
};

#define OLD_COUNT SBS_COUNT_OF(old_items)

static void assert_bytes(uint64_t id, const char *text) {
    static char expected[LARGE + 1], found[LARGE + 10];
    size_t len = 0;
    memset(expected, 'b', LARGE);
    memcpy(expected, "large ", 6);
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id, 0, found, sizeof found, &len), SBS_OK);
    assert_int_equal(len, text != NULL ? strlen(text) : LARGE);
    assert_memory_equal(found, text != NULL ? text : expected, len);
}

static void assert_old_item(const old_item *old) {
    sbs_sqlite_entry found;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, old->id, &found), SBS_OK);
    assert_true(found.item.id == old->id && found.item.meta.utc_s == old->utc_s && found.item.meta.lane == old->lane);
    assert_true(found.item.meta.uptime_ms == (uint64_t)1000 + old->lane || old->lane == UINT32_MAX);
    assert_true(found.item.meta.boot_id == 7 && found.item.meta.zone_minutes == -90);
    assert_int_equal(found.item.meta.format, 0); /* its id is derived as version 1 did */
    assert_int_equal(found.item.attempts, old->attempts);
    assert_int_equal(found.item.failures, 0);
    assert_true(found.dead == (old->reason != NULL));
    assert_false(found.damaged || found.mendable || found.has_identity);
    assert_string_equal(found.reason, old->reason != NULL ? old->reason : "");
    assert_true(found.words[0] == '\0' && found.type[0] == '\0' && found.source[0] == '\0');
    assert_true(found.http_status == 0 && found.arrived_s == SBS_UTC_UNKNOWN);
    assert_true(old->reason == NULL || found.utc_s == old->dead_s);
    assert_bytes(old->id, old->text);
}

static void assert_all_there(void) {
    sbs_queue_item item = {0};
    sbs_sqlite_stats stats;
    for (size_t i = 0; i < OLD_COUNT; i++) {
        assert_old_item(&old_items[i]);
        if (old_items[i].reason == NULL) {
            assert_int_equal(rig_next(item.id, &item), SBS_OK);
            assert_int_equal(item.id, old_items[i].id);
        }
    }
    assert_int_equal(rig_next(item.id, &item), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.counters.accepted == 7 && stats.counters.delivered == 1 && stats.counters.dead == 2);
    assert_true(stats.counters.waiting == 4 && stats.letters == 2 && stats.bytes == 9042 && stats.seen == 0);
}

/* ---- reading it ------------------------------------------------------------------------------------------------- */

static void place_version_1(void) {
    size_t len;
    char *bytes = rig_version_1(&len);
    sbs_sqlite_queue_close(&rig.queue);
    rig_write(bytes, len);
    free(bytes);
}

static void a_queue_of_version_1_is_read(void **state) {
    (void)state;
    rig.now_s = SBS_UTC_UNKNOWN;
    place_version_1();
    rig_reopen();
    assert_all_there();
    uint64_t epoch, id;
    assert_int_equal(sbs_sqlite_queue_next_id(&rig.queue, &epoch, &id), SBS_OK);
    assert_true((int64_t)epoch == INT64_C(-8090726588509451478) && id == 8);
    rig_reopen(); /* now it is of version 2 */
    assert_all_there();
    assert_int_equal(rig_append("new"), 8);
    assert_int_equal(rig_mark(7), SBS_OK);
    assert_int_equal(rig_settle(7, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, 4), SBS_OK);
    assert_int_equal(rig_counters().waiting, 5);
}

/* SQLite writes the text of changed tables itself: it must be that of new ones, which is what is accepted. */
static void its_tables_are_those_of_a_new_file(void **state) {
    (void)state;
    rig_append("makes the file");
    sbs_sqlite_queue_close(&rig.queue);
    char *texts[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        sqlite3 *db = NULL;
        sqlite3_stmt *row = NULL;
        const char *sql =
            "SELECT group_concat(sql, ';' || char(10)) FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
        assert_int_equal(sqlite3_open(rig.path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(row), SQLITE_ROW);
        texts[i] = strdup((const char *)sqlite3_column_text(row, 0));
        assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        if (i == 0) {
            place_version_1();
            rig_reopen();
            sbs_sqlite_queue_close(&rig.queue);
        }
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

/* ---- cut in the middle ------------------------------------------------------------------------------------------ */

/* What SQL says of the file, read without the queue; nothing may be half done. */
static int64_t ask_disk(const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open_v2("queue.db", &db, SQLITE_OPEN_READWRITE, CUT_VFS), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(row, 0);
    assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return number;
}

static void assert_whole_on_disk(unsigned *out_new) {
    int64_t version = ask_disk("PRAGMA user_version");
    int64_t columns = ask_disk("SELECT count(*) FROM pragma_table_info('sbs_item')");
    int64_t seen = ask_disk("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sbs_seen%'");
    int64_t letters = ask_disk("SELECT count(*) FROM pragma_table_info('sbs_queue') WHERE name = 'letters'");
    assert_true(version == 1 || version == 2);
    assert_int_equal(columns, version == 1 ? 13 : 21);
    assert_int_equal(seen, version == 1 ? 0 : 3);
    assert_int_equal(letters, version - 1);
    assert_int_equal(ask_disk("SELECT count(*) FROM sbs_item i JOIN sbs_body b ON b.id = i.id"), OLD_COUNT);
    assert_int_equal(ask_disk("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    *out_new += version == 2;
}

static bool open_on_disk(void) {
    sbs_status status = sbs_sqlite_queue_open(&rig.queue, &rig.config, &rig.port);
    assert_true(status == SBS_OK || cut_vfs_is_off());
    return status == SBS_OK;
}

static void come_back(bool killed, uint64_t seed) {
    sbs_sqlite_queue_close(&rig.queue);
    if (killed) {
        cut_vfs_kill();
    } else {
        cut_vfs_restart(seed);
    }
}

/* Opens it with the power cut, or the process killed, at an operation, and again while it is opened after that. */
static void migrate_with_cuts(const char *bytes, size_t len, unsigned at, unsigned again, bool killed,
                              unsigned *out_new) {
    cut_vfs_reset();
    cut_vfs_put("queue.db", bytes, len);
    cut_vfs_arm(at);
    (void)open_on_disk();
    come_back(killed, at * 1000u + again);
    assert_whole_on_disk(out_new);
    cut_vfs_arm(again);
    if (!open_on_disk() || cut_vfs_is_off()) {
        come_back(killed, at * 77u + again);
        assert_whole_on_disk(out_new);
        cut_vfs_arm(0);
        assert_true(open_on_disk());
    }
    cut_vfs_arm(0);
    assert_all_there();
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(ask_disk("PRAGMA user_version"), 2);
}

static void a_migration_is_done_as_a_whole_or_not(void **state) {
    (void)state;
    size_t len;
    unsigned cuts = 0;
    unsigned ended_new = 0;
    char *bytes = rig_version_1(&len);
    cut_vfs_register();
    sbs_sqlite_queue_close(&rig.queue);
    rig.config = (sbs_sqlite_queue_config){.path = "queue.db", .vfs = CUT_VFS, .checkpoint_pages = 4};
    cut_vfs_put("queue.db", bytes, len);
    cut_vfs_arm(0);
    assert_true(open_on_disk());
    sbs_sqlite_queue_close(&rig.queue);
    unsigned operations = cut_vfs_operations();
    assert_true(operations > 20);

    for (unsigned at = 1; at <= operations; at++) {
        for (unsigned again = 0; again < 12; again++) {
            migrate_with_cuts(bytes, len, at, again * 3, again % 4 == 3, &ended_new);
            cuts++;
        }
    }
    printf("operations of a migration %u, cuts and kills %u, lost 0\n", operations, cuts);
    assert_true(ended_new > 0 && ended_new < 2 * cuts);
    free(bytes);
}

/* ---- giving space back ------------------------------------------------------------------------------------------ */

static uint64_t file_bytes(void) {
    sbs_sqlite_stats stats;
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    return stats.file_bytes;
}

static void fill_and_drain(void) {
    char large[20000];
    uint64_t ids[200];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    for (size_t i = 0; i < 200; i++) {
        ids[i] = rig_append(large);
    }
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_true(file_bytes() > 200 * sizeof large);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(rig_settle(ids[i], SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    }
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
}

static void a_drained_queue_gives_its_space_back(void **state) {
    (void)state;
    struct stat file;
    fill_and_drain();
    assert_true(file_bytes() < 200000);
    assert_int_equal(stat(rig.path, &file), 0);
    assert_true(file.st_size < 200000);
}

static void so_does_one_that_version_1_made(void **state) {
    (void)state;
    sbs_sqlite_dead dead = {0};
    place_version_1();
    rig_reopen();
    for (size_t i = 0; i < OLD_COUNT; i++) {
        if (old_items[i].reason == NULL) {
            assert_int_equal(rig_settle(old_items[i].id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
        }
    }
    fill_and_drain();
    assert_true(file_bytes() < 200000);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_bytes(dead.item.id, "refused");
    fill_and_drain(); /* and now page by page */
    assert_true(file_bytes() < 200000);
}

/* Fills the queue and drains it, on the disk that can be cut; @p at counts from the start of the draining. */
static void drain_with_cut(const char *bytes, size_t len, unsigned at) {
    static char large[40000];
    sbs_queue_item item;
    bool alive = true;
    memset(large, 'x', sizeof large - 1);
    cut_vfs_reset();
    cut_vfs_put("queue.db", bytes, len);
    cut_vfs_arm(0);
    assert_true(open_on_disk());
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    for (size_t i = 0; i < 40; i++) {
        (void)rig_append(large);
    }
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);

    cut_vfs_arm(at);
    alive = sbs_sqlite_queue_begin(&rig.queue) == SBS_OK;
    while (alive && rig_next(0, &item) == SBS_OK) {
        alive = rig_settle(item.id, SBS_QUEUE_DELIVERED, NULL) == SBS_OK;
    }
    if (sbs_sqlite_queue_commit(&rig.queue) == SBS_OK && !cut_vfs_is_off()) {
        assert_true(file_bytes() < 300000);
    }
    sbs_sqlite_queue_close(&rig.queue);
}

static void giving_space_back_is_cut_without_loss(void **state) {
    (void)state;
    size_t len;
    unsigned cuts = 0;
    char *bytes = rig_version_1(&len);
    cut_vfs_register();
    sbs_sqlite_queue_close(&rig.queue);
    rig.config = (sbs_sqlite_queue_config){.path = "queue.db", .vfs = CUT_VFS};
    for (unsigned i = 0; i < 2; i++) { /* a file of version 1, and one made by this version */
        size_t used = i == 0 ? len : 0;
        drain_with_cut(bytes, used, 0);
        unsigned operations = cut_vfs_operations();
        assert_true(operations > 20);
        for (unsigned at = 1; at <= operations; at += operations / 40 + 1) {
            sbs_sqlite_dead dead = {0};
            drain_with_cut(bytes, used, at);
            come_back(false, at);
            cut_vfs_arm(0);
            assert_int_equal(ask_disk("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
            assert_true(open_on_disk());
            assert_true(rig_counters().waiting == 0 || rig_counters().waiting == (i == 0 ? 44 : 40));
            if (i == 0) {
                assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 4, &dead), SBS_OK);
                assert_bytes(dead.item.id, "undated letter");
            }
            sbs_sqlite_queue_close(&rig.queue);
            cuts++;
        }
    }
    printf("cuts while space is given back %u, lost 0\n", cuts);
    free(bytes);
}

/* ---- refused ---------------------------------------------------------------------------------------------------- */

/* Refused, and byte for byte as it was. */
static void assert_refused(sbs_status expected) {
    size_t before_len, after_len;
    sbs_sqlite_queue_close(&rig.queue);
    char *before = test_folder_load(rig.folder, "queue.db", &before_len);
    assert_int_equal(sbs_sqlite_queue_open(&rig.queue, &rig.config, &rig.port), expected);
    char *after = test_folder_load(rig.folder, "queue.db", &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

#define VIEW(name, columns)                                                                                            \
    "CREATE VIEW " name " AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT " columns          \
    " FROM r WHERE n < 0;"

static void tables_must_be_those_of_the_schema(void **state) {
    (void)state;
    static const char *const changes[] = {
        "DROP TABLE sbs_item; " VIEW("sbs_item", "n AS id, 0 AS state"),
        "DROP TABLE sbs_body; " VIEW("sbs_body", "n AS id, x'' AS data"),
        "DROP TABLE sbs_queue; " VIEW("sbs_queue", "n AS one"),
        "DROP TABLE sbs_seen; " VIEW("sbs_seen", "n AS id"),
        "DROP TABLE sbs_body; CREATE TABLE sbs_body (id INTEGER PRIMARY KEY, data AS (zeroblob(1000000)));",
        "DROP TABLE sbs_seen;",
        "DROP INDEX sbs_waiting;",
        "CREATE TRIGGER t AFTER DELETE ON sbs_item BEGIN INSERT INTO sbs_body SELECT max(id) + 1, x'' FROM sbs_body; "
        "END;",
        "CREATE INDEX i ON sbs_item (abs(id));",
        VIEW("other", "n"),
        "ALTER TABLE sbs_item ADD COLUMN more TEXT;",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(changes); i++) {
        rig_write("", 0);
        rig_reopen();
        rig_append("a");
        sbs_sqlite_queue_close(&rig.queue);
        rig_tamper(changes[i]);
        assert_refused(SBS_ERR_FORMAT);
    }
    place_version_1();
    rig_tamper("DROP TABLE sbs_item; " VIEW("sbs_item", "n AS id, 0 AS state"));
    assert_refused(SBS_ERR_FORMAT);
    place_version_1();
    rig_tamper("PRAGMA user_version = 2"); /* with tables of another version */
    assert_refused(SBS_ERR_FORMAT);
}

static unsigned asked;

static bool count_questions(void *ctx) {
    (void)ctx;
    asked++;
    return false;
}

/* A file that counts as damaged is read before anything else is known of it, all of it, and in a mode in which SQLite
 * does not mind what its schema says: nothing in it may run on without an end, each statement anew. */
static void a_salvage_reads_the_tables_of_the_schema_only(void **state) {
    (void)state;
    static const char *const changes[] = {
        "DROP TABLE sbs_body; " VIEW("sbs_body", "n AS id, x'' AS data"),
        "DROP TABLE sbs_seen; " VIEW("sbs_seen", "n AS id, x'' AS identity, x'' AS content, 0 AS delivered, "
                                                 "0 AS delivered_s"),
        "DROP TABLE sbs_queue; " VIEW("sbs_queue", "n AS one"),
        "DROP TABLE sbs_body; " VIEW("other", "n AS id, x'' AS data") "PRAGMA writable_schema = 1;"
                                                                      "UPDATE sqlite_schema SET type = 'table', sql = "
                                                                      "replace(sql, 'VIEW other', 'VIEW SBS_body') "
                                                                      "WHERE name = 'other';",
    };
    rig.config.stop = count_questions;
    for (size_t i = 0; i < SBS_COUNT_OF(changes); i++) {
        rig_write("", 0);
        rig_reopen();
        for (unsigned item = 0; item < 20; item++) {
            rig_append("a");
        }
        sbs_sqlite_queue_close(&rig.queue);
        rig_tamper(changes[i]);
        rig_tamper("PRAGMA user_version = 0"); /* which never was: that is damage */

        asked = 0;
        sbs_queue_item item;
        rig_reopen();
        assert_true(rig_next(0, &item) == SBS_OK || rig_next(0, &item) == SBS_ERR_NOT_FOUND);
        assert_true(asked <
                    10); /* SQLite asks at each 10 000 steps, and a bound that is reached takes 5000 times that */
    }
}

/* A row of the schema may say that it is a table of somebody else, and have the SQL of a trigger on ours. */
static void a_row_that_lies_about_itself_is_seen(void **state) {
    (void)state;
    static const char *const rows[] = {
        "'table', 'notes', 'notes', 0, 'CREATE TRIGGER notes AFTER INSERT ON sbs_item BEGIN DELETE FROM sbs_body; END'",
        "'table', 'notes', 'notes', 3, 'CREATE INDEX notes ON \"SBS_item\" (abs(len))'",
        "'table', 'notes', 'notes', 0, 'CREATE VIEW notes AS SELECT 1'",
        "'table', 'SBS_ITEM', 'SBS_ITEM', 3, 'CREATE TABLE SBS_ITEM (id INTEGER PRIMARY KEY)'",
    };
    char sql[400];
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        rig_write("", 0);
        rig_reopen();
        uint64_t id = rig_append("a");
        sbs_sqlite_queue_close(&rig.queue);
        (void)snprintf(sql, sizeof sql, "PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES (%s)", rows[i]);
        rig_tamper(sql);

        rig_reopen();
        uint64_t kept = 0;
        assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
        rig_assert_reads(id, "a");
        rig_assert_reads(rig_append("b"), "b");
    }
}

static void tables_of_somebody_else_do_no_harm(void **state) {
    (void)state;
    uint64_t id = rig_append("a");
    sbs_sqlite_queue_close(&rig.queue);
    rig_tamper("ANALYZE; CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT)");
    rig_reopen();
    rig_assert_reads(id, "a");
}

/* ---- statements that take long ---------------------------------------------------------------------------------- */

#define OLD_COLUMNS                                                                                                    \
    "n AS id, 0 AS state, 0 AS attempts, 4 AS len, 0 AS uptime_ms, 0 AS utc_s, 0 AS boot_id, 0 AS lane, "              \
    "0 AS zone_minutes, 0 AS format, 0 AS checksum, NULL AS dead_s, NULL AS reason, 0 AS mendable, NULL AS words, "    \
    "0 AS http_status, 0 AS failures, NULL AS failing_since_s, NULL AS type, NULL AS source, NULL AS arrived_s"

static unsigned stop_at;

static bool stop(void *ctx) {
    (void)ctx;
    asked++;
    return asked >= stop_at;
}

/* Tables that are changed after they were looked at. */
static void a_statement_that_never_ends_is_ended(void **state) {
    (void)state;
    sbs_queue_item item;
    rig_append("a");
    rig_tamper("DROP TABLE sbs_item; " VIEW("sbs_item", OLD_COLUMNS));
    assert_int_equal(rig_next(0, &item), SBS_ERR_STORAGE);
    assert_string_equal(sbs_sqlite_queue_error(&rig.queue), "interrupted");
}

static void or_sooner_when_the_program_ends(void **state) {
    (void)state;
    sbs_queue_item item;
    rig.config.stop = stop;
    asked = 0;
    stop_at = 3;
    rig_reopen();
    rig_append("a");
    rig_tamper("DROP TABLE sbs_item; " VIEW("sbs_item", OLD_COLUMNS));
    assert_int_equal(rig_next(0, &item), SBS_ERR_CANCELLED);
    assert_int_equal(asked, 3);
}

static void waiting_for_another_process_ends_with_the_program(void **state) {
    (void)state;
    sbs_sqlite_queue other;
    sbs_queue other_port;
    uint64_t id;
    sbs_sqlite_queue_config patient = rig.config;
    patient.busy_ms = 600000;
    patient.stop = stop;
    asked = 0;
    stop_at = 10;
    assert_int_equal(sbs_sqlite_queue_open(&other, &patient, &other_port), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_ERR_CANCELLED);
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_true(asked >= stop_at);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_OK);
    sbs_sqlite_queue_close(&other);
}

/* Each pause asks whether the program is to end: their number shows that the wait was a short one. */
static void waiting_for_another_process_ends_with_a_deadline(void **state) {
    (void)state;
    sbs_sqlite_queue other;
    sbs_queue other_port;
    uint64_t id;
    sbs_sqlite_queue_config patient = rig.config;
    patient.busy_ms = 600000;
    patient.stop = stop;
    asked = 0;
    stop_at = 1000;
    assert_int_equal(sbs_sqlite_queue_open(&other, &patient, &other_port), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);

    sbs_sqlite_queue_set_busy_ms(&other, 20);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_ERR_STORAGE);
    assert_string_equal(sbs_sqlite_queue_error(&other), "database is locked");
    sbs_sqlite_queue_set_busy_ms(&other, 0);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_ERR_STORAGE);
    assert_true(asked < 20);

    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_OK);
    sbs_sqlite_queue_close(&other);
    sbs_sqlite_queue_set_busy_ms(&other, 1); /* without effect */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_queue_of_version_1_is_read),
        TEST(its_tables_are_those_of_a_new_file),
        TEST(a_migration_is_done_as_a_whole_or_not),
        TEST(a_drained_queue_gives_its_space_back),
        TEST(so_does_one_that_version_1_made),
        TEST(giving_space_back_is_cut_without_loss),
        TEST(tables_must_be_those_of_the_schema),
        TEST(a_salvage_reads_the_tables_of_the_schema_only),
        TEST(a_row_that_lies_about_itself_is_seen),
        TEST(tables_of_somebody_else_do_no_harm),
        TEST(a_statement_that_never_ends_is_ended),
        TEST(or_sooner_when_the_program_ends),
        TEST(waiting_for_another_process_ends_with_the_program),
        TEST(waiting_for_another_process_ends_with_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
