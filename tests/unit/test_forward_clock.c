/* SPDX-License-Identifier: Apache-2.0 */
/* When the wall clock is believed: what is deleted by age depends on it. */
#include <errno.h>
#include <stdbool.h>
#include <sys/timex.h>

#include "sbs/forward_clock.h"
#include "sbs/linux_clock.h"
#include "test.h"

/* What the kernel says of its clock. */
static struct {
    bool refuses;
    int status;
    int result;
} kernel;

int __wrap_adjtimex(struct timex *clock);

int __wrap_adjtimex(struct timex *clock) {
    assert_int_equal(clock->modes, 0); /* nothing is set */
    if (kernel.refuses) {
        errno = EPERM;
        return -1;
    }
    clock->status = kernel.status;
    return kernel.result;
}

static void assert_believed(sbs_forward_clock *clock, bool believed) {
    int64_t now_s = sbs_linux_now().utc_s;
    int64_t utc_s = sbs_forward_trusted_utc(clock);
    if (!believed) {
        assert_true(utc_s == SBS_UTC_UNKNOWN);
        return;
    }
    assert_true(utc_s >= now_s && utc_s - now_s < 60);
}

static void a_clock_is_believed_while_the_kernel_keeps_it_in_step(void **state) {
    (void)state;
    kernel.refuses = false;
    kernel.status = STA_PLL;
    kernel.result = TIME_OK;
    assert_believed(NULL, true);
    kernel.result = TIME_INS; /* a leap second is near */
    assert_believed(NULL, true);

    kernel.status = STA_UNSYNC;
    kernel.result = TIME_ERROR;
    assert_believed(NULL, false);
    kernel.refuses = true; /* as a container does */
    kernel.status = 0;
    assert_believed(NULL, false);
}

static void a_server_that_agrees_is_believed_until_one_does_not(void **state) {
    sbs_forward_clock clock = {0};
    (void)state;
    kernel.refuses = true;
    assert_believed(&clock, false);
    sbs_forward_clock_note(&clock, sbs_linux_now(), sbs_linux_now().utc_s - 50);
    assert_believed(&clock, true);

    sbs_forward_clock_note(&clock, sbs_linux_now(), SBS_UTC_UNKNOWN); /* an answer without Date says nothing */
    assert_believed(&clock, true);
    sbs_forward_clock_note(&clock, sbs_linux_now(), sbs_linux_now().utc_s - 3600);
    assert_believed(&clock, false);
    sbs_forward_clock_note(&clock, sbs_linux_now(), sbs_linux_now().utc_s + 40 * 86400);
    assert_believed(&clock, false);
    sbs_forward_clock_note(&clock, sbs_linux_now(), sbs_linux_now().utc_s + 10);
    assert_believed(&clock, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_is_believed_while_the_kernel_keeps_it_in_step),
        cmocka_unit_test(a_server_that_agrees_is_believed_until_one_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
