/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of devices: made once, known again in two forms, and not guessed. */
#include <psa/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/gateway_devices.h"
#include "test.h"
#include "test_folder.h"

static char *folder;
static char path[1024];
static sbs_gateway_devices devices;
static const sbs_now now = {.mono_ms = 1000, .utc_s = 1790000000};

static int open_devices(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    (void)snprintf(path, sizeof path, "%s/secrets", folder);
    assert_int_equal(sbs_gateway_devices_open(&devices, path), SBS_OK);
    return 0;
}

static int close_devices(void **state) {
    (void)state;
    sbs_gateway_devices_close(&devices);
    sbs_gateway_devices_close(&devices);
    test_folder_remove(folder);
    return 0;
}

/* A secret of @p name, as text. */
static const char *make(const char *name) {
    static char secrets[8][SBS_GATEWAY_SECRET_SIZE];
    static unsigned turn;
    char *secret = secrets[turn++ % 8];
    assert_int_equal(sbs_gateway_devices_make(&devices, name, now.utc_s, secret), SBS_OK);
    return secret;
}

static sbs_status who(sbs_now at, const char *peer, const char *authorization, const char **out_name) {
    uint32_t wait_s = 0;
    sbs_status status = sbs_gateway_devices_who(&devices, at, peer, sbs_text_of(authorization), out_name, &wait_s);
    assert_int_equal(status == SBS_ERR_BUSY, wait_s > 0);
    assert_int_equal(status == SBS_OK, *out_name != NULL);
    return status;
}

static sbs_status bearer(const char *secret) {
    char value[256];
    const char *name = NULL;
    (void)snprintf(value, sizeof value, "Bearer %s", secret);
    return who(now, "", value, &name);
}

/* "Basic " and the base64 of "user:password", by RFC 4648 section 4. */
static const char *basic(const char *user, const char *password) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char value[1024];
    char text[512];
    size_t len = (size_t)snprintf(text, sizeof text, "%s:%s", user, password);
    size_t at = (size_t)snprintf(value, sizeof value, "Basic ");

    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < len ? (uint8_t)text[i + k] : 0u);
        }
        for (size_t k = 0; k < 4; k++) {
            bool there = i + (k > 0 ? k - 1 : 0) < len;
            value[at++] = there ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    value[at] = '\0';
    return value;
}

static void a_secret_is_known_as_bearer_and_as_password(void **state) {
    (void)state;
    const char *secret = make("fridge-3");
    const char *name = NULL;
    char value[256];
    assert_int_equal(strlen(secret), 43);
    assert_true(sbs_gateway_devices_has(&devices, "fridge-3"));

    (void)snprintf(value, sizeof value, "Bearer %s", secret);
    assert_int_equal(who(now, "10.0.0.1", value, &name), SBS_OK);
    assert_string_equal(name, "fridge-3");
    (void)snprintf(value, sizeof value, "bearer   %s", secret);
    assert_int_equal(who(now, "10.0.0.1", value, &name), SBS_OK);

    assert_int_equal(who(now, "10.0.0.1", basic("fridge-3", secret), &name), SBS_OK);
    assert_string_equal(name, "fridge-3");
    assert_int_equal(who(now, "10.0.0.1", basic("fridge-4", secret), &name), SBS_ERR_FORBIDDEN);
    assert_int_equal(who(now, "10.0.0.1", basic("", secret), &name), SBS_ERR_FORBIDDEN);
}

/* Logins of three lengths in a row end with no "=", with two and with one. */
static void a_password_is_read_whatever_its_padding_is(void **state) {
    static const char *const names[] = {"ab", "abc", "abcd"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *secret = make(names[i]);
        const char *name = NULL;
        char value[256];
        assert_int_equal(who(now, "10.0.0.1", basic(names[i], secret), &name), SBS_OK);
        assert_string_equal(name, names[i]);
        (void)snprintf(value, sizeof value, "%s===", basic(names[i], secret));
        assert_int_equal(who(now, "", value, &name), SBS_ERR_FORBIDDEN);
    }
}

