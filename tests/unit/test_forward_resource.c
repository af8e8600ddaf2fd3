/* SPDX-License-Identifier: Apache-2.0 */
/* Resources as they are forwarded: whose they are, what they are called, when two are the same, how they are shown. */
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "sbs/count.h"
#include "sbs/forward_ram.h"
#include "sbs/forward_resource.h"
#include "sbs/identity.h"
#include "test.h"

static int start_crypto(void **state) {
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

/* ---- whose it is ---------------------------------------------------------------------------------------------- */

static void assert_subject(const char *member, const char *expected) {
    char text[512];
    sbs_forward_resource resource = {0};
    (void)snprintf(text, sizeof text, "{\"resourceType\":\"Observation\",%s\"identifier\":[{\"value\":\"1\"}]}",
                   member);
    assert_null(sbs_forward_resource_read(&resource, TEXT(text)));
    sbs_text subject = sbs_forward_buffer_text(&resource.subject);
    assert_int_equal(subject.len, strlen(expected));
    assert_memory_equal(subject.ptr, expected, subject.len);
    assert_int_equal(sbs_forward_resource_rule(&resource),
                     expected[0] == '\0' ? SBS_FORWARD_BY_IDENTIFIER : SBS_FORWARD_BY_SUBJECT);
    sbs_forward_resource_free(&resource);
}

static void a_subject_is_its_reference_without_base_and_version(void **state) {
    (void)state;
    assert_subject("", "");
    assert_subject("\"subject\":{\"reference\":\"Patient/7\"},", "Patient/7");
    assert_subject("\"subject\":{\"reference\":\"https://fhir.example/r4/Patient/7/_history/3\"},", "Patient/7");
    assert_subject("\"patient\":{\"reference\":\"Patient/8\"},", "Patient/8");
    assert_subject("\"subject\":{\"identifier\":{\"system\":\"urn:p\",\"value\":\"9\"}},", "urn:p|9");
    assert_subject("\"subject\":{\"identifier\":{\"value\":\"9\"}},", "|9");
    assert_subject("\"subject\":{\"display\":\"somebody\"},", "");
    assert_subject("\"subject\":{\"reference\":\"\",\"identifier\":{\"value\":\"9\"}},", "|9");
}

static void what_the_guide_identifies_keeps_its_rule(void **state) {
    (void)state;
    static const char text[] = "{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"Patient/7\"},"
                               "\"identifier\":[{\"system\":\"" SBS_SYSTEM_PHD "\",\"value\":\"1\"}]}";
    sbs_forward_resource resource = {0};
    assert_null(sbs_forward_resource_read(&resource, TEXT(text)));
    assert_int_equal(sbs_forward_resource_rule(&resource), SBS_FORWARD_BY_IDENTIFIER);
    sbs_forward_resource_free(&resource);
}

/* ---- what is no resource to store ------------------------------------------------------------------------------ */

static const char *fault_of_bundle(const char *type) {
    char text[160];
    sbs_forward_resource resource = {0};
    (void)snprintf(text, sizeof text, "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":[]}", type);
    const char *fault = sbs_forward_resource_read(&resource, TEXT(text));
    sbs_forward_resource_free(&resource);
    return fault;
}

static void a_bundle_that_a_server_answered_with_is_refused(void **state) {
    (void)state;
    static const char *const refused[] = {"batch",   "transaction",    "searchset",
                                          "history", "batch-response", "transaction-response"};
    static const char *const taken[] = {"collection", "document", "message", "subscription-notification"};
    for (size_t i = 0; i < SBS_COUNT_OF(refused); i++) {
        assert_non_null(strstr(fault_of_bundle(refused[i]), "push the resources in it"));
    }
    for (size_t i = 0; i < SBS_COUNT_OF(taken); i++) {
        assert_null(fault_of_bundle(taken[i]));
    }
}

#define MARK "\xEF\xBB\xBF"

static void assert_put(const char *text, const char *id, const char *expected) {
    char out[256];
    sbs_forward_resource resource = {0};
    sbs_writer writer;
    size_t len = 0;
    assert_null(sbs_forward_resource_read(&resource, TEXT(text)));
    sbs_writer_init(&writer, out, sizeof out);
    sbs_forward_resource_put(&resource, id, &writer);
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    sbs_forward_resource_free(&resource);
}

static void a_mark_of_the_byte_order_is_not_sent(void **state) {
    sbs_forward_resource resource = {0};
    (void)state;
    assert_put(MARK "{\"resourceType\":\"Patient\"}", NULL, "{\"resourceType\":\"Patient\"}");
    assert_put(MARK "{\"resourceType\":\"Patient\"}", "a", "{\"id\":\"a\",\"resourceType\":\"Patient\"}");
    assert_put(MARK " {\"resourceType\":\"Patient\",\"id\":\"b\"}", "a",
               " {\"resourceType\":\"Patient\",\"id\":\"a\"}");
    assert_put(MARK "{\"resourceType\":\"Patient\",\"id\":\"b\"}", NULL, "{\"resourceType\":\"Patient\"}");
    assert_non_null(sbs_forward_resource_read(&resource, TEXT(MARK "{]")));
    assert_int_equal(resource.fault_at, 4);
    sbs_forward_resource_free(&resource);
}

/* ---- when two are the same ------------------------------------------------------------------------------------ */

static bool same_content(const char *a, const char *b) {
    uint8_t first[SBS_FORWARD_HASH_SIZE];
    uint8_t second[SBS_FORWARD_HASH_SIZE];
    assert_int_equal(sbs_forward_content_hash(TEXT(a), first), SBS_OK);
    assert_int_equal(sbs_forward_content_hash(TEXT(b), second), SBS_OK);
    return memcmp(first, second, sizeof first) == 0;
}

static void white_space_outside_strings_does_not_count(void **state) {
    (void)state;
    assert_true(same_content("{\"a\":[1,\"x y\"]}", " {\r\n\t\"a\" : [ 1 , \"x y\" ] }\n"));
    assert_false(same_content("{\"a\":\"x y\"}", "{\"a\":\"xy\"}"));
    assert_false(same_content("{\"a\":\"x\\\" y\"}", "{\"a\":\"x\\\"y\"}"));
    assert_true(same_content("{\"a\":\"\\\\\" }", "{\"a\":\"\\\\\"}"));
    assert_false(same_content("{\"a\":1}", "{\"a\":2}"));
}

static void long_texts_are_hashed_in_pieces(void **state) {
    (void)state;
    static char a[5000], b[10000];
    size_t len = 0;
    memset(a, '1', sizeof a - 1);
    for (size_t i = 0; i < sizeof a - 1; i++) {
        b[len++] = '1';
        if (i % 3 == 0) {
            b[len++] = ' ';
        }
    }
    assert_true(same_content(a, b));
    a[4321] = '2';
    assert_false(same_content(a, b));
}

static void blanks_at_the_ends_of_an_identifier_are_seen(void **state) {
    (void)state;
    static const struct {
        const char *value;
        bool loose;
    } cases[] = {{"1", false},   {" 1", true},       {"1 ", true},      {"1\\t", true},
                 {"1 2", false}, {"1\\u00a0", true}, {"1é", false},     {"\\u30001", true},
                 {"é", false},   {"1\\u200b", true}, {"\\ufeff1", true}};
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char text[128];
        sbs_forward_resource resource = {0};
        (void)snprintf(text, sizeof text, "{\"resourceType\":\"Basic\",\"identifier\":[{\"value\":\"%s\"}]}",
                       cases[i].value);
        assert_null(sbs_forward_resource_read(&resource, TEXT(text)));
        assert_int_equal(sbs_forward_resource_has_loose_blanks(&resource), cases[i].loose);
        sbs_forward_resource_free(&resource);
    }
}

