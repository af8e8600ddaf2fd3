/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/json.h"
#include "test.h"

typedef struct sheet {
    char text[512];
    sbs_writer out;
    sbs_json_writer json;
} sheet;

static sbs_json_writer *start(sheet *s) {
    sbs_writer_init(&s->out, s->text, sizeof s->text);
    sbs_json_writer_init(&s->json, &s->out);
    return &s->json;
}

static void assert_written(sheet *s, const char *expected) {
    size_t len;
    assert_int_equal(sbs_json_writer_finish(&s->json, &len), SBS_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(s->text, expected, len);
}

static void assert_error(sheet *s, sbs_status expected) {
    assert_int_equal(sbs_json_writer_finish(&s->json, NULL), expected);
}

static void containers_and_scalars_are_written(void **state) {
    sheet s;
    sbs_json_writer *json = start(&s);
    (void)state;
    sbs_json_begin_object(json);
    sbs_json_key(json, "a");
    sbs_json_begin_array(json);
    sbs_json_put_uint(json, UINT64_MAX);
    sbs_json_put_int(json, INT64_MIN);
    sbs_json_put_raw(json, sbs_text_of("true"));
    sbs_json_put_raw(json, sbs_text_of("false"));
    sbs_json_put_raw(json, sbs_text_of("36.50"));
    sbs_json_begin_object(json);
    sbs_json_end_object(json);
    sbs_json_begin_array(json);
    sbs_json_end_array(json);
    sbs_json_end_array(json);
    sbs_json_member_text(json, "b", sbs_text_of("c"));
    sbs_json_member_text(json, "absent", sbs_text_of(NULL));
    sbs_json_member_text(json, "empty", sbs_text_of(""));
    sbs_json_key(json, "d");
    sbs_json_put_string(json, "e");
    sbs_json_end_object(json);
    assert_written(&s, "{\"a\":[18446744073709551615,-9223372036854775808,true,false,36.50,{},[]],\"b\":\"c\","
                       "\"empty\":\"\",\"d\":\"e\"}");
}

static void each_item_has_a_line_where_people_read_it(void **state) {
    sheet s;
    sbs_json_writer *json = start(&s);
    (void)state;
    sbs_json_writer_indent(json, 1);
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "a", sbs_text_of("{b}"));
    sbs_json_key(json, "c");
    sbs_json_begin_array(json);
    sbs_json_put_uint(json, 1);
    sbs_json_begin_object(json);
    sbs_json_end_object(json);
    sbs_json_end_array(json);
    sbs_json_end_object(json);
    assert_written(&s, "{\n    \"a\": \"{b}\",\n    \"c\": [\n      1,\n      {}\n    ]\n  }");
}

static void any_value_may_be_the_root(void **state) {
    sheet s;
    (void)state;
    sbs_json_put_string(start(&s), "x");
    assert_written(&s, "\"x\"");
    sbs_json_put_uint(start(&s), 7);
    assert_written(&s, "7");
}

/* What Python's json.dumps(text, ensure_ascii=False) writes. */
static void what_needs_an_escape_has_one(void **state) {
    sheet s;
    (void)state;
    sbs_json_put_string(start(&s), "\"\\/\b\f\n\r\t\x01\x0b\x0e\x1f\x20\x7f");
    assert_written(&s, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u000b\\u000e\\u001f \x7f\"");
    sbs_json_put_string(start(&s), "a\nb\n");
    assert_written(&s, "\"a\\nb\\n\"");
    sbs_json_put_string(start(&s), "\n\n");
    assert_written(&s, "\"\\n\\n\"");
    sbs_json_put_string(start(&s),
                        "\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf");
    assert_written(&s,
                   "\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"");
    sbs_json_begin_object(start(&s));
    sbs_json_member_text(&s.json, "\"\n", sbs_text_of("x"));
    sbs_json_end_object(&s.json);
    assert_written(&s, "{\"\\\"\\n\":\"x\"}");
}

static void every_control_character_is_escaped(void **state) {
    (void)state;
    for (int c = 1; c < 0x20; c++) {
        static const char short_forms[] = "\b\f\n\r\t";
        static const char letters[] = "bfnrt";
        char text[2] = {(char)c, '\0'};
        char expected[16] = "\"\\u00";
        const char *found = strchr(short_forms, c);
        if (found != NULL) {
            expected[2] = letters[found - short_forms];
            expected[3] = '\0';
        } else {
            expected[5] = c < 16 ? '0' : '1';
            expected[6] = "0123456789abcdef"[c % 16];
            expected[7] = '\0';
        }
        strcat(expected, "\"");
        sheet s;
        sbs_json_put_string(start(&s), text);
        assert_written(&s, expected);
    }
}

static void what_is_no_text_is_refused(void **state) {
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe1\x80",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xe1\x80\xc0",
        "\xf8\x88\x80\x80\x80",
    };
    sheet s;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        sbs_json_put_string(start(&s), bad[i]);
        assert_error(&s, SBS_ERR_FORMAT);
    }
    sbs_json_put_text(start(&s), (sbs_text){"a\0b", 3});
    assert_error(&s, SBS_ERR_FORMAT);
    sbs_json_begin_object(start(&s));
    sbs_json_key(&s.json, "\xff");
    sbs_json_put_uint(&s.json, 1);
    sbs_json_end_object(&s.json);
    assert_error(&s, SBS_ERR_FORMAT);
}

