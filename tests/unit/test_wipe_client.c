/* SPDX-License-Identifier: Apache-2.0 */
/* What the client, its exchange and an assertion leave in memory: nothing secret, at any moment when it is not needed.
 */
#include <string.h>

#include "assertions.h"
#include "fake_fhir.h"
#include "keys.h"
#include "sbs/exchange.h"
#include "sbs/psa_key.h"
#include "test.h"
#include "wipe_record.h"

#define ASSERTION "client_assertion="

static const sbs_request token_only = {.interaction = SBS_TOKEN};

static bool work_holds(const fake_setup *s, const char *text) {
    return fake_find(s->work, sizeof s->work, text) != NULL;
}

/* Behind the endpoint and the token. */
static bool scratch_is_clean(const fake_setup *s) {
    size_t used = s->client.priv.url_len + s->client.priv.kept_len;
    return test_is_zero(s->work + used, sizeof s->work - used);
}

static sbs_status poll(fake_setup *s) {
    sbs_wait wait;
    return sbs_client_poll(&s->client, s->now, &wait);
}

static sbs_status pending_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    (void)ctx, (void)hash, (void)signature, (void)size, (void)out_len;
    return SBS_PENDING;
}

static sbs_status failing_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    (void)ctx, (void)hash, (void)signature, (void)size, (void)out_len;
    return SBS_ERR_KEY;
}

/* The key signs like this from now on. */
static void sign_by(fake_setup *s, sbs_key *key, sbs_key_ops *ops,
                    sbs_status (*sign)(void *, const uint8_t *, uint8_t *, size_t, size_t *)) {
    *key = fake_quick_key;
    *ops = *fake_quick_key.ops;
    ops->sign = sign;
    key->ops = ops;
    s->config.key = key;
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

static void a_token_stands_in_one_place(void **state) {
    fake_setup *s = *state;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    while (s->client.priv.kept_len == 0) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    /* The answer that brought it is gone before anything else is done. */
    assert_true(work_holds(s, "tok-"));
    assert_true(scratch_is_clean(s));
    assert_int_equal(fake_poll(s), SBS_OK);
    assert_true(scratch_is_clean(s));
}

static void a_token_dropped_while_nothing_runs_is_gone_at_once(void **state) {
    fake_setup *s = *state;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_true(work_holds(s, "tok-"));
    sbs_client_drop_token(&s->client);
    assert_false(work_holds(s, "tok-"));
    assert_true(scratch_is_clean(s));
    assert_int_equal(s->client.priv.kept_len, 0);
}

/* Its place is in use until the request is over; the next one that needs a token wipes it first. */
static void a_token_dropped_under_way_is_gone_before_the_next_is_signed_for(void **state) {
    fake_setup *s = *state;
    sbs_key key;
    sbs_key_ops ops;
    sbs_request request = fake_create("identifier=u%7C1");
    sbs_token_view token;
    s->now.mono_ms = 0; /* however young the device is */
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    while (s->fhir.creates == 0) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    sbs_client_drop_token(&s->client);
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_ERR_NOT_FOUND);
    assert_true(work_holds(s, "tok-"));
    assert_int_equal(fake_poll(s), SBS_OK);
    assert_true(work_holds(s, "tok-"));

    sign_by(s, &key, &ops, pending_sign);
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    while (s->client.priv.assertion.hashed == false) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    assert_false(work_holds(s, "tok-"));
}

static void a_token_that_ended_is_gone_before_the_next_is_signed_for(void **state) {
    fake_setup *s = *state;
    sbs_key key;
    sbs_key_ops ops;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    sign_by(s, &key, &ops, pending_sign);
    s->now.mono_ms += 300000;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    while (s->client.priv.assertion.hashed == false) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    assert_false(work_holds(s, "tok-"));
}

static void a_token_that_is_refused_is_gone_at_once(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    s->fhir.fhir_status = 401;
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    while (!s->client.priv.once.reauthenticated) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    assert_int_equal(s->client.priv.kept_len, 0);
    assert_false(work_holds(s, "tok-"));
    assert_int_equal(fake_poll(s), SBS_OK);
    assert_int_equal(s->fhir.tokens, 2);
}

