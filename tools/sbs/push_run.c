/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strcasestr */
#include "push_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "message.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "server.h"

#define WAIT_DEFAULT_S 30u
#define SETTLE_DEFAULT_S 5u
#define PROGRESS_MS 200u
cli_push_options cli_push_with = {.wait_s = WAIT_DEFAULT_S, .settle_s = SETTLE_DEFAULT_S};

static const cli_option option_table[] = {
    {"write-mode", CLI_WRITE_MODES, "default auto: by what the server states and the scope allows",
     &cli_push_with.write_mode, .type = CLI_CHOICE},
    {"batch", "N", "send up to N items in one request where the server can, default 1", &cli_push_with.batch, .min = 1,
     .max = SBS_PUSH_BATCH_MAX, .type = CLI_UINT},
    {"wait", "SECONDS", "how long to wait for a server that takes nothing, default 30", &cli_push_with.wait_s, .min = 0,
     .max = 31536000, .type = CLI_UINT},
    {"max-time", "SECONDS", "end after this time, default no limit", &cli_push_with.time_s, .min = 1, .max = 31536000,
     .type = CLI_UINT},
    {"settle", "SECONDS", "how long a server may take to find what it stored, default 5", &cli_push_with.settle_s,
     .min = 0, .max = 3600, .type = CLI_UINT},
    {"already-there", "set-aside|accept",
     "what to do if the server has what was never sent; default set-aside, without a queue accept",
     &cli_push_with.already_there, .type = CLI_CHOICE},
    {"quiet", NULL, "no lines and notes of what goes well or waits", &cli_push_with.quiet, .type = CLI_FLAG},
};

const cli_table cli_push_table = CLI_TABLE(option_table);

/* ---- reasons -------------------------------------------------------------------------------------------------- */

/* What is not there is named. */
static void put_url(const sbs_forward_event *event, char *out, size_t size) {
    unsigned http = event->push->http_status;
    const char *slash = cli_server.fhir[strlen(cli_server.fhir) - 1] == '/' ? "" : "/";
    size_t len = strlen(out);
    if ((http != 404 && http != 405 && http != 410) || event->detail->step != SBS_STEP_RESOURCE) {
        return;
    }
    (void)snprintf(out + len, size - len, ", asked was %s%s%s", cli_server.fhir, slash,
                   event->statement ? "metadata" : event->target);
}

/* The engine's short names for what the status says better. */
static bool is_said_by_status(const char *reason) {
    return strcmp(reason, "refused") == 0 || strcmp(reason, "several match") == 0;
}

/* Ours, the library's and the server's words, each where it says something. */
static void compose(const sbs_forward_event *event, char *out, size_t size) {
    const sbs_push_event *push = event->push;
    size_t len = 0;
    out[0] = '\0';
    if (push->kind == SBS_PUSH_COLLISION && push->http_status == 200) {
        (void)snprintf(out, size, "%s",
                       "already there before it was ever sent, perhaps another one with the same identifier");
        return;
    }
    bool known = event->detail != NULL || push->http_status != 0;
    bool ours = event->reason[0] != '\0' && !(known && is_said_by_status(event->reason));
    if (ours) {
        (void)snprintf(out, size, "%s%s", event->reason, known ? ": " : "");
        len = strlen(out);
    }

    if (event->detail != NULL) {
        cli_reason(push->status, event->detail, out + len, size - len);
        put_url(event, out, size);
    } else if (push->http_status != 0) {
        (void)snprintf(out + len, size - len, "%s (HTTP %u)%s%s", cli_sentence(push->status, push->http_status),
                       push->http_status, event->words[0] == '\0' ? "" : ": ", event->words);
    } else if (!ours) {
        (void)snprintf(out, size, "%s", sbs_status_text(push->status));
    }
}

#define MODE_ADVICE "if the server assigns ids itself, choose with --write-mode if-none-exist"

