/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_control_json.h"

#include <string.h>

#include "sbs/date.h"

static const char *const lights[] = {"green", "amber", "red"};
static const char *const clocks[] = {"unknown", "server", "kernel", "wrong"};
static const char *const upstreams[] = {"idle", "sending", "waiting", "paused"};

static void json_put_string(sbs_json_writer *json, const char *name, const char *value) {
    sbs_json_key(json, name);
    sbs_json_put_string(json, value);
}

static void json_put_uint(sbs_json_writer *json, const char *name, uint64_t value) {
    sbs_json_key(json, name);
    sbs_json_put_uint(json, value);
}

/* A time that is not known is left out. */
static void json_put_time(sbs_json_writer *json, const char *name, int64_t utc_s) {
    char text[40];
    sbs_writer out;
    size_t len = 0;
    if (utc_s == SBS_UTC_UNKNOWN || utc_s <= 0) {
        return;
    }

    sbs_writer_init(&out, text, sizeof text);
    sbs_date_put(&out, utc_s, -1, 0);
    if (sbs_writer_finish(&out, &len) == SBS_OK) {
        sbs_json_member_text(json, name, (sbs_text){text, len});
    }
}

static void json_put_device(sbs_json_writer *json, const sbs_gateway_device *device, const sbs_gateway_counts *counts) {
    sbs_json_begin_object(json);
    json_put_string(json, "name", device->name);
    json_put_time(json, "heard", counts->heard_s);
    json_put_uint(json, "today", counts->today);
    json_put_uint(json, "accepted", counts->accepted);
    json_put_uint(json, "repeated", counts->repeated);
    json_put_uint(json, "refused", counts->refused);
    json_put_uint(json, "delivered", counts->delivered);
    json_put_uint(json, "dead", counts->dead);
    if (counts->last_refusal[0] != '\0') {
        json_put_string(json, "lastRefusal", counts->last_refusal);
    }
    sbs_json_end_object(json);
}

static void json_put_queue(sbs_json_writer *json, const sbs_gateway_status *status) {
    const sbs_sqlite_stats *queue = &status->queue;
    if (!status->queue_known) {
        json_put_string(json, "queueFault", status->queue_words);
        return;
    }

    json_put_uint(json, "waiting", queue->counters.waiting);
    json_put_time(json, "oldest", queue->counters.waiting > 0 ? queue->oldest_s : 0);
    json_put_uint(json, "bytes", queue->bytes);
    json_put_uint(json, "deadLetters", queue->letters);
    json_put_uint(json, "accepted", queue->counters.accepted);
    json_put_uint(json, "delivered", queue->counters.delivered);
}

static void json_put_upstream(sbs_json_writer *json, const sbs_gateway_status *status) {
    json_put_string(json, "upstream", upstreams[status->upstream]);
    if (status->upstream_words[0] != '\0') {
        json_put_string(json, "upstreamReason", status->upstream_words);
    }

    json_put_time(json, "upstreamSince", status->upstream_since_s);
    json_put_time(json, "lastDelivery", status->last_delivery_s);
    json_put_time(json, "tokenExpires", status->token_expires_s);
    json_put_time(json, "serverCertificateEnds", status->server_certificate_s);
    json_put_time(json, "ownCertificateEnds", status->own_certificate_s);
    json_put_string(json, "key", status->key_thumbprint);
}

sbs_status gateway_control_put_status(const sbs_gateway_status *status, sbs_forward_buffer *out) {
    char sentence[512];
    sbs_json_writer json;
    sbs_writer writer;
    sbs_gateway_light light = sbs_gateway_status_sentence(status, sentence, sizeof sentence);

    sbs_writer_init_sink(&writer, sbs_forward_buffer_put, out);
    sbs_json_writer_init(&json, &writer);
    sbs_json_begin_object(&json);
    json_put_string(&json, "light", lights[light]);
    json_put_string(&json, "sentence", sentence);
    json_put_string(&json, "gateway", status->config->name);
    json_put_time(&json, "now", status->now.utc_s);
    json_put_time(&json, "started", status->started_s);
    json_put_string(&json, "clock", clocks[status->clock]);
    json_put_uint(&json, "diskFree", status->disk_free);
    sbs_json_key(&json, "diskLow");
    sbs_json_put_raw(&json, sbs_text_of(status->disk_low ? "true" : "false"));
    json_put_queue(&json, status);
    json_put_upstream(&json, status);

    sbs_json_key(&json, "devices");
    sbs_json_begin_array(&json);
    for (size_t i = 0; i < status->config->device_count; i++) {
        json_put_device(&json, &status->config->devices[i], &status->counts[i]);
    }
    sbs_json_end_array(&json);
    sbs_json_end_object(&json);
    return sbs_json_writer_finish(&json, NULL);
}

void gateway_control_put_letter(sbs_json_writer *json, const sbs_gateway_letter *letter, const sbs_text *content) {
    sbs_json_begin_object(json);
    json_put_uint(json, "id", letter->id);
    json_put_string(json, "device", letter->device);
    json_put_string(json, "type", letter->type);
    json_put_time(json, "arrived", letter->arrived_s);
    json_put_time(json, "dead", letter->dead_s);
    json_put_string(json, "reason", letter->reason);
    json_put_uint(json, "httpStatus", letter->http_status);
    json_put_string(json, "words", letter->words);
    if (content != NULL) {
        sbs_json_member_text(json, "content", *content);
    }
    sbs_json_end_object(json);
}
