/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "http_transcript.h"
#include "sbs/count.h"
#include "test.h"

static transcript read_with(const char *message, uint64_t body_max) {
    transcript t;
    transcript_read(&t, message, body_max);
    return t;
}

static transcript read_all(const char *message) {
    return read_with(message, 0);
}

static void test_content_length(void **state) {
    (void)state;
    assert_read(OK_LINE "Content-Length: 5\r\n\r\nhello", "200 [Content-Length=5] <hello> end");
    assert_read(OK_LINE "content-length:0\r\n\r\n", "200 [content-length=0] end");
    assert_read(OK_LINE "Content-Length: 0005\r\n\r\nhello", "200 [Content-Length=0005] <hello> end");
    assert_read(OK_LINE "Content-Length: 5, 5 ,5\r\n\r\nhello", "200 [Content-Length=5, 5 ,5] <hello> end");
    assert_read(OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                "200 [Content-Length=5] [Content-Length=5] <hello> end");
    const transcript t = read_all(OK_LINE "Content-Length: 5\r\n\r\nhello");
    assert_true(t.reader.keep_alive);
    assert_true(t.reader.has_length);
    assert_false(t.reader.until_close);
    assert_int_equal(t.reader.content_length, 5);
}

static void test_content_length_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "-5",
        "+5",
        "5 5",
        "5x",
        "0x5",
        "5,",
        ",5",
        "5,,5",
        "5, 6",
        "5;5",
        "5.0",
        "\"5\"",
        "five",
        "9223372036854775808",
        "18446744073709551616",
        "99999999999999999999999999",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, OK_LINE "Content-Length: %s\r\n\r\nhello", bad[i]);
        assert_refused(message, SBS_ERR_HTTP);
    }
    assert_refused(OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", SBS_ERR_HTTP);
}

static void test_chunked(void **state) {
    (void)state;
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                "200 [Transfer-Encoding=chunked] <hello> end");
    assert_read(OK_LINE "Transfer-Encoding: CHUNKED\r\n\r\n1\r\nh\r\n00004\r\nello\r\n000\r\n\r\n",
                "200 [Transfer-Encoding=CHUNKED] <hello> end");
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 [Transfer-Encoding=chunked] end");
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\nA;x=\"1\";y\r\n0123456789\r\n1 ; z\r\n!\r\n0;e\r\n\r\n",
                "200 [Transfer-Encoding=chunked] <0123456789!> end");
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\nX: 1\r\nContent-Length: 7\r\n\r\n",
                "200 [Transfer-Encoding=chunked] <\r\n> end");
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n",
                "200 [Transfer-Encoding=chunked] <12345678901> end");
}

/* Blanks behind a size come from servers that reserved room for it. */
static void test_blanks_behind_a_chunk_size(void **state) {
    (void)state;
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0  \t\r\n\r\n",
                "200 [Transfer-Encoding=chunked] <hello> end");
    assert_read(OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\t ;x=y \r\nhello\r\n0 ;\r\n\r\n",
                "200 [Transfer-Encoding=chunked] <hello> end");
    assert_refused(OK_LINE "Transfer-Encoding: chunked\r\n\r\n1 0\r\n0123456789abcdef", SBS_ERR_HTTP);
    assert_refused(OK_LINE "Transfer-Encoding: chunked\r\n\r\n \r\n", SBS_ERR_HTTP);
}

static void test_chunked_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\r\n",
        " 5\r\nhello",
        "-5\r\n",
        "+5\r\n",
        "0x5\r\n",
        "g\r\n",
        ";x\r\n",
        "5\nhello",
        "5\rhello",
        "5\r\nhelloX",
        "5\r\nhello\n",
        "5\r\nhello\rX",
        "5\r\nhello!\r\n",
        "1,2\r\n",
        "5\x01\r\n",
        "10000000000000000\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX : 1\r\n\r\n",
        "0\r\n X: 1\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
        "0\r\nX: \x02\r\n\r\n",
        "0\r\n\n",
        "0\r\n\rX",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, OK_LINE "Transfer-Encoding: chunked\r\n\r\n%s", bad[i]);
        assert_refused(message, SBS_ERR_HTTP);
    }
}

