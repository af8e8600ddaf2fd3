/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON reader accepts and refuses. The cases follow the categories of JSONTestSuite. */
#include <stdlib.h>
#include <string.h>

#include "json_echo.h"
#include "sbs/config.h"
#include "sbs/count.h"
#include "test.h"

#define TEXT(literal)                                                                                                  \
    { literal, sizeof literal - 1 }
static sbs_json_token tokens[70000];

/* Parses a copy of exactly the text's size, so that reading past its end is seen. */
static sbs_status parse(const char *text, size_t len, size_t *out_where) {
    sbs_json doc;
    char *copy = malloc(len + 1);
    char *a = malloc(len + 1);
    char *b = malloc(len + 1);
    memcpy(copy + 1, text, len);
    size_t where = len + 1;
    sbs_status status = sbs_json_parse(&doc, copy + 1, len, tokens, SBS_COUNT_OF(tokens), &where);
    if (status == SBS_OK && !json_tree_is_right(&doc, a, b)) {
        fail_msg("wrong tree for %.*s", (int)len, text);
    }
    if (status != SBS_OK) {
        assert_int_equal(doc.count, 0);
    }
    assert_true(where <= len);
    *out_where = where;
    free(copy);
    free(a);
    free(b);
    return status;
}

static const sbs_text accepted_documents[] = {
    /* arrays */
    TEXT("[[]   ]"),
    TEXT("[\"\"]"),
    TEXT("[]"),
    TEXT("[\"a\"]"),
    TEXT("[false]"),
    TEXT("[null, 1, \"1\", {}]"),
    TEXT("[null]"),
    TEXT("[1\n]"),
    TEXT(" [1]"),
    TEXT("[1,null,null,null,2]"),
    TEXT("[2] "),
    TEXT("[ \t\r\n1 , 2 ]"),
    /* numbers */
    TEXT("[123e65]"),
    TEXT("[0e+1]"),
    TEXT("[0e1]"),
    TEXT("[ 4]"),
    TEXT("[-0]"),
    TEXT("[-123]"),
    TEXT("[-1]"),
    TEXT("[1E22]"),
    TEXT("[1E-2]"),
    TEXT("[1E+2]"),
    TEXT("[123e45]"),
    TEXT("[123.456e78]"),
    TEXT("[1e-2]"),
    TEXT("[123]"),
    TEXT("[123.456789]"),
    TEXT("[20e1]"),
    TEXT("[0.0]"),
    TEXT("[-0.000000000000000000000000000001]"),
    TEXT("[1e99999999999999999999]"),
    TEXT("[100000000000000000000000000000000000000]"),
    /* objects */
    TEXT("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    TEXT("{\"a\":\"b\",\"a\":\"c\"}"),
    TEXT("{\"a\":\"b\",\"a\":\"b\"}"),
    TEXT("{}"),
    TEXT("{\"\":0}"),
    TEXT("{\"foo\\u0000bar\": 42}"),
    TEXT("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    TEXT("{\"x\":[{\"id\": \"xx\"}], \"id\": \"xx\"}"),
    TEXT("{\"a\":[]}"),
    TEXT("{\n\"a\": \"b\"\n}"),
    TEXT("{\"a\":{\"b\":{}},\"c\":[[],{}],\"d\":1}"),
    /* strings */
    TEXT("[\"\\u0060\\u012a\\u12AB\"]"),
    TEXT("[\"\\uD801\\udc37\"]"),
    TEXT("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    TEXT("[\"\\\\u0000\"]"),
    TEXT("[\"\\\"\"]"),
    TEXT("[\"a/*b*/c/*d//e\"]"),
    TEXT("[\"\\\\a\"]"),
    TEXT("[\"\\u0012\"]"),
    TEXT("[\"\\uFFFF\"]"),
    TEXT("[\"\\u0000\"]"),
    TEXT("[\"\\u002c\"]"),
    TEXT("[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]"),
    TEXT("[\"\x7f\"]"),
    TEXT("[\"\xe2\x80\xa8\xe2\x80\xa9\"]"),
    TEXT("[\"\xef\xbb\xbf\"]"),
    TEXT("\xef\xbb\xbf {\"a\": [1]}\n"),
    TEXT("[\"]}[{:,\"]"),
    /* Lone surrogate escapes are grammar (RFC 8259 section 8.2); only reading them as text is refused. */
    TEXT("[\"\\uD800\"]"),
    TEXT("[\"\\uDC00\\uD800\"]"),
    TEXT("[\"\\uD800\\n\"]"),
    TEXT("[\"\\uDd1e\\uD834\"]"),
    /* any value may be the root */
    TEXT("false"),
    TEXT("true"),
    TEXT("null"),
    TEXT("42"),
    TEXT("-0.1"),
    TEXT("\"asd\""),
    TEXT("\"\""),
    TEXT(" 1 "),
    TEXT("\t\r\n null\t"),
    TEXT("{} \n"),
};

static void every_form_of_the_grammar_is_accepted(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(accepted_documents); i++) {
        size_t where;
        if (parse(accepted_documents[i].ptr, accepted_documents[i].len, &where) != SBS_OK ||
            where != accepted_documents[i].len) {
            fail_msg("refused at %zu: %s", where, accepted_documents[i].ptr);
        }
    }
}

typedef struct refused {
    sbs_text text;
    size_t where;
} refused;

static void assert_all_refused(const refused *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t where;
        sbs_status status = parse(rows[i].text.ptr, rows[i].text.len, &where);
        if (status != SBS_ERR_JSON || where != rows[i].where) {
            fail_msg("%s at %zu, expected at %zu: %s", sbs_status_name(status), where, rows[i].where, rows[i].text.ptr);
        }
    }
}

static const refused refused_structure[] = {
    {TEXT(""), 0},
    {TEXT(" "), 1},
    {TEXT("["), 1},
    {TEXT("]"), 0},
    {TEXT("{"), 1},
    {TEXT("}"), 0},
    {TEXT("[1 true]"), 3},
    {TEXT("[a"), 1},
    {TEXT("[\"\": 1]"), 3},
    {TEXT("[\"\"],"), 4},
    {TEXT("[,1]"), 1},
    {TEXT("[1,,2]"), 3},
    {TEXT("[\"x\",,]"), 5},
    {TEXT("[\"x\"]]"), 5},
    {TEXT("[\"\",]"), 4},
    {TEXT("[\"x\""), 4},
    {TEXT("[x"), 1},
    {TEXT("[3[4]]"), 2},
    {TEXT("[1:2]"), 2},
    {TEXT("[,]"), 1},
    {TEXT("[-"), 2},
    {TEXT("[   , \"\"]"), 4},
    {TEXT("[1,]"), 3},
    {TEXT("[*]"), 1},
    {TEXT("[1,\n1\n,1"), 8},
    {TEXT("[{}"), 3},
    {TEXT("[1}"), 2},
    {TEXT("{]"), 1},
    {TEXT("{\"a\" \"b\"}"), 5},
    {TEXT("{\"a\":1,}"), 7},
    {TEXT("{,}"), 1},
    {TEXT("{\"a\""), 4},
    {TEXT("{\"a\":"), 5},
    {TEXT("{:\"b\"}"), 1},
    {TEXT("{\"a\":\"b\",,\"c\":1}"), 9},
    {TEXT("{a:1}"), 1},
    {TEXT("{1:1}"), 1},
    {TEXT("{\"a\":\"a\" 123}"), 9},
    {TEXT("{null:null}"), 1},
    {TEXT("{'a':0}"), 1},
    {TEXT("{\"id\":0,,,,}"), 8},
    {TEXT("{\"a\":1]"), 6},
    {TEXT("{\"a\":/*c*/1}"), 5},
    {TEXT("{\"a\":\"b\"}/**/"), 9},
    {TEXT("{\"a\":\"b\"}#"), 9},
    {TEXT("{\"a\"::1}"), 5},
    {TEXT("{\"a\",1}"), 4},
    {TEXT("{\"a\"}"), 4},
    {TEXT("{[1]:1}"), 1},
    {TEXT("{\"a\":}"), 5},
    {TEXT("{\"a\":1 \"b\":2}"), 7},
    {TEXT("[\"a\" \"b\"]"), 5},
    {TEXT("{{}:1}"), 1},
    {TEXT("{\"a\":1}}"), 7},
    {TEXT("[][]"), 2},
    {TEXT("1 1"), 2},
    {TEXT("\"a\"\"b\""), 3},
    {TEXT("{}1"), 2},
    {TEXT("1,1"), 1},
    {TEXT("<null>"), 0},
    {TEXT("[\f]"), 1},
    {TEXT("[\v1]"), 1},
    {TEXT("\xc2\xa0[]"), 0},
    {TEXT("\xe2\x81\xa0[]"), 0},
    {TEXT("\xef\xbb\xbf"), 3},
    {TEXT("\xef\xbb{}"), 0},
    {TEXT(" \xef\xbb\xbf{}"), 1},
    {TEXT("\xef\xbb\xbf\xef\xbb\xbf{}"), 3},
    {TEXT("\xff\xfe[\0]\0"), 0},
    {TEXT("[]\0"), 2},
    {TEXT("\0"), 0},
    {TEXT("1\0"), 1},
    {TEXT("[\0]"), 1},
    {TEXT("// c\n1"), 0},
    {TEXT("[1]x"), 3},
    {TEXT("`[]`"), 0},
    {TEXT("{\"a\":1\0}"), 6},
};

static void a_broken_structure_is_refused(void **state) {
    (void)state;
    assert_all_refused(refused_structure, SBS_COUNT_OF(refused_structure));
}

static const refused refused_numbers_and_literals[] = {
    {TEXT("[-01]"), 3},
    {TEXT("[01]"), 2},
    {TEXT("[00]"), 2},
    {TEXT("[+1]"), 1},
    {TEXT("[++1]"), 1},
    {TEXT("[.1]"), 1},
    {TEXT("[-.1]"), 2},
    {TEXT("[1.]"), 3},
    {TEXT("[1.e3]"), 3},
    {TEXT("[1..2]"), 3},
    {TEXT("[1.2.3]"), 4},
    {TEXT("[1e]"), 3},
    {TEXT("[1e+]"), 4},
    {TEXT("[1e-]"), 4},
    {TEXT("[1ee2]"), 3},
    {TEXT("[1e2.5]"), 4},
    {TEXT("[1e2e3]"), 4},
    {TEXT("[0x10]"), 2},
    {TEXT("[0e]"), 3},
    {TEXT("[--1]"), 2},
    {TEXT("[-]"), 2},
    {TEXT("[- 1]"), 2},
    {TEXT("[1 000]"), 3},
    {TEXT("[1_0]"), 2},
    {TEXT("[1a]"), 2},
    {TEXT("[NaN]"), 1},
    {TEXT("[-NaN]"), 2},
    {TEXT("[Infinity]"), 1},
    {TEXT("[-Infinity]"), 2},
    {TEXT("[inf]"), 1},
    {TEXT("[1+2]"), 2},
    {TEXT("[1-2]"), 2},
    {TEXT("[0.3e+"), 6},
    {TEXT("[1\xe5]"), 2},
    {TEXT("[\xef\xbc\x91]"), 1},
    {TEXT("-"), 1},
    {TEXT("1e"), 2},
    {TEXT("2."), 2},
    {TEXT("01"), 1},
    {TEXT("1#"), 1},
    {TEXT("tru"), 3},
    {TEXT("[tru]"), 4},
    {TEXT("[truee]"), 5},
    {TEXT("[fals]"), 5},
    {TEXT("[nul]"), 4},
    {TEXT("[TRUE]"), 1},
    {TEXT("[True]"), 1},
    {TEXT("[nulll]"), 5},
    {TEXT("[n]"), 2},
    {TEXT("[t\0ue]"), 2},
    {TEXT("truetrue"), 4},
    {TEXT("[falsetrue]"), 6},
    {TEXT("{\"a\":tru}"), 8},
    {TEXT("f"), 1},
    {TEXT("[true false]"), 6},
};

static void other_numbers_and_literals_are_refused(void **state) {
    (void)state;
    assert_all_refused(refused_numbers_and_literals, SBS_COUNT_OF(refused_numbers_and_literals));
}

static void other_strings_are_refused(void **state) {
    static const refused rows[] = {
        {TEXT("[\""), 2},
        {TEXT("[\"a"), 3},
        {TEXT("[\"\\\"]"), 5},
        {TEXT("[\"\\"), 3},
        {TEXT("[\"\\u\"]"), 4},
        {TEXT("[\"\\u1\"]"), 5},
        {TEXT("[\"\\u12\"]"), 6},
        {TEXT("[\"\\u123\"]"), 7},
        {TEXT("[\"\\u00G0\"]"), 6},
        {TEXT("[\"\\uD834\\u\"]"), 10},
        {TEXT("[\"\\u@000\"]"), 4},
        {TEXT("[\"\\u`000\"]"), 4},
        {TEXT("[\"\\x00\"]"), 3},
        {TEXT("[\"\\a\"]"), 3},
        {TEXT("[\"\\'\"]"), 3},
        {TEXT("[\"\\U0041\"]"), 3},
        {TEXT("[\"\\\0\"]"), 3},
        {TEXT("[\"\\\x01\"]"), 3},
        {TEXT("[\"\\\xf0\x9f\x98\x80\"]"), 3},
        {TEXT("[\"a\0a\"]"), 3},
        {TEXT("[\"\t\"]"), 2},
        {TEXT("[\"\n\"]"), 2},
        {TEXT("[\"\x1f\"]"), 2},
        {TEXT("['a']"), 1},
        {TEXT("[abc]"), 1},
        {TEXT("[\\n]"), 1},
        {TEXT("[\"x\"y]"), 4},
        {TEXT("\""), 1},
        {TEXT("[\\u0020\"a\"]"), 1},
        {TEXT("{\"a\x01\":1}"), 3},
        {TEXT("{\"a\\z\":1}"), 4},
        /* UTF-8: lone continuation, cut off, overlong, surrogates, beyond U+10FFFF, never legal */
        {TEXT("[\"\x80\"]"), 2},
        {TEXT("[\"\xbf\"]"), 2},
        {TEXT("[\"\xc2\"]"), 2},
        {TEXT("[\"\xe2\x82\"]"), 2},
        {TEXT("[\"\xf0\x9f\x98\"]"), 2},
        {TEXT("[\"\xc0\xaf\"]"), 2},
        {TEXT("[\"\xc1\xbf\"]"), 2},
        {TEXT("[\"\xe0\x9f\xbf\"]"), 2},
        {TEXT("[\"\xf0\x8f\xbf\xbf\"]"), 2},
        {TEXT("[\"\xed\xa0\x80\"]"), 2},
        {TEXT("[\"\xed\xbf\xbf\"]"), 2},
        {TEXT("[\"\xf4\x90\x80\x80\"]"), 2},
        {TEXT("[\"\xf5\x80\x80\x80\"]"), 2},
        {TEXT("[\"\xff\"]"), 2},
        {TEXT("[\"\xfe\"]"), 2},
        {TEXT("[\"\xe2\x28\xa1\"]"), 2},
        {TEXT("[\"\xe2\x82\x28\"]"), 2},
        {TEXT("[\"a\xf0\x28\x8c\xbc\"]"), 3},
        {TEXT("\"\xc3"), 1},
        {TEXT("\"\xe2\x82"), 1},
        {TEXT("\"\xf0\x9f\x98"), 1},
        {TEXT("{\"\xff\":1}"), 2},
    };
    (void)state;
    assert_all_refused(rows, SBS_COUNT_OF(rows));
}

static void every_code_point_is_judged_right(void **state) {
    (void)state;
    for (uint32_t code_point = 0; code_point < 0x110800; code_point++) {
        char text[8] = "\"";
        size_t extra = code_point < 0x80 ? 0 : code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
        static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
        size_t where;
        for (size_t i = 0; i <= extra; i++) {
            unsigned bits = code_point >> (6 * (extra - i)) & (i == 0 ? 0xFFu : 0x3Fu);
            text[1 + i] = (char)(bits | (i == 0 ? lead[extra] : 0x80u));
        }
        text[2 + extra] = '"';
        bool good = code_point >= 0x20 && (code_point < 0xD800 || code_point > 0xDFFF) && code_point <= 0x10FFFF &&
                    code_point != '"' && code_point != '\\';
        if ((code_point < 0x3000 || code_point % 61 == 0 || !good) &&
            parse(text, 3 + extra, &where) != (good ? SBS_OK : SBS_ERR_JSON)) {
            fail_msg("U+%04X", code_point);
        }
    }
}

static sbs_status parse_nested(const char *open, const char *close, size_t depth) {
    char text[1024] = "";
    size_t where;
    for (size_t i = 0; i < depth; i++) {
        strcat(text, open);
    }
    strcat(text, "1");
    for (size_t i = 0; i < depth; i++) {
        strcat(text, close);
    }
    return parse(text, strlen(text), &where);
}

static void nesting_ends_at_the_limit(void **state) {
    (void)state;
    assert_int_equal(parse_nested("[", "]", SBS_JSON_DEPTH_MAX), SBS_OK);
    assert_int_equal(parse_nested("[", "]", SBS_JSON_DEPTH_MAX + 1), SBS_ERR_JSON_DEPTH);
    assert_int_equal(parse_nested("{\"a\":", "}", SBS_JSON_DEPTH_MAX), SBS_OK);
    assert_int_equal(parse_nested("{\"a\":", "}", SBS_JSON_DEPTH_MAX + 1), SBS_ERR_JSON_DEPTH);
    assert_int_equal(parse_nested("[{\"a\":", "}]", SBS_JSON_DEPTH_MAX / 2), SBS_OK);
    assert_int_equal(parse_nested("{\"a\":[", "]}", SBS_JSON_DEPTH_MAX / 2), SBS_OK);
    assert_int_equal(parse_nested("[{\"a\":", "}]", SBS_JSON_DEPTH_MAX / 2 + 1), SBS_ERR_JSON_DEPTH);
}

static void hostile_nesting_is_refused(void **state) {
    size_t len = 100000;
    size_t where;
    char *text = malloc(len);
    (void)state;
    memset(text, '[', len);
    assert_int_equal(parse(text, len, &where), SBS_ERR_JSON_DEPTH);
    assert_int_equal(where, SBS_JSON_DEPTH_MAX);
    for (size_t i = 0; i < len; i++) {
        text[i] = "{\"\":"[i % 4];
    }
    assert_int_equal(parse(text, len, &where), SBS_ERR_JSON_DEPTH);
    assert_int_equal(where, 4 * SBS_JSON_DEPTH_MAX);
    free(text);
}

static void long_and_wide_texts_are_accepted(void **state) {
    size_t len = 65537;
    size_t where;
    char *text = malloc(len);
    (void)state;
    for (size_t i = 0; i < len; i++) {
        text[i] = i % 2 == 0 ? '1' : ',';
    }
    assert_int_equal(parse(text, len, &where), SBS_ERR_JSON);
    assert_int_equal(where, 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = i % 2 == 0 ? ',' : '1';
    }
    text[0] = '[';
    text[len - 1] = ']';
    assert_int_equal(parse(text, len, &where), SBS_OK);
    for (size_t i = 0; i < len; i++) {
        text[i] = "[],"[i % 3];
    }
    memmove(text + 1, text, len - 1);
    text[0] = '[';
    text[len - 1] = ']';
    /* 65535 bytes between the brackets end in a comma; white space takes its place. */
    text[len - 2] = ' ';
    assert_int_equal(parse(text, len, &where), SBS_OK);
    free(text);
}

static const char document[] =
    "{\"access_token\":\"a\\u00e9\xc3\xa9\\\"\",\"expires_in\":-12.5e+3,\"l\":[true,[null,{}],false],"
    "\"o\":{\"\":{\"x\":[]}}}";

static void a_text_cut_at_any_byte_is_refused(void **state) {
    size_t where;
    (void)state;
    assert_int_equal(parse(document, strlen(document), &where), SBS_OK);
    for (size_t len = 0; len < strlen(document); len++) {
        assert_int_equal(parse(document, len, &where), SBS_ERR_JSON);
    }
    for (size_t from = 1; from < strlen(document); from++) {
        assert_int_not_equal(parse(document + from, strlen(document) - from, &where), SBS_OK);
    }
}

/* parse() checks the tree of whatever is accepted still. */
static void a_changed_or_missing_byte_is_no_crash(void **state) {
    char text[sizeof document];
    size_t len = strlen(document);
    size_t where;
    unsigned accepted = 0;
    (void)state;
    for (size_t at = 0; at < len; at++) {
        for (int c = 0; c < 256; c++) {
            memcpy(text, document, len);
            text[at] = (char)c;
            accepted += parse(text, len, &where) == SBS_OK;
        }
        memcpy(text, document, at);
        memcpy(text + at, document + at + 1, len - at - 1);
        accepted += parse(text, len - 1, &where) == SBS_OK;
    }
    assert_true(accepted > len);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_the_grammar_is_accepted),
        cmocka_unit_test(a_broken_structure_is_refused),
        cmocka_unit_test(other_numbers_and_literals_are_refused),
        cmocka_unit_test(other_strings_are_refused),
        cmocka_unit_test(every_code_point_is_judged_right),
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(hostile_nesting_is_refused),
        cmocka_unit_test(long_and_wide_texts_are_accepted),
        cmocka_unit_test(a_text_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_changed_or_missing_byte_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
