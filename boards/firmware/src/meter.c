/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include "meter_internal.h"

#define TRIAL_WAIT_MS 5000u

static const sbs_backoff trouble = {1000, 300000};
static const sbs_backoff operator_wait = {60000, 3600000};

/* ---- waiting
 * ----------------------------------------------------------------------------------------------------------- */

void meter_wait(meter *m, uint64_t wait_ms) {
    if (wait_ms < m->wait.timeout_ms) {
        m->wait.timeout_ms = (uint32_t)wait_ms;
    }
}

void meter_wake(meter *m) {
    m->retry_ms = 0;
    m->rotate_ms = m->rotate_ms > 0 ? m->now.mono_ms : 0;
    if (m->phase == METER_PHASE_PUSH) {
        sbs_push_wake(&m->push);
    }
}

void meter_work(meter *m, bool begin) {
    if (m->ports.work != NULL) {
        m->ports.work(m->ports.ctx, begin);
    }
}

static uint32_t backoff(meter *m, bool for_operator) {
    uint32_t random = 0;
    (void)psa_generate_random((uint8_t *)&random, sizeof random); /* a failure: the shortest wait */
    m->failures = (uint16_t)(m->failures + (m->failures < UINT16_MAX));
    return sbs_backoff_delay(for_operator ? &operator_wait : &trouble, m->failures - 1u, random);
}

/* ---- start and key
 * -------------------------------------------------------------------------------------------------------- */

static sbs_status load_all(meter *m) {
    sbs_status status = meter_finish_reset(m);
    if (status == SBS_OK || status == SBS_ERR_NOT_FOUND) {
        status = m->life.loaded ? SBS_OK : meter_life_load(&m->life, &m->ports.storage, m->ports.built_utc_s);
    }
    if (status != SBS_OK) {
        return status;
    }
    if (m->life.renewed) {
        meter_say_line(m, "the record of earlier starts was damaged: made anew");
        m->life.renewed = false;
    }
    status = meter_keys_load(&m->keys, &m->ports.storage);
    m->phase = status == SBS_ERR_NOT_FOUND ? METER_PHASE_KEY : METER_PHASE_IDLE;
    if (status == SBS_ERR_KEY) {
        m->condition = METER_KEY_LOST;
    }
    return status == SBS_ERR_NOT_FOUND || status == SBS_ERR_KEY ? SBS_OK : status;
}

static void start(meter *m) {
    m->fault = load_all(m);
    if (m->fault != SBS_OK) {
        m->phase = METER_PHASE_START;
        meter_show_change(m);
        meter_wait(m, METER_STORAGE_RETRY_MS);
        return;
    }
    if (m->phase == METER_PHASE_IDLE && m->condition != METER_KEY_LOST) {
        meter_resume(m);
        if (m->condition == METER_UNPROVISIONED) {
            meter_put_jwks(m);
        }
    }
    meter_wait(m, 0);
}

static void make_key(meter *m) {
    if (m->condition != METER_GENERATING_KEY) { /* shown before the long silence */
        meter_set_condition(m, METER_GENERATING_KEY);
        meter_wait(m, 0);
        return;
    }
    if (m->now.mono_ms < m->retry_ms) {
        meter_wait(m, m->retry_ms - m->now.mono_ms);
        return;
    }
    meter_work(m, true);
    m->fault = meter_keys_make_first(&m->keys, m->ports.alg != 0 ? m->ports.alg : SBS_RS384);
    meter_work(m, false);
    if (m->fault != SBS_OK) {
        m->retry_ms = m->now.mono_ms + METER_STORAGE_RETRY_MS;
        meter_say_status(m, "key", m->fault);
        meter_show_change(m);
        return;
    }
    meter_put_jwks(m);
    m->phase = METER_PHASE_IDLE;
    meter_resume(m);
    meter_wait(m, 0);
}

/* ---- requests of the application's own
 * -------------------------------------------------------------------------------------- */

static bool waits_for_operator(sbs_status status) {
    sbs_status_class group = sbs_status_group(status);
    return group != SBS_CLASS_LATER && group != SBS_CLASS_PEER;
}

