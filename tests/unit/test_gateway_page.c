/* SPDX-License-Identifier: Apache-2.0 */
/* The status page: who sees what, who may change what, and that what others wrote stays text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/gateway_page.h"
#include "test.h"

#define HOUR_MS 3600000u

typedef struct page_rig {
    sbs_gateway_page page;
    sbs_gateway_config config;
    sbs_gateway_counts counts[1];
    sbs_gateway_status status;
    sbs_gateway_letter letters[2];
    size_t letter_count;
    uint64_t retried, discarded;
    sbs_status answer; /* of retry and discard */
    sbs_gateway_listener listener;
    sbs_linux_http_answer out;
    char shown[32768]; /* its body */
    sbs_now now;
} page_rig;

static void rig_status(void *ctx, sbs_gateway_status *out) {
    *out = ((page_rig *)ctx)->status;
}

static sbs_status rig_letter(void *ctx, uint64_t after, sbs_gateway_letter *out) {
    const page_rig *rig = ctx;

    for (size_t i = 0; i < rig->letter_count; i++) {
        if (rig->letters[i].id > after) {
            *out = rig->letters[i];
            return SBS_OK;
        }
    }
    return SBS_ERR_NOT_FOUND;
}

static sbs_status rig_retry(void *ctx, uint64_t id) {
    page_rig *rig = ctx;

    rig->retried = id;
    return rig->answer;
}

static sbs_status rig_discard(void *ctx, uint64_t id) {
    page_rig *rig = ctx;

    rig->discarded = id;
    return rig->answer;
}

static const sbs_gateway_page_ops rig_ops = {rig_status, rig_letter, rig_retry, rig_discard};

static char fhir_base[] = "https://fhir.example/fhir";
static char loopback[] = "127.0.0.1:8081";
static char network[] = "192.168.8.1:8444";

static page_rig *rig_open(void) {
    page_rig *rig = calloc(1, sizeof *rig);

    assert_non_null(rig);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(sbs_gateway_page_open(&rig->page, &rig_ops, rig, NULL), SBS_OK);

    strcpy(rig->config.name, "clinic-12");
    rig->config.fhir = fhir_base;
    rig->config.device_count = 1;
    rig->config.keep_free = 256u << 20;
    strcpy(rig->config.devices[0].name, "fridge-3");
    rig->listener.address = loopback;
    rig->now = (sbs_now){.mono_ms = 10 * HOUR_MS, .utc_s = 1790000000};

    rig->counts[0] = (sbs_gateway_counts){.accepted = 7, .delivered = 5, .heard_ms = rig->now.mono_ms - 90000};
    rig->status = (sbs_gateway_status){.config = &rig->config,
                                       .counts = rig->counts,
                                       .now = rig->now,
                                       .started_s = rig->now.utc_s - 86400,
                                       .queue_known = true,
                                       .last_delivery_s = SBS_UTC_UNKNOWN};
    rig->status.queue.oldest_s = SBS_UTC_UNKNOWN;
    rig->letters[0] = (sbs_gateway_letter){.id = 17,
                                           .device = "fridge-3",
                                           .reason = "refused with 422",
                                           .words = "<script>alert('Rakoto')</script>\x1b[31m",
                                           .arrived_s = rig->now.utc_s - 60};
    return rig;
}

static void rig_close(page_rig *rig) {
    sbs_gateway_page_close(&rig->page);
    free(rig);
}

static void rig_add_letter(page_rig *rig) {
    rig->letter_count = 1;
    rig->status.queue.letters = 1;
}

/* A request with up to three fields, of which each may be NULL. */
static void rig_ask(page_rig *rig, const char *method, const char *path, const char *host, const char *origin,
                    const char *body) {
    sbs_linux_http_field fields[3];
    size_t count = 0;

    if (host != NULL) {
        fields[count++] = (sbs_linux_http_field){SBS_TEXT("Host"), sbs_text_of(host)};
    }
    if (origin != NULL) {
        fields[count++] = (sbs_linux_http_field){SBS_TEXT("Origin"), sbs_text_of(origin)};
    }

    sbs_linux_http_request request = {.method = sbs_text_of(method),
                                      .path = sbs_text_of(path),
                                      .body = sbs_text_of(body),
                                      .fields = fields,
                                      .field_count = count,
                                      .peer = "127.0.0.1",
                                      .secured = rig->listener.tls};
    sbs_gateway_page_http(&rig->page, rig->now, &rig->listener, &request, &rig->out);
    (void)snprintf(rig->shown, sizeof rig->shown, "%.*s", (int)rig->out.body.len, rig->out.body.ptr);
}

