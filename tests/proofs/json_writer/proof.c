/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: one call of the JSON writer in any state keeps its invariant, shifts no bit out of its word, and refuses
 *   what would not be JSON
 * Bound: any state that the invariant allows, at every depth; any call, keys of 0 to 2 bytes, texts of 0 to 2 bytes
 * Sources: core/src/text/text.c core/src/text/utf8.c
 * Unwind: 5
 * Unwindset: json_put_line.0:34 json_put_escaped.0:8
 * Meant: json_put_quoted:conversion
 * Suite: short
 * Fault: core/src/json/json_writer.c `if (json->depth == DEPTH_MAX)` => `if (json->depth > DEPTH_MAX)`
 */
#include "proof.h"
#include "json/json_writer.c"

/* What is written is proven by text_writer; here its length is enough. */
void sbs_put(sbs_writer *writer, const char *data, size_t len) {
    PROVE(len == 0 || __CPROVER_r_ok(data, len));
    (void)writer;
}

void sbs_put_char(sbs_writer *writer, char c) {
    (void)writer;
    (void)c;
}

void sbs_put_text(sbs_writer *writer, sbs_text text) {
    sbs_put(writer, text.ptr, text.len);
}

void sbs_put_string(sbs_writer *writer, const char *string) {
    PROVE(string != NULL);
    (void)writer;
}

void sbs_put_uint(sbs_writer *writer, uint64_t value) {
    (void)writer;
    (void)value;
}

void sbs_put_int(sbs_writer *writer, int64_t value) {
    (void)writer;
    (void)value;
}

void sbs_writer_fail(sbs_writer *writer, sbs_status error) {
    if (writer->error == SBS_OK) {
        writer->error = error;
    }
}

sbs_status sbs_writer_finish(const sbs_writer *writer, size_t *out_len) {
    (void)out_len;
    return writer->error;
}

static bool json_is_sound(const sbs_json_writer *json) {
    bool root_is_array = (json->is_array & 1u) != 0;
    return json->depth <= DEPTH_MAX && !root_is_array;
}

int main(void) {
    sbs_writer out = {.error = SBS_OK};
    sbs_json_writer json;
    char text[2];
    char name[3];
    sbs_json_writer_init(&json, &out);
    PROVE(json_is_sound(&json));

    json.depth = nondet_u8();
    json.indent = nondet_u8();
    json.has_item = nondet_u32();
    json.is_array = nondet_u32();
    json.after_key = nondet_bool();
    name[2] = '\0';
    ASSUME(json_is_sound(&json));
    ASSUME(json.indent <= 1); /* more are more of the same loop, which touches nothing */
    unsigned depth = json.depth;
    bool in_array = json_in_array(&json);
    bool after_key = json.after_key;

    switch (nondet_u8() % 7) {
    case 0:
        sbs_json_begin_object(&json);
        PROVE(json.depth == depth + 1 || out.error == SBS_ERR_STATE);
        break;
    case 1:
        sbs_json_begin_array(&json);
        PROVE(json.depth == depth + 1 || out.error == SBS_ERR_STATE);
        break;
    case 2:
        sbs_json_end_object(&json);
        PROVE(out.error == SBS_ERR_STATE || (json.depth + 1u == depth && !in_array && !after_key));
        break;
    case 3:
        sbs_json_end_array(&json);
        PROVE(out.error == SBS_ERR_STATE || (json.depth + 1u == depth && in_array && !after_key));
        break;
    case 4:
        sbs_json_key(&json, name);
        PROVE(out.error != SBS_OK || (depth > 0 && !in_array && !after_key && json.after_key));
        break;
    case 5:
        sbs_json_put_text(&json, (sbs_text){text, any_count(sizeof text)});
        PROVE(out.error != SBS_OK || after_key || in_array || depth == 0);
        break;
    default:
        PROVE(sbs_json_writer_finish(&json, NULL) == SBS_ERR_STATE || depth == 0);
        break;
    }
    PROVE(json_is_sound(&json));
    if (out.error == SBS_OK) {
        REACHED("a call that is right");
    }
    return 0;
}
