/* SPDX-License-Identifier: Apache-2.0 */
/* Proxies: their URLs, who is reached without them, and a stream through one over a scripted connection. */
#include <stdlib.h>
#include <string.h>

#include "memory_stream.h"
#include "sbs/count.h"
#include "sbs/linux_proxy.h"
#include "sbs/text.h"
#include "test.h"

/* ---- URLs ------------------------------------------------------------------------------------------------------- */

static void urls_are_read(void **state) {
    (void)state;
    static const struct {
        const char *url, *host, *login;
        uint16_t port;
    } good[] = {
        {"http://proxy.test", "proxy.test", "", 80},
        {"HTTP://proxy.test:3128/", "proxy.test", "", 3128},
        {"proxy.test:8080", "proxy.test", "", 8080},
        {"http://[::1]:3128", "::1", "", 3128},
        {"http://@proxy.test:1", "proxy.test", "", 1},
        {"http://Aladdin:open%20sesame@proxy.test:1", "proxy.test", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 1},
        {"http://a:b@c@proxy.test", "proxy.test", "Basic YTpiQGM=", 80},
        {"a:b:c@proxy.test", "proxy.test", "Basic YTpiOmM=", 80},
        {"a@proxy.test", "proxy.test", "Basic YTo=", 80},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        sbs_linux_proxy proxy;
        sbs_linux_proxy_fault fault;
        assert_int_equal(sbs_linux_proxy_parse(good[i].url, &proxy, &fault), SBS_OK);
        assert_string_equal(proxy.host, good[i].host);
        assert_string_equal(proxy.login, good[i].login);
        assert_int_equal(proxy.port, good[i].port);
    }
}

static void other_urls_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *url;
        sbs_linux_proxy_fault fault;
    } bad[] = {
        {"", SBS_LINUX_PROXY_URL},
        {"https://proxy.test", SBS_LINUX_PROXY_SCHEME},
        {"socks5h://a:b@proxy.test", SBS_LINUX_PROXY_SCHEME},
        {"://proxy.test", SBS_LINUX_PROXY_SCHEME},
        {"http://", SBS_LINUX_PROXY_URL},
        {"http://proxy.test:0", SBS_LINUX_PROXY_URL},
        {"http://proxy.test:65536", SBS_LINUX_PROXY_URL},
        {"http://proxy.test/path", SBS_LINUX_PROXY_URL},
        {"http://proxy.test?x", SBS_LINUX_PROXY_URL},
        {"http://proxy test", SBS_LINUX_PROXY_URL},
        {"http://proxy.test\r\nX: y", SBS_LINUX_PROXY_URL},
        {"http://a:b%@proxy.test", SBS_LINUX_PROXY_LOGIN},
        {"http://a:b%4@proxy.test", SBS_LINUX_PROXY_LOGIN},
        {"http://a:b%0A@proxy.test", SBS_LINUX_PROXY_LOGIN},
        {"http://a:b\x7F@proxy.test", SBS_LINUX_PROXY_LOGIN},
        {"http://a%3Ab:c@proxy.test", SBS_LINUX_PROXY_LOGIN},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        static const sbs_linux_proxy zero;
        sbs_linux_proxy proxy;
        sbs_linux_proxy_fault fault;
        assert_int_equal(sbs_linux_proxy_parse(bad[i].url, &proxy, &fault), SBS_ERR_URL);
        assert_int_equal(fault, bad[i].fault);
        assert_memory_equal(&proxy, &zero, sizeof zero);
    }
}

static void a_login_of_any_length_fits_or_is_refused(void **state) {
    (void)state;
    char url[1200];
    for (size_t len = 1; len < 1000; len++) {
        sbs_linux_proxy proxy;
        sbs_linux_proxy_fault fault;
        memset(url, 'x', len);
        memcpy(url + len, "@proxy.test", 12);
        sbs_status status = sbs_linux_proxy_parse(url, &proxy, &fault);
        assert_int_equal(status, len < 501 ? SBS_OK : SBS_ERR_URL);
        assert_true(status == SBS_OK ? strlen(proxy.login) == 6 + (len + 3) / 3 * 4 : fault == SBS_LINUX_PROXY_LOGIN);
    }
}

