/* SPDX-License-Identifier: Apache-2.0 */
/* What the client leaves to chance, where chance is known or fails; and how long a token lives, to the millisecond. */
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "test.h"

psa_status_t __real_psa_generate_random(uint8_t *output, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size);

static unsigned draws, fails_at; /* the draw that fails, counted from 1; 0: none */
static bool at_most;             /* every draw is the largest number */

psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size) {
    if (++draws == fails_at) {
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    }
    if (at_most) {
        memset(output, 0xFF, size);
        return PSA_SUCCESS;
    }
    return __real_psa_generate_random(output, size);
}

static const sbs_request token_only = {.interaction = SBS_TOKEN};

static int set_up(void **state) {
    static fake_setup setup;
    draws = fails_at = 0;
    at_most = false;
    fake_setup_init(&setup);
    setup.config.key = &fake_quick_key;
    *state = &setup;
    return 0;
}

/* Many devices start together after an outage of power. */
static void the_first_contact_is_delayed_at_random(void **state) {
    fake_setup *s = *state;
    sbs_wait wait;
    at_most = true;
    s->config.first_delay_max_ms = 60000;
    uint64_t begin_ms = s->now.mono_ms;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    while (s->fhir.server.opens == 0) {
        s->now.mono_ms += wait.timeout_ms;
        assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    }
    assert_int_equal(s->now.mono_ms - begin_ms, 59999);
    assert_int_equal(fake_poll(s), SBS_OK);

    /* It was contacted: the next request waits for nothing. */
    s->waited_ms = 0;
    sbs_client_drop_token(&s->client);
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->waited_ms, 0);
}

static void without_a_first_delay_nothing_is_drawn_for_it(void **state) {
    const sbs_request discover = {.interaction = SBS_DISCOVER};
    fake_setup *s = *state;
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_int_equal(draws, 1); /* the request's id */
}

static void nobody_who_comes_early_is_let_through(void **state) {
    fake_setup *s = *state;
    sbs_wait wait;
    at_most = true;
    s->config.first_delay_max_ms = 60000;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    s->now.mono_ms += 59998;
    assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    assert_int_equal(wait.timeout_ms, 1);
    assert_int_equal(s->fhir.server.opens, 0);
    sbs_client_cancel(&s->client);
}

/* Whichever number cannot be drawn (the first delay, the request's id, the assertion's, the wait before another try),
 * the request ends with that, and the next one goes well. */
static void without_chance_nothing_is_sent(void **state) {
    fake_setup *s = *state;
    unsigned failures = 0;
    for (unsigned at = 1;; at++) {
        (void)set_up(state);
        s->config.first_delay_max_ms = 10;
        s->fhir.discovery_status = 503;
        s->fhir.discovery_times = 1;
        fails_at = at;
        sbs_status status = fake_run(s, &token_only);
        if (draws < at) {
            assert_int_equal(status, SBS_OK);
            break;
        }
        assert_int_equal(status, SBS_ERR_RANDOM);
        assert_int_equal(sbs_client_detail(&s->client)->status, SBS_ERR_RANDOM);
        assert_int_equal(s->fhir.tokens, 0);
        failures++;
        fails_at = 0;
        assert_int_equal(fake_run(s, &token_only), SBS_OK);
    }
    assert_in_range(failures, 6, 20);
}

/* Renewed at the larger of 10 % and 30 s before its end, but never before half its life; no longer than a day. */
static void a_token_lives_as_long_as_it_says(void **state) {
    static const struct {
        uint32_t expires_in, lifetime_s, margin_s;
    } cases[] = {
        {1, 1, 0},
        {2, 2, 1},
        {59, 59, 29},
        {60, 60, 30},
        {61, 61, 30},
        {300, 300, 30},
        {301, 301, 30},
        {310, 310, 31},
        {3600, 3600, 360},
        {86399, 86399, 8639},
        {86400, 86400, 8640},
        {86401, 86400, 8640},
        {1000000, 86400, 8640},
    };
    fake_setup *s = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char body[128];
        sbs_token_view token;
        (void)set_up(state);
        snprintf(body, sizeof body, "{\"access_token\":\"tok-x\",\"token_type\":\"bearer\",\"expires_in\":%u}",
                 (unsigned)cases[i].expires_in);
        s->fhir.token_body = body;
        uint64_t sent_ms = s->now.mono_ms; /* no time passes here */
        assert_int_equal(fake_run(s, &token_only), SBS_OK);
        assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_OK);
        assert_int_equal(token.expires_in_s, cases[i].lifetime_s);
        assert_int_equal(token.expires_at_ms, sent_ms + cases[i].lifetime_s * UINT64_C(1000));

        /* One millisecond before it is renewed, and then. */
        s->now.mono_ms = token.expires_at_ms - cases[i].margin_s * UINT64_C(1000) - 1;
        assert_int_equal(fake_run(s, &token_only), SBS_OK);
        assert_int_equal(s->fhir.tokens, 1);
        s->now.mono_ms++;
        assert_int_equal(fake_run(s, &token_only), SBS_OK);
        assert_int_equal(s->fhir.tokens, 2);
        assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_OK);
        s->now.mono_ms = token.expires_at_ms - 1;
        assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_OK);
        s->now.mono_ms++;
        assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_ERR_NOT_FOUND);
    }
}

