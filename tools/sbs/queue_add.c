/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_add.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "items.h"
#include "message.h"
#include "queue_file.h"
#include "resource.h"
#include "sbs/date.h"
#include "sbs/identity.h"
#include "sbs/linux_clock.h"

#define GROUP_MAX 256u /* items that become durable together */
#define REASON_SIZE 256
#define PIECE 65536u /* of standard input */
#define NOT_WRITTEN "the queue cannot be written"

/* A group of items that become durable together. Until then nothing is known of them, so each has two lines: which one
 * is shown is decided then. */
typedef struct add_run {
    const char *command;
    cli_queue_added *added;
    struct add_item {
        sbs_text text;
        const char *path;
        size_t line;
    } items[GROUP_MAX];
    struct cli_queue_range ids[GROUP_MAX];
    size_t count, accepted, refused;
    cli_buffer done, undone; /* the lines */
    int code;                /* of the first fault */
    int fault;               /* of the first one in the group */
    sbs_status failure;      /* of the queue, in the group */
    bool list;
    bool goes_on; /* a queue that cannot be written is tried again with the next group */
    bool stopped; /* no further item is tried */
    bool failing; /* the last group could not be written, which was told */
} add_run;

/* ---- the lines ------------------------------------------------------------------------------------------------ */

static void put_fate(sbs_writer *out, const cli_resource *resource, const char *path, size_t line, const char *what) {
    cli_resource_put_name(resource, path, line, out);
    sbs_put_char(out, '\t');
    sbs_put_string(out, what);
}

static void note_refused(add_run *run, const cli_resource *resource, const char *path, size_t line, const char *why,
                         int code) {
    cli_buffer *const both[] = {&run->done, &run->undone};
    for (size_t i = 0; i < 2; i++) {
        sbs_writer out;
        sbs_writer_init_sink(&out, cli_buffer_put, both[i]);
        put_fate(&out, resource, path, line, "refused: ");
        cli_put_clean(&out, sbs_text_of(why));
        sbs_put_char(&out, '\n');
    }
    run->refused++;
    run->fault = run->fault == CLI_DONE ? code : run->fault;
}

static void note_accepted(add_run *run, const cli_resource *resource, const char *path, size_t line, uint64_t id) {
    sbs_writer out;
    if (run->list) {
        sbs_writer_init_sink(&out, cli_buffer_put, &run->done);
        put_fate(&out, resource, path, line, "queued\t");
        sbs_put_uint(&out, id);
        sbs_put_char(&out, '\n');
    }
    sbs_writer_init_sink(&out, cli_buffer_put, &run->undone);
    put_fate(&out, resource, path, line, "refused: " NOT_WRITTEN "\n");
    run->ids[run->accepted++] = (struct cli_queue_range){id, id};
}

static bool keep_ids(cli_queue_added *added, const struct cli_queue_range *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (added->count > 0 && added->ranges[added->count - 1].last + 1 == ids[i].first) {
            added->ranges[added->count - 1].last = ids[i].last;
            continue;
        }
        if (added->count == added->size) {
            size_t size = added->size == 0 ? 16 : added->size * 2;
            struct cli_queue_range *ranges = realloc(added->ranges, size * sizeof *ranges);
            if (ranges == NULL) {
                return false;
            }
            added->ranges = ranges;
            added->size = size;
        }
        added->ranges[added->count++] = ids[i];
    }
    return true;
}

void cli_queue_added_free(cli_queue_added *added) {
    free(added->ranges);
    *added = (cli_queue_added){0};
}

/* ---- one item ------------------------------------------------------------------------------------------------- */

/* What names this machine: printable, and nothing that JSON escapes. */
static void device_name(char *out, size_t size) {
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(out, size, "%s", cli_queue.device != NULL ? cli_queue.device : host[0] != '\0' ? host : "device");
    for (char *c = out; *c != '\0'; c++) {
        if (*c <= 0x20 || *c > 0x7E || *c == '"' || *c == '\\' || *c == '|') {
            *c = '-';
        }
    }
}

