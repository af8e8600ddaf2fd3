/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file time.h
 * Time is an argument: the loop samples its clocks once and passes the sample down.
 */
#ifndef SBS_TIME_H
#define SBS_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The wall clock is not known. Nothing is signed then, and no certificate date is checked against a guess. */
#define SBS_UTC_UNKNOWN INT64_MIN

/** One sample of the clocks. */
typedef struct sbs_now {
    uint64_t mono_ms; /**< monotonic milliseconds from any origin; never goes back */
    int64_t utc_s;    /**< seconds since 1970-01-01T00:00:00Z without leap seconds, or SBS_UTC_UNKNOWN */
} sbs_now;

#ifdef __cplusplus
}
#endif
#endif
