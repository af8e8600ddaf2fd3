/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's configuration: what is read, and what is refused with which words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/gateway_config.h"
#include "test.h"
#include "test_folder.h"

static char *folder;
static sbs_gateway_config config;
static char message[512];
static bool starved;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size) {
    return starved ? NULL : __real_calloc(count, size);
}

static const char *path_of(const char *name) {
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *data, size_t len) {
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), 0640), 0);
}

static void write_text(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

static sbs_status load(void) {
    sbs_gateway_config_free(&config);
    return sbs_gateway_config_load(path_of("gateway.conf"), &config, message, sizeof message);
}

static void assert_loads(const char *text) {
    write_text("gateway.conf", text);
    sbs_status status = load();
    assert_string_equal(message, "");
    assert_int_equal(status, SBS_OK);
}

/* @p words stands in the message, behind the path. */
static void assert_refused(const char *text, const char *words) {
    write_text("gateway.conf", text);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, "gateway.conf"));
    if (strstr(message, words) == NULL) {
        fail_msg("'%s' does not stand in: %s", words, message);
    }
    assert_null(config.state); /* nothing is left of it */
    assert_int_equal(config.device_count, 0);
}

static void an_empty_file_is_a_gateway_of_this_computer_alone(void **state) {
    (void)state;
    assert_loads("# nothing yet\n\n");
    assert_string_equal(config.state, "/var/lib/sbs-gateway");
    assert_string_equal(config.run, "/run/sbs-gateway");
    assert_string_equal(config.algorithm, "ES384");
    assert_int_equal(config.write_mode, SBS_FORWARD_AUTO);
    assert_int_equal(config.keep_free, 256 << 20);
    assert_true(config.gzip);
    assert_true(config.name[0] != '\0');

    assert_int_equal(config.listener_count, 2);
    assert_string_equal(config.listeners[0].name, "http");
    assert_string_equal(config.listeners[0].address, "127.0.0.1:8080");
    assert_false(config.listeners[0].tls);
    assert_string_equal(config.listeners[1].name, "page");
    assert_string_equal(config.listeners[1].address, "127.0.0.1:8081");
}

static void without_memory_nothing_is_read(void **state) {
    (void)state;
    write_text("gateway.conf", "");
    starved = true;
    sbs_status status = load();
    starved = false;
    assert_int_equal(status, SBS_ERR_MEMORY);
    assert_non_null(strstr(message, "gateway.conf: out of memory"));
    assert_int_equal(config.items_max, 0); /* nothing is left of it */
    assert_false(config.gzip);
}

static void marks_and_line_ends_of_other_systems_are_passed(void **state) {
    (void)state;
    assert_loads("\xEF\xBB\xBF[server]\r\n  client-id = 9#e4a  # ours\r\n");
    assert_string_equal(config.client_id, "9#e4a");
}

