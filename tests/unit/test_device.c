/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/device.h"
#include "test.h"

static char text[1024];

static sbs_status put(const sbs_device *device, size_t size) {
    sbs_writer out;
    memset(text, 0, sizeof text);
    sbs_writer_init(&out, text, size);
    return sbs_device_put(&out, device);
}

static void writes_all_that_is_known_in_the_order_of_the_definition(void **state) {
    const sbs_device device = {
        .id = SBS_TEXT("sbs-1"),
        .identifier_system = SBS_TEXT(SBS_SYSTEM_EUI64),
        .identifier_value = SBS_TEXT("01-23-45-67-89-AB-CD-EF"),
        .status = SBS_TEXT("inactive"),
        .name = SBS_TEXT("a \"meter\""),
        .version = SBS_TEXT("1.2"),
        .demo = true,
    };
    (void)state;
    assert_int_equal(put(&device, sizeof text - 1), SBS_OK);
    assert_string_equal(
        text, "{\"resourceType\":\"Device\",\"id\":\"sbs-1\",\"meta\":{\"security\":[{\"system\":\""
              "http://terminology.hl7.org/CodeSystem/v3-ActReason\",\"code\":\"HTEST\"}]},\"identifier\":[{"
              "\"system\":\"urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680\",\"value\":\"01-23-45-67-89-AB-CD-EF\"}],"
              "\"status\":\"inactive\",\"deviceName\":[{\"name\":\"a \\\"meter\\\"\",\"type\":"
              "\"user-friendly-name\"}],\"version\":[{\"value\":\"1.2\"}]}");

    size_t len = strlen(text);
    assert_int_equal(put(&device, len), SBS_OK);
    assert_int_equal(put(&device, len - 1), SBS_ERR_BUFFER);
}

static void what_is_absent_is_not_written(void **state) {
    (void)state;
    assert_int_equal(put(&(sbs_device){.demo = false}, sizeof text - 1), SBS_OK);
    assert_string_equal(text, "{\"resourceType\":\"Device\",\"status\":\"active\"}");
}

static void refuses_what_r4_does_not_allow(void **state) {
    static const struct {
        sbs_device device;
        sbs_status status;
    } cases[] = {
        {{.id = {"a_b", 3}}, SBS_ERR_FORMAT},
        {{.id = {"", 0}}, SBS_ERR_FORMAT},
        {{.identifier_system = {"urn:x", 5}}, SBS_ERR_ARGUMENT},
        {{.identifier_system = {"urn x", 5}, .identifier_value = {"1", 1}}, SBS_ERR_FORMAT},
        {{.status = {"on", 2}}, SBS_ERR_FORMAT},
        {{.name = {" ", 1}}, SBS_ERR_FORMAT},
        {{.version = {"\001", 1}}, SBS_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(put(&cases[i].device, sizeof text - 1), cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_all_that_is_known_in_the_order_of_the_definition),
        cmocka_unit_test(what_is_absent_is_not_written),
        cmocka_unit_test(refuses_what_r4_does_not_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
