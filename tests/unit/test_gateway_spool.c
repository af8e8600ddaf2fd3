/* SPDX-License-Identifier: Apache-2.0 */
/* Files that devices put into a folder: taken once they are whole, gone once they are stored, never lost. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/gateway_spool.h"
#include "sqlite_gate.h"
#include "sqlite_rig.h"
#include "test.h"

#define UNDATED "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"t\"}}"

static sbs_gateway_spool spool;
static bool starved;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size) {
    return starved ? NULL : __real_calloc(count, size);
}

static const char *path_of(const char *name) {
    static char paths[2][1024];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    (void)snprintf(path, sizeof paths[0], "%s/spool/%s", rig.folder, name);
    return path;
}

static int set_up(void **state) {
    int code = gate_set_up(state);
    gate.config.devices[2].folder = strdup(path_of(""));
    assert_int_equal(sbs_gateway_spool_open(&spool, &gate.intake), SBS_OK);
    return code;
}

static int tear_down(void **state) {
    sbs_gateway_spool_close(&spool);
    sbs_gateway_spool_close(&spool);
    return gate_tear_down(state);
}

static void put(const char *name, const char *text) {
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *name) {
    return access(path_of(name), F_OK) == 0;
}

static const char *content_of(const char *name) {
    static char text[4096];
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static size_t count_files(void) {
    size_t count = 0;
    DIR *folder = opendir(path_of(""));
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    assert_int_equal(closedir(folder), 0);
    return count - 2;
}

/* One turn of the loop; true if something was stored. */
static bool turn(void) {
    uint32_t wait_ms = 0;
    bool stored = sbs_gateway_spool_turn(&spool, gate.now, &wait_ms);
    assert_true(wait_ms <= 30000);
    if (stored) {
        gate_commit();
        sbs_gateway_spool_settle(&spool, true);
    }
    return stored;
}

/* As many turns as a loop makes in that time. */
static void run(unsigned seconds) {
    uint64_t end_ms = gate.now.mono_ms + 1000u * seconds;
    while (gate.now.mono_ms <= end_ms) {
        (void)turn();
        gate.now.mono_ms += 100;
    }
}

static void a_file_is_taken_when_it_was_still_for_two_seconds(void **state) {
    (void)state;
    put("a.json", gate_observation("1", ""));
    run(1);
    assert_int_equal(gate_waiting(), 0);
    put("a.json", gate_observation("1", "\"note\":[{\"text\":\"longer\"}]")); /* it is written still */
    run(1);
    assert_true(is_there("a.json"));
    run(3);
    assert_int_equal(gate_waiting(), 1);
    assert_int_equal(count_files(), 0);

    sbs_sqlite_entry entry;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 1, &entry), SBS_OK);
    assert_string_equal(entry.source, "files");
    assert_non_null(strstr(gate_stored(1), "clinic-12/files/"));
    assert_non_null(strstr(gate_stored(1), "longer"));
    assert_int_equal(gate.counts[2].accepted, 1);
}

static void a_name_under_way_is_left_alone(void **state) {
    (void)state;
    put("a.json.part", gate_observation("1", ""));
    put("a.tmp", gate_observation("2", ""));
    put(".a.json", gate_observation("3", ""));
    put("a.why", gate_observation("4", ""));
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    run(5);
    assert_int_equal(gate_waiting(), 0);
    assert_int_equal(count_files(), 5);
    assert_int_equal(rename(path_of("a.json.part"), path_of("a.json")), 0);
    run(4);
    assert_int_equal(gate_waiting(), 1);
    assert_false(is_there("a.json"));
}

/* The reason needs four characters more than a name may have: it stands beside as much of the name as fits. */
static void a_name_that_is_too_long_is_told_of(void **state) {
    char name[256];
    char why[256];
    (void)state;
    for (int len = 251; len <= 255; len++) {
        (void)snprintf(name, sizeof name, "%0*d", len, len);
        (void)snprintf(why, sizeof why, "%.251s.why", name);
        put(name, gate_observation("1", ""));
        run(4);
        assert_true(is_there(name));
        assert_string_equal(content_of(why), "the file's name is too long\n");
        assert_int_equal(gate.counts[2].refused, 1);
        run(4);
        assert_int_equal(gate.counts[2].refused, 1); /* once */
        assert_int_equal(unlink(path_of(name)), 0);
        assert_int_equal(unlink(path_of(why)), 0);
        gate.counts[2].refused = 0;
    }
    assert_int_equal(gate_waiting(), 0);
}

