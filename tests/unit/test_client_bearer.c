/* SPDX-License-Identifier: Apache-2.0 */
/* A credential that is fixed, as a gateway gives one to its device: sent in place of a token, with nothing before it.
 */
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "test.h"

#define BEARER "tok-0123456789abcdefghijklmnopqrstuvwxyzABE"

static fake_setup setup;
static sbs_stream_ops plain_ops;
static sbs_stream plain;

/* What tokens are asked for with is not there at all. */
static int set_up(void **state) {
    fake_setup_init(&setup);
    plain = setup.fhir.server.stream;
    plain_ops = *plain.ops;
    plain_ops.secured = false;
    plain.ops = &plain_ops;

    setup.config = (sbs_client_config){
        .fhir_base = "http://gateway.example:8080/r4",
        .bearer = BEARER,
        .stream = &setup.fhir.server.stream,
        .plain_stream = &plain,
        .work = setup.work,
        .work_size = sizeof setup.work,
    };
    *state = &setup;
    return sbs_client_init(&setup.client, &setup.config) != SBS_OK;
}

static sbs_status restart(fake_setup *s) {
    sbs_client_deinit(&s->client);
    return sbs_client_init(&s->client, &s->config);
}

static sbs_status create(fake_setup *s) {
    sbs_request request = fake_create("identifier=u%7C1");
    return fake_run(s, &request);
}

static bool was_sent(const fake_setup *s, const char *text) {
    return fake_find(s->fhir.last, s->fhir.last_len, text) != NULL;
}

static void a_bearer_is_sent_and_nothing_asked_for(void **state) {
    fake_setup *s = *state;
    assert_int_equal(create(s), SBS_OK);
    assert_int_equal(s->fhir.server.requests, 1);
    assert_true(was_sent(s, "POST /r4/Observation HTTP/1.1\r\nHost: gateway.example:8080\r\n"));
    assert_true(was_sent(s, "\r\nIf-None-Exist: identifier=u%7C1\r\n"));
    assert_true(was_sent(s, "\r\nAuthorization: Bearer " BEARER "\r\n\r\n{\"resourceType\":\"Observation\""));

    assert_int_equal(create(s), SBS_OK); /* the same again */
    assert_int_equal(sbs_client_response(&s->client).http_status, 200);
    assert_int_equal(s->fhir.server.requests, 2);
    assert_int_equal(s->fhir.server.opens, 1);
}

static void plain_http_to_any_host_needs_stream_and_bearer(void **state) {
    fake_setup *s = *state;
    s->config.plain_stream = NULL;
    assert_int_equal(restart(s), SBS_ERR_URL);
    s->config.plain_stream = &plain;
    s->config.stream = &plain;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config.stream = &s->fhir.server.stream;
    s->config.bearer = NULL;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config.client_id = "device-1";
    s->config.scope = "system/Observation.c";
    s->config.key = &fake_quick_key;
    s->config.read_key = sbs_client_read_key;
    assert_int_equal(restart(s), SBS_ERR_URL); /* nobody says which hosts */
    s->config.plain_host = sbs_url_is_loopback;
    assert_int_equal(restart(s), SBS_ERR_URL);
}

static void a_bearer_goes_over_tls_as_well(void **state) {
    fake_setup *s = *state;
    s->config.fhir_base = "https://gateway.example/r4";
    s->config.plain_stream = NULL;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_OK);
    assert_int_equal(s->fhir.server.port, 443);
    assert_int_equal(s->fhir.server.requests, 1);
}

static void what_is_no_b64token_is_refused(void **state) {
    static const char *const bad[] = {"", " ", "a b", "a\r\nX-Y: z", "a\n", "a\tb", "a\x7f", "a,b", "\xC3\xA4", "a\"b"};
    fake_setup *s = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        s->config.bearer = bad[i];
        assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    }
    s->config.bearer = "aZ09-._~+/=";
    assert_int_equal(restart(s), SBS_OK);
}

/* Asked once more a gateway would count another wrong secret, and shut the address out the sooner. */
static void a_refusal_is_told_at_once(void **state) {
    fake_setup *s = *state;
    s->config.bearer = "wrong";
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_ERR_UNAUTHORIZED);
    assert_int_equal(s->fhir.unauthorized, 1);
    assert_int_equal(s->fhir.server.requests, 1);
    assert_int_equal(sbs_client_detail(&s->client)->http_status, 401);
}

static void there_is_no_token_to_ask_for_drop_or_recall(void **state) {
    fake_setup *s = *state;
    const sbs_request token_only = {.interaction = SBS_TOKEN};
    const sbs_client_memory known = {.access_token = SBS_TEXT("tok-9"), .lifetime_s = 300, .expires_in_s = 200};
    sbs_token_view token;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->fhir.server.requests, 0);
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_client_recall(&s->client, &known, s->now), SBS_ERR_STATE);

    sbs_client_drop_token(&s->client);
    assert_int_equal(create(s), SBS_OK);
    assert_true(was_sent(s, "\r\nAuthorization: Bearer " BEARER "\r\n"));
}

static void a_request_may_go_without_it(void **state) {
    fake_setup *s = *state;
    const sbs_request metadata = {.interaction = SBS_READ, .target = SBS_TEXT("metadata"), .without_token = true};
    assert_int_equal(fake_run(s, &metadata), SBS_OK);
    assert_false(was_sent(s, "Authorization"));
    assert_false(was_sent(s, BEARER));
}

static void words_that_repeat_it_are_not_shown(void **state) {
    fake_setup *s = *state;
    s->config.max_attempts = 1;
    s->fhir.fhir_body = "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"x\","
                        "\"diagnostics\":\"who is " BEARER "?\"}]}";
    assert_int_equal(restart(s), SBS_OK);
    s->fhir.fhir_status = 500;
    assert_int_equal(create(s), SBS_ERR_BUSY);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
    assert_true(sbs_client_is_secret(&s->client, "xx 0123456789abcdef yy"));
}

static void no_copy_of_it_stays(void **state) {
    fake_setup *s = *state;
    assert_int_equal(create(s), SBS_OK);
    assert_null(fake_find(s->work, sizeof s->work, BEARER));
    assert_null(fake_find(&s->client, sizeof s->client, BEARER));
}

#define BEARER_TEST(test) cmocka_unit_test_setup(test, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        BEARER_TEST(a_bearer_is_sent_and_nothing_asked_for),
        BEARER_TEST(plain_http_to_any_host_needs_stream_and_bearer),
        BEARER_TEST(a_bearer_goes_over_tls_as_well),
        BEARER_TEST(what_is_no_b64token_is_refused),
        BEARER_TEST(a_refusal_is_told_at_once),
        BEARER_TEST(there_is_no_token_to_ask_for_drop_or_recall),
        BEARER_TEST(a_request_may_go_without_it),
        BEARER_TEST(words_that_repeat_it_are_not_shown),
        BEARER_TEST(no_copy_of_it_stays),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
