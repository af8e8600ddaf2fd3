/* SPDX-License-Identifier: Apache-2.0 */
#include "wipe_record.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SIZES_MAX 256u
#define SECRET_MAX 4096u

void __wrap_sbs_wipe(void *data, size_t len);
void __real_sbs_wipe(void *data, size_t len);

static struct {
    uint8_t secret[SECRET_MAX]; /* a copy: who gave it may be gone, as after a test that failed */
    size_t len;                 /* 0: none is looked for */
    size_t sizes[SIZES_MAX];    /* of each memory that held it */
    unsigned count;
} record;

static bool holds_secret(const uint8_t *data, size_t len) {
    for (; len >= record.len; data++, len--) {
        if (memcmp(data, record.secret, record.len) == 0) {
            return true;
        }
    }
    return false;
}

void __wrap_sbs_wipe(void *data, size_t len) {
    if (record.len > 0 && holds_secret(data, len)) {
        if (record.count == SIZES_MAX) {
            abort();
        }
        record.sizes[record.count++] = len;
    }
    __real_sbs_wipe(data, len);
}

void wipe_record_begin(const void *secret, size_t len) {
    if (len > sizeof record.secret) {
        abort();
    }

    if (len > 0) {
        memcpy(record.secret, secret, len);
    }
    record.len = len;
    record.count = 0;
}

unsigned wipe_record_found(void) {
    return record.count;
}

unsigned wipe_record_found_in(size_t size) {
    unsigned found = 0;
    for (unsigned i = 0; i < record.count; i++) {
        found += record.sizes[i] == size;
    }
    return found;
}
