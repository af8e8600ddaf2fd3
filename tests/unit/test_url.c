/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/url.h"
#include "test.h"

static sbs_url parsed(const char *text) {
    sbs_url url;
    if (sbs_url_parse(sbs_text_of(text), &url) != SBS_OK) {
        fail_msg("refused: %s", text);
    }
    return url;
}

static void assert_text(sbs_text text, const char *expected) {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void test_parts(void **state) {
    (void)state;
    const sbs_url url = parsed("HTTPS://Fhir.example.org:8443/base/r4?a=1&b=%2F?");
    assert_true(url.https);
    assert_false(url.ipv6);
    assert_false(url.default_port);
    assert_int_equal(url.port, 8443);
    assert_text(url.host, "Fhir.example.org");
    assert_text(url.path, "/base/r4");
    assert_text(url.query, "?a=1&b=%2F?");
}

static void test_absent_parts(void **state) {
    (void)state;
    sbs_url url = parsed("http://h");
    assert_false(url.https);
    assert_true(url.default_port);
    assert_int_equal(url.port, 80);
    assert_null(url.path.ptr);
    assert_null(url.query.ptr);

    url = parsed("https://h?x/y");
    assert_int_equal(url.port, 443);
    assert_null(url.path.ptr);
    assert_text(url.query, "?x/y");

    url = parsed("https://h:443/");
    assert_true(url.default_port);
    assert_text(url.path, "/");
}

static void test_hosts(void **state) {
    (void)state;
    assert_text(parsed("https://10.0.2.2:8443").host, "10.0.2.2");
    assert_text(parsed("https://fhir_server:1/").host, "fhir_server");
    assert_text(parsed("https://3com.example").host, "3com.example");
    assert_text(parsed("https://1.2.3.4.example").host, "1.2.3.4.example");

    const sbs_url url = parsed("https://[2001:db8::1]:444/x");
    assert_true(url.ipv6);
    assert_text(url.host, "2001:db8::1");
    assert_int_equal(url.port, 444);

    static const char *const good[] = {
        "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "64:ff9b::a00:202", "fe80::ABCD"};
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        char text[80] = "https://[";
        strcat(strcat(text, good[i]), "]");
        assert_text(parsed(text).host, good[i]);
    }
}

static const char *const refused_urls[] = {
    "",
    "h",
    "//h/",
    "/x",
    "ftp://h/",
    "https:/h",
    "https:h",
    "https://",
    "https:///x",
    "https://?x",
    " https://h",
    "https://h ",
    "https://h/#f",
    "https://h#f",
    "https://user@h/",
    "https://user:pw@h/",
    "https://h@/",
    "https://h:",
    "https://h:/",
    "https://h:0",
    "https://h:65536",
    "https://h:000443",
    "https://h:-1",
    "https://h:4a",
    "https://h:+4",
    "https://h:4:4",
    "https://h/%",
    "https://h/%1",
    "https://h/%1g",
    "https://h/a b",
    "https://h/\t",
    "https://h/\r\n",
    "https://h/\"",
    "https://h/<",
    "https://h/\\",
    "https://h/^",
    "https://h/`",
    "https://h/{",
    "https://h/|",
    "https://h/\x7f",
    "https://h/\xc3\xa9",
    "https://h/?%zz",
    "https://h/[",
    "https://.h",
    "https://h..i",
    "https://h.",
    "https://h%41",
    "https://h\\",
    "https://h!",
    "https://a,b",
    "https://127.1",
    "https://2130706433",
    "https://0x7f.1",
    "https://0x7f000001",
    "https://1.2.3.256",
    "https://1.2.3.04",
    "https://1.2.3",
    "https://1.2.3.4.5",
    "https://[",
    "https://[]",
    "https://[::1",
    "https://[::1]x",
    "https://[::1]8",
    "https://[::1]:",
    "https://::1",
    "https://[1:2:3:4:5:6:7]",
    "https://[1:2:3:4:5:6:7:8:9]",
    "https://[1::2::3]",
    "https://[:::]",
    "https://[1:2:3:4:5:6:7:8::]",
    "https://[:1]",
    "https://[1:]",
    "https://[12345::]",
    "https://[g::]",
    "https://[::1%25eth0]",
    "https://[fe80::1%eth0]",
    "https://[v1.x]",
    "https://[1.2.3.4]",
    "https://[::ffff:1.2.3.4]",
    "https://[::1:]",
    "https://[1:::2]",
    "https://[::1::]",
    "https://[::1.2.3]",
    "https://[1.2.3.4::]",
    "https://[1:2:3:4:5:6:7:1.2.3.4]",
    "https://h/\x01",
    "httpss://h",
    "http//h",
};

static void test_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(refused_urls); i++) {
        sbs_url url;
        if (sbs_url_parse(sbs_text_of(refused_urls[i]), &url) != SBS_ERR_URL) {
            fail_msg("not refused: %s", refused_urls[i]);
        }
    }
    sbs_url url;
    assert_int_equal(sbs_url_parse((sbs_text){NULL, 0}, &url), SBS_ERR_URL);
    assert_int_equal(sbs_url_parse((sbs_text){"https://h/\0", 11}, &url), SBS_ERR_URL);
    assert_int_equal(sbs_url_parse((sbs_text){"https://h\0i/", 12}, &url), SBS_ERR_URL);
}