static void a_whole_configuration_is_read(void **state) {
    (void)state;
    assert_loads("[server]      fhir = https://fhir.moh.example/fhir   # the ministry's\n"
                 "              client-id = 9e4a2858\n"
                 "token-url = https://auth.moh.example/token\n"
                 "scope = system/Observation.cu\n"
                 "aud = a\nkid = k\nca = /etc/ca.pem\nproxy = http://u:p@10.0.0.1:3128\nno-proxy = .local, 10.0.0.0/8\n"
                 "algorithm = RS384\nwrite-mode = if-none-exist\nbatch = 64\nconnections = 8\nmark-ahead = 1\n"
                 "gzip = no\nallow-http = yes\n"
                 "[gateway]\nname = clinic-12\nstate = /data/state\nrun = /tmp/run\nkeep-free = 1G\n"
                 "items-max = 5000\ndead-keep-days = 90\n"
                 "[listen http]\naddress = 192.168.8.1:8443\ncertificate = /etc/c.pem\nkey = /etc/k.pem\n"
                 "allow = 192.168.8.0/24, fd00::/8 10.1.2.3\n"
                 "[device fridge-3]   protocol = fhir\nphd = yes\n"
                 "[device pcr]\nprotocol = spool\n"
                 "[device lab]\nprotocol = spool\nfolder = /srv/lab\n");

    assert_string_equal(config.fhir, "https://fhir.moh.example/fhir");
    assert_string_equal(config.proxy, "http://u:p@10.0.0.1:3128");
    assert_string_equal(config.no_proxy, ".local, 10.0.0.0/8");
    assert_int_equal(config.write_mode, SBS_FORWARD_IF_NONE_EXIST);
    assert_int_equal(config.batch, 64);
    assert_int_equal(config.connections, 8);
    assert_int_equal(config.mark_ahead, 1);
    assert_false(config.gzip);
    assert_string_equal(config.name, "clinic-12");
    assert_true(config.keep_free == UINT64_C(1) << 30);
    assert_int_equal(config.items_max, 5000);

    assert_int_equal(config.listener_count, 2);
    assert_true(config.listeners[0].tls);
    assert_int_equal(config.listeners[0].allow_count, 3);
    assert_string_equal(config.listeners[1].name, "page");

    assert_int_equal(config.device_count, 3);
    assert_true(config.devices[0].phd);
    assert_string_equal(config.devices[1].folder, "/var/spool/sbs-gateway/pcr");
    assert_string_equal(sbs_gateway_config_device(&config, "lab")->folder, "/srv/lab");
    assert_null(sbs_gateway_config_device(&config, "LAB"));
}

static void what_is_unknown_is_refused_with_its_line_and_the_nearest_name(void **state) {
    (void)state;
    assert_refused("[server]\n\nclient_id = x\n",
                   "gateway.conf:3: unknown option 'client_id' in [server], did you mean 'client-id'?");
    assert_refused("[serveur]\n", ":1: unknown section [serveur], did you mean [server]?");
    assert_refused("[analyzer x]\n", ":1: unknown section [analyzer]: there are");
    assert_refused("[gateway]\nfhir = x\n", ":2: 'fhir' is an option of [server], not of [gateway]");
    assert_refused("[gateway]\nzzzzzzzz = x\n", ":2: unknown option 'zzzzzzzz' in [gateway]");
    assert_refused("[server]\nhttp://nurse:secret@h:1 = x\n", "unknown option '(no name)'");
    assert_null(strstr(message, "secret"));
}

static void lines_that_are_none_are_refused(void **state) {
    (void)state;
    assert_refused("fhir = x\n", ":1: stands before the first section");
    assert_refused("[server]\nfhir\n", ":2: no '=' in the line");
    assert_refused("[server\n", ":1: no ']'");
    assert_refused("[server]\nfhir =   # later\n", ":2: fhir: no value");
    assert_refused("[server]\nfhir = \"https://h/\"\n", ":2: fhir: the quotes");
    assert_refused("[server]\nfhir = https://h/\x01\n", ":2: fhir: holds a control character");
    assert_refused("[server]\nscope = a\nscope = b\n", ":3: scope: stands in line 2 already");
    assert_refused("[server main]\n", ":1: [server] has no name");
    assert_refused("[device]\n", ":1: [device] needs a name");
    assert_refused("[device ..]\n", ":1: [device]: a name has");
    assert_refused("[device a/b]\n", ":1: [device]: a name has");
    assert_refused("[device operator]\n", "\"operator\" is who reads the page");
}

