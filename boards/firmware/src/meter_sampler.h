/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file meter_sampler.h
 * Measurements in a task of their own, which never waits for a signature or a server: it has a copy of what it needs of
 * the application, and appends to the queue beside the push. The queue has its lock hooks then (meter_tasks).
 *
 * One lock of the program's, the one that meter_tasks.hold_sensor takes, is held around each of these functions.
 */
#ifndef METER_SAMPLER_H
#define METER_SAMPLER_H

#include "meter.h"

/** Fields are private. Zeroed: not ready. */
typedef struct meter_sampler {
    bool ready, full;
    sbs_status fault; /* of the last append */
    uint32_t pending, taken, refused;
    int64_t origin_s;
    uint64_t last_own_ms;
    meter_item item;
    sbs_queue_meta meta;
    sbs_queue queue;
    char subject[METER_SUBJECT_MAX + 1], patient[METER_PATIENT_MAX + 1];
    char patient_system[METER_PATIENT_SYSTEM_MAX + 1];
} meter_sampler;

/** In the application's task, after meter_poll(): what is asked for goes to the sensor, and what came of it comes back.
 *  True: there is something to be measured. */
bool meter_sampler_exchange(meter_sampler *sampler, meter *m);

/** In the application's task, where the sensor is held back: it measures nothing before the next exchange. */
void meter_sampler_pause(meter_sampler *sampler);

/** In the sensor's task: takes one measurement, if one is asked for. True: it is in the flash. */
bool meter_sampler_take(meter_sampler *sampler, uint64_t mono_ms);

#endif
