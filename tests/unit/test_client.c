/* SPDX-License-Identifier: Apache-2.0 */
/* The client's FHIR requests: what goes over the wire, and what each answer means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "test.h"

static void assert_last_has(const fake_fhir *fhir, const char *text) {
    if (fake_find(fhir->last, fhir->last_len, text) == NULL) {
        fail_msg("'%s' is missing in: %.*s", text, (int)fhir->last_len, fhir->last);
    }
}

static void a_create_goes_the_whole_way(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 1);
    assert_int_equal(s->fhir.tokens, 1);
    assert_int_equal(s->fhir.creates, 1);
    assert_int_equal(s->fhir.server.opens, 3); /* closed while signing, then another host */
    assert_last_has(&s->fhir, "POST /r4/Observation HTTP/1.1\r\nHost: fhir.example\r\n");
    assert_last_has(&s->fhir, "\r\nAccept: application/fhir+json\r\nAccept-Encoding: identity\r\nX-Request-Id: ");
    assert_last_has(&s->fhir, "\r\nContent-Type: application/fhir+json\r\n");
    assert_last_has(&s->fhir, "\r\nPrefer: return=minimal\r\nIf-None-Exist: identifier=u%7C1\r\n");
    assert_last_has(&s->fhir, "\r\nAuthorization: Bearer tok-1.2\r\n\r\n{\"resourceType\":\"Observation\"");
    sbs_response response = sbs_client_response(&s->client);
    assert_int_equal(response.http_status, 201);
    assert_string_equal(response.id, "ob-7");
    assert_string_equal(response.etag, "W/\"1\"");
}

static void the_token_request_is_the_one_of_smart(void **state) {
    fake_setup *s = *state;
    sbs_request request = {.interaction = SBS_TOKEN};
    assert_int_equal(fake_run(s, &request), SBS_OK);
    const char *wanted = "POST /token HTTP/1.1\r\nHost: auth.example\r\nUser-Agent: libsbs/" SBS_VERSION
                         "\r\nAccept: application/json\r\nAccept-Encoding: identity\r\nX-Request-Id: ";
    assert_memory_equal(s->fhir.last_token_request, wanted, strlen(wanted));
    assert_last_has(&s->fhir, "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ");
    assert_last_has(
        &s->fhir,
        "\r\n\r\ngrant_type=client_credentials&scope=system%2FObservation.cruds&"
        "client_id=device-1&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
        "client_assertion=eyJ");
    sbs_token_view token;
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_OK);
    assert_true(sbs_text_equal(token.access_token, sbs_text_of("tok-1.2")));
    assert_true(sbs_text_equal(token.scope, sbs_text_of("system/Observation.cruds")));
    assert_int_equal(token.expires_in_s, 300);
}

static const sbs_request discover = {.interaction = SBS_DISCOVER};

/* The work buffer has room for it: it is refused all the same, and keeps no room. */
static void a_token_endpoint_that_is_too_long_is_refused(void **state) {
    fake_setup *s = *state;
    enum { LEN = 8001 };
    static char document[LEN + 64];
    static char work[40000];
    int start = sprintf(document, "{\"token_endpoint\":\"https://auth.example/");
    memset(document + start, 'x', LEN - strlen("https://auth.example/"));
    strcpy(document + start + LEN - strlen("https://auth.example/"), "\"}");
    s->config.work = work;
    s->config.work_size = sizeof work;
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    s->fhir.discovery_body = document;
    assert_int_equal(fake_run(s, &discover), SBS_ERR_URL);
    assert_string_equal(sbs_client_detail(&s->client)->text, "token_endpoint");
    assert_int_equal(s->client.priv.url_len, 0);
    assert_int_equal(sbs_client_token_url(&s->client).len, 0);
    s->fhir.discovery_body = NULL;
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    sbs_client_deinit(&s->client);
}

static void a_redirected_discovery_says_where_to(void **state) {
    fake_setup *s = *state;
    s->fhir.discovery_status = 302;
    s->fhir.discovery_times = 1;
    s->fhir.fields = "Location: https://portal.example/login\r\n";
    assert_int_equal(fake_run(s, &discover), SBS_ERR_REDIRECT);
    assert_string_equal(sbs_client_detail(&s->client)->text, "https://portal.example/login");
}

