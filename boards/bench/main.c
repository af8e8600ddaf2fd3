/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What signing and making keys cost on this core, in instructions: run it under `-icount shift=0`, where an instruction
 * takes a nanosecond. Its random numbers come from a test generator that always gives the same ones: never use its
 * keys.
 */
#include <psa/crypto.h>

#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_mbedtls.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_stack.h"
#include "sbs/board.h"
#include "sbs/key.h"

#define RUNS 5

/* Mbed TLS's hook; takes the place of the one that asks the board. */
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *out_len);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *out_len) {
    static uint32_t state = 1;
    (void)data;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes */
        output[i] = (unsigned char)(state >> 24);
    }

    *out_len = len;
    return 0;
}

static uint64_t began;

static void bench_begin(void) {
    began = sbs_baremetal_ticks();
}

static void bench_end(const char *what, psa_status_t status) {
    uint64_t ticks = sbs_baremetal_ticks() - began;
    /* At icount shift 0 a nanosecond is an instruction. */
    uint64_t instructions = ticks * (1000000000u / sbs_baremetal_ticks_per_second());
    sbs_baremetal_print("bench %s %s %llu\n", what, status == PSA_SUCCESS ? "ok" : "failed", instructions);
}

static psa_key_id_t make_key(const char *what, psa_key_type_t type, size_t bits, psa_algorithm_t alg) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;

    psa_set_key_type(&attributes, type);
    psa_set_key_bits(&attributes, bits);
    psa_set_key_algorithm(&attributes, alg);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_VERIFY_HASH);

    bench_begin();
    psa_status_t status = psa_generate_key(&attributes, &id);
    bench_end(what, status);

    return id;
}

static void use_key(psa_key_id_t id, psa_algorithm_t alg, const char *sign, const char *verify) {
    static uint8_t signature[SBS_SIGNATURE_MAX];
    uint8_t hash[SBS_HASH_SIZE] = {1};
    size_t len = 0;

    for (int i = 0; i < RUNS; i++) {
        bench_begin();
        psa_status_t status = psa_sign_hash(id, alg, hash, sizeof hash, signature, sizeof signature, &len);
        bench_end(sign, status);
    }

    bench_begin();
    bench_end(verify, psa_verify_hash(id, alg, hash, sizeof hash, signature, len));
    (void)psa_destroy_key(id);
}

int main(void) {
    psa_algorithm_t rsa = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384);
    psa_algorithm_t ecdsa = PSA_ALG_ECDSA(PSA_ALG_SHA_384);
    sbs_board_init();

    if (sbs_mbedtls_init(&sbs_baremetal_allocator) != SBS_OK) {
        sbs_board_exit(1);
    }

    sbs_baremetal_print("bench board %s, test generator: no key of this program is a secret\n", sbs_board_name());
    use_key(make_key("rs384-keygen-2048", PSA_KEY_TYPE_RSA_KEY_PAIR, SBS_RSA_BITS_MIN, rsa), rsa, "rs384-sign-2048",
            "rs384-verify-2048");
    use_key(make_key("es384-keygen", PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), SBS_P384_BITS, ecdsa), ecdsa,
            "es384-sign", "es384-verify");

    sbs_heap_account heap = sbs_baremetal_heap();
    sbs_baremetal_print("bench heap %u stack %u\n", (unsigned)heap.high_water,
                        (unsigned)sbs_baremetal_stack_high_water());
    sbs_board_exit(heap.failures != 0);
}
