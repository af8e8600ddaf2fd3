/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements: taken when they are due, and in the flash before anything else happens to them. */
#include "meter_internal.h"
#include "meter_sensor.h"

#define LANE 1u /* one measuring device: its items arrive in order */
#define SECONDS_TO_2000 946684800

uint64_t meter_next_own_ms(int64_t origin_s, uint64_t mono_ms, uint64_t *last_ms) {
    int64_t own_ms = (origin_s - SECONDS_TO_2000) * 1000 + (int64_t)mono_ms;
    if (own_ms <= (int64_t)*last_ms) {
        own_ms = (int64_t)*last_ms + 1;
    }

    *last_ms = (uint64_t)own_ms;
    return *last_ms;
}

void meter_describe(const meter *m, meter_item *out_item, sbs_queue_meta *out_meta) {
    *out_item = (meter_item){
        .demo = SBS_DEMO != 0,
        .settled = m->now.utc_s != SBS_UTC_UNKNOWN,
        .device = m->ports.device,
        .subject = sbs_text_of(m->record.subject),
        .patient = sbs_text_of(m->record.patient),
        .patient_system = sbs_text_of(m->record.patient_system),
    };

    *out_meta = (sbs_queue_meta){
        .uptime_ms = m->now.mono_ms,
        .utc_s = m->now.utc_s,
        .boot_id = m->life.boot_id,
        .lane = LANE,
        .zone_minutes = m->record.zone_minutes,
        .format = METER_ITEM_FORMAT,
    };
}

static sbs_status append_measurement(meter *m, meter_quantity quantity, sbs_decimal value) {
    uint8_t data[METER_ITEM_MAX];
    meter_item item;
    sbs_queue_meta meta;
    uint64_t id;

    meter_describe(m, &item, &meta);
    item.quantity = quantity;
    item.value = value;
    if (item.settled) {
        item.own_ms = meter_next_own_ms(m->clock_origin_s, m->now.mono_ms, &m->measuring.last_own_ms);
    }

    meter_work(m, true); /* a full queue that drops its oldest looks through all of it */
    sbs_status status = m->queue.ops->append(m->queue.ctx, &meta, data, meter_item_write(&item, data), &id);
    meter_work(m, false);

    return status;
}

static void take_measurement(meter *m) {
    meter_quantity quantity;
    sbs_decimal value;

    sbs_status status = meter_sensor_read(m->measuring.taken, &quantity, &value);
    if (status != SBS_OK) { /* there is no sensor */
        m->measuring.interval_s = 0;
        meter_say_status(m, "measurement refused", status);
        return;
    }

    m->measuring.taken++;
    status = append_measurement(m, quantity, value);
    bool was_full = m->full;

    m->full = status == SBS_ERR_BUFFER;
    if (status == SBS_OK) {
        return;
    }

    /* That the queue is full is said once, not at each measurement that it refuses. */
    m->measuring.refused++;
    if (!was_full || !m->full) {
        meter_say_status(m, "measurement refused", status);
    }
}

void meter_measure(meter *m) {
    uint64_t interval_ms = m->measuring.interval_s * 1000ull;
    if (m->block == NULL || m->trial.active || !m->queue_ready) {
        /* Not without a record in force: an Observation needs its subject. */
        m->measuring.pending = 0;
        return;
    }

    /* Counted from now, not from when it was due: missed ones are not made up for. */
    if (interval_ms > 0 && m->now.mono_ms >= m->measuring.next_ms) {
        m->measuring.next_ms = m->now.mono_ms + interval_ms;
        m->measuring.pending++;
    }

    if (m->measuring.pending > 0 && m->ports.tasks == NULL) { /* else its task takes them */
        m->measuring.pending--;
        take_measurement(m);
        meter_wait(m, 0); /* there is one to be sent */
    } else if (interval_ms > 0) {
        meter_wait_until(m, m->measuring.next_ms);
    }
}