static void connection_and_token_serve_many_requests(void **state) {
    fake_setup *s = *state;
    for (int i = 0; i < 5; i++) {
        sbs_request request = fake_create("identifier=u%7C1");
        assert_int_equal(fake_run(s, &request), SBS_OK);
        assert_int_equal(sbs_client_response(&s->client).http_status, i == 0 ? 201 : 200);
    }
    assert_int_equal(s->fhir.tokens, 1);
    assert_int_equal(s->fhir.server.opens, 3);
    assert_int_equal(fake_fhir_count(&s->fhir, "identifier=u%7C1"), 1);
}

static void a_server_that_closes_each_time_is_served_too(void **state) {
    fake_setup *s = *state;
    s->fhir.close_each = true;
    for (int i = 0; i < 3; i++) {
        sbs_request request = fake_create("identifier=u%7C1");
        assert_int_equal(fake_run(s, &request), SBS_OK);
    }
    assert_int_equal(s->fhir.server.opens, 5);
}

static void read_update_and_bundle_have_their_forms(void **state) {
    fake_setup *s = *state;
    char body[64];
    sbs_request read = {
        .interaction = SBS_READ,
        .target = sbs_text_of("Observation?code=4548-4&_sort%3Adesc=date&_count=10"),
        .accept = sbs_text_of("application/json"),
        .response = body,
        .response_size = sizeof body,
    };
    assert_int_equal(fake_run(s, &read), SBS_OK);
    assert_last_has(&s->fhir, "GET /r4/Observation?code=4548-4&_sort%3Adesc=date&_count=10 HTTP/1.1\r\n");
    assert_last_has(&s->fhir, "\r\nAccept: application/json\r\n");
    assert_int_equal(sbs_client_response(&s->client).body_len, 25);
    assert_memory_equal(body, "{\"resourceType\":\"Bundle\"}", 25);
    read.response_size = 25;
    assert_int_equal(fake_run(s, &read), SBS_OK);
    read.response_size = 24;
    assert_int_equal(fake_run(s, &read), SBS_ERR_BUFFER);

    sbs_request update = {
        .interaction = SBS_UPDATE,
        .target = sbs_text_of("Observation/ob.1-A"),
        .body = sbs_text_of(fake_observation),
        .if_match = sbs_text_of("W/\"3\""),
    };
    assert_int_equal(fake_run(s, &update), SBS_OK);
    assert_last_has(&s->fhir, "PUT /r4/Observation/ob.1-A HTTP/1.1\r\n");
    assert_last_has(&s->fhir, "\r\nIf-Match: W/\"3\"\r\n");

    sbs_request bundle = {.interaction = SBS_BUNDLE, .body = sbs_text_of("{\"type\":\"batch\",\"entry\":[]}")};
    assert_int_equal(fake_run(s, &bundle), SBS_OK);
    assert_last_has(&s->fhir, "POST /r4 HTTP/1.1\r\n");
}

static void metadata_needs_no_token(void **state) {
    fake_setup *s = *state;
    sbs_request request = {.interaction = SBS_READ, .target = sbs_text_of("metadata"), .without_token = true};
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.tokens + s->fhir.discoveries, 0);
    assert_null(fake_find(s->fhir.last, s->fhir.last_len, "Authorization"));
}

static void ill_formed_requests_are_refused(void **state) {
    fake_setup *s = *state;
    static const char *const targets[] = {"",         "/Observation", "a b",      "..",        "x/../y", "x/..",
                                          "x/.",      "%2e%2E/x",     "x/.%2e?a", "a\r\nX: y", "a#b",    "%zz",
                                          "x/..%2fy", "x%2F../y",     "x/..;/y",  "..%5Cy"};
    for (size_t i = 0; i < SBS_COUNT_OF(targets); i++) {
        sbs_request request = {.interaction = SBS_READ, .target = sbs_text_of(targets[i])};
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_ERR_ARGUMENT);
    }
    static const char *const fine[] = {"Observation?a=..", "x/...", "x/a..b", "x?y=/../z"};
    for (size_t i = 0; i < SBS_COUNT_OF(fine); i++) {
        sbs_request request = {.interaction = SBS_READ, .target = sbs_text_of(fine[i])};
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
        sbs_client_cancel(&s->client);
    }
    sbs_request create = fake_create(NULL);
    create.target = sbs_text_of("observation");
    assert_int_equal(sbs_client_start(&s->client, &create), SBS_ERR_ARGUMENT);
    create = fake_create("identifier=a\r\nX: y");
    assert_int_equal(fake_run(s, &create), SBS_ERR_ARGUMENT);
    create = fake_create("");
    assert_int_equal(sbs_client_start(&s->client, &create), SBS_ERR_ARGUMENT);
    assert_int_equal(s->fhir.creates, 0);
    sbs_request update = {
        .interaction = SBS_UPDATE, .target = sbs_text_of("Observation/a_b"), .body = sbs_text_of("{}")};
    assert_int_equal(sbs_client_start(&s->client, &update), SBS_ERR_ARGUMENT);
}

