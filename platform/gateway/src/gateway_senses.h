/* SPDX-License-Identifier: Apache-2.0 */
/* What wakes the loop beside sockets of its own: signals, other processes that add to the queue, the network. */
#ifndef SBS_GATEWAY_SENSES_H
#define SBS_GATEWAY_SENSES_H

#include <stdbool.h>

#include "sbs/stream.h"

#define GATEWAY_WAITS_MAX 8u

typedef struct gateway_senses {
    int signals, files, network; /* descriptors, -1: none */
} gateway_senses;

/** What woke it. */
typedef struct gateway_sensed {
    bool stop, reload; /* signals */
    bool files;        /* the queue's log was written */
    bool network;      /* an address, a link or a route changed */
    unsigned ready;    /* bits of the waits whose descriptor is ready */
} gateway_sensed;

/** Opens what can be opened: what cannot be is done without. @p folder: the state's. */
void gateway_senses_open(gateway_senses *senses, const char *folder);
/** Waits for any of @p waits and for its own, at most as long as the shortest of them, and tells what came. */
void gateway_senses_wait(gateway_senses *senses, const sbs_wait *waits, size_t count, gateway_sensed *out);
/** Waits for one of them alone, for microseconds. True if its descriptor is ready. */
bool gateway_senses_linger(const sbs_wait *wait, uint64_t micros);
void gateway_senses_close(gateway_senses *senses);

#endif
