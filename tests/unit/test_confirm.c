/* SPDX-License-Identifier: Apache-2.0 */
/* What confirms a write, as a table: status, Location and body together. */
#include <string.h>

#include "sbs/confirm.h"
#include "sbs/count.h"
#include "test.h"

#define OUTCOME(severity)                                                                                              \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"information\"},{\"severity\":\"" severity "\"}" \
    "]}"
#define FOUND(system, value)                                                                                           \
    "{\"resourceType\":\"Observation\",\"id\":\"x\",\"identifier\":[{\"value\":\"n\"},{\"system\":\"" system           \
    "\",\"value\":\"" value "\"}]}"

static const sbs_written created = {.type = {"Observation", 11}};
static const sbs_written updated = {.type = {"Observation", 11}, .id = {"a-1", 3}};
static const sbs_written searched = {.type = {"Observation", 11}, .system = {"u:s", 3}, .value = {"v", 1}};
static const sbs_written searched_value = {.type = {"Observation", 11}, .value = {"v", 1}};

static sbs_status confirm(const sbs_written *written, unsigned status, const char *location, sbs_body_kind body,
                          const char *json) {
    sbs_flat doc = {0};
    sbs_text id;
    const char *why = NULL;
    sbs_answered answered = {.status = status, .body = body, .doc = &doc, .resource = 0, .outcome = SBS_JSON_NONE};
    answered.location = sbs_location_judge(sbs_text_of(location), written, &id);
    if (json != NULL) {
        assert_int_equal(sbs_flat_parse(&doc, json, strlen(json)), SBS_OK);
    }
    sbs_status result = sbs_confirm(written, &answered, &why);
    assert_non_null(why);
    assert_true(result != SBS_OK || why[0] == '\0');
    assert_int_equal(sbs_confirm(written, &answered, NULL), result);
    return result;
}

static void a_status_alone(void **state) {
    (void)state;
    for (unsigned status = 200; status < 300; status++) {
        bool good = status == 200 || status == 201 || status == 204;
        assert_int_equal(confirm(&created, status, NULL, SBS_BODY_NONE, NULL), good ? SBS_OK : SBS_ERR_RESPONSE);
        assert_int_equal(confirm(&created, status, "Observation/1", SBS_BODY_NONE, NULL),
                         good ? SBS_OK : SBS_ERR_RESPONSE);
    }
}

static void created_is_believed_whatever_comes_with_it(void **state) {
    (void)state;
    static const char *const bodies[] = {"{\"uuid\":\"1\"}", "[]", "1", OUTCOME("error"),
                                         "{\"resourceType\":\"Patient\"}"};
    for (size_t i = 0; i < SBS_COUNT_OF(bodies); i++) {
        assert_int_equal(confirm(&updated, 201, NULL, SBS_BODY_JSON, bodies[i]), SBS_OK);
    }
    assert_int_equal(confirm(&created, 201, "/login", SBS_BODY_OTHER, NULL), SBS_OK);
    assert_int_equal(confirm(&created, 201, NULL, SBS_BODY_UNREAD, NULL), SBS_OK);
}