static void rig_get(page_rig *rig, const char *path) {
    rig_ask(rig, "GET", path, "127.0.0.1:8081", NULL, NULL);
}

static bool rig_shows(const page_rig *rig, const char *words) {
    return strstr(rig->shown, words) != NULL;
}

static const char *rig_field(const page_rig *rig, const char *name, char *value, size_t size) {
    for (size_t i = 0; i < rig->out.field_count; i++) {
        sbs_linux_http_field field = rig->out.fields[i];
        if (sbs_text_equal_nocase(field.name, sbs_text_of(name))) {
            (void)snprintf(value, size, "%.*s", (int)field.value.len, field.value.ptr);
            return value;
        }
    }
    return "";
}

/* The token of the forms on the page that was shown last, with its name. */
static void rig_take_token(const page_rig *rig, char body[72]) {
    static const char before[] = "name=\"token\" value=\"";
    const char *at = strstr(rig->shown, before);

    assert_non_null(at);
    (void)snprintf(body, 72, "token=%.64s", at + sizeof before - 1);
}

/* ---- what is shown ------------------------------------------------------------------------------------------------
 */

static void test_all_is_well_in_green(void **state) {
    (void)state;
    page_rig *rig = rig_open();

    rig_get(rig, "/");
    assert_int_equal(rig->out.status, 200);
    assert_true(rig_shows(rig, "class=\"state green\""));
    assert_true(rig_shows(rig, "All measurements are on the server."));
    assert_true(rig_shows(rig, "fridge-3"));
    assert_true(rig_shows(rig, "1 minute ago"));
    assert_true(rig_shows(rig, "http-equiv=\"refresh\""));
    assert_false(rig_shows(rig, "<script"));
    assert_false(rig->out.held);

    rig_close(rig);
}

static void test_a_network_that_is_down_waits_in_amber(void **state) {
    (void)state;
    page_rig *rig = rig_open();

    rig->status.queue.counters.waiting = 412;
    rig->status.queue.oldest_s = rig->now.utc_s - 7200;
    rig->status.upstream = SBS_GATEWAY_WAITING;
    strcpy(rig->status.upstream_words, "no network since 09:14");
    rig_get(rig, "/");
    assert_true(rig_shows(rig, "class=\"state amber\""));
    assert_true(rig_shows(rig, "412 measurements wait: no network since 09:14. Nothing is lost."));
    assert_true(rig_shows(rig, "the oldest for 2 hours"));

    rig_close(rig);
}

/* Each of these needs a person, whatever else is well. */
static void test_what_needs_a_person_is_red(void **state) {
    (void)state;
    page_rig *rig = rig_open();
    sbs_gateway_status good = rig->status;
    char sentence[256];

    assert_int_equal(sbs_gateway_status_sentence(&good, sentence, sizeof sentence), SBS_GATEWAY_GREEN);

    sbs_gateway_status status = good;
    status.queue_known = false;
    assert_int_equal(sbs_gateway_status_sentence(&status, sentence, sizeof sentence), SBS_GATEWAY_RED);
    status = good;
    status.disk_low = true;
    assert_int_equal(sbs_gateway_status_sentence(&status, sentence, sizeof sentence), SBS_GATEWAY_RED);
    status = good;
    status.upstream = SBS_GATEWAY_PAUSED;
    assert_int_equal(sbs_gateway_status_sentence(&status, sentence, sizeof sentence), SBS_GATEWAY_RED);
    status = good;
    status.clock = SBS_GATEWAY_CLOCK_WRONG;
    assert_int_equal(sbs_gateway_status_sentence(&status, sentence, sizeof sentence), SBS_GATEWAY_RED);
    status = good;
    status.queue.letters = 1;
    assert_int_equal(sbs_gateway_status_sentence(&status, sentence, sizeof sentence), SBS_GATEWAY_RED);
    assert_non_null(strstr(sentence, "refused 1 measurement."));

    rig_close(rig);
}

static void test_a_servers_words_stay_text(void **state) {
    (void)state;
    page_rig *rig = rig_open();

    rig_add_letter(rig);
    rig_get(rig, "/");
    assert_true(rig_shows(rig, "&lt;script&gt;alert(&#39;Rakoto&#39;)&lt;/script&gt;"));
    assert_false(rig_shows(rig, "<script"));
    assert_false(rig_shows(rig, "\x1b"));
    assert_false(rig_shows(rig, "http-equiv=\"refresh\"")); /* forms stay under the fingers */
    assert_true(rig_shows(rig, "<strong>Act:</strong> the server refused 1 measurement.")); /* said once */

    rig->status.queue.letters = 0;
    rig->status.queue.counters.waiting = 1;
    rig_get(rig, "/");
    assert_true(rig_shows(rig, "<strong>Good.</strong> 1 measurement waits and is being sent."));

    rig_close(rig);
}

