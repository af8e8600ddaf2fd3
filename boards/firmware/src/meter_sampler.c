/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_sampler.h"

#include "meter_internal.h"
#include "meter_sensor.h"

/* A text of the record, which may go at any time, becomes the sampler's own. */
static sbs_text keep_text(char *own, size_t size, sbs_text text) {
    if (text.ptr == NULL || text.len >= size) {
        return (sbs_text){0};
    }

    memcpy(own, text.ptr, text.len);
    own[text.len] = '\0';
    return (sbs_text){own, text.len};
}

static void copy_source(meter_sampler *sampler, const meter *m) {
    meter_item *item = &sampler->item;
    meter_describe(m, item, &sampler->meta);

    item->subject = keep_text(sampler->subject, sizeof sampler->subject, item->subject);
    item->patient = keep_text(sampler->patient, sizeof sampler->patient, item->patient);
    item->patient_system = keep_text(sampler->patient_system, sizeof sampler->patient_system, item->patient_system);
    sampler->origin_s = m->clock_origin_s;
    sampler->queue = m->queue;
}

/* A fault is said once, not at each measurement that it refuses. */
static void bring_back(meter_sampler *sampler, meter *m) {
    if (sampler->refused > 0 && !m->full) {
        meter_say_status(m, "measurement refused", sampler->fault);
    }

    m->measuring.taken = sampler->taken;
    m->measuring.refused += sampler->refused;
    m->full = sampler->full;
    sampler->refused = 0;
    meter_show_change(m);
}

bool meter_sampler_exchange(meter_sampler *sampler, meter *m) {
    bring_back(sampler, m);
    sampler->ready = m->block != NULL && !m->trial.active && m->queue_ready;
    if (!sampler->ready) {
        sampler->pending = 0;
        return false;
    }

    copy_source(sampler, m);
    sampler->pending += m->measuring.pending;
    m->measuring.pending = 0;

    return sampler->pending > 0;
}

void meter_sampler_pause(meter_sampler *sampler) {
    sampler->ready = false;
}

static sbs_status append_sample(meter_sampler *sampler, uint64_t mono_ms, const meter_item *item) {
    uint8_t data[METER_ITEM_MAX];
    sbs_queue_meta meta = sampler->meta;
    uint64_t id;

    meta.uptime_ms = mono_ms;
    if (item->settled) {
        meta.utc_s = sampler->origin_s + (int64_t)(mono_ms / 1000u);
    }

    return sampler->queue.ops->append(sampler->queue.ctx, &meta, data, meter_item_write(item, data), &id);
}

bool meter_sampler_take(meter_sampler *sampler, uint64_t mono_ms) {
    if (!sampler->ready || sampler->pending == 0) {
        return false;
    }

    meter_item item = sampler->item;
    sampler->pending--;
    if (meter_sensor_read(sampler->taken, &item.quantity, &item.value) != SBS_OK) {
        return false; /* there is no sensor: the command says so */
    }

    if (item.settled) {
        item.own_ms = meter_next_own_ms(sampler->origin_s, mono_ms, &sampler->last_own_ms);
    }

    sampler->taken++;
    sampler->fault = append_sample(sampler, mono_ms, &item);
    sampler->full = sampler->fault == SBS_ERR_BUFFER;
    if (sampler->fault != SBS_OK) {
        sampler->refused++;
    }

    return sampler->fault == SBS_OK;
}
