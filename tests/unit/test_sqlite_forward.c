/* SPDX-License-Identifier: Apache-2.0 */
/* Adding to the durable queue: identifiers that are made, forged, repeated or not to be used. */
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "sbs/forward_add.h"
#include "sbs/identity.h"
#include "test.h"

static char path[256];
static sbs_sqlite_queue queue;
static sbs_queue port;
static sbs_forward_adder adder;
static sbs_forward_added added;

static int start_crypto(void **state) {
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static int open_queue(void **state) {
    (void)state;
    const sbs_sqlite_queue_config config = {.path = path, .items_max = 4};
    (void)snprintf(path, sizeof path, "/tmp/sbs-forward-%ld.db", (long)getpid());
    (void)unlink(path);
    assert_int_equal(sbs_sqlite_queue_open(&queue, &config, &port), SBS_OK);
    sbs_forward_adder_init(&adder, &queue, "scale 7");
    return 0;
}

static int close_queue(void **state) {
    (void)state;
    sbs_forward_added_free(&added);
    sbs_sqlite_queue_close(&queue);
    return unlink(path);
}

static void add(const char *text) {
    sbs_forward_added_free(&added);
    sbs_forward_add(&adder, TEXT(text), 1700000000, &added);
}

static void add_named(const char *system, const char *value, const char *more) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"resourceType\":\"Observation\",%s\"identifier\":[{\"system\":\"%s\",\"value\":\"%s\"}]}", more,
                   system, value);
    add(text);
}

static uint16_t rule_of(uint64_t id) {
    sbs_sqlite_entry entry;
    assert_int_equal(sbs_sqlite_queue_find(&queue, id, &entry), SBS_OK);
    return entry.item.meta.format;
}

static void assert_checked(const char *text, const char *fault, bool expected) {
    bool identified = !expected;
    const char *found = sbs_forward_add_check(&adder, TEXT(text), &identified);
    if (fault == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, fault);
    }
    assert_int_equal(identified, expected);
}

static void a_check_says_what_adding_would_and_stores_nothing(void **state) {
    sbs_queue_counters counters;
    (void)state;
    assert_checked("{\"resourceType\":\"Observation\"}", NULL, false);
    assert_checked("{\"resourceType\":\"Observation\",\"identifier\":[{\"value\":\"1\"}]}", NULL, true);
    assert_checked("{\"resourceType\":\"Observation\",\"identifier\":[]}", "none of its identifiers has a value", true);
    assert_checked("{\"resourceType\":\"Observation\",\"identifier\":[{\"value\":\" 1\"}]}",
                   "its identifier begins or ends with a blank, which servers cut off", true);
    assert_checked("{\"id\":\"a\"}", "no resourceType", false);
    assert_checked("[]", "not a JSON object", false);
    port.ops->counters(port.ctx, &counters);
    assert_int_equal(counters.accepted, 0);
}

/* A resource of exactly @p len bytes, with an identifier or without. */
static sbs_text of_len(char *text, size_t len, bool identified) {
    const char *start = "{\"resourceType\":\"Observation\",\"status\":\"";
    if (identified) {
        start = "{\"resourceType\":\"Observation\",\"identifier\":[{\"value\":\"1\"}],\"status\":\"";
    }

    memset(text, 'x', len);
    memcpy(text, start, strlen(start));
    memcpy(text + len - 2, "\"}", 2);
    return (sbs_text){text, len};
}

static void a_check_refuses_by_size_exactly_what_adding_does(void **state) {
    static char text[2001];
    bool identified;
    unsigned refused = 0;
    (void)state;

    sbs_sqlite_queue_close(&queue);
    const sbs_sqlite_queue_config config = {.path = path, .bytes_max = 2000, .policy = SBS_SQLITE_DROP_OLDEST};
    assert_int_equal(sbs_sqlite_queue_open(&queue, &config, &port), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_item_max(&queue), 2000);

    assert_null(sbs_forward_add_check(&adder, of_len(text, 2000, true), &identified));
    assert_string_equal(sbs_forward_add_check(&adder, of_len(text, 2001, true), &identified),
                        "larger than 16 MiB, or than the queue may be");

    for (size_t len = 1700; len <= 2001; len++) {
        sbs_text item = of_len(text, len, false);
        bool fits = sbs_forward_add_check(&adder, item, &identified) == NULL;
        assert_false(identified);
        sbs_forward_added_free(&added);
        sbs_forward_add(&adder, item, 1700000000, &added);
        assert_int_equal(added.fate, fits ? SBS_FORWARD_QUEUED : SBS_FORWARD_REFUSED);
        refused += !fits;
    }
    assert_in_range(refused, 2, 200);
}

