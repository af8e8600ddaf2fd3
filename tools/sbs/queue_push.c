/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop around the push engine. What a poll wrote becomes durable before the next one sends a byte: marks of
 * attempts and the settlements before them share one transaction (see end_poll()), and no line of it is shown earlier.
 */
#include "queue_push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "queue_encoder.h"
#include "queue_file.h"
#include "resource.h"
#include "sbs/linux_clock.h"
#include "server.h"
#include "write_mode.h"

#define WAIT_DEFAULT_S 30u
#define SETTLE_DEFAULT_S 5u
#define STORAGE_RETRY_MS 1000u /* after a failure of the queue */
#define FOLLOW_RETRY_MS 10000u
#define STORAGE_TRIES 3u
#define PROGRESS_MS 200u
#define BODY_MAX (2 * CLI_QUEUE_ITEM_MAX)
#define REASON_SIZE (SBS_DETAIL_TEXT_SIZE + 256)

cli_queue_push_options cli_queue_push_with = {.wait_s = WAIT_DEFAULT_S, .settle_s = SETTLE_DEFAULT_S};

static const cli_option option_table[] = {
    {"batch", "N", "send up to N items in one request where the server can, default 1", &cli_queue_push_with.batch,
     .min = 1, .max = SBS_PUSH_BATCH_MAX, .type = CLI_UINT},
    {"wait", "SECONDS", "how long to wait for a server that takes nothing, default 30", &cli_queue_push_with.wait_s,
     .min = 0, .max = 31536000, .type = CLI_UINT},
    {"max-time", "SECONDS", "end after this time, default no limit", &cli_queue_push_with.time_s, .min = 1,
     .max = 31536000, .type = CLI_UINT},
    {"settle", "SECONDS", "how long a server may take to find what it stored, default 5", &cli_queue_push_with.settle_s,
     .min = 0, .max = 3600, .type = CLI_UINT},
    {"already-there", "set-aside|accept",
     "what to do if the server has an identifier that was never sent, default set-aside",
     &cli_queue_push_with.already_there, .type = CLI_CHOICE},
};

const cli_table cli_queue_push_table = CLI_TABLE(option_table);

/* One run. `pending` counts what a group that is not durable yet holds. */
static struct {
    const char *command;
    sbs_push engine;
    sbs_push_config config;
    char *statement; /* CapabilityStatement */
    cli_buffer lines;
    uint64_t started_ms, progress_ms, shown_ms;
    uint64_t delivered, refused, pending_delivered, pending_refused;
    char reason[REASON_SIZE]; /* of the last try, "" if it did not fail */
    char last[REASON_SIZE];   /* of the last failure */
    const char *advice;       /* what to do about it */
    unsigned storage_failures;
    int code; /* exit status of the first refusal */
    int kept; /* exit status of the last failure */
    bool over;
} run;

/* ---- what is told --------------------------------------------------------------------------------------------- */

/* The detail speaks of this event, unless that is of one entry of a batch: then the request itself did not fail. */
static void keep_reason(const sbs_push_event *event) {
    const sbs_detail *detail = cli_server_detail();
    if (detail->status == event->status) {
        cli_reason(event->status, detail, run.reason, sizeof run.reason);
    } else if (event->http_status != 0) {
        const char *words = event->words;
        (void)snprintf(run.reason, sizeof run.reason, "%s (HTTP %u)%s%s", sbs_status_text(event->status),
                       event->http_status, words[0] == '\0' ? "" : ": ", words);
    } else {
        (void)snprintf(run.reason, sizeof run.reason, "%s",
                       event->reason[0] != '\0' ? event->reason : sbs_status_text(event->status));
    }
}

static void put_line(const sbs_push_event *event, const char *what, const char *reason) {
    sbs_writer out;
    sbs_writer_init_sink(&out, cli_buffer_put, &run.lines);
    cli_queue_encoder_put_name(event->id, &out);
    sbs_put_char(&out, '\t');
    sbs_put_string(&out, what);
    if (reason[0] != '\0') {
        sbs_put_string(&out, ": ");
        cli_put_clean(&out, sbs_text_of(reason));
    } else {
        cli_queue_encoder_put_place(event, &out);
    }
    sbs_put_char(&out, '\n');
}

