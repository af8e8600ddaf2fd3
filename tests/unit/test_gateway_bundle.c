/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles from devices: a status for each entry, or all or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sqlite_gate.h"
#include "sqlite_rig.h"
#include "test.h"

#define JSON "Content-Type: application/fhir+json"

static char bundle[1 << 20];
static size_t bundle_len;

static void begin(const char *type) {
    bundle_len =
        (size_t)snprintf(bundle, sizeof bundle, "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":[", type);
}

/* An entry; @p full_url and @p condition may be "". */
static void add(const char *method, const char *url, const char *full_url, const char *condition,
                const char *resource) {
    char *at = bundle + bundle_len;
    size_t room = sizeof bundle - bundle_len;
    const char *comma = at[-1] == '[' ? "" : ",";
    int len = snprintf(at, room,
                       "%s{\"fullUrl\":\"%s\",\"resource\":%s,\"request\":{\"method\":\"%s\",\"url\":\"%s\"%s%s%s}}",
                       comma, full_url, resource, method, url, condition[0] != '\0' ? ",\"ifNoneExist\":\"" : "",
                       condition, condition[0] != '\0' ? "\"" : "");
    assert_true(len > 0 && (size_t)len < room);
    bundle_len += (size_t)len;
}

static unsigned send_fields(const char *fields) {
    assert_true(bundle_len + 3 < sizeof bundle);
    memcpy(bundle + bundle_len, "]}", 3);
    return gate_ask(0, "POST", "/fhir", fields, bundle);
}

static unsigned send_bundle(void) {
    return send_fields(JSON);
}

/* The statuses of the entries, one behind the other: "201 422 ". */
static const char *statuses(void) {
    static char text[8192];
    size_t len = 0;
    text[0] = '\0';
    for (const char *at = strstr(gate.body, "\"status\":\""); at != NULL; at = strstr(at + 1, "\"status\":\"")) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%.3s ", at + 10);
    }
    return text;
}

static void a_batch_has_a_status_for_each_entry(void **state) {
    (void)state;
    begin("batch");
    add("POST", "Observation", "", "", gate_observation("1", ""));
    add("POST", "Observation", "", "", "{\"resourceType\":\"Observation\",\"status\":\"final\"}");
    add("PUT", "Observation/a", "", "", gate_observation("", ""));
    add("POST", "Patient", "", "", "{\"resourceType\":\"Patient\"}");
    add("DELETE", "Observation/a", "", "", "{}");
    add("POST", "Observation", "", "identifier=urn:meter|1", gate_observation("1", ""));
    add("POST", "Observation", "", "", gate_observation("1", "\"note\":[{\"text\":\"x\"}]"));
    add("POST", "/fhir/Observation/", "", "code=x", gate_observation("", ""));
    add("POST", "https://gw/fhir/Observation", "", "code=x", gate_observation("", ""));
    add("POST", "Observation/a", "", "", gate_observation("", ""));
    add("POST", "Observation", "", "", "{\"resourceType\":\"Patient\"}");
    assert_int_equal(send_bundle(), 200);
    assert_true(gate.answer.held);
    assert_ptr_equal(strstr(gate.body, "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":["),
                     gate.body);
    assert_string_equal(statuses(), "201 422 201 422 405 200 409 201 200 422 422 ");
    assert_non_null(strstr(gate.body, "\"location\":\"Observation/a\""));
    assert_non_null(strstr(gate.body, "\"expression\":[\"Bundle.entry[1].resource.code\"]"));
    gate_commit();
    assert_int_equal(gate_waiting(), 3);
    assert_int_equal(gate.counts[0].accepted, 3);
    assert_int_equal(gate.counts[0].repeated, 2);
    assert_int_equal(gate.counts[0].refused, 6);
}

static void a_transaction_is_stored_wholly_or_not_at_all(void **state) {
    (void)state;
    begin("transaction");
    add("POST", "Observation", "urn:uuid:1", "", gate_observation("1", ""));
    add("PUT", "Observation/b", "urn:uuid:2", "", gate_observation("2", ""));
    assert_int_equal(send_bundle(), 200);
    assert_non_null(strstr(gate.body, "\"type\":\"transaction-response\""));
    assert_string_equal(statuses(), "201 201 ");
    gate_commit();
    assert_int_equal(send_bundle(), 200); /* our answer was lost */
    assert_string_equal(statuses(), "200 200 ");
    assert_int_equal(gate_waiting(), 2);

    /* One is bad: seen before anything is written. */
    begin("transaction");
    add("POST", "Observation", "", "", gate_observation("3", ""));
    add("POST", "Observation", "", "", "{\"resourceType\":\"Observation\",\"code\":{\"text\":\"t\"}}");
    assert_int_equal(send_bundle(), 422);
    gate_assert_outcome("required", NULL);
    gate_assert_at("Bundle.entry[1].resource.status");
    assert_false(gate.answer.held);
    assert_int_equal(gate_waiting(), 2);

    /* One is another one under a name that is known: seen after the first is written, which goes again. */
    assert_int_equal(gate_post(0, gate_observation("4", "")), 201); /* of the same turn, and stays */
    begin("transaction");
    add("POST", "Observation", "", "", gate_observation("3", ""));
    add("POST", "Observation", "", "", gate_observation("1", "\"note\":[{\"text\":\"x\"}]"));
    assert_int_equal(send_bundle(), 409);
    gate_assert_outcome("duplicate", NULL);
    gate_commit();
    assert_int_equal(gate_waiting(), 3);
    assert_int_equal(gate_post(0, gate_observation("3", "")), 201);
    gate_commit();
    assert_int_equal(gate_waiting(), 4);
}

static void a_full_queue_takes_no_half_of_a_transaction(void **state) {
    (void)state;
    rig.config.items_max = 1;
    rig_reopen();
    begin("transaction");
    add("POST", "Observation", "", "", gate_observation("1", ""));
    add("POST", "Observation", "", "", gate_observation("2", ""));
    assert_int_equal(send_bundle(), 503);
    gate_assert_outcome("throttled", "full");
    assert_string_equal(gate.retry, "60");
    gate_commit();
    assert_int_equal(gate_waiting(), 0);
}

static void entries_that_refer_to_each_other_are_refused(void **state) {
    const char *referring = gate_observation("2", "\"hasMember\":[{\"reference\":\"urn:uuid:0a\"}]");
    (void)state;
    begin("transaction");
    add("POST", "Observation", "urn:uuid:0a", "", gate_observation("1", ""));
    add("POST", "Observation", "urn:uuid:0b", "", referring);
    assert_int_equal(send_bundle(), 422);
    gate_assert_outcome("not-supported", "refers to an entry");
    gate_assert_at("Bundle.entry[1].resource");
    assert_int_equal(gate_waiting(), 0);

    begin("transaction");
    add("POST", "Observation", "https://gw/fhir/Observation/7", "", gate_observation("1", ""));
    add("POST", "Observation", "urn:uuid:0b", "",
        gate_observation("2", "\"derivedFrom\":[{\"reference\":\"Observation/7\"}]"));
    assert_int_equal(send_bundle(), 422);

    /* To others they may, and in a batch the others go. */
    referring = gate_observation("2", "\"hasMember\":[{\"reference\":\"urn:uuid:0a\"}]");
    begin("batch");
    add("POST", "Observation", "urn:uuid:0a", "", gate_observation("1", "\"subject\":{\"reference\":\"Patient/7\"}"));
    add("POST", "Observation", "urn:uuid:0b", "", referring);
    assert_int_equal(send_bundle(), 200);
    assert_string_equal(statuses(), "201 422 ");
}

static void a_reference_is_looked_for_among_all_entries(void **state) {
    static const char *const urls[] = {"urn:uuid:0a",
                                       "https://gw/fhir/Observation/7",
                                       "https://gw/fhir/Observation/17",
                                       "http://other/fhir/Observation/7",
                                       "Observation/9",
                                       "a",
                                       "urn:x/9"};
    static const struct {
        const char *reference;
        bool within;
    } cases[] = {
        {"urn:uuid:0a", true},
        {"urn:uuid:0b", false},
        {"0a", false},
        {"a", true},
        {"Observation/7", true},
        {"Observation/17", true},
        {"Observation/1", false},
        {"Observation/9", true},
        {"7", false},
        {"ervation/7", false},
        {"fhir/Observation/17", true},
        {"/fhir/Observation/17", false},
        {"gw/fhir/Observation/7", true},
        {"https://gw/fhir/Observation/7", true},
        {"x/9", false},
        {"xhttps://gw/fhir/Observation/7", false},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char name[16];
        char referring[160];
        begin("batch");
        for (size_t url = 0; url < SBS_COUNT_OF(urls); url++) {
            (void)snprintf(name, sizeof name, "e%zu", url);
            add("POST", "Observation", urls[url], "", gate_observation(name, ""));
        }
        (void)snprintf(name, sizeof name, "r%zu", i);
        (void)snprintf(referring, sizeof referring, "\"derivedFrom\":[{\"reference\":\"%s\"}]", cases[i].reference);
        add("POST", "Observation", "", "", gate_observation(name, referring));
        assert_int_equal(send_bundle(), 200);

        const char *all = statuses();
        const char *last = all + strlen(all) - strlen("422 ");
        if (strcmp(last, cases[i].within ? "422 " : "201 ") != 0) {
            print_error("%s\n", cases[i].reference);
        }
        assert_string_equal(last, cases[i].within ? "422 " : "201 ");
    }
}

static void a_bundle_that_is_none_is_refused(void **state) {
    (void)state;
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, "{\"resourceType\":\"Bundle\"}"), 422);
    gate_assert_outcome("required", NULL);
    gate_assert_at("Bundle.type");
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}"), 422);
    gate_assert_outcome("not-supported", NULL);
    assert_int_equal(
        gate_ask(0, "POST", "/fhir", JSON, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":{}}"), 422);
    assert_int_equal(
        gate_ask(0, "POST", "/fhir", JSON, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[5]}"), 200);
    assert_string_equal(statuses(), "422 ");
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, "{\"resourceType\":\"Bundle\",\"type\":\"batch\"}"), 200);
    assert_non_null(strstr(gate.body, "batch-response\"}"));
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, "{\"resourceType\":"), 400);
    gate_assert_outcome("structure", "at byte 16");
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, "7"), 400);
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, "{}"), 422);
    assert_int_equal(gate_ask(0, "POST", "/fhir/Bundle", JSON, "{\"resourceType\":\"Bundle\"}"), 422);

    /* What stands twice must not be passed over. */
    static const char twice[] = "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[],\"entry\":[{}]}";
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, twice), 400);
    gate_assert_outcome("structure", "twice");
    static const char conditions[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"resource\":{},\"request\":{\"method\":"
        "\"POST\",\"url\":\"Observation\",\"ifNoneExist\":\"a=b\",\"ifNoneExist\":\"a=c\"}}]}";
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, conditions), 200);
    assert_string_equal(statuses(), "400 ");

    begin("batch");
    for (int i = 0; i < 1001; i++) {
        add("POST", "Observation", "", "", "{}");
    }
    assert_int_equal(send_bundle(), 413);
    gate_assert_outcome("too-costly", "1000");
}

