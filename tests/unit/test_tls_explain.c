/* SPDX-License-Identifier: Apache-2.0 */
/* Why a connection failed: alerts, chains, certificates that cannot be read, and peers that speak no TLS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "memory_stream.h"
#include "sbs/linux_clock.h"
#include "sbs/tls_explain.h"
#include "test.h"
#include "tls_fixture.h"

static sbs_tls_explain explain; /* of the one stream that a test has at a time */

static const char *const versions[] = {"-tls1_2", "-tls1_3"};

static const char brief_root[] = "brief-root";

static void assert_problem(const sbs_tls_stream *tls, sbs_tls_problem expected) {
    assert_string_equal(sbs_tls_problem_text(sbs_tls_stream_problem(tls)), sbs_tls_problem_text(expected));
}

/* ---- peers that are heard and not answered -------------------------------------------------------------------- */

typedef struct heard {
    sbs_status status;
    sbs_tls_problem problem;
    uint8_t alert;
    const char *words;
} heard;

/* How far the handshake is when the peer is heard first; 0: at its start. */
static int heard_at;
static sbs_tls_stream *hearing;
static const sbs_stream *heard_raw;

static sbs_status receive_at(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    if (heard_at != 0) {
        hearing->priv.ssl.MBEDTLS_PRIVATE(state) = heard_at;
    }
    return heard_raw->ops->receive(ctx, buffer, size, out_len);
}

/* Opens towards a peer that says these bytes and nothing else; asks after the stream was closed, as programs do. */
static heard hear(const void *bytes, size_t len, sbs_status end) {
    static uint8_t sent[4096];
    memory_stream memory = {.input = bytes, .input_len = len, .end = end, .output = sent, .output_size = sizeof sent};
    const sbs_tls_config config = {.trust = &both, .explain = sbs_tls_explain_init(&explain)};
    sbs_tls_stream tls;
    sbs_stream raw, stream;
    memory_stream_init(&memory, false, &raw);
    sbs_stream_ops ops = *raw.ops;
    const sbs_stream staged = {&ops, raw.ctx};
    ops.receive = receive_at;
    hearing = &tls;
    heard_raw = &raw;
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &staged, &stream), SBS_OK);

    sbs_status status = SBS_PENDING;
    for (int i = 0; i < 100 && status == SBS_PENDING; i++) {
        status = stream.ops->open(stream.ctx, "localhost", 443, sbs_linux_now());
    }
    stream.ops->close(stream.ctx);
    const heard result = {status, sbs_tls_stream_problem(&tls), sbs_tls_stream_alert(&tls), sbs_tls_stream_words(&tls)};
    sbs_tls_stream_deinit(&tls);
    return result;
}

static heard hear_alert(uint8_t alert) {
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};
    return hear(record, sizeof record, SBS_END);
}

static void each_alert_has_its_own_sentence(void **state) {
    static const char *const names[256] = {
        [10] = "unexpected_message",
        [20] = "bad_record_mac",
        [22] = "record_overflow",
        [40] = "handshake_failure",
        [42] = "bad_certificate",
        [43] = "unsupported_certificate",
        [44] = "certificate_revoked",
        [45] = "certificate_expired",
        [46] = "certificate_unknown",
        [47] = "illegal_parameter",
        [48] = "unknown_ca",
        [49] = "access_denied",
        [50] = "decode_error",
        [51] = "decrypt_error",
        [70] = "protocol_version",
        [71] = "insufficient_security",
        [80] = "internal_error",
        [86] = "inappropriate_fallback",
        [90] = "user_canceled",
        [109] = "missing_extension",
        [110] = "unsupported_extension",
        [112] = "unrecognized_name",
        [113] = "bad_certificate_status_response",
        [115] = "unknown_psk_identity",
        [116] = "certificate_required",
        [120] = "no_application_protocol",
    };
    const char *seen[256] = {0};
    (void)state;
    for (unsigned alert = 1; alert < 256; alert++) {
        heard result = hear_alert((uint8_t)alert);
        assert_int_equal(result.status, SBS_ERR_TLS);
        assert_int_equal(result.alert, alert);
        assert_int_not_equal(result.problem, SBS_TLS_NO_PROBLEM);
        assert_true(result.words[0] != '\0');

        /* Alerts about a certificate that was not sent say only that one is wanted. */
        bool is_named = names[alert] != NULL && result.problem != SBS_TLS_WANTS_CERTIFICATE;
        if (is_named) {
            assert_non_null(strstr(result.words, names[alert]));
            for (unsigned other = 1; other < alert; other++) {
                assert_true(seen[other] == NULL || strcmp(seen[other], result.words) != 0);
            }
            seen[alert] = result.words;
        }
    }
    assert_int_equal(hear_alert(112).problem, SBS_TLS_UNKNOWN_HOST);
    assert_int_equal(hear_alert(116).problem, SBS_TLS_WANTS_CERTIFICATE);
    assert_int_equal(hear_alert(42).problem, SBS_TLS_WANTS_CERTIFICATE);
    assert_int_equal(hear_alert(40).problem, SBS_TLS_NOTHING_COMMON);
    assert_int_equal(hear_alert(70).problem, SBS_TLS_OTHER_VERSION);
    assert_int_equal(hear_alert(200).problem, SBS_TLS_ALERT);
}

