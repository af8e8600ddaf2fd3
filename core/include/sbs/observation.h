/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file observation.h
 * Builds a FHIR R4 Observation as JSON. Absent members are not written; what R4 demands is checked.
 */
#ifndef SBS_OBSERVATION_H
#define SBS_OBSERVATION_H

#include "sbs/date.h"
#include "sbs/fhir.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A part of an Observation with a value of its own, such as the systolic pressure. */
typedef struct sbs_component {
    const sbs_coding *codes;
    size_t code_count;
    sbs_value value;
} sbs_component;

/** An Observation. Zero-initialise, then fill in; what is absent is not written. */
typedef struct sbs_observation {
    sbs_text id; /**< for PUT; absent for create */
    sbs_text identifier_system, identifier_value;
    sbs_text status;              /**< absent: "final"; one of the R4 observation-status codes */
    const sbs_coding *categories; /**< each with system and code */
    size_t category_count;
    const sbs_coding *codes; /**< at least one: LOINC, MDC ... of the same concept */
    size_t code_count;
    sbs_text subject, device; /**< references, for example "Patient/123" */
    const sbs_text *performers;
    size_t performer_count;
    sbs_text effective;      /**< a FHIR dateTime as text; absent: the next three are used */
    int64_t effective_utc_s; /**< SBS_UTC_UNKNOWN: none; so is 0, a clock that was never set */
    int effective_ms;        /**< 0 to 999, or negative for none */
    int16_t zone_minutes;    /**< SBS_ZONE_UNKNOWN: no time is written (R4: no time without zone) */
    sbs_value value;
    const sbs_component *components;
    size_t component_count;
    bool demo; /**< see sbs_fhir_put_demo_mark() */
} sbs_observation;

/** True if one of the codes is of R4's vital signs (LOINC; vitalsigns.html): the vital-signs profile holds for it. */
bool sbs_observation_is_vital_sign(const sbs_coding *codes, size_t count);

/**
 * Writes one Observation. Checked: code present, categories with system and code, status known, dateTime valid, obs-6
 * (dataAbsentReason only without value), obs-7 (no value beside a component with the same code), each component with a
 * value or the reason of its absence, ids, the texts' types, decimals (at most 18 digits), quantities with a UCUM code;
 * with the vital-signs category subject and a time at least to the day (R4 observation.html, vitalsigns.html). A vital
 * sign by its code gets that category where subject and such a time are there, and is written as it is where not.
 * @param out_fault (may be NULL) static name of the first element at fault ("effective"), NULL if none is.
 * @return the kept error of @p out: SBS_ERR_ARGUMENT for what must be there or must not, SBS_ERR_FORMAT for a text that
 * its type does not allow, SBS_ERR_BUFFER.
 */
SBS_NODISCARD sbs_status sbs_observation_put(sbs_writer *out, const sbs_observation *observation,
                                             const char **out_fault);

#ifdef __cplusplus
}
#endif
#endif
