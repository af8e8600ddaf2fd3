/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's own certificates: when they are made and renewed, what they say, and who accepts them. */
#include "sbs/gateway_ca.h"

#include <mbedtls/pem.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "test_folder.h"

#define DAY INT64_C(86400)
#define YEAR (365 * DAY)

static char *folder;
static sbs_gateway_ca ca;
static sbs_now now;
static const char *hosts[SBS_GATEWAY_CA_HOSTS_MAX + 1];
static sbs_gateway_ca_config config;
static bool changed;
static unsigned keys_made, keys_starved; /* the one for which there is no memory; 0: none */

psa_status_t __real_psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *out_id);
psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *out_id);

psa_status_t __wrap_psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *out_id) {
    if (++keys_made == keys_starved) {
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    }
    return __real_psa_generate_key(attributes, out_id);
}

static int set_up(void **state) {
    (void)state;
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    folder = test_folder_make(NULL);
    memset(&ca, 0, sizeof ca);
    now = (sbs_now){.mono_ms = 1, .utc_s = sbs_linux_build_time() + 10 * DAY};
    hosts[0] = "192.168.8.1";
    hosts[1] = "gw.clinic.example";
    hosts[2] = "fd00::17";
    config = (sbs_gateway_ca_config){
        .folder = folder, .name = "clinic-12", .hosts = hosts, .host_count = 3, .clock_known = true};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static sbs_status keep(void) {
    return sbs_gateway_ca_keep(&ca, &config, now, &changed);
}

static void assert_kept(bool expected) {
    assert_int_equal(keep(), SBS_OK);
    assert_int_equal(changed, expected);
}

static char *load(const char *name) {
    size_t len;
    return test_folder_load(folder, name, &len);
}

static void write_file(const char *name, const char *text) {
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* What openssl says of a file in the folder. */
static char *openssl(const char *command) {
    char line[700];
    (void)snprintf(line, sizeof line, "(openssl %s) > out.txt 2>&1", command);
    char *arguments[] = {"sh", "-c", line, NULL};
    int status = test_program_wait(test_program_start(folder, NULL, arguments));
    char *text = load("out.txt");
    if (status != 0) {
        print_error("%s: %s\n", command, text);
    }
    assert_int_equal(status, 0);
    return text;
}

static void assert_says(const char *command, const char *part) {
    char *text = openssl(command);
    if (strstr(text, part) == NULL) {
        print_error("%s\n does not say %s\n", text, part);
    }
    assert_non_null(strstr(text, part));
    free(text);
}

static void assert_private(const char *name) {
    char path[300];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void test_both_are_made_at_the_first_start(void **state) {
    (void)state;
    assert_kept(true);
    assert_private("ca-root.pem");
    assert_private("ca-leaf.pem");
    assert_int_equal(ca.leaf_from_s, now.utc_s - DAY);
    assert_int_equal(ca.leaf_until_s, now.utc_s + 90 * DAY);
    assert_in_range(ca.leaf_renewal_s - now.utc_s, 59 * DAY, 60 * DAY);
    assert_int_equal(ca.root_until_s, now.utc_s + 3650 * DAY);
    assert_kept(false);
    static const char *const names[] = {"DNS:clinic-12\n", "DNS:clinic-12.local,", "IP Address:192.168.8.1,",
                                        "DNS:gw.clinic.example,", "IP Address:FD00:0:0:0:0:0:0:17,"};
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        assert_says("x509 -in ca-leaf.pem -noout -text", names[i]);
    }
    assert_says("x509 -in ca-leaf.pem -noout -text", "TLS Web Server Authentication");
    assert_says("x509 -in ca-leaf.pem -noout -text", "prime256v1");
    assert_says("x509 -in ca-root.pem -noout -text", "DNS:gw.clinic.example");
    assert_says("x509 -in ca-root.pem -noout -text", "IP:10.0.0.0/255.0.0.0");
    assert_says("x509 -in ca-root.pem -noout -text", "IP:172.16.0.0/255.240.0.0");
    assert_says("x509 -in ca-root.pem -noout -text", "IP:192.168.8.1/255.255.255.255");
    assert_says("x509 -in ca-root.pem -noout -text", "CA:TRUE, pathlen:0");
    /* A strict verifier wants key identifiers, too. */
    assert_says("verify -no_check_time -x509_strict -check_ss_sig -purpose sslserver -CAfile ca-root.pem ca-leaf.pem",
                "OK");
    assert_says("verify -no_check_time -x509_strict -verify_ip 192.168.8.1 -CAfile ca-root.pem ca-leaf.pem", "OK");
}

static void test_the_root_is_printed_without_its_key(void **state) {
    (void)state;
    sbs_linux_blob pem;
    assert_int_equal(sbs_gateway_ca_root(folder, &pem), SBS_ERR_NOT_FOUND);
    assert_kept(true);
    assert_int_equal(sbs_gateway_ca_root(folder, &pem), SBS_OK);
    assert_memory_equal(pem.data, "-----BEGIN CERTIFICATE-----\n", 28);
    assert_null(strstr(pem.data, "PRIVATE"));
    assert_int_equal(pem.len, strlen(pem.data));
    sbs_linux_blob_free(&pem);
    char *root = load("ca-root.pem");
    char *turned = malloc(2 * strlen(root) + 1);
    assert_non_null(turned);
    char *certificate = strstr(root, "-----BEGIN CERTIFICATE");
    (void)sprintf(turned, "%s%.*s", certificate, (int)(certificate - root), root);
    write_file("ca-root.pem", turned); /* the key behind it */
    assert_int_equal(sbs_gateway_ca_root(folder, &pem), SBS_ERR_DAMAGED);
    assert_null(pem.data);
    free(root);
    free(turned);
}

static void test_the_leaf_is_renewed_at_two_thirds_and_the_root_stays(void **state) {
    (void)state;
    assert_kept(true);
    char *root = load("ca-root.pem");
    char *first = load("ca-leaf.pem");
    now.utc_s = ca.leaf_renewal_s - 1;
    assert_kept(false);
    now.utc_s++;
    assert_kept(true);
    assert_kept(false);
    assert_int_equal(ca.leaf_until_s, now.utc_s + 90 * DAY);
    char *second = load("ca-leaf.pem");
    char *same = load("ca-root.pem");
    assert_string_not_equal(first, second);
    assert_memory_not_equal(first, second, 200); /* the key is a new one */
    assert_string_equal(root, same);
    for (unsigned i = 0; i < 60; i++) { /* nine years, each time that it is due */
        now.utc_s = ca.leaf_renewal_s;
        if (now.utc_s < ca.root_until_s - 90 * DAY) {
            assert_kept(true);
        }
    }
    free(root);
    free(first);
    free(second);
    free(same);
}

static void test_the_leaf_is_renewed_when_hosts_change(void **state) {
    (void)state;
    assert_kept(true);
    hosts[0] = "10.1.2.3";
    assert_kept(true);
    assert_kept(false);
    config.host_count = 2;
    assert_kept(true);
    hosts[2] = hosts[0]; /* the same one twice is one */
    config.host_count = 3;
    assert_kept(false);
    hosts[2] = "printer.local";
    assert_kept(true);
    config.clock_known = false; /* that needs no clock */
    hosts[2] = "192.168.1.1";
    assert_kept(true);
}

static void test_a_host_outside_of_the_root_is_told(void **state) {
    (void)state;
    assert_kept(true);
    char *before = load("ca-leaf.pem");
    static const char *const bad[] = {"www.example.com", "8.8.8.8", "2001:db8::1"};
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        hosts[2] = bad[i];
        assert_int_equal(keep(), SBS_ERR_WRONG_NAME);
        assert_false(changed);
    }
    char *after = load("ca-leaf.pem");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Who has the root's key has nothing to gain from it elsewhere. */
static void test_openssl_refuses_what_the_root_may_not_vouch_for(void **state) {
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {{"DNS:www.example.com", "permitted subtree violation"},
                 {"IP:8.8.8.8", "permitted subtree violation"},
                 {"DNS:other.local", "foreign.pem: OK"},
                 {"IP:192.168.77.1", "foreign.pem: OK"}};
    config.clock_known = false; /* valid for long */
    assert_kept(true);
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char command[600];
        (void)snprintf(
            command, sizeof command,
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout foreign.key -subj /CN=x "
            "-addext subjectAltName=%s -out foreign.csr && openssl x509 -req -in foreign.csr -CA ca-root.pem "
            "-CAkey ca-root.pem -CAcreateserial -copy_extensions copy -out foreign.pem && "
            "(openssl verify -CAfile ca-root.pem foreign.pem || true)",
            cases[i].name);
        assert_says(command, cases[i].says);
    }
}

static void test_hosts_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "a b", "192.168.8.1:8443", ".a", "-a", "[::1]", "a/b", "*.local", "\xC3\xA4"};
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        hosts[0] = bad[i];
        assert_int_equal(keep(), SBS_ERR_ARGUMENT);
    }
    char names[SBS_GATEWAY_CA_HOSTS_MAX + 1][16];
    for (size_t i = 0; i <= SBS_GATEWAY_CA_HOSTS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "10.0.0.%zu", i);
        hosts[i] = names[i];
    }
    config.host_count = SBS_GATEWAY_CA_HOSTS_MAX - 1; /* and two names */
    assert_int_equal(keep(), SBS_ERR_ARGUMENT);
    config.host_count = SBS_GATEWAY_CA_HOSTS_MAX - 2;
    assert_kept(true);
}

