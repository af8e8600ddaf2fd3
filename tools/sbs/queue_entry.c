/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_entry.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io.h"
#include "json_output.h"
#include "message.h"

void cli_queue_content_read(const sbs_queue_item *item, cli_queue_content *out) {
    size_t len = 0;

    *out = (cli_queue_content){0};
    if (!sbs_forward_buffer_reserve(&out->data, item->len + 1) ||
        cli_queue_port.ops->read(cli_queue_port.ctx, item->id, 0, out->data.data, item->len, &len) != SBS_OK) {
        return;
    }

    /* Bytes that are no resource are shown as they are. */
    out->data.len = len;
    out->readable = sbs_forward_resource_read(&out->resource, sbs_forward_buffer_text(&out->data)) == NULL;
    if (out->readable) {
        sbs_forward_measured_read(sbs_forward_buffer_text(&out->data), &out->measured);
    }
}

void cli_queue_content_free(cli_queue_content *content) {
    sbs_forward_resource_free(&content->resource);
    sbs_forward_buffer_free(&content->data);
    *content = (cli_queue_content){0};
}

void cli_queue_content_put_name(const cli_queue_content *content, uint64_t id, sbs_writer *out) {
    const sbs_forward_resource *resource = &content->resource;

    if (content->readable && (resource->value.len > 0 || resource->id[0] != '\0')) {
        sbs_forward_resource_put_name(resource, "", 0, out);
    } else {
        sbs_put_string(out, "item ");
        sbs_put_uint(out, id);
    }
}

void cli_queue_put_name(const sbs_queue_item *item, sbs_writer *out) {
    cli_queue_content content;
    cli_queue_content_read(item, &content);
    cli_queue_content_put_name(&content, item->id, out);
    cli_queue_content_free(&content);
}

void cli_queue_put_start(sbs_writer *out, const sbs_queue_item *item) {
    sbs_put_uint(out, item->id);
    sbs_put_char(out, '\t');
    cli_queue_put_name(item, out);
    sbs_put_char(out, '\t');
}

void cli_queue_put_count(sbs_writer *out, const char *name, uint64_t number) {
    sbs_put_string(out, name);
    sbs_put_char(out, '\t');
    sbs_put_uint(out, number);
    sbs_put_char(out, '\n');
}

