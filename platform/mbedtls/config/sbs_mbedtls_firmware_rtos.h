/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS configuration for microcontrollers with an RTOS: that of sbs_mbedtls_firmware.h, with the mutexes of PSA.
 * The RTOS's threading_alt.h (platform/freertos/config has FreeRTOS's) says what a mutex is, and
 * mbedtls_threading_set_alt() what is done with it.
 */
#ifndef SBS_MBEDTLS_FIRMWARE_RTOS_H
#define SBS_MBEDTLS_FIRMWARE_RTOS_H

#include "sbs_mbedtls_firmware.h"

#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_ALT

#endif
