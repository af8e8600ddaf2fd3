/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery and the token's life: expiry, refusals, the clock, the pinned host, work buffers of every size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "test.h"

static const sbs_request token_only = {.interaction = SBS_TOKEN};

static void a_token_is_renewed_ahead_of_its_end(void **state) {
    fake_setup *s = *state;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    s->now.mono_ms += 269000; /* 300 s less the 30 s margin, less what the requests took */
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->fhir.tokens, 1);
    s->now.mono_ms += 1000;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->fhir.tokens, 2);
    assert_int_equal(s->fhir.discoveries, 1);
}

static void a_token_shorter_than_the_margin_still_works(void **state) {
    fake_setup *s = *state;
    s->fhir.token_body = "{\"access_token\":\"tok-x\",\"token_type\":\"Bearer\",\"expires_in\":\"2\"}";
    sbs_request request = fake_create("identifier=u%7C1");
    assert_int_equal(fake_run(s, &request), SBS_OK);
    s->now.mono_ms += 999;
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.tokens, 1);
    s->now.mono_ms += 1;
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.tokens, 2);
}

/* Tokens that are over before they can be used must not be fetched without end. */
static void a_token_that_comes_too_late_ends_the_request(void **state) {
    fake_setup *s = *state;
    sbs_wait wait;
    s->fhir.token_body = "{\"access_token\":\"tok-x\",\"token_type\":\"Bearer\",\"expires_in\":2}";
    sbs_request request = fake_create("identifier=u%7C1");
    for (uint32_t late_ms = 1500; late_ms <= 3000; late_ms += 1500) {
        fake_setup_init(s);
        s->fhir.token_body = "{\"access_token\":\"tok-x\",\"token_type\":\"Bearer\",\"expires_in\":2}";
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
        sbs_status status = SBS_PENDING;
        for (unsigned polls = 0; status == SBS_PENDING && s->fhir.tokens < 50; polls++) {
            unsigned tokens = s->fhir.tokens;
            status = sbs_client_poll(&s->client, s->now, &wait);
            s->now.mono_ms += s->fhir.tokens > tokens ? late_ms : wait.timeout_ms;
        }
        assert_int_equal(status, late_ms < 2000 ? SBS_OK : SBS_ERR_TIMEOUT);
        assert_int_equal(s->fhir.tokens, late_ms < 2000 ? 1 : 5);
    }
}

/* The scratch begins behind the token: it must not move under an answer that is read. */
static void a_token_dropped_under_way_disturbs_nothing(void **state) {
    fake_setup *s = *state;
    sbs_wait wait;
    sbs_token_view token;
    sbs_request request = fake_create("identifier=u%7C1");
    s->fhir.fhir_status = 422;
    s->fhir.fhir_body =
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"invalid\","
        "\"diagnostics\":\"no subject\"}]}";
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    while (s->fhir.creates == 0) {
        assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    }
    sbs_client_drop_token(&s->client);
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_ERR_NOT_FOUND);
    assert_int_equal(fake_poll(s), SBS_ERR_REJECTED);
    assert_non_null(strstr(sbs_client_detail(&s->client)->text, "no subject"));
    assert_int_equal(fake_run(s, &request), SBS_OK);
    assert_int_equal(s->fhir.tokens, 2);
}

static sbs_status never_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                             size_t *out_len) {
    (void)ctx, (void)hash, (void)signature, (void)size, (void)out_len;
    return SBS_PENDING;
}

static void a_key_that_never_answers_is_given_up(void **state) {
    fake_setup *s = *state;
    sbs_key_ops ops = *fake_quick_key.ops;
    sbs_key key = fake_quick_key;
    ops.sign = never_sign;
    key.ops = &ops;
    s->config.key = &key;
    s->config.max_attempts = 1;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_TIMEOUT);
    assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_SIGN);
    assert_int_equal(s->fhir.tokens, 0);
}

