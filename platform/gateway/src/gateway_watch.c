/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_watch.h"

#include <stdlib.h>
#include <string.h>

#include "gateway_loop_internal.h"
#include "sbs/linux_text.h"

#define WATCHED_MS 10000u /* who did not ask for so long does not look any more */
#define BODY_MAX 4096u    /* bytes of a body that are kept */

/* ---- what is kept ----------------------------------------------------------------------------------------------- */

static void watched_forget(gateway_watched *seen) {
    if (seen->body != NULL) {
        sbs_wipe(seen->body, strlen(seen->body));
    }
    free(seen->body);
    *seen = (gateway_watched){0};
}

static void watch_forget(gateway_watch *watch) {
    for (size_t i = 0; i < GATEWAY_WATCH_MAX; i++) {
        watched_forget(&watch->seen[i]);
    }
    watch->values_until_ms = 0;
}

static void watch_copy(char *out, size_t size, sbs_text text) {
    size_t len = text.len < size - 1 ? text.len : size - 1;
    if (len > 0) {
        memcpy(out, text.ptr, len);
    }
    out[len] = '\0';
}

/* As one line that a terminal can be given, and JSON can hold: a device sends what it likes. NULL where there is no
 * body, or no memory. */
static char *watch_body(sbs_text body) {
    size_t size = (body.len < BODY_MAX ? body.len : BODY_MAX) + 1;
    char *copy = body.len > 0 ? malloc(size) : NULL;
    if (copy != NULL) {
        watch_copy(copy, size, body);
        copy[sbs_linux_clean_text(copy, size - 1)] = '\0';
    }
    return copy;
}

void gateway_watch_note(struct sbs_gateway_loop *loop, const char *device, const sbs_linux_http_request *request,
                        const sbs_linux_http_answer *answer) {
    gateway_watch *watch = &loop->watch;
    if (loop->now.mono_ms >= watch->until_ms) {
        return;
    }

    gateway_watched *seen = &watch->seen[watch->count % GATEWAY_WATCH_MAX];
    watched_forget(seen);
    *seen = (gateway_watched){.number = ++watch->count, .utc_s = loop->now.utc_s, .status = answer->status};
    watch_copy(seen->device, sizeof seen->device, sbs_text_of(device));
    watch_copy(seen->method, sizeof seen->method, request->method);
    watch_copy(seen->peer, sizeof seen->peer, sbs_text_of(request->peer));
    seen->len = request->body.len;
    if (loop->now.mono_ms < watch->values_until_ms) {
        seen->body = watch_body(request->body);
    }
}

void gateway_watch_end(struct sbs_gateway_loop *loop) {
    if (loop->watch.until_ms != 0 && loop->now.mono_ms >= loop->watch.until_ms) {
        watch_forget(&loop->watch);
        loop->watch.until_ms = 0;
    }
}

/* ---- what is told ----------------------------------------------------------------------------------------------- */

/* The value of a member of a query that holds nothing to decode. */
static sbs_text watch_member(sbs_text query, const char *name) {
    size_t name_len = strlen(name);
    for (size_t at = 0; at < query.len;) {
        const char *start = query.ptr + at;
        const char *end = memchr(start, '&', query.len - at);
        size_t len = end != NULL ? (size_t)(end - start) : query.len - at;
        if (len > name_len && start[name_len] == '=' && memcmp(start, name, name_len) == 0) {
            return (sbs_text){start + name_len + 1, len - name_len - 1};
        }
        at += len + 1;
    }
    return (sbs_text){NULL, 0};
}

static void watch_put_one(sbs_json_writer *json, const gateway_watched *seen, bool values) {
    sbs_json_begin_object(json);
    sbs_json_key(json, "number");
    sbs_json_put_uint(json, seen->number);
    sbs_json_key(json, "time");
    sbs_json_put_int(json, seen->utc_s == SBS_UTC_UNKNOWN ? 0 : seen->utc_s);
    sbs_json_member_text(json, "device", sbs_text_of(seen->device));
    sbs_json_member_text(json, "peer", sbs_text_of(seen->peer));
    sbs_json_member_text(json, "method", sbs_text_of(seen->method));
    sbs_json_key(json, "status");
    sbs_json_put_uint(json, seen->status);
    sbs_json_key(json, "bytes");
    sbs_json_put_uint(json, seen->len);
    if (values && seen->body != NULL) {
        sbs_json_member_text(json, "body", sbs_text_of(seen->body));
    }
    sbs_json_end_object(json);
}

bool gateway_watch_knows(const struct sbs_gateway_loop *loop, sbs_text query) {
    sbs_text device = watch_member(query, "device");
    char name[SBS_GATEWAY_NAME_SIZE];
    if (device.len >= sizeof name) {
        return false;
    }

    watch_copy(name, sizeof name, device);
    return device.len == 0 || sbs_gateway_config_device(loop->config, name) != NULL ||
           sbs_gateway_devices_has(&loop->devices, name);
}

void gateway_watch_put(struct sbs_gateway_loop *loop, sbs_text query, sbs_forward_buffer *out) {
    gateway_watch *watch = &loop->watch;
    sbs_text device = watch_member(query, "device");
    sbs_text after_text = watch_member(query, "after");
    sbs_json_writer json;
    sbs_writer writer;
    uint64_t after = watch->count;
    if (after_text.len > 0 && sbs_text_to_uint(after_text, &after) != SBS_OK) {
        after = watch->count;
    }

    /* Two may look, and only one of them at values. */
    bool values = sbs_text_equal(watch_member(query, "values"), sbs_text_of("1"));
    watch->until_ms = loop->now.mono_ms + WATCHED_MS;
    if (values) {
        watch->values_until_ms = watch->until_ms;
    }
    sbs_writer_init_sink(&writer, sbs_forward_buffer_put, out);
    sbs_json_writer_init(&json, &writer);
    sbs_json_begin_object(&json);
    sbs_json_key(&json, "next");
    sbs_json_put_uint(&json, watch->count);
    sbs_json_key(&json, "seen");
    sbs_json_begin_array(&json);

    uint64_t oldest = watch->count > GATEWAY_WATCH_MAX ? watch->count - GATEWAY_WATCH_MAX : 0;
    for (uint64_t i = after > oldest ? after : oldest; i < watch->count; i++) {
        const gateway_watched *seen = &watch->seen[i % GATEWAY_WATCH_MAX];
        bool matches = device.len == 0 || seen->device[0] == '\0' || sbs_text_equal(device, sbs_text_of(seen->device));
        if (matches && seen->number > after) {
            watch_put_one(&json, seen, values);
        }
    }

    sbs_json_end_array(&json);
    sbs_json_end_object(&json);
    sbs_status finished = sbs_json_writer_finish(&json, NULL);
    (void)finished;
}