/* Adds an identifier that is the item's own from now on, and reads the text again. */
static const char *identify(add_run *run, cli_resource *resource, cli_buffer *text) {
    char device[256];
    char value[320];
    sbs_writer out;
    uint64_t epoch = 0;
    uint64_t id = 0;
    size_t len = 0;
    sbs_status status = sbs_sqlite_queue_next_id(&cli_queue_db, &epoch, &id);
    if (status != SBS_OK) {
        run->failure = status;
        return NOT_WRITTEN;
    }
    device_name(device, sizeof device);
    sbs_writer_init(&out, value, sizeof value);
    sbs_identity_put_sequence(&out, sbs_text_of(device), epoch, id);
    if (sbs_writer_finish(&out, &len) != SBS_OK) {
        return "the device's name is too long";
    }
    sbs_writer_init_sink(&out, cli_buffer_put, text);
    cli_resource_put_identified(resource, SBS_SYSTEM_SEQUENCE, (sbs_text){value, len}, &out);
    cli_resource_free(resource);
    return sbs_writer_finish(&out, NULL) == SBS_OK ? cli_resource_read(resource, cli_buffer_text(text))
                                                   : "out of memory";
}

static void append(add_run *run, cli_resource *resource, const char *path, size_t line) {
    const sbs_queue_meta meta = {
        .utc_s = sbs_linux_now().utc_s,
        .lane = resource->lane,
        .zone_minutes = SBS_ZONE_UNKNOWN,
    };
    uint64_t id = 0;
    sbs_text text = resource->text;
    sbs_status status = cli_queue_port.ops->append(cli_queue_port.ctx, &meta, text.ptr, text.len, &id);
    if (status == SBS_OK) {
        note_accepted(run, resource, path, line, id);
    } else if (status == SBS_ERR_BUFFER) {
        note_refused(run, resource, path, line, "the queue is full", CLI_LOCAL);
    } else if (status == SBS_ERR_TOO_LARGE) {
        note_refused(run, resource, path, line, "larger than 16 MiB, or than the queue may be", CLI_INPUT);
    } else {
        run->failure = status;
        note_refused(run, resource, path, line, NOT_WRITTEN, CLI_LOCAL);
    }
}