void cli_queue_put_time(sbs_writer *out, int64_t utc_s) {
    char text[32] = "-";
    struct tm utc;
    time_t time = (time_t)utc_s;
    if (utc_s != SBS_UTC_UNKNOWN && gmtime_r(&time, &utc) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    sbs_put_string(out, text);
}

void cli_queue_put_reason(sbs_writer *out, const sbs_sqlite_entry *entry) {
    cli_put_sanitised(out, sbs_text_of(entry->reason));
    if (entry->words[0] != '\0') {
        sbs_put_string(out, ": ");
        cli_put_sanitised(out, sbs_text_of(entry->words));
    }

    if (entry->http_status != 0) {
        sbs_put_string(out, " (HTTP ");
        sbs_put_uint(out, entry->http_status);
        sbs_put_char(out, ')');
    }
}

/* ---- what can be done ----------------------------------------------------------------------------------------- */

#define REMOVE "'sbs queue remove' it"
#define RETRY "then 'sbs queue retry' it"
#define CORRECT "correct the resource and add it again, then 'sbs queue remove' this one"
#define CHECK_BETWEEN "check what is in front of the server, " RETRY

/* The first row that fits counts. A status of 0 fits every one; so does an empty beginning of the reason. */
static const struct {
    uint16_t http_status;
    const char *reason;
    const char *advice;
} advices[] = {
    {0, "damaged", "its bytes are not those that were stored: " REMOVE},
    {0, "already there",
     "check on the server whether it is the same measurement: if so " REMOVE
     ", else correct its identifier and add it again; if this server answers 200 to new resources, " RETRY
     " and use --already-there accept"},
    {304, "", "check on the server whether it is the same measurement: if so " REMOVE},
    {412, "", "check on the server what has its identifier: if it is the same measurement " REMOVE},
    {401, "", "have the client's rights corrected, " RETRY},
    {403, "", "have the client's rights for this resource corrected, " RETRY},
    {404, "", "check --fhir and whether the server takes this type, " RETRY},
    {405, "", "check --write-mode and whether the server takes this type, " RETRY},
    {410, "", "have the server's operator look at it, " RETRY},
    {413, "", "have the server's operator allow larger resources, " RETRY},
    {400, SBS_QUEUE_REASON_OPERATOR ": refused", CHECK_BETWEEN},
    {422, SBS_QUEUE_REASON_OPERATOR ": refused", CHECK_BETWEEN},
    {400, "", CORRECT},
    {422, "", CORRECT},
    {0, SBS_QUEUE_REASON_OPERATOR ": unconfirmed",
     "check on the server whether it is there: if so " REMOVE ", else 'sbs queue retry' it"},
    {0, SBS_QUEUE_REASON_OPERATOR, "correct what the reason says, " RETRY},
    {0, "", "ask the server's operator, " RETRY " or " REMOVE},
};

static bool fits(size_t row, const sbs_sqlite_entry *entry) {
    const char *beginning = advices[row].reason;
    bool same_http = advices[row].http_status == 0 || advices[row].http_status == entry->http_status;
    return same_http && strncmp(entry->reason, beginning, strlen(beginning)) == 0;
}

/* An answer of 4xx says that it was not stored; without an answer, or after one of 5xx, nobody knows. */
static const char *advice_waiting(const sbs_sqlite_entry *entry) {
    switch (entry->http_status) {
    case 401:
    case 403:
        return "have the client's rights corrected, then the next 'sbs queue push' sends it";
    case 404:
    case 405:
    case 410:
        return "check --fhir, --write-mode and whether the server takes this type, then the next 'sbs queue push' "
               "sends it";
    default:
        break;
    }

    const char *scope = sbs_status_text(SBS_ERR_SCOPE);
    if (strncmp(entry->reason, scope, strlen(scope)) == 0) {
        return "ask with --scope for what the reason names, or have it granted, then the next 'sbs queue push' "
               "sends it";
    }

    if (entry->item.attempts == 0) {
        return "the next 'sbs queue push' sends it";
    }
    if (entry->http_status >= 300 && entry->http_status < 500) {
        return "the next 'sbs queue push' sends it again";
    }

    return "the next 'sbs queue push' sends it again; the server may have it already";
}

const char *cli_queue_advice(const sbs_sqlite_entry *entry) {
    if (!entry->dead && entry->damaged) {
        return advices[0].advice;
    }
    if (!entry->dead) {
        return advice_waiting(entry);
    }

    size_t row = 0;
    while (!fits(row, entry)) { /* the last one fits always */
        row++;
    }

    return advices[row].advice;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

void cli_queue_put_json_time(sbs_json_writer *json, const char *name, int64_t utc_s) {
    char text[32];
    sbs_writer out;
    size_t len = 0;

    if (utc_s == SBS_UTC_UNKNOWN) { /* the clock was not known to be right */
        sbs_json_key(json, name);
        sbs_json_put_raw(json, sbs_text_of("null"));
        return;
    }

    sbs_writer_init(&out, text, sizeof text);
    cli_queue_put_time(&out, utc_s);
    if (sbs_writer_finish(&out, &len) == SBS_OK) {
        sbs_json_member_text(json, name, (sbs_text){text, len});
    }
}

static void put_json_text(sbs_json_writer *json, const char *name, const char *text) {
    sbs_forward_buffer clean = {0};
    sbs_writer out;

    if (text[0] == '\0') {
        return;
    }

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &clean);
    cli_put_sanitised(&out, sbs_text_of(text));
    sbs_json_member_text(json, name, sbs_forward_buffer_text(&clean));
    sbs_forward_buffer_free(&clean);
}

static void put_json_content(sbs_json_writer *json, const cli_queue_content *content, bool with_resource) {
    const sbs_forward_resource *resource = &content->resource;

    if (!content->readable) {
        return;
    }

    put_json_text(json, "type", resource->type);
    if (resource->value.len > 0) {
        sbs_json_key(json, "identifier");
        sbs_json_begin_object(json);
        if (resource->system.len > 0) {
            sbs_json_member_text(json, "system", sbs_forward_buffer_text(&resource->system));
        }
        sbs_json_member_text(json, "value", sbs_forward_buffer_text(&resource->value));
        sbs_json_end_object(json);
    }

    put_json_text(json, "time", content->measured.time);
    put_json_text(json, "value", content->measured.value);
    if (with_resource) {
        sbs_json_key(json, "resource");
        sbs_json_put_raw(json, sbs_forward_buffer_text(&content->data));
    }
}

static void put_json_uint(sbs_json_writer *json, const char *name, uint64_t number) {
    sbs_json_key(json, name);
    sbs_json_put_uint(json, number);
}

/* Why it waits or was set aside, and since when. */
static void put_json_trouble(sbs_json_writer *json, const sbs_sqlite_entry *entry) {
    bool has_reason = entry->reason[0] != '\0';

    if (entry->dead) {
        cli_queue_put_json_time(json, "setAside", entry->utc_s);
    } else if (has_reason) {
        cli_queue_put_json_time(json, "failed", entry->utc_s);
    }
    if (!has_reason) {
        return;
    }

    put_json_text(json, "reason", entry->reason);
    put_json_text(json, "words", entry->words);
    if (entry->http_status != 0) {
        put_json_uint(json, "httpStatus", entry->http_status);
    }
}

static void put_json_entry(sbs_writer *out, const sbs_sqlite_entry *entry, bool with_resource) {
    cli_queue_content content;
    sbs_json_writer json;

    cli_queue_content_read(&entry->item, &content);
    sbs_json_writer_init(&json, out);

    sbs_json_begin_object(&json);
    put_json_uint(&json, "id", entry->item.id);
    sbs_json_key(&json, "state");
    sbs_json_put_string(&json, entry->dead ? "dead" : "waiting");
    put_json_uint(&json, "attempts", entry->item.attempts);
    put_json_uint(&json, "bytes", entry->item.len);
    cli_queue_put_json_time(&json, "arrived", entry->arrived_s);
    put_json_trouble(&json, entry);
    put_json_text(&json, "source", entry->source);
    put_json_text(&json, "advice", cli_queue_advice(entry));
    put_json_content(&json, &content, with_resource);
    sbs_json_end_object(&json);

    cli_queue_content_free(&content);
}

void cli_queue_put_json(sbs_writer *out, const sbs_sqlite_entry *entry, bool with_resource) {
    cli_buffer json = {0};
    sbs_writer text;

    sbs_writer_init_sink(&text, cli_buffer_put, &json);
    put_json_entry(&text, entry, with_resource);
    cli_put_json_visibly(out, cli_buffer_text(&json));
    cli_buffer_free(&json);
}

void cli_queue_put_json_item(sbs_writer *out, size_t shown, const sbs_sqlite_entry *entry) {
    sbs_put_string(out, shown == 0 ? "[\n" : ",\n");
    cli_queue_put_json(out, entry, false);
}

void cli_queue_put_json_end(sbs_writer *out, size_t shown) {
    sbs_put_string(out, shown == 0 ? "[]\n" : "\n]\n");
}