static void show_progress(void) {
    uint64_t now_ms = sbs_linux_now().mono_ms;
    sbs_queue_counters counters;
    uint64_t took_ms = now_ms - run.started_ms;
    if (now_ms - run.shown_ms < PROGRESS_MS || cli_server.verbose || isatty(STDERR_FILENO) != 1 ||
        isatty(STDOUT_FILENO) == 1) {
        return;
    }
    run.shown_ms = now_ms;
    cli_queue_port.ops->counters(cli_queue_port.ctx, &counters);
    unsigned long long tenths = took_ms == 0 ? 0 : run.delivered * 10000u / took_ms;
    cli_progress("pushed %llu, %llu.%llu a second, %u left, %llu refused%s%.100s", (unsigned long long)run.delivered,
                 tenths / 10, tenths % 10, counters.waiting, (unsigned long long)run.refused,
                 run.last[0] == '\0' ? "" : ", last error: ", run.last);
}

/* Waits are told when their reason is a new one. */
static void tell_wait(const sbs_push_event *event, const char *who) {
    char before[REASON_SIZE];
    memcpy(before, run.reason, sizeof before);
    keep_reason(event);
    run.kept = cli_exit_of(event->status, cli_server_detail());
    memcpy(run.last, run.reason, sizeof run.last);
    run.advice = cli_advice(event->status, cli_server_detail());
    if (!run.over && strcmp(before, run.reason) != 0) { /* a run that ends tells at its end */
        run.shown_ms = 0;
        cli_note("%s: %s, %s in %u.%u s", run.command, run.reason, who, (unsigned)(event->wait_ms / 1000),
                 (unsigned)(event->wait_ms % 1000 / 100));
    }
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static void note_stored(const sbs_push_event *event, const char *what) {
    put_line(event, what, "");
    run.pending_delivered++;
    run.reason[0] = '\0';
}

static void note_dead(const sbs_push_event *event, const char *reason, int code) {
    put_line(event, "refused", reason);
    run.pending_refused++;
    run.code = run.code == CLI_DONE ? code : run.code;
}

static void note_refusal(const sbs_push_event *event) {
    char before[REASON_SIZE];
    memcpy(before, run.reason, sizeof before);
    keep_reason(event);
    note_dead(event, run.reason, cli_exit_of(event->status, event->http_status == 0 ? NULL : cli_server_detail()));
    memcpy(run.reason, before, sizeof before);
}

/* True if the run has waited, or would wait, for longer than it may. */
static bool is_too_long(uint64_t wait_ms) {
    return !cli_queue_push_with.follow &&
           sbs_linux_now().mono_ms + wait_ms > run.progress_ms + cli_queue_push_with.wait_s * 1000u;
}

static void note_event(const sbs_push_event *event) {
    switch (event->kind) {
    case SBS_PUSH_DELIVERED:
        note_stored(event, "created");
        break;
    case SBS_PUSH_ALREADY:
        note_stored(event, "already there");
        break;
    case SBS_PUSH_UPDATED:
        note_stored(event, "updated");
        break;
    case SBS_PUSH_REPLACED:
        note_stored(event, "replaced");
        break;
    case SBS_PUSH_COLLISION:
        note_dead(event, "already there before it was ever sent, perhaps another one with the same identifier",
                  CLI_REFUSED);
        break;
    case SBS_PUSH_DEAD:
        note_refusal(event);
        break;
    case SBS_PUSH_DEFERRED:
        tell_wait(event, "the item is tried again");
        break;
    case SBS_PUSH_WAITING:
        run.over = run.over || is_too_long(event->wait_ms);
        tell_wait(event, "next try");
        break;
    case SBS_PUSH_PAUSED:
        run.over = run.over || !cli_queue_push_with.follow;
        tell_wait(event, "next look");
        break;
    default:
        return;
    }
    run.progress_ms = event->kind <= SBS_PUSH_DEAD ? sbs_linux_now().mono_ms : run.progress_ms;
}

/* ---- durability ----------------------------------------------------------------------------------------------- */

static void forget_pending(void) {
    sbs_wipe(run.lines.data, run.lines.len);
    run.lines.len = run.pending_delivered = run.pending_refused = 0;
}

static int show_lines(void) {
    sbs_writer out;
    if (run.lines.len == 0) {
        return CLI_DONE;
    }
    cli_output(&out);
    sbs_put_text(&out, cli_buffer_text(&run.lines));
    run.delivered += run.pending_delivered;
    run.refused += run.pending_refused;
    forget_pending();
    return cli_output_flush();
}

/* Makes what was written durable. On a failure nothing of it happened: the engine starts over from what the queue
 * holds, and an item that was stored is found there again and told as "already there". */
static sbs_status make_durable(void) {
    sbs_status status = cli_queue_encoder_commit();
    if (status != SBS_OK) {
        sbs_push_cancel(&run.engine);
        forget_pending();
    }
    return status;
}

static bool is_settled(const sbs_push_event *event) {
    return event->kind == SBS_PUSH_DELIVERED || event->kind == SBS_PUSH_ALREADY || event->kind == SBS_PUSH_DEAD ||
           event->kind == SBS_PUSH_UPDATED || event->kind == SBS_PUSH_REPLACED || event->kind == SBS_PUSH_COLLISION;
}

/* A settlement may wait for the mark of what goes next, if that comes without a wait: until then no byte is sent. */
static bool may_wait(sbs_status polled, const sbs_wait *wait) {
    const sbs_push_event *event = sbs_push_event_of(&run.engine);
    bool goes_on = polled == SBS_PENDING && wait->timeout_ms == 0 && event->kind == SBS_PUSH_NOTHING;
    return (is_settled(event) || goes_on) && !cli_queue_encoder_is_due();
}

/* Waits, or until a signal. */
static void pause_for(uint64_t wait_ms) {
    uint64_t until_ms = sbs_linux_now().mono_ms + wait_ms;
    for (uint64_t now_ms; cli_signal() == 0 && (now_ms = sbs_linux_now().mono_ms) < until_ms;) {
        cli_server_wait(&(sbs_wait){.timeout_ms = (uint32_t)(until_ms - now_ms), .descriptor = -1});
    }
}

/* A queue that fails may do so for a moment. Returns an exit status if the run is over. */
static int note_storage_failure(sbs_status status) {
    bool follow = cli_queue_push_with.follow;
    run.storage_failures++;
    if (run.storage_failures == 1 || (run.storage_failures >= STORAGE_TRIES && !follow)) {
        int code = cli_queue_was_replaced(run.command) ? CLI_LOCAL : cli_queue_fail(run.command, status);
        if (run.storage_failures > 1) {
            return code;
        }
    }
    pause_for(follow ? FOLLOW_RETRY_MS : STORAGE_RETRY_MS);
    return CLI_DONE;
}

/* False if the wait is for time alone. */
static bool is_at_work(const sbs_wait *wait) {
    return wait->events != 0 || wait->descriptor >= 0 || wait->timeout_ms == 0;
}

/* What follows a poll before anything else may happen. Returns an exit status if the run is over. */
static int end_poll(sbs_status polled, const sbs_wait *wait) {
    bool good = polled == SBS_OK || polled == SBS_PENDING;
    note_event(sbs_push_event_of(&run.engine));
    if (polled == SBS_PENDING && is_at_work(wait)) {
        cli_queue_touch(); /* but not while it is idle or waits: flash memory wears */
    }
    if (good && may_wait(polled, wait)) {
        return CLI_DONE;
    }
    bool proved = polled == SBS_OK || cli_queue_encoder_has_written(); /* that the queue works, if it goes well */
    sbs_status status = make_durable();
    int code = show_lines();
    status = good ? status : polled;
    if (code == CLI_DONE && status != SBS_OK) {
        return note_storage_failure(status);
    }
    run.storage_failures = proved ? 0 : run.storage_failures;
    return code;
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

static bool is_time_over(void) {
    uint64_t time_s = cli_queue_push_with.time_s;
    return time_s > 0 && sbs_linux_now().mono_ms - run.started_ms >= time_s * 1000u;
}

static void wait_as_asked(sbs_status polled, const sbs_wait *wait) {
    show_progress();
    if (polled == SBS_PENDING && is_settled(sbs_push_event_of(&run.engine)) && cli_signal() == 0) {
        return; /* the next item can go at once */
    }
    run.over = run.over || cli_signal() != 0 || is_time_over() || (!is_at_work(wait) && is_too_long(0));
    if (!run.over) {
        cli_server_wait(wait);
    }
}

/* Another process may have replaced or removed the file: what is at its name counts. */
static int look_at_file(void) {
    if (!cli_queue_has_moved()) {
        return CLI_DONE;
    }
    sbs_push_cancel(&run.engine);
    forget_pending();
    (void)cli_queue_encoder_commit();
    int code = cli_queue_reopen(run.command);
    return code == CLI_DONE && sbs_push_init(&run.engine, &run.config) != SBS_OK ? CLI_LOCAL : code;
}

static int push_all(void) {
    int code = CLI_DONE;
    while (code == CLI_DONE && !run.over) {
        sbs_wait wait;
        sbs_status polled = sbs_push_poll(&run.engine, sbs_linux_now(), &wait);
        code = end_poll(polled, &wait);
        if (code == CLI_DONE && polled != SBS_PENDING) {
            code = look_at_file();
        }
        run.over = run.over || (polled == SBS_OK && !cli_queue_push_with.follow);
        wait_as_asked(polled, &wait);
    }
    sbs_push_cancel(&run.engine);
    sbs_status status = make_durable();
    int shown = show_lines();
    cli_progress_end();
    if (code == CLI_DONE && status != SBS_OK) {
        return cli_queue_fail(run.command, status);
    }
    return code != CLI_DONE ? code : shown;
}

/* ---- before and after it -------------------------------------------------------------------------------------- */

/* True if a failure may pass by itself within the time that there is. */
static bool may_pass(sbs_status status, uint32_t wait_ms) {
    sbs_status_class group = sbs_status_group(status);
    return cli_queue_push_with.follow ||
           ((group == SBS_CLASS_LATER || group == SBS_CLASS_PEER) && !is_too_long(wait_ms));
}

/* The CapabilityStatement, where the way of writing depends on it or a warning does. */
static int learn(cli_write_mode mode) {
    const sbs_backoff backoff = {1000, 300000};
    if (mode != CLI_WRITE_AUTO && mode != CLI_WRITE_IF_NONE_EXIST) {
        return CLI_DONE;
    }
    for (unsigned attempt = 0;; attempt++) {
        bool answered;
        sbs_status status = cli_write_mode_ask(run.statement, 1, &answered);
        uint32_t wait_ms = sbs_backoff_delay(&backoff, attempt, UINT32_MAX);
        if (status == SBS_OK) {
            run.reason[0] = '\0';
            return CLI_DONE;
        }
        sbs_push_event event = {.status = status, .wait_ms = wait_ms, .reason = "", .words = ""};
        event.http_status = answered ? 0 : cli_server_detail()->http_status;
        if (cli_signal() != 0) {
            return CLI_NETWORK;
        }
        if (!may_pass(status, wait_ms) || is_time_over()) {
            keep_reason(&event);
            return cli_write_mode_fail(run.command, status, answered);
        }
        tell_wait(&event, "next try");
        pause_for(wait_ms);
    }
}

/* True if one of the items that go first was sent before. */
static bool has_tried(void) {
    sbs_queue_item item = {0};
    for (unsigned i = 0; i < SBS_PUSH_BATCH_MAX; i++) {
        if (cli_queue_port.ops->next(cli_queue_port.ctx, item.id, &item) != SBS_OK) {
            return false;
        }
        if (item.attempts > 0) {
            return true;
        }
    }
    return false;
}

/* A run that was killed may have sent an item a moment ago: a server that indexes late would not find it yet. */
static void let_settle(cli_write_mode mode) {
    uint64_t settle_ms = cli_queue_push_with.settle_s * 1000u;
    uint64_t age_ms = cli_queue_last_push_ms();
    bool searches = mode == CLI_WRITE_IF_NONE_EXIST || (mode == CLI_WRITE_AUTO && cli_write_mode_may_search());
    if (searches && age_ms < settle_ms && has_tried()) {
        pause_for(settle_ms - age_ms);
    }
}

static int set_up(cli_write_mode mode) {
    bool batch = cli_queue_push_with.batch > 1;
    run.config = (sbs_push_config){
        .client = cli_server_client(),
        .body = malloc(BODY_MAX),
        .body_size = BODY_MAX,
        .answer = batch ? malloc(CLI_ANSWER_MAX) : NULL,
        .answer_size = batch ? CLI_ANSWER_MAX : 0,
        .settle_ms = cli_queue_push_with.settle_s == 0 ? 1 : (uint32_t)cli_queue_push_with.settle_s * 1000u,
        .unknown_time = SBS_UNKNOWN_TIME_SEND, /* resources have their own times */
        .batch_max = (uint16_t)cli_queue_push_with.batch,
    };
    if (batch && !cli_write_mode_takes_batch()) {
        cli_warn("%s: the server does not state that it takes batches: items are sent one by one", run.command);
        run.config.batch_max = 1;
    }
    run.config.already_there = cli_queue_push_with.already_there == 2 ? SBS_ALREADY_ACCEPT : SBS_ALREADY_SET_ASIDE;
    bool memory = cli_queue_encoder_init(&run.config, run.command, mode);
    if (!memory || run.config.body == NULL || (batch && run.config.answer == NULL) ||
        sbs_push_init(&run.engine, &run.config) != SBS_OK) {
        return cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", run.command);
    }
    return CLI_DONE;
}

static int list_kept(const cli_queue_added *mine) {
    int code = CLI_DONE;
    for (size_t i = 0; mine != NULL && i < mine->count && code == CLI_DONE; i++) {
        sbs_queue_item item = {.id = mine->ranges[i].first - 1};
        while (code == CLI_DONE && cli_queue_port.ops->next(cli_queue_port.ctx, item.id, &item) == SBS_OK &&
               item.id <= mine->ranges[i].last) {
            sbs_writer out;
            cli_output(&out);
            cli_queue_put_name(&item, &out);
            sbs_put_string(&out, "\tkept: ");
            cli_put_clean(&out, sbs_text_of(run.reason[0] != '\0' ? run.reason : "not tried"));
            sbs_put_char(&out, '\n');
            code = cli_output_flush();
        }
    }
    return code;
}

static void tell_kept(uint32_t count) {
    const char *why = run.reason[0] != '\0' ? run.reason : "not tried";
    const bool advised = run.reason[0] != '\0' && run.advice != NULL;
    (void)cli_fail(run.kept, "%s: %u item%s kept in %s: %s, %s%sthe next push sends them", run.command, count,
                   count == 1 ? " is" : "s are", cli_queue.file, why, advised ? run.advice : "", advised ? "; " : "");
}

static int sum_up(int code, const cli_queue_added *mine) {
    sbs_queue_counters counters;
    cli_queue_port.ops->counters(cli_queue_port.ctx, &counters);
    int listed = list_kept(mine);
    if (run.refused > 0) {
        (void)cli_fail(run.code, "%s: %llu item%s refused and set aside as dead letters, 'sbs queue dead' lists them",
                       run.command, (unsigned long long)run.refused, run.refused == 1 ? " was" : "s were");
    }
    if (counters.waiting > 0) {
        tell_kept(counters.waiting);
    }
    code = code != CLI_DONE ? code : listed != CLI_DONE ? listed : run.code;
    return code == CLI_DONE && counters.waiting > 0 ? run.kept : code;
}

static int push_queue(cli_write_mode mode) {
    sbs_queue_counters counters;
    int code = cli_server_open(run.command, CLI_NEED_FHIR);
    cli_queue_port.ops->counters(cli_queue_port.ctx, &counters);
    if (code != CLI_DONE || (counters.waiting == 0 && !cli_queue_push_with.follow)) {
        return code; /* an empty queue makes no traffic */
    }
    run.statement = cli_answer_memory(run.command);
    code = run.statement == NULL ? CLI_LOCAL : learn(mode);
    code = code != CLI_DONE ? code : set_up(mode);
    if (code != CLI_DONE) {
        return code;
    }
    let_settle(mode);
    run.progress_ms = sbs_linux_now().mono_ms;
    return push_all();
}

static void clean_up(void) {
    cli_queue_encoder_free();
    cli_write_mode_free();
    cli_server_close();
    free(run.config.body);
    free(run.config.answer);
    free(run.statement);
    cli_buffer_free(&run.lines);
    sbs_wipe(&run, sizeof run);
}

int cli_queue_push_run(const char *command, int write_mode, const cli_queue_added *mine) {
    run.command = command;
    run.kept = CLI_NETWORK;
    run.started_ms = run.progress_ms = sbs_linux_now().mono_ms;
    int code = cli_queue_lock(command);
    if (code == CLI_DONE) {
        code = push_queue(write_mode == 0 ? CLI_WRITE_AUTO : (cli_write_mode)write_mode);
    }
    code = sum_up(code, mine);
    clean_up();
    return code;
}
