/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that end before what lwIP reads of them: behind each stand zeros that are in its own memory. A sanitizer sees
 * what is read behind them; the sizes are seen without one.
 */
#include <string.h>

#include "lwip_internal.h"
#include "rig.h"

#define LEAST 60u
#define PADDING 2u

typedef struct short_port {
    uint8_t bytes[SBS_ETHERNET_FRAME_MAX];
    size_t len;
} short_port;

static sbs_status port_receive_begin(void *ctx, size_t *out_len) {
    const short_port *port = ctx;
    *out_len = port->len;
    return SBS_OK;
}

static void port_receive(void *ctx, uint8_t *buffer, size_t len) {
    const short_port *port = ctx;
    memcpy(buffer, port->bytes, len);
}

static void port_receive_end(void *ctx) {
    (void)ctx;
}

static const sbs_ethernet_ops ops = {
    .receive_begin = port_receive_begin, .receive = port_receive, .receive_end = port_receive_end};

static struct pbuf *receive(short_port *port, size_t len) {
    const sbs_ethernet ethernet = {.ops = &ops, .ctx = port};
    struct pbuf *frame = NULL;
    port->len = len;
    assert_status(sbs_lwip_frame_receive(&ethernet, &frame), SBS_OK);
    assert_non_null(frame);
    assert_int_equal(frame->tot_len, len);
    return frame;
}

static void test_zeros_stand_behind_every_frame(void **state) {
    static const size_t lengths[] = {14, 15, 42, 59, 60, 61, 94, 1000, SBS_ETHERNET_FRAME_MAX};
    short_port port;
    uint32_t peak;
    (void)state;
    memset(port.bytes, 0xA5, sizeof port.bytes);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t len = lengths[i];
        uint32_t before = sbs_lwip_frames_size(&peak);
        struct pbuf *frame = receive(&port, len);
        size_t room = (len < LEAST ? LEAST : len) + 1;
        assert_true(sbs_lwip_frames_size(&peak) - before >= sizeof(struct pbuf_custom) + PADDING + room);

        const uint8_t *bytes = frame->payload;
        assert_memory_equal(bytes, port.bytes, len);
        for (size_t at = len; at < room; at++) {
            assert_int_equal(bytes[at], 0);
        }
        (void)pbuf_free(frame);
        assert_int_equal(sbs_lwip_frames_size(&peak), before);
    }
}

/* As from anybody on the same cable. */
static void test_a_short_question_for_an_address(void **state) {
    rig *self = *state;
    static const uint8_t question[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0,
                                       1,    8,    6,    0,    1,    8,    0, 6, 4, 0, 1};
    short_port port = {{0}, 0};
    memcpy(port.bytes, question, sizeof question);
    for (size_t len = SBS_ETHERNET_HEADER; len < LEAST; len++) {
        struct pbuf *frame = receive(&port, len);
        if (self->net.priv.netif.input(frame, &self->net.priv.netif) != ERR_OK) {
            (void)pbuf_free(frame);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_zeros_stand_behind_every_frame),
        TEST(test_a_short_question_for_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