/* A server that assigns ids refuses a PUT with 404 or 405, or says so in words like these. */
static bool refuses_put(const sbs_forward_event *event) {
    static const char *const phrases[] = {"client-assigned",        "client assigned",  "supplied by",
                                          "assigned by the server", "server-assigned",  "create resource with id",
                                          "update-as-create",       "update as create", "updatecreate"};
    unsigned http = event->push->http_status;
    if (event->push->id == 0 || event->write_mode != SBS_WRITE_PUT) {
        return false;
    }
    for (size_t i = 0; (http == 400 || http == 422) && i < SBS_COUNT_OF(phrases); i++) {
        if (strcasestr(event->words, phrases[i]) != NULL) {
            return true;
        }
    }
    return http == 404 || http == 405;
}

/* If-None-Exist needs c (create), which not every scope has. */
static bool may_create(const sbs_forward_event *event) {
    char type[SBS_FHIR_ID_MAX + 1];
    size_t len = strcspn(event->target, "/");
    sbs_text granted = sbs_forward_server_scope(cli_server_forward(), sbs_linux_now());
    if (cli_server.any_scope || len == 0 || len >= sizeof type) {
        return cli_server.any_scope;
    }
    memcpy(type, event->target, len);
    type[len] = '\0';
    return sbs_scope_covers(granted, type, SBS_SCOPE_CREATE);
}

static const char *mode_advice(const sbs_forward_event *event) {
    return may_create(event) ? MODE_ADVICE
                             : "if the server assigns ids itself, ask with --scope for c (create) too and choose with "
                               "--write-mode if-none-exist";
}

static const char *advice_for(const sbs_forward_event *event) {
    if (event->statement && event->push->http_status == 0 && event->detail == NULL) {
        return "choose with --write-mode";
    }
    if (refuses_put(event)) {
        return mode_advice(event);
    }
    if (event->push->status == SBS_ERR_SCOPE && event->write_mode == SBS_WRITE_PUT && event->push->id != 0 &&
        may_create(event)) {
        return "ask with --scope for what the request needs, or choose with --write-mode if-none-exist";
    }
    return cli_advice(event->push->status, event->detail);
}

/* What no later push mends by itself. */
static bool is_unmended(const sbs_forward_event *event) {
    unsigned http = event->push->http_status;
    return event->push->kind == SBS_PUSH_PAUSED || event->push->status == SBS_ERR_SCOPE || http == 403 || http == 404 ||
           http == 405 || http == 410;
}

static void failure_keep(cli_push_run *run, uint64_t id, const char *reason) {
    size_t at = 0;
    while (at < run->failure_count && run->failures[at].id != id) {
        at++;
    }
    if (at == run->failure_size) {
        size_t size = run->failure_size == 0 ? 16 : run->failure_size * 2;
        cli_push_failure *grown = size > SBS_FORWARD_DEFERRED_MAX ? NULL : realloc(run->failures, size * sizeof *grown);
        if (grown == NULL) {
            return; /* its line then tells the last reason of all */
        }
        run->failures = grown;
        run->failure_size = size;
    }
    if (at == run->failure_count) {
        run->failures[run->failure_count++] = (cli_push_failure){.id = id};
    }
    free(run->failures[at].reason);
    run->failures[at].reason = strdup(reason);
}

static void failure_forget(cli_push_run *run, uint64_t id) {
    for (size_t i = 0; i < run->failure_count; i++) {
        if (run->failures[i].id == id) {
            free(run->failures[i].reason);
            run->failures[i] = run->failures[--run->failure_count];
            return;
        }
    }
}

