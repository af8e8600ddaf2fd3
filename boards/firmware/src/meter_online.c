/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a session: discovery, token, Device, measurements, with what is done about failures. */
#include "meter_internal.h"

#define TRIAL_WAIT_MS 5000u /* somebody waits for the end of a trial */

static const sbs_backoff trouble_wait = {1000, 300000};
static const sbs_backoff operator_wait = {60000, 3600000};

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static bool waits_for_operator(sbs_status status) {
    sbs_status_class group = sbs_status_group(status);
    return group != SBS_CLASS_LATER && group != SBS_CLASS_PEER;
}

static bool in_trouble(const meter *m) {
    return m->condition == METER_REFUSED || m->condition == METER_SERVER_TROUBLE;
}

/* Longer from one failure to the next, by chance within that, never shorter than the server asked for. */
static uint32_t wait_after_failure(meter *m, bool for_operator) {
    const sbs_backoff *limits = for_operator ? &operator_wait : &trouble_wait;
    uint32_t random = 0;

    (void)psa_generate_random((uint8_t *)&random, sizeof random); /* a failure: the shortest wait */
    if (m->session.failures < UINT8_MAX) {
        /* It stays at the most: from zero on the waits would be short again. */
        m->session.failures++;
    }

    uint32_t wait_ms = sbs_backoff_delay(limits, m->session.failures - 1u, random);
    uint32_t asked_ms = sbs_client_detail(&m->session.client)->retry_after_s * 1000u;
    if (wait_ms < asked_ms) {
        wait_ms = asked_ms;
    }

    if (m->trial.active && wait_ms > TRIAL_WAIT_MS) {
        wait_ms = TRIAL_WAIT_MS;
    }

    return wait_ms;
}

static void request_failed(meter *m, sbs_status status) {
    bool for_operator = waits_for_operator(status);
    meter_session_failed(m, status, wait_after_failure(m, for_operator));
    if (meter_trial_failed(m, status)) {
        meter_set_condition(m, for_operator ? METER_REFUSED : METER_SERVER_TROUBLE);
    }
}

/* Goes on after a session was entered, or failed to be: a record on trial is given up then, at once. */
static void session_entered(meter *m, sbs_status status) {
    if (status == SBS_OK) {
        meter_wait(m, 0);
        return;
    }

    meter_say_status(m, "session", status);
    m->trial.end_ms = 0;
    if (m->trial.active) {
        (void)meter_trial_failed(m, status);
    } else {
        meter_session_lost(m);
    }
}

/* Back to discovery where the token endpoint itself said no: it may have moved. Or where the memory did not suffice:
 * that of discovery is small, and the session that its handshake leaves makes the next one small. */
static void discover_again(meter *m) {
    bool refused_by_token_host = m->shown.error_step == SBS_STEP_TOKEN && m->shown.error_http != 0;
    if (!refused_by_token_host && m->shown.error != SBS_ERR_MEMORY) {
        return;
    }

    if (m->session.phase > METER_PHASE_DISCOVER && meter_session_first_phase(m) == METER_PHASE_DISCOVER) {
        session_entered(m, meter_session_enter(m, METER_PHASE_DISCOVER));
    }
}

/* ---- discovery and token ----------------------------------------------------------------------------------------- */

static void show_connecting(meter *m) {
    if (!in_trouble(m)) {
        meter_set_condition(m, METER_CONNECTING);
    }
}

/* The document did not fit: the next try has more memory. Where there is not that much memory, the document is too
 * large for this device, and only the server can mend that. */
static void discovery_failed(meter *m, sbs_status status) {
    if (sbs_status_group(status) == SBS_CLASS_BUFFER && !m->session.large_discovery) {
        m->session.large_discovery = true;
        session_entered(m, meter_session_enter(m, METER_PHASE_DISCOVER));
        return;
    }

    if (status != SBS_ERR_MEMORY || !m->session.large_discovery) {
        request_failed(m, status);
        return;
    }

    request_failed(m, SBS_ERR_TOO_LARGE);
    m->session.large_discovery = false;
    if (m->session.phase == METER_PHASE_DISCOVER) {
        session_entered(m, meter_session_enter(m, METER_PHASE_DISCOVER));
    }
}

static void step_discover(meter *m) {
    static const sbs_request request = {.interaction = SBS_DISCOVER, .max_attempts = 1};
    show_connecting(m);
    sbs_status status = meter_session_run(m, &request);
    if (status == SBS_OK) {
        session_entered(m, meter_session_discovered(m));
    } else if (status != SBS_PENDING) {
        discovery_failed(m, status);
    }
}

