/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/outcome.h"
#include "test.h"

#define TOKENS 128

static sbs_json_token tokens[TOKENS];

static void assert_text(sbs_text text, const char *expected) {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

/* ---- OperationOutcome ----------------------------------------------------------------------------------------- */

#define OUTCOME(issues) "{\"resourceType\":\"OperationOutcome\",\"issue\":[" issues "]}"

static const struct {
    const char *body;
    const char *text;
    bool transient;
} outcomes[] = {
    {OUTCOME("{\"severity\":\"error\",\"code\":\"invalid\",\"diagnostics\":\"bad date\"}"), "error invalid: bad date",
     false},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"required\",\"details\":{\"text\":\"no status\"}}"),
     "error required: no status", false},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"x\",\"diagnostics\":\"d\",\"details\":{\"text\":\"t\"}}"),
     "error x: d", false},
    {OUTCOME("{\"severity\":\"fatal\",\"code\":\"timeout\"}"), "fatal timeout", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"transient\"}"), "error transient", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"throttled\"}"), "error throttled", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"lock-error\"}"), "error lock-error", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"exception\"}"), "error exception", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"no-store\"}"), "error no-store", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"incomplete\"}"), "error incomplete", true},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"business-rule\"}"), "error business-rule", false},
    {OUTCOME("{\"severity\":\"warning\",\"code\":\"a\"},{\"severity\":\"error\",\"code\":\"b\"},"
             "{\"severity\":\"error\",\"code\":\"timeout\"}"),
     "error b", false},
    {OUTCOME("{\"severity\":\"information\",\"code\":\"informational\",\"diagnostics\":\"ok\"}"),
     "information informational: ok", false},
    {OUTCOME("{\"diagnostics\":\"only words\"}"), "only words", false},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"required\",\"details\":{\"text\":\"missing\"},"
             "\"expression\":[\"Observation.status\",\"Observation\"]}"),
     "error required at Observation.status: missing", false},
    {OUTCOME("{\"expression\":[\"Observation\"]}"), "Observation", false},
    {OUTCOME("{\"code\":\"required\",\"expression\":\"Observation\"}"), "required", false},
    {OUTCOME("{\"code\":\"required\",\"expression\":[]}"), "required", false},
    {OUTCOME("{\"severity\":1,\"code\":[],\"diagnostics\":{}}"), "", false},
    {OUTCOME("7"), "", false},
    {OUTCOME("{\"severity\":\"error\",\"code\":\"invalid\",\"diagnostics\":\"\\u001b[2J\\r\\nx\\u00df\"}"),
     "error invalid: ?[2J x?", false},
};

/* Reads @p body as JSON, and as an OperationOutcome. */
static sbs_status read_outcome(const char *body, char *out_text, size_t size, bool *out_transient) {
    sbs_flat doc;
    assert_int_equal(sbs_flat_parse(&doc, body, strlen(body)), SBS_OK);
    return sbs_outcome_read(&doc, 0, out_text, size, out_transient);
}

static void reads_outcomes(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(outcomes); i++) {
        char text[128];
        bool transient = !outcomes[i].transient;
        assert_int_equal(read_outcome(outcomes[i].body, text, sizeof text, &transient), SBS_OK);
        assert_string_equal(text, outcomes[i].text);
        assert_int_equal(transient, outcomes[i].transient);
    }
}

