/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_push.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "message.h"
#include "push_run.h"
#include "queue_entry.h"
#include "queue_file.h"
#include "sbs/linux_clock.h"
#include "server.h"
#include "signals.h"

#define STORAGE_RETRY_MS 1000u /* after a failure of the queue */
#define FOLLOW_RETRY_MS 10000u
#define STORAGE_TRIES 3u
#define ELSEWHERE_MS 1000u /* between two looks whether another process still pushes */

typedef struct queue_run {
    cli_push_run push;
    sbs_forward_memory memory;
    const cli_queue_added *mine;
    unsigned storage_failures;
    uint64_t noted_id; /* the item whose failure was noted last, and its exit status */
    sbs_status noted;
    bool elsewhere; /* another process pushes */
    bool begun;     /* something may have been sent */
} queue_run;

/* ---- the loop ------------------------------------------------------------------------------------------------- */

/* A queue may fail for a moment only: it is tried again. Returns an exit status if the run is over. */
static int note_storage_failure(queue_run *run, sbs_status status) {
    bool follow = cli_push_with.follow;
    const char *command = run->push.command;

    run->storage_failures++;
    /* It is told when it begins, and when this process gives up. */
    if (run->storage_failures == 1 || (run->storage_failures >= STORAGE_TRIES && !follow)) {
        int code = CLI_LOCAL;
        if (!cli_queue_was_replaced(command)) {
            code = cli_queue_fail(command, status);
        }
        if (run->storage_failures > 1) {
            return code;
        }
    }

    cli_push_pause(&run->push, follow ? FOLLOW_RETRY_MS : STORAGE_RETRY_MS);
    return CLI_DONE;
}

static sbs_forward_push_config push_config(queue_run *run, uint64_t pushed_ms) {
    sbs_forward_push_config config = {
        .queue = &cli_queue_port, .pushed_ms = pushed_ms, .clock = &cli_queue_clock, .batch_auto = true};
    if (!cli_push_with.no_cache) {
        config.memory = &run->memory;
    }
    return config;
}

/* Another process may have replaced or removed the file: what is at its name counts. */
static int look_at_file(queue_run *run) {
    if (!cli_queue_has_moved()) {
        return CLI_DONE;
    }

    (void)cli_push_close(&run->push);
    int code = cli_queue_reopen(run->push.command);
    if (code != CLI_DONE) {
        return code;
    }

    sbs_forward_push_config config = push_config(run, UINT64_MAX);
    return cli_push_open(&run->push, &config);
}

static bool is_at_work(const sbs_wait *wait) {
    return wait->events != 0 || wait->descriptor >= 0 || wait->timeout_ms == 0;
}

/* One turn of the loop. Returns an exit status if the run is over for a fault. */
static int push_turn(queue_run *run) {
    cli_push_run *push = &run->push;
    sbs_status polled;
    sbs_wait wait;

    cli_queue_bound_wait();
    int code = cli_push_poll(push, &polled, &wait);

    if (polled == SBS_PENDING && is_at_work(&wait)) {
        cli_queue_touch(); /* but not while it is idle or waits: flash memory wears */
    }
    if (code != CLI_DONE) {
        return code;
    }

    /* Nothing is left to send: a service waits for more, any other run is done. */
    if (polled == SBS_OK) {
        run->storage_failures = 0;
        if (!cli_push_with.follow) {
            push->over = true;
        }
    } else if (polled != SBS_PENDING) {
        code = note_storage_failure(run, polled);
    }
    if (code == CLI_DONE && polled != SBS_PENDING) {
        code = look_at_file(run);
    }

    if (code == CLI_DONE) {
        cli_push_wait(push, polled, &wait);
    }

    return code;
}

static int push_all(queue_run *run) {
    int code = CLI_DONE;

    while (code == CLI_DONE && !run->push.over) {
        code = push_turn(run);
    }

    sbs_status status = cli_push_close(&run->push);
    if (code == CLI_DONE && status != SBS_OK) {
        return cli_queue_fail(run->push.command, status);
    }

    return code;
}

/* ---- before and after it -------------------------------------------------------------------------------------- */

