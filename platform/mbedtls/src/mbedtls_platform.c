/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/mbedtls_platform.h"

#include <mbedtls/platform.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>
#include <psa/crypto.h>
#include <stdatomic.h>

#include "sbs/psa_key.h"

static sbs_mbedtls_allocator allocator_in_use;
static atomic_uint_least32_t failures;

/* 32 bits, so that a plain load and store are atomic on every target. Unsigned seconds last until 2106. */
static atomic_uint_least32_t utc_s;

/* Cortex-M0+ and rv32imc have no instruction that adds in one step. Two tasks that fail in the same moment there count
 * as one: all that is asked is whether the number changed. */
static void count_failure(void) {
#if defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_4)
    atomic_fetch_add(&failures, 1u);
#else
    atomic_store(&failures, (uint_least32_t)(atomic_load(&failures) + 1u));
#endif
}

static void *counting_calloc(size_t count, size_t size) {
    void *memory = allocator_in_use.allocate(count, size);
    if (memory == NULL && count != 0 && size != 0) {
        count_failure();
    }
    return memory;
}

static void forwarding_free(void *memory) {
    allocator_in_use.release(memory);
}

static mbedtls_time_t last_known_time(mbedtls_time_t *out_time) {
    mbedtls_time_t now = (mbedtls_time_t)atomic_load(&utc_s);
    if (out_time != NULL) {
        *out_time = now;
    }
    return now;
}

uint32_t sbs_mbedtls_allocation_failures(void) {
    return (uint32_t)atomic_load(&failures);
}

sbs_status sbs_mbedtls_init(const sbs_mbedtls_allocator *allocator) {
    sbs_mbedtls_allocator of_the_c_library = {MBEDTLS_PLATFORM_STD_CALLOC, MBEDTLS_PLATFORM_STD_FREE};
    if (allocator == NULL) {
        allocator = &of_the_c_library;
    }

    if (allocator->allocate == NULL || allocator->release == NULL) {
        return SBS_ERR_ARGUMENT;
    }

    allocator_in_use = *allocator;
    if (mbedtls_platform_set_calloc_free(counting_calloc, forwarding_free) != 0 ||
        mbedtls_platform_set_time(last_known_time) != 0) {
        return SBS_ERR_CRYPTO;
    }

    return sbs_psa_to_status(psa_crypto_init());
}

#if defined(MBEDTLS_PLATFORM_MS_TIME_ALT)
/* A target without a clock of its own: Mbed TLS sees the last sample that was passed down. One task polls there. */
static uint64_t mono_ms;

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return (mbedtls_ms_time_t)mono_ms;
}

static void set_mono(sbs_now now) {
    mono_ms = now.mono_ms;
}
#else
static void set_mono(sbs_now now) {
    (void)now;
}
#endif

void sbs_mbedtls_set_now(sbs_now now) {
    set_mono(now);
    if (now.utc_s >= 0 && now.utc_s <= (int64_t)UINT32_MAX) {
        atomic_store(&utc_s, (uint_least32_t)now.utc_s);
    }
}

#if defined(MBEDTLS_PLATFORM_GMTIME_R_ALT)
/* Days since 1970 to a Gregorian date, in years that begin on 1 March: the leap day is then the last of a year. */
static void civil_from_days(int32_t days, struct tm *out) {
    int32_t shifted = days + 719468; /* from 0000-03-01 */
    int32_t era = shifted / 146097;
    int32_t day_of_era = shifted % 146097;
    int32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int32_t month = (5 * day_of_year + 2) / 153;
    out->tm_mday = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    out->tm_mon = (int)(month + 2);
    out->tm_year = (int)(year_of_era + era * 400 - 1900);
    if (out->tm_mon >= 12) { /* January and February end the year that began with March */
        out->tm_mon -= 12;
        out->tm_year++;
    }
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *time, struct tm *out) {
    if (*time < 0) {
        return NULL;
    }
    uint64_t seconds = (uint64_t)*time;
    uint32_t of_day = (uint32_t)(seconds % 86400u);
    *out = (struct tm){0};
    civil_from_days((int32_t)(seconds / 86400u), out);
    out->tm_hour = (int)(of_day / 3600u);
    out->tm_min = (int)(of_day / 60u % 60u);
    out->tm_sec = (int)(of_day % 60u);
    return out;
}
#endif
