/* SPDX-License-Identifier: Apache-2.0 */
#include "push_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "message.h"
#include "push_words.h"
#include "sbs/linux_clock.h"
#include "server.h"
#include "signals.h"

#define WAIT_DEFAULT_S 30u
#define SETTLE_DEFAULT_S 5u
#define PROGRESS_MS 200u

cli_push_options cli_push_with = {.wait_s = WAIT_DEFAULT_S, .settle_s = SETTLE_DEFAULT_S};

static const cli_option option_table[] = {
    {"write-mode", CLI_WRITE_MODES, "default auto: by what the server states and the scope allows",
     &cli_push_with.write_mode, .type = CLI_CHOICE},
    {"batch", "N",
     "send up to N items in one request where the server can, at most 128; default: with a queue as many as do well "
     "where many wait, else 1",
     &cli_push_with.batch, .min = 1, .max = SBS_FORWARD_BATCH_MAX, .type = CLI_UINT},
    {"wait", "SECONDS", "how long to wait for a server that takes nothing, default 30", &cli_push_with.wait_s, .min = 0,
     .max = 31536000, .type = CLI_UINT},
    {"max-time", "SECONDS", "end after this time, default no limit", &cli_push_with.time_s, .min = 1, .max = 31536000,
     .type = CLI_UINT},
    {"settle", "SECONDS", "how long a server may take to find what it stored, default 5", &cli_push_with.settle_s,
     .min = 0, .max = 3600, .type = CLI_UINT},
    {"already-there", "set-aside|accept",
     "what to do with an item that the server has although it was never sent; default set-aside, without a queue "
     "accept",
     &cli_push_with.already_there, .type = CLI_CHOICE},
    {"no-cache", NULL, "keep nothing of what is learnt of the server beside the queue, and use nothing of it",
     &cli_push_with.no_cache, .type = CLI_FLAG},
    {"no-gzip", NULL, "send bodies as they are; default by gzip where the server takes that and it saves time",
     &cli_push_with.no_gzip, .type = CLI_FLAG},
    {"quiet", NULL, "print nothing about what goes well or waits", &cli_push_with.quiet, .type = CLI_FLAG},
};

static const cli_option drain_table[] = {
    {"connections", "N",
     "with a queue: use up to N connections at a time, at most 64, default 1: devices beside each other, each in its "
     "order; fewer where the server has enough",
     &cli_push_with.connections, .min = 1, .max = SBS_FORWARD_CONNECTIONS_MAX, .type = CLI_UINT},
    {"mark-ahead", "N",
     "with a queue: note N items as tried with one write of the disk, at most 1024, default 1: after a crash so many "
     "may count as tried that were never sent; written plainly, items are noted one by one",
     &cli_push_with.mark_ahead, .min = 1, .max = SBS_FORWARD_AHEAD_MAX, .type = CLI_UINT},
};

const cli_table cli_push_table = CLI_TABLE(option_table);
const cli_table cli_drain_table = CLI_TITLED_TABLE(drain_table, "queue");

/* ---- the last failure of each item that waits ------------------------------------------------------------------- */

/* The place of the item's failure; the number of failures if it has none yet. */
static size_t failure_find(const cli_push_run *run, uint64_t id) {
    size_t at = 0;

    while (at < run->failure_count && run->failures[at].id != id) {
        at++;
    }
    return at;
}

static bool failure_reserve(cli_push_run *run) {
    if (run->failure_count < run->failure_size) {
        return true;
    }

    if (run->failure_count >= SBS_FORWARD_DEFERRED_MAX) {
        return false; /* more are never put aside at a time */
    }

    size_t size = 2 * run->failure_size + 16;
    cli_push_failure *grown = realloc(run->failures, size * sizeof *grown);
    if (grown == NULL) {
        return false;
    }

    run->failures = grown;
    run->failure_size = size;
    return true;
}

