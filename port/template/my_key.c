/* SPDX-License-Identifier: Apache-2.0 */
/* A signing key to copy: for a secure element, a TPM or a PKCS#11 token that is no PSA driver. */
#include "my_key.h"

#include "sbs/psa_key.h"

static sbs_status my_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    my_key *key = ctx;
    (void)buffer;
    (void)size;
    *out_alg = SBS_ES384;
    *out_len = 0;

    /* Write 0x04|X|Y (97 bytes) for P-384, or the DER of RSAPublicKey for RSA. SBS_ERR_BUFFER with the size if it does
     * not fit. */
    if (key->slot < 0) {
        return SBS_ERR_ARGUMENT;
    }
    return SBS_ERR_UNSUPPORTED;
}

static sbs_status my_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                          size_t *out_len) {
    my_key *key = ctx;
    (void)hash;
    (void)signature;
    (void)size;
    *out_len = 0;

    /* First call: hand the hash to the element and return SBS_PENDING. Later: ask whether it is done, and write the raw
     * signature: R|S, 96 bytes, or modulus-length bytes for RSA (PKCS#1 v1.5 with the SHA-384 DigestInfo). */
    if (key->slot < 0) {
        return SBS_ERR_ARGUMENT;
    }
    return SBS_ERR_UNSUPPORTED;
}

static const sbs_key_ops my_ops = {.public_key = my_public_key, .sign = my_sign};

void my_key_init(my_key *state, int slot, sbs_key *out_key) {
    state->slot = slot;
    /* NULL only if the element verifies its own signatures before it returns them */
    *out_key = (sbs_key){.ops = &my_ops, .ctx = state, .verify_after_sign = sbs_psa_verify};
}
