/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told: the state to the socket that it names, and how often it wants to hear of a watchdog. */
#include "sbs/linux_notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"
#include "test_folder.h"

static void a_state_reaches_the_socket_that_is_named(void **state) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *folder = test_folder_make(NULL);
    char got[64] = "";
    (void)state;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.90s/notify", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);

    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    assert_true(sbs_linux_notify("READY=1\nSTATUS=good"));
    assert_int_equal(recv(fd, got, sizeof got - 1, 0), 19);
    assert_string_equal(got, "READY=1\nSTATUS=good");

    (void)close(fd);
    test_folder_remove(folder);
}

static void without_a_socket_nothing_is_sent(void **state) {
    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    assert_false(sbs_linux_notify("READY=1"));
    assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
    assert_false(sbs_linux_notify("READY=1"));
    assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1), 0);
    assert_false(sbs_linux_notify("READY=1"));
}

static void the_watchdog_is_this_processs_own(void **state) {
    char pid[24];
    (void)state;
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    assert_int_equal(sbs_linux_watchdog_ms(), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "120000000", 1), 0);
    assert_int_equal(sbs_linux_watchdog_ms(), 120000);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    assert_int_equal(sbs_linux_watchdog_ms(), 0);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(sbs_linux_watchdog_ms(), 120000);
    assert_int_equal(setenv("WATCHDOG_USEC", "12x", 1), 0);
    assert_int_equal(sbs_linux_watchdog_ms(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_reaches_the_socket_that_is_named),
        cmocka_unit_test(without_a_socket_nothing_is_sent),
        cmocka_unit_test(the_watchdog_is_this_processs_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
