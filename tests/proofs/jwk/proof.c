/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: whatever the key and its kid, a JWK, and a set of two, is one JSON object without control characters, whose
 *   strings and brackets are closed, or an error; nothing in a kid ends its string; equal kids are refused; a literal
 *   kid is printable and stays within its room
 * Bound: both kinds of key, numbers of 2 and 1 bytes, kids of 0 and 1 byte, compact, on a writer that does what its
 *   contract says (text_writer); rooms of 0 to 3 characters
 * Sources: core/src/text/ascii.c core/src/text/text.c core/src/text/utf8.c core/src/json/json_writer.c
 * Unwind: 8
 * Unwindset: strlen.0:12 sbs_put.0:8 json_put_quoted.0:8 json_put_escaped.0:9
 * Options: -I tests/proofs/stand_in --object-bits 12
 * Meant: json_put_quoted:conversion
 * Suite: long
 * Fault: core/src/jose/jwk.c `sbs_put_char(json->out, '"');` => `sbs_put_char(json->out, ' ');`
 */
#include "proof.h"
#include "jose/jwk.c"

/* What was written so far. */
static struct {
    bool in_string, escaped;
    unsigned depth, objects;
} written;

static void written_byte(char c) {
    PROVE((unsigned char)c >= ' ');
    if (!written.in_string) {
        written.in_string = c == '"';
        written.objects += c == '{' && written.depth == 0;
        PROVE((c != '}' && c != ']') || written.depth > 0);
        if (c == '{' || c == '[') {
            written.depth++;
        } else if ((c == '}' || c == ']') && written.depth > 0) {
            written.depth--;
        }
    } else if (written.escaped) {
        written.escaped = false;
    } else {
        written.escaped = c == '\\';
        written.in_string = c != '"';
    }
}

void sbs_put(sbs_writer *writer, const char *data, size_t len) {
    for (size_t i = 0; writer->error == SBS_OK && i < len; i++) {
        written_byte(data[i]);
    }
}

void sbs_put_string(sbs_writer *writer, const char *string) {
    sbs_put_text(writer, sbs_text_of(string));
}

void sbs_put_text(sbs_writer *writer, sbs_text text) {
    sbs_put(writer, text.ptr, text.len);
}

void sbs_put_char(sbs_writer *writer, char c) {
    sbs_put(writer, &c, 1);
}

void sbs_writer_fail(sbs_writer *writer, sbs_status error) {
    if (writer->error == SBS_OK) {
        writer->error = error;
    }
}

sbs_status sbs_writer_finish(const sbs_writer *writer, size_t *out_len) {
    (void)out_len;
    return writer->error;
}

/* Proven apart: a letter, a digit, '-' or '_' for six bits each. */
void sbs_base64url_put(sbs_writer *out, const uint8_t *data, size_t len) {
    PROVE(__CPROVER_r_ok(data, len));
    for (size_t i = 0; i <= len; i++) {
        char c = nondet_char();
        ASSUME(sbs_ascii_is_alnum_or(c, "-_"));
        sbs_put_char(out, c);
    }
}

const sbs_alg_info *sbs_alg_info_of(sbs_alg alg) {
    static const sbs_alg_info info = {.name = "ES384"};
    return alg == 0 ? &info : NULL;
}

static void prove_end(const sbs_writer *out) {
    PROVE(out->error == SBS_OK || out->error == SBS_ERR_FORMAT || out->error == SBS_ERR_DUPLICATE);
    if (out->error == SBS_OK) {
        PROVE(!written.in_string && written.depth == 0 && written.objects == 1);
        REACHED("an object");
    }
    written.in_string = written.escaped = false;
    written.depth = written.objects = 0;
}

static sbs_public_key any_key(sbs_key_kind kind) {
    static uint8_t numbers[2];
    return (sbs_public_key){.kind = kind, .first = numbers, .first_len = 2, .second = numbers, .second_len = 1};
}

static void prove_put(sbs_key_kind kind, const char *kid, size_t kid_len) {
    sbs_writer out = {0};
    sbs_public_key key = any_key(kind);
    sbs_jwk_put(&out, &key, (sbs_text){kid, kid_len}, SBS_JWK_COMPACT, 0);
    prove_end(&out);
}

static void prove_set(const char *kid, const char *other) {
    sbs_writer out = {0};
    sbs_jwk keys[2] = {{.key = any_key(SBS_KEY_RSA), .kid = {kid, 1}},
                       {.key = any_key(SBS_KEY_P384), .kid = {other, 1}}};
    sbs_jwk_set_put(&out, keys, 2, SBS_JWK_COMPACT);
    PROVE((out.error == SBS_ERR_DUPLICATE) == (*kid == *other));
    prove_end(&out);
}

static void prove_literal(const char *kid) {
    char room[4];
    char guard = nondet_char();
    size_t size = any_count(3);
    size_t len = 0;
    room[size] = guard;
    sbs_status status = kid_of_literal((sbs_text){kid, 2}, room, size, &len);
    PROVE(room[size] == guard);
    if (status == SBS_OK) {
        PROVE(len == 2 && len <= size && room[0] >= ' ' && room[1] >= ' ');
        REACHED("a kid");
    }
}

int main(void) {
    char kid[2];
    char other[1];
    prove_put(SBS_KEY_RSA, kid, 0);
    prove_put(SBS_KEY_RSA, kid, 1);
    prove_put(SBS_KEY_P384, kid, 1);
    prove_set(kid, other);
    prove_literal(kid);
    return 0;
}
