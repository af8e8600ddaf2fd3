/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/http.h"
#include "text/ascii.h"

static bool request_is_token(const char *name) {
    return sbs_ascii_all_alnum_or(sbs_text_of(name), SBS_ASCII_TCHAR);
}

/* RFC 9110 section 5.5, without the tab, which nothing that is sent needs. */
static bool request_is_field_value(sbs_text value) {
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
    }
    return true;
}

static bool request_ends_with_slash(sbs_text text) {
    return text.len > 0 && text.ptr[text.len - 1] == '/';
}

/* Path and suffix meet in exactly one '/' or more that stood there already. */
static void request_put_target(sbs_writer *out, const sbs_url *url, sbs_text suffix) {
    sbs_text rest = suffix.ptr != NULL ? suffix : url->query;

    if (!sbs_url_is_path_and_query(url->path) || !sbs_url_is_path_and_query(rest)) {
        sbs_writer_fail(out, SBS_ERR_URL);
        return;
    }

    /* Path and suffix are joined by one '/', wherever it comes from. */
    sbs_put_text(out, url->path);
    bool needs_slash = url->path.len == 0;
    if (suffix.ptr != NULL) {
        needs_slash = !request_ends_with_slash(url->path) && (suffix.len == 0 || suffix.ptr[0] != '/');
    }
    if (needs_slash) {
        sbs_put_char(out, '/');
    }

    sbs_put_text(out, rest);
}

void sbs_http_put_request_line(sbs_writer *out, const char *method, const sbs_url *url, sbs_text suffix) {
    if (!request_is_token(method)) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    sbs_put_string(out, method);
    sbs_put_char(out, ' ');
    request_put_target(out, url, suffix);
    sbs_put_string(out, " HTTP/1.1\r\nHost: ");
    sbs_url_put_host(out, url);
    sbs_put_string(out, "\r\n");
}

static void request_put_field_name(sbs_writer *out, const char *name) {
    if (!request_is_token(name)) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    sbs_put_string(out, name);
    sbs_put_string(out, ": ");
}

void sbs_http_put_field(sbs_writer *out, const char *name, sbs_text value) {
    if (value.ptr == NULL) {
        return;
    }
    if (!request_is_field_value(value)) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    request_put_field_name(out, name);
    sbs_put_text(out, value);
    sbs_put_string(out, "\r\n");
}

void sbs_http_put_field_uint(sbs_writer *out, const char *name, uint64_t value) {
    request_put_field_name(out, name);
    sbs_put_uint(out, value);
    sbs_put_string(out, "\r\n");
}

void sbs_http_put_end(sbs_writer *out) {
    sbs_put_string(out, "\r\n");
}
