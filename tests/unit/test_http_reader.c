/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "http_transcript.h"
#include "sbs/count.h"
#include "test.h"

static transcript read_all(const char *message) {
    transcript t;
    transcript_read(&t, message, 0);
    return t;
}

static void test_status_line(void **state) {
    (void)state;
    assert_read("HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n", "599 [Content-Length=0] end");
    assert_read("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 [Content-Length=0] end");
    assert_read("HTTP/1.1 404 Not\tFound \xc3\xa9\r\nContent-Length: 0\r\n\r\n", "404 [Content-Length=0] end");
    char message[400] = "HTTP/1.1 200 ";
    memset(message + 13, 'r', 300);
    strcpy(message + 313, "\r\nContent-Length: 0\r\n\r\n");
    assert_read(message, "200 [Content-Length=0] end");
}

static void test_status_line_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20",
        "HTTP/1.1 2000",
        "HTTP/1.1 200OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 600 OK",
        "HTTP/1.1 999 OK",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 101 Switching Protocols",
        "HTTP/1.2 200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1.11 200 OK",
        "HTTP/1 200 OK",
        "HTTP/01.1 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 200 O\x01K",
        "HTTP/1.1 200 O\x7fK",
        "HTTP/1.1 200 O\nK",
        "HTTP/1.1 200 O\rK",
        "\r\nHTTP/1.1 200 OK",
        "\nHTTP/1.1 200 OK",
        "<html>",
        "\x16\x03\x01",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, "%s\r\nContent-Length: 0\r\n\r\n", bad[i]);
        assert_refused(message, SBS_ERR_HTTP);
    }
}

static void test_fields(void **state) {
    (void)state;
    assert_read(OK_LINE "Content-Length: 0\r\nA:1\r\nB: \t 2 3 \t\r\nC:\r\nD: :\r\nE: \xff\r\n"
                        "!#$%&'*+-.^_`|~9z: x\r\n\r\n",
                "200 [Content-Length=0] [A=1] [B=2 3] [C=] [D=:] [E=\xff] [!#$%&'*+-.^_`|~9z=x] end");
}

/* One line that is no field: the answer counts, and the connection ends with it (RFC 9112 sections 2.2 and 5.1). */
static void a_line_that_is_no_field_is_skipped(void **state) {
    (void)state;
    static const char *const bad[] = {
        "no colon",
        ":",
        ": x",
        "A : x",
        "A\t: x",
        " A: x",
        "\tA: x",
        "A b: x",
        "A: \x01",
        "A: \x7f",
        "A: \x1b",
        "\xc3\xa9: x",
        "A(: x",
        "A\": x",
        "\x01: x",
        "Content",
        "A\x01x",
        " x\r\n y",
        "\x01Content-Length: 6",
        "X-Content-Length y",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, OK_LINE "%s\r\nContent-Length: 5\r\n\r\nhello", bad[i]);
        transcript t;
        transcript_read(&t, message, 0);
        assert_string_equal(t.text, "200 [Content-Length=5] <hello> end");
        assert_false(t.reader.keep_alive);
        (void)snprintf(message, sizeof message, "HTTP/1.1 103 Hints\r\n%s\r\n\r\n" OK_LINE "Content-Length: 0\r\n\r\n",
                       bad[i]);
        transcript_read(&t, message, 0);
        assert_string_equal(t.text, "200 [Content-Length=0] end");
        assert_false(t.reader.keep_alive);
    }
}

/* In a field they make the line none, in the status line the answer. */
static void each_control_character_counts(void **state) {
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        char message[200];
        transcript t;
        bool control = (c < 0x20 && c != '\t') || c == 0x7F;
        if (c == '\r' || c == '\n') {
            continue; /* they end a line */
        }
        (void)snprintf(message, sizeof message, OK_LINE "A: x%cy\r\nContent-Length: 0\r\n\r\n", (int)c);
        transcript_read(&t, message, 0);
        assert_int_equal(t.reader.keep_alive, !control);
        (void)snprintf(message, sizeof message, "HTTP/1.1 200 O%cK\r\nContent-Length: 0\r\n\r\n", (int)c);
        if (control) {
            assert_refused(message, SBS_ERR_HTTP);
        } else {
            assert_read(message, "200 [Content-Length=0] end");
        }
    }
}

