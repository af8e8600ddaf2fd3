/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/http_request_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "test.h"

#define FIELDS_MAX 6
#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define CHUNKED GET HOST "Transfer-Encoding: chunked\r\n\r\n"

static const sbs_http_request_limits limits = {.head_max = 200, .fields_max = FIELDS_MAX, .body_max = 40};

typedef struct result {
    sbs_status status; /* SBS_OK: whole; SBS_PENDING: more is wanted */
    uint16_t refusal;
    const char *why;
    size_t used; /* bytes of the request */
    size_t body_len;
    char body[64];
    sbs_http_request_reader reader;
} result;

/* Each piece stands alone in memory, so that reading past it is seen by the sanitizers. */
static char *piece_of(const char *data, size_t len) {
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    char *exact = realloc(copy, len > 0 ? len : 1);
    assert_non_null(exact);
    return exact;
}

static void take_body(result *r, const char *data, size_t len) {
    char *piece = piece_of(data, len);
    size_t at = 0;
    do {
        size_t used = 0;
        sbs_text body;
        r->status = sbs_http_request_reader_body(&r->reader, piece + at, len - at, &used, &body);
        assert_true(used <= len - at);
        assert_true(body.len == 0 || (body.ptr >= piece + at && body.ptr + body.len == piece + at + used));
        assert_true(r->body_len + body.len <= sizeof r->body);
        if (body.len > 0) {
            memcpy(r->body + r->body_len, body.ptr, body.len);
        }
        r->body_len += body.len;
        at += used;
    } while (r->status == SBS_PENDING && at < len);
    r->used += at;
    free(piece);
}

/* Feeds the first @p first bytes, then pieces of @p step. */
static void read_split(result *r, const char *data, size_t len, size_t first, size_t step) {
    memset(r, 0, sizeof *r);
    sbs_http_request_reader_init(&r->reader, &limits);
    r->status = SBS_PENDING;
    size_t from = 0;
    for (size_t to = first; r->status == SBS_PENDING; to = to + step < len ? to + step : len) {
        if (r->reader.head_len == 0) {
            char *head = piece_of(data, to);
            r->status = sbs_http_request_reader_head(&r->reader, head, to);
            free(head);
            from = r->reader.head_len;
            r->used = from;
            if (r->status == SBS_OK) {
                take_body(r, data + from, to - from);
            }
        } else {
            take_body(r, data + from, to - from);
        }
        from = r->reader.head_len != 0 ? to : 0;
        if (to == len) {
            break;
        }
    }
    r->refusal = r->reader.refusal;
    r->why = r->reader.why;
}

/* In one piece, byte by byte, and split at every place: always the same. */
static void read_all_ways(result *r, const char *data, size_t len) {
    result other;
    read_split(r, data, len, len, len);
    for (size_t first = 0; first <= len; first++) {
        read_split(&other, data, len, first, first == 0 ? 1 : len);
        if (other.status != r->status || other.refusal != r->refusal || other.why != r->why ||
            other.body_len != r->body_len || memcmp(other.body, r->body, r->body_len) != 0) {
            print_error("split at %zu: %s", first, data);
        }
        assert_int_equal(other.status, r->status);
        assert_int_equal(other.refusal, r->refusal);
        assert_ptr_equal(other.why, r->why);
        assert_int_equal(other.body_len, r->body_len);
        assert_memory_equal(other.body, r->body, r->body_len);
        assert_true(r->status != SBS_OK || other.used == r->used);
    }
}

static void read_text(result *r, const char *text) {
    read_all_ways(r, text, strlen(text));
}

/* ---- good ------------------------------------------------------------------------------------------------------ */