static void a_wrong_secret_is_nobodys(void **state) {
    (void)state;
    const char *secret = make("a");
    char wrong[SBS_GATEWAY_SECRET_SIZE + 1];
    const char *name = NULL;

    for (size_t i = 0; i < strlen(secret); i++) {
        memcpy(wrong, secret, SBS_GATEWAY_SECRET_SIZE);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_int_equal(bearer(wrong), SBS_ERR_FORBIDDEN);
    }
    memcpy(wrong, secret, SBS_GATEWAY_SECRET_SIZE - 1);
    memcpy(wrong + SBS_GATEWAY_SECRET_SIZE - 1, "A", 2);
    assert_int_equal(bearer(wrong), SBS_ERR_FORBIDDEN);
    assert_int_equal(bearer(""), SBS_ERR_FORBIDDEN);

    static const char *const broken[] = {"Bearer",   "Bearer ",    "Basic",    "Basic =",    "Basic ====",
                                         "Basic YQ", "Basic YTo=", "Digest x", "Basic !!!!", "x",
                                         " ",        "Basic ",     NULL};
    for (size_t i = 0; broken[i] != NULL; i++) {
        assert_int_equal(who(now, "", broken[i], &name), SBS_ERR_FORBIDDEN);
    }

    char *large = malloc(20000);
    assert_non_null(large);
    memset(large, 'A', 19999);
    memcpy(large, "Basic ", 6);
    large[19999] = '\0';
    assert_int_equal(who(now, "", large, &name), SBS_ERR_FORBIDDEN);
    free(large);
    assert_int_equal(bearer(secret), SBS_OK);
}

static void the_file_holds_hashes_for_one_reader(void **state) {
    struct stat info;
    size_t len = 0;
    (void)state;
    const char *secret = make("a");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);

    char *text = test_folder_load(folder, "secrets", &len);
    assert_null(strstr(text, secret));
    assert_non_null(strstr(text, "a "));
    free(text);

    /* Another process knows it, too. */
    sbs_gateway_devices_close(&devices);
    assert_int_equal(sbs_gateway_devices_open(&devices, path), SBS_OK);
    assert_int_equal(bearer(secret), SBS_OK);
}

/* "-" is a time that nobody knew, and not the first one there is. */
static void a_secret_may_be_as_old_as_time(void **state) {
    char secret[SBS_GATEWAY_SECRET_SIZE];
    size_t len = 0;
    (void)state;
    assert_int_equal(sbs_gateway_devices_make(&devices, "a", 0, secret), SBS_OK);
    assert_int_equal(sbs_gateway_devices_make(&devices, "b", SBS_UTC_UNKNOWN, secret), SBS_OK);
    char *text = test_folder_load(folder, "secrets", &len);
    assert_non_null(strstr(text, " 0\n"));
    assert_non_null(strstr(text, " -\n"));
    free(text);
}

/* The disk is full before there is a file: nobody is let in by a secret that the next start would not know. */
static void a_secret_that_is_not_written_is_nobodys(void **state) {
    struct rlimit before, none;
    char secret[SBS_GATEWAY_SECRET_SIZE];
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    sbs_status status = sbs_gateway_devices_make(&devices, "a", now.utc_s, secret);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);

    assert_int_equal(status, SBS_ERR_STORAGE);
    assert_int_equal(secret[0], '\0');
    assert_false(sbs_gateway_devices_has(&devices, "a"));
    assert_int_equal(bearer(make("a")), SBS_OK);
}

static void every_bit_of_a_hash_counts(void **state) {
    size_t len = 0;
    (void)state;
    const char *secret = make("a");
    char *text = test_folder_load(folder, "secrets", &len);
    char *hash = strstr(text, "a ") + 2;
    while (strchr("0123456789abcdef", *hash) == NULL || hash[64] != ' ') {
        hash++;
    }

    for (size_t i = 0; i < 64; i++) {
        char digit = hash[i];
        hash[i] = digit == '0' ? '1' : '0';
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, len, file), len);
        assert_int_equal(fclose(file), 0);
        sbs_gateway_devices_close(&devices);
        assert_int_equal(sbs_gateway_devices_open(&devices, path), SBS_OK);
        assert_int_equal(bearer(secret), SBS_ERR_FORBIDDEN);
        hash[i] = digit;
    }
    free(text);
}