/* A part of the assertion that was sent last, decoded. */
static void sent_part(const fake_setup *s, unsigned number, char *out, size_t size) {
    size_t len = 0;
    sbs_text form = fake_body(s->fhir.last_token_request, s->fhir.last_token_request_len);
    const char *part = fake_find(form.ptr, form.len, "client_assertion=") + strlen("client_assertion=");
    for (; number > 0; number--) {
        part = memchr(part, '.', form.len - (size_t)(part - form.ptr));
        part++;
    }
    const char *end = memchr(part, '.', form.len - (size_t)(part - form.ptr));
    assert_int_equal(sbs_base64url_decode(part, (size_t)(end - part), (uint8_t *)out, size - 1, &len), SBS_OK);
    out[len] = '\0';
}

static void key_and_audience_are_named_as_configured(void **state) {
    fake_setup *s = *state;
    char json[512];
    s->config.kid_method = SBS_KID_NONE;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    sent_part(s, 0, json, sizeof json);
    assert_null(strstr(json, "\"kid\""));
    sent_part(s, 1, json, sizeof json);
    assert_non_null(strstr(json, "\"aud\":\"https://auth.example/token\""));

    (void)set_up(state);
    s->config.kid_method = SBS_KID_LITERAL;
    s->config.kid = "my-key";
    s->config.aud = "urn:other";
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    sent_part(s, 0, json, sizeof json);
    assert_non_null(strstr(json, "\"kid\":\"my-key\""));
    sent_part(s, 1, json, sizeof json);
    assert_non_null(strstr(json, "\"aud\":\"urn:other\""));
}

static sbs_status stalled_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    (void)ctx, (void)hash, (void)signature, (void)size, (void)out_len;
    return SBS_PENDING;
}

/* What the header says of times that are not configured. */
static void limits_that_are_not_configured_are_the_ones_of_the_header(void **state) {
    const sbs_request discover = {.interaction = SBS_DISCOVER};
    fake_setup *s = *state;
    s->config.max_attempts = 1;
    s->fhir.server.stalled = true;
    assert_int_equal(fake_run(s, &discover), SBS_ERR_TIMEOUT);
    assert_int_equal(s->waited_ms, 30000); /* to connect */

    (void)set_up(state);
    s->config.max_attempts = 1;
    s->fhir.server.fault = FAKE_STALL;
    s->fhir.server.fault_at = 0;
    assert_int_equal(fake_run(s, &discover), SBS_ERR_TIMEOUT);
    assert_int_equal(s->waited_ms, 60000); /* for an exchange */

    (void)set_up(state);
    sbs_key_ops ops = *fake_quick_key.ops;
    sbs_key key = fake_quick_key;
    ops.sign = stalled_sign;
    key.ops = &ops;
    s->config.max_attempts = 1;
    s->config.key = &key;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_TIMEOUT);
    assert_int_equal(s->waited_ms, 60000); /* for a key */

    (void)set_up(state);
    s->fhir.discovery_status = 503;
    s->fhir.discovery_times = 100;
    assert_int_equal(fake_run(s, &discover), SBS_ERR_BUSY);
    assert_int_equal(sbs_client_detail(&s->client)->attempts, 5);

    (void)set_up(state);
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    s->now.mono_ms += 86399999;
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 1);
    s->now.mono_ms += 1;
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 2);

    /* A server may ask for an hour, which is the most that counts; and less than it may be allowed. */
    (void)set_up(state);
    s->fhir.discovery_status = 503;
    s->fhir.discovery_times = 1;
    s->fhir.fields = "Retry-After: 3600\r\n";
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_int_equal(s->waited_ms, 3600000);
    (void)set_up(state);
    s->config.retry_wait_max_ms = 3599999;
    s->fhir.discovery_status = 503;
    s->fhir.discovery_times = 1;
    s->fhir.fields = "Retry-After: 3600\r\n";
    assert_int_equal(fake_run(s, &discover), SBS_ERR_BUSY);
    assert_int_equal(s->waited_ms, 0);
}

#define CASE(function) cmocka_unit_test_setup(function, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_first_contact_is_delayed_at_random),
        CASE(without_a_first_delay_nothing_is_drawn_for_it),
        CASE(nobody_who_comes_early_is_let_through),
        CASE(without_chance_nothing_is_sent),
        CASE(a_token_lives_as_long_as_it_says),
        CASE(key_and_audience_are_named_as_configured),
        CASE(limits_that_are_not_configured_are_the_ones_of_the_header),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
