/* SPDX-License-Identifier: Apache-2.0 */
/* When the push engine marks an attempt: before the first byte of the item, and not before there is a way to send it.
 */
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define ITEMS 3u

static unsigned marks(const push_setup *s) {
    unsigned count = 0;
    for (unsigned i = 0; i < ITEMS; i++) {
        count += s->queue.items[i].item.attempts;
    }
    return count;
}

static bool has_token(const push_setup *s) {
    sbs_token_view token;
    return sbs_client_token(&s->base.client, s->base.now, &token) == SBS_OK;
}

/* One poll, and the wait after it. */
static sbs_status poll(push_setup *s) {
    sbs_wait wait;
    sbs_status status = sbs_push_poll(&s->push, s->base.now, &wait);
    s->base.now.mono_ms += status == SBS_PENDING ? wait.timeout_ms : 0;
    return status;
}

static void the_mark_comes_before_the_first_byte_and_after_the_token(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_abc(s, batch);
        s->base.fhir.server.one_byte = true;
        sbs_status status = SBS_PENDING;
        while (status == SBS_PENDING) {
            unsigned marked = marks(s);
            bool about = sbs_client_is_about_to_send(&s->base.client);
            bool token = has_token(s);
            size_t moved = s->base.fhir.server.moved;
            status = poll(s);
            if (marks(s) > marked) {
                assert_true(token && about);
                assert_int_equal(s->base.fhir.server.moved, moved);
                assert_int_equal(marks(s), marked + batch);
            } else if (about) { /* it was marked by the poll before */
                assert_int_equal(s->base.fhir.server.moved, moved + 1);
                assert_true(marked > 0 && marked % batch == 0);
            }
        }
        assert_int_equal(status, SBS_OK);
        assert_int_equal(marks(s), ITEMS);
    }
}

static void refuse_tokens(push_setup *s) {
    s->base.fhir.token_status = 400;
    s->base.fhir.token_error = "{\"error\":\"invalid_client\"}";
    s->base.fhir.token_times = 2;
}

static void refuse_connections(push_setup *s) {
    s->base.fhir.server.open_fails = SBS_ERR_NETWORK;
}

static void lose_connections(push_setup *s) {
    s->base.fhir.server.fault_at = 0;
}

/* Somebody else's item under the same identifier is told as a collision, also after an outage. */
static void an_attempt_that_sent_nothing_leaves_no_mark(void **state) {
    push_setup *s = *state;
    void (*const outages[])(push_setup *) = {refuse_tokens, refuse_connections, lose_connections};
    for (unsigned i = 0; i < 2 * SBS_COUNT_OF(outages); i++) {
        push_setup_abc(s, i % 2 == 0 ? 1 : 3);
        outages[i / 2](s);
        while (s->events[SBS_PUSH_WAITING] + s->events[SBS_PUSH_PAUSED] == 0) {
            assert_int_equal(push_run(s, 0), SBS_PENDING);
        }
        assert_int_equal(s->base.fhir.creates + s->base.fhir.bundles, 0);
        assert_int_equal(marks(s), 0);
        assert_int_equal(fake_fhir_store(&s->base.fhir, "identifier=urn%3Am%7Ca", true, "", 0), 201);
        assert_int_equal(push_run(s, 36000000), SBS_OK);
        assert_int_equal(s->events[SBS_PUSH_COLLISION], 1);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), ITEMS - 1);
    }
}

/* Also one that had a token already, and finds no connection any more. */
static void an_attempt_without_a_connection_leaves_no_mark(void **state) {
    push_setup *s = *state;
    push_setup_abc(s, 1);
    s->base.fhir.close_each = true;
    while (s->events[SBS_PUSH_DELIVERED] == 0) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    refuse_connections(s);
    while (s->events[SBS_PUSH_WAITING] == 0) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    assert_true(has_token(s));
    assert_int_equal(s->queue.items[1].item.attempts, 0);
    assert_int_equal(push_run(s, 36000000), SBS_OK);
    assert_string_equal(s->order, "a b c ");
}

/* A full queue may drop it, or a tool settle it, while the client looks for a token: nothing is sent of it. */
static void an_item_that_goes_away_before_it_is_sent_is_not_sent(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_abc(s, batch);
        while (s->base.fhir.tokens == 0) {
            assert_int_equal(poll(s), SBS_PENDING);
        }
        s->queue.items[0].fate = RAM_DEAD;
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_int_equal(push_stored(s, "a"), 0);
        assert_string_equal(s->order, "b c ");
    }
}

static void what_cannot_be_marked_is_not_sent(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_abc(s, batch);
        while (!sbs_client_is_about_to_send(&s->base.client)) {
            assert_int_equal(poll(s), SBS_PENDING);
        }
        size_t moved = s->base.fhir.server.moved;
        unsigned opens = s->base.fhir.server.opens;
        s->queue.fail_at = s->queue.operations + batch; /* the last mark */
        assert_int_equal(poll(s), SBS_ERR_STORAGE);
        assert_int_equal(s->base.fhir.server.moved, moved);
        while (!sbs_client_is_about_to_send(&s->base.client)) {
            assert_int_equal(poll(s), SBS_PENDING);
        }
        assert_int_equal(s->base.fhir.server.moved, moved);
        assert_int_equal(s->base.fhir.server.opens, opens); /* the connection is good for the next try */
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_string_equal(s->order, "a b c ");
    }
}

/* A queue that is full may drop its oldest item more often than a connection can be made. */
static void items_that_go_away_while_it_connects_do_not_stop_the_others(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_init(s);
        s->config.batch_max = batch;
        for (char text[] = "a"; text[0] <= 'z'; text[0]++) {
            ram_queue_add(&s->queue, 1, text, NOW);
        }
        s->base.fhir.close_each = true; /* after the token, and after each request */
        sbs_status status = SBS_PENDING;
        for (unsigned opens = 0, oldest = 0; status == SBS_PENDING;) {
            status = poll(s);
            if (s->base.fhir.server.opens > opens) {
                opens = s->base.fhir.server.opens;
                while (s->queue.items[oldest].fate != RAM_WAITING) {
                    oldest++;
                }
                s->queue.items[oldest].fate = RAM_DEAD;
            }
        }
        assert_int_equal(status, SBS_OK);
        assert_true(ram_queue_count(&s->queue, RAM_DELIVERED) >= 12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(the_mark_comes_before_the_first_byte_and_after_the_token),
        PUSH_CASE(an_attempt_that_sent_nothing_leaves_no_mark),
        PUSH_CASE(an_attempt_without_a_connection_leaves_no_mark),
        PUSH_CASE(an_item_that_goes_away_before_it_is_sent_is_not_sent),
        PUSH_CASE(what_cannot_be_marked_is_not_sent),
        PUSH_CASE(items_that_go_away_while_it_connects_do_not_stop_the_others),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
