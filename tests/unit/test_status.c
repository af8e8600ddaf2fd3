/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/status.h"
#include "test.h"

typedef struct row {
    sbs_status status;
    const char *name;
    const char *sentence;
} row;

#define ROW(name, value, sentence) {name, #name, sentence},
static const row table[] = {SBS_STATUS_TABLE(ROW)};
#define COUNT SBS_COUNT_OF(table)

static void every_status_has_its_name_and_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        assert_string_equal(sbs_status_name(table[i].status), table[i].name);
        assert_string_equal(sbs_status_text(table[i].status), table[i].sentence);
        size_t len = strlen(table[i].sentence);
        assert_true(len > 0 && table[i].sentence[len - 1] != '.');
    }
}

static void values_and_sentences_are_unique(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(table[i].status, table[j].status);
            assert_string_not_equal(table[i].sentence, table[j].sentence);
        }
    }
}

/* Where enumerations are as short as their constants allow (the Arm EABI without an operating system), not every int is
 * a value of the type. */
static bool has_value(int value) {
    return (int)(sbs_status)value == value;
}

static void unknown_values_are_named_so(void **state) {
    static const int unknown[] = {3, 100, 2147483647, -8, -19, -23, -112, -128, -256, -257, -2147483647 - 1, 255, 256};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(unknown); i++) {
        if (has_value(unknown[i])) {
            assert_string_equal(sbs_status_text((sbs_status)unknown[i]), "unknown status");
            assert_string_equal(sbs_status_name((sbs_status)unknown[i]), "SBS_ERR_?");
        }
    }
}

static void groups_begin_and_end_where_the_header_says(void **state) {
    static const struct {
        int from, to;
        sbs_status_class group;
    } groups[] = {
        {2147483647, 0, SBS_CLASS_DONE}, {127, 0, SBS_CLASS_DONE},     {-1, -19, SBS_CLASS_FIX_CALL},
        {-20, -39, SBS_CLASS_BUFFER},    {-40, -59, SBS_CLASS_LATER},  {-60, -79, SBS_CLASS_PEER},
        {-80, -109, SBS_CLASS_OPERATOR}, {-110, -128, SBS_CLASS_ITEM}, {-110, -2147483647, SBS_CLASS_ITEM},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(groups); i++) {
        if (has_value(groups[i].from) && has_value(groups[i].to)) {
            assert_int_equal(sbs_status_group((sbs_status)groups[i].from), groups[i].group);
            assert_int_equal(sbs_status_group((sbs_status)groups[i].to), groups[i].group);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_name_and_sentence),
        cmocka_unit_test(values_and_sentences_are_unique),
        cmocka_unit_test(unknown_values_are_named_so),
        cmocka_unit_test(groups_begin_and_end_where_the_header_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