/* The token stands behind the endpoint: what is looked up anew would be written over it, and leave its end. */
static void a_token_goes_with_the_endpoint_that_gave_it(void **state) {
    fake_setup *s = *state;
    sbs_request discover = {.interaction = SBS_DISCOVER};
    s->config.discovery_ttl_ms = 1000;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    s->now.mono_ms += 1000;
    s->fhir.server.stalled = true; /* nobody answers */
    assert_int_equal(sbs_client_start(&s->client, &discover), SBS_OK);
    while (s->client.priv.url_len > 0) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    assert_int_equal(s->client.priv.kept_len, 0);
    assert_false(work_holds(s, "tok-"));
}

/* ---- the assertion ----------------------------------------------------------------------------------------------- */

static void an_assertion_that_was_sent_is_gone_before_the_answer(void **state) {
    fake_setup *s = *state;
    s->fhir.server.pending_first = true;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    while (s->fhir.tokens == 0) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    s->fhir.server.stalled = true; /* the answer is on its way */
    assert_int_equal(poll(s), SBS_PENDING);
    assert_false(s->client.priv.exchange.response_started);
    assert_false(work_holds(s, ASSERTION));
}

static void a_request_that_was_cut_off_leaves_nothing_while_the_client_waits(void **state) {
    fake_setup *s = *state;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    while (s->fhir.discoveries == 0 || s->client.priv.assertion.hashed == false) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    s->fhir.server.fault_at = s->fhir.server.moved + 100;
    while (s->fhir.server.fault_at != FAKE_NEVER || s->client.priv.exchange.priv.state != 0) {
        assert_int_equal(poll(s), SBS_PENDING);
    }
    assert_int_equal(s->fhir.tokens, 0);
    assert_true(scratch_is_clean(s));
}

static void a_key_that_fails_leaves_no_assertion(void **state) {
    fake_setup *s = *state;
    sbs_key key;
    sbs_key_ops ops;
    sign_by(s, &key, &ops, failing_sign);
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_KEY);
    assert_true(scratch_is_clean(s));
    assert_true(test_is_zero(&s->client.priv.assertion, sizeof s->client.priv.assertion));
}

static void a_key_that_never_answers_leaves_no_hash(void **state) {
    fake_setup *s = *state;
    sbs_key key;
    sbs_key_ops ops;
    sign_by(s, &key, &ops, pending_sign);
    s->config.max_attempts = 1;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_TIMEOUT);
    assert_true(scratch_is_clean(s));
    assert_true(test_is_zero(&s->client.priv.assertion, sizeof s->client.priv.assertion));
}

static void a_client_that_ends_leaves_nothing(void **state) {
    fake_setup *s = *state;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    sbs_client_deinit(&s->client);
    assert_true(test_is_zero(s->work, sizeof s->work));
    assert_true(test_is_zero(&s->client, sizeof s->client));
}

/* ---- an assertion by itself -------------------------------------------------------------------------------------- */

static void an_assertion_begins_with_clean_memory(void **state) {
    sbs_assertion assertion;
    sbs_writer writer;
    char out[1024];
    sbs_assertion_params params = test_smart_params();
    (void)state;
    params.client_id = (sbs_text){NULL, 0};
    memset(&assertion, 0xA5, sizeof assertion);
    sbs_writer_init(&writer, out, sizeof out);
    assert_int_equal(sbs_assertion_start(&assertion, &params, SBS_ES384, 384, &writer), SBS_ERR_ARGUMENT);
    assert_true(test_is_zero(&assertion, sizeof assertion));
}

static unsigned public_keys_left;

/* The key, once; then "not yet". */
static sbs_status public_key_once(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    const test_key *key = ctx;
    if (public_keys_left-- == 0) {
        return SBS_PENDING;
    }
    assert_true(size >= key->public_key_len);
    *out_alg = key->alg;
    *out_len = key->public_key_len;
    memcpy(buffer, key->public_key, key->public_key_len);
    return SBS_OK;
}

