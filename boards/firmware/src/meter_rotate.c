/* SPDX-License-Identifier: Apache-2.0 */
/* The next key is tried for a token, between two requests: once the server knows it, it becomes the current one. */
#include "meter_internal.h"

#define ROTATE_FIRST_MS 15000u /* the first try, and the least between two */
#define ROTATE_CAP_MS 900000u

/* Between two requests, and seldom: each try costs a token. */
bool meter_begin_rotation(meter *m) {
    static const sbs_request probe = {.interaction = SBS_TOKEN};
    bool nowhere = m->phase == METER_PHASE_DISCOVER && m->token_url == NULL;
    if (m->keys.next == PSA_KEY_ID_NULL || m->trial || m->phase == METER_PHASE_ROTATE || nowhere) {
        return false;
    }
    if (m->rotate_ms == 0) { /* the operator needs a moment to register it */
        m->rotate_ms = m->now.mono_ms + ROTATE_FIRST_MS;
    }
    if (m->now.mono_ms < m->rotate_ms) {
        meter_wait(m, m->rotate_ms - m->now.mono_ms);
        return false;
    }
    if (m->busy || sbs_client_start(&m->client, &probe) != SBS_OK) { /* in the middle of a request */
        return false;
    }
    sbs_client_cancel(&m->client);
    if (m->phase == METER_PHASE_DISCOVER) {
        sbs_status status = meter_session_enter(m, METER_PHASE_TOKEN);
        if (status != SBS_OK) {
            meter_begin_anew(m, status);
            return false;
        }
    }
    m->after_rotate = m->phase;
    m->phase = METER_PHASE_ROTATE;
    return meter_session_use_key(m, true) == SBS_OK;
}

static void promote(meter *m) {
    sbs_status status = meter_keys_promote(&m->keys, m->now.utc_s);
    if (status != SBS_OK) { /* it is the one in use all the same, and found again at the next start */
        meter_say_status(m, "rotate", status);
        return;
    }
    m->rotate_ms = m->rotate_failures = 0;
    meter_say_line(m, "rotate: the next key is the current one now");
}

void meter_end_rotation(meter *m, sbs_status status) {
    m->phase = m->after_rotate;
    if (status == SBS_OK) {
        meter_succeed(m);
        promote(m);
        m->phase = m->device_put ? METER_PHASE_PUSH : METER_PHASE_DEVICE;
        meter_set_condition(m, METER_ONLINE);
        meter_wake(m);
        return;
    }
    uint32_t wait_ms = ROTATE_FIRST_MS << (m->rotate_failures < 6 ? m->rotate_failures : 6);
    m->rotate_failures++;
    m->rotate_ms = m->now.mono_ms + (wait_ms < ROTATE_CAP_MS ? wait_ms : ROTATE_CAP_MS);
    meter_say_status(m, "rotate: the next key is not accepted yet", status);
    status = meter_session_use_key(m, false);
    if (status != SBS_OK) {
        m->phase = METER_PHASE_TOKEN;
        meter_fail(m, status);
    }
}

void meter_step_rotate(meter *m) {
    static const sbs_request request = {.interaction = SBS_TOKEN, .max_attempts = 1};
    sbs_status status = meter_run_request(m, &request);
    if (status != SBS_PENDING) {
        meter_end_rotation(m, status);
    }
}

void meter_expire_key(meter *m) {
    bool gone;
    sbs_status status = meter_keys_expire(&m->keys, m->now.utc_s, &gone);
    if (status != SBS_OK) {
        m->keys.old_until_s = m->now.utc_s + 60;
    } else if (gone) {
        meter_say_line(m, "rotate: the old key is destroyed");
    } else if (m->now.utc_s != SBS_UTC_UNKNOWN) {
        meter_wait(m, (uint64_t)(m->keys.old_until_s - m->now.utc_s) * 1000u);
    }
}
