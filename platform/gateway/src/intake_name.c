/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Observation is known by. Devices are many and of one make, and number what they measure from 1: what one
 * calls "urn:meter|1" and another calls so, too, are two measurements, and none may take the place of the other's. So
 * the queue and the server know each by gateway, device and what the device calls it: the secret that it came with says
 * which device that is, never the resource. For the same reason no resource may bring such a name of another device:
 * where the server is asked for it (If-None-Exist), that other's measurement would be taken for one that is there.
 *
 *     id of PUT, identifier, key of repeats ──▶ 160 bits ──▶ id for the device: "sbs-" and 40 digits (of PUT its own)
 *                                                 └──▶ "GATEWAY/DEVICE/HASH", the first of its identifiers from now on
 */
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake_internal.h"
#include "sbs/crc32.h"
#include "sbs/identity.h"
#include "sbs/psa_key.h"

#define PREFIX "sbs-"
#define DIGITS (2u * SBS_FORWARD_HASH_SIZE)
#define KEY_MAX 1024u      /* bytes of If-None-Exist and Idempotency-Key */
#define NAME_PART_MAX 512u /* of an identifier that a condition may name */
#define DEVICE_SIZE (2u * SBS_GATEWAY_NAME_SIZE + DIGITS + 4u)

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

/* Hashes a kind and two parts, the first with its length. */
static sbs_status name_hash(const char *kind, sbs_text first, sbs_text second, uint8_t out[SBS_FORWARD_HASH_SIZE]) {
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    uint8_t digest[32];
    uint8_t length[8];
    size_t len = 0;
    for (size_t i = 0; i < sizeof length; i++) {
        length[i] = (uint8_t)((uint64_t)first.len >> (8 * i));
    }

    psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);
    if (status == PSA_SUCCESS) {
        status = psa_hash_update(&hash, (const uint8_t *)kind, strlen(kind) + 1);
    }
    if (status == PSA_SUCCESS) {
        status = psa_hash_update(&hash, length, sizeof length);
    }
    if (status == PSA_SUCCESS && first.len > 0) {
        status = psa_hash_update(&hash, (const uint8_t *)first.ptr, first.len);
    }
    if (status == PSA_SUCCESS && second.len > 0) {
        status = psa_hash_update(&hash, (const uint8_t *)second.ptr, second.len);
    }
    if (status == PSA_SUCCESS) {
        status = psa_hash_finish(&hash, digest, sizeof digest, &len);
    }
    (void)psa_hash_abort(&hash);

    if (status != PSA_SUCCESS) {
        return sbs_psa_to_status(status);
    }
    memcpy(out, digest, SBS_FORWARD_HASH_SIZE);
    return SBS_OK;
}

/* "sbs-" and the hash, which needs less than an id may have. */
static void name_make_id(sbs_intake_name *name) {
    sbs_writer out;
    sbs_writer_init(&out, name->id, sizeof name->id);
    sbs_put_string(&out, PREFIX);
    sbs_put_hex(&out, name->hash, sizeof name->hash);
    sbs_put_char(&out, '\0');
}

/* True for an id that was given here: then the hash stands in it. Ids are told apart by case, and ours are in lower
 * case: another one names something else. */
static bool id_read(sbs_text id, uint8_t hash[SBS_FORWARD_HASH_SIZE]) {
    size_t prefix = strlen(PREFIX);
    if (id.len != prefix + DIGITS || memcmp(id.ptr, PREFIX, prefix) != 0) {
        return false;
    }

    for (size_t i = 0; i < SBS_FORWARD_HASH_SIZE; i++) {
        const char *digits = id.ptr + prefix + 2 * i;
        int byte = sbs_hex_byte(digits);
        if (byte < 0 || digits[0] != sbs_hex_digit((uint64_t)byte >> 4) || digits[1] != sbs_hex_digit((uint64_t)byte)) {
            return false;
        }
        hash[i] = (uint8_t)byte;
    }
    return true;
}

