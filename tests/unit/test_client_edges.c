/* SPDX-License-Identifier: Apache-2.0 */
/* The client where it is configured, answered or cut short in ways that no other test has. */
#include <psa/crypto.h>
#include <string.h>

#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "test.h"

#define IDENTIFIER "identifier=u%7C1"

/* So many draws of random bytes succeed before one fails; negative: all do. */
static int draws_left = -1;

psa_status_t __real_psa_generate_random(uint8_t *output, size_t output_size);
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t output_size);

psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t output_size) {
    if (draws_left == 0) {
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    }
    if (draws_left > 0) {
        draws_left--;
    }
    return __real_psa_generate_random(output, output_size);
}

static bool hash_fails;

psa_status_t __real_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);
psa_status_t __wrap_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);

psa_status_t __wrap_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg) {
    return hash_fails ? PSA_ERROR_HARDWARE_FAILURE : __real_psa_hash_setup(operation, alg);
}

static int begin_test(void **state) {
    fake_setup *s = *state;
    draws_left = -1;
    hash_fails = false;
    fake_setup_init(s);
    s->config.key = &fake_quick_key;
    return 0;
}

static sbs_status restart(fake_setup *s) {
    return sbs_client_init(&s->client, &s->config);
}

static sbs_status create(fake_setup *s) {
    sbs_request request = fake_create(IDENTIFIER);
    return fake_run(s, &request);
}

static bool was_said(const fake_setup *s, const char *text) {
    return fake_find(s->fhir.last, s->fhir.last_len, text) != NULL;
}

static bool was_said_for_token(const fake_setup *s, const char *text) {
    return fake_find(s->fhir.last_token_request, s->fhir.last_token_request_len, text) != NULL;
}

/* ---- configuration -------------------- */

static void a_client_without_streams_scope_or_memory_is_refused(void **state) {
    fake_setup *s = *state;
    const sbs_client_config good = s->config;
    s->config.stream = NULL;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config = good;
    s->config.scope = NULL;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config = good;
    s->config.work = NULL;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    sbs_client_deinit(&s->client); /* has nothing to wipe */
    sbs_client_deinit(&s->client); /* nor a second time */
}

/* Who computes the kid of a key is named, unless there is nothing to compute. */
static void a_client_that_computes_no_kid_needs_nobody_for_it(void **state) {
    fake_setup *s = *state;
    s->config.read_key = NULL;
    s->config.alg = SBS_ES384;
    s->config.key_bits = SBS_P384_BITS;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config.kid_method = SBS_KID_NONE;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_OK);
}

static void what_key_it_is_is_said_or_read(void **state) {
    fake_setup *s = *state;
    s->config.key_bits = SBS_P384_BITS;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config.read_key = NULL;
    s->config.key_bits = 0;
    s->config.kid_method = SBS_KID_NONE;
    assert_int_equal(restart(s), SBS_ERR_ARGUMENT);
    s->config.alg = SBS_RS384; /* and it is on P-384 */
    s->config.key_bits = 2048;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_ERR_CRYPTO);
}

static void plain_http_is_for_this_machine_alone(void **state) {
    fake_setup *s = *state;
    s->config.plain_stream = s->config.stream;
    s->config.fhir_base = "http://localhost/r4";
    assert_int_equal(restart(s), SBS_ERR_URL);
    s->config.plain_host = sbs_url_is_loopback;
    s->config.fhir_base = "http://fhir.example/r4";
    assert_int_equal(restart(s), SBS_ERR_URL);
    s->config.fhir_base = "http://localhost/r4";
    assert_int_equal(restart(s), SBS_OK);
}

static void a_base_may_have_no_path(void **state) {
    fake_setup *s = *state;
    s->config.fhir_base = "https://fhir.example";
    assert_int_equal(restart(s), SBS_OK);
}

static void words_without_memory_stay_in_the_client(void **state) {
    fake_setup *s = *state;
    char words[1] = "";
    s->config.words = words;
    s->config.words_size = 0;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_OK);
}

