/* SPDX-License-Identifier: Apache-2.0 */
/** @file push_internal.h What the files of the push engine share. */
#ifndef SBS_PUSH_INTERNAL_H
#define SBS_PUSH_INTERNAL_H

#include <string.h>

#include "sbs/push.h"

enum { PUSH_CHOOSE, PUSH_SEND, PUSH_READY, PUSH_RUN, PUSH_JUDGE, PUSH_WAIT };

/** What an answer says about one item. */
typedef struct sbs_push_result {
    sbs_status status;
    uint16_t http_status;
    bool elsewhere;        /* it failed on the way to a token: nothing was sent of the item */
    bool outcome_unknown;  /* this try, or one that the client repeated by itself, may have been stored */
    const char *words;     /* the server's, "" if none */
    const char *server_id; /* "" if none */
    const char *etag;      /* "" if none */
} sbs_push_result;

void sbs_push_tell(sbs_push *push, sbs_push_event_kind kind, uint64_t id, const sbs_push_result *result);

/** When an item was measured; SBS_UTC_UNKNOWN if that is not known yet. */
int64_t sbs_push_time_of(const sbs_push *push, const sbs_queue_meta *meta);

/** Reads, dates and encodes an item behind what the body holds already. SBS_ERR_BUFFER: no room for it; others say why
 * the item cannot be sent. SBS_ERR_NO_TIME: to be held. */
sbs_status sbs_push_build(sbs_push *push, const sbs_queue_item *item);

/** Starts the request that was built. */
sbs_status sbs_push_start(sbs_push *push);

/** Acts on what the server said of an item. Returns a failure of the queue, or SBS_OK. */
sbs_status sbs_push_settle(sbs_push *push, const struct sbs_push_sent *sent, const sbs_push_result *result);

/** All wait: for the network or server, or (pause) for an operator. */
void sbs_push_wait(sbs_push *push, bool pause, const sbs_push_result *result);

/** True if a failure waits for a person: the longer waits of a pause fit it. */
bool sbs_push_needs_operator(sbs_status status);

/** Lets all that is deferred go at once. */
void sbs_push_wake_deferred(sbs_push *push);

sbs_status sbs_push_dead(sbs_push *push, const struct sbs_push_sent *sent, sbs_push_event_kind kind,
                         const sbs_push_result *result, const char *reason);

#endif