static void token_failed(meter *m, sbs_status status) {
    if (sbs_status_group(status) == SBS_CLASS_BUFFER && !m->session.large_token) {
        m->session.large_token = true;
        session_entered(m, meter_session_enter(m, METER_PHASE_TOKEN));
        return;
    }

    request_failed(m, status);
    discover_again(m);
}

/* A token; or an answer of the gateway, which knows who asks by its secret: a batch of nothing stores nothing. */
static sbs_status run_login(meter *m) {
    sbs_request request = {.interaction = SBS_TOKEN, .max_attempts = 1};
    if (m->record.secret != NULL) {
        request.interaction = SBS_BUNDLE;
        request.body = SBS_TEXT("{\"resourceType\":\"Bundle\",\"type\":\"batch\"}");
    }

    return meter_session_run(m, &request);
}

static void step_token(meter *m) {
    show_connecting(m);
    sbs_status status = run_login(m);
    if (status == SBS_PENDING) {
        return;
    }
    if (status != SBS_OK) {
        token_failed(m, status);
        return;
    }

    meter_session_worked(m);
    /* From now on no discovery leads to another token host. */
    m->session.pinned = true;
    m->session.phase = (uint8_t)meter_session_phase_online(m);
    /* A token is what a record on trial is to give. */
    meter_trial_passed(m);
    meter_set_condition(m, METER_ONLINE);
}

/* ---- the Device -------------------------------------------------------------------------------------------------- */

/* The resource at the start of the body's memory, the target behind it. */
static sbs_status device_request(meter *m, sbs_request *out) {
    sbs_writer writer;
    size_t len;

    size_t room = m->session.body_size - METER_DEVICE_REFERENCE_SIZE;
    char *body = (char *)m->session.body;
    char *target = body + room;
    sbs_writer_init(&writer, body, room);
    sbs_status status = meter_device_put(&writer, m->ports.device, SBS_DEMO != 0);
    if (status == SBS_OK) {
        status = meter_device_reference(m->ports.device, target);
    }

    if (status == SBS_OK) {
        status = sbs_writer_finish(&writer, &len);
    }

    if (status != SBS_OK) {
        return status;
    }

    *out = (sbs_request){.interaction = SBS_UPDATE, .max_attempts = 1};
    out->target = (sbs_text){target, METER_DEVICE_REFERENCE_SIZE};
    out->body = (sbs_text){body, len};

    return SBS_OK;
}

static sbs_status put_device(meter *m) {
    sbs_request request = {.interaction = SBS_UPDATE};
    if (!m->session.busy) {
        sbs_status status = device_request(m, &request);
        if (status != SBS_OK) {
            return status;
        }
    }

    return meter_session_run(m, &request);
}

/* A server that will not have the Device gets the measurements all the same, without a reference to it. */
static void step_device(meter *m) {
    sbs_status status = put_device(m);
    if (status == SBS_PENDING) {
        return;
    }
    /* Network and server may mend themselves. A refusal stays one, and the measurements are worth more than the Device.
     */
    if (status != SBS_OK && !waits_for_operator(status)) {
        request_failed(m, status);
        return;
    }

    if (status == SBS_OK) {
        m->device_put = m->session.encoder.device_known = true;
        meter_save_progress(m);
        meter_session_worked(m);
        meter_say_line(m, "device: registered");
    } else {
        meter_say_status(m, "device: not registered", status);
    }

    m->session.phase = METER_PHASE_PUSH;
    meter_set_condition(m, METER_ONLINE);
    meter_wait(m, 0);
}

/* ---- pushing ----------------------------------------------------------------------------------------------------- */

static void handle_push_event(meter *m) {
    const sbs_push_event *event = sbs_push_event_of(&m->session.push);
    switch (event->kind) {
    case SBS_PUSH_DELIVERED:
    case SBS_PUSH_ALREADY:
    case SBS_PUSH_UPDATED:
    case SBS_PUSH_REPLACED:
        /* What was delivered made room. */
        meter_session_worked(m);
        m->full = false;
        meter_set_condition(m, METER_ONLINE);
        break;
    case SBS_PUSH_COLLISION:
    case SBS_PUSH_DEAD:
        m->full = false;
        /* The server refuses this one for good; the next ones may be as good as ever. */
        meter_say_status(m, "measurement set aside", event->status);
        if (event->http_status != 0) {
            meter_set_condition(m, METER_ONLINE);
        }
        break;
    case SBS_PUSH_WAITING:
    case SBS_PUSH_PAUSED:
        meter_session_failed(m, event->status, event->wait_ms);
        meter_set_condition(m, event->kind == SBS_PUSH_PAUSED ? METER_REFUSED : METER_SERVER_TROUBLE);
        discover_again(m);
        break;
    default:
        break;
    }
}

