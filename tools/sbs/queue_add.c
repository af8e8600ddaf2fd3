/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_add.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "message.h"
#include "push_run.h"
#include "queue_check.h"
#include "queue_file.h"
#include "sbs/forward_add.h"
#include "sbs/linux_clock.h"
#include "signals.h"

#define GROUP_MAX 256u /* items that become durable together */
#define REASON_SIZE 256
#define PIECE 65536u /* of standard input */
#define NOT_WRITTEN "the queue cannot be written"

/* A group of items becomes durable as a whole or not at all. Until then nothing is known of its items, so each has two
 * lines: which one is shown is decided then. */
typedef struct add_run {
    const char *command;
    cli_queue_added *added;
    struct add_item {
        sbs_text text;
        const char *path;
        size_t line;
    } items[GROUP_MAX];
    struct cli_queue_range ids[GROUP_MAX];
    size_t count, accepted, refused, id_count;
    size_t dead, dead_told; /* repeats of dead letters in the group, and in all that are durable */
    sbs_forward_adder adder;
    sbs_forward_buffer done, undone; /* the lines */
    int code;                        /* of the first fault */
    int fault;                       /* of the first one in the group */
    sbs_status failure;              /* of the queue, in the group */
    bool list;
    bool goes_on;      /* a queue that cannot be written is tried again with the next group */
    bool stopped;      /* no further item is tried */
    bool with_refused; /* the file has a resource that is refused, and will be read again once it is mended */
    bool warned_system;
    bool failing; /* the last group could not be written, which was told */
} add_run;

/* ---- the lines ------------------------------------------------------------------------------------------------ */

static void put_fate(sbs_writer *out, const sbs_forward_resource *resource, const char *path, size_t line,
                     const char *what) {
    sbs_forward_resource_put_name(resource, path, line, out);
    sbs_put_char(out, '\t');
    sbs_put_string(out, what);
}

static void put_refused(sbs_forward_buffer *to, const sbs_forward_resource *resource, const struct add_item *item,
                        const char *why) {
    sbs_writer out;

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, to);
    put_fate(&out, resource, item->path, item->line, "refused: ");
    cli_put_sanitised(&out, sbs_text_of(why));
    sbs_put_char(&out, '\n');
}

static void note_refused(add_run *run, const sbs_forward_resource *resource, const struct add_item *item,
                         const char *why, int code) {
    /* Its line is the same whether the group is stored or not. */
    put_refused(&run->done, resource, item, why);
    put_refused(&run->undone, resource, item, why);
    run->refused++;
    if (run->fault == CLI_DONE) {
        run->fault = code;
    }
}

static void put_accepted(add_run *run, const sbs_forward_added *added, const struct add_item *item) {
    static const char *const words[] = {
        [SBS_FORWARD_QUEUED] = "queued",
        [SBS_FORWARD_ALREADY_QUEUED] = "already queued",
        [SBS_FORWARD_ALREADY_DEAD] = "already a dead letter",
        [SBS_FORWARD_ALREADY_DELIVERED] = "already delivered",
    };
    sbs_writer out;

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &run->done);
    put_fate(&out, &added->resource, item->path, item->line, words[added->fate]);
    sbs_put_char(&out, '\t');
    sbs_put_uint(&out, added->id);
    sbs_put_char(&out, '\n');
}

static void note_accepted(add_run *run, const sbs_forward_added *added, const struct add_item *item) {
    bool waits = added->fate == SBS_FORWARD_QUEUED || added->fate == SBS_FORWARD_ALREADY_QUEUED;
    bool dead = added->fate == SBS_FORWARD_ALREADY_DEAD;

    /* No push will tell of what does not wait. --quiet hides what needs nobody. */
    bool listed = run->list || !waits;
    if (listed && (dead || !cli_push_with.quiet)) {
        put_accepted(run, added, item);
    }

    put_refused(&run->undone, &added->resource, item, NOT_WRITTEN);

    run->accepted++;
    if (dead) { /* as at its first time: the server has refused it, and the file must not go */
        run->dead++;
        if (run->fault == CLI_DONE) {
            run->fault = CLI_REFUSED;
        }
    }

    if (waits) {
        run->ids[run->id_count] = (struct cli_queue_range){added->id, added->id};
        run->id_count++;
    }
}

