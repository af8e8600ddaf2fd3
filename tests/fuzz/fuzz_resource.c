/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources as they are rewritten for the way of writing: the input is a JSON text, or says how to put one together.
 * What is written is valid JSON, has the id or the identifier that was asked for, and every other byte as it came.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sbs/count.h"
#include "sbs/forward_resource.h"

#define TEXT_MAX 4096u
#define MEMBERS_MAX 64u

typedef struct text_buffer {
    char data[TEXT_MAX];
    size_t len;
} text_buffer;

/* ---- a resource that is put together ----------------------------------------------------------------------------- */

static void put(text_buffer *to, const char *text) {
    const size_t len = strlen(text);
    if (len <= sizeof to->data - to->len) {
        memcpy(to->data + to->len, text, len);
        to->len += len;
    }
}

static void put_blank(text_buffer *to, fuzz_input *input) {
    static const char *const blanks[] = {"", "", "", " ", "\n\t", "\r\n  "};
    put(to, blanks[fuzz_below(input, SBS_COUNT_OF(blanks))]);
}

static void put_member(text_buffer *to, fuzz_input *input) {
    static const char *const names[] = {"\"resourceType\"",
                                        "\"id\"",
                                        "\"identifier\"",
                                        "\"subject\"",
                                        "\"device\"",
                                        "\"patient\"",
                                        "\"\\u0069d\"",
                                        "\"type\"",
                                        "\"code\"",
                                        "\"meta\"",
                                        "\"identifie\\u0072\"",
                                        "\"valueQuantity\"",
                                        "\"i\\u0064\"",
                                        "\"effectiveDateTime\""};
    static const char *const values[] = {"\"Observation\"",
                                         "\"a-1\"",
                                         "[{\"system\":\"urn:x\",\"value\":\"7\"}]",
                                         "{\"reference\":\"Patient/p1\"}",
                                         "\"\"",
                                         "{\"system\":\"urn:x\",\"value\":\"\\u00e4|$,\"}",
                                         "[]",
                                         "{}",
                                         "null",
                                         "[{},{\"value\":\" v \"},{\"value\":\"w\"}]",
                                         "{\"identifier\":{\"system\":\"urn:s\",\"value\":\"1\"}}",
                                         "\"Bundle\"",
                                         "\"batch\"",
                                         "-1.5e3",
                                         "true",
                                         "{\"reference\":\"http://s/r4/Patient/p1/_history/3\",\"id\":\"inner\"}",
                                         "{\"value\":6.3,\"unit\":\"mmol\\/l\",\"code\":\"mmol/L\"}",
                                         "{\"text\":\"a\\u202eb\",\"coding\":[{\"code\":\"1-8\",\"display\":\"d\"}]}",
                                         "\"2023-11-14T22:13:20Z\"",
                                         "\"not an id!\"",
                                         "\"QuestionnaireResponse\"",
                                         "{\"id\":\"inner\",\"identifier\":\"x\",\"resourceType\":\"Patient\"}"};
    put_blank(to, input);
    put(to, names[fuzz_below(input, SBS_COUNT_OF(names))]);
    put_blank(to, input);
    put(to, ":");
    put_blank(to, input);
    put(to, values[fuzz_below(input, SBS_COUNT_OF(values))]);
    put_blank(to, input);
}

