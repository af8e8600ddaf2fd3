/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: a public key in DER is read within its bytes; what is taken lies within them, and its numbers are odd,
 *   positive and in their order; a header that is written has the size that was announced
 * Bound: every DER of 0 to 12 bytes, contents of 0 to 65535 bytes
 * Sources: core/src/text/text_writer.c core/src/text/text.c
 * Unwind: 15
 * Unwindset: der_bit_length.0:9
 * Options: -I.deps/mbedtls/include -Iplatform/mbedtls/config -DMBEDTLS_CONFIG_FILE="sbs_mbedtls_linux.h"
 * Meant: der_put_header:conversion
 * Suite: long
 * Fault: core/src/jose/spki.c `len > der->left - header` => `len > der->left - header + 1`
 */
#include "proof.h"
#include "jose/spki.c"

enum { BYTES = 12 };

/* Not part of this proof. */
void sbs_base64url_stream_init(sbs_base64url_stream *stream, sbs_writer *target, sbs_writer *writer) {
    (void)stream;
    (void)target;
    (void)writer;
}

void sbs_base64url_stream_finish(sbs_base64url_stream *stream) {
    (void)stream;
}

static void prove_reading(const char *text, size_t len) {
    const uint8_t *start = (const uint8_t *)text;
    sbs_public_key key;
    if (!rsa_parse(start, len, &key)) {
        REACHED("a refusal");
        return;
    }

    PROVE(key.first >= start && key.first + key.first_len <= start + len && key.first_len > 0);
    PROVE(key.second >= start && key.second + key.second_len <= start + len && key.second_len > 0);
    PROVE(key.bits > 8 * (key.first_len - 1) && key.bits <= 8 * key.first_len);
    PROVE((key.first[key.first_len - 1] & 1) != 0 && (key.second[key.second_len - 1] & 1) != 0);
    PROVE(key.second_len <= key.first_len);
    if (len > 8) {
        REACHED("a key");
    }
}

static void prove_writing(void) {
    char text[5];
    char guard = nondet_char();
    size_t content = any_count(0xFFFF);
    sbs_writer out;
    text[4] = guard;
    sbs_writer_init(&out, text, 4);
    der_put_header(&out, TAG_SEQUENCE, content);
    PROVE(out.error == SBS_OK && out.len == der_header_size(content) && text[4] == guard);
    REACHED("a header");
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_reading)
    prove_writing();
    return 0;
}
