/* SPDX-License-Identifier: Apache-2.0 */
/* Two pushes of one process, each to a server of its own; what decides how a resource is written; what is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/forward_push.h"
#include "sbs/forward_ram.h"
#include "test.h"

#define R4_STATEMENT(members)                                                                                          \
    "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[{\"mode\":\"server\","              \
    "\"resource\":[{\"type\":\"Observation\",\"interaction\":[{\"code\":\"create\"},{\"code\":\"update\"}]" members    \
    "}]}]}"
#define BOTH ",\"updateCreate\":true,\"conditionalCreate\":true"

/* One way to a server, with all that it has told. */
typedef struct way {
    fake_fhir fhir;
    sbs_tls_trust trust;
    sbs_forward_server_config server_config;
    sbs_forward_server server;
    sbs_forward_ram ram;
    sbs_queue queue;
    sbs_forward_push_config config;
    sbs_forward_push push;
    sbs_now now;
    char told[1024], warned[1024], durable[1024];
    unsigned waits;
} way;

static way *ways; /* two of them */

static bool use_fake(void *ctx, sbs_stream *stream, bool secured) {
    way *of = ctx;
    if (secured) {
        *stream = of->fhir.server.stream;
    }
    return true;
}

static void note_event(void *ctx, const sbs_forward_event *event) {
    static const char *const names[] = {"",          "created", "already",  "updated", "replaced",
                                        "collision", "dead",    "deferred", "waiting", "paused"};
    way *of = ctx;
    size_t len = strlen(of->told);
    (void)snprintf(of->told + len, sizeof of->told - len, "%s=%s%s%s;", event->name, names[event->push->kind],
                   event->reason[0] == '\0' ? "" : ":", event->reason);
    of->waits += event->push->kind >= SBS_PUSH_DEFERRED;
}

static void note_durable(void *ctx) {
    way *of = ctx;
    memcpy(of->durable, of->told, sizeof of->durable);
}

static void note_warning(void *ctx, const char *sentence) {
    way *of = ctx;
    (void)snprintf(of->warned, sizeof of->warned, "%s", sentence);
}

static const char *refuse(void *ctx, uint64_t id) {
    const way *of = ctx;
    const sbs_forward_ram_item *item = sbs_forward_ram_find(&of->ram, id);
    return item == NULL ? NULL : item->fault;
}

static void way_begin(way *of, const char *statement, const char *scope) {
    memset(of, 0, sizeof *of);
    fake_fhir_init(&of->fhir);
    of->fhir.statement = statement;
    sbs_tls_trust_init(&of->trust);
    of->now = (sbs_now){.mono_ms = 1000, .utc_s = 1700000000};
    of->server_config = (sbs_forward_server_config){
        .fhir_base = "https://fhir.example/r4/",
        .client_id = "device-1",
        .scope = scope,
        .key = &fake_quick_key,
        .trust = &of->trust,
        .wrap = use_fake,
        .wrap_ctx = of,
    };
    of->queue = sbs_forward_ram_port(&of->ram);
    of->config = (sbs_forward_push_config){
        .server = &of->server,
        .queue = &of->queue,
        .mode = SBS_FORWARD_AUTO,
        .already_there = SBS_ALREADY_ACCEPT,
        .own_ids = true,
        .pushed_ms = UINT64_MAX,
        .refuse = refuse,
        .event = note_event,
        .durable = note_durable,
        .warn = note_warning,
        .ctx = of,
    };
}

static void way_open(way *of) {
    sbs_forward_part part;
    assert_int_equal(sbs_forward_server_open(&of->server, &of->server_config, &part), SBS_OK);
    assert_int_equal(sbs_forward_push_open(&of->push, &of->config), SBS_OK);
}

static void way_end(way *of) {
    assert_int_equal(sbs_forward_push_close(&of->push), SBS_OK);
    sbs_forward_server_close(&of->server);
    assert_true(test_is_zero(&of->push, sizeof of->push));
    assert_true(test_is_zero(&of->server, sizeof of->server));
    sbs_tls_trust_deinit(&of->trust);
    sbs_forward_ram_free(&of->ram);
}

static void way_add(way *of, const char *text, const char *fault) {
    sbs_forward_resource resource = {0};
    uint64_t id;
    (void)sbs_forward_resource_read(&resource, TEXT(text));
    const sbs_queue_meta meta = {.utc_s = SBS_UTC_UNKNOWN, .format = (uint16_t)sbs_forward_resource_rule(&resource)};
    assert_int_equal(sbs_forward_ram_add(&of->ram, &meta, TEXT(text), TEXT(""), fault, &id), SBS_OK);
    sbs_forward_resource_free(&resource);
}

