/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_clock.h"

#include <stddef.h>

#include "sbs/linux_clock.h"

void sbs_forward_clock_note(sbs_forward_clock *clock, sbs_now now, int64_t server_utc_s) {
    if (server_utc_s == SBS_UTC_UNKNOWN || now.utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    int64_t ahead_s = now.utc_s - server_utc_s;
    clock->agreed = ahead_s <= SBS_FORWARD_CLOCK_AGREES_S && ahead_s >= -SBS_FORWARD_CLOCK_AGREES_S;
}

int64_t sbs_forward_trusted_utc(void *ctx) {
    const sbs_forward_clock *clock = ctx;

    /* Where the kernel may not be asked, the server's word is all that there is. */
    bool agreed = clock != NULL && clock->agreed;
    if (!agreed && !sbs_linux_clock_is_synchronised()) {
        return SBS_UTC_UNKNOWN;
    }

    return sbs_linux_now().utc_s;
}