/* Letters are calls: { } [ ] containers, k key, v value. */
static void perform(sbs_json_writer *json, const char *calls) {
    for (; *calls != '\0'; calls++) {
        switch (*calls) {
        case '{':
            sbs_json_begin_object(json);
            break;
        case '}':
            sbs_json_end_object(json);
            break;
        case '[':
            sbs_json_begin_array(json);
            break;
        case ']':
            sbs_json_end_array(json);
            break;
        case 'k':
            sbs_json_key(json, "k");
            break;
        default:
            sbs_json_put_uint(json, 1);
            break;
        }
    }
}

static void misuse_is_told(void **state) {
    static const char *const wrong[] = {"",    "{",   "[",    "}",     "]",    "{]",   "[}",    "k",
                                        "vv",  "{v}", "[k]",  "[kv]",  "{k}",  "{kk",  "{kkv}", "{}v",
                                        "[]]", "{}k", "{k{}", "{kvv}", "[]{}", "{k[}", "[[]",   "{{}}"};
    sheet s;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(wrong); i++) {
        perform(start(&s), wrong[i]);
        assert_error(&s, SBS_ERR_STATE);
    }
}

static void right_use_is_told_from_misuse(void **state) {
    static const char *const right[] = {"v",      "{}",       "[]",       "[vv]",       "{kv}",
                                        "{kvkv}", "{k{}k[]}", "[[][]{}]", "[{kv}{kv}v]"};
    static const char *const text[] = {"1",
                                       "{}",
                                       "[]",
                                       "[1,1]",
                                       "{\"k\":1}",
                                       "{\"k\":1,\"k\":1}",
                                       "{\"k\":{},\"k\":[]}",
                                       "[[],[],{}]",
                                       "[{\"k\":1},{\"k\":1},1]"};
    sheet s;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(right); i++) {
        perform(start(&s), right[i]);
        assert_written(&s, text[i]);
    }
}

static void nest(sbs_json_writer *json, int levels) {
    for (int i = 0; i < levels; i++) {
        perform(json, i % 2 == 0 ? "[" : "{k");
    }
    if (levels % 2 == 0) {
        sbs_json_put_uint(json, 1);
    }
    for (int i = levels - 1; i >= 0; i--) {
        perform(json, i % 2 == 0 ? "]" : "}");
    }
}

static void levels_end_at_the_limit(void **state) {
    sheet s;
    size_t len;
    (void)state;
    nest(start(&s), 31);
    assert_int_equal(sbs_json_writer_finish(&s.json, &len), SBS_OK);
    assert_int_equal(len, 31 * 2 + 15 * 4);
    nest(start(&s), 32);
    assert_error(&s, SBS_ERR_STATE);
}

static void an_exact_fit_is_written_and_one_short_is_told(void **state) {
    static const char calls[] = "{k[vvv]kv}";
    static const char expected[] = "{\"k\":[1,1,1],\"k\":1}";
    size_t needed = strlen(expected);
    (void)state;
    for (size_t size = 0; size <= needed; size++) {
        char *text = malloc(size + 1);
        size_t len;
        sbs_writer out;
        sbs_json_writer json;
        sbs_writer_init(&out, text, size);
        sbs_json_writer_init(&json, &out);
        perform(&json, calls);
        assert_int_equal(sbs_json_writer_finish(&json, &len), size == needed ? SBS_OK : SBS_ERR_BUFFER);
        assert_int_equal(len, needed);
        assert_memory_equal(text, expected, size == needed ? size : 0);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_and_scalars_are_written),
        cmocka_unit_test(each_item_has_a_line_where_people_read_it),
        cmocka_unit_test(any_value_may_be_the_root),
        cmocka_unit_test(what_needs_an_escape_has_one),
        cmocka_unit_test(every_control_character_is_escaped),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(misuse_is_told),
        cmocka_unit_test(right_use_is_told_from_misuse),
        cmocka_unit_test(levels_end_at_the_limit),
        cmocka_unit_test(an_exact_fit_is_written_and_one_short_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
