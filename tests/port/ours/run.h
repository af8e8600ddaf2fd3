/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the suite under cmocka and looks at what it said. */
#ifndef PORT_RUN_H
#define PORT_RUN_H

#include "port_suite.h"
#include "test.h"

#define RUN_SENTENCES 64u

/** What run_say() heard since run_begin(). */
typedef struct run_heard {
    unsigned ok, failed, missing;
    char sentences[RUN_SENTENCES][160]; /**< of all checks, in their order, without the subject */
    char results[RUN_SENTENCES];        /**< 'o', 'F' or 'n' */
    char came[RUN_SENTENCES][160];      /**< of those that failed */
    unsigned count;
} run_heard;

extern run_heard run_results;
extern bool run_is_quiet; /* a failure is expected, and not shown */

/** A suite that speaks to run_results, with the clocks and the wait of Linux. @p only may be NULL. */
port_suite run_begin(const char *only);
/** Fails the test unless all that was checked held; at most @p missing checks lacked something. */
void run_assert_sound(unsigned failures, unsigned missing);
/** The result of this sentence: 'o', 'F', 'n', or 0 if it was not among them. */
char run_result(const char *sentence);
/** What came where it failed. */
const char *run_came(const char *sentence);
/** Fails the test unless each sentence that was heard stands in the table of broken ports: rows of @p size bytes that
 * begin with the sentence. */
void run_assert_each_is_broken(const void *table, size_t size, size_t count);
/** Time goes on by so much at once, for a port that blocks. */
void run_skip_ms(uint64_t ms);

#endif
