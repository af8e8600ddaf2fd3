/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/bundle.h"
#include "sbs/count.h"
#include "test.h"

static sbs_json_token tokens[128];

static sbs_json parsed(const char *text) {
    sbs_json doc;
    assert_int_equal(sbs_json_parse(&doc, text, strlen(text), tokens, SBS_COUNT_OF(tokens), NULL), SBS_OK);
    return doc;
}

#define SEARCHSET(rest) "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"" rest "}"

static const char page[] =
    SEARCHSET(",\"total\":2,\"link\":[{\"relation\":\"self\",\"url\":\"https://h/a\"},{\"relation\":\"next\",\"url\":"
              "\"https://h/b\"}],\"entry\":["
              "{\"resource\":{\"resourceType\":\"Patient\"},\"search\":{\"mode\":\"include\"}},"
              "{\"resource\":{\"resourceType\":\"Observation\",\"id\":\"1\"},\"search\":{\"mode\":\"match\"}},"
              "{\"resource\":{\"resourceType\":\"OperationOutcome\"},\"search\":{\"mode\":\"outcome\"}},"
              "{\"fullUrl\":\"https://h/Observation/3\"},"
              "{\"resource\":{\"resourceType\":\"Observation\",\"id\":\"2\"}},"
              "{\"resource\":{\"resourceType\":\"OperationOutcome\"}}]");

static void assert_id(const sbs_json *doc, sbs_json_node resource, const char *id) {
    sbs_json_node node;
    assert_int_equal(sbs_json_member(doc, resource, "id", &node), SBS_OK);
    assert_true(sbs_json_equals(doc, node, id));
}

static void finds_the_matches_and_passes_over_the_rest(void **state) {
    sbs_json doc = parsed(page);
    sbs_json_node entry;
    sbs_json_node resource;
    (void)state;
    assert_int_equal(sbs_bundle_first_match(&doc, &entry, &resource), SBS_OK);
    assert_id(&doc, resource, "1");
    entry = sbs_bundle_next_match(&doc, entry, &resource);
    assert_true(entry != SBS_JSON_NONE);
    assert_id(&doc, resource, "2");
    assert_true(sbs_bundle_next_match(&doc, entry, &resource) == SBS_JSON_NONE);
    assert_true(resource == SBS_JSON_NONE);
}

static void a_search_without_a_match_is_no_error(void **state) {
    static const char *const texts[] = {
        SEARCHSET(""),
        SEARCHSET(",\"entry\":[]"),
        SEARCHSET(",\"entry\":[{\"resource\":7},{}]"),
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        sbs_json doc = parsed(texts[i]);
        sbs_json_node entry = 0;
        sbs_json_node resource = 0;
        assert_int_equal(sbs_bundle_first_match(&doc, &entry, &resource), SBS_OK);
        assert_true(entry == SBS_JSON_NONE);
        assert_true(resource == SBS_JSON_NONE);
        assert_true(sbs_bundle_next_match(&doc, entry, &resource) == SBS_JSON_NONE);
        assert_true(sbs_bundle_next_page(&doc) == SBS_JSON_NONE);
    }
}

static void other_documents_are_refused(void **state) {
    static const char *const texts[] = {
        "[]",
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[]}",
        "{\"resourceType\":\"Bundle\"}",
        "{\"resourceType\":\"Parameters\",\"type\":\"searchset\"}",
        SEARCHSET(",\"entry\":{}"),
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        sbs_json doc = parsed(texts[i]);
        sbs_json_node entry = 0;
        sbs_json_node resource = 0;
        assert_int_equal(sbs_bundle_first_match(&doc, &entry, &resource), SBS_ERR_RESPONSE);
        assert_true(entry == SBS_JSON_NONE);
        assert_true(resource == SBS_JSON_NONE);
    }
}

static void the_next_page_is_the_link_of_that_name(void **state) {
    sbs_json doc = parsed(page);
    (void)state;
    assert_true(sbs_json_equals(&doc, sbs_bundle_next_page(&doc), "https://h/b"));
    doc = parsed(SEARCHSET(",\"link\":[{\"relation\":\"self\",\"url\":\"https://h/a\"}]"));
    assert_true(sbs_bundle_next_page(&doc) == SBS_JSON_NONE);
    doc = parsed(SEARCHSET(",\"link\":[{\"relation\":\"next\"}]"));
    assert_true(sbs_bundle_next_page(&doc) == SBS_JSON_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_matches_and_passes_over_the_rest),
        cmocka_unit_test(a_search_without_a_match_is_no_error),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(the_next_page_is_the_link_of_that_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
