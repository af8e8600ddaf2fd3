/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_resource.h"

#include <string.h>

#include "forward_text.h"
#include "sbs/count.h"
#include "sbs/crc32.h"
#include "sbs/identity.h"

const char SBS_FORWARD_OUT_OF_MEMORY[] = "out of memory";
const char SBS_FORWARD_NO_OBJECT[] = "not a JSON object";

/* A string member of at most @p size - 1 bytes, with a NUL. */
static sbs_status read_short_member(const sbs_json *doc, sbs_json_node object, const char *name, char *out,
                                    size_t size) {
    sbs_json_node node;
    size_t len = 0;

    sbs_status status = sbs_json_member(doc, object, name, &node);
    if (status == SBS_OK) {
        status = sbs_json_text(doc, node, out, size - 1, &len);
    }
    if (status != SBS_OK) {
        len = 0;
    }

    out[len] = '\0';
    return status;
}

/* A string member of any length. */
static sbs_status read_text_member(const sbs_json *doc, sbs_json_node object, const char *name,
                                   sbs_forward_buffer *out) {
    sbs_json_node node;
    size_t len = 0;
    sbs_status status = sbs_json_member(doc, object, name, &node);
    if (status != SBS_OK) {
        return status;
    }

    /* Without its escapes it is no longer than with them. */
    if (!sbs_forward_buffer_reserve(out, sbs_json_raw(doc, node).len + 1)) {
        return SBS_ERR_MEMORY;
    }

    status = sbs_json_text(doc, node, out->data, out->size, &len);
    out->len = 0;
    if (status == SBS_OK) {
        out->len = len;
    }
    return status;
}

/* One Identifier; SBS_OK if it has a value. */
static sbs_status identifier_take(const sbs_json *doc, sbs_json_node node, sbs_forward_resource *resource) {
    resource->system.len = 0;
    resource->value.len = 0;

    if (sbs_json_kind_of(doc, node) != SBS_JSON_OBJECT) {
        return SBS_ERR_NOT_FOUND;
    }

    sbs_status status = read_text_member(doc, node, "value", &resource->value);
    if (status == SBS_ERR_MEMORY) {
        return status;
    }
    if (status != SBS_OK || resource->value.len == 0) {
        return SBS_ERR_NOT_FOUND;
    }

    status = read_text_member(doc, node, "system", &resource->system);
    if (status == SBS_OK || status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    /* A system that cannot be read makes it another identifier than the one that stands there. */
    resource->value.len = 0;
    return status;
}

/* The first of a list that has a value. One that could not be read for want of memory must not make room for the next:
 * it would be another item. */
static sbs_status identifier_take_first(const sbs_json *doc, sbs_json_node list, sbs_forward_resource *resource) {
    for (sbs_json_node node = sbs_json_first(doc, list); node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        sbs_status status = identifier_take(doc, node, resource);
        if (status == SBS_OK || status == SBS_ERR_MEMORY) {
            return status;
        }
    }

    return SBS_ERR_NOT_FOUND;
}

/* Most types have a list of identifiers, some have one. */
static const char *read_identifier(const sbs_json *doc, sbs_forward_resource *resource) {
    sbs_json_node node;
    sbs_status status = sbs_json_member(doc, 0, "identifier", &node);
    if (status == SBS_ERR_DUPLICATE) {
        return "duplicate JSON member identifier";
    }
    if (status != SBS_OK) {
        return NULL; /* it has none */
    }

    resource->has_identifier = true;
    if (sbs_json_kind_of(doc, node) == SBS_JSON_ARRAY) {
        status = identifier_take_first(doc, node, resource);
    } else {
        status = identifier_take(doc, node, resource);
    }
    return status == SBS_ERR_MEMORY ? SBS_FORWARD_OUT_OF_MEMORY : NULL;
}

/* The name of a member whose value starts at @p value stands before it: quote, name, quote, white space, colon. */
static size_t name_start(sbs_text text, size_t value) {
    size_t at = value;

    while (text.ptr[at] != ':') {
        at--;
    }
    while (text.ptr[at] != '"') {
        at--;
    }

    do {
        at--; /* `id`, escaped or not, holds no quote */
    } while (text.ptr[at] != '"');

    return at;
}

static const char *read_id(const sbs_json *doc, sbs_forward_resource *resource) {
    sbs_json_node node;
    sbs_status status = sbs_json_member(doc, 0, "id", &node);
    if (status == SBS_ERR_NOT_FOUND) {
        return NULL;
    }
    if (status != SBS_OK) {
        return "duplicate JSON member id";
    }
    if (sbs_json_kind_of(doc, node) != SBS_JSON_STRING) {
        return "id is not a string";
    }

    /* Where the member stands, so that it can be replaced or left out and every other byte stays. */
    sbs_text raw = sbs_json_raw(doc, node);
    size_t quote = (size_t)(raw.ptr - resource->text.ptr) - 1;
    resource->id_end = quote + raw.len + 2;
    resource->id_start = name_start(resource->text, quote - 1);

    /* One that is no FHIR id counts as none: it is replaced. */
    (void)read_short_member(doc, 0, "id", resource->id, sizeof resource->id);
    if (!sbs_fhir_id_is_valid(sbs_text_of(resource->id))) {
        resource->id[0] = '\0';
    }
    return NULL;
}

/* Why a Bundle of this type is no resource to store. */
static const char *bundle_fault(const char *kind) {
    static const char *const answers[] = {"searchset", "history", "batch-response", "transaction-response"};

    /* Their answer tells of their entries one by one, and nothing here would read it. */
    if (strcmp(kind, "batch") == 0 || strcmp(kind, "transaction") == 0) {
        return "a batch or transaction cannot be stored: push the resources in it";
    }

    /* What a server has found or done: who gives it means what is in it. */
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        if (strcmp(kind, answers[i]) == 0) {
            return "a Bundle that is a server's answer cannot be stored: push the resources in it";
        }
    }

    return NULL;
}