static void failure_keep(cli_push_run *run, uint64_t id, const char *reason) {
    /* One failure is kept for each item: its last. */
    size_t at = failure_find(run, id);
    if (at == run->failure_count) {
        if (!failure_reserve(run)) {
            return; /* its line then tells the last reason of all */
        }
        run->failures[run->failure_count++] = (cli_push_failure){.id = id};
    }

    free(run->failures[at].reason);
    run->failures[at].reason = strdup(reason);
}

static void failure_forget(cli_push_run *run, uint64_t id) {
    size_t at = failure_find(run, id);
    if (at < run->failure_count) {
        free(run->failures[at].reason);
        run->failures[at] = run->failures[--run->failure_count];
    }
}

const char *cli_push_why(const cli_push_run *run, uint64_t id) {
    size_t at = failure_find(run, id);
    if (at < run->failure_count && run->failures[at].reason != NULL) {
        return run->failures[at].reason;
    }
    if (run->failed_id != 0) {
        return ""; /* another item's failure is not this one's */
    }
    return run->reason;
}

const char *cli_push_last_why(const cli_push_run *run) {
    /* An item that failed still waits, although others went well since then. */
    if (run->reason[0] == '\0' && run->failure_count > 0) {
        return run->last;
    }
    return run->reason;
}

const char *cli_push_untold(uint32_t attempts) {
    if (attempts > 0) {
        return "sent, but not confirmed";
    }
    return "not tried";
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

void cli_push_put_line(cli_push_run *run, sbs_text name, const char *what, const char *reason) {
    sbs_writer out;

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &run->lines);
    cli_put_sanitised(&out, name);
    sbs_put_char(&out, '\t');
    sbs_put_string(&out, what);
    if (reason[0] != '\0') {
        sbs_put_string(&out, ": ");
        cli_put_sanitised(&out, sbs_text_of(reason));
    }

    sbs_put_char(&out, '\n');
}

static void put_stored(cli_push_run *run, const sbs_forward_event *event, const char *what) {
    bool replaced = event->push->kind == SBS_PUSH_REPLACED;
    sbs_writer out;

    if (cli_push_with.quiet && !replaced) {
        return;
    }

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &run->lines);
    cli_put_sanitised(&out, sbs_text_of(event->name));
    sbs_put_char(&out, '\t');
    sbs_put_string(&out, what);
    if (event->place[0] != '\0') {
        sbs_put_char(&out, '\t');
        cli_put_sanitised(&out, sbs_text_of(event->place));
    }

    if (event->version[0] != '\0' && event->push->kind != SBS_PUSH_DELIVERED) {
        sbs_put_string(&out, "\tversion ");
        cli_put_sanitised(&out, sbs_text_of(event->version));
    }

    sbs_put_char(&out, '\n');
}

int cli_push_show(cli_push_run *run) {
    sbs_writer out;

    if (run->lines.len == 0) {
        return CLI_DONE;
    }
    cli_output(&out);
    sbs_put_text(&out, sbs_forward_buffer_text(&run->lines));
    sbs_forward_buffer_clear(&run->lines);
    return cli_output_flush();
}

/* Only where the listing goes elsewhere: on one terminal the two would mix. */
static bool wants_progress(void) {
    return !cli_server.verbose && !cli_push_with.quiet && isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1;
}