static void values_have_types_and_limits(void **state) {
    (void)state;
    assert_refused("[server]\nbatch = 129\n", ":2: batch: write 0 to 128");
    assert_refused("[server]\nbatch = 12x\n", ":2: batch: write a number");
    assert_refused("[server]\nconnections = 0\n", ":2: connections: write 1 to 64");
    assert_refused("[server]\nbatch = 99999999999999999999999\n", ":2: batch: write 0 to 128");
    assert_refused("[gateway]\nkeep-free = 1T\n", ":2: keep-free: write a number of bytes");
    assert_refused("[gateway]\nkeep-free = 18446744073709551615G\n", ":2: keep-free: write 0 to");
    assert_refused("[server]\ngzip = maybe\n", ":2: gzip: write yes or no");
    assert_refused("[server]\nwrite-mode = post\n", ":2: write-mode: 'post' is none of auto|put|if-none-exist|plain");
    assert_refused("[server]\nca = ca.pem\n", ":2: ca: give the whole path");
    assert_refused("[gateway]\nname = a b\n", ":2: name: a name has");
    assert_refused("[server]\nfhir = http://h/fhir\n", ":2: fhir: write https://");
    assert_refused("[server]\nfhir = fhir.example\n", ":2: fhir: not a URL");
    assert_loads("[server]\nfhir = http://127.0.0.1:9/fhir\nallow-http = yes\n[gateway]\nkeep-free = 64K\n");
    assert_int_equal(config.keep_free, 65536);
    assert_refused("[server]\nfhir = http://10.0.0.1/fhir\nallow-http = yes\n", ":2: fhir: write https://");
}

static void a_login_is_shown_to_nobody(void **state) {
    static const char *const bad[] = {
        "[server]\nproxy = https://nurse:secret@proxy:1\n",
        "[server]\nproxy = http://nurse:secret@proxy:port\n",
        "[server]\nproxy = nurse:secret@\n",
        "[server]\nproxy\thttp://nurse:secret@proxy\n",
        "[server]\n[http://nurse:secret@proxy]\n",
        "[server]\nproxy = http://nurse:secret@proxy:1\nproxy = http://nurse:secret@proxy:1\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_text("gateway.conf", bad[i]);
        assert_int_equal(load(), SBS_ERR_FORMAT);
        assert_null(strstr(message, "secret"));
        assert_null(strstr(message, "nurse"));
    }
    assert_loads("[server]\nproxy = none\n");
}

static void a_login_in_a_file_for_everybody_is_refused(void **state) {
    (void)state;
    write_text("gateway.conf", "[server]\nproxy = http://nurse:secret@proxy:1\n");
    assert_int_equal(chmod(path_of("gateway.conf"), 0644), 0);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, ":2: proxy: holds a login, and everybody may read the file"));

    write_text("gateway.conf", "[server]\nproxy = http://proxy:1\n");
    assert_int_equal(chmod(path_of("gateway.conf"), 0644), 0);
    assert_int_equal(load(), SBS_OK);

    assert_int_equal(chmod(path_of("gateway.conf"), 0646), 0);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, "everybody may write"));
}

static void a_listener_on_a_network_has_tls_unless_it_is_said_who_comes(void **state) {
    (void)state;
    assert_loads("[listen lan]\naddress = 192.168.8.1:8443\n");
    assert_true(config.listeners[0].tls);
    assert_loads("[listen lan]\naddress = [::1]:8443\n");
    assert_false(config.listeners[0].tls);
    assert_loads("[listen lan]\naddress = 192.168.8.1:80\ninsecure = yes\nallow = 192.168.8.20\n");
    assert_false(config.listeners[0].tls);

    assert_refused("[listen lan]\naddress = 192.168.8.1:80\ntls = no\n", ":3: tls: without it on a network");
    assert_refused("[listen lan]\naddress = 192.168.8.1:80\ninsecure = yes\n", ":3: insecure: name who may come");
    assert_refused("[listen lan]\naddress = 0.0.0.0:80\ninsecure = yes\nallow = 10.0.0.0/8\n",
                   ":2: address: without TLS");
    assert_refused("[listen lan]\naddress = [::]:80\ninsecure = yes\nallow = 10.0.0.0/8\n", ":2: address: without TLS");
    assert_refused("[listen lan]\naddress = 10.0.0.1:80\ninsecure = yes\ntls = yes\n", ":3: insecure: contradicts");
    assert_refused("[listen page]\naddress = 10.0.0.1:80\ninsecure = yes\nallow = 10.0.0.2\n",
                   ":3: insecure: the page");
    assert_refused("[listen lan]\nallow = 10.0.0.2\n", ":1: [listen lan] has no address");
    assert_refused("[listen lan]\naddress = gateway.local:80\n", ":2: address: write ADDRESS:PORT");
    assert_refused("[listen lan]\naddress = 10.0.0.1\n", ":2: address: write ADDRESS:PORT");
    assert_refused("[listen lan]\naddress = ::1:80\n", ":2: address: write ADDRESS:PORT");
    assert_refused("[listen lan]\naddress = 10.0.0.1:65536\n", ":2: address: write ADDRESS:PORT");
    assert_refused("[listen a]\naddress = 10.0.0.1:80\n[listen b]\naddress = 10.0.0.1:80\n",
                   ":4: address: [listen a] has the same");
    assert_refused("[listen lan]\naddress = 10.0.0.1:80\nkey = /k\n", ":3: key: give its certificate");
    assert_refused("[listen lan]\naddress = 10.0.0.1:80\nallow = 10.0.0.0/33\n", ":3: allow: '10.0.0.0/33' is no");
}