static void an_identifier_that_is_made_cannot_be_foreseen(void **state) {
    (void)state;
    static const char bare[] = "{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"Patient/1\"}}";
    char epoch[2][17] = {"", ""};
    for (size_t i = 0; i < 2; i++) {
        char value[128] = "";
        add(bare);
        assert_int_equal(added.fate, SBS_FORWARD_QUEUED);
        memcpy(value, added.resource.value.data, added.resource.value.len);
        assert_int_equal(strncmp(value, "scale-7-", 8), 0);
        memcpy(epoch[i], value + 8, 16);
        assert_int_equal(rule_of(added.id), SBS_FORWARD_BY_IDENTIFIER);
    }
    assert_string_not_equal(epoch[0], epoch[1]);
}

static void the_files_own_identifiers_are_not_taken_from_outside(void **state) {
    (void)state;
    uint64_t epoch = 0;
    uint64_t id = 0;
    char value[64];
    assert_int_equal(sbs_sqlite_queue_next_id(&queue, &epoch, &id), SBS_OK);
    (void)snprintf(value, sizeof value, "scale-7-%016llX-9", (unsigned long long)epoch);
    add_named(SBS_SYSTEM_SEQUENCE, value, "");
    assert_int_equal(added.fate, SBS_FORWARD_REFUSED);
    assert_string_equal(added.reason, "its identifier is one that only this queue may give");
    (void)snprintf(value, sizeof value, "meter-9-%016llX-9", (unsigned long long)epoch);
    add_named(SBS_SYSTEM_SEQUENCE, value, ""); /* another device behind this one */
    assert_int_equal(added.fate, SBS_FORWARD_QUEUED);
    add_named("urn:x", "scale-7-1", "");
    assert_int_equal(added.fate, SBS_FORWARD_QUEUED);
}

static void a_repeat_is_known_by_identifier_and_content(void **state) {
    (void)state;
    add_named("urn:x", "1", "\"status\":\"final\",");
    assert_int_equal(added.fate, SBS_FORWARD_QUEUED);
    const uint64_t first = added.id;
    add_named("urn:x", "1", " \"status\" :\n\"final\", ");
    assert_int_equal(added.fate, SBS_FORWARD_ALREADY_QUEUED);
    assert_int_equal(added.id, first);
    assert_int_equal(port.ops->settle(port.ctx, first, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
    add_named("urn:x", "1", "\"status\":\"final\",");
    assert_int_equal(added.fate, SBS_FORWARD_ALREADY_DELIVERED);
    adder.only_same = true;
    add_named("urn:x", "1", "\"status\":\"amended\",");
    assert_int_equal(added.fate, SBS_FORWARD_DIFFERS);
    assert_int_equal(added.id, first);
    adder.only_same = false;
    add_named("urn:x", "1", "\"status\":\"amended\",");
    assert_int_equal(added.fate, SBS_FORWARD_QUEUED);
    assert_int_equal(port.ops->settle(port.ctx, added.id, SBS_QUEUE_DEAD, "refused", "words"), SBS_OK);
    add_named("urn:x", "1", "\"status\":\"amended\",");
    assert_int_equal(added.fate, SBS_FORWARD_ALREADY_DEAD);
}

static void the_rule_is_kept_with_the_item(void **state) {
    (void)state;
    add_named("urn:x", "1", "\"subject\":{\"reference\":\"Patient/1\"},");
    assert_int_equal(rule_of(added.id), SBS_FORWARD_BY_SUBJECT);
    add_named("urn:x", "2", "");
    assert_int_equal(rule_of(added.id), SBS_FORWARD_BY_IDENTIFIER);
    assert_false(added.no_system);
    add("{\"resourceType\":\"Observation\",\"identifier\":[{\"value\":\"3\"}]}");
    assert_true(added.no_system);
}

static void what_is_not_stored_says_why(void **state) {
    (void)state;
    add_named("urn:x", "1 ", "");
    assert_int_equal(added.fate, SBS_FORWARD_REFUSED);
    add("{\"resourceType\":\"Observation\",\"identifier\":[{}]}");
    assert_string_equal(added.reason, "none of its identifiers has a value");
    add("{\"resourceType\":\"Observation\",");
    assert_int_equal(added.fate, SBS_FORWARD_REFUSED);
    assert_int_equal(added.fault_at, 30);
    for (unsigned i = 0; i < 4; i++) {
        add("{\"resourceType\":\"Observation\"}");
        assert_int_equal(added.fate, SBS_FORWARD_QUEUED);
    }
    add("{\"resourceType\":\"Observation\"}");
    assert_int_equal(added.fate, SBS_FORWARD_FULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_check_says_what_adding_would_and_stores_nothing, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(a_check_refuses_by_size_exactly_what_adding_does, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(an_identifier_that_is_made_cannot_be_foreseen, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(the_files_own_identifiers_are_not_taken_from_outside, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(a_repeat_is_known_by_identifier_and_content, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(the_rule_is_kept_with_the_item, open_queue, close_queue),
        cmocka_unit_test_setup_teardown(what_is_not_stored_says_why, open_queue, close_queue),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