static sbs_status way_poll(way *of) {
    sbs_wait wait = {.descriptor = -1};
    sbs_status status = sbs_forward_push_poll(&of->push, of->now, &wait);
    of->now.mono_ms += wait.timeout_ms;
    return status;
}

/* To its end, or until something waits. */
static sbs_status way_run(way *of) {
    sbs_status status = SBS_PENDING;
    for (unsigned polls = 0; status == SBS_PENDING && of->waits == 0; polls++) {
        assert_true(polls < 10000);
        status = way_poll(of);
    }
    return status;
}

static int make_ways(void **state) {
    ways = calloc(2, sizeof *ways);
    return ways == NULL ? -1 : fake_setup_group(state);
}

static int free_ways(void **state) {
    free(ways);
    return fake_teardown_group(state);
}

#define NAMED(value, members)                                                                                          \
    "{\"resourceType\":\"Observation\"," members "\"identifier\":[{\"system\":\"urn:x\",\"value\":\"" value "\"}]}"

/* ---- the tests ------------------------------------------------------------------------------------------------ */

static void two_pushes_of_one_process_know_nothing_of_each_other(void **state) {
    (void)state;
    way *put = &ways[0];
    way *search = &ways[1];
    way_begin(put, R4_STATEMENT(BOTH), "system/Observation.cu");
    way_begin(search, R4_STATEMENT(",\"conditionalCreate\":true"), "system/Observation.cu");
    for (size_t i = 0; i < 2; i++) {
        way_open(&ways[i]);
        way_add(&ways[i], i == 0 ? NAMED("p1", "") : NAMED("s1", ""), NULL);
        way_add(&ways[i], i == 0 ? NAMED("p2", "") : NAMED("s2", ""), NULL);
    }

    sbs_status first = SBS_PENDING;
    sbs_status second = SBS_PENDING;
    for (unsigned polls = 0; first == SBS_PENDING || second == SBS_PENDING; polls++) {
        assert_true(polls < 10000);
        first = way_poll(put);
        second = way_poll(search);
    }
    assert_int_equal(first, SBS_OK);
    assert_int_equal(second, SBS_OK);
    assert_string_equal(put->told, "urn:x|p1=created;urn:x|p2=created;");
    assert_string_equal(search->told, "urn:x|s1=created;urn:x|s2=created;");
    assert_string_equal(put->durable, put->told);
    assert_int_equal(put->fhir.updates, 2);
    assert_int_equal(put->fhir.creates, 0);
    assert_int_equal(search->fhir.creates, 2);
    assert_int_equal(search->fhir.updates, 0);
    way_end(put);
    way_end(search);
}

static void run_one(const char *statement, const char *token, const char *text) {
    way_begin(&ways[0], statement, "system/Observation.cu");
    ways[0].fhir.token_body = token;
    way_open(&ways[0]);
    way_add(&ways[0], text, NULL);
    (void)way_run(&ways[0]);
}

#define TOKEN(scope)                                                                                                   \
    "{\"access_token\":\"tok-1.2\",\"token_type\":\"bearer\",\"expires_in\":300,\"scope\":\"" scope "\"}"

/* The last answer of the server may be of long ago: its Date is carried on. */
static void a_clock_that_the_server_agreed_with_stays_known_in_idle_times(void **state) {
    (void)state;
    way *of = &ways[0];
    sbs_forward_clock clock = {0};
    way_begin(of, R4_STATEMENT(BOTH), "system/Observation.cu");
    of->config.clock = &clock;
    way_open(of);
    way_add(of, NAMED("1", ""), NULL);
    assert_int_equal(way_run(of), SBS_OK);
    assert_true(clock.agreed);

    of->now.mono_ms += 600000;
    of->now.utc_s = 1700000000 + (int64_t)(of->now.mono_ms / 1000);
    assert_int_equal(way_poll(of), SBS_OK);
    assert_true(clock.agreed);

    /* Somebody sets it. */
    of->now.utc_s = 1700003600 + (int64_t)(of->now.mono_ms / 1000);
    assert_int_equal(way_poll(of), SBS_OK);
    assert_false(clock.agreed);
    way_end(of);
}

