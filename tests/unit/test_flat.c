/* SPDX-License-Identifier: Apache-2.0 */
/* JSON read where it stands is what the tree of jsmn's tokens says it is: of documents of every kind, and of what
 * becomes of answers that real servers give when bytes of them are changed. SBS_LONG=1 tries 3 000 000 of these. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flat_twin.h"
#include "sbs/count.h"
#include "test.h"
#include "tree_token.h"

#define TOKENS 512

static sbs_json_token tokens[TOKENS];

static void assert_twin(const char *text, size_t len) {
    char *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees each byte beyond it */
    memcpy(exact, text, len);
    bool same = flat_is_twin(exact, len, tokens, TOKENS) && tree_token_is_twin(exact, len, tokens, TOKENS);
    free(exact);
    if (!same) {
        fail_msg("read in two ways: %.*s", (int)len, text);
    }
}

static void documents_of_every_kind_are_read_alike(void **state) {
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "-0.5e+3 ",
        " true",
        "false",
        "null",
        "\"\"",
        "\"a\\u00e9\\n\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "[]",
        " [ ] ",
        "[1,2]",
        "[ 1 , \"a\" , [ ] , { } ]",
        "[\"a\",\"b\"]",
        "[\"a\" , \"b\" ]",
        "[[[[1]]],2]",
        "{}",
        " { } ",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : { \"a\" : [ ] } , \"c\" : \"d\" }",
        "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1,\"a\":2}",
        "{\"\":{\"\":\"\"}}",
        "{\"a\":\":\",\"b\":[\"}\",\"]\",\",\"]}",
        "{\"a\":{\"b\":{\"c\":[{\"a\":null},{\"a\":true}]}}}",
        "\xEF\xBB\xBF{\"a\":1}",
        "\xEF\xBB\xBF \n[\"a\"]",
        "\xEF\xBB\xBF",
        "\xEF\xBB",
        "{",
        "[",
        "\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "[1,]",
        "[1 2]",
        "{\"a\" 1}",
        "{1:2}",
        "{\"a\":1}}",
        "[1]]",
        "1 2",
        "{\"a\":tru}",
        "[01]",
        "[\"\t\"]",
        "[\"\xff\"]",
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        assert_twin(texts[i], strlen(texts[i]));
    }
}

static void nesting_ends_at_the_same_level(void **state) {
    char text[256];
    (void)state;
    for (size_t depth = 1; depth <= 70; depth++) {
        for (size_t i = 0; i < depth; i++) {
            text[i] = '[';
            text[2 * depth - 1 - i] = ']';
        }
        assert_twin(text, 2 * depth);
        assert_twin(text, depth);
    }
}

/* ---- answers with changes -----------------------------------------------------------------------------------------
 */

static const char *const answers[] = {
    "{\"access_token\":\"eyJhbGciOi.J9\",\"token_type\":\"Bearer\",\"expires_in\":300,\"scope\":\"system/"
    "Observation.c\"}",
    " { \"token_type\" : \"bearer\" , \"access_token\" : \"a\\u0062c\" , \"expires_in\" : \"3.6E3\" , \"x\" : [ { } ] "
    "} ",
    "{\"scope\":\"a  "
    "b\\/c\",\"expires_in\":null,\"access_token\":\"x==\",\"token_type\":\"BEARER\",\"refresh\":{\"a\":[1,[2]]}}",
    "{\"error\":\"invalid_client\",\"error_description\":\"no \\\"such\\\" "
    "client\",\"error_uri\":\"https:\\/\\/h\\/e\"}",
    "{\"token_endpoint\":\"https://h/token\",\"grant_types_supported\":[\"client_credentials\"],\"capabilities\":[]}",
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"expired\",\"expression\":["
    "\"a\"],"
    "\"details\":{\"coding\":[{\"display\":\"d\"}],\"text\":\"t\"}},{\"severity\":\"fatal\"}]}",
};

static uint64_t seed = 1;

static size_t any(size_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % limit);
}

