/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway leaves in memory that it gives up: no secret, no key, nothing that a device said. */
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "assertions.h"
#include "ca_write.h"
#include "gateway_loop_internal.h"
#include "sbs/base64url.h"
#include "sbs/gateway_ca.h"
#include "sbs/gateway_check.h"
#include "sbs/gateway_server.h"
#include "sbs/linux_clock.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "test_folder.h"
#include "wipe_record.h"

#define SECRET "a-secret-that-is-wiped-everywhere"
#define SECRET_LEN (sizeof SECRET - 1)
#define FIRST_LINE "sbs-gateway secrets 1\n"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *folder;
static char path[1024];
static uint8_t random_bytes[32];
static bool random_known;

psa_status_t __real_psa_generate_random(uint8_t *out, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *out, size_t size);

/* While a secret is made its bytes are known. */
psa_status_t __wrap_psa_generate_random(uint8_t *out, size_t size) {
    if (random_known && size == sizeof random_bytes) {
        memcpy(out, random_bytes, size);
        return PSA_SUCCESS;
    }
    return __real_psa_generate_random(out, size);
}

static int set_up(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    for (size_t i = 0; i < sizeof random_bytes; i++) {
        random_bytes[i] = (uint8_t)(17 * i + 3);
    }
    return sbs_mbedtls_init(NULL) == SBS_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    random_known = false;
    wipe_record_begin(NULL, 0);
    test_folder_remove(folder);
    return 0;
}

static const char *path_of(const char *name) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

/* ---- secrets of devices ------------------------------------------------------------------------------------------ */

static void a_secret_of_a_device_is_in_the_answer_alone(void **state) {
    static sbs_gateway_devices devices;
    char secret[SBS_GATEWAY_SECRET_SIZE], basic[128] = "Basic ", login[64];
    uint8_t hash[32];
    const char *name;
    uint32_t wait_s;
    size_t len;
    (void)state;
    assert_int_equal(sbs_gateway_devices_open(&devices, path_of("secrets")), SBS_OK);
    random_known = true;
    wipe_record_begin(random_bytes, sizeof random_bytes);
    assert_int_equal(sbs_gateway_devices_make(&devices, "meter", 1, secret), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);

    /* As it comes: coded, decoded, and its hash. */
    int login_len = snprintf(login, sizeof login, "meter:%s", secret);
    assert_int_equal(sbs_base64url_encode((const uint8_t *)login, (size_t)login_len, basic + 6, sizeof basic - 6, &len),
                     SBS_OK);
    const sbs_text authorization = {basic, len + 6};
    wipe_record_begin(basic + 6, len);
    assert_int_equal(sbs_gateway_devices_who(&devices, (sbs_now){1, 1}, "", authorization, &name, &wait_s), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);
    wipe_record_begin(secret, sizeof secret - 1);
    assert_int_equal(sbs_gateway_devices_who(&devices, (sbs_now){1, 1}, "", authorization, &name, &wait_s), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)secret, sizeof secret - 1, hash, 32, &len),
                     PSA_SUCCESS);
    wipe_record_begin(hash, sizeof hash);
    assert_int_equal(sbs_gateway_devices_who(&devices, (sbs_now){1, 1}, "", authorization, &name, &wait_s), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);
    sbs_gateway_devices_close(&devices);
    assert_int_equal(wipe_record_found(), 2);
}

static void a_secret_that_is_not_kept_is_not_told(void **state) {
    static sbs_gateway_devices devices;
    static char text[SBS_GATEWAY_SECRETS_MAX * 80] = FIRST_LINE;
    char secret[SBS_GATEWAY_SECRET_SIZE];
    size_t len = strlen(text);
    (void)state;
    for (unsigned i = 1; i < SBS_GATEWAY_SECRETS_MAX; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "n%u " HASH " 1\n", i);
    }
    write_file("many", text);
    assert_int_equal(sbs_gateway_devices_open(&devices, path_of("many")), SBS_OK);
    assert_int_equal(sbs_gateway_devices_make(&devices, "last", 1, secret), SBS_OK);
    assert_int_equal(sbs_gateway_devices_make(&devices, "one-more", 1, secret), SBS_ERR_BUFFER);
    assert_true(test_is_zero(secret, sizeof secret));
    sbs_gateway_devices_close(&devices);
}

