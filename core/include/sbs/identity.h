/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file identity.h
 * What makes a resource the same one when it is written again: its identifier, as a search and as a resource id.
 */
#ifndef SBS_IDENTITY_H
#define SBS_IDENTITY_H

#include "sbs/decimal.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Characters of a derived id: "sbs-" and 40 hexadecimal digits. */
#define SBS_DERIVED_ID_LEN 44u

/**
 * Derives the id for PUT (R4 http.html, update as create): "sbs-" and the first 160 bits of a SHA-256 in lower-case
 * hexadecimal, of `system|value`, or with a subject of `system|value`, a zero byte and the subject: then one identifier
 * that two sources gave to two patients is two resources, and neither replaces the other.
 * @param system  may be absent.
 * @param subject as sbs_identity_subject() writes it; absent where the identifier alone tells all apart.
 * SBS_ERR_ARGUMENT if @p value is empty, @p system holds a '|' (no URI does, and two identifiers could share an id) or
 * a part holds a zero byte; SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_identity_derive_id(sbs_text system, sbs_text value, sbs_text subject,
                                                char out[SBS_DERIVED_ID_LEN]);

/**
 * The part of a reference to a subject that stays the same however it is written: "Type/id" without the server's base
 * and _history (R4 references.html), a span of @p reference. What is no such reference (urn:uuid:...) is itself; one to
 * a contained resource ("#p") names nobody outside and is absent, as is an absent one.
 */
sbs_text sbs_identity_subject(sbs_text reference);

/** Writes `identifier=system|value` for If-None-Exist: `\ , $ |` of the parts escaped as R4 search.html demands
 * ("Escaping Search Parameters"), and all percent-encoded. */
void sbs_identity_put_search(sbs_writer *out, sbs_text system, sbs_text value);

/** System of the identifiers of the HL7 Personal Health Device guide (PhdBaseObservation, slice conditionalCreate). */
#define SBS_SYSTEM_PHD "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation"

/** A measurement as the personal health device itself reports it: the same if the device sends it again. */
typedef struct sbs_phd_measurement {
    uint64_t device;         /**< EUI-64 */
    sbs_text patient;        /**< value of Patient.identifier, or the logical id that was given */
    sbs_text patient_system; /**< system of Patient.identifier; absent with a logical id */
    uint32_t type;           /**< MDC code, 32 bits */
    sbs_decimal time; /**< seconds since 2000-01-01 or ticks in seconds, in the device's resolution; the device's own */
    bool has_offset;  /**< the device reports its zone */
    int8_t offset;    /**< in quarters of an hour */
    bool has_duration;
    sbs_decimal duration; /**< seconds, in the device's resolution */
} sbs_phd_measurement;

/** Writes the guide's identifier value: `device-patient[-system]-type-time[+offset][..duration]`, the device as 16
 * upper-case hexadecimal digits. Errors are kept in @p out (SBS_ERR_ARGUMENT without a patient). */
void sbs_identity_put_phd(sbs_writer *out, const sbs_phd_measurement *measurement);

/** System of sbs_identity_put_sequence(): a UUID made for it (RFC 4122). */
#define SBS_SYSTEM_SEQUENCE "urn:uuid:5a69429f-2803-4aed-8ef5-f8170749b11a"

/**
 * Writes the identifier value of an item whose device has no settled clock: `device-epoch-sequence`.
 * @param device   what names the device, 1 or more bytes.
 * @param epoch    64 random bits, made when the log was: a log that starts over does not repeat identifiers.
 * @param sequence counts within the log, never reused.
 */
void sbs_identity_put_sequence(sbs_writer *out, sbs_text device, uint64_t epoch, uint64_t sequence);

#ifdef __cplusplus
}
#endif
#endif