static void the_granted_scope_decides_with_the_statement(void **state) {
    (void)state;
    run_one(R4_STATEMENT(BOTH), TOKEN("system/Observation.c"), NAMED("1", ""));
    assert_int_equal(ways[0].fhir.creates, 1);
    assert_int_equal(ways[0].fhir.updates, 0);
    assert_string_equal(ways[0].told, "urn:x|1=created;");
    way_end(&ways[0]);

    run_one(R4_STATEMENT(BOTH), TOKEN("system/Observation.cu"), NAMED("1", ""));
    assert_int_equal(ways[0].fhir.updates, 1);
    way_end(&ways[0]);

    run_one("", TOKEN("system/Observation.u"), NAMED("1", "")); /* nothing is stated */
    assert_int_equal(ways[0].fhir.updates, 1);
    way_end(&ways[0]);

    run_one("", TOKEN("system/Observation.cu"), NAMED("1", ""));
    assert_int_equal(ways[0].fhir.creates, 1);
    assert_non_null(strstr(ways[0].warned, "shows no CapabilityStatement"));
    way_end(&ways[0]);
}

/* Some servers answer with less than was asked for: what makes no repeat safe may be one of these. */
static void the_whole_statement_is_asked_for_where_a_part_does_not_do(void **state) {
    (void)state;
    static const struct {
        const char *statement;
        unsigned asked;
    } cases[] = {{R4_STATEMENT(BOTH), 1}, {R4_STATEMENT(""), 2}, {"<html>", 2}, {"", 3}};
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        run_one(cases[i].statement, NULL, NAMED("a", ""));
        assert_in_range(ways[0].fhir.statements, cases[i].asked, cases[i].asked + 2); /* it asks again after a wait */
        if (i < 2) {
            assert_int_equal(ways[0].fhir.statements, cases[i].asked);
        }
        way_end(&ways[0]);
    }
}

/* Nothing that a server states could change these. */
static void a_way_of_writing_that_needs_no_statement_asks_for_none(void **state) {
    static const sbs_forward_mode ways_of_writing[] = {SBS_FORWARD_PUT, SBS_FORWARD_PLAIN};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(ways_of_writing); i++) {
        way *of = &ways[0];
        way_begin(of, R4_STATEMENT(BOTH), "system/Observation.cu");
        of->config.mode = ways_of_writing[i];
        way_open(of);
        way_add(of, NAMED("1", ""), NULL);
        assert_int_equal(way_run(of), SBS_OK);
        assert_int_equal(of->fhir.creates + of->fhir.updates, 1);
        assert_int_equal(of->fhir.statements, 0);
        way_end(of);
    }
}

static void an_older_release_is_refused_by_its_name(void **state) {
    (void)state;
    run_one("{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"3.0.1\",\"rest\":[{\"mode\":\"server\"}]}",
            NULL, NAMED("1", ""));
    assert_non_null(strstr(ways[0].told, "paused:the server states FHIR 3.0.1 (STU3)"));
    assert_int_equal(ways[0].fhir.creates + ways[0].fhir.updates, 0);
    way_end(&ways[0]);

    run_one("{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"3\"}", NULL, NAMED("1", ""));
    assert_non_null(strstr(ways[0].told, "paused:the server states FHIR 3 (STU3)"));
    way_end(&ways[0]);

    run_one("{\"resourceType\":\"Conformance\",\"fhirVersion\":\"1.0.2\",\"rest\":[{\"mode\":\"server\"}]}", NULL,
            NAMED("1", ""));
    assert_non_null(strstr(ways[0].told, "(DSTU2)"));
    way_end(&ways[0]);

    run_one("{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"5.0.0\",\"rest\":[{\"mode\":\"server\","
            "\"resource\":[{\"type\":\"Observation\",\"updateCreate\":true}]}]}",
            NULL, NAMED("1", ""));
    assert_non_null(strstr(ways[0].warned, "FHIR 5.0.0"));
    assert_int_equal(ways[0].fhir.updates, 1);
    way_end(&ways[0]);
}

#define ANSWER(head, body) "HTTP/1.1 " head "\r\nConnection: close\r\n\r\n" body
#define ASKED "https://fhir.example/r4/metadata answers with "
#define NO_STATEMENT ", not with a CapabilityStatement in JSON"