/* ---- who is reached through one ---------------------------------------------------------------------------------- */

static void hosts_are_excepted(void **state) {
    (void)state;
    static const struct {
        const char *exceptions, *host;
        bool served;
    } rows[] = {
        {NULL, "fhir.test", true},
        {"", "fhir.test", true},
        {"*", "fhir.test", false},
        {"a.test,fhir.test", "fhir.test", false},
        {"FHIR.test", "fhir.TEST", false},
        {"test", "fhir.test", false},
        {".test", "fhir.test", false},
        {" ,\t.fhir.test ", "fhir.test", false},
        {"hir.test", "fhir.test", true},
        {"fhir.test.", "fhir.test", true},
        {"*.test", "fhir.test", true},
        {".", "fhir.test", true},
        {"fhir.test:443", "fhir.test", false},
        {"fhir.test:8443", "fhir.test", true},
        {"fhir.test:", "fhir.test", true},
        {"10.0.0.0/8", "10.1.2.3", false},
        {"10.0.0.0/8", "11.1.2.3", true},
        {"10.0.0.0/33", "10.0.0.0", true},
        {"10.0.0.0/x", "10.0.0.0", true},
        {"10.1.2.3", "10.1.2.3", false},
        {"10.1.2.3:443", "10.1.2.3", false},
        {"2.3", "10.1.2.3", true},
        {"0.0.0.0/0", "10.1.2.3", false},
        {"fd00::/8", "fd12::1", false},
        {"fd00::/8", "fe12::1", true},
        {"fd12::1", "fd12:0::1", false},
        {"[fd12::1]:443", "fd12::1", false},
        {"[fd12::1]:1", "fd12::1", true},
        {"[fd12::1", "fd12::1", true},
        {NULL, "localhost", false},
        {NULL, "LOCALHOST", false},
        {NULL, "a.localhost", false},
        {NULL, "notlocalhost", true},
        {NULL, "127.0.0.1", false},
        {NULL, "127.9.9.9", false},
        {NULL, "128.0.0.1", true},
        {NULL, "::1", false},
        {NULL, "::ffff:7f00:1", false},
        {NULL, "::2", true},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        if (sbs_linux_proxy_serves(rows[i].exceptions, rows[i].host, 443) != rows[i].served) {
            fail_msg("row %u: %s of %s", (unsigned)i, rows[i].host, rows[i].exceptions);
        }
    }
}

static void an_exception_of_any_length_is_bounded(void **state) {
    (void)state;
    char list[1000];
    memset(list, 'a', sizeof list);
    memcpy(list + sizeof list - 11, ",fhir.test", 11);
    assert_false(sbs_linux_proxy_serves(list, "fhir.test", 443));
    list[sizeof list - 11] = 'a';
    assert_true(sbs_linux_proxy_serves(list, "fhir.test", 443));
}

static void the_environment_names_one(void **state) {
    (void)state;
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"};
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        assert_int_equal(unsetenv(names[i]), 0);
    }
    assert_null(sbs_linux_proxy_variable());
    assert_null(sbs_linux_proxy_exceptions());
    assert_int_equal(setenv("HTTPS_PROXY", "b", 1) | setenv("NO_PROXY", "d", 1), 0);
    assert_string_equal(sbs_linux_proxy_variable(), "HTTPS_PROXY");
    assert_string_equal(sbs_linux_proxy_exceptions(), "d");
    assert_int_equal(setenv("https_proxy", "", 1) | setenv("no_proxy", "c", 1), 0);
    assert_string_equal(sbs_linux_proxy_variable(), "HTTPS_PROXY");
    assert_string_equal(sbs_linux_proxy_exceptions(), "c");
    assert_int_equal(setenv("https_proxy", "a", 1), 0);
    assert_string_equal(sbs_linux_proxy_variable(), "https_proxy");
}

/* ---- the stream ------------------------------------------------------------------------------------------------- */

