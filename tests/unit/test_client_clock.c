/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that is wrong, and authorization servers that mind it each in its own way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "test.h"

#define EPOCH_S INT64_C(1700000000) /* what the servers' clock says when the monotonic one is 0 */
#define DAY_S 86400

typedef struct refusal {
    unsigned status;
    const char *body;
} refusal;

/* Both servers, which have one clock. */
static struct {
    fake_setup s;
    /* behaviour */
    int64_t iat_from, iat_to; /* accepted, from the server's time on */
    refusal refusal;
    bool refuses;                         /* whatever the assertion says */
    const char *then;                     /* the body of the refusals after the first; NULL: as the first */
    unsigned then_status;                 /* their status; 0: as the first */
    const char *fields;                   /* more header lines of a refusal */
    bool no_token_date;                   /* of the token endpoint */
    bool no_document_date;                /* of the FHIR server */
    const char *token_age, *document_age; /* their header line */
    bool refuses_documents;               /* with a challenge */
    uint32_t phase_ms;                    /* the servers' seconds end so much before those of the machine */
    uint32_t before_ms;                   /* passes before the Date is written, */
    uint32_t after_ms;                    /* and after that */
    bool breaks_documents;                /* the connection ends instead of a document */
    int32_t step_s;                       /* this machine's clock is moved by so much at each token request */
    /* what happened */
    unsigned tokens, documents;
    int64_t iat, exp; /* of the last assertion, from the server's time on */
} rig;

static int64_t server_time(void) {
    return EPOCH_S + (int64_t)((rig.s.now.mono_ms + rig.phase_ms) / 1000u);
}

/* Time passes while a request is under way. */
static void pass(uint32_t ms) {
    uint64_t before_s = rig.s.now.mono_ms / 1000u;
    rig.s.now.mono_ms += ms;
    rig.s.now.utc_s += (int64_t)(rig.s.now.mono_ms / 1000u - before_s);
}

static void answer(fake_server *server, unsigned status, bool with_date, const char *fields, const char *body) {
    char all[512], date[64] = "";
    time_t now;
    pass(rig.before_ms);
    now = (time_t)server_time();
    if (with_date) {
        (void)strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&now));
    }
    snprintf(all, sizeof all, "Content-Type: application/json\r\n%s%s", date, fields != NULL ? fields : "");
    fake_answer(server, status, all, body);
    pass(rig.after_ms);
}

static int64_t claim(const char *json, size_t len, const char *name) {
    const char *at = fake_find(json, len, name);
    assert_non_null(at);
    return strtoll(at + strlen(name), NULL, 10) - server_time();
}

static void read_assertion(sbs_text form) {
    char json[8192];
    size_t len = 0;
    const char *payload = fake_find(form.ptr, form.len, "client_assertion=");
    payload = memchr(payload, '.', form.len - (size_t)(payload - form.ptr)) + 1;
    const char *end = memchr(payload, '.', form.len - (size_t)(payload - form.ptr));
    assert_int_equal(sbs_base64url_decode(payload, (size_t)(end - payload), (uint8_t *)json, sizeof json, &len),
                     SBS_OK);
    rig.iat = claim(json, len, "\"iat\":");
    rig.exp = claim(json, len, "\"exp\":");
    assert_true(rig.exp - rig.iat <= 300);
}

static void serve_token(fake_server *server, const char *request, size_t len) {
    rig.tokens++;
    rig.s.now.utc_s += rig.step_s;
    read_assertion(fake_body(request, len));
    bool is_valid = rig.iat >= rig.iat_from && rig.iat <= rig.iat_to && rig.exp > 0;
    if (rig.refuses || !is_valid) {
        const char *body = rig.tokens > 1 && rig.then != NULL ? rig.then : rig.refusal.body;
        unsigned status = rig.tokens > 1 && rig.then_status != 0 ? rig.then_status : rig.refusal.status;
        answer(server, status, !rig.no_token_date, rig.token_age != NULL ? rig.token_age : rig.fields, body);
        return;
    }
    answer(server, 200, !rig.no_token_date, NULL,
           "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"expires_in\":300}");
}

static void serve(fake_server *server, const char *request, size_t len) {
    if (fake_request_is(request, len, "POST /token")) {
        serve_token(server, request, len);
        return;
    }
    assert_true(fake_request_is(request, len, "GET /r4/.well-known/smart-configuration "));
    rig.documents++;
    if (rig.breaks_documents) {
        server->broken = true;
        return;
    }
    if (rig.refuses_documents) {
        answer(server, 401, false, "WWW-Authenticate: Bearer error_description=\"who are you\"\r\n", "");
        return;
    }
    answer(server, 200, !rig.no_document_date, rig.document_age, "{\"token_endpoint\":\"https://auth.example/token\"}");
}

