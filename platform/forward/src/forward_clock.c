/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_clock.h"

#include <sys/timex.h>

#include "sbs/linux_clock.h"

int64_t sbs_forward_trusted_utc(void *ctx) {
    struct timex kernel = {.modes = 0};
    (void)ctx;
    if (adjtimex(&kernel) < 0 || (kernel.status & STA_UNSYNC) != 0) {
        return SBS_UTC_UNKNOWN;
    }
    return sbs_linux_now().utc_s;
}
