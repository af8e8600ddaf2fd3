/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the SQLite queue: whatever stands there, they are opened, listed, mended, set aside or refused in a bounded
 * time, and one that is open keeps what it accepts. The input changes a file that was in order, its schema, or is one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "sbs/count.h"
#include "sbs/sqlite_queue.h"

#define TEMPLATE_MAX 131072u
#define LOOK_MAX 64u
#define QUEUE_NAME "queue.db"

static char folder[64];
static uint8_t template[TEMPLATE_MAX];
static size_t template_len;

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void put_path(char *out, size_t size, const char *name) {
    (void)snprintf(out, size, "%s/%s", folder, name);
}

static void write_file(const char *name, const uint8_t *data, size_t len) {
    char path[256];
    put_path(path, sizeof path, name);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(file >= 0 && write(file, data, len) == (ssize_t)len && close(file) == 0);
}

/* Only what the queue itself may have made stands there, and goes. */
static void clear_folder(void) {
    DIR *listing = opendir(folder);
    FUZZ_REQUIRE(listing != NULL);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        char path[512];
        if (entry->d_name[0] == '.') {
            continue;
        }
        FUZZ_REQUIRE(strncmp(entry->d_name, QUEUE_NAME, strlen(QUEUE_NAME)) == 0);
        put_path(path, sizeof path, entry->d_name);
        FUZZ_REQUIRE(unlink(path) == 0);
    }
    (void)closedir(listing);
}

static void remove_folder(void) {
    clear_folder();
    (void)rmdir(folder);
}

/* ---- a queue that is in order ------------------------------------------------------------------------------------ */

static int64_t utc_now(void *ctx) {
    (void)ctx;
    return 1700000000;
}

static struct sbs_sqlite_limits {
    uint32_t items, keep_s;
    bool drops, only_looks, knows_no_time;
} limits;

static sbs_status open_queue(sbs_sqlite_queue *queue, sbs_queue *port) {
    static char path[256];
    put_path(path, sizeof path, QUEUE_NAME);
    const sbs_sqlite_queue_config config = {.path = path,
                                            .utc_now = limits.knows_no_time ? NULL : utc_now,
                                            .any_owner = true,
                                            .busy_ms = 1,
                                            .items_max = limits.items,
                                            .dead_keep_s = limits.keep_s,
                                            .seen_keep_s = limits.keep_s,
                                            .seen_max = limits.items,
                                            .policy = limits.drops ? SBS_SQLITE_DROP_OLDEST : SBS_SQLITE_REFUSE,
                                            .look_only = limits.only_looks};
    return sbs_sqlite_queue_open(queue, &config, port);
}

