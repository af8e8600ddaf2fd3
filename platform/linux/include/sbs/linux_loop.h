/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_loop.h
 * The wait of a loop around sbs_client_poll(): `while ((status = sbs_client_poll(&client, sbs_linux_now(), &wait)) ==
 * SBS_PENDING) sbs_linux_wait(&wait);`
 */
#ifndef SBS_LINUX_LOOP_H
#define SBS_LINUX_LOOP_H

#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Waits with poll(2) until the event, the time limit, or a signal. A wait for nothing at all (no event, no limit)
 * returns at once. SBS_OK, or SBS_ERR_ARGUMENT if the descriptor is not open; the caller polls again in either case.
 */
sbs_status sbs_linux_wait(const sbs_wait *wait);

#ifdef __cplusplus
}
#endif
#endif
