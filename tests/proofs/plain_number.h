/* SPDX-License-Identifier: Apache-2.0 */
/* text.c with a reader of numbers that says what its contract allows: dividing is dear for CBMC, and proven apart. */
#ifndef SBS_PROOF_PLAIN_NUMBER_H
#define SBS_PROOF_PLAIN_NUMBER_H

#include "proof.h"
#include "text/ascii.h"

#define sbs_text_to_uint text_to_uint_proven_apart
#include "text/text.c"
#undef sbs_text_to_uint

sbs_status sbs_text_to_uint(sbs_text text, uint64_t *out_value) {
    if (!sbs_ascii_all_digits(text)) {
        return SBS_ERR_FORMAT;
    }
    *out_value = nondet_u64();
    return SBS_OK;
}

#endif