/* This machine's clock is @p error_s ahead. */
static void begin(int64_t error_s) {
    memset(&rig, 0, sizeof rig);
    fake_setup_init(&rig.s);
    rig.s.fhir.server.handler = serve;
    rig.s.config.key = &fake_quick_key;
    rig.s.now.utc_s = server_time() + error_s;
    rig.iat_from = -300;
    rig.refusal = (refusal){401, "{\"error\":\"invalid_client\"}"};
}

static sbs_status ask(void) {
    static const sbs_request token_only = {.interaction = SBS_TOKEN};
    sbs_client_drop_token(&rig.s.client);
    return fake_run(&rig.s, &token_only);
}

static const sbs_detail *detail(void) {
    return sbs_client_detail(&rig.s.client);
}

static bool is_about(int64_t value, int64_t expected) {
    return value >= expected - 2 && value <= expected + 2;
}

static void assert_not_corrected(sbs_status status) {
    assert_int_equal(status, SBS_ERR_OAUTH);
    assert_int_equal(rig.tokens, 1);
    assert_int_equal(sbs_client_clock_offset(&rig.s.client), 0);
}

/* ---- what is signed ---------------------------------------------------------------------------------------------- */

static void an_assertion_stands_a_little_in_the_past(void **state) {
    static const struct {
        sbs_profile profile;
        uint32_t lifetime;
        int64_t iat, exp;
    } cases[] = {
        {SBS_PROFILE_SMART, 0, -20, 220}, {SBS_PROFILE_SMART, 300, -20, 280}, {SBS_PROFILE_SMART, 40, -20, 20},
        {SBS_PROFILE_SMART, 10, -5, 5},   {SBS_PROFILE_SEED, 0, 0, 300},
    };
    static test_key rsa;
    (void)state;
    test_key_init(&rsa, SBS_RS384, 2048);
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        begin(0);
        rig.s.config.key = cases[i].profile == SBS_PROFILE_SEED ? &rsa.key : &fake_quick_key;
        rig.s.config.profile = cases[i].profile;
        rig.s.config.lifetime_s = cases[i].lifetime;
        assert_int_equal(ask(), SBS_OK);
        assert_int_equal(rig.iat, cases[i].iat);
        assert_int_equal(rig.exp, cases[i].exp);
    }
}

/* ---- what time it is --------------------------------------------------------------------------------------------- */

static void the_servers_time_goes_on_after_its_last_date(void **state) {
    (void)state;
    begin(0);
    rig.no_token_date = rig.no_document_date = true;
    assert_int_equal(ask(), SBS_OK);
    assert_true(sbs_client_server_time(&rig.s.client, rig.s.now) == SBS_UTC_UNKNOWN);

    rig.no_token_date = false;
    assert_int_equal(ask(), SBS_OK);
    pass(90000);
    assert_true(is_about(sbs_client_server_time(&rig.s.client, rig.s.now), server_time()));
}

/* ---- a clock that is wrong --------------------------------------------------------------------------------------- */

/* As servers say that an assertion is of another time. */
static const refusal refusals[] = {
    {401, "{\"error\":\"invalid_client\"}"},
    {400, "{\"error\":\"invalid_client\",\"error_description\":null}"},
    {400, "{\"error\":\"unauthorized_client\"}"},
    {401, "{\"error\":\"invalid_request\",\"error_description\":\"Token is not active\"}"},
    {400, "{\"error\":\"invalid_grant\"}"},
    {401, "{\"error\":\"unauthorized\"}"},
    {500, "{\"error\":\"error\",\"error_description\":\"The error is unrecognizable\"}"},
    {500, "{\"error\":\"invalid_client\"}"},
    {403, ""},
    {500, ""},
    {200, "{\"error\":\"invalid_client\"}"},
};

static const int64_t errors[] = {1,   -1,  3,    -3,   10,    -10,   20,     -20,       31,
                                 -31, 120, -120, 3600, -3600, DAY_S, -DAY_S, DAY_S - 9, 9 - DAY_S};

/* Those who take no second ahead, who take minutes, and who take little on both sides. */
static const int64_t windows[][2] = {{-300, 0}, {-86700, 86700}, {-58, 14}, {-30, 0}};

