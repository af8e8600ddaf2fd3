/* SPDX-License-Identifier: Apache-2.0 */
/* Internal: the character set of client ids, key ids and the like (VSCHAR, RFC 6749 appendix A). */
#ifndef SBS_PRINTABLE_H
#define SBS_PRINTABLE_H

#include "sbs/text.h"

/** True if every byte is printable ASCII or space (0x20-0x7E). */
static inline bool sbs_is_printable(sbs_text text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

#endif
