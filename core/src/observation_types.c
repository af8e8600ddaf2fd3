/* SPDX-License-Identifier: Apache-2.0 */
#include "observation_types.h"

#include "ascii.h"

enum { STRING_MAX = 1024 * 1024 };

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
        const unsigned char c = (unsigned char)text.ptr[i];
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

void sbs_fhir_put_string(sbs_json_writer *json, const char *name, sbs_text text) {
    fhir_put_if(json, name, text, fhir_is_string(text));
}

void sbs_fhir_put_uri(sbs_json_writer *json, const char *name, sbs_text text) {
    fhir_put_if(json, name, text, fhir_is_token(text, false));
}

void sbs_fhir_put_code(sbs_json_writer *json, const char *name, sbs_text text) {
    fhir_put_if(json, name, text, fhir_is_token(text, true));
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
    if (coding->code.ptr == NULL) {
        sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
    }
    sbs_json_begin_object(json);
    sbs_fhir_put_uri(json, "system", coding->system);
    sbs_fhir_put_code(json, "code", coding->code);
    sbs_fhir_put_string(json, "display", coding->display);
    sbs_json_end_object(json);
}

void sbs_fhir_put_codings(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count) {
    if (count == 0) {
        sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
    }
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
    char digits[40];
    sbs_writer writer;
    sbs_decimal parsed;
    sbs_text text = value->text;
    sbs_status status;
    if (value->kind == SBS_VALUE_DECIMAL_TEXT) {
        status = sbs_decimal_parse(text, &parsed);
    } else {
        sbs_writer_init(&writer, digits, sizeof digits);
        sbs_decimal_put(&writer, value->decimal);
        text.ptr = digits;
        status = sbs_writer_finish(&writer, &text.len);
    }

    sbs_writer_fail(json->out, status);
    sbs_json_key(json, "value");
    sbs_json_put_raw(json, text);
}

static void fhir_put_quantity(sbs_json_writer *json, const sbs_value *value) {
    if (value->ucum.ptr == NULL) {
        sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
    }

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
        .system = sbs_text_of("http://terminology.hl7.org/CodeSystem/data-absent-reason"),
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
        if (value->text.ptr == NULL) {
            sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
        }
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