/* ---- configuration and certificates ------------------------------------------------------------------------------ */

#define PROXY_OF(last) "http://me:" SECRET "@10.0.0." last ":3128"

static void a_login_of_a_proxy_goes_with_the_configuration(void **state) {
    static sbs_gateway_config config;
    char message[512];
    sbs_linux_proxy proxy;
    sbs_linux_proxy_fault fault;
    (void)state;
    write_file("gateway.conf", "[server]\nproxy = " PROXY_OF("1") "\n");
    assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
    write_file("conf.d/a.conf", "[server]\nproxy = " PROXY_OF("2") "\n");
    wipe_record_begin(SECRET, SECRET_LEN);
    assert_int_equal(sbs_gateway_config_load(path_of("gateway.conf"), &config, message, sizeof message), SBS_OK);
    assert_int_equal(wipe_record_found_in(sizeof PROXY_OF("1") - 1), 1); /* of the file that another one corrects */
    sbs_gateway_config_free(&config);
    assert_int_equal(wipe_record_found_in(sizeof PROXY_OF("1") - 1), 2);

    /* As it is checked. */
    assert_int_equal(sbs_linux_proxy_parse(PROXY_OF("1"), &proxy, &fault), SBS_OK);
    wipe_record_begin(proxy.login, strlen(proxy.login));
    assert_int_equal(sbs_gateway_config_load(path_of("gateway.conf"), &config, message, sizeof message), SBS_OK);
    assert_int_equal(wipe_record_found_in(sizeof proxy), 1);
    sbs_gateway_config_free(&config);
}

static void the_server_of_a_configuration_goes_wholly(void **state) {
    static sbs_gateway_server server = {.open = true};
    (void)state;
    sbs_tls_trust_init(&server.trust);
    strcpy(server.proxy.login, SECRET);
    sbs_gateway_server_close(&server);
    assert_true(test_is_zero(&server, sizeof server));
}

static void the_key_of_a_certificate_is_in_its_file_alone(void **state) {
    sbs_gateway_ca ca = {0};
    const sbs_gateway_ca_config config = {.folder = folder, .name = "clinic-12", .clock_known = true};
    const sbs_now now = {.mono_ms = 1, .utc_s = sbs_linux_build_time() + 86400};
    bool changed;
    (void)state;
    wipe_record_begin("PRIVATE KEY", 11);
    assert_int_equal(sbs_gateway_ca_keep(&ca, &config, now, &changed), SBS_OK);
    assert_int_equal(wipe_record_found_in(SBS_CA_TEXT_SIZE), 2); /* root and leaf, as they were written */
}

static void hear_nothing(void *ctx, const sbs_forward_finding *finding) {
    (void)ctx, (void)finding;
}

static void what_a_check_worked_with_is_gone(void **state) {
    const sbs_forward_check check = {.tell = hear_nothing};
    const sbs_gateway_config config = {.state = folder}; /* there is no key in it */
    const sbs_gateway_config *given = &config;
    (void)state;
    wipe_record_begin(&given, sizeof given); /* nothing else is known of its memory */
    sbs_gateway_check_server(&check, &config);
    assert_int_equal(wipe_record_found(), 1);
}

/* ---- the page and the loop --------------------------------------------------------------------------------------- */

static void a_page_goes_wholly(void **state) {
    static sbs_gateway_page page;
    (void)state;
    assert_int_equal(sbs_gateway_page_open(&page, &gateway_page_ops, &page, NULL), SBS_OK);
    sbs_gateway_page_close(&page);
    assert_true(test_is_zero(&page, sizeof page));
}

static struct sbs_gateway_loop *loop_open(void) {
    struct sbs_gateway_loop *loop = NULL;
    char text[2048], message[SBS_GATEWAY_MESSAGE_SIZE];
    (void)snprintf(text, sizeof text,
                   "[gateway]\nname = clinic-12\nstate = %s/state\nrun = %s/run\nkeep-free = 64K\n"
                   "[listen http]\naddress = 127.0.0.1:0\n[listen page]\naddress = 127.0.0.2:0\n[device meter]\n",
                   folder, folder);
    write_file("loop.conf", text);
    sbs_status status = sbs_gateway_loop_open(&loop, path_of("loop.conf"), message, sizeof message);
    assert_string_equal(message, "");
    assert_int_equal(status, SBS_OK);
    return loop;
}

