/* SPDX-License-Identifier: Apache-2.0 */
/* Included by lwIP where it calls hooks. */
#ifndef SBS_LWIP_HOOKS_H
#define SBS_LWIP_HOOKS_H

#include <lwip/err.h>
#include <lwip/ip_addr.h>
#include <lwip/prot/tcp.h>

u32_t sbs_lwip_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port);
#define LWIP_HOOK_TCP_ISN sbs_lwip_initial_sequence

/* ERR_VAL if an option is cut off or has no length: the segment is dropped. */
err_t sbs_lwip_check_options(const struct tcp_hdr *header, u16_t len, u16_t first_len, const u8_t *second);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, len, first_len, second, packet)                                        \
    sbs_lwip_check_options(header, len, first_len, second)

#endif
