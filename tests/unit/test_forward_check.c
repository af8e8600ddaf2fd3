/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that `sbs check` and `sbs-gateway check` share. */
#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/forward_check.h"
#include "test.h"

static char rows[4096];

static void take_row(void *ctx, const sbs_forward_finding *finding) {
    sbs_writer out;
    size_t len = strlen(rows);
    (void)ctx;
    sbs_writer_init(&out, rows + len, sizeof rows - len - 1);
    sbs_forward_check_put_line(&out, finding);
    assert_int_equal(sbs_writer_finish(&out, NULL), SBS_OK);
    rows[len + out.len] = '\0';
}

static const sbs_forward_check check = {take_row, NULL, "FHIR", "SCOPE", "TOKEN", "MODE"};

static int set_up(void **state) {
    (void)state;
    memset(rows, 0, sizeof rows);
    return 0;
}

static void assert_rows(const char *expected) {
    assert_string_equal(rows, expected);
    memset(rows, 0, sizeof rows);
}

static void each_step_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int i = 0; i < SBS_FORWARD_STEP_COUNT; i++) {
        assert_true(strlen(sbs_forward_step_name((sbs_forward_step)i)) > 2);
        for (int other = 0; other < i; other++) {
            assert_string_not_equal(sbs_forward_step_name((sbs_forward_step)i),
                                    sbs_forward_step_name((sbs_forward_step)other));
        }
    }
}

static void a_row_is_a_line_or_an_object(void **state) {
    char text[] = "a \"b\"";
    char buffer[200];
    sbs_writer out;
    sbs_json_writer json;
    size_t len = 0;
    (void)state;
    sbs_forward_check_tell(&check, SBS_FORWARD_OK, SBS_FORWARD_STEP_DISK, NULL, "%d MiB free", 7);
    sbs_forward_check_tell(&check, SBS_FORWARD_WARN, SBS_FORWARD_STEP_TLS, "renew it", "ends soon");
    sbs_forward_check_tell(&check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_TOKEN, "register it", "refused");
    assert_rows("OK    disk: 7 MiB free\nWARN  TLS: ends soon, renew it\nFAIL  token: refused, register it\n");

    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_json_writer_init(&json, &out);
    sbs_json_begin_array(&json);
    sbs_forward_check_put_json(&json, &(sbs_forward_finding){SBS_FORWARD_FAIL, SBS_FORWARD_STEP_DNS, text, "c"});
    sbs_forward_check_put_json(&json, &(sbs_forward_finding){SBS_FORWARD_OK, SBS_FORWARD_STEP_KEY, text, NULL});
    sbs_json_end_array(&json);
    assert_int_equal(sbs_json_writer_finish(&json, &len), SBS_OK);
    buffer[len] = '\0';
    assert_string_equal(buffer, "[{\"step\":\"DNS\",\"result\":\"FAIL\",\"text\":\"a \\\"b\\\"\",\"advice\":\"c\"},"
                                "{\"step\":\"key\",\"result\":\"OK\",\"text\":\"a \\\"b\\\"\"}]");
}

/* ---- the connection --------------------------------------------------------------------------------------------- */

static sbs_forward_step reached(const sbs_forward_server *server, sbs_status status, uint16_t http_status) {
    const sbs_detail detail = {.status = status, .http_status = http_status, .text = ""};
    return sbs_forward_check_reached(server, status, &detail);
}

