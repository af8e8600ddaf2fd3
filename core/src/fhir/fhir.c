/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/fhir.h"

#include "text/ascii.h"

enum { STRING_MAX = 1024 * 1024 };

/* A text in a static object, whose initialisers are constants. */
#define LITERAL(text)                                                                                                  \
    { (text), sizeof(text) - 1 }

static void fhir_require(sbs_json_writer *json, bool holds) {
    if (!holds) {
        sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
    }
}

static void fhir_put_if(sbs_json_writer *json, const char *name, sbs_text text, bool allowed) {
    if (text.ptr != NULL && !allowed) {
        sbs_writer_fail(json->out, SBS_ERR_FORMAT);
    }
    sbs_json_member_text(json, name, text);
}

/* Not empty, not only white space, no control characters but tab, CR and LF. */
static bool fhir_is_string(sbs_text text) {
    bool visible = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ' && c != '\t' && c != '\r' && c != '\n') {
            return false;
        }
        visible = visible || c > ' ';
    }

    return visible && text.len <= STRING_MAX;
}

/* No white space and no control characters; a code may have single spaces inside. */
static bool fhir_is_token(sbs_text text, bool inner_spaces) {
    char previous = ' ';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool space = c == ' ' && inner_spaces && previous != ' ';
        if (((unsigned char)c <= ' ' && !space) || c == 0x7F) {
            return false;
        }
        previous = c;
    }

    return previous != ' ';
}

void sbs_fhir_begin_resource(sbs_json_writer *json, const char *type, sbs_text id) {
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "resourceType", sbs_text_of(type));
    fhir_put_if(json, "id", id, sbs_fhir_id_is_valid(id));
}

void sbs_fhir_put_demo_mark(sbs_json_writer *json) {
    static const sbs_coding test_data = {
        .system = LITERAL(SBS_SYSTEM_ACT_REASON),
        .code = LITERAL("HTEST"),
    };

    sbs_json_key(json, "meta");
    sbs_json_begin_object(json);
    sbs_fhir_put_codings(json, "security", &test_data, 1);
    sbs_json_end_object(json);
}

void sbs_fhir_put_identifier(sbs_json_writer *json, sbs_text system, sbs_text value) {
    if (system.ptr == NULL && value.ptr == NULL) {
        return;
    }

    fhir_require(json, value.ptr != NULL);
    sbs_fhir_begin_list(json, "identifier");
    sbs_json_begin_object(json);
    sbs_fhir_put_uri(json, "system", system);
    sbs_fhir_put_string(json, "value", value);
    sbs_json_end_object(json);
    sbs_json_end_array(json);
}

void sbs_fhir_put_string(sbs_json_writer *json, const char *name, sbs_text text) {
    fhir_put_if(json, name, text, fhir_is_string(text));
}

void sbs_fhir_put_uri(sbs_json_writer *json, const char *name, sbs_text text) {
    fhir_put_if(json, name, text, fhir_is_token(text, false));
}

void sbs_fhir_put_code(sbs_json_writer *json, const char *name, sbs_text text) {
    fhir_put_if(json, name, text, fhir_is_token(text, true));
}

void sbs_fhir_put_code_of(sbs_json_writer *json, const char *name, sbs_text text, const char *codes) {
    fhir_put_if(json, name, text, sbs_ascii_place(text, codes, false) != 0);
}

void sbs_fhir_put_reference(sbs_json_writer *json, sbs_text reference) {
    /* "#id" is a contained resource, and none is ever written (ref-1). */
    if (reference.len == 0 || reference.ptr[0] == '#') {
        sbs_writer_fail(json->out, SBS_ERR_FORMAT);
    }

    sbs_json_begin_object(json);
    sbs_fhir_put_uri(json, "reference", reference);
    sbs_json_end_object(json);
}

void sbs_fhir_put_reference_member(sbs_json_writer *json, const char *name, sbs_text reference) {
    if (reference.ptr != NULL) {
        sbs_json_key(json, name);
        sbs_fhir_put_reference(json, reference);
    }
}

void sbs_fhir_begin_list(sbs_json_writer *json, const char *name) {
    sbs_json_key(json, name);
    sbs_json_begin_array(json);
}

static void fhir_put_coding(sbs_json_writer *json, const sbs_coding *coding) {
    fhir_require(json, coding->code.ptr != NULL);
    sbs_json_begin_object(json);
    sbs_fhir_put_uri(json, "system", coding->system);
    sbs_fhir_put_code(json, "code", coding->code);
    sbs_fhir_put_string(json, "display", coding->display);
    sbs_json_end_object(json);
}

void sbs_fhir_put_codings(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count) {
    fhir_require(json, count > 0);
    sbs_fhir_begin_list(json, name);
    for (; count > 0; count--, codings++) {
        fhir_put_coding(json, codings);
    }
    sbs_json_end_array(json);
}

void sbs_fhir_put_concept(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count) {
    if (name != NULL) {
        sbs_json_key(json, name);
    }
    sbs_json_begin_object(json);
    sbs_fhir_put_codings(json, "coding", codings, count);
    sbs_json_end_object(json);
}

/* ---- value -------------------- */

/* Text is written as it stands: its zeros are its precision (R4 decimal). */
static void fhir_put_decimal(sbs_json_writer *json, const sbs_value *value) {
    sbs_text text = {NULL, 0};
    if (value->kind == SBS_VALUE_DECIMAL_TEXT) {
        sbs_decimal parsed;
        text = value->text;
        sbs_writer_fail(json->out, sbs_decimal_parse(text, &parsed));
    }

    sbs_json_key(json, "value");
    sbs_json_put_raw(json, text);
    if (value->kind == SBS_VALUE_QUANTITY) {
        sbs_decimal_put(json->out, value->decimal);
    }
}

static void fhir_put_quantity(sbs_json_writer *json, const sbs_value *value) {
    fhir_require(json, value->ucum.ptr != NULL);

    sbs_json_key(json, "valueQuantity");
    sbs_json_begin_object(json);
    fhir_put_decimal(json, value);
    sbs_fhir_put_string(json, "unit", value->unit.ptr != NULL ? value->unit : value->ucum);
    sbs_fhir_put_uri(json, "system", sbs_text_of(SBS_SYSTEM_UCUM));

    /* UCUM knows no white space. */
    sbs_fhir_put_uri(json, "code", value->ucum);
    sbs_json_end_object(json);
}

static void fhir_put_absent_reason(sbs_json_writer *json, sbs_text reason) {
    sbs_coding coding = {
        .system = sbs_text_of(SBS_SYSTEM_ABSENT_REASON),
        .code = reason,
    };
    sbs_fhir_put_concept(json, "dataAbsentReason", &coding, 1);
}

void sbs_fhir_put_value(sbs_json_writer *json, const sbs_value *value) {
    switch (value->kind) {
    case SBS_VALUE_NONE:
        break;
    case SBS_VALUE_QUANTITY:
    case SBS_VALUE_DECIMAL_TEXT:
        fhir_put_quantity(json, value);
        break;
    case SBS_VALUE_STRING:
        fhir_require(json, value->text.ptr != NULL);
        sbs_fhir_put_string(json, "valueString", value->text);
        break;
    case SBS_VALUE_CODED:
        sbs_fhir_put_concept(json, "valueCodeableConcept", &value->coded, 1);
        break;
    case SBS_VALUE_ABSENT:
        fhir_put_absent_reason(json, value->text);
        break;
    default:
        sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
        break;
    }
}
