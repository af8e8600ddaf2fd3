/* SPDX-License-Identifier: Apache-2.0 */
/* The mutexes of Mbed TLS and of its PSA, by MBEDTLS_THREADING_ALT. */
#include <FreeRTOS.h>
#include <mbedtls/build_info.h>
#include <mbedtls/threading.h>
#include <semphr.h>

#include "sbs/freertos.h"

#if !defined(MBEDTLS_THREADING_C) || !defined(MBEDTLS_THREADING_ALT)
#error "tasks need MBEDTLS_THREADING_C and MBEDTLS_THREADING_ALT, as sbs_mbedtls_firmware_rtos.h has them"
#endif

static void mutex_free(mbedtls_threading_mutex_t *mutex) {
    if (mutex->handle == NULL) {
        return;
    }

    vSemaphoreDelete(mutex->handle);
    mutex->handle = NULL;
}

static int mutex_lock(mbedtls_threading_mutex_t *mutex) {
    if (mutex->handle == NULL || xSemaphoreTake(mutex->handle, portMAX_DELAY) != pdTRUE) {
        return MBEDTLS_ERR_THREADING_MUTEX_ERROR;
    }

    return 0;
}

static int mutex_unlock(mbedtls_threading_mutex_t *mutex) {
    if (mutex->handle == NULL || xSemaphoreGive(mutex->handle) != pdTRUE) {
        return MBEDTLS_ERR_THREADING_MUTEX_ERROR;
    }

    return 0;
}

sbs_status sbs_freertos_crypto_start(const sbs_mbedtls_allocator *allocator) {
    mbedtls_threading_set_alt(sbs_freertos_lock_init, mutex_free, mutex_lock, mutex_unlock);

    return sbs_mbedtls_init(allocator);
}
