/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lwIP's configuration. What a board decides stands first, each as a macro that its build may define
 * (SBS_LWIP_DEFINITIONS in CMake); the rest follows from it. README.md tells what each costs.
 */
#ifndef SBS_LWIPOPTS_H
#define SBS_LWIPOPTS_H

/* 0: one superloop. 1: an RTOS's threads, with lwIP's core lock; the RTOS's port of lwIP gives arch/sys_arch.h. */
#ifndef SBS_LWIP_THREADS
#define SBS_LWIP_THREADS 0
#endif

/* 1: frames and segments come from the heap that the program has for everything (calloc and free, or the functions of
 * the same form that SBS_LWIP_ALLOCATE and SBS_LWIP_RELEASE name). 0: from SBS_LWIP_HEAP_SIZE bytes of lwIP's own. */
#ifndef SBS_LWIP_SHARED_HEAP
#define SBS_LWIP_SHARED_HEAP 0
#endif

/* The largest segment in bytes. 1460 fills an Ethernet frame; 536 needs less memory and more segments. */
#ifndef SBS_LWIP_SEGMENT
#define SBS_LWIP_SEGMENT 1460
#endif

/* Segments that may be on the way in each direction. */
#ifndef SBS_LWIP_WINDOW_SEGMENTS
#define SBS_LWIP_WINDOW_SEGMENTS 2
#endif

/* Most bytes that received frames may hold, read by nobody yet, administration included. One frame of it is never
 * taken by a stream that has something to read already: acknowledgements always get through. */
#ifndef SBS_LWIP_RECEIVED_MAX
#define SBS_LWIP_RECEIVED_MAX ((SBS_LWIP_WINDOW_SEGMENTS + 1) * (SBS_LWIP_SEGMENT + 120) + 512)
#endif

/* Connections, those included that are only closing. */
#ifndef SBS_LWIP_CONNECTIONS
#define SBS_LWIP_CONNECTIONS 4
#endif

/* Names that are remembered or asked for at once: the FHIR server, the token endpoint, the time server. */
#ifndef SBS_LWIP_NAMES
#define SBS_LWIP_NAMES 3
#endif

/* Bytes of a name, with the NUL: those of SBS_HOST_SIZE (sbs/config.h) at least. */
#ifndef SBS_LWIP_NAME_SIZE
#define SBS_LWIP_NAME_SIZE 256
#endif

/* 1: answers to echo requests (ping). */
#ifndef SBS_LWIP_PING
#define SBS_LWIP_PING 1
#endif

/* 1: lwIP checks itself and counts what it does. For tests. */
#ifndef SBS_LWIP_CHECKED
#define SBS_LWIP_CHECKED 0
#endif

/* UDP ports, for test networks without privileges. */
#ifndef SBS_LWIP_NTP_PORT
#define SBS_LWIP_NTP_PORT 123
#endif
#ifdef SBS_LWIP_DNS_PORT
#define DNS_SERVER_PORT SBS_LWIP_DNS_PORT
#endif

/* System */
#if SBS_LWIP_THREADS
#define NO_SYS 0
#define SYS_LIGHTWEIGHT_PROT 1
#define LWIP_TCPIP_CORE_LOCKING 1
#define LWIP_COMPAT_MUTEX 0
#define TCPIP_MBOX_SIZE 16
#ifndef TCPIP_THREAD_STACKSIZE
#define TCPIP_THREAD_STACKSIZE 4096
#endif
#ifndef TCPIP_THREAD_PRIO
#define TCPIP_THREAD_PRIO 3
#endif
#else
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#endif
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_NETIF_API 0

/* Memory. The small structures stand in pools, so that a timer or a connection never fails because a TLS handshake
 * has the heap: lwIP loses a timer for good that it cannot allocate. */
