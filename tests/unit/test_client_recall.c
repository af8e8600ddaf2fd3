/* SPDX-License-Identifier: Apache-2.0 */
/* What another client knew, handed to this one: what is taken of it, and what is not. */
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "test.h"

#define URL "https://auth.example/token"

static fake_setup setup;
static sbs_client_memory known;

static int set_up(void **state) {
    fake_setup_init(&setup);
    setup.config.key = &fake_quick_key;
    known = (sbs_client_memory){
        .token_url = SBS_TEXT(URL),
        .access_token = SBS_TEXT("tok-9"),
        .scope = SBS_TEXT("system/Observation.cruds system/Device.r"),
        .lifetime_s = 300,
        .expires_in_s = 200,
    };
    *state = &setup;
    return 0;
}

static sbs_status recall(fake_setup *s) {
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    return sbs_client_recall(&s->client, &known, s->now);
}

static bool has_token(const fake_setup *s, const char *scope) {
    sbs_token_view token;
    return sbs_client_token(&s->client, s->now, &token) == SBS_OK &&
           sbs_text_equal(token.access_token, SBS_TEXT("tok-9")) && sbs_text_equal(token.scope, sbs_text_of(scope));
}

static bool knows_nothing(const fake_setup *s) {
    sbs_token_view token;
    return sbs_client_token(&s->client, s->now, &token) == SBS_ERR_NOT_FOUND && s->client.priv.url_len == 0;
}

static void what_is_recalled_need_not_be_asked_for(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    assert_int_equal(recall(s), SBS_OK);
    assert_true(has_token(s, "system/Observation.cruds system/Device.r"));
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.discoveries + s->fhir.tokens, 0);
    assert_int_equal(s->fhir.creates, 1);
}

/* The server that named no scope gave what was asked for. */
static void a_token_may_have_no_scope(void **state) {
    fake_setup *s = *state;
    known.scope = (sbs_text){NULL, 0};
    assert_int_equal(recall(s), SBS_OK);
    assert_true(has_token(s, s->config.scope));
}

static void a_configured_endpoint_is_not_replaced(void **state) {
    fake_setup *s = *state;
    s->config.token_url = "https://fhir.example/token";
    assert_int_equal(recall(s), SBS_OK);
    assert_int_equal(s->client.priv.url_len, 0);
    assert_true(sbs_text_equal(sbs_client_token_url(&s->client), SBS_TEXT("https://fhir.example/token")));
    assert_true(has_token(s, "system/Observation.cruds system/Device.r"));
}

/* With the endpoint alone a token is asked for, and nothing is looked for. */
static void a_token_that_can_be_none_is_left_out(void **state) {
    fake_setup *s = *state;
    sbs_request request = {.interaction = SBS_TOKEN};
    known.expires_in_s = known.lifetime_s + 1;
    assert_int_equal(recall(s), SBS_OK);
    assert_false(has_token(s, ""));
    known.expires_in_s = 10; /* it would be renewed by now */
    assert_int_equal(recall(s), SBS_OK);
    assert_false(has_token(s, ""));
    known.access_token = (sbs_text){NULL, 0};
    assert_int_equal(recall(s), SBS_OK);
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 0);
    assert_int_equal(s->fhir.tokens, 1);
}

static void characters_that_go_into_no_head_are_refused(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *url, *token, *scope;
        sbs_status status;
    } rows[] = {
        {"https://auth.example/to\x7Fken", "tok-9", "a", SBS_ERR_URL},
        {"https://auth.example/to ken", "tok-9", "a", SBS_ERR_URL},
        {"http://auth.example/token", "tok-9", "a", SBS_ERR_URL},
        {URL, "tok\r\n9", "a", SBS_ERR_ARGUMENT},
        {URL, "tok 9", "a", SBS_ERR_ARGUMENT},
        {URL, "tok-9", "a\tb", SBS_ERR_ARGUMENT},
        {URL, "tok-9", "a\x80", SBS_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        known.token_url = sbs_text_of(rows[i].url);
        known.access_token = sbs_text_of(rows[i].token);
        known.scope = sbs_text_of(rows[i].scope);
        assert_int_equal(recall(s), rows[i].status);
        assert_true(knows_nothing(s));
    }
}

