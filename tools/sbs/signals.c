/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define REMINDER_NS 100000000L

static volatile sig_atomic_t signal_seen;
static timer_t reminder;
static volatile sig_atomic_t has_reminder;

static void set_reminder(long interval_ns) {
    const struct itimerspec every = {.it_interval.tv_nsec = interval_ns, .it_value.tv_nsec = interval_ns};
    if (has_reminder) {
        (void)timer_settime(reminder, 0, &every, NULL);
    }
}

/* A signal may come between the last look at it and a call that waits, and would be waited out. So what waits is
 * interrupted again and again, until somebody looks. */
static void note_signal(int number) {
    signal_seen = number;
    set_reminder(REMINDER_NS);
}

/* A handler is all that it takes: the call that waits returns with EINTR. */
static void note_reminder(int number) {
    (void)number;
}

/* One that the caller ignores (nohup, a shell's background job) stays ignored. */
static void catch_signal(int number, const struct sigaction *action) {
    struct sigaction old;
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
        (void)sigaction(number, action, NULL);
    }
}

void cli_signals_init(void) {
    struct sigevent by_alarm;
    memset(&by_alarm, 0, sizeof by_alarm);
    by_alarm.sigev_notify = SIGEV_SIGNAL;
    by_alarm.sigev_signo = SIGALRM;
    has_reminder = timer_create(CLOCK_MONOTONIC, &by_alarm, &reminder) == 0;

    struct sigaction action;
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_handler = note_reminder;
    (void)sigaction(SIGALRM, &action, NULL);

    action.sa_handler = note_signal;
    action.sa_flags = (int)SA_RESETHAND; /* a second one ends the command at once */
    catch_signal(SIGINT, &action);
    catch_signal(SIGTERM, &action);

    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    (void)sigaction(SIGPIPE, &action, NULL);
}

int cli_signal(void) {
    if (signal_seen != 0) {
        set_reminder(0);
    }
    return signal_seen;
}
