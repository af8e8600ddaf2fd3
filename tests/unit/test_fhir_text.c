/* SPDX-License-Identifier: Apache-2.0 */
/* Which characters the types of FHIR hold (R4 datatypes.html): each one in each place. */
#include <string.h>

#include "sbs/fhir.h"
#include "test.h"

static char buffer[128];

static bool takes(void (*put)(sbs_json_writer *, const char *, sbs_text), const char *text, size_t len) {
    sbs_writer out;
    sbs_json_writer json;
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_json_writer_init(&json, &out);
    sbs_json_begin_object(&json);
    put(&json, "x", (sbs_text){text, len});
    sbs_json_end_object(&json);
    return sbs_json_writer_finish(&json, NULL) == SBS_OK;
}

static void no_white_space_and_no_control_character(void **state) {
    (void)state;
    for (char c = 0; c < 0x7F; c++) {
        for (size_t at = 0; at < 3; at++) {
            char text[3] = {'a', 'b', 'c'};
            text[at] = c;
            assert_int_equal(takes(sbs_fhir_put_uri, text, 3), c > ' ');
            assert_int_equal(takes(sbs_fhir_put_code, text, 3), c > ' ' || (c == ' ' && at == 1));
        }
        bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        const char inside[3] = {'a', c, 'b'};
        assert_int_equal(takes(sbs_fhir_put_string, inside, 3), c > ' ' || blank);
        assert_int_equal(takes(sbs_fhir_put_string, &c, 1), c > ' ');
    }
    const char deleted[3] = {'a', 0x7F, 'b'};
    assert_false(takes(sbs_fhir_put_uri, deleted, 3));
    assert_false(takes(sbs_fhir_put_code, deleted, 3));
    assert_false(takes(sbs_fhir_put_uri, "", 0));
    assert_false(takes(sbs_fhir_put_code, "", 0));
    assert_false(takes(sbs_fhir_put_string, "", 0));
    assert_true(takes(sbs_fhir_put_code, "a b c", 5));
    assert_false(takes(sbs_fhir_put_code, "a  b", 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_white_space_and_no_control_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
