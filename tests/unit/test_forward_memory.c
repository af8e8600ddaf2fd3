/* SPDX-License-Identifier: Apache-2.0 */
/* What was learnt of a server: how old it may be, by which clock, and for whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assertions.h"
#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/crc32.h"
#include "sbs/forward_memory.h"
#include "sbs/linux_file.h"
#include "test.h"
#include "test_folder.h"
#include "wipe_record.h"

#define UTC 1700000000
#define DAY_MS 86400000ull
#define URL "https://auth.example/token"

static sbs_tls_trust trust;
static sbs_forward_server_config config;
static sbs_forward_server server;
static sbs_forward_memory memory;
static char queue[256], facts[300], token[300];
static char *folder;
static sbs_now saved;

static void open_server(void) {
    sbs_forward_part part;
    assert_int_equal(sbs_forward_server_open(&server, &config, &part), SBS_OK);
}

static void close_all(void) {
    sbs_forward_memory_close(&memory);
    sbs_forward_server_close(&server);
}

/* A run that learns everything and gets a token for 300 s. */
static void learn(void) {
    sbs_forward_statement statement = {.release = "4.0.1", .major = 4, .system = {.batch = true}};
    const sbs_capability can = {.create = true, .update_create = true, .batch = true};
    const sbs_forward_batch_facts batches = {.taken = SBS_FORWARD_BATCHES_TAKEN, .size = 64, .limit = 100};
    const sbs_client_memory known = {
        .token_url = TEXT(URL),
        .access_token = TEXT("abc.def"),
        .scope = TEXT("system/Observation.cu"),
        .lifetime_s = 300,
        .expires_in_s = 300,
    };
    (void)unlink(facts);
    (void)unlink(token);
    saved = (sbs_now){.mono_ms = 10 * DAY_MS, .utc_s = UTC};
    open_server();
    assert_int_equal(sbs_forward_memory_open(&memory, &server, queue, saved), SBS_OK);
    assert_int_equal(sbs_client_recall(sbs_forward_server_client(&server), &known, saved), SBS_OK);
    sbs_forward_memory_watch(&memory, saved);
    assert_int_equal(sbs_forward_statement_add(&statement, TEXT("Observation"), &can), SBS_OK);
    sbs_forward_memory_note_statement(&memory, &statement, 0);
    sbs_forward_memory_note_batches(&memory, &batches);
    sbs_forward_memory_note_gzip(&memory, SBS_FORWARD_WORKS);
    sbs_forward_statement_free(&statement);
    close_all();
}

enum { TOKEN = 1, ENDPOINT = 2, STATEMENT = 4, TRIED = 8, ALL = 15 };

/* What a run at that time knows, and the file of a token that it does not use is gone. */
static unsigned known_at(sbs_now now) {
    const sbs_forward_statement *statement;
    uint16_t refused_with;
    sbs_token_view view;
    unsigned known = 0;
    open_server();
    assert_int_equal(sbs_forward_memory_open(&memory, &server, queue, now), SBS_OK);
    if (sbs_client_token(sbs_forward_server_client(&server), now, &view) == SBS_OK) {
        assert_true(sbs_text_equal(view.access_token, TEXT("abc.def")));
        assert_true(sbs_text_equal(view.scope, TEXT("system/Observation.cu")));
        known |= TOKEN;
    }
    assert_int_equal(access(token, F_OK) == 0, known & TOKEN);
    if (sbs_text_equal(sbs_client_token_url(sbs_forward_server_client(&server)), TEXT(URL))) {
        known |= ENDPOINT;
    }
    if (sbs_forward_memory_statement(&memory, &statement, &refused_with)) {
        sbs_forward_statement copy = {0};
        assert_int_equal(sbs_forward_statement_copy(&copy, statement), SBS_OK);
        sbs_capability can = sbs_forward_statement_of(&copy, "Observation");
        assert_true(can.create && can.update_create && can.batch && !can.update && !can.conditional_create);
        assert_string_equal(copy.release, "4.0.1");
        sbs_forward_statement_free(&copy);
        known |= STATEMENT;
    }
    if (sbs_forward_memory_gzip(&memory) == SBS_FORWARD_WORKS) {
        assert_int_equal(sbs_forward_memory_batches(&memory)->limit, 100);
        known |= TRIED;
    }
    close_all();
    return known;
}

static sbs_now later(int64_t mono_ms, int64_t utc_s) {
    return (sbs_now){.mono_ms = saved.mono_ms + (uint64_t)mono_ms, .utc_s = saved.utc_s + utc_s};
}