static void the_first_identifier_with_a_value_counts(void **state) {
    (void)state;
    sbs_forward_resource resource = {0};
    assert_null(sbs_forward_resource_read(
        &resource, TEXT("{\"resourceType\":\"Basic\",\"identifier\":[{\"system\":\"urn:none\"},"
                        "{\"system\":\"urn:one\",\"value\":\"1\"},{\"system\":\"urn:two\",\"value\":\"2\"}]}")));
    assert_true(sbs_text_equal(sbs_forward_buffer_text(&resource.system), TEXT("urn:one")));
    assert_true(sbs_text_equal(sbs_forward_buffer_text(&resource.value), TEXT("1")));
    sbs_forward_resource_free(&resource);
}

/* ---- how it is shown ------------------------------------------------------------------------------------------ */

static void what_is_shown_has_no_controls(void **state) {
    (void)state;
    char out[2048];
    char text[1024];
    sbs_writer writer;
    size_t len = 0;
    sbs_writer_init(&writer, out, sizeof out);
    sbs_forward_put_clean(&writer, TEXT("a\tb\x1b[1m\xC2\x9Bq\xE2\x80\xAEz\xC3\xA9\xFF"));
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_OK);
    out[len] = '\0';
    assert_string_equal(out, "a?b?[1m?q?z\xC3\xA9?");

    memset(text, 'x', sizeof text); /* no character is cut between two pieces */
    for (size_t i = 1; i + 1 < sizeof text; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    sbs_writer_init(&writer, out, sizeof out);
    sbs_forward_put_clean(&writer, (sbs_text){text, sizeof text - 1});
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_OK);
    assert_int_equal(len, sizeof text - 1);
    assert_null(memchr(out, '?', len));
}