sbs_status sbs_intake_name_of_id(sbs_text id, sbs_intake_name *out) {
    *out = (sbs_intake_name){0};
    if (!sbs_fhir_id_is_valid(id)) {
        return SBS_ERR_ARGUMENT;
    }
    memcpy(out->id, id.ptr, id.len);

    if (id_read(id, out->hash)) {
        return SBS_OK;
    }
    return name_hash("id", id, (sbs_text){"", 0}, out->hash);
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

/* Decodes %XX; false: a broken one, or no room. */
static bool condition_decode(sbs_text in, bool plus_is_blank, char *out, size_t size, size_t *out_len) {
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '%') {
            int byte = in.len - i < 3 ? -1 : sbs_hex_byte(in.ptr + i + 1);
            if (byte < 0) {
                return false;
            }
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }

        if (len == size) {
            return false;
        }
        out[len++] = c;
    }
    *out_len = len;
    return true;
}

/* Leaves out the backslashes of a search value (R4 search.html, escaping). */
static size_t condition_unescape(char *text, size_t len) {
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' && i + 1 < len && strchr("\\,$|", text[i + 1]) != NULL) {
            i++;
        }
        text[kept++] = text[i];
    }
    return kept;
}

static bool condition_is(sbs_text decoded, sbs_text system, sbs_text value) {
    if (sbs_text_equal(decoded, value)) {
        return true;
    }
    return decoded.len == system.len + 1 + value.len && memcmp(decoded.ptr, system.ptr, system.len) == 0 &&
           decoded.ptr[system.len] == '|' && memcmp(decoded.ptr + system.len + 1, value.ptr, value.len) == 0;
}

/* Senders differ in how they encode: once, not at all, and twice, and with a '+' that is meant as one. All that a
 * condition may mean is made once: a resource may have thousands of identifiers to compare it with. */
typedef struct condition_forms {
    char memory[6][KEY_MAX];
    sbs_text forms[7];
    size_t count;
} condition_forms;

static void forms_read(condition_forms *forms, sbs_text encoded) {
    size_t len = 0;
    forms->forms[0] = encoded;
    forms->count = 1;

    for (size_t blank = 0; blank < 2; blank++) {
        char *once = forms->memory[3 * blank];
        char *twice = forms->memory[3 * blank + 1];
        char *bare = forms->memory[3 * blank + 2];
        if (!condition_decode(encoded, blank == 1, once, KEY_MAX, &len)) {
            continue;
        }
        forms->forms[forms->count++] = (sbs_text){once, len};

        size_t again = 0;
        if (condition_decode((sbs_text){once, len}, false, twice, KEY_MAX, &again)) {
            forms->forms[forms->count++] = (sbs_text){twice, again};
        }
        memcpy(bare, once, len);
        forms->forms[forms->count++] = (sbs_text){bare, condition_unescape(bare, len)};
    }
}

static bool forms_name(const condition_forms *forms, sbs_text system, sbs_text value) {
    for (size_t i = 0; i < forms->count; i++) {
        if (condition_is(forms->forms[i], system, value)) {
            return true;
        }
    }
    return false;
}

/* What stands behind a URL's '?', if it is one. */
static sbs_text condition_bare(sbs_text condition) {
    const char *mark = NULL;
    if (condition.len > 0) {
        mark = memchr(condition.ptr, '?', condition.len);
    }
    if (mark == NULL) {
        return condition;
    }
    size_t skipped = (size_t)(mark - condition.ptr) + 1;
    return (sbs_text){mark + 1, condition.len - skipped};
}

/* One of the resource's identifiers, as text. False: it has no value, or is longer than one that is looked for. */
static bool identifier_read(const sbs_json *doc, sbs_json_node node, char *system, size_t *out_system_len, char *value,
                            size_t *out_value_len) {
    sbs_json_node part;
    *out_system_len = 0;
    if (sbs_json_member(doc, node, "system", &part) == SBS_OK &&
        sbs_json_text(doc, part, system, NAME_PART_MAX, out_system_len) != SBS_OK) {
        return false;
    }
    return sbs_json_member(doc, node, "value", &part) == SBS_OK &&
           sbs_json_text(doc, part, value, NAME_PART_MAX, out_value_len) == SBS_OK && *out_value_len > 0;
}