static const char *read_type(const sbs_json *doc, sbs_forward_resource *resource) {
    char kind[32];
    sbs_status status = read_short_member(doc, 0, "resourceType", resource->type, sizeof resource->type);
    if (status == SBS_ERR_NOT_FOUND) {
        return "no resourceType";
    }
    if (status != SBS_OK || !sbs_fhir_type_is_valid(sbs_text_of(resource->type))) {
        return "resourceType is not the name of a resource type";
    }

    if (strcmp(resource->type, "Bundle") == 0 && read_short_member(doc, 0, "type", kind, sizeof kind) == SBS_OK) {
        return bundle_fault(kind);
    }

    return NULL;
}

/* True if the member is there; the lane is then that of its reference, or of all of it. */
static bool lane_take(const sbs_json *doc, const char *name, sbs_forward_resource *resource) {
    sbs_json_node node;
    sbs_json_node reference;

    if (sbs_json_member(doc, 0, name, &node) != SBS_OK) {
        return false;
    }
    if (sbs_json_kind_of(doc, node) == SBS_JSON_OBJECT &&
        sbs_json_member(doc, node, "reference", &reference) == SBS_OK) {
        node = reference;
    }

    sbs_text raw = sbs_json_raw(doc, node);
    resource->lane = sbs_crc32(0, raw.ptr, raw.len);
    return true;
}

static void subject_keep_bare(sbs_forward_buffer *subject) {
    sbs_text bare = sbs_identity_subject(sbs_forward_buffer_text(subject));
    if (bare.len > 0) {
        memmove(subject->data, bare.ptr, bare.len);
    }

    subject->len = bare.len;
}

/* "system|value" of a logical reference. */
static sbs_status subject_keep_logical(const sbs_json *doc, sbs_json_node reference, sbs_forward_buffer *subject) {
    sbs_forward_buffer value = {0};
    sbs_json_node identifier;

    sbs_status status = sbs_json_member(doc, reference, "identifier", &identifier);
    if (status == SBS_OK) {
        status = read_text_member(doc, identifier, "value", &value);
    }
    if (status != SBS_OK || value.len == 0) {
        sbs_forward_buffer_free(&value);
        return status == SBS_ERR_MEMORY ? status : SBS_ERR_NOT_FOUND;
    }

    status = read_text_member(doc, identifier, "system", subject);
    if (status != SBS_ERR_MEMORY) {
        status = sbs_forward_buffer_put(subject, "|", 1);
    }
    if (status == SBS_OK) {
        status = sbs_forward_buffer_put(subject, value.data, value.len);
    }
    sbs_forward_buffer_free(&value);
    return status;
}

/* Of whom a resource tells stands in `subject`, in some types in `patient`. */
static const char *read_subject(const sbs_json *doc, sbs_forward_resource *resource) {
    sbs_json_node node;
    sbs_status status = sbs_json_member(doc, 0, "subject", &node);
    if (status == SBS_ERR_NOT_FOUND) {
        status = sbs_json_member(doc, 0, "patient", &node);
    }

    if (status == SBS_ERR_DUPLICATE) {
        return "duplicate JSON member subject";
    }
    if (status != SBS_OK || sbs_json_kind_of(doc, node) != SBS_JSON_OBJECT) {
        return NULL;
    }

    status = read_text_member(doc, node, "reference", &resource->subject);
    if (status == SBS_OK && resource->subject.len > 0) {
        subject_keep_bare(&resource->subject);
        return NULL;
    }
    if (status == SBS_ERR_MEMORY) {
        return SBS_FORWARD_OUT_OF_MEMORY;
    }

    /* No reference: perhaps the identifier of somebody whom the server knows. */
    resource->subject.len = 0;
    status = subject_keep_logical(doc, node, &resource->subject);
    return status == SBS_ERR_MEMORY ? SBS_FORWARD_OUT_OF_MEMORY : NULL;
}

