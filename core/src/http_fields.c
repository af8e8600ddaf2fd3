/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fields.h"

#include "ascii.h"

/* The index of @p name in @p names, without case; @p count if it is none of them. */
static int find_name(sbs_text name, const char *const *names, int count) {
    int i = 0;
    while (i < count && !sbs_ascii_is_nocase(name, names[i])) {
        i++;
    }
    return i;
}

int sbs_http_field_of(sbs_text name) {
    static const char *const names[SBS_HTTP_OTHER_FIELD] = {
        [SBS_HTTP_CONNECTION] = "connection",
        [SBS_HTTP_CONTENT_LENGTH] = "content-length",
        [SBS_HTTP_CONTENT_ENCODING] = "content-encoding",
        [SBS_HTTP_TRANSFER_ENCODING] = "transfer-encoding",
        [SBS_HTTP_CONTENT_TYPE] = "content-type",
        [SBS_HTTP_DATE] = "date",
        [SBS_HTTP_AGE] = "age",
        [SBS_HTTP_RETRY_AFTER] = "retry-after",
        [SBS_HTTP_LOCATION] = "location",
        [SBS_HTTP_ETAG] = "etag",
        [SBS_HTTP_WWW_AUTHENTICATE] = "www-authenticate",
    };
    return find_name(name, names, SBS_HTTP_OTHER_FIELD);
}

static sbs_status apply_connection(sbs_http_reader *reader, sbs_text option) {
    if (sbs_ascii_is_nocase(option, "close")) {
        reader->priv.flags |= SBS_HTTP_CLOSE;
    } else if (sbs_ascii_is_nocase(option, "keep-alive")) {
        reader->priv.flags |= SBS_HTTP_KEEP_ALIVE;
    }
    return SBS_OK;
}

/* A repeated length is harmless as long as it is the same (RFC 9112 section 6.3). */
static sbs_status apply_content_length(sbs_http_reader *reader, sbs_text text) {
    uint64_t length = 0;
    if (sbs_text_to_uint(text, &length) != SBS_OK || length > INT64_MAX) {
        return SBS_ERR_HTTP;
    }
    if (reader->has_length && reader->content_length != length) {
        return SBS_ERR_HTTP;
    }
    reader->has_length = true;
    reader->content_length = length;
    return SBS_OK;
}

/* Two names for some, and three that are none. */
static sbs_status apply_content_encoding(sbs_http_reader *reader, sbs_text name) {
    static const char *const names[] = {"identity", "none", "utf-8", "gzip", "x-gzip", "deflate"};
    const int i = name.len == 0 ? 0 : find_name(name, names, 6);
    if (i < 3) {
        return SBS_OK;
    }
    if (reader->coding != SBS_CODING_NONE || i == 6) {
        reader->coding = SBS_CODING_OTHER;
    } else {
        reader->coding = i == 5 ? SBS_CODING_DEFLATE : SBS_CODING_GZIP;
    }
    return SBS_OK;
}

static sbs_status apply_transfer_encoding(sbs_http_reader *reader, sbs_text coding) {
    if ((reader->priv.flags & SBS_HTTP_CHUNKED) != 0 || !sbs_ascii_is_nocase(coding, "chunked")) {
        return SBS_ERR_HTTP;
    }
    reader->priv.flags |= SBS_HTTP_CHUNKED;
    return SBS_OK;
}

static sbs_status apply_element(sbs_http_reader *reader, int field, sbs_text element) {
    switch (field) {
    case SBS_HTTP_CONNECTION:
        return apply_connection(reader, element);
    case SBS_HTTP_CONTENT_LENGTH:
        return apply_content_length(reader, element);
    case SBS_HTTP_CONTENT_ENCODING:
        return apply_content_encoding(reader, element);
    default:
        return apply_transfer_encoding(reader, element);
    }
}

/* All four are lists (RFC 9110 section 5.6.1), Content-Length as recipients must treat it. */
sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value) {
    const int field = sbs_http_field_of(name);
    if (field > SBS_HTTP_TRANSFER_ENCODING) {
        return SBS_OK;
    }
    /* Two readers that join lines differently would disagree about where the message ends. */
    const bool frames = field == SBS_HTTP_CONTENT_LENGTH || field == SBS_HTTP_TRANSFER_ENCODING;
    if (frames && (reader->priv.flags & SBS_HTTP_FOLDED) != 0) {
        return SBS_ERR_HTTP;
    }
    for (;;) {
        const size_t comma = sbs_ascii_find(value, ',');
        const sbs_status status = apply_element(reader, field, sbs_ascii_trim((sbs_text){value.ptr, comma}));
        if (status != SBS_OK || comma == value.len) {
            return status;
        }
        value = (sbs_text){value.ptr + comma + 1, value.len - comma - 1};
    }
}