const char *cli_push_why(const cli_push_run *run, uint64_t id) {
    for (size_t i = 0; i < run->failure_count; i++) {
        if (run->failures[i].id == id && run->failures[i].reason != NULL) {
            return run->failures[i].reason;
        }
    }
    return run->failed_id == 0 ? run->reason : ""; /* another one's failure is not this one's */
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

void cli_push_put_line(cli_push_run *run, sbs_text name, const char *what, const char *reason) {
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &run->lines);
    sbs_put_text(&out, name);
    sbs_put_char(&out, '\t');
    sbs_put_string(&out, what);
    if (reason[0] != '\0') {
        sbs_put_string(&out, ": ");
        cli_put_sanitised(&out, reason);
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
    sbs_put_string(&out, event->name);
    sbs_put_char(&out, '\t');
    sbs_put_string(&out, what);
    if (event->place[0] != '\0') {
        sbs_put_char(&out, '\t');
        sbs_put_string(&out, event->place);
    }
    if (event->version[0] != '\0' && event->push->kind != SBS_PUSH_DELIVERED) {
        sbs_put_string(&out, "\tversion ");
        sbs_forward_put_clean(&out, sbs_text_of(event->version));
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

static void show_progress(cli_push_run *run) {
    uint64_t now_ms = sbs_linux_now().mono_ms;
    uint64_t took_ms = now_ms - run->started_ms;
    const sbs_queue *queue = run->push.priv.config.queue;
    sbs_queue_counters counters;
    if (now_ms - run->shown_ms < PROGRESS_MS || cli_server.verbose || cli_push_with.quiet ||
        isatty(STDERR_FILENO) != 1 || isatty(STDOUT_FILENO) == 1) {
        return;
    }

    run->shown_ms = now_ms;
    queue->ops->counters(queue->ctx, &counters);
    unsigned long long tenths = took_ms == 0 ? 0 : run->delivered * 10000u / took_ms;
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
    cli_warn("%s: %s: the server overwrote what it held there although it was asked not to (or says so of what is "
             "new), look at %s/_history: %s has "
             "the old one",
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

static void note_refused(cli_push_run *run, const sbs_forward_event *event) {
    char reason[CLI_PUSH_REASON_SIZE];
    compose(event, reason, sizeof reason);
    cli_push_put_line(run, sbs_text_of(event->name), "refused", reason);
    failure_forget(run, event->push->id);
    run->pending_refused++;
    if (refuses_put(event)) {
        run->advice = mode_advice(event);
    }
    bool counts = run->refused_hook == NULL || run->refused_hook(run->hook_ctx, event->push);
    if (run->pending_code == CLI_DONE && counts) {
        run->pending_code =
            event->push->kind == SBS_PUSH_COLLISION
                ? CLI_REFUSED
                : cli_exit_of(event->push->status, event->push->http_status == 0 ? NULL : event->detail);
    }
}

static void name_step(cli_push_run *run, const sbs_forward_event *event) {
    const char *step = event->detail == NULL ? "" : sbs_step_text(event->detail->step);
    const char *statement = event->statement ? "CapabilityStatement" : "";
    bool both = step[0] != '\0' && statement[0] != '\0';
    (void)snprintf(run->step, sizeof run->step, "%s%s%s", statement, both ? ": " : "", step);
}

/* Waits are told when their reason is a new one. */
static void note_wait(cli_push_run *run, const sbs_forward_event *event, const char *who) {
    char before[CLI_PUSH_REASON_SIZE];
    uint32_t wait_ms = event->push->wait_ms;
    memcpy(before, run->reason, sizeof before);
    compose(event, run->reason, sizeof run->reason);
    memcpy(run->last, run->reason, sizeof run->last);
    run->kept = cli_exit_of(event->push->status, event->detail);
    run->advice = advice_for(event);
    run->unmended = is_unmended(event);
    name_step(run, event);
    bool was_sent = event->push->http_status != 0 || (event->detail != NULL && event->detail->outcome_unknown);
    run->failed_id = was_sent ? event->push->id : 0; /* what fails before is the same for all */
    if (event->push->id != 0) {
        failure_keep(run, event->push->id, run->reason);
    }
    if (run->failed_hook != NULL) {
        run->failed_hook(run->hook_ctx, event);
    }
    if (!run->over && !cli_push_with.quiet && strcmp(before, run->reason) != 0) { /* one that ends tells at its end */
        run->shown_ms = 0;
        cli_note("%s: %s, %s in %u.%u s", run->command, run->reason, who, (unsigned)(wait_ms / 1000),
                 (unsigned)(wait_ms % 1000 / 100));
    }
}

/* True if the run has waited, or would wait, for longer than it may. */
static bool is_too_long(const cli_push_run *run, uint64_t wait_ms) {
    return !cli_push_with.follow && sbs_linux_now().mono_ms + wait_ms > run->progress_ms + cli_push_with.wait_s * 1000u;
}

static void run_event(void *ctx, const sbs_forward_event *event) {
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
        run->over = run->over || is_too_long(run, event->push->wait_ms);
        note_wait(run, event, "next try");
        return;
    case SBS_PUSH_PAUSED:
        run->over = run->over || !cli_push_with.follow;
        note_wait(run, event, "next look");
        return;
    default:
        return;
    }
    run->progress_ms = sbs_linux_now().mono_ms;
}

static void forget_pending(cli_push_run *run) {
    run->pending_delivered = run->pending_refused = 0;
    run->pending_code = CLI_DONE;
}

static void run_durable(void *ctx) {
    cli_push_run *run = ctx;
    int code = cli_push_show(run);
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

static void run_undone(void *ctx) {
    cli_push_run *run = ctx;
    sbs_forward_buffer_clear(&run->lines);
    forget_pending(run);
}

static void run_warn(void *ctx, const char *sentence) {
    const cli_push_run *run = ctx;
    cli_warn("%s: %s", run->command, sentence);
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

void cli_push_begin(cli_push_run *run, const char *command) {
    run->command = command;
    run->kept = CLI_NETWORK;
    run->started_ms = run->progress_ms = sbs_linux_now().mono_ms;
}

int cli_push_open(cli_push_run *run, const sbs_forward_push_config *config) {
    sbs_forward_push_config full = *config;
    full.server = cli_server_forward();
    full.mode = cli_push_with.write_mode == 0 ? SBS_FORWARD_AUTO : (sbs_forward_mode)cli_push_with.write_mode;
    full.batch_max = (uint16_t)cli_push_with.batch;
    full.settle_ms = (uint32_t)cli_push_with.settle_s * 1000u;
    if (cli_push_with.already_there != 0) {
        full.already_there = cli_push_with.already_there == 2 ? SBS_ALREADY_ACCEPT : SBS_ALREADY_SET_ASIDE;
    }
    full.event = run_event;
    full.durable = run_durable;
    full.undone = run_undone;
    full.warn = run_warn;
    full.ctx = run;

    sbs_status status = sbs_forward_push_open(&run->push, &full);
    run->open = status == SBS_OK;
    return status == SBS_OK
               ? CLI_DONE
               : cli_fail(CLI_LOCAL, "%s: %s, close other programs", run->command, sbs_status_text(status));
}

int cli_push_poll(cli_push_run *run, sbs_status *out_polled, sbs_wait *out_wait) {
    *out_polled = sbs_forward_push_poll(&run->push, sbs_linux_now(), out_wait);
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
    uint64_t left_ms = passed_ms < time_ms ? time_ms - passed_ms : 0;
    return wait_ms < left_ms ? wait_ms : left_ms;
}

void cli_push_wait(cli_push_run *run, sbs_status polled, const sbs_wait *wait) {
    bool at_work = wait->events != 0 || wait->descriptor >= 0 || wait->timeout_ms == 0;
    sbs_wait shorter = *wait;
    show_progress(run);
    run->over = run->over || cli_signal() != 0 || cli_push_is_time_over(run) || (!at_work && is_too_long(run, 0));
    if (run->over || (polled == SBS_PENDING && wait->timeout_ms == 0)) {
        return;
    }
    shorter.timeout_ms = (uint32_t)within_time(run, wait->timeout_ms);
    cli_server_wait(&shorter);
}

void cli_push_pause(cli_push_run *run, uint64_t wait_ms) {
    uint64_t until_ms = sbs_linux_now().mono_ms + within_time(run, wait_ms);
    for (uint64_t now_ms; cli_signal() == 0 && (now_ms = sbs_linux_now().mono_ms) < until_ms;) {
        cli_server_wait(&(sbs_wait){.timeout_ms = (uint32_t)(until_ms - now_ms), .descriptor = -1});
    }
}

sbs_status cli_push_close(cli_push_run *run) {
    if (!run->open) {
        return SBS_OK;
    }
    run->open = false;
    sbs_status status = sbs_forward_push_close(&run->push);
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
