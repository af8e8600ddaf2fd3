/* SPDX-License-Identifier: Apache-2.0 */
/* The next key is tried for a token, between two requests: once the server knows it, it becomes the current one. */
#include "meter_internal.h"

#define FIRST_TRY_MS 15000u /* the operator needs a moment to register it; and the least between two tries */
#define LATEST_TRY_MS 900000u
#define DOUBLINGS_MAX 6u
#define EXPIRE_RETRY_S 60

/* Seldom, as each try costs a token; not on trial, and not before it is known where to ask for one. A gateway gives
 * none. */
static bool is_due(meter *m) {
    bool unknown = m->session.phase == METER_PHASE_DISCOVER && m->session.token_url == NULL;
    bool nowhere = unknown || m->record.secret != NULL;
    if (m->keys.next == PSA_KEY_ID_NULL || m->trial.active || m->session.phase == METER_PHASE_ROTATE || nowhere) {
        return false;
    }

    if (m->rotation.retry_ms == 0) {
        m->rotation.retry_ms = m->now.mono_ms + FIRST_TRY_MS;
    }

    if (m->now.mono_ms < m->rotation.retry_ms) {
        meter_wait_until(m, m->rotation.retry_ms);
        return false;
    }

    return true;
}

/* Only the client knows whether a request is under way: then it takes no other. */
static bool between_requests(meter *m) {
    static const sbs_request probe = {.interaction = SBS_TOKEN};
    if (m->session.busy || sbs_client_start(&m->session.client, &probe) != SBS_OK) {
        return false;
    }

    sbs_client_cancel(&m->session.client);
    return true;
}

bool meter_rotation_begin(meter *m) {
    if (!is_due(m) || !between_requests(m)) {
        return false;
    }

    if (m->session.phase == METER_PHASE_DISCOVER) {
        sbs_status status = meter_session_enter(m, METER_PHASE_TOKEN);
        if (status != SBS_OK) {
            meter_say_status(m, "session", status);
            meter_session_lost(m);
            return false;
        }
    }

    /* The session stands still meanwhile, and goes on where it was. */
    m->rotation.after = m->session.phase;
    m->session.phase = METER_PHASE_ROTATE;
    return meter_session_use_key(m, true) == SBS_OK;
}

static void promote_next_key(meter *m) {
    sbs_status status = meter_keys_promote(&m->keys, m->now.utc_s);
    if (status != SBS_OK) { /* it is the one in use all the same, and found again at the next start */
        meter_say_status(m, "rotate", status);
        return;
    }

    m->rotation.retry_ms = 0;
    m->rotation.failures = 0;
    meter_say_line(m, "rotate: the next key is the current one now");
}

static uint32_t next_try_in(meter_rotation *rotation) {
    uint16_t doublings = rotation->failures;
    rotation->failures++;
    if (doublings > DOUBLINGS_MAX) {
        doublings = DOUBLINGS_MAX;
    }

    uint32_t wait_ms = FIRST_TRY_MS << doublings;
    return wait_ms < LATEST_TRY_MS ? wait_ms : LATEST_TRY_MS;
}

sbs_status meter_rotation_end(meter *m, sbs_status result) {
    m->session.phase = m->rotation.after;
    if (result == SBS_OK) {
        /* The token of the try is a token like any other: it is used. */
        meter_session_worked(m);
        promote_next_key(m);
        m->session.phase = (uint8_t)meter_session_phase_online(m);
        meter_set_condition(m, METER_ONLINE);
        meter_wake(m);
        return SBS_OK;
    }

    /* The current key goes on, with a client that is new. */
    m->rotation.retry_ms = m->now.mono_ms + next_try_in(&m->rotation);
    meter_say_status(m, "rotate: the next key is not accepted yet", result);
    sbs_status status = meter_session_use_key(m, false);
    if (status != SBS_OK) {
        m->session.phase = METER_PHASE_TOKEN;
    }

    return status;
}

void meter_rotation_expire(meter *m) {
    bool gone;
    sbs_status status = meter_keys_expire(&m->keys, m->now.utc_s, &gone);
    if (status != SBS_OK) {
        /* The flash failed; the key does no harm for a minute more. */
        m->keys.old_until_s = m->now.utc_s + EXPIRE_RETRY_S;
    } else if (gone) {
        meter_say_line(m, "rotate: the old key is destroyed");
    } else if (m->now.utc_s != SBS_UTC_UNKNOWN) {
        meter_wait(m, (uint64_t)(m->keys.old_until_s - m->now.utc_s) * 1000u);
    }
}