static void show_progress(cli_push_run *run) {
    uint64_t now_ms = sbs_linux_now().mono_ms;
    if (now_ms - run->shown_ms < PROGRESS_MS) {
        return;
    }

    /* Also where nobody looks: it need not be asked again for each item. */
    run->shown_ms = now_ms;
    if (!wants_progress()) {
        return;
    }

    /* The queue counts what is left, in RAM or in a file. */
    const sbs_queue *queue = run->push.priv.config.push.queue;
    sbs_queue_counters counters;
    queue->ops->counters(queue->ctx, &counters);

    uint64_t took_ms = now_ms - run->started_ms;
    unsigned long long tenths = 0; /* of an item, a second */
    if (took_ms > 0) {
        tenths = run->delivered * 10000u / took_ms;
    }

    cli_progress("pushed %llu, %llu.%llu a second, %u left, %llu refused%s%.100s", (unsigned long long)run->delivered,
                 tenths / 10, tenths % 10, counters.waiting, (unsigned long long)run->refused,
                 run->last[0] == '\0' ? "" : ", last error: ", run->last);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

/* Versions that are numbers count up: the one before has what was overwritten. */
static void warn_replaced(const cli_push_run *run, const sbs_forward_event *event) {
    uint64_t version = 0;
    char before[48] = "the version before this one";

    if (sbs_text_to_uint(sbs_text_of(event->version), &version) == SBS_OK && version > 1) {
        (void)snprintf(before, sizeof before, "version %llu", (unsigned long long)(version - 1));
    }

    cli_warn("%s: %s: the server overwrote what it held there although it was asked not to "
             "(or answers 200 to new ones too), look at %s/_history: %s has the old one",
             run->command, event->name, event->place, before);
}

static void note_stored(cli_push_run *run, const sbs_forward_event *event, const char *what) {
    put_stored(run, event, what);
    failure_forget(run, event->push->id);
    run->pending_delivered++;
    run->reason[0] = '\0';
    if (event->push->kind == SBS_PUSH_REPLACED) {
        warn_replaced(run, event);
    }
}

/* Without an HTTP status of the item's own, the client's detail speaks of something else. */
static int code_of_refusal(const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;

    if (push->kind == SBS_PUSH_COLLISION) {
        return CLI_REFUSED;
    }
    if (push->http_status == 0) {
        return cli_exit_of(push->status, NULL);
    }
    return cli_exit_of(push->status, event->detail);
}

static void note_refused(cli_push_run *run, const sbs_forward_event *event) {
    char reason[CLI_PUSH_REASON_SIZE];

    cli_push_reason(event, reason, sizeof reason);
    cli_push_put_line(run, sbs_text_of(event->name), "refused", reason);
    failure_forget(run, event->push->id);
    run->pending_refused++;

    const char *advice = cli_push_mode_advice(event);
    if (advice == NULL) {
        advice = cli_push_collision_advice(event);
    }
    if (advice != NULL) {
        run->refused_advice = advice;
    }

    /* Only now is it known whether the item counts for the exit status. */
    bool counts = run->refused_hook == NULL || run->refused_hook(run->hook_ctx, event->push);
    if (run->pending_code == CLI_DONE && counts) {
        run->pending_code = code_of_refusal(event);
    }
}

static void name_step(cli_push_run *run, const sbs_forward_event *event) {
    const char *step = "";

    if (event->detail != NULL) {
        step = sbs_step_text(event->detail->step);
    }

    if (event->statement) {
        (void)snprintf(run->step, sizeof run->step, "CapabilityStatement%s%s", cli_colon(step), step);
    } else {
        (void)snprintf(run->step, sizeof run->step, "%s", step);
    }
}

/* Keeps why something waits, for the lines and the message at the end. */
static void keep_trouble(cli_push_run *run, const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;

    cli_push_reason(event, run->reason, sizeof run->reason);
    memcpy(run->last, run->reason, sizeof run->last);
    run->kept = cli_exit_of(push->status, event->detail);
    run->advice = cli_push_advice(event);
    run->unmended = cli_push_is_unmended(event);
    name_step(run, event);

    /* What fails before an item is sent would fail for every item. */
    bool was_sent = push->http_status != 0 || (event->detail != NULL && event->detail->outcome_unknown);
    run->failed_id = 0;
    if (was_sent) {
        run->failed_id = push->id;
    }
    if (push->id != 0) {
        failure_keep(run, push->id, run->reason);
    }
}

/* A reason that was told last is not told again, and what ends the run is told at its end. */
static void note_wait(cli_push_run *run, const sbs_forward_event *event, const char *who) {
    char before[CLI_PUSH_REASON_SIZE];
    uint32_t wait_ms = event->push->wait_ms;

    /* The reason before this one decides whether anything new is to be said. */
    memcpy(before, run->reason, sizeof before);
    keep_trouble(run, event);
    if (run->failed_hook != NULL) {
        run->failed_hook(run->hook_ctx, event);
    }

    if (!run->over && !cli_push_with.quiet && strcmp(before, run->reason) != 0) {
        /* The next line of progress may come at once: the note took its place. */
        run->shown_ms = 0;
        cli_note("%s: %s, %s in %u.%u s", run->command, run->reason, who, (unsigned)(wait_ms / 1000),
                 (unsigned)(wait_ms % 1000 / 100));
    }
}

/* True if the run has waited, or would wait, for longer than it may. */
static bool is_too_long(const cli_push_run *run, uint64_t wait_ms) {
    return !cli_push_with.follow && sbs_linux_now().mono_ms + wait_ms > run->progress_ms + cli_push_with.wait_s * 1000u;
}

static void push_event(void *ctx, const sbs_forward_event *event) {
    cli_push_run *run = ctx;

    switch (event->push->kind) {
    case SBS_PUSH_DELIVERED:
        note_stored(run, event, "created");
        break;
    case SBS_PUSH_ALREADY:
        note_stored(run, event, "already there");
        break;
    case SBS_PUSH_UPDATED:
        note_stored(run, event, "updated");
        break;
    case SBS_PUSH_REPLACED:
        note_stored(run, event, "replaced");
        break;
    case SBS_PUSH_COLLISION:
    case SBS_PUSH_DEAD:
        note_refused(run, event);
        break;
    case SBS_PUSH_DEFERRED:
        note_wait(run, event, "the item is tried again");
        return;
    case SBS_PUSH_WAITING:
        if (is_too_long(run, event->push->wait_ms)) {
            run->over = true;
        }
        note_wait(run, event, "next try");
        return;
    case SBS_PUSH_PAUSED:
        if (!cli_push_with.follow) {
            run->over = true;
        }
        note_wait(run, event, "next look");
        return;
    default:
        return;
    }

    run->progress_ms = sbs_linux_now().mono_ms;
}

static void forget_pending(cli_push_run *run) {
    run->pending_delivered = 0;
    run->pending_refused = 0;
    run->pending_code = CLI_DONE;
}

static void push_durable(void *ctx) {
    cli_push_run *run = ctx;
    int code = cli_push_show(run);

    /* The first fault of the listing is the one that is told. */
    if (run->told == CLI_DONE) {
        run->told = code;
    }
    if (run->code == CLI_DONE) {
        run->code = run->pending_code;
    }

    run->delivered += run->pending_delivered;
    run->refused += run->pending_refused;
    forget_pending(run);
}

static void push_undone(void *ctx) {
    cli_push_run *run = ctx;
    sbs_forward_buffer_clear(&run->lines);
    forget_pending(run);
}

static void push_warn(void *ctx, const char *sentence) {
    const cli_push_run *run = ctx;
    cli_warn("%s: %s", run->command, sentence);
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

void cli_push_begin(cli_push_run *run, const char *command) {
    run->command = command;
    run->kept = CLI_NETWORK;
    run->started_ms = sbs_linux_now().mono_ms;
    run->progress_ms = run->started_ms;
}

int cli_push_open(cli_push_run *run, const sbs_forward_push_config *config) {
    sbs_forward_push_config full = *config;

    full.server = cli_server_forward();
    full.mode = SBS_FORWARD_AUTO;
    if (cli_push_with.write_mode != 0) {
        full.mode = (sbs_forward_mode)cli_push_with.write_mode;
    }

    full.batch_max = (uint16_t)cli_push_with.batch;
    full.mark_ahead = (uint16_t)cli_push_with.mark_ahead;
    full.batch_auto &= cli_push_with.batch == 0;
    if (full.batch_auto) {
        full.batch_max = SBS_FORWARD_BATCH_MAX;
    }

    full.no_gzip = cli_push_with.no_gzip;
    full.settle_ms = (uint32_t)cli_push_with.settle_s * 1000u;
    if (cli_push_with.already_there == 1) {
        full.already_there = SBS_ALREADY_SET_ASIDE;
    }
    if (cli_push_with.already_there == 2) {
        full.already_there = SBS_ALREADY_ACCEPT;
    }

    full.event = push_event;
    full.durable = push_durable;
    full.undone = push_undone;
    full.warn = push_warn;
    full.ctx = run;

    const sbs_forward_fan_config fan = {
        .push = full, .connections = (uint16_t)cli_push_with.connections, .wrap = cli_server_trace_more};
    sbs_status status = sbs_forward_fan_open(&run->push, &fan);
    if (status != SBS_OK) {
        return cli_fail(CLI_LOCAL, "%s: %s, close other programs", run->command, sbs_status_text(status));
    }

    run->open = true;
    return CLI_DONE;
}

int cli_push_poll(cli_push_run *run, sbs_status *out_polled, sbs_wait *out_wait) {
    *out_polled = sbs_forward_fan_poll(&run->push, sbs_linux_now(), out_wait);
    return run->told;
}

bool cli_push_is_time_over(const cli_push_run *run) {
    uint64_t time_s = cli_push_with.time_s;
    return time_s > 0 && sbs_linux_now().mono_ms - run->started_ms >= time_s * 1000u;
}

/* No wait is longer than what is left of --max-time. */
static uint64_t within_time(const cli_push_run *run, uint64_t wait_ms) {
    uint64_t time_ms = cli_push_with.time_s * 1000u;
    uint64_t passed_ms = sbs_linux_now().mono_ms - run->started_ms;

    if (time_ms == 0) {
        return wait_ms;
    }
    if (passed_ms >= time_ms) {
        return 0;
    }

    /* The wait ends with --max-time at the latest. */
    uint64_t left_ms = time_ms - passed_ms;
    return wait_ms < left_ms ? wait_ms : left_ms;
}

static bool is_over(const cli_push_run *run, const sbs_wait *wait) {
    bool at_work = wait->events != 0 || wait->descriptor >= 0 || wait->timeout_ms == 0;
    return run->over || cli_signal() != 0 || cli_push_is_time_over(run) || (!at_work && is_too_long(run, 0));
}

void cli_push_wait(cli_push_run *run, sbs_status polled, const sbs_wait *wait) {
    show_progress(run);
    /* Asked before each wait, so that none is begun in vain. */
    run->over = is_over(run, wait);
    if (run->over || (polled == SBS_PENDING && wait->timeout_ms == 0)) {
        return;
    }

    sbs_wait shorter = *wait;
    shorter.timeout_ms = (uint32_t)within_time(run, wait->timeout_ms);
    cli_server_wait(&shorter);
}

void cli_push_pause(cli_push_run *run, uint64_t wait_ms) {
    uint64_t until_ms = sbs_linux_now().mono_ms + within_time(run, wait_ms);
    uint64_t now_ms = sbs_linux_now().mono_ms;

    while (cli_signal() == 0 && now_ms < until_ms) {
        cli_server_wait(&(sbs_wait){.timeout_ms = (uint32_t)(until_ms - now_ms), .descriptor = -1});
        now_ms = sbs_linux_now().mono_ms;
    }
}

sbs_status cli_push_close(cli_push_run *run) {
    if (!run->open) {
        return SBS_OK;
    }
    run->open = false;
    sbs_status status = sbs_forward_fan_close(&run->push);
    cli_server_trace_less();
    cli_progress_end();
    return status;
}

void cli_push_free(cli_push_run *run) {
    (void)cli_push_close(run);
    for (size_t i = 0; i < run->failure_count; i++) {
        free(run->failures[i].reason);
    }
    free(run->failures);
    sbs_forward_buffer_free(&run->lines);
    sbs_wipe(run, sizeof *run);
}
