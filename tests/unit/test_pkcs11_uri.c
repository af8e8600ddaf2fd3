/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/pkcs11_uri.h"
#include "test.h"

static sbs_pkcs11_uri uri;
static const char *words;

static void reads_what_p11tool_prints(void **state) {
    (void)state;
    assert_int_equal(
        sbs_pkcs11_uri_parse("pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=2d8f7d5368bfc01f;"
                             "token=Lab%20one;id=%a3%01%00;object=device-17;type=private",
                             &uri, &words),
        SBS_OK);
    assert_null(words);
    assert_string_equal(uri.model, "SoftHSM v2");
    assert_string_equal(uri.manufacturer, "SoftHSM project");
    assert_string_equal(uri.serial, "2d8f7d5368bfc01f");
    assert_string_equal(uri.token, "Lab one");
    assert_string_equal(uri.object, "device-17");
    assert_int_equal(uri.id_len, 3);
    assert_memory_equal(uri.id, "\xa3\x01\x00", 3);
    assert_true(uri.slot_id == SBS_PKCS11_SLOT_ANY);
    assert_string_equal(uri.module_path, "");
}

static void reads_where_module_and_pin_are(void **state) {
    (void)state;
    assert_int_equal(
        sbs_pkcs11_uri_parse("PKCS11:object=a;slot-id=18?module-path=/usr/lib/x%20y.so&pin-source=file:/etc/pin", &uri,
                             &words),
        SBS_OK);
    assert_string_equal(uri.module_path, "/usr/lib/x y.so");
    assert_string_equal(uri.pin_source, "/etc/pin");
    assert_int_equal(uri.slot_id, 18);
    assert_int_equal(
        sbs_pkcs11_uri_parse("pkcs11:object=a&b?pin-source=file:///p?q&module-name=opensc-pkcs11", &uri, &words),
        SBS_OK);
    assert_string_equal(uri.object, "a&b");
    assert_string_equal(uri.pin_source, "/p?q");
    assert_string_equal(uri.module_name, "opensc-pkcs11");
}

static void refuses_what_could_choose_another_key(void **state) {
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"pkcs12:object=a", "does not begin"},
        {"pkcs11:", "the part before ?"},
        {"pkcs11:token=a", "names no key"},
        {"pkcs11:object=a;", "the part before ?"},
        {"pkcs11:object=a;;id=%01", "the part before ?"},
        {"pkcs11:object=", "object:"},
        {"pkcs11:object", "object:"},
        {"pkcs11:object=a;object=b", "twice"},
        {"pkcs11:object=a b", "object:"},
        {"pkcs11:object=a%0", "object:"},
        {"pkcs11:object=a%", "object:"},
        {"pkcs11:object=a%0g", "object:"},
        {"pkcs11:object=a%00b", "object:"},
        {"pkcs11:object=a%0Ab", "object:"},
        {"pkcs11:id=", "id:"},
        {"pkcs11:id=%1", "id:"},
        {"pkcs11:object=a;token=123456789012345678901234567890123", "token:"},
        {"pkcs11:object=a;serial=12345678901234567", "serial:"},
        {"pkcs11:object=a;model=12345678901234567", "model:"},
        {"pkcs11:object=a;slot-id=1x", "slot-id:"},
        {"pkcs11:object=a;slot-id=1234567890123456789", "slot-id:"},
        {"pkcs11:object=a;type=public", "type:"},
        {"pkcs11:object=a;type=privatee", "type:"},
        {"pkcs11:object=a;library-version=1", "the part before ?"},
        {"pkcs11:object=a;x-own=1", "the part before ?"},
        {"pkcs11:object=a;pin-source=/p", "the part before ?"},
        {"pkcs11:object=a?", "the part behind ?"},
        {"pkcs11:object=a?pin-value=1234", "list of processes"},
        {"pkcs11:object=a?pin-source=p", "pin-source:"},
        {"pkcs11:object=a?pin-source=|/bin/cat", "pin-source:"},
        {"pkcs11:object=a?pin-source=file://host/p", "pin-source:"},
        {"pkcs11:object=a?pin-source=file:p", "pin-source:"},
        {"pkcs11:object=a?module-path=softhsm.so", "module-path:"},
        {"pkcs11:object=a?module-name=../softhsm", "module-name:"},
        {"pkcs11:object=a?module-name=.hidden", "module-name:"},
        {"pkcs11:object=a?module-name=a&module-path=/a", "both"},
        {"pkcs11:object=a?module-path=/a?module-path=/b", NULL}, /* a question mark is a character of a path */
        {"pkcs11:object=a?object=b", "the part behind ?"},
        {"pkcs11:object=\xc3\xa4", "object:"},
    };
    (void)state;

    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_status status = sbs_pkcs11_uri_parse(cases[i].text, &uri, &words);
        if (cases[i].words == NULL) {
            assert_int_equal(status, SBS_OK);
            continue;
        }
        if (status != SBS_ERR_FORMAT || strstr(words, cases[i].words) == NULL) {
            fail_msg("%s: %d, %s", cases[i].text, status, words == NULL ? "no words" : words);
        }
    }
}

static void takes_values_up_to_their_limits(void **state) {
    char text[4096] = "pkcs11:id=";
    (void)state;
    for (int i = 0; i < 255; i++) {
        strcat(text, "%ff");
    }
    assert_int_equal(sbs_pkcs11_uri_parse(text, &uri, &words), SBS_OK);
    assert_int_equal(uri.id_len, 255);
    strcat(text, "%ff");
    assert_int_equal(sbs_pkcs11_uri_parse(text, &uri, &words), SBS_ERR_FORMAT);
    assert_int_equal(
        sbs_pkcs11_uri_parse("pkcs11:object=a;token=12345678901234567890123456789012;serial=1234567890123456", &uri,
                             &words),
        SBS_OK);
}

static void tells_a_uri_from_a_file(void **state) {
    (void)state;
    assert_true(sbs_pkcs11_uri_is("pkcs11:"));
    assert_true(sbs_pkcs11_uri_is("PKCS11:object=a"));
    assert_false(sbs_pkcs11_uri_is("./pkcs11:object"));
    assert_false(sbs_pkcs11_uri_is("pkcs11"));
    assert_false(sbs_pkcs11_uri_is(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_p11tool_prints),
        cmocka_unit_test(reads_where_module_and_pin_are),
        cmocka_unit_test(refuses_what_could_choose_another_key),
        cmocka_unit_test(takes_values_up_to_their_limits),
        cmocka_unit_test(tells_a_uri_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