static void discovery_is_cached_for_its_time(void **state) {
    fake_setup *s = *state;
    s->config.discovery_ttl_ms = 1000000;
    sbs_request discover = {.interaction = SBS_DISCOVER};
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_true(sbs_text_equal(sbs_client_token_url(&s->client), sbs_text_of("https://auth.example/token")));
    s->now.mono_ms += 999999;
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 1);
    s->now.mono_ms += 1;
    assert_int_equal(fake_run(s, &discover), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 2);
}

static void a_relative_token_endpoint_is_below_the_base(void **state) {
    fake_setup *s = *state;
    s->fhir.discovery_body = "{\"token_endpoint\":\"/token?tenant=a\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_true(
        fake_request_is(s->fhir.last, s->fhir.last_len, "POST /token?tenant=a HTTP/1.1\r\nHost: fhir.example\r\n"));
}

static void a_fixed_token_url_needs_no_discovery(void **state) {
    fake_setup *s = *state;
    s->config.token_url = "https://other.example:8443/token";
    s->config.fhir_base = NULL;
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 0);
    assert_int_equal(s->fhir.server.port, 8443);
    sbs_request create = fake_create(NULL);
    assert_int_equal(sbs_client_start(&s->client, &create), SBS_ERR_ARGUMENT);
}

static void discovery_failures_say_what_is_wrong(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned http;
        const char *body;
        sbs_status status;
    } cases[] = {
        {404, NULL, SBS_ERR_FORBIDDEN},
        {302, NULL, SBS_ERR_REDIRECT},
        {503, NULL, SBS_ERR_BUSY},
        {0, "<html>", SBS_ERR_JSON},
        {0, "{}", SBS_ERR_RESPONSE},
        {0, "{\"token_endpoint\":7}", SBS_ERR_JSON_TYPE},
        {0, "{\"token_endpoint\":\"http://auth.example/token\"}", SBS_ERR_URL},
        {0, "{\"token_endpoint\":\"https://a/t\",\"token_endpoint\":\"https://b/t\"}", SBS_ERR_DUPLICATE},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        s->fhir.discovery_status = cases[i].http;
        s->fhir.discovery_times = 99;
        s->fhir.discovery_body = cases[i].body;
        assert_int_equal(fake_run(s, &token_only), cases[i].status);
        assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_DISCOVERY);
        assert_int_equal(sbs_client_token_url(&s->client).len, 0);
    }
    assert_int_equal(s->fhir.tokens, 0);
}

/* A portal's page in the place of the document is told as what it is. */
static void a_page_is_no_document(void **state) {
    fake_setup *s = *state;
    s->fhir.discovery_body = "<html>Welcome</html>";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_JSON);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
    s->fhir.document_type = "text/html; charset=utf-8";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_JSON);
    assert_string_equal(sbs_client_detail(&s->client)->text, "Content-Type");
    assert_int_equal(sbs_client_detail(&s->client)->http_status, 200);
    /* JSON is JSON, whatever a file server calls it */
    s->fhir.discovery_body = NULL;
    s->fhir.document_type = "application/octet-stream";
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
}

/* RFC 6749 demands it; some servers leave it out or call it otherwise, and their JSON is judged as any. */
static void a_token_may_come_with_any_type_or_none(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *fields, *body;
        sbs_status status;
        const char *text;
    } cases[] = {
        {"Content-Type: text/html\r\n", "<html>Welcome</html>", SBS_ERR_RESPONSE, "Content-Type"},
        {"Content-Type: text/plain\r\n", "", SBS_ERR_RESPONSE, "Content-Type"},
        {"Content-Type: text/plain\r\n", "{}", SBS_ERR_RESPONSE, "access_token"},
        {"", "<html>Welcome</html>", SBS_ERR_JSON, ""},
        {"", "{}", SBS_ERR_RESPONSE, "access_token"},
        {"", NULL, SBS_OK, NULL},
        {"Content-Type: text/html\r\n", NULL, SBS_OK, NULL},
        {"Content-Type: text/javascript\r\n", NULL, SBS_OK, NULL},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        s->fhir.token_fields = cases[i].fields;
        s->fhir.token_body = cases[i].body;
        sbs_client_drop_token(&s->client);
        assert_int_equal(fake_run(s, &token_only), cases[i].status);
        if (cases[i].text != NULL) {
            assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].text);
        }
    }
}