static void tells_other_bodies_apart(void **state) {
    static const char *const others[] = {
        "[]",
        "{}",
        "{\"resourceType\":\"Observation\",\"issue\":[{\"severity\":\"error\"}]}",
        "{\"resourceType\":\"OperationOutcome\"}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[]}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":{\"severity\":\"error\"}}",
        "{\"resourceType\":\"OperationOutcome\",\"resourceType\":\"OperationOutcome\",\"issue\":[{}]}",
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(others); i++) {
        char text[8] = "full";
        bool transient = true;
        assert_int_equal(read_outcome(others[i], text, sizeof text, &transient), SBS_ERR_NOT_FOUND);
        assert_string_equal(text, "");
        assert_false(transient);
    }
}

static void shortens_to_the_callers_memory(void **state) {
    (void)state;
    for (size_t size = 0; size < 40; size++) {
        char *text = malloc(size > 0 ? size : 1);
        bool transient;
        assert_non_null(text);
        assert_int_equal(read_outcome(outcomes[0].body, text, size, &transient), SBS_OK);
        if (size > 0) {
            assert_memory_equal(text, outcomes[0].text, strlen(text));
            assert_true(strlen(text) < size);
        }
        if (size > strlen(outcomes[0].text)) {
            assert_string_equal(text, outcomes[0].text);
        }
        free(text);
    }
}

/* ---- ids, types, Location ------------------------------------------------------------------------------------- */

static void knows_fhir_ids_and_types(void **state) {
    static const char *const ids[] = {"a", "0", "A-z.9", "-", "."};
    static const char *const no_ids[] = {"", "a b", "a_b", "a/b", "\xc3\xa9", "a:b"};
    static const char *const types[] = {"Observation", "A", "MedicinalProductAuthorization"};
    static const char *const no_types[] = {"", "observation", "Obs3", "Obs-x", "Obs ", "*", "Obs{"};
    char longest[SBS_FHIR_ID_MAX + 1];
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(ids); i++) {
        assert_true(sbs_fhir_id_is_valid(sbs_text_of(ids[i])));
    }
    for (size_t i = 0; i < SBS_COUNT_OF(no_ids); i++) {
        assert_false(sbs_fhir_id_is_valid(sbs_text_of(no_ids[i])));
    }
    for (size_t i = 0; i < SBS_COUNT_OF(types); i++) {
        assert_true(sbs_fhir_type_is_valid(sbs_text_of(types[i])));
    }
    for (size_t i = 0; i < SBS_COUNT_OF(no_types); i++) {
        assert_false(sbs_fhir_type_is_valid(sbs_text_of(no_types[i])));
    }
    memset(longest, 'A', sizeof longest);
    assert_true(sbs_fhir_id_is_valid((sbs_text){longest, SBS_FHIR_ID_MAX}));
    assert_false(sbs_fhir_id_is_valid((sbs_text){longest, SBS_FHIR_ID_MAX + 1}));
    assert_true(sbs_fhir_type_is_valid((sbs_text){longest, SBS_FHIR_ID_MAX}));
    assert_false(sbs_fhir_type_is_valid((sbs_text){longest, SBS_FHIR_ID_MAX + 1}));
}

static void finds_type_and_id_in_a_location(void **state) {
    static const char *const locations[] = {
        "Observation/12-a.b",
        "/Observation/12-a.b",
        "/fhir/Observation/12-a.b",
        "https://h/fhir/Observation/12-a.b",
        "https://h:8443/Observation/12-a.b/_history/1",
        "Observation/12-a.b/_history/W3siaWQi",
        "http://h/Patient/x/Observation/12-a.b",
        "a:b/Observation/12-a.b",
        "a:/Observation/12-a.b",
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(locations); i++) {
        sbs_text type;
        sbs_text id;
        assert_int_equal(sbs_location_parse(sbs_text_of(locations[i]), &type, &id), SBS_OK);
        assert_text(type, "Observation");
        assert_text(id, "12-a.b");
    }
}

static void refuses_other_locations(void **state) {
    static const char *const locations[] = {
        "",
        "/",
        "12",
        "Observation/",
        "Observation/12/",
        "observation/12",
        "https://Observation/12",
        "https://h",
        "https://h/12",
        "Observation/1 2",
        "Observation/12?x=y",
        "Observation/12#f",
        "Observation/12/_history",
        "/_history/1",
        "12/_history/1",
        "Observation//_history/1",
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(locations); i++) {
        sbs_text type;
        sbs_text id;
        assert_int_equal(sbs_location_parse(sbs_text_of(locations[i]), &type, &id), SBS_ERR_FORMAT);
    }
    sbs_text type;
    sbs_text id;
    assert_int_equal(sbs_location_parse((sbs_text){NULL, 0}, &type, &id), SBS_ERR_FORMAT);
}

/* ---- Bundle --------------------------------------------------------------------------------------------------- */

static void read_doc(sbs_json *doc, const char *text) {
    assert_int_equal(sbs_json_parse(doc, text, strlen(text), tokens, TOKENS, NULL), SBS_OK);
}