static void what_the_caller_chose_is_sent(void **state) {
    fake_setup *s = *state;
    s->config.user_agent = "meter/7";
    s->config.aud = "urn:issuer";
    s->config.kid_method = SBS_KID_NONE;
    s->config.keep_open_while_signing = true;
    s->config.body_max = 4096;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_OK);
    assert_true(was_said(s, "User-Agent: meter/7\r\n"));
    assert_true(was_said_for_token(s, "User-Agent: meter/7\r\n"));
}

static void any_scope_and_the_seed_leave_the_judgement_to_the_server(void **state) {
    static test_key rsa;
    fake_setup *s = *state;
    test_key_init(&rsa, SBS_RS384, 2048);
    s->fhir.token_body = "{\"access_token\":\"a\",\"token_type\":\"bearer\",\"scope\":\"system/Patient.r\"}";
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_ERR_SCOPE);
    s->config.any_scope = true;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_not_equal(create(s), SBS_ERR_SCOPE);
    s->config.any_scope = false;
    s->config.profile = SBS_PROFILE_SEED;
    s->config.token_url = "https://fhir.example/token";
    assert_int_equal(restart(s), SBS_OK);
    s->config.key = &rsa.key; /* the seed knows no other */
    assert_int_equal(restart(s), SBS_OK);
    sbs_status status = create(s);
    assert_true(status != SBS_ERR_SCOPE && status != SBS_ERR_KEY);
}

static void a_first_delay_is_drawn_and_kept(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    sbs_wait wait;
    s->config.first_delay_max_ms = 60000;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    uint32_t delay_ms = wait.timeout_ms;
    assert_true(delay_ms < 60000);

    /* Who asks early is told what is left. */
    s->now.mono_ms += delay_ms / 2;
    assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
    assert_int_equal(wait.timeout_ms, delay_ms - delay_ms / 2);
    assert_int_equal(fake_poll(s), SBS_OK);
}

/* ---- random numbers -------------------- */

static void nothing_is_sent_without_random_numbers(void **state) {
    fake_setup *s = *state;
    s->config.first_delay_max_ms = 60000;
    assert_int_equal(restart(s), SBS_OK);
    draws_left = 0; /* for the delay */
    assert_int_equal(create(s), SBS_ERR_RANDOM);

    s->config.first_delay_max_ms = 0;
    for (int draws = 0; draws < 3; draws++) {
        assert_int_equal(restart(s), SBS_OK);
        draws_left = draws; /* for the id of a request, or an assertion */
        assert_int_equal(create(s), SBS_ERR_RANDOM);
    }
    assert_int_equal(s->fhir.stored_count, 0);
}

static void a_wait_that_cannot_be_drawn_ends_the_request(void **state) {
    fake_setup *s = *state;
    s->fhir.discovery_status = 503;
    draws_left = 1; /* the id of the request */
    assert_int_equal(create(s), SBS_ERR_RANDOM);
}

/* ---- requests -------------------- */

static void a_write_needs_a_type_and_a_body(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    request.body.len = 0;
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_ERR_ARGUMENT);
    request = fake_create(NULL);
    request.interaction = SBS_UPDATE;
    request.target = SBS_TEXT("Observation/a-1");
    request.body.len = 0;
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_ERR_ARGUMENT);
    request = fake_create(NULL);
    request.interaction = SBS_UPDATE;
    request.target = SBS_TEXT("observation/a-1");
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_ERR_ARGUMENT);
}

static void a_request_without_a_token_fetches_none_when_refused(void **state) {
    fake_setup *s = *state;
    sbs_request request = {.interaction = SBS_READ, .target = SBS_TEXT("metadata"), .without_token = true};
    s->fhir.fhir_status = 401;
    s->fhir.fhir_times = 5;
    assert_int_equal(fake_run(s, &request), SBS_ERR_UNAUTHORIZED);
    assert_int_equal(s->fhir.tokens, 0);
}

/* ---- tokens -------------------- */

static void a_token_lives_as_long_as_it_says_within_bounds(void **state) {
    static const struct {
        const char *body;
        uint32_t lifetime_s, renewed_s;
    } answers[] = {
        {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":3600}", 3600, 3240},
        {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":99999999999}", SBS_TOKEN_EXPIRES_MAX,
         SBS_TOKEN_EXPIRES_MAX - SBS_TOKEN_EXPIRES_MAX / 10},
    };
    fake_setup *s = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        sbs_token_view view;
        assert_int_equal(restart(s), SBS_OK);
        s->fhir.token_body = answers[i].body;
        (void)create(s); /* the server knows another token */
        if (sbs_client_token(&s->client, s->now, &view) == SBS_OK) {
            assert_int_equal(view.expires_in_s, answers[i].lifetime_s);
        }
    }
}

