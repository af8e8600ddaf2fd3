/* SPDX-License-Identifier: Apache-2.0 */
/* The names and addresses that a certificate is for. */
#ifndef SBS_CA_HOSTS_H
#define SBS_CA_HOSTS_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>

#include "sbs/gateway_ca.h"

#define SBS_CA_HOST_SIZE 254u

/* One name, or an address of 4 or 16 bytes. */
typedef struct sbs_ca_host {
    char name[SBS_CA_HOST_SIZE]; /* "" where it is an address */
    unsigned char address[16];
    size_t address_len;
} sbs_ca_host;

typedef struct sbs_ca_hosts {
    sbs_ca_host list[SBS_GATEWAY_CA_HOSTS_MAX];
    size_t count;
} sbs_ca_hosts;

/* Collects them, each once, the gateway's own names first. SBS_ERR_ARGUMENT. */
SBS_NODISCARD sbs_status sbs_ca_hosts_collect(const sbs_gateway_ca_config *config, sbs_ca_hosts *out);
/* True if the certificate is for exactly these. */
bool sbs_ca_hosts_are_of(const sbs_ca_hosts *hosts, const mbedtls_x509_crt *certificate);

#endif