typedef enum date_source { OF_TOKEN_ENDPOINT, OF_DISCOVERY, ASKED_FOR } date_source;

static void begin_with(int64_t error_s, const refusal *how, const int64_t window[2], date_source source) {
    begin(error_s);
    rig.refusal = *how;
    rig.iat_from = window[0];
    rig.iat_to = window[1];
    rig.no_token_date = source != OF_TOKEN_ENDPOINT;
    if (source == ASKED_FOR) {
        rig.s.config.token_url = "https://auth.example/token";
        assert_int_equal(sbs_client_init(&rig.s.client, &rig.s.config), SBS_OK);
    }
}

static void every_clock_comes_to_a_token(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(errors) * SBS_COUNT_OF(refusals) * SBS_COUNT_OF(windows) * 3; i++) {
        int64_t error_s = errors[i % SBS_COUNT_OF(errors)];
        const refusal *how = &refusals[i / SBS_COUNT_OF(errors) % SBS_COUNT_OF(refusals)];
        const int64_t *window = windows[i / SBS_COUNT_OF(errors) / SBS_COUNT_OF(refusals) % SBS_COUNT_OF(windows)];
        date_source source = (date_source)(i / SBS_COUNT_OF(errors) / SBS_COUNT_OF(refusals) / SBS_COUNT_OF(windows));
        begin_with(error_s, how, window, source);
        sbs_status status = ask();
        if (status != SBS_OK) {
            fail_msg("%lld s ahead, %u %s: %s", (long long)error_s, how->status, how->body, sbs_status_name(status));
        }
        assert_true(rig.tokens <= 2);
        assert_int_equal(rig.documents, source == ASKED_FOR ? rig.tokens - 1 : 1);
        int64_t offset_s = sbs_client_clock_offset(&rig.s.client);
        assert_true(rig.tokens == 1 ? offset_s == 0 : is_about(offset_s, -error_s));
        assert_true(rig.tokens == 1 || (rig.iat >= -22 && rig.iat <= -20));

        rig.tokens = 0;
        assert_int_equal(ask(), SBS_OK); /* the correction stays */
        assert_int_equal(rig.tokens, 1);
    }
}

/* In the seed's profile, which has no room to stand in the past, no second is too much. */
static void a_corrected_clock_is_never_ahead(void **state) {
    static test_key rsa;
    (void)state;
    test_key_init(&rsa, SBS_RS384, 2048);
    for (unsigned i = 0; i < 20 * 20; i++) {
        begin(0);
        rig.s.config.key = &rsa.key;
        rig.s.config.profile = SBS_PROFILE_SEED;
        rig.phase_ms = i % 20 * 50;
        rig.s.now.mono_ms += i / 20 * 50;
        rig.s.now.utc_s = EPOCH_S + 7 + (int64_t)(rig.s.now.mono_ms / 1000u);
        rig.before_ms = 30;
        rig.after_ms = 170;
        assert_int_equal(ask(), SBS_OK);
        for (unsigned tokens = 2; tokens <= 8; tokens++) { /* at other parts of the second too */
            assert_int_equal(rig.tokens, tokens);
            assert_in_range((uintmax_t)(rig.iat + 3), 0, 3);
            pass(150);
            assert_int_equal(ask(), SBS_OK);
        }
    }
}

static void the_difference_is_told(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(errors); i++) {
        begin(errors[i]);
        rig.refuses = true;
        assert_int_equal(ask(), SBS_ERR_OAUTH);
        bool counts = errors[i] < -2 || errors[i] > 2;
        assert_int_equal(rig.tokens, counts ? 2 : 1);
        assert_true(counts ? is_about(detail()->clock_difference_s, -errors[i]) : detail()->clock_difference_s == 0);
        assert_int_equal(detail()->http_status, 401);
        assert_int_equal(sbs_client_response(&rig.s.client).http_status, 401);
    }
}

/* Years are told, and not corrected. */
static void an_absurd_difference_is_not_corrected(void **state) {
    static const int64_t far[] = {2 * DAY_S, -2 * DAY_S, 90000, -90000, 30ll * 365 * DAY_S, -30ll * 365 * DAY_S};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(far); i++) {
        begin(far[i]);
        rig.refuses = true;
        assert_not_corrected(ask());
        assert_true(is_about(detail()->clock_difference_s, -far[i]));
    }
    begin(INT64_MAX - 1000 - server_time()); /* beyond what can be told */
    rig.refuses = true;
    assert_not_corrected(ask());
    assert_int_equal(detail()->clock_difference_s, 0);
}

