/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_group.h
 * One transaction for a turn of the gateway's loop: what was accepted, and what the push marked and settled, goes into
 * the same group of the queue, whoever opens it, and the first commit after something was accepted decides what the
 * answers are. The push is given this port in place of the queue's own.
 *
 *     accept ──▶ group is open ──▶ push marks, settles ──▶ its commit, or the loop's ──▶ kept? ──▶ answers
 */
#ifndef SBS_GATEWAY_GROUP_H
#define SBS_GATEWAY_GROUP_H

#include "sbs/sqlite_queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Place it anywhere; it must not move while its port is used. */
typedef struct sbs_gateway_group {
    struct {
        sbs_queue inner;
        bool waits;  /* something was accepted, and no commit has told yet what became of it */
        bool failed; /* the commit after it did */
    } priv;
} sbs_gateway_group;

/** @p inner: the queue's own port, which must have groups and bulk operations. @p out_port: for the push. */
void sbs_gateway_group_init(sbs_gateway_group *group, const sbs_queue *inner, sbs_queue *out_port);
/** Something was accepted in this turn: the next commit decides. */
void sbs_gateway_group_expect(sbs_gateway_group *group);
/** Ends the turn: commits what is open. SBS_OK: what was accepted is durable. */
SBS_NODISCARD sbs_status sbs_gateway_group_end(sbs_gateway_group *group);

#ifdef __cplusplus
}
#endif
#endif
