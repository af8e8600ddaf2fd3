/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and reading values in a JSON document. */
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/json.h"
#include "test.h"

static sbs_json_token tokens[64];

static sbs_json parsed(const char *text) {
    sbs_json doc;
    size_t where;
    if (sbs_json_parse(&doc, text, strlen(text), tokens, SBS_COUNT_OF(tokens), &where) != SBS_OK) {
        fail_msg("refused at %zu: %s", where, text);
    }
    return doc;
}

static void assert_raw(const sbs_json *doc, sbs_json_node node, const char *expected) {
    sbs_text raw = sbs_json_raw(doc, node);
    assert_int_equal(raw.len, strlen(expected));
    assert_memory_equal(raw.ptr, expected, raw.len);
}

static sbs_json_node member(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    assert_int_equal(sbs_json_member(doc, object, name, &node), SBS_OK);
    return node;
}

static void tokens_fit_exactly_and_one_short_is_told(void **state) {
    static const char text[] = "{\"a\":\"b\",\"c\":-12.5e+3,\"l\":[true,[null,{}],false],\"o\":{\"\":{\"x\":[]}}}";
    sbs_json doc = parsed(text);
    size_t needed = doc.count;
    (void)state;
    assert_int_equal(needed, 18);
    for (size_t capacity = 0; capacity <= needed; capacity++) {
        sbs_json_token *exact = malloc((capacity + 1) * sizeof *exact);
        memset(&exact[capacity], 0x5A, sizeof *exact);
        sbs_json_token guard = exact[capacity];
        sbs_status status = sbs_json_parse(&doc, text, strlen(text), exact, capacity, NULL);
        assert_int_equal(status, capacity == needed ? SBS_OK : SBS_ERR_TOKENS);
        assert_int_equal(doc.count, capacity == needed ? needed : 0);
        assert_memory_equal(&exact[capacity], &guard, sizeof guard);
        free(exact);
    }
    assert_int_equal(sbs_json_parse(&doc, "1", 1, NULL, 0, NULL), SBS_ERR_TOKENS);
    assert_int_equal(sbs_json_parse(&doc, "1", 1, tokens, SIZE_MAX, NULL), SBS_OK);
}

static void a_text_that_is_too_large_is_refused(void **state) {
    sbs_json doc;
    (void)state;
    assert_int_equal(sbs_json_parse(&doc, "1", (size_t)INT32_MAX + 1, tokens, 1, NULL), SBS_ERR_TOO_LARGE);
    assert_int_equal(doc.count, 0);
}

static void each_kind_of_value_is_told(void **state) {
    static const sbs_json_kind kinds[] = {SBS_JSON_OBJECT, SBS_JSON_ARRAY, SBS_JSON_STRING, SBS_JSON_NUMBER,
                                          SBS_JSON_NUMBER, SBS_JSON_TRUE,  SBS_JSON_FALSE,  SBS_JSON_NULL};
    static const char *const raws[] = {"{}", "[]", "t", "-1", "0", "true", "false", "null"};
    sbs_json doc = parsed("[{},[],\"t\",-1,0,true,false,null]");
    size_t i = 0;
    (void)state;
    for (sbs_json_node at = sbs_json_first(&doc, 0); at != SBS_JSON_NONE; at = sbs_json_next(&doc, at)) {
        assert_int_equal(sbs_json_kind_of(&doc, at), kinds[i]);
        assert_raw(&doc, at, raws[i]);
        i++;
    }
    assert_int_equal(i, SBS_COUNT_OF(kinds));
}

static void containers_are_walked_in_order(void **state) {
    sbs_json doc = parsed(" {\"a\" : {\"b\":[1,2,{}]} , \"c\":[[],[3]], \"d\":\"e\"} ");
    sbs_json_node a = sbs_json_first(&doc, 0);
    sbs_json_node c = sbs_json_next(&doc, a);
    sbs_json_node d = sbs_json_next(&doc, c);
    (void)state;
    assert_raw(&doc, 0, "{\"a\" : {\"b\":[1,2,{}]} , \"c\":[[],[3]], \"d\":\"e\"}");
    assert_raw(&doc, a, "{\"b\":[1,2,{}]}");
    assert_raw(&doc, c, "[[],[3]]");
    assert_raw(&doc, d, "e");
    assert_true(sbs_json_next(&doc, d) == SBS_JSON_NONE);
    assert_true(sbs_json_next(&doc, 0) == SBS_JSON_NONE);
    sbs_json_node b = sbs_json_first(&doc, a);
    assert_raw(&doc, b, "[1,2,{}]");
    assert_true(sbs_json_next(&doc, b) == SBS_JSON_NONE);
    sbs_json_node last = sbs_json_next(&doc, sbs_json_next(&doc, sbs_json_first(&doc, b)));
    assert_raw(&doc, last, "{}");
    assert_true(sbs_json_next(&doc, last) == SBS_JSON_NONE);
    assert_true(sbs_json_first(&doc, last) == SBS_JSON_NONE);
    assert_true(sbs_json_first(&doc, d) == SBS_JSON_NONE);
}

