/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to lwIP's DNS client. They cannot be taken back, and lwIP calls back up to half a minute later. So what it
 * calls back with is a ticket, and an answer whose ticket nobody on the list holds touches nothing.
 */
#include <lwip/dns.h>
#include <string.h>

#include "lwip_dns.h"
#include "lwip_internal.h"

/* Absent where lwIP is somebody else's: its one address counts alone.
 * NOLINTNEXTLINE(readability-redundant-declaration): it is weak here only */
__attribute__((weak)) u8_t sbs_lwip_dns_addresses(const char *name, u32_t addresses[SBS_LWIP_ADDRESSES]);

static sbs_lwip_lookup *waiting;
static uint32_t last_ticket;

static sbs_lwip_lookup **place_of(uint32_t ticket) {
    sbs_lwip_lookup **place = &waiting;
    while (*place != NULL && (*place)->ticket != ticket) {
        place = &(*place)->next;
    }
    return place;
}

static void leave_list(sbs_lwip_lookup *lookup) {
    sbs_lwip_lookup **place = place_of(lookup->ticket);
    if (lookup->ticket != 0 && *place == lookup) {
        *place = lookup->next;
    }
    lookup->next = NULL;
    lookup->ticket = 0;
}

static void join_list(sbs_lwip_lookup *lookup) {
    do {
        last_ticket++;
    } while (last_ticket == 0 || *place_of(last_ticket) != NULL);
    lookup->ticket = last_ticket;
    lookup->next = waiting;
    waiting = lookup;
}

/* @p address stands for all, unless lwIP's answer is at hand and is the same. */
static void lookup_take(sbs_lwip_lookup *lookup, const char *name, const ip_addr_t *address) {
    uint32_t first = ip_addr_get_ip4_u32(address);
    uint8_t count = 0;

    if (sbs_lwip_dns_addresses != NULL) {
        count = sbs_lwip_dns_addresses(name, lookup->addresses);
    }
    if (count == 0 || lookup->addresses[0] != first) {
        lookup->addresses[0] = first;
        count = 1;
    }
    lookup->count = count;
}

static void lookup_answered(const char *name, const ip_addr_t *address, void *arg) {
    sbs_lwip_lookup *lookup = *place_of((uint32_t)(uintptr_t)arg);
    if (lookup == NULL) {
        return;
    }

    leave_list(lookup);
    lookup->answer = SBS_ERR_RESOLVE;
    lookup->count = 0;
    if (address != NULL) {
        lookup->answer = SBS_OK;
        lookup_take(lookup, name, address);
    }

    if (lookup->done != NULL) {
        lookup->done(lookup->ctx);
    }
}

static sbs_status lookup_ask(sbs_lwip_lookup *lookup, const char *host) {
    ip_addr_t address;
    if (strchr(host, ':') != NULL) {
        return SBS_ERR_UNREACHABLE;
    }

    if (!sbs_lwip_random_works()) {
        return SBS_ERR_RANDOM;
    }

    join_list(lookup);
    err_t error = dns_gethostbyname(host, &address, lookup_answered, (void *)(uintptr_t)lookup->ticket);
    if (error == ERR_INPROGRESS) {
        return SBS_PENDING;
    }

    leave_list(lookup);
    if (error == ERR_OK) {
        lookup_take(lookup, host, &address);
        return SBS_OK;
    }

    /* Too many questions are under way, some of which nobody waits for any more: there will be room. */
    if (error == ERR_MEM) {
        return SBS_PENDING;
    }

    return SBS_ERR_RESOLVE;
}

sbs_status sbs_lwip_lookup_poll(sbs_lwip_lookup *lookup, const char *host) {
    sbs_status answer = lookup->answer;
    if (lookup->ticket != 0) {
        return SBS_PENDING;
    }

    if (answer != SBS_PENDING) {
        lookup->answer = SBS_PENDING;
        return answer;
    }

    return lookup_ask(lookup, host);
}

void sbs_lwip_lookup_cancel(sbs_lwip_lookup *lookup) {
    leave_list(lookup);
    lookup->answer = SBS_PENDING;
}
