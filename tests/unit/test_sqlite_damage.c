/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on SQLite when the disk returns something else than what was written, and when its process is killed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sqlite_rig.h"
#include "test.h"
#include "test_folder.h"

#define PAGE 2048u
#define ITEMS 60u
#define DEAD 6u /* of these */

static bool is_long(void) {
    const char *length = getenv("SBS_LONG");
    return length != NULL && strcmp(length, "1") == 0;
}

/* ---- one item -------------------------------------------------------------------------------------------------- */

static void a_damaged_item_is_reported_once_and_kept(void **state) {
    (void)state;
    sbs_queue_item item;
    sbs_sqlite_dead dead;
    char bytes[8];
    size_t len;
    uint64_t a = rig_append("a");
    uint64_t b = rig_append("b");
    uint64_t c = rig_append("c");
    rig_tamper("UPDATE sbs_body SET data = x'78' WHERE id = 1; DELETE FROM sbs_body WHERE id = 2;");
    assert_int_equal(rig.port.ops->read(rig.port.ctx, a, 0, bytes, sizeof bytes, &len), SBS_ERR_DAMAGED);
    assert_int_equal(rig_next(0, &item), SBS_ERR_DAMAGED);
    assert_int_equal(item.id, a);
    assert_int_equal(rig_next(0, &item), SBS_ERR_DAMAGED);
    assert_int_equal(item.id, b);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, c);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_int_equal(dead.item.id, a);
    assert_string_equal(dead.reason, "damaged");
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, a), SBS_ERR_DAMAGED);
    assert_true(rig_counters().dead == 2 && rig_counters().waiting == 1);
}

