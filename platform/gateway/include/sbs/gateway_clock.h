/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_clock.h
 * What the wall clock of the gateway is worth. A Raspberry Pi has none at boot and starts with a plausible false time:
 * so a clock is known only where the kernel calls it synchronised (adjtimex(2), not STA_UNSYNC), or where a token was
 * given to an assertion that it dated and the authenticated Date of the server agrees within a minute. Nobody waits for
 * it: devices are served before.
 */
#ifndef SBS_GATEWAY_CLOCK_H
#define SBS_GATEWAY_CLOCK_H

#include "sbs/forward_clock.h"
#include "sbs/gateway_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What was learnt of it; zero-initialise. */
typedef struct sbs_gateway_clockwork {
    sbs_forward_clock forward; /**< for sbs_forward_push_config.clock: agrees with the server's Date */
    bool token_given;          /**< a token was given since the start */
    bool differs;              /**< the server's authenticated Date was more than a minute away */
} sbs_gateway_clockwork;

/** Notes what an authenticated answer says: its Date, or SBS_UTC_UNKNOWN, and whether there is a token. */
void sbs_gateway_clock_note(sbs_gateway_clockwork *clock, sbs_now now, int64_t date_utc_s, bool has_token);

/** What it is worth at @p now. */
sbs_gateway_clock sbs_gateway_clock_state(const sbs_gateway_clockwork *clock, sbs_now now);

/** @p now, without its UTC where that is not known. */
sbs_now sbs_gateway_clock_known(const sbs_gateway_clockwork *clock, sbs_now now);

/** UTC where it is known, else SBS_UTC_UNKNOWN: for sbs_sqlite_queue_config.utc_now. @p ctx: the clockwork. */
int64_t sbs_gateway_clock_utc(void *ctx);

#ifdef __cplusplus
}
#endif
#endif