void meter_fail(meter *m, sbs_status status) {
    bool for_operator = waits_for_operator(status);
    uint32_t asked_s = sbs_client_detail(&m->client)->retry_after_s;
    uint32_t wait_ms = backoff(m, for_operator);
    wait_ms = wait_ms < asked_s * 1000u ? asked_s * 1000u : wait_ms;
    if (m->trial && wait_ms > TRIAL_WAIT_MS) {
        wait_ms = TRIAL_WAIT_MS;
    }
    meter_note_error(m, status, wait_ms);
    if (meter_trial_failed(m, status)) {
        meter_set_condition(m, for_operator ? METER_REFUSED : METER_SERVER_TROUBLE);
    }
}

/* SBS_PENDING while it is under way. */
sbs_status meter_run_request(meter *m, const sbs_request *request) {
    sbs_status status = SBS_OK;
    sbs_wait wait = {0, 0, -1};
    if (!m->busy) {
        status = sbs_client_start(&m->client, request);
        m->busy = status == SBS_OK;
    }
    if (status == SBS_OK) {
        status = sbs_client_poll(&m->client, m->now, &wait);
        m->busy = status == SBS_PENDING;
    }
    meter_wait(m, status == SBS_PENDING ? wait.timeout_ms : 0);
    return status;
}

void meter_succeed(meter *m) {
    m->failures = 0;
    m->error = SBS_OK;
    m->retry_ms = 0;
    meter_confirm_time(m);
    if (m->first_token_ms == 0) {
        m->first_token_ms = m->now.mono_ms;
    }
}

/* Without memory the session is closed, and opened again in a while; a record on trial is given up. */
void meter_begin_anew(meter *m, sbs_status status) {
    if (status == SBS_OK) {
        meter_wait(m, 0);
        return;
    }
    meter_say_status(m, "session", status);
    m->trial_end_ms = 0;
    if (!m->trial || meter_trial_failed(m, status)) {
        meter_session_close(m);
        m->retry_ms = m->now.mono_ms + METER_STORAGE_RETRY_MS;
        meter_set_condition(m, METER_SERVER_TROUBLE);
    }
}

/* Back to discovery where the token endpoint itself said no: it may have moved. Or where the memory did not suffice:
 * that of discovery is small, and the session that its handshake leaves makes the next one small. */
static void look_again(meter *m) {
    bool by_token_host = m->error_step == SBS_STEP_TOKEN && m->error_http != 0;
    bool needed = by_token_host || m->error == SBS_ERR_MEMORY;
    if (needed && m->phase > METER_PHASE_DISCOVER && meter_session_first_phase(m) == METER_PHASE_DISCOVER) {
        meter_begin_anew(m, meter_session_enter(m, METER_PHASE_DISCOVER));
    }
}

static void show_connecting(meter *m) {
    if (m->condition != METER_REFUSED && m->condition != METER_SERVER_TROUBLE) {
        meter_set_condition(m, METER_CONNECTING);
    }
}

static void step_discover(meter *m) {
    static const sbs_request request = {.interaction = SBS_DISCOVER, .max_attempts = 1};
    show_connecting(m);
    sbs_status status = meter_run_request(m, &request);
    if (status == SBS_PENDING) {
        return;
    }
    if (sbs_status_group(status) == SBS_CLASS_BUFFER && !m->large_discovery) {
        m->large_discovery = true;
        meter_begin_anew(m, meter_session_enter(m, METER_PHASE_DISCOVER));
    } else if (status == SBS_OK) {
        meter_begin_anew(m, meter_session_discovered(m));
    } else if (status == SBS_ERR_MEMORY && m->large_discovery) { /* and the server may mend it */
        meter_fail(m, SBS_ERR_TOO_LARGE);
        m->large_discovery = false;
        if (m->phase == METER_PHASE_DISCOVER) {
            meter_begin_anew(m, meter_session_enter(m, METER_PHASE_DISCOVER));
        }
    } else {
        meter_fail(m, status);
    }
}

static void step_token(meter *m) {
    static const sbs_request request = {.interaction = SBS_TOKEN, .max_attempts = 1};
    show_connecting(m);
    sbs_status status = meter_run_request(m, &request);
    if (status == SBS_PENDING) {
        return;
    }
    if (sbs_status_group(status) == SBS_CLASS_BUFFER && !m->large_token) {
        m->large_token = true;
        meter_begin_anew(m, meter_session_enter(m, METER_PHASE_TOKEN));
        return;
    }
    if (status != SBS_OK) {
        meter_fail(m, status);
        look_again(m);
        return;
    }
    meter_succeed(m);
    m->pinned = true;
    m->phase = m->device_put ? METER_PHASE_PUSH : METER_PHASE_DEVICE;
    meter_trial_passed(m);
    meter_set_condition(m, METER_ONLINE);
}