static void test_the_longest_names_fit(void **state) {
    (void)state;
    char names[SBS_GATEWAY_CA_HOSTS_MAX - 2][254];
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        memset(names[i], 'a', sizeof names[i] - 1);
        for (size_t dot = 60; dot < 253; dot += 60) {
            names[i][dot] = '.';
        }
        names[i][0] = (char)('a' + i);
        names[i][253] = '\0';
        hosts[i] = names[i];
    }
    config.host_count = SBS_COUNT_OF(names);
    assert_kept(true);
    assert_kept(false);
}

static void test_any_address_is_each_that_the_host_has(void **state) {
    (void)state;
    hosts[0] = "0.0.0.0";
    hosts[1] = "::";
    config.host_count = 2;
    assert_kept(true);
    assert_kept(false);
    char *text = openssl("x509 -in ca-leaf.pem -noout -text");
    assert_null(strstr(text, "0.0.0.0"));
    assert_null(strstr(text, "FE80"));
    assert_null(strstr(text, "127.0.0.1"));
    free(text);
}

/* ---- clocks ---------------------------------------------------------------------------------------------------- */

/* What a client whose clock is right thinks of both. */
static void assert_valid_at(int64_t utc_s, bool expected) {
    char command[200];
    (void)snprintf(command, sizeof command, "verify -attime %lld -CAfile ca-root.pem ca-leaf.pem || true",
                   (long long)utc_s);
    char *text = openssl(command);
    assert_int_equal(strstr(text, "ca-leaf.pem: OK") != NULL, expected);
    free(text);
}