static void a_proxy_is_one_step_and_only_where_it_is_used(void **state) {
    sbs_linux_proxy proxy;
    sbs_linux_proxy_fault fault;
    static sbs_forward_server server;
    (void)state;
    assert_int_equal(sbs_linux_proxy_parse("http://proxy.test:3128", &proxy, &fault), SBS_OK);
    proxy.exceptions = ".near.test";
    server.priv.given.proxy = &proxy;

    server.priv.given.fhir_base = "https://fhir.test/r4";
    assert_int_equal(reached(&server, SBS_ERR_RESOLVE, 0), SBS_FORWARD_STEP_PROXY);
    assert_int_equal(reached(&server, SBS_ERR_UNREACHABLE, 0), SBS_FORWARD_STEP_PROXY);
    assert_int_equal(reached(&server, SBS_ERR_UNTRUSTED, 0), SBS_FORWARD_STEP_TLS);
    assert_int_equal(reached(&server, SBS_ERR_TIMEOUT, 500), SBS_FORWARD_STEP_COUNT);
    sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_TLS);
    assert_rows("OK    proxy: proxy.test:3128\n");
    sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_PROXY);
    assert_rows("");

    static const char *const direct[] = {"https://fhir.near.test/", "https://localhost/fhir",
                                         "https://127.0.0.1:8443/"};
    static const char *const hosts[] = {"fhir.near.test", "localhost", "127.0.0.1"};
    for (size_t i = 0; i < SBS_COUNT_OF(direct); i++) {
        char expected[200];
        server.priv.given.fhir_base = direct[i];
        assert_int_equal(reached(&server, SBS_ERR_RESOLVE, 0), SBS_FORWARD_STEP_DNS);
        assert_int_equal(reached(&server, SBS_ERR_REFUSED, 0), SBS_FORWARD_STEP_TCP);
        assert_int_equal(reached(&server, SBS_ERR_REJECTED, 0), SBS_FORWARD_STEP_COUNT);
        sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_COUNT);
        (void)snprintf(expected, sizeof expected, "OK    DNS: %s\nOK    TCP: %s\nOK    TLS: %s\n", hosts[i], hosts[i],
                       hosts[i]);
        assert_rows(expected);
    }
    sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_DNS);
    assert_rows("");
    sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_TCP);
    assert_rows("OK    DNS: 127.0.0.1\n");
}

static void tls_is_told_by_the_url_that_is_asked(void **state) {
    static sbs_forward_server server;
    (void)state;
    server.priv.given.fhir_base = "http://127.0.0.1:80/";
    sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_COUNT);
    assert_rows("OK    DNS: 127.0.0.1\nOK    TCP: 127.0.0.1\nWARN  TLS: none, plain http, use it for tests only\n");
    server.priv.given = (sbs_forward_server_config){.token_url = "https://login.test/token"};
    sbs_forward_check_connection(&check, &server, SBS_FORWARD_STEP_COUNT);
    assert_rows("OK    DNS: login.test\nOK    TCP: login.test\nOK    TLS: login.test\n");
    sbs_forward_check_discovery(&check, &server);
    assert_rows("OK    discovery: not needed, TOKEN is given\n");
}

static void a_clock_is_held_against_the_server_s(void **state) {
    const sbs_now now = {.mono_ms = 1, .utc_s = 1790000000};
    (void)state;
    sbs_forward_check_clock(&check, now, now.utc_s - 5);
    sbs_forward_check_clock(&check, now, now.utc_s - 6);
    sbs_forward_check_clock(&check, now, now.utc_s + 90);
    assert_rows("OK    clock: agrees with the server's\n"
                "WARN  clock: 6 s ahead of the server's, set this machine's clock\n"
                "WARN  clock: 90 s behind the server's, set this machine's clock\n");
}

/* ---- rights ------------------------------------------------------------------------------------------------------ */

static void each_scope_that_is_not_granted_is_told(void **state) {
    static sbs_forward_server server;
    const sbs_token_view token = {.scope = SBS_TEXT("system/Observation.cruds odd"), .expires_in_s = 300};
    (void)state;
    server.priv.given.scope = "system/Observation.cu odd";
    sbs_forward_check_token(&check, &server, &token);
    assert_rows("OK    token: valid for 300 s\nOK    scope: system/Observation.cruds odd\n");
    server.priv.given.scope = "system/Observation.cu system/Patient.r strange";
    sbs_forward_check_token(&check, &server, &token);
    assert_rows("OK    token: valid for 300 s\nWARN  scope: system/Patient.r is not granted, have it granted\n"
                "WARN  scope: strange is not granted, have it granted\n");
}

static void a_release_is_r4_or_newer(void **state) {
    (void)state;
    assert_true(sbs_forward_check_release(&check, SBS_TEXT("4.3.0"), 4));
    assert_true(sbs_forward_check_release(&check, SBS_TEXT("5.0.0"), 5));
    assert_false(sbs_forward_check_release(&check, SBS_TEXT("3.0.2"), 3));
    sbs_forward_check_unstated(&check);
    assert_rows(
        "OK    metadata: FHIR 4.3.0\n"
        "WARN  metadata: FHIR 5.0.0, but this program writes resources of R4, give the base URL of an R4 endpoint with "
        "FHIR\n"
        "FAIL  metadata: FHIR 3.0.2, but this program writes resources of R4, give the base URL of an R4 endpoint with "
        "FHIR\n"
        "WARN  metadata: the server does not show its CapabilityStatement, choose a way to write with MODE\n");
}