static void test_fields_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "A: x\ny: z",
        "A: x\rB: y",
        "A: x\r\r\n",
        "\r",
        "\n",
        " A: x",
        "\tA: x",
        "content-length 0",
        "Content-Length : 0",
        "Content-Length\x01: 0",
        "Content-Length: 0\x01",
        "TRANSFER-ENCODING\t: chunked",
        "Transfer-Encoding",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, OK_LINE "Content-Length: 0\r\n%s\r\n\r\n", bad[i]);
        assert_refused(message, SBS_ERR_HTTP);
        (void)snprintf(message, sizeof message, "HTTP/1.1 103 Hints\r\nContent-Length: 0\r\n%s\r\n\r\n", bad[i]);
        if (bad[i][0] != ' ' && bad[i][0] != '\t') { /* a fold in what an interim answer says means nothing */
            assert_refused(message, SBS_ERR_HTTP);
        }
    }
    static const char with_nul[] = OK_LINE "A: \0\r\n\r\n";
    transcript t;
    transcript_read_split(&t, with_nul, sizeof with_nul - 1, 0, 0, 0);
    assert_int_equal(t.status, SBS_ERR_HTTP);
}

/* A line that begins with a blank goes on with the one before it (RFC 9112 section 5.2). */
static void test_folded_fields(void **state) {
    (void)state;
    static const char message[] =
        OK_LINE "Content-Length: 5\r\nA: x\r\n y\r\n\t\t z\r\nB:\r\n \r\nC: 1\r\n 2:3\r\n\r\nhello";
    static const char expected[] = "200 [Content-Length=5] [A=x y\t\t z] [B=] [C=1 2:3] <hello> end";
    const size_t len = sizeof message - 1;
    for (size_t at = 0; at <= len; at++) {
        transcript t;
        transcript_read_split(&t, message, len, 0, at, at + 1 < len ? at + 1 : len);
        assert_string_equal(t.text, expected);
    }
    assert_read("HTTP/1.1 103 Hints\r\nA: x\r\n y\r\n\r\n" OK_LINE "Content-Length: 0\r\n\r\n",
                "200 [Content-Length=0] end");
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\nA: x\r\n y\r\n\r\n",
                "200 [Transfer-Encoding=chunked] end");
    /* All parts together are one line, and one that is too long. */
    char longer[600] = OK_LINE "Content-Length: 0\r\nDate: x";
    for (size_t i = 0; i < 12; i++) {
        strcat(longer, "\r\n 0123456789");
    }
    strcat(longer, "\r\n\r\n");
    assert_refused(longer, SBS_ERR_TOO_LARGE);
}

static void test_a_fold_in_what_frames_is_refused(void **state) {
    (void)state;
    assert_refused(OK_LINE "Content-Length: 5\r\n \r\n\r\nhello", SBS_ERR_HTTP);
    assert_refused(OK_LINE "Content-Length:\r\n 5\r\n\r\nhello", SBS_ERR_HTTP);
    assert_refused(OK_LINE "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", SBS_ERR_HTTP);
    assert_refused(OK_LINE "Transfer-Encoding: chunked\r\n\t\r\n\r\n0\r\n\r\n", SBS_ERR_HTTP);
    assert_refused(OK_LINE "Content-Length: 0\r\nA: x\r\n y\rz\r\n\r\n", SBS_ERR_HTTP);
    assert_refused(OK_LINE "Content-Length: 0\r\nA: x\r\n y\nz\r\n\r\n", SBS_ERR_HTTP);
}