/* Changes a line of a file, and makes its checksum right again. */
static void set_line(const char *path, unsigned number, const char *text) {
    sbs_linux_blob blob;
    char out[8192];
    size_t len = 0;
    assert_int_equal(sbs_linux_file_read(path, sizeof out / 2, &blob), SBS_OK);
    char *end = strstr(blob.data, "end ");
    assert_non_null(end);
    *end = '\0';
    unsigned at = 0;
    for (char *line = strtok(blob.data, "\n"); line != NULL; line = strtok(NULL, "\n"), at++) {
        len += (size_t)snprintf(out + len, sizeof out - len, "%s\n", at == number ? text : line);
    }
    len += (size_t)snprintf(out + len, sizeof out - len, "end %08x\n", (unsigned)sbs_crc32(0, out, len));
    assert_int_equal(sbs_linux_file_write(path, out, len, SBS_LINUX_PRIVATE, true), SBS_OK);
    sbs_linux_blob_free(&blob);
}

static void each_fact_has_its_time(void **state) {
    (void)state;
    static const struct {
        int64_t mono_ms, utc_s;
        unsigned known;
    } cases[] = {
        {0, 0, ALL},
        {200000, 200, ALL},
        {271000, 271, ALL - TOKEN}, /* it would be renewed by now */
        {2 * (int64_t)DAY_MS, 2 * 86400, TRIED},
        {8 * (int64_t)DAY_MS, 8 * 86400, 0},
        {1000, 86400 * 2, TRIED},  /* the machine was stopped: the wall clock says more */
        {1000, -86400 * 400, ALL}, /* the wall clock was set back: the other one counts */
        {2 * (int64_t)DAY_MS, -86400, TRIED},
        {-1000, 0, 0}, /* the future */
        {-1000, 86400, 0},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        learn();
        assert_int_equal(known_at(later(cases[i].mono_ms, cases[i].utc_s)), cases[i].known);
    }
    learn();
    assert_int_equal(known_at((sbs_now){.mono_ms = saved.mono_ms + 1, .utc_s = SBS_UTC_UNKNOWN}), ALL);
}

/* In another boot nobody knows how long a token lives still; what was learnt counts by the wall clock. */
static void another_boot_has_no_token(void **state) {
    (void)state;
    static const struct {
        int64_t utc_s;
        unsigned known;
    } cases[] = {{10, ALL - TOKEN}, {86400 * 2, TRIED}, {86400 * 8, 0}, {-10, 0}};
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        learn();
        set_line(facts, 2, "another");
        set_line(token, 2, "another");
        assert_int_equal(known_at((sbs_now){.mono_ms = 5000, .utc_s = saved.utc_s + cases[i].utc_s}), cases[i].known);
    }
    learn();
    set_line(facts, 2, "another");
    assert_int_equal(known_at((sbs_now){.mono_ms = 5000, .utc_s = SBS_UTC_UNKNOWN}), 0);
}

static void a_line_that_says_something_else_is_not_believed(void **state) {
    (void)state;
    static const struct {
        unsigned line;
        const char *text;
    } cases[] = {
        {0, "sbs facts 2"},
        {3, "token-url - 1 http://auth.example/token"},
        {3, "token-url - 864000000 https://auth.example/tok en"},
        {3, "token-url - 864000000"},
        {3, "token-url x y z"},
        {3, "other 1 2 3"},
        {4, "statement 1700000000 864000000 cq 4 4.0.1"},
        {4, "statement 1700000000 864000000 c 4 4.0.1-with-many-words-behind-it-that-no-release-has"},
        {5, "type observation c"},
        {5, "type Observation"},
        {5, "type ../x c"},
        {6, "batches 1700000000 864000000 9 64 100"},
        {6, "batches 1700000000 864000000 1 999 100"},
        {7, "gzip 1700000000 864000000 7"},
        {3, "token-url 2305843009213693951 864000000 https://auth.example/token"}, /* more than time has */
        {4, "statement -2305843009213693951 864000000 c 4 4.0.1"},

    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        learn();
        set_line(facts, cases[i].line, cases[i].text);
        unsigned known = known_at(later(1000, 1));
        if ((known & ~(unsigned)TOKEN) != 0 && cases[i].line != 3) {
            fail_msg("believed: %s", cases[i].text);
        }
        assert_int_equal(known & ENDPOINT, 0);
    }
}