/* The identifier that a condition names becomes the name. */
static bool condition_find(const sbs_json *doc, sbs_text encoded, sbs_intake_name *out) {
    char system[NAME_PART_MAX];
    char value[NAME_PART_MAX];
    size_t system_len = 0;
    size_t value_len = 0;
    condition_forms forms;
    sbs_json_node list;
    if (sbs_json_member(doc, 0, "identifier", &list) != SBS_OK) {
        return false;
    }

    forms_read(&forms, encoded);
    for (sbs_json_node node = sbs_json_first(doc, list); node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        if (!identifier_read(doc, node, system, &system_len, value, &value_len)) {
            continue;
        }

        sbs_text of_system = {system, system_len};
        sbs_text of_value = {value, value_len};
        if (forms_name(&forms, of_system, of_value)) {
            return name_hash("identifier", of_system, of_value, out->hash) == SBS_OK;
        }
    }
    return false;
}

/* ---- naming ------------------------------------------------------------------------------------------------------ */

static bool name_fail(sbs_intake_result *result) {
    return sbs_intake_refuse(result, 503, "exception", "", "the gateway could not compute a name, try again");
}

/* By what it is conditioned on. The server cannot be searched here, so that must be an identifier of its own. */
static bool name_by_condition(const sbs_json *doc, const sbs_intake_order *order, bool identified, sbs_intake_name *out,
                              sbs_intake_result *result) {
    static const char parameter[] = "identifier=";
    size_t len = strlen(parameter);
    sbs_text bare = condition_bare(order->condition);
    if (bare.len == 0 || bare.len > KEY_MAX) {
        return sbs_intake_refuse(result, 422, "value", "", "If-None-Exist is empty or longer than 1024 bytes");
    }
    if (!identified) {
        return name_hash("if-none-exist", bare, (sbs_text){"", 0}, out->hash) == SBS_OK || name_fail(result);
    }

    if (bare.len > len && memcmp(bare.ptr, parameter, len) == 0 &&
        condition_find(doc, (sbs_text){bare.ptr + len, bare.len - len}, out)) {
        return true;
    }
    return sbs_intake_refuse(
        result, 422, "not-supported", "",
        "If-None-Exist names no identifier of the resource itself, and no server is searched here");
}

/* One without anything of its own: by a key, by its content, or as another one each time. */
static bool name_anew(const sbs_intake_order *order, bool dated, sbs_intake_name *out, sbs_intake_result *result) {
    uint8_t content[SBS_FORWARD_HASH_SIZE];
    if (order->by_content) {
        /* What has a time is the same measurement in whatever file; what has none is told apart by file and place. */
        sbs_text hashed = {(const char *)content, sizeof content};
        bool done = sbs_forward_content_hash(order->text, content) == SBS_OK &&
                    name_hash("content", hashed, (sbs_text){"", 0}, out->hash) == SBS_OK;
        if (done && !dated) {
            memcpy(content, out->hash, sizeof content);
            done = name_hash(order->path, hashed, order->key, out->hash) == SBS_OK;
        }
        return done || name_fail(result);
    }
    if (order->key.len > KEY_MAX) {
        return sbs_intake_refuse(result, 422, "value", "", "Idempotency-Key is longer than 1024 bytes");
    }
    if (order->key.len > 0) {
        return name_hash("idempotency-key", order->key, (sbs_text){"", 0}, out->hash) == SBS_OK || name_fail(result);
    }
    return psa_generate_random(out->hash, sizeof out->hash) == PSA_SUCCESS || name_fail(result);
}

