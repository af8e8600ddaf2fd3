/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this layer. */
#ifndef SBS_BAREMETAL_INTERNAL_H
#define SBS_BAREMETAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

void sbs_baremetal_clock_start(void);
/* A period of SysTick is over: counts it, and tells the milliseconds now. */
uint64_t sbs_baremetal_clock_tick(void);
/* Protects the memory; where the MPU has too few regions for that, it stays off, and the start says so. */
void sbs_baremetal_mpu_start(void);
/* Regions that the MPU lacks; 0: memory is protected. */
unsigned sbs_baremetal_mpu_missing(void);
/* Takes over the last word, and begins to count as running. */
void sbs_baremetal_fault_start(void);
/* The watchdog runs from now on: a restart that leaves no last word is its work. */
void sbs_baremetal_fault_watchdog_started(void);
/* From SysTick, at least once in SBS_BAREMETAL_IDLE_MAX_MS. */
void sbs_baremetal_watchdog_tick(uint64_t ms);
/* From the interrupt of the watchdog's first stage: whether the program goes on, as the processor was held. */
bool sbs_baremetal_watchdog_forgives(void);
/* The milliseconds as they are, from an exception. */
uint64_t sbs_baremetal_ms_now(void);

/* Vectors. */
void sbs_baremetal_reset(void);
void sbs_baremetal_fault(void);

/* Where the guard under the stack begins; it ends where RAM begins. */
#define SBS_STACK_GUARD_SIZE 0x10000u

#endif
