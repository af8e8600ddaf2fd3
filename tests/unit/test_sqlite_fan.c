/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several connections over one queue on SQLite: devices beside each other and each in its order, one token, one commit
 * for all, fewer connections where the server has enough; and cuts of the power at each operation.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "power_cut.h"
#include "sbs/count.h"
#include "sqlite_cut_vfs.h"
#include "sqlite_drain.h"
#include "test.h"

#define ITEMS DRAIN_ITEMS

/* Every call of a stream waits once, so that what one line sends is under way while the others go on. */
static void wait_everywhere(void) {
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].server.pending_first = true;
    }
}

static unsigned sum_of_tokens(void) {
    unsigned sum = 0;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        sum += world.fhir[i].tokens;
    }
    return sum;
}

static unsigned in_flight(void) {
    unsigned count = 0;
    for (size_t i = 0; i < world.push.priv.count; i++) {
        count += world.push.priv.lines[i]->view->in_flight;
    }
    return count;
}

/* The most that were under way at a time. */
static unsigned run_and_count(void) {
    unsigned most = 0;
    sbs_status status = SBS_PENDING;
    for (unsigned polls = 0; status == SBS_PENDING; polls++) {
        assert_true(polls < 20000);
        status = drain_poll();
        unsigned now = in_flight();
        most = now > most ? now : most;
    }
    assert_int_equal(status, SBS_OK);
    return most;
}