static void a_listener_lets_in_whom_it_names(void **state) {
    (void)state;
    assert_loads("[listen lan]\naddress = 10.0.0.1:80\nallow = 192.168.8.77/24 10.1.2.3 fd00:1::/31\n");
    const sbs_gateway_listener *lan = &config.listeners[0];
    assert_true(sbs_gateway_listener_allows(lan, "192.168.8.1"));
    assert_true(sbs_gateway_listener_allows(lan, "::ffff:192.168.8.1"));
    assert_false(sbs_gateway_listener_allows(lan, "192.168.9.1"));
    assert_true(sbs_gateway_listener_allows(lan, "10.1.2.3"));
    assert_false(sbs_gateway_listener_allows(lan, "10.1.2.4"));
    assert_true(sbs_gateway_listener_allows(lan, "fd00:0::1"));
    assert_true(sbs_gateway_listener_allows(lan, "fd00:1::1%eth0"));
    assert_false(sbs_gateway_listener_allows(lan, "fd00:2::1"));
    assert_false(sbs_gateway_listener_allows(lan, ""));
    assert_true(sbs_gateway_listener_allows(&config.listeners[1], "8.8.8.8")); /* names nobody */
}

static void a_key_is_one_in_a_token_and_its_pin_stands_elsewhere(void **state) {
    (void)state;
    assert_loads("[server]\nkey = pkcs11:token=Lab%20one;object=ec?module-name=softhsm2&pin-source=/etc/pin  # card\n");
    assert_string_equal(config.key, "pkcs11:token=Lab%20one;object=ec?module-name=softhsm2&pin-source=/etc/pin");
    assert_refused("[server]\nkey = /etc/key.pem\n", ":2: key: names a key in a token");
    assert_refused("[server]\nkey = pkcs11:token=Lab\n", ":2: key: it names no key");
    assert_refused("[server]\nkey = pkcs11:object=ec?pin-value=271828\n", ":2: key: pin-value: others see it");
    assert_null(strstr(message, "271828"));
}

static void an_option_of_another_protocol_is_refused(void **state) {
    (void)state;
    assert_refused("[device a]\nfolder = /srv/a\n", ":2: folder: a device with protocol = fhir has none");
    assert_refused("[device a]\nprotocol = astm\n", ":2: protocol: 'astm' is none of fhir|spool");
    assert_refused("[device a]\nprotocol = spool\nfolder = /x\n[device b]\nprotocol = spool\nfolder = /x\n",
                   ":6: folder: [device a] has the same");
}

