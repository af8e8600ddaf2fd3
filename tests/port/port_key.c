/* SPDX-License-Identifier: Apache-2.0 */
/* What port/include/sbs/key.h promises. */
#include <string.h>

#include "port_report.h"
#include "sbs/psa_key.h"

#define GUARD 0xC3u
#define P384_POINT_SIZE 97u
#define DER_SEQUENCE 0x30u
#define DER_INTEGER 0x02u

/* What the key says of itself. */
typedef struct key_public {
    sbs_alg alg;
    size_t len;
    uint8_t bytes[SBS_PUBLIC_KEY_MAX + 1u];
} key_public;

/* ---- calls that most checks make --------------------------------------------------------------------------------- */

/* public_key() to its end. */
static sbs_status key_export_status(port_report *report, const sbs_key *key, key_public *out, size_t size) {
    sbs_status status;
    port_pending_begin(report);

    do {
        status = key->ops->public_key(key->ctx, &out->alg, out->bytes, size, &out->len);
    } while (status == SBS_PENDING && port_pending(report, "public_key()", NULL));

    return status;
}

static bool key_export(port_report *report, const sbs_key *key, key_public *out) {
    memset(out, 0, sizeof *out);
    sbs_status status = key_export_status(report, key, out, SBS_PUBLIC_KEY_MAX);

    return port_expect_status(report, "public_key() into SBS_PUBLIC_KEY_MAX bytes", status, SBS_OK) &&
           port_expect(report, "the length of the public key", out->len <= SBS_PUBLIC_KEY_MAX, "at most the buffer",
                       "more");
}

/* sign() to its end, with the same arguments each time. */
static sbs_status key_sign_status(port_report *report, const sbs_key *key, const uint8_t *hash, uint8_t *signature,
                                  size_t size, size_t *out_len) {
    sbs_status status;
    port_pending_begin(report);

    do {
        status = key->ops->sign(key->ctx, hash, signature, size, out_len);
    } while (status == SBS_PENDING && port_pending(report, "sign()", NULL));

    return status;
}

/* Reads a DER header of this tag at @p at; false, or the content's length with @p at behind the header. */
static bool der_read(const key_public *key, uint8_t tag, size_t *at, size_t *out_len) {
    if (*at + 2u > key->len || key->bytes[*at] != tag) {
        return false;
    }

    uint8_t first = key->bytes[*at + 1u];
    *at += 2u;
    if (first < 0x80u) {
        *out_len = first;
        return *out_len <= key->len - *at;
    }

    /* The long form; two bytes say more than any key needs. */
    size_t count = first & 0x7Fu;
    *out_len = 0;
    if (count == 0 || count > 2u || *at + count > key->len) {
        return false;
    }

    for (size_t i = 0; i < count; i++) {
        *out_len = *out_len << 8 | key->bytes[(*at)++];
    }

    return *out_len <= key->len - *at;
}

/* Bytes of the modulus of an RSAPublicKey (RFC 8017 A.1.1); 0 if it is none. */
static size_t rsa_modulus_size(const key_public *key) {
    size_t at = 0, len = 0;
    if (!der_read(key, DER_SEQUENCE, &at, &len) || len != key->len - at) {
        return 0;
    }

    if (!der_read(key, DER_INTEGER, &at, &len) || len < 2u) {
        return 0;
    }

    /* The sign's zero, as the highest bit of a modulus is set. */
    size_t modulus = key->bytes[at] == 0 ? len - 1u : 0;
    at += len;
    if (!der_read(key, DER_INTEGER, &at, &len) || len != key->len - at) {
        return 0;
    }

    return modulus;
}

static size_t signature_size(const key_public *key) {
    if (key->alg == SBS_ES384) {
        return SBS_ES384_SIGNATURE_SIZE;
    }

    return rsa_modulus_size(key);
}

/* The signature is right for this hash. */
static bool key_verified(port_report *report, const key_public *public_key, const uint8_t *hash,
                         const uint8_t *signature, size_t len) {
    sbs_status status = sbs_psa_verify(public_key->alg, public_key->bytes, public_key->len, hash, signature, len);
    return port_expect_status(report, "verifying the signature with the public key", status, SBS_OK);
}

static bool key_signs(port_report *report, const sbs_key *key, const key_public *public_key, const uint8_t *hash) {
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t len = 0;
    sbs_status status = key_sign_status(report, key, hash, signature, sizeof signature, &len);

    return port_expect_status(report, "sign() into SBS_SIGNATURE_MAX bytes", status, SBS_OK) &&
           port_expect_number(report, "the length of the signature", len, signature_size(public_key)) &&
           key_verified(report, public_key, hash, signature, len);
}

/* ---- the public key ---------------------------------------------------------------------------------------------- */

