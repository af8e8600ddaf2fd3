/* SPDX-License-Identifier: Apache-2.0 */
/* What libsbs takes from an RTOS, on CMSIS-RTOS2. */
#ifndef MY_RTOS_H
#define MY_RTOS_H

#include <stdint.h>

#include "sbs/mbedtls_platform.h"
#include "sbs/time.h"

/** Gives PSA its mutexes and starts it: in a thread, once, before anything else of libsbs. */
sbs_status my_rtos_crypto_start(const sbs_mbedtls_allocator *allocator);

/** A lock for sbs_flash_queue_config: `my_rtos_lock_new()` once, as lock_ctx. NULL: no memory. */
void *my_rtos_lock_new(void);
void my_rtos_lock(void *mutex);
void my_rtos_unlock(void *mutex);

/** The time; the wall clock as on_time of sbs_lwip_net_config told it. */
sbs_now my_rtos_now(void);
void my_rtos_on_time(void *ctx, int64_t utc_s);

/** Sleep of the calling thread, and its end: as wake of sbs_lwip_stream_config, with osThreadGetId() as wake_ctx. An
 *  interrupt may call it, too. */
void my_rtos_sleep(uint32_t timeout_ms);
void my_rtos_wake(void *thread);

#endif