/* https://<label>.<label>. ... of @p len bytes in all, labels of 63. */
static sbs_status parse_long_host(size_t len, size_t label_max) {
    char text[600] = "https://";
    for (size_t i = 0; i < len; i++) {
        text[8 + i] = i % (label_max + 1) == label_max ? '.' : 'a';
    }
    sbs_url url;
    return sbs_url_parse((sbs_text){text, 8 + len}, &url);
}

static void test_length_limits(void **state) {
    (void)state;
    assert_int_equal(parse_long_host(253, 63), SBS_OK);
    assert_int_equal(parse_long_host(254, 63), SBS_ERR_URL);
    assert_int_equal(parse_long_host(63, 63), SBS_OK);
    assert_int_equal(parse_long_host(64, 64), SBS_ERR_URL);
    assert_int_equal(parse_long_host(500, 63), SBS_ERR_URL);
    char path[5000];
    memset(path, 'x', sizeof path);
    memcpy(path, "https://h/", 10);
    sbs_url url;
    assert_int_equal(sbs_url_parse((sbs_text){path, sizeof path}, &url), SBS_OK);
    assert_int_equal(url.path.len, sizeof path - 9);
}

static void a_url_of_more_than_8000_octets_is_none(void **state) {
    char text[SBS_URL_MAX + 1];
    char out[2 * SBS_URL_MAX];
    sbs_url url;
    size_t len;
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "https://h/", 10);
    assert_int_equal(sbs_url_parse((sbs_text){text, 8000}, &url), SBS_OK);
    assert_int_equal(sbs_url_parse((sbs_text){text, 8001}, &url), SBS_ERR_URL);
    /* nor does one become one together with its base */
    sbs_text base = sbs_text_of("https://h/r4");
    assert_int_equal(sbs_url_resolve(base, (sbs_text){text + 10, 8000 - 13}, out, sizeof out, &len), SBS_OK);
    assert_int_equal(len, 8000);
    assert_int_equal(sbs_url_resolve(base, (sbs_text){text + 10, 8000 - 12}, out, sizeof out, &len), SBS_ERR_URL);
}

static void test_loopback(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {
        {"http://localhost", true},          {"http://LOCALHOST:1/x", true}, {"http://127.0.0.1", true},
        {"http://127.255.3.4/", true},       {"http://[::1]:80", true},      {"http://localhost.example", false},
        {"http://127.0.0.1.example", false}, {"http://128.0.0.1", false},    {"http://[::2]", false},
        {"http://10.127.0.1", false},        {"http://127.0.0.x1", false},   {"http://xlocalhost", false},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        const sbs_url url = parsed(rows[i].text);
        assert_int_equal(sbs_url_is_loopback(&url), rows[i].loopback);
    }
}

static void assert_host_field(const char *text, const char *expected) {
    char buffer[300];
    sbs_writer out;
    sbs_writer_init(&out, buffer, sizeof buffer);
    const sbs_url url = parsed(text);
    sbs_url_put_host(&out, &url);
    size_t len = 0;
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    assert_text((sbs_text){buffer, len}, expected);
}

static void test_host_field(void **state) {
    (void)state;
    assert_host_field("https://h/x", "h");
    assert_host_field("https://h:443/x", "h");
    assert_host_field("http://h:443/x", "h:443");
    assert_host_field("https://[::1]:8443/x", "[::1]:8443");
}

static void test_host_of_a_forged_structure_cannot_inject(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char host[3] = {'a', (char)byte, 'b'};
        char buffer[100];
        sbs_writer out;
        sbs_writer_init(&out, buffer, sizeof buffer);
        sbs_url url = parsed("https://h/");
        url.host = (sbs_text){host, 3};
        sbs_url_put_host(&out, &url);
        const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_';
        assert_int_equal(sbs_writer_finish(&out, NULL), plain ? SBS_OK : SBS_ERR_URL);
    }
}

static void assert_resolved(const char *base, const char *reference, const char *expected) {
    char buffer[400];
    size_t len = 0;
    const sbs_status status = sbs_url_resolve(sbs_text_of(base), sbs_text_of(reference), buffer, sizeof buffer, &len);
    if (status != SBS_OK) {
        fail_msg("%s + %s: %d", base, reference, (int)status);
    }
    assert_text((sbs_text){buffer, len}, expected);
    sbs_url url;
    assert_int_equal(sbs_url_parse((sbs_text){buffer, len}, &url), SBS_OK);
}