/* An element whose array follows a string value: the string is a sibling, no name. */
static void strings_in_arrays_are_no_names(void **state) {
    sbs_json doc = parsed("[\"a\",[1],\"b\",{\"c\":\"d\"},\"e\"]");
    sbs_json_node at = sbs_json_first(&doc, 0);
    static const char *const raws[] = {"a", "[1]", "b", "{\"c\":\"d\"}", "e"};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(raws); i++) {
        assert_raw(&doc, at, raws[i]);
        assert_false(sbs_json_name_is(&doc, at, "a"));
        at = sbs_json_next(&doc, at);
    }
    assert_true(at == SBS_JSON_NONE);
}

static void no_node_is_harmless(void **state) {
    sbs_json doc = parsed("{\"a\":1}");
    sbs_json_node node;
    sbs_text text;
    size_t len;
    (void)state;
    assert_int_equal(sbs_json_kind_of(&doc, SBS_JSON_NONE), SBS_JSON_NULL);
    assert_null(sbs_json_raw(&doc, SBS_JSON_NONE).ptr);
    assert_true(sbs_json_first(&doc, SBS_JSON_NONE) == SBS_JSON_NONE);
    assert_true(sbs_json_next(&doc, SBS_JSON_NONE) == SBS_JSON_NONE);
    assert_false(sbs_json_name_is(&doc, SBS_JSON_NONE, "a"));
    assert_false(sbs_json_name_is(&doc, 0, "a"));
    assert_null(sbs_json_name(&doc, SBS_JSON_NONE).ptr);
    assert_null(sbs_json_name(&doc, 0).ptr);
    assert_true(sbs_text_equal(sbs_json_name(&doc, sbs_json_first(&doc, 0)), SBS_TEXT("a")));
    assert_false(sbs_json_equals(&doc, SBS_JSON_NONE, "a"));
    assert_int_equal(sbs_json_member(&doc, SBS_JSON_NONE, "a", &node), SBS_ERR_JSON_TYPE);
    assert_int_equal(sbs_json_text(&doc, SBS_JSON_NONE, NULL, 0, &len), SBS_ERR_JSON_TYPE);
    assert_int_equal(sbs_json_text_in_place(&doc, SBS_JSON_NONE, NULL, &text), SBS_ERR_JSON_TYPE);
}

static void members_are_found_by_their_names(void **state) {
    sbs_json doc = parsed("{\"\\u0061ccess_token\":1,\"b\":{\"access_token\":2,\"x\":0},\"c\":3,\"\":4,\"d\\u0000\":5,"
                          "\"\\ud83d\\ude00\":6,\"\\ud83d\":7,\"\\/\\n\":8,\"c\":9}");
    sbs_json_node node;
    (void)state;
    assert_raw(&doc, member(&doc, 0, "access_token"), "1");
    assert_raw(&doc, member(&doc, 0, ""), "4");
    assert_raw(&doc, member(&doc, 0, "\xf0\x9f\x98\x80"), "6");
    assert_raw(&doc, member(&doc, 0, "/\n"), "8");
    assert_raw(&doc, member(&doc, member(&doc, 0, "b"), "access_token"), "2");
    assert_int_equal(sbs_json_member(&doc, 0, "c", &node), SBS_ERR_DUPLICATE);
    assert_true(node == SBS_JSON_NONE);
    assert_int_equal(sbs_json_member(&doc, 0, "access_toke", &node), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_json_member(&doc, 0, "access_tokens", &node), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_json_member(&doc, 0, "x", &node), SBS_ERR_NOT_FOUND);
    /* A name with U+0000 or a lone surrogate equals no string. */
    assert_int_equal(sbs_json_member(&doc, 0, "d", &node), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_json_member(&doc, 0, "\xed\xa0\xbd", &node), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_json_member(&doc, member(&doc, 0, ""), "a", &node), SBS_ERR_JSON_TYPE);
}

static void duplicates_are_found_however_they_are_written(void **state) {
    sbs_json doc = parsed("{\"scope\":1,\"sc\\u006Fpe\":2}");
    sbs_json_node node;
    (void)state;
    assert_int_equal(sbs_json_member(&doc, 0, "scope", &node), SBS_ERR_DUPLICATE);
}

