/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: a whole URL is read within its text; what is taken has a host, a port, and host, path and query that lie in
 *   the text in this order; its host is written as it came
 * Bound: "http://" or "https://" in any case, and any 0 to 3 bytes behind it; numbers are of any value (text_to_uint is
 *   proven apart)
 * Sources: core/src/text/ascii.c core/src/text/text_writer.c
 * Unwind: 12
 * Unwindset: sbs_ascii_is_alnum_or.0:20 strlen.0:20 url_is_name_or_ipv4.0:5 sbs_ascii_all_alnum_or.0:5
 *   sbs_ascii_find.0:5 sbs_url_is_path_and_query.0:5 url_is_ipv6.0:5 sbs_ascii_all_digits.0:5
 * Suite: long
 * Fault: core/src/text/url.c `if (slash < query) {` => `if (slash <= query) {`
 * Planted: -DBYTES=1
 */
#include "proof.h"
#include "plain_number.h"
#include "text/url.c"

#ifndef BYTES
#define BYTES 3
#endif
enum { SCHEME = 8 };

static void prove_url(const char *text, size_t len) {
    const char *end = text + len;
    sbs_url url = {0};
    if (sbs_url_parse((sbs_text){text, len}, &url) != SBS_OK) {
        PROVE(url.host.ptr == NULL);
        return;
    }

    PROVE(url.host.ptr > text && url.host.len > 0 && url.host.ptr + url.host.len <= end);
    PROVE(url.port > 0 && url.default_port == (url.port == (url.https ? 443 : 80)));
    PROVE(url.path.ptr == NULL || (url.path.ptr >= url.host.ptr + url.host.len && *url.path.ptr == '/'));
    PROVE(url.query.ptr == NULL || (*url.query.ptr == '?' && url.query.ptr + url.query.len == end));
    if (url.path.ptr != NULL) {
        const char *path_end = url.path.ptr + url.path.len;
        PROVE(path_end == end || path_end == url.query.ptr);
        PROVE(url.path.len > 0);
    }

    char out[BYTES + sizeof "65535"]; /* numbers are of any value here */
    sbs_writer writer;
    sbs_writer_init(&writer, out, sizeof out);
    sbs_url_put_host(&writer, &url);
    PROVE(writer.error == SBS_OK && writer.len >= url.host.len && writer.len < sizeof out);
    REACHED("a URL");
}

static void prove_scheme(const char *scheme, size_t scheme_len, const char *tail, size_t len) {
    char text[SCHEME + BYTES];
    for (size_t i = 0; i < scheme_len; i++) {
        bool upper = nondet_bool() && sbs_ascii_is_letter(scheme[i]);
        text[i] = upper ? (char)(scheme[i] - 32) : scheme[i];
    }
    for (size_t i = 0; i < len; i++) {
        text[scheme_len + i] = tail[i];
    }
    prove_url(text, scheme_len + len);
}

static void prove_tail(const char *tail, size_t len) {
    prove_scheme("http://", 7, tail, len);
    prove_scheme("https://", 8, tail, len);
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_tail)
    return 0;
}
