/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fields.h"

#include "ascii.h"

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
        [SBS_HTTP_LAST_MODIFIED] = "last-modified",
    };
    int i = 0;
    while (i < SBS_HTTP_OTHER_FIELD && !sbs_ascii_is_nocase(name, names[i])) {
        i++;
    }
    return i;
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

static sbs_status apply_content_encoding(sbs_text coding) {
    return coding.len == 0 || sbs_ascii_is_nocase(coding, "identity") ? SBS_OK : SBS_ERR_HTTP;
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
        return apply_content_encoding(element);
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
    for (;;) {
        const size_t comma = sbs_ascii_find(value, ',');
        const sbs_status status = apply_element(reader, field, sbs_ascii_trim((sbs_text){value.ptr, comma}));
        if (status != SBS_OK || comma == value.len) {
            return status;
        }
        value = (sbs_text){value.ptr + comma + 1, value.len - comma - 1};
    }
}
