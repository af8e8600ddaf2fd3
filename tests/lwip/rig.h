/* SPDX-License-Identifier: Apache-2.0 */
/* What the unit tests of the layer on lwIP share: a network with a fixed address against the peer, and one stream. */
#ifndef SBS_TEST_LWIP_RIG_H
#define SBS_TEST_LWIP_RIG_H

#include "peer.h"
#include "sbs/lwip_stream.h"
#include "test.h"

/** Shows both by name when they differ. */
#define assert_status(got, expected) assert_string_equal(sbs_status_name(got), sbs_status_name(expected))

#define RIG_PORT 443u
#define RIG_HOST "10.77.0.1"

typedef struct rig {
    peer peer;
    sbs_lwip_net net;
    sbs_lwip_stream tcp;
    sbs_stream stream;
    unsigned wakes;
} rig;

/** setup and teardown of cmocka. The teardown demands that lwIP holds no memory, connection, segment or frame. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/** The heap of lwIP: fails from the allocation of this number on, counted from now; 0: never. */
void rig_fail_allocations(unsigned after);

/** The heap is in pieces: larger allocations than @p size bytes fail; 0: none. */
void rig_limit_allocations(size_t size);

sbs_status rig_open(rig *rig, const char *host);

/** Opens RIG_HOST and accepts it. */
void rig_connect(rig *rig, peer_connection *out);

/** Sends, demanding SBS_OK; returns the number of bytes taken. */
size_t rig_send(rig *rig, const void *data, size_t len);

/** Reads all there is, in pieces of @p piece bytes; @p out_status: what ended it. */
size_t rig_receive(rig *rig, uint8_t *buffer, size_t size, size_t piece, sbs_status *out_status);

#endif
