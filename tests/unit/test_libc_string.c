/* SPDX-License-Identifier: Apache-2.0 */
/* The small <string.h> of bare metal beside the C library's: every length and alignment that its words and bytes tell
 * apart, and copies that overlap. */
#include <stdint.h>
#include <string.h>

#include "sbs/count.h"
#include "test.h"

void *own_memmove(void *to, const void *from, size_t len);
void *own_memcpy(void *restrict to, const void *restrict from, size_t len);
void *own_memset(void *to, int value, size_t len);
int own_memcmp(const void *a, const void *b, size_t len);
void *own_memchr(const void *memory, int value, size_t len);
size_t own_strlen(const char *text);
int own_strcmp(const char *a, const char *b);
char *own_strchr(const char *text, int value);

#define SPAN 64u

typedef struct buffer {
    _Alignas(8) uint8_t bytes[SPAN];
} buffer;

static buffer numbered(void) {
    buffer all;
    for (unsigned i = 0; i < SPAN; i++) {
        all.bytes[i] = (uint8_t)(i * 7 + 1);
    }
    return all;
}

static int sign(int value) {
    return (value > 0) - (value < 0);
}

static void copies_within_one_buffer_are_whole(void **state) {
    (void)state;
    for (size_t to = 0; to < 24; to++) {
        for (size_t from = 0; from < 24; from++) {
            for (size_t len = 0; len <= SPAN - 24; len++) {
                buffer got = numbered(), expected = numbered();
                assert_ptr_equal(own_memmove(got.bytes + to, got.bytes + from, len), got.bytes + to);
                memmove(expected.bytes + to, expected.bytes + from, len);
                assert_memory_equal(got.bytes, expected.bytes, SPAN);
            }
        }
    }
}

static void copies_and_fills_write_what_they_say_and_nothing_beside(void **state) {
    const buffer source = numbered();
    (void)state;
    for (size_t to = 0; to < 8; to++) {
        for (size_t len = 0; len <= SPAN - 8; len++) {
            buffer got = {{0}}, expected = {{0}};
            assert_ptr_equal(own_memcpy(got.bytes + to, source.bytes + len % 8, len), got.bytes + to);
            memcpy(expected.bytes + to, source.bytes + len % 8, len);
            assert_memory_equal(got.bytes, expected.bytes, SPAN);

            assert_ptr_equal(own_memset(got.bytes + to, 0x1a5, len), got.bytes + to);
            memset(expected.bytes + to, 0xa5, len);
            assert_memory_equal(got.bytes, expected.bytes, SPAN);
        }
    }
}

static void bytes_are_compared_as_unsigned(void **state) {
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(values) * SBS_COUNT_OF(values); i++) {
        uint8_t a[] = {5, 5, values[i % SBS_COUNT_OF(values)], 9}, b[] = {5, 5, values[i / SBS_COUNT_OF(values)], 3};
        for (size_t len = 0; len <= sizeof a; len++) {
            assert_int_equal(sign(own_memcmp(a, b, len)), sign(memcmp(a, b, len)));
        }
    }
}

static void a_byte_is_found_within_the_length_alone(void **state) {
    const char bytes[] = {'a', '\0', 'b', '\xff', 'b'};
    (void)state;
    assert_null(own_memchr(bytes, 'a', 0));
    assert_ptr_equal(own_memchr(bytes, 'a', 5), bytes);
    assert_ptr_equal(own_memchr(bytes, '\0', 5), bytes + 1);
    assert_ptr_equal(own_memchr(bytes, 'b', 5), bytes + 2);
    assert_ptr_equal(own_memchr(bytes, 0x1ff, 5), bytes + 3);
    assert_null(own_memchr(bytes, 'b', 2));
    assert_null(own_memchr(bytes, 'c', 5));
}

static void texts_are_measured_compared_and_searched(void **state) {
    static const char *const texts[] = {"", "a", "ab", "abc", "abd", "b", "\xff", "a\xff", "ab\x80"};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        assert_int_equal(own_strlen(texts[i]), strlen(texts[i]));
        for (size_t k = 0; k < SBS_COUNT_OF(texts); k++) {
            assert_int_equal(sign(own_strcmp(texts[i], texts[k])), sign(strcmp(texts[i], texts[k])));
        }
        for (int value = 0; value < 256; value++) {
            assert_ptr_equal(own_strchr(texts[i], value), strchr(texts[i], value));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_within_one_buffer_are_whole),
        cmocka_unit_test(copies_and_fills_write_what_they_say_and_nothing_beside),
        cmocka_unit_test(bytes_are_compared_as_unsigned),
        cmocka_unit_test(a_byte_is_found_within_the_length_alone),
        cmocka_unit_test(texts_are_measured_compared_and_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
