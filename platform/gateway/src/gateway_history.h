/* SPDX-License-Identifier: Apache-2.0 */
/* A day in quarters of an hour, in RAM: flash memory wears. */
#ifndef SBS_GATEWAY_HISTORY_H
#define SBS_GATEWAY_HISTORY_H

#include "sbs/gateway_status.h"

#define GATEWAY_QUARTER_MS 900000u

typedef struct gateway_history {
    uint32_t accepted[SBS_GATEWAY_HISTORY], delivered[SBS_GATEWAY_HISTORY], waiting[SBS_GATEWAY_HISTORY];
    uint64_t quarter;                           /* number of the newest one, by the monotonic clock */
    uint64_t accepted_before, delivered_before; /* totals when it began */
    bool begun;
} gateway_history;

/** Notes the totals since the start, and what waits now. */
void gateway_history_note(gateway_history *history, uint64_t mono_ms, uint64_t accepted, uint64_t delivered,
                          uint32_t waiting);

#endif
