/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an Observation, told with its place. Profiles and codes are the server's to judge; what is looked
 * at here is what no server takes (R4 json.html, datatypes.html, observation.html). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "intake_internal.h"
#include "sbs/count.h"
#include "sbs/date.h"
#include "sbs/linux_text.h"

#define MEMBERS_MAX 256u /* of one object; FHIR has far fewer, and they are compared with each other */
#define SHOWN_MAX 48
#define GATEWAY_EXTENSION "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice"

bool sbs_intake_refuse(sbs_intake_result *result, uint16_t status, const char *code, const char *expression,
                       const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result->words, sizeof result->words, format, arguments);
    va_end(arguments);

    result->words[sbs_linux_clean_text(result->words, strlen(result->words))] = '\0';
    (void)snprintf(result->expression, sizeof result->expression, "%s", expression);
    result->status = status;
    result->code = code;
    return false;
}

/* ---- any JSON ---------------------------------------------------------------------------------------------------- */

/* Where the look is. */
typedef struct check_walk {
    const sbs_json *doc;
    size_t offset; /* of the text in what was sent */
    sbs_intake_result *result;
    char path[SBS_INTAKE_PATH_SIZE];
    size_t path_len;
} check_walk;

static size_t walk_where(const check_walk *walk, sbs_json_node node) {
    return walk->offset + (size_t)(sbs_json_raw(walk->doc, node).ptr - walk->doc->text);
}

/* Appends to the path; what does not fit is left out. The length of before is for walk_leave(). */
static size_t walk_enter(check_walk *walk, const char *format, int len, const char *name, unsigned index) {
    size_t before = walk->path_len;
    size_t room = sizeof walk->path - before;
    int written = 0;

    if (name != NULL) {
        written = snprintf(walk->path + before, room, format, len, name);
    } else {
        written = snprintf(walk->path + before, room, format, index);
    }
    if (written > 0 && (size_t)written < room) {
        walk->path_len += (size_t)written;
    } else {
        walk->path[before] = '\0';
    }
    return before;
}

static void walk_leave(check_walk *walk, size_t before) {
    walk->path_len = before;
    walk->path[before] = '\0';
}

/* Names of FHIR need no escapes, so two that differ in their escapes alone are found by refusing those. */
static bool walk_check_name(const check_walk *walk, sbs_json_node object, sbs_json_node node) {
    sbs_text name = sbs_json_name(walk->doc, node);
    if (memchr(name.ptr, '\\', name.len) != NULL) {
        return sbs_intake_refuse(walk->result, 400, "structure", walk->path,
                                 "a member's name with an escape at byte %zu, no element of FHIR has one",
                                 walk_where(walk, node));
    }

    size_t members = 0;
    for (sbs_json_node other = sbs_json_first(walk->doc, object); other != node;
         other = sbs_json_next(walk->doc, other)) {
        members++;
        if (sbs_text_equal(sbs_json_name(walk->doc, other), name)) {
            return sbs_intake_refuse(walk->result, 400, "structure", walk->path,
                                     "the member \"%.*s\" stands twice, again before byte %zu", (int)name.len, name.ptr,
                                     walk_where(walk, node));
        }
    }

    if (members >= MEMBERS_MAX) {
        return sbs_intake_refuse(walk->result, 422, "too-costly", walk->path, "an object with more than %u members",
                                 MEMBERS_MAX);
    }
    return true;
}

static bool is_one_of(sbs_text name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (sbs_text_equal(name, sbs_text_of(names[i]))) {
            return true;
        }
    }
    return false;
}

/* A dateTime (or the more of an instant) as a string without escapes. */
static bool walk_check_time(check_walk *walk, sbs_json_node node, sbs_text name) {
    static const char *const instants[] = {"issued", "effectiveInstant", "valueInstant", "lastUpdated"};
    sbs_text text = sbs_json_raw(walk->doc, node);
    bool instant = is_one_of(name, instants, SBS_COUNT_OF(instants));

    if (sbs_json_kind_of(walk->doc, node) != SBS_JSON_STRING) {
        return sbs_intake_refuse(walk->result, 422, "value", walk->path,
                                 "a time is a string: \"2026-11-29T10:00:00Z\"");
    }
    if (!sbs_date_is_fhir_datetime(text) || (instant && memchr(text.ptr, 'T', text.len) == NULL)) {
        return sbs_intake_refuse(walk->result, 422, "value", walk->path,
                                 "\"%.*s\" is no time of FHIR: one with hours has seconds and a zone, "
                                 "2026-11-29T10:00:00+02:00",
                                 text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX, text.ptr);
    }
    return true;
}