/* What /metadata answers, and how that is named. */
static const struct {
    const char *answer, *named;
} useless[] = {
    {ANSWER("200 OK\r\nContent-Type: text/html", "\n<!DOCTYPE html><p>Welcome"), "an HTML page (HTTP 200)"},
    {ANSWER("200 OK\r\nContent-Type: application/json", "<HTML><p>Welcome"), "an HTML page (HTTP 200)"},
    {ANSWER("200 OK\r\nContent-Type: application/fhir+xml", "\xEF\xBB\xBF<CapabilityStatement/>"), "XML (HTTP 200)"},
    {ANSWER("200 OK", ""), "nothing (HTTP 200)"},
    {ANSWER("204 No Content", ""), "nothing (HTTP 204)"},
    {ANSWER("203 Changed", "<html>"), "an HTML page (HTTP 203)"},
    {ANSWER("200 OK", "{\"resourceType\":\"Capa"), "damaged JSON (HTTP 200)"},
    {ANSWER("200 OK", "Welcome"), "text that is not JSON (HTTP 200)"},
    {ANSWER("200 OK", "{\"resourceType\":\"OperationOutcome\"}"), "another JSON document (HTTP 200)"},
    {ANSWER("200 OK", "[]"), "another JSON document (HTTP 200)"},
    {ANSWER("200 OK\r\nContent-Length: 16777217", "{"), "more than 4 MB (HTTP 200)"},
    {ANSWER("200 OK\r\nContent-Encoding: gzip", "no gzip"), "a compressed body that cannot be read (HTTP 200)"},
};

static void run_with_metadata(const char *answer, sbs_forward_mode mode, bool trust_mode) {
    way *of = &ways[0];
    way_begin(of, "", "system/Observation.cu");
    of->fhir.statement_answer = answer;
    of->config.mode = mode;
    of->config.trust_mode = trust_mode;
    way_open(of);
    way_add(of, NAMED("1", ""), NULL);
    (void)way_run(of);
}

static void an_answer_that_is_no_statement_is_named_with_its_url(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(useless); i++) {
        char expected[512];
        (void)snprintf(expected, sizeof expected, "=paused:" ASKED "%s" NO_STATEMENT ";", useless[i].named);
        run_with_metadata(useless[i].answer, SBS_FORWARD_AUTO, i % 2 == 0);
        assert_string_equal(ways[0].told, expected);
        assert_int_equal(ways[0].fhir.creates + ways[0].fhir.updates, 0);
        way_end(&ways[0]);
    }
}

/* Both where the statement is not asked for at all, and where it could only have been warned of. */
static void a_mode_that_is_chosen_is_the_way_out(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(useless); i++) {
        run_with_metadata(useless[i].answer, SBS_FORWARD_IF_NONE_EXIST, false);
        assert_string_equal(ways[0].told, "urn:x|1=created;");
        assert_non_null(strstr(ways[0].warned, ASKED));
        assert_non_null(strstr(ways[0].warned, useless[i].named));
        assert_non_null(strstr(ways[0].warned, "nothing says whether the server heeds If-None-Exist for Observation"));
        way_end(&ways[0]);

        run_with_metadata(useless[i].answer, SBS_FORWARD_IF_NONE_EXIST, true);
        assert_string_equal(ways[0].told, "urn:x|1=created;");
        assert_string_equal(ways[0].warned, "");
        way_end(&ways[0]);
    }
}

static void a_statement_that_is_not_shown_is_named_in_the_warning(void **state) {
    (void)state;
    run_with_metadata(NULL, SBS_FORWARD_AUTO, true);
    assert_string_equal(ways[0].told, "urn:x|1=created;");
    assert_non_null(strstr(ways[0].warned, "the server shows no CapabilityStatement, so nothing says whether it heeds "
                                           "If-None-Exist for Observation (asked was https://fhir.example/r4/metadata, "
                                           "HTTP 404): an item whose answer is lost may be stored twice"));
    way_end(&ways[0]);
}

static void what_cannot_be_sent_is_told_in_its_order(void **state) {
    (void)state;
    way *of = &ways[0];
    way_begin(of, R4_STATEMENT(BOTH), "system/Observation.cu");
    way_open(of);
    way_add(of, NAMED("1", ""), NULL);
    way_add(of, "", "not valid JSON");
    way_add(of, "{\"resourceType\":\"Observation\"}", NULL);
    way_add(of, NAMED(" 2", ""), NULL);
    way_add(of, "{\"resourceType\":\"Observation\",\"id\":\"own\"}", NULL);
    assert_int_equal(way_run(of), SBS_OK);
    assert_string_equal(of->told, "urn:x|1=created;item 2=dead:not valid JSON;"
                                  "item 3=dead:no id and no identifier to derive one from;"
                                  "urn:x| 2=dead:its identifier begins or ends with a blank, which servers cut off;"
                                  "Observation/own=created;");
    assert_int_equal(of->fhir.updates, 2);
    assert_true(fake_request_is(of->fhir.last, of->fhir.last_len, "PUT /r4/Observation/own "));
    way_end(of);
}