static const char *read_members(const sbs_json *doc, sbs_forward_resource *resource) {
    while (sbs_forward_is_blank(resource->text.ptr[resource->members_start])) {
        resource->members_start++;
    }
    resource->members_start++; /* the '{' */

    /* What one device measured is stored in its order; without a device what tells of one subject. */
    (void)(lane_take(doc, "device", resource) || lane_take(doc, "subject", resource));

    const char *reason = read_type(doc, resource);
    if (reason == NULL) {
        reason = read_id(doc, resource);
    }
    if (reason == NULL) {
        reason = read_identifier(doc, resource);
    }
    if (reason == NULL) {
        reason = read_subject(doc, resource);
    }
    return reason;
}

const char *sbs_forward_resource_read_parsed(sbs_forward_resource *resource, const sbs_json *doc, sbs_text text) {
    resource->text = text;
    if (sbs_json_kind_of(doc, 0) != SBS_JSON_OBJECT) {
        return SBS_FORWARD_NO_OBJECT;
    }
    return read_members(doc, resource);
}

const char *sbs_forward_resource_read(sbs_forward_resource *resource, sbs_text text) {
    sbs_forward_json json = {0};
    const char *reason;

    /* A mark of the byte order is no part of what is sent (RFC 8259 section 8.1). */
    resource->text = sbs_forward_without_mark(text);
    sbs_status status = sbs_forward_json_parse(&json, resource->text, &resource->fault_at);
    resource->fault_at += text.len - resource->text.len;

    if (status == SBS_ERR_MEMORY) {
        reason = SBS_FORWARD_OUT_OF_MEMORY;
    } else if (status != SBS_OK) {
        reason = sbs_status_text(status);
    } else {
        reason = sbs_forward_resource_read_parsed(resource, &json.doc, resource->text);
    }

    sbs_forward_json_free(&json);
    return reason;
}

void sbs_forward_resource_free(sbs_forward_resource *resource) {
    sbs_forward_buffer_free(&resource->system);
    sbs_forward_buffer_free(&resource->value);
    sbs_forward_buffer_free(&resource->subject);
    *resource = (sbs_forward_resource){0};
}

static void put_between(sbs_writer *out, sbs_text text, size_t start, size_t end) {
    sbs_put(out, text.ptr + start, end - start);
}

/* The member goes with one of the commas beside it. */
static void put_without_id(const sbs_forward_resource *resource, sbs_writer *out) {
    sbs_text text = resource->text;
    size_t start = resource->id_start;
    size_t end = resource->id_end;
    size_t after = end;

    while (sbs_forward_is_blank(text.ptr[after])) {
        after++;
    }

    /* The comma behind it, or where it is the last member the one before it. */
    if (text.ptr[after] == ',') {
        end = after + 1;
    } else {
        while (start > resource->members_start && text.ptr[start] != ',') {
            start--; /* resourceType stands before it at least */
        }
    }

    put_between(out, text, 0, start);
    put_between(out, text, end, text.len);
}

static void put_id(sbs_writer *out, const char *id) {
    sbs_put_string(out, "\"id\":\"");
    sbs_put_string(out, id);
    sbs_put_char(out, '"');
}

void sbs_forward_resource_put(const sbs_forward_resource *resource, const char *id, sbs_writer *out) {
    sbs_text text = resource->text;
    bool has_id = resource->id_end > resource->id_start;

    /* Every byte but the member stays as it came. */
    if (id == NULL && has_id) {
        put_without_id(resource, out);
    } else if (id == NULL || strcmp(id, resource->id) == 0) {
        sbs_put_text(out, text);
    } else if (has_id) {
        put_between(out, text, 0, resource->id_start);
        put_id(out, id);
        put_between(out, text, resource->id_end, text.len);
    } else {
        put_between(out, text, 0, resource->members_start);
        put_id(out, id);
        sbs_put_char(out, ','); /* resourceType follows at least */
        put_between(out, text, resource->members_start, text.len);
    }
}

/* R4 gives these one identifier, all others that have any a list of them. */
static bool has_single_identifier(const char *type) {
    return strcmp(type, "Bundle") == 0 || strcmp(type, "Composition") == 0 ||
           strcmp(type, "QuestionnaireResponse") == 0;
}

void sbs_forward_resource_put_identified(const sbs_forward_resource *resource, const char *system, sbs_text value,
                                         sbs_writer *out) {
    const char *open = "\"identifier\":[{\"system\":\"";
    const char *close = "\"}],"; /* resourceType follows at least */
    if (has_single_identifier(resource->type)) {
        open = "\"identifier\":{\"system\":\"";
        close = "\"},";
    }

    put_between(out, resource->text, 0, resource->members_start);
    sbs_put_string(out, open);
    sbs_put_string(out, system);
    sbs_put_string(out, "\",\"value\":\"");
    sbs_put_text(out, value);
    sbs_put_string(out, close);
    put_between(out, resource->text, resource->members_start, resource->text.len);
}