/* It is the server's fault and not the caller's, who gave an https base: the address says so. */
static void a_token_endpoint_that_may_not_be_used_is_named(void **state) {
    fake_setup *s = *state;
    s->fhir.discovery_body = "{\"token_endpoint\":\"http://auth.example/token\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_URL);
    assert_string_equal(sbs_client_detail(&s->client)->text, "http://auth.example/token");
}

#define OAUTH_URIS(url)                                                                                                \
    "{\"resourceType\":\"CapabilityStatement\",\"rest\":[{\"mode\":\"server\",\"security\":{\"extension\":[{"          \
    "\"url\":\"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris\",\"extension\":["                \
    "{\"url\":\"authorize\",\"valueUri\":\"https://auth.example/a\"},{\"url\":\"token\",\"valueUri\":\"" url           \
    "\"}]}]}}]}"

static void older_servers_have_it_in_their_statement(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *document, *statement;
        sbs_status result;
        unsigned statements;
    } cases[] = {
        {404, NULL, OAUTH_URIS("https:\\/\\/auth.example/token"), SBS_OK, 1},
        {410, NULL, OAUTH_URIS("/token"), SBS_OK, 1},
        {0, "<html>", OAUTH_URIS("https://auth.example/token"), SBS_OK, 1},
        {0, "", OAUTH_URIS("https://auth.example/token"), SBS_OK, 1},
        {404, NULL, OAUTH_URIS("http://auth.example/token"), SBS_ERR_URL, 1},
        {404, NULL, OAUTH_URIS("https://evil.example/token"), SBS_ERR_TOKEN_HOST, 1},
        {404, NULL, "{\"resourceType\":\"CapabilityStatement\",\"rest\":[{\"mode\":\"server\"}]}", SBS_ERR_FORBIDDEN,
         1},
        {404, NULL, "<html>", SBS_ERR_FORBIDDEN, 1},
        {0, "<html>", "{}", SBS_ERR_JSON, 1},
        {404, NULL, "", SBS_ERR_FORBIDDEN, 1},
        /* what is there, or not for now, is not looked for elsewhere */
        {0, "{}", OAUTH_URIS("https://auth.example/token"), SBS_ERR_RESPONSE, 0},
        {0, "{\"token_endpoint\":\"http://h/\"}", OAUTH_URIS("https://auth.example/token"), SBS_ERR_URL, 0},
        {503, NULL, OAUTH_URIS("https://auth.example/token"), SBS_ERR_BUSY, 0},
        {401, NULL, OAUTH_URIS("https://auth.example/token"), SBS_ERR_FORBIDDEN, 0},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        fake_setup_init(s);
        s->config.token_origin = i == 1 ? "https://fhir.example" : "https://auth.example";
        s->config.oauth_uris = sbs_client_oauth_uris;
        assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
        s->fhir.discovery_status = cases[i].status;
        s->fhir.discovery_times = 99;
        s->fhir.discovery_body = cases[i].document;
        s->fhir.statement = cases[i].statement;
        assert_int_equal(fake_run(s, &token_only), cases[i].result);
        assert_int_equal(s->fhir.statements, cases[i].statements);
        assert_int_equal(s->fhir.tokens, cases[i].result == SBS_OK ? 1 : 0);
        if (cases[i].result != SBS_OK) {
            assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_DISCOVERY);
            assert_int_equal(sbs_client_token_url(&s->client).len, 0);
        }
        if (cases[i].result == SBS_ERR_FORBIDDEN || cases[i].result == SBS_ERR_JSON) {
            unsigned first = cases[i].status != 0 ? cases[i].status : 200; /* what was to help hides nothing */
            assert_int_equal(sbs_client_detail(&s->client)->http_status, first);
            assert_int_equal(sbs_client_response(&s->client).http_status, first);
        }
    }
    /* a device that does not ask for it */
    fake_setup_init(s);
    s->fhir.discovery_status = 404;
    s->fhir.statement = OAUTH_URIS("https://auth.example/token");
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_FORBIDDEN);
    assert_int_equal(s->fhir.statements, 0);
}