static void put_together(text_buffer *to, fuzz_input *input) {
    if (fuzz_chance(input, 8)) {
        put(to, "\xEF\xBB\xBF");
    }
    put_blank(to, input);
    put(to, "{");
    const unsigned place = fuzz_below(input, 4);
    for (unsigned count = fuzz_below(input, 10), i = 0; i <= count; i++) {
        put(to, i > 0 ? "," : "");
        if (i == (place < count ? place : count)) {
            put_blank(to, input);
            put(to, fuzz_chance(input, 4) ? "\"resourceType\":\"Composition\"" : "\"resourceType\" : \"Observation\"");
            put_blank(to, input);
        } else {
            put_member(to, input);
        }
    }
    put(to, "}");
    put_blank(to, input);
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

typedef struct parsed {
    sbs_json doc;
    sbs_json_token tokens[2048];
} parsed;

static void parse(parsed *out, sbs_text text) {
    FUZZ_REQUIRE(sbs_json_parse(&out->doc, text.ptr, text.len, out->tokens, SBS_COUNT_OF(out->tokens), NULL) == SBS_OK);
    FUZZ_REQUIRE(sbs_json_kind_of(&out->doc, 0) == SBS_JSON_OBJECT);
}

static sbs_text as_it_stands(const sbs_json *doc, sbs_json_node node) {
    return sbs_json_raw(doc, node);
}

static sbs_json_node next_but(const sbs_json *doc, sbs_json_node node, const char *name) {
    while (node != SBS_JSON_NONE && sbs_json_name_is(doc, node, name)) {
        node = sbs_json_next(doc, node);
    }
    return node;
}

/* All members but those of this name are the same bytes in the same order. */
static void check_others(const sbs_json *before, const sbs_json *after, const char *name) {
    sbs_json_node a = next_but(before, sbs_json_first(before, 0), name);
    sbs_json_node b = next_but(after, sbs_json_first(after, 0), name);
    while (a != SBS_JSON_NONE && b != SBS_JSON_NONE) {
        FUZZ_REQUIRE(sbs_json_kind_of(before, a) == sbs_json_kind_of(after, b));
        FUZZ_REQUIRE(sbs_text_equal(as_it_stands(before, a), as_it_stands(after, b)));
        a = next_but(before, sbs_json_next(before, a), name);
        b = next_but(after, sbs_json_next(after, b), name);
    }
    FUZZ_REQUIRE(a == SBS_JSON_NONE && b == SBS_JSON_NONE);
}

static sbs_text write_with(const sbs_forward_resource *resource, const char *id, char *out, size_t size) {
    sbs_writer writer;
    size_t len = 0;
    sbs_writer_init(&writer, out, size);
    sbs_forward_resource_put(resource, id, &writer);
    FUZZ_REQUIRE(sbs_writer_finish(&writer, &len) == SBS_OK);
    return (sbs_text){out, len};
}

static void check_with_id(const sbs_forward_resource *resource, const sbs_json *before, const char *id) {
    static parsed after;
    static char out[2 * TEXT_MAX];
    const sbs_text text = write_with(resource, id, out, sizeof out);
    sbs_json_node node;
    fuzz_talk("id %s: %.*s\n", id != NULL ? id : "(none)", (int)text.len, text.ptr);
    parse(&after, text);
    const sbs_status status = sbs_json_member(&after.doc, 0, "id", &node);
    FUZZ_REQUIRE(status == (id != NULL ? SBS_OK : SBS_ERR_NOT_FOUND));
    FUZZ_REQUIRE(id == NULL || sbs_json_equals(&after.doc, node, id));
    check_others(before, &after.doc, "id");

    /* Read again it is the same resource. */
    sbs_forward_resource again = {0};
    FUZZ_REQUIRE(sbs_forward_resource_read(&again, text) == NULL);
    FUZZ_REQUIRE(strcmp(again.type, resource->type) == 0 && strcmp(again.id, id != NULL ? id : "") == 0);
    FUZZ_REQUIRE(sbs_text_equal(sbs_forward_buffer_text(&again.value), sbs_forward_buffer_text(&resource->value)));
    FUZZ_REQUIRE(sbs_text_equal(sbs_forward_buffer_text(&again.subject), sbs_forward_buffer_text(&resource->subject)));
    FUZZ_REQUIRE(again.lane == resource->lane);
    sbs_forward_resource_free(&again);
}

static void check_identified(const sbs_forward_resource *resource, const sbs_json *before) {
    static parsed after;
    static char out[2 * TEXT_MAX];
    sbs_writer writer;
    size_t len = 0;
    sbs_writer_init(&writer, out, sizeof out);
    sbs_forward_resource_put_identified(resource, "urn:made", SBS_TEXT("made-1"), &writer);
    FUZZ_REQUIRE(sbs_writer_finish(&writer, &len) == SBS_OK);
    parse(&after, (sbs_text){out, len});
    check_others(before, &after.doc, "identifier");

    sbs_forward_resource again = {0};
    FUZZ_REQUIRE(sbs_forward_resource_read(&again, (sbs_text){out, len}) == NULL);
    FUZZ_REQUIRE(sbs_text_equal(sbs_forward_buffer_text(&again.value), SBS_TEXT("made-1")));
    FUZZ_REQUIRE(sbs_text_equal(sbs_forward_buffer_text(&again.system), SBS_TEXT("urn:made")));
    sbs_forward_resource_free(&again);
}

/* A listing's line: no byte of the file is a control character of the terminal. */
static void check_line(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        FUZZ_REQUIRE(c >= ' ' && c != 0x7F);
        FUZZ_REQUIRE(!(c == 0xC2 && i + 1 < len && (unsigned char)text[i + 1] < 0xA0));
        FUZZ_REQUIRE(!(c == 0xE2 && i + 2 < len && (unsigned char)text[i + 1] == 0x80 &&
                       (unsigned char)text[i + 2] >= 0xAA && (unsigned char)text[i + 2] <= 0xAE));
    }
}

