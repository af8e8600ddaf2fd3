/* SPDX-License-Identifier: Apache-2.0 */
/* The application as a whole: its start, its first key, and what is next at each poll. */
#include "meter.h"

#include "meter_internal.h"

/* ---- start and key ----------------------------------------------------------------------------------------------- */

/* Finishes a reset that was cut, and draws the number of this start, once. */
static sbs_status load_life(meter *m) {
    sbs_status status = meter_finish_reset(m);
    if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    if (!m->life.loaded) {
        status = meter_life_load(&m->life, &m->ports.storage, m->ports.built_utc_s);
        if (status != SBS_OK) {
            return status;
        }
    }

    /* The number of this start and the epoch are new: a person should know. */
    if (m->life.renewed) {
        meter_say_line(m, "the record of earlier starts was damaged: made anew");
        m->life.renewed = false;
    }

    return SBS_OK;
}

/* Without a key the next phase makes one. A key that is lost is not replaced: a person has to know of it. */
static sbs_status load_keys(meter *m) {
    sbs_status status = meter_keys_load(&m->keys, &m->ports.storage);
    if (status == SBS_ERR_NOT_FOUND) {
        m->session.phase = METER_PHASE_KEY;
        return SBS_OK;
    }

    /* Whatever became of the key, none is made: that would lose the one that is registered. */
    m->session.phase = METER_PHASE_IDLE;
    if (status == SBS_ERR_KEY) {
        m->condition = METER_KEY_LOST;
        return SBS_OK;
    }

    return status;
}

static void step_start(meter *m) {
    m->fault = load_life(m);
    if (m->fault == SBS_OK) {
        m->fault = load_keys(m);
    }

    if (m->fault != SBS_OK) {
        m->session.phase = METER_PHASE_START;
        meter_show_change(m);
        meter_wait(m, METER_STORAGE_RETRY_MS);
        return;
    }

    /* Without a record the public key is shown, as registering it comes next. */
    if (m->session.phase == METER_PHASE_IDLE && m->condition != METER_KEY_LOST) {
        meter_resume(m);
        if (m->condition == METER_UNPROVISIONED) {
            meter_put_jwks(m);
        }
    }

    meter_wait(m, 0);
}

static sbs_status make_first_key(meter *m) {
    sbs_alg alg = m->ports.alg != 0 ? m->ports.alg : SBS_RS384;
    meter_work(m, true);
    sbs_status status = meter_keys_make_first(&m->keys, alg);
    meter_work(m, false);

    return status;
}

static void step_key(meter *m) {
    if (m->condition != METER_GENERATING_KEY) { /* shown before the long silence */
        meter_set_condition(m, METER_GENERATING_KEY);
        meter_wait(m, 0);
        return;
    }

    if (m->now.mono_ms < m->session.retry_ms) {
        meter_wait_until(m, m->session.retry_ms);
        return;
    }

    /* Seconds on a fast core, minutes on a slow one. */
    m->fault = make_first_key(m);
    if (m->fault != SBS_OK) {
        meter_retry_in(m, METER_STORAGE_RETRY_MS);
        meter_say_status(m, "key", m->fault);
        meter_show_change(m);
        return;
    }

    meter_put_jwks(m);
    m->session.phase = METER_PHASE_IDLE;
    meter_resume(m);
    meter_wait(m, 0);
}

/* ---- polling ----------------------------------------------------------------------------------------------------- */

/* Without a session: a record is on its way in, or storage and memory are tried again. */
static void step_idle(meter *m) {
    if (m->trial.intake != NULL) {
        meter_intake_poll(m);
        return;
    }
    if (m->session.retry_ms == 0) {
        return;
    }

    if (m->now.mono_ms < m->session.retry_ms) {
        meter_wait_until(m, m->session.retry_ms);
        return;
    }

    m->session.retry_ms = 0;
    meter_resume(m);
}

static void step_phase(meter *m) {
    switch (m->session.phase) {
    case METER_PHASE_START:
        step_start(m);
        break;
    case METER_PHASE_KEY:
        step_key(m);
        break;
    case METER_PHASE_IDLE:
        step_idle(m);
        break;
    default:
        meter_online_step(m);
        break;
    }
}

sbs_wait meter_poll(meter *m, sbs_now now, bool network_up) {
    m->wait = (sbs_wait){SBS_WAIT_FOREVER, 0, -1};
    m->network_up = network_up;
    meter_take_time(m, now);

    if (m->keys.old != PSA_KEY_ID_NULL) {
        meter_rotation_expire(m);
    }

    /* A measurement comes after the step: it is in the flash before the next one sends it. */
    step_phase(m);
    meter_measure(m);
    meter_show_change(m);

    return m->wait;
}

/* ---- begin and end ----------------------------------------------------------------------------------------------- */

void meter_init(meter *m, const meter_ports *ports) {
    memset(m, 0, sizeof *m);
    m->ports = *ports;
    m->shown.state = UINT8_MAX;
    m->session.phase = METER_PHASE_START;
    m->condition = METER_STARTING;
    meter_show_change(m);
}

void meter_deinit(meter *m) {
    meter_session_free(m);
    meter_intake_free(m);
    meter_drop_record(m);
    sbs_wipe(m, sizeof *m);
}

/* ---- console ----------------------------------------------------------------------------------------------------- */

static void take_line(meter *m) {
    char line[METER_LINE_SIZE];
    bool too_long = m->line.too_long;

    /* A copy, for what the command prints shows the line that is being typed, which is empty by then. */
    memcpy(line, m->line.text, sizeof line);
    meter_line_clear(&m->line);

    if (too_long) {
        meter_say_line(m, "error: the line is too long");
    } else {
        meter_command(m, line);
    }

    sbs_wipe(line, sizeof line);
}

void meter_feed(meter *m, char c) {
    sbs_writer sink;
    sbs_writer *echo = NULL;

    sbs_writer_init_sink(&sink, m->ports.console, m->ports.ctx);
    if (m->trial.intake == NULL) { /* a record on its way in is not echoed */
        echo = &sink;
    }

    if (meter_line_take(&m->line, c, echo)) {
        take_line(m);
    }
}
