/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue add, list, retry, dead: what needs no server. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "commands.h"
#include "message.h"
#include "queue_add.h"
#include "queue_file.h"
#include "server.h"

#define FLUSH_AT 512u /* items between two writes of the listing */

static struct {
    const char *config;
    bool remove, lines;
} options;

static const cli_option config_options[] = {
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &options.config,
     .type = CLI_CONFIG},
};
static const cli_option add_options[] = {
    {"lines", NULL, "read NDJSON from standard input for ever, and store each line as it comes", &options.lines,
     .type = CLI_FLAG},
};
static const cli_option dead_options[] = {
    {"remove", NULL, "delete these dead letters", &options.remove, .type = CLI_FLAG},
};
static const cli_table config_table = CLI_TABLE(config_options);
static const cli_table add_table = CLI_TABLE(add_options);
static const cli_table dead_table = CLI_TABLE(dead_options);

/* ---- add ------------------------------------------------------------------------------------------------------ */

static int run_add(const cli_operands *operands) {
    cli_queue_added added = {0};
    if (options.lines ? operands->count > 0 : operands->count == 0) {
        return options.lines ? cli_fail(CLI_USAGE, "queue add: --lines: reads standard input, leave FILE out")
                             : cli_fail(CLI_USAGE, "queue add: FILE... is missing, give files, '-' or --lines");
    }
    int code = cli_queue_open("queue add", CLI_QUEUE_MADE);
    if (code == CLI_DONE) {
        code = options.lines ? cli_queue_add_lines("queue add", &added)
                             : cli_queue_add_files("queue add", operands, true, &added);
    }
    cli_queue_added_free(&added);
    cli_queue_close();
    return code;
}

/* ---- list ----------------------------------------------------------------------------------------------------- */

static void put_waiting(sbs_writer *out, const sbs_queue_item *item) {
    sbs_put_uint(out, item->id);
    sbs_put_char(out, '\t');
    cli_queue_put_name(item, out);
    sbs_put_char(out, '\t');
    sbs_put_uint(out, item->attempts);
    sbs_put_char(out, '\t');
    sbs_put_uint(out, item->len);
    sbs_put_char(out, '\n');
}

static int list_waiting(void) {
    sbs_queue_item item = {0};
    sbs_writer out;
    int code = CLI_DONE;
    cli_output(&out);
    for (size_t count = 1; code == CLI_DONE && cli_signal() == 0; count++) {
        uint64_t after = item.id;
        sbs_status status = cli_queue_port.ops->next(cli_queue_port.ctx, after, &item);
        if (status == SBS_ERR_NOT_FOUND) {
            break;
        }
        if (status == SBS_ERR_DAMAGED) {
            cli_warn("queue list: item %" PRIu64 ": damaged, it is a dead letter now", item.id);
        } else if (status == SBS_OK) {
            put_waiting(&out, &item);
        } else if (cli_queue_was_replaced("queue list")) {
            item.id = after;
        } else {
            return cli_queue_fail("queue list", status);
        }
        code = count % FLUSH_AT == 0 ? cli_output_flush() : CLI_DONE;
    }
    return code;
}

static int run_list(const cli_operands *operands) {
    (void)operands;
    int code = cli_queue_open("queue list", CLI_QUEUE_LOOK);
    code = code == CLI_DONE ? list_waiting() : code;
    cli_queue_close();
    return code;
}

/* ---- retry, dead ---------------------------------------------------------------------------------------------- */

typedef sbs_status (*dead_act)(sbs_sqlite_queue *queue, uint64_t id);

