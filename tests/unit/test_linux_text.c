/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/linux_text.h"
#include "test.h"

static void assert_clean(const char *text, const char *expected) {
    char buffer[128];
    const size_t len = strlen(text);
    assert_true(len < sizeof buffer);
    memcpy(buffer, text, len);
    const size_t kept = sbs_linux_clean_text(buffer, len);
    assert_true(kept <= len);
    buffer[kept] = '\0';
    assert_string_equal(buffer, expected);
}

static void test_text_stays(void **state) {
    (void)state;
    assert_clean("", "");
    assert_clean("plain ~!", "plain ~!");
    assert_clean("Gr\xc3\xbc\xc3\x9f"
                 "e \xe2\x82\xac \xf0\x9f\x98\x80 \xd7\x90",
                 "Gr\xc3\xbc\xc3\x9f"
                 "e \xe2\x82\xac \xf0\x9f\x98\x80 \xd7\x90");
}

static void test_controls(void **state) {
    (void)state;
    assert_clean("a\tb\nc\rd\x1b[31me\x7f", "a?b?c?d?[31me?");
    assert_clean("\xc2\x9b"
                 "31m\xc2\x80\xc2\x9f\xc2\xa0",
                 "?31m??\xc2\xa0"); /* C1 as UTF-8; the no-break space is none */
    char nul[] = "a\0b";
    assert_int_equal(sbs_linux_clean_text(nul, 3), 3);
    assert_memory_equal(nul, "a?b", 3);
}

static void test_what_turns_the_order(void **state) {
    (void)state;
    static const char *const controls[] = {
        "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae",    "\xe2\x81\xa6",
        "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9", "\xe2\x80\x8e", "\xe2\x80\x8f",    "\xd8\x9c",
        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\x8b", "\xef\xbb\xbf", "\xf3\xa0\x80\x81"};
    for (size_t i = 0; i < SBS_COUNT_OF(controls); i++) {
        assert_clean(controls[i], "?");
    }
}

static void test_no_utf8(void **state) {
    (void)state;
    assert_clean("\x9b"
                 "31m\x80\xff",
                 "?31m??");    /* C1 and others as single bytes */
    assert_clean("\xc3", "?"); /* cut off */
    assert_clean("\xe2\x82", "??");
    assert_clean("\xc0\xaf", "??"); /* overlong */
    assert_clean("\xe0\x80\xaf", "???");
    assert_clean("\xed\xa0\x80", "???"); /* a surrogate */
    assert_clean("\xf4\x90\x80\x80", "????");
    assert_clean("\xc3\xbc\xfc", "\xc3\xbc?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_stays),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_what_turns_the_order),
        cmocka_unit_test(test_no_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