static void a_large_batch_goes_as_one(void **state) {
    (void)state;
    begin("batch");
    for (int i = 0; i < 1000; i++) {
        char identifier[16];
        (void)snprintf(identifier, sizeof identifier, "%d", i);
        add("POST", "Observation", "", "", gate_observation(identifier, ""));
    }
    assert_int_equal(send_fields(JSON "\nPrefer: return=minimal"), 200);
    assert_null(strstr(gate.body, "OperationOutcome"));
    gate_commit();
    assert_int_equal(gate_waiting(), 1000);
}

static void faults_are_told_with_their_byte_in_the_bundle(void **state) {
    (void)state;
    begin("batch");
    add("POST", "Observation", "", "", "{\"resourceType\":\"Observation\",\"status\":\"final\",\"status\":\"final\"}");
    assert_int_equal(send_bundle(), 200);
    char words[64];
    const char *second = strstr(strstr(bundle, "\"status\"") + 1, "\"status\"");
    (void)snprintf(words, sizeof words, "before byte %zu", (size_t)(second - bundle) + strlen("\"status\":\""));
    assert_non_null(strstr(gate.body, words));
}

int main(void) {
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, gate_set_up, gate_tear_down)
    const struct CMUnitTest tests[] = {
        GATE_TEST(a_batch_has_a_status_for_each_entry),
        GATE_TEST(a_transaction_is_stored_wholly_or_not_at_all),
        GATE_TEST(a_full_queue_takes_no_half_of_a_transaction),
        GATE_TEST(entries_that_refer_to_each_other_are_refused),
        GATE_TEST(a_reference_is_looked_for_among_all_entries),
        GATE_TEST(a_bundle_that_is_none_is_refused),
        GATE_TEST(a_large_batch_goes_as_one),
        GATE_TEST(faults_are_told_with_their_byte_in_the_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