static void a_statement_is_cached_and_looked_up_like_a_document(void **state) {
    fake_setup *s = *state;
    sbs_request create = fake_create("identifier=u%7C1");
    s->config.oauth_uris = sbs_client_oauth_uris;
    s->fhir.discovery_status = 404;
    s->fhir.discovery_times = 99;
    s->fhir.statement = OAUTH_URIS("https://auth.example/token");
    assert_int_equal(fake_run(s, &create), SBS_OK);
    assert_int_equal(fake_run(s, &create), SBS_OK);
    assert_int_equal(s->fhir.statements, 1);
    sbs_client_drop_token(&s->client);
    s->fhir.token_status = 404; /* moved */
    assert_int_equal(fake_run(s, &create), SBS_OK);
    assert_int_equal(s->fhir.statements, 2);
}

static void the_token_host_is_pinned(void **state) {
    fake_setup *s = *state;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    s->fhir.discovery_body = "{\"token_endpoint\":\"https://evil.example/token\"}";
    s->now.mono_ms += 2 * 86400000ull;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_TOKEN_HOST);
    assert_int_equal(s->fhir.tokens, 1);
    s->fhir.discovery_body = "{\"token_endpoint\":\"https://AUTH.example/token/v2\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    s->config.token_origin = "https://elsewhere.example";
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_TOKEN_HOST);
}

static void a_moved_token_endpoint_is_looked_up_once(void **state) {
    fake_setup *s = *state;
    s->fhir.token_status = 404;
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 2);
    sbs_client_drop_token(&s->client);
    s->fhir.token_status = 404;
    s->fhir.token_times = 99;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
    assert_int_equal(s->fhir.discoveries, 3);
    assert_int_equal(sbs_client_detail(&s->client)->http_status, 404); /* which tells whose fault it is */
}

static void refusals_carry_the_server_s_words(void **state) {
    fake_setup *s = *state;
    s->fhir.token_status = 401;
    s->fhir.token_error =
        "{\"error\":\"invalid_client\",\"error_description\":\"client \\u0007 authentication failed\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
    const sbs_detail *detail = sbs_client_detail(&s->client);
    assert_int_equal(detail->oauth, SBS_OAUTH_INVALID_CLIENT);
    assert_int_equal(detail->http_status, 401);
    assert_int_equal(detail->attempts, 1);
    assert_non_null(strstr(detail->text, "invalid_client"));
    assert_non_null(strstr(detail->text, "authentication failed"));
    assert_null(strchr(detail->text, 7));

    s->fhir.token_status = 403;
    s->fhir.token_error = NULL;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
    assert_int_equal(sbs_client_detail(&s->client)->oauth, SBS_OAUTH_NONE);
    assert_int_equal(sbs_client_detail(&s->client)->http_status, 403);
}

static void what_asks_to_wait_is_told(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *fields;
        bool asked;
        uint32_t seconds;
    } cases[] = {
        {"Retry-After: 0\r\n", true, 0},
        {"Retry-After: 9\r\n", true, 9},
        {"Retry-After: Tue, 14 Nov 2023 22:13:10 GMT\r\n", true, 0}, /* past */
        {"Retry-After: soon\r\n", true, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        s->fhir.token_status = 403;
        s->fhir.fields = cases[i].fields;
        assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
        assert_int_equal(sbs_client_detail(&s->client)->asked_to_wait, cases[i].asked);
        assert_int_equal(sbs_client_detail(&s->client)->retry_after_s, cases[i].seconds);
    }
}