static void test_resolve(void **state) {
    (void)state;
    assert_resolved("https://h/fhir", "token", "https://h/fhir/token");
    assert_resolved("https://h/fhir/", "token", "https://h/fhir/token");
    assert_resolved("https://h", "token", "https://h/token");
    assert_resolved("https://h:8443/fhir?x=1", "/auth/token?y=/../2", "https://h:8443/auth/token?y=/../2");
    assert_resolved("https://h/fhir", "?q", "https://h/fhir/?q");
    assert_resolved("https://h/fhir", "//other:444/token", "https://other:444/token");
    assert_resolved("http://h/fhir", "//other", "http://other");
    assert_resolved("https://h/fhir", "https://auth.example/a/../token", "https://auth.example/a/../token");
    assert_resolved("https://h/fhir", "HTTP://auth.example", "HTTP://auth.example");
    assert_resolved("https://[::1]:1/fhir", "./a:b/c", "https://[::1]:1/fhir/a:b/c");
}

/* RFC 3986 section 5.4, base "http://a/b/c/d;p?q" read as the directory "http://a/b/c/d;p/". */
static const char *const rfc3986_rows[][2] = {
    {"g", "http://a/b/c/d;p/g"},
    {"./g", "http://a/b/c/d;p/g"},
    {"g/", "http://a/b/c/d;p/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p/?y"},
    {"g?y", "http://a/b/c/d;p/g?y"},
    {";x", "http://a/b/c/d;p/;x"},
    {"g;x=1/../y", "http://a/b/c/d;p/y"},
    {".", "http://a/b/c/d;p/"},
    {"./", "http://a/b/c/d;p/"},
    {"..", "http://a/b/c/"},
    {"../", "http://a/b/c/"},
    {"../g", "http://a/b/c/g"},
    {"../../g", "http://a/b/g"},
    {"../../../../g", "http://a/g"},
    {"../../../../../../..", "http://a/"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/d;p/g."},
    {".g", "http://a/b/c/d;p/.g"},
    {"g..", "http://a/b/c/d;p/g.."},
    {"..g", "http://a/b/c/d;p/..g"},
    {"./../g", "http://a/b/c/g"},
    {"./g/.", "http://a/b/c/d;p/g/"},
    {"g/./h", "http://a/b/c/d;p/g/h"},
    {"g/../h", "http://a/b/c/d;p/h"},
    {"g?y/./x", "http://a/b/c/d;p/g?y/./x"},
    {"g?y/../x", "http://a/b/c/d;p/g?y/../x"},
    {"/..//g", "http://a//g"},
    {"a//../b", "http://a/b/c/d;p/a/b"},
    {"%2e%2e/g", "http://a/b/c/d;p/%2e%2e/g"},
    {"http:", NULL},
    {"http:g", NULL},
    {"g:h", NULL},
    {"mailto:x@h", NULL},
    {"ftp://a/", NULL},
    {"http://u@a/", NULL},
    {"", NULL},
    {"#s", NULL},
    {"g#s", NULL},
    {"//", NULL},
    {"///g", NULL},
    {"//u@g", NULL},
    {"g h", NULL},
    {"g\r\nHost: x", NULL},
    {"%", NULL},
    {"\\\\g", NULL},
};

static void test_resolve_rfc3986(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rfc3986_rows); i++) {
        if (rfc3986_rows[i][1] != NULL) {
            assert_resolved("http://a/b/c/d;p?q", rfc3986_rows[i][0], rfc3986_rows[i][1]);
            continue;
        }
        char buffer[100];
        size_t len = 0;
        if (sbs_url_resolve(sbs_text_of("http://a/b/c/d;p?q"), sbs_text_of(rfc3986_rows[i][0]), buffer, sizeof buffer,
                            &len) != SBS_ERR_URL) {
            fail_msg("not refused: %s", rfc3986_rows[i][0]);
        }
    }
    char buffer[100];
    size_t len = 0;
    assert_int_equal(sbs_url_resolve(sbs_text_of("a/b"), sbs_text_of("c"), buffer, sizeof buffer, &len), SBS_ERR_URL);
}

/* The size that is told suffices, and one byte less does not. */
static void test_resolve_sizes(void **state) {
    (void)state;
    static const char *const references[] = {"token", "/t?q", "//g/x", "https://h/long/url", "a/../b?q"};
    for (size_t i = 0; i < SBS_COUNT_OF(references); i++) {
        char buffer[100];
        const sbs_text base = sbs_text_of("https://h/fhir");
        const sbs_text reference = sbs_text_of(references[i]);
        size_t need = 0;
        size_t len = 0;
        size_t size = 0;
        while (sbs_url_resolve(base, reference, buffer, size, &need) == SBS_ERR_BUFFER) {
            assert_true(need > size);
            size++;
        }
        assert_int_equal(sbs_url_resolve(base, reference, buffer, size, &len), SBS_OK);
        assert_true(len <= size && size <= base.len + 1 + reference.len);
        memset(buffer, '#', sizeof buffer);
        assert_int_equal(sbs_url_resolve(base, reference, buffer, size - 1, &len), SBS_ERR_BUFFER);
        assert_int_equal(buffer[size - 1], '#');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_absent_parts),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_length_limits),
        cmocka_unit_test(a_url_of_more_than_8000_octets_is_none),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_host_field),
        cmocka_unit_test(test_host_of_a_forged_structure_cannot_inject),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_resolve_rfc3986),
        cmocka_unit_test(test_resolve_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
