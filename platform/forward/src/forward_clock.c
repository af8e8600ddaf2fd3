/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_clock.h"

#include <stddef.h>
#include <sys/timex.h>

#include "sbs/linux_clock.h"

void sbs_forward_clock_note(sbs_forward_clock *clock, sbs_now now, int64_t server_utc_s) {
    if (server_utc_s == SBS_UTC_UNKNOWN || now.utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    int64_t ahead_s = now.utc_s - server_utc_s;
    clock->agreed = ahead_s <= SBS_FORWARD_CLOCK_AGREES_S && ahead_s >= -SBS_FORWARD_CLOCK_AGREES_S;
}

int64_t sbs_forward_trusted_utc(void *ctx) {
    const sbs_forward_clock *clock = ctx;
    struct timex kernel = {.modes = 0};

    /* A container may not ask the kernel: then the server's word is all that there is. */
    bool in_step = adjtimex(&kernel) >= 0 && (kernel.status & STA_UNSYNC) == 0;
    bool agreed = clock != NULL && clock->agreed;
    if (!in_step && !agreed) {
        return SBS_UTC_UNKNOWN;
    }

    return sbs_linux_now().utc_s;
}
