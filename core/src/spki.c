/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys in DER: RSAPublicKey and P-384 points are read, SubjectPublicKeyInfo is written as PEM text. The DER goes
 * through the base64url encoder, whose output is folded into lines with the alphabet of RFC 4648 section 4.
 */
#include <string.h>

#include "sbs/base64url.h"
#include "sbs/jwk.h"

#define TAG_INTEGER 0x02u
#define TAG_BIT_STRING 0x03u
#define TAG_SEQUENCE 0x30u

#define POINT_SIZE 97u /* 0x04 | X | Y */
#define COORDINATE_SIZE 48u
#define PEM_COLUMNS 64u

/* AlgorithmIdentifier: rsaEncryption with NULL (RFC 3279 section 2.3.1); id-ecPublicKey with secp384r1 (RFC 5480). */
static const uint8_t RSA_ALGORITHM[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                        0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t P384_ALGORITHM[] = {0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                         0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};

/* ---- reading -------------------------------------------------------------------------------------------------- */

typedef struct der_reader {
    const uint8_t *at;
    size_t left;
} der_reader;

/* Takes @p size bytes of big-endian length; DER (X.690 section 10.1) demands the shortest form. */
static bool read_long_length(der_reader *der, size_t size, size_t *out_len) {
    size_t len = 0;
    if (size < 1 || size > 2 || der->left < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        len = len << 8 | der->at[i];
    }
    der->at += size;
    der->left -= size;
    *out_len = len;
    return len >= (size == 1 ? 0x80u : 0x100u);
}

/* Takes one element with @p tag; its content becomes @p out. */
static bool read_element(der_reader *der, uint8_t tag, der_reader *out) {
    size_t len;
    if (der->left < 2 || der->at[0] != tag) {
        return false;
    }
    len = der->at[1];
    der->at += 2;
    der->left -= 2;
    if (len >= 0x80u && !read_long_length(der, len & 0x7Fu, &len)) {
        return false;
    }
    if (len > der->left) {
        return false;
    }
    out->at = der->at;
    out->left = len;
    der->at += len;
    der->left -= len;
    return true;
}

/* Takes a positive INTEGER in its shortest form; the leading zero that keeps it positive is not part of @p out. */
static bool read_positive(der_reader *der, der_reader *out) {
    if (!read_element(der, TAG_INTEGER, out) || out->left == 0 || out->at[0] >= 0x80u) {
        return false;
    }
    if (out->at[0] != 0) {
        return true;
    }
    out->at++;
    out->left--;
    return out->left > 0 && out->at[0] >= 0x80u;
}

static size_t bit_length(const der_reader *number) {
    size_t bits = number->left * 8;
    for (uint8_t top = number->at[0]; top < 0x80u; top = (uint8_t)(top << 1)) {
        bits--;
    }
    return bits;
}

static bool is_odd(const der_reader *number) {
    return (number->at[number->left - 1] & 1u) != 0;
}

/* An exponent is odd, at least 3 and below the modulus (RFC 8017 section 3.1). */
static bool is_exponent(const der_reader *e, const der_reader *n) {
    if (!is_odd(e) || e->left > n->left || (e->left == 1 && e->at[0] < 3)) {
        return false;
    }
    return e->left < n->left || memcmp(e->at, n->at, n->left) < 0;
}

static sbs_status parse_rsa(const uint8_t *data, size_t len, sbs_public_key *out_key) {
    der_reader der = {data, len};
    der_reader sequence;
    der_reader n;
    der_reader e;
    size_t bits;
    if (!read_element(&der, TAG_SEQUENCE, &sequence) || der.left != 0 || !read_positive(&sequence, &n) ||
        !read_positive(&sequence, &e) || sequence.left != 0) {
        return SBS_ERR_KEY;
    }
    bits = bit_length(&n);
    if (bits < SBS_RSA_BITS_MIN || bits > SBS_RSA_BITS_MAX || !is_odd(&n) || !is_exponent(&e, &n)) {
        return SBS_ERR_KEY;
    }
    *out_key = (sbs_public_key){SBS_RS384, bits, n.at, n.left, e.at, e.left};
    return SBS_OK;
}

static sbs_status parse_point(const uint8_t *data, size_t len, sbs_public_key *out_key) {
    if (len != POINT_SIZE || data[0] != 0x04) {
        return SBS_ERR_KEY;
    }
    *out_key = (sbs_public_key){SBS_ES384,      SBS_P384_BITS, data + 1, COORDINATE_SIZE, data + 1 + COORDINATE_SIZE,
                                COORDINATE_SIZE};
    return SBS_OK;
}

sbs_status sbs_public_key_parse(sbs_alg alg, const uint8_t *data, size_t len, sbs_public_key *out_key) {
    switch (alg) {
    case SBS_RS384:
        return parse_rsa(data, len, out_key);
    case SBS_ES384:
        return parse_point(data, len, out_key);
    default:
        return SBS_ERR_KEY;
    }
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void put_bytes(sbs_writer *out, const uint8_t *data, size_t len) {
    sbs_put(out, (const char *)data, len);
}

/* Bytes of a tag and the length of @p content bytes; keys of the sizes above stay below 64 KB. */
static size_t header_size(size_t content) {
    return content < 0x80u ? 2 : content < 0x100u ? 3 : 4;
}

static void put_header(sbs_writer *out, uint8_t tag, size_t content) {
    uint8_t header[4] = {tag};
    size_t size = header_size(content);
    if (size > 2) {
        header[1] = (uint8_t)(0x80u + size - 2);
    }
    if (size == 4) {
        header[2] = (uint8_t)(content >> 8);
    }
    header[size - 1] = (uint8_t)content;
    put_bytes(out, header, size);
}

/* Content bytes of an INTEGER: a leading zero keeps it positive. */
static size_t integer_content(const uint8_t *number, size_t len) {
    return len + (number[0] >> 7);
}

static size_t integer_size(const uint8_t *number, size_t len) {
    size_t content = integer_content(number, len);
    return header_size(content) + content;
}

static void put_integer(sbs_writer *out, const uint8_t *number, size_t len) {
    size_t content = integer_content(number, len);
    put_header(out, TAG_INTEGER, content);
    if (content > len) {
        sbs_put_char(out, '\0');
    }
    put_bytes(out, number, len);
}

/* SubjectPublicKeyInfo up to the first content byte of its BIT STRING: no bits are unused. */
static void put_info_head(sbs_writer *out, const uint8_t *algorithm, size_t algorithm_len, size_t key_len) {
    size_t bits = 1 + key_len;
    put_header(out, TAG_SEQUENCE, algorithm_len + header_size(bits) + bits);
    put_bytes(out, algorithm, algorithm_len);
    put_header(out, TAG_BIT_STRING, bits);
    sbs_put_char(out, '\0');
}

static void put_info(sbs_writer *out, const sbs_public_key *key) {
    size_t numbers;
    if (key->alg == SBS_ES384) {
        put_info_head(out, P384_ALGORITHM, sizeof P384_ALGORITHM, POINT_SIZE);
        sbs_put_char(out, '\x04');
        put_bytes(out, key->first, key->first_len);
        put_bytes(out, key->second, key->second_len);
        return;
    }
    numbers = integer_size(key->first, key->first_len) + integer_size(key->second, key->second_len);
    put_info_head(out, RSA_ALGORITHM, sizeof RSA_ALGORITHM, header_size(numbers) + numbers);
    put_header(out, TAG_SEQUENCE, numbers);
    put_integer(out, key->first, key->first_len);
    put_integer(out, key->second, key->second_len);
}

/* Characters of the base64url encoder on their way to PEM lines. */
typedef struct pem_lines {
    sbs_writer *out;
    size_t count;
} pem_lines;

static void put_pem_char(pem_lines *lines, char c) {
    if (lines->count > 0 && lines->count % PEM_COLUMNS == 0) {
        sbs_put_char(lines->out, '\n');
    }
    sbs_put_char(lines->out, c);
    lines->count++;
}

static sbs_status take_base64url(void *ctx, const char *data, size_t len) {
    pem_lines *lines = (pem_lines *)ctx;
    for (size_t i = 0; i < len; i++) {
        put_pem_char(lines, data[i] == '-' ? '+' : data[i] == '_' ? '/' : data[i]);
    }
    return SBS_OK; /* errors stay in the writer behind, which goes on counting */
}

void sbs_public_key_put_pem(sbs_writer *out, const sbs_public_key *key) {
    pem_lines lines = {out, 0};
    sbs_base64url_stream stream;
    sbs_writer text;
    sbs_writer der;
    sbs_writer_init_sink(&text, take_base64url, &lines);
    sbs_base64url_stream_init(&stream, &text, &der);
    sbs_put_string(out, "-----BEGIN PUBLIC KEY-----\n");
    put_info(&der, key);
    sbs_base64url_stream_finish(&stream);
    while (lines.count % 4 != 0) {
        put_pem_char(&lines, '=');
    }
    sbs_put_string(out, "\n-----END PUBLIC KEY-----\n");
}
