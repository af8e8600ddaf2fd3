/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_clock.h"

#include "sbs/linux_clock.h"

void sbs_gateway_clock_note(sbs_gateway_clockwork *clock, sbs_now now, int64_t date_utc_s, bool has_token) {
    clock->token_given |= has_token;
    if (date_utc_s == SBS_UTC_UNKNOWN || now.utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    sbs_forward_clock_note(&clock->forward, now, date_utc_s);
    clock->differs = !clock->forward.agreed;
}

sbs_gateway_clock sbs_gateway_clock_state(const sbs_gateway_clockwork *clock, sbs_now now) {
    if (now.utc_s == SBS_UTC_UNKNOWN) {
        return SBS_GATEWAY_CLOCK_UNKNOWN;
    }
    if (sbs_linux_clock_is_synchronised()) {
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
