/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this layer share. Everything here is called with lwIP's core lock held. */
#ifndef SBS_LWIP_INTERNAL_H
#define SBS_LWIP_INTERNAL_H

#include <lwip/opt.h>

#include <lwip/ip_addr.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/sys.h>

#include "sbs/lwip_net.h"
#include "sbs/lwip_stream.h"

#if !NO_SYS && !LWIP_TCPIP_CORE_LOCKING
#error "threads use lwIP by its core lock: set LWIP_TCPIP_CORE_LOCKING to 1"
#endif

#if NO_SYS
#define sbs_lwip_lock() ((void)0)
#define sbs_lwip_unlock() ((void)0)
#else
#include <lwip/tcpip.h>
#define sbs_lwip_lock() LOCK_TCPIP_CORE()
#define sbs_lwip_unlock() UNLOCK_TCPIP_CORE()
#endif

/* Draws the secret of the sequence numbers. SBS_ERR_RANDOM. */
sbs_status sbs_lwip_random_start(void);

/* Whether random numbers can be had now: without them nothing is asked and nobody is connected to. */
bool sbs_lwip_random_works(void);

/* Milliseconds of lwIP's clock. */
void sbs_lwip_clock_set(uint64_t mono_ms);

/* Continues to resolve @p host. SBS_OK with lookup->addresses; SBS_PENDING; SBS_ERR_RESOLVE; SBS_ERR_UNREACHABLE (an
 * IPv6 address). done(ctx) is called when the answer is there. */
sbs_status sbs_lwip_lookup_poll(sbs_lwip_lookup *lookup, const char *host);

/* Forgets the question; its answer will touch nothing. */
void sbs_lwip_lookup_cancel(sbs_lwip_lookup *lookup);

/* Receives one frame into memory of its own. SBS_OK; SBS_PENDING: none was there; an error of the controller. */
sbs_status sbs_lwip_frame_receive(const sbs_ethernet *ethernet, struct pbuf **out_frame);

/* Whether the memory for received frames is nearly used up. */
bool sbs_lwip_frames_scarce(void);

uint32_t sbs_lwip_frames_size(uint32_t *out_peak);

/* The time of day: one step. @p ready: there is a network. True with the time in @p out_utc_s when a server told it. */
bool sbs_lwip_time_poll(sbs_lwip_time *time, const sbs_lwip_net_config *config, bool ready, uint64_t now_ms,
                        int64_t *out_utc_s);

/* Milliseconds until sbs_lwip_time_poll has something to do. */
uint32_t sbs_lwip_time_left(const sbs_lwip_time *time, uint64_t now_ms);

void sbs_lwip_time_stop(sbs_lwip_time *time);

/* Ends the pause. */
void sbs_lwip_time_ask(sbs_lwip_time *time);

/* The server that DHCP named last; 0: none. */
uint32_t sbs_lwip_time_server_of_dhcp(void);
void sbs_lwip_time_forget_dhcp(void);

#endif