static void reads_every_entry_of_an_answered_bundle(void **state) {
    static const char text[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":["
        "{\"response\":{\"status\":\"201 Created\",\"location\":\"Observation/1\"}},"
        "{\"response\":{\"status\":\"422\",\"outcome\":{\"resourceType\":\"OperationOutcome\"}}},"
        "{\"response\":{}},{\"response\":{\"status\":\"2000\"}},{\"response\":{\"status\":\"20 1\"}},"
        "{\"response\":{\"status\":201}},{\"response\":{\"status\":\"20\"}},{\"response\":{\"status\":\"  200 \"}},"
        "{\"response\":{\"status\":\"created\"}},{\"response\":{\"status\":\"OK\"}},{\"response\":{\"status\":\"Fine\"}"
        "},"
        "{\"response\":{\"status\":\"201.5\"}},{\"response\":{\"status\":\"No "
        "Content\"}},{\"response\":{\"status\":2e2}}]}";
    static const unsigned statuses[] = {201, 422, 0, 0, 0, 201, 0, 200, 201, 200, 0, 0, 204, 0};
    sbs_json doc;
    sbs_json_node node;
    sbs_bundle_answer entry;
    (void)state;
    read_doc(&doc, text);
    assert_int_equal(sbs_bundle_first_answer(&doc, &node), SBS_OK);
    for (size_t i = 0; i < SBS_COUNT_OF(statuses); i++) {
        assert_true(node != SBS_JSON_NONE);
        assert_int_equal(sbs_bundle_answer_read(&doc, node, &entry), SBS_OK);
        assert_int_equal(entry.status, statuses[i]);
        assert_int_equal(entry.location.ptr != NULL, i == 0);
        assert_int_equal(entry.outcome != SBS_JSON_NONE, i == 1);
        node = sbs_json_next(&doc, node);
    }
    assert_true(node == SBS_JSON_NONE);
}

static void an_entry_needs_a_response(void **state) {
    static const char *const entries[] = {"{}", "7", "{\"response\":7}", "{\"response\":{},\"response\":{}}"};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(entries); i++) {
        sbs_json doc;
        sbs_bundle_answer entry;
        read_doc(&doc, entries[i]);
        assert_int_equal(sbs_bundle_answer_read(&doc, 0, &entry), SBS_ERR_RESPONSE);
    }
}

static void tells_answered_bundles_from_others(void **state) {
    static const struct {
        const char *text;
        sbs_status status;
    } cases[] = {
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\"}", SBS_OK},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\",\"entry\":[]}", SBS_OK},
        {"{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[]}", SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"Bundle\"}", SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":{}}", SBS_ERR_RESPONSE},
        {"{\"resourceType\":\"OperationOutcome\",\"type\":\"batch-response\"}", SBS_ERR_RESPONSE},
        {"[]", SBS_ERR_RESPONSE},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_json doc;
        sbs_json_node node = 0;
        read_doc(&doc, cases[i].text);
        assert_int_equal(sbs_bundle_first_answer(&doc, &node), cases[i].status);
        assert_true(node == SBS_JSON_NONE);
    }
}

/* ---- CapabilityStatement -------------------------------------------------------------------------------------- */

static const char capability_text[] =
    "{\"resourceType\":\"CapabilityStatement\",\"rest\":[{\"mode\":\"client\",\"resource\":[{\"type\":\"Observation\","
    "\"conditionalCreate\":true}]},{\"mode\":\"server\",\"interaction\":[{\"code\":\"transaction\"}],\"resource\":["
    "{\"type\":\"Patient\",\"interaction\":[{\"code\":\"update\"}],\"updateCreate\":true},"
    "{\"type\":\"Observation\",\"interaction\":[{\"code\":\"read\"},{\"code\":\"create\"}],\"conditionalCreate\":true,"
    "\"updateCreate\":false}]}]}";