/* ---- what is no reason ------------------------------------------------------------------------------------------- */

static void a_right_clock_is_left_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(refusals); i++) {
        begin(0);
        rig.refuses = true;
        rig.refusal = refusals[i];
        bool later = rig.refusal.status == 500;
        assert_int_equal(ask(), later ? SBS_ERR_BUSY : SBS_ERR_OAUTH);
        assert_int_equal(rig.tokens, later ? 5 : 1); /* what may pass is repeated as ever */
        assert_int_equal(rig.documents, 1);
        assert_int_equal(detail()->clock_difference_s, 0);
        assert_int_equal(sbs_client_clock_offset(&rig.s.client), 0);
    }
}

/* However long the server thinks, and whenever it looks at its clock. */
static void a_slow_answer_is_no_difference(void **state) {
    (void)state;
    for (int64_t error_s = -2; error_s <= 2; error_s++) {
        for (uint32_t before_ms = 0; before_ms <= 12000; before_ms += 1500) {
            begin(error_s);
            rig.refuses = true;
            rig.before_ms = before_ms;
            rig.after_ms = 12000 - before_ms;
            assert_not_corrected(ask());
            assert_int_equal(detail()->clock_difference_s, 0);
        }
    }
    begin(40); /* more than that is one */
    rig.before_ms = rig.after_ms = 6000;
    assert_int_equal(ask(), SBS_OK);
    assert_int_equal(rig.tokens, 2);
}

/* What the answer took is counted in whole seconds, and no more of them than passed. */
static void what_an_answer_took_is_counted_to_the_second(void **state) {
    (void)state;
    begin(1); /* our clock shows 30 seconds more by the time the token's answer is there */
    rig.refuses = true;
    rig.after_ms = 29985;
    assert_not_corrected(ask());
    assert_int_equal(detail()->clock_difference_s, 0);
    begin(2);
    rig.refuses = true;
    rig.after_ms = 29985;
    assert_int_equal(ask(), SBS_ERR_OAUTH);
    assert_int_equal(rig.tokens, 2);
    assert_int_equal(detail()->clock_difference_s, -32);
}

static void a_refused_scope_is_no_clock(void **state) {
    (void)state;
    for (date_source source = OF_TOKEN_ENDPOINT; source <= ASKED_FOR; source++) {
        static const refusal scope = {400, "{\"error\":\"invalid_scope\"}"};
        begin_with(120, &scope, windows[0], source);
        rig.refuses = true;
        assert_not_corrected(ask());
        assert_int_equal(rig.documents, source == ASKED_FOR ? 0 : 1);
    }
}

static void an_answer_out_of_a_cache_tells_no_time(void **state) {
    (void)state;
    begin(120);
    rig.refuses = true;
    rig.token_age = "Age: 0\r\n";
    assert_not_corrected(ask());
    assert_int_equal(detail()->clock_difference_s, 0);
    begin_with(120, &refusals[0], windows[0], ASKED_FOR);
    rig.no_token_date = false;
    rig.token_age = "Age: 17\r\n";
    assert_not_corrected(ask());
    assert_int_equal(rig.documents, 0);
    for (date_source source = OF_DISCOVERY; source <= ASKED_FOR; source++) {
        begin_with(120, &refusals[0], windows[0], source);
        rig.document_age = "Age: 3600\r\n";
        assert_not_corrected(ask());
        assert_int_equal(rig.documents, 1);
    }
}

static void without_any_date_nothing_is_known(void **state) {
    (void)state;
    for (date_source source = OF_DISCOVERY; source <= ASKED_FOR; source++) {
        begin_with(120, &refusals[0], windows[0], source);
        rig.refuses = true;
        rig.no_document_date = true;
        assert_not_corrected(ask());
        assert_int_equal(rig.documents, 1); /* and not again */
        assert_int_equal(detail()->clock_difference_s, 0);
        assert_int_equal(ask(), SBS_ERR_OAUTH);
        assert_int_equal(rig.documents, 2); /* but for the next request */
    }
}

static void nobody_is_asked_where_there_is_nobody(void **state) {
    (void)state;
    begin_with(120, &refusals[0], windows[0], ASKED_FOR);
    rig.s.config.fhir_base = NULL;
    assert_int_equal(sbs_client_init(&rig.s.client, &rig.s.config), SBS_OK);
    assert_not_corrected(ask());
    assert_int_equal(rig.documents, 0);
}