static void test_requests_that_are_taken(void **state) {
    (void)state;
    static const struct {
        const char *text, *body;
        size_t behind; /* bytes that are the next request's */
        bool keep_alive, expects;
    } good[] = {
        {GET HOST "\r\n", "", 0, true, false},
        {GET HOST "\r\nGET /", "", 5, true, false},
        {"\r\n" GET HOST "\r\n", "", 0, true, false},
        {GET "hOsT:a\r\n\r\n", "", 0, true, false},
        {GET "Host: \t [::1]:8443 \t\r\n\r\n", "", 0, true, false},
        {GET HOST "X:\r\nY: \xE4 \t \x7E\r\n\r\n", "", 0, true, false},
        {GET HOST "Content-Length: 5\r\n\r\nhelloG", "hello", 1, true, false},
        {GET HOST "Content-Length: 0\r\n\r\nG", "", 1, true, false},
        {GET HOST "Content-Length: 0040\r\n\r\n0123456789012345678901234567890123456789",
         "0123456789012345678901234567890123456789", 0, true, false},
        {GET HOST "Connection: close\r\n\r\n", "", 0, false, false},
        {GET HOST "Connection: x,\tCLOSE\r\n\r\n", "", 0, false, false},
        {GET HOST "Connection: keep-alive, close\r\n\r\n", "", 0, false, false},
        {GET HOST "Connection: upgrade\r\nConnection:\r\n\r\n", "", 0, true, false},
        {"GET / HTTP/1.0\r\n\r\n", "", 0, false, false},
        {"GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n", "", 0, true, false},
        {"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "", 0, false, false},
        {GET HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", "x", 0, true, true},
        {CHUNKED "0\r\n\r\nG", "", 1, true, false},
        {CHUNKED "5\r\nhello\r\n000000000000000a\r\n0123456789\r\n0\r\n\r\n", "hello0123456789", 0, true, false},
        {CHUNKED "5\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", "hello!", 0, true, false},
        {CHUNKED "5;a=\"b c\";\td\r\nhello\r\n0;e\r\n\r\n", "hello", 0, true, false},
        {CHUNKED "2\r\n\r\n\r\n0\r\nA:\r\nContent-Length: 7\t\xFF\r\n\r\n", "\r\n", 0, true, false},
        {GET HOST "Transfer-Encoding: \t ChunkeD\t\r\n\r\n0\r\n\r\n", "", 0, true, false},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        result r;
        read_text(&r, good[i].text);
        if (r.status != SBS_OK) {
            print_error("%s: %s\n", good[i].text, r.why != NULL ? r.why : "wants more");
        }
        assert_int_equal(r.status, SBS_OK);
        assert_int_equal(r.body_len, strlen(good[i].body));
        assert_memory_equal(r.body, good[i].body, r.body_len);
        assert_int_equal(r.used, strlen(good[i].text) - good[i].behind);
        assert_int_equal(r.reader.keep_alive, good[i].keep_alive);
        assert_int_equal(r.reader.expects_continue, good[i].expects);
        assert_int_equal(r.refusal, 0);
    }
}

static void test_what_is_not_whole_wants_more(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "\r",
        "\r\n",
        "G",
        GET,
        GET HOST "\r",
        GET HOST "Content-Length: 2\r\n\r\nx",
        CHUNKED,
        CHUNKED "1\r\nx\r\n0\r\n",
        CHUNKED "0\r\nA: b\r\n",
        CHUNKED "0\r\n\r",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        result r;
        read_text(&r, texts[i]);
        assert_int_equal(r.status, SBS_PENDING);
    }
}

/* ---- refused --------------------------------------------------------------------------------------------------- */

typedef struct refused_request {
    const char *text;
    const char *why; /* a part of it */
    uint16_t status;
} refused_request;

static void assert_refusals(const refused_request *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        result r;
        read_text(&r, requests[i].text);
        if (r.refusal != requests[i].status || strstr(r.why, requests[i].why) == NULL) {
            print_error("%s: %d %s\n", requests[i].text, r.refusal, r.why != NULL ? r.why : "");
        }
        assert_int_equal(r.refusal, requests[i].status);
        assert_non_null(strstr(r.why, requests[i].why));
        bool large = requests[i].status == 413 || requests[i].status == 414 || requests[i].status == 431;
        assert_int_equal(r.status, large ? SBS_ERR_TOO_LARGE : SBS_ERR_HTTP);
        size_t used = 1;
        sbs_text body = {"", 1};
        assert_int_equal(sbs_http_request_reader_head(&r.reader, requests[i].text, 1), r.status);
        assert_int_equal(sbs_http_request_reader_body(&r.reader, "x", 1, &used, &body), r.status);
        assert_int_equal(used, 0);
        assert_null(body.ptr);
    }
}