static void reads_what_a_server_says_of_a_type(void **state) {
    sbs_json doc;
    sbs_capability found;
    (void)state;
    read_doc(&doc, capability_text);
    assert_int_equal(sbs_capability_read(&doc, "Observation", &found), SBS_OK);
    assert_true(found.create && found.conditional_create && found.transaction);
    assert_false(found.update || found.update_create || found.batch);
    assert_int_equal(sbs_capability_read(&doc, "Patient", &found), SBS_OK);
    assert_true(found.update && found.update_create && found.transaction);
    assert_false(found.create || found.conditional_create);
    assert_int_equal(sbs_capability_read(&doc, "Device", &found), SBS_OK);
    assert_true(found.transaction);
    assert_false(found.create || found.update || found.update_create || found.conditional_create);
}

static void refuses_what_is_no_server_statement(void **state) {
    static const char *const others[] = {
        "{}",
        "[]",
        "{\"resourceType\":\"CapabilityStatement\"}",
        "{\"resourceType\":\"CapabilityStatement\",\"rest\":[{\"mode\":\"client\"}]}",
        "{\"resourceType\":\"Conformance\",\"rest\":[{\"mode\":\"server\"}]}",
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(others); i++) {
        sbs_json doc;
        sbs_capability found;
        read_doc(&doc, others[i]);
        assert_int_equal(sbs_capability_read(&doc, "Observation", &found), SBS_ERR_RESPONSE);
    }
}

/* The release of FHIR: a DSTU2 server has another resource for it, and some state none. */
static void reads_the_release_of_a_statement(void **state) {
    (void)state;
    static const struct {
        const char *json, *text;
        unsigned major;
        sbs_status status;
    } cases[] = {
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\"}", "4.0.1", 4, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.3.0\"}", "4.3.0", 4, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"3.0.2\"}", "3.0.2", 3, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"5\"}", "5", 5, SBS_OK},
        {"{\"resourceType\":\"Conformance\",\"fhirVersion\":\"1.0.2\"}", "1.0.2", 1, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"R4\"}", "R4", 0, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"\"}", "", 0, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"99999999999999999999.1\"}",
         "99999999999999999999.1", UINT_MAX, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":4}", "", 0, SBS_OK},
        {"{\"resourceType\":\"CapabilityStatement\"}", "", 0, SBS_OK},
        {"{\"resourceType\":\"Patient\",\"fhirVersion\":\"4.0.1\"}", "", 0, SBS_ERR_RESPONSE},
        {"[]", "", 0, SBS_ERR_RESPONSE},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_json_token few[8];
        sbs_json doc;
        sbs_text text;
        unsigned major = 77;
        assert_int_equal(sbs_json_parse(&doc, cases[i].json, strlen(cases[i].json), few, 8, NULL), SBS_OK);
        assert_int_equal(sbs_capability_version(&doc, &text, &major), cases[i].status);
        assert_int_equal(text.len, strlen(cases[i].text));
        assert_memory_equal(text.len > 0 ? text.ptr : "", cases[i].text, text.len);
        assert_int_equal(major, cases[i].major);
    }
}

#define SECURED(extension)                                                                                             \
    "{\"resourceType\":\"CapabilityStatement\",\"rest\":[{\"mode\":\"client\"},{\"mode\":\"server\","                  \
    "\"security\":{\"extension\":[{\"url\":\"x\"}," extension "]}}]}"
#define OAUTH "\"url\":\"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris\""

static void finds_the_token_url_of_a_statement(void **state) {
    (void)state;
    static const struct {
        const char *json, *url; /* NULL: none */
    } cases[] = {
        {SECURED("{" OAUTH ",\"extension\":[{\"url\":\"authorize\",\"valueUri\":\"https://a/1\"},"
                 "{\"url\":\"token\",\"valueUri\":\"https://a/2\"}]}"),
         "https://a/2"},
        {SECURED("{\"extension\":[{\"valueUri\":\"https:\\/\\/a\",\"url\":\"token\"}]," OAUTH "}"), "https:\\/\\/a"},
        {SECURED("{" OAUTH ",\"extension\":[{\"url\":\"token\",\"valueUri\":7}]}"), NULL},
        {SECURED("{" OAUTH ",\"extension\":[{\"url\":\"token\"}]}"), NULL},
        {SECURED("{" OAUTH "}"), NULL},
        {SECURED("{\"url\":\"y\",\"extension\":[{\"url\":\"token\",\"valueUri\":\"https://a\"}]}"), NULL},
        {"{\"rest\":[{\"mode\":\"server\"}]}", NULL},
        {"{}", NULL},
        {"[]", NULL},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_json_token few[48];
        sbs_json doc;
        assert_int_equal(sbs_json_parse(&doc, cases[i].json, strlen(cases[i].json), few, 48, NULL), SBS_OK);
        sbs_json_node node = sbs_capability_token_url(&doc);
        assert_int_equal(node == SBS_JSON_NONE, cases[i].url == NULL);
        if (cases[i].url != NULL) {
            sbs_text raw = sbs_json_raw(&doc, node);
            assert_int_equal(raw.len, strlen(cases[i].url));
            assert_memory_equal(raw.ptr, cases[i].url, raw.len);
        }
    }
}