/* What was to help must not hide what it was to help with. */
static void a_date_that_cannot_be_had_leaves_the_refusal(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin_with(120, &refusals[3], windows[0], ASKED_FOR);
        rig.refusal.status = 400;
        rig.breaks_documents = i == 0;
        rig.refuses_documents = i == 1;
        assert_not_corrected(ask());
        assert_int_equal(rig.documents, 1);
        assert_int_equal(detail()->step, SBS_STEP_TOKEN);
        assert_int_equal(detail()->oauth, SBS_OAUTH_INVALID_REQUEST);
        assert_int_equal(detail()->http_status, 400);
        assert_int_equal(sbs_client_response(&rig.s.client).http_status, 400);
        assert_string_equal(detail()->text, "invalid_request: Token is not active");
    }
}

/* An http server of this machine, as tests use it, is not authenticated. */
static void who_is_not_authenticated_tells_no_time(void **state) {
    sbs_stream_ops ops;
    (void)state;
    begin(120);
    ops = rig.s.fhir.server.ops;
    ops.secured = false;
    sbs_stream plain = {&ops, &rig.s.fhir.server};
    rig.s.config.plain_stream = &plain;
    rig.s.config.plain_host = sbs_url_is_loopback;
    rig.s.config.fhir_base = "http://localhost/r4";
    rig.s.config.token_url = "http://localhost/token";
    assert_int_equal(sbs_client_init(&rig.s.client, &rig.s.config), SBS_OK);
    assert_not_corrected(ask());
    assert_int_equal(rig.documents, 0);
}

/* ---- once, and taken back ---------------------------------------------------------------------------------------- */

static void a_correction_that_changes_nothing_is_taken_back(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        begin(120);
        rig.refuses = true;
        rig.no_token_date = i > 0;
        for (unsigned requests = 1; requests <= 3; requests++) {
            assert_int_equal(ask(), SBS_ERR_OAUTH);
            assert_int_equal(rig.tokens, 2 * requests);
            assert_int_equal(sbs_client_clock_offset(&rig.s.client), 0);
        }
    }
    begin(120); /* not repeated more than it was before */
    rig.refuses = true;
    rig.refusal = refusals[6];
    assert_int_equal(ask(), SBS_ERR_BUSY);
    assert_int_equal(rig.tokens, 1 + 5);
    assert_int_equal(sbs_client_clock_offset(&rig.s.client), 0);
}

/* The assertion was taken, if what comes next is another refusal. */
static void another_refusal_leaves_the_correction(void **state) {
    (void)state;
    begin(120);
    rig.refuses = true;
    rig.then = "{\"error\":\"invalid_scope\"}";
    assert_int_equal(ask(), SBS_ERR_OAUTH);
    assert_int_equal(rig.tokens, 2);
    assert_int_equal(detail()->oauth, SBS_OAUTH_INVALID_SCOPE);
    assert_true(is_about(sbs_client_clock_offset(&rig.s.client), -120));
}

/* Another status is another refusal, whatever its words. */
static void another_status_leaves_the_correction(void **state) {
    (void)state;
    begin(120);
    rig.refuses = true;
    rig.refusal = (refusal){400, "{\"error\":\"something_else\"}"};
    rig.then = "{}";
    rig.then_status = 401;
    assert_int_equal(ask(), SBS_ERR_OAUTH);
    assert_int_equal(rig.tokens, 2);
    assert_true(is_about(sbs_client_clock_offset(&rig.s.client), -120));
}

static void a_correction_has_a_limit_to_the_second(void **state) {
    (void)state;
    for (int64_t error_s = 86460; error_s <= 86461; error_s++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            begin(sign * error_s);
            rig.refuses = true;
            assert_int_equal(ask(), SBS_ERR_OAUTH);
            assert_int_equal(rig.tokens, error_s == 86460 ? 2 : 1);
        }
    }
}

/* The earlier correction comes back, not none. */
static void what_is_taken_back_is_the_last_correction(void **state) {
    (void)state;
    begin(120);
    assert_int_equal(ask(), SBS_OK);
    rig.s.now.utc_s += 600;
    rig.refuses = true;
    assert_int_equal(ask(), SBS_ERR_OAUTH);
    assert_true(is_about(sbs_client_clock_offset(&rig.s.client), -120));
    assert_true(is_about(detail()->clock_difference_s, -720));
}