static void test_without_a_clock_the_leaf_is_valid_for_long_and_replaced_later(void **state) {
    (void)state;
    static const int64_t false_clocks[] = {SBS_UTC_UNKNOWN, 0, INT64_C(86400) * 365 * 40};
    const int64_t truth = now.utc_s;
    for (size_t i = 0; i < SBS_COUNT_OF(false_clocks); i++) {
        config.clock_known = false;
        now.utc_s = false_clocks[i];
        if (i == 2) { /* a plausible one, half a year behind */
            now.utc_s = truth - 180 * DAY;
        }
        assert_kept(true);
        assert_kept(false);
        assert_valid_at(truth, true);
        assert_valid_at(truth + 700 * DAY, true);
        now.utc_s = truth;
        assert_kept(false); /* nothing is known yet */
        config.clock_known = true;
        assert_kept(true);
        assert_kept(false);
        assert_int_equal(ca.leaf_until_s, truth + 90 * DAY);
        assert_valid_at(truth, true);
        assert_valid_at(truth + 91 * DAY, false);
        char *arguments[] = {"rm", "ca-root.pem", "ca-leaf.pem", NULL};
        assert_int_equal(test_program_wait(test_program_start(folder, NULL, arguments)), 0);
    }
}

static void test_a_leaf_of_the_future_is_replaced(void **state) {
    (void)state;
    const int64_t truth = now.utc_s;
    now.utc_s = truth + 8 * YEAR; /* "known", and wrong all the same */
    assert_kept(true);
    assert_valid_at(truth, false);
    now.utc_s = truth;
    assert_kept(true);
    assert_valid_at(truth, true);
}

