/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_clock.h"

#include <sys/timex.h>
#include <time.h>

#ifndef SBS_BUILD_TIME
#error "the build defines SBS_BUILD_TIME, seconds since 1970"
#endif

int64_t sbs_linux_build_time(void) {
    return SBS_BUILD_TIME;
}

/* CLOCK_BOOTTIME goes on while the machine sleeps. Where a kernel or a sandbox refuses it the other monotonic clock is
 * better than one that stands still: with that no time limit would ever end. */
static struct timespec clock_monotonic(void) {
    struct timespec time = {0, 0};
    if (clock_gettime(CLOCK_BOOTTIME, &time) != 0) {
        (void)clock_gettime(CLOCK_MONOTONIC, &time);
    }
    return time;
}

bool sbs_linux_clock_is_synchronised(void) {
    struct timex kernel = {.modes = 0};
    return adjtimex(&kernel) >= 0 && (kernel.status & STA_UNSYNC) == 0;
}

uint64_t sbs_linux_micros(void) {
    struct timespec time = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

int64_t sbs_linux_wall_clock(void) {
    struct timespec time = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec;
}

sbs_now sbs_linux_now(void) {
    struct timespec mono = clock_monotonic();
    sbs_now now = {
        .mono_ms = (uint64_t)mono.tv_sec * 1000u + (uint64_t)mono.tv_nsec / 1000000u,
        .utc_s = sbs_linux_wall_clock(),
    };

    /* A machine without a battery starts in 1970, or at a time that its image holds. */
    if (now.utc_s < sbs_linux_build_time()) {
        now.utc_s = SBS_UTC_UNKNOWN;
    }
    return now;
}
