/* SPDX-License-Identifier: Apache-2.0 */
/* What the application makes of the clock, and when it believes it. */
#include "meter_internal.h"

#define CLOCK_JUMP_S 2
#define DOUBT_MS 60000u

/* By the earlier clock, the server's or the own one: a bound that is ahead of the right time would refuse that. Only a
 * new token tells anything about the time if the server does not. */
void meter_confirm_time(meter *m) {
    int64_t utc_s = m->now.utc_s, date_s = sbs_client_response(&m->client).date_utc_s;
    if (utc_s == SBS_UTC_UNKNOWN) {
        return;
    }
    if (date_s == SBS_UTC_UNKNOWN && m->phase == METER_PHASE_TOKEN) {
        date_s = utc_s + sbs_client_clock_offset(&m->client);
    }
    meter_life_confirm_time(&m->life, date_s < utc_s ? date_s : utc_s);
}

/* The time server is asked seldom once it told a time: sooner, if that cannot be right. */
static void doubt_time(meter *m) {
    if (m->ports.doubt_time != NULL && m->now.mono_ms >= m->doubt_ms) {
        m->doubt_ms = m->now.mono_ms + DOUBT_MS;
        m->ports.doubt_time(m->ports.ctx);
    }
    meter_wait(m, DOUBT_MS);
}

/* A clock that is set, or set anew, is a reason to look again. */
void meter_take_time(meter *m, sbs_now now) {
    int64_t told_s = now.utc_s;
    now.utc_s = meter_life_time(&m->life, told_s);
    bool known = now.utc_s != SBS_UTC_UNKNOWN;
    int64_t origin_s = known ? now.utc_s - (int64_t)(now.mono_ms / 1000) : m->clock_origin_s;
    int64_t jump_s = origin_s - m->clock_origin_s;
    bool jumped = known && (jump_s > CLOCK_JUMP_S || jump_s < -CLOCK_JUMP_S);
    m->now = now;
    if (jumped) {
        m->clock_origin_s = origin_s;
        m->clock_set = true;
        meter_wake(m);
    }
    if (now.utc_s != told_s) {
        doubt_time(m);
    }
}