/* handshake_failure refuses the client's certificate only where the server's own part is over. */
static void a_failure_before_the_server_is_done_is_not_about_our_certificate(void **state) {
    (void)state;
    heard_at = MBEDTLS_SSL_SERVER_HELLO_DONE;
    assert_int_equal(hear_alert(40).problem, SBS_TLS_NOTHING_COMMON);
    heard_at = MBEDTLS_SSL_SERVER_CHANGE_CIPHER_SPEC;
    assert_int_equal(hear_alert(40).problem, SBS_TLS_WANTS_CERTIFICATE);
    heard_at = 0;
}

static sbs_tls_problem problem_of(const char *text) {
    heard result = hear(text, strlen(text), SBS_END);
    assert_int_equal(result.status, SBS_ERR_TLS);
    assert_string_equal(result.words, sbs_tls_problem_text(result.problem));
    return result.problem;
}

static void what_is_no_tls_is_told(void **state) {
    (void)state;
    assert_int_equal(problem_of("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), SBS_TLS_PLAIN_HTTP);
    assert_int_equal(problem_of("<!DOCTYPE HTML><html>Bad request</html>"), SBS_TLS_PLAIN_HTTP);
    assert_int_equal(problem_of("SSH-2.0-OpenSSH_9.2\r\n"), SBS_TLS_NO_TLS);
    assert_int_equal(problem_of("220 mail.example ESMTP\r\n"), SBS_TLS_NO_TLS);
    /* Records, but none that may come there: application data, a ServerHello that is none. */
    assert_int_equal(hear("\x17\x03\x03\0\x01\0", 6, SBS_END).problem, SBS_TLS_BROKEN_RULES);
    assert_int_equal(hear("\x16\x03\x03\0\x06\x02\0\0\x02\0\0", 11, SBS_END).problem, SBS_TLS_BROKEN_RULES);
    assert_int_equal(hear("\x16\x03\x03\xff\xff\x02", 6, SBS_END).problem, SBS_TLS_BROKEN_RULES);
    /* Nothing, and a record that is cut off, tell nothing. */
    assert_int_equal(hear("", 0, SBS_END).problem, SBS_TLS_NO_PROBLEM);
    assert_int_equal(hear("\x16\x03\x03", 3, SBS_ERR_TRUNCATED).problem, SBS_TLS_NO_PROBLEM);
}

/* ---- servers -------------------------------------------------------------------------------------------------- */

static void check(const char *certificate, const char *version, const sbs_tls_trust *trust, sbs_status status,
                  sbs_tls_problem problem) {
    fixture f = {.config = {.trust = trust, .explain = sbs_tls_explain_init(&explain)}};
    serve(&f, certificate, version, "-cipher", "DEFAULT@SECLEVEL=0");
    prepare(&f);
    assert_int_equal(open_as(&f, "localhost"), status);
    assert_problem(&f.tls, problem);
    release(&f);
}

static void load(sbs_tls_trust *trust, const char *name, size_t skipped_expected) {
    size_t len, skipped = 99;
    char *text = load_certificate(name, &len);
    sbs_tls_trust_init(trust);
    assert_int_equal(sbs_tls_trust_add_pem(trust, text, len, &skipped), SBS_OK);
    assert_int_equal(skipped, skipped_expected);
    free(text);
}

static void what_is_wrong_with_a_chain_is_told(void **state) {
    sbs_tls_trust impostor;
    (void)state;
    load(&impostor, "impostor.crt", 0);
    for (int i = 0; i < 2; i++) {
        check("rsa", versions[i], &both, SBS_OK, SBS_TLS_NO_PROBLEM);
        check("self", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_ROOT_UNKNOWN);
        check("ec", versions[i], &rsa_only, SBS_ERR_UNTRUSTED, SBS_TLS_ISSUER_MISSING);
        check("other", versions[i], &impostor, SBS_ERR_UNTRUSTED, SBS_TLS_ISSUER_UNFIT);
        check("misissued", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_NOT_AN_ISSUER);
        check("long", versions[i], &both, SBS_ERR_TLS, SBS_TLS_CHAIN_TOO_LONG);
        check("client", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_OTHER_USE);
        check("sha1", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_TOO_WEAK);
        check("critical", versions[i], &both, SBS_ERR_TLS, SBS_TLS_CRITICAL_EXTENSION);
        check("other", versions[i], &both, SBS_ERR_WRONG_NAME, SBS_TLS_OTHER_NAME);
        check("nameless", versions[i], &both, SBS_ERR_WRONG_NAME, SBS_TLS_NO_NAMES);
    }
    sbs_tls_trust_deinit(&impostor);
}

static void a_missing_intermediate_is_told(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {.config = {.explain = sbs_tls_explain_init(&explain)}};
        const char *const arguments[] = {"-cert", "rsa.crt", "-key", "rsa.key", "-www", versions[i], NULL};
        serve_with(&f, arguments);
        prepare(&f);
        assert_int_equal(open_as(&f, "localhost"), SBS_ERR_UNTRUSTED);
        assert_problem(&f.tls, SBS_TLS_ISSUER_MISSING);
        assert_non_null(strstr(sbs_tls_stream_words(&f.tls), "intermediate"));
        release(&f);
    }
}

/* What was wrong once is not told of the next connection. */
static void a_new_connection_begins_anew(void **state) {
    fixture f = {.config = {.trust = &self_only, .explain = sbs_tls_explain_init(&explain)}};
    (void)state;
    serve(&f, "other", NULL, NULL, NULL);
    prepare(&f);
    assert_int_equal(open_as(&f, "other.test"), SBS_ERR_UNTRUSTED);
    assert_problem(&f.tls, SBS_TLS_ISSUER_MISSING);
    f.stream.ops->close(f.stream.ctx);
    release(&f);

    fixture g = {.config = {.explain = sbs_tls_explain_init(&explain)}};
    serve(&g, "other", NULL, NULL, NULL);
    prepare(&g);
    assert_int_equal(open_as(&g, "elsewhere.test"), SBS_ERR_WRONG_NAME);
    g.stream.ops->close(g.stream.ctx);
    assert_int_equal(open_as(&g, "other.test"), SBS_OK);
    assert_problem(&g.tls, SBS_TLS_NO_PROBLEM);
    assert_string_equal(sbs_tls_stream_words(&g.tls), "");
    release(&g);
}

static void a_version_that_is_not_spoken_is_told(void **state) {
    fixture f = {.config = {.explain = sbs_tls_explain_init(&explain)}};
    (void)state;
    serve(&f, "rsa", "-tls1_1", NULL, NULL);
    prepare(&f);
    assert_int_equal(open_as(&f, "localhost"), SBS_ERR_TLS);
    assert_problem(&f.tls, SBS_TLS_OTHER_VERSION);
    release(&f);
}

static void suites_that_are_not_common_are_told(void **state) {
    fixture f = {.config = {.explain = sbs_tls_explain_init(&explain)}};
    (void)state;
    serve(&f, "rsa", "-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305");
    prepare(&f);
    assert_int_equal(open_as(&f, "localhost"), SBS_ERR_TLS);
    assert_problem(&f.tls, SBS_TLS_NOTHING_COMMON);
    assert_int_equal(sbs_tls_stream_alert(&f.tls), 40);
    release(&f);
}

/* ---- dates and names ------------------------------------------------------------------------------------------- */

#define DAY_S 86400

/* What is told of a server with this certificate by a machine whose clock is so many days ahead. */
static const char *told(const char *certificate, const char *host, int days, sbs_status status,
                        sbs_tls_problem problem) {
    static char words[SBS_TLS_WORDS_SIZE];
    sbs_tls_trust trust;
    load(&trust, certificate == brief_root ? "root-brief.crt" : "root-rsa.crt", 0);
    fixture f = {.config = {.trust = &trust, .explain = sbs_tls_explain_init(&explain)}};
    serve(&f, certificate, NULL, NULL, NULL);
    prepare(&f);
    f.now.utc_s += (int64_t)days * DAY_S;
    assert_int_equal(open_as(&f, host), status);
    f.stream.ops->close(f.stream.ctx);
    assert_problem(&f.tls, problem);
    (void)snprintf(words, sizeof words, "%s", sbs_tls_stream_words(&f.tls));
    release(&f);
    sbs_tls_trust_deinit(&trust);
    return words;
}

/* "2026-01-31" so many days from a moment. */
static const char *day(int64_t moment, int days) {
    static char text[2][16];
    static unsigned turn;
    char *out = text[++turn % 2];
    struct tm date;
    time_t when = (time_t)(moment + (int64_t)days * DAY_S);
    assert_non_null(gmtime_r(&when, &date));
    assert_int_equal(strftime(out, 16, "%Y-%m-%d", &date), 10);
    return out;
}

/* When the certificates were made, which may be the day before this one. */
static int64_t made_at(void) {
    char path[256];
    struct stat info;
    certificate_path("brief.crt", path, sizeof path);
    assert_int_equal(stat(path, &info), 0);
    return (int64_t)info.st_mtime;
}

/* Tried twice where midnight came between. */
static void assert_date_words(const char *certificate, int days, sbs_tls_problem problem, const char *format,
                              int boundary) {
    char expected[SBS_TLS_WORDS_SIZE];
    const char *words = "";
    for (int i = 0; i < 2; i++) {
        (void)snprintf(expected, sizeof expected, format, day(made_at(), boundary), day(sbs_linux_now().utc_s, days));
        words = told(certificate, "localhost", days, SBS_ERR_CERT_DATE, problem);
        if (strcmp(words, expected) == 0) {
            break;
        }
    }
    assert_string_equal(words, expected);
}

static void whose_date_is_wrong_is_told(void **state) {
    (void)state;
    assert_date_words("brief", 3, SBS_TLS_EXPIRED,
                      "the server's certificate has expired (valid until %s; this machine's clock says %s)", 1);
    assert_date_words(
        "brief-middle", 3, SBS_TLS_EXPIRED,
        "the certificate \"middle-brief.test\", which the server's goes back to, has expired (valid until "
        "%s; this machine's clock says %s)",
        1);
    assert_date_words(brief_root, 3, SBS_TLS_ROOT_EXPIRED,
                      "the trusted root certificate \"root-brief.test\" has expired (valid until %s; this machine's "
                      "clock says %s)",
                      1);
    assert_date_words("brief", -400, SBS_TLS_NOT_YET_VALID,
                      "the trusted root certificate \"root-rsa.test\" is not valid yet (valid from %s; this machine's "
                      "clock says %s)",
                      0);
    assert_string_equal(told("brief", "localhost", 0, SBS_OK, SBS_TLS_NO_PROBLEM), "");
}

static void which_names_a_certificate_has_is_told(void **state) {
    (void)state;
    assert_string_equal(told("other", "localhost", 0, SBS_ERR_WRONG_NAME, SBS_TLS_OTHER_NAME),
                        "the server's certificate is not for host localhost, but for host other.test");
    assert_string_equal(told("other", "::1", 0, SBS_ERR_WRONG_NAME, SBS_TLS_OTHER_NAME),
                        "the server's certificate is not for address ::1, but for host other.test");
    assert_string_equal(told("names", "localhost", 0, SBS_ERR_WRONG_NAME, SBS_TLS_OTHER_NAME),
                        "the server's certificate is not for host localhost, but for host one.test, address 10.1.2.3, "
                        "host two?[31m.test and 2 more");
    /* A wrong name outweighs a wrong date, wherever in the chain that is. */
    assert_string_equal(told("brief", "x.test", 3, SBS_ERR_WRONG_NAME, SBS_TLS_OTHER_NAME),
                        "the server's certificate is not for host x.test, but for host localhost, host *.wild.test, "
                        "address 127.0.0.1 and 1 more");
}

static void a_name_that_its_issuer_may_not_give_is_refused(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        check("outside", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_NAME_NOT_ALLOWED);
        check("excluded", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_NAME_NOT_ALLOWED);
        check("excluded-address", versions[i], &both, SBS_ERR_UNTRUSTED, SBS_TLS_NAME_NOT_ALLOWED);
        check("within", versions[i], &both, SBS_OK, SBS_TLS_NO_PROBLEM);
    }
}