static struct {
    sbs_linux_proxy proxy;
    memory_stream memory;
    sbs_stream raw, stream;
    sbs_linux_proxy_stream tunnel;
    uint8_t output[2048];
    uint64_t now_ms;
} rig;

static int set_up(void **state) {
    (void)state;
    sbs_linux_proxy_fault fault;
    memset(&rig, 0, sizeof rig);
    assert_int_equal(sbs_linux_proxy_parse("http://me:secret@proxy.test:3128", &rig.proxy, &fault), SBS_OK);
    rig.memory.output = rig.output;
    rig.memory.output_size = sizeof rig.output;
    memory_stream_init(&rig.memory, false, &rig.raw);
    sbs_linux_proxy_stream_init(&rig.tunnel, &rig.proxy, 5000, &rig.raw, &rig.stream);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sbs_linux_proxy_stream_deinit(&rig.tunnel);
    sbs_linux_proxy_stream_deinit(&rig.tunnel);
    return 0;
}

/* Opens it once more, with a proxy that says this and then @p end. */
static sbs_status open_with(const char *host, const char *answer, size_t len, sbs_status end) {
    rig.stream.ops->close(rig.stream.ctx);
    rig.memory.input = (const uint8_t *)answer;
    rig.memory.input_len = len;
    rig.memory.received = rig.memory.output_len = 0;
    rig.memory.end = end;
    return rig.stream.ops->open(rig.stream.ctx, host, 443, (sbs_now){.mono_ms = rig.now_ms});
}

static sbs_status opened(const char *answer, sbs_status end) {
    return open_with("fhir.test", answer, strlen(answer), end);
}

static void assert_failed(sbs_linux_proxy_problem problem, const char *words) {
    assert_int_equal(sbs_linux_proxy_stream_problem(&rig.tunnel), problem);
    assert_string_equal(sbs_linux_proxy_stream_words(&rig.tunnel), words);
    assert_int_equal(rig.stream.ops->open(rig.stream.ctx, "fhir.test", 443, (sbs_now){.mono_ms = 0}), SBS_ERR_STATE);
    assert_null(memchr(rig.tunnel.priv.buffer, 'B', sizeof rig.tunnel.priv.buffer)); /* nothing of "Basic" */
}

static void a_proxy_is_asked_and_its_answer_passed_over(void **state) {
    (void)state;
    static const char request[] = "CONNECT fhir.test:443 HTTP/1.1\r\nHost: fhir.test:443\r\n"
                                  "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
    static const char *const answers[] = {
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200\r\n\r\n",
        "HTTP/1.1 299 \r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        uint8_t byte;
        size_t len;
        assert_int_equal(opened(answers[i], SBS_PENDING), SBS_OK);
        assert_int_equal(rig.memory.output_len, sizeof request - 1);
        assert_memory_equal(rig.output, request, sizeof request - 1);
        assert_int_equal(rig.stream.ops->receive(rig.stream.ctx, &byte, 1, &len), SBS_PENDING);
        assert_int_equal(sbs_linux_proxy_stream_problem(&rig.tunnel), SBS_LINUX_PROXY_NO_PROBLEM);
    }
    assert_int_equal(open_with("fd00::1", answers[0], strlen(answers[0]), SBS_PENDING), SBS_OK);
    static const char start[] = "CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\n";
    assert_memory_equal(rig.output, start, sizeof start - 1);
}

