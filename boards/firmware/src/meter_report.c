/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_internal.h"

const char *meter_state_text(meter_state state) {
    static const char *const texts[] = {
#define METER_STATE_TEXT(name, text) text,
        METER_STATE_TABLE(METER_STATE_TEXT)
#undef METER_STATE_TEXT
    };
    return texts[state];
}

/* ---- lines ----------------------------------------------------------------------------------------------------------
 */

sbs_writer *meter_say(meter *m) {
    sbs_writer_init_sink(&m->out, m->ports.console, m->ports.ctx);
    if (m->line.len > 0) {
        sbs_put_char(&m->out, '\n');
    }
    return &m->out;
}

void meter_end(meter *m) {
    sbs_put_char(&m->out, '\n');
    sbs_put(&m->out, m->line.text, m->line.len);
}

void meter_say_line(meter *m, const char *text) {
    sbs_put_string(meter_say(m), text);
    meter_end(m);
}

void meter_say_status(meter *m, const char *text, sbs_status why) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, text);
    sbs_put_string(out, ": ");
    sbs_put_string(out, sbs_status_text(why));
    meter_end(m);
}

static void put_number(sbs_writer *out, const char *name, uint64_t value) {
    sbs_put_string(out, name);
    sbs_put_uint(out, value);
}

/* ---- state
 * ----------------------------------------------------------------------------------------------------------- */

static sbs_queue_counters counters_of(const meter *m) {
    sbs_queue_counters counters = {0};
    if (m->queue_ready) {
        m->queue.ops->counters(m->queue.ctx, &counters);
    }
    return counters;
}

void meter_put_state(const meter *m, sbs_writer *out) {
    sbs_queue_counters counters = counters_of(m);
    sbs_put_string(out, "state=");
    sbs_put_string(out, meter_state_text((meter_state)m->state));
    put_number(out, " queued=", counters.waiting);
    put_number(out, " sent=", counters.delivered);
    put_number(out, " refused=", m->refused);
    put_number(out, " dead=", counters.dead);
}

void meter_show_change(meter *m) {
    uint8_t state = m->fault != SBS_OK ? METER_STORAGE_FAILED : m->full ? METER_STORAGE_FULL : m->condition;
    sbs_queue_counters counters = counters_of(m);
    bool drained = counters.waiting == 0 && counters.delivered != m->shown_sent;
    if (state != m->state || drained) {
        m->state = state;
        m->shown_sent = counters.delivered;
        meter_put_state(m, meter_say(m));
        meter_end(m);
    }
}

void meter_set_condition(meter *m, meter_state condition) {
    m->condition = (uint8_t)condition;
    meter_show_change(m);
}

/* ---- errors
 * ----------------------------------------------------------------------------------------------------------- */

void meter_put_error(const meter *m, sbs_writer *out) {
    sbs_put_string(out, "error step=\"");
    sbs_put_string(out, sbs_step_text(m->error_step));
    sbs_put_string(out, "\" cause=\"");
    sbs_put_string(out, sbs_status_text(m->error));
    sbs_put_char(out, '"');
    if (m->error_http != 0) {
        put_number(out, " http=", m->error_http);
    }
    if (m->error_oauth != SBS_OAUTH_NONE) {
        sbs_put_string(out, " oauth=");
        sbs_put_string(out, sbs_oauth_error_name(m->error_oauth));
    }
    if (m->retry_ms > m->now.mono_ms) {
        put_number(out, " next_s=", (m->retry_ms - m->now.mono_ms + 999) / 1000);
    }
}

/* A clock that is set to a wrong time makes certificates and assertions wrong; when it is set right, all is tried at
 * once. */
static void doubt_time(meter *m, sbs_status status) {
    if (m->ports.doubt_time != NULL && sbs_status_group(status) == SBS_CLASS_OPERATOR) {
        m->ports.doubt_time(m->ports.ctx);
    }
}

void meter_note_error(meter *m, sbs_status status, uint32_t wait_ms) {
    const sbs_detail *detail = sbs_client_detail(&m->client);
    bool news = m->error != status || m->error_step != detail->step || m->error_http != detail->http_status;
    m->error = status;
    m->error_step = detail->step;
    m->error_http = detail->http_status;
    m->error_oauth = detail->oauth;
    m->retry_ms = m->now.mono_ms + wait_ms;
    if (news) {
        meter_put_error(m, meter_say(m));
        meter_end(m);
    }
    doubt_time(m, status);
}

/* ---- reports
 * ----------------------------------------------------------------------------------------------------------- */

void meter_put_jwks(meter *m) {
    meter_kids kids = meter_kids_of(m);
    const psa_key_id_t ids[] = {m->keys.current, m->keys.next};
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "jwks: ");
    sbs_status status = meter_keys_put_set(&m->keys, &kids, out);
    meter_end(m);
    for (unsigned i = 0; i < 2 && status == SBS_OK && ids[i] != PSA_KEY_ID_NULL; i++) {
        out = meter_say(m);
        sbs_put_string(out, i == 0 ? "thumbprint: " : "next-thumbprint: ");
        status = meter_keys_put_thumbprint(ids[i], out);
        meter_end(m);
    }
    if (status != SBS_OK) {
        meter_say_status(m, "jwks", status);
    }
}

void meter_report_queue(meter *m) {
    sbs_queue_counters counters = counters_of(m);
    sbs_writer *out = meter_say(m);
    put_number(out, "queued=", counters.waiting);
    put_number(out, " accepted=", counters.accepted);
    put_number(out, " sent=", counters.delivered);
    put_number(out, " refused=", m->refused);
    put_number(out, " dead=", counters.dead);
    put_number(out, " dropped=", counters.dropped);
    meter_end(m);
}

static void report_record(meter *m) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, m->record.fhir_base == NULL ? "record=none"
                        : m->trial                  ? "record=trial"
                        : m->confirmed              ? "record=confirmed"
                                                    : "record=unconfirmed");
    sbs_put_string(out, m->device_put ? " device=known" : " device=unknown");
    put_number(out, " interval_s=", m->interval_s);
    put_number(out, " boot=", m->life.boot_id);
    sbs_put_string(out, m->keys.next != PSA_KEY_ID_NULL  ? " rotation=pending"
                        : m->keys.old != PSA_KEY_ID_NULL ? " rotation=done"
                                                         : " rotation=none");
    meter_end(m);
}

void meter_report_status(meter *m) {
    meter_put_state(m, meter_say(m));
    meter_end(m);
    report_record(m);
    if (m->error != SBS_OK) {
        meter_put_error(m, meter_say(m));
        meter_end(m);
    }
    if (m->fault != SBS_OK) {
        meter_say_status(m, "storage", m->fault);
    }
}

void meter_report_stats(meter *m) {
    sbs_writer *out = meter_say(m);
    put_number(out, "uptime_ms=", m->now.mono_ms);
    put_number(out, "\nfirst_token_ms=", m->first_token_ms);
    put_number(out, "\nmeter_bytes=", sizeof *m);
    put_number(out, "\nrecord_bytes=", m->block_size);
    if (m->ports.stats != NULL) {
        sbs_put_char(out, '\n');
        m->ports.stats(m->ports.ctx, out);
    }
    meter_end(m);
}