static void strings_are_compared_after_unescaping(void **state) {
    sbs_json doc = parsed("[\"b\\u0065arer\",\"\",1]");
    sbs_json_node at = sbs_json_first(&doc, 0);
    (void)state;
    assert_true(sbs_json_equals(&doc, at, "bearer"));
    assert_false(sbs_json_equals(&doc, at, "beare"));
    assert_false(sbs_json_equals(&doc, at, "bearers"));
    assert_false(sbs_json_equals(&doc, at, ""));
    at = sbs_json_next(&doc, at);
    assert_true(sbs_json_equals(&doc, at, ""));
    assert_true(sbs_json_equals(&doc, at, NULL));
    assert_false(sbs_json_equals(&doc, at, "a"));
    assert_false(sbs_json_equals(&doc, sbs_json_next(&doc, at), "1"));
}

/* Some editors and servers put a byte order mark before their JSON (RFC 8259 section 8.1). */
static void a_byte_order_mark_is_skipped(void **state) {
    char text[] = "\xef\xbb\xbf {\"a\":\"\\u0062\"}";
    sbs_json_token few[3];
    sbs_json doc;
    sbs_json_node node;
    sbs_text value;
    (void)state;
    assert_int_equal(sbs_json_parse(&doc, text, sizeof text - 1, few, 3, NULL), SBS_OK);
    assert_int_equal(sbs_json_member(&doc, 0, "a", &node), SBS_OK);
    assert_int_equal(sbs_json_text_in_place(&doc, node, text, &value), SBS_OK);
    assert_true(sbs_text_equal(value, SBS_TEXT("b")));
    assert_int_equal(sbs_json_parse(&doc, text, sizeof text - 1, few, 2, NULL), SBS_ERR_TOKENS);
}

/* Tokens go into any memory, aligned there; one byte less than they need is too little. */
static void tokens_may_have_memory_of_their_own(void **state) {
    static const char text[] = "[1,2]";
    _Alignas(sbs_json_token) char memory[4 * sizeof(sbs_json_token)];
    sbs_json doc;
    (void)state;
    for (size_t shift = 0; shift < _Alignof(sbs_json_token); shift++) {
        size_t pad = (_Alignof(sbs_json_token) - shift) % _Alignof(sbs_json_token);
        size_t need = pad + 3 * sizeof(sbs_json_token);
        assert_int_equal(sbs_json_parse_with(&doc, text, sizeof text - 1, memory + shift, need), SBS_OK);
        assert_int_equal(doc.count, 3);
        assert_int_equal(sbs_json_parse_with(&doc, text, sizeof text - 1, memory + shift, need - 1), SBS_ERR_TOKENS);
    }
}

static const struct {
    const char *json;
    const char *text; /* NULL: refused */
} strings[] = {
    {"\"\"", ""},
    {"\"abc\"", "abc"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"\\u0041\\u00e9\\u20AC\\uFFFF\"", "A\xc3\xa9\xe2\x82\xac\xef\xbf\xbf"},
    {"\"\\u007f\\u0080\\u07ff\\u0800\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80"},
    {"\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80"},
    {"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {"\"x\\ud83d\\ude00y\"", "x\xf0\x9f\x98\x80y"},
    {"\"\xf0\x9f\x98\x80\\n\"", "\xf0\x9f\x98\x80\n"},
    {"\"\\\\u0041\"", "\\u0041"},
    {"\"\\u0001\\u001f\"", "\x01\x1f"},
    {"\"\\u0000\"", NULL},
    {"\"abc\\u0000\"", NULL},
    {"\"\\u0000abc\"", NULL},
    {"\"\\ud800\"", NULL},
    {"\"\\udc00\"", NULL},
    {"\"\\ud800x\"", NULL},
    {"\"\\ud800\\n12345\"", NULL},
    {"\"\\ud800xu1234\"", NULL},
    {"\"\\ud800\\ud800\"", NULL},
    {"\"\\ud800\\u0041\"", NULL},
    {"\"\\ud800\\ue000\"", NULL},
    {"\"\\udfff\\udc00\"", NULL},
    {"\"\\udc00\\ud800\"", NULL},
    {"\"a\\ud83d\\ude00\\ude00\"", NULL},
};

