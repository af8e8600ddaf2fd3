/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS's mutex on FreeRTOS. It holds its own memory, so that making one never fails; Mbed TLS's headers need none
 * of the kernel's. */
#ifndef SBS_FREERTOS_THREADING_ALT_H
#define SBS_FREERTOS_THREADING_ALT_H

#include <stdint.h>

/* Room for a StaticSemaphore_t, in words; the compiler says if it is too little for a configuration of the kernel. */
#ifndef SBS_FREERTOS_MUTEX_WORDS
#define SBS_FREERTOS_MUTEX_WORDS 24
#endif

typedef struct mbedtls_threading_mutex_t {
    void *handle; /* NULL: none was made, or it is gone */
    uint32_t memory[SBS_FREERTOS_MUTEX_WORDS];
} mbedtls_threading_mutex_t;

#endif
