/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decimal.h
 * FHIR decimals with their precision kept, never through binary floating point; IEEE 11073 FLOAT and SFLOAT.
 */
#ifndef SBS_DECIMAL_H
#define SBS_DECIMAL_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** mantissa * 10^exponent; the exponent is the precision: {3650, -2} is 36.50. */
typedef struct sbs_decimal {
    int64_t mantissa; /**< -(10^18-1) to 10^18-1: FHIR R4 demands at most 18 digits */
    int8_t exponent;  /**< -18 to 18 */
} sbs_decimal;

/** Why a device value is no number; dataAbsentReason codes of FHIR in sbs_measure_absent_code(). */
typedef enum sbs_measure_kind {
    SBS_MEASURE_NUMBER,
    SBS_MEASURE_NAN,     /**< not-a-number */
    SBS_MEASURE_POS_INF, /**< positive-infinity */
    SBS_MEASURE_NEG_INF, /**< negative-infinity */
    SBS_MEASURE_ERROR    /**< NRes and reserved values: error */
} sbs_measure_kind;

/** Writes plain digits without exponent ("36.50", "-0.5", "200"). Longest: 38 bytes. Errors are kept in @p out
 *  (SBS_ERR_FORMAT if out of range). */
void sbs_decimal_put(sbs_writer *out, sbs_decimal value);

/** Reads a FHIR decimal text `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` of at most 18 digits; trailing zeros
 *  are precision and are kept. SBS_ERR_FORMAT. */
SBS_NODISCARD sbs_status sbs_decimal_parse(sbs_text text, sbs_decimal *out_value);

/** IEEE 11073-20601 FLOAT (32 bits: int8 exponent, int24 mantissa). */
sbs_measure_kind sbs_decimal_from_float(uint32_t bits, sbs_decimal *out_value);
/** IEEE 11073-20601 SFLOAT (16 bits: int4 exponent, int12 mantissa). */
sbs_measure_kind sbs_decimal_from_sfloat(uint16_t bits, sbs_decimal *out_value);
/** The code of http://terminology.hl7.org/CodeSystem/data-absent-reason; NULL for SBS_MEASURE_NUMBER. */
const char *sbs_measure_absent_code(sbs_measure_kind kind);

#ifdef __cplusplus
}
#endif
#endif