static void add_item(add_run *run, const struct add_item *item) {
    cli_resource resource = {0};
    cli_buffer text = {0};
    char reason[REASON_SIZE];
    const char *fault = cli_resource_read(&resource, item->text);
    size_t fault_at = resource.fault_at;
    if (fault == NULL && (run->stopped || run->failure != SBS_OK)) {
        fault = NOT_WRITTEN;
    } else if (fault == NULL && resource.value.len == 0) {
        fault = resource.has_identifier ? "no identifier of it has a value" : identify(run, &resource, &text);
    }
    if (fault != NULL) {
        cli_items_reason(fault, item->text, item->line, fault_at, reason, sizeof reason);
        note_refused(run, &resource, item->path, item->line, reason, CLI_INPUT);
    } else {
        append(run, &resource, item->path, item->line);
    }
    cli_resource_free(&resource);
    cli_buffer_free(&text);
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

static void clear(cli_buffer *buffer) {
    sbs_wipe(buffer->data, buffer->len);
    buffer->len = 0;
}

/* Adds the items of the group, durably: all that are accepted, or none. */
static void try_group(add_run *run) {
    clear(&run->done);
    clear(&run->undone);
    run->accepted = run->refused = 0;
    run->fault = CLI_DONE;
    run->failure = run->stopped ? SBS_OK : sbs_sqlite_queue_begin(&cli_queue_db);
    bool begun = !run->stopped && run->failure == SBS_OK;
    for (size_t i = 0; i < run->count; i++) {
        add_item(run, &run->items[i]);
    }
    if (begun) {
        sbs_status status = sbs_sqlite_queue_commit(&cli_queue_db);
        if (status != SBS_OK) {
            run->failure = run->failure != SBS_OK ? run->failure : status;
            run->refused += run->accepted;
            run->accepted = 0;
        }
    }
}

static void note_failure(add_run *run) {
    if (run->failure != SBS_OK) {
        run->fault = run->failing ? CLI_LOCAL : cli_queue_fail(run->command, run->failure);
        run->stopped = !run->goes_on;
    }
    run->failing = run->failure != SBS_OK;
}

/* True if there is another file now: this process replaced a damaged one, or somebody else did. */
static bool has_other_file(const add_run *run) {
    return cli_queue_was_replaced(run->command) ||
           (cli_queue_has_moved() && cli_queue_reopen(run->command) == CLI_DONE);
}

/* Only what is durable is shown as queued. */
static int add_group(add_run *run) {
    sbs_writer out;
    try_group(run);
    if (run->failure != SBS_OK && run->accepted == 0 && has_other_file(run)) {
        try_group(run);
    }
    note_failure(run);
    if (!keep_ids(run->added, run->ids, run->accepted)) {
        cli_warn("%s: out of memory, not every item that is kept will be listed", run->command);
    }
    run->code = run->code == CLI_DONE ? run->fault : run->code;
    run->added->accepted += run->accepted;
    run->added->refused += run->refused;
    cli_output(&out);
    sbs_put_text(&out, cli_buffer_text(run->accepted > 0 ? &run->done : &run->undone));
    run->count = 0;
    if (isatty(STDOUT_FILENO) != 1) {
        cli_progress("queued %zu", run->added->accepted);
    }
    return cli_output_flush();
}

static int take_item(void *ctx, sbs_text text, const char *path, size_t line) {
    add_run *run = ctx;
    if (text.ptr != NULL) {
        run->items[run->count++] = (struct add_item){text, path, line};
    }
    return run->count == GROUP_MAX || (text.ptr == NULL && run->count > 0) ? add_group(run) : CLI_DONE;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static add_run *start(const char *command, bool list, cli_queue_added *added) {
    add_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        (void)cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", command);
        return NULL;
    }
    run->command = command;
    run->added = added;
    run->list = list;
    return run;
}

static int finish(add_run *run, int code) {
    const cli_queue_added *added = run->added;
    if (code == CLI_DONE && added->refused > 0) {
        (void)cli_fail(run->code, "%s: %zu of %zu resources were not queued, the lines on standard output tell why",
                       run->command, added->refused, added->refused + added->accepted);
    }
    code = code != CLI_DONE ? code : run->code;
    cli_buffer_free(&run->done);
    cli_buffer_free(&run->undone);
    free(run);
    return code;
}

int cli_queue_add_files(const char *command, const cli_operands *files, bool list, cli_queue_added *added) {
    add_run *run = start(command, list, added);
    return run == NULL ? CLI_LOCAL : finish(run, cli_items_read(command, files, take_item, run, &run->code));
}

/* Reads what there is, at most a piece. False at the end, and after a signal. */
static bool read_piece(cli_buffer *data, int *out_code) {
    ssize_t count;
    do {
        count = read(STDIN_FILENO, data->data + data->len, data->size - data->len);
    } while (count < 0 && errno == EINTR && cli_signal() == 0);
    if (count < 0 && cli_signal() == 0) {
        *out_code = cli_fail(CLI_INPUT, "standard input: %s, give one that can be read", strerror(errno));
    }
    data->len += count > 0 ? (size_t)count : 0;
    return count > 0;
}

int cli_queue_add_lines(const char *command, cli_queue_added *added) {
    add_run *run = start(command, true, added);
    cli_items lines = {.take = take_item, .ctx = run, .path = "-", .line = 1};
    cli_buffer data = {0};
    int code = run == NULL ? CLI_LOCAL : CLI_DONE;
    bool more = true;
    if (run != NULL) {
        run->goes_on = true;
    }
    while (code == CLI_DONE && more) {
        if (data.len > CLI_QUEUE_ITEM_MAX || !cli_buffer_reserve(&data, PIECE)) {
            code = cli_fail(CLI_INPUT, "%s: line %zu of standard input: longer than 16 MiB, give shorter ones", command,
                            lines.line);
            break;
        }
        more = read_piece(&data, &code);
        int taken = cli_signal() == 0 || more ? cli_items_take_lines(&lines, &data, !more) : CLI_DONE;
        code = code != CLI_DONE ? code : taken;
    }
    cli_buffer_free(&data);
    return run == NULL ? code : finish(run, code);
}
