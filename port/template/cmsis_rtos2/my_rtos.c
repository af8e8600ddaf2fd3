/* SPDX-License-Identifier: Apache-2.0 */
#include "my_rtos.h"

#include <cmsis_os2.h>
#include <mbedtls/build_info.h>
#include <mbedtls/threading.h>
#include <stddef.h>

#include "sbs/stream.h"

#define WAKE_FLAG 1u

/* ---- mutexes ----------------------------------------------------------------------------------------------------- */

void *my_rtos_lock_new(void) {
    const osMutexAttr_t attributes = {.attr_bits = osMutexPrioInherit};
    return osMutexNew(&attributes);
}

void my_rtos_lock(void *mutex) {
    (void)osMutexAcquire(mutex, osWaitForever);
}

void my_rtos_unlock(void *mutex) {
    (void)osMutexRelease(mutex);
}

/* Without memory there is no handle, and locking fails: Mbed TLS asks for that. */
static void mutex_init(mbedtls_threading_mutex_t *mutex) {
    mutex->handle = my_rtos_lock_new();
}

static void mutex_free(mbedtls_threading_mutex_t *mutex) {
    if (mutex->handle != NULL) {
        (void)osMutexDelete(mutex->handle);
        mutex->handle = NULL;
    }
}

static int mutex_lock(mbedtls_threading_mutex_t *mutex) {
    if (mutex->handle == NULL || osMutexAcquire(mutex->handle, osWaitForever) != osOK) {
        return MBEDTLS_ERR_THREADING_MUTEX_ERROR;
    }
    return 0;
}

static int mutex_unlock(mbedtls_threading_mutex_t *mutex) {
    if (mutex->handle == NULL || osMutexRelease(mutex->handle) != osOK) {
        return MBEDTLS_ERR_THREADING_MUTEX_ERROR;
    }
    return 0;
}

sbs_status my_rtos_crypto_start(const sbs_mbedtls_allocator *allocator) {
    mbedtls_threading_set_alt(mutex_init, mutex_free, mutex_lock, mutex_unlock);

    return sbs_mbedtls_init(allocator);
}

/* ---- clock ------------------------------------------------------------------------------------------------------- */

static uint32_t last_tick, rounds;
static int64_t utc_at_set = SBS_UTC_UNKNOWN;
static uint64_t ms_at_set;

/* With the kernel locked: two numbers change together. */
static uint64_t count_ms(void) {
    uint32_t tick = osKernelGetTickCount();
    if (tick < last_tick) {
        rounds++;
    }

    last_tick = tick;
    return ((uint64_t)rounds << 32 | tick) * 1000u / osKernelGetTickFreq();
}

sbs_now my_rtos_now(void) {
    int32_t was = osKernelLock();
    sbs_now now = {.mono_ms = count_ms(), .utc_s = SBS_UTC_UNKNOWN};
    if (utc_at_set != SBS_UTC_UNKNOWN) {
        now.utc_s = utc_at_set + (int64_t)((now.mono_ms - ms_at_set) / 1000u);
    }
    (void)osKernelRestoreLock(was);

    return now;
}

void my_rtos_on_time(void *ctx, int64_t utc_s) {
    (void)ctx;
    int32_t was = osKernelLock();
    utc_at_set = utc_s;
    ms_at_set = count_ms();
    (void)osKernelRestoreLock(was);
}

/* ---- sleep ------------------------------------------------------------------------------------------------------- */

void my_rtos_sleep(uint32_t timeout_ms) {
    uint32_t ticks = osWaitForever;
    if (timeout_ms != SBS_WAIT_FOREVER) {
        ticks = (uint32_t)(((uint64_t)timeout_ms * osKernelGetTickFreq() + 999u) / 1000u);
    }

    (void)osThreadFlagsWait(WAKE_FLAG, osFlagsWaitAny, ticks);
}

void my_rtos_wake(void *thread) {
    (void)osThreadFlagsSet(thread, WAKE_FLAG);
}
