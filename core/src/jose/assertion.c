/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/assertion.h"

#include <psa/crypto.h>
#include <string.h>

#include "sbs/alg.h"
#include "sbs/json.h"
#include "sbs/psa_key.h"
#include "sbs/time.h"
#include "text/ascii.h"

#define JTI_LEN SBS_BASE64URL_ENCODED_SIZE(SBS_JTI_SIZE)

/* ---- parameters -------------------- */

static bool assertion_is_text(sbs_text text, size_t max) {
    return text.len <= max && sbs_ascii_is_printable(text);
}

static bool assertion_has_valid_texts(const sbs_assertion_params *params) {
    return params->client_id.len > 0 && assertion_is_text(params->client_id, SIZE_MAX) && params->aud.len > 0 &&
           assertion_is_text(params->aud, SIZE_MAX) && assertion_is_text(params->kid, SBS_KID_MAX) &&
           assertion_is_text(params->typ, SIZE_MAX) && assertion_is_text(params->jti, SBS_JTI_MAX);
}

static sbs_status assertion_check(const sbs_assertion_params *params, const sbs_alg_info *info, size_t key_bits) {
    if (params->issued_at == SBS_UTC_UNKNOWN) {
        return SBS_ERR_NO_TIME;
    }
    if (params->issued_at <= 0 || params->issued_at > INT64_MAX - (int64_t)SBS_ASSERTION_LIFETIME_MAX ||
        params->lifetime > SBS_ASSERTION_LIFETIME_MAX || !assertion_has_valid_texts(params)) {
        return SBS_ERR_ARGUMENT;
    }

    /* The seed's profile knows RS384 alone. */
    if (!sbs_alg_takes(info, key_bits) || (params->profile == SBS_PROFILE_SEED && info->alg != SBS_RS384)) {
        return SBS_ERR_KEY;
    }

    return SBS_OK;
}

/* The '.' and the signature behind it, in characters. */
static size_t assertion_tail_size(size_t signature_len) {
    return 1 + SBS_BASE64URL_ENCODED_SIZE(signature_len);
}

/* ---- header and claims -------------------- */

static void jwt_put_header(sbs_json_writer *json, const sbs_assertion_params *params, const char *alg) {
    sbs_json_member_text(json, "alg", sbs_text_of(alg));
    if (params->profile != SBS_PROFILE_SEED && params->kid.len > 0) {
        sbs_json_member_text(json, "kid", params->kid);
    }
    sbs_json_member_text(json, "typ", params->typ.len > 0 ? params->typ : SBS_TEXT("JWT"));
}

static void jwt_put_time(sbs_json_writer *json, const char *name, int64_t seconds) {
    sbs_json_key(json, name);
    sbs_json_put_int(json, seconds);
}

static void jwt_put_expiry(sbs_json_writer *json, const sbs_assertion_params *params) {
    uint32_t lifetime = params->lifetime;
    if (lifetime == 0) {
        lifetime = SBS_ASSERTION_LIFETIME_DEFAULT;
        if (params->profile == SBS_PROFILE_SEED) {
            lifetime = SBS_ASSERTION_LIFETIME_MAX;
        }
    }

    jwt_put_time(json, "exp", params->issued_at + (int64_t)lifetime);
}

/* In the order of each profile's examples. */
static void jwt_put_claims(sbs_json_writer *json, const sbs_assertion_params *params) {
    sbs_json_member_text(json, "iss", params->client_id);
    sbs_json_member_text(json, "sub", params->client_id);
    sbs_json_member_text(json, "aud", params->aud);

    bool seed = params->profile == SBS_PROFILE_SEED;
    if (!seed) {
        jwt_put_expiry(json, params);
    }
    jwt_put_time(json, "iat", params->issued_at);
    if (seed) {
        jwt_put_expiry(json, params);
    } else {
        sbs_json_member_text(json, "jti", params->jti);
    }
}

/* A JSON object on its way through the base64url encoder. */
typedef struct encoded_object {
    sbs_base64url_stream stream;
    sbs_writer text;
    sbs_json_writer json;
} encoded_object;

static void jwt_begin_object(encoded_object *object, sbs_writer *out) {
    sbs_base64url_stream_init(&object->stream, out, &object->text);
    sbs_json_writer_init(&object->json, &object->text);
    sbs_json_begin_object(&object->json);
}

