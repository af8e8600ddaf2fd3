/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is counted, in the text format 0.0.4 of Prometheus. Labels are names of devices, which the
 * configuration allows no character that would need escaping. */
#include "gateway_html.h"

static void metrics_put_head(sbs_writer *out, const char *name, const char *type, const char *help) {
    sbs_put_string(out, "# HELP sbs_gateway_");
    sbs_put_string(out, name);
    sbs_put_char(out, ' ');
    sbs_put_string(out, help);
    sbs_put_string(out, "\n# TYPE sbs_gateway_");
    sbs_put_string(out, name);
    sbs_put_char(out, ' ');
    sbs_put_string(out, type);
    sbs_put_char(out, '\n');
}

static void metrics_put(sbs_writer *out, const char *name, const char *type, const char *help, int64_t value) {
    metrics_put_head(out, name, type, help);
    sbs_put_string(out, "sbs_gateway_");
    sbs_put_string(out, name);
    sbs_put_char(out, ' ');
    sbs_put_int(out, value);
    sbs_put_char(out, '\n');
}

/* A counter that each device has, at @p offset of sbs_gateway_counts. */
static void metrics_put_by_device(sbs_writer *out, const sbs_gateway_status *status, const char *name, const char *help,
                                  size_t offset) {
    metrics_put_head(out, name, "counter", help);

    for (size_t i = 0; i < status->config->device_count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&status->counts[i] + offset, sizeof value);
        sbs_put_string(out, "sbs_gateway_");
        sbs_put_string(out, name);
        sbs_put_string(out, "{device=\"");
        sbs_put_string(out, status->config->devices[i].name);
        sbs_put_string(out, "\"} ");
        sbs_put_uint(out, value);
        sbs_put_char(out, '\n');
    }
}

static void metrics_put_devices(sbs_writer *out, const sbs_gateway_status *status) {
    metrics_put_by_device(out, status, "accepted_total",
                          "Resources that a device was told are stored, since the start.",
                          offsetof(sbs_gateway_counts, accepted));
    metrics_put_by_device(out, status, "repeated_total", "Resources that a device gave again.",
                          offsetof(sbs_gateway_counts, repeated));
    metrics_put_by_device(out, status, "refused_total", "Requests and files of a device that were refused.",
                          offsetof(sbs_gateway_counts, refused));
    metrics_put_by_device(out, status, "delivered_total", "Resources of a device that the server confirmed.",
                          offsetof(sbs_gateway_counts, delivered));
    metrics_put_by_device(out, status, "dead_total", "Resources of a device that the server refused for good.",
                          offsetof(sbs_gateway_counts, dead));
}

static void metrics_put_queue(sbs_writer *out, const sbs_gateway_status *status) {
    const sbs_sqlite_stats *queue = &status->queue;

    metrics_put(out, "queue_readable", "gauge", "1 while the queue can be read.", status->queue_known);
    if (!status->queue_known) {
        return; /* what is not known is not 0 */
    }

    metrics_put(out, "waiting", "gauge", "Resources that wait for the server.", queue->counters.waiting);
    metrics_put(out, "dead_letters", "gauge", "Refused resources that are kept.", (int64_t)queue->letters);
    metrics_put(out, "queue_bytes", "gauge", "Bytes of the resources that are kept.", (int64_t)queue->bytes);
    metrics_put(out, "queue_file_bytes", "gauge", "Bytes of the queue's file.", (int64_t)queue->file_bytes);

    bool dated = queue->oldest_s != SBS_UTC_UNKNOWN && status->now.utc_s != SBS_UTC_UNKNOWN;
    if (queue->counters.waiting == 0 || dated) {
        int64_t age_s = 0;
        if (queue->counters.waiting > 0 && status->now.utc_s > queue->oldest_s) {
            age_s = status->now.utc_s - queue->oldest_s;
        }
        metrics_put(out, "oldest_seconds", "gauge", "Age of the resource that waits longest.", age_s);
    }
}

void sbs_gateway_metrics_put(sbs_writer *out, const sbs_gateway_status *status) {
    char sentence[384];
    sbs_gateway_light light = sbs_gateway_status_sentence(status, sentence, sizeof sentence);

    metrics_put_devices(out, status);
    metrics_put_queue(out, status);

    metrics_put(out, "action_needed", "gauge", "1 if somebody has to act.", light == SBS_GATEWAY_RED);
    metrics_put(out, "upstream_state", "gauge", "0 nothing to send, 1 sending, 2 waiting, 3 paused.",
                (int64_t)status->upstream);
    metrics_put(out, "clock_known", "gauge", "1 if the time of day is known to be right.",
                status->clock == SBS_GATEWAY_CLOCK_SERVER || status->clock == SBS_GATEWAY_CLOCK_KERNEL);
    if (status->disk_free != UINT64_MAX && status->disk_free <= INT64_MAX) {
        metrics_put(out, "disk_free_bytes", "gauge", "Bytes that are free.", (int64_t)status->disk_free);
    }
    if (status->server_certificate_s != 0) {
        metrics_put(out, "server_certificate_end_seconds", "gauge", "End of the server's certificate, since 1970.",
                    status->server_certificate_s);
    }
    if (status->own_certificate_s != 0) {
        metrics_put(out, "own_certificate_end_seconds", "gauge", "End of the gateway's certificate, since 1970.",
                    status->own_certificate_s);
    }
}
