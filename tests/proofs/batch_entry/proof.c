/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: an entry of a batch's answer is seen against what was sent at its place, within the request's text; its id
 *   and version are kept within their room as two strings, whatever the server says
 * Bound: requests with a target of 0 to 5 bytes; any entry, whose readers say what their contracts let them say: ids of
 *   0 to 64 bytes, versions of any length
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 8
 * Unwindset: memcpy.0:66 strlen.0:8 strchr.0:8 memchr.0:8
 * Options: -I tests/proofs/stand_in
 * Suite: long
 * Fault: core/src/push/batch.c `sizeof push->priv.target - id.len - 2` => `sizeof push->priv.target - id.len`
 */
#include "proof.h"
#include "push/batch.c"

enum { TARGET = 5, ROOM = 4 };
static const char *judged; /* the location that was judged */
static size_t judged_len;
static const char *room_end; /* where the room for id and version ends */

/* CBMC has none of its own. */
void *memchr(const void *memory, int c, size_t len) {
    const char *text = memory;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == (char)c) {
            return (void *)(text + i);
        }
    }
    return NULL;
}

sbs_status sbs_bundle_answer_read(const sbs_json *doc, sbs_json_node node, sbs_bundle_answer *out) {
    (void)node;
    if (nondet_bool()) {
        return SBS_ERR_RESPONSE;
    }
    out->status = nondet_u32() % 1000;
    out->location = (sbs_text){doc->text, any_count(doc->len)};
    return SBS_OK;
}

/* At most @p size bytes, or an error with how many it would take. */
sbs_status sbs_json_text(const sbs_json *doc, sbs_json_node node, char *out, size_t size, size_t *out_len) {
    (void)doc;
    (void)node;
    PROVE(__CPROVER_w_ok(out, size));
    PROVE(room_end == NULL || out + size < room_end); /* a NUL goes behind it */
    *out_len = nondet_size();
    if (nondet_bool()) {
        return SBS_ERR_FORMAT;
    }
    return *out_len > size ? SBS_ERR_BUFFER : SBS_OK;
}

void sbs_http_sanitise(sbs_text text, char *out, size_t size) {
    PROVE(__CPROVER_r_ok(text.ptr, text.len) && __CPROVER_w_ok(out, size) && size > 0);
    out[any_count(size - 1)] = '\0';
}

sbs_location_fit sbs_location_judge(sbs_text location, const sbs_written *written, sbs_text *out_id) {
    PROVE(written->type.ptr != NULL);
    PROVE(location.len == 0 || __CPROVER_r_ok(location.ptr, location.len));
    judged = location.ptr;
    judged_len = location.len;
    *out_id = (sbs_text){NULL, 0};
    return nondet_bool() ? SBS_LOCATION_OTHER : SBS_LOCATION_NONE;
}

static void prove_view(sbs_push *push, const sbs_push_config *config) {
    entry_view seen;
    const char *end = config->body + TARGET;
    bool readable = batch_view_entry(push, 0, 0, &seen);
    PROVE(seen.written.type.ptr == config->body && seen.written.type.ptr + seen.written.type.len <= end);
    PROVE(seen.own_id.ptr == NULL || seen.own_id.ptr == seen.written.type.ptr + seen.written.type.len + 1);
    PROVE(seen.own_id.ptr == NULL || seen.own_id.ptr + seen.own_id.len <= end);
    PROVE(readable || judged_len == 0);
    PROVE(judged_len <= push->priv.of.bundle.answer.len || judged == config->item);
    if (readable) {
        PROVE(seen.written.id.ptr == (seen.entry.status == 201 ? NULL : seen.own_id.ptr));
        REACHED("an entry that can be read");
    }
}

static void prove_place(sbs_push *push) {
    char id[SBS_FHIR_ID_MAX];
    entry_view seen;
    seen.server_id = (sbs_text){id, any_count(sizeof id)};
    push->priv.event.etag = NULL;
    room_end = push->priv.target + sizeof push->priv.target;
    batch_read_place(push, &seen);
    const char *to = push->priv.target;
    PROVE(push->priv.event.server_id == to && to[seen.server_id.len] == '\0');
    if (push->priv.event.etag != NULL) {
        PROVE(push->priv.event.etag == to + seen.server_id.len + 1);
        REACHED("a version");
    }
}

int main(void) {
    static sbs_push push;
    sbs_push_config config = {0};
    char body[TARGET + 1];
    char item[ROOM];
    char answer[ROOM];
    for (size_t i = 0; i < TARGET; i++) {
        ASSUME(body[i] != '\0');
    }
    body[TARGET] = '"'; /* the request's text goes on behind its target */
    config.body = body;
    config.item = item;
    config.item_size = sizeof item;
    push.priv.config = &config;
    push.priv.sent = push.priv.own_sent;
    push.priv.of.bundle.answer = (sbs_json){.text = answer, .len = sizeof answer};
    prove_view(&push, &config);
    prove_place(&push);
    return 0;
}