/* Not every server speaks OAuth when it refuses. */
static void a_refusal_in_other_words_is_told_too(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"{\"message\":\"no Route matched with those values\"}", "no Route matched with those values"},
        {"{\"title\":\"Unauthorized\",\"detail\":\"key unknown\"}", "Unauthorized: key unknown"},
        {"{\"error\":{\"message\":\"clock?\"}}", "clock?"},
        {"{\"error\":\"invalid_client\",\"error_description\":\"x\"}", "invalid_client: x"},
        {"[]", ""},
        {"", ""},
    };
    s->config.read_words = sbs_words_read;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        s->fhir.token_status = 401;
        s->fhir.token_error = cases[i].body;
        assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
        assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].words);
    }
}

/* An assertion that is refused today may be valid in a minute: it must not stand in a log. */
static void words_that_repeat_the_assertion_are_left_out(void **state) {
    fake_setup *s = *state;
    static const char jwt[] = "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJkZXZpY2UtMSJ9.AAAAAAAAAAAAAAAAAAAAAAAA";
    static const char *const forms[] = {"{\"error\":\"invalid_client\",\"error_description\":\"bad JWT %s\"}",
                                        "{\"message\":\"%s\"}", "{\"client_assertion\":\"%s\"}"};
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        char body[256];
        snprintf(body, sizeof body, forms[i], jwt);
        s->fhir.token_status = 401;
        s->fhir.token_error = body;
        assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
        assert_string_equal(sbs_client_detail(&s->client)->text, "");
    }
}

/* It may be good: whoever reads the log must not get it. */
static void a_token_beside_a_failure_is_not_told(void **state) {
    fake_setup *s = *state;
    static const char *const bodies[] = {
        "{\"access_token\":\"tok-9-of-a-server-in-trouble\",\"token_type\":\"bearer\",\"expires_in\":300}",
        "{\"x\":1, \"access_token\" : \"t\"}"};
    s->config.max_attempts = 1;
    for (size_t i = 0; i < SBS_COUNT_OF(bodies); i++) {
        s->fhir.token_status = 500;
        s->fhir.token_error = bodies[i];
        assert_int_not_equal(fake_run(s, &token_only), SBS_OK);
        assert_string_equal(sbs_client_detail(&s->client)->text, "");
    }
    s->fhir.token_status = 401; /* words about one are told */
    s->fhir.token_error = "{\"error\":\"invalid_client\",\"error_description\":\"no access_token for you\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
    assert_string_equal(sbs_client_detail(&s->client)->text, "invalid_client: no access_token for you");
}

static void an_error_with_status_200_is_a_refusal(void **state) {
    fake_setup *s = *state;
    sbs_token_view token;
    s->fhir.token_body = "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"error\":\"invalid_scope\","
                         "\"error_description\":\"ask for less\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
    const sbs_detail *detail = sbs_client_detail(&s->client);
    assert_int_equal(detail->oauth, SBS_OAUTH_INVALID_SCOPE);
    assert_int_equal(detail->http_status, 200);
    assert_false(detail->transient);
    assert_string_equal(detail->text, "invalid_scope: ask for less");
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_ERR_NOT_FOUND);
    s->fhir.token_body = "{\"error\":\"temporarily_unavailable\"}";
    s->config.max_attempts = 2;
    s->fhir.tokens = 0;
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_BUSY);
    assert_int_equal(s->fhir.tokens, 2);
    s->fhir.token_body = "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"error\":null,\"scope\":null}";
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_OK);
    assert_true(sbs_text_equal(token.scope, sbs_text_of(s->config.scope)));
}

static void every_try_has_an_assertion_of_its_own(void **state) {
    fake_setup *s = *state;
    s->fhir.token_status = 503;
    s->fhir.token_times = 4;
    s->fhir.token_error = "{\"error\":\"temporarily_unavailable\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_OK);
    assert_int_equal(s->fhir.jti_count, 5);
    for (unsigned i = 0; i < s->fhir.jti_count; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(s->fhir.jti[i], s->fhir.jti[k]);
        }
    }
}