/* Keeps room for one more range. */
static bool ranges_reserve(cli_queue_added *added) {
    if (added->count < added->size) {
        return true;
    }

    size_t size = 2 * added->size + 16;
    struct cli_queue_range *ranges = realloc(added->ranges, size * sizeof *ranges);
    if (ranges == NULL) {
        return false;
    }

    added->ranges = ranges;
    added->size = size;
    return true;
}

static bool keep_ids(cli_queue_added *added, const struct cli_queue_range *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        /* Ids in a row make one range. */
        bool follows = added->count > 0 && added->ranges[added->count - 1].last + 1 == ids[i].first;
        if (follows) {
            added->ranges[added->count - 1].last = ids[i].last;
            continue;
        }

        if (!ranges_reserve(added)) {
            return false;
        }
        added->ranges[added->count] = ids[i];
        added->count++;
    }

    return true;
}

void cli_queue_added_free(cli_queue_added *added) {
    free(added->ranges);
    *added = (cli_queue_added){0};
}

/* ---- one item ------------------------------------------------------------------------------------------------- */

/* A person can act on one such sentence, not on one for each item. */
static void warn_without_system(add_run *run) {
    if (!run->warned_system) {
        run->warned_system = true;
        cli_warn("%s: " CLI_NO_SYSTEM, run->command);
    }
}

static bool is_nameless(const add_run *run, const struct add_item *item) {
    bool identified = false;
    return sbs_forward_add_check(&run->adder, item->text, &identified) == NULL && !identified;
}

/* An item that is not tried is refused for a fault of its own, if it has one. */
static void refuse_untried(add_run *run, const struct add_item *item) {
    sbs_forward_resource resource = {0};
    char reason[REASON_SIZE];

    const char *fault = sbs_forward_resource_read(&resource, item->text);
    if (fault == NULL) {
        fault = NOT_WRITTEN;
    }

    cli_items_reason(fault, item->text, item->line, resource.fault_at, reason, sizeof reason);
    note_refused(run, &resource, item, reason, CLI_INPUT);
    sbs_forward_resource_free(&resource);
}