/* The resource at the start of the body's memory, the target behind it. */
static sbs_status device_request(meter *m, sbs_request *out) {
    sbs_writer writer;
    size_t len;
    char *target = (char *)m->body + m->body_size - METER_DEVICE_REFERENCE_SIZE;
    sbs_writer_init(&writer, (char *)m->body, m->body_size - METER_DEVICE_REFERENCE_SIZE);
    sbs_status status = meter_device_put(&writer, m->ports.device, SBS_DEMO != 0);
    if (status == SBS_OK) {
        status = meter_device_reference(m->ports.device, target);
    }
    if (status == SBS_OK) {
        status = sbs_writer_finish(&writer, &len);
    }
    if (status == SBS_OK) {
        *out = (sbs_request){.interaction = SBS_UPDATE, .max_attempts = 1};
        out->target = (sbs_text){target, METER_DEVICE_REFERENCE_SIZE};
        out->body = (sbs_text){(const char *)m->body, len};
    }
    return status;
}

/* A server that will not have the Device gets the measurements all the same, without a reference to it. */
static void step_device(meter *m) {
    sbs_request request = {.interaction = SBS_UPDATE};
    sbs_status status = m->busy ? SBS_OK : device_request(m, &request);
    if (status == SBS_OK) {
        status = meter_run_request(m, &request);
    }
    if (status == SBS_PENDING) {
        return;
    }
    if (status != SBS_OK && !waits_for_operator(status)) {
        meter_fail(m, status);
        return;
    }
    if (status == SBS_OK) {
        m->device_put = m->encoder.device_known = true;
        meter_save_progress(m);
        meter_succeed(m);
        meter_say_line(m, "device: registered");
    } else {
        meter_say_status(m, "device: not registered", status);
    }
    m->phase = METER_PHASE_PUSH;
    meter_set_condition(m, METER_ONLINE);
    meter_wait(m, 0);
}

/* ---- pushing
 * ------------------------------------------------------------------------------------------------------------------ */

static void handle_event(meter *m) {
    const sbs_push_event *event = sbs_push_event_of(&m->push);
    switch (event->kind) {
    case SBS_PUSH_DELIVERED:
    case SBS_PUSH_ALREADY:
    case SBS_PUSH_UPDATED:
    case SBS_PUSH_REPLACED:
        meter_succeed(m);
        m->full = false;
        meter_set_condition(m, METER_ONLINE);
        break;
    case SBS_PUSH_COLLISION:
    case SBS_PUSH_DEAD:
        m->full = false;
        meter_say_status(m, "measurement set aside", event->status);
        if (event->http_status != 0) {
            meter_set_condition(m, METER_ONLINE);
        }
        break;
    case SBS_PUSH_WAITING:
    case SBS_PUSH_PAUSED:
        meter_note_error(m, event->status, event->wait_ms);
        meter_set_condition(m, event->kind == SBS_PUSH_PAUSED ? METER_REFUSED : METER_SERVER_TROUBLE);
        look_again(m);
        break;
    default:
        break;
    }
}

static void step_push(meter *m) {
    sbs_wait wait = {SBS_WAIT_FOREVER, 0, -1};
    sbs_status status = sbs_push_poll(&m->push, m->now, &wait);
    m->fault = status == SBS_OK || status == SBS_PENDING ? SBS_OK : status;
    meter_wait(m, m->fault != SBS_OK ? METER_STORAGE_RETRY_MS : wait.timeout_ms);
    handle_event(m);
    bool troubled = m->condition == METER_REFUSED || m->condition == METER_SERVER_TROUBLE;
    if (status == SBS_OK && troubled) { /* what failed is not in the queue any more */
        m->phase = METER_PHASE_TOKEN;
        meter_wake(m);
        meter_wait(m, 0);
    }
}

/* ---- the whole
 * ---------------------------------------------------------------------------------------------------------------- */