static void a_coded_answer_without_a_decoder_is_no_token(void **state) {
    fake_setup *s = *state;
    s->config.max_attempts = 1;
    assert_int_equal(restart(s), SBS_OK);
    s->fhir.token_fields = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    s->fhir.token_body = "coded";
    assert_int_equal(create(s), SBS_ERR_HTTP);
    assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_TOKEN);
}

static void a_token_that_was_created_is_taken(void **state) {
    fake_setup *s = *state;
    sbs_request request = {.interaction = SBS_TOKEN};
    s->fhir.token_status = 201;
    s->fhir.token_error = "{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":300}";
    assert_int_equal(fake_run(s, &request), SBS_OK);
}

static void an_endpoint_that_takes_no_post_is_looked_for_anew(void **state) {
    fake_setup *s = *state;
    s->fhir.token_status = 405;
    s->fhir.token_error = "";
    assert_int_equal(create(s), SBS_OK);
    assert_int_equal(s->fhir.discoveries, 2);
}

static void a_pin_holds_for_the_port_as_well(void **state) {
    fake_setup *s = *state;
    s->config.token_origin = "https://fhir.example:444";
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_ERR_TOKEN_HOST);
}

/* A challenge beside a success is none. */
static void a_challenge_beside_a_token_means_nothing(void **state) {
    fake_setup *s = *state;
    s->fhir.token_fields = "Content-Type: application/json\r\nWWW-Authenticate: Bearer realm=\"x\"\r\n";
    assert_int_equal(create(s), SBS_OK);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
}

static sbs_status no_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    (void)out_alg;
    (void)buffer;
    (void)size;
    (void)out_len;
    return SBS_ERR_KEY;
}

static sbs_status nonsense(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    (void)size;
    *out_alg = SBS_ES384;
    buffer[0] = 9;
    *out_len = 1;
    return SBS_OK;
}

static void a_key_that_cannot_be_read_is_told(void **state) {
    fake_setup *s = *state;
    for (unsigned i = 0; i < 2; i++) {
        const sbs_key_ops ops = {i == 0 ? no_key : nonsense, fake_quick_key.ops->sign};
        const sbs_key key = {&ops, NULL, false};
        s->config.key = &key;
        assert_int_equal(restart(s), SBS_OK);
        assert_int_equal(create(s), SBS_ERR_KEY);
    }
}

static void a_kid_that_cannot_be_computed_is_told(void **state) {
    fake_setup *s = *state;
    s->config.kid_method = SBS_KID_THUMBPRINT;
    s->config.key = &s->key;
    assert_int_equal(restart(s), SBS_OK);
    hash_fails = true;
    assert_int_equal(create(s), SBS_ERR_CRYPTO);
}

static sbs_status not_yet(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                          size_t *out_len) {
    (void)ctx;
    (void)hash;
    (void)signature;
    (void)size;
    (void)out_len;
    return SBS_PENDING;
}

/* ---- who says what was too small -------------------- */

static void a_key_that_never_answers_names_no_peer(void **state) {
    fake_setup *s = *state;
    const sbs_key_ops ops = {fake_quick_key.ops->public_key, not_yet};
    const sbs_key key = {&ops, fake_quick_key.ctx, false};
    s->config.key = &key;
    s->config.token_url = "https://fhir.example/token";
    s->config.room_words = sbs_room_words;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_ERR_TIMEOUT);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
}

static void a_peer_whose_name_does_not_fit_is_not_named(void **state) {
    fake_setup *s = *state;
    char words[8] = "";
    s->config.words = words;
    s->config.words_size = sizeof words;
    s->config.room_words = sbs_room_words;
    s->config.max_attempts = 1;
    assert_int_equal(restart(s), SBS_OK);
    s->fhir.server.open_fails = SBS_ERR_REFUSED;
    assert_int_equal(create(s), SBS_ERR_REFUSED);
    assert_string_equal(words, "");
}

