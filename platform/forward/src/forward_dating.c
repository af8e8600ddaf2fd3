/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_dating.h"

#include <stdio.h>
#include <string.h>

#include "forward_memory_file.h"
#include "forward_text.h"
#include "sbs/crc32.h"
#include "sbs/date.h"
#include "sbs/push.h"

#define UNKNOWN                                                                                                        \
    "\"_effectiveDateTime\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","  \
    "\"valueCode\":\"unknown\"}]},"

uint32_t sbs_forward_boot_id(void) {
    char text[64];
    sbs_forward_memory_boot(text, sizeof text);
    uint32_t id = sbs_crc32(0, text, strlen(text));
    if (text[0] == '\0' || id == 0) {
        return 1;
    }
    return id;
}

void sbs_forward_dating_note(const sbs_forward_dating *dating, sbs_now now) {
    int64_t utc_s = dating->utc_now(dating->ctx);
    if (utc_s != SBS_UTC_UNKNOWN) {
        sbs_push_note_boot(dating->storage, dating->boot_id, utc_s - (int64_t)(now.mono_ms / 1000));
    }
}

/* When it arrived; SBS_UTC_UNKNOWN and @p out_never: nobody will ever know. */
static int64_t dating_find(const sbs_forward_dating *dating, sbs_now now, const sbs_queue_meta *meta, bool *out_never) {
    *out_never = false;
    if (meta->utc_s != SBS_UTC_UNKNOWN || dating == NULL) {
        return meta->utc_s;
    }

    if (meta->boot_id != dating->boot_id) {
        int64_t start_s = SBS_UTC_UNKNOWN;
        *out_never = !sbs_push_noted_boot(dating->storage, meta->boot_id, &start_s);
        return *out_never ? SBS_UTC_UNKNOWN : start_s + (int64_t)(meta->uptime_ms / 1000);
    }

    int64_t utc_s = dating->utc_now(dating->ctx);
    if (utc_s != SBS_UTC_UNKNOWN) {
        utc_s -= (int64_t)(now.mono_ms - meta->uptime_ms) / 1000;
    }
    return utc_s;
}

sbs_status sbs_forward_date(const sbs_forward_dating *dating, sbs_now now, const sbs_queue_meta *meta, sbs_text text,
                            sbs_forward_buffer *out) {
    bool never = false;
    int64_t utc_s = dating_find(dating, now, meta, &never);
    if (utc_s == SBS_UTC_UNKNOWN && dating != NULL && !never) {
        return SBS_ERR_NO_TIME;
    }

    sbs_writer writer;
    sbs_forward_buffer_clear(out);
    sbs_writer_init_sink(&writer, sbs_forward_buffer_put, out);
    text = sbs_forward_without_mark(text);
    const char *start = memchr(text.ptr, '{', text.len);
    if (start == NULL) {
        sbs_put_text(&writer, text); /* its fault is told by who reads it */
        return sbs_writer_finish(&writer, NULL);
    }

    /* The first member, before resourceType at least. */
    size_t head = (size_t)(start - text.ptr) + 1;
    sbs_put(&writer, text.ptr, head);
    if (utc_s != SBS_UTC_UNKNOWN) {
        sbs_put_string(&writer, "\"effectiveDateTime\":\"");
        sbs_date_put(&writer, utc_s, -1, 0);
        sbs_put_string(&writer, "\",");
    } else if (never) {
        sbs_put_string(&writer, UNKNOWN);
    }
    sbs_put(&writer, text.ptr + head, text.len - head);
    return sbs_writer_finish(&writer, NULL);
}