/* The operator asks, and is answered with 200. */
static void loop_ask(struct sbs_gateway_loop *loop, const char *method, const char *target) {
    const sbs_linux_http_request request = {.method = sbs_text_of(method), .path = sbs_text_of(target), .peer = ""};
    sbs_linux_http_answer answer;
    gateway_control_http(loop, &request, &answer);
    assert_int_equal(answer.status, 200);
}

static void assert_secret_is_told_once(struct sbs_gateway_loop *loop) {
    char secret[SBS_GATEWAY_SECRET_SIZE];
    size_t len;
    assert_int_equal(sbs_base64url_encode(random_bytes, sizeof random_bytes, secret, sizeof secret, &len), SBS_OK);
    wipe_record_begin(secret, len);
    random_known = true;
    loop_ask(loop, "POST", "/device/meter/secret");
    random_known = false;
    assert_int_equal(wipe_record_found_in(sizeof secret), 1);
}

static void assert_letter_is_told_once(struct sbs_gateway_loop *loop) {
    static const char text[] = "{\"resourceType\":\"Observation\",\"text\":\"" SECRET "\"}";
    const sbs_queue_meta meta = {.utc_s = SBS_UTC_UNKNOWN};
    char target[32];
    uint64_t id;
    assert_int_equal(loop->inner.ops->append(loop->inner.ctx, &meta, text, sizeof text - 1, &id), SBS_OK);
    assert_int_equal(loop->inner.ops->settle(loop->inner.ctx, id, SBS_QUEUE_DEAD, "refused", NULL), SBS_OK);
    (void)snprintf(target, sizeof target, "/dead/%u", (unsigned)id);
    wipe_record_begin(SECRET, SECRET_LEN);
    loop_ask(loop, "GET", target);
    assert_int_equal(wipe_record_found_in(sizeof text - 1), 1);
}

static void assert_watch_forgets(struct sbs_gateway_loop *loop) {
    const sbs_linux_http_request request = {.method = SBS_TEXT("POST"), .body = {SECRET, SECRET_LEN}, .peer = ""};
    const sbs_linux_http_answer answer = {.status = 201};
    sbs_forward_buffer out = {0};
    gateway_watch_put(loop, SBS_TEXT("values=1"), &out);
    gateway_watch_note(loop, "meter", &request, &answer);
    wipe_record_begin(SECRET, SECRET_LEN);
    loop->now.mono_ms += 60000;
    gateway_watch_end(loop);
    assert_int_equal(wipe_record_found(), 1);
    sbs_forward_buffer_free(&out);
}

static void a_gateway_that_ends_leaves_nothing(void **state) {
    struct sbs_gateway_loop *loop = loop_open();
    (void)state;
    assert_secret_is_told_once(loop);
    assert_letter_is_told_once(loop);
    assert_watch_forgets(loop);

    sbs_gateway_sender_close(&loop->sender);
    assert_true(test_is_zero(&loop->sender, sizeof loop->sender));
    strcpy(loop->queue_words, SECRET);
    wipe_record_begin(SECRET, SECRET_LEN);
    sbs_gateway_loop_close(loop);
    assert_int_equal(wipe_record_found_in(sizeof *loop), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_of_a_device_is_in_the_answer_alone),
        cmocka_unit_test(a_secret_that_is_not_kept_is_not_told),
        cmocka_unit_test(a_login_of_a_proxy_goes_with_the_configuration),
        cmocka_unit_test(the_server_of_a_configuration_goes_wholly),
        cmocka_unit_test(the_key_of_a_certificate_is_in_its_file_alone),
        cmocka_unit_test(what_a_check_worked_with_is_gone),
        cmocka_unit_test(a_page_goes_wholly),
        cmocka_unit_test(a_gateway_that_ends_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