/* Replaces, takes away, adds or repeats a piece. Returns the new length. */
static size_t change(char *text, size_t len, size_t size) {
    static const char marks[] = "{}[]\",:\\u0 aen1.-\n\xEF\xC3\xA9";
    size_t at = any(len + 1);
    size_t piece = any(9);
    if (piece > len - at) {
        piece = len - at;
    }
    switch (any(4)) {
    case 0:
        if (at < len) {
            text[at] = marks[any(sizeof marks - 1)];
        }
        return len;
    case 1:
        memmove(text + at, text + at + piece, len - at - piece);
        return len - piece;
    case 2:
        if (len + 1 > size) {
            return len;
        }
        memmove(text + at + 1, text + at, len - at);
        text[at] = marks[any(sizeof marks - 1)];
        return len + 1;
    default:
        if (len + piece > size) {
            return len;
        }
        memmove(text + at + piece, text + at, len - at);
        return len + piece;
    }
}

static void answers_with_changes_are_read_alike(void **state) {
    const char *length = getenv("SBS_LONG");
    size_t rounds = length != NULL && strcmp(length, "1") == 0 ? 3000000 : 30000;
    size_t good = 0;
    (void)state;
    for (size_t i = 0; i < rounds; i++) {
        char text[400];
        const char *answer = answers[any(SBS_COUNT_OF(answers))];
        size_t len = strlen(answer);
        memcpy(text, answer, len);
        for (size_t left = any(4); left > 0; left--) {
            len = change(text, len, sizeof text);
        }
        assert_twin(text, len);
        sbs_flat doc;
        good += sbs_flat_parse(&doc, text, len) == SBS_OK;
    }
    /* Most changes break the grammar, and enough do not. */
    assert_true(good > rounds / 4 && good < rounds - rounds / 4);
}

/* ---- what a tree has no place for ---------------------------------------------------------------------------------
 */

static void a_text_that_was_changed_comes_to_an_end(void **state) {
    (void)state;
    for (size_t at = 0; at < strlen(answers[5]); at++) {
        static const char marks[] = "\"{[},";
        for (size_t i = 0; i < sizeof marks - 1; i++) {
            char text[400];
            sbs_flat doc;
            strcpy(text, answers[5]);
            assert_int_equal(sbs_flat_parse(&doc, text, strlen(text)), SBS_OK);
            text[at] = marks[i];
            size_t steps = 0;
            for (sbs_json_node node = sbs_flat_first(&doc, 0); node != SBS_JSON_NONE;
                 node = sbs_flat_next(&doc, node)) {
                sbs_text raw = sbs_flat_raw(&doc, node);
                assert_true(raw.ptr == NULL || (raw.ptr >= text && raw.ptr + raw.len <= text + strlen(answers[5])));
                steps++;
            }
            assert_true(steps <= strlen(answers[5]));
        }
    }
}

static void no_value_is_harmless(void **state) {
    sbs_flat doc;
    char out[4];
    size_t len = 9;
    (void)state;
    assert_int_equal(sbs_flat_parse(&doc, "[]", 2), SBS_OK);
    assert_int_equal(sbs_flat_kind(&doc, SBS_JSON_NONE), SBS_JSON_NULL);
    assert_null(sbs_flat_raw(&doc, SBS_JSON_NONE).ptr);
    assert_true(sbs_flat_first(&doc, SBS_JSON_NONE) == SBS_JSON_NONE);
    assert_true(sbs_flat_next(&doc, SBS_JSON_NONE) == SBS_JSON_NONE);
    assert_false(sbs_flat_is(&doc, SBS_JSON_NONE, SBS_TEXT("")));
    assert_int_equal(sbs_flat_text(&doc, SBS_JSON_NONE, out, sizeof out, &len), SBS_ERR_JSON_TYPE);
    assert_int_equal(len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_of_every_kind_are_read_alike),
        cmocka_unit_test(nesting_ends_at_the_same_level),
        cmocka_unit_test(answers_with_changes_are_read_alike),
        cmocka_unit_test(a_text_that_was_changed_comes_to_an_end),
        cmocka_unit_test(no_value_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