static void check_text(const char *json, const char *expected) {
    sbs_json doc = parsed(json);
    size_t needed = strlen(expected);
    for (size_t size = 0; size <= needed + 1; size++) {
        char *out = malloc(size + 1);
        size_t len = 99;
        out[size] = '#';
        sbs_status status = sbs_json_text(&doc, 0, out, size, &len);
        assert_int_equal(status, size < needed ? SBS_ERR_BUFFER : SBS_OK);
        assert_int_equal(len, needed);
        assert_int_equal(out[size], '#');
        assert_memory_equal(out, expected, size < needed ? 0 : needed);
        free(out);
    }
}

static void strings_are_unescaped(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(strings); i++) {
        if (strings[i].text != NULL) {
            check_text(strings[i].json, strings[i].text);
            continue;
        }
        char out[32];
        size_t len = 99;
        sbs_json doc = parsed(strings[i].json);
        assert_int_equal(sbs_json_text(&doc, 0, out, sizeof out, &len), SBS_ERR_FORMAT);
        assert_int_equal(len, 0);
        assert_int_equal(sbs_json_text(&doc, 0, out, 0, &len), SBS_ERR_FORMAT);
    }
}

static void strings_are_unescaped_where_they_stand(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(strings); i++) {
        size_t len = strlen(strings[i].json);
        char *copy = malloc(len + 1);
        memcpy(copy, strings[i].json, len + 1);
        sbs_json doc = parsed(copy);
        sbs_text text = {"x", 1};
        sbs_status status = sbs_json_text_in_place(&doc, 0, copy, &text);
        if (strings[i].text == NULL) {
            assert_int_equal(status, SBS_ERR_FORMAT);
            assert_string_equal(copy, strings[i].json);
            assert_true(text.ptr == NULL && text.len == 0);
        } else {
            assert_int_equal(status, SBS_OK);
            assert_int_equal(text.len, strlen(strings[i].text));
            assert_memory_equal(text.ptr, strings[i].text, text.len);
            assert_int_equal(copy[len - 1], '"');
        }
        free(copy);
    }
}

static void values_in_place_leave_their_neighbours(void **state) {
    char text[] = "{\"a\":\"\\u0041\\n\",\"b\":[\"\\\"x\\\"\"],\"c\":\"\\\\\"}";
    sbs_json doc = parsed(text);
    sbs_text a;
    sbs_text b;
    sbs_text c;
    (void)state;
    assert_int_equal(sbs_json_text_in_place(&doc, member(&doc, 0, "a"), text, &a), SBS_OK);
    sbs_json_node in_b = sbs_json_first(&doc, member(&doc, 0, "b"));
    assert_int_equal(sbs_json_text_in_place(&doc, in_b, text, &b), SBS_OK);
    assert_int_equal(sbs_json_text_in_place(&doc, member(&doc, 0, "c"), text, &c), SBS_OK);
    assert_true(sbs_text_equal(a, sbs_text_of("A\n")));
    assert_true(sbs_text_equal(b, sbs_text_of("\"x\"")));
    assert_true(sbs_text_equal(c, sbs_text_of("\\")));
    /* Reading a value again finds what is left of it, and nothing outside of it. */
    size_t len;
    assert_int_equal(sbs_json_text(&doc, member(&doc, 0, "c"), NULL, 0, &len), SBS_ERR_BUFFER);
}

/* What was unescaped in place may look like an escape that is cut off. */
static void reading_again_after_in_place_is_bounded(void **state) {
    static const char *const texts[] = {"\"\\\\\\\\\"", "\"12\\\\\\\\u\"", "\"\\\\\\\\\\\\u00e9\"",
                                        "\"\\\\ud83d\\\\\\\\\""};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        char *copy = malloc(strlen(texts[i]) + 1);
        strcpy(copy, texts[i]);
        sbs_json doc = parsed(copy);
        for (int again = 0; again < 4; again++) {
            sbs_text text;
            sbs_status status = sbs_json_text_in_place(&doc, 0, copy, &text);
            assert_true(status == SBS_OK || status == SBS_ERR_FORMAT);
        }
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_fit_exactly_and_one_short_is_told),
        cmocka_unit_test(a_text_that_is_too_large_is_refused),
        cmocka_unit_test(each_kind_of_value_is_told),
        cmocka_unit_test(containers_are_walked_in_order),
        cmocka_unit_test(strings_in_arrays_are_no_names),
        cmocka_unit_test(no_node_is_harmless),
        cmocka_unit_test(members_are_found_by_their_names),
        cmocka_unit_test(duplicates_are_found_however_they_are_written),
        cmocka_unit_test(strings_are_compared_after_unescaping),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(tokens_may_have_memory_of_their_own),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(strings_are_unescaped_where_they_stand),
        cmocka_unit_test(values_in_place_leave_their_neighbours),
        cmocka_unit_test(reading_again_after_in_place_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
