/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of streams on fake_modem.py, over a pseudo terminal: TCP, TLS over it, and TLS in the modem. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "rig_stream.h"
#include "run.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_serial.h"
#include "sbs/modem.h"
#include "sbs/tls_stream.h"
#include "test_folder.h"
#include "tls_fixture.h"

#define TRIES 3000u /* of 10 ms: a bound on a hang */
#define BAUD 921600u

static char *folder, *authority;
static size_t authority_len;
static pid_t fake;
static sbs_linux_serial line;
static sbs_modem modem;
static sbs_modem_config config;
static uint8_t send_buffer[512], receive_buffer[512];

/* The path of the terminal, once the program has told it. */
static bool fake_path(const char *log, char *path) {
    FILE *file = fopen(log, "r");
    if (file == NULL) {
        return false;
    }

    bool is_there = fscanf(file, "{\"event\": \"ready\", \"path\": \"%63[^\"]\"}", path) == 1;
    (void)fclose(file);
    return is_there;
}

static void modem_open(const sbs_modem_dialect *dialect, char *name, sbs_stream *out) {
    char script[512], log[512], path[64];
    (void)snprintf(script, sizeof script, "%s/modem/fake_modem.py", SBS_TEST_DATA_DIR);
    (void)snprintf(log, sizeof log, "%s/modem.log", folder);
    (void)remove(log);
    char python[] = "python3", option[] = "--dialect", forever[] = "--until-killed", speed[] = "--baud",
         baud[] = "921600";
    char *arguments[] = {python, script, option, name, forever, speed, baud, NULL};
    fake = test_program_start("/", log, arguments);

    unsigned tries = 0;
    while (!fake_path(log, path)) {
        assert_true(tries++ < TRIES);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }

    config = (sbs_modem_config){.dialect = dialect,
                                .clock = sbs_linux_now,
                                .send_buffer = send_buffer,
                                .send_size = sizeof send_buffer,
                                .receive_buffer = receive_buffer,
                                .receive_size = sizeof receive_buffer,
                                .certificate_name = "root.pem",
                                .certificate = authority,
                                .certificate_len = authority_len,
                                .pinned = !dialect->checks_name};
    assert_int_equal(sbs_linux_serial_open(&line, path, BAUD, false, &config.serial), SBS_OK);
    assert_int_equal(sbs_modem_init(&modem, &config, out), SBS_OK);
}

static void modem_close(void) {
    sbs_modem_deinit(&modem);
    sbs_linux_serial_close(&line);
    (void)kill(fake, SIGKILL);
    (void)waitpid(fake, NULL, 0);
}

static void tcp_of_a_simcom_holds(void **state) {
    port_stream port;
    (void)state;
    rig_stream_tcp_open(&port);
    char name[] = "simcom";
    modem_open(&sbs_modem_simcom, name, &port.stream);
    port_suite suite = run_begin(NULL);
    run_assert_sound(port_suite_stream(&suite, &port), 3); /* it is not secured */
    modem_close();
    rig_stream_tcp_close();
}

/* It does not tell an orderly end from another. */
static void tcp_of_a_quectel_holds(void **state) {
    port_stream port;
    (void)state;
    rig_stream_tcp_open(&port);
    port.closes.host = NULL;
    char name[] = "quectel";
    modem_open(&sbs_modem_quectel, name, &port.stream);
    port_suite suite = run_begin(NULL);
    run_assert_sound(port_suite_stream(&suite, &port), 4);
    modem_close();
    rig_stream_tcp_close();
}

static void tls_over_it_holds(void **state) {
    static sbs_tls_stream tls;
    static sbs_tls_config tls_config;
    port_stream port;
    sbs_stream raw;
    (void)state;
    rig_stream_tls_open(&port);
    char name[] = "simcom";
    modem_open(&sbs_modem_simcom, name, &raw);
    tls_config.trust = &both;
    assert_int_equal(sbs_tls_stream_init(&tls, &tls_config, &raw, &port.stream), SBS_OK);
    port_suite suite = run_begin(NULL);
    run_assert_sound(port_suite_stream(&suite, &port), 0);
    sbs_tls_stream_deinit(&tls);
    modem_close();
    rig_stream_tls_close();
}

/* No modem tells close_notify, and none says why a handshake failed. */
static void tls_in_it_holds(void **state) {
    static const struct {
        const sbs_modem_dialect *dialect;
        const char *name;
    } rows[] = {{&sbs_modem_simcom_tls, "simcom"}, {&sbs_modem_quectel_tls, "quectel"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        port_stream port;
        char name[8];
        rig_stream_tls_open(&port);
        port.closes.host = port.other.host = port.untrusted.host = NULL;
        (void)snprintf(name, sizeof name, "%s", rows[i].name);
        modem_open(rows[i].dialect, name, &port.stream);
        port_suite suite = run_begin(NULL);
        run_assert_sound(port_suite_stream(&suite, &port), 3);
        modem_close();
        rig_stream_tls_close();
    }
}

static int set_up(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    rig_stream_start();
    authority = load_certificate("root-ec.crt", &authority_len);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(authority);
    rig_stream_stop();
    test_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_of_a_simcom_holds),
        cmocka_unit_test(tcp_of_a_quectel_holds),
        cmocka_unit_test(tls_over_it_holds),
        cmocka_unit_test(tls_in_it_holds),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
