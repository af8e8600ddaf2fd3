/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sbs/base64url.h"
#include "sbs/count.h"
#include "test.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The obvious encoder, bit by bit, to compare with. */
static size_t reference_encode(const uint8_t *data, size_t len, char *out) {
    size_t count = 0;
    for (size_t bit = 0; bit < 8 * len; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; i++) {
            value = value << 1 | (i < 8 * len ? (unsigned)data[i / 8] >> (7 - i % 8) & 1u : 0u);
        }
        out[count++] = alphabet[value];
    }
    return count;
}

static void check_both_ways(const uint8_t *data, size_t len) {
    char expected[8];
    char text[8];
    uint8_t back[8];
    size_t text_len;
    size_t back_len;
    size_t expected_len = reference_encode(data, len, expected);
    if (sbs_base64url_encode(data, len, text, expected_len, &text_len) != SBS_OK || text_len != expected_len ||
        memcmp(text, expected, text_len) != 0) {
        fail_msg("%zu bytes %02x.. are encoded wrongly", len, data[0]);
    }
    if (sbs_base64url_decode(text, text_len, back, len, &back_len) != SBS_OK || back_len != len ||
        memcmp(back, data, len) != 0) {
        fail_msg("%.*s is decoded wrongly", (int)text_len, text);
    }
}

static void every_input_of_one_to_three_bytes_is_encoded(void **state) {
    (void)state;
    for (uint32_t value = 0; value < 1u << 24; value++) {
        uint8_t data[3] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16)};
        if (value < 1u << 8) {
            check_both_ways(data, 1);
        }
        if (value < 1u << 16) {
            check_both_ways(data, 2);
        }
        /* All of three bytes where the bits cross, a part of the rest. */
        if (value < 1u << 16 || value % 7 == 0) {
            check_both_ways(data, 3);
        }
    }
}

static void assert_pair(const char *data, size_t len, const char *text) {
    char encoded[64];
    uint8_t decoded[64];
    size_t encoded_len;
    size_t decoded_len;
    assert_int_equal(sbs_base64url_encode((const uint8_t *)data, len, encoded, sizeof encoded, &encoded_len), SBS_OK);
    assert_int_equal(encoded_len, strlen(text));
    assert_memory_equal(encoded, text, encoded_len);
    assert_int_equal(sbs_base64url_decode(text, strlen(text), decoded, sizeof decoded, &decoded_len), SBS_OK);
    assert_int_equal(decoded_len, len);
    assert_memory_equal(decoded, data, len);
}

/* RFC 4648 sections 9 and 10, without padding; RFC 7515 appendix C. */
static void the_vectors_of_the_standards_hold(void **state) {
    (void)state;
    assert_pair("\x14\xfb\x9c\x03\xd9\x7e", 6, "FPucA9l-");
    assert_pair("\x14\xfb\x9c\x03\xd9", 5, "FPucA9k");
    assert_pair("\x14\xfb\x9c\x03", 4, "FPucAw");
    assert_pair("", 0, "");
    assert_pair("f", 1, "Zg");
    assert_pair("fo", 2, "Zm8");
    assert_pair("foo", 3, "Zm9v");
    assert_pair("foob", 4, "Zm9vYg");
    assert_pair("fooba", 5, "Zm9vYmE");
    assert_pair("foobar", 6, "Zm9vYmFy");
    assert_pair("\x03\xec\xff\xe0\xc1", 5, "A-z_4ME");
}

static void an_exact_fit_is_written_and_one_short_is_told(void **state) {
    uint8_t data[32];
    (void)state;
    for (size_t len = 0; len <= sizeof data; len++) {
        memset(data, (int)(len * 37), sizeof data);
        size_t needed = SBS_BASE64URL_ENCODED_SIZE(len);
        size_t got = 0;
        char *text = malloc(needed + 1);
        uint8_t *back = malloc(len + 1);
        assert_int_equal(sbs_base64url_encode(data, len, text, needed, &got), SBS_OK);
        assert_int_equal(got, needed);
        assert_int_equal(SBS_BASE64URL_DECODED_SIZE(needed), len);
        assert_int_equal(sbs_base64url_decode(text, needed, back, len, &got), SBS_OK);
        assert_int_equal(got, len);
        assert_memory_equal(back, data, len);
        if (len > 0) {
            char before = text[0];
            assert_int_equal(sbs_base64url_encode(data, len, text, needed - 1, &got), SBS_ERR_BUFFER);
            assert_int_equal(got, needed);
            assert_int_equal(text[0], before);
            memset(back, 0xEE, len);
            assert_int_equal(sbs_base64url_decode(text, needed, back, len - 1, &got), SBS_ERR_BUFFER);
            assert_int_equal(got, len);
            assert_int_equal(back[0], 0xEE);
        }
        free(text);
        free(back);
    }
}

static void nothing_at_all_is_legal(void **state) {
    size_t got = 9;
    char text[1];
    uint8_t data[1];
    (void)state;
    assert_int_equal(sbs_base64url_encode(NULL, 0, text, 0, &got), SBS_OK);
    assert_int_equal(got, 0);
    got = 9;
    assert_int_equal(sbs_base64url_decode(NULL, 0, data, 0, &got), SBS_OK);
    assert_int_equal(got, 0);
}

