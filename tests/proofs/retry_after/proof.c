/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: seconds of Retry-After are clamped to what the caller allows, whatever their digits; what is neither
 *   digits nor a date is refused
 * Bound: every value of 0 to 3 bytes, and of 21; dates are of any value here (see date_read)
 * Sources: core/src/http/http_value.c core/src/text/ascii.c core/src/text/text.c
 * Unwind: 23
 * Meant: sbs_http_retry_after:conversion sbs_http_retry_after:wrap
 * Suite: short
 * Fault: core/src/http/http_value.c `return max_s;` => `return max_s + 1;`
 */
#include "proof.h"
#include "sbs/date.h"
#include "sbs/http.h"

enum { BYTES = 21 };

sbs_status sbs_date_parse_http(sbs_text text, int64_t reference_utc_s, int64_t *out_utc_s) {
    (void)text;
    (void)reference_utc_s;
    *out_utc_s = nondet_i64();
    return nondet_bool() ? SBS_OK : SBS_ERR_FORMAT;
}

static void prove_value(const char *text, size_t len) {
    uint32_t most = nondet_u32();
    uint32_t seconds = 0;
    sbs_status status = sbs_http_retry_after((sbs_text){text, len}, nondet_i64(), most, &seconds);
    PROVE(status == SBS_OK || status == SBS_ERR_FORMAT || status == SBS_ERR_NO_TIME);
    PROVE(seconds <= most);
    if (status == SBS_OK && seconds > 0) {
        REACHED("seconds");
    }
}

int main(void) {
    char long_value[BYTES];
    FOR_EACH_LENGTH(3, prove_value)
    prove_value(long_value, BYTES); /* as long as overflows */
    return 0;
}
