/* SPDX-License-Identifier: Apache-2.0 */
/* What devices send, for somebody who looks: kept only while somebody does, and never written. */
#ifndef SBS_GATEWAY_WATCH_H
#define SBS_GATEWAY_WATCH_H

#include "sbs/forward_buffer.h"
#include "sbs/gateway_config.h"
#include "sbs/linux_http_server.h"

#define GATEWAY_WATCH_MAX 64u

struct sbs_gateway_loop;

typedef struct gateway_watched {
    uint64_t number;
    int64_t utc_s;
    char device[SBS_GATEWAY_NAME_SIZE], method[8], peer[46];
    uint16_t status;
    size_t len;
    char *body; /* NULL: not kept */
} gateway_watched;

typedef struct gateway_watch {
    gateway_watched seen[GATEWAY_WATCH_MAX];
    uint64_t count, until_ms;
    uint64_t values_until_ms; /* so long somebody looks at bodies, too */
} gateway_watch;

/** Notes a request and its answer, if somebody looks. @p device: who sent it, "": nobody knows. */
void gateway_watch_note(struct sbs_gateway_loop *loop, const char *device, const sbs_linux_http_request *request,
                        const sbs_linux_http_answer *answer);
/** Writes what came since, as a JSON array: `device=NAME&after=N&values=1`. Bodies only with values=1. */
void gateway_watch_put(struct sbs_gateway_loop *loop, sbs_text query, sbs_forward_buffer *out);

/** True if a query's device is in the configuration or has a secret: of any other nothing is ever seen. */
bool gateway_watch_knows(const struct sbs_gateway_loop *loop, sbs_text query);

/** Forgets all once nobody looks. */
void gateway_watch_end(struct sbs_gateway_loop *loop);

#endif