/* One character is something, none is nothing. */
static void the_least_that_a_request_may_hold(void **state) {
    fake_setup *s = *state;
    static const struct {
        sbs_interaction interaction;
        const char *target, *body, *search;
        sbs_status status;
    } cases[] = {
        {SBS_READ, "x", NULL, NULL, SBS_OK},
        {SBS_READ, "", NULL, NULL, SBS_ERR_ARGUMENT},
        {SBS_CREATE, "Observation", "x", NULL, SBS_OK},
        {SBS_CREATE, "Observation", "", NULL, SBS_ERR_ARGUMENT},
        {SBS_CREATE, "Observation", "x", "y", SBS_OK},
        {SBS_CREATE, "Observation", "x", "", SBS_ERR_ARGUMENT},
        {SBS_UPDATE, "Observation/1", "x", NULL, SBS_OK},
        {SBS_UPDATE, "Observation/1", "", NULL, SBS_ERR_ARGUMENT},
        {SBS_UPDATE, "Observation/", "x", NULL, SBS_ERR_ARGUMENT},
        {SBS_BUNDLE, NULL, "x", NULL, SBS_OK},
        {SBS_BUNDLE, NULL, "", NULL, SBS_ERR_ARGUMENT},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        const sbs_request request = {
            .interaction = cases[i].interaction,
            .target = sbs_text_of(cases[i].target),
            .body = sbs_text_of(cases[i].body),
            .if_none_exist = sbs_text_of(cases[i].search),
        };
        assert_int_equal(sbs_client_start(&s->client, &request), cases[i].status);
        sbs_client_cancel(&s->client);
    }
}

static void one_request_at_a_time(void **state) {
    fake_setup *s = *state;
    sbs_wait wait;
    sbs_request request = fake_create(NULL);
    assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_ERR_STATE);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_ERR_STATE);
    assert_int_equal(fake_poll(s), SBS_OK);
}

static void each_status_has_its_meaning(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned http;
        sbs_status status;
        bool unknown;
    } cases[] = {
        {400, SBS_ERR_REJECTED, false},  {422, SBS_ERR_REJECTED, false},  {413, SBS_ERR_REJECTED, false},
        {403, SBS_ERR_FORBIDDEN, false}, {404, SBS_ERR_FORBIDDEN, false}, {405, SBS_ERR_FORBIDDEN, false},
        {410, SBS_ERR_FORBIDDEN, false}, {415, SBS_ERR_FORBIDDEN, false}, {301, SBS_ERR_REDIRECT, false},
        {307, SBS_ERR_REDIRECT, false},  {409, SBS_ERR_CONFLICT, false},  {412, SBS_ERR_AMBIGUOUS, false},
        {429, SBS_ERR_BUSY, false},      {500, SBS_ERR_BUSY, true},       {503, SBS_ERR_BUSY, true},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create("identifier=u%7C1");
        request.max_attempts = 1;
        s->fhir.fhir_status = cases[i].http;
        s->fhir.fhir_body = "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":"
                            "\"invalid\",\"diagnostics\":\"what\\nis wrong\"}]}";
        assert_int_equal(fake_run(s, &request), cases[i].status);
        const sbs_detail *detail = sbs_client_detail(&s->client);
        assert_int_equal(detail->status, cases[i].status);
        assert_int_equal(detail->http_status, cases[i].http);
        assert_int_equal(detail->step, SBS_STEP_RESOURCE);
        assert_int_equal(detail->outcome_unknown, cases[i].unknown);
        assert_string_equal(detail->text, "error invalid: what is wrong");
    }
    assert_int_equal(s->fhir.stored_count, 0);
}

static void an_unauthorized_request_gets_one_new_token(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    s->fhir.fhir_status = 401;
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.tokens, 2);
    s->fhir.fhir_status = 401;
    s->fhir.fhir_times = 2;
    assert_int_equal(fake_run(s, &request), SBS_ERR_UNAUTHORIZED);
    assert_int_equal(s->fhir.tokens, 3);
}