static void devices_go_beside_each_other_each_in_its_order(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, 6);
    wait_everywhere();
    assert_true(drain_start());
    assert_in_range(run_and_count(), 3, 6);
    drain_assert_each_once(ITEMS);
    assert_int_equal(world.disorder, 0);
    assert_int_equal(sum_of_tokens(), 1);
    assert_true(world.safe[ITEMS]);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void one_device_keeps_its_order(void **state) {
    (void)state;
    drain_begin(1, SBS_FORWARD_IF_NONE_EXIST, 1, ITEMS, 8, 1);
    wait_everywhere();
    assert_true(drain_start());
    assert_int_equal(run_and_count(), 1);
    drain_assert_each_once(ITEMS);
    assert_int_equal(world.disorder, 0);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void what_has_no_order_goes_over_all(void **state) {
    (void)state;
    drain_begin(64, SBS_FORWARD_PUT, 1, ITEMS, 8, 0);
    wait_everywhere();
    assert_true(drain_start());
    assert_in_range(run_and_count(), 4, 8);
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* The same identifier twice, with another content. */
static void one_identifier_is_never_under_way_twice(void **state) {
    (void)state;
    uint8_t identity[SBS_SQLITE_HASH_SIZE];
    drain_begin(8, SBS_FORWARD_PUT, 1, 0, 8, 0);
    assert_true(drain_open_queue());
    memset(identity, 7, sizeof identity);
    for (unsigned i = 0; i < 4; i++) {
        static const char text[] = "{\"resourceType\":\"Observation\",\"identifier\":[{\"value\":\"n1\"}]}";
        const sbs_queue_meta meta = {.utc_s = 1, .zone_minutes = SBS_ZONE_UNKNOWN};
        uint8_t content[SBS_SQLITE_HASH_SIZE];
        memset(content, (int)i, sizeof content);
        const sbs_sqlite_facts facts = {.identity = identity, .content = content, .type = "Observation"};
        sbs_sqlite_repeat repeat;
        uint64_t id;
        assert_int_equal(sbs_sqlite_queue_add(&world.db, &meta, &facts, text, sizeof text - 1, &id, &repeat), SBS_OK);
    }
    sbs_sqlite_queue_close(&world.db);
    wait_everywhere();
    world.config.push.already_there = SBS_ALREADY_ACCEPT;
    assert_true(drain_start());
    assert_int_equal(run_and_count(), 1);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* All wait as long as one was asked to, and there are fewer of them then. */
static void a_server_that_asks_for_time_slows_all(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, 0);
    wait_everywhere();
    assert_true(drain_start());
    while (sbs_forward_fan_active(&world.push) < 4) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].fhir_status = 429;
        world.fhir[i].fields = "Retry-After: 30\r\n";
    }
    uint32_t before = sbs_forward_fan_active(&world.push);
    while (sbs_forward_fan_active(&world.push) >= before) {
        before = sbs_forward_fan_active(&world.push);
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    uint64_t asked_ms = world.now.mono_ms;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].fhir_status = 0;
    }
    while (in_flight() > 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    while (in_flight() == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_in_range(world.now.mono_ms, asked_ms + 29000, asked_ms + 60000);
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* A network that fails is one that may be full. */
static void each_failure_of_the_network_leaves_fewer_connections(void **state) {
    static const sbs_status failures[] = {SBS_ERR_REFUSED, SBS_ERR_TIMEOUT, SBS_ERR_NETWORK, SBS_ERR_TRUNCATED};
    (void)state;
    for (size_t n = 0; n < SBS_COUNT_OF(failures); n++) {
        drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, 0);
        wait_everywhere();
        assert_true(drain_start());
        while (sbs_forward_fan_active(&world.push) < 4) {
            assert_int_equal(drain_poll(), SBS_PENDING);
        }
        for (unsigned i = 0; i < DRAIN_LINES; i++) {
            world.fhir[i].close_each = true;
            world.fhir[i].server.open_fails = failures[n];
        }
        uint32_t most = 0;
        uint32_t active = sbs_forward_fan_active(&world.push);
        for (unsigned polls = 0; polls < 3000 && active >= most; polls++) {
            most = active;
            assert_int_equal(drain_poll(), SBS_PENDING);
            active = sbs_forward_fan_active(&world.push);
        }
        assert_true(active < most);
        assert_true(drain_run());
        drain_assert_each_once(ITEMS);
        assert_int_equal(drain_stop(), SBS_OK);
    }
}

static unsigned sum_of_stored(void) {
    unsigned sum = 0;
    for (unsigned i = 1; i <= ITEMS; i++) {
        sum += world.stored[i];
    }
    return sum;
}

/* One line is asked for time: the others end what they sent. */
static void who_has_sent_something_takes_nothing_more_while_time_is_asked_for(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, 0);
    wait_everywhere();
    world.fhir[2].fhir_status = 503;
    world.fhir[2].fields = "Retry-After: 30\r\n";
    assert_true(drain_start());
    while (world.push.priv.held_ms == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    uint64_t asked_ms = world.now.mono_ms;
    unsigned most = sum_of_stored() + in_flight();
    assert_in_range(most, 1, ITEMS - 3);
    while (world.now.mono_ms < asked_ms + 29000) {
        assert_int_equal(drain_poll(), SBS_PENDING);
        assert_in_range(sum_of_stored(), 0, most);
    }
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

static bool is_parked(size_t number) {
    return number < world.push.priv.count && world.push.priv.lines[number]->parked;
}

/* Of a server with a limit, whose room is for those that have something to do. */
static void who_has_nothing_to_do_is_not_connected_while_others_go_on(void **state) {
    (void)state;
    unsigned seen = 0;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, 0);
    wait_everywhere();
    assert_true(drain_start());
    while (in_flight() < 4) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    world.fhir[2].fhir_status = 503;
    while (drain_poll() == SBS_PENDING) {
        for (size_t i = 0; i < DRAIN_LINES && world.push.priv.slowed_ms != 0; i++) {
            seen += is_parked(i);
            assert_false(is_parked(i) && world.fhir[i].server.is_open);
        }
    }
    assert_true(seen > 0);
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* Each engine knows of the last items that they are not stored, until another one sends them. */
static void what_another_one_sent_may_be_stored(void **state) {
    (void)state;
    size_t known = 0;
    drain_begin(8, SBS_FORWARD_IF_NONE_EXIST, 1, ITEMS, 8, 0);
    wait_everywhere();
    assert_true(drain_start());
    for (sbs_status status = SBS_PENDING; status == SBS_PENDING; status = drain_poll()) {
        for (; known < world.push.priv.count && known < 3; known++) {
            for (uint32_t id = ITEMS / 2; id <= ITEMS; id++) {
                assert_int_equal(world.stored[id], 0);
                world.push.priv.lines[known]->push.priv.unstored[id] = id;
            }
        }
    }
    assert_int_equal(known, 3);
    for (size_t i = 0; i < known; i++) {
        for (uint32_t id = ITEMS / 2; id <= ITEMS; id++) {
            assert_int_equal(world.push.priv.lines[i]->push.priv.unstored[id], 0);
        }
    }
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* ---- what a look finds ------------------------------------------------------------------------------------------ */

static sbs_status look(sbs_forward_view *view, uint64_t after, uint64_t *out_id) {
    const sbs_queue port = sbs_forward_view_port(view);
    sbs_queue_item item = {0};
    char text[256];
    size_t len = 0;
    sbs_status status = port.ops->next(port.ctx, after, &item);
    *out_id = item.id;
    return status == SBS_OK ? port.ops->read(port.ctx, item.id, 0, text, sizeof text, &len) : status;
}

/* Items 1 and 3 are of one device, 2 is of another one. */
static void share_begin(sbs_forward_share *share) {
    drain_begin(8, SBS_FORWARD_PUT, 1, 3, 8, 2);
    assert_true(drain_open_queue());
    assert_int_equal(sbs_forward_share_open(share, &world.queue, 8, 2), SBS_OK);
}

static void share_end(sbs_forward_share *share) {
    sbs_forward_share_close(share);
    sbs_sqlite_queue_close(&world.db);
}

static void one_look_gathers_what_is_behind_each_other(void **state) {
    (void)state;
    sbs_forward_share share;
    uint64_t id = 0;
    share_begin(&share);
    for (uint64_t expected = 1; expected <= 3; expected++) {
        assert_int_equal(look(sbs_forward_share_view(&share, 0), expected - 1, &id), SBS_OK);
        assert_int_equal(id, expected);
    }
    assert_int_equal(look(sbs_forward_share_view(&share, 0), 3, &id), SBS_ERR_NOT_FOUND);
    share_end(&share);
}

static void what_is_given_back_goes_before_what_is_behind_it(void **state) {
    (void)state;
    sbs_forward_share share;
    uint64_t id = 0;
    share_begin(&share);
    assert_int_equal(look(sbs_forward_share_view(&share, 1), 0, &id), SBS_OK);
    assert_int_equal(id, 1);
    assert_int_equal(look(sbs_forward_share_view(&share, 0), 0, &id), SBS_OK);
    assert_int_equal(id, 2);
    sbs_forward_view_release(sbs_forward_share_view(&share, 1));
    assert_int_equal(look(sbs_forward_share_view(&share, 0), 2, &id), SBS_ERR_NOT_FOUND);
    share_end(&share);
}

/* ---- the token of all ------------------------------------------------------------------------------------------- */

/* All connections are to one server, where a new token ends the one before it. */
static unsigned newest_token;

static void begin_with_one_token(unsigned lanes) {
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, lanes);
    wait_everywhere();
    newest_token = 0;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].newest = &newest_token;
        world.fhir[i].token_lives_s = 600;
    }
    assert_true(drain_start());
}