/* ---- bundles -------------------------------------------------------------------------------------------------- */

static void one_certificate_does_not_spoil_a_bundle(void **state) {
    sbs_tls_trust trust;
    (void)state;
    load(&trust, "mixed.pem", 1);
    assert_int_equal(trust.priv.count, 2);
    assert_int_equal(sbs_tls_trust_problem(&trust), SBS_TLS_UNKNOWN_CURVE);
    check("ec", NULL, &trust, SBS_OK, SBS_TLS_NO_PROBLEM);
    check("rsa", NULL, &trust, SBS_OK, SBS_TLS_NO_PROBLEM);
    sbs_tls_trust_deinit(&trust);
}

static void check_useless(char *text, size_t len, sbs_tls_problem problem) {
    sbs_tls_trust trust;
    size_t skipped = 0;
    sbs_tls_trust_init(&trust);
    assert_int_equal(sbs_tls_trust_add_pem(&trust, text, len, &skipped), SBS_ERR_FORMAT);
    assert_int_equal(skipped, problem == SBS_TLS_NO_PROBLEM ? 0 : 1);
    assert_string_equal(sbs_tls_problem_text(sbs_tls_trust_problem(&trust)), sbs_tls_problem_text(problem));
    sbs_tls_trust_deinit(&trust);
    free(text);
}