/* What was under way is given up; its item stays in the queue. */
static void interrupt(meter *m, meter_state condition) {
    if (m->condition != condition) {
        if (m->phase == METER_PHASE_PUSH) {
            sbs_push_cancel(&m->push);
        } else {
            sbs_client_cancel(&m->client);
        }
        if (m->phase == METER_PHASE_ROTATE) {
            meter_end_rotation(m, SBS_ERR_CANCELLED);
        }
        m->busy = false;
        meter_set_condition(m, condition);
    }
}

static bool is_ready(meter *m) {
    if (!m->network_up) {
        interrupt(m, METER_NO_NETWORK);
        return false;
    }
    if (m->now.utc_s == SBS_UTC_UNKNOWN) {
        interrupt(m, METER_NO_TIME);
        return false;
    }
    return true;
}

static void wait_for_network(meter *m) {
    if (m->trial && m->now.mono_ms >= m->trial_end_ms) {
        (void)meter_trial_failed(m, SBS_ERR_TIMEOUT);
    } else if (m->trial) {
        meter_wait(m, m->trial_end_ms - m->now.mono_ms);
    }
}

static void step_session(meter *m) {
    bool ready = is_ready(m);
    if (ready && m->clock_set) {
        m->clock_set = false;
        sbs_push_note_boot(&m->ports.storage, m->life.boot_id, m->clock_origin_s);
    }
    if (ready && !m->was_ready) { /* a token first: it tells whether all is well */
        m->phase = m->phase == METER_PHASE_DISCOVER ? METER_PHASE_DISCOVER : METER_PHASE_TOKEN;
        meter_wake(m);
    }
    m->was_ready = ready;
    if (!ready) {
        wait_for_network(m);
        return;
    }
    if (meter_begin_rotation(m)) {
        meter_wait(m, 0);
        return;
    }
    if (m->now.mono_ms < m->retry_ms && m->phase != METER_PHASE_PUSH && m->phase != METER_PHASE_ROTATE) {
        meter_wait(m, m->retry_ms - m->now.mono_ms);
        return;
    }
    switch (m->phase) {
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
        meter_step_rotate(m);
        break;
    default:
        step_push(m);
        break;
    }
}

static void step(meter *m) {
    switch (m->phase) {
    case METER_PHASE_START:
        start(m);
        break;
    case METER_PHASE_KEY:
        make_key(m);
        break;
    case METER_PHASE_IDLE:
        if (m->intake != NULL) {
            meter_intake_poll(m);
        } else if (m->now.mono_ms >= m->retry_ms && m->retry_ms != 0) {
            m->retry_ms = 0;
            meter_resume(m);
        } else if (m->retry_ms != 0) {
            meter_wait(m, m->retry_ms - m->now.mono_ms);
        }
        break;
    default:
        step_session(m);
        break;
    }
}

sbs_wait meter_poll(meter *m, sbs_now now, bool network_up) {
    m->wait = (sbs_wait){SBS_WAIT_FOREVER, 0, -1};
    m->network_up = network_up;
    meter_take_time(m, now);
    if (m->keys.old != PSA_KEY_ID_NULL) {
        meter_expire_key(m);
    }
    step(m);
    meter_measure(m);
    meter_show_change(m);
    return m->wait;
}

void meter_init(meter *m, const meter_ports *ports) {
    memset(m, 0, sizeof *m);
    m->ports = *ports;
    m->state = UINT8_MAX;
    m->phase = METER_PHASE_START;
    m->condition = METER_STARTING;
    meter_show_change(m);
}

void meter_deinit(meter *m) {
    meter_session_release(m);
    meter_release((uint8_t **)&m->token_url, m->token_url_size);
    meter_intake_end(m);
    meter_drop_record(m);
    sbs_wipe(m, sizeof *m);
}

void meter_feed(meter *m, char c) {
    sbs_writer echo;
    sbs_writer_init_sink(&echo, m->ports.console, m->ports.ctx);
    if (meter_line_take(&m->line, c, m->intake == NULL ? &echo : NULL)) {
        char line[METER_LINE_SIZE];
        bool too_long = m->line.too_long;
        memcpy(line, m->line.text, sizeof line);
        meter_line_clear(&m->line);
        if (too_long) {
            meter_say_line(m, "error: the line is too long");
        } else {
            meter_command(m, line);
        }
        sbs_wipe(line, sizeof line);
    }
}