static void a_token_that_is_none_is_not_sent(void **state) {
    (void)state;
    static const char *const texts[] = {"with blank", "", "line\r", "\x80"};
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        learn();
        set_line(token, 5, texts[i]);
        assert_int_equal(known_at(later(1000, 1)) & TOKEN, 0);
    }
    learn();
    set_line(token, 3, "1700000000 864000000 4000000000");
    assert_int_equal(known_at(later(1000, 1)), ALL - TOKEN);
}

static void another_configuration_knows_nothing(void **state) {
    (void)state;
    const sbs_forward_server_config before = config;
    for (unsigned i = 0; i < 8; i++) {
        learn();
        config.fhir_base = i == 0 ? "https://fhir.example/r5/" : before.fhir_base;
        config.client_id = i == 1 ? "device-2" : before.client_id;
        config.scope = i == 2 ? "system/Observation.c" : before.scope;
        config.aud = i == 3 ? "https://auth.example" : before.aud;
        config.typ = i == 4 ? "jwt" : before.typ;
        config.any_scope = i == 5;
        config.profile = i == 6 ? SBS_PROFILE_SEED : before.profile;
        config.allow_http = i == 7;
        assert_int_equal(known_at(later(1000, 1)), 0);
        config = before;
    }
}

static void a_file_of_others_is_not_read(void **state) {
    (void)state;
    learn();
    assert_int_equal(chmod(facts, 0640), 0);
    assert_int_equal(known_at(later(1, 0)), TOKEN);
    learn();
    assert_int_equal(link(token, "other-name"), 0);
    assert_int_equal(known_at(later(1, 0)) & TOKEN, 0);
    assert_int_equal(unlink("other-name"), 0);
    if (geteuid() == 0) {
        learn();
        assert_int_equal(chown(facts, 1, 1), 0);
        assert_int_equal(known_at(later(1, 0)), TOKEN);
        learn();
        assert_int_equal(chown(token, 1, 1), 0);
        open_server(); /* what belongs to another is not deleted either */
        assert_int_equal(sbs_forward_memory_open(&memory, &server, queue, later(1, 0)), SBS_OK);
        assert_int_equal(access(token, F_OK), 0);
        close_all();
    }
}

/* The token is the client's then, and nobody else's. */
static void what_was_recalled_is_left_nowhere_else(void **state) {
    static const char secret[] = "abc.def";
    (void)state;
    learn();
    open_server();
    wipe_record_begin(secret, sizeof secret - 1);
    assert_int_equal(sbs_forward_memory_open(&memory, &server, queue, saved), SBS_OK);
    assert_int_equal(wipe_record_found_in(4096), 1); /* the piece that was read */
    assert_int_equal(wipe_record_found(), 2);        /* and the text made of it */
    wipe_record_begin(secret, sizeof secret - 1);
    close_all();
    assert_int_equal(wipe_record_found(), 1); /* the memory that the client worked in, before it is freed */
    wipe_record_begin(NULL, 0);
    assert_true(test_is_zero(&memory, sizeof memory));
    assert_true(test_is_zero(&server, sizeof server));
}

static int set_up(void **state) {
    folder = test_folder_make(NULL);
    assert_int_equal(chdir(folder), 0);
    (void)unsetenv("XDG_RUNTIME_DIR");
    (void)unsetenv("RUNTIME_DIRECTORY");
    (void)snprintf(queue, sizeof queue, "q.db");
    (void)snprintf(facts, sizeof facts, "%s.memory", queue);
    (void)snprintf(token, sizeof token, "%s.token", queue);
    sbs_tls_trust_init(&trust);
    config = (sbs_forward_server_config){
        .fhir_base = "https://fhir.example/r4/",
        .client_id = "device-1",
        .scope = "system/Observation.cu",
        .key = &fake_quick_key,
        .trust = &trust,
    };
    return fake_setup_group(state);
}

static int tear_down(void **state) {
    assert_int_equal(chdir("/"), 0);
    test_folder_remove(folder);
    return fake_teardown_group(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fact_has_its_time),
        cmocka_unit_test(another_boot_has_no_token),
        cmocka_unit_test(a_line_that_says_something_else_is_not_believed),
        cmocka_unit_test(a_token_that_is_none_is_not_sent),
        cmocka_unit_test(another_configuration_knows_nothing),
        cmocka_unit_test(a_file_of_others_is_not_read),
        cmocka_unit_test(what_was_recalled_is_left_nowhere_else),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
