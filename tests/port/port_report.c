/* SPDX-License-Identifier: Apache-2.0 */
#include "port_report.h"

#include <string.h>

#define LINE_SIZE 256u
#define PATIENCE_MS 60000u
#define CALL_MS 10000u
#define POLLS_MAX 100000000u /* of a port without a clock */

/* A line that is cut rather than overrun. */
typedef struct port_line {
    char text[LINE_SIZE];
    size_t len;
} port_line;

static void line_add(port_line *line, const char *text) {
    while (*text != '\0' && line->len < LINE_SIZE - 1u) {
        line->text[line->len++] = *text++;
    }

    line->text[line->len] = '\0';
}

static void line_add_number(port_line *line, uint64_t number) {
    char digits[21];
    size_t at = sizeof digits - 1u;
    digits[at] = '\0';

    do {
        digits[--at] = (char)('0' + (int)(number % 10u));
        number /= 10u;
    } while (number > 0);

    line_add(line, digits + at);
}

static void line_begin(port_line *line, const char *text) {
    line->len = 0;
    line_add(line, text);
}

/* "LABEL: SUBJECT: SENTENCE". */
static void report_result(const port_report *report, const char *label, const char *why) {
    port_line line;
    line_begin(&line, label);
    line_add(&line, report->subject);
    line_add(&line, ": ");
    line_add(&line, report->check->sentence);

    if (why != NULL) {
        line_add(&line, " (needs ");
        line_add(&line, why);
        line_add(&line, ")");
    }

    report->suite->say(line.text);
}

static void report_detail(const port_report *report, const char *label, const char *text) {
    port_line line;
    line_begin(&line, label);
    line_add(&line, text);
    report->suite->say(line.text);
}

/* ---- expectations ------------------------------------------------------------------------------------------------ */

bool port_expect(port_report *report, const char *doing, bool holds, const char *expected, const char *came) {
    if (holds) {
        return true;
    }

    /* Only the first thing that is wrong is told: the rest mostly follows from it. */
    if (!report->failed) {
        report->failed = true;
        report_result(report, "FAILED: ", NULL);
        report_detail(report, "    rule:     ", report->check->rule);
        report_detail(report, "    doing:    ", doing);
        report_detail(report, "    expected: ", expected);
        report_detail(report, "    came:     ", came);
        report_detail(report, "    look:     ", report->check->look);
    }

    return false;
}

bool port_expect_status(port_report *report, const char *doing, sbs_status came, sbs_status expected) {
    port_line words;
    if (came == expected) {
        return true;
    }

    line_begin(&words, sbs_status_name(came));
    line_add(&words, ": ");
    line_add(&words, sbs_status_text(came));

    return port_expect(report, doing, false, sbs_status_name(expected), words.text);
}

bool port_expect_number(port_report *report, const char *doing, uint64_t came, uint64_t expected) {
    port_line wanted, got;
    if (came == expected) {
        return true;
    }

    line_begin(&wanted, "");
    line_add_number(&wanted, expected);
    line_begin(&got, "");
    line_add_number(&got, came);

    return port_expect(report, doing, false, wanted.text, got.text);
}

bool port_expect_bytes(port_report *report, const char *doing, const void *came, const void *expected, size_t len) {
    const uint8_t *got = came;
    const uint8_t *wanted = expected;
    size_t at = 0;

    while (at < len && got[at] == wanted[at]) {
        at++;
    }

    if (at == len) {
        return true;
    }

    port_line right, wrong;
    line_begin(&right, "at byte ");
    line_add_number(&right, at);
    line_add(&right, " of ");
    line_add_number(&right, len);
    line_add(&right, ": ");
    line_add_number(&right, wanted[at]);
    line_begin(&wrong, "there: ");
    line_add_number(&wrong, got[at]);

    return port_expect(report, doing, false, right.text, wrong.text);
}

void port_missing(port_report *report, const char *what) {
    report->missing = what;
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

void port_pending_begin(port_report *report) {
    report->polls = 0;
    report->started_ms = 0;
    if (report->suite->now != NULL) {
        report->started_ms = report->suite->now().mono_ms;
    }
}

bool port_pending(port_report *report, const char *doing, const sbs_wait *wait) {
    const port_suite *suite = report->suite;
    uint32_t patience_ms = suite->patience_ms;
    if (patience_ms == 0) {
        patience_ms = PATIENCE_MS;
    }

    report->polls++;
    bool over = report->polls > POLLS_MAX;
    if (suite->now != NULL) {
        over = suite->now().mono_ms - report->started_ms > patience_ms;
    }

    if (over) {
        return port_expect(report, doing, false, "an end within port_suite.patience_ms", "SBS_PENDING again and again");
    }

    if (wait != NULL && wait->timeout_ms == SBS_WAIT_FOREVER && wait->events == 0) {
        return port_expect(report, doing, false, "waits_for() with an event or a time limit",
                           "SBS_WAIT_FOREVER without an event: the loop never wakes");
    }

    /* A port that names no event in time is asked again when patience is over, and told so then. */
    if (suite->wait != NULL && (wait == NULL || wait->timeout_ms != 0)) {
        sbs_wait limited = {.timeout_ms = 10, .events = 0, .descriptor = -1};
        if (wait != NULL) {
            limited = *wait;
        }

        if (limited.timeout_ms > patience_ms) {
            limited.timeout_ms = patience_ms;
        }

        suite->wait(&limited);
    }

    return true;
}

uint32_t port_call_ms(const port_suite *suite) {
    if (suite->call_ms != 0) {
        return suite->call_ms;
    }

    return CALL_MS;
}

void port_fill(uint8_t *bytes, size_t len, uint32_t seed) {
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)((uint32_t)i * 7u + (uint32_t)(i / 251u) + seed * 31u + 1u);
    }
}

/* ---- all checks of a subject ------------------------------------------------------------------------------------- */

static bool is_chosen(const port_suite *suite, const port_check *check) {
    return suite->only == NULL || strstr(check->sentence, suite->only) != NULL;
}

static void report_sum(const port_report *report, unsigned done, unsigned failures, unsigned missing) {
    port_line line;
    line_begin(&line, report->subject);
    line_add(&line, ": ");
    line_add_number(&line, done);
    line_add(&line, " checks, ");
    line_add_number(&line, failures);
    line_add(&line, " failed, ");
    line_add_number(&line, missing);
    line_add(&line, " more not checked");
    report->suite->say(line.text);
}

unsigned port_report_run(const port_suite *suite, const char *subject, const port_check *checks, size_t count,
                         const void *port) {
    port_report report = {.suite = suite, .subject = subject};
    unsigned failures = 0, missing = 0, done = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_chosen(suite, &checks[i])) {
            continue;
        }

        report.check = &checks[i];
        report.failed = false;
        report.missing = NULL;
        checks[i].run(&report, port);

        if (report.failed) {
            failures++;
            done++;
        } else if (report.missing != NULL) {
            missing++;
            report_result(&report, "not checked: ", report.missing);
        } else {
            done++;
            report_result(&report, "ok: ", NULL);
        }
    }

    report_sum(&report, done, failures, missing);

    return failures;
}
