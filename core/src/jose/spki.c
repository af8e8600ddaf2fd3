/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys in DER: RSAPublicKey and P-384 points are read, SubjectPublicKeyInfo is written as PEM text. The DER goes
 * through the base64url encoder, whose output is folded into lines with the alphabet of RFC 4648 section 4.
 */
#include <string.h>

#include "sbs/base64url.h"
#include "sbs/spki.h"

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

/* ---- reading -------------------- */

typedef struct der_reader {
    const uint8_t *at;
    size_t left;
} der_reader;

/* Takes one element with @p tag; its content becomes @p out. DER (X.690 section 10.1) demands the shortest length. */
static bool der_read_element(der_reader *der, uint8_t tag, der_reader *out) {
    const uint8_t *at = der->at;
    size_t header = 2;
    size_t shortest = 0;

    if (der->left < 3 || at[0] != tag) {
        return false;
    }

    /* One length byte, or the number of those that follow: keys need at most two. */
    size_t len = at[1];
    if (len == 0x81u) {
        len = at[2];
        header = 3;
        shortest = 0x80;
    } else if (len == 0x82u && der->left >= 4) {
        len = (size_t)at[2] << 8 | at[3];
        header = 4;
        shortest = 0x100;
    } else if (len >= 0x80u) {
        return false;
    }

    if (len < shortest || len > der->left - header) {
        return false;
    }

    *out = (der_reader){at + header, len};
    *der = (der_reader){at + header + len, der->left - header - len};
    return true;
}

/* Takes a positive INTEGER in its shortest form; the leading zero that keeps it positive is not part of @p out. */
static bool der_read_positive(der_reader *der, der_reader *out) {
    if (!der_read_element(der, TAG_INTEGER, out) || out->left == 0 || out->at[0] >= 0x80u) {
        return false;
    }
    if (out->at[0] != 0) {
        return true;
    }

    /* Only a zero that is needed may stand there. */
    out->at++;
    out->left--;
    return out->left > 0 && out->at[0] >= 0x80u;
}

static size_t der_bit_length(const der_reader *number) {
    size_t bits = number->left * 8;
    for (uint8_t top = number->at[0]; top < 0x80u; top = (uint8_t)(top << 1)) {
        bits--;
    }
    return bits;
}

static bool der_is_odd(const der_reader *number) {
    return (number->at[number->left - 1] & 1u) != 0;
}

/* An exponent is odd, at least 3 and below the modulus (RFC 8017 section 3.1). */
static bool rsa_is_exponent(const der_reader *e, const der_reader *n) {
    if (!der_is_odd(e) || e->left > n->left || (e->left == 1 && e->at[0] < 3)) {
        return false;
    }
    return e->left < n->left || memcmp(e->at, n->at, n->left) < 0;
}

static bool rsa_parse(const uint8_t *data, size_t len, sbs_public_key *out_key) {
    der_reader der = {data, len};
    der_reader sequence;
    der_reader n;
    der_reader e;

    if (!der_read_element(&der, TAG_SEQUENCE, &sequence) || der.left != 0) {
        return false;
    }
    if (!der_read_positive(&sequence, &n) || !der_read_positive(&sequence, &e) || sequence.left != 0) {
        return false;
    }

    out_key->bits = der_bit_length(&n);
    out_key->first = n.at;
    out_key->first_len = n.left;
    out_key->second = e.at;
    out_key->second_len = e.left;

    return der_is_odd(&n) && rsa_is_exponent(&e, &n);
}

static bool p384_parse(const uint8_t *data, size_t len, sbs_public_key *out_key) {
    if (len != POINT_SIZE || data[0] != 0x04) {
        return false;
    }

    out_key->bits = SBS_P384_BITS;
    out_key->first = data + 1;
    out_key->first_len = COORDINATE_SIZE;
    out_key->second = data + 1 + COORDINATE_SIZE;
    out_key->second_len = COORDINATE_SIZE;

    return true;
}

