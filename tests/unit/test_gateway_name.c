/* SPDX-License-Identifier: Apache-2.0 */
/* What an Observation is known by: its identifiers, a condition that names one of them, and those of other devices. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sbs/forward_resource.h"
#include "sqlite_gate.h"
#include "sqlite_rig.h"
#include "test.h"

#define JSON "Content-Type: application/fhir+json"

/* With the name of another's measurement the server would take that one for stored. */
static void a_device_cannot_take_the_name_that_another_was_given(void **state) {
    static const char form[] = "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"t\"},"
                               "\"identifier\":[{\"value\":\"x\"},{\"system\":\"%s\",\"value\":\"%s%s\"}]}";
    static const char escaped[] = "\\u0075rn:uuid:8bbb00c7-ba88-4260-a960-14206b12d528";
    const char *hash = "0c12d1e09566e29f03b3287cb6c49838c80c6d6f";
    static const char *const others[] = {"clinic-12/other/", "clinic-13/meter/", "clinic-12/meter", "", NULL};
    char text[1024];
    (void)state;
    for (size_t i = 0; others[i] != NULL; i++) {
        (void)snprintf(text, sizeof text, form, i == 1 ? escaped : SBS_FORWARD_SYSTEM_GATEWAY, others[i], hash);
        assert_int_equal(gate_post(0, text), 422);
        gate_assert_outcome("forbidden", "was not given");
        assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/x", JSON, text), 422);
    }
    assert_int_equal(gate_waiting(), 0);

    /* Its own, as it got it back, and what only looks like one. */
    (void)snprintf(text, sizeof text, form, SBS_FORWARD_SYSTEM_GATEWAY, "clinic-12/meter/", hash);
    assert_int_equal(gate_post(0, text), 201);
    (void)snprintf(text, sizeof text, form, "urn:x", "clinic-12/other/", hash);
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/y", JSON, text), 201);
}

static void a_condition_names_an_identifier_however_it_is_written(void **state) {
    static const char *const good[] = {
        "identifier=urn:meter|7+1",
        "identifier=urn%3Ameter%7C7%2B1",
        "Observation?identifier=urn%3Ameter%7C7%2B1",
        "https://gw:8443/fhir/Observation?identifier=urn:meter|7+1",
        "identifier=urn%253Ameter%257C7%252B1", /* encoded twice */
        "identifier=urn%3Ameter|7+1",
        "identifier=7%2B1",
        NULL,
    };
    static const char *const bad[] = {"identifier=urn:meter|8", "code=x", "identifier=", "identifier=%", "x", NULL};
    char fields[256];
    (void)state;

    for (size_t i = 0; good[i] != NULL; i++) {
        (void)snprintf(fields, sizeof fields, JSON "\nIf-None-Exist: %s", good[i]);
        unsigned status = gate_ask(0, "POST", "/fhir/Observation", fields, gate_observation("7+1", ""));
        assert_int_equal(status, i == 0 ? 201 : 200);
    }
    assert_int_equal(gate_post(0, gate_observation("7+1", "")), 200);
    for (size_t i = 0; bad[i] != NULL; i++) {
        (void)snprintf(fields, sizeof fields, JSON "\nIf-None-Exist: %s", bad[i]);
        assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", fields, gate_observation("7+1", "")), 422);
    }
    assert_int_equal(gate_waiting(), 1);
}

/* Thousands of identifiers and a condition full of what can be decoded: each is looked at once. */
static void many_identifiers_beside_a_condition_take_no_time(void **state) {
    static char text[SBS_GATEWAY_RESOURCE_MAX + 1];
    char fields[1200] = JSON "\nIf-None-Exist: identifier=";
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                  "\"code\":{\"text\":\"t\"},\"identifier\":[{\"value\":\"a\"}");
    (void)state;
    for (int i = 0; i < 17000; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, ",{\"value\":\"a\"}");
    }
    (void)snprintf(text + len, sizeof text - len, "]}");
    for (int i = 0; i < 200; i++) {
        strcat(fields, "%2525");
    }

    clock_t start = clock();
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\nIf-None-Exist: identifier=b", text), 422);
    clock_t plain = clock() - start;
    start = clock();
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", fields, text), 422);
    gate_assert_outcome("not-supported", "If-None-Exist names no identifier");
    clock_t decoded = clock() - start;
    assert_true(decoded < 3 * plain + CLOCKS_PER_SEC / 50);
}

int main(void) {
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, gate_set_up, gate_tear_down)
    const struct CMUnitTest tests[] = {
        GATE_TEST(a_device_cannot_take_the_name_that_another_was_given),
        GATE_TEST(a_condition_names_an_identifier_however_it_is_written),
        GATE_TEST(many_identifiers_beside_a_condition_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
