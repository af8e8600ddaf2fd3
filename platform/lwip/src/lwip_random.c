/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>
#include <string.h>

#include "lwip_internal.h"
#include "sbs_lwip_hooks.h"

/* RFC 6528 section 3: the secret of the initial sequence numbers, new at each start. */
static uint8_t secret[16];

/* Two tasks that draw random numbers from one generator without mutexes get the same ones, and corrupt its state. */
#if !NO_SYS && !defined(MBEDTLS_THREADING_C)
#error "threads need MBEDTLS_THREADING_C in the configuration of Mbed TLS: PSA has no mutexes without it"
#endif

static bool draw_random(void *out, size_t len) {
    return psa_generate_random(out, len) == PSA_SUCCESS;
}

bool sbs_lwip_random_works(void) {
    uint8_t byte;
    return draw_random(&byte, sizeof byte);
}

/* lwIP knows no failure here. Streams and the time client ask sbs_lwip_random_works() before they begin anything, so
 * that what is returned after a failure names no question and no connection. */
unsigned int sbs_lwip_random(void) {
    uint32_t value = 0;
    (void)draw_random(&value, sizeof value);
    return value;
}

sbs_status sbs_lwip_random_start(void) {
    if (draw_random(secret, sizeof secret)) {
        return SBS_OK;
    }
    return SBS_ERR_RANDOM;
}

u32_t sbs_lwip_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port) {
    struct {
        uint8_t secret[sizeof secret];
        uint32_t local, remote;
        uint16_t local_port, remote_port;
    } input = {.local = ip_addr_get_ip4_u32(local),
               .remote = ip_addr_get_ip4_u32(remote),
               .local_port = local_port,
               .remote_port = remote_port};
    uint8_t hash[32];
    size_t len = 0;
    uint32_t offset;
    memcpy(input.secret, secret, sizeof secret);
    if (psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)&input, sizeof input, hash, sizeof hash, &len) !=
        PSA_SUCCESS) {
        return sbs_lwip_random();
    }

    memcpy(&offset, hash, sizeof offset);
    return offset + sys_now() * 250u; /* the clock of RFC 6528 ticks every 4 microseconds */
}