static void a_new_secret_replaces_the_one_of_before(void **state) {
    (void)state;
    const char *before = make("a");
    const char *other = make("b");
    const char *after = make("a");
    assert_int_equal(bearer(before), SBS_ERR_FORBIDDEN);
    assert_int_equal(bearer(after), SBS_OK);
    assert_int_equal(bearer(other), SBS_OK);

    assert_int_equal(sbs_gateway_devices_remove(&devices, "a"), SBS_OK);
    assert_int_equal(bearer(after), SBS_ERR_FORBIDDEN);
    assert_int_equal(bearer(other), SBS_OK);
    assert_int_equal(sbs_gateway_devices_remove(&devices, "a"), SBS_ERR_NOT_FOUND);

    char secret[SBS_GATEWAY_SECRET_SIZE];
    assert_int_equal(sbs_gateway_devices_make(&devices, "../x", now.utc_s, secret), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_gateway_devices_make(&devices, "", now.utc_s, secret), SBS_ERR_ARGUMENT);
}

static void what_another_process_changes_is_seen_and_kept(void **state) {
    sbs_gateway_devices command;
    char secret[SBS_GATEWAY_SECRET_SIZE];
    (void)state;
    const char *mine = make("a");
    assert_int_equal(sbs_gateway_devices_open(&command, path), SBS_OK);
    assert_int_equal(sbs_gateway_devices_make(&command, "b", SBS_UTC_UNKNOWN, secret), SBS_OK);

    assert_int_equal(bearer(secret), SBS_ERR_FORBIDDEN);
    assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_OK);
    assert_int_equal(bearer(secret), SBS_OK);
    assert_int_equal(bearer(mine), SBS_OK);
    assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_OK);

    /* Neither undoes what the other did, though it did not look in between. */
    const char *third = make("c");
    assert_int_equal(sbs_gateway_devices_remove(&command, "a"), SBS_OK);
    assert_true(sbs_gateway_devices_has(&command, "c"));
    assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_OK);
    assert_int_equal(bearer(mine), SBS_ERR_FORBIDDEN);
    assert_int_equal(bearer(third), SBS_OK);
    sbs_gateway_devices_close(&command);
}

static void five_wrong_ones_shut_an_address_out_for_a_minute(void **state) {
    const char *name = NULL;
    char right[256];
    sbs_now at = now;
    (void)state;
    (void)snprintf(right, sizeof right, "Bearer %s", make("a"));

    for (int i = 0; i < 5; i++) {
        assert_int_equal(who(at, "10.0.0.1", "Bearer wrong", &name), SBS_ERR_FORBIDDEN);
    }
    assert_int_equal(who(at, "10.0.0.1", "Bearer wrong", &name), SBS_ERR_BUSY);
    assert_int_equal(who(at, "10.0.0.1", right, &name), SBS_ERR_BUSY);
    assert_int_equal(who(at, "10.0.0.2", right, &name), SBS_OK);
    assert_int_equal(who(at, "", "Bearer wrong", &name), SBS_ERR_FORBIDDEN);

    at.mono_ms += SBS_GATEWAY_WRONG_MS - 1;
    uint32_t wait_s = 0;
    assert_int_equal(sbs_gateway_devices_who(&devices, at, "10.0.0.1", sbs_text_of(right), &name, &wait_s),
                     SBS_ERR_BUSY);
    assert_int_equal(wait_s, 1);
    at.mono_ms += 1;
    assert_int_equal(who(at, "10.0.0.1", right, &name), SBS_OK);

    /* A right one in between counts; none at all does not. */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(who(at, "10.0.0.3", i % 4 == 3 ? right : "Bearer wrong", &name),
                         i % 4 == 3 ? SBS_OK : SBS_ERR_FORBIDDEN);
        assert_int_equal(who(at, "10.0.0.4", "", &name), SBS_ERR_FORBIDDEN);
    }
    assert_int_equal(who(at, "10.0.0.4", right, &name), SBS_OK);
}