static void test_chunk_line_is_bounded(void **state) {
    (void)state;
    char message[400] = OK_LINE "Transfer-Encoding: chunked\r\n\r\n1;";
    const size_t head = strlen(message);
    memset(message + head, 'x', 126);
    strcpy(message + head + 126, "\r\n!\r\n0\r\n\r\n");
    assert_read(message, "200 [Transfer-Encoding=chunked] <!> end");
    memset(message + head, 'x', 127);
    strcpy(message + head + 127, "\r\n!\r\n0\r\n\r\n");
    assert_refused(message, SBS_ERR_TOO_LARGE);
}

/* RFC 9112 section 6.1 and 6.3: what cannot be framed without doubt. */
static void test_transfer_encoding_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, OK_LINE "%s\r\n\r\n0\r\n\r\n", bad[i]);
        assert_refused(message, SBS_ERR_HTTP);
    }
    assert_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", SBS_ERR_HTTP);
    assert_refused("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", SBS_ERR_HTTP);
}

static void test_content_encoding(void **state) {
    (void)state;
    assert_read(OK_LINE "Content-Encoding: Identity\r\nContent-Encoding: \r\nContent-Length: 0\r\n\r\n",
                "200 [Content-Encoding=Identity] [Content-Encoding=] [Content-Length=0] end");
    static const struct {
        const char *field;
        sbs_http_coding coding;
    } cases[] = {
        {"identity", SBS_CODING_NONE},
        {"none", SBS_CODING_NONE},
        {"UTF-8", SBS_CODING_NONE},
        {"", SBS_CODING_NONE},
        {"gzip", SBS_CODING_GZIP},
        {"X-GZIP", SBS_CODING_GZIP},
        {"identity, deflate", SBS_CODING_DEFLATE},
        {"gzip, gzip", SBS_CODING_OTHER},
        {"identity, br", SBS_CODING_OTHER},
        {"gzi", SBS_CODING_OTHER},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, OK_LINE "Content-Encoding: %s\r\nContent-Length: 0\r\n\r\n",
                       cases[i].field);
        const transcript t = read_all(message);
        assert_int_equal(t.status, SBS_OK);
        assert_int_equal(t.reader.coding, cases[i].coding);
    }
}

static void test_until_close(void **state) {
    (void)state;
    assert_read(OK_LINE "\r\nhello", "200 <hello> end");
    assert_read(OK_LINE "\r\n", "200 end");
    const transcript t = read_all(OK_LINE "Connection: keep-alive\r\n\r\nhello");
    assert_true(t.reader.until_close);
    assert_false(t.reader.keep_alive);
    assert_false(t.reader.has_length);
}

static void test_truncated(void **state) {
    (void)state;
    static const char *const messages[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: 1\r\n\r\n",
        "HTTP/1.1 204 No\r\n\r\n",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(messages); i++) {
        const size_t len = strlen(messages[i]);
        for (size_t cut = 0; cut < len; cut++) {
            transcript t;
            transcript_read_split(&t, messages[i], cut, 0, cut, cut);
            assert_int_equal(t.status, SBS_ERR_TRUNCATED);
        }
        assert_int_equal(read_all(messages[i]).status, SBS_OK);
    }
}

static void test_interim(void **state) {
    (void)state;
    assert_read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\nContent-Length: 9\r\n\r\n"
                "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
                "201 [Content-Length=1] <x> end");
    char message[1000] = "";
    for (int i = 0; i < SBS_HTTP_INTERIM_MAX; i++) {
        strcat(message, "HTTP/1.1 102 P\r\n\r\n");
    }
    const size_t len = strlen(message);
    strcat(message, OK_LINE "Content-Length: 0\r\n\r\n");
    assert_read(message, "200 [Content-Length=0] end");
    strcpy(message + len, "HTTP/1.1 102 P\r\n\r\n");
    assert_refused(message, SBS_ERR_TOO_LARGE);
}