static void jwt_end_object(encoded_object *object) {
    sbs_json_end_object(&object->json);
    sbs_base64url_stream_finish(&object->stream);
    sbs_writer_fail(object->stream.target, sbs_json_writer_finish(&object->json, NULL));
}

static void jwt_put_input(sbs_writer *out, const sbs_assertion_params *params, const char *alg) {
    encoded_object object;
    jwt_begin_object(&object, out);
    jwt_put_header(&object.json, params, alg);
    jwt_end_object(&object);

    sbs_put_char(out, '.');

    jwt_begin_object(&object, out);
    jwt_put_claims(&object.json, params);
    jwt_end_object(&object);
}

size_t sbs_assertion_size(const sbs_assertion_params *params, sbs_alg alg, size_t key_bits) {
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    if (assertion_check(params, info, key_bits) != SBS_OK) {
        return 0;
    }

    sbs_assertion_params complete = *params;
    if (complete.jti.len == 0) {
        complete.jti = sbs_text_of("a jti of random bytes."); /* JTI_LEN characters */
    }

    sbs_writer out;
    sbs_writer_init_sizing(&out);
    jwt_put_input(&out, &complete, info->name);

    return out.len + assertion_tail_size(sbs_alg_signature_len(info, key_bits));
}

/* ---- signing input -------------------- */

/* A fresh jti in @p memory. A generator that fails stops the signing: a repeated jti would be taken for a replay, and
 * worse, something is wrong with the device. */
static sbs_status assertion_make_jti(char memory[JTI_LEN], sbs_text *out_jti) {
    uint8_t random[SBS_JTI_SIZE];
    *out_jti = (sbs_text){memory, JTI_LEN};
    if (psa_generate_random(random, sizeof random) != PSA_SUCCESS) {
        return SBS_ERR_RANDOM;
    }
    return sbs_base64url_encode(random, sizeof random, memory, JTI_LEN, &out_jti->len);
}

/* Says early that the signature will not fit: it may take seconds to make. */
static sbs_status assertion_check_room(sbs_writer *out, size_t tail) {
    if (out->error == SBS_OK && out->size - out->len < tail) {
        sbs_writer_fail(out, SBS_ERR_BUFFER);
    }

    if (out->error == SBS_ERR_BUFFER) {
        out->len += tail;
    }

    return out->error;
}

sbs_status sbs_assertion_start(sbs_assertion *assertion, const sbs_assertion_params *params, sbs_alg alg,
                               size_t key_bits, sbs_writer *out) {
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    sbs_status status = assertion_check(params, info, key_bits);
    sbs_assertion_wipe(assertion);
    if (status != SBS_OK) {
        return status;
    }

    if (out->buffer == NULL) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_assertion_params complete = *params;
    char memory[JTI_LEN];
    if (params->jti.len == 0 && params->profile != SBS_PROFILE_SEED) {
        status = assertion_make_jti(memory, &complete.jti);
        if (status != SBS_OK) {
            return status;
        }
    }

    /* The signing input stands where it will be sent from, and is hashed there. */
    size_t start = out->len;
    assertion->alg = alg;
    assertion->signature_len = sbs_alg_signature_len(info, key_bits);
    jwt_put_input(out, &complete, info->name);
    status = assertion_check_room(out, assertion_tail_size(assertion->signature_len));
    if (status != SBS_OK) {
        return status;
    }

    size_t hash_len;
    psa_status_t psa = psa_hash_compute(PSA_ALG_SHA_384, (const uint8_t *)out->buffer + start, out->len - start,
                                        assertion->hash, SBS_HASH_SIZE, &hash_len);

    assertion->hashed = psa == PSA_SUCCESS;
    return sbs_psa_to_status(psa);
}

/* ---- signature -------------------- */

static sbs_status assertion_make_signature(sbs_assertion *assertion, const sbs_key *key) {
    size_t len = 0;
    sbs_status status = key->ops->sign(key->ctx, assertion->hash, assertion->signature, SBS_SIGNATURE_MAX, &len);
    if (status == SBS_OK && len != assertion->signature_len) {
        status = SBS_ERR_CRYPTO;
    }

    assertion->is_signed = status == SBS_OK;
    return status;
}

