/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file freertos_lock.h
 * A mutex of FreeRTOS with its memory, so that making one never fails. Priorities are inherited. Nobody who includes
 * this needs the kernel's headers: Mbed TLS does (threading_alt.h).
 */
#ifndef SBS_FREERTOS_LOCK_H
#define SBS_FREERTOS_LOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Room for a StaticSemaphore_t, in words; the compiler says if a configuration of the kernel needs more. */
#ifndef SBS_FREERTOS_LOCK_WORDS
#define SBS_FREERTOS_LOCK_WORDS 24u
#endif

/** Fields are private. */
typedef struct sbs_freertos_lock {
    void *handle; /* NULL: not made, or gone */
    uint32_t memory[SBS_FREERTOS_LOCK_WORDS];
} sbs_freertos_lock;

/** Makes it. @p lock stays where it is from then on. */
void sbs_freertos_lock_init(sbs_freertos_lock *lock);
/** Takes it, and waits as long as another task has it. @p lock a sbs_freertos_lock; for sbs_flash_queue_config.lock. */
void sbs_freertos_lock_take(void *lock);
/** Gives it back. @p lock a sbs_freertos_lock; for sbs_flash_queue_config.unlock. */
void sbs_freertos_lock_give(void *lock);

#ifdef __cplusplus
}
#endif
#endif
