/* SPDX-License-Identifier: Apache-2.0 */
/* The line editor of the console, and what abuse does to it. */
#include <string.h>

#include "meter_line.h"
#include "test.h"

static meter_line line;
static char shown[8192];
static sbs_writer echo;

static int set_up(void **state) {
    (void)state;
    memset(&line, 0, sizeof line);
    memset(shown, 0, sizeof shown);
    sbs_writer_init(&echo, shown, sizeof shown - 1);
    return 0;
}

/* True if the last byte completed a line; earlier ones must not. */
static bool type(const char *text) {
    bool done = false;
    for (; *text != '\0'; text++) {
        assert_false(done);
        done = meter_line_take(&line, *text, &echo);
    }
    return done;
}

static void a_line_ends_with_cr_lf_or_both(void **state) {
    (void)state;
    assert_false(type("status"));
    assert_true(type("\r"));
    assert_string_equal(line.text, "status");
    assert_string_equal(shown, "status\n");
    meter_line_clear(&line);
    assert_false(type("\n")); /* of CR LF */
    assert_true(type("x\n"));
    assert_string_equal(line.text, "x");
    meter_line_clear(&line);
    assert_true(type("\n"));
    assert_string_equal(line.text, "");
}

static void a_line_can_be_edited(void **state) {
    (void)state;
    assert_true(type("\b\x7Fstaz\x7Ftus\b\b\b\b\b\b\b\bok\n"));
    assert_string_equal(line.text, "ok");
    meter_line_clear(&line);
    assert_true(type("half\x03whole\n"));
    assert_string_equal(line.text, "whole");
    meter_line_clear(&line);
    assert_true(type("half\x15whole\n"));
    assert_string_equal(line.text, "whole");
    meter_line_clear(&line);
    assert_true(type("a\x1B[A\tb\xC3\xA9\x01\n"));
    assert_string_equal(line.text, "a[Ab");
}

static void a_line_that_is_too_long_is_told(void **state) {
    (void)state;
    for (unsigned i = 0; i < METER_LINE_SIZE - 1; i++) {
        assert_false(meter_line_take(&line, 'x', &echo));
    }
    assert_false(line.too_long);
    for (unsigned i = 0; i < 5000; i++) {
        assert_false(meter_line_take(&line, 'y', NULL));
    }
    assert_true(line.too_long);
    assert_int_equal(strlen(line.text), METER_LINE_SIZE - 1);
    assert_true(type("\n"));
    assert_true(line.too_long);
    meter_line_clear(&line);
    assert_false(line.too_long);
    assert_true(type("ok\n"));
    assert_string_equal(line.text, "ok");
}

static void noise_on_the_wire_is_no_text(void **state) {
    (void)state;
    uint32_t random = 1;
    for (unsigned i = 0; i < 200000; i++) {
        random = random * 1664525u + 1013904223u;
        if (meter_line_take(&line, (char)(random >> 24), NULL)) {
            for (const char *c = line.text; *c != '\0'; c++) {
                assert_true(*c >= 0x20 && *c < 0x7F);
            }
            meter_line_clear(&line);
        }
        assert_int_equal(line.len, strlen(line.text));
        assert_true(line.len < METER_LINE_SIZE);
    }
}

static void a_line_is_split_at_spaces(void **state) {
    (void)state;
    const char *words[METER_WORDS_MAX];
    char text[] = "  provision data  0 abc x ";
    assert_int_equal(meter_line_split(text, words), 5);
    assert_string_equal(words[0], "provision");
    assert_string_equal(words[4], "x");
    char many[] = "1 2 3 4 5 6 7";
    assert_int_equal(meter_line_split(many, words), METER_WORDS_MAX + 1);
    char none[] = "   ";
    assert_int_equal(meter_line_split(none, words), 0);
    char five[] = "1 2 3 4 5";
    assert_int_equal(meter_line_split(five, words), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_ends_with_cr_lf_or_both, set_up),
        cmocka_unit_test_setup(a_line_can_be_edited, set_up),
        cmocka_unit_test_setup(a_line_that_is_too_long_is_told, set_up),
        cmocka_unit_test_setup(noise_on_the_wire_is_no_text, set_up),
        cmocka_unit_test_setup(a_line_is_split_at_spaces, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