static void token_answers_that_break_the_rules_are_refused(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *body;
        sbs_status status;
    } cases[] = {
        {"<html></html>", SBS_ERR_JSON},
        {"{\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE},
        {"{\"access_token\":\"tok-1\",\"token_type\":\"mac\"}", SBS_ERR_RESPONSE},
        {"{\"access_token\":\"tok-1\\r\\nX: y\",\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE},
        {"{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"expires_in\":0}", SBS_ERR_RESPONSE},
        {"{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"bearer\"}", SBS_ERR_DUPLICATE},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        s->fhir.token_body = cases[i].body;
        assert_int_equal(fake_run(s, &token_only), cases[i].status);
        assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_TOKEN);
        sbs_token_view token;
        assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_ERR_NOT_FOUND);
    }
}

static void the_scope_may_come_before_the_token(void **state) {
    fake_setup *s = *state;
    s->fhir.token_body =
        "{\"scope\":\"system/Observation.c\",\"x\":[1,2],\"token_type\":\"bearer\",\"access_token\":\"tok-last\"}";
    sbs_request request = fake_create("identifier=u%7C1");
    assert_int_equal(fake_run(s, &request), SBS_OK);
    sbs_token_view token;
    assert_int_equal(sbs_client_token(&s->client, s->now, &token), SBS_OK);
    assert_true(sbs_text_equal(token.access_token, sbs_text_of("tok-last")));
    assert_true(sbs_text_equal(token.scope, sbs_text_of("system/Observation.c")));
}

static void a_grant_too_small_is_told_before_sending(void **state) {
    fake_setup *s = *state;
    s->fhir.token_body = "{\"access_token\":\"tok-r\",\"token_type\":\"bearer\",\"scope\":\"system/Observation.rs\"}";
    sbs_request create = fake_create("identifier=u%7C1");
    assert_int_equal(fake_run(s, &create), SBS_ERR_SCOPE);
    assert_string_equal(sbs_client_detail(&s->client)->text, "system/Observation.rs");
    sbs_request search = {.interaction = SBS_READ, .target = sbs_text_of("Observation?code=1")};
    assert_int_equal(fake_run(s, &search), SBS_OK);
    assert_int_equal(s->fhir.creates, 0);
    s->config.any_scope = true;
    assert_int_equal(fake_run(s, &create), SBS_OK);
    /* an empty grant is a grant of nothing */
    s->config.any_scope = false;
    s->fhir.token_body = "{\"access_token\":\"tok-r\",\"token_type\":\"bearer\",\"scope\":\"\"}";
    sbs_client_drop_token(&s->client);
    assert_int_equal(fake_run(s, &search), SBS_ERR_SCOPE);
}

/* What nobody can read covers nothing, unless the operator knows better. */
static void a_grant_in_another_form_needs_a_word(void **state) {
    fake_setup *s = *state;
    static const char *const grants[] = {"profile email", "Observation-write", "fhir", "system/Observation",
                                         "https://fhir.example/r4/.default"};
    sbs_request create = fake_create("identifier=u%7C1");
    for (size_t i = 0; i < SBS_COUNT_OF(grants); i++) {
        char body[160];
        fake_setup_init(s);
        snprintf(body, sizeof body, "{\"access_token\":\"tok-r\",\"token_type\":\"bearer\",\"scope\":\"%s\"}",
                 grants[i]);
        s->fhir.token_body = body;
        assert_int_equal(fake_run(s, &create), SBS_ERR_SCOPE);
        assert_string_equal(sbs_client_detail(&s->client)->text, grants[i]);
        s->config.any_scope = true;
        assert_int_equal(fake_run(s, &create), SBS_OK);
        assert_int_equal(s->fhir.tokens, 1);
    }
}

