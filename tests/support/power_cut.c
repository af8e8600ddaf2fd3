/* SPDX-License-Identifier: Apache-2.0 */
#include "power_cut.h"

#include <stdlib.h>

uint64_t cuts_tried;

bool cut_run(const cut_scenario *scenario) {
    if (setjmp(scenario->sim->power_cut) != 0) {
        cuts_tried++;
        return false;
    }

    scenario->recover(scenario->ctx);
    while (scenario->step(scenario->ctx)) {
    }
    return true;
}

bool cut_run_until(const cut_scenario *scenario, uint64_t operation, flash_sim_tear tear, uint32_t bytes) {
    flash_sim_cut_after(scenario->sim, operation, tear, bytes);
    bool ended = cut_run(scenario);

    flash_sim_boot(scenario->sim);
    return ended;
}

bool cut_is_long(void) {
    const char *is_long = getenv("SBS_LONG");

    return is_long != NULL && is_long[0] == '1';
}

unsigned cut_effort(unsigned brief, unsigned lengthy) {
    const char *runs = getenv("SBS_FLASH_RUNS");
    if (runs != NULL) {
        return (unsigned)strtoul(runs, NULL, 10);
    }

    return cut_is_long() ? lengthy : brief;
}

unsigned cut_stride(void) {
    const char *stride = getenv("SBS_CUT_STRIDE");
    unsigned given = stride != NULL ? (unsigned)strtoul(stride, NULL, 10) : 0;
    if (given != 0) {
        return given;
    }

    return cut_is_long() ? 3 : 5;
}
