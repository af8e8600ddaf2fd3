/* SPDX-License-Identifier: Apache-2.0 */
/* The template's files in the place of platform/freertos: what runs on the one runs on the other. */
#include <stddef.h>

#include "my_rtos.h"
#include "sbs/freertos.h"

sbs_status sbs_freertos_crypto_start(const sbs_mbedtls_allocator *allocator) {
    return my_rtos_crypto_start(allocator);
}

uint64_t sbs_freertos_ms(void) {
    return my_rtos_now().mono_ms;
}

sbs_now sbs_freertos_now(void) {
    return my_rtos_now();
}

void sbs_freertos_set_utc(int64_t utc_s) {
    my_rtos_on_time(NULL, utc_s);
}

void sbs_freertos_wake(void *task) {
    my_rtos_wake(task);
}

void sbs_freertos_sleep(uint32_t timeout_ms) {
    my_rtos_sleep(timeout_ms);
}

void sbs_freertos_lock_init(sbs_freertos_lock *lock) {
    lock->handle = my_rtos_lock_new();
}

void sbs_freertos_lock_take(void *lock) {
    my_rtos_lock(((sbs_freertos_lock *)lock)->handle);
}

void sbs_freertos_lock_give(void *lock) {
    my_rtos_unlock(((sbs_freertos_lock *)lock)->handle);
}