/* False: all was sent before. */
static bool poll_so_often(unsigned polls) {
    for (unsigned i = 0; i < polls; i++) {
        if (drain_poll() != SBS_PENDING) {
            return false;
        }
    }
    return true;
}

static unsigned sum_of_refusals(void) {
    unsigned sum = 0;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        sum += world.fhir[i].unauthorized;
    }
    return sum;
}

/* Whenever that is: what was refused goes again, in this run, and one token is asked for. */
static void a_token_that_ends_is_fetched_once_for_all(void **state) {
    (void)state;
    unsigned most = 0;
    bool going = true;
    for (unsigned polls = 0; going; polls++) {
        begin_with_one_token(0);
        going = poll_so_often(polls);
        unsigned tokens = newest_token;
        newest_token += 100;
        assert_true(drain_run());
        drain_assert_each_once(ITEMS);
        assert_int_equal(world.waits, 0);
        assert_in_range(sum_of_tokens(), tokens, tokens + 1);
        most = sum_of_refusals() > most ? sum_of_refusals() : most;
        assert_int_equal(drain_stop(), SBS_OK);
    }
    assert_in_range(most, 4, DRAIN_LINES);
}

/* The same where one of them has to wait a while, and finds nothing left to do then. */
static void a_token_that_grows_old_is_fetched_once_for_all(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < 6; variant++) {
        bool going = true;
        for (unsigned polls = 0; going; polls++) {
            begin_with_one_token(variant / 2);
            world.fhir[1].fhir_status = variant % 2 == 0 ? 0 : 503;
            going = poll_so_often(polls);
            world.now.mono_ms += 500000;
            assert_true(drain_run());
            drain_assert_each_once(ITEMS);
            assert_in_range(sum_of_tokens(), 1, 2);
            assert_int_equal(drain_stop(), SBS_OK);
        }
    }
}

