/* SPDX-License-Identifier: Apache-2.0 */
/* A whole session (discovery, token, create) with a peer that splits, waits, closes or stalls at every byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "test.h"

#define IDENTIFIER "identifier=u%7C1"

static void begin(fake_setup *s) {
    fake_setup_init(s);
    s->config.key = &fake_quick_key;
}

static size_t session_bytes(fake_setup *s) {
    sbs_request request = fake_create(IDENTIFIER);
    begin(s);
    assert_int_equal(fake_run(s, &request), SBS_OK);
    return s->fhir.server.moved;
}

static void bytes_one_by_one(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    size_t total = session_bytes(s);
    begin(s);
    s->fhir.server.one_byte = true;
    s->fhir.server.pending_first = true;
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.server.moved, total);
    assert_string_equal(sbs_client_response(&s->client).id, "ob-7");
}

/* The fault strikes once, after each number of bytes; the client must come to the same end, storing once. */
static void strike_everywhere(fake_setup *s, fake_fault fault) {
    size_t total = session_bytes(s);
    for (size_t at = 0; at < total; at++) {
        sbs_request request = fake_create(IDENTIFIER);
        begin(s);
        s->fhir.server.fault = fault;
        s->fhir.server.fault_at = at;
        sbs_status status = fake_run(s, &request);
        if (status != SBS_OK) {
            fail_msg("fault %d after %zu of %zu bytes: %s", (int)fault, at, total, sbs_status_name(status));
        }
        assert_int_equal(fake_fhir_count(&s->fhir, IDENTIFIER), 1);
        assert_int_equal(s->fhir.server.fault_at, FAKE_NEVER);
    }
}

static void a_connection_broken_anywhere(void **state) {
    strike_everywhere(*state, FAKE_CLOSE);
}

static void a_connection_ended_anywhere(void **state) {
    strike_everywhere(*state, FAKE_END);
}

static void a_server_that_stalls_anywhere(void **state) {
    strike_everywhere(*state, FAKE_STALL);
}

/* A plain create is never sent twice once its first byte left; and then the outcome is said to be unknown. */
static void a_plain_create_is_stored_at_most_once(void **state) {
    fake_setup *s = *state;
    size_t total = session_bytes(s);
    unsigned unknown = 0;
    for (size_t at = 0; at < total; at++) {
        sbs_request request = fake_create(NULL);
        begin(s);
        s->fhir.server.fault_at = at;
        sbs_status status = fake_run(s, &request);
        assert_true(s->fhir.stored_count <= 1);
        if (status == SBS_OK) {
            assert_int_equal(s->fhir.stored_count, 1);
        } else {
            assert_int_equal(status, SBS_ERR_TRUNCATED);
            assert_true(sbs_client_detail(&s->client)->outcome_unknown);
            unknown++;
        }
    }
    assert_true(unknown > 100 && unknown < total);
}

/* A kept-alive connection that broke in between costs nothing: no wait, no try counted. */
static void a_stale_connection_is_replaced_at_once(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    assert_int_equal(fake_run(s, &request), SBS_OK);
    s->fhir.server.broken = true; /* seen before the request is sent */
    assert_int_equal(fake_run(s, &request), SBS_OK);
    s->fhir.server.fault_at = s->fhir.server.moved + 10; /* seen while it is sent */
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->waited_ms, 0);
    assert_int_equal(s->fhir.server.opens, 5);
}

/* Some servers close after each answer and do not say so: nothing is sent into such a connection for ever. */
static void a_server_that_cuts_kept_connections_gets_new_ones(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    assert_int_equal(fake_run(s, &request), SBS_OK);
    for (unsigned i = 0; i < 2; i++) {
        s->fhir.server.fault_at = s->fhir.server.moved + 10;
        assert_int_equal(fake_run(s, &request), SBS_OK);
    }
    unsigned opens = s->fhir.server.opens;
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(fake_run(s, &request), SBS_OK);
        assert_int_equal(s->fhir.server.opens, opens + i);
    }
}

/* A cut now and then is the fate of any connection that is kept. */
static void a_kept_connection_that_serves_is_kept(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    assert_int_equal(fake_run(s, &request), SBS_OK);
    for (unsigned i = 0; i < 5; i++) {
        s->fhir.server.fault_at = s->fhir.server.moved + 10;
        assert_int_equal(fake_run(s, &request), SBS_OK);
        unsigned opens = s->fhir.server.opens;
        assert_int_equal(fake_run(s, &request), SBS_OK);
        assert_int_equal(s->fhir.server.opens, opens);
    }
}

static void a_stall_ends_with_the_deadline_of_its_state(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    request.max_attempts = 1;
    s->config.connect_timeout_ms = 4000;
    s->config.exchange_timeout_ms = 9000;
    s->fhir.server.stalled = true;
    assert_int_equal(fake_run(s, &request), SBS_ERR_TIMEOUT);
    assert_int_equal(s->waited_ms, 4000);
    assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_DISCOVERY);
    s->fhir.server.fault = FAKE_STALL;
    s->fhir.server.fault_at = s->fhir.server.moved + 5;
    assert_int_equal(fake_run(s, &request), SBS_ERR_TIMEOUT);
    assert_int_equal(s->waited_ms, 13000);
}

/* A caller may take long to put on record that something is about to be sent: that is no silence of the server. */
static void the_deadline_begins_with_the_first_byte(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    sbs_wait wait;
    s->config.exchange_timeout_ms = 9000;
    for (unsigned i = 0; i < 2; i++) { /* over a new connection, and over a kept one */
        unsigned polls = 0;
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
        while (!sbs_client_is_about_to_send(&s->client) && polls++ < 1000) {
            assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
            s->now.mono_ms += wait.timeout_ms;
        }
        s->now.mono_ms += 12000;
        assert_int_equal(fake_poll(s), SBS_OK);
    }
}