static void step_push(meter *m) {
    sbs_wait wait = {SBS_WAIT_FOREVER, 0, -1};
    sbs_status status = sbs_push_poll(&m->session.push, m->now, &wait);
    m->fault = SBS_OK;

    if (status != SBS_OK && status != SBS_PENDING) {
        m->fault = status;
        wait.timeout_ms = METER_STORAGE_RETRY_MS;
    }

    meter_wait(m, wait.timeout_ms);
    handle_push_event(m);

    /* The queue is empty and yet there was trouble: what failed is not in it any more. A token tells how things are. */
    if (status == SBS_OK && in_trouble(m)) {
        m->session.phase = METER_PHASE_TOKEN;
        meter_wake(m);
        meter_wait(m, 0);
    }
}

/* ---- the next key ------------------------------------------------------------------------------------------------ */

static void end_rotation(meter *m, sbs_status result) {
    sbs_status status = meter_rotation_end(m, result);
    if (status != SBS_OK) {
        request_failed(m, status);
    }
}

static void step_rotate(meter *m) {
    sbs_status status = run_login(m);
    if (status != SBS_PENDING) {
        end_rotation(m, status);
    }
}

void meter_online_stop_rotation(meter *m) {
    if (m->session.phase == METER_PHASE_ROTATE) {
        end_rotation(m, SBS_ERR_CANCELLED);
    }
}

/* ---- network and time -------------------------------------------------------------------------------------------- */

/* What was under way is given up; its item stays in the queue. */
static void interrupt_session(meter *m, meter_state condition) {
    if (m->condition == condition) {
        return;
    }

    if (m->session.phase == METER_PHASE_PUSH) {
        sbs_push_cancel(&m->session.push);
    } else {
        sbs_client_cancel(&m->session.client);
    }

    meter_online_stop_rotation(m);
    m->session.busy = false;
    meter_set_condition(m, condition);
}

static bool is_ready(meter *m) {
    if (!m->network_up) {
        interrupt_session(m, METER_NO_NETWORK);
        return false;
    }
    /* Without TLS nothing is judged by the time. */
    if (m->now.utc_s == SBS_UTC_UNKNOWN && !m->record.plain) {
        interrupt_session(m, METER_NO_TIME);
        return false;
    }

    return true;
}

static void wait_for_network(meter *m) {
    if (!m->trial.active) {
        return;
    }

    if (m->now.mono_ms >= m->trial.end_ms) {
        /* All of the trial went by without a network or the time. */
        (void)meter_trial_failed(m, SBS_ERR_TIMEOUT);
    } else {
        meter_wait_until(m, m->trial.end_ms);
    }
}

/* Network and time are there. If they were not before, a token comes first: it tells whether all is well. */
static void session_ready(meter *m) {
    if (m->clock_set) {
        m->clock_set = false;
        /* Measurements of earlier starts without a clock are dated by this. */
        sbs_push_note_boot(&m->ports.storage, m->life.boot_id, m->clock_origin_s);
    }

    if (!m->session.was_ready) {
        /* Discovery is a request to the server as well, and goes first. */
        if (m->session.phase != METER_PHASE_DISCOVER) {
            m->session.phase = METER_PHASE_TOKEN;
        }
        meter_wake(m);
    }

    m->session.was_ready = true;
}

static void step_phase(meter *m) {
    switch (m->session.phase) {
    case METER_PHASE_DISCOVER:
        step_discover(m);
        break;
    case METER_PHASE_TOKEN:
        step_token(m);
        break;
    case METER_PHASE_DEVICE:
        step_device(m);
        break;
    case METER_PHASE_ROTATE:
        step_rotate(m);
        break;
    default:
        step_push(m);
        break;
    }
}

void meter_online_step(meter *m) {
    if (!is_ready(m)) {
        m->session.was_ready = false;
        wait_for_network(m);
        return;
    }

    session_ready(m);

    if (meter_rotation_begin(m)) {
        meter_wait(m, 0);
        return;
    }

    /* The push engine keeps its own time, and a key that is being tried has begun already. */
    bool waits = m->session.phase != METER_PHASE_PUSH && m->session.phase != METER_PHASE_ROTATE;
    if (waits && m->now.mono_ms < m->session.retry_ms) {
        meter_wait_until(m, m->session.retry_ms);
        return;
    }

    step_phase(m);
}
