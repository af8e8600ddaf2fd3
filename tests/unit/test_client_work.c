/* SPDX-License-Identifier: Apache-2.0 */
/* SBS_CLIENT_WORK_SIZE keeps its word: what it is computed for fits, at every extreme of its terms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fhir.h"
#include "test.h"

#define ANSWER_MAX 24000u
#define TEXT_MAX 2048u

typedef struct lengths {
    size_t client_id, url, scope, token, answer;
} lengths;

static char document[ANSWER_MAX + 1], token_answer[ANSWER_MAX + 1];
static char client_id[TEXT_MAX], scope[TEXT_MAX], path[TEXT_MAX];

static void fill(char *out, size_t len, char c) {
    memset(out, c, len);
    out[len] = '\0';
}

/* A discovery document of this length: a token endpoint, and as many values as one in every 20 bytes. */
static void make_document(size_t len) {
    size_t used =
        (size_t)snprintf(document, sizeof document, "{\"token_endpoint\":\"https://auth.example/%s\",\"x\":[0", path);
    assert_true(used + 3 < len);
    for (; used + 20 + 2 < len; used += 20) {
        memcpy(document + used, ",\"aaaaaaaaaaaaaaaaa\"", 20);
    }
    memset(document + used, ' ', len - used);
    memcpy(document + len - 2, "]}", 3);
}

static void make_token_answer(size_t token_len, size_t len) {
    char token[ANSWER_MAX];
    fill(token, token_len, 't');
    memcpy(token, "tok-", 4);
    int used = snprintf(token_answer, sizeof token_answer,
                        "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"scope\":\"%s\",\"x\":\"", token, scope);
    assert_true((size_t)used + 2 < len);
    memset(token_answer + used, 'x', len - (size_t)used);
    memcpy(token_answer + len - 2, "\"}", 3);
}

static void assert_suffices(fake_setup *s, const lengths *l) {
    static _Alignas(8) char work[131072];
    fill(client_id, l->client_id, '%'); /* encoded in three bytes */
    fill(scope, l->scope, '"' + 1);     /* encoded in three bytes each */
    fill(path, l->url - strlen("https://auth.example/"), 'p');
    memcpy(path, "token", 5); /* where the fake server has it */
    make_document(l->answer);
    make_token_answer(l->token, l->answer);
    fake_setup_init(s);
    s->config.client_id = client_id;
    s->config.scope = scope;
    s->config.any_scope = true;
    s->config.work = work;
    s->config.work_size = SBS_CLIENT_WORK_SIZE(l->client_id, l->url, l->scope, l->token, l->answer);
    s->fhir.discovery_body = document;
    s->fhir.token_body = token_answer;
    assert_true(s->config.work_size <= sizeof work);
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    sbs_request request = fake_create("identifier=u%7C1");
    sbs_status status = fake_run(s, &request);
    if (status != SBS_OK) {
        fail_msg("client_id %zu, url %zu, scope %zu, token %zu, answer %zu: %s: %s", l->client_id, l->url, l->scope,
                 l->token, l->answer, sbs_step_text(sbs_client_detail(&s->client)->step), sbs_status_name(status));
    }
}

static void it_suffices(void **state) {
    fake_setup *s = *state;
    static const size_t shorts[] = {1, 1200}, urls[] = {40, 1200}, scopes[] = {20, 300}, tokens[] = {8, 1500, 8000},
                        answers[] = {0, 4000, 12000};
    for (unsigned i = 0; i < 2 * 2 * 2 * 3 * 3; i++) {
        lengths l = {shorts[i % 2], urls[i / 2 % 2], scopes[i / 4 % 2], tokens[i / 8 % 3], 0};
        size_t least = l.token + l.scope + l.url + 100;
        l.answer = least + answers[i / 24];
        assert_suffices(s, &l);
    }
}

static unsigned count_in_work(const fake_setup *s, const char *needle) {
    size_t len = strlen(needle);
    unsigned found = 0;
    for (size_t i = 0; i + len <= sizeof s->work; i++) {
        found += memcmp(s->work + i, needle, len) == 0;
    }
    return found;
}

/* Nothing of the request, nor of an answer, is left behind the token that is kept. */
static void what_was_used_is_wiped(void **state) {
    fake_setup *s = *state;
    s->config.wipe_rest = sbs_client_wipe_used;
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    for (unsigned i = 0; i < 4; i++) {
        sbs_request request = fake_create("identifier=u%7C1");
        if (i == 2) { /* a page, and then the answer to another try */
            s->fhir.fhir_status = 503;
            s->fhir.fhir_body = "{\"resourceType\":\"OperationOutcome\",\"id\":\"left-over\"}";
        }
        assert_int_equal(fake_run(s, &request), SBS_OK);
        assert_int_equal(count_in_work(s, "tok-1.2"), 1);
        assert_int_equal(count_in_work(s, "Bearer"), 0);
        assert_int_equal(count_in_work(s, "identifier"), 0);
        assert_int_equal(count_in_work(s, "final"), 0);
        assert_int_equal(count_in_work(s, "left-over"), 0);
        assert_int_equal(count_in_work(s, "Content-Type"), 0);
    }
}

/* What was dropped may have left parts; what the caller has memory for may be longer than the work buffer. */
static void an_answer_of_any_length_is_wiped(void **state) {
    fake_setup *s = *state;
    static char long_body[20000], response[32768];
    sbs_request request = {.interaction = SBS_READ, .target = SBS_TEXT("Observation"), .response = response};
    s->config.wipe_rest = sbs_client_wipe_used;
    memset(long_body, 'x', sizeof long_body - 1);
    for (unsigned i = 0; i < 2; i++) {
        request.response_size = sizeof response;
        sbs_request write = fake_create("identifier=u%7C1");
        assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
        s->fhir.fhir_status = 201;
        s->fhir.fhir_body = long_body;
        if (i == 0) {
            s->fhir.fhir_status = 200;
        }
        assert_int_equal(fake_run(s, i == 0 ? &request : &write), SBS_OK);
        assert_int_equal(count_in_work(s, "tok-1.2"), 1);
        assert_int_equal(count_in_work(s, "Bearer"), 0);
        assert_int_equal(count_in_work(s, "identifier"), 0);
        assert_int_equal(count_in_work(s, "xxxx"), 0);
    }
}

static int set_up(void **state) {
    static fake_setup setup;
    fake_setup_init(&setup);
    *state = &setup;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(it_suffices, set_up),
                                       cmocka_unit_test_setup(what_was_used_is_wiped, set_up),
                                       cmocka_unit_test_setup(an_answer_of_any_length_is_wiped, set_up)};
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