static bool walk_check_number(const check_walk *walk, sbs_json_node node) {
    sbs_decimal value;
    sbs_text text = sbs_json_raw(walk->doc, node);
    if (sbs_decimal_parse(text, &value) == SBS_OK) {
        return true;
    }
    return sbs_intake_refuse(walk->result, 422, "value", walk->path, "%.*s is no decimal of FHIR: at most 18 digits",
                             text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX, text.ptr);
}

/* A value by the name of its member. */
static bool walk_check_member(check_walk *walk, sbs_json_node node, sbs_text name, sbs_text parent) {
    static const char *const times[] = {"effectiveDateTime", "effectiveInstant", "issued", "valueDateTime",
                                        "valueInstant",      "lastUpdated",      "start",  "end"};
    static const char *const quantities[] = {"valueQuantity", "low", "high", "origin", "numerator", "denominator"};

    if (is_one_of(name, times, SBS_COUNT_OF(times))) {
        return walk_check_time(walk, node, name);
    }
    if (sbs_text_equal(name, SBS_TEXT("value")) && is_one_of(parent, quantities, SBS_COUNT_OF(quantities)) &&
        sbs_json_kind_of(walk->doc, node) != SBS_JSON_NUMBER) {
        return sbs_intake_refuse(walk->result, 422, "value", walk->path,
                                 "a quantity's value is a number without quotes");
    }
    return true;
}

/* Paths go into logs: what is no name of an element may be anything. */
static sbs_text name_shown(sbs_text name) {
    for (size_t i = 0; i < name.len; i++) {
        bool letter = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z');
        if (!letter && name.ptr[i] != '_') {
            return SBS_TEXT("?");
        }
    }
    return name.len <= SHOWN_MAX ? name : SBS_TEXT("?");
}

static bool walk_look(check_walk *walk, sbs_json_node node, sbs_text parent);

static bool walk_object(check_walk *walk, sbs_json_node object, sbs_text parent) {
    for (sbs_json_node node = sbs_json_first(walk->doc, object); node != SBS_JSON_NONE;
         node = sbs_json_next(walk->doc, node)) {
        sbs_text name = sbs_json_name(walk->doc, node);
        if (!walk_check_name(walk, object, node)) {
            return false;
        }

        sbs_text shown = name_shown(name);
        size_t before = walk_enter(walk, ".%.*s", (int)shown.len, shown.ptr, 0);
        if (!walk_check_member(walk, node, name, parent) || !walk_look(walk, node, name)) {
            return false;
        }
        walk_leave(walk, before);
    }
    return true;
}

static bool walk_array(check_walk *walk, sbs_json_node array, sbs_text parent) {
    unsigned index = 0;
    for (sbs_json_node node = sbs_json_first(walk->doc, array); node != SBS_JSON_NONE;
         node = sbs_json_next(walk->doc, node)) {
        size_t before = walk_enter(walk, "[%u]", 0, NULL, index++);
        if (!walk_look(walk, node, parent)) {
            return false;
        }
        walk_leave(walk, before);
    }
    return true;
}

/* As deep as the reader lets a text be. */
static bool walk_look(check_walk *walk, sbs_json_node node, sbs_text parent) {
    switch (sbs_json_kind_of(walk->doc, node)) {
    case SBS_JSON_OBJECT:
        return walk_object(walk, node, parent);
    case SBS_JSON_ARRAY:
        return walk_array(walk, node, parent);
    case SBS_JSON_NUMBER:
        return walk_check_number(walk, node);
    default:
        return true;
    }
}

bool sbs_intake_check_json(const sbs_json *doc, sbs_json_node node, const char *path, size_t offset,
                           sbs_intake_result *result) {
    check_walk walk = {.doc = doc, .offset = offset, .result = result};
    int len = snprintf(walk.path, sizeof walk.path, "%s", path);
    walk.path_len = len > 0 ? (size_t)len : 0;
    return walk_look(&walk, node, (sbs_text){"", 0});
}

/* ---- an Observation ---------------------------------------------------------------------------------------------- */