static void make_template(void) {
    static sbs_sqlite_queue queue;
    sbs_queue port;
    const sbs_queue_meta meta = {.utc_s = 1700000000, .lane = 7, .zone_minutes = 60};
    uint8_t hash[SBS_SQLITE_HASH_SIZE] = {1};
    (void)snprintf(folder, sizeof folder, "%s/fuzz-sqlite-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    FUZZ_REQUIRE(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    FUZZ_REQUIRE(open_queue(&queue, &port) == SBS_OK);
    for (unsigned i = 0; i < 6; i++) {
        const sbs_sqlite_facts facts = {.identity = hash, .content = hash, .type = "Observation", .source = "meter"};
        sbs_sqlite_repeat repeat;
        uint64_t id;
        hash[0] = (uint8_t)i;
        FUZZ_REQUIRE(sbs_sqlite_queue_add(&queue, &meta, &facts, "{\"resourceType\":\"Observation\"}", 30, &id,
                                          &repeat) == SBS_OK);
        if (i == 1) {
            FUZZ_REQUIRE(port.ops->settle(port.ctx, id, SBS_QUEUE_DEAD, "refused", "words") == SBS_OK);
        } else if (i == 2) {
            FUZZ_REQUIRE(port.ops->settle(port.ctx, id, SBS_QUEUE_DELIVERED, NULL, NULL) == SBS_OK);
        } else if (i == 3) {
            FUZZ_REQUIRE(port.ops->mark_attempt(port.ctx, id) == SBS_OK);
        }
    }
    sbs_sqlite_queue_close(&queue);

    char path[256];
    put_path(path, sizeof path, QUEUE_NAME);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    FUZZ_REQUIRE(file >= 0);
    const ssize_t len = read(file, template, sizeof template);
    FUZZ_REQUIRE(len > 0 && (size_t)len < sizeof template && close(file) == 0);
    template_len = (size_t)len;
    clear_folder();
}

/* ---- what is done to it ------------------------------------------------------------------------------------------ */

static void change_bytes(fuzz_input *input) {
    static uint8_t data[TEMPLATE_MAX];
    size_t len = template_len;
    memcpy(data, template, len);
    for (unsigned count = fuzz_below(input, 12); count > 0; count--) {
        const size_t at = (fuzz_byte(input) * 65536u + fuzz_short(input)) % len;
        uint8_t some[64];
        const size_t some_len = fuzz_bytes(input, some, sizeof some);
        memcpy(data + at, some, some_len < len - at ? some_len : len - at);
    }
    if (fuzz_chance(input, 4)) {
        len = fuzz_short(input) % (len + 1);
    }
    write_file(QUEUE_NAME, data, len);
}

/* Statements that somebody else ran on the file: the schema is not what it was, or its rows are not. */
static void run_statements(fuzz_input *input) {
    static const char *const statements[] = {
        "DROP TABLE sbs_item",
        "ALTER TABLE sbs_item RENAME TO other",
        "CREATE VIEW extra AS SELECT 1",
        "CREATE TRIGGER t AFTER DELETE ON sbs_item BEGIN INSERT INTO sbs_item SELECT * FROM sbs_item; END",
        "UPDATE sbs_item SET id = 9223372036854775807 WHERE id = 1",
        "UPDATE sbs_item SET id = 9223372036854775806 WHERE id = 3",
        "UPDATE sbs_item SET id = -5 WHERE id = 4",
        "DELETE FROM sbs_queue",
        "UPDATE sbs_queue SET last_id = 9223372036854775807",
        "UPDATE sbs_queue SET waiting = -1, bytes = 9223372036854775807",
        "UPDATE sbs_queue SET accepted = -9223372036854775808",
        "PRAGMA user_version = 1",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 5",
        "PRAGMA page_size = 512; VACUUM",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE TABLE sbs_item (a)' WHERE name = "
        "'sbs_item'",
        "PRAGMA encoding = 'UTF-16'",
        ("DROP TABLE sbs_item; CREATE VIEW sbs_item AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
         "SELECT i AS id FROM n"),
        "UPDATE sbs_item SET attempts = 'text'",
        "UPDATE sbs_item SET attempts = 99999999999",
    };
    sqlite3 *db = NULL;
    char path[256];
    char own[256];
    write_file(QUEUE_NAME, template, template_len);
    put_path(path, sizeof path, QUEUE_NAME);
    FUZZ_REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
    for (unsigned count = 1 + fuzz_below(input, 4); count > 0; count--) {
        const char *statement = own;
        if (fuzz_chance(input, 4)) {
            (void)fuzz_text(input, own, sizeof own);
        } else {
            statement = statements[fuzz_below(input, SBS_COUNT_OF(statements))];
        }
        /* Nothing of the fuzzer's own takes long, or leaves the folder. */
        if (sqlite3_strlike("%recursive%", own, 0) != 0 && sqlite3_strlike("%attach%", own, 0) != 0 &&
            sqlite3_strlike("%vacuum%into%", own, 0) != 0) {
            (void)sqlite3_exec(db, statement, NULL, NULL, NULL);
        }
        own[0] = '\0';
    }
    (void)sqlite3_close(db);
}

/* A log beside the file. */
static void add_log(fuzz_input *input) {
    static uint8_t log[4096];
    const size_t len = fuzz_bytes(input, log, sizeof log);
    write_file(QUEUE_NAME "-wal", log, len);
}

static void make_file(fuzz_input *input) {
    switch (fuzz_below(input, 4)) {
    case 0:
        change_bytes(input);
        break;
    case 1:
        run_statements(input);
        break;
    case 2:
        write_file(QUEUE_NAME, template, template_len);
        break;
    default:
        write_file(QUEUE_NAME, input->data, input->len);
        input->len = 0;
        return;
    }
    if (fuzz_chance(input, 4)) {
        add_log(input);
    }
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

static bool ends(const char *text, size_t size) {
    return memchr(text, 0, size) != NULL;
}

static void check_entry(const sbs_sqlite_entry *entry) {
    FUZZ_REQUIRE(ends(entry->type, sizeof entry->type) && ends(entry->source, sizeof entry->source));
    FUZZ_REQUIRE(ends(entry->reason, sizeof entry->reason) && ends(entry->words, sizeof entry->words));
}

static void look(sbs_sqlite_queue *queue, const sbs_queue *port) {
    static uint8_t bytes[4096];
    static sbs_sqlite_entry entry;
    sbs_sqlite_stats stats;
    uint64_t after = 0;
    (void)sbs_sqlite_queue_stats(queue, &stats);
    for (unsigned i = 0; i < LOOK_MAX; i++) {
        sbs_queue_item item = {0};
        size_t len = 0;
        const sbs_status status = port->ops->next(port->ctx, after, &item);
        if (status == SBS_ERR_DAMAGED) {
            continue;
        }
        if (status != SBS_OK) {
            break;
        }
        FUZZ_REQUIRE(item.id > after && item.id <= (uint64_t)INT64_MAX);
        after = item.id;
        if (port->ops->read(port->ctx, item.id, 0, bytes, sizeof bytes, &len) == SBS_OK) {
            FUZZ_REQUIRE(len <= sizeof bytes && len <= item.len);
        }
        if (sbs_sqlite_queue_find(queue, item.id, &entry) == SBS_OK) {
            check_entry(&entry);
        }
        (void)port->ops->mark_attempt(port->ctx, item.id);
    }

    after = 0;
    for (unsigned i = 0; i < LOOK_MAX && sbs_sqlite_queue_dead(queue, after, &entry) == SBS_OK; i++) {
        FUZZ_REQUIRE(entry.item.id > after);
        after = entry.item.id;
        check_entry(&entry);
    }
}

/* ---- what is done with it ---------------------------------------------------------------------------------------- */

static void add(sbs_sqlite_queue *queue, fuzz_input *input) {
    static const char *const types[] = {"Observation", NULL, "Bundle"};
    const sbs_queue_meta meta = {.utc_s = fuzz_chance(input, 4) ? SBS_UTC_UNKNOWN : 1700000001, .lane = 3};
    uint8_t identity[SBS_SQLITE_HASH_SIZE] = {fuzz_byte(input)};
    uint8_t content[SBS_SQLITE_HASH_SIZE] = {fuzz_byte(input)};
    const sbs_sqlite_facts facts = {.identity = identity,
                                    .content = content,
                                    .type = types[fuzz_below(input, SBS_COUNT_OF(types))],
                                    .source = fuzz_chance(input, 2) ? "meter" : NULL};
    sbs_sqlite_repeat repeat = SBS_SQLITE_NEW;
    uint64_t id = 0;
    const sbs_status status = sbs_sqlite_queue_add(queue, &meta, &facts, "{}", 2, &id, &repeat);
    FUZZ_REQUIRE(status != SBS_OK || (id > 0 && id <= (uint64_t)INT64_MAX && repeat <= SBS_SQLITE_DELIVERED));
}

static void settle(const sbs_queue *port, fuzz_input *input, uint64_t id) {
    static const char *const reasons[] = {"refused", SBS_QUEUE_REASON_OPERATOR ": scope", SBS_QUEUE_REASON_THERE, NULL};
    const bool dead = fuzz_chance(input, 2);
    const char *reason = reasons[fuzz_below(input, SBS_COUNT_OF(reasons))];
    (void)port->ops->settle(port->ctx, id, dead ? SBS_QUEUE_DEAD : SBS_QUEUE_DELIVERED, reason, "words");
}

static void look_up(sbs_sqlite_queue *queue) {
    uint64_t epoch = 0;
    uint64_t id = 0;
    uint64_t kept = 0;
    (void)sbs_sqlite_queue_next_id(queue, &epoch, &id);
    (void)sbs_sqlite_queue_item_max(queue);
    (void)sbs_sqlite_queue_expired(queue);
    (void)sbs_sqlite_queue_set_aside(queue, &kept);
    (void)sbs_sqlite_queue_lost(queue);
    FUZZ_REQUIRE(sbs_sqlite_queue_error(queue) != NULL);
    FUZZ_REQUIRE(!sbs_sqlite_queue_is_busy(queue));
    (void)sbs_sqlite_queue_errno(queue);
}

/* Ids of the template, of what is added to it, and strange ones. */
static uint64_t draw_id(fuzz_input *input) {
    const unsigned number = fuzz_byte(input);
    return number == 255 ? UINT64_MAX : number == 254 ? (uint64_t)INT64_MAX : number % 12;
}

static void operate(sbs_sqlite_queue *queue, const sbs_queue *port, fuzz_input *input) {
    const uint64_t id = draw_id(input);
    switch (fuzz_below(input, 14)) {
    case 1:
        add(queue, input);
        break;
    case 2:
        settle(port, input, id);
        break;
    case 3:
        (void)sbs_sqlite_queue_retry(queue, id);
        break;
    case 4:
        (void)sbs_sqlite_queue_remove(queue, id);
        break;
    case 5:
        (void)sbs_sqlite_queue_remove_dead(queue, id);
        break;
    case 6:
        (void)sbs_sqlite_queue_note_http(queue, id, fuzz_short(input));
        break;
    case 7:
        (void)sbs_sqlite_queue_note_trouble(queue, id, 503, "waits", fuzz_chance(input, 2) ? "busy" : NULL);
        break;
    case 8:
        (void)sbs_sqlite_queue_begin(queue);
        break;
    case 9:
        (void)sbs_sqlite_queue_commit(queue);
        break;
    case 10:
        sbs_sqlite_queue_undo(queue);
        break;
    case 11:
        (void)port->ops->note_failures(port->ctx, id, fuzz_byte(input), 1700000000);
        break;
    case 12:
        look(queue, port);
        break;
    default:
        look_up(queue);
        break;
    }
}

/* The right to push, on whatever stands beside the file. */
static void take_turn(void) {
    char path[256];
    sbs_sqlite_pusher pusher = {{0}};
    uint64_t idle_ms = 0;
    put_path(path, sizeof path, QUEUE_NAME);
    if (sbs_sqlite_queue_lock_pusher(&pusher, path, &idle_ms) == SBS_OK) {
        sbs_sqlite_queue_touch_pusher(&pusher);
    }
    sbs_sqlite_queue_unlock_pusher(&pusher);
}

/* What it accepts it keeps: read back, and after it was closed and opened. */
static bool append(const sbs_queue *port, uint64_t *out_id) {
    const sbs_queue_meta meta = {.utc_s = 1700000001, .lane = 3};
    uint8_t bytes[8];
    size_t len = 0;
    if (port->ops->append(port->ctx, &meta, "accepted", 8, out_id) != SBS_OK) {
        return false;
    }
    FUZZ_REQUIRE(*out_id > 0 && *out_id <= (uint64_t)INT64_MAX);
    FUZZ_REQUIRE(port->ops->read(port->ctx, *out_id, 0, bytes, sizeof bytes, &len) == SBS_OK);
    FUZZ_REQUIRE(len == 8 && memcmp(bytes, "accepted", 8) == 0);
    return true;
}

static void check_kept(uint64_t id) {
    static sbs_sqlite_queue queue;
    sbs_queue port;
    uint8_t bytes[8];
    size_t len = 0;
    const sbs_status status = open_queue(&queue, &port);
    fuzz_talk("again: %d %s\n", (int)status, sbs_sqlite_queue_error(&queue));
    FUZZ_REQUIRE(status == SBS_OK);
    FUZZ_REQUIRE(port.ops->read(port.ctx, id, 0, bytes, sizeof bytes, &len) == SBS_OK);
    FUZZ_REQUIRE(len == 8 && memcmp(bytes, "accepted", 8) == 0);
    sbs_sqlite_queue_close(&queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static sbs_sqlite_queue queue;
    sbs_queue port;
    fuzz_input input = {data, size};
    uint64_t id = 0;
    fuzz_crypto();
    fuzz_random_reset(1);
    if (template_len == 0) {
        make_template();
    }

    const unsigned options = fuzz_byte(&input);
    const unsigned steps = options >> 4;
    uint8_t script[48];
    fuzz_input later = {script, fuzz_bytes(&input, script, sizeof script)};
    make_file(&input);
    limits = (struct sbs_sqlite_limits){.items = options & 1 ? 5 : 0,
                                        .keep_s = options & 2 ? 1 : 0,
                                        .drops = (options & 4) != 0,
                                        .only_looks = (options & 10) == 10,
                                        .knows_no_time = (options & 8) != 0};
    const sbs_status status = open_queue(&queue, &port);
    fuzz_talk("open: %d %s\n", (int)status, sbs_sqlite_queue_error(&queue));
    FUZZ_REQUIRE(status != SBS_ERR_ARGUMENT && status != SBS_ERR_MEMORY && status != SBS_ERR_CANCELLED);
    bool appended = false;
    if (status == SBS_OK) {
        look(&queue, &port);
        for (unsigned i = 0; i < steps && later.len > 0; i++) {
            operate(&queue, &port, &later);
        }
        (void)sbs_sqlite_queue_commit(&queue);
        appended = append(&port, &id);
        look(&queue, &port);
    }
    sbs_sqlite_queue_close(&queue);
    take_turn();
    if (appended) {
        limits = (struct sbs_sqlite_limits){.items = 0};
        check_kept(id);
    }
    clear_folder();
    return 0;
}