static void one_identifier_of_two_patients_is_two_resources(void **state) {
    (void)state;
    way *of = &ways[0];
    way_begin(of, R4_STATEMENT(BOTH), "system/Observation.cu");
    way_open(of);
    way_add(of, NAMED("1", "\"subject\":{\"reference\":\"Patient/a\"},"), NULL);
    way_add(of, NAMED("1", "\"subject\":{\"reference\":\"Patient/b\"},"), NULL);
    way_add(of, NAMED("1", "\"subject\":{\"reference\":\"https://fhir.example/r4/Patient/a/_history/2\"},"), NULL);
    assert_int_equal(way_run(of), SBS_OK);
    assert_string_equal(of->told, "urn:x|1=created;urn:x|1=created;urn:x|1=updated;");
    way_end(of);
}

static bool counting;
static unsigned long allocations, starved; /* the one that fails, of those that are counted */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size) {
    return counting && ++allocations == starved ? NULL : __real_malloc(size);
}

/* Whichever allocation fails, while an item is read or elsewhere: nothing is set aside, and it goes a moment later. */
static void a_shortage_of_memory_sets_nothing_aside(void **state) {
    (void)state;
    way *of = &ways[0];
    for (starved = 1; starved <= allocations || starved == 1; starved++) {
        way_begin(of, R4_STATEMENT(BOTH), "system/Observation.cu");
        way_open(of);
        way_add(of, NAMED("1", "\"subject\":{\"identifier\":{\"system\":\"urn:p\",\"value\":\"9\"}},"), NULL);
        allocations = 0;
        sbs_status status = SBS_PENDING;
        for (unsigned polls = 0; status == SBS_PENDING && polls < 10000; polls++) {
            counting = true;
            status = way_poll(of);
            counting = false;
        }
        assert_int_equal(status, SBS_OK);
        assert_null(strstr(of->told, "dead"));
        assert_non_null(strstr(of->told, "urn:x|1=created;"));
        way_end(of);
    }
}

/* The memory of a push, and what a batch needs beside. */
static void a_push_without_memory_is_not_opened(void **state) {
    (void)state;
    way *of = &ways[0];
    unsigned refused = 0;
    for (uint16_t batch = 1; batch <= 2; batch++) {
        sbs_status status = SBS_ERR_MEMORY;
        for (starved = 1; status != SBS_OK; starved++) {
            sbs_forward_part part;
            way_begin(of, R4_STATEMENT(BOTH), "system/Observation.cu");
            of->config.batch_max = batch;
            assert_int_equal(sbs_forward_server_open(&of->server, &of->server_config, &part), SBS_OK);
            allocations = 0;
            counting = true;
            status = sbs_forward_push_open(&of->push, &of->config);
            counting = false;
            refused += status == SBS_ERR_MEMORY;
            assert_true(status == SBS_OK || status == SBS_ERR_MEMORY);
            way_end(of);
        }
    }
    assert_int_equal(refused, 3 + 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_pushes_of_one_process_know_nothing_of_each_other),
        cmocka_unit_test(a_clock_that_the_server_agreed_with_stays_known_in_idle_times),
        cmocka_unit_test(the_granted_scope_decides_with_the_statement),
        cmocka_unit_test(the_whole_statement_is_asked_for_where_a_part_does_not_do),
        cmocka_unit_test(an_older_release_is_refused_by_its_name),
        cmocka_unit_test(a_way_of_writing_that_needs_no_statement_asks_for_none),
        cmocka_unit_test(an_answer_that_is_no_statement_is_named_with_its_url),
        cmocka_unit_test(a_mode_that_is_chosen_is_the_way_out),
        cmocka_unit_test(a_statement_that_is_not_shown_is_named_in_the_warning),
        cmocka_unit_test(what_cannot_be_sent_is_told_in_its_order),
        cmocka_unit_test(one_identifier_of_two_patients_is_two_resources),
        cmocka_unit_test(a_shortage_of_memory_sets_nothing_aside),
        cmocka_unit_test(a_push_without_memory_is_not_opened),
    };
    return cmocka_run_group_tests(tests, make_ways, free_ways);
}