/* Somebody sets the clock while the client asks: each refusal shows another difference. */
static void a_clock_is_corrected_once_in_a_request(void **state) {
    static const char *const then[] = {NULL, "{\"error\":\"unauthorized_client\"}"};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(120);
        rig.step_s = 600;
        rig.refuses = true;
        rig.then = then[i];
        assert_int_equal(ask(), SBS_ERR_OAUTH);
        assert_int_equal(rig.tokens, 2);
        /* Another refusal says nothing against the first correction, the same one does. */
        assert_true(is_about(sbs_client_clock_offset(&rig.s.client), i == 0 ? 0 : -720));
        assert_int_equal(ask(), SBS_ERR_OAUTH);
        assert_int_equal(rig.tokens, 4);
    }
}

static void a_clock_that_was_set_is_corrected_back(void **state) {
    (void)state;
    begin(3600);
    assert_int_equal(ask(), SBS_OK);
    rig.s.now.utc_s -= 3600;
    assert_int_equal(ask(), SBS_OK);
    assert_int_equal(rig.tokens, 4);
    assert_int_equal(sbs_client_clock_offset(&rig.s.client), 0);
}

/* The Date of discovery counts by when it came, not by what the wall clock said then. */
static void a_clock_that_was_set_since_discovery(void **state) {
    (void)state;
    begin(0);
    rig.no_token_date = true;
    assert_int_equal(ask(), SBS_OK);
    pass(3600000);
    rig.s.now.utc_s += 500;
    assert_int_equal(ask(), SBS_OK);
    assert_int_equal(rig.tokens, 3);
    assert_int_equal(rig.documents, 1);
    assert_true(is_about(sbs_client_clock_offset(&rig.s.client), -500));
}

/* However long ago it came, to the second. */
static void a_date_of_hours_ago_is_counted_on(void **state) {
    (void)state;
    begin(0);
    rig.no_token_date = true;
    assert_int_equal(ask(), SBS_OK);
    pass(12 * 3600000);
    rig.s.now.utc_s += 500;
    assert_int_equal(ask(), SBS_OK);
    assert_int_equal(rig.documents, 1);
    assert_true(is_about(sbs_client_clock_offset(&rig.s.client), -500));
}

static void a_server_that_asks_for_time_gets_it(void **state) {
    (void)state;
    begin(120);
    rig.fields = "Retry-After: 30\r\n";
    assert_int_equal(ask(), SBS_OK);
    assert_int_equal(rig.tokens, 2);
    assert_true(rig.s.waited_ms >= 30000);
    begin(120);
    rig.refuses = true;
    rig.fields = "Retry-After: 30\r\n";
    assert_int_equal(ask(), SBS_ERR_OAUTH);
    assert_int_equal(rig.tokens, 2);
    assert_true(detail()->asked_to_wait);
    assert_int_equal(detail()->retry_after_s, 30);
}

#define CASE(function) cmocka_unit_test(function)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_assertion_stands_a_little_in_the_past),
        CASE(the_servers_time_goes_on_after_its_last_date),
        CASE(every_clock_comes_to_a_token),
        CASE(a_corrected_clock_is_never_ahead),
        CASE(the_difference_is_told),
        CASE(an_absurd_difference_is_not_corrected),
        CASE(a_right_clock_is_left_alone),
        CASE(a_slow_answer_is_no_difference),
        CASE(a_refused_scope_is_no_clock),
        CASE(what_an_answer_took_is_counted_to_the_second),
        CASE(an_answer_out_of_a_cache_tells_no_time),
        CASE(without_any_date_nothing_is_known),
        CASE(nobody_is_asked_where_there_is_nobody),
        CASE(a_date_that_cannot_be_had_leaves_the_refusal),
        CASE(who_is_not_authenticated_tells_no_time),
        CASE(a_correction_that_changes_nothing_is_taken_back),
        CASE(another_refusal_leaves_the_correction),
        CASE(what_is_taken_back_is_the_last_correction),
        CASE(a_clock_that_was_set_is_corrected_back),
        CASE(a_clock_that_was_set_since_discovery),
        CASE(a_clock_is_corrected_once_in_a_request),
        CASE(a_server_that_asks_for_time_gets_it),
        CASE(a_date_of_hours_ago_is_counted_on),
        CASE(another_status_leaves_the_correction),
        CASE(a_correction_has_a_limit_to_the_second),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
