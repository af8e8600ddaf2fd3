/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a scenario on the simulated flash with power cut in its middle, over and over. */
#ifndef POWER_CUT_H
#define POWER_CUT_H

#include "flash_sim.h"

/* A scenario under test. Its state lives in ctx, not in local variables: a cut is a longjmp. */
typedef struct cut_scenario {
    void *ctx;
    flash_sim *sim;
    /* Finds everything as it was promised after power came back; fails the test otherwise. May write. */
    void (*recover)(void *ctx);
    /* The next step, or false at the end of the scenario. */
    bool (*step)(void *ctx);
} cut_scenario;

/* Recovers and steps on until the end (true) or the cut that is due (false). */
bool cut_run(const cut_scenario *scenario);
/* The same with a cut at the n-th operation from now on; then power comes back. */
bool cut_run_until(const cut_scenario *scenario, uint64_t operation, flash_sim_tear tear, uint32_t bytes);

/* SBS_LONG=1 in the environment. */
bool cut_is_long(void);
/* How many random histories are to be tried: the environment's SBS_FLASH_RUNS, else by the suite. */
unsigned cut_effort(unsigned brief, unsigned lengthy);
/* One fill of the flash in so many is tried: the environment's SBS_CUT_STRIDE, else by the suite. */
unsigned cut_stride(void);

extern uint64_t cuts_tried;

#endif