/* Bytes of the server may come with the proxy's answer, and the answer may come in pieces. */
static void what_is_behind_the_answer_is_the_server_s(void **state) {
    (void)state;
    static const char answer[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello";
    for (size_t first = 0; first < sizeof answer - 1; first++) {
        uint8_t bytes[8];
        size_t len = 0;
        size_t all = 0;
        sbs_status status = open_with("fhir.test", answer, first, SBS_PENDING);
        if (status == SBS_PENDING) {
            rig.memory.input_len = sizeof answer - 1;
            status = rig.stream.ops->open(rig.stream.ctx, "fhir.test", 443, (sbs_now){.mono_ms = rig.now_ms});
        }
        rig.memory.input_len = sizeof answer - 1;
        assert_int_equal(status, SBS_OK);
        while (rig.stream.ops->receive(rig.stream.ctx, bytes + all, 2, &len) == SBS_OK) {
            all += len;
        }
        assert_int_equal(all, 5);
        assert_memory_equal(bytes, "hello", 5);
        assert_int_equal(rig.stream.ops->send(rig.stream.ctx, bytes, 5, &len), SBS_OK);
    }
}

static void a_refusal_is_told(void **state) {
    (void)state;
    assert_int_equal(opened("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nBasic", SBS_END), SBS_ERR_UNREACHABLE);
    assert_failed(SBS_LINUX_PROXY_REFUSES, "the proxy proxy.test:3128 refuses to connect to fhir.test:443 (HTTP 403)");
    assert_int_equal(opened("HTTP/1.1 503 \r\n\r\n", SBS_END), SBS_ERR_UNREACHABLE);
    assert_failed(SBS_LINUX_PROXY_FAILS, "the proxy proxy.test:3128 could not connect to fhir.test:443 (HTTP 503)");
    assert_int_equal(opened("HTTP/1.1 302 \r\nLocation: http://x/\r\n\r\n", SBS_END), SBS_ERR_UNREACHABLE);
    assert_int_equal(sbs_linux_proxy_stream_problem(&rig.tunnel), SBS_LINUX_PROXY_REFUSES);
}

/* Some networks lock out who sends a wrong password a few times. */
static void a_login_that_is_refused_is_not_sent_again(void **state) {
    (void)state;
    static const char refusal[] = "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\n\r\n";
    static const char words[] = "the proxy proxy.test:3128 does not take the login that it was given (HTTP 407)";
    assert_int_equal(opened(refusal, SBS_END), SBS_ERR_UNREACHABLE);
    assert_failed(SBS_LINUX_PROXY_REFUSES_LOGIN, words);
    rig.now_ms = 299999;
    assert_int_equal(opened("HTTP/1.1 200 OK\r\n\r\n", SBS_END), SBS_ERR_UNREACHABLE);
    assert_failed(SBS_LINUX_PROXY_REFUSES_LOGIN, words);
    assert_int_equal(rig.memory.output_len, 0);

    /* Nor by another connection through the same proxy. */
    sbs_linux_proxy_stream other;
    sbs_stream port;
    sbs_linux_proxy_stream_init(&other, &rig.proxy, 0, &rig.raw, &port);
    assert_int_equal(port.ops->open(port.ctx, "fhir.test", 443, (sbs_now){.mono_ms = 1}), SBS_ERR_UNREACHABLE);
    assert_int_equal(rig.memory.output_len, 0);
    rig.now_ms = 300000;
    assert_int_equal(opened("HTTP/1.1 200 OK\r\n\r\n", SBS_END), SBS_OK);

    assert_int_equal(opened("HTTP/1.1 401 Unauthorized\r\n\r\n", SBS_END), SBS_ERR_UNREACHABLE);
    assert_int_equal(sbs_linux_proxy_stream_problem(&rig.tunnel), SBS_LINUX_PROXY_REFUSES_LOGIN);
    rig.now_ms += 300000;

    rig.proxy.login[0] = '\0';
    assert_int_equal(opened(refusal, SBS_END), SBS_ERR_UNREACHABLE);
    assert_failed(SBS_LINUX_PROXY_WANTS_LOGIN, "the proxy proxy.test:3128 wants a login (HTTP 407)");
    assert_int_equal(opened("HTTP/1.1 200 OK\r\n\r\n", SBS_END), SBS_OK);
}

static void what_is_no_proxy_is_told(void **state) {
    (void)state;
    static const char *const answers[] = {
        "SSH-2.0-x\r\n",        "HTTP/1.1 20\r\n",     "HTTP/2 200 OK\r\n",     "HTTP/1.2 200 OK\r\n",
        "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 099 OK\r\n", "http/1.1 200 OK\r\n",   "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20x OK\r\n", "HTTP/1.1\t200\r\n\r\n",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        assert_int_equal(opened(answers[i], SBS_END), SBS_ERR_NETWORK);
        assert_failed(SBS_LINUX_PROXY_NO_HTTP, "what answers at proxy.test:3128 is no HTTP proxy");
    }
}

static void a_head_without_an_end_is_bounded(void **state) {
    (void)state;
    static char head[40000];
    memset(head, 'x', sizeof head);
    assert_int_equal(open_with("fhir.test", head, sizeof head, SBS_PENDING), SBS_ERR_NETWORK);
    memcpy(head, "HTTP/1.1 200 OK\r\n", 17);
    assert_int_equal(open_with("fhir.test", head, sizeof head, SBS_PENDING), SBS_ERR_NETWORK);
    assert_failed(SBS_LINUX_PROXY_NO_HTTP, "what answers at proxy.test:3128 is no HTTP proxy");
    for (size_t i = 0; i + 25 < sizeof head; i += 25) {
        memcpy(head + i, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    assert_int_equal(open_with("fhir.test", head, sizeof head, SBS_PENDING), SBS_ERR_NETWORK);
    assert_true(rig.memory.received < 17000);
}

static void a_proxy_that_goes_or_stalls_is_told(void **state) {
    (void)state;
    static const char *const starts[] = {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nA: b\r\n"};
    for (size_t i = 0; i < SBS_COUNT_OF(starts); i++) {
        rig.now_ms = 1000;
        assert_int_equal(opened(starts[i], SBS_END), SBS_ERR_NETWORK);
        assert_failed(SBS_LINUX_PROXY_CLOSED, "the proxy proxy.test:3128 closed the connection without an answer");
        assert_int_equal(opened(starts[i], SBS_PENDING), SBS_PENDING);
        assert_true(rig.stream.ops->waits_for(rig.stream.ctx).timeout_ms <= 5000);
        sbs_now later = {.mono_ms = 6000};
        assert_int_equal(rig.stream.ops->open(rig.stream.ctx, "fhir.test", 443, later), SBS_ERR_TIMEOUT);
        assert_failed(SBS_LINUX_PROXY_SILENT, "the proxy proxy.test:3128 does not answer");
    }
    rig.memory.open_status = SBS_ERR_REFUSED;
    assert_int_equal(opened("", SBS_END), SBS_ERR_REFUSED);
    assert_failed(SBS_LINUX_PROXY_NOT_REACHED, "it is the proxy proxy.test:3128");
}

static void what_is_excepted_goes_past_it(void **state) {
    (void)state;
    uint8_t byte = 0;
    size_t len;
    rig.proxy.exceptions = "fhir.test";
    assert_int_equal(opened("x", SBS_END), SBS_OK);
    assert_int_equal(rig.memory.output_len, 0);
    assert_int_equal(rig.stream.ops->receive(rig.stream.ctx, &byte, 1, &len), SBS_OK);
    assert_int_equal(byte, 'x');
    assert_int_equal(open_with("127.0.0.1", "x", 1, SBS_END), SBS_OK);
    assert_int_equal(rig.memory.output_len, 0);
}

/* A host that is none cannot inject. */
static void a_host_that_is_none_is_not_asked_for(void **state) {
    (void)state;
    assert_int_equal(open_with("a\r\nX: y", "", 0, SBS_END), SBS_ERR_ARGUMENT);
    assert_int_equal(rig.memory.output_len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(other_urls_are_refused),
        cmocka_unit_test(a_login_of_any_length_fits_or_is_refused),
        cmocka_unit_test(hosts_are_excepted),
        cmocka_unit_test(an_exception_of_any_length_is_bounded),
        cmocka_unit_test(the_environment_names_one),
        TEST(a_proxy_is_asked_and_its_answer_passed_over),
        TEST(what_is_behind_the_answer_is_the_server_s),
        TEST(a_refusal_is_told),
        TEST(a_login_that_is_refused_is_not_sent_again),
        TEST(what_is_no_proxy_is_told),
        TEST(a_head_without_an_end_is_bounded),
        TEST(a_proxy_that_goes_or_stalls_is_told),
        TEST(what_is_excepted_goes_past_it),
        TEST(a_host_that_is_none_is_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