static char *load_vector(const char *name, size_t *out_len) {
    char path[512];
    (void)snprintf(path, sizeof path, SBS_TEST_DATA_DIR "/vectors/%s", name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 65536);
    assert_non_null(file);
    assert_non_null(text);
    *out_len = fread(text, 1, 65535, file);
    (void)fclose(file);
    return text;
}

static void why_a_root_is_useless_is_told(void **state) {
    size_t len;
    (void)state;
    char *text = load_certificate("critical.crt", &len);
    check_useless(text, len, SBS_TLS_CRITICAL_EXTENSION);
    text = load_certificate("curve.crt", &len);
    check_useless(text, len, SBS_TLS_UNKNOWN_CURVE);
    text = load_vector("root-rsa8192.crt", &len);
#if MBEDTLS_VERSION_MAJOR < 4 /* which does not tell the size from other reasons */
    check_useless(text, len, SBS_TLS_KEY_TOO_LARGE);
#else
    check_useless(text, len, SBS_TLS_UNKNOWN_KEY);
#endif
    text = load_certificate("rsa.key", &len);
    check_useless(text, len, SBS_TLS_NO_PROBLEM);
    text = load_certificate("root-ec.crt", &len);
    memset(text + 200, 'A', 20);
    check_useless(text, len, SBS_TLS_MALFORMED);
}

