/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server_answer.h"

#include <stdio.h>
#include <time.h>

#include "sbs/count.h"
#include "sbs/http.h"

/* ---- head ----------------------------------------------------------------------------------------------------- */

/* Reason phrases are for people who look at the wire; clients ignore them (RFC 9112 section 4). */
static const char *answer_reason(uint16_t status) {
    static const struct {
        uint16_t status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < SBS_COUNT_OF(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }

    return "";
}

/* IMF-fixdate (RFC 9110 section 5.6.7); strftime() would speak the program's language. */
static void answer_put_date(sbs_writer *out, int64_t utc_s) {
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[64];
    struct tm parts;
    time_t seconds = (time_t)utc_s;

    /* Without a clock there is no Date (section 6.6.1). */
    if (utc_s == SBS_UTC_UNKNOWN || gmtime_r(&seconds, &parts) == NULL) {
        return;
    }

    int len =
        snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * parts.tm_wday, parts.tm_mday,
                 months + 3 * parts.tm_mon, parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    sbs_http_put_field(out, "Date", (sbs_text){text, (size_t)len});
}

static void answer_put_connection(sbs_writer *out, const sbs_http_answer_frame *frame) {
    if (frame->last) {
        sbs_http_put_field(out, "Connection", SBS_TEXT("close"));
    } else if (frame->version_1_0) {
        sbs_http_put_field(out, "Connection", SBS_TEXT("keep-alive"));
    }
}

/* The program's own fields. A name is copied, as it comes without a NUL. */
static void answer_put_fields(sbs_writer *out, const sbs_linux_http_answer *answer) {
    char name[64];
    if (answer->field_count > SBS_COUNT_OF(answer->fields)) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    for (size_t i = 0; i < answer->field_count; i++) {
        const sbs_linux_http_field *field = &answer->fields[i];
        if (field->name.len >= sizeof name || memchr(field->name.ptr, '\0', field->name.len) != NULL) {
            sbs_writer_fail(out, SBS_ERR_ARGUMENT);
            return;
        }

        memcpy(name, field->name.ptr, field->name.len);
        name[field->name.len] = '\0';
        sbs_http_put_field(out, name, field->value);
    }
}

/* 204 and 304 have no body, and 204 no length (RFC 9110 section 8.6). */
static void answer_put_body_fields(sbs_writer *out, const sbs_linux_http_answer *answer) {
    if (answer->status == 204 || answer->status == 304) {
        return;
    }

    if (answer->content_type != NULL) {
        sbs_http_put_field(out, "Content-Type", sbs_text_of(answer->content_type));
        sbs_http_put_field_uint(out, "Content-Length", answer->body.len);
    } else {
        sbs_http_put_field_uint(out, "Content-Length", 0);
    }
}

static void answer_put(sbs_writer *out, const sbs_linux_http_answer *answer, const sbs_http_answer_frame *frame) {
    if (answer->status < 200 || answer->status > 599) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    sbs_put_string(out, "HTTP/1.1 ");
    sbs_put_uint(out, answer->status);
    sbs_put_char(out, ' ');
    sbs_put_string(out, answer_reason(answer->status));
    sbs_put_string(out, "\r\n");

    answer_put_date(out, frame->utc_s);
    answer_put_body_fields(out, answer);
    answer_put_fields(out, answer);
    answer_put_connection(out, frame);
    sbs_http_put_end(out);

    bool has_body = answer->content_type != NULL && answer->status != 204 && answer->status != 304;
    if (has_body && !frame->head_only) {
        sbs_put_text(out, answer->body);
    }
}

sbs_status sbs_http_answer_write(const sbs_linux_http_answer *answer, const sbs_http_answer_frame *frame,
                                 sbs_http_buffer *out) {
    sbs_writer writer;
    size_t len = 0;
    sbs_writer_init_sizing(&writer);
    answer_put(&writer, answer, frame);

    sbs_status status = sbs_writer_finish(&writer, &len);
    if (status != SBS_OK) {
        return status;
    }
    if (!sbs_http_buffer_reserve(out, len, SIZE_MAX)) {
        return SBS_ERR_MEMORY;
    }

    sbs_writer_init(&writer, out->data, out->size);
    answer_put(&writer, answer, frame);
    return sbs_writer_finish(&writer, &out->len);
}

void sbs_linux_http_answer_add(sbs_linux_http_answer *answer, const char *name, const char *value) {
    if (answer->field_count < SBS_COUNT_OF(answer->fields)) {
        answer->fields[answer->field_count] = (sbs_linux_http_field){sbs_text_of(name), sbs_text_of(value)};
    }
    answer->field_count++;
}

void sbs_http_answer_words(uint16_t status, const char *sentence, sbs_linux_http_answer *out) {
    memset(out, 0, sizeof *out);
    out->status = status;
    out->content_type = "text/plain; charset=utf-8";
    out->body = sbs_text_of(sentence);
    out->close = true;

    if (status == 503) {
        sbs_linux_http_answer_add(out, "Retry-After", "5");
    }
}