static bool check_refuse(const sbs_intake_order *order, const char *member, sbs_intake_result *result, const char *code,
                         const char *words) {
    char path[SBS_INTAKE_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s.%s", order->path, member);
    return sbs_intake_refuse(result, 422, code, path, "%s", words);
}

static bool check_type(const sbs_json *doc, const sbs_intake_order *order, sbs_intake_result *result) {
    sbs_json_node type;
    if (sbs_json_kind_of(doc, 0) != SBS_JSON_OBJECT) {
        return sbs_intake_refuse(result, 400, "structure", order->path, "not a JSON object, at byte %zu",
                                 order->offset);
    }
    if (sbs_json_member(doc, 0, "resourceType", &type) != SBS_OK) {
        return check_refuse(order, "resourceType", result, "required", "resourceType is missing");
    }
    if (!sbs_json_equals(doc, type, SBS_INTAKE_TYPE)) {
        return sbs_intake_refuse(result, 422, "not-supported", order->path,
                                 "this gateway takes resources of the type Observation, and no others");
    }
    return true;
}

static bool check_status(const sbs_json *doc, const sbs_intake_order *order, sbs_intake_result *result) {
    static const char *const codes[] = {"registered", "preliminary",      "final",  "amended", "corrected",
                                        "cancelled",  "entered-in-error", "unknown"};
    sbs_json_node status;
    if (sbs_json_member(doc, 0, "status", &status) != SBS_OK) {
        return check_refuse(order, "status", result, "required", "status is missing: \"final\", say");
    }

    for (size_t i = 0; i < SBS_COUNT_OF(codes); i++) {
        if (sbs_json_equals(doc, status, codes[i])) {
            return true;
        }
    }
    return check_refuse(order, "status", result, "value",
                        "status is none of registered, preliminary, final, amended, corrected, cancelled, "
                        "entered-in-error, unknown");
}

/* A concept without coding and text says nothing. */
static bool check_code(const sbs_json *doc, const sbs_intake_order *order, sbs_intake_result *result) {
    sbs_json_node code;
    sbs_json_node part;
    if (sbs_json_member(doc, 0, "code", &code) != SBS_OK) {
        return check_refuse(order, "code", result, "required", "code is missing: what was measured");
    }
    if (sbs_json_kind_of(doc, code) != SBS_JSON_OBJECT) {
        return check_refuse(order, "code", result, "value", "code is an object with coding or text");
    }

    bool coded = sbs_json_member(doc, code, "coding", &part) == SBS_OK && sbs_json_first(doc, part) != SBS_JSON_NONE;
    if (!coded && sbs_json_member(doc, code, "text", &part) != SBS_OK) {
        return check_refuse(order, "code", result, "required", "code has neither coding nor text");
    }
    return true;
}

static bool check_id(const sbs_json *doc, const sbs_intake_order *order, sbs_intake_result *result) {
    sbs_json_node id;
    if (order->put_id.ptr == NULL || sbs_json_member(doc, 0, "id", &id) != SBS_OK) {
        return true;
    }
    if (!sbs_json_is(doc, id, order->put_id)) {
        char path[SBS_INTAKE_PATH_SIZE];
        (void)snprintf(path, sizeof path, "%s.id", order->path);
        return sbs_intake_refuse(result, 400, "invalid", path, "id is another one than that of the URL");
    }
    return true;
}

/* Where the elements of a list begin; 0: there is no such member. False: it is no list. */
static bool check_list(const sbs_json *doc, const char *name, size_t *out_at, bool *out_filled) {
    sbs_json_node list;
    if (sbs_json_member(doc, 0, name, &list) != SBS_OK) {
        return true;
    }

    *out_at = (size_t)(sbs_json_raw(doc, list).ptr - doc->text) + 1;
    *out_filled = sbs_json_first(doc, list) != SBS_JSON_NONE;
    return sbs_json_kind_of(doc, list) == SBS_JSON_ARRAY;
}

static bool names_gateway(const sbs_json *doc) {
    sbs_json_node list;
    sbs_json_node url;
    if (sbs_json_member(doc, 0, "extension", &list) != SBS_OK) {
        return false;
    }

    for (sbs_json_node node = sbs_json_first(doc, list); node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        if (sbs_json_member(doc, node, "url", &url) == SBS_OK && sbs_json_equals(doc, url, GATEWAY_EXTENSION)) {
            return true;
        }
    }
    return false;
}

static bool is_dated(const sbs_json *doc) {
    static const char *const names[] = {"effectiveDateTime", "effectivePeriod", "effectiveTiming", "effectiveInstant",
                                        "_effectiveDateTime"};
    sbs_json_node node;
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        if (sbs_json_member(doc, 0, names[i], &node) == SBS_OK) {
            return true;
        }
    }
    return false;
}

bool sbs_intake_check(const sbs_json *doc, const sbs_intake_order *order, sbs_intake_facts *out,
                      sbs_intake_result *result) {
    *out = (sbs_intake_facts){0};
    if (!check_type(doc, order, result) || !sbs_intake_check_json(doc, 0, order->path, order->offset, result) ||
        !check_status(doc, order, result) || !check_code(doc, order, result) || !check_id(doc, order, result)) {
        return false;
    }

    if (!check_list(doc, "identifier", &out->identifiers, &out->identified)) {
        return check_refuse(order, "identifier", result, "value", "identifier is a list: [{\"value\": ...}]");
    }
    if (!check_list(doc, "extension", &out->extensions, &out->extended)) {
        return check_refuse(order, "extension", result, "value", "extension is a list");
    }
    out->dated = is_dated(doc);
    out->has_gateway = names_gateway(doc);
    return true;
}