/* Lone line feeds are refused wherever a line can end. */
static void test_every_line_end_must_be_crlf(void **state) {
    (void)state;
    static const char good[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: 1\r\n\r\n";
    const size_t len = sizeof good - 1;
    for (size_t at = 0; at < len; at++) {
        char message[sizeof good];
        transcript t;
        if (good[at] != '\r' && good[at] != '\n') {
            continue;
        }
        memcpy(message, good, at);
        memcpy(message + at, good + at + 1, len - at - 1);
        transcript_read_split(&t, message, len - 1, 0, 0, 0);
        assert_true(t.status == SBS_ERR_HTTP || (at == len - 1 && t.status == SBS_ERR_TRUNCATED));
    }
}

static void test_dead_after_an_error(void **state) {
    (void)state;
    transcript t;
    transcript_read(&t, "nonsense\r\n", 0);
    assert_int_equal(t.status, SBS_ERR_HTTP);
    assert_false(transcript_feed(&t, "HTTP/1.1 200 OK\r\n\r\n", 19));
    assert_int_equal(t.status, SBS_ERR_STATE);
    assert_int_equal(sbs_http_reader_end(&t.reader), SBS_ERR_TRUNCATED);
    assert_string_equal(t.text, "");
}

/* One field of @p name whose line is @p line_len bytes long. What it gives holds until the next call: a transcript for
 * each of them would be too much for a small stack. */
static const transcript *read_long_field(const char *name, size_t line_len) {
    char message[600];
    const size_t head = (size_t)snprintf(message, sizeof message, OK_LINE "Content-Length: 0\r\n%s:", name);
    memset(message + head, 'v', line_len - strlen(name) - 1);
    strcpy(message + head + line_len - strlen(name) - 1, "\r\n\r\n");
    static transcript result;
    transcript_read(&result, message, 0);
    return &result;
}

static void test_long_fields(void **state) {
    (void)state;
    static const char *const needed[] = {
        "Content-Type", "Date", "RETRY-AFTER", "ETag", "Connection",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(needed); i++) {
        assert_int_equal(read_long_field(needed[i], 128)->status, SBS_OK);
        assert_int_equal(read_long_field(needed[i], 129)->status, SBS_ERR_TOO_LARGE);
        assert_int_equal(read_long_field(needed[i], 400)->status, SBS_ERR_TOO_LARGE);
    }
    assert_int_equal(read_long_field("Transfer-Encoding", 129)->status, SBS_ERR_TOO_LARGE);
    assert_int_equal(read_long_field("Content-Encoding", 129)->status, SBS_ERR_TOO_LARGE);
    assert_int_equal(read_long_field("Content-Length", 129)->status, SBS_ERR_TOO_LARGE);

    const transcript *skipped = read_long_field("Set-Cookie", 129);
    assert_int_equal(skipped->status, SBS_OK);
    assert_string_equal(skipped->text, "200 [Content-Length=0] end");
    assert_true(read_long_field("Set-Cookie", 128)->len > 128);
    /* A challenge or a Location of any length leaves the status what it is. */
    assert_string_equal(read_long_field("Location", 400)->text, "200 [Content-Length=0] end");
    assert_string_equal(read_long_field("WWW-Authenticate", 400)->text, "200 [Content-Length=0] end");
    /* A name that does not fit cannot be told from a needed one, nor from a line without a colon. */
    char name[200];
    memset(name, 'n', sizeof name);
    name[128] = '\0';
    assert_int_equal(read_long_field(name, 300)->status, SBS_ERR_TOO_LARGE);
}

static void test_long_field_is_still_checked(void **state) {
    (void)state;
    char message[400] = OK_LINE "Set-Cookie: ";
    const size_t head = strlen(message);
    memset(message + head, 'v', 200);
    strcpy(message + head + 200, "\n\r\n\r\n");
    assert_refused(message, SBS_ERR_HTTP);
    memset(message + head, 'v', 200);
    strcpy(message + head + 200, "\rX: y\r\n\r\n");
    assert_refused(message, SBS_ERR_HTTP);
    memset(message + head, 'v', 200);
    strcpy(message + head + 200, "\r\nContent-Length: 0\r\n\r\n");
    assert_read(message, "200 [Content-Length=0] end");
}

/* Feeds lines of "A: b" until the reader refuses; returns how many bytes of head it took. */
static size_t head_bytes_taken(transcript *t, const char *prefix) {
    transcript_begin(t, 0);
    size_t fed = strlen(prefix);
    bool going = transcript_feed(t, prefix, fed);
    while (going) {
        t->len = 0;
        fed++;
        going = transcript_feed(t, &"A: b\r\n"[(fed - strlen(prefix) - 1) % 6], 1);
    }
    return fed - 1;
}

static void test_head_is_bounded(void **state) {
    (void)state;
    transcript t;
    assert_int_equal(head_bytes_taken(&t, OK_LINE), SBS_HTTP_HEADER_MAX);
    assert_int_equal(t.status, SBS_ERR_TOO_LARGE);
    assert_int_equal(head_bytes_taken(&t, "HTTP/1.1 100 C\r\n"), SBS_HTTP_HEADER_MAX);
    assert_int_equal(t.status, SBS_ERR_TOO_LARGE);
    /* Trailers count as well, chunk lines do not. */
    assert_int_equal(head_bytes_taken(&t, OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\n"), SBS_HTTP_HEADER_MAX + 3);
    assert_int_equal(t.status, SBS_ERR_TOO_LARGE);
}

static const char *const samples[] = {
    OK_LINE "Content-Type: application/fhir+json\r\nContent-Length: 13\r\n\r\n{\"a\":[1,2,3]}",
    OK_LINE "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
    "HTTP/1.0 400 Bad\r\nContent-Type: text/plain\r\n\r\nuntil the end\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nLocation: /Observation/1/_history/1\r\nETag: W/\"1\"\r\n"
    "Content-Length: 0\r\n\r\nleft",
    "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    OK_LINE
    "X: 123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
    "6789012345678901234567890\r\nContent-Length: 1\r\n\r\nx",
    OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
    OK_LINE "A: b\r\n c\r\n\r\n",
    OK_LINE "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
    OK_LINE "Content-Length: 5\r\n\r\nhel",
};

/* How the bytes arrive changes nothing: split at every pair of places, so at every place too. */
static void test_every_split(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(samples); i++) {
        const size_t len = strlen(samples[i]);
        const transcript whole = read_all(samples[i]);
        for (size_t first = 0; first <= len; first++) {
            for (size_t second = first; second <= len; second++) {
                transcript t;
                transcript_read_split(&t, samples[i], len, 0, first, second);
                assert_int_equal(t.status, whole.status);
                assert_string_equal(t.text, whole.text);
                assert_int_equal(t.reader.keep_alive, whole.reader.keep_alive);
            }
        }
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(samples); i++) {
        const transcript whole = read_all(samples[i]);
        transcript t;
        transcript_begin(&t, 0);
        bool going = true;
        for (const char *p = samples[i]; *p != '\0' && going; p++) {
            char one = *p;
            going = transcript_feed(&t, &one, 1);
        }
        if (going) {
            transcript_end(&t);
        }
        assert_string_equal(t.text, whole.text);
    }
}

/* Any one byte of a good message replaced by any other: an answer or an error, never a fault (with sanitizers). */
static void test_damaged_messages(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(samples); i++) {
        char message[300];
        const size_t len = strlen(samples[i]);
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                transcript t;
                memcpy(message, samples[i], len);
                message[at] = (char)byte;
                transcript_read_split(&t, message, len, 100, at, at);
                assert_true(t.status == SBS_OK || t.status == SBS_ERR_HTTP || t.status == SBS_ERR_TOO_LARGE ||
                            t.status == SBS_ERR_TRUNCATED);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_line),
        cmocka_unit_test(test_status_line_refused),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(each_control_character_counts),
        cmocka_unit_test(test_fields_refused),
        cmocka_unit_test(a_line_that_is_no_field_is_skipped),
        cmocka_unit_test(test_folded_fields),
        cmocka_unit_test(test_a_fold_in_what_frames_is_refused),
        cmocka_unit_test(test_every_line_end_must_be_crlf),
        cmocka_unit_test(test_dead_after_an_error),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_long_field_is_still_checked),
        cmocka_unit_test(test_head_is_bounded),
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_damaged_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
