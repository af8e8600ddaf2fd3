/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS's mutex on CMSIS-RTOS2: for MBEDTLS_THREADING_ALT, as sbs_mbedtls_firmware_rtos.h has it. */
#ifndef MY_THREADING_ALT_H
#define MY_THREADING_ALT_H

typedef struct mbedtls_threading_mutex_t {
    void *handle; /* an osMutexId_t; NULL: none */
} mbedtls_threading_mutex_t;

#endif