sbs_status sbs_public_key_parse(sbs_alg alg, const uint8_t *data, size_t len, sbs_public_key *out_key) {
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    if (info == NULL) {
        return SBS_ERR_KEY;
    }

    bool good = false;
    out_key->alg = alg;
    out_key->kind = info->kind;
    out_key->data = data;
    out_key->data_len = len;
    /* Not taken: a row of the table has one of the kinds. */
    switch (info->kind) {
    case SBS_KEY_RSA:
        good = rsa_parse(data, len, out_key);
        break;
    case SBS_KEY_P384:
        good = p384_parse(data, len, out_key);
        break;
    }

    if (!good || !sbs_alg_takes(info, out_key->bits)) {
        return SBS_ERR_KEY;
    }

    return SBS_OK;
}

/* ---- writing -------------------- */

/* Bytes of a tag and the length of @p content bytes; keys of the sizes above stay below 64 KB. */
static size_t der_header_size(size_t content) {
    if (content < 0x80u) {
        return 2;
    }
    return content < 0x100u ? 3 : 4;
}

static void der_put_header(sbs_writer *out, uint8_t tag, size_t content) {
    size_t size = der_header_size(content);
    sbs_put_char(out, (char)tag);
    if (size > 2) {
        sbs_put_char(out, (char)(0x80u + size - 2));
    }

    if (size > 3) {
        sbs_put_char(out, (char)(content >> 8));
    }

    sbs_put_char(out, (char)content);
}

/* The BIT STRING holds the bytes that were parsed; none of its bits are unused. */
static void spki_put_info(sbs_writer *out, const sbs_public_key *key) {
    const uint8_t *algorithm = key->kind == SBS_KEY_P384 ? P384_ALGORITHM : RSA_ALGORITHM;
    size_t algorithm_len = 2u + algorithm[1];
    size_t bits = 1 + key->data_len;

    der_put_header(out, TAG_SEQUENCE, algorithm_len + der_header_size(bits) + bits);
    sbs_put(out, (const char *)algorithm, algorithm_len);
    der_put_header(out, TAG_BIT_STRING, bits);
    sbs_put_char(out, '\0');
    sbs_put(out, (const char *)key->data, key->data_len);
}

/* Characters of the base64url encoder on their way to PEM lines. */
typedef struct pem_lines {
    sbs_writer *out;
    size_t count;
} pem_lines;

static void pem_put_char(pem_lines *lines, char c) {
    if (lines->count > 0 && lines->count % PEM_COLUMNS == 0) {
        sbs_put_char(lines->out, '\n');
    }
    sbs_put_char(lines->out, c);
    lines->count++;
}

static sbs_status pem_take_base64url(void *ctx, const char *data, size_t len) {
    pem_lines *lines = (pem_lines *)ctx;
    for (size_t i = 0; i < len; i++) {
        char c = data[i];
        if (c == '-') {
            c = '+';
        } else if (c == '_') {
            c = '/';
        }
        pem_put_char(lines, c);
    }

    return SBS_OK; /* errors stay in the writer behind, which goes on counting */
}

void sbs_public_key_put_pem(sbs_writer *out, const sbs_public_key *key) {
    pem_lines lines = {out, 0};
    sbs_base64url_stream stream;
    sbs_writer text;
    sbs_writer der;

    sbs_writer_init_sink(&text, pem_take_base64url, &lines);
    sbs_base64url_stream_init(&stream, &text, &der);
    sbs_put_string(out, "-----BEGIN PUBLIC KEY-----\n");
    spki_put_info(&der, key);
    sbs_base64url_stream_finish(&stream);

    /* The padding that base64url leaves out. */
    while (lines.count % 4 != 0) {
        pem_put_char(&lines, '=');
    }

    sbs_put_string(out, "\n-----END PUBLIC KEY-----\n");
}
