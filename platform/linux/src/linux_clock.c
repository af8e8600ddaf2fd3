/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_clock.h"

#include <time.h>

#ifndef SBS_BUILD_TIME
#error "the build defines SBS_BUILD_TIME, seconds since 1970"
#endif

int64_t sbs_linux_build_time(void) {
    return SBS_BUILD_TIME;
}

static struct timespec sample(clockid_t clock) {
    struct timespec time = {0, 0};
    (void)clock_gettime(clock, &time);
    return time;
}

int64_t sbs_linux_wall_clock(void) {
    return (int64_t)sample(CLOCK_REALTIME).tv_sec;
}

sbs_now sbs_linux_now(void) {
    struct timespec mono = sample(CLOCK_BOOTTIME);
    int64_t wall_s = sbs_linux_wall_clock();
    return (sbs_now){
        .mono_ms = (uint64_t)mono.tv_sec * 1000u + (uint64_t)mono.tv_nsec / 1000000u,
        .utc_s = wall_s >= sbs_linux_build_time() ? wall_s : SBS_UTC_UNKNOWN,
    };
}
