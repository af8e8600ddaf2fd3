/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that lies about the version in its first message. */
#include <string.h>

#include "memory_stream.h"
#include "test.h"
#include "tls_fixture.h"

enum { VERSION_AT = 9, SUITE_AT = 44, HELLO_SIZE = 47 };

static uint8_t hello[HELLO_SIZE];
static uint8_t sent[4096];

/* A ServerHello without extensions: TLS 1.2 by its form, whatever version it says. */
static void make_hello(uint8_t minor_version, const uint8_t suite[2]) {
    static const uint8_t head[] = {22, 3, 3, 0, HELLO_SIZE - 5, 2, 0, 0, HELLO_SIZE - 9, 3};
    memset(hello, 0x55, sizeof hello);
    memcpy(hello, head, sizeof head);
    hello[VERSION_AT + 1] = minor_version;
    hello[SUITE_AT - 1] = 0; /* no session id */
    memcpy(hello + SUITE_AT, suite, 2);
    hello[HELLO_SIZE - 1] = 0; /* no compression */
}

/* What the client says to it last of all: the description of its alert, or -1. */
static int answer_to_hello(void) {
    const sbs_tls_config config = {.trust = &both};
    memory_stream memory = {.input = hello, .input_len = sizeof hello, .end = SBS_ERR_TRUNCATED, .output = sent};
    memory.output_size = sizeof sent;
    memory.open_status = SBS_OK;
    sbs_stream raw;
    sbs_stream stream;
    sbs_tls_stream tls;
    memory_stream_init(&memory, false, &raw);
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &stream), SBS_OK);

    sbs_status status = SBS_PENDING;
    sbs_now now = {0};
    for (int calls = 0; calls < 1000 && status == SBS_PENDING; calls++) {
        status = stream.ops->open(stream.ctx, "localhost", 443, now);
    }

    assert_true(status < 0);
    stream.ops->close(stream.ctx);
    if (memory.output_len < 7 || sent[memory.output_len - 7] != 21) {
        return -1;
    }
    return sent[memory.output_len - 1];
}

/* It would lead to a handshake of TLS 1.3 whose secrets everybody knows. */
static void a_hello_of_tls_1_2_that_says_1_3_is_refused(void **state) {
    (void)state;
    static const uint8_t suite[] = {0x13, 0x02};
    make_hello(4, suite);
    assert_int_equal(answer_to_hello(), 70); /* protocol_version */
}

static void a_hello_of_tls_1_1_is_refused(void **state) {
    (void)state;
    static const uint8_t suite[] = {0xC0, 0x2C};
    make_hello(2, suite);
    assert_int_equal(answer_to_hello(), 70);
}

/* The two above are refused for what they say, and not for their form. */
static void a_hello_of_tls_1_2_is_taken(void **state) {
    (void)state;
    static const uint8_t suite[] = {0xC0, 0x2C};
    make_hello(3, suite);
    assert_int_equal(answer_to_hello(), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_of_tls_1_2_that_says_1_3_is_refused),
        cmocka_unit_test(a_hello_of_tls_1_1_is_refused),
        cmocka_unit_test(a_hello_of_tls_1_2_is_taken),
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