/* Verifies with the public key that the key itself gives, read into the free room of @p out. */
static sbs_status assertion_verify(const sbs_assertion *assertion, const sbs_key *key, const sbs_writer *out) {
    uint8_t *room = (uint8_t *)(out->buffer + out->len);
    sbs_alg alg;
    size_t len;
    sbs_status status = key->ops->public_key(key->ctx, &alg, room, out->size - out->len, &len);

    if (status != SBS_OK) {
        return status;
    }
    if (alg != assertion->alg) {
        return SBS_ERR_KEY;
    }

    return key->verify_after_sign(alg, room, len, assertion->hash, assertion->signature, assertion->signature_len);
}

/* What was signed stays signed while a key that verifies says "not yet". */
static sbs_status assertion_sign_and_put(sbs_assertion *assertion, const sbs_key *key, sbs_writer *out) {
    sbs_status status;
    if (!assertion->hashed || out->error != SBS_OK) {
        return SBS_ERR_STATE;
    }

    /* A key may say "not yet" for both, and is asked again. */
    if (!assertion->is_signed) {
        status = assertion_make_signature(assertion, key);
        if (status != SBS_OK) {
            return status;
        }
    }

    if (key->verify_after_sign != NULL) {
        status = assertion_verify(assertion, key, out);
        if (status != SBS_OK) {
            return status;
        }
    }

    sbs_put_char(out, '.');
    sbs_base64url_put(out, assertion->signature, assertion->signature_len);
    return out->error;
}

sbs_status sbs_assertion_sign(sbs_assertion *assertion, const sbs_key *key, sbs_writer *out) {
    sbs_status status = assertion_sign_and_put(assertion, key, out);
    if (status != SBS_PENDING) {
        sbs_assertion_wipe(assertion);
    }
    return status;
}

void sbs_assertion_wipe(sbs_assertion *assertion) {
    sbs_wipe(assertion, sizeof *assertion);
}

/* ---- all at once -------------------- */

/* Reads the key's algorithm and size; the public key itself passes through the output buffer. */
static sbs_status assertion_identify_key(const sbs_key *key, char *room, size_t size, sbs_alg *out_alg,
                                         size_t *out_bits) {
    size_t len;
    sbs_status status = key->ops->public_key(key->ctx, out_alg, (uint8_t *)room, size, &len);
    if (status != SBS_OK) {
        return status;
    }

    sbs_public_key public_key;
    status = sbs_public_key_parse(*out_alg, (const uint8_t *)room, len, &public_key);
    *out_bits = public_key.bits;

    return status;
}

static sbs_status assertion_make_with(const sbs_assertion_params *params, const sbs_key *key, sbs_writer *out) {
    sbs_alg alg;
    size_t bits;
    sbs_status status = assertion_identify_key(key, out->buffer, out->size, &alg, &bits);
    if (status == SBS_ERR_BUFFER) {
        /* Which key it is cannot be known yet: room for the largest suffices. */
        out->len = SBS_PUBLIC_KEY_MAX + sbs_assertion_size(params, SBS_RS384, SBS_RSA_BITS_MAX);
    }

    if (status != SBS_OK) {
        return status;
    }

    sbs_assertion assertion;
    status = sbs_assertion_start(&assertion, params, alg, bits, out);
    if (status == SBS_OK) {
        status = sbs_assertion_sign(&assertion, key, out);
    }

    sbs_assertion_wipe(&assertion);
    return status;
}

sbs_status sbs_assertion_make(const sbs_assertion_params *params, const sbs_key *key, char *out, size_t size,
                              size_t *out_len) {
    sbs_writer writer;
    sbs_writer_init(&writer, out, size);
    sbs_status status = assertion_make_with(params, key, &writer);

    *out_len = 0;
    if (status == SBS_OK || status == SBS_ERR_BUFFER) {
        *out_len = writer.len;
    }

    if (status != SBS_OK) {
        sbs_wipe(out, size);
    }

    if (status == SBS_PENDING) { /* a key that needs time is for the client, which calls again */
        return SBS_ERR_UNSUPPORTED;
    }

    return status;
}
