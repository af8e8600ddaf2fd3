/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>

#include "sbs/retry.h"

enum { BASE_MS = 1000, CAP_MS = 300000 };

uint32_t sbs_backoff_delay(const sbs_backoff *backoff, unsigned attempt, uint32_t random) {
    uint32_t limit = backoff->base_ms;
    uint32_t cap = backoff->cap_ms;
    if (limit == 0) {
        limit = BASE_MS;
    }

    if (cap == 0) {
        cap = CAP_MS;
    }

    for (; attempt > 0 && limit < cap; attempt--) {
        limit = limit > cap / 2 ? cap : limit * 2;
    }

    limit = limit < cap ? limit : cap;

    /* A product instead of a remainder: even for every limit, and no division. */
    return (uint32_t)((uint64_t)random * ((uint64_t)limit + 1) >> 32);
}

uint32_t sbs_backoff_random(const sbs_backoff *backoff, unsigned attempt) {
    uint32_t random = UINT32_MAX;
    (void)psa_generate_random((uint8_t *)&random, sizeof random); /* a failure leaves the longest wait */
    return sbs_backoff_delay(backoff, attempt, random);
}