#define MEM_ALIGNMENT __SIZEOF_POINTER__
#define MEMP_MEM_MALLOC 0
#if SBS_LWIP_SHARED_HEAP
#include <stdlib.h>
#ifndef SBS_LWIP_ALLOCATE
#define SBS_LWIP_ALLOCATE calloc
#define SBS_LWIP_RELEASE free
#else
void *SBS_LWIP_ALLOCATE(size_t count, size_t size);
void SBS_LWIP_RELEASE(void *memory);
#endif
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC(size) SBS_LWIP_ALLOCATE(1, size)
#define MEM_CUSTOM_CALLOC SBS_LWIP_ALLOCATE
#define MEM_CUSTOM_FREE SBS_LWIP_RELEASE
#else
#ifndef SBS_LWIP_HEAP_SIZE
#define SBS_LWIP_HEAP_SIZE (SBS_LWIP_RECEIVED_MAX + TCP_SND_BUF + 3 * 1024)
#endif
#define MEM_SIZE SBS_LWIP_HEAP_SIZE
#endif
#define MEMP_NUM_TCP_PCB SBS_LWIP_CONNECTIONS
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB (SBS_LWIP_NAMES + 2)
#define MEMP_NUM_TCP_SEG (SBS_LWIP_CONNECTIONS * 2 + TCP_SND_QUEUELEN)
#define MEMP_NUM_PBUF 4
#define PBUF_POOL_SIZE 1 /* of no use: received frames are allocated in their own size */
#define PBUF_POOL_BUFSIZE 64
#define LWIP_SUPPORT_CUSTOM_PBUF 1

/* Protocols */
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define LWIP_ICMP SBS_LWIP_PING
#define LWIP_RAW 0
#define LWIP_IGMP 0
#define LWIP_ACD 0
#define LWIP_AUTOIP 0
#define LWIP_SINGLE_NETIF 1
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_NETIF_STATUS_CALLBACK 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define ARP_TABLE_SIZE 6
#define ARP_QUEUEING 0
#define ETHARP_SUPPORT_STATIC_ENTRIES 0

/* DHCP */
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DHCP_GET_NTP_SRV 1
#define LWIP_DHCP_MAX_NTP_SERVERS 1
#define LWIP_DHCP_MAX_DNS_SERVERS DNS_MAX_SERVERS

/* DNS: random ids and source ports, no two questions for one name (RFC 5452) */
#define LWIP_DNS 1
#define LWIP_DNS_SECURE                                                                                                \
    (LWIP_DNS_SECURE_RAND_XID | LWIP_DNS_SECURE_NO_MULTIPLE_OUTSTANDING | LWIP_DNS_SECURE_RAND_SRC_PORT)
#define DNS_TABLE_SIZE SBS_LWIP_NAMES
#define DNS_MAX_SERVERS 2
#define DNS_MAX_NAME_LENGTH SBS_LWIP_NAME_SIZE
#define DNS_MAX_TTL 86400

/* TCP */
#define LWIP_TCP 1
#define TCP_MSS SBS_LWIP_SEGMENT
#define TCP_WND (SBS_LWIP_WINDOW_SEGMENTS * TCP_MSS)
#define TCP_SND_BUF (SBS_LWIP_WINDOW_SEGMENTS * TCP_MSS)
#define TCP_SND_QUEUELEN (4 * SBS_LWIP_WINDOW_SEGMENTS + 4)
#define TCP_OVERSIZE 0 /* a segment takes what it needs, not always a full one */
#define TCP_LISTEN_BACKLOG 0
#ifndef TCP_QUEUE_OOSEQ
#define TCP_QUEUE_OOSEQ 0 /* what arrives out of order is sent again by the peer */
#endif
#define TCP_OOSEQ_MAX_PBUFS SBS_LWIP_WINDOW_SEGMENTS
#define LWIP_TCP_RTO_TIME 1000 /* RFC 6298 section 2 */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define TCP_FAST_INTERVAL TCP_TMR_INTERVAL

#define LWIP_HOOK_FILENAME "sbs_lwip_hooks.h"

/* Checks */
#define LWIP_DBG_TYPES_ON 0
#if SBS_LWIP_CHECKED
#define LWIP_STATS 1
#define LWIP_STATS_DISPLAY 0
#define MEM_STATS 1
#define MEMP_STATS 1
#if SBS_LWIP_THREADS
void sys_check_core_locking(void);
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()
#endif
#else
#define LWIP_STATS 0
#define LWIP_NOASSERT 1
#endif

#endif
