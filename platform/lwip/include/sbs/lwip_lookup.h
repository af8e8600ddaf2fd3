/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lwip_lookup.h
 * Private part of lwip_stream.h and lwip_net.h: one question to the name server.
 */
#ifndef SBS_LWIP_LOOKUP_H
#define SBS_LWIP_LOOKUP_H

#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_LWIP_ADDRESSES 4 /* of one name that are tried */

typedef struct sbs_lwip_lookup {
    struct sbs_lwip_lookup *next;           /* of those that are waited for */
    uint32_t ticket;                        /* what the answer is known by; 0: none is waited for */
    uint32_t addresses[SBS_LWIP_ADDRESSES]; /* IPv4, network byte order */
    uint8_t count;
    sbs_status answer;       /* SBS_PENDING: none yet */
    void (*done)(void *ctx); /**< called with the answer; NULL: it is polled for */
    void *ctx;
} sbs_lwip_lookup;

#ifdef __cplusplus
}
#endif
#endif
