/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the configuration: where is listened, and who may come. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "config_internal.h"

#define IF_NAMESIZE_ROOM 17u /* "%eth0" */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}; /* ::ffff:0:0/96 */

/* An address of either family as 16 bytes; a zone behind '%' is left out. */
bool sbs_config_read_peer(const char *text, uint8_t out[16], bool *out_ipv4) {
    char bare[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "%");
    if (len >= sizeof bare) {
        return false;
    }

    memcpy(bare, text, len);
    bare[len] = '\0';
    *out_ipv4 = inet_pton(AF_INET, bare, out + sizeof mapped) == 1;
    if (*out_ipv4) {
        memcpy(out, mapped, sizeof mapped);
        return true;
    }
    return inet_pton(AF_INET6, bare, out) == 1;
}

/* The number behind '/' or ':', at most @p max. */
static bool number_read(const char *text, unsigned max, unsigned *out) {
    uint64_t value = 0;
    if (sbs_text_to_uint(sbs_text_of(text), &value) != SBS_OK || value > max) {
        return false;
    }
    *out = (unsigned)value;
    return true;
}

static void prefix_mask(sbs_gateway_prefix *prefix) {
    for (unsigned i = 0; i < sizeof prefix->bytes; i++) {
        unsigned first = i * 8;
        if (first >= prefix->bits) {
            prefix->bytes[i] = 0;
        } else if (prefix->bits - first < 8) {
            prefix->bytes[i] &= (uint8_t)(0xFF00u >> (prefix->bits - first));
        }
    }
}

bool sbs_config_read_prefix(const char *text, sbs_gateway_prefix *out) {
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    bool ipv4 = false;
    if (len >= sizeof address) {
        return false;
    }

    memcpy(address, text, len);
    address[len] = '\0';
    if (strchr(address, '%') != NULL || !sbs_config_read_peer(address, out->bytes, &ipv4)) {
        return false;
    }

    unsigned most = ipv4 ? 32 : 128;
    unsigned bits = most;
    if (text[len] == '/' && !number_read(text + len + 1, most, &bits)) {
        return false;
    }

    out->bits = (uint8_t)(bits + 128 - most);
    prefix_mask(out);
    return true;
}

/* Splits "[::1]:8080" or "127.0.0.1:8080" into address and port. */
static bool address_split(const char *text, char *address, size_t size, const char **out_port) {
    const char *end = strrchr(text, ':');
    size_t len = 0;

    if (text[0] == '[') {
        text++;
        end = strchr(text, ']');
        if (end == NULL || end[1] != ':') {
            return false;
        }
        *out_port = end + 2;
    } else {
        if (end == NULL || strchr(text, ':') != end) {
            return false; /* IPv6 stands in brackets */
        }
        *out_port = end + 1;
    }

    len = (size_t)(end - text);
    if (len >= size) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    return true;
}

sbs_config_address sbs_config_read_address(const char *text) {
    static const uint8_t any[16] = {0};
    static const uint8_t one[16] = {[15] = 1};
    char address[INET6_ADDRSTRLEN + IF_NAMESIZE_ROOM];
    const char *port = NULL;
    uint8_t bytes[16];
    unsigned number = 0;
    bool ipv4 = false;
    if (text[0] == '/') {
        return (sbs_config_address){.valid = true, .loopback = true};
    }

    if (!address_split(text, address, sizeof address, &port) || !number_read(port, 65535, &number) ||
        !sbs_config_read_peer(address, bytes, &ipv4)) {
        return (sbs_config_address){0};
    }

    const uint8_t *last = bytes + sizeof mapped;
    bool of_ipv4 = memcmp(bytes, mapped, sizeof mapped) == 0;
    return (sbs_config_address){
        .valid = true,
        .loopback = (of_ipv4 && last[0] == 127) || memcmp(bytes, one, sizeof one) == 0,
        .wildcard = (of_ipv4 && memcmp(last, any, 4) == 0) || memcmp(bytes, any, sizeof any) == 0,
    };
}

static bool prefix_holds(const sbs_gateway_prefix *prefix, const uint8_t bytes[16]) {
    sbs_gateway_prefix other = {.bits = prefix->bits};
    memcpy(other.bytes, bytes, sizeof other.bytes);
    prefix_mask(&other);
    return memcmp(other.bytes, prefix->bytes, sizeof other.bytes) == 0;
}

bool sbs_gateway_listener_allows(const sbs_gateway_listener *listener, const char *peer) {
    uint8_t bytes[16];
    bool ipv4 = false;
    if (listener->allow_count == 0) {
        return true;
    }
    if (!sbs_config_read_peer(peer, bytes, &ipv4)) {
        return false;
    }

    for (size_t i = 0; i < listener->allow_count; i++) {
        if (prefix_holds(&listener->allow[i], bytes)) {
            return true;
        }
    }
    return false;
}