static void a_busy_server_is_asked_again(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    s->fhir.fhir_status = 503;
    s->fhir.fhir_times = 3;
    s->fhir.store_first = true;
    s->fhir.fields = "Retry-After: 7\r\n";
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.creates, 4);
    assert_true(s->waited_ms >= 21000);
    assert_int_equal(fake_fhir_count(&s->fhir, "identifier=u%7C1"), 1);

    s->fhir.fhir_status = 429;
    s->fhir.fhir_times = 99;
    assert_int_equal(fake_run(s, &request), SBS_ERR_BUSY);
    assert_int_equal(sbs_client_detail(&s->client)->attempts, 5);
    assert_int_equal(sbs_client_detail(&s->client)->retry_after_s, 7);
    s->fhir.fhir_status = 0;

    s->config.retry_wait_max_ms = 6999;
    s->fhir.fhir_status = 503;
    s->fhir.fhir_times = 1;
    assert_int_equal(fake_run(s, &request), SBS_ERR_BUSY);
    assert_int_equal(sbs_client_detail(&s->client)->attempts, 1);
}

static void what_may_be_stored_is_not_sent_again_blindly(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(NULL);
    s->fhir.fhir_status = 500;
    s->fhir.store_first = true;
    assert_int_equal(fake_run(s, &request), SBS_ERR_BUSY);
    assert_true(sbs_client_detail(&s->client)->outcome_unknown);
    assert_int_equal(s->fhir.creates, 1);
    /* "too many requests" was not stored, and may be repeated */
    s->fhir.fhir_status = 429;
    s->fhir.store_first = false;
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.creates, 3);
    assert_int_equal(s->fhir.stored_count, 2);
}

/* Polls until the server has seen @p creates requests. */
static void poll_until_created(fake_setup *s, unsigned creates) {
    while (s->fhir.creates < creates) {
        sbs_wait wait;
        assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
        s->now.mono_ms += wait.timeout_ms;
    }
}

/* What an earlier try may have stored stays in doubt, whatever becomes of the later ones. */
static void a_doubt_of_an_earlier_try_stays(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    request.max_attempts = 2;
    s->fhir.close_each = true;
    s->fhir.fhir_status = 500;
    s->fhir.store_first = true;
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    poll_until_created(s, 1);
    s->fhir.server.open_fails = SBS_ERR_REFUSED;
    assert_int_equal(fake_poll(s), SBS_ERR_REFUSED);
    assert_true(sbs_client_detail(&s->client)->outcome_unknown);
    assert_int_equal(fake_run(s, &request), SBS_OK); /* the next request begins without it */
    assert_false(sbs_client_detail(&s->client)->outcome_unknown);
}

static void a_cancelled_request_may_have_been_stored(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    sbs_client_cancel(&s->client);
    assert_false(sbs_client_detail(&s->client)->outcome_unknown);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    poll_until_created(s, 1);
    sbs_client_cancel(&s->client);
    assert_int_equal(sbs_client_detail(&s->client)->status, SBS_ERR_CANCELLED);
    assert_true(sbs_client_detail(&s->client)->outcome_unknown);
}

static void network_failures_are_told_apart_and_retried(void **state) {
    fake_setup *s = *state;
    static const sbs_status retried[] = {SBS_ERR_RESOLVE, SBS_ERR_REFUSED, SBS_ERR_UNREACHABLE, SBS_ERR_MEMORY};
    static const sbs_status final[] = {SBS_ERR_TLS, SBS_ERR_UNTRUSTED, SBS_ERR_WRONG_NAME, SBS_ERR_CERT_DATE,
                                       SBS_ERR_NO_TIME};
    for (size_t i = 0; i < SBS_COUNT_OF(retried); i++) {
        sbs_request request = fake_create(NULL);
        sbs_exchange_close(&s->client.priv.exchange);
        s->fhir.server.open_fails = retried[i];
        assert_int_equal(fake_run(s, &request), SBS_OK);
        sbs_exchange_close(&s->client.priv.exchange);
        s->fhir.server.open_fails = retried[i];
        request.max_attempts = 1;
        assert_int_equal(fake_run(s, &request), retried[i]);
        assert_int_equal(sbs_client_detail(&s->client)->platform_code, 42);
        assert_false(sbs_client_detail(&s->client)->outcome_unknown);
    }
    for (size_t i = 0; i < SBS_COUNT_OF(final); i++) {
        sbs_request request = fake_create(NULL);
        sbs_exchange_close(&s->client.priv.exchange);
        s->fhir.server.open_fails = final[i];
        assert_int_equal(fake_run(s, &request), final[i]);
        assert_int_equal(sbs_client_detail(&s->client)->attempts, 1);
    }
}

