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

/** The same with bits from psa_generate_random(). Where that fails, the longest delay of this attempt. */
uint32_t sbs_backoff_random(const sbs_backoff *backoff, unsigned attempt);

/** Whose fault a refusal is: what decides who has to wait for it. */
typedef enum sbs_fault {
    SBS_FAULT_NONE,     /**< nobody's: 2xx */
    SBS_FAULT_ITEM,     /**< the item's: the server never takes it as it is */
    SBS_FAULT_CONFLICT, /**< of two writers: a few more tries */
    SBS_FAULT_ACCESS, /**< of a right, an address or a configuration; of this item or of all: an operator can mend it */
    SBS_FAULT_SERVER  /**< of the server, for now; of this item or of all */
} sbs_fault;

/** What an HTTP status means for the item that was sent. */
typedef struct sbs_http_meaning {
    sbs_status status;  /**< SBS_OK: it may confirm the write (200, 201, 204); else the library's name for it */
    sbs_fault fault;    /**< whose */
    bool may_be_stored; /**< a write that was answered so may be on the server */
    bool asks_for_time; /**< all should wait, as after any answer with Retry-After */
} sbs_http_meaning;

/**
 * The one table of HTTP statuses (RFC 9110 section 15, R4 http.html, as servers really use them), for the answer to a
 * request and for Bundle.entry.response.status:
 *
 *     status                    meaning                fault     may be stored
 *     200 201 204               SBS_OK                 none      yes
 *     other 2xx                 SBS_ERR_RESPONSE       none      yes; confirms nothing
 *     304 412                   SBS_ERR_AMBIGUOUS      item      no; a condition of the request did not hold
 *     other 3xx                 SBS_ERR_REDIRECT       access    no
 *     400 413 422               SBS_ERR_REJECTED       item      no
 *     401                       SBS_ERR_UNAUTHORIZED   access    no
 *     408                       SBS_ERR_BUSY           server    yes; asks for time
 *     409                       SBS_ERR_CONFLICT       conflict  no
 *     425 429                   SBS_ERR_BUSY           server    no; asks for time
 *     other 4xx                 SBS_ERR_FORBIDDEN      access    no
 *     501 505 511               SBS_ERR_FORBIDDEN      access    yes
 *     other 5xx                 SBS_ERR_BUSY           server    yes
 *     anything else, 0: none    SBS_ERR_RESPONSE       server    yes
 */
sbs_http_meaning sbs_http_meaning_of(unsigned http_status);

#ifdef __cplusplus
}
#endif
#endif
