/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource is told apart by: for a server, for a queue, and for a person who reads a listing. */
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "forward_text.h"
#include "sbs/count.h"
#include "sbs/forward_resource.h"
#include "sbs/identity.h"
#include "sbs/linux_text.h"
#include "sbs/psa_key.h"

#define PIECE 512u

/* ---- blanks ----------------------------------------------------------------------------------------------------- */

/* Bytes of the character of @p text at @p at if it is white space or invisible, else 0. */
static size_t blank_len(sbs_text text, size_t at) {
    static const char *const wide[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                       "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"};
    unsigned char c = (unsigned char)text.ptr[at];

    if (c <= 0x20 || c == 0x7F) {
        return 1;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(wide); i++) {
        size_t len = strlen(wide[i]);
        if (text.len - at >= len && memcmp(text.ptr + at, wide[i], len) == 0) {
            return len;
        }
    }

    /* U+2000 to U+200F: spaces of many widths, and of none. */
    bool is_space =
        text.len - at >= 3 && memcmp(text.ptr + at, "\xE2\x80", 2) == 0 && (unsigned char)text.ptr[at + 2] <= 0x8F;
    return is_space ? 3 : 0;
}

static bool has_blank_end(sbs_text text) {
    if (text.len == 0) {
        return false;
    }

    size_t last = text.len - 1; /* where the last character begins */
    while (last > 0 && ((unsigned char)text.ptr[last] & 0xC0) == 0x80) {
        last--;
    }

    return blank_len(text, 0) > 0 || blank_len(text, last) > 0;
}

bool sbs_forward_resource_has_loose_blanks(const sbs_forward_resource *resource) {
    return has_blank_end(sbs_forward_buffer_text(&resource->system)) ||
           has_blank_end(sbs_forward_buffer_text(&resource->value));
}

/* ---- identity --------------------------------------------------------------------------------------------------- */

sbs_forward_rule sbs_forward_resource_rule(const sbs_forward_resource *resource) {
    sbs_text system = sbs_forward_buffer_text(&resource->system);
    bool unique = sbs_text_equal(system, sbs_text_of(SBS_SYSTEM_PHD)) ||
                  sbs_text_equal(system, sbs_text_of(SBS_FORWARD_SYSTEM_GATEWAY));
    if (unique || resource->subject.len == 0) {
        return SBS_FORWARD_BY_IDENTIFIER;
    }

    return SBS_FORWARD_BY_SUBJECT;
}

/* Hashes one part after the other; the first error is kept. */
static void hash_add(psa_hash_operation_t *hash, psa_status_t *status, const char *data, size_t len) {
    if (*status == PSA_SUCCESS && len > 0) {
        *status = psa_hash_update(hash, (const uint8_t *)data, len);
    }
}

static sbs_status hash_finish(psa_hash_operation_t *hash, psa_status_t status, uint8_t out[SBS_FORWARD_HASH_SIZE]) {
    uint8_t digest[32];
    size_t len = 0;
    if (status == PSA_SUCCESS) {
        status = psa_hash_finish(hash, digest, sizeof digest, &len);
    }
    (void)psa_hash_abort(hash);

    if (status != PSA_SUCCESS) {
        return sbs_psa_to_status(status);
    }

    memcpy(out, digest, SBS_FORWARD_HASH_SIZE);
    return SBS_OK;
}

sbs_status sbs_forward_resource_identity(const sbs_forward_resource *resource, uint8_t out[SBS_FORWARD_HASH_SIZE]) {
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    uint64_t system_len = resource->system.len;
    psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);

    /* The type with its NUL and the system with its length: where one ends is a part of what is hashed. */
    hash_add(&hash, &status, resource->type, strlen(resource->type) + 1);
    hash_add(&hash, &status, (const char *)&system_len, sizeof system_len);
    hash_add(&hash, &status, resource->system.data, resource->system.len);
    hash_add(&hash, &status, resource->value.data, resource->value.len);
    return hash_finish(&hash, status, out);
}

sbs_status sbs_forward_content_hash(sbs_text text, uint8_t out[SBS_FORWARD_HASH_SIZE]) {
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);
    char piece[PIECE];
    size_t len = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!in_string && sbs_forward_is_blank(c)) {
            continue;
        }

        if (len + 2 > sizeof piece) { /* room for two */
            hash_add(&hash, &status, piece, len);
            len = 0;
        }

        /* An escaped character goes together with its backslash: a quote there ends no string. */
        piece[len++] = c;
        if (in_string && c == '\\' && i + 1 < text.len) {
            i++;
            piece[len++] = text.ptr[i];
        } else if (c == '"') {
            in_string = !in_string;
        }
    }

    hash_add(&hash, &status, piece, len);
    sbs_wipe(piece, sizeof piece);
    return hash_finish(&hash, status, out);
}

/* ---- in a listing ----------------------------------------------------------------------------------------------- */

void sbs_forward_put_clean(sbs_writer *out, sbs_text text) {
    char piece[PIECE];
    while (text.len > 0) {
        size_t len = sbs_forward_cut(text, sizeof piece).len;
        memcpy(piece, text.ptr, len);
        sbs_put(out, piece, sbs_linux_clean_text(piece, len));

        text.ptr += len;
        text.len -= len;
    }
}