static void every_problem_has_words(void **state) {
    (void)state;
    assert_string_equal(sbs_tls_problem_text(SBS_TLS_NO_PROBLEM), "");
    for (int i = SBS_TLS_PLAIN_HTTP; i <= SBS_TLS_BROKEN_RULES; i++) {
        assert_true(strlen(sbs_tls_problem_text((sbs_tls_problem)i)) > 10);
    }
    assert_string_equal(sbs_tls_problem_text((sbs_tls_problem)1000), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_alert_has_its_own_sentence),
        cmocka_unit_test(a_failure_before_the_server_is_done_is_not_about_our_certificate),
        cmocka_unit_test(what_is_no_tls_is_told),
        cmocka_unit_test(what_is_wrong_with_a_chain_is_told),
        cmocka_unit_test(a_missing_intermediate_is_told),
        cmocka_unit_test(a_new_connection_begins_anew),
        cmocka_unit_test(a_version_that_is_not_spoken_is_told),
        cmocka_unit_test(suites_that_are_not_common_are_told),
        cmocka_unit_test(whose_date_is_wrong_is_told),
        cmocka_unit_test(which_names_a_certificate_has_is_told),
        cmocka_unit_test(a_name_that_its_issuer_may_not_give_is_refused),
        cmocka_unit_test(one_certificate_does_not_spoil_a_bundle),
        cmocka_unit_test(why_a_root_is_useless_is_told),
        cmocka_unit_test(every_problem_has_words),
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
