/* SPDX-License-Identifier: Apache-2.0 */
/* Included by lwIP where it calls hooks. */
#ifndef SBS_LWIP_HOOKS_H
#define SBS_LWIP_HOOKS_H

#include <lwip/ip_addr.h>

u32_t sbs_lwip_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port);
#define LWIP_HOOK_TCP_ISN sbs_lwip_initial_sequence

#endif
