/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/text.h"

#include <string.h>

#include "text/ascii.h"

bool sbs_text_equal(sbs_text a, sbs_text b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool sbs_text_equal_nocase(sbs_text a, sbs_text b) {
    if (a.len != b.len) {
        return false;
    }

    for (size_t i = 0; i < a.len; i++) {
        if (sbs_ascii_lower(a.ptr[i]) != sbs_ascii_lower(b.ptr[i])) {
            return false;
        }
    }

    return true;
}

void sbs_wipe(void *data, size_t len) {
    /* A compiler must read a volatile object (C11 5.1.2.3), so it cannot know what is called, and must call it. Buffers
     * may be large, and memset is fast. */
    void *(*volatile set)(void *, int, size_t) = memset;
    if (len > 0) {
        (void)set(data, 0, len);
    }
}

sbs_status sbs_text_to_uint(sbs_text text, uint64_t *out_value) {
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20) {
        return SBS_ERR_FORMAT;
    }

    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (digit > 9) {
            return SBS_ERR_FORMAT;
        }
        if (value > (UINT64_MAX - digit) / 10) {
            value = UINT64_MAX; /* and stays there: any digit more is too much again */
        } else {
            value = value * 10 + digit;
        }
    }

    *out_value = value;
    return SBS_OK;
}
