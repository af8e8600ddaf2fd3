/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file freertos_board.h
 * FreeRTOS on the boards here: the kernel beside platform/baremetal, on one heap and one clock. A product whose vendor
 * brings startup code, heap and vectors for FreeRTOS has no use for it.
 */
#ifndef SBS_FREERTOS_BOARD_H
#define SBS_FREERTOS_BOARD_H

#include <FreeRTOS.h>
#include <semphr.h>
#include <task.h>

#include "sbs/freertos.h"

/** From main(): runs the tasks that were made. */
_Noreturn void sbs_freertos_board_run(void);

#define SBS_FREERTOS_LISTENERS_MAX 4u

/** The calling task's sleep ends with each interrupt of a device that calls sbs_baremetal_wake(). At most
 *  SBS_FREERTOS_LISTENERS_MAX tasks; one more is an assertion. */
void sbs_freertos_board_listen(void);

#endif
