/* SPDX-License-Identifier: Apache-2.0 */
/* What the application makes of the clock, when it believes it, and when it tries again. */
#include "meter_internal.h"

#define CLOCK_JUMP_S 2
#define DOUBT_MS 60000u

void meter_wake(meter *m) {
    m->session.retry_ms = 0;
    /* A try that is not settled yet keeps the first pause: the operator has to register the key. */
    if (m->rotation.retry_ms > 0) {
        m->rotation.retry_ms = m->now.mono_ms;
    }

    /* The push engine has waits of its own. */
    if (m->session.phase == METER_PHASE_PUSH) {
        sbs_push_wake(&m->session.push);
    }
}

void meter_retry_in(meter *m, uint32_t wait_ms) {
    m->session.retry_ms = m->now.mono_ms + wait_ms;
}

/* The bound follows the earlier clock, the server's or the device's: one that is ahead of the right time would refuse
 * the right time. Where the server tells no Date, only a new token says anything about its time. A gateway says
 * nothing about it: its clock may be wrong, too, and without TLS anybody speaks for it. */
void meter_confirm_time(meter *m) {
    int64_t utc_s = m->now.utc_s;
    int64_t date_s = sbs_client_response(&m->session.client).date_utc_s;
    if (utc_s == SBS_UTC_UNKNOWN || m->record.secret != NULL) {
        return;
    }

    if (date_s == SBS_UTC_UNKNOWN && m->session.phase == METER_PHASE_TOKEN) {
        date_s = utc_s + sbs_client_clock_offset(&m->session.client);
    }

    if (date_s < utc_s) {
        utc_s = date_s;
    }

    meter_life_confirm_time(&m->life, utc_s);
}

void meter_doubt_time(const meter *m) {
    if (m->ports.doubt_time != NULL) {
        m->ports.doubt_time(m->ports.ctx);
    }
}

/* Once it has told a time, the time server is asked seldom. A time that cannot be right is a reason to ask each minute.
 */
static void time_refused(meter *m) {
    if (m->now.mono_ms >= m->doubt_ms) {
        m->doubt_ms = m->now.mono_ms + DOUBT_MS;
        meter_doubt_time(m);
    }

    meter_wait(m, DOUBT_MS);
}

/* A clock that is set, or set anew, is a reason to look again. */
void meter_take_time(meter *m, sbs_now now) {
    int64_t told_s = now.utc_s;
    now.utc_s = meter_life_time(&m->life, told_s);
    m->now = now;

    if (now.utc_s != SBS_UTC_UNKNOWN) {
        int64_t origin_s = now.utc_s - (int64_t)(now.mono_ms / 1000);
        /* Time servers correct by less. More is a clock that was set, and what failed before may work now. */
        int64_t jump_s = origin_s - m->clock_origin_s;
        if (jump_s > CLOCK_JUMP_S || jump_s < -CLOCK_JUMP_S) {
            m->clock_origin_s = origin_s;
            m->clock_set = true;
            meter_wake(m);
        }

        /* Else it goes on as it was: what is dated by it has the same time in each try. */
        m->now.utc_s = m->clock_origin_s + (int64_t)(now.mono_ms / 1000);
    }

    if (now.utc_s != told_s) {
        time_refused(m);
    }
}