static void check_words(const sbs_forward_resource *resource, sbs_text text) {
    static char line[4 * TEXT_MAX];
    sbs_forward_measured measured;
    sbs_writer writer;
    uint8_t hash[SBS_FORWARD_HASH_SIZE];
    size_t len = 0;
    sbs_forward_measured_read(text, &measured);
    FUZZ_REQUIRE(strlen(measured.time) < sizeof measured.time && strlen(measured.value) < sizeof measured.value &&
                 strlen(measured.code) < sizeof measured.code);
    check_line(measured.time, strlen(measured.time));
    check_line(measured.value, strlen(measured.value));
    check_line(measured.code, strlen(measured.code));

    sbs_writer_init(&writer, line, sizeof line);
    sbs_forward_resource_put_name(resource, "file.json", 7, &writer);
    FUZZ_REQUIRE(sbs_writer_finish(&writer, &len) == SBS_OK);
    check_line(line, len);
    FUZZ_REQUIRE(sbs_forward_content_hash(text, hash) == SBS_OK);
    FUZZ_REQUIRE(sbs_forward_resource_identity(resource, hash) == SBS_OK);
    (void)sbs_forward_resource_has_loose_blanks(resource);
    (void)sbs_forward_resource_rule(resource);
}

static void check_resource(const sbs_forward_resource *resource) {
    static parsed before;
    parse(&before, resource->text);
    FUZZ_REQUIRE(sbs_fhir_type_is_valid(sbs_text_of(resource->type)));
    FUZZ_REQUIRE(resource->id[0] == '\0' || sbs_fhir_id_is_valid(sbs_text_of(resource->id)));
    check_with_id(resource, &before.doc, NULL);
    check_with_id(resource, &before.doc, "new-id.7");
    if (resource->id[0] != '\0') {
        static char out[2 * TEXT_MAX];
        const sbs_text same = write_with(resource, resource->id, out, sizeof out);
        FUZZ_REQUIRE(sbs_text_equal(same, resource->text));
    }
    if (!resource->has_identifier) {
        check_identified(resource, &before.doc);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static text_buffer made;
    fuzz_input input = {data, size};
    fuzz_crypto();
    made.len = 0;
    if (fuzz_byte(&input) % 2 == 0) {
        put_together(&made, &input);
    } else if (input.len <= TEXT_MAX) {
        memcpy(made.data, input.data, input.len);
        made.len = input.len;
    }

    char *copy = fuzz_copy(made.data, made.len);
    const sbs_text text = {copy, made.len};
    sbs_forward_resource resource = {0};
    const char *reason = sbs_forward_resource_read(&resource, text);
    fuzz_talk("%.*s\n%s\n", (int)text.len, text.ptr, reason != NULL ? reason : "read");
    FUZZ_REQUIRE(reason != SBS_FORWARD_OUT_OF_MEMORY);
    if (reason == NULL) {
        check_resource(&resource);
        check_words(&resource, text);
    }
    sbs_forward_resource_free(&resource);
    free(copy);
    return 0;
}