static void every_column_is_covered_by_the_checksum(void **state) {
    (void)state;
    static const char *const changes[] = {
        "uptime_ms = 2",           "utc_s = 5", "boot_id = 9", "lane = 1", "zone_minutes = 0", "format = 0",
        "checksum = checksum + 1", "len = 2"};
    sbs_queue_item item;
    char sql[128];
    for (size_t i = 0; i < SBS_COUNT_OF(changes); i++) {
        uint64_t id = rig_append("a");
        (void)snprintf(sql, sizeof sql, "UPDATE sbs_item SET %s WHERE state = 0", changes[i]);
        rig_tamper(sql);
        assert_int_equal(rig_next(0, &item), SBS_ERR_DAMAGED);
        assert_int_equal(item.id, id);
    }
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

/* What item @p n holds. */
static void text_of(uint64_t n, char out[1200]) {
    size_t len = (size_t)(n % 9) * 130 + 20;
    (void)snprintf(out, 1200, "item %05u ", (unsigned)n);
    memset(out + 11, 'a' + (int)(n % 26), len);
    out[11 + len] = '\0';
}

static void fill(void) {
    char text[1200];
    for (uint64_t n = 1; n <= ITEMS; n++) {
        text_of(n, text);
        assert_int_equal(rig_append(text), n);
    }
    for (uint64_t n = 1; n <= ITEMS; n += 10) {
        assert_int_equal(rig_settle(n, SBS_QUEUE_DEAD, "x"), SBS_OK);
    }
    sbs_sqlite_queue_close(&rig.queue);
}

/* Items to send or dead that are there; each must be what it was. */
static unsigned count_whole(void) {
    sbs_queue_item item = {0};
    sbs_sqlite_dead dead;
    char text[1200], found[1200];
    size_t len;
    unsigned count = 0;
    sbs_status status;
    while ((status = rig_next(item.id, &item)) != SBS_ERR_NOT_FOUND) {
        if (status == SBS_ERR_STORAGE) {
            item.id = 0; /* the file was replaced: from the start */
            count = 0;
            continue;
        }
        if (status == SBS_OK && item.id <= ITEMS) {
            text_of(item.id, text);
            assert_int_equal(rig.port.ops->read(rig.port.ctx, item.id, 0, found, sizeof found, &len), SBS_OK);
            assert_int_equal(len, strlen(text));
            assert_memory_equal(found, text, len);
            count++;
        }
    }
    memset(&dead, 0, sizeof dead);
    while ((status = sbs_sqlite_queue_dead(&rig.queue, dead.item.id, &dead)) == SBS_OK) {
        count++;
    }
    return count;
}

static void write_at(long at, const void *bytes, size_t len) {
    FILE *file = fopen(rig.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void copy_to(const char *suffix, const char *bytes, size_t len) {
    char name[300];
    (void)snprintf(name, sizeof name, "%s%s", rig.path, suffix);
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void assert_same_file(const char *name, const char *bytes, size_t len) {
    size_t found_len;
    char *found = test_folder_load(rig.folder, strrchr(name, '/') + 1, &found_len);
    assert_int_equal(found_len, len);
    assert_memory_equal(found, bytes, len);
    free(found);
}

/* Zeros in the place of the file's first @p len bytes; 0: of all. The old file is kept, and a new one takes over what
 * is told. */
static void assert_without_head(size_t len, uint64_t kept_items, unsigned waiting) {
    uint64_t kept = 99;
    fill();
    size_t size;
    char *bytes = test_folder_load(rig.folder, "queue.db", &size);
    memset(bytes, 0, len == 0 ? size : len);
    rig_write(bytes, size);
    rig_reopen();
    const char *aside = sbs_sqlite_queue_set_aside(&rig.queue, &kept);
    assert_non_null(aside);
    assert_non_null(strstr(aside, "queue.db.damaged-"));
    assert_int_equal(aside[strlen(aside) - 1], 'Z'); /* the first of a second has no number */
    assert_int_equal(kept, kept_items);
    assert_same_file(aside, bytes, size);
    free(bytes);
    struct stat file;
    assert_int_equal(stat(rig.path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_true(rig_append("new") > ITEMS);
    rig_reopen();
    assert_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(rig_counters().waiting, waiting + 1);
}

static void a_file_of_zeros_is_set_aside(void **state) {
    (void)state;
    assert_without_head(0, 0, 0);
}

static void a_file_without_its_head_is_set_aside_and_read(void **state) {
    (void)state;
    assert_without_head(PAGE, ITEMS, ITEMS - DEAD);
    assert_int_equal(count_whole(), ITEMS);
}

static void so_is_one_with_smaller_pages(void **state) {
    (void)state;
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(unlink(rig.path), 0);
    rig.config.page_bytes = PAGE / 2;
    rig_reopen();
    fill();
    rig.config.page_bytes = 0; /* as a program has it that did not make the file */
    sbs_sqlite_queue_close(&rig.queue);
    write_at(0, (const char[PAGE / 2]){0}, PAGE / 2);
    rig_reopen();

    uint64_t kept = 0;
    assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(kept, ITEMS);
    assert_int_equal(count_whole(), ITEMS);
    assert_true(rig_append("new") > ITEMS);
}

/* What the log had, and the file has not, cannot be read then: ids may have been given that nobody knows. */
static void a_file_without_its_head_has_other_ids_if_it_had_a_log(void **state) {
    (void)state;
    char page[PAGE];
    uint64_t kept;
    fill();
    memset(page, 0, sizeof page);
    write_at(0, page, sizeof page);
    memset(page, 'r', sizeof page);
    copy_to("-wal", page, sizeof page);
    rig_reopen();
    assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(kept, ITEMS);
    assert_true(sbs_sqlite_queue_lost(&rig.queue) == UINT64_MAX);
    assert_true(rig_append("new") > UINT32_MAX);
}

/* Every page in turn is overwritten: what is elsewhere is kept, ids go on, and the old file is there. */
static void what_can_be_read_is_taken_over(void **state) {
    (void)state;
    char page[PAGE];
    size_t len;
    unsigned replaced = 0;
    unsigned salvaged = 0;
    memset(page, 0xA5, sizeof page);
    fill();
    char *bytes = test_folder_load(rig.folder, "queue.db", &len);
    size_t pages = len / PAGE;
    assert_true(pages > 15);
    for (size_t i = 1; i < pages; i++) {
        uint64_t kept = 0;
        write_at(0, bytes, len);
        write_at((long)(i * PAGE), page, sizeof page);
        assert_int_equal(rig_open_again(), SBS_OK);
        unsigned whole = count_whole();
        uint64_t id = 0;
        while (rig_try_append("next", &id) == SBS_ERR_STORAGE) {
            whole = count_whole();
        }
        assert_true(id > ITEMS);
        if (sbs_sqlite_queue_set_aside(&rig.queue, &kept) != NULL) {
            replaced++;
            salvaged += whole > ITEMS / 2;
        }
        assert_true(whole <= ITEMS);
        sbs_sqlite_queue_close(&rig.queue);
    }
    free(bytes);
    printf("pages damaged %u, files replaced %u, most items kept %u times\n", (unsigned)pages - 1, replaced, salvaged);
    assert_true(replaced > 5 && salvaged * 2 > replaced);
}

/* Cut short, as a power cut leaves a file whose size was not written: as much is kept as with zeros in the place of
 * what is gone, and the file that was set aside stays as short as it was. */
static void what_a_file_cut_short_still_holds_is_taken_over(void **state) {
    (void)state;
    size_t len;
    fill();
    char *bytes = test_folder_load(rig.folder, "queue.db", &len);
    unsigned most = 0;
    for (size_t cut = PAGE; cut + PAGE <= len; cut += 3 * PAGE / 2) {
        unsigned whole[2];
        for (int padded = 0; padded < 2; padded++) {
            rig_write(bytes, cut);
            assert_int_equal(truncate(rig.path, (off_t)(padded != 0 ? len : cut)), 0);
            assert_int_equal(rig_open_again(), SBS_OK);
            whole[padded] = count_whole();
        }
        assert_true(whole[0] >= whole[1]);
        most = whole[0] > most ? whole[0] : most;
        sbs_sqlite_queue_close(&rig.queue);

        uint64_t kept;
        struct stat file;
        rig_write(bytes, cut);
        rig_reopen();
        assert_int_equal(stat(sbs_sqlite_queue_set_aside(&rig.queue, &kept), &file), 0);
        assert_int_equal(file.st_size, cut);
    }
    free(bytes);
    printf("most items of %u kept of a file cut short: %u\n", ITEMS, most);
    assert_true(most > ITEMS / 2);
}

/* The same of a queue that version 1 made. */
static void what_version_1_left_is_taken_over_too(void **state) {
    (void)state;
    char page[PAGE];
    size_t len;
    unsigned replaced = 0;
    char *bytes = rig_version_1(&len);
    memset(page, 0xA5, sizeof page);
    for (size_t i = 1; i < len / PAGE; i++) {
        uint64_t kept = 0;
        uint64_t id = 0;
        sbs_queue_item item = {0};
        sbs_sqlite_queue_close(&rig.queue);
        rig_write(bytes, len);
        write_at((long)(i * PAGE), page, sizeof page);
        rig_reopen();
        sbs_status status;
        while ((status = rig_next(item.id, &item)) != SBS_ERR_NOT_FOUND) {
            item.id = status == SBS_ERR_STORAGE ? 0 : item.id; /* replaced: from the start */
        }
        while (rig_try_append("next", &id) == SBS_ERR_STORAGE) {
        }
        assert_true(id > 7);
        replaced += sbs_sqlite_queue_set_aside(&rig.queue, &kept) != NULL;
        assert_true(kept <= 6);
    }
    assert_true(replaced >= 3);
    free(bytes);
}

/* Its tables stand at other places than those of version 2, so that a first page of version 2 would not do. */
static void so_is_what_a_file_of_version_1_still_holds_that_was_cut_short(void **state) {
    (void)state;
    size_t len;
    unsigned whole = 0;
    char *bytes = rig_version_1(&len);
    for (size_t cut = PAGE; cut < len; cut += PAGE) {
        uint64_t kept = 0;
        uint64_t id = 0;
        sbs_sqlite_queue_close(&rig.queue);
        rig_write(bytes, cut);
        rig_reopen();
        while (rig_try_append("next", &id) == SBS_ERR_STORAGE) {
        }
        assert_true(id > 7);
        if (sbs_sqlite_queue_set_aside(&rig.queue, &kept) != NULL && kept == 5) {
            assert_int_equal(id, 8); /* its counters were read, too */
            assert_true(sbs_sqlite_queue_lost(&rig.queue) == 0);
            whole++;
        }
    }
    free(bytes);
    assert_true(whole > 5);
}

/* What identifies items is taken over with them: of those that were delivered, and of those that are there. */
static void what_was_added_is_known_after_a_replacement(void **state) {
    (void)state;
    uint64_t ids[4];
    uint64_t kept;
    for (uint8_t i = 0; i < 4; i++) {
        assert_int_equal(rig_add("text", i, 1, &ids[i]), SBS_SQLITE_NEW);
    }
    assert_int_equal(rig_settle(ids[0], SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(rig_settle(ids[1], SBS_QUEUE_DEAD, "refused"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_note_http(&rig.queue, ids[1], 422), SBS_OK);
    sbs_sqlite_queue_close(&rig.queue);
    rig_tamper("UPDATE sbs_body SET data = x'78' WHERE id = 3; UPDATE sbs_queue SET waiting = -5");
    rig_reopen();
    assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(kept, 2);
    assert_true(sbs_sqlite_queue_lost(&rig.queue) == UINT64_MAX); /* the counters cannot be read */

    sbs_sqlite_entry found;
    sbs_sqlite_stats stats;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, ids[1], &found), SBS_OK);
    assert_true(found.dead && found.http_status == 422 && found.arrived_s == RIG_NOW && found.identity[0] == 1);
    assert_string_equal(found.source, "scale-1");
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.seen == 3 && stats.letters == 1 && stats.counters.waiting == 1);
    assert_int_equal(rig_add("text", 0, 1, &ids[0]), SBS_SQLITE_DELIVERED);
    assert_int_equal(rig_add("text", 1, 1, &ids[0]), SBS_SQLITE_IS_DEAD);
    assert_int_equal(rig_add("text", 3, 1, &ids[0]), SBS_SQLITE_WAITS);
    assert_int_equal(rig_add("text", 2, 1, &ids[0]), SBS_SQLITE_NEW); /* it was damaged */
}

static void impossible_counters_are_damage(void **state) {
    (void)state;
    static const char *const changes[] = {"waiting = -1",
                                          "bytes = -9223372036854775808",
                                          "bytes = 9223372036854775807",
                                          "last_id = -1",
                                          "last_id = 'x'",
                                          "accepted = 1e300",
                                          "letters = -2",
                                          "seen = x'00'",
                                          "last_id = 1"};
    char sql[128];
    for (size_t i = 0; i < SBS_COUNT_OF(changes); i++) {
        uint64_t kept = 0;
        uint64_t id = 0;
        sbs_sqlite_queue_close(&rig.queue);
        rig_write("", 0);
        rig_reopen();
        for (int n = 0; n < 3; n++) {
            rig_append("a");
        }
        (void)snprintf(sql, sizeof sql, "UPDATE sbs_queue SET %s", changes[i]);
        rig_tamper(sql);
        rig_reopen();
        if (rig_try_append("b", &id) != SBS_OK) { /* the last one is noticed here */
            assert_int_equal(rig_try_append("b", &id), SBS_OK);
        }
        assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
        assert_int_equal(kept, 3);
        assert_true(id > 3);
        assert_int_equal(rig_counters().waiting, 4);
    }
}

/* Ids at the end of what they can be, one of them far from the others, and the row that tells the last one gone. */
static void ids_at_their_end_are_taken_over(void **state) {
    (void)state;
    static const char *const ids[] = {"9223372036854775807", "9223372036854775806", "4611686018427387904"};
    char sql[512];
    for (size_t i = 0; i < 3; i++) {
        uint64_t kept = 0;
        uint64_t id = 0;
        sbs_sqlite_queue_close(&rig.queue);
        rig_write("", 0);
        rig_reopen();
        rig_append("a");
        (void)snprintf(sql, sizeof sql, "UPDATE sbs_queue SET last_id = %s - 1", ids[i]);
        rig_tamper(sql);
        uint64_t last = rig_append("b");
        assert_true(last == strtoull(ids[i], NULL, 10));
        sbs_sqlite_queue_close(&rig.queue);
        rig_tamper("DELETE FROM sbs_queue");
        rig_reopen();
        assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
        assert_int_equal(kept, 2);
        rig_assert_reads(last, "b");
        sbs_status status = rig_try_append("c", &id);
        assert_int_equal(status, i == 0 ? SBS_ERR_BUFFER : SBS_OK);
        assert_true(status != SBS_OK || id > last);
    }
}

/* As a power cut between the last two steps leaves it. */
static void an_interrupted_replacement_is_finished(void **state) {
    (void)state;
    size_t len;
    char rubbish[PAGE];
    sbs_queue_item item;
    rig_append("salvaged");
    sbs_sqlite_queue_close(&rig.queue);
    char *bytes = test_folder_load(rig.folder, "queue.db", &len);
    memset(rubbish, 'r', sizeof rubbish);
    copy_to(".ready", bytes, len);
    copy_to("", rubbish, sizeof rubbish);
    copy_to("-wal", rubbish, sizeof rubbish);
    free(bytes);
    rig_reopen();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    rig_assert_reads(item.id, "salvaged");
    char name[300];
    (void)snprintf(name, sizeof name, "%s.ready", rig.path);
    assert_int_not_equal(access(name, F_OK), 0);
}

/* Another process that has the damaged file open does not write into it any more. */
static void who_had_it_open_notices(void **state) {
    (void)state;
    char page[PAGE];
    uint64_t id;
    sbs_sqlite_queue other;
    sbs_queue other_port;
    fill();
    assert_int_equal(sbs_sqlite_queue_open(&other, &rig.config, &other_port), SBS_OK);
    memset(page, 0, sizeof page);
    write_at(0, page, sizeof page);
    rig_reopen();
    assert_int_not_equal(other_port.ops->append(other_port.ctx, &rig_meta, "x", 1, &id), SBS_OK);
    sbs_sqlite_queue_close(&other);
    rig_append("x");
    assert_int_equal(rig_counters().waiting, ITEMS - DEAD + 1);
    rig_reopen();
    assert_int_equal(rig_counters().waiting, ITEMS - DEAD + 1);
}

/* ---- a file that was emptied ------------------------------------------------------------------------------------- */

static void empty_the_file(void) {
    assert_int_equal(truncate(rig.path, 0), 0);
}

/* An empty file takes the name, and the queue in its place gives other ids than the one before. */
static void assert_told_as_emptied(uint64_t last_id) {
    uint64_t kept = 99;
    struct stat file;
    const char *aside = sbs_sqlite_queue_set_aside(&rig.queue, &kept);
    assert_non_null(aside);
    assert_non_null(strstr(aside, "queue.db.damaged-"));
    assert_int_equal(kept, 0);
    assert_true(sbs_sqlite_queue_lost(&rig.queue) == UINT64_MAX);
    assert_int_equal(stat(aside, &file), 0);
    assert_int_equal(file.st_size, 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_true(rig_append("new") > last_id + ITEMS);
    rig_reopen();
    assert_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(rig_counters().waiting, 1);
}

static void an_empty_file_is_a_new_queue(void **state) {
    (void)state;
    uint64_t kept;
    rig_append("gone with the file");
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(unlink(rig.path), 0);
    copy_to("", "", 0);
    copy_to(".lock", "", 0); /* who pushes locks it before the queue is opened for the first time */
    rig_reopen();
    assert_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(rig_append("first"), 1);
}

static void an_empty_file_beside_its_log_is_told_and_the_log_is_kept(void **state) {
    (void)state;
    size_t len;
    uint64_t id = rig_append("in the log only");
    char *log = test_folder_load(rig.folder, "queue.db-wal", &len);
    assert_true(len > PAGE);
    sbs_sqlite_queue_close(&rig.queue);
    empty_the_file();
    copy_to("-wal", log, len); /* as a process that was killed leaves it */
    rig_reopen();

    char name[400];
    uint64_t kept;
    const char *aside = sbs_sqlite_queue_set_aside(&rig.queue, &kept);
    assert_non_null(aside);
    (void)snprintf(name, sizeof name, "%s-wal", aside);
    assert_same_file(name, log, len);
    free(log);
    assert_told_as_emptied(id);
}

static void an_empty_file_that_was_pushed_is_told(void **state) {
    (void)state;
    sbs_sqlite_pusher pusher = {0};
    uint64_t id = rig_append("lost");
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, rig.path, NULL), SBS_OK);
    sbs_sqlite_queue_touch_pusher(&pusher);
    sbs_sqlite_queue_unlock_pusher(&pusher);
    sbs_sqlite_queue_close(&rig.queue);
    empty_the_file();
    rig_reopen();
    assert_told_as_emptied(id);
}

/* ---- a process that is killed ---------------------------------------------------------------------------------- */

typedef struct report {
    uint64_t id;
    int what; /* 1: appended, 2: about to be settled, 3: settled */
} report;

static void tell(int out, uint64_t id, int what) {
    const report line = {id, what};
    if (write(out, &line, sizeof line) != (ssize_t)sizeof line) {
        _exit(1);
    }
}

/* Appends, marks and settles until it is killed, and says so. */
static void work_until_killed(int out) {
    sbs_sqlite_queue other;
    sbs_queue port;
    sbs_queue_item item;
    uint64_t id;
    if (sbs_sqlite_queue_open(&other, &rig.config, &port) != SBS_OK) {
        _exit(1);
    }
    for (unsigned i = 0; i < 100000; i++) {
        if (port.ops->append(port.ctx, &rig_meta, "kill me", 7, &id) != SBS_OK) {
            _exit(1);
        }
        tell(out, id, 1);
        if (i % 3 == 2 && port.ops->next(port.ctx, 0, &item) == SBS_OK) {
            tell(out, item.id, 2);
            if (port.ops->mark_attempt(port.ctx, item.id) != SBS_OK ||
                port.ops->settle(port.ctx, item.id, SBS_QUEUE_DELIVERED, NULL, NULL) != SBS_OK) {
                _exit(1);
            }
            tell(out, item.id, 3);
        }
    }
    _exit(0);
}

#define IDS_MAX 100000u
static uint8_t promised[IDS_MAX]; /* the last report of each id */

/* Kills the child a moment after it has said @p reports things. */
static void kill_one(unsigned reports, long pause_us) {
    int ends[2];
    report line;
    int result;
    const struct timespec pause = {0, pause_us * 1000};
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        work_until_killed(ends[1]);
    }
    assert_true(child > 0);
    assert_int_equal(close(ends[1]), 0);
    for (unsigned i = 0; read(ends[0], &line, sizeof line) == (ssize_t)sizeof line; i++) {
        assert_true(line.id < IDS_MAX);
        promised[line.id] = (uint8_t)line.what;
        if (i == reports) {
            (void)nanosleep(&pause, NULL);
            assert_int_equal(kill(child, SIGKILL), 0);
        }
    }
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
}

static void a_killed_process_loses_nothing(void **state) {
    (void)state;
    static uint8_t there[IDS_MAX];
    unsigned kills = is_long() ? 300 : 25;
    unsigned lost = 0;
    unsigned twice = 0;
    unsigned accepted = 0;
    memset(promised, 0, sizeof promised);
    for (unsigned i = 0; i < kills; i++) {
        sbs_queue_item item = {0};
        sbs_sqlite_queue_close(&rig.queue);
        kill_one(i * 5u % 23u, (long)(i * 7919u % 5000u));
        rig_reopen();
        memset(there, 0, sizeof there);
        while (rig_next(item.id, &item) == SBS_OK) {
            there[item.id] = 1;
        }
        for (unsigned id = 1; id < IDS_MAX; id++) {
            lost += promised[id] == 1 && !there[id];
            twice += promised[id] == 3 && there[id];
        }
    }
    for (unsigned id = 1; id < IDS_MAX; id++) {
        accepted += promised[id] != 0;
    }
    printf("processes killed %u, items accepted %u, lost %u, twice %u\n", kills, accepted, lost, twice);
    assert_int_equal(lost, 0);
    assert_int_equal(twice, 0);
    assert_true(accepted > kills);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_damaged_item_is_reported_once_and_kept),
        TEST(every_column_is_covered_by_the_checksum),
        TEST(a_file_of_zeros_is_set_aside),
        TEST(a_file_without_its_head_is_set_aside_and_read),
        TEST(so_is_one_with_smaller_pages),
        TEST(a_file_without_its_head_has_other_ids_if_it_had_a_log),
        TEST(what_can_be_read_is_taken_over),
        TEST(what_a_file_cut_short_still_holds_is_taken_over),
        TEST(what_version_1_left_is_taken_over_too),
        TEST(so_is_what_a_file_of_version_1_still_holds_that_was_cut_short),
        TEST(what_was_added_is_known_after_a_replacement),
        TEST(impossible_counters_are_damage),
        TEST(ids_at_their_end_are_taken_over),
        TEST(an_interrupted_replacement_is_finished),
        TEST(who_had_it_open_notices),
        TEST(an_empty_file_is_a_new_queue),
        TEST(an_empty_file_that_was_pushed_is_told),
        TEST(an_empty_file_beside_its_log_is_told_and_the_log_is_kept),
        TEST(a_killed_process_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
