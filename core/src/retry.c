/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/retry.h"

enum { BASE_MS = 1000, CAP_MS = 300000 };

uint32_t sbs_backoff_delay(const sbs_backoff *backoff, unsigned attempt, uint32_t random) {
    const uint32_t base = backoff->base_ms > 0 ? backoff->base_ms : BASE_MS;
    const uint32_t cap = backoff->cap_ms > 0 ? backoff->cap_ms : CAP_MS;
    uint32_t limit = base < cap ? base : cap;
    while (attempt > 0 && limit < cap) {
        limit = limit > cap / 2 ? cap : limit * 2;
        attempt--;
    }
    /* A product instead of a remainder: even for every limit, and no division. */
    return (uint32_t)((uint64_t)random * ((uint64_t)limit + 1) >> 32);
}

sbs_verdict sbs_verdict_of(unsigned http_status) {
    switch (http_status) {
    case 401:
        return SBS_VERDICT_REAUTH;
    case 400:
    case 413:
    case 422:
        return SBS_VERDICT_ITEM;
    case 408:
    case 425:
    case 429:
        return SBS_VERDICT_LATER;
    case 409:
        return SBS_VERDICT_CONFLICT;
    case 412:
        return SBS_VERDICT_AMBIGUOUS;
    case 501:
    case 505:
    case 511:
        return SBS_VERDICT_OPERATOR;
    default:
        break;
    }
    if (http_status >= 200 && http_status <= 299) {
        return SBS_VERDICT_STORED;
    }
    return http_status >= 500 && http_status <= 599 ? SBS_VERDICT_LATER : SBS_VERDICT_OPERATOR;
}

sbs_status sbs_verdict_status(unsigned http_status) {
    switch (sbs_verdict_of(http_status)) {
    case SBS_VERDICT_STORED:
        return SBS_OK;
    case SBS_VERDICT_LATER:
        return SBS_ERR_BUSY;
    case SBS_VERDICT_REAUTH:
        return SBS_ERR_UNAUTHORIZED;
    case SBS_VERDICT_ITEM:
        return SBS_ERR_REJECTED;
    case SBS_VERDICT_CONFLICT:
        return SBS_ERR_CONFLICT;
    case SBS_VERDICT_AMBIGUOUS:
        return SBS_ERR_AMBIGUOUS;
    default:
        return http_status >= 300 && http_status <= 399 ? SBS_ERR_REDIRECT : SBS_ERR_FORBIDDEN;
    }
}