static void test_request_lines_that_are_refused(void **state) {
    (void)state;
    static const refused_request bad[] = {
        {"\r\n\r\n" GET HOST "\r\n", "method", 400},
        {"\n" GET HOST "\r\n", "line feed", 400},
        {" GET / HTTP/1.1\r\n", "method", 400},
        {"G(T / HTTP/1.1\r\n", "method", 400},
        {"GET\t/ HTTP/1.1\r\n", "method", 400},
        {"GET  / HTTP/1.1\r\n", "METHOD PATH", 400},
        {"GET /  HTTP/1.1\r\n", "METHOD PATH", 400},
        {"GET / HTTP/1.1 \r\n", "METHOD PATH", 400},
        {"GET /\r\n", "METHOD PATH", 400},
        {"GET\r\n", "METHOD PATH", 400},
        {"GET / a HTTP/1.1\r\n", "METHOD PATH", 400},
        {"GET / http/1.1\r\n", "METHOD PATH", 400},
        {"GET / HTTP/1.1x\r\n", "METHOD PATH", 400},
        {"GET / HTTP/1.\r\n", "METHOD PATH", 400},
        {"GET / HTTPS1.1\r\n", "METHOD PATH", 400},
        {"GET / HTTP/x.1\r\n", "METHOD PATH", 400},
        {"GET / HTTP/1,1\r\n", "METHOD PATH", 400},
        {"GET / HTTP/1.x\r\n", "METHOD PATH", 400},
        {"GET / HTTP/11.\r\n", "METHOD PATH", 400},
        {"GET / HTTP/1.2\r\n", "HTTP/1.1 and", 505},
        {"GET / HTTP/0.9\r\n", "HTTP/1.1 and", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 and", 505},
        {"GET http://a/ HTTP/1.1\r\n", "absolute path", 400},
        {"CONNECT a:443 HTTP/1.1\r\n", "absolute path", 400},
        {"OPTIONS * HTTP/1.1\r\n", "absolute path", 400},
        {"GET a HTTP/1.1\r\n", "absolute path", 400},
        {"GET ?a HTTP/1.1\r\n", "absolute path", 400},
        {"GET /a#b HTTP/1.1\r\n", "absolute path", 400},
        {"GET /\xC3\xA4 HTTP/1.1\r\n", "absolute path", 400},
        {"GET /\tx HTTP/1.1\r\n", "absolute path", 400},
        {"GET  HTTP/1.1\r\n", "absolute path", 400},
        {"GET / HTTP/1.1\n", "line feed", 400},
        {"GET / HTTP/1.1\rX", "carriage return", 400},
        {"GET / HTTP/1.1\r\r\n", "carriage return", 400},
        {"GET /\x0B HTTP/1.1\r\n", "control character", 400},
        {"\x16\x03\x01\x02", "control character", 400},
    };
    assert_refusals(bad, SBS_COUNT_OF(bad));
}

static void test_fields_that_are_refused(void **state) {
    (void)state;
    static const refused_request bad[] = {
        {GET " Host: a\r\n", "folded", 400},
        {GET HOST " b\r\n", "folded", 400},
        {GET HOST "\tb\r\n", "folded", 400},
        {GET HOST "Content-Length: 1\r\n 2\r\n", "folded", 400},
        {GET HOST "Content-Length : 1\r\n", "blank before the colon", 400},
        {GET HOST "Content-Length\t: 1\r\n", "blank before the colon", 400},
        {GET HOST "Content Length: 1\r\n", "blank before the colon", 400},
        {GET HOST "Transfer_Encoding\x7F: chunked\r\n", "control character", 400},
        {GET HOST "X: a\x01\r\n", "control character", 400},
        {GET HOST "X: a\x0B"
                  "b\r\n",
         "control character", 400},
        {GET HOST "X: a\nY: b\r\n", "line feed", 400},
        {GET HOST "X: a\rY: b\r\n", "carriage return", 400},
        {GET HOST "X\r\n", "NAME: VALUE", 400},
        {GET HOST ": a\r\n", "NAME: VALUE", 400},
        {GET HOST "\"X\": a\r\n", "NAME: VALUE", 400},
        {GET HOST "X\xE4: a\r\n", "NAME: VALUE", 400},
        {GET HOST "\n", "line feed", 400},
        {GET HOST "\r\r\n", "carriage return", 400},
        {GET "\r\n", "no Host", 400},
        {GET "X: a\r\n\r\n", "no Host", 400},
        {GET HOST HOST "\r\n", "two Host", 400},
        {"GET / HTTP/1.0\r\n" HOST "host: b\r\n\r\n", "two Host", 400},
        {GET "Host:\r\n", "no host name", 400},
        {GET "Host: a, b\r\n", "no host name", 400},
        {GET "Host: a/b\r\n", "no host name", 400},
        {GET "Host: u@a\r\n", "no host name", 400},
        {GET "Host: a b\r\n", "no host name", 400},
        {GET HOST "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\n", "too many", 431},
    };
    assert_refusals(bad, SBS_COUNT_OF(bad));
}

static void test_framing_that_is_refused(void **state) {
    (void)state;
    static const refused_request bad[] = {
        {GET HOST "Content-Length: 5\r\nContent-Length: 6\r\n", "two Content-Length", 400},
        {GET HOST "Content-Length: 5\r\ncontent-length: 5\r\n", "two Content-Length", 400},
        {GET HOST "Content-Length: 5, 5\r\n", "digits alone", 400},
        {GET HOST "Content-Length: +5\r\n", "digits alone", 400},
        {GET HOST "Content-Length: -5\r\n", "digits alone", 400},
        {GET HOST "Content-Length: 0x5\r\n", "digits alone", 400},
        {GET HOST "Content-Length: 5 5\r\n", "digits alone", 400},
        {GET HOST "Content-Length: 5.0\r\n", "digits alone", 400},
        {GET HOST "Content-Length: 5_0\r\n", "digits alone", 400},
        {GET HOST "Content-Length: \xD9\xA5\r\n", "digits alone", 400},
        {GET HOST "Content-Length:\r\n", "digits alone", 400},
        {GET HOST "Content-Length: 41\r\n\r\n", "too large", 413},
        {GET HOST "Content-Length: 18446744073709551616\r\n\r\n", "too large", 413},
        {GET HOST "Content-Length: 18446744073709551618000000000000\r\n\r\n", "too large", 413},
        {GET HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both", 400},
        {GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", "both", 400},
        {GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "two Transfer", 400},
        {GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "two Transfer", 400},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0", 400},
        {GET HOST "Transfer-Encoding:\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: gzip\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: identity\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: xchunked\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: chunked, gzip\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: chunked, chunked\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: chunked,\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: ,chunked\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: chunked;q=1\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: \"chunked\"\r\n", "one \"chunked\"", 400},
        {GET HOST "Transfer-Encoding: gzip,chunked\r\n", "no transfer coding", 501},
        {GET HOST "Expect: 200-ok\r\n", "100-continue", 417},
        {GET HOST "Expect:\r\n", "100-continue", 417},
    };
    assert_refusals(bad, SBS_COUNT_OF(bad));
}

static void test_chunks_that_are_refused(void **state) {
    (void)state;
    static const refused_request bad[] = {
        {CHUNKED "\r\n", "hexadecimal", 400},
        {CHUNKED " 5\r\n", "hexadecimal", 400},
        {CHUNKED "+5\r\n", "hexadecimal", 400},
        {CHUNKED "-5\r\n", "hexadecimal", 400},
        {CHUNKED ";x\r\n", "hexadecimal", 400},
        {CHUNKED "g\r\n", "hexadecimal", 400},
        {CHUNKED "00000000000000005\r\n", "hexadecimal", 400},
        {CHUNKED "10000000000000005\r\n", "hexadecimal", 400},
        {CHUNKED "0x5\r\n", "something else", 400},
        {CHUNKED "5 \r\n", "something else", 400},
        {CHUNKED "5 ;x\r\n", "something else", 400},
        {CHUNKED "5_0\r\n", "something else", 400},
        {CHUNKED "5,5\r\n", "something else", 400},
        {CHUNKED "5\nhello", "something else", 400},
        {CHUNKED "5\rhello", "CR LF", 400},
        {CHUNKED "5;x\nhello", "chunk extension", 400},
        {CHUNKED "5;x\rhello", "CR LF", 400},
        {CHUNKED "5;\x7F\r\n", "chunk extension", 400},
        {CHUNKED "5\r\nhello!\r\n", "CR LF", 400},
        {CHUNKED "5\r\nhello\n", "CR LF", 400},
        {CHUNKED "5\r\nhello\rX", "CR LF", 400},
        {CHUNKED "5\r\nhello0\r\n\r\n", "CR LF", 400},
        {CHUNKED "29\r\n", "too large", 413},
        {CHUNKED "28\r\n0123456789012345678901234567890123456789\r\n1\r\n", "too large", 413},
        {CHUNKED "FFFFFFFFFFFFFFFF\r\n", "too large", 413},
        {CHUNKED "8000000000000000;x\r\n", "too large", 413},
        {CHUNKED "0\r\n\n", "trailer", 400},
        {CHUNKED "0\r\n A: b\r\n", "trailer", 400},
        {CHUNKED "0\r\nA : b\r\n", "trailer", 400},
        {CHUNKED "0\r\n: b\r\n", "trailer", 400},
        {CHUNKED "0\r\nA\r\n", "trailer", 400},
        {CHUNKED "0\r\nA: b\x01\r\n", "trailer", 400},
        {CHUNKED "0\r\nA: b\n", "trailer", 400},
        {CHUNKED "0\r\nA: b\rX", "CR LF", 400},
        {CHUNKED "0\r\n\rX", "CR LF", 400},
    };
    assert_refusals(bad, SBS_COUNT_OF(bad));
}

static void test_nul_is_refused_everywhere(void **state) {
    (void)state;
    static const char text[] = CHUNKED "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
    const char *data = strstr(text, "hello");
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char copy[sizeof text];
        result r;
        memcpy(copy, text, sizeof text);
        copy[i] = '\0';
        read_split(&r, copy, sizeof text - 1, sizeof text - 1, 1);
        bool in_data = text + i >= data && text + i < data + 5;
        assert_int_equal(r.refusal, in_data ? 0 : 400);
    }
}

/* ---- limits ---------------------------------------------------------------------------------------------------- */

/* @p before, then as many 'x' as make it @p len bytes with @p behind. */
static void fill(char *out, size_t len, const char *before, const char *behind) {
    memset(out, 'x', len);
    memcpy(out, before, strlen(before));
    memcpy(out + len - strlen(behind), behind, strlen(behind));
    out[len] = '\0';
}

static void test_a_head_fits_exactly_or_not(void **state) {
    (void)state;
    char text[300];
    result r;
    fill(text, 200, GET HOST "X: ", "\r\n\r\n");
    read_text(&r, text);
    assert_int_equal(r.status, SBS_OK);
    assert_int_equal(r.reader.head_len, 200);
    fill(text, 201, GET HOST "X: ", "\r\n\r\n");
    read_text(&r, text);
    assert_int_equal(r.refusal, 431);
    fill(text, 202, "GET /", " HTTP/1.1\r\n");
    read_text(&r, text);
    assert_int_equal(r.refusal, 414);
}

static void test_extensions_and_trailers_are_bounded_together(void **state) {
    (void)state;
    char text[400];
    result r;
    const size_t head = strlen(CHUNKED);
    const size_t fits = head + strlen("1;") + 150 + strlen("\r\nx\r\n0\r\nA:") + 48 + strlen("\r\n\r\n");
    for (size_t more = 0; more < 2; more++) {
        fill(text, fits + more, CHUNKED "1;", "\r\n\r\n");
        memcpy(text + head + 2 + 150, "\r\nx\r\n0\r\nA:", 10);
        read_text(&r, text);
        assert_int_equal(r.refusal, more == 0 ? 0 : 431);
    }
    fill(text, head + 2 + 201, CHUNKED "1;", "x");
    read_text(&r, text);
    assert_int_equal(r.refusal, 431);
    fill(text, head + 3 + 201, CHUNKED "0\r\n", "x");
    read_text(&r, text);
    assert_int_equal(r.refusal, 431);
}

static void test_a_body_before_its_head_is_a_wrong_call(void **state) {
    (void)state;
    sbs_http_request_reader reader;
    size_t used = 1;
    sbs_text body;
    sbs_http_request_reader_init(&reader, &limits);
    assert_int_equal(sbs_http_request_reader_body(&reader, "x", 1, &used, &body), SBS_ERR_STATE);
    assert_int_equal(used, 0);
    assert_int_equal(sbs_http_request_reader_head(&reader, GET HOST "\r\n", 27), SBS_OK);
    assert_int_equal(sbs_http_request_reader_head(&reader, GET HOST "\r\n", 27), SBS_OK);
    assert_int_equal(sbs_http_request_reader_body(&reader, "GET", 3, &used, &body), SBS_OK);
    assert_int_equal(sbs_http_request_reader_body(&reader, NULL, 0, &used, &body), SBS_OK);
    assert_int_equal(used, 0);
}

/* ---- parts ----------------------------------------------------------------------------------------------------- */

static void assert_text(sbs_text text, const char *expected) {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void test_a_head_is_split_into_its_parts(void **state) {
    (void)state;
    static const char text[] = "\r\nPUT /fhir/A%20b/?x=1?&y HTTP/1.1\r\nHost: a\r\nX-Y:\r\nZ: \t a: b c \r\n\r\nbody";
    sbs_http_request_head head;
    sbs_http_field fields[3];
    sbs_http_request_split(text, sizeof text - 5, &head, fields, 3);
    assert_text(head.method, "PUT");
    assert_text(head.path, "/fhir/A%20b/");
    assert_text(head.query, "x=1?&y");
    assert_int_equal(head.field_count, 3);
    assert_text(fields[0].name, "Host");
    assert_text(fields[0].value, "a");
    assert_text(fields[1].name, "X-Y");
    assert_text(fields[1].value, "");
    assert_text(fields[2].name, "Z");
    assert_text(fields[2].value, "a: b c");
    sbs_http_request_split(text + 2, sizeof text - 7, &head, fields, 1);
    assert_int_equal(head.field_count, 1);
    sbs_http_request_split(GET "\r\n", 18, &head, NULL, 0);
    assert_text(head.path, "/");
    assert_null(head.query.ptr);
    sbs_http_request_split("GET /? HTTP/1.1\r\n\r\n", 19, &head, NULL, 0);
    assert_text(head.path, "/");
    assert_non_null(head.query.ptr);
    assert_int_equal(head.query.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_that_are_taken),
        cmocka_unit_test(test_what_is_not_whole_wants_more),
        cmocka_unit_test(test_request_lines_that_are_refused),
        cmocka_unit_test(test_fields_that_are_refused),
        cmocka_unit_test(test_framing_that_is_refused),
        cmocka_unit_test(test_chunks_that_are_refused),
        cmocka_unit_test(test_nul_is_refused_everywhere),
        cmocka_unit_test(test_a_head_fits_exactly_or_not),
        cmocka_unit_test(test_extensions_and_trailers_are_bounded_together),
        cmocka_unit_test(test_a_body_before_its_head_is_a_wrong_call),
        cmocka_unit_test(test_a_head_is_split_into_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
