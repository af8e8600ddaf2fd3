/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_sensor.h The sensor. There is a simulated one in builds with SBS_DEMO, and none in others. */
#ifndef METER_SENSOR_H
#define METER_SENSOR_H

#include "meter_item.h"

/** Takes the measurement number @p count: what, and its value. SBS_ERR_UNSUPPORTED: there is no sensor. */
SBS_NODISCARD sbs_status meter_sensor_read(uint32_t count, meter_quantity *out_quantity, sbs_decimal *out_value);

#endif
