/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: the status of an entry of a batch's answer is read within its text, and is 0 or has three digits
 * Bound: every text of 0 to 10 bytes
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 13
 * Unwindset: memcmp.0:13 strlen.0:13
 * Suite: short
 * Fault: core/src/fhir/bundle.c `text.len == 3 || !sbs` => `text.len <= 2 || !sbs`
 */
#include "proof.h"
#include "fhir/bundle.c"

enum { BYTES = 10 };

int main(void) {
    char text[BYTES];
    size_t len = any_count(BYTES);
    unsigned status = bundle_read_status((sbs_text){text + BYTES - len, len}); /* it ends where the array does */
    PROVE(status <= 999);
    if (status >= 100) {
        REACHED("a status");
    }
    return 0;
}
