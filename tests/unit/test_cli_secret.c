/* SPDX-License-Identifier: Apache-2.0 */
/* What `sbs` sent and never shows again, in whatever form a server or a file repeats it. */
#include <stdio.h>
#include <stdlib.h>

#include "sbs/count.h"
#include "secret.h"
#include "test.h"

#define TOKEN "kT9-vQ2_xW7.mZ4~aB1cD3eF5gH8jK0lN6pR"
#define FRAGMENT_LEN 16u

static int forget(void **state) {
    (void)state;
    cli_secret_forget();
    return 0;
}

/* Hides what was noted in a copy that has not one byte to spare; the result is a string. */
static const char *hidden_of(const char *text, size_t len) {
    static char shown[200000];
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);

    size_t left = cli_secret_hide(copy, len);
    assert_true(left <= len && left < sizeof shown);
    memcpy(shown, copy, left);
    shown[left] = '\0';
    free(copy);
    return shown;
}

static const char *hidden(const char *text) {
    return hidden_of(text, strlen(text));
}

static void note(const char *text) {
    cli_secret_note(sbs_text_of(text));
}

/* Writes each character of the token with @p format and puts @p between behind each @p every characters. */
static void assert_hidden_as(const char *format, unsigned every, const char *between) {
    char text[2000] = "seen ";
    size_t len = strlen(text);
    for (unsigned i = 0; i < sizeof TOKEN - 1; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, format, (unsigned)TOKEN[i]);
        if ((i + 1) % every == 0) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", between);
        }
    }

    (void)snprintf(text + len, sizeof text - len, ", bad");
    const char *shown = hidden(text);
    assert_non_null(strstr(shown, "seen "));
    assert_non_null(strstr(shown, "[hidden]"));
    assert_non_null(strstr(shown, ", bad"));
    assert_true(strlen(shown) < sizeof "seen [hidden], bad" + 16);
}

static void nothing_is_hidden_before_something_was_sent(void **state) {
    (void)state;
    assert_string_equal(hidden("token " TOKEN), "token " TOKEN);
    note("short"); /* a word */
    assert_string_equal(hidden("too short"), "too short");
}

static void every_fragment_of_sixteen_characters_is_hidden(void **state) {
    (void)state;
    char text[64];
    note(TOKEN);
    for (size_t at = 0; at + FRAGMENT_LEN < sizeof TOKEN; at++) {
        (void)snprintf(text, sizeof text, "<%.*s>", (int)FRAGMENT_LEN, &TOKEN[at]);
        assert_string_equal(hidden(text), "<[hidden]>");
        (void)snprintf(text, sizeof text, "<%.*s>", (int)FRAGMENT_LEN - 1, &TOKEN[at]);
        assert_string_equal(hidden(text), text);
    }

    assert_string_equal(hidden(TOKEN), "[hidden]");
    assert_string_equal(hidden(TOKEN " and " TOKEN), "[hidden] and [hidden]");
    text[0] = '\0';
    (void)snprintf(text, sizeof text, "%.*s", (int)sizeof TOKEN - 2, TOKEN); /* short of one character */
    assert_string_equal(hidden(text), "[hidden]");
}

static void other_ways_to_write_it_are_hidden(void **state) {
    (void)state;
    static const char *const between[] = {" ",        "\t",  "\r\n", "\n ", "\x1b[m", "\xe2\x80\x8b",
                                          "\xc2\x9b", "\"",  "|",    "\\n", "&nbsp;", "...",
                                          "-",        "%20", "\\",   "/",   "<br/>",  "&#8203;"};
    note(TOKEN);
    for (size_t i = 0; i < SBS_COUNT_OF(between); i++) {
        if (strcmp(between[i], "<br/>") != 0 && strcmp(between[i], "\x1b[m") != 0) { /* letters of their own */
            assert_hidden_as("%c", 1, between[i]);
            assert_hidden_as("%c", 5, between[i]);
        }
    }

    static const char *const formats[] = {"%%%02X",  "%%%02x", "%%25%02X", "%%2525%02x", "\\u%04x",
                                          "\\x%02X", "&#%u;",  "&#x%x;",   "&#0%u;",     "\\%c"};
    for (size_t i = 0; i < SBS_COUNT_OF(formats); i++) {
        assert_hidden_as(formats[i], 100, "");
        assert_hidden_as(formats[i], 3, " ");
    }

    assert_string_equal(hidden("KT9-VQ2_XW7.MZ4~AB1CD3EF5GH8JK0LN6PR"), "[hidden]");
    assert_string_equal(hidden("kT9vQ2xW7mZ4aB1cD3eF5gH8jK0lN6pR"), "[hidden]");
}

