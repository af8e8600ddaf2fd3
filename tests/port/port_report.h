/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the suite: a check, what it expects, and how it tells what came instead. */
#ifndef PORT_REPORT_H
#define PORT_REPORT_H

#include "port_suite.h"
#include "sbs/count.h"

typedef struct port_report port_report;

/* One rule of a port. */
typedef struct port_check {
    const char *sentence; /* what holds for a port that is right */
    const char *rule;     /* where that is promised, in its words */
    const char *look;     /* where a porter looks first when it does not hold */
    void (*run)(port_report *report, const void *port);
} port_check;

struct port_report {
    const port_suite *suite;
    const char *subject;
    const port_check *check; /* that runs now */
    const char *missing;     /* why it could not be checked; NULL: it was */
    bool failed;
    uint64_t started_ms; /* when the wait for "not yet" began */
    uint32_t polls;
};

/* Runs them all in their order and tells each result; returns how many failed. */
unsigned port_report_run(const port_suite *suite, const char *subject, const port_check *checks, size_t count,
                         const void *port);

/* These return false when it is not as expected, and tell the first such thing of each check. @p doing: what was done.
 */
bool port_expect(port_report *report, const char *doing, bool holds, const char *expected, const char *came);
bool port_expect_status(port_report *report, const char *doing, sbs_status came, sbs_status expected);
bool port_expect_number(port_report *report, const char *doing, uint64_t came, uint64_t expected);
bool port_expect_bytes(port_report *report, const char *doing, const void *came, const void *expected, size_t len);

/* The check needs what the porter did not give. */
void port_missing(port_report *report, const char *what);

/* "Not yet": the clock is set back, and false when patience is over, which fails the check. */
void port_pending_begin(port_report *report);
bool port_pending(port_report *report, const char *doing, const sbs_wait *wait);

/* How long one call may take. */
uint32_t port_call_ms(const port_suite *suite);

/* Bytes that depend on @p seed and differ from their neighbours. */
void port_fill(uint8_t *bytes, size_t len, uint32_t seed);

#endif
