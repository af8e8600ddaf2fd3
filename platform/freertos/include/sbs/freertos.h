/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file freertos.h
 * What a FreeRTOS program takes from libsbs: mutexes for PSA, an allocator, a clock, the end of a task's sleep, and a
 * lock for a queue that two tasks use. Nothing here runs before the scheduler but sbs_freertos_lock_init().
 */
#ifndef SBS_FREERTOS_H
#define SBS_FREERTOS_H

#include <stddef.h>
#include <stdint.h>

#include "sbs/freertos_lock.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/status.h"
#include "sbs/stream.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Gives Mbed TLS its mutexes, then calls sbs_mbedtls_init(). Call it in a task, once, before anything that draws a
 * random number, sbs_lwip_net_init() included. Without it psa_crypto_init() fails: no program runs without mutexes
 * unseen.
 * @param allocator for sbs_mbedtls_init(); it has to hold where several tasks call it.
 * @return as sbs_mbedtls_init().
 */
SBS_NODISCARD sbs_status sbs_freertos_crypto_start(const sbs_mbedtls_allocator *allocator);

/** Zeroed memory from pvPortMalloc(), or NULL; for SBS_LWIP_ALLOCATE, too. */
void *sbs_freertos_calloc(size_t count, size_t size);
/** Gives it back; NULL is legal. For SBS_LWIP_RELEASE, too. */
void sbs_freertos_free(void *memory);
/** Both, for sbs_freertos_crypto_start(). */
extern const sbs_mbedtls_allocator sbs_freertos_allocator;

/** Milliseconds since the scheduler's start, by the kernel's ticks. To be called once in 2^32 ticks (49 days at 1000
 * Hz), as every loop does. */
uint64_t sbs_freertos_ms(void);
/** Both clocks; the wall clock is SBS_UTC_UNKNOWN until it was set. */
sbs_now sbs_freertos_now(void);
/** Sets the wall clock, seconds since 1970: for on_time of sbs_lwip_net_config. */
void sbs_freertos_set_utc(int64_t utc_s);

/** Ends the sleep of a task, or the next one. @p task a TaskHandle_t; for wake of sbs_lwip_stream_config. Not from an
 *  interrupt, which uses vTaskNotifyGiveFromISR(). */
void sbs_freertos_wake(void *task);
/** The calling task sleeps until it is woken, at most @p timeout_ms; SBS_WAIT_FOREVER: no limit. */
void sbs_freertos_sleep(uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif
#endif