/* So many requests are under way when the token ends, and no other is given. */
static void begin_to_be_refused(unsigned requests, unsigned status, const char *answer, unsigned times) {
    begin_with_one_token(0);
    while (in_flight() < requests) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }

    newest_token += 100;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].token_status = status;
        world.fhir[i].token_error = answer;
        world.fhir[i].token_times = times;
    }
}

/* Who fetches the token fails: another one tries at once. */
static void a_token_that_does_not_come_is_fetched_by_another_one(void **state) {
    (void)state;
    begin_to_be_refused(4, 400, "{\"error\":\"invalid_client\"}", 0);
    while (sum_of_tokens() < 2) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].token_status = 0;
    }

    const sbs_forward_line *failed = world.push.priv.renewer;
    while (world.push.priv.token_turn < 2) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_ptr_not_equal(world.push.priv.token_from, failed);
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(sum_of_tokens(), 3);
    assert_int_equal(world.waits, 0);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* Each may take as long as a time limit: not all of them try before it is told that nothing goes. */
static void where_two_cannot_fetch_the_token_all_wait(void **state) {
    (void)state;
    begin_to_be_refused(6, 503, "{}", 100);

    unsigned before = sum_of_tokens();
    while (world.waits == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_int_equal(sum_of_tokens(), before + 2);
    for (unsigned i = 0; i < 10; i++) { /* and again, by one at a time */
        unsigned told = world.waits;
        while (world.waits == told) {
            assert_int_equal(drain_poll(), SBS_PENDING);
        }
        assert_in_range(sum_of_tokens() - before, 3 + i, 4 + 2 * i);
    }

    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].token_status = 0;
    }
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* All waited for the network until the token was over. */
static void after_a_long_wait_one_fetches_the_token(void **state) {
    (void)state;
    begin_with_one_token(0);
    while (world.fhir_count < 6) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].close_each = true;
        world.fhir[i].server.open_fails = SBS_ERR_UNREACHABLE;
    }
    while (world.waits == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    world.now.mono_ms += 700000;
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(sum_of_tokens(), 2);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* What is kept for the next run is the first connection's, whoever fetched it. */
static void the_first_connection_ends_with_the_newest_token(void **state) {
    (void)state;
    unsigned others = 0;
    for (unsigned polls = 0; polls < 8; polls++) {
        sbs_token_view token;
        begin_with_one_token(0);
        while (in_flight() < 4) {
            assert_int_equal(drain_poll(), SBS_PENDING);
        }

        bool going = poll_so_often(polls);
        newest_token += 100;
        while (going && world.push.priv.token_turn < 2) {
            going = drain_poll() == SBS_PENDING;
        }
        others += world.push.priv.token_from != world.push.priv.lines[0];
        assert_int_equal(sbs_forward_fan_close(&world.push), SBS_OK);
        assert_int_equal(sbs_client_token(sbs_forward_server_client(&world.server), world.now, &token), SBS_OK);
        assert_true(!going || sbs_text_equal(token.access_token, SBS_TEXT("tok-1.102")));
        sbs_forward_server_close(&world.server);
        world.running = false;
        assert_int_equal(drain_stop(), SBS_OK);
    }
    assert_true(others > 0);
}

/* A connection that cannot be had takes nothing with it. */
static void a_server_with_a_limit_is_served_with_fewer(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 8, 0);
    wait_everywhere();
    for (unsigned i = 2; i < DRAIN_LINES; i++) {
        world.fhir[i].server.open_fails = SBS_ERR_REFUSED;
    }
    assert_true(drain_start());
    uint64_t began_ms = world.now.mono_ms;
    (void)run_and_count();
    drain_assert_each_once(ITEMS);
    assert_int_equal(world.waits, 0);
    assert_in_range(world.now.mono_ms, began_ms, began_ms + 20000);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void when_nothing_goes_all_is_told_once(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 4, 0);
    assert_true(drain_start());
    while (world.fhir_count < 4) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        world.fhir[i].close_each = true;
        world.fhir[i].server.open_fails = SBS_ERR_UNREACHABLE;
    }
    while (world.waits == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_int_equal(in_flight(), 0);
    assert_int_equal(world.pending_count, 0);
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void what_was_not_sent_is_not_marked_at_the_end(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 4, 0);
    assert_true(drain_start());
    while (world.durables == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    unsigned under_way = in_flight();
    assert_int_equal(sbs_forward_fan_close(&world.push), SBS_OK);
    assert_in_range(drain_marked(), 0, under_way);
    sbs_forward_server_close(&world.server);
    world.running = false;
    assert_int_equal(drain_stop(), SBS_OK);
}

/* ---- descriptors --------------------------------------------------------------------------------------------------
 */

static struct {
    int ends[DRAIN_LINES][2]; /* the line's, and its peer's */
    uint8_t events;           /* that a line waits for */
} wires;

static sbs_wait wait_on_wire(void *ctx) {
    size_t line = 0;
    while (&world.fhir[line].server != ctx) {
        line++;
    }
    return (sbs_wait){.timeout_ms = 20000, .events = wires.events, .descriptor = wires.ends[line][0]};
}

static void wires_open(uint8_t events) {
    wires.events = events;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, wires.ends[i]), 0);
        world.fhir[i].server.ops.waits_for = wait_on_wire;
    }
}

