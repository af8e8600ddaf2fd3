/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_stack.h
 * The one stack, which interrupts use too. It is painted at the start; below its end lies a guard that faults.
 */
#ifndef SBS_BAREMETAL_STACK_H
#define SBS_BAREMETAL_STACK_H

#include <stddef.h>

/** Bytes of the stack. */
size_t sbs_baremetal_stack_size(void);

/** Bytes that were in use at the deepest moment since the start. */
size_t sbs_baremetal_stack_high_water(void);

#endif