static void a_head_that_does_not_fit_tells_its_size(void **state) {
    fake_setup *s = *state;
    static char agent[20000];
    memset(agent, 'a', sizeof agent - 1);
    s->config.user_agent = agent;
    s->config.room_words = sbs_room_words;
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(create(s), SBS_ERR_BUFFER);
    assert_non_null(strstr(sbs_client_detail(&s->client)->text, "work buffer: no room for "));
}

static void what_has_no_size_is_told_without_one(void **state) {
    fake_setup *s = *state;
    s->config.room_words = sbs_room_words;
    s->config.work_size = SBS_EXCHANGE_SCRATCH_MIN;
    s->fhir.discovery_body = "{\"token_endpoint\":\"https://fhir.example/token\"}";
    assert_int_equal(restart(s), SBS_OK);
    sbs_status status = create(s); /* the token's URL takes of what an exchange needs */
    assert_int_equal(status, SBS_ERR_BUFFER);
    assert_string_equal(sbs_client_detail(&s->client)->text, "work buffer");
}

/* ---- answers -------------------- */

static void an_outcome_without_words_does_no_harm(void **state) {
    static const char *const bodies[] = {
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{}]}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"\",\"diagnostics\":\" \"}]}",
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"throttled\"}]}",
        "{\"error\":\"invalid_token\",\"resourceType\":\"OperationOutcome\",\"issue\":[{\"code\":\"transient\"}]}",
    };
    fake_setup *s = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(bodies); i++) {
        assert_int_equal(restart(s), SBS_OK);
        s->fhir.fhir_status = 400;
        s->fhir.fields = "Content-Type: application/fhir+json\r\n";
        s->fhir.fhir_body = bodies[i];
        s->fhir.fhir_times = 9;
        assert_true(create(s) < 0);
        assert_non_null(sbs_client_detail(&s->client)->text);
    }
}

static void a_statement_that_nobody_shows_leads_nowhere(void **state) {
    static const char *const answers[] = {
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        /* One that this build cannot decode. */
        ("HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Encoding: gzip\r\n"
         "Content-Length: 5\r\n\r\ncoded"),
    };
    fake_setup *s = *state;
    s->config.oauth_uris = sbs_client_oauth_uris;
    s->config.max_attempts = 1;
    s->fhir.statement = "";
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        assert_int_equal(restart(s), SBS_OK);
        s->fhir.discovery_status = 404;
        s->fhir.discovery_times = 9;
        s->fhir.statement_answer = answers[i];
        assert_true(create(s) < 0);
        assert_int_equal(s->fhir.statements, i + 1);
        assert_int_equal(sbs_client_detail(&s->client)->step, SBS_STEP_DISCOVERY);
    }
}

static void an_outcome_within_an_entry_says_that_it_may_pass(void **state) {
    fake_setup *s = *state;
    s->config.read_words = sbs_words_read;
    s->config.max_attempts = 1;
    assert_int_equal(restart(s), SBS_OK);
    s->fhir.fhir_status = 400;
    s->fhir.fields = "Content-Type: application/fhir+json\r\n";
    s->fhir.fhir_body = "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":"
                        "\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"throttled\"}]}}]}";
    assert_true(create(s) < 0);
    assert_int_equal(sbs_client_detail(&s->client)->fault, SBS_FAULT_SERVER);
}

/* Without a Date the clock is in doubt; what has no room for the question stays as it is. */
static void a_date_that_cannot_be_asked_for_is_done_without(void **state) {
    fake_setup *s = *state;
    static char base[1500] = "https://fhir.example/";
    memset(base + strlen(base), 'b', sizeof base - 1 - strlen(base));
    s->config.fhir_base = base;
    s->config.token_url = "https://fhir.example/token";
    s->config.work_size = 1600;
    assert_int_equal(restart(s), SBS_OK);
    s->fhir.date = "";
    s->fhir.token_status = 400;
    s->fhir.token_error = "{\"error\":\"invalid_client\"}";
    assert_int_equal(create(s), SBS_ERR_OAUTH);
}

