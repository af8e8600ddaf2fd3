/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fields.h"

#include "ascii.h"

/* The first ones are those that sbs_http_apply_field knows. */
enum { CONNECTION, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING, FIELD_COUNT = 11 };

static const char *const needed[FIELD_COUNT] = {
    "connection", "content-length", "content-encoding", "transfer-encoding", "content-type", "date", "retry-after",
    "location",   "etag",           "www-authenticate", "last-modified",
};

/* Index in needed, FIELD_COUNT for other names. */
static int index_of(sbs_text name) {
    int i = 0;
    while (i < FIELD_COUNT && !sbs_text_equal_nocase(name, sbs_text_of(needed[i]))) {
        i++;
    }
    return i;
}

bool sbs_http_is_needed(sbs_text name) {
    return index_of(name) < FIELD_COUNT;
}

static bool is_word(sbs_text text, const char *word) {
    return sbs_text_equal_nocase(text, sbs_text_of(word));
}

static sbs_status apply_connection(sbs_http_reader *reader, sbs_text option) {
    if (is_word(option, "close")) {
        reader->priv.flags |= SBS_HTTP_CLOSE;
    } else if (is_word(option, "keep-alive")) {
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
    return coding.len == 0 || is_word(coding, "identity") ? SBS_OK : SBS_ERR_HTTP;
}

static sbs_status apply_transfer_encoding(sbs_http_reader *reader, sbs_text coding) {
    if ((reader->priv.flags & SBS_HTTP_CHUNKED) != 0 || !is_word(coding, "chunked")) {
        return SBS_ERR_HTTP;
    }
    reader->priv.flags |= SBS_HTTP_CHUNKED;
    return SBS_OK;
}

static sbs_status apply_element(sbs_http_reader *reader, int field, sbs_text element) {
    switch (field) {
    case CONNECTION:
        return apply_connection(reader, element);
    case CONTENT_LENGTH:
        return apply_content_length(reader, element);
    case CONTENT_ENCODING:
        return apply_content_encoding(element);
    default:
        return apply_transfer_encoding(reader, element);
    }
}

/* All four are lists (RFC 9110 section 5.6.1), Content-Length as recipients must treat it. */
sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value) {
    const int field = index_of(name);
    if (field > TRANSFER_ENCODING) {
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
