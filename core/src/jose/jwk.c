/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/jwk.h"

#include <psa/crypto.h>
#include <string.h>

#include "sbs/base64url.h"
#include "text/ascii.h"

#define SHA256_SIZE 32u

/* ---- key ids -------------------- */

/* RFC 7638 section 3.2: the required members in lexicographic order, without white space. None needs an escape, so that
 * the text is written as it is. */
static void kid_put_thumbprint_input(sbs_writer *out, const sbs_public_key *key) {
    /* Not taken: a parsed key is of one of the kinds. */
    switch (key->kind) {
    case SBS_KEY_RSA:
        sbs_put_string(out, "{\"e\":\"");
        sbs_base64url_put(out, key->second, key->second_len);
        sbs_put_string(out, "\",\"kty\":\"RSA\",\"n\":\"");
        sbs_base64url_put(out, key->first, key->first_len);
        break;
    case SBS_KEY_P384:
        sbs_put_string(out, "{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\"");
        sbs_base64url_put(out, key->first, key->first_len);
        sbs_put_string(out, "\",\"y\":\"");
        sbs_base64url_put(out, key->second, key->second_len);
        break;
    }

    sbs_put_string(out, "\"}");
}

static sbs_status kid_hash_text(void *ctx, const char *data, size_t len) {
    psa_hash_operation_t *hash = (psa_hash_operation_t *)ctx;
    if (psa_hash_update(hash, (const uint8_t *)data, len) != PSA_SUCCESS) {
        return SBS_ERR_CRYPTO;
    }
    return SBS_OK;
}

/* SHA-256 over what @p method hashes, which is never held as a whole. */
static sbs_status kid_hash_key(const sbs_public_key *key, sbs_kid_method method, uint8_t digest[SHA256_SIZE]) {
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    sbs_writer out;
    size_t len;

    sbs_writer_init_sink(&out, kid_hash_text, &hash);
    if (psa_hash_setup(&hash, PSA_ALG_SHA_256) != PSA_SUCCESS) {
        return SBS_ERR_CRYPTO;
    }
    if (method == SBS_KID_SEED) {
        sbs_public_key_put_pem(&out, key);
    } else {
        kid_put_thumbprint_input(&out, key);
    }

    /* What the sink met stays in the writer. */
    if (psa_hash_finish(&hash, digest, SHA256_SIZE, &len) != PSA_SUCCESS) {
        sbs_writer_fail(&out, SBS_ERR_CRYPTO);
    }

    (void)psa_hash_abort(&hash);
    return out.error;
}

/* The digest in base64url: its first 16 characters are 12 bytes, 43 are all 32. */
static sbs_status kid_of_digest(const sbs_public_key *key, sbs_kid_method method, char *out, size_t size,
                                size_t *out_len) {
    uint8_t digest[SHA256_SIZE];
    sbs_status status = kid_hash_key(key, method, digest);
    if (status != SBS_OK) {
        return status;
    }

    size_t characters = SBS_KID_THUMBPRINT_LEN;
    if (method == SBS_KID_SEED) {
        characters = SBS_KID_SEED_LEN;
    }

    return sbs_base64url_encode(digest, SBS_BASE64URL_DECODED_SIZE(characters), out, size, out_len);
}

static sbs_status kid_of_literal(sbs_text literal, char *out, size_t size, size_t *out_len) {
    if (literal.len == 0 || literal.len > SBS_KID_MAX || !sbs_ascii_is_printable(literal)) {
        return SBS_ERR_ARGUMENT;
    }

    *out_len = literal.len;
    if (literal.len > size) {
        return SBS_ERR_BUFFER;
    }

    memcpy(out, literal.ptr, literal.len);
    return SBS_OK;
}

sbs_status sbs_jwk_kid(const sbs_public_key *key, sbs_kid_method method, sbs_text literal, char *out, size_t size,
                       size_t *out_len) {
    *out_len = 0;
    switch (method) {
    case SBS_KID_SEED:
    case SBS_KID_THUMBPRINT:
        return kid_of_digest(key, method, out, size, out_len);
    case SBS_KID_LITERAL:
        return kid_of_literal(literal, out, size, out_len);
    case SBS_KID_NONE:
        return SBS_OK;
    default:
        return SBS_ERR_ARGUMENT;
    }
}

/* ---- JWK and JWK Set -------------------- */

static void jwk_put_number(sbs_json_writer *json, const char *name, const uint8_t *number, size_t len) {
    sbs_json_key(json, name);
    sbs_json_put_raw(json, SBS_TEXT("\""));
    sbs_base64url_put(json->out, number, len);
    sbs_put_char(json->out, '"');
}

static void jwk_put_use(sbs_json_writer *json, sbs_text kid, sbs_alg alg) {
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    sbs_json_member_text(json, "use", SBS_TEXT("sig"));
    if (kid.len > 0) {
        sbs_json_member_text(json, "kid", kid);
    }

    if (info != NULL) {
        sbs_json_member_text(json, "alg", sbs_text_of(info->name));
    }
}

static void jwk_put_key(sbs_json_writer *json, const sbs_public_key *key, sbs_text kid) {
    sbs_json_begin_object(json);
    /* Not taken: a parsed key is of one of the kinds. */
    switch (key->kind) {
    case SBS_KEY_RSA:
        sbs_json_member_text(json, "kty", SBS_TEXT("RSA"));
        jwk_put_number(json, "e", key->second, key->second_len);
        jwk_put_use(json, kid, key->alg);
        jwk_put_number(json, "n", key->first, key->first_len);
        break;
    case SBS_KEY_P384:
        sbs_json_member_text(json, "kty", SBS_TEXT("EC"));
        sbs_json_member_text(json, "crv", SBS_TEXT("P-384"));
        jwk_put_number(json, "x", key->first, key->first_len);
        jwk_put_number(json, "y", key->second, key->second_len);
        jwk_put_use(json, kid, key->alg);
        break;
    }

    sbs_json_end_object(json);
}

static void jwk_begin(sbs_json_writer *json, sbs_writer *out, sbs_jwk_style style, unsigned depth) {
    sbs_json_writer_init(json, out);
    if (style == SBS_JWK_INDENTED) {
        sbs_json_writer_indent(json, depth);
    }
}

void sbs_jwk_put(sbs_writer *out, const sbs_public_key *key, sbs_text kid, sbs_jwk_style style, unsigned depth) {
    sbs_json_writer json;
    jwk_begin(&json, out, style, depth);
    jwk_put_key(&json, key, kid);
    sbs_writer_fail(out, sbs_json_writer_finish(&json, NULL));
}

static bool jwk_have_equal_kids(const sbs_jwk *keys, size_t count) {
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (sbs_text_equal(keys[i].kid, keys[j].kid)) {
                return true;
            }
        }
    }

    return false;
}

void sbs_jwk_set_put(sbs_writer *out, const sbs_jwk *keys, size_t count, sbs_jwk_style style) {
    if (jwk_have_equal_kids(keys, count)) {
        sbs_writer_fail(out, SBS_ERR_DUPLICATE);
        return;
    }

    sbs_json_writer json;
    jwk_begin(&json, out, style, 0);
    sbs_json_begin_object(&json);
    sbs_json_key(&json, "keys");
    sbs_json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        jwk_put_key(&json, &keys[i].key, keys[i].kid);
    }

    sbs_json_end_array(&json);
    sbs_json_end_object(&json);
    sbs_writer_fail(out, sbs_json_writer_finish(&json, NULL));
}
