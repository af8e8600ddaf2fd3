/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_loop.h
 * The gateway itself: one thread, and one transaction of the queue for each turn.
 *
 *     wait ──▶ requests and files that are whole ──▶ marks and settlements of the push ──▶ one commit, one sync
 *       ▲                                                                                        │
 *       └── answers: 201 where it was kept, 503 for all of the turn where it was not ◀───────────┘
 *
 * A commit that failed restarts the push from what the queue holds. The clock is never waited for. While nothing
 * happens the loop wakes at most once a second, for what has a time of its own.
 */
#ifndef SBS_GATEWAY_LOOP_H
#define SBS_GATEWAY_LOOP_H

#include "sbs/gateway_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_MESSAGE_SIZE 512u /**< bytes of a message for an operator, with the NUL */

struct sbs_gateway_loop;

/**
 * Reads the configuration, opens state, key, queue and listeners, and connects to nothing.
 * @param config_path copied; a reload reads it again.
 * @param message     what is wrong, where, and what to do, one line; "" after SBS_OK.
 * @return SBS_OK; SBS_ERR_FORMAT (the configuration, or a file of the state); SBS_ERR_BUSY: another gateway, or 'sbs
 * queue push', works on the same state; SBS_ERR_FORBIDDEN; SBS_ERR_STORAGE; SBS_ERR_NETWORK: a listener; SBS_ERR_KEY
 * and others of the key; SBS_ERR_MEMORY. After an error there is nothing to close.
 */
SBS_NODISCARD sbs_status sbs_gateway_loop_open(struct sbs_gateway_loop **out, const char *config_path, char *message,
                                               size_t message_size);

/** Runs until SIGTERM or SIGINT, which it takes from a descriptor: the caller has blocked them and SIGHUP. SBS_OK. */
SBS_NODISCARD sbs_status sbs_gateway_loop_run(struct sbs_gateway_loop *loop);

/** One turn: does what is there to do, and waits for at most @p wait_ms for more. */
void sbs_gateway_loop_turn(struct sbs_gateway_loop *loop, uint32_t wait_ms);

/** Everything as it is now. What it points to is the loop's, until the next turn. */
void sbs_gateway_loop_status(struct sbs_gateway_loop *loop, sbs_gateway_status *out);

/** Reads the configuration again. SBS_OK: it is used from the next turn on, and @p message says what needs a restart;
 * else nothing changed, and @p message says why. */
SBS_NODISCARD sbs_status sbs_gateway_loop_reload(struct sbs_gateway_loop *loop, char *message, size_t message_size);

/** The port of the listener called @p name, 0: there is none. */
uint16_t sbs_gateway_loop_port(const struct sbs_gateway_loop *loop, const char *name);

/** Ends what is under way, within seconds, and frees. NULL is legal. */
void sbs_gateway_loop_close(struct sbs_gateway_loop *loop);

#ifdef __cplusplus
}
#endif
#endif