static void addresses_of_one_host_count_together(void **state) {
    const char *name = NULL;
    char peer[64];
    (void)state;
    for (int i = 0; i < 5; i++) {
        (void)snprintf(peer, sizeof peer, "2001:db8::%x", i);
        assert_int_equal(who(now, peer, "Bearer wrong", &name), SBS_ERR_FORBIDDEN);
    }
    assert_int_equal(who(now, "2001:db8::ffff", "Bearer wrong", &name), SBS_ERR_BUSY);
    assert_int_equal(who(now, "2001:db8:0:1::1", "Bearer wrong", &name), SBS_ERR_FORBIDDEN);

    /* However many there are, the table stays, and who came last is remembered. */
    for (unsigned i = 0; i < 5000; i++) {
        sbs_now at = {.mono_ms = 2000 + i};
        (void)snprintf(peer, sizeof peer, "10.1.%u.%u", i >> 8, i & 255);
        assert_int_equal(who(at, peer, "Bearer wrong", &name), SBS_ERR_FORBIDDEN);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(who((sbs_now){.mono_ms = 7000}, peer, "Bearer wrong", &name), SBS_ERR_FORBIDDEN);
    }
    assert_int_equal(who((sbs_now){.mono_ms = 7000}, peer, "Bearer wrong", &name), SBS_ERR_BUSY);
}

static void write_file(const char *text, mode_t mode) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FIRST "sbs-gateway secrets 1\n"

static void a_file_that_others_reach_or_that_is_another_one_is_refused(void **state) {
    static const char *const broken[] = {
        "",
        "something else\n",
        FIRST "a\n",
        FIRST "a " HASH "\n",
        FIRST "a " HASH "0 1\n",
        FIRST "a 012 1\n",
        FIRST "../a " HASH " 1\n",
        FIRST "a " HASH " 1 2\n",
        FIRST "a " HASH " x\n",
        FIRST "a " HASH " 1\na " HASH " 1\n",
        FIRST "a " HASH " 1\nb " HASH " 1\nb " HASH " 1\n",
        NULL,
    };
    (void)state;
    const char *secret = make("a");

    for (size_t i = 0; broken[i] != NULL; i++) {
        write_file(broken[i], 0600);
        assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_ERR_FORMAT);
        assert_int_equal(bearer(secret), SBS_OK); /* who runs goes on with what was */
    }

    write_file(FIRST "a " HASH " -\n", 0640);
    assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_ERR_FORBIDDEN);
    write_file(FIRST "a " HASH " -\n", 0602);
    assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_ERR_FORBIDDEN);
    write_file(FIRST "a " HASH " -\n", 0600);
    assert_int_equal(sbs_gateway_devices_refresh(&devices), SBS_OK);
    assert_int_equal(bearer(secret), SBS_ERR_FORBIDDEN);

    sbs_gateway_devices_close(&devices);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(sbs_gateway_devices_open(&devices, path), SBS_ERR_FORMAT);
    assert_int_equal(rmdir(path), 0);
    sbs_gateway_devices_close(&devices);
    assert_int_equal(sbs_gateway_devices_open(&devices, "/nonexistent/secrets"), SBS_OK);
    char out[SBS_GATEWAY_SECRET_SIZE];
    assert_int_equal(sbs_gateway_devices_make(&devices, "a", 1, out), SBS_ERR_STORAGE);
    assert_int_equal(out[0], '\0');
    assert_false(sbs_gateway_devices_has(&devices, "a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_secret_is_known_as_bearer_and_as_password, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(a_password_is_read_whatever_its_padding_is, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(a_wrong_secret_is_nobodys, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(the_file_holds_hashes_for_one_reader, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(a_secret_may_be_as_old_as_time, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(a_secret_that_is_not_written_is_nobodys, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(every_bit_of_a_hash_counts, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(a_new_secret_replaces_the_one_of_before, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(what_another_process_changes_is_seen_and_kept, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(five_wrong_ones_shut_an_address_out_for_a_minute, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(addresses_of_one_host_count_together, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(a_file_that_others_reach_or_that_is_another_one_is_refused, open_devices,
                                        close_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