bool sbs_intake_name_order(const sbs_json *doc, const sbs_forward_resource *resource, const sbs_intake_order *order,
                           bool dated, sbs_intake_name *out, sbs_intake_result *result) {
    sbs_text system = sbs_forward_buffer_text(&resource->system);
    sbs_text value = sbs_forward_buffer_text(&resource->value);
    bool identified = value.len > 0;
    bool named = false;
    *out = (sbs_intake_name){0};

    if (order->put_id.ptr != NULL) {
        return sbs_intake_name_of_id(order->put_id, out) == SBS_OK || name_fail(result);
    }

    if (order->condition.ptr != NULL) {
        named = name_by_condition(doc, order, identified, out, result);
    } else if (identified) {
        named = name_hash("identifier", system, value, out->hash) == SBS_OK || name_fail(result);
    } else {
        named = name_anew(order, dated, out, result);
    }
    name_make_id(out);
    return named;
}

/* ---- whose it is ------------------------------------------------------------------------------------------------- */

void sbs_intake_put_identifier(sbs_writer *out, const char *gateway, const char *device, const sbs_intake_name *name) {
    sbs_put_string(out, gateway);
    sbs_put_char(out, '/');
    sbs_put_string(out, device);
    sbs_put_char(out, '/');
    sbs_put_hex(out, name->hash, sizeof name->hash);
}

/* "GATEWAY/DEVICE/" at the front: what this very device was given here, as in a representation that it got back. */
static bool is_own_identifier(const char *gateway, const char *device, sbs_text value) {
    char own[2u * SBS_GATEWAY_NAME_SIZE + 2u];
    int len = snprintf(own, sizeof own, "%s/%s/", gateway, device);
    return len > 0 && value.len > (size_t)len && memcmp(value.ptr, own, (size_t)len) == 0;
}

bool sbs_intake_check_owner(const sbs_json *doc, const sbs_intake_order *order, const char *gateway,
                            sbs_intake_result *result) {
    char value[DEVICE_SIZE];
    sbs_json_node list;
    sbs_json_node part;
    if (sbs_json_member(doc, 0, "identifier", &list) != SBS_OK) {
        return true;
    }

    for (sbs_json_node node = sbs_json_first(doc, list); node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        size_t len = 0;
        if (sbs_json_member(doc, node, "system", &part) != SBS_OK ||
            !sbs_json_equals(doc, part, SBS_FORWARD_SYSTEM_GATEWAY)) {
            continue;
        }

        bool own = sbs_json_member(doc, node, "value", &part) == SBS_OK &&
                   sbs_json_text(doc, part, value, sizeof value, &len) == SBS_OK &&
                   is_own_identifier(gateway, order->device->name, (sbs_text){value, len});
        if (!own) {
            return sbs_intake_refuse(result, 422, "forbidden", order->path,
                                     "an identifier of the gateway's own system that this device was not given");
        }
    }
    return true;
}

sbs_status sbs_intake_identity(const char *gateway, const char *device, const sbs_intake_name *name,
                               uint8_t out[SBS_FORWARD_HASH_SIZE]) {
    char value[DEVICE_SIZE];
    sbs_writer writer;
    size_t len = 0;
    sbs_writer_init(&writer, value, sizeof value);
    sbs_intake_put_identifier(&writer, gateway, device, name);
    sbs_status status = sbs_writer_finish(&writer, &len);
    if (status != SBS_OK) {
        return status;
    }

    /* As the adder sees it: a resource with this identifier. */
    sbs_forward_resource resource = {.type = SBS_INTAKE_TYPE};
    status = sbs_forward_buffer_put(&resource.system, SBS_FORWARD_SYSTEM_GATEWAY, strlen(SBS_FORWARD_SYSTEM_GATEWAY));
    if (status == SBS_OK) {
        status = sbs_forward_buffer_put(&resource.value, value, len);
    }
    if (status == SBS_OK) {
        status = sbs_forward_resource_identity(&resource, out);
    }
    sbs_forward_resource_free(&resource);
    return status;
}

uint32_t sbs_intake_lane(const char *device) {
    uint32_t lane = sbs_crc32(0, device, strlen(device));
    if (lane == 0) {
        return 1; /* 0 has no order */
    }
    return lane;
}