static void test_no_body(void **state) {
    (void)state;
    transcript t = read_all("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n");
    assert_string_equal(t.text, "304 [Content-Length=500] end");
    assert_true(t.reader.keep_alive);
    assert_int_equal(t.reader.content_length, 500);
    t = read_all("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_string_equal(t.text, "304 [Transfer-Encoding=chunked] end");
    t = read_all("HTTP/1.1 204 No Content\r\n\r\n");
    assert_string_equal(t.text, "204 end");
    assert_true(t.reader.keep_alive);
    t = read_all("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    assert_true(t.reader.keep_alive);
    t = read_all("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
    assert_string_equal(t.text, "204 [Content-Length=5] end");
    assert_false(t.reader.keep_alive);
    t = read_all("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_false(t.reader.keep_alive);
}

static void test_keep_alive(void **state) {
    (void)state;
    static const struct {
        const char *head;
        bool keep_alive;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n", true},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n", false},
        {"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n", true},
        {"HTTP/1.1 200 OK\r\nConnection: x, CLOSE ,y\r\n", false},
        {"HTTP/1.1 200 OK\r\nConnection: x\r\nconnection: close\r\n", false},
        {"HTTP/1.1 200 OK\r\nConnection: closed, xclose\r\n", true},
        {"HTTP/1.1 200 OK\r\nConnection:\r\n", true},
        {"HTTP/1.1 200 OK\r\nX-Connection: close\r\n", true},
        {"HTTP/1.0 200 OK\r\n", false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", true},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n", false},
        {"HTTP/1.0 100 C\r\n\r\nHTTP/1.1 200 OK\r\n", true},
        {"HTTP/1.1 100 C\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n", true},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        char message[200];
        (void)snprintf(message, sizeof message, "%sContent-Length: 0\r\n\r\n", rows[i].head);
        const transcript t = read_all(message);
        assert_int_equal(t.status, SBS_OK);
        assert_int_equal(t.reader.keep_alive, rows[i].keep_alive);
    }
}

static void test_rest_is_left(void **state) {
    (void)state;
    static const char message[] = OK_LINE "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n";
    const transcript t = read_all(message);
    assert_string_equal(t.text, "200 [Content-Length=5] <hello> end");
    assert_int_equal(t.used, sizeof message - 1 - strlen(OK_LINE));
    transcript chunked;
    transcript_read(&chunked, OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", 0);
    assert_int_equal(chunked.used, strlen(OK_LINE) + 28 + 2 + 5);
    assert_false(transcript_feed(&chunked, "more", 4));
    assert_int_equal(chunked.used, strlen(OK_LINE) + 28 + 2 + 5);
    assert_int_equal(sbs_http_reader_end(&chunked.reader), SBS_OK);
}

static sbs_status read_limited(const char *message, uint64_t body_max) {
    return read_with(message, body_max).status;
}

static void test_body_limit(void **state) {
    (void)state;
    static const char *const messages[] = {
        OK_LINE "Content-Length: 5\r\n\r\nhello",
        OK_LINE "\r\nhello",
        OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK_LINE "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(messages); i++) {
        assert_int_equal(read_limited(messages[i], 5), SBS_OK);
        assert_int_equal(read_limited(messages[i], 4), SBS_ERR_TOO_LARGE);
        assert_int_equal(read_limited(messages[i], 1), SBS_ERR_TOO_LARGE);
    }
    /* Refused by the announcement, before any of it came. */
    assert_int_equal(read_limited(OK_LINE "Content-Length: 6\r\n\r\n", 5), SBS_ERR_TOO_LARGE);
    assert_int_equal(read_limited(OK_LINE "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", 5),
                     SBS_ERR_TOO_LARGE);
    assert_int_equal(read_limited(OK_LINE "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", 0),
                     SBS_ERR_TRUNCATED);
    assert_int_equal(read_limited(OK_LINE "Content-Length: 9223372036854775807\r\n\r\n", 0), SBS_ERR_TRUNCATED);
}

static void test_many_chunks(void **state) {
    (void)state;
    transcript t;
    transcript_begin(&t, 0);
    static const char head[] = OK_LINE "Transfer-Encoding: chunked\r\n\r\n";
    assert_true(transcript_feed(&t, head, sizeof head - 1));
    for (int i = 0; i < 20000; i++) {
        t.len = 0;
        assert_true(transcript_feed(&t, "1\r\nx\r\n", 6));
    }
    t.len = 0;
    assert_false(transcript_feed(&t, "0\r\n\r\n", 5));
    assert_int_equal(t.status, SBS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_length),
        cmocka_unit_test(test_content_length_refused),
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_chunked_refused),
        cmocka_unit_test(test_blanks_behind_a_chunk_size),
        cmocka_unit_test(test_chunk_line_is_bounded),
        cmocka_unit_test(test_transfer_encoding_refused),
        cmocka_unit_test(test_content_encoding),
        cmocka_unit_test(test_until_close),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_interim),
        cmocka_unit_test(test_no_body),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_rest_is_left),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_many_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