/* What one case says of writing, and the row that comes of it. */
typedef struct writing_case {
    sbs_forward_mode asked;
    bool create, update, any;
    const sbs_capability *stated; /* NULL: nothing */
    bool good;
    const char *row;
} writing_case;

static const sbs_capability all_ways = {
    .create = true, .update = true, .update_create = true, .conditional_create = true};
static const sbs_capability only_posts = {.create = true};
static const sbs_capability only_puts = {.create = true, .update_create = true};
static const sbs_capability no_way = {.batch = true};

static const writing_case writings[] = {
    {SBS_FORWARD_AUTO, true, true, false, &all_ways, true, "OK    create: T: granted, and the server states put\n"},
    {SBS_FORWARD_AUTO, true, false, false, &all_ways, true,
     "OK    create: T: granted, and the server states if-none-exist\n"},
    {SBS_FORWARD_IF_NONE_EXIST, true, true, false, &all_ways, true,
     "OK    create: T: granted, and the server states if-none-exist\n"},
    {SBS_FORWARD_AUTO, false, false, false, &all_ways, false,
     "FAIL  create: T: the granted scope has neither c (create) nor u (update), ask with SCOPE for system/T.cu, and "
     "have "
     "it granted\n"},
    {SBS_FORWARD_AUTO, false, false, true, &all_ways, true,
     "WARN  create: T: the granted scope has neither c (create) nor u (update), ask with SCOPE for system/T.cu, and "
     "have "
     "it granted\n"},
    {SBS_FORWARD_PUT, true, false, false, &all_ways, false,
     "FAIL  create: T: the granted scope has no u (update), which put needs, ask with SCOPE for system/T.cu, and have "
     "it "
     "granted\n"},
    {SBS_FORWARD_AUTO, false, true, false, &only_posts, false,
     "FAIL  create: T: the granted scope has no c (create), which the server's way to write needs, ask with SCOPE for "
     "system/T.cu, and have it granted\n"},
    {SBS_FORWARD_AUTO, true, true, false, NULL, true,
     "WARN  create: T: granted, but the server states nothing about it, push something to find out\n"},
    {SBS_FORWARD_AUTO, true, true, false, &only_posts, true,
     "WARN  create: T: granted, but the server states only plain: a repeat may be stored twice, if the server can do "
     "more "
     "than it states, say so with MODE\n"},
    {SBS_FORWARD_AUTO, true, false, false, &only_puts, true,
     "WARN  create: T: granted, but the scope allows only plain: a repeat may be stored twice, ask with SCOPE for u "
     "(update) too\n"},
    {SBS_FORWARD_PLAIN, true, true, false, &all_ways, true,
     "WARN  create: T: granted, but MODE asks for plain: a repeat may be stored twice, leave MODE out, the server "
     "states "
     "a better one\n"},
    {SBS_FORWARD_PUT, true, true, false, &only_posts, true,
     "WARN  create: T: granted, but the server does not state put, push something to find out\n"},
    {SBS_FORWARD_AUTO, true, true, false, &no_way, true,
     "WARN  create: T: granted, but the server does not state that it takes new ones, ask the server's operator\n"},
};

static void writing_is_held_against_scope_and_statement(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(writings); i++) {
        const writing_case *it = &writings[i];
        sbs_forward_writing writing = {
            .type = "T", .asked = it->asked, .may_create = it->create, .may_update = it->update, .any_scope = it->any};
        if (it->stated != NULL) {
            writing.known = true;
            writing.stated = *it->stated;
        }
        assert_int_equal(sbs_forward_check_writing(&check, &writing), it->good);
        assert_rows(it->row);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_step_has_a_name_of_its_own, set_up),
        cmocka_unit_test_setup(a_row_is_a_line_or_an_object, set_up),
        cmocka_unit_test_setup(a_proxy_is_one_step_and_only_where_it_is_used, set_up),
        cmocka_unit_test_setup(tls_is_told_by_the_url_that_is_asked, set_up),
        cmocka_unit_test_setup(a_clock_is_held_against_the_server_s, set_up),
        cmocka_unit_test_setup(each_scope_that_is_not_granted_is_told, set_up),
        cmocka_unit_test_setup(a_release_is_r4_or_newer, set_up),
        cmocka_unit_test_setup(writing_is_held_against_scope_and_statement, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
