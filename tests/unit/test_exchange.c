/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange by itself: the limits of what it takes. */
#include <string.h>

#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/exchange.h"
#include "test.h"

typedef struct rig {
    fake_setup s;
    sbs_exchange exchange;
    sbs_exchange_request request;
    sbs_url url;
    char host[SBS_HOST_SIZE + 1];
    char scratch[2 * SBS_EXCHANGE_SCRATCH_MIN];
} rig;

static int set_up(void **state) {
    static rig r;
    memset(&r, 0, sizeof r);
    fake_setup_init(&r.s);
    assert_int_equal(sbs_url_parse(TEXT("https://fhir.example/r4"), &r.url), SBS_OK);
    r.request = (sbs_exchange_request){
        .stream = &r.s.fhir.server.stream,
        .url = &r.url,
        .scratch = r.scratch,
        .scratch_size = SBS_EXCHANGE_SCRATCH_MIN,
        .limits = {.connect_ms = 1000, .exchange_ms = 1000, .body_max = 4096},
    };
    sbs_exchange_init(&r.exchange);
    *state = &r;
    return 0;
}

static sbs_status begin(rig *r) {
    return sbs_exchange_begin(&r->exchange, &r->request, r->s.now.mono_ms);
}

/* The longest host of DNS has 253 characters; what is too long for the memory is refused, not cut. */
static void a_host_fills_its_memory_but_for_the_nul(void **state) {
    rig *r = *state;
    memset(r->host, 'h', sizeof r->host);
    r->url.host = (sbs_text){r->host, SBS_HOST_SIZE};
    assert_int_equal(begin(r), SBS_ERR_ARGUMENT);
    r->url.host.len = SBS_HOST_SIZE + 1;
    assert_int_equal(begin(r), SBS_ERR_ARGUMENT);
    r->url.host.len = 0;
    assert_int_equal(begin(r), SBS_ERR_ARGUMENT);

    r->url.host.len = SBS_HOST_SIZE - 1;
    assert_int_equal(begin(r), SBS_OK);
    sbs_wait wait;
    assert_int_equal(sbs_exchange_step(&r->exchange, r->s.now, &wait), SBS_PENDING);
    assert_int_equal(strlen(r->s.fhir.server.host), SBS_HOST_SIZE - 1);
    sbs_exchange_close(&r->exchange);
}

static void the_scratch_holds_the_head_and_has_a_least_size(void **state) {
    rig *r = *state;
    r->request.head_len = SBS_EXCHANGE_SCRATCH_MIN;
    assert_int_equal(begin(r), SBS_OK);
    sbs_exchange_close(&r->exchange);
    r->request.head_len = SBS_EXCHANGE_SCRATCH_MIN + 1;
    assert_int_equal(begin(r), SBS_ERR_ARGUMENT);
    r->request.head_len = 1;
    r->request.scratch_size = SBS_EXCHANGE_SCRATCH_MIN - 1;
    assert_int_equal(begin(r), SBS_ERR_ARGUMENT);
}

static void a_step_without_a_request_is_refused(void **state) {
    rig *r = *state;
    sbs_wait wait;
    sbs_status status;
    assert_int_equal(sbs_exchange_step(&r->exchange, r->s.now, &wait), SBS_ERR_STATE);

    static const char head[] = "GET /r4/metadata HTTP/1.1\r\nHost: fhir.example\r\n\r\n";
    memcpy(r->scratch, head, sizeof head - 1);
    r->request.head_len = sizeof head - 1;
    assert_int_equal(begin(r), SBS_OK);
    do {
        status = sbs_exchange_step(&r->exchange, r->s.now, &wait);
    } while (status == SBS_PENDING);
    assert_int_equal(status, SBS_OK);
    assert_int_equal(r->exchange.answer.status, 200);
    /* The connection stays, and nothing is asked. */
    assert_true(r->s.fhir.server.is_open);
    assert_int_equal(sbs_exchange_step(&r->exchange, r->s.now, &wait), SBS_ERR_STATE);
    assert_true(r->s.fhir.server.is_open);
    sbs_exchange_close(&r->exchange);
    assert_int_equal(sbs_exchange_step(&r->exchange, r->s.now, &wait), SBS_ERR_STATE);
}

/* The deadline itself is too late, one millisecond before it is not. */
static void what_comes_at_the_deadline_comes_too_late(void **state) {
    rig *r = *state;
    sbs_wait wait;
    static const char head[] = "GET /r4/metadata HTTP/1.1\r\nHost: fhir.example\r\n\r\n";
    for (unsigned late = 0; late < 2; late++) {
        sbs_now now = r->s.now;
        memcpy(r->scratch, head, sizeof head - 1);
        r->request.head_len = sizeof head - 1;
        r->s.fhir.server.pending_first = true; /* connecting takes a second step */
        assert_int_equal(begin(r), SBS_OK);
        assert_int_equal(sbs_exchange_step(&r->exchange, now, &wait), SBS_PENDING);
        assert_int_equal(wait.timeout_ms, 0);
        now.mono_ms += r->request.limits.connect_ms - 1 + late;
        assert_int_equal(sbs_exchange_step(&r->exchange, now, &wait), late == 0 ? SBS_PENDING : SBS_ERR_TIMEOUT);
        assert_int_equal(r->s.fhir.server.is_open, late == 0);
        sbs_exchange_close(&r->exchange);
    }
}

/* Of several challenges the longest is kept, of two as long the first. */
static void the_longest_challenge_is_kept(void **state) {
    static const struct {
        const char *fields, *words;
    } cases[] = {
        {"WWW-Authenticate: Bearer a\r\nWWW-Authenticate: Bearer b\r\n", "Bearer a"},
        {"WWW-Authenticate: Bearer a\r\nWWW-Authenticate: Bearer bc\r\n", "Bearer bc"},
        {"WWW-Authenticate: Bearer ab\r\nWWW-Authenticate: Bearer c\r\n", "Bearer ab"},
    };
    static const char head[] = "GET /r4/metadata HTTP/1.1\r\nHost: fhir.example\r\n\r\n";
    rig *r = *state;
    char words[32];
    r->request.words = words;
    r->request.words_size = sizeof words;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_wait wait;
        sbs_status status;
        r->s.fhir.fhir_status = 401;
        r->s.fhir.fields = cases[i].fields;
        memcpy(r->scratch, head, sizeof head - 1);
        r->request.head_len = sizeof head - 1;
        assert_int_equal(begin(r), SBS_OK);
        do {
            status = sbs_exchange_step(&r->exchange, r->s.now, &wait);
        } while (status == SBS_PENDING);
        assert_int_equal(status, SBS_OK);
        assert_true(r->exchange.answer.has_words);
        assert_string_equal(words, cases[i].words);
    }
    sbs_exchange_close(&r->exchange);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_host_fills_its_memory_but_for_the_nul, set_up),
        cmocka_unit_test_setup(the_scratch_holds_the_head_and_has_a_least_size, set_up),
        cmocka_unit_test_setup(a_step_without_a_request_is_refused, set_up),
        cmocka_unit_test_setup(what_comes_at_the_deadline_comes_too_late, set_up),
        cmocka_unit_test_setup(the_longest_challenge_is_kept, set_up),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