static void files_beside_it_go_on_where_it_ends(void **state) {
    (void)state;
    assert_int_equal(mkdir(path_of("conf.d"), 0750), 0);
    write_text("conf.d/20-b.conf", "[server]\nscope = second\n[device b]\n");
    write_text("conf.d/10-a.conf", "[server]\nscope = first\n[device a]\nphd = yes\n");
    write_text("conf.d/30-c.conf.bak", "nonsense\n");
    write_text("conf.d/.hidden.conf", "nonsense\n");
    assert_loads("[server]\nscope = own\nkid = k\n[device a]\n");
    assert_string_equal(config.scope, "second");
    assert_string_equal(config.kid, "k");
    assert_int_equal(config.device_count, 2);
    assert_true(config.devices[0].phd);

    write_text("conf.d/20-b.conf", "[server]\nscop = x\n");
    write_text("gateway.conf", "[server]\n");
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, "conf.d/20-b.conf:2: unknown option 'scop' in [server], did you mean 'scope'?"));

    assert_int_equal(unlink(path_of("conf.d/20-b.conf")), 0);
    for (int i = 0; i < 70; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "conf.d/%d.conf", i);
        write_text(name, "");
    }
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, "more than 64 files"));

    char command[1100];
    (void)snprintf(command, sizeof command, "rm -r '%s'", path_of("conf.d"));
    assert_int_equal(system(command), 0);
}

static void hostile_files_are_bounded(void **state) {
    (void)state;
    assert_int_equal(sbs_gateway_config_load("/nonexistent/x", &config, message, sizeof message), SBS_ERR_NOT_FOUND);
    assert_string_equal(message, "/nonexistent/x: there is no such file");
    assert_int_equal(sbs_gateway_config_load("/", &config, message, sizeof message), SBS_ERR_STORAGE);

    write_bytes("gateway.conf", "[server]\nfhir\0 = x", 18);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, "NUL byte"));

    size_t len = 300 << 10;
    char *large = malloc(len);
    assert_non_null(large);
    memset(large, '#', len);
    write_bytes("gateway.conf", large, len);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, "256 KiB"));
    write_bytes("gateway.conf", large, 5000);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    memset(large, '\n', len);
    write_bytes("gateway.conf", large, 100 << 10);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    free(large);

    FILE *file = fopen(path_of("gateway.conf"), "w");
    assert_non_null(file);
    for (int i = 0; i < 300; i++) {
        (void)fprintf(file, "[device d%d]\n", i);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(load(), SBS_ERR_FORMAT);
    assert_non_null(strstr(message, ":257: [device]: more devices"));
    assert_refused("[listen a]\n[listen b]\n[listen c]\n[listen d]\n[listen e]\n[listen f]\n[listen g]\n[listen h]\n"
                   "[listen i]\n",
                   ":9: [listen]: more listeners");

    /* A message that does not fit is cut. */
    char small[20];
    write_text("gateway.conf", "nonsense\n");
    sbs_gateway_config_free(&config);
    assert_int_equal(sbs_gateway_config_load(path_of("gateway.conf"), &config, small, sizeof small), SBS_ERR_FORMAT);
    assert_true(strlen(small) < sizeof small);
}

static int make_folder(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    sbs_gateway_config_free(&config);
    test_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_a_gateway_of_this_computer_alone),
        cmocka_unit_test(without_memory_nothing_is_read),
        cmocka_unit_test(marks_and_line_ends_of_other_systems_are_passed),
        cmocka_unit_test(a_whole_configuration_is_read),
        cmocka_unit_test(what_is_unknown_is_refused_with_its_line_and_the_nearest_name),
        cmocka_unit_test(lines_that_are_none_are_refused),
        cmocka_unit_test(values_have_types_and_limits),
        cmocka_unit_test(a_login_is_shown_to_nobody),
        cmocka_unit_test(a_login_in_a_file_for_everybody_is_refused),
        cmocka_unit_test(a_listener_on_a_network_has_tls_unless_it_is_said_who_comes),
        cmocka_unit_test(a_listener_lets_in_whom_it_names),
        cmocka_unit_test(a_key_is_one_in_a_token_and_its_pin_stands_elsewhere),
        cmocka_unit_test(an_option_of_another_protocol_is_refused),
        cmocka_unit_test(files_beside_it_go_on_where_it_ends),
        cmocka_unit_test(hostile_files_are_bounded),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
