/* SPDX-License-Identifier: Apache-2.0 */
/** @file push_run.h The loop around a push, and its lines: what `sbs push` and `sbs queue push` have in common. */
#ifndef SBS_CLI_PUSH_RUN_H
#define SBS_CLI_PUSH_RUN_H

#include "options.h"
#include "sbs/forward_fan.h"

#define CLI_WRITE_MODES "auto|put|if-none-exist|plain"
#define CLI_NO_SYSTEM                                                                                                  \
    "an identifier without a system may be used by others too, and two measurements would become one, give each "      \
    "identifier a system"
#define CLI_PUSH_REASON_SIZE (SBS_FORWARD_WORDS_SIZE + 512)

typedef struct cli_push_options {
    uint64_t batch, wait_s, time_s, settle_s, mark_ahead, connections;
    int write_mode;    /**< 0: not given, else in the order of the words */
    int already_there; /**< 0: not given, 1: set-aside, 2: accept */
    bool follow, quiet;
    bool no_cache, no_gzip;
} cli_push_options;

extern cli_push_options cli_push_with;
extern const cli_table cli_push_table;
extern const cli_table cli_drain_table; /**< how a durable queue is pushed */

/** Why an item that waits was not stored when it was last tried. */
typedef struct cli_push_failure {
    uint64_t id;
    char *reason;
} cli_push_failure;

/** One run; zero-initialise. What is pending becomes durable with the rest of its group, or not at all. */
typedef struct cli_push_run {
    const char *command;
    sbs_forward_fan push;
    sbs_forward_buffer lines;
    uint64_t started_ms, progress_ms, shown_ms;
    uint64_t delivered, refused, pending_delivered, pending_refused;
    char reason[CLI_PUSH_REASON_SIZE]; /**< of the last try, "" if it did not fail */
    char last[CLI_PUSH_REASON_SIZE];   /**< of the last failure */
    const char *advice;                /**< what to do about it */
    const char *refused_advice;        /**< what to do about a refusal, NULL: nothing in particular */
    char step[64];                     /**< what of a request failed, "" for nothing in particular */
    bool unmended;                     /**< the next push fails in the same way unless somebody mends something */
    uint64_t failed_id;                /**< the item that failed last, 0: it would be so with every item */
    int code;                          /**< exit status of the first refusal */
    int pending_code;
    int kept;  /**< exit status of the last failure */
    int told;  /**< of the listing */
    bool over; /**< nothing more can be done */
    bool open;
    /** Optional: told of each refusal. False: it does not count for the exit status. */
    bool (*refused_hook)(void *ctx, const sbs_push_event *event);
    /** Optional: told of each event after which something waits; the reason is in `reason`. */
    void (*failed_hook)(void *ctx, const sbs_forward_event *event);
    void *hook_ctx;
    cli_push_failure *failures;
    size_t failure_count, failure_size;
} cli_push_run;

/** Starts the clocks of a run. */
void cli_push_begin(cli_push_run *run, const char *command);
/** Sets the push up for an open server; fills in what the options say. Returns an exit status. */
int cli_push_open(cli_push_run *run, const sbs_forward_push_config *config);
/** One poll and the wait behind it. Lines of what is durable are shown. @p out_polled: what the poll said. Returns an
 * exit status of the listing. */
int cli_push_poll(cli_push_run *run, sbs_status *out_polled, sbs_wait *out_wait);
/** Waits as a poll asked, unless the run is over: no progress for too long, --max-time, a signal. */
void cli_push_wait(cli_push_run *run, sbs_status polled, const sbs_wait *wait);
/** Waits, or until a signal or the end of --max-time. */
void cli_push_pause(cli_push_run *run, uint64_t wait_ms);
/** True at the end of --max-time. */
bool cli_push_is_time_over(const cli_push_run *run);
/** Why the item waits, "" if this run has nothing to tell of it. */
const char *cli_push_why(const cli_push_run *run, uint64_t id);
/** Why anything waits: what the last try failed with, else what the last item failed with that still waits; "" if
 * nothing failed. */
const char *cli_push_last_why(const cli_push_run *run);
/** What is said of an item that waits and of which nothing else is known: whether it was ever sent. Static. */
const char *cli_push_untold(uint32_t attempts);
/** Writes a line of the listing that tells why an item is not on the server. Shown with the next ones. */
void cli_push_put_line(cli_push_run *run, sbs_text name, const char *what, const char *reason);
/** Shows the lines that were put. Returns an exit status. */
int cli_push_show(cli_push_run *run);
/** Ends the push. SBS_OK, or why the queue could not make durable what was told last. */
sbs_status cli_push_close(cli_push_run *run);
void cli_push_free(cli_push_run *run);

#endif
