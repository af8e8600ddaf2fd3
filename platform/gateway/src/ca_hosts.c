/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_hosts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* ---- one host ------------------------------------------------------------------------------------------------- */

static bool host_is_name(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    size_t len = strlen(text);

    return len > 0 && len < SBS_CA_HOST_SIZE && strspn(text, letters) == len && text[0] != '.' && text[0] != '-';
}

static bool host_parse(const char *text, sbs_ca_host *out) {
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, out->address) == 1) {
        out->address_len = 4;
        return true;
    }
    if (inet_pton(AF_INET6, text, out->address) == 1) {
        out->address_len = 16;
        return true;
    }
    if (!host_is_name(text)) {
        return false;
    }

    memcpy(out->name, text, strlen(text));
    return true;
}

static bool host_equals(const sbs_ca_host *a, const sbs_ca_host *b) {
    return a->address_len == b->address_len && memcmp(a->address, b->address, sizeof a->address) == 0 &&
           strcmp(a->name, b->name) == 0;
}

/* 0.0.0.0 or :: */
static bool host_is_any(const sbs_ca_host *host) {
    static const unsigned char zero[16];
    return host->address_len > 0 && memcmp(host->address, zero, host->address_len) == 0;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static bool hosts_add(sbs_ca_hosts *hosts, const sbs_ca_host *host) {
    for (size_t i = 0; i < hosts->count; i++) {
        if (host_equals(&hosts->list[i], host)) {
            return true;
        }
    }
    if (hosts->count == SBS_GATEWAY_CA_HOSTS_MAX) {
        return false;
    }

    hosts->list[hosts->count++] = *host;
    return true;
}

/* The address of an interface that others reach the host by. */
static bool hosts_take_interface(const struct ifaddrs *interface, size_t wanted_len, sbs_ca_host *out) {
    const struct sockaddr *address = interface->ifa_addr;
    bool up = (interface->ifa_flags & IFF_UP) != 0 && (interface->ifa_flags & IFF_LOOPBACK) == 0;
    memset(out, 0, sizeof *out);
    if (address == NULL || !up) {
        return false;
    }

    if (address->sa_family == AF_INET) {
        struct sockaddr_in ip4;
        memcpy(&ip4, address, sizeof ip4);
        memcpy(out->address, &ip4.sin_addr, 4);
        out->address_len = 4;
        return true;
    }
    if (address->sa_family == AF_INET6 && wanted_len == 16) {
        struct sockaddr_in6 ip6;
        memcpy(&ip6, address, sizeof ip6);
        memcpy(out->address, &ip6.sin6_addr, 16);
        out->address_len = 16;
        return !IN6_IS_ADDR_LINKLOCAL(&ip6.sin6_addr);
    }
    return false;
}

/* More addresses than fit are left out: a host with that many is to be configured by name. */
static void hosts_add_all_addresses(sbs_ca_hosts *hosts, size_t address_len) {
    struct ifaddrs *interfaces = NULL;
    sbs_ca_host host;
    if (getifaddrs(&interfaces) != 0) {
        return;
    }

    for (const struct ifaddrs *interface = interfaces; interface != NULL; interface = interface->ifa_next) {
        if (hosts_take_interface(interface, address_len, &host)) {
            (void)hosts_add(hosts, &host);
        }
    }

    freeifaddrs(interfaces);
}

sbs_status sbs_ca_hosts_collect(const sbs_gateway_ca_config *config, sbs_ca_hosts *out) {
    char local[SBS_CA_HOST_SIZE];
    sbs_ca_host host;
    memset(out, 0, sizeof *out);
    int len = snprintf(local, sizeof local, "%s.local", config->name);
    if (len < 0 || (size_t)len >= sizeof local || !host_parse(config->name, &host) || !hosts_add(out, &host) ||
        !host_parse(local, &host) || !hosts_add(out, &host)) {
        return SBS_ERR_ARGUMENT;
    }

    for (size_t i = 0; i < config->host_count; i++) {
        if (!host_parse(config->hosts[i], &host)) {
            return SBS_ERR_ARGUMENT;
        }
        if (host_is_any(&host)) {
            hosts_add_all_addresses(out, host.address_len);
        } else if (!hosts_add(out, &host)) {
            return SBS_ERR_ARGUMENT;
        }
    }

    return SBS_OK;
}

/* ---- a certificate's ------------------------------------------------------------------------------------------ */

static bool hosts_have(const sbs_ca_hosts *hosts, const mbedtls_x509_buf *san) {
    for (size_t i = 0; i < hosts->count; i++) {
        const sbs_ca_host *host = &hosts->list[i];
        bool address = (san->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS;
        const void *bytes = address ? (const void *)host->address : (const void *)host->name;
        size_t len = address ? host->address_len : strlen(host->name);
        if (len > 0 && len == san->len && memcmp(bytes, san->p, len) == 0) {
            return true;
        }
    }

    return false;
}

/* Each stands in both once: as many as there are, and each one known. */
bool sbs_ca_hosts_are_of(const sbs_ca_hosts *hosts, const mbedtls_x509_crt *certificate) {
    size_t count = 0;

    for (const mbedtls_x509_sequence *at = &certificate->subject_alt_names; at != NULL && at->buf.p != NULL;
         at = at->next) {
        if (!hosts_have(hosts, &at->buf)) {
            return false;
        }
        count++;
    }

    return count == hosts->count;
}