/* However slowly bytes drip, the exchange as a whole has its deadline. */
static void a_dripping_server_does_not_hold_the_client(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    sbs_wait wait;
    sbs_status status;
    request.max_attempts = 1;
    s->config.exchange_timeout_ms = 9000;
    s->fhir.server.one_byte = true;
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    uint64_t begin = s->now.mono_ms;
    do {
        status = sbs_client_poll(&s->client, s->now, &wait);
        s->now.mono_ms += 100;
    } while (status == SBS_PENDING);
    assert_int_equal(status, SBS_ERR_TIMEOUT);
    assert_in_range(s->now.mono_ms - begin, 9000, 10000);
}

static void a_request_can_be_cancelled_at_every_poll(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    (void)session_bytes(s);
    unsigned polls = s->polls;
    for (unsigned stop = 0; stop < polls; stop++) {
        sbs_wait wait;
        begin(s);
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
        for (unsigned i = 0; i < stop; i++) {
            assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
        }
        bool unused = sbs_exchange_is_about_to_send(&s->client.priv.exchange);
        sbs_client_cancel(&s->client);
        assert_int_equal(s->fhir.server.is_open, unused);
        assert_true(!unused || (s->fhir.server.in_len == 0 && s->fhir.server.out_taken == s->fhir.server.out_len));
        assert_int_equal(sbs_client_detail(&s->client)->status, SBS_ERR_CANCELLED);
        size_t used = s->client.priv.url_len + s->client.priv.kept_len;
        for (size_t i = used; i < sizeof s->work; i++) {
            assert_int_equal(s->work[i], 0);
        }
        assert_int_equal(fake_run(s, &request), SBS_OK);
    }
}

static void garbage_instead_of_an_answer_is_refused(void **state) {
    fake_setup *s = *state;
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        sbs_request request = {.interaction = SBS_DISCOVER};
        sbs_wait wait;
        sbs_status status = SBS_PENDING;
        begin(s);
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
        while (status == SBS_PENDING) {
            status = sbs_client_poll(&s->client, s->now, &wait);
            if (s->fhir.server.requests == 1 && s->fhir.server.out_taken == 0 && s->fhir.server.out_len > 0) {
                s->fhir.server.out_len = 0;
                fake_send(&s->fhir.server, answers[i]);
            }
        }
        assert_int_equal(status, SBS_ERR_HTTP);
        assert_false(s->fhir.server.is_open);
    }
}

static int set_up(void **state) {
    static fake_setup setup;
    begin(&setup);
    *state = &setup;
    return 0;
}

#define CASE(function) cmocka_unit_test_setup(function, set_up)

static const sbs_stream_ops *whole_ops;
static const char *early_answer;

/* The server answers when it has read a part of the create, and takes no more. */
static sbs_status send_cut(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    fake_server *server = ctx;
    if (server->in_len == 200 && fake_request_is(server->in, server->in_len, "POST /r4/Observation")) {
        fake_send(server, early_answer);
        return SBS_ERR_NETWORK;
    }
    return whole_ops->send(ctx, data, len, out_sent);
}

static sbs_status create_answered_early(fake_setup *s, const char *answer) {
    static sbs_stream_ops ops, whole;
    sbs_request request = fake_create(IDENTIFIER);
    begin(s);
    whole = s->fhir.server.ops;
    whole_ops = &whole;
    ops = whole;
    ops.send = send_cut;
    s->fhir.server.stream.ops = &ops;
    s->fhir.server.one_byte = true;
    s->config.max_attempts = 2;
    early_answer = answer;
    return fake_run(s, &request);
}

static void an_answer_before_the_end_of_the_request_is_read(void **state) {
    fake_setup *s = *state;
    assert_int_equal(create_answered_early(s, "HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n"), SBS_ERR_REJECTED);
    assert_int_equal(sbs_client_detail(&s->client)->http_status, 413);
    assert_int_equal(sbs_client_detail(&s->client)->attempts, 1);
    assert_false(s->fhir.server.is_open);
    /* Half an answer, none, or one that cannot be true: what counts is that sending failed. */
    assert_int_equal(create_answered_early(s, "HTTP/1.1 413 X\r\nContent-Le"), SBS_ERR_TIMEOUT);
    assert_int_equal(create_answered_early(s, "HTTP/1.1 413\rX"), SBS_ERR_NETWORK);
    assert_int_equal(create_answered_early(s, "HTTP/1.1 201 X\r\nContent-Length: 0\r\n\r\n"), SBS_ERR_NETWORK);
    assert_int_equal(fake_fhir_count(&s->fhir, IDENTIFIER), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(bytes_one_by_one),
        CASE(a_connection_broken_anywhere),
        CASE(a_connection_ended_anywhere),
        CASE(a_server_that_stalls_anywhere),
        CASE(a_plain_create_is_stored_at_most_once),
        CASE(a_stale_connection_is_replaced_at_once),
        CASE(a_stall_ends_with_the_deadline_of_its_state),
        CASE(a_server_that_cuts_kept_connections_gets_new_ones),
        CASE(a_kept_connection_that_serves_is_kept),
        CASE(the_deadline_begins_with_the_first_byte),
        CASE(a_dripping_server_does_not_hold_the_client),
        CASE(a_request_can_be_cancelled_at_every_poll),
        CASE(garbage_instead_of_an_answer_is_refused),
        CASE(an_answer_before_the_end_of_the_request_is_read),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
