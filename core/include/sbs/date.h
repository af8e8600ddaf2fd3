/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file date.h
 * Calendar arithmetic without a C library: HTTP dates and FHIR dateTimes.
 */
#ifndef SBS_DATE_H
#define SBS_DATE_H

#include "sbs/text.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Parses the three forms of HTTP-date (RFC 9110 section 5.6.7: IMF-fixdate, RFC 850, asctime), case-sensitive, any day
 *  name. A two-digit year is the one at most 50 years after that of @p reference_utc_s (2026 if unknown) and less than
 *  50 before it. SBS_ERR_FORMAT. */
SBS_NODISCARD sbs_status sbs_date_parse_http(sbs_text text, int64_t reference_utc_s, int64_t *out_utc_s);

/** Zone offset value for "no zone known". */
#define SBS_ZONE_UNKNOWN INT16_MIN

/**
 * Writes a FHIR dateTime/instant: seconds, milliseconds if @p ms is 0 to 999 (negative: none), and the zone
 * ("+02:00", "Z" for 0). Years 1900 to 9999; zone -840 to 840 minutes (R4 datatypes, dateTime). Keeps SBS_ERR_FORMAT
 * otherwise.
 */
void sbs_date_put(sbs_writer *out, int64_t utc_s, int ms, int16_t zone_minutes);

/** Checks a FHIR R4 dateTime: YYYY, YYYY-MM, YYYY-MM-DD, or full with seconds and zone; real days only, no 24:00, zone
 *  within 14:00. */
bool sbs_date_is_fhir_datetime(sbs_text text);

/** Days since 1970-01-01 of a Gregorian date (year 0 to 9999, month 1 to 12, day 1 to 31). */
int64_t sbs_date_days(int64_t year, unsigned month, unsigned day);

#ifdef __cplusplus
}
#endif
#endif