static void decoding_in_place_is_legal(void **state) {
    uint8_t data[50];
    char text[80];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 151 + 7);
    }
    for (size_t len = 0; len <= sizeof data; len++) {
        size_t text_len;
        size_t back_len;
        assert_int_equal(sbs_base64url_encode(data, len, text, sizeof text, &text_len), SBS_OK);
        assert_int_equal(sbs_base64url_decode(text, text_len, (uint8_t *)text, len, &back_len), SBS_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(text, data, len);
    }
}

static void assert_refused(const char *text, size_t len) {
    static const uint8_t zeros[16];
    uint8_t out[16];
    size_t out_len = 99;
    memset(out, 0, sizeof out);
    assert_int_equal(sbs_base64url_decode(text, len, out, sizeof out, &out_len), SBS_ERR_FORMAT);
    assert_int_equal(out_len, 0);
    assert_memory_equal(out, zeros, sizeof out);
}

static void every_illegal_character_is_refused_at_every_position(void **state) {
    (void)state;
    for (size_t len = 2; len <= 12; len++) {
        for (size_t at = 0; at < len && len % 4 != 1; at++) {
            for (int c = 0; c < 256; c++) {
                char text[12];
                memset(text, 'A', sizeof text);
                text[at] = (char)c;
                if (c == 0 || strchr(alphabet, c) == NULL) {
                    assert_refused(text, len);
                }
            }
        }
    }
}

static void pad_bits_must_be_zero(void **state) {
    (void)state;
    for (unsigned value = 0; value < 64; value++) {
        uint8_t out[3];
        size_t out_len;
        char two[] = {'A', alphabet[value]};
        char three[] = {'A', 'A', alphabet[value]};
        assert_int_equal(sbs_base64url_decode(two, 2, out, 1, &out_len), value % 16 == 0 ? SBS_OK : SBS_ERR_FORMAT);
        assert_int_equal(sbs_base64url_decode(three, 3, out, 2, &out_len), value % 4 == 0 ? SBS_OK : SBS_ERR_FORMAT);
    }
}

static void lengths_of_4n_plus_1_and_padding_are_refused(void **state) {
    static const char *const bad[] = {"A",      "AAAAA", "AAAAAAAAA", "Zg==", "Zm8=",    "Zm9vYg==", "Zg=",
                                      "Zm9v\n", " Zm9v", "Zm 9v",     "====", "Zm9vYg=", "=",        "Zm9v===="};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_refused(bad[i], strlen(bad[i]));
    }
    /* A wrong length is told before a small buffer. */
    size_t out_len;
    assert_int_equal(sbs_base64url_decode("AAAAA", 5, NULL, 0, &out_len), SBS_ERR_FORMAT);
}

static void a_stream_makes_the_same_text_however_it_is_cut(void **state) {
    static const char text[] = "{\"alg\":\"RS384\",\"kid\":\"x\"}?\xff\xfe>";
    char expected[64];
    size_t expected_len;
    (void)state;
    assert_int_equal(
        sbs_base64url_encode((const uint8_t *)text, strlen(text), expected, sizeof expected, &expected_len), SBS_OK);
    for (size_t first = 0; first <= strlen(text); first++) {
        for (size_t second = first; second <= strlen(text); second++) {
            char out[64];
            size_t len;
            sbs_writer target;
            sbs_writer writer;
            sbs_base64url_stream stream;
            sbs_writer_init(&target, out, expected_len);
            sbs_base64url_stream_init(&stream, &target, &writer);
            sbs_put(&writer, text, first);
            sbs_base64url_stream_put(&stream, (const uint8_t *)text + first, second - first);
            sbs_put(&writer, text + second, strlen(text) - second);
            sbs_base64url_stream_finish(&stream);
            assert_int_equal(sbs_writer_finish(&writer, NULL), SBS_OK);
            assert_int_equal(sbs_writer_finish(&target, &len), SBS_OK);
            assert_int_equal(len, expected_len);
            assert_memory_equal(out, expected, len);
            assert_int_equal(stream.held_len | stream.held[0] | stream.held[1] | stream.held[2], 0);
        }
    }
}

static void a_stream_tells_how_much_the_target_would_need(void **state) {
    (void)state;
    for (size_t len = 1; len <= 10; len++) {
        for (size_t size = 0; size <= SBS_BASE64URL_ENCODED_SIZE(len); size++) {
            char out[16];
            size_t needed;
            sbs_writer target;
            sbs_writer writer;
            sbs_base64url_stream stream;
            sbs_writer_init(&target, out, size);
            sbs_base64url_stream_init(&stream, &target, &writer);
            sbs_put(&writer, "0123456789", len);
            sbs_base64url_stream_finish(&stream);
            bool fits = size == SBS_BASE64URL_ENCODED_SIZE(len);
            assert_int_equal(sbs_writer_finish(&target, &needed), fits ? SBS_OK : SBS_ERR_BUFFER);
            assert_int_equal(needed, SBS_BASE64URL_ENCODED_SIZE(len));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_of_one_to_three_bytes_is_encoded),
        cmocka_unit_test(the_vectors_of_the_standards_hold),
        cmocka_unit_test(an_exact_fit_is_written_and_one_short_is_told),
        cmocka_unit_test(nothing_at_all_is_legal),
        cmocka_unit_test(decoding_in_place_is_legal),
        cmocka_unit_test(every_illegal_character_is_refused_at_every_position),
        cmocka_unit_test(pad_bits_must_be_zero),
        cmocka_unit_test(lengths_of_4n_plus_1_and_padding_are_refused),
        cmocka_unit_test(a_stream_makes_the_same_text_however_it_is_cut),
        cmocka_unit_test(a_stream_tells_how_much_the_target_would_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
