/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_fields.h"

#include "text/ascii.h"

/* In the order of their numbers. */
int sbs_http_field_of(sbs_text name) {
    static const char names[] =
        "connection\0content-length\0content-encoding\0transfer-encoding\0content-type\0date\0age\0"
        "retry-after\0etag\0location\0www-authenticate\0";
    unsigned place = sbs_ascii_place(name, names, true);

    if (place == 0) {
        return SBS_HTTP_OTHER_FIELD;
    }

    return (int)place - 1;
}

static sbs_status fields_apply_connection(sbs_http_reader *reader, sbs_text option) {
    if (sbs_ascii_is_nocase(option, "close")) {
        reader->priv.flags |= SBS_HTTP_CLOSE;
    } else if (sbs_ascii_is_nocase(option, "keep-alive")) {
        reader->priv.flags |= SBS_HTTP_KEEP_ALIVE;
    }
    return SBS_OK;
}

/* A repeated length is harmless as long as it is the same (RFC 9112 section 6.3). */
static sbs_status fields_apply_content_length(sbs_http_reader *reader, sbs_text text) {
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
static sbs_status fields_apply_content_encoding(sbs_http_reader *reader, sbs_text name) {
    static const uint8_t codings[] = {SBS_CODING_OTHER, SBS_CODING_NONE, SBS_CODING_NONE,   SBS_CODING_NONE,
                                      SBS_CODING_GZIP,  SBS_CODING_GZIP, SBS_CODING_DEFLATE};
    uint8_t coding = codings[sbs_ascii_place(name, "identity\0none\0utf-8\0gzip\0x-gzip\0deflate\0", true)];

    if (name.len == 0 || coding == SBS_CODING_NONE) {
        return SBS_OK;
    }
    if (reader->coding != SBS_CODING_NONE) { /* more than one in a row */
        coding = SBS_CODING_OTHER;
    }

    reader->coding = coding;
    return SBS_OK;
}

static sbs_status fields_apply_transfer_encoding(sbs_http_reader *reader, sbs_text coding) {
    if ((reader->priv.flags & SBS_HTTP_CHUNKED) != 0 || !sbs_ascii_is_nocase(coding, "chunked")) {
        return SBS_ERR_HTTP;
    }
    reader->priv.flags |= SBS_HTTP_CHUNKED;
    return SBS_OK;
}

static sbs_status fields_apply_element(sbs_http_reader *reader, int field, sbs_text element) {
    switch (field) {
    case SBS_HTTP_CONNECTION:
        return fields_apply_connection(reader, element);
    case SBS_HTTP_CONTENT_LENGTH:
        return fields_apply_content_length(reader, element);
    case SBS_HTTP_CONTENT_ENCODING:
        return fields_apply_content_encoding(reader, element);
    default:
        return fields_apply_transfer_encoding(reader, element);
    }
}

/* All four are lists (RFC 9110 section 5.6.1), Content-Length as recipients must treat it. */
sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value) {
    int field = sbs_http_field_of(name);

    if (field > SBS_HTTP_TRANSFER_ENCODING) {
        return SBS_OK;
    }

    /* Two readers that join lines differently would disagree about where the message ends. */
    bool frames = field == SBS_HTTP_CONTENT_LENGTH || field == SBS_HTTP_TRANSFER_ENCODING;
    if (frames && (reader->priv.flags & SBS_HTTP_FOLDED) != 0) {
        return SBS_ERR_HTTP;
    }

    for (;;) {
        size_t comma = sbs_ascii_find(value, ',');
        sbs_status status = fields_apply_element(reader, field, sbs_ascii_trim((sbs_text){value.ptr, comma}));
        if (status != SBS_OK || comma == value.len) {
            return status;
        }

        value = (sbs_text){value.ptr + comma + 1, value.len - comma - 1};
    }
}