static void put_time(sbs_writer *out, int64_t utc_s) {
    char text[32] = "-";
    struct tm utc;
    time_t time = (time_t)utc_s;
    if (utc_s != SBS_UTC_UNKNOWN && gmtime_r(&time, &utc) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    sbs_put_string(out, text);
}

/* "id, identifier, when, why", or what was done about it. */
static void put_dead(sbs_writer *out, const sbs_sqlite_dead *dead, const char *done) {
    sbs_put_uint(out, dead->item.id);
    sbs_put_char(out, '\t');
    cli_queue_put_name(&dead->item, out);
    sbs_put_char(out, '\t');
    if (done != NULL) {
        sbs_put_string(out, done);
    } else {
        put_time(out, dead->utc_s);
        sbs_put_char(out, '\t');
        sbs_put_string(out, dead->reason);
    }
    sbs_put_char(out, '\n');
}

/* The name is read before the letter goes. */
static int handle(const char *command, const sbs_sqlite_dead *dead, dead_act act, const char *done) {
    sbs_forward_buffer line = {0};
    sbs_writer text;
    sbs_writer out;
    sbs_writer_init_sink(&text, sbs_forward_buffer_put, &line);
    put_dead(&text, dead, done);
    sbs_status status = act == NULL ? SBS_OK : act(&cli_queue_db, dead->item.id);
    cli_output(&out);
    if (status == SBS_OK) {
        sbs_put_text(&out, sbs_forward_buffer_text(&line));
    }
    sbs_forward_buffer_free(&line);
    if (status == SBS_ERR_DAMAGED) {
        return cli_fail(CLI_LOCAL, "%s: item %" PRIu64 ": damaged, it stays a dead letter", command, dead->item.id);
    }
    return status == SBS_OK || status == SBS_ERR_NOT_FOUND ? cli_output_flush() : cli_queue_fail(command, status);
}

/* The dead letter behind @p after, tried again if the file had to be replaced. */
static sbs_status find_dead(const char *command, uint64_t after, sbs_sqlite_dead *dead) {
    sbs_status status = sbs_sqlite_queue_dead(&cli_queue_db, after, dead);
    bool again = status != SBS_OK && status != SBS_ERR_NOT_FOUND && cli_queue_was_replaced(command);
    return again ? sbs_sqlite_queue_dead(&cli_queue_db, after, dead) : status;
}

static int handle_all(const char *command, dead_act act, const char *done) {
    sbs_sqlite_dead dead = {0};
    sbs_status status = SBS_OK;
    int first = CLI_DONE;
    while (cli_signal() == 0 && (status = find_dead(command, dead.item.id, &dead)) == SBS_OK) {
        int code = handle(command, &dead, act, done);
        first = first == CLI_DONE ? code : first;
    }
    return status == SBS_OK || status == SBS_ERR_NOT_FOUND ? first : cli_queue_fail(command, status);
}

static int handle_one(const char *command, uint64_t id, dead_act act, const char *done) {
    sbs_sqlite_dead dead = {0};
    sbs_status status = find_dead(command, id - 1, &dead);
    if (status == SBS_ERR_NOT_FOUND || (status == SBS_OK && dead.item.id != id)) {
        return cli_fail(CLI_INPUT, "%s: %" PRIu64 ": no such dead letter, 'sbs queue dead' lists them", command, id);
    }
    return status == SBS_OK ? handle(command, &dead, act, done) : cli_queue_fail(command, status);
}

static int handle_dead(const char *command, const cli_operands *operands, dead_act act, const char *done) {
    bool all = false;
    int first = cli_queue_check_ids(command, operands, &all);
    first = first == CLI_DONE ? cli_queue_open(command, CLI_QUEUE_LOOK) : first;
    if (first == CLI_DONE && all) {
        first = handle_all(command, act, done);
    } else if (first == CLI_DONE) {
        for (size_t i = 0; i < operands->count; i++) {
            int code = handle_one(command, cli_queue_id(operands->items[i]), act, done);
            first = first == CLI_DONE ? code : first;
        }
    }
    cli_queue_close();
    return first;
}

static int run_retry(const cli_operands *operands) {
    return handle_dead("queue retry", operands, sbs_sqlite_queue_retry, "queued");
}

static int run_dead(const cli_operands *operands) {
    if (options.remove && operands->count == 0) {
        return cli_fail(CLI_USAGE, "queue dead: --remove: of which, give their ids, or all");
    }
    return options.remove ? handle_dead("queue dead", operands, sbs_sqlite_queue_remove_dead, "removed")
                          : handle_dead("queue dead", operands, NULL, NULL);
}

/* ---- the commands --------------------------------------------------------------------------------------------- */

const cli_command cli_queue_add = {
    .name = "queue add",
    .summary = "Stores resources durably, to be pushed later",
    .about = "FILE holds one resource as JSON, or one in each line (NDJSON); '-' is standard input. Each gives one\n"
             "line once it is safe on the disk: its identifier, 'queued', its id in the queue, separated by tabs. One\n"
             "without an identifier gets one that is its own from then on. Resources that name the same device (or,\n"
             "without one, the same subject) are pushed in this order. Any number of processes may add at a time.\n",
    .operands = "[FILE...]",
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &cli_queue_limits_table, &add_table, &config_table},
    .example = "sbs observe --code 'http://loinc.org|8310-5' --value 36.6 --unit Cel | sbs queue add --queue q.db -",
    .run = run_add,
};

const cli_command cli_queue_list = {
    .name = "queue list",
    .summary = "Lists what waits in a queue",
    .about = "Each item gives one line: id, identifier, how often it was sent, bytes, separated by tabs.\n",
    .tables = {&cli_queue_table, &config_table},
    .example = "sbs queue list --queue q.db",
    .run = run_list,
};

const cli_command cli_queue_retry = {
    .name = "queue retry",
    .summary = "Puts dead letters back among the items to push",
    .about = "All of them ('all', or no ID), or those with these ids. Each gives one line: id, identifier, 'queued'.\n",
    .operands = "[ID...]",
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &config_table},
    .example = "sbs queue retry --queue q.db 17",
    .run = run_retry,
};

const cli_command cli_queue_dead = {
    .name = "queue dead",
    .summary = "Lists dead letters: what the server will not take, and why",
    .about =
        "All of them ('all', or no ID), or those with these ids. Each gives one line: id, identifier, when it was\n"
        "set aside, why, separated by tabs; with --remove: id, identifier, 'removed'.\n",
    .operands = "[ID...]",
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &dead_table, &config_table},
    .example = "sbs queue dead --queue q.db",
    .run = run_dead,
};
