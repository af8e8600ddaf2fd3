/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS's mutex on FreeRTOS. */
#ifndef SBS_FREERTOS_THREADING_ALT_H
#define SBS_FREERTOS_THREADING_ALT_H

#include "sbs/freertos_lock.h"

typedef sbs_freertos_lock mbedtls_threading_mutex_t;

#endif
