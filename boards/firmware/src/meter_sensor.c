/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_sensor.h"

#if SBS_DEMO

/* A curve between low and high with the given period, in hundredths, and some noise from the number itself. */
static int32_t sensor_curve(uint32_t count, int32_t low, int32_t high, uint32_t period) {
    uint32_t half = period / 2;
    uint32_t rising = count % period;
    if (rising >= half) {
        rising = period - rising;
    }

    uint32_t noise = (count * 2654435761u) >> 28; /* 0 to 15 */
    return low + (int32_t)((uint32_t)(high - low) * rising / half) + (int32_t)noise - 8;
}

sbs_status meter_sensor_read(uint32_t count, meter_quantity *out_quantity, sbs_decimal *out_value) {
    if (count % 2 == 1) {
        *out_quantity = METER_GLUCOSE;
        *out_value = (sbs_decimal){sensor_curve(count, 410, 980, 46), -2};
    } else {
        *out_quantity = METER_TEMPERATURE;
        *out_value = (sbs_decimal){sensor_curve(count, 3630, 3890, 34), -2};
    }

    return SBS_OK;
}

#else

sbs_status meter_sensor_read(uint32_t count, meter_quantity *out_quantity, sbs_decimal *out_value) {
    (void)count;
    *out_quantity = METER_TEMPERATURE;
    *out_value = (sbs_decimal){0, 0};
    return SBS_ERR_UNSUPPORTED;
}

#endif