static void wires_close(void) {
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        assert_int_equal(close(wires.ends[i][0]), 0);
        assert_int_equal(close(wires.ends[i][1]), 0);
    }
}

static void wires_say(void) {
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        assert_int_equal(write(wires.ends[i][1], "x", 1), 1);
    }
}

static void wires_hush(void) {
    char byte;
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        while (read(wires.ends[i][0], &byte, 1) == 1) {
        }
    }
}

static bool can_be_read(int descriptor) {
    struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
    return poll(&wanted, 1, 0) == 1;
}

/* The one descriptor that the program waits for, once several lines wait: it is readable when one of them has what it
 * waits for, and not before. Returns how often lines were woken. */
static unsigned run_on_wires(void) {
    unsigned woken = 0;
    sbs_status status = SBS_PENDING;
    for (unsigned polls = 0; status == SBS_PENDING; polls++) {
        sbs_wait wait;
        assert_true(polls < 20000);
        status = sbs_forward_fan_poll(&world.push, world.now, &wait);
        wires_hush();
        if (wait.descriptor < 0) {
            world.now.mono_ms += wait.timeout_ms;
        }
        if (wait.descriptor < 0 || wait.descriptor != world.push.priv.poller || wait.timeout_ms == 0) {
            continue; /* the first connection is alone while it learns */
        }

        assert_int_equal(wait.events, SBS_WAIT_READ);
        assert_int_equal(can_be_read(wait.descriptor), wires.events == SBS_WAIT_WRITE);
        wires_say();
        assert_true(can_be_read(wait.descriptor));
        woken++;
    }
    assert_int_equal(status, SBS_OK);
    return woken;
}

