/* SPDX-License-Identifier: Apache-2.0 */
/* Reference resolution, RFC 3986 section 5.2, for references that discovery documents hold. */
#include <string.h>

#include "sbs/url.h"
#include "text/ascii.h"

/* True if @p reference begins with a scheme: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":". */
static bool resolve_has_scheme(sbs_text reference) {
    sbs_text scheme = {reference.ptr, sbs_ascii_find(reference, ':')};

    return scheme.len < reference.len && sbs_ascii_all_alnum_or(scheme, "+-.");
}

/* Finds the end of the segment that begins with the '/' at @p at. */
static size_t resolve_segment_end(const char *path, size_t at, size_t len) {
    do {
        at++;
    } while (at < len && path[at] != '/');
    return at;
}

static size_t resolve_drop_last_segment(const char *path, size_t len) {
    while (len > 0) {
        len--;
        if (path[len] == '/') {
            break;
        }
    }
    return len;
}

static size_t resolve_move_down(char *text, size_t to, size_t from, size_t end) {
    memmove(text + to, text + from, end - from);
    return to + (end - from);
}

/* Removes dot segments (RFC 3986 section 5.2.4) in place from a path that begins with '/' and may have a query; returns
 * the new length of both. */
static size_t resolve_clean_path(char *text, size_t len) {
    size_t path_len = sbs_ascii_find((sbs_text){text, len}, '?');
    size_t written = 0;

    for (size_t at = 0; at < path_len;) {
        size_t end = resolve_segment_end(text, at, path_len);
        size_t size = end - at;
        bool dot = size == 2 && text[at + 1] == '.';
        bool dots = size == 3 && text[at + 1] == '.' && text[at + 2] == '.';

        /* ".." takes the segment before it along. */
        if (dots) {
            written = resolve_drop_last_segment(text, written);
        }
        if (!dot && !dots) {
            written = resolve_move_down(text, written, at, end);
        } else if (end == path_len) {
            text[written++] = '/';
        }

        at = end;
    }

    return resolve_move_down(text, written, path_len, len);
}

static bool resolve_starts_with_slashes(sbs_text reference) {
    return reference.len > 1 && reference.ptr[0] == '/' && reference.ptr[1] == '/';
}

/* The base's path with a '/' at its end. */
static void resolve_put_base_path(sbs_writer *out, const sbs_url *url) {
    sbs_put_text(out, url->path);
    if (url->path.len == 0 || url->path.ptr[url->path.len - 1] != '/') {
        sbs_put_char(out, '/');
    }
}

/* Writes what sections 5.2.2 and 5.2.3 make of the two, dot segments and all; returns where the path to clean begins,
 * or 0 if none does. */
static size_t resolve_put_merged(sbs_writer *out, const sbs_url *base, sbs_text reference) {
    size_t path = 0;

    if (!resolve_has_scheme(reference)) {
        sbs_put_string(out, base->https ? "https:" : "http:");
        if (!resolve_starts_with_slashes(reference)) {
            sbs_put_string(out, "//");
            sbs_url_put_host(out, base);
            path = out->len;
            if (reference.ptr[0] != '/') {
                resolve_put_base_path(out, base);
            }
        }
    }

    sbs_put_text(out, reference);
    return path;
}

sbs_status sbs_url_resolve(sbs_text base, sbs_text reference, char *out, size_t size, size_t *out_len) {
    sbs_url url;
    sbs_writer writer;

    *out_len = 0;
    if (reference.len == 0 || sbs_url_parse(base, &url) != SBS_OK) {
        return SBS_ERR_URL;
    }

    sbs_writer_init(&writer, out, size);
    size_t path = resolve_put_merged(&writer, &url, reference);
    sbs_status status = sbs_writer_finish(&writer, out_len);
    if (status != SBS_OK) {
        return status;
    }

    /* Only a path that was merged is cleaned: an absolute URL stays as the server wrote it. */
    if (path > 0) {
        *out_len = path + resolve_clean_path(out + path, *out_len - path);
    }

    return sbs_url_parse((sbs_text){out, *out_len}, &url);
}
