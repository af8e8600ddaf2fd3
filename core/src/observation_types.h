/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR R4 data types (datatypes.html) as JSON members. An absent text writes nothing; a text that its type does not
 * allow keeps SBS_ERR_FORMAT; what the type demands and is absent keeps SBS_ERR_ARGUMENT. */
#ifndef SBS_OBSERVATION_TYPES_H
#define SBS_OBSERVATION_TYPES_H

#include "sbs/observation.h"

void sbs_fhir_put_string(sbs_json_writer *json, const char *name, sbs_text text);
void sbs_fhir_put_uri(sbs_json_writer *json, const char *name, sbs_text text);
void sbs_fhir_put_code(sbs_json_writer *json, const char *name, sbs_text text);
/* An object with the member "reference". */
void sbs_fhir_put_reference(sbs_json_writer *json, sbs_text reference);
/* The same as a member. */
void sbs_fhir_put_reference_member(sbs_json_writer *json, const char *name, sbs_text reference);
/* Begins a member that is an array. */
void sbs_fhir_begin_list(sbs_json_writer *json, const char *name);
/* An array of Coding, not empty, each with a code. */
void sbs_fhir_put_codings(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count);
/* An object with the member "coding"; @p name is NULL for an element of an array. */
void sbs_fhir_put_concept(sbs_json_writer *json, const char *name, const sbs_coding *codings, size_t count);

/* value[x] or dataAbsentReason. */
void sbs_fhir_put_value(sbs_json_writer *json, const sbs_value *value);

#endif
