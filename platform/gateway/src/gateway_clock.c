/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_clock.h"

#include <sys/timex.h>

#include "sbs/linux_clock.h"

/* A container may not ask the kernel: then the server's word is all that there is. */
static bool clock_is_synchronised(void) {
    struct timex kernel = {.modes = 0};
    return adjtimex(&kernel) >= 0 && (kernel.status & STA_UNSYNC) == 0;
}

void sbs_gateway_clock_note(sbs_gateway_clockwork *clock, sbs_now now, int64_t date_utc_s, bool has_token) {
    clock->token_given |= has_token;
    if (date_utc_s == SBS_UTC_UNKNOWN || now.utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    int64_t ahead_s = now.utc_s - date_utc_s;
    bool agrees = ahead_s <= SBS_FORWARD_CLOCK_AGREES_S && ahead_s >= -SBS_FORWARD_CLOCK_AGREES_S;
    clock->forward.agreed = agrees;
    clock->differs = !agrees;
}

sbs_gateway_clock sbs_gateway_clock_state(const sbs_gateway_clockwork *clock, sbs_now now) {
    if (now.utc_s == SBS_UTC_UNKNOWN) {
        return SBS_GATEWAY_CLOCK_UNKNOWN;
    }
    if (clock_is_synchronised()) {
        return SBS_GATEWAY_CLOCK_KERNEL;
    }

    if (clock->differs) {
        return SBS_GATEWAY_CLOCK_WRONG;
    }
    if (clock->token_given && clock->forward.agreed) {
        return SBS_GATEWAY_CLOCK_SERVER;
    }

    return SBS_GATEWAY_CLOCK_UNKNOWN;
}

sbs_now sbs_gateway_clock_known(const sbs_gateway_clockwork *clock, sbs_now now) {
    sbs_gateway_clock state = sbs_gateway_clock_state(clock, now);
    if (state != SBS_GATEWAY_CLOCK_KERNEL && state != SBS_GATEWAY_CLOCK_SERVER) {
        now.utc_s = SBS_UTC_UNKNOWN;
    }
    return now;
}

int64_t sbs_gateway_clock_utc(void *ctx) {
    const sbs_gateway_clockwork *clock = ctx;
    return sbs_gateway_clock_known(clock, sbs_linux_now()).utc_s;
}
