/* SPDX-License-Identifier: Apache-2.0 */
/* Between our questions and lwIP's DNS client (library/dns_all.c). */
#ifndef SBS_LWIP_DNS_H
#define SBS_LWIP_DNS_H

#include <lwip/arch.h>

#include "sbs/lwip_lookup.h"

/* All addresses of a name that lwIP has an answer for, in the order of the answer. Returns how many; 0: none is kept.
 */
u8_t sbs_lwip_dns_addresses(const char *name, u32_t addresses[SBS_LWIP_ADDRESSES]);

#endif
