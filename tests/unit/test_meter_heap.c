/* SPDX-License-Identifier: Apache-2.0 */
/* The application on the device's heap: newlib's small allocator, and a connection whose largest block is a third of
 * what there is. Where the one connection was, there has to be room for the next. */
#include <mbedtls/platform.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "test.h"

#define RECORD_IN 16429u /* as Mbed TLS asks for them with the firmware's configuration */
#define RECORD_OUT 1069u
#define TICKET 192u
#define HANDSHAKE 7900u  /* what a full one takes beside them until it is over, with a chain to an RSA-4096 root */
#define KEPT_SMALL 1024u /* blocks that a connection leaves, and those of a key while it signs */

/* ---- an allocator as newlib-nano's ------------------------------------------------------------------------------- */

#define TESTS 2u
#define ARENA_SIZE 131072u
#define UNIT 8u

/* Free chunks in the order of their places; the first that fits gives its end. What no chunk holds is taken behind all.
 */
typedef struct chunk {
    size_t len; /* with this */
    struct chunk *next;
} chunk;

static _Alignas(16) unsigned char arenas[TESTS][ARENA_SIZE]; /* one each: some of what a test made lives on */
static unsigned char *arena;
static unsigned tests_begun;
static size_t arena_end;
static chunk *arena_free;

static void *arena_take(size_t len) {
    for (chunk **link = &arena_free; *link != NULL; link = &(*link)->next) {
        chunk *found = *link;
        if (found->len < len) {
            continue;
        }
        if (found->len - len <= sizeof(chunk)) {
            *link = found->next;
            return found;
        }
        found->len -= len;
        chunk *taken = (chunk *)((unsigned char *)found + found->len);
        taken->len = len;
        return taken;
    }
    assert_true(arena_end + len <= ARENA_SIZE);
    chunk *taken = (chunk *)(arena + arena_end);
    taken->len = len;
    arena_end += len;
    return taken;
}

static void *arena_calloc(size_t count, size_t size) {
    size_t len = (count * size + UNIT + sizeof(chunk) - 1u) / UNIT * UNIT;
    chunk *taken = arena_take(len < 2u * sizeof(chunk) ? 2u * sizeof(chunk) : len);
    memset((unsigned char *)taken + UNIT, 0, taken->len - UNIT);
    return (unsigned char *)taken + UNIT;
}

static void join(chunk *low) {
    if (low != NULL && low->next != NULL && (unsigned char *)low + low->len == (unsigned char *)low->next) {
        low->len += low->next->len;
        low->next = low->next->next;
    }
}

static void arena_release(void *memory) {
    unsigned char *at = memory;
    const unsigned char *all = (const unsigned char *)arenas;
    if (at < all || at >= all + sizeof arenas) {
        free(memory); /* of before, or NULL */
        return;
    }
    if (at < arena || at >= arena + ARENA_SIZE) { /* of the test before */
        return;
    }
    chunk *given = (chunk *)(at - UNIT), *before = NULL;
    chunk **link = &arena_free;
    while (*link != NULL && *link < given) {
        before = *link;
        link = &(*link)->next;
    }
    given->next = *link;
    *link = given;
    join(given);
    join(before);
}

/* ---- a connection that takes memory ------------------------------------------------------------------------------ */

static meter_rig rig;
static sbs_stream_ops inner;
static void *record_in, *record_out, *ticket;
static size_t end_at_first;
static size_t handshake_len;
static unsigned connections;

static void release_connection(void) {
    arena_release(record_in);
    arena_release(record_out);
    record_in = record_out = NULL;
}

static sbs_status open_with_memory(void *ctx, const char *host, uint16_t port, sbs_now now) {
    if (record_in == NULL) {
        record_in = arena_calloc(1, RECORD_IN);
        record_out = arena_calloc(1, RECORD_OUT);
        void *handshake = connections == 0 ? arena_calloc(1, handshake_len) : NULL;
        arena_release(handshake);
        end_at_first = connections++ == 0 ? arena_end : end_at_first;
        arena_release(ticket);
        ticket = arena_calloc(1, TICKET);
    }
    return inner.open(ctx, host, port, now);
}

static void close_with_memory(void *ctx) {
    inner.close(ctx);
    release_connection();
}

static int set_up(void **state) {
    (void)state;
    arena = arenas[tests_begun++];
    arena_end = 0;
    arena_free = NULL;
    connections = 0;
    handshake_len = 0;
    assert_int_equal(mbedtls_platform_set_calloc_free(arena_calloc, arena_release), 0);
    rig_init(&rig);
    inner = rig.stream_ops;
    rig.stream_ops.open = open_with_memory;
    rig.stream_ops.close = close_with_memory;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_free(&rig);
    release_connection();
    arena_release(ticket);
    ticket = NULL;
    return 0; /* what lives on is released at the end, and the allocator knows all of it */
}

/* From the first look to the first measurement: but for the memory of the next phase, none of the connections takes
 * more than the first one did. */
static void each_connection_fits_where_the_first_one_was(void **state) {
    (void)state;
    rig_boot(&rig);
    rig_first_boot(&rig);
    rig_type(&rig, "rotate ES384\n");
    rig_run(&rig, 1000);
    meter_record record = rig_record();
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    assert_true(connections > 1);
    assert_true(arena_end <= end_at_first + rig.meter.session.work_size + rig.meter.session.body_size + KEPT_SMALL);

    rig_await(&rig, "device: registered", 60000);
    rig_type(&rig, "measure 3\n");
    rig_await(&rig, "state=online queued=0", 60000);
    rig_type(&rig, "rotate ES384\n");
    rig_run(&rig, 120000);
    assert_true(arena_end <= end_at_first + rig.meter.session.work_size + rig.meter.session.body_size + KEPT_SMALL);
}

/* Where the handshake that checks the certificates found room, all that comes after it does: memory for a long
 * client_id, too, which is not taken beside the connection before. */
static void a_long_client_id_needs_no_more_than_the_handshake(void **state) {
    (void)state;
    static char client_id[2048 + 1];
    handshake_len = HANDSHAKE;
    memset(client_id, 'c', sizeof client_id - 1);
    rig_boot(&rig);
    rig_first_boot(&rig);
    meter_record record = rig_record();
    record.client_id = client_id;
    rig_provision(&rig, &record);
    rig_await(&rig, "device: registered", 60000);
    rig_type(&rig, "measure 3\n");
    rig_await(&rig, "state=online queued=0", 60000);
    assert_true(connections > 1);
    assert_true(rig.meter.session.work_size > 8192);
    assert_true(arena_end <= end_at_first + KEPT_SMALL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_connection_fits_where_the_first_one_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_client_id_needs_no_more_than_the_handshake, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