/* One cut of a kept connection is passed over in a request; the next is as any failure. */
static void a_second_cut_in_a_request_counts(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    sbs_status status = SBS_PENDING;
    sbs_wait wait;
    s->config.max_attempts = 1;
    s->config.keep_open_while_signing = true;
    s->config.token_url = "https://fhir.example/token"; /* over the connection of everything else */
    assert_int_equal(restart(s), SBS_OK);
    assert_int_equal(fake_run(s, &request), SBS_OK);

    sbs_client_drop_token(&s->client);
    assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
    s->fhir.server.fault_at = s->fhir.server.moved + 10;
    for (bool cut_again = false; status == SBS_PENDING;) {
        if (!cut_again && sbs_client_is_about_to_send(&s->client)) {
            cut_again = true;
            s->fhir.server.fault_at = s->fhir.server.moved + 10;
        }
        status = sbs_client_poll(&s->client, s->now, &wait);
        s->now.mono_ms += wait.timeout_ms;
    }
    assert_int_equal(status, SBS_ERR_TRUNCATED);
    assert_int_equal(s->fhir.server.fault_at, FAKE_NEVER);
    assert_int_equal(s->fhir.server.opens, 2);
}

static sbs_status ended(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    (void)ctx;
    (void)data;
    (void)len;
    *out_sent = 0;
    return SBS_END;
}

static void a_peer_that_ends_before_it_took_anything_is_an_error(void **state) {
    fake_setup *s = *state;
    s->config.max_attempts = 1;
    assert_int_equal(restart(s), SBS_OK);
    s->fhir.server.ops.send = ended;
    assert_true(create(s) < 0);
}

static void requests_to_other_ports_and_streams_open_anew(void **state) {
    fake_setup *s = *state;
    s->config.token_url = "https://fhir.example:8443/token";
    assert_int_equal(restart(s), SBS_OK);
    (void)create(s);
    assert_true(s->fhir.server.opens >= 2);

    const sbs_stream other = s->fhir.server.stream;
    s->config.plain_stream = &other;
    s->config.plain_host = sbs_url_is_loopback;
    s->config.token_url = "http://localhost/token";
    assert_int_equal(restart(s), SBS_OK);
    (void)create(s);
}

/* ---- an exchange by itself -------------------- */

static void an_exchange_that_cannot_be_is_refused(void **state) {
    fake_setup *s = *state;
    static char long_name[SBS_HOST_SIZE + 1];
    memset(long_name, 'a', sizeof long_name);
    sbs_exchange exchange;
    sbs_wait wait;
    sbs_url url;
    assert_int_equal(sbs_url_parse(SBS_TEXT("https://fhir.example/"), &url), SBS_OK);
    sbs_exchange_request request = {
        .stream = s->config.stream, .url = &url, .scratch = s->work, .scratch_size = sizeof s->work};
    sbs_exchange_init(&exchange);
    assert_int_equal(sbs_exchange_step(&exchange, s->now, &wait), SBS_ERR_STATE);

    request.scratch_size = SBS_EXCHANGE_SCRATCH_MIN - 1;
    assert_int_equal(sbs_exchange_begin(&exchange, &request, 0), SBS_ERR_ARGUMENT);
    request.scratch_size = sizeof s->work;
    request.head_len = sizeof s->work + 1;
    assert_int_equal(sbs_exchange_begin(&exchange, &request, 0), SBS_ERR_ARGUMENT);
    request.head_len = 0;
    url.host = (sbs_text){long_name, SBS_HOST_SIZE};
    assert_int_equal(sbs_exchange_begin(&exchange, &request, 0), SBS_ERR_ARGUMENT);
    url.host.len = 0;
    assert_int_equal(sbs_exchange_begin(&exchange, &request, 0), SBS_ERR_ARGUMENT);
    assert_int_equal(s->fhir.server.opens, 0);
}

