/* SPDX-License-Identifier: Apache-2.0 */
/* A signal that comes just before a call that waits, after the last look at it, does not wait with it. */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "test.h"

/* Nothing ever comes; a hang is ended by the test's limit of time. */
static int read_nothing(void) {
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);

    ssize_t count = read(ends[0], &byte, 1);
    int error = errno;
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(count, -1);
    return error;
}

static void one_that_came_before_the_wait_interrupts_it(void **state) {
    (void)state;
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(read_nothing(), EINTR);
    assert_int_equal(read_nothing(), EINTR); /* nobody has looked yet */
    assert_int_equal(cli_signal(), SIGTERM);
}

static void after_the_look_nothing_interrupts(void **state) {
    const struct timespec longer = {.tv_nsec = 350000000L};
    struct timespec left;
    (void)state;
    assert_int_equal(cli_signal(), SIGTERM);
    assert_int_equal(nanosleep(&longer, &left), 0);
}

static int set_up(void **state) {
    (void)state;
    cli_signals_init();
    return cli_signal();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_came_before_the_wait_interrupts_it),
        cmocka_unit_test(after_the_look_nothing_interrupts),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