static void time_and_value_are_read(void **state) {
    (void)state;
    sbs_forward_measured measured;
    sbs_forward_measured_read(TEXT("{\"resourceType\":\"Observation\",\"effectiveDateTime\":\"2026-01-02\","
                                   "\"valueQuantity\":{\"value\":36.60,\"unit\":\"Cel\"},"
                                   "\"code\":{\"coding\":[{\"code\":\"8310-5\"}]}}"),
                              &measured);
    assert_string_equal(measured.time, "2026-01-02");
    assert_string_equal(measured.value, "36.60 Cel");
    assert_string_equal(measured.code, "8310-5");
    sbs_forward_measured_read(TEXT("{\"effectivePeriod\":{\"start\":\"2026\"},\"valueCodeableConcept\":"
                                   "{\"coding\":[{\"display\":\"positive\"}]}}"),
                              &measured);
    assert_string_equal(measured.time, "2026");
    assert_string_equal(measured.value, "positive");
    sbs_forward_measured_read(TEXT("no JSON"), &measured);
    assert_string_equal(measured.value, "");
    sbs_forward_measured_read(TEXT("{\"valueQuantity\":[],\"code\":3,\"effectivePeriod\":\"x\"}"), &measured);
    assert_string_equal(measured.code, "");
}

static void each_kind_of_value_is_shown(void **state) {
    static const struct {
        const char *text, *value, *time;
    } cases[] = {
        {"{\"valueString\":\"clear\"}", "clear", ""},
        {"{\"valueInteger\":-7}", "-7", ""},
        {"{\"valueBoolean\":false}", "false", ""},
        {"{\"valueDateTime\":\"2026-01\"}", "2026-01", ""},
        {"{\"valueTime\":\"10:00:00\",\"issued\":\"2026\"}", "10:00:00", "2026"},
        {"{\"valueQuantity\":{\"value\":1,\"code\":\"mm\"},\"effectiveInstant\":\"2025\"}", "1 mm", "2025"},
        {"{\"valueQuantity\":{\"value\":2}}", "2", ""},
        {"{\"valueCodeableConcept\":{\"text\":\"red\",\"coding\":[{\"code\":\"r\"}]}}", "red", ""},
        {"{\"dataAbsentReason\":{\"coding\":[{\"code\":\"error\"}]}}", "error", ""},
        {"{\"valueSampledData\":{}}", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_forward_measured measured;
        sbs_forward_measured_read(sbs_text_of(cases[i].text), &measured);
        assert_string_equal(measured.value, cases[i].value);
        assert_string_equal(measured.time, cases[i].time);
    }
}

/* ---- the queue in RAM ----------------------------------------------------------------------------------------- */

static const sbs_queue_meta meta = {.lane = 5, .format = 1};

static void items_in_ram_come_in_order_and_go(void **state) {
    (void)state;
    static sbs_forward_ram ram;
    sbs_queue queue = sbs_forward_ram_port(&ram);
    sbs_queue_item item;
    sbs_queue_counters counters;
    uint64_t id = 0;
    char bytes[4];
    size_t len = 0;
    for (unsigned i = 0; i < SBS_FORWARD_RAM_ITEMS; i++) {
        assert_int_equal(sbs_forward_ram_add(&ram, &meta, TEXT("abcdef"), TEXT("name"), i == 1 ? "bad" : NULL, &id),
                         SBS_OK);
        assert_int_equal(id, i + 1);
    }
    assert_int_equal(sbs_forward_ram_add(&ram, &meta, TEXT("x"), TEXT(""), NULL, &id), SBS_ERR_BUFFER);

    assert_int_equal(queue.ops->next(queue.ctx, 0, &item), SBS_OK);
    assert_int_equal(item.id, 1);
    assert_int_equal(item.meta.lane, 5);
    assert_int_equal(queue.ops->read(queue.ctx, 1, 4, bytes, sizeof bytes, &len), SBS_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(bytes, "ef", 2);
    assert_int_equal(queue.ops->read(queue.ctx, 1, 6, bytes, sizeof bytes, &len), SBS_OK);
    assert_int_equal(len, 0);
    assert_string_equal(sbs_forward_ram_find(&ram, 2)->fault, "bad");
    assert_null(sbs_forward_ram_find(&ram, 1)->fault);

    assert_int_equal(queue.ops->mark_attempt(queue.ctx, 2), SBS_OK);
    assert_int_equal(queue.ops->note_failures(queue.ctx, 2, 3, 99), SBS_OK);
    assert_int_equal(queue.ops->settle(queue.ctx, 1, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
    assert_int_equal(queue.ops->settle(queue.ctx, 1, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(queue.ops->next(queue.ctx, 0, &item), SBS_OK);
    assert_int_equal(item.id, 2);
    assert_int_equal(item.attempts, 1);
    assert_int_equal(item.failures, 3);
    assert_int_equal(sbs_forward_ram_add(&ram, &meta, TEXT("x"), TEXT(""), NULL, &id), SBS_OK);
    assert_int_equal(id, SBS_FORWARD_RAM_ITEMS + 1);
    assert_int_equal(queue.ops->next(queue.ctx, SBS_FORWARD_RAM_ITEMS, &item), SBS_OK);
    assert_int_equal(item.id, id);
    assert_int_equal(queue.ops->next(queue.ctx, id, &item), SBS_ERR_NOT_FOUND);

    assert_int_equal(queue.ops->settle(queue.ctx, 7, SBS_QUEUE_DEAD, "refused", "words"), SBS_OK);
    queue.ops->counters(queue.ctx, &counters);
    assert_int_equal(counters.waiting, SBS_FORWARD_RAM_ITEMS - 1);
    assert_int_equal(counters.delivered, 1);
    assert_int_equal(counters.dead, 1);
    sbs_forward_ram_free(&ram);
    assert_int_equal(queue.ops->next(queue.ctx, 0, &item), SBS_ERR_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subject_is_its_reference_without_base_and_version),
        cmocka_unit_test(a_mark_of_the_byte_order_is_not_sent),
        cmocka_unit_test(a_bundle_that_a_server_answered_with_is_refused),
        cmocka_unit_test(what_the_guide_identifies_keeps_its_rule),
        cmocka_unit_test(white_space_outside_strings_does_not_count),
        cmocka_unit_test(long_texts_are_hashed_in_pieces),
        cmocka_unit_test(blanks_at_the_ends_of_an_identifier_are_seen),
        cmocka_unit_test(the_first_identifier_with_a_value_counts),
        cmocka_unit_test(what_is_shown_has_no_controls),
        cmocka_unit_test(time_and_value_are_read),
        cmocka_unit_test(each_kind_of_value_is_shown),
        cmocka_unit_test(items_in_ram_come_in_order_and_go),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
