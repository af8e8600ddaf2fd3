/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fhir.h
 * What resources of FHIR R4 have in common: ids, types, code systems, and the data types (datatypes.html) as members
 * of a JSON object. A builder of one resource type writes its elements with these; observation.h and device.h do.
 */
#ifndef SBS_FHIR_H
#define SBS_FHIR_H

#include "sbs/decimal.h"
#include "sbs/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest FHIR id (R4 datatypes: [A-Za-z0-9\-.]{1,64}). */
#define SBS_FHIR_ID_MAX 64u

/** True if @p text is a FHIR id. */
bool sbs_fhir_id_is_valid(sbs_text text);

/** True if @p text may be a resource type name: an upper-case letter, then letters, at most 64. */
bool sbs_fhir_type_is_valid(sbs_text text);

#define SBS_SYSTEM_LOINC "http://loinc.org"
#define SBS_SYSTEM_UCUM "http://unitsofmeasure.org"
#define SBS_SYSTEM_MDC "urn:iso:std:iso:11073:10101"
#define SBS_SYSTEM_CATEGORY "http://terminology.hl7.org/CodeSystem/observation-category"
#define SBS_SYSTEM_ABSENT_REASON "http://terminology.hl7.org/CodeSystem/data-absent-reason"
#define SBS_SYSTEM_ACT_REASON "http://terminology.hl7.org/CodeSystem/v3-ActReason"
/** IEEE EUI-64 as the identifier of a device (HL7 Personal Health Device guide). */
#define SBS_SYSTEM_EUI64 "urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680"

/** A code of a system (R4 Coding). */
typedef struct sbs_coding {
    sbs_text system;  /**< URI */
    sbs_text code;    /**< required: no leading, trailing or double white space (R4 code) */
    sbs_text display; /**< may be absent */
} sbs_coding;

/** Which of the members of sbs_value hold. */
typedef enum sbs_value_kind {
    SBS_VALUE_NONE,         /**< no value: legal only beside components */
    SBS_VALUE_QUANTITY,     /**< decimal + UCUM */
    SBS_VALUE_DECIMAL_TEXT, /**< a quantity whose decimal is given as text, its precision kept */
    SBS_VALUE_STRING,
    SBS_VALUE_CODED,
    SBS_VALUE_ABSENT /**< dataAbsentReason */
} sbs_value_kind;

/** A measured value, or why there is none. */
typedef struct sbs_value {
    sbs_value_kind kind;
    sbs_decimal decimal; /**< SBS_VALUE_QUANTITY */
    sbs_text text;       /**< decimal text, string, or code of data-absent-reason */
    sbs_text unit;       /**< display of the unit; absent: the UCUM code */
    sbs_text ucum;       /**< UCUM code, written with system (required for quantities) */
    sbs_coding coded;    /**< SBS_VALUE_CODED */
} sbs_value;

/*
 * Writers of members. An absent text writes nothing; a text that its type does not allow keeps SBS_ERR_FORMAT; what the
 * type demands and is absent keeps SBS_ERR_ARGUMENT.
 */

/** Begins a resource: its object, resourceType and, unless absent, its id. */
void sbs_fhir_begin_resource(sbs_json_writer *json, const char *type, sbs_text id);

/** meta.security HTEST: not about a real patient, for servers that are tried out. */
void sbs_fhir_put_demo_mark(sbs_json_writer *json);

/** A list with one Identifier; nothing if both are absent. The value is demanded beside a system. */
void sbs_fhir_put_identifier(sbs_json_writer *json, sbs_text system, sbs_text value);

/** Not empty, not only white space, no control characters but tab, CR and LF. */
void sbs_fhir_put_string(sbs_json_writer *json, const char *name, sbs_text text);
/** No white space and no control characters. */
void sbs_fhir_put_uri(sbs_json_writer *json, const char *name, sbs_text text);
/** A code of any system: no leading, trailing or double white space. */
void sbs_fhir_put_code(sbs_json_writer *json, const char *name, sbs_text text);
/** A code that must be one of @p codes, each of which ends with a NUL, the last one with two. */
void sbs_fhir_put_code_of(sbs_json_writer *json, const char *name, sbs_text text, const char *codes);

/** An object with the member "reference", which names no contained resource: none is ever written. */
void sbs_fhir_put_reference(sbs_json_writer *json, sbs_text reference);
/** The same as a member. */
void sbs_fhir_put_reference_member(sbs_json_writer *json, const char *name, sbs_text reference);

/** Begins a member that is an array. */
void sbs_fhir_begin_list(sbs_json_writer *json, const char *name);
/** A member @p name with an array of Coding, not empty, each with a code. */
void sbs_fhir_put_codings(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count);
/** An object with the member "coding"; @p name is NULL for an element of an array. */
void sbs_fhir_put_concept(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count);
/** value[x] or dataAbsentReason. */
void sbs_fhir_put_value(sbs_json_writer *json, const sbs_value *value);

#ifdef __cplusplus
}
#endif
#endif