/* The fake server's Date is 1700000000. */
static void a_wrong_clock_is_corrected_once(void **state) {
    fake_setup *s = *state;
    static const int64_t errors[] = {-3600, 3600, 86000, -86000};
    for (size_t i = 0; i < SBS_COUNT_OF(errors); i++) {
        fake_setup_init(s);
        s->now.utc_s += errors[i];
        s->fhir.token_status = 401;
        s->fhir.token_error = "{\"error\":\"invalid_client\"}";
        assert_int_equal(fake_run(s, &token_only), SBS_OK);
        assert_true(llabs(sbs_client_clock_offset(&s->client) + errors[i]) < 5);
        assert_int_equal(s->fhir.tokens, 2);
    }
    fake_setup_init(s);
    s->now.utc_s += 3600;
    s->fhir.token_status = 401;
    s->fhir.token_times = 99;
    s->fhir.token_error = "{\"error\":\"invalid_client\"}";
    assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
    assert_int_equal(s->fhir.tokens, 2);
    assert_int_equal(sbs_client_clock_offset(&s->client), 0); /* it changed nothing */
}

static void a_small_or_an_absurd_difference_is_not_the_clock(void **state) {
    fake_setup *s = *state;
    static const int64_t errors[] = {0, 2, -2, 90000, -90000};
    for (size_t i = 0; i < SBS_COUNT_OF(errors); i++) {
        fake_setup_init(s);
        s->now.utc_s += errors[i];
        s->fhir.token_status = 401;
        s->fhir.token_error = "{\"error\":\"invalid_client\"}";
        assert_int_equal(fake_run(s, &token_only), SBS_ERR_OAUTH);
        assert_int_equal(s->fhir.tokens, 1);
        assert_int_equal(sbs_client_clock_offset(&s->client), 0);
    }
}

static void without_the_time_nothing_is_signed(void **state) {
    fake_setup *s = *state;
    s->config.token_url = "https://auth.example/token";
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    s->now.utc_s = SBS_UTC_UNKNOWN;
    assert_int_equal(sbs_client_start(&s->client, &token_only), SBS_OK);
    sbs_wait wait;
    sbs_status status;
    do {
        status = sbs_client_poll(&s->client, s->now, &wait);
    } while (status == SBS_PENDING);
    assert_int_equal(status, SBS_ERR_NO_TIME);
    assert_int_equal(s->fhir.server.opens, 0);
}

/* Content-Length is known before the client_id is written: the fake server counts what comes. */
static void long_client_ids_are_sent(void **state) {
    fake_setup *s = *state;
    static char client_id[3073];
    static _Alignas(8) char work[32768];
    static const char kinds[] = {'c', '%', ' ', '~'};
    for (size_t i = 0; i < sizeof kinds; i++) {
        for (size_t len = 1; len < sizeof client_id; len = len * 4 - 1) {
            fake_setup_init(s);
            memset(client_id, kinds[i], len);
            client_id[len] = '\0';
            s->config.client_id = client_id;
            s->config.key = &fake_quick_key;
            s->config.work = work;
            s->config.work_size = sizeof work;
            assert_int_equal(fake_run(s, &token_only), SBS_OK);
            assert_int_equal(s->fhir.tokens, 1);
        }
    }
}

/* Whatever the size of the work buffer: the request is done, or the buffer is said to be too small. Never less. */
static void every_work_buffer_works_or_is_too_small(void **state) {
    fake_setup *s = *state;
    size_t least = 0;
    for (size_t size = SBS_EXCHANGE_SCRATCH_MIN - 1; size < 4096; size++) {
        fake_setup_init(s);
        s->config.work_size = size;
        s->config.key = &fake_quick_key;
        sbs_status status = sbs_client_init(&s->client, &s->config);
        sbs_request request = fake_create("identifier=u%7C1");
        if (status == SBS_OK) {
            status = fake_run(s, &request);
        }
        if (status != SBS_OK) {
            assert_int_equal(sbs_status_group(status), SBS_CLASS_BUFFER);
        } else if (least == 0) {
            least = size;
        }
        assert_true(least == 0 || status == SBS_OK);
    }
    assert_in_range(least, SBS_EXCHANGE_SCRATCH_MIN, 2048);
}