void sbs_forward_resource_put_name(const sbs_forward_resource *resource, const char *path, size_t line,
                                   sbs_writer *out) {
    if (resource->value.len > 0) {
        sbs_forward_put_clean(out, sbs_forward_buffer_text(&resource->system));
        sbs_put_char(out, '|');
        sbs_forward_put_clean(out, sbs_forward_buffer_text(&resource->value));
    } else if (resource->id[0] != '\0') {
        sbs_put_string(out, resource->type);
        sbs_put_char(out, '/');
        sbs_put_string(out, resource->id);
    } else {
        sbs_forward_put_clean(out, sbs_text_of(path));
        sbs_put_char(out, ':');
        sbs_put_uint(out, line);
    }
}

/* ---- what was measured ------------------------------------------------------------------------------------------ */

/* A string or number member as one line, cut at a character if it is longer. */
static bool measured_take(const sbs_json *doc, sbs_json_node object, const char *name, char *out, size_t size) {
    sbs_forward_buffer text = {0};
    sbs_json_node node;
    sbs_writer writer;
    size_t len = 0;

    out[0] = '\0';
    if (object == SBS_JSON_NONE || sbs_json_member(doc, object, name, &node) != SBS_OK) {
        return false;
    }

    sbs_text raw = sbs_json_raw(doc, node);
    if (sbs_json_kind_of(doc, node) == SBS_JSON_STRING && sbs_forward_buffer_reserve(&text, raw.len + 1) &&
        sbs_json_text(doc, node, text.data, text.size, &len) == SBS_OK) {
        raw = (sbs_text){text.data, len};
    }

    /* Other kinds are shown as they stand: a number with its digits, an object as JSON. */
    sbs_writer_init(&writer, out, size);
    sbs_forward_put_clean(&writer, sbs_forward_cut(raw, size - 1));
    if (sbs_writer_finish(&writer, &len) != SBS_OK) {
        len = 0;
    }

    out[len] = '\0';
    sbs_forward_buffer_free(&text);
    return len > 0;
}

static sbs_json_node member_of(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    if (object == SBS_JSON_NONE || sbs_json_member(doc, object, name, &node) != SBS_OK) {
        return SBS_JSON_NONE;
    }

    return node;
}

static sbs_json_node first_coding(const sbs_json *doc, sbs_json_node concept) {
    sbs_json_node list = member_of(doc, concept, "coding");
    if (list == SBS_JSON_NONE || sbs_json_kind_of(doc, list) != SBS_JSON_ARRAY) {
        return SBS_JSON_NONE;
    }

    return sbs_json_first(doc, list);
}

static bool measured_take_concept(const sbs_json *doc, sbs_json_node concept, char *out, size_t size) {
    sbs_json_node coding = first_coding(doc, concept);
    return measured_take(doc, concept, "text", out, size) || measured_take(doc, coding, "display", out, size) ||
           measured_take(doc, coding, "code", out, size);
}

static void measured_take_value(const sbs_json *doc, char *out, size_t size) {
    static const char *const plain[] = {"valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime"};
    sbs_json_node quantity = member_of(doc, 0, "valueQuantity");
    char unit[24];

    /* A quantity is shown with its unit as people write it, else with its code. */
    if (measured_take(doc, quantity, "value", out, size)) {
        if (measured_take(doc, quantity, "unit", unit, sizeof unit) ||
            measured_take(doc, quantity, "code", unit, sizeof unit)) {
            size_t len = strlen(out); /* a unit that does not fit is cut */
            (void)snprintf(out + len, size - len, " %s", unit);
        }
        return;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(plain); i++) {
        if (measured_take(doc, 0, plain[i], out, size)) {
            return;
        }
    }

    /* Nothing measured, but perhaps why not. */
    (void)(measured_take_concept(doc, member_of(doc, 0, "valueCodeableConcept"), out, size) ||
           measured_take_concept(doc, member_of(doc, 0, "dataAbsentReason"), out, size));
}

void sbs_forward_measured_read(sbs_text text, sbs_forward_measured *out) {
    sbs_forward_json json = {0};
    const sbs_json *doc = &json.doc;
    *out = (sbs_forward_measured){0};

    if (sbs_forward_json_parse(&json, text, NULL) != SBS_OK || sbs_json_kind_of(doc, 0) != SBS_JSON_OBJECT) {
        sbs_forward_json_free(&json);
        return;
    }

    (void)(measured_take(doc, 0, "effectiveDateTime", out->time, sizeof out->time) ||
           measured_take(doc, 0, "effectiveInstant", out->time, sizeof out->time) ||
           measured_take(doc, member_of(doc, 0, "effectivePeriod"), "start", out->time, sizeof out->time) ||
           measured_take(doc, 0, "issued", out->time, sizeof out->time));

    measured_take_value(doc, out->value, sizeof out->value);
    (void)measured_take_concept(doc, member_of(doc, 0, "code"), out->code, sizeof out->code);

    sbs_forward_json_free(&json);
}
