/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lwIP 2.2.1 would read beyond, refused before it does. Its parser of TCP options takes the length of an option
 * from behind the last one (mended upstream in June 2026), and it takes a frame with the type of ARP for as long as a
 * message of ARP.
 */
#include "lwip_internal.h"
#include "sbs_lwip_hooks.h"

#define ETHERNET_TYPE_AT 12u
#define ARP_END 42u /* header of Ethernet, and 28 bytes */
#define OPTION_END 0u
#define OPTION_NONE 1u

bool sbs_lwip_is_cut_arp(const uint8_t *frame, size_t len) {
    return len < ARP_END && frame[ETHERNET_TYPE_AT] == 0x08 && frame[ETHERNET_TYPE_AT + 1] == 0x06;
}

/* They stand behind the header, and what does not fit there in the packet's next piece. */
static uint8_t option_byte(const struct tcp_hdr *header, u16_t first_len, const u8_t *second, unsigned at) {
    if (second == NULL || at < first_len) {
        return ((const u8_t *)header)[TCP_HLEN + at];
    }
    return second[at - first_len];
}

err_t sbs_lwip_check_options(const struct tcp_hdr *header, u16_t len, u16_t first_len, const u8_t *second) {
    unsigned at = 0;
    while (at < len) {
        uint8_t kind = option_byte(header, first_len, second, at);
        if (kind == OPTION_END) {
            return ERR_OK;
        }
        if (kind == OPTION_NONE) {
            at++;
            continue;
        }

        /* RFC 9293 section 3.1: the length counts both bytes before the data. */
        unsigned size = 0;
        if (at + 1 < len) {
            size = option_byte(header, first_len, second, at + 1);
        }
        if (size < 2 || at + size > len) {
            return ERR_VAL;
        }

        at += size;
    }

    return ERR_OK;
}