static void test_the_leaf_does_not_outlive_the_root(void **state) {
    (void)state;
    assert_kept(true);
    now.utc_s = ca.root_until_s - 10 * DAY;
    assert_kept(true);
    assert_int_equal(ca.leaf_until_s, ca.root_until_s);
    now.utc_s = ca.root_until_s;
    assert_int_equal(keep(), SBS_ERR_CERT_DATE);
}

/* ---- damage ---------------------------------------------------------------------------------------------------- */

static void test_a_damaged_root_is_never_replaced(void **state) {
    (void)state;
    static const char *const bad[] = {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    assert_kept(true);
    char *good = load("ca-root.pem");
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        write_file("ca-root.pem", bad[i]);
        assert_int_equal(keep(), SBS_ERR_DAMAGED);
        char *same = load("ca-root.pem");
        assert_string_equal(same, bad[i]);
        free(same);
    }
    write_file("ca-root.pem", good);
    assert_kept(false);
    char *leaf = load("ca-leaf.pem");
    write_file("ca-root.pem", strstr(good, "-----BEGIN CERTIFICATE")); /* its key is lost */
    assert_int_equal(keep(), SBS_ERR_DAMAGED);
    char *mixed = malloc(strlen(good) + strlen(leaf) + 1);
    assert_non_null(mixed);
    (void)sprintf(mixed, "%.*s%s", (int)(strstr(leaf, "-----BEGIN CERTIFICATE") - leaf), leaf,
                  strstr(good, "-----BEGIN CERTIFICATE"));
    write_file("ca-root.pem", mixed); /* another's key */
    assert_int_equal(keep(), SBS_ERR_DAMAGED);
    free(good);
    free(leaf);
    free(mixed);
}

static void test_a_damaged_leaf_or_one_of_another_root_is_replaced(void **state) {
    (void)state;
    assert_kept(true);
    char *other = load("ca-leaf.pem");
    write_file("ca-leaf.pem", "x");
    assert_kept(true);
    char *arguments[] = {"rm", "ca-root.pem", NULL};
    assert_int_equal(test_program_wait(test_program_start(folder, NULL, arguments)), 0);
    write_file("ca-leaf.pem", other);
    assert_kept(true);
    assert_valid_at(now.utc_s, true);
    free(other);
}

/* The first key is the root's. What failed is told as what it was, and made the next time. */
static void test_a_key_that_is_not_made_is_told(void **state) {
    (void)state;
    for (unsigned starved = 1; starved <= 2; starved++) {
        keys_made = 0;
        keys_starved = starved;
        sbs_status status = keep();
        keys_starved = 0;
        assert_int_equal(status, SBS_ERR_MEMORY);
        assert_false(changed);
    }
    assert_kept(true);
}

static void test_a_folder_that_is_none_is_told(void **state) {
    (void)state;
    sbs_tls_server server = {0};
    config.folder = "/nowhere/at/all";
    assert_int_equal(keep(), SBS_ERR_STORAGE);
    assert_int_equal(sbs_gateway_ca_serve(config.folder, &server), SBS_ERR_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_are_made_at_the_first_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_root_is_printed_without_its_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_leaf_is_renewed_at_two_thirds_and_the_root_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_leaf_is_renewed_when_hosts_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_host_outside_of_the_root_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_openssl_refuses_what_the_root_may_not_vouch_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hosts_that_are_none_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_longest_names_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_address_is_each_that_the_host_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_clock_the_leaf_is_valid_for_long_and_replaced_later, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_leaf_of_the_future_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_leaf_does_not_outlive_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_root_is_never_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_leaf_or_one_of_another_root_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_that_is_not_made_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_that_is_none_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