static void what_is_half_written_is_no_way_out(void **state) {
    (void)state;
    static const char *const ends[] = {"%",    "%4", "%25", "%2541", "\\",   "\\u", "\\u00",
                                       "\\x4", "&",  "&#",  "&#x",   "&#65", "&a"};
    char text[100];
    note(TOKEN);
    for (size_t i = 0; i < SBS_COUNT_OF(ends); i++) {
        (void)snprintf(text, sizeof text, "%s" TOKEN "%s", ends[i], ends[i]);
        assert_null(strstr(hidden(text), "vQ2"));
        (void)snprintf(text, sizeof text, "%s", ends[i]);
        assert_string_equal(hidden(text), text);
    }
}

static void a_short_secret_is_hidden_whole_or_not(void **state) {
    (void)state;
    note("aB3dE6gH");
    assert_string_equal(hidden("it is aB3dE6gH here"), "it is [hidden] here");
    assert_string_equal(hidden("it is aB3dE6g, no"), "it is aB3dE6g, no");
}

static void the_ends_of_long_texts_are_looked_at(void **state) {
    (void)state;
    static char text[100000];
    note(TOKEN);
    for (size_t at = 4060; at < 4130; at += 7) {
        memset(text, '.', sizeof text);
        memcpy(text + at, TOKEN, sizeof TOKEN - 1);
        memcpy(text + sizeof text - sizeof TOKEN + 1, TOKEN, sizeof TOKEN - 1);
        const char *shown = hidden_of(text, sizeof text);
        assert_null(strstr(shown, "vQ2_"));
        assert_int_equal(strlen(shown), sizeof text - 2 * (sizeof TOKEN - 1 - 8));
    }
}

/* A server that makes a client send much has the secrets forgotten that were sent longest ago, and no other. */
static void the_one_that_is_sent_again_is_kept(void **state) {
    (void)state;
    char other[64];
    note(TOKEN);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(other, sizeof other, "assertion-number-%03u-of-many", i);
        note(other);
        note(TOKEN);
        assert_string_equal(hidden(TOKEN), "[hidden]");
        assert_string_equal(hidden(other), "[hidden]");
    }
}

/* Large ones do not make each line slow: few are kept, and the last one always is. */
static void large_ones_are_kept_while_there_is_room(void **state) {
    (void)state;
    static char large[140000];
    char line[64];
    note(TOKEN);
    for (unsigned i = 0; i < 20; i++) {
        for (size_t at = 0; at < sizeof large; at++) {
            large[at] = "abcdefghijklmnopqrstuvwxyz012345"[(at * 7 + at / 32 * 11 + at / 1024 * i + i) % 32];
        }
        cli_secret_note((sbs_text){large, sizeof large});
        (void)snprintf(line, sizeof line, "<%.30s>", &large[sizeof large - 40]);
        assert_string_equal(hidden(line), "<[hidden]>");
    }
    assert_string_equal(hidden(TOKEN), TOKEN);
    note(TOKEN);
    assert_string_equal(hidden(TOKEN), "[hidden]");
}

#define CASE(name) cmocka_unit_test_teardown(name, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_hidden_before_something_was_sent), CASE(every_fragment_of_sixteen_characters_is_hidden),
        CASE(other_ways_to_write_it_are_hidden),           CASE(what_is_half_written_is_no_way_out),
        CASE(a_short_secret_is_hidden_whole_or_not),       CASE(the_ends_of_long_texts_are_looked_at),
        CASE(the_one_that_is_sent_again_is_kept),          CASE(large_ones_are_kept_while_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
