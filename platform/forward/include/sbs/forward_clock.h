/* SPDX-License-Identifier: Apache-2.0 */
/** @file forward_clock.h The wall clock where it is known to be right. */
#ifndef SBS_FORWARD_CLOCK_H
#define SBS_FORWARD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_CLOCK_AGREES_S 60 /**< a server's Date this near says that the clock is right */

/** What is known of the wall clock; zero-initialise. */
typedef struct sbs_forward_clock {
    bool agreed; /**< a server that TLS vouches for has the same time */
} sbs_forward_clock;

/** Notes what time it is at @p now by an authenticated server, in seconds since 1970: sbs_client_server_time(), which
 * carries its last Date on, or SBS_UTC_UNKNOWN, which changes nothing. */
void sbs_forward_clock_note(sbs_forward_clock *clock, sbs_now now, int64_t server_utc_s);

/**
 * UTC, if the kernel says that its clock is kept in step with a true one (adjtimex(2), not STA_UNSYNC) or a server's
 * Date agreed; else SBS_UTC_UNKNOWN: a clock that was set by hand, or not at all, deletes nothing. For
 * sbs_sqlite_queue_config.utc_now; @p ctx: a sbs_forward_clock, or NULL.
 */
int64_t sbs_forward_trusted_utc(void *ctx);

#ifdef __cplusplus
}
#endif
#endif