static void a_body_must_be_the_resource_or_an_outcome_without_error(void **state) {
    (void)state;
    static const struct {
        const char *json;
        sbs_status created, updated;
    } cases[] = {
        {"{\"resourceType\":\"Observation\"}", SBS_OK, SBS_OK},
        {"{\"resourceType\":\"Observation\",\"id\":\"a-1\"}", SBS_OK, SBS_OK},
        {"{\"resourceType\":\"Observ\\u0061tion\",\"id\":\"\\u0061-1\"}", SBS_OK, SBS_OK},
        {"{\"resourceType\":\"Observation\",\"id\":\"b\"}", SBS_OK, SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"Observation\",\"id\":7}", SBS_OK, SBS_ERR_RESPONSE},
        {OUTCOME("information"), SBS_OK, SBS_OK},
        {OUTCOME("warning"), SBS_OK, SBS_OK},
        {"{\"resourceType\":\"OperationOutcome\"}", SBS_OK, SBS_OK},
        {OUTCOME("error"), SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {OUTCOME("fatal"), SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"{\"type\":\"redirect\",\"to\":\"/login\"}", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"Patient\",\"id\":\"a-1\"}", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"Observations\"}", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"Observation\",\"resourceType\":\"Observation\"}", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"{}", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"[{\"resourceType\":\"Observation\"}]", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"\"Observation\"", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"true", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"null", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(confirm(&created, 200, NULL, SBS_BODY_JSON, cases[i].json), cases[i].created);
        assert_int_equal(confirm(&updated, 200, NULL, SBS_BODY_JSON, cases[i].json), cases[i].updated);
        assert_int_equal(confirm(&updated, 200, "Observation/a-1", SBS_BODY_JSON, cases[i].json), cases[i].updated);
    }
    assert_int_equal(confirm(&created, 200, NULL, SBS_BODY_OTHER, NULL), SBS_ERR_RESPONSE);
    assert_int_equal(confirm(&created, 200, "Observation/1", SBS_BODY_OTHER, NULL), SBS_ERR_RESPONSE);
}

static void a_location_must_fit(void **state) {
    (void)state;
    static const struct {
        const char *location;
        sbs_status created, updated;
    } cases[] = {
        {"https://h/r4/Observation/a-1/_history/2", SBS_OK, SBS_OK},
        {"Observation/a-1", SBS_OK, SBS_OK},
        {"Observation/a-2", SBS_OK, SBS_ERR_RESPONSE},
        {"Patient/a-1", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
        {"/login", SBS_ERR_RESPONSE, SBS_ERR_RESPONSE},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        const char *at = cases[i].location;
        assert_int_equal(confirm(&created, 200, at, SBS_BODY_NONE, NULL), cases[i].created);
        assert_int_equal(confirm(&created, 204, at, SBS_BODY_NONE, NULL), cases[i].created);
        assert_int_equal(confirm(&created, 200, at, SBS_BODY_UNREAD, NULL), cases[i].created);
        assert_int_equal(confirm(&updated, 200, at, SBS_BODY_NONE, NULL), cases[i].updated);
        assert_int_equal(confirm(&updated, 200, at, SBS_BODY_UNREAD, NULL), cases[i].updated);
    }
    assert_int_equal(confirm(&created, 200, NULL, SBS_BODY_UNREAD, NULL), SBS_ERR_RESPONSE);

    sbs_text id;
    assert_int_equal(sbs_location_judge((sbs_text){NULL, 0}, &created, &id), SBS_LOCATION_NONE);
    assert_int_equal(sbs_location_judge(sbs_text_of("x/Observation/5"), &created, &id), SBS_LOCATION_FITS);
    assert_true(sbs_text_equal(id, sbs_text_of("5")));
    assert_int_equal(sbs_location_judge(sbs_text_of("x/Patient/5"), &created, &id), SBS_LOCATION_OTHER);
    assert_null(id.ptr);
    const sbs_written any = {.type = {NULL, 0}};
    assert_int_equal(sbs_location_judge(sbs_text_of("x/Patient/5"), &any, &id), SBS_LOCATION_FITS);
    assert_int_equal(sbs_location_judge(sbs_text_of("x"), &any, &id), SBS_LOCATION_OTHER);
}

static void what_a_search_found_is_compared(void **state) {
    (void)state;
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_JSON, FOUND("u:s", "v")), SBS_OK);
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_JSON, FOUND("u:s", "w")), SBS_ERR_AMBIGUOUS);
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_JSON, FOUND("u:t", "v")), SBS_ERR_AMBIGUOUS);
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_JSON, FOUND("u:s", "n")), SBS_ERR_AMBIGUOUS);
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_JSON, "{\"resourceType\":\"Observation\"}"),
                     SBS_ERR_AMBIGUOUS);
    assert_int_equal(confirm(&searched_value, 200, NULL, SBS_BODY_JSON, FOUND("u:t", "v")), SBS_OK);
    assert_int_equal(confirm(&searched_value, 200, NULL, SBS_BODY_JSON, FOUND("u:t", "w")), SBS_ERR_AMBIGUOUS);
    /* Some types have one identifier and no list; and a system of no length is none. */
    const sbs_written answers = {.type = {"Composition", 11}, .system = {"u:s", 3}, .value = {"v", 1}};
    const sbs_written without = {.type = {"Composition", 11}, .system = {"", 0}, .value = {"v", 1}};
    static const char one[] = "{\"resourceType\":\"Composition\",\"identifier\":{\"system\":\"u:s\",\"value\":\"v\"}}";
    static const char other[] = "{\"resourceType\":\"Composition\",\"identifier\":{\"value\":\"w\"}}";
    assert_int_equal(confirm(&answers, 200, NULL, SBS_BODY_JSON, one), SBS_OK);
    assert_int_equal(confirm(&without, 200, NULL, SBS_BODY_JSON, one), SBS_OK);
    assert_int_equal(confirm(&answers, 200, NULL, SBS_BODY_JSON, other), SBS_ERR_AMBIGUOUS);
    assert_int_equal(confirm(&without, 200, NULL, SBS_BODY_JSON, other), SBS_ERR_AMBIGUOUS);
    /* Where there is no resource to look at, there is nothing to compare; and what was created is new. */
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_NONE, NULL), SBS_OK);
    assert_int_equal(confirm(&searched, 200, NULL, SBS_BODY_JSON, OUTCOME("information")), SBS_OK);
    assert_int_equal(confirm(&searched, 201, NULL, SBS_BODY_JSON, FOUND("u:t", "w")), SBS_OK);
}

/* An entry of a batch-response has its resource and its outcome apart. */
static void an_entry_has_two_places(void **state) {
    (void)state;
    static const char bundle[] = "{\"entry\":[{\"resource\":{\"resourceType\":\"Observation\"},\"response\":"
                                 "{\"outcome\":" OUTCOME("error") "}},{\"response\":{\"outcome\":" OUTCOME(
                                     "warning") "}},{\"resource\":" OUTCOME("fatal") "}]}";
    static const sbs_status expected[] = {SBS_ERR_RESPONSE, SBS_OK, SBS_ERR_RESPONSE};
    sbs_flat doc;
    sbs_json_node entries;
    assert_int_equal(sbs_flat_parse(&doc, bundle, strlen(bundle)), SBS_OK);
    assert_int_equal(sbs_flat_member(&doc, 0, "entry", &entries), SBS_OK);
    sbs_json_node entry = sbs_flat_first(&doc, entries);
    for (size_t i = 0; i < 3; i++, entry = sbs_flat_next(&doc, entry)) {
        sbs_json_node response;
        sbs_answered answered = {.status = 200, .body = SBS_BODY_JSON, .doc = &doc, .outcome = SBS_JSON_NONE};
        (void)!sbs_flat_member(&doc, entry, "resource", &answered.resource);
        if (sbs_flat_member(&doc, entry, "response", &response) == SBS_OK) {
            (void)!sbs_flat_member(&doc, response, "outcome", &answered.outcome);
        }
        assert_int_equal(sbs_confirm(&created, &answered, NULL), expected[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_alone),
        cmocka_unit_test(created_is_believed_whatever_comes_with_it),
        cmocka_unit_test(a_body_must_be_the_resource_or_an_outcome_without_error),
        cmocka_unit_test(a_location_must_fit),
        cmocka_unit_test(what_a_search_found_is_compared),
        cmocka_unit_test(an_entry_has_two_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