/* With a byte less for each than it takes; the exchange needs its part of the work buffer, too. */
static void what_finds_no_room_is_refused_whole(void **state) {
    fake_setup *s = *state;
    static char spaces[4096];
    sbs_text *const parts[] = {&known.token_url, &known.access_token, &known.scope};
    const sbs_client_memory good = known;
    size_t needed = SBS_EXCHANGE_SCRATCH_MIN + 1; /* with the URL's NUL */
    for (size_t i = 0; i < SBS_COUNT_OF(parts); i++) {
        needed += parts[i]->len;
    }

    s->config.work_size = needed;
    assert_int_equal(recall(s), SBS_OK);
    assert_true(has_token(s, "system/Observation.cruds system/Device.r"));
    memset(spaces, 'a', sizeof spaces);
    for (size_t i = 0; i < SBS_COUNT_OF(parts); i++) {
        const size_t lengths[] = {parts[i]->len + needed - SBS_EXCHANGE_SCRATCH_MIN, sizeof spaces};
        for (size_t k = 0; k < SBS_COUNT_OF(lengths); k++) {
            *parts[i] = (sbs_text){spaces, lengths[k]};
            assert_int_equal(recall(s), SBS_ERR_BUFFER);
            assert_true(knows_nothing(s));
            known = good;
        }
    }
}

static void a_client_at_work_recalls_nothing(void **state) {
    fake_setup *s = *state;
    sbs_request request = {.interaction = SBS_TOKEN};
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    while (sbs_client_lacks_token(&s->client, s->now)) { /* until it looks for the endpoint */
        sbs_wait wait;
        assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    }
    assert_int_equal(sbs_client_recall(&s->client, &known, s->now), SBS_ERR_STATE);
    assert_int_equal(fake_poll(s), SBS_OK);
    assert_int_equal(s->fhir.tokens, 1);
}

/* What the server refused is sent anew with the token of another client, and no other is fetched. */
static void a_request_that_lacks_a_token_goes_on_with_one(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    unsigned newest = 8;
    s->fhir.newest = &newest;
    known.access_token = SBS_TEXT("tok-1.7");
    assert_int_equal(recall(s), SBS_OK);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    assert_false(sbs_client_lacks_token(&s->client, s->now));
    while (!sbs_client_lacks_token(&s->client, s->now)) {
        sbs_wait wait;
        assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    }
    assert_int_equal(s->fhir.unauthorized, 1);
    known.access_token = SBS_TEXT("tok-1.8");
    assert_int_equal(sbs_client_recall(&s->client, &known, s->now), SBS_OK);
    assert_int_equal(fake_poll(s), SBS_OK);
    assert_int_equal(s->fhir.discoveries + s->fhir.tokens, 0);
    assert_int_equal(s->fhir.creates, 1);
    assert_int_equal(s->fhir.unauthorized, 1);
}

static void who_sends_no_token_lacks_none(void **state) {
    fake_setup *s = *state;
    const sbs_request requests[] = {{.interaction = SBS_DISCOVER},
                                    {.interaction = SBS_READ, .target = SBS_TEXT("metadata"), .without_token = true}};
    for (size_t i = 0; i < SBS_COUNT_OF(requests); i++) {
        assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
        assert_false(sbs_client_lacks_token(&s->client, s->now));
        assert_int_equal(sbs_client_start(&s->client, &requests[i]), SBS_OK);
        assert_false(sbs_client_lacks_token(&s->client, s->now));
        assert_int_equal(sbs_client_recall(&s->client, &known, s->now), SBS_ERR_STATE);
        sbs_client_cancel(&s->client);
    }
}

#define CASE(function) cmocka_unit_test_setup(function, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_is_recalled_need_not_be_asked_for),
        CASE(a_token_may_have_no_scope),
        CASE(a_configured_endpoint_is_not_replaced),
        CASE(a_token_that_can_be_none_is_left_out),
        CASE(characters_that_go_into_no_head_are_refused),
        CASE(what_finds_no_room_is_refused_whole),
        CASE(a_client_at_work_recalls_nothing),
        CASE(a_request_that_lacks_a_token_goes_on_with_one),
        CASE(who_sends_no_token_lacks_none),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