static void bad_configurations_are_refused(void **state) {
    fake_setup *s = *state;
    sbs_client_config good = s->config;
#define REFUSED(member, value, status)                                                                                 \
    do {                                                                                                               \
        s->config = good;                                                                                              \
        s->config.member = value;                                                                                      \
        assert_int_equal(sbs_client_init(&s->client, &s->config), status);                                             \
    } while (0)
    REFUSED(fhir_base, NULL, SBS_ERR_ARGUMENT);
    REFUSED(fhir_base, "http://fhir.example/r4", SBS_ERR_URL);
    REFUSED(fhir_base, "https://fhir.example/r4?x=y", SBS_ERR_URL);
    REFUSED(fhir_base, "fhir.example", SBS_ERR_URL);
    REFUSED(token_url, "http://localhost/token", SBS_ERR_URL);
    REFUSED(token_origin, "nonsense", SBS_ERR_URL);
    REFUSED(client_id, "", SBS_ERR_ARGUMENT);
    REFUSED(client_id, "tab\t", SBS_ERR_ARGUMENT);
    REFUSED(client_id, "\xc3\xa9", SBS_ERR_ARGUMENT);
    REFUSED(scope, NULL, SBS_ERR_ARGUMENT);
    REFUSED(scope, "a\"b", SBS_ERR_ARGUMENT);
    REFUSED(key, NULL, SBS_ERR_ARGUMENT);
    REFUSED(lifetime_s, 301, SBS_ERR_ARGUMENT);
    REFUSED(work_size, SBS_EXCHANGE_SCRATCH_MIN - 1, SBS_ERR_BUFFER);
    s->fhir.server.ops.secured = false;
    REFUSED(work_size, good.work_size, SBS_ERR_ARGUMENT);
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
        CASE(a_token_is_renewed_ahead_of_its_end),
        CASE(a_token_shorter_than_the_margin_still_works),
        CASE(a_token_that_comes_too_late_ends_the_request),
        CASE(a_token_dropped_under_way_disturbs_nothing),
        CASE(a_key_that_never_answers_is_given_up),
        CASE(discovery_is_cached_for_its_time),
        CASE(a_relative_token_endpoint_is_below_the_base),
        CASE(a_fixed_token_url_needs_no_discovery),
        CASE(discovery_failures_say_what_is_wrong),
        CASE(a_page_is_no_document),
        CASE(a_token_may_come_with_any_type_or_none),
        CASE(a_token_endpoint_that_may_not_be_used_is_named),
        CASE(older_servers_have_it_in_their_statement),
        CASE(a_statement_is_cached_and_looked_up_like_a_document),
        CASE(the_token_host_is_pinned),
        CASE(a_moved_token_endpoint_is_looked_up_once),
        CASE(refusals_carry_the_server_s_words),
        CASE(what_asks_to_wait_is_told),
        CASE(a_refusal_in_other_words_is_told_too),
        CASE(words_that_repeat_the_assertion_are_left_out),
        CASE(a_token_beside_a_failure_is_not_told),
        CASE(an_error_with_status_200_is_a_refusal),
        CASE(every_try_has_an_assertion_of_its_own),
        CASE(token_answers_that_break_the_rules_are_refused),
        CASE(the_scope_may_come_before_the_token),
        CASE(a_grant_too_small_is_told_before_sending),
        CASE(a_grant_in_another_form_needs_a_word),
        CASE(a_wrong_clock_is_corrected_once),
        CASE(a_small_or_an_absurd_difference_is_not_the_clock),
        CASE(without_the_time_nothing_is_signed),
        CASE(long_client_ids_are_sent),
        CASE(every_work_buffer_works_or_is_too_small),
        CASE(bad_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