static void key_public_form(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public public_key;
    if (!key_export(report, key, &public_key)) {
        return;
    }

    /* Uncompressed: 4, then X and Y of 48 bytes. */
    if (public_key.alg == SBS_ES384) {
        (void)(port_expect_number(report, "the length of a P-384 point", public_key.len, P384_POINT_SIZE) &&
               port_expect_number(report, "the first byte of it", public_key.bytes[0], 4));
        return;
    }

    if (!port_expect(report, "the algorithm that public_key() tells", public_key.alg == SBS_RS384,
                     "SBS_RS384 or SBS_ES384", "another")) {
        return;
    }

    size_t modulus = rsa_modulus_size(&public_key);
    (void)(port_expect(report, "the DER of RSAPublicKey", modulus != 0,
                       "SEQUENCE of two INTEGERs: modulus and exponent, no more and no less", "something else") &&
           port_expect(report, "the bits of the modulus",
                       modulus >= SBS_RSA_BITS_MIN / 8u && modulus <= SBS_RSA_BITS_MAX / 8u, "2048 to 4096",
                       "another number"));
}

static void key_public_stays(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public first, second;
    if (!key_export(report, key, &first) || !key_export(report, key, &second)) {
        return;
    }

    (void)(port_expect_number(report, "the algorithm of the second call", second.alg, first.alg) &&
           port_expect_number(report, "the length of the second call", second.len, first.len) &&
           port_expect_bytes(report, "the bytes of the second call", second.bytes, first.bytes, first.len));
}

