/* SPDX-License-Identifier: Apache-2.0 */
#include <FreeRTOS.h>
#include <string.h>

#include "sbs/freertos.h"

void *sbs_freertos_calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }

    void *memory = pvPortMalloc(total);
    if (memory != NULL) {
        memset(memory, 0, total);
    }

    return memory;
}

void sbs_freertos_free(void *memory) {
    if (memory != NULL) {
        vPortFree(memory);
    }
}

const sbs_mbedtls_allocator sbs_freertos_allocator = {sbs_freertos_calloc, sbs_freertos_free};
