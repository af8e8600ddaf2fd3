/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/jwk.h"

#include <psa/crypto.h>
#include <string.h>

#include "ascii.h"
#include "sbs/base64url.h"

#define SHA256_SIZE 32u

/* ---- members -------------------- */

/* An object or array being written in either style. */
typedef struct layout {
    sbs_writer *out;
    sbs_jwk_style style;
    unsigned depth;
    bool has_item;
} layout;

static void put_line(const layout *at) {
    if (at->style == SBS_JWK_COMPACT) {
        return;
    }
    sbs_put_char(at->out, '\n');
    for (unsigned i = 0; i < at->depth; i++) {
        sbs_put(at->out, "  ", 2);
    }
}

static void open_container(layout *at, char bracket) {
    sbs_put_char(at->out, bracket);
    at->depth++;
    at->has_item = false;
}

static void close_container(layout *at, char bracket) {
    at->depth--;
    if (at->has_item) {
        put_line(at);
    }
    sbs_put_char(at->out, bracket);
    at->has_item = true;
}

static void put_item(layout *at) {
    if (at->has_item) {
        sbs_put_char(at->out, ',');
    }
    put_line(at);
    at->has_item = true;
}

static void put_name(layout *at, const char *name) {
    put_item(at);
    sbs_put_char(at->out, '"');
    sbs_put_string(at->out, name);
    sbs_put_string(at->out, at->style == SBS_JWK_COMPACT ? "\":" : "\": ");
}

static void put_text(layout *at, const char *name, sbs_text value) {
    sbs_json_writer json;
    put_name(at, name);
    sbs_json_writer_init(&json, at->out);
    sbs_json_put_text(&json, value);
}

static void put_string(layout *at, const char *name, const char *value) {
    put_text(at, name, sbs_text_of(value));
}

static void put_base64url(sbs_writer *out, const uint8_t *data, size_t len) {
    sbs_base64url_stream stream;
    sbs_writer unused;
    sbs_base64url_stream_init(&stream, out, &unused);
    sbs_base64url_stream_put(&stream, data, len);
    sbs_base64url_stream_finish(&stream);
}

static void jwk_put_number(layout *at, const char *name, const uint8_t *number, size_t len) {
    put_name(at, name);
    sbs_put_char(at->out, '"');
    put_base64url(at->out, number, len);
    sbs_put_char(at->out, '"');
}

/* ---- key ids -------------------- */

/* RFC 7638 section 3.2: the required members in lexicographic order, without white space. */
static void jwk_put_thumbprint_input(sbs_writer *out, const sbs_public_key *key) {
    if (key->alg == SBS_RS384) {
        sbs_put_string(out, "{\"e\":\"");
        put_base64url(out, key->second, key->second_len);
        sbs_put_string(out, "\",\"kty\":\"RSA\",\"n\":\"");
        put_base64url(out, key->first, key->first_len);
    } else {
        sbs_put_string(out, "{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\"");
        put_base64url(out, key->first, key->first_len);
        sbs_put_string(out, "\",\"y\":\"");
        put_base64url(out, key->second, key->second_len);
    }
    sbs_put_string(out, "\"}");
}

static sbs_status kid_hash_text(void *ctx, const char *data, size_t len) {
    psa_hash_operation_t *hash = (psa_hash_operation_t *)ctx;
    return psa_hash_update(hash, (const uint8_t *)data, len) == PSA_SUCCESS ? SBS_OK : SBS_ERR_CRYPTO;
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
        jwk_put_thumbprint_input(&out, key);
    }

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
    size_t chars = method == SBS_KID_SEED ? SBS_KID_SEED_LEN : SBS_KID_THUMBPRINT_LEN;
    sbs_status status = kid_hash_key(key, method, digest);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_base64url_encode(digest, SBS_BASE64URL_DECODED_SIZE(chars), out, size, out_len);
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

static void jwk_put_use(layout *at, sbs_text kid, const char *alg) {
    put_string(at, "use", "sig");
    if (kid.len > 0) {
        put_text(at, "kid", kid);
    }
    put_string(at, "alg", alg);
}

static void jwk_put_members(layout *at, const sbs_public_key *key, sbs_text kid) {
    open_container(at, '{');
    if (key->alg == SBS_RS384) {
        put_string(at, "kty", "RSA");
        jwk_put_number(at, "e", key->second, key->second_len);
        jwk_put_use(at, kid, "RS384");
        jwk_put_number(at, "n", key->first, key->first_len);
    } else {
        put_string(at, "kty", "EC");
        put_string(at, "crv", "P-384");
        jwk_put_number(at, "x", key->first, key->first_len);
        jwk_put_number(at, "y", key->second, key->second_len);
        jwk_put_use(at, kid, "ES384");
    }
    close_container(at, '}');
}

void sbs_jwk_put(sbs_writer *out, const sbs_public_key *key, sbs_text kid, sbs_jwk_style style, unsigned depth) {
    layout at = {out, style, depth, false};
    jwk_put_members(&at, key, kid);
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
    layout at = {out, style, 0, false};
    if (jwk_have_equal_kids(keys, count)) {
        sbs_writer_fail(out, SBS_ERR_DUPLICATE);
        return;
    }

    open_container(&at, '{');
    put_name(&at, "keys");
    open_container(&at, '[');
    for (size_t i = 0; i < count; i++) {
        put_item(&at);
        jwk_put_members(&at, &keys[i].key, keys[i].kid);
    }
    close_container(&at, ']');
    close_container(&at, '}');
}
