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

/** Bytes of the longest text that sbs_decimal_put() writes: "-0.", 18 digits. */
#define SBS_DECIMAL_TEXT_MAX 21

/** Writes plain digits without exponent ("36.50", "-0.5", "200"): FHIR R4 datatypes, decimal. Keeps SBS_ERR_FORMAT in
 * @p out if the exponent is out of range or more than 18 digits would stand there ({1, 18}). */
void sbs_decimal_put(sbs_writer *out, sbs_decimal value);

/**
 * Reads a FHIR decimal text (digits, no leading zero, with an optional sign, fraction and exponent: R4 datatypes);
 * trailing zeros are precision and are kept, the sign of zero is not. What it reads sbs_decimal_put() can write.
 * @return SBS_OK; SBS_ERR_FORMAT: another form, more than 18 digits or 255 bytes, exponent out of range.
 */
SBS_NODISCARD sbs_status sbs_decimal_parse(sbs_text text, sbs_decimal *out_value);

/**
 * IEEE 11073-20601 FLOAT: int8 exponent above int24 mantissa. Special values are known by the mantissa alone and leave
 * {0, 0}. An exponent beyond -18 to 18 is handed on as it is: sbs_decimal_put() refuses it.
 */
sbs_measure_kind sbs_decimal_from_float(uint32_t bits, sbs_decimal *out_value);
/** IEEE 11073-20601 SFLOAT: int4 exponent above int12 mantissa; otherwise as FLOAT. */
sbs_measure_kind sbs_decimal_from_sfloat(uint16_t bits, sbs_decimal *out_value);
/** The code of http://terminology.hl7.org/CodeSystem/data-absent-reason; NULL for SBS_MEASURE_NUMBER. */
const char *sbs_measure_absent_code(sbs_measure_kind kind);

#ifdef __cplusplus
}
#endif
#endif
