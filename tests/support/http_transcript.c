/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "http_transcript.h"
#include "test.h"

static void note(transcript *t, const char *text, size_t len) {
    assert_true(len < sizeof t->text - t->len);
    memcpy(t->text + t->len, text, len);
    t->len += len;
    t->text[t->len] = '\0';
}

static void note_field(transcript *t) {
    note(t, "[", 1);
    note(t, t->reader.name.ptr, t->reader.name.len);
    note(t, "=", 1);
    note(t, t->reader.value.ptr, t->reader.value.len);
    note(t, "] ", 2);
}

static void note_body(transcript *t, sbs_text body) {
    assert_true(body.len > 0);
    note(t, "<", t->in_body ? 0 : 1);
    note(t, body.ptr, body.len);
    t->in_body = true;
}

static void note_event(transcript *t, sbs_http_event event, sbs_text body) {
    char number[16];
    if (t->in_body && event == SBS_HTTP_DONE) {
        note(t, "> ", 2);
    }
    switch (event) {
    case SBS_HTTP_STATUS:
        note(t, number, (size_t)snprintf(number, sizeof number, "%u ", t->reader.status));
        break;
    case SBS_HTTP_FIELD:
        note_field(t);
        break;
    case SBS_HTTP_BODY:
        note_body(t, body);
        break;
    case SBS_HTTP_DONE:
        note(t, "end", 3);
        break;
    default:
        break;
    }
}

bool transcript_feed(transcript *t, const char *data, size_t len) {
    for (;;) {
        sbs_http_event event = SBS_HTTP_DONE;
        sbs_text body = {NULL, 0};
        size_t used = SIZE_MAX;
        t->status = sbs_http_reader_feed(&t->reader, data, len, &used, &event, &body);
        assert_true(used <= len);
        if (t->status != SBS_OK) {
            return false;
        }
        if (body.len > 0) {
            assert_true(body.ptr >= data && body.ptr + body.len == data + used);
        }
        data += used;
        len -= used;
        t->used += used;
        note_event(t, event, body);
        if (event == SBS_HTTP_DONE) {
            return false;
        }
        if (event == SBS_HTTP_MORE) {
            assert_int_equal(len, 0);
            return true;
        }
    }
}

void transcript_begin(transcript *t, uint64_t body_max) {
    memset(t, 0, sizeof *t);
    memset(t->line, '#', sizeof t->line);
    sbs_http_reader_init(&t->reader, t->line, TRANSCRIPT_LINE_SIZE, body_max);
}

void transcript_end(transcript *t) {
    t->status = sbs_http_reader_end(&t->reader);
    if (t->status == SBS_OK) {
        note_event(t, SBS_HTTP_DONE, (sbs_text){NULL, 0});
    }
}

void transcript_read_split(transcript *t, const char *data, size_t len, uint64_t body_max, size_t first,
                           size_t second) {
    transcript_begin(t, body_max);
    if (transcript_feed(t, data, first) && transcript_feed(t, data + first, second - first) &&
        transcript_feed(t, data + second, len - second)) {
        transcript_end(t);
    }
    for (size_t i = TRANSCRIPT_LINE_SIZE; i < sizeof t->line; i++) {
        assert_int_equal(t->line[i], '#');
    }
}

void transcript_read(transcript *t, const char *message, uint64_t body_max) {
    const size_t len = strlen(message);
    transcript_read_split(t, message, len, body_max, len, len);
}

void assert_read(const char *message, const char *expected) {
    transcript t;
    transcript_read(&t, message, 0);
    if (t.status != SBS_OK) {
        fail_msg("%s\n-> %s", message, sbs_status_name(t.status));
    }
    assert_string_equal(t.text, expected);
}

void assert_refused(const char *message, sbs_status expected) {
    transcript t;
    transcript_read(&t, message, 0);
    if (t.status != expected) {
        fail_msg("%s\n-> %s %s", message, sbs_status_name(t.status), t.text);
    }
}
