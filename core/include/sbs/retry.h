/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file retry.h
 * When to try again, and what an answer means for the item that was sent.
 */
#ifndef SBS_RETRY_H
#define SBS_RETRY_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Exponential back-off with full jitter: a delay between 0 and min(cap, base * 2^attempt). */
typedef struct sbs_backoff {
    uint32_t base_ms; /**< 0: 1 000 */
    uint32_t cap_ms;  /**< 0: 300 000 */
} sbs_backoff;

/** The delay in milliseconds before try number @p attempt + 2 (attempt counts from 0). @p random: any 32 random bits.
 * Pure. */
uint32_t sbs_backoff_delay(const sbs_backoff *backoff, unsigned attempt, uint32_t random);

/** What a FHIR answer means for the item that was sent (the table of R4 http.html as servers really use it). */
typedef enum sbs_verdict {
    SBS_VERDICT_STORED,   /**< 200, 201, other 2xx: the server holds it */
    SBS_VERDICT_LATER,    /**< 408, 425, 429, and 5xx except 501, 505, 511: keep and retry */
    SBS_VERDICT_REAUTH,   /**< 401: one new token, then as OPERATOR */
    SBS_VERDICT_ITEM,     /**< 400, 413, 422: the item is at fault */
    SBS_VERDICT_OPERATOR, /**< 403, 404, 405, 406, 410, 415, 501, 505, 511, 3xx and others: configuration at fault:
                               pause and tell */
    SBS_VERDICT_CONFLICT, /**< 409: limited retries */
    SBS_VERDICT_AMBIGUOUS /**< 412: several resources match (create) or the version differs (update) */
} sbs_verdict;

/** The verdict for an HTTP status (also the first three digits of Bundle.entry.response.status). */
sbs_verdict sbs_verdict_of(unsigned http_status);

/** The library's status for an HTTP answer of the FHIR server: SBS_OK, SBS_ERR_BUSY, _UNAUTHORIZED, _REJECTED,
 *  _FORBIDDEN, _REDIRECT, _CONFLICT, _AMBIGUOUS. */
sbs_status sbs_verdict_status(unsigned http_status);

#ifdef __cplusplus
}
#endif
#endif
