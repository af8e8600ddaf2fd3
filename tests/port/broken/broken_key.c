/* SPDX-License-Identifier: Apache-2.0 */
#include "broken.h"

#include <string.h>

#include "sbs/count.h"

void (*broken_skip_ms)(uint64_t ms);

static const sbs_key_ops *sound_ops;
static sbs_key_ops merged_ops;

static struct {
    unsigned calls;
    uint8_t hash[SBS_HASH_SIZE];
} kept;

/* ---- the public key ---------------------------------------------------------------------------------------------- */

static sbs_status public_without_prefix(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->public_key(ctx, out_alg, buffer, size, out_len);
    if (status == SBS_OK) {
        (*out_len)--;
        memmove(buffer, buffer + 1, *out_len);
    }

    return status;
}

static sbs_status public_of_wrong_kind(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->public_key(ctx, out_alg, buffer, size, out_len);
    *out_alg = *out_alg == SBS_ES384 ? SBS_RS384 : SBS_ES384;
    return status;
}

static sbs_status public_changes(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->public_key(ctx, out_alg, buffer, size, out_len);
    if (status == SBS_OK) {
        buffer[*out_len - 1u] ^= (uint8_t)(kept.calls++ & 1u);
    }

    return status;
}

static sbs_status public_wants_more(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->public_key(ctx, out_alg, buffer, size, out_len);
    if (status == SBS_OK && *out_len == size) {
        return SBS_ERR_BUFFER;
    }

    return status;
}

static sbs_status public_is_cut(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    uint8_t whole[SBS_PUBLIC_KEY_MAX];
    sbs_status status = sound_ops->public_key(ctx, out_alg, whole, sizeof whole, out_len);
    if (status == SBS_OK) {
        *out_len = *out_len < size ? *out_len : size;
        memcpy(buffer, whole, *out_len);
    }

    return status;
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

static sbs_status sign_backwards(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                                 size_t *out_len) {
    sbs_status status = sound_ops->sign(ctx, hash, signature, size, out_len);
    for (size_t i = 0; status == SBS_OK && i < *out_len / 2u; i++) {
        uint8_t byte = signature[i];
        signature[i] = signature[*out_len - 1u - i];
        signature[*out_len - 1u - i] = byte;
    }

    return status;
}

static sbs_status sign_in_der(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                              size_t *out_len) {
    sbs_status status = sound_ops->sign(ctx, hash, signature, size, out_len);
    if (status == SBS_OK) {
        *out_len += 6u;
    }

    return status;
}

static sbs_status sign_always_pending(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                                      size_t *out_len) {
    (void)ctx;
    (void)hash;
    (void)signature;
    (void)size;
    *out_len = 0;
    broken_skip_ms(40000);

    return SBS_PENDING;
}

static sbs_status sign_refuses_zero(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                                    size_t *out_len) {
    if (hash[0] == 0) {
        return SBS_ERR_CRYPTO;
    }

    return sound_ops->sign(ctx, hash, signature, size, out_len);
}

static sbs_status sign_wants_more(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                                  size_t *out_len) {
    sbs_status status = sound_ops->sign(ctx, hash, signature, size, out_len);
    if (status == SBS_OK && *out_len == size) {
        return SBS_ERR_BUFFER;
    }

    return status;
}

static sbs_status sign_goes_beyond(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                                   size_t *out_len) {
    uint8_t whole[SBS_SIGNATURE_MAX];
    (void)size;
    sbs_status status = sound_ops->sign(ctx, hash, whole, sizeof whole, out_len);
    if (status == SBS_OK) {
        memcpy(signature, whole, *out_len);
    }

    return status;
}

static sbs_status sign_changes_hash(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                                    size_t *out_len) {
    sbs_status status = sound_ops->sign(ctx, hash, signature, size, out_len);
    ((uint8_t *)(uintptr_t)hash)[0] ^= 1u;
    return status;
}

/* As an element that is asked once and polled, whatever it is asked then. */
static sbs_status sign_goes_on(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    if (kept.calls++ % 2u == 0) {
        memcpy(kept.hash, hash, SBS_HASH_SIZE);
        *out_len = 0;
        return SBS_PENDING;
    }

    return sound_ops->sign(ctx, kept.hash, signature, size, out_len);
}

static sbs_status sign_blocks(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                              size_t *out_len) {
    broken_skip_ms(11000);
    return sound_ops->sign(ctx, hash, signature, size, out_len);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

const broken_key broken_keys[] = {
    {"the public key has the form that PSA exports",
     "the first byte is left out",
     {.public_key = public_without_prefix}},
    {"the public key has the form that PSA exports", "the other algorithm", {.public_key = public_of_wrong_kind}},
    {"the public key is the same at each call", "it changes", {.public_key = public_changes}},
    {"the public key fits its own size and no smaller one", "one more is wanted", {.public_key = public_wants_more}},
    {"the public key fits its own size and no smaller one", "it is cut", {.public_key = public_is_cut}},
    {"signatures verify, and have the length of their algorithm", "bytes in another order", {.sign = sign_backwards}},
    {"signatures verify, and have the length of their algorithm", "the length of DER", {.sign = sign_in_der}},
    {"signatures verify, and have the length of their algorithm", "never ready", {.sign = sign_always_pending}},
    {"a hash of zeros and one of ones are signed like any other", "zero is refused", {.sign = sign_refuses_zero}},
    {"a buffer of exactly the signature's size suffices", "one more is wanted", {.sign = sign_wants_more}},
    {"a buffer that is too short for the signature is refused", "it is overrun", {.sign = sign_goes_beyond}},
    {"the hash is left as it is", "a bit changes", {.sign = sign_changes_hash}},
    {"a signature that is given up does not disturb the next", "the first hash is signed", {.sign = sign_goes_on}},
    {"no call of sign() blocks for long", "it waits for the element", {.sign = sign_blocks}},
};

const size_t broken_key_count = SBS_COUNT_OF(broken_keys);

void broken_key_make(const broken_key *how, const sbs_key *sound, sbs_key *out) {
    memset(&kept, 0, sizeof kept);
    sound_ops = sound->ops;
    merged_ops = *sound_ops;
    if (how->ops.public_key != NULL) {
        merged_ops.public_key = how->ops.public_key;
    }

    if (how->ops.sign != NULL) {
        merged_ops.sign = how->ops.sign;
    }

    *out = *sound;
    out->ops = &merged_ops;
}