static bool is_mine(const cli_queue_added *mine, uint64_t id) {
    for (size_t i = 0; i < mine->count; i++) {
        if (id >= mine->ranges[i].first && id <= mine->ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Notes the HTTP status of a dead letter, in the same group as its settlement. What an older item was refused for is
 * told, but is no fault of this command. */
static bool note_dead(void *ctx, const sbs_push_event *event) {
    const queue_run *run = ctx;

    if (sbs_sqlite_queue_note_http(&cli_queue_db, event->id, event->http_status) == SBS_ERR_STORAGE) {
        return true; /* the group is undone, its commit will tell */
    }
    return run->mine == NULL || is_mine(run->mine, event->id);
}

/* Notes why an item waits, so that 'queue show' can tell it later. A network that is down is noted once: it would say
 * the same at each look, and flash memory wears. A note that cannot be written holds nothing up. */
static void note_trouble(void *ctx, const sbs_forward_event *event) {
    queue_run *run = ctx;
    const sbs_push_event *push = event->push;

    /* An answer is worth noting each time; silence is not. */
    bool answered = push->http_status != 0 || (event->detail != NULL && event->detail->outcome_unknown);
    if (push->id == 0 || (!answered && run->noted_id == push->id && run->noted == push->status)) {
        return;
    }

    const char *words = event->words;
    if (event->detail != NULL) {
        words = event->detail->text;
    }

    const char *reason = event->reason;
    if (reason[0] == '\0') {
        reason = cli_sentence(push->status, push->http_status);
    }

    char kept[CLI_REASON_SIZE];
    words = cli_queue_fit_words(words, kept);
    if (sbs_sqlite_queue_note_trouble(&cli_queue_db, push->id, push->http_status, reason, words) == SBS_OK) {
        run->noted_id = push->id;
        run->noted = push->status;
    }
}

/* ---- what is told at the end ---------------------------------------------------------------------------------- */

static void put_kept(queue_run *run, const sbs_queue_item *item) {
    sbs_forward_buffer name = {0};
    sbs_writer out;

    const char *why = cli_push_why(&run->push, item->id);
    if (why[0] == '\0' && run->elsewhere) {
        why = "another process is pushing the queue";
    }
    if (why[0] == '\0') {
        why = cli_push_untold(item->attempts);
    }

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &name);
    cli_queue_put_name(item, &out);
    cli_push_put_line(&run->push, sbs_forward_buffer_text(&name), "kept", why);
    sbs_forward_buffer_free(&name);
}

/* A line for each item of this command that still waits. */
static int list_kept(queue_run *run) {
    const cli_queue_added *mine = run->mine;

    if (mine == NULL || cli_push_with.quiet) {
        return CLI_DONE;
    }

    for (size_t i = 0; i < mine->count; i++) {
        /* The queue lists what waits: an item of the range that is missing was delivered or refused. */
        sbs_queue_item item = {.id = mine->ranges[i].first - 1};
        while (cli_queue_port.ops->next(cli_queue_port.ctx, item.id, &item) == SBS_OK &&
               item.id <= mine->ranges[i].last) {
            put_kept(run, &item);
            int code = cli_push_show(&run->push);
            if (code != CLI_DONE) {
                return code;
            }
        }
    }

    return CLI_DONE;
}

static void tell_refused(const cli_push_run *push) {
    uint64_t count = push->refused;

    if (count == 0) {
        return;
    }

    const char *what = cli_plural(count, " was refused and set aside as a dead letter",
                                  "s were refused and set aside as dead letters");
    const char *them = cli_plural(count, "it", "them");
    if (push->refused_advice == NULL) {
        (void)cli_fail(push->code, "%s: %" PRIu64 " item%s, 'sbs queue dead' lists %s", push->command, count, what,
                       them);
    } else {
        (void)cli_fail(push->code, "%s: %" PRIu64 " item%s, 'sbs queue dead' lists %s; %s", push->command, count, what,
                       them, push->refused_advice);
    }
}

/* What was added is safe although a wrong key or option kept all from being sent. */
static const char *next_without_try(const queue_run *run) {
    if (run->mine == NULL || run->mine->refused > 0) {
        return "mend that, then push again";
    }
    return "nothing was sent: mend that and run 'sbs queue push', but do not push the file again";
}

/* How often the oldest item was sent. */
static uint32_t attempts_of_first(void) {
    sbs_queue_item item = {0};

    if (cli_queue_port.ops->next(cli_queue_port.ctx, 0, &item) != SBS_OK) {
        return 0;
    }
    return item.attempts;
}

static void tell_kept(const queue_run *run, uint32_t count, int code) {
    const cli_push_run *push = &run->push;
    const char *are = cli_plural(count, " is", "s are");
    const char *next = cli_plural(count, "the next push sends it", "the next push sends them");
    const char *reason = cli_push_last_why(push);
    if (count == 0 || (run->mine != NULL && cli_push_with.quiet)) {
        return;
    }
    bool advised = reason[0] != '\0' && push->advice != NULL;
    if (reason[0] == '\0') {
        reason = cli_push_untold(attempts_of_first());
    }
    if (code != CLI_DONE && !run->begun) {
        next = next_without_try(run);
    }

    if (!advised) {
        (void)cli_fail(push->kept, "%s: %u item%s kept in %s: %s, %s", push->command, count, are, cli_queue.file,
                       reason, next);
        return;
    }
    if (push->unmended) {
        next = "then push again";
    }
    (void)cli_fail(push->kept, "%s: %u item%s kept in %s: %s, %s; %s", push->command, count, are, cli_queue.file,
                   reason, push->advice, next);
}

static int sum_up(queue_run *run, int code) {
    cli_push_run *push = &run->push;
    sbs_queue_counters counters;

    cli_queue_port.ops->counters(cli_queue_port.ctx, &counters);

    int listed = list_kept(run);
    tell_refused(push);
    if (!run->elsewhere) {
        tell_kept(run, counters.waiting, code);
    }

    /* The first fault counts; then what the server refused; then what is left. */
    if (code != CLI_DONE) {
        return code;
    }
    if (listed != CLI_DONE || run->elsewhere) {
        return listed;
    }
    if (push->code != CLI_DONE) {
        return push->code;
    }
    if (run->mine == NULL && counters.waiting > 0) {
        return push->kept;
    }

    return CLI_DONE;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

/* What cannot be remembered is learnt anew. */
static void open_memory(queue_run *run) {
    if (cli_push_with.no_cache) {
        sbs_forward_memory_delete(cli_server_forward(), cli_queue.file);
        return;
    }

    if (sbs_forward_memory_open(&run->memory, cli_server_forward(), cli_queue.file, sbs_linux_now()) != SBS_OK) {
        run->memory = (sbs_forward_memory){0};
    }
}

static int push_queue(queue_run *run) {
    sbs_queue_counters counters;
    int code = cli_server_open(run->push.command, CLI_NEED_FHIR);

    cli_queue_port.ops->counters(cli_queue_port.ctx, &counters);
    if (code != CLI_DONE || (counters.waiting == 0 && !cli_push_with.follow)) {
        return code; /* an empty queue makes no traffic */
    }

    open_memory(run);
    sbs_forward_push_config config = push_config(run, cli_queue_last_push_ms());
    code = cli_push_open(&run->push, &config);
    if (code != CLI_DONE) {
        return code;
    }

    run->begun = true;
    return push_all(run);
}

/* A service waits for the end of another one that pushes, and does not end as if there was nothing to do. */
static int push_lock(queue_run *run) {
    const char *command = run->push.command;

    /* A push of its own files hands them over: the other process sends them. */
    bool waits = cli_push_with.follow && run->mine == NULL;

    int code = cli_queue_lock(command, &run->elsewhere);
    if (code == CLI_DONE && run->elsewhere && !cli_push_with.quiet) {
        cli_note("%s: queue %s: another process is pushing it, %s", command, cli_queue.file,
                 waits ? "waiting until it ends" : "so this one ends");
    }

    while (code == CLI_DONE && run->elsewhere && waits && cli_signal() == 0 && !cli_push_is_time_over(&run->push)) {
        cli_push_pause(&run->push, ELSEWHERE_MS);
        code = cli_queue_lock(command, &run->elsewhere);
    }

    return code;
}

int cli_queue_push_run(const char *command, const cli_queue_added *mine) {
    queue_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", command);
    }

    run->mine = mine;
    cli_push_begin(&run->push, command);
    run->push.refused_hook = note_dead;
    run->push.failed_hook = note_trouble;
    run->push.hook_ctx = run;

    int code = push_lock(run);
    if (code == CLI_DONE && !run->elsewhere) {
        code = push_queue(run);
    }

    code = sum_up(run, code);
    cli_push_free(&run->push);
    sbs_forward_memory_close(&run->memory);
    cli_server_close();
    free(run);
    return code;
}
