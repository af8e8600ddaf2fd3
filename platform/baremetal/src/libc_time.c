/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's time(): Mbed TLS refers to it, until it is given another clock. */
#include <time.h>

#include "sbs/baremetal_clock.h"

time_t time(time_t *out_time) {
    sbs_now now = sbs_baremetal_now();
    time_t seconds = (time_t)-1;
    if (now.utc_s != SBS_UTC_UNKNOWN) {
        seconds = (time_t)now.utc_s;
    }

    if (out_time != NULL) {
        *out_time = seconds;
    }
    return seconds;
}