/* A key that signs, and then says "not yet" to what verifies: the signature is in the frame. */
static void an_assertion_made_at_once_leaves_nothing_in_its_frame(void **state) {
    test_key key;
    char out[1024];
    size_t len = 1;
    const sbs_assertion_params params = test_smart_params();
    (void)state;
    test_key_init(&key, SBS_ES384, 384);
    key.key.verify_after_sign = sbs_psa_verify;
    sbs_key_ops ops = *key.key.ops;
    ops.public_key = public_key_once;
    key.key.ops = &ops;
    public_keys_left = 1;
    wipe_record_begin(key.signature, key.signature_len);
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_ERR_UNSUPPORTED);
    assert_int_equal(key.sign_calls, 1);
    assert_int_equal(wipe_record_found_in(sizeof(sbs_assertion)), 1);
    /* What was to be signed does not stay, either. */
    assert_true(test_is_zero(out, sizeof out));
    assert_int_equal(len, 0);
}

/* ---- an exchange by itself --------------------------------------------------------------------------------------- */

static void begin_exchange(const fake_setup *s, sbs_exchange *exchange, const sbs_stream *stream, char *scratch,
                           size_t size) {
    static const char head[] =
        "GET /r4/Observation/1 HTTP/1.1\r\nHost: fhir.example\r\nAuthorization: Bearer tok-1.2\r\n\r\n";
    static sbs_url url;
    assert_int_equal(sbs_url_parse(TEXT("https://fhir.example/r4"), &url), SBS_OK);
    memcpy(scratch, head, sizeof head - 1);
    sbs_exchange_request request = {
        .stream = stream,
        .url = &url,
        .scratch = scratch,
        .scratch_size = size,
        .head_len = sizeof head - 1,
        .limits = {.connect_ms = 1000, .exchange_ms = 1000, .body_max = 4096},
    };
    assert_int_equal(sbs_exchange_begin(exchange, &request, s->now.mono_ms), SBS_OK);
}

static sbs_status run_exchange(fake_setup *s, sbs_exchange *exchange, char *scratch, size_t size) {
    sbs_wait wait;
    sbs_status status;
    begin_exchange(s, exchange, &s->fhir.server.stream, scratch, size);
    do {
        status = sbs_exchange_step(exchange, s->now, &wait);
    } while (status == SBS_PENDING);
    return status;
}

/* The answer's head may hold a cookie, and what was read ahead anything. */
static void an_answer_leaves_nothing_but_its_body(void **state) {
    fake_setup *s = *state;
    sbs_exchange exchange;
    char scratch[2048] = {0};
    sbs_exchange_init(&exchange);
    s->fhir.fhir_status = 400;
    s->fhir.fields = "Set-Cookie: secret=s3cr3t\r\n";
    s->fhir.fhir_body = "{\"a\":1}";
    assert_int_equal(run_exchange(s, &exchange, scratch, sizeof scratch), SBS_OK);
    assert_int_equal(exchange.answer.status, 400);
    assert_true(sbs_text_equal((sbs_text){exchange.answer.body, exchange.answer.body_len}, TEXT("{\"a\":1}")));
    size_t kept = (size_t)(exchange.answer.body - scratch) + exchange.answer.body_len;
    assert_true(test_is_zero(scratch, (size_t)(exchange.answer.body - scratch)));
    assert_true(test_is_zero(scratch + kept, sizeof scratch - kept));
    sbs_exchange_close(&exchange);
}

static void an_exchange_that_fails_leaves_nothing(void **state) {
    fake_setup *s = *state;
    for (size_t at = 0; at < 200; at += 25) { /* some while it is sent, some while it is read */
        sbs_exchange exchange;
        char scratch[2048] = {0};
        fake_setup_init(s);
        sbs_exchange_init(&exchange);
        s->fhir.server.fault_at = at;
        assert_int_equal(run_exchange(s, &exchange, scratch, sizeof scratch), SBS_ERR_TRUNCATED);
        assert_true(test_is_zero(scratch, sizeof scratch));
    }
}

static unsigned sends_left;

