/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_history.h"

#include <string.h>

#define LAST (SBS_GATEWAY_HISTORY - 1)

/* Quarters in which nobody looked had nothing new, and as much waited as at the end of the one before. */
static void history_shift(gateway_history *history) {
    memmove(history->accepted, history->accepted + 1, LAST * sizeof history->accepted[0]);
    memmove(history->delivered, history->delivered + 1, LAST * sizeof history->delivered[0]);
    memmove(history->waiting, history->waiting + 1, LAST * sizeof history->waiting[0]);
    history->accepted[LAST] = history->delivered[LAST] = 0;
}

static uint32_t history_since(uint64_t total, uint64_t before) {
    uint64_t count = total - before;
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

void gateway_history_note(gateway_history *history, uint64_t mono_ms, uint64_t accepted, uint64_t delivered,
                          uint32_t waiting) {
    uint64_t quarter = mono_ms / GATEWAY_QUARTER_MS;
    if (!history->begun) {
        history->begun = true;
        history->quarter = quarter;
    }

    for (uint64_t i = 0; i < SBS_GATEWAY_HISTORY && history->quarter < quarter; i++) {
        history_shift(history);
        history->quarter++;
        history->accepted_before = accepted;
        history->delivered_before = delivered;
    }

    history->quarter = quarter;
    history->accepted[LAST] = history_since(accepted, history->accepted_before);
    history->delivered[LAST] = history_since(delivered, history->delivered_before);
    history->waiting[LAST] = waiting;
}