/* A folder that the gateway may read but not write to: nothing is taken, and the page says why. */
static void a_folder_that_cannot_be_written_to_is_told_of(void **state) {
    bool root = geteuid() == 0;
    (void)state;
    put("a.json", gate_observation("1", ""));
    assert_int_equal(chmod(path_of(""), 0555), 0);
    assert_int_equal(chmod(rig.folder, 0755), 0);
    if (root) {
        assert_int_equal(seteuid(65534), 0);
    }
    run(4);
    if (root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_string_equal(gate.counts[2].last_refusal, "its folder cannot be written to: Permission denied");
    assert_true(is_there("a.json"));

    assert_int_equal(chmod(path_of(""), 0755), 0);
    run(4);
    assert_int_equal(gate_waiting(), 1);
}

static void a_file_goes_only_once_it_is_durable(void **state) {
    uint32_t wait_ms = 0;
    (void)state;
    put("a.json", gate_observation("1", ""));
    (void)turn();
    gate.now.mono_ms += 2500;
    assert_true(sbs_gateway_spool_turn(&spool, gate.now, &wait_ms));
    assert_true(is_there(".sbs-a.json"));
    assert_false(is_there("a.json"));
    assert_false(sbs_gateway_spool_turn(&spool, gate.now, &wait_ms)); /* settle() comes first */

    /* The commit fails: it is taken again. */
    sbs_sqlite_queue_undo(&rig.queue);
    sbs_gateway_spool_settle(&spool, false);
    assert_int_equal(gate_waiting(), 0);
    assert_true(is_there(".sbs-a.json"));
    run(3);
    assert_int_equal(gate_waiting(), 1);
    assert_int_equal(count_files(), 0);
}

static void what_is_written_after_the_reading_is_read_too(void **state) {
    uint32_t wait_ms = 0;
    (void)state;
    put("a.ndjson", gate_observation("1", ""));
    FILE *late = fopen(path_of("a.ndjson"), "a");
    assert_non_null(late);
    (void)turn();
    gate.now.mono_ms += 2500;
    assert_true(sbs_gateway_spool_turn(&spool, gate.now, &wait_ms));
    assert_true(fprintf(late, "\n%s\n", gate_observation("2", "")) > 0);
    assert_int_equal(fclose(late), 0);
    gate_commit();
    sbs_gateway_spool_settle(&spool, true);
    assert_true(is_there("a.ndjson"));
    run(4);
    assert_int_equal(gate_waiting(), 2);
    assert_int_equal(count_files(), 0);
}

static void after_a_crash_a_file_is_a_repeat(void **state) {
    static const char undated[] = UNDATED "\n" UNDATED "\n";
    uint32_t wait_ms = 0;
    (void)state;
    put("b.ndjson", undated);
    put("a.json", gate_observation("1", ""));
    put("c.json", gate_observation("", ""));
    (void)turn();
    gate.now.mono_ms += 2500;
    assert_true(sbs_gateway_spool_turn(&spool, gate.now, &wait_ms));
    gate_commit();
    assert_int_equal(gate_waiting(), 4); /* two lines without a time are two measurements */

    /* Before they are removed, the power goes. */
    sbs_gateway_spool_close(&spool);
    assert_int_equal(count_files(), 3);
    assert_int_equal(sbs_gateway_spool_open(&spool, &gate.intake), SBS_OK);
    run(3);
    assert_int_equal(gate_waiting(), 4);
    assert_int_equal(count_files(), 0);
    assert_int_equal(gate.counts[2].repeated, 4);

    /* The same content in another file: one with a time is the same, one without is another. */
    put("d.json", gate_observation("", ""));
    put("e.json", UNDATED);
    run(4);
    assert_int_equal(gate_waiting(), 5);
}

static void a_refused_file_stays_with_its_reason(void **state) {
    (void)state;
    put("a.json", "{\"resourceType\":\"Observation\",\"code\":{\"text\":\"t\"}}");
    put("b.json", "{\"resourceType\":");
    put("c.json", "");
    put("d.json", "{\"resourceType\":\"Patient\"}");
    run(5);
    assert_int_equal(gate_waiting(), 0);
    assert_int_equal(count_files(), 8);
    assert_string_equal(content_of("a.json.why"), "Observation.status: status is missing: \"final\", say\n");
    assert_non_null(strstr(content_of("b.json.why"), "at byte 16"));
    assert_non_null(strstr(content_of("c.json.why"), "at byte 0"));
    assert_non_null(strstr(content_of("d.json.why"), "no others"));
    assert_int_equal(gate.counts[2].refused, 4); /* and not again each time */

    /* Mended, it goes, and its reason with it. */
    put("a.json", gate_observation("1", ""));
    run(5);
    assert_int_equal(gate_waiting(), 1);
    assert_false(is_there("a.json"));
    assert_false(is_there("a.json.why"));

    /* Without its reason it is looked at again. */
    assert_int_equal(unlink(path_of("b.json.why")), 0);
    run(5);
    assert_true(is_there("b.json.why"));
    assert_int_equal(gate.counts[2].refused, 5);
}

static void a_file_with_many_is_stored_wholly_or_not_at_all(void **state) {
    char text[8192];
    (void)state;
    (void)snprintf(text, sizeof text, "%s\r\n\n%s", gate_observation("1", ""), gate_observation("2", ""));
    put("good.ndjson", text);
    (void)snprintf(text, sizeof text, "%s\n{\"resourceType\":\"Observation\"}\n", gate_observation("3", ""));
    put("bad.ndjson", text);
    (void)snprintf(
        text, sizeof text,
        "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"POST\",\"url\":"
        "\"Observation\"},\"resource\":%s},{\"request\":{\"method\":\"POST\",\"url\":\"Observation\"},"
        "\"resource\":{}}]}",
        gate_observation("4", ""));
    put("bad.bundle", text);
    (void)snprintf(
        text, sizeof text,
        "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":%s},{\"resource\":%s}]}",
        gate_observation("5", ""), gate_observation("6", ""));
    put("good.bundle", text);
    run(5);
    assert_int_equal(gate_waiting(), 4);
    assert_false(is_there("good.ndjson"));
    assert_false(is_there("good.bundle"));
    assert_string_equal(content_of("bad.ndjson.why"),
                        "line 2: Observation.status: status is missing: \"final\", say\n");
    assert_non_null(strstr(content_of("bad.bundle.why"), "Bundle.entry[1].resource"));
    assert_true(is_there("bad.bundle"));
}

static void links_and_files_of_others_are_not_read(void **state) {
    (void)state;
    char outside[1024];
    (void)snprintf(outside, sizeof outside, "%s/outside.json", rig.folder);
    FILE *file = fopen(outside, "w");
    assert_non_null(file);
    assert_true(fputs(gate_observation("1", ""), file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(symlink(outside, path_of("link.json")), 0);
    assert_int_equal(mkfifo(path_of("pipe.json"), 0600), 0);
    assert_int_equal(symlink(outside, path_of(".sbs-old.json")), 0);
    if (geteuid() == 0) {
        put("others.json", gate_observation("2", ""));
        assert_int_equal(chown(path_of("others.json"), 12345, 12345), 0);
    }

    run(5);
    assert_int_equal(gate_waiting(), 0);
    assert_string_equal(content_of("link.json.why"), "not a regular file of the folder's owner\n");
    assert_true(is_there("pipe.json.why"));
    assert_true(is_there("old.json.why"));
    assert_int_equal(is_there("others.json.why"), geteuid() == 0);
    assert_int_equal(access(outside, F_OK), 0);
}

static void a_new_file_of_the_name_of_a_refused_one_is_not_lost(void **state) {
    (void)state;
    put(".sbs-a.json", "{\"resourceType\":\"Observation\"}"); /* taken before a crash */
    put("a.json", gate_observation("1", ""));
    run(6);
    assert_int_equal(gate_waiting(), 1);
    assert_true(is_there("a.json~1"));
    assert_true(is_there("a.json~1.why"));
    assert_int_equal(count_files(), 2);
}

static void while_nothing_can_be_stored_files_wait(void **state) {
    (void)state;
    gate.intake.full = true;
    put("a.json", gate_observation("1", ""));
    run(8);
    assert_true(is_there("a.json"));
    gate.intake.full = false;
    rig.config.items_max = 1;
    rig_reopen();
    put("b.json", gate_observation("2", ""));
    run(12);
    assert_int_equal(gate_waiting(), 1);
    assert_true(is_there("b.json"));
    assert_int_equal(count_files(), 1);
    assert_int_equal(rig_settle(1, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    run(12);
    assert_int_equal(gate_waiting(), 1);
    assert_int_equal(count_files(), 0);
    assert_int_equal(gate.counts[2].refused, 0);
}

static void without_memory_files_wait(void **state) {
    (void)state;
    sbs_gateway_spool_close(&spool);
    starved = true;
    sbs_status status = sbs_gateway_spool_open(&spool, &gate.intake);
    starved = false;
    assert_int_equal(status, SBS_ERR_MEMORY);
    assert_int_equal(sbs_gateway_spool_descriptor(&spool), -1);
    put("a.json", gate_observation("1", ""));
    run(4);
    assert_true(is_there("a.json"));

    /* None for a look at the folder: the next one is half a minute later. */
    sbs_gateway_spool_close(&spool);
    assert_int_equal(sbs_gateway_spool_open(&spool, &gate.intake), SBS_OK);
    starved = true;
    bool stored = turn();
    starved = false;
    assert_false(stored);
    run(35);
    assert_int_equal(gate_waiting(), 1);
    assert_int_equal(count_files(), 0);
}

static void too_large_a_file_is_refused_unread(void **state) {
    (void)state;
    put("a.json", "");
    assert_int_equal(truncate(path_of("a.json"), 1 << 30), 0);
    run(5);
    assert_string_equal(content_of("a.json.why"), "a file has at most 1 MiB\n");
}

static void ten_thousand_files_are_taken(void **state) {
    char name[32];
    char identifier[16];
    (void)state;
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof name, "%d.json", i);
        (void)snprintf(identifier, sizeof identifier, "%d", i);
        put(name, gate_observation(identifier, ""));
    }

    unsigned turns = 0;
    while (count_files() > 0 && turns < 2000) {
        unsigned before = gate_waiting();
        (void)turn();
        assert_true(gate_waiting() - before <= SBS_GATEWAY_SPOOL_FILES_MAX);
        gate.now.mono_ms += 100;
        turns++;
    }
    assert_int_equal(gate_waiting(), 10000);
}

static void a_change_makes_the_descriptor_readable(void **state) {
    uint32_t wait_ms = 0;
    (void)state;
    assert_true(sbs_gateway_spool_descriptor(&spool) >= 0);
    assert_false(sbs_gateway_spool_turn(&spool, gate.now, &wait_ms));
    assert_int_equal(wait_ms, 30000); /* nothing to do */
    put("a.json", gate_observation("1", ""));
    gate.now.mono_ms += 5000;
    assert_false(sbs_gateway_spool_turn(&spool, gate.now, &wait_ms));
    assert_true(wait_ms <= 1000);
    run(4);
    assert_int_equal(gate_waiting(), 1);

    /* A folder that goes and comes back. */
    assert_int_equal(rmdir(path_of("")), 0);
    run(31);
    assert_non_null(strstr(gate.counts[2].last_refusal, "its folder cannot be read"));
    assert_int_equal(mkdir(path_of(""), 0700), 0);
    put("b.json", gate_observation("2", ""));
    run(40);
    assert_int_equal(gate_waiting(), 2);
}

int main(void) {
#define SPOOL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(a_file_is_taken_when_it_was_still_for_two_seconds),
        SPOOL_TEST(a_name_under_way_is_left_alone),
        SPOOL_TEST(a_name_that_is_too_long_is_told_of),
        SPOOL_TEST(a_folder_that_cannot_be_written_to_is_told_of),
        SPOOL_TEST(a_file_goes_only_once_it_is_durable),
        SPOOL_TEST(what_is_written_after_the_reading_is_read_too),
        SPOOL_TEST(after_a_crash_a_file_is_a_repeat),
        SPOOL_TEST(a_refused_file_stays_with_its_reason),
        SPOOL_TEST(a_file_with_many_is_stored_wholly_or_not_at_all),
        SPOOL_TEST(links_and_files_of_others_are_not_read),
        SPOOL_TEST(a_new_file_of_the_name_of_a_refused_one_is_not_lost),
        SPOOL_TEST(while_nothing_can_be_stored_files_wait),
        SPOOL_TEST(without_memory_files_wait),
        SPOOL_TEST(too_large_a_file_is_refused_unread),
        SPOOL_TEST(ten_thousand_files_are_taken),
        SPOOL_TEST(a_change_makes_the_descriptor_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
