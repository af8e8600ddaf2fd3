/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints against names, both written byte by byte: certificates that nobody would issue are among them. */
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/tls_constraints.h"
#include "test.h"

#define DNS 2
#define IP 7
#define DIRECTORY 4

/* ---- certificates of two parts: constraints, and names ---------------------------------------------------------- */

typedef struct bytes {
    uint8_t data[8192];
    size_t len;
} bytes;

static void put(bytes *out, const void *data, size_t len) {
    assert_true(out->len + len <= sizeof out->data);
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

static void put_element(bytes *out, unsigned tag, const void *content, size_t len) {
    const uint8_t header[] = {(uint8_t)tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};
    put(out, header, sizeof header);
    put(out, content, len);
}

static void put_subtree(bytes *out, unsigned kind, const void *base, size_t len) {
    bytes inner = {.len = 0};
    put_element(&inner, 0x80 | kind, base, len);
    put_element(out, 0x30, inner.data, inner.len);
}

static void put_domain(bytes *out, const char *domain) {
    put_subtree(out, DNS, domain, strlen(domain));
}

static void put_network(bytes *out, const char *network, size_t len) {
    put_subtree(out, IP, network, len);
}

/* The extension, not critical, in the list of all; either list may be empty. */
static bytes constraints_of(const bytes *permitted, const bytes *excluded) {
    bytes lists = {.len = 0}, value = {.len = 0}, extension = {.len = 0}, all = {.len = 0}, outer = {.len = 0};
    if (permitted->len != 0) {
        put_element(&lists, 0xA0, permitted->data, permitted->len);
    }
    if (excluded->len != 0) {
        put_element(&lists, 0xA1, excluded->data, excluded->len);
    }
    put_element(&value, 0x30, lists.data, lists.len);
    put_element(&extension, 0x06, "\x55\x1d\x1e", 3);
    put_element(&extension, 0x04, value.data, value.len);
    put_element(&all, 0x30, extension.data, extension.len);
    put_element(&outer, 0x30, all.data, all.len);
    return outer;
}

/* A chain of two: does the issuer with these extensions allow this name? In memory of just that size, so that a look
 * beyond shows. */
static bool allows(const bytes *extensions, unsigned kind, const char *name, size_t len) {
    sbs_tls_constraints constraints = {0};
    mbedtls_x509_crt issuer, server;
    mbedtls_x509_crt_init(&issuer);
    mbedtls_x509_crt_init(&server);
    uint8_t *copy = malloc(extensions->len + 1);
    assert_non_null(copy);
    memcpy(copy, extensions->data, extensions->len);
    uint8_t *tight = realloc(copy, extensions->len > 0 ? extensions->len : 1);
    assert_non_null(tight);

    issuer.v3_ext = (mbedtls_x509_buf){.p = tight, .len = extensions->len};
    server.subject_alt_names.buf =
        (mbedtls_x509_buf){.tag = (int)(0x80 | kind), .p = (uint8_t *)(uintptr_t)name, .len = len};
    assert_true(sbs_tls_constraints_allow(&constraints, &issuer, 1));
    bool allowed = sbs_tls_constraints_allow(&constraints, &server, 0);
    /* What it said holds for its own chain only. */
    assert_true(sbs_tls_constraints_allow(&constraints, &server, 0));
    free(tight);
    return allowed;
}

static const bytes nothing = {.len = 0};

static bool permits_host(const char *domain, const char *host) {
    bytes list = {.len = 0};
    put_domain(&list, domain);
    bytes all = constraints_of(&list, &nothing);
    return allows(&all, DNS, host, strlen(host));
}

static bool excludes_host(const char *domain, const char *host) {
    bytes list = {.len = 0};
    put_domain(&list, domain);
    bytes all = constraints_of(&nothing, &list);
    return !allows(&all, DNS, host, strlen(host));
}

/* ---- what RFC 5280 says ------------------------------------------------------------------------------------------ */

static void a_domain_holds_itself_and_what_is_below(void **state) {
    (void)state;
    assert_true(permits_host("example.com", "example.com"));
    assert_true(permits_host("example.com", "a.b.EXAMPLE.com"));
    assert_true(permits_host("example.com", "*.example.com"));
    assert_true(permits_host("", "anything.test"));
    assert_true(permits_host(".example.com", "a.example.com"));
    assert_false(permits_host(".example.com", "example.com"));
    assert_false(permits_host("example.com", "badexample.com"));
    assert_false(permits_host("example.com", "example.com.evil.test"));
    assert_false(permits_host("example.com", "com"));
    assert_false(permits_host("example.com", ""));
    assert_false(permits_host("a.example.com", "*.example.com"));
}

static void an_excluded_domain_holds_more_than_it_must(void **state) {
    (void)state;
    assert_true(excludes_host("example.com", "example.com"));
    assert_true(excludes_host("example.com", "a.example.com"));
    assert_true(excludes_host("example.com", "a.example.com."));
    assert_true(excludes_host("example.com.", "example.com"));
    assert_true(excludes_host("a.example.com", "*.example.com"));
    assert_true(excludes_host("", "anything.test"));
    assert_false(excludes_host("example.com", "badexample.com"));
    assert_false(excludes_host("a.example.com", "b.example.com"));
    assert_false(excludes_host("a.example.com", "example.com"));
}

static void a_network_holds_its_addresses(void **state) {
    bytes v4 = {.len = 0}, both = {.len = 0};
    (void)state;
    put_network(&v4, "\x0a\x01\x00\x00\xff\xff\x00\x00", 8);
    bytes all = constraints_of(&v4, &nothing);
    assert_true(allows(&all, IP, "\x0a\x01\x02\x03", 4));
    assert_false(allows(&all, IP, "\x0a\x02\x02\x03", 4));
    assert_false(allows(&all, IP, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03", 16));
    assert_false(allows(&all, IP, "\x0a\x01\x02", 3));
    /* A list of networks says nothing of hosts. */
    assert_true(allows(&all, DNS, "any.test", 8));

    put_network(&both, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0", 32);
    all = constraints_of(&v4, &both);
    assert_true(allows(&all, IP, "\x0a\x01\x02\x03", 4));
    assert_false(allows(&all, IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16));
    all = constraints_of(&nothing, &both);
    assert_true(allows(&all, IP, "\x20\x01\x0d\xb9\0\0\0\0\0\0\0\0\0\0\0\1", 16));
}

static void what_is_excluded_is_so_within_what_is_permitted(void **state) {
    bytes permitted = {.len = 0}, excluded = {.len = 0};
    (void)state;
    put_domain(&permitted, "one.test");
    put_domain(&permitted, "two.test");
    put_domain(&excluded, "no.two.test");
    bytes all = constraints_of(&permitted, &excluded);
    assert_true(allows(&all, DNS, "one.test", 8));
    assert_true(allows(&all, DNS, "two.test", 8));
    assert_false(allows(&all, DNS, "no.two.test", 11));
    assert_false(allows(&all, DNS, "three.test", 10));
    /* Names of other kinds are not looked at. */
    assert_true(allows(&all, 1, "a@three.test", 12));
}

static void every_issuer_and_every_name_counts(void **state) {
    sbs_tls_constraints constraints = {0};
    mbedtls_x509_crt root, middle, server;
    bytes first = {.len = 0}, second = {.len = 0};
    (void)state;
    put_domain(&first, "a.test");
    put_domain(&second, "b.a.test");
    bytes of_root = constraints_of(&first, &nothing);
    bytes of_middle = constraints_of(&nothing, &second);
    mbedtls_x509_crt_init(&root);
    mbedtls_x509_crt_init(&middle);
    mbedtls_x509_crt_init(&server);
    root.v3_ext = (mbedtls_x509_buf){.p = of_root.data, .len = of_root.len};
    middle.v3_ext = (mbedtls_x509_buf){.p = of_middle.data, .len = of_middle.len};

    static char *const names[] = {"x.a.test", "b.a.test", "x.test"};
    for (unsigned i = 0; i < SBS_COUNT_OF(names); i++) {
        mbedtls_x509_sequence last = {.buf = {.tag = 0x82, .p = (uint8_t *)names[i], .len = strlen(names[i])}};
        server.subject_alt_names =
            (mbedtls_x509_sequence){.buf = {.tag = 0x82, .p = (uint8_t *)names[0], .len = 8}, .next = &last};
        assert_true(sbs_tls_constraints_allow(&constraints, &root, 2));
        assert_true(sbs_tls_constraints_allow(&constraints, &middle, 1));
        assert_int_equal(sbs_tls_constraints_allow(&constraints, &server, 0), i == 0);
    }

    /* An issuer's own names are under those above it. */
    middle.subject_alt_names.buf = (mbedtls_x509_buf){.tag = 0x82, .p = (uint8_t *)names[2], .len = 6};
    assert_true(sbs_tls_constraints_allow(&constraints, &root, 2));
    assert_false(sbs_tls_constraints_allow(&constraints, &middle, 1));
}

/* ---- what nobody would issue ------------------------------------------------------------------------------------- */

static void subtrees_that_are_none_allow_nothing(void **state) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\x30\x00", 2}, /* without a base */
        {"\x30\x06\x82\x01"
         "a\x80\x01\x01",
         8}, /* a minimum */
        {"\x30\x06\x82\x01"
         "a\x81\x01\x09",
         8},                                 /* a maximum */
        {"\x30\x05\x87\x03\x0a\x00\x00", 7}, /* a network of three bytes */
        {"\x30\x02\x87\x00", 4},             /* and of none */
        {"\x30\x03\x02\x01"
         "a",
         5}, /* a number */
        {"\x31\x03\x82\x01"
         "a",
         5},                             /* a set */
        {"\x30\x84\xff\xff\xff\xff", 6}, /* longer than everything */
        {"\x30", 1},
        {"\0", 1},
    };
    (void)state;
    for (unsigned i = 0; i < SBS_COUNT_OF(bad); i++) {
        bytes list = {.len = 0};
        put(&list, bad[i].bytes, bad[i].len);
        bytes all = constraints_of(&list, &nothing);
        assert_false(allows(&all, DNS, "a", 1));
        all = constraints_of(&nothing, &list);
        assert_false(allows(&all, DNS, "b", 1));
        assert_false(allows(&all, IP, "\x7f\0\0\1", 4));
    }

    /* The two lists in the other order, and something after them. */
    bytes list = {.len = 0}, lists = {.len = 0};
    put_domain(&list, "a.test");
    put_element(&lists, 0xA1, list.data, list.len);
    put_element(&lists, 0xA0, list.data, list.len);
    bytes value = {.len = 0}, extension = {.len = 0}, all = {.len = 0}, outer = {.len = 0};
    put_element(&value, 0x30, lists.data, lists.len);
    put_element(&extension, 0x06, "\x55\x1d\x1e", 3);
    put_element(&extension, 0x04, value.data, value.len);
    put_element(&all, 0x30, extension.data, extension.len);
    put_element(&outer, 0x30, all.data, all.len);
    assert_false(allows(&outer, DNS, "b.test", 6));
}

static void constraints_of_another_kind_change_nothing(void **state) {
    bytes list = {.len = 0};
    (void)state;
    put_subtree(&list, DIRECTORY | 0x20, "\x30\x00", 2);
    bytes all = constraints_of(&list, &nothing);
    assert_true(allows(&all, DNS, "a.test", 6));
    all = constraints_of(&nothing, &nothing);
    assert_true(allows(&all, DNS, "a.test", 6));
    assert_true(allows(&nothing, DNS, "a.test", 6));
}

static void so_many_subtrees_that_it_would_take_long_allow_nothing(void **state) {
    static mbedtls_x509_sequence names[600];
    sbs_tls_constraints constraints = {0};
    mbedtls_x509_crt issuer, server;
    bytes list = {.len = 0};
    (void)state;
    for (unsigned i = 0; i < 800; i++) {
        put(&list, "\x30\x03\x82\x01z", 5);
    }
    bytes all = constraints_of(&nothing, &list);
    mbedtls_x509_crt_init(&issuer);
    mbedtls_x509_crt_init(&server);
    issuer.v3_ext = (mbedtls_x509_buf){.p = all.data, .len = all.len};
    for (unsigned i = 0; i < 600; i++) {
        names[i] = (mbedtls_x509_sequence){.buf = {.tag = 0x82, .p = (uint8_t *)(uintptr_t) "a", .len = 1}};
        names[i].next = i + 1 < 600 ? &names[i + 1] : NULL;
    }

    server.subject_alt_names = names[300];
    assert_true(sbs_tls_constraints_allow(&constraints, &issuer, 1));
    assert_true(sbs_tls_constraints_allow(&constraints, &server, 0));
    server.subject_alt_names = names[0];
    assert_true(sbs_tls_constraints_allow(&constraints, &issuer, 1));
    assert_false(sbs_tls_constraints_allow(&constraints, &server, 0));
}

static void a_chain_of_too_many_is_refused(void **state) {
    sbs_tls_constraints constraints = {0};
    mbedtls_x509_crt issuer;
    bytes list = {.len = 0};
    (void)state;
    put_domain(&list, "a.test");
    bytes all = constraints_of(&list, &nothing);
    mbedtls_x509_crt_init(&issuer);
    issuer.v3_ext = (mbedtls_x509_buf){.p = all.data, .len = all.len};
    for (int depth = 20; depth > 10; depth--) {
        assert_true(sbs_tls_constraints_allow(&constraints, &issuer, depth));
    }
    assert_false(sbs_tls_constraints_allow(&constraints, &issuer, 10));
}

/* Every byte with every value, and every length: nothing is read beyond, and what is still well formed is obeyed. */
static void damaged_constraints_are_read_within_their_bounds(void **state) {
    bytes permitted = {.len = 0}, excluded = {.len = 0};
    (void)state;
    put_domain(&permitted, "a.test");
    put_network(&permitted, "\x0a\x01\x00\x00\xff\xff\x00\x00", 8);
    put_domain(&excluded, "b.a.test");
    const bytes whole = constraints_of(&permitted, &excluded);
    for (size_t len = 0; len < whole.len; len++) {
        bytes cut = whole;
        cut.len = len;
        (void)allows(&cut, DNS, "x.a.test", 8);
    }
    for (size_t at = 0; at < whole.len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            bytes changed = whole;
            changed.data[at] = (uint8_t)value;
            (void)allows(&changed, DNS, "x.a.test", 8);
            (void)allows(&changed, IP, "\x0a\x01\x02\x03", 4);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_holds_itself_and_what_is_below),
        cmocka_unit_test(an_excluded_domain_holds_more_than_it_must),
        cmocka_unit_test(a_network_holds_its_addresses),
        cmocka_unit_test(what_is_excluded_is_so_within_what_is_permitted),
        cmocka_unit_test(every_issuer_and_every_name_counts),
        cmocka_unit_test(subtrees_that_are_none_allow_nothing),
        cmocka_unit_test(constraints_of_another_kind_change_nothing),
        cmocka_unit_test(so_many_subtrees_that_it_would_take_long_allow_nothing),
        cmocka_unit_test(a_chain_of_too_many_is_refused),
        cmocka_unit_test(damaged_constraints_are_read_within_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