static void nothing_secret_is_left_behind(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    assert_int_equal(fake_run(s, &request), SBS_OK);
    /* the scratch is clean, the token is still there */
    size_t used = s->client.priv.url_len + s->client.priv.kept_len;
    for (size_t i = used; i < sizeof s->work; i++) {
        assert_int_equal(s->work[i], 0);
    }
    sbs_client_deinit(&s->client);
    for (size_t i = 0; i < sizeof s->work; i++) {
        assert_int_equal(s->work[i], 0);
    }
    assert_null(fake_find(&s->client, sizeof s->client, "tok-1.2"));
    assert_false(s->fhir.server.is_open);
}

/* Some proxies send back what they did not like. */
static void a_token_that_the_server_repeats_is_not_told(void **state) {
    fake_setup *s = *state;
    static const char *const bodies[] = {
        "bad header: Authorization: Bearer tok-1.2",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"diagnostics\":\"what is tok-1.2?\"}]}",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bodies); i++) {
        sbs_request request = fake_create("identifier=u%7C1");
        s->fhir.fhir_status = 400;
        s->fhir.fields = i == 0 ? "Content-Type: text/plain\r\n" : "";
        s->fhir.fhir_body = bodies[i];
        assert_int_equal(fake_run(s, &request), SBS_ERR_REJECTED);
        assert_string_equal(sbs_client_detail(&s->client)->text, "");
    }
}

/* The head is there long before the answer's end, and a program may look at any time. */
static void a_token_in_the_head_is_told_at_no_time(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    sbs_wait wait;
    s->fhir.fhir_status = 400;
    s->fhir.fields = "WWW-Authenticate: Bearer error_description=\"what is tok-1.2?\"\r\n";
    s->fhir.fhir_body = "no";
    s->fhir.server.one_byte = true;
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING) {
        status = sbs_client_poll(&s->client, s->now, &wait);
        assert_null(strstr(sbs_client_detail(&s->client)->text, "tok-1.2"));
    }
    assert_int_equal(status, SBS_ERR_REJECTED);
}

static void a_web_page_confirms_no_write(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    s->fhir.fhir_status = 200;
    s->fhir.fields = "Content-Type: text/html\r\n";
    s->fhir.fhir_body = "<html>welcome</html>";
    assert_int_equal(fake_run(s, &request), SBS_ERR_RESPONSE);
    const sbs_detail *detail = sbs_client_detail(&s->client);
    assert_int_equal(detail->http_status, 200);
    assert_true(detail->outcome_unknown);
    assert_string_equal(detail->text, "the body does not confirm it");
    s->fhir.fhir_status = 201;
    s->fhir.fields = "Content-Type: application/fhir+xml\r\nLocation: Observation/5\r\n";
    assert_int_equal(fake_run(s, &request), SBS_OK);
}

static int set_up(void **state) {
    static fake_setup setup;
    fake_setup_init(&setup);
    *state = &setup;
    return 0;
}

#define CASE(function) cmocka_unit_test_setup(function, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_create_goes_the_whole_way),
        CASE(the_token_request_is_the_one_of_smart),
        CASE(a_token_endpoint_that_is_too_long_is_refused),
        CASE(a_redirected_discovery_says_where_to),
        CASE(connection_and_token_serve_many_requests),
        CASE(a_server_that_closes_each_time_is_served_too),
        CASE(read_update_and_bundle_have_their_forms),
        CASE(metadata_needs_no_token),
        CASE(ill_formed_requests_are_refused),
        CASE(the_least_that_a_request_may_hold),
        CASE(one_request_at_a_time),
        CASE(each_status_has_its_meaning),
        CASE(an_unauthorized_request_gets_one_new_token),
        CASE(a_busy_server_is_asked_again),
        CASE(what_may_be_stored_is_not_sent_again_blindly),
        CASE(a_doubt_of_an_earlier_try_stays),
        CASE(a_cancelled_request_may_have_been_stored),
        CASE(network_failures_are_told_apart_and_retried),
        CASE(a_token_that_the_server_repeats_is_not_told),
        CASE(a_token_in_the_head_is_told_at_no_time),
        CASE(a_web_page_confirms_no_write),
        CASE(nothing_secret_is_left_behind),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