static void key_public_sizes(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public whole, got;
    if (!key_export(report, key, &whole)) {
        return;
    }

    memset(&got, (int)GUARD, sizeof got);
    if (!port_expect_status(report, "public_key() into exactly its size",
                            key_export_status(report, key, &got, whole.len), SBS_OK) ||
        !port_expect_bytes(report, "the public key", got.bytes, whole.bytes, whole.len) ||
        !port_expect_number(report, "the byte behind the buffer", got.bytes[whole.len], GUARD)) {
        return;
    }

    memset(&got, (int)GUARD, sizeof got);
    (void)(port_expect_status(report, "public_key() into one byte less",
                              key_export_status(report, key, &got, whole.len - 1u), SBS_ERR_BUFFER) &&
           port_expect_number(report, "the byte behind the buffer", got.bytes[whole.len - 1u], GUARD));
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

static void key_signs_hashes(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public public_key;
    uint8_t hash[SBS_HASH_SIZE];
    if (!key_export(report, key, &public_key)) {
        return;
    }

    for (uint32_t i = 0; i < 4u; i++) {
        port_fill(hash, sizeof hash, i);
        if (!key_signs(report, key, &public_key, hash)) {
            return;
        }
    }
}

static void key_signs_extremes(port_report *report, const void *context) {
    static const uint8_t values[] = {0x00, 0xFF};
    const sbs_key *key = context;
    key_public public_key;
    uint8_t hash[SBS_HASH_SIZE];
    if (!key_export(report, key, &public_key)) {
        return;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(values); i++) {
        memset(hash, values[i], sizeof hash);
        if (!key_signs(report, key, &public_key, hash)) {
            return;
        }
    }
}

static void key_signature_fits(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public public_key;
    uint8_t hash[SBS_HASH_SIZE], signature[SBS_SIGNATURE_MAX + 1u];
    size_t len = 0;
    if (!key_export(report, key, &public_key)) {
        return;
    }

    size_t size = signature_size(&public_key);
    port_fill(hash, sizeof hash, 5);
    memset(signature, (int)GUARD, sizeof signature);
    if (!port_expect(report, "the size of a signature", size <= SBS_SIGNATURE_MAX, "at most SBS_SIGNATURE_MAX",
                     "more") ||
        !port_expect_status(report, "sign() into exactly the signature's size",
                            key_sign_status(report, key, hash, signature, size, &len), SBS_OK) ||
        !port_expect_number(report, "its length", len, size) ||
        !port_expect_number(report, "the byte behind the buffer", signature[size], GUARD)) {
        return;
    }

    (void)key_verified(report, &public_key, hash, signature, len);
}

static void key_signature_too_large(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public public_key;
    uint8_t hash[SBS_HASH_SIZE], signature[SBS_SIGNATURE_MAX + 1u];
    size_t len = 0;
    if (!key_export(report, key, &public_key)) {
        return;
    }

    size_t size = signature_size(&public_key);
    if (!port_expect(report, "the size of a signature", size > 0 && size <= SBS_SIGNATURE_MAX,
                     "at most SBS_SIGNATURE_MAX", "another size")) {
        return;
    }

    port_fill(hash, sizeof hash, 6);
    memset(signature, (int)GUARD, sizeof signature);
    if (port_expect_status(report, "sign() into one byte less",
                           key_sign_status(report, key, hash, signature, size - 1u, &len), SBS_ERR_BUFFER)) {
        (void)port_expect_number(report, "the byte behind the buffer", signature[size - 1u], GUARD);
    }
}

static void key_leaves_hash(port_report *report, const void *context) {
    const sbs_key *key = context;
    uint8_t hash[SBS_HASH_SIZE], before[SBS_HASH_SIZE], signature[SBS_SIGNATURE_MAX];
    size_t len = 0;
    port_fill(hash, sizeof hash, 7);
    memcpy(before, hash, sizeof before);

    if (port_expect_status(report, "sign()", key_sign_status(report, key, hash, signature, sizeof signature, &len),
                           SBS_OK)) {
        (void)port_expect_bytes(report, "the hash after sign()", hash, before, sizeof hash);
    }
}

static void key_given_up(port_report *report, const void *context) {
    const sbs_key *key = context;
    key_public public_key;
    uint8_t hash[SBS_HASH_SIZE], signature[SBS_SIGNATURE_MAX];
    size_t len = 0;
    if (!key_export(report, key, &public_key)) {
        return;
    }

    /* The first one is given up where the key says "not yet", and never asked for again. */
    port_fill(hash, sizeof hash, 8);
    sbs_status status = key->ops->sign(key->ctx, hash, signature, sizeof signature, &len);
    if (!port_expect(report, "the first call of sign()", status == SBS_OK || status == SBS_PENDING,
                     "SBS_OK or SBS_PENDING", sbs_status_name(status))) {
        return;
    }

    /* The signature that comes now must be of this hash. */
    uint8_t other[SBS_HASH_SIZE];
    port_fill(other, sizeof other, 9);
    (void)key_signs(report, key, &public_key, other);
}

static void key_call_is_short(port_report *report, const void *context) {
    const sbs_key *key = context;
    const port_suite *suite = report->suite;
    uint8_t hash[SBS_HASH_SIZE], signature[SBS_SIGNATURE_MAX];
    size_t len = 0;
    if (suite->now == NULL) {
        port_missing(report, "port_suite.now");
        return;
    }

    port_fill(hash, sizeof hash, 10);
    port_pending_begin(report);

    for (;;) {
        uint64_t began_ms = suite->now().mono_ms;
        sbs_status status = key->ops->sign(key->ctx, hash, signature, sizeof signature, &len);
        uint64_t took_ms = suite->now().mono_ms - began_ms;

        if (!port_expect(report, "the time of one call of sign()", took_ms <= port_call_ms(suite),
                         "at most port_suite.call_ms", "more")) {
            return;
        }

        if (status != SBS_PENDING) {
            (void)port_expect_status(report, "sign()", status, SBS_OK);
            return;
        }

        if (!port_pending(report, "sign()", NULL)) {
            return;
        }
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const port_check key_checks[] = {
    {"the public key has the form that PSA exports", "key.h, public_key: \"P-384 the 97 bytes 0x04|X|Y\"",
     "X.509 SubjectPublicKeyInfo around it, a compressed point, or 0x04 left out", key_public_form},
    {"the public key is the same at each call", "key.h, public_key: \"Writes the public key\"",
     "a slot that is selected by an earlier call, or bytes that were not written", key_public_stays},
    {"the public key fits its own size and no smaller one", "key.h, public_key: \"SBS_ERR_BUFFER\"",
     "is size compared with the length before a byte is written?", key_public_sizes},
    {"signatures verify, and have the length of their algorithm",
     "key.h, sign: \"RSA: modulus-length bytes, leading zeros kept; P-384: R|S, 96 bytes\"",
     "a signature in DER, without leading zeros, in another byte order, or of the hash of the hash", key_signs_hashes},
    {"a hash of zeros and one of ones are signed like any other", "key.h, sign: \"Signs the 48 bytes of hash\"",
     "the hash as a number: its leading zeros, and its reduction modulo the order", key_signs_extremes},
    {"a buffer of exactly the signature's size suffices",
     "key.h, sign: \"RSA: modulus-length bytes, leading zeros kept\"",
     "a comparison with < where <= is meant, or DER that is made in the caller's buffer", key_signature_fits},
    {"a buffer that is too short for the signature is refused", "key.h, sign: \"SBS_ERR_BUFFER\"",
     "is size compared before the element is asked, or only after it wrote?", key_signature_too_large},
    {"the hash is left as it is", "key.h, sign: \"const uint8_t hash[SBS_HASH_SIZE]\"",
     "bytes that are turned around in place", key_leaves_hash},
    {"a signature that is given up does not disturb the next",
     "key.h, sign: \"A caller may give up: other arguments begin a new one\"",
     "the state that is kept while SBS_PENDING: is it compared with the arguments?", key_given_up},
    {"no call of sign() blocks for long",
     "port/README.md: \"A call never blocks longer than one cryptographic operation\"",
     "a wait for the element within sign(): return SBS_PENDING instead", key_call_is_short},
};

unsigned port_suite_key(const port_suite *suite, const sbs_key *key) {
    return port_report_run(suite, "key", key_checks, SBS_COUNT_OF(key_checks), key);
}