static void words_are_cut_to_the_callers_memory(void **state) {
    (void)state;
    static const char json[] = "{\"title\":\"abc\",\"detail\":\"defg\"}";
    sbs_flat doc;
    char words[16];
    bool transient = true;
    assert_int_equal(sbs_flat_parse(&doc, json, sizeof json - 1), SBS_OK);
    for (size_t size = 1; size <= sizeof "abc: defg"; size++) {
        memset(words, '#', sizeof words);
        (void)!sbs_words_read(&doc, words, size, &transient);
        assert_false(transient);
        assert_int_equal(words[size], '#');
        assert_true(strlen(words) < size && strncmp(words, "abc: defg", strlen(words)) == 0);
    }
    assert_string_equal(words, "abc: defg");
    static const char mute[] = "{\"resourceType\":\"OperationOutcome\",\"issue\":[{}]}";
    assert_int_equal(sbs_flat_parse(&doc, mute, sizeof mute - 1), SBS_OK);
    assert_int_equal(sbs_words_read(&doc, words, sizeof words, &transient), SBS_OK);
    assert_string_equal(words, "{\"resourceType\"");
    assert_int_equal(sbs_flat_parse(&doc, "{}", 2), SBS_OK);
    assert_int_equal(sbs_words_read(&doc, words, sizeof words, &transient), SBS_ERR_NOT_FOUND);
    assert_string_equal(words, "");
}

static void further_errors_are_told_as_far_as_there_is_room(void **state) {
    (void)state;
    static const char json[] =
        "{\"resourceType\":\"OperationOutcome\",\"issue\":["
        "{\"severity\":\"warning\",\"code\":\"code-invalid\",\"diagnostics\":\"display\"},"
        "{\"severity\":\"error\",\"code\":\"required\",\"diagnostics\":\"A\"},"
        "{\"severity\":\"information\",\"code\":\"informational\"},"
        "{\"severity\":\"fatal\",\"code\":\"invariant\",\"expression\":[\"B.c\"],\"diagnostics\":\"vs-1\"}]}";
    static const char whole[] = "error required: A; invariant at B.c: vs-1";
    sbs_flat doc;
    bool transient;
    assert_int_equal(sbs_flat_parse(&doc, json, sizeof json - 1), SBS_OK);
    for (size_t size = 2; size <= sizeof whole; size++) {
        char words[sizeof whole];
        assert_int_equal(sbs_words_read(&doc, words, size, &transient), SBS_OK);
        assert_true(strlen(words) < size);
        assert_memory_equal(words, whole, 1);
        if (size == sizeof whole) {
            assert_string_equal(words, whole);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_outcomes),
        cmocka_unit_test(tells_other_bodies_apart),
        cmocka_unit_test(shortens_to_the_callers_memory),
        cmocka_unit_test(knows_fhir_ids_and_types),
        cmocka_unit_test(finds_type_and_id_in_a_location),
        cmocka_unit_test(refuses_other_locations),
        cmocka_unit_test(reads_every_entry_of_an_answered_bundle),
        cmocka_unit_test(an_entry_needs_a_response),
        cmocka_unit_test(tells_answered_bundles_from_others),
        cmocka_unit_test(reads_what_a_server_says_of_a_type),
        cmocka_unit_test(refuses_what_is_no_server_statement),
        cmocka_unit_test(reads_the_release_of_a_statement),
        cmocka_unit_test(finds_the_token_url_of_a_statement),
        cmocka_unit_test(words_are_cut_to_the_callers_memory),
        cmocka_unit_test(further_errors_are_told_as_far_as_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
