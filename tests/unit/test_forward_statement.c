/* SPDX-License-Identifier: Apache-2.0 */
/* What a CapabilityStatement says of writing, read once. */
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "sbs/count.h"
#include "sbs/forward_statement.h"
#include "test.h"

static sbs_forward_statement statement;

static sbs_status read_text(const char *text) {
    sbs_forward_json json = {0};
    assert_int_equal(sbs_forward_json_parse(&json, TEXT(text), NULL), SBS_OK);
    sbs_status status = sbs_forward_statement_read(&statement, &json.doc);
    sbs_forward_json_free(&json);
    return status;
}

#define STATEMENT(rest) "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[" rest "]}"
#define SERVER(members) "{\"mode\":\"server\"," members "}"

static void types_are_told_apart(void **state) {
    (void)state;
    assert_int_equal(
        read_text(STATEMENT("{\"mode\":\"client\",\"resource\":[{\"type\":\"Patient\",\"updateCreate\":true}]}," SERVER(
            "\"interaction\":[{\"code\":\"transaction\"}],\"resource\":["
            "{\"type\":\"Observation\",\"updateCreate\":true,\"interaction\":[{\"code\":\"update\"}]},"
            "{\"type\":\"Device\",\"conditionalCreate\":true,\"interaction\":[{\"code\":\"create\"}]},"
            "{\"type\":\"Observation\",\"conditionalCreate\":true},{\"type\":\"../x\"},{\"type\":7},{},3]"))),
        SBS_OK);
    assert_string_equal(statement.release, "4.0.1");
    assert_int_equal(statement.major, 4);
    sbs_capability can = sbs_forward_statement_of(&statement, "Observation"); /* the first that names it */
    assert_true(can.update && can.update_create && can.transaction);
    assert_false(can.create || can.conditional_create || can.batch);
    can = sbs_forward_statement_of(&statement, "Device");
    assert_true(can.create && can.conditional_create);
    can = sbs_forward_statement_of(&statement, "Patient");
    assert_false(can.create || can.update_create);
    assert_true(sbs_forward_statement_is_safe(&statement));
    assert_string_equal(sbs_forward_statement_at(&statement, 0)->name, "Observation");
    assert_string_equal(sbs_forward_statement_at(&statement, 1)->name, "Device");
    assert_null(sbs_forward_statement_at(&statement, 2));
}

static void what_is_no_statement_of_a_server_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"resourceType\":\"Patient\"}",
        STATEMENT(""),
        STATEMENT("{\"mode\":\"client\"}"),
        "{\"resourceType\":\"CapabilityStatement\",\"rest\":{}}",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        assert_int_equal(read_text(texts[i]), SBS_ERR_RESPONSE);
        assert_null(sbs_forward_statement_at(&statement, 0));
    }
    assert_int_equal(read_text(STATEMENT(SERVER("\"resource\":[]"))), SBS_OK);
    assert_false(sbs_forward_statement_is_safe(&statement));
}

static void there_is_room_for_a_bounded_number_of_types(void **state) {
    (void)state;
    const sbs_capability can = {.create = true};
    sbs_forward_statement_free(&statement);
    for (unsigned i = 0; i < SBS_FORWARD_TYPES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "T%c%c%c", 'a' + (int)(i / 676), 'a' + (int)(i / 26 % 26),
                       'a' + (int)(i % 26));
        assert_int_equal(sbs_forward_statement_add(&statement, TEXT(name), &can), SBS_OK);
    }
    assert_int_equal(sbs_forward_statement_add(&statement, TEXT("Observation"), &can), SBS_ERR_BUFFER);
    assert_int_equal(sbs_forward_statement_add(&statement, TEXT("Taaa"), &can), SBS_OK);
    assert_int_equal(sbs_forward_statement_add(&statement, TEXT("a b"), &can), SBS_ERR_ARGUMENT);
    sbs_forward_statement copy = {0};
    assert_int_equal(sbs_forward_statement_copy(&copy, &statement), SBS_OK);
    assert_true(sbs_forward_statement_of(&copy, "Taaz").create);
    sbs_forward_statement_free(&copy);
    sbs_forward_statement_free(&statement);
    sbs_forward_statement_free(&statement);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_told_apart),
        cmocka_unit_test(what_is_no_statement_of_a_server_is_refused),
        cmocka_unit_test(there_is_room_for_a_bounded_number_of_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