static void add_item(add_run *run, const struct add_item *item) {
    sbs_forward_added added = {0};
    char reason[REASON_SIZE];

    if (run->stopped || run->failure != SBS_OK) {
        refuse_untried(run, item);
        return;
    }

    if (run->with_refused && is_nameless(run, item)) {
        note_refused(run, &(sbs_forward_resource){0}, item, CLI_QUEUE_NOT_ALONE, CLI_INPUT);
        return;
    }

    sbs_forward_add(&run->adder, item->text, sbs_linux_now().utc_s, &added);
    switch (added.fate) {
    case SBS_FORWARD_REFUSED:
        cli_items_reason(added.reason, item->text, item->line, added.fault_at, reason, sizeof reason);
        note_refused(run, &added.resource, item, reason, CLI_INPUT);
        break;
    case SBS_FORWARD_FULL:
        note_refused(run, &added.resource, item, added.reason, CLI_LOCAL);
        break;
    case SBS_FORWARD_NOT_WRITTEN:
        run->failure = added.status;
        note_refused(run, &added.resource, item, NOT_WRITTEN, CLI_LOCAL);
        break;
    default:
        note_accepted(run, &added, item);
        if (added.no_system) {
            warn_without_system(run);
        }
        cli_items_note(run->command, &added.resource);
    }

    sbs_forward_added_free(&added);
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

static void commit_group(add_run *run) {
    sbs_status status = sbs_sqlite_queue_commit(&cli_queue_db);
    if (status == SBS_OK) {
        return;
    }

    if (run->failure == SBS_OK) {
        run->failure = status;
    }

    run->refused += run->accepted;
    run->accepted = 0;
    run->id_count = 0;
    run->dead = 0;
}

/* Adds the items of the group, durably: all that are accepted, or none. */
static void try_group(add_run *run) {
    sbs_forward_buffer_clear(&run->done);
    sbs_forward_buffer_clear(&run->undone);
    run->accepted = 0;
    run->refused = 0;
    run->id_count = 0;
    run->dead = 0;
    run->fault = CLI_DONE;
    run->failure = SBS_OK;

    /* All in one transaction: one write to the disk for the whole group. */
    bool begun = false;
    if (!run->stopped) {
        run->failure = sbs_sqlite_queue_begin(&cli_queue_db);
        begun = run->failure == SBS_OK;
    }

    for (size_t i = 0; i < run->count; i++) {
        add_item(run, &run->items[i]);
    }

    if (begun) {
        commit_group(run);
    }
}

/* A queue that goes on failing is told of once. */
static void note_failure(add_run *run) {
    if (run->failure == SBS_OK) {
        run->failing = false;
        return;
    }

    run->fault = CLI_LOCAL;
    if (!run->failing) {
        run->fault = cli_queue_fail(run->command, run->failure);
    }

    run->stopped = !run->goes_on;
    run->failing = true;
}

/* True if there is another file now: this process replaced a damaged one, or somebody else did. */
static bool has_other_file(const add_run *run) {
    return cli_queue_was_replaced(run->command) ||
           (cli_queue_has_moved() && cli_queue_reopen(run->command) == CLI_DONE);
}

static void count_group(add_run *run) {
    if (!keep_ids(run->added, run->ids, run->id_count)) {
        cli_warn("%s: out of memory, not every item that is kept will be listed", run->command);
    }
    if (run->code == CLI_DONE) {
        run->code = run->fault;
    }

    run->added->accepted += run->accepted;
    run->added->refused += run->refused;
    run->dead_told += run->dead;
    run->count = 0;
}

/* Only what is durable is shown as queued. */
static int add_group(add_run *run) {
    sbs_writer out;

    try_group(run);
    /* A file that was damaged, or was replaced by another process, gets a second try. */
    if (run->failure != SBS_OK && run->accepted == 0 && has_other_file(run)) {
        try_group(run);
    }

    note_failure(run);

    const sbs_forward_buffer *lines = &run->undone;
    if (run->accepted > 0) {
        lines = &run->done;
    }

    count_group(run);
    cli_output(&out);
    sbs_put_text(&out, sbs_forward_buffer_text(lines));
    if (isatty(STDOUT_FILENO) != 1) {
        cli_progress("queued %zu", run->added->accepted);
    }

    return cli_output_flush();
}

/* An absent text ends the group: the memory of its items is needed. */
static int add_take(void *ctx, sbs_text text, const char *path, size_t line) {
    add_run *run = ctx;

    if (text.ptr != NULL) {
        run->items[run->count] = (struct add_item){text, path, line};
        run->count++;
    }

    /* The group ends where it is full, or where its memory goes. */
    bool ended = text.ptr == NULL && run->count > 0;
    if (run->count == GROUP_MAX || ended) {
        return add_group(run);
    }

    return CLI_DONE;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static add_run *add_start(const char *command, bool list, cli_queue_added *added) {
    add_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        (void)cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", command);
        return NULL;
    }

    run->command = command;
    run->added = added;
    run->list = list;
    sbs_forward_adder_init(&run->adder, &cli_queue_db, cli_queue.device);
    return run;
}

static void tell_dead(const add_run *run) {
    if (run->dead_told == 1) {
        (void)cli_fail(CLI_REFUSED,
                       "%s: 1 resource is already a dead letter, nothing sends it again: keep the file, 'sbs queue "
                       "dead' tells why, 'sbs queue show' what to do",
                       run->command);
    }

    if (run->dead_told > 1) {
        (void)cli_fail(CLI_REFUSED,
                       "%s: %zu resources are already dead letters, nothing sends them again: keep the file, 'sbs "
                       "queue dead' tells why, 'sbs queue show' what to do",
                       run->command, run->dead_told);
    }
}

static int add_finish(add_run *run, int code) {
    const cli_queue_added *added = run->added;

    if (code == CLI_DONE && added->refused > 0) {
        /* The lines say why of each; this says that there is something to read. */
        size_t all = added->refused + added->accepted;
        (void)cli_fail(run->code, "%s: %zu of %zu resource%s %s not queued, the lines on standard output tell why",
                       run->command, added->refused, all, cli_plural(all, "", "s"),
                       cli_plural(added->refused, "was", "were"));
    }

    tell_dead(run);

    if (code == CLI_DONE) {
        code = run->code;
    }

    sbs_forward_buffer_free(&run->done);
    sbs_forward_buffer_free(&run->undone);
    free(run);
    return code;
}

/* A script gives a file again until all of it was taken. What has no identifier would be stored anew each time, so a
 * file is looked through before anything of it is stored: with a resource that is refused in it, only those are stored
 * of which a repeat is known. */
static int add_file(add_run *run, const cli_operands *file) {
    cli_queue_look look = {.adder = &run->adder};
    int fault = CLI_DONE;
    if (cli_queue_can_look(file->items[0])) {
        int code = cli_queue_look_at(run->command, file, &look, &fault);
        if (code != CLI_DONE || fault != CLI_DONE) {
            run->code = run->code == CLI_DONE ? fault : run->code;
            return code;
        }
    }

    run->with_refused = look.has_refused && look.has_nameless;
    return cli_items_read(run->command, file, add_take, run, &run->code);
}

int cli_queue_add_files(const char *command, const cli_operands *files, bool list, cli_queue_added *added) {
    add_run *run = add_start(command, list, added);
    int code = CLI_DONE;
    if (run == NULL) {
        return CLI_LOCAL;
    }

    for (size_t i = 0; i < files->count && code == CLI_DONE; i++) {
        code = add_file(run, &(cli_operands){.items = files->items + i, .count = 1});
    }
    return add_finish(run, code);
}

/* ---- standard input, line by line ------------------------------------------------------------------------------ */

/* Reads what there is, at most a piece. False at the end, and after a signal. */
static bool read_piece(sbs_forward_buffer *data, int *out_code) {
    ssize_t count;

    do {
        count = read(STDIN_FILENO, data->data + data->len, data->size - data->len);
    } while (count < 0 && errno == EINTR && cli_signal() == 0);

    /* A signal ends the reading as the end of the input does. */
    if (count < 0 && cli_signal() == 0) {
        *out_code = cli_fail(CLI_INPUT, "standard input: %s, give one that can be read", strerror(errno));
    }
    if (count <= 0) {
        return false;
    }

    data->len += (size_t)count;
    return true;
}

static int read_lines(const char *command, cli_items *lines, sbs_forward_buffer *data) {
    int code = CLI_DONE;
    bool more = true;

    while (code == CLI_DONE && more) {
        if (data->len > CLI_QUEUE_ITEM_MAX || !sbs_forward_buffer_reserve(data, PIECE)) {
            return cli_fail(CLI_INPUT, "%s: line %zu of standard input: longer than 16 MiB, give shorter lines",
                            command, lines->line);
        }

        /* After a signal a line without an end is not taken for a whole one. */
        more = read_piece(data, &code);
        if (!more && cli_signal() != 0) {
            return code;
        }
        int taken = cli_items_take_lines(lines, data, !more);
        if (code == CLI_DONE) {
            code = taken;
        }
    }

    return code;
}

int cli_queue_add_lines(const char *command, cli_queue_added *added) {
    sbs_forward_buffer data = {0};
    add_run *run = add_start(command, true, added);
    if (run == NULL) {
        return CLI_LOCAL;
    }

    run->goes_on = true;
    cli_items lines = {.take = add_take, .ctx = run, .path = "-", .line = 1};
    int code = read_lines(command, &lines, &data);
    sbs_forward_buffer_free(&data);
    return add_finish(run, code);
}
