/* SPDX-License-Identifier: Apache-2.0 */
/* Reference resolution, RFC 3986 section 5.2, for references that discovery documents hold. */
#include "ascii.h"
#include "sbs/url.h"

/* True if @p reference begins with a scheme: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":". */
static bool has_scheme(sbs_text reference) {
    const sbs_text scheme = {reference.ptr, sbs_ascii_find(reference, ':')};
    return scheme.len < reference.len && sbs_ascii_all_alnum_or(scheme, "+-.");
}

/* Finds the end of the segment that begins with the '/' at @p at. */
static size_t segment_end(const char *path, size_t at, size_t len) {
    do {
        at++;
    } while (at < len && path[at] != '/');
    return at;
}

static size_t drop_last_segment(const char *path, size_t len) {
    while (len > 0 && path[--len] != '/') {
    }
    return len;
}

/* Removes dot segments (RFC 3986 section 5.2.4) from a path that begins with '/', in place; returns its new length. */
static size_t remove_dot_segments(char *path, size_t len) {
    size_t written = 0;
    for (size_t at = 0; at < len;) {
        const size_t end = segment_end(path, at, len);
        const size_t size = end - at;
        const bool dot = size == 2 && path[at + 1] == '.';
        const bool dots = size == 3 && path[at + 1] == '.' && path[at + 2] == '.';
        if (dots) {
            written = drop_last_segment(path, written);
        }
        if (!dot && !dots) {
            for (size_t i = 0; i < size; i++) {
                path[written + i] = path[at + i];
            }
            written += size;
        } else if (end == len) {
            path[written++] = '/';
        }
        at = end;
    }
    return written;
}

static void put_origin(sbs_writer *out, const sbs_url *url) {
    sbs_put_string(out, url->https ? "https://" : "http://");
    sbs_url_put_host(out, url);
}

/* The base's path with a '/' at its end. */
static void put_base_path(sbs_writer *out, const sbs_url *url) {
    sbs_put_text(out, url->path);
    if (url->path.len == 0 || url->path.ptr[url->path.len - 1] != '/') {
        sbs_put_char(out, '/');
    }
}

static sbs_status copy_absolute(sbs_text reference, char *out, size_t size, size_t *out_len) {
    sbs_url parts;
    sbs_writer writer;
    sbs_writer_init(&writer, out, size);
    sbs_put_text(&writer, reference);
    if (sbs_url_parse(reference, &parts) != SBS_OK) {
        return SBS_ERR_URL;
    }
    return sbs_writer_finish(&writer, out_len);
}

/* "//host/path": the base gives only its scheme. */
static sbs_status resolve_network_path(bool https, sbs_text reference, char *out, size_t size, size_t *out_len) {
    sbs_url parts;
    sbs_writer writer;
    sbs_writer_init(&writer, out, size);
    sbs_put_string(&writer, https ? "https:" : "http:");
    sbs_put_text(&writer, reference);
    const sbs_status status = sbs_writer_finish(&writer, out_len);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_url_parse((sbs_text){out, *out_len}, &parts);
}

static sbs_status resolve_path(const sbs_url *base, sbs_text reference, char *out, size_t size, size_t *out_len) {
    const size_t path_len = sbs_ascii_find(reference, '?');
    sbs_writer writer;
    sbs_writer_init(&writer, out, size);
    put_origin(&writer, base);
    const size_t origin_len = writer.len;
    if (reference.ptr[0] != '/') {
        put_base_path(&writer, base);
    }
    sbs_put(&writer, reference.ptr, path_len);
    const size_t path_end = writer.len;
    const sbs_status status = sbs_writer_finish(&writer, out_len);
    if (status != SBS_OK) {
        return status;
    }
    const size_t normal_end = origin_len + remove_dot_segments(out + origin_len, path_end - origin_len);
    sbs_writer_init(&writer, out + normal_end, size - normal_end);
    sbs_put(&writer, reference.ptr + path_len, reference.len - path_len);
    const sbs_status query_status = sbs_writer_finish(&writer, out_len);
    *out_len += normal_end;
    return query_status;
}

sbs_status sbs_url_resolve(sbs_text base, sbs_text reference, char *out, size_t size, size_t *out_len) {
    sbs_url url;
    *out_len = 0;
    if (reference.len == 0 || sbs_url_parse(base, &url) != SBS_OK) {
        return SBS_ERR_URL;
    }
    if (has_scheme(reference)) {
        return copy_absolute(reference, out, size, out_len);
    }
    if (!sbs_url_is_path_and_query(reference)) {
        return SBS_ERR_URL;
    }
    if (reference.len > 1 && reference.ptr[0] == '/' && reference.ptr[1] == '/') {
        return resolve_network_path(url.https, reference, out, size, out_len);
    }
    return resolve_path(&url, reference, out, size, out_len);
}