static void answer_in_chunks(fake_server *server, const char *request, size_t len) {
    (void)request;
    (void)len;
    fake_send(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    fake_send(server, "8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n");
}

static void a_body_of_unknown_length_that_does_not_fit_tells_none(void **state) {
    fake_setup *s = *state;
    char response[10];
    sbs_request request = {.interaction = SBS_READ, .target = SBS_TEXT("metadata"), .without_token = true};
    request.response = response;
    request.response_size = sizeof response;
    s->fhir.server.handler = answer_in_chunks;
    assert_int_equal(fake_run(s, &request), SBS_ERR_BUFFER);
    assert_int_equal(sbs_client_response(&s->client).body_len, 0);
}

static void a_body_that_nests_too_deep_is_unread_and_the_write_counts(void **state) {
    fake_setup *s = *state;
    s->fhir.fhir_status = 201;
    s->fhir.fhir_body = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";
    s->fhir.fields = "";
    assert_int_equal(create(s), SBS_OK);
}

static void an_etag_that_does_not_fit_is_not_kept(void **state) {
    fake_setup *s = *state;
    s->fhir.fhir_status = 400;
    s->fhir.fhir_body = "{}";
    s->fhir.fields = "ETag: W/\"0123456789012345678901234567890123456789012345678901234567890123456789\"\r\n";
    assert_int_equal(create(s), SBS_ERR_REJECTED);
    assert_string_equal(sbs_client_response(&s->client).etag, "");
}

/* A token of one character hides words that hold it. */
static void the_shortest_token_is_hidden_as_well(void **state) {
    fake_setup *s = *state;
    s->fhir.token_body = "{\"access_token\":\"z\",\"token_type\":\"bearer\",\"expires_in\":300}";
    s->fhir.fhir_status = 400;
    s->fhir.fields = "Content-Type: application/fhir+json\r\n";
    s->fhir.fhir_body =
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"diagnostics\":\"buzz\"}]}";
    (void)create(s);
    assert_null(strchr(sbs_client_detail(&s->client)->text, 'z'));
}

#define CASE(test) cmocka_unit_test_prestate_setup_teardown(test, begin_test, NULL, &setup)

int main(void) {
    static fake_setup setup;
    const struct CMUnitTest tests[] = {
        CASE(a_client_without_streams_scope_or_memory_is_refused),
        CASE(a_client_that_computes_no_kid_needs_nobody_for_it),
        CASE(what_key_it_is_is_said_or_read),
        CASE(plain_http_is_for_this_machine_alone),
        CASE(a_base_may_have_no_path),
        CASE(words_without_memory_stay_in_the_client),
        CASE(what_the_caller_chose_is_sent),
        CASE(any_scope_and_the_seed_leave_the_judgement_to_the_server),
        CASE(a_first_delay_is_drawn_and_kept),
        CASE(nothing_is_sent_without_random_numbers),
        CASE(a_wait_that_cannot_be_drawn_ends_the_request),
        CASE(a_write_needs_a_type_and_a_body),
        CASE(a_request_without_a_token_fetches_none_when_refused),
        CASE(a_token_lives_as_long_as_it_says_within_bounds),
        CASE(a_coded_answer_without_a_decoder_is_no_token),
        CASE(a_token_that_was_created_is_taken),
        CASE(an_endpoint_that_takes_no_post_is_looked_for_anew),
        CASE(a_pin_holds_for_the_port_as_well),
        CASE(a_challenge_beside_a_token_means_nothing),
        CASE(a_key_that_cannot_be_read_is_told),
        CASE(a_body_that_nests_too_deep_is_unread_and_the_write_counts),
        CASE(an_etag_that_does_not_fit_is_not_kept),
        CASE(the_shortest_token_is_hidden_as_well),
        CASE(a_kid_that_cannot_be_computed_is_told),
        CASE(a_key_that_never_answers_names_no_peer),
        CASE(a_peer_whose_name_does_not_fit_is_not_named),
        CASE(a_head_that_does_not_fit_tells_its_size),
        CASE(what_has_no_size_is_told_without_one),
        CASE(an_outcome_without_words_does_no_harm),
        CASE(a_statement_that_nobody_shows_leads_nowhere),
        CASE(an_outcome_within_an_entry_says_that_it_may_pass),
        CASE(a_date_that_cannot_be_asked_for_is_done_without),
        CASE(a_second_cut_in_a_request_counts),
        CASE(a_peer_that_ends_before_it_took_anything_is_an_error),
        CASE(requests_to_other_ports_and_streams_open_anew),
        CASE(an_exchange_that_cannot_be_is_refused),
        CASE(a_body_of_unknown_length_that_does_not_fit_tells_none),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
