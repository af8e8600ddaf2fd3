/* SPDX-License-Identifier: Apache-2.0 */
/* What the console shows: changes of the state, failures, and the answers to `status`, `queue`, `jwk` and `stats`. */
#include "meter_internal.h"
#include "meter_tls.h"

const char *meter_state_text(meter_state state) {
    static const char *const texts[] = {
#define METER_STATE_TEXT(name, text) text,
        METER_STATE_TABLE(METER_STATE_TEXT)
#undef METER_STATE_TEXT
    };
    return texts[state];
}

static void put_number(sbs_writer *out, const char *name, uint64_t value) {
    sbs_put_string(out, name);
    sbs_put_uint(out, value);
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static sbs_queue_counters queue_counters(const meter *m) {
    sbs_queue_counters counters = {0};
    if (m->queue_ready) {
        m->queue.ops->counters(m->queue.ctx, &counters);
    }

    return counters;
}

static void put_fates(const meter *m, const sbs_queue_counters *counters, sbs_writer *out) {
    put_number(out, " sent=", counters->delivered);
    put_number(out, " refused=", m->measuring.refused);
    put_number(out, " dead=", counters->dead);
}

static void say_state(meter *m) {
    sbs_queue_counters counters = queue_counters(m);
    sbs_writer *out = meter_say(m);

    sbs_put_string(out, "state=");
    sbs_put_string(out, meter_state_text((meter_state)m->shown.state));
    put_number(out, " queued=", counters.waiting);
    put_fates(m, &counters, out);
    meter_end(m);
}

static uint8_t current_state(const meter *m) {
    if (m->fault != SBS_OK) {
        return METER_STORAGE_FAILED;
    }
    if (m->full) {
        return METER_STORAGE_FULL;
    }

    return m->condition;
}

void meter_show_change(meter *m) {
    uint8_t state = current_state(m);
    sbs_queue_counters counters = queue_counters(m);

    bool drained = counters.waiting == 0 && counters.delivered != m->shown.sent;
    if (state == m->shown.state && !drained) {
        return;
    }

    m->shown.state = state;
    m->shown.sent = counters.delivered;
    say_state(m);
}

void meter_set_condition(meter *m, meter_state condition) {
    m->condition = (uint8_t)condition;
    meter_show_change(m);
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

static const char *cause_of_failure(const meter *m) {
    if (m->shown.error == SBS_ERR_TLS) {
        return meter_tls_cause(sbs_client_detail(&m->session.client)->platform_code);
    }
    return sbs_status_text(m->shown.error);
}

/* With the time to the next try, in seconds that are rounded up. */
static void say_failure(meter *m) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "error step=\"");
    sbs_put_string(out, sbs_step_text(m->shown.error_step));
    sbs_put_string(out, "\" cause=\"");
    sbs_put_string(out, cause_of_failure(m));
    sbs_put_char(out, '"');

    if (m->shown.error_http != 0) {
        put_number(out, " http=", m->shown.error_http);
    }

    if (m->shown.error_oauth != SBS_OAUTH_NONE) {
        sbs_put_string(out, " oauth=");
        sbs_put_string(out, sbs_oauth_error_name(m->shown.error_oauth));
    }

    if (m->session.retry_ms > m->now.mono_ms) {
        put_number(out, " next_s=", (m->session.retry_ms - m->now.mono_ms + 999) / 1000);
    }

    meter_end(m);
}

void meter_show_failure(meter *m, sbs_status status) {
    const sbs_detail *detail = sbs_client_detail(&m->session.client);
    bool news =
        m->shown.error != status || m->shown.error_step != detail->step || m->shown.error_http != detail->http_status;

    /* Noted even if it is no news: `status` tells the last one. */
    m->shown.error = status;
    m->shown.error_step = detail->step;
    m->shown.error_http = detail->http_status;
    m->shown.error_oauth = detail->oauth;

    if (news) {
        say_failure(m);
    }
}

/* ---- reports ----------------------------------------------------------------------------------------------------- */

static sbs_status say_thumbprint(meter *m, const char *name, psa_key_id_t id) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, name);
    sbs_status status = meter_keys_put_thumbprint(id, out);
    meter_end(m);

    return status;
}

void meter_put_jwks(meter *m) {
    meter_kids kids = meter_kids_of(m);
    sbs_writer *out = meter_say(m);

    sbs_put_string(out, "jwks: ");
    sbs_status status = meter_keys_put_set(&m->keys, &kids, out);
    meter_end(m);

    if (status == SBS_OK && m->keys.current != PSA_KEY_ID_NULL) {
        status = say_thumbprint(m, "thumbprint: ", m->keys.current);
    }

    if (status == SBS_OK && m->keys.current != PSA_KEY_ID_NULL && m->keys.next != PSA_KEY_ID_NULL) {
        status = say_thumbprint(m, "next-thumbprint: ", m->keys.next);
    }

    if (status != SBS_OK) {
        meter_say_status(m, "jwks", status);
    }
}

void meter_report_queue(meter *m) {
    sbs_queue_counters counters = queue_counters(m);
    sbs_writer *out = meter_say(m);

    put_number(out, "queued=", counters.waiting);
    put_number(out, " accepted=", counters.accepted);
    put_fates(m, &counters, out);
    put_number(out, " dropped=", counters.dropped);
    meter_end(m);
}

static const char *record_word(const meter *m) {
    if (m->record.fhir_base == NULL) {
        return "record=none";
    }
    if (m->trial.active) {
        return "record=trial";
    }
    return m->confirmed ? "record=confirmed" : "record=unconfirmed";
}

static const char *rotation_word(const meter *m) {
    if (m->keys.next != PSA_KEY_ID_NULL) {
        return " rotation=pending";
    }
    return m->keys.old != PSA_KEY_ID_NULL ? " rotation=done" : " rotation=none";
}

static void say_record(meter *m) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, record_word(m));
    sbs_put_string(out, m->device_put ? " device=known" : " device=unknown");
    put_number(out, " interval_s=", m->measuring.interval_s);
    put_number(out, " boot=", m->life.boot_id);
    sbs_put_string(out, rotation_word(m));
    meter_end(m);
}

void meter_report_status(meter *m) {
    say_state(m);
    say_record(m);
    if (m->shown.error != SBS_OK) {
        say_failure(m);
    }

    if (m->fault != SBS_OK) {
        meter_say_status(m, "storage", m->fault);
    }
}

void meter_report_stats(meter *m) {
    sbs_writer *out = meter_say(m);
    put_number(out, "uptime_ms=", m->now.mono_ms);
    put_number(out, "\nfirst_token_ms=", m->session.first_token_ms);
    put_number(out, "\nmeter_bytes=", sizeof *m);
    put_number(out, "\nrecord_bytes=", m->block_size);

    /* The board adds heap, stack and times. */
    if (m->ports.stats != NULL) {
        sbs_put_char(out, '\n');
        m->ports.stats(m->ports.ctx, out);
    }

    meter_end(m);
}