static void a_line_is_woken_by_what_it_waits_for_and_by_nothing_else(void **state) {
    static const uint8_t events[] = {SBS_WAIT_READ, SBS_WAIT_WRITE};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(events); i++) {
        drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 4, 6);
        wait_everywhere();
        wires_open(events[i]);
        assert_true(drain_start());
        assert_true(run_on_wires() > 3);
        drain_assert_each_once(ITEMS);
        assert_int_equal(drain_stop(), SBS_OK);
        wires_close();
    }
}

/* ---- power ------------------------------------------------------------------------------------------------------- */

static void begin_variant(unsigned variant) {
    static const uint16_t depths[] = {1, 8, 64};
    static const unsigned lanes[] = {0, 3};
    sbs_forward_mode mode = variant % 2 == 0 ? SBS_FORWARD_PUT : SBS_FORWARD_IF_NONE_EXIST;
    drain_begin(depths[variant % 3], mode, variant < 6 ? 1 : 5, ITEMS, variant % 4 < 2 ? 4 : 8, lanes[variant / 3 % 2]);
    wait_everywhere();
}

static void each_item_is_stored_once_whatever_is_cut(void **state) {
    unsigned cuts = 0;
    unsigned stride = cut_is_long() ? 1 : 11;
    (void)state;
    for (unsigned variant = 0; variant < 12; variant++) {
        unsigned operations = drain_live(0, 1, begin_variant, variant);
        assert_true(operations > 15);
        for (unsigned at = 1 + variant % stride; at <= operations; at += stride) {
            cuts += drain_live(at, variant * 1000 + at, begin_variant, variant);
        }
    }
    assert_true(cuts > 12);
    print_message("several connections: power cuts tried %u, lost 0, twice 0, out of order 0\n", cuts);
}

static int set_up(void **state) {
    cut_vfs_register();
    return fake_setup_group(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_go_beside_each_other_each_in_its_order),
        cmocka_unit_test(one_device_keeps_its_order),
        cmocka_unit_test(what_has_no_order_goes_over_all),
        cmocka_unit_test(one_identifier_is_never_under_way_twice),
        cmocka_unit_test(a_server_that_asks_for_time_slows_all),
        cmocka_unit_test(each_failure_of_the_network_leaves_fewer_connections),
        cmocka_unit_test(who_has_sent_something_takes_nothing_more_while_time_is_asked_for),
        cmocka_unit_test(who_has_nothing_to_do_is_not_connected_while_others_go_on),
        cmocka_unit_test(what_another_one_sent_may_be_stored),
        cmocka_unit_test(one_look_gathers_what_is_behind_each_other),
        cmocka_unit_test(what_is_given_back_goes_before_what_is_behind_it),
        cmocka_unit_test(a_token_that_ends_is_fetched_once_for_all),
        cmocka_unit_test(a_token_that_grows_old_is_fetched_once_for_all),
        cmocka_unit_test(a_token_that_does_not_come_is_fetched_by_another_one),
        cmocka_unit_test(where_two_cannot_fetch_the_token_all_wait),
        cmocka_unit_test(after_a_long_wait_one_fetches_the_token),
        cmocka_unit_test(the_first_connection_ends_with_the_newest_token),
        cmocka_unit_test(a_server_with_a_limit_is_served_with_fewer),
        cmocka_unit_test(when_nothing_goes_all_is_told_once),
        cmocka_unit_test(what_was_not_sent_is_not_marked_at_the_end),
        cmocka_unit_test(a_line_is_woken_by_what_it_waits_for_and_by_nothing_else),
        cmocka_unit_test(each_item_is_stored_once_whatever_is_cut),
    };
    return cmocka_run_group_tests(tests, set_up, fake_teardown_group);
}