/* Takes a part at a time, and breaks off. */
static sbs_status breaking_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    (void)ctx, (void)data;
    if (sends_left == 0) {
        return SBS_ERR_NETWORK;
    }
    sends_left--;
    *out_sent = len / 2;
    return SBS_OK;
}

static sbs_status nothing_received(void *ctx, uint8_t *data, size_t size, size_t *out_len) {
    (void)ctx, (void)data, (void)size, (void)out_len;
    return SBS_PENDING;
}

/* The answer may come all the same, and it is waited for. */
static void a_request_that_broke_off_is_gone_while_its_answer_is_waited_for(void **state) {
    fake_setup *s = *state;
    sbs_exchange exchange;
    sbs_wait wait;
    char scratch[2048] = {0};
    sbs_stream stream = s->fhir.server.stream;
    sbs_stream_ops ops = *stream.ops;
    ops.send = breaking_send;
    ops.receive = nothing_received;
    stream.ops = &ops;
    sends_left = 2;
    sbs_exchange_init(&exchange);
    begin_exchange(s, &exchange, &stream, scratch, sizeof scratch);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(sbs_exchange_step(&exchange, s->now, &wait), SBS_PENDING);
    }
    assert_int_equal(sends_left, 0);
    assert_true(test_is_zero(scratch, sizeof scratch));
    sbs_exchange_close(&exchange);
}

/* ---- what is decoded --------------------------------------------------------------------------------------------- */

static void a_text_that_is_wrong_at_its_end_leaves_nothing_decoded(void **state) {
    uint8_t out[64] = {0};
    size_t len;
    (void)state;
    assert_int_equal(sbs_base64url_decode("c2VjcmV0IGtleQ", 14, out, sizeof out, &len), SBS_OK);
    assert_memory_equal(out, "secret key", 10);
    assert_int_equal(sbs_base64url_decode("c2VjcmV0IGtl!Q", 14, out, sizeof out, &len), SBS_ERR_FORMAT);
    assert_true(test_is_zero(out, sizeof out));
}

static void what_waited_to_be_encoded_is_gone(void **state) {
    sbs_base64url_stream stream;
    sbs_writer target, writer;
    char out[16];
    (void)state;
    sbs_writer_init(&target, out, sizeof out);
    sbs_base64url_stream_init(&stream, &target, &writer);
    sbs_base64url_stream_put(&stream, (const uint8_t *)"abcde", 5);
    sbs_base64url_stream_finish(&stream);
    assert_memory_equal(out, "YWJjZGU", 7);
    assert_true(test_is_zero(stream.held, sizeof stream.held));
}

static int set_up(void **state) {
    static fake_setup setup;
    fake_setup_init(&setup);
    setup.config.key = &fake_quick_key;
    *state = &setup;
    return 0;
}

#define CASE(function) cmocka_unit_test_setup(function, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_token_stands_in_one_place),
        CASE(a_token_dropped_while_nothing_runs_is_gone_at_once),
        CASE(a_token_dropped_under_way_is_gone_before_the_next_is_signed_for),
        CASE(a_token_that_ended_is_gone_before_the_next_is_signed_for),
        CASE(a_token_that_is_refused_is_gone_at_once),
        CASE(a_token_goes_with_the_endpoint_that_gave_it),
        CASE(an_assertion_that_was_sent_is_gone_before_the_answer),
        CASE(a_request_that_was_cut_off_leaves_nothing_while_the_client_waits),
        CASE(a_key_that_fails_leaves_no_assertion),
        CASE(a_key_that_never_answers_leaves_no_hash),
        CASE(a_client_that_ends_leaves_nothing),
        CASE(an_assertion_begins_with_clean_memory),
        CASE(an_assertion_made_at_once_leaves_nothing_in_its_frame),
        CASE(an_answer_leaves_nothing_but_its_body),
        CASE(an_exchange_that_fails_leaves_nothing),
        CASE(a_request_that_broke_off_is_gone_while_its_answer_is_waited_for),
        CASE(a_text_that_is_wrong_at_its_end_leaves_nothing_decoded),
        CASE(what_waited_to_be_encoded_is_gone),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