static void test_every_answer_forbids_what_is_not_needed(void **state) {
    (void)state;
    static const char *const paths[] = {"/", "/page.css", "/metrics", "/healthz", "/nothing"};
    page_rig *rig = rig_open();
    char value[256];

    for (size_t i = 0; i < SBS_COUNT_OF(paths); i++) {
        rig_get(rig, paths[i]);
        const char *policy = rig_field(rig, "Content-Security-Policy", value, sizeof value);
        assert_non_null(strstr(policy, "default-src 'none'"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_string_equal(rig_field(rig, "Cache-Control", value, sizeof value), "no-store");
        assert_string_equal(rig_field(rig, "X-Content-Type-Options", value, sizeof value), "nosniff");
    }

    rig_close(rig);
}

static void test_metrics_count_by_device(void **state) {
    (void)state;
    page_rig *rig = rig_open();

    rig->status.queue.counters.waiting = 3;
    rig_get(rig, "/metrics");
    assert_int_equal(rig->out.status, 200);
    assert_true(rig_shows(rig, "\nsbs_gateway_accepted_total{device=\"fridge-3\"} 7\n"));
    assert_true(rig_shows(rig, "\nsbs_gateway_delivered_total{device=\"fridge-3\"} 5\n"));
    assert_true(rig_shows(rig, "\nsbs_gateway_waiting 3\n"));
    assert_false(rig_shows(rig, "oldest_seconds")); /* it waits, and nobody knows since when: not 0 */

    rig->status.queue_known = false;
    rig_get(rig, "/metrics");
    assert_true(rig_shows(rig, "\nsbs_gateway_queue_readable 0\n"));
    assert_false(rig_shows(rig, "sbs_gateway_waiting")); /* what is not known is not 0 */

    rig_close(rig);
}

static void test_health_says_whether_devices_are_served(void **state) {
    (void)state;
    page_rig *rig = rig_open();

    rig_get(rig, "/healthz");
    assert_int_equal(rig->out.status, 200);
    rig->status.disk_low = true;
    rig_get(rig, "/healthz");
    assert_int_equal(rig->out.status, 503);

    rig_close(rig);
}

/* ---- who may do what ----------------------------------------------------------------------------------------------
 */

/* A name that an attacker owns may point to this address for a moment: only names that are ours, and addresses. */
static void test_only_hosts_that_nobody_else_can_own(void **state) {
    (void)state;
    static const struct {
        const char *host;
        int status;
    } hosts[] = {
        {"127.0.0.1:8081", 200},
        {"[::1]:8081", 200},
        {"localhost:8081", 200},
        {"LOCALHOST", 200},
        {"clinic-12", 200},
        {"clinic-12.local:80", 200},
        {"evil.example", 421},
        {"evil.example:8081", 421},
        {"clinic-12.evil", 421},
        {"", 421},
        {NULL, 421},
        {"127.0.0.1.evil", 421},
        {"[", 421},
        {"[]", 421},
        {"127001", 421},
        {".local", 421},
    };
    page_rig *rig = rig_open();

    for (size_t i = 0; i < SBS_COUNT_OF(hosts); i++) {
        rig_ask(rig, "GET", "/", hosts[i].host, NULL, NULL);
        assert_int_equal(rig->out.status, hosts[i].status);
    }

    rig_close(rig);
}

static void test_a_form_of_the_page_retries(void **state) {
    (void)state;
    page_rig *rig = rig_open();
    char body[72], value[64];

    rig_add_letter(rig);
    rig_get(rig, "/");
    rig_take_token(rig, body);
    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", "http://127.0.0.1:8081", body);
    assert_int_equal(rig->out.status, 303);
    assert_string_equal(rig_field(rig, "Location", value, sizeof value), "/");
    assert_true(rig->out.held); /* true once it is durable */
    assert_int_equal(rig->retried, 17);

    rig_ask(rig, "POST", "/letters/17/discard", "127.0.0.1:8081", NULL, body); /* old browsers send no Origin */
    assert_int_equal(rig->out.status, 303);
    assert_int_equal(rig->discarded, 17);

    rig_close(rig);
}

static void test_no_form_from_elsewhere(void **state) {
    (void)state;
    page_rig *rig = rig_open();
    char body[72], wrong[72];

    rig_add_letter(rig);
    rig_get(rig, "/");
    rig_take_token(rig, body);
    memcpy(wrong, body, sizeof wrong);
    wrong[69] ^= 1;

    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", "https://evil.example", body);
    assert_int_equal(rig->out.status, 403);
    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", "null", body);
    assert_int_equal(rig->out.status, 403);
    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", NULL, wrong);
    assert_int_equal(rig->out.status, 403);
    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", NULL, NULL);
    assert_int_equal(rig->out.status, 403);
    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", NULL, "token=");
    assert_int_equal(rig->out.status, 403);
    assert_int_equal(rig->retried, 0);

    rig_close(rig);
}

static void test_a_token_is_over_after_two_hours(void **state) {
    (void)state;
    page_rig *rig = rig_open();
    char body[72];

    rig_add_letter(rig);
    rig_get(rig, "/");
    rig_take_token(rig, body);
    rig->now.mono_ms += HOUR_MS;
    rig_ask(rig, "POST", "/letters/17/retry", "127.0.0.1:8081", NULL, body);
    assert_int_equal(rig->out.status, 303);

    rig->now.mono_ms += HOUR_MS;
    rig_ask(rig, "POST", "/letters/17/discard", "127.0.0.1:8081", NULL, body);
    assert_int_equal(rig->out.status, 403);
    assert_int_equal(rig->discarded, 0);

    rig_close(rig);
}

static void test_forms_that_are_none(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/letters/17", "/letters//retry",  "/letters/x/retry", "/letters/17/burn", "/letters/17/", "/letters/-1/retry",
        "/",           "/letters/17retry", "/letters/1 /retry"};
    page_rig *rig = rig_open();
    char body[72];

    rig_add_letter(rig);
    rig_get(rig, "/");
    rig_take_token(rig, body);
    for (size_t i = 0; i < SBS_COUNT_OF(paths); i++) {
        rig_ask(rig, "POST", paths[i], "127.0.0.1:8081", NULL, body);
        assert_int_equal(rig->out.status, 404);
    }
    assert_int_equal(rig->retried + rig->discarded, 0);

    rig->answer = SBS_ERR_NOT_FOUND;
    rig_ask(rig, "POST", "/letters/18/retry", "127.0.0.1:8081", NULL, body);
    assert_int_equal(rig->out.status, 404);
    rig->answer = SBS_ERR_STORAGE;
    rig_ask(rig, "POST", "/letters/18/retry", "127.0.0.1:8081", NULL, body);
    assert_int_equal(rig->out.status, 503);
    assert_false(rig->out.held);

    rig_ask(rig, "DELETE", "/letters/18", "127.0.0.1:8081", NULL, NULL);
    assert_int_equal(rig->out.status, 405);

    rig_close(rig);
}

static void test_on_a_network_strangers_see_no_names(void **state) {
    (void)state;
    page_rig *rig = rig_open();
    char value[128];

    rig->listener.address = network;
    rig->listener.tls = true;
    rig_add_letter(rig);
    rig_ask(rig, "GET", "/", "192.168.8.1:8444", NULL, NULL);
    assert_int_equal(rig->out.status, 200);
    assert_true(rig_shows(rig, "class=\"state red\""));
    assert_false(rig_shows(rig, "fridge-3"));
    assert_false(rig_shows(rig, "Rakoto"));
    assert_false(rig_shows(rig, "<form"));

    rig_ask(rig, "GET", "/operator", "192.168.8.1:8444", NULL, NULL);
    assert_int_equal(rig->out.status, 401);
    assert_non_null(strstr(rig_field(rig, "WWW-Authenticate", value, sizeof value), "Basic"));
    rig_ask(rig, "GET", "/metrics", "192.168.8.1:8444", NULL, NULL);
    assert_int_equal(rig->out.status, 401);
    rig_ask(rig, "POST", "/letters/17/retry", "192.168.8.1:8444", NULL, "token=");
    assert_int_equal(rig->out.status, 401);
    assert_int_equal(rig->retried, 0);

    rig_close(rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well_in_green),
        cmocka_unit_test(test_a_network_that_is_down_waits_in_amber),
        cmocka_unit_test(test_what_needs_a_person_is_red),
        cmocka_unit_test(test_a_servers_words_stay_text),
        cmocka_unit_test(test_every_answer_forbids_what_is_not_needed),
        cmocka_unit_test(test_metrics_count_by_device),
        cmocka_unit_test(test_health_says_whether_devices_are_served),
        cmocka_unit_test(test_only_hosts_that_nobody_else_can_own),
        cmocka_unit_test(test_a_form_of_the_page_retries),
        cmocka_unit_test(test_no_form_from_elsewhere),
        cmocka_unit_test(test_a_token_is_over_after_two_hours),
        cmocka_unit_test(test_forms_that_are_none),
        cmocka_unit_test(test_on_a_network_strangers_see_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
