/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue add, retry, dead, remove: what changes the queue and needs no server. */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "push_run.h"
#include "queue_add.h"
#include "queue_entry.h"
#include "queue_file.h"
#include "server.h"

static struct {
    const char *config;
    bool remove, lines, json;
} options;

static const cli_option config_options[] = {
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &options.config,
     .type = CLI_CONFIG},
};
static const cli_option add_options[] = {
    {"lines", NULL, "read NDJSON from standard input for ever, and store each line as it comes", &options.lines,
     .type = CLI_FLAG},
    {"quiet", NULL, "no lines of what goes well", &cli_push_with.quiet, .type = CLI_FLAG},
};
static const cli_option dead_options[] = {
    {"remove", NULL, "delete these dead letters", &options.remove, .type = CLI_FLAG},
    {"json", NULL, "as JSON", &options.json, .type = CLI_FLAG},
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

/* ---- retry, dead ---------------------------------------------------------------------------------------------- */

typedef sbs_status (*dead_act)(sbs_sqlite_queue *queue, uint64_t id);

/* "id, identifier, when, why", or what was done about it. */
static void put_dead(sbs_writer *out, const sbs_sqlite_dead *dead, const char *done) {
    sbs_put_uint(out, dead->item.id);
    sbs_put_char(out, '\t');
    cli_queue_put_name(&dead->item, out);
    sbs_put_char(out, '\t');
    if (done != NULL) {
        sbs_put_string(out, done);
    } else {
        cli_queue_put_time(out, dead->utc_s);
        sbs_put_char(out, '\t');
        cli_queue_put_reason(out, dead);
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

/* ---- as JSON -------------------------------------------------------------------------------------------------- */

static void put_json(const sbs_sqlite_dead *dead, bool first) {
    sbs_writer out;
    cli_output(&out);
    sbs_put_string(&out, first ? "[\n" : ",\n");
    cli_queue_put_json(&out, dead, false);
}

static int list_json(const cli_operands *operands, bool all) {
    sbs_sqlite_dead dead = {0};
    sbs_status status = SBS_OK;
    sbs_writer out;
    int code = CLI_DONE;
    bool first = true;
    for (size_t i = 0; cli_signal() == 0 && (all || i < operands->count); i++) {
        uint64_t id = all ? 0 : cli_queue_id(operands->items[i]);
        status = find_dead("queue dead", all ? dead.item.id : id - 1, &dead);
        if (!all && (status == SBS_ERR_NOT_FOUND || (status == SBS_OK && dead.item.id != id))) {
            code = cli_fail(CLI_INPUT, "queue dead: %" PRIu64 ": no such dead letter, 'sbs queue dead' lists them", id);
            continue;
        }
        if (status != SBS_OK) {
            break;
        }
        put_json(&dead, first);
        first = false;
    }
    if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
        return cli_queue_fail("queue dead", status);
    }

    cli_output(&out);
    sbs_put_string(&out, first ? "[]\n" : "\n]\n");
    int shown = cli_output_flush();
    return code != CLI_DONE ? code : shown;
}

static int run_json(const cli_operands *operands) {
    bool all = false;
    int code = cli_queue_check_ids("queue dead", operands, &all);
    if (code == CLI_DONE) {
        code = cli_queue_open("queue dead", CLI_QUEUE_LOOK);
    }
    if (code == CLI_DONE) {
        code = list_json(operands, all);
    }
    cli_queue_close();
    return code;
}

static int run_dead(const cli_operands *operands) {
    if (options.remove && operands->count == 0) {
        return cli_fail(CLI_USAGE, "queue dead: --remove: of which, give their ids, or all");
    }
    if (options.json && !options.remove) {
        return run_json(operands);
    }
    return options.remove ? handle_dead("queue dead", operands, sbs_sqlite_queue_remove_dead, "removed")
                          : handle_dead("queue dead", operands, NULL, NULL);
}

/* ---- remove --------------------------------------------------------------------------------------------------- */

static int remove_one(uint64_t id) {
    sbs_sqlite_entry entry;
    sbs_writer out;
    sbs_status status = sbs_sqlite_queue_find(&cli_queue_db, id, &entry);
    sbs_forward_buffer line = {0};
    sbs_writer text;
    if (status == SBS_OK) { /* the name is read before the item goes */
        sbs_writer_init_sink(&text, sbs_forward_buffer_put, &line);
        put_dead(&text, &entry, "removed");
        status = sbs_sqlite_queue_remove(&cli_queue_db, id);
    }

    if (status == SBS_OK) {
        cli_output(&out);
        sbs_put_text(&out, sbs_forward_buffer_text(&line));
    }
    sbs_forward_buffer_free(&line);
    if (status == SBS_ERR_NOT_FOUND) {
        return cli_fail(CLI_INPUT,
                        "queue remove: %" PRIu64 ": no such item, 'sbs queue list' and 'sbs queue dead' list "
                        "them",
                        id);
    }
    return status == SBS_OK ? cli_output_flush() : cli_queue_fail("queue remove", status);
}

static int run_remove(const cli_operands *operands) {
    int first = CLI_DONE;
    for (size_t i = 0; i < operands->count; i++) {
        if (cli_queue_id(operands->items[i]) == 0) {
            return cli_fail(CLI_USAGE, "queue remove: '%s' is no id of an item, give what 'sbs queue list' lists",
                            operands->items[i]);
        }
    }

    first = cli_queue_open("queue remove", CLI_QUEUE_LOOK);
    size_t count = first == CLI_DONE ? operands->count : 0;
    for (size_t i = 0; i < count && cli_signal() == 0; i++) {
        int code = remove_one(cli_queue_id(operands->items[i]));
        if (first == CLI_DONE) {
            first = code;
        }
    }
    cli_queue_close();
    return first;
}

/* ---- the commands --------------------------------------------------------------------------------------------- */

const cli_command cli_queue_add = {
    .name = "queue add",
    .summary = "Stores resources durably, to be pushed later",
    .about =
        "FILE holds one resource as JSON, or one in each line (NDJSON); '-' is standard input. Each gives one\n"
        "line once it is safe on the disk: its identifier, what happened, its id in the queue, separated by tabs:\n"
        "  queued                 it waits for a push\n"
        "  already queued         the same waits\n"
        "  already delivered      the server has the same\n"
        "  already a dead letter  the server refused the same; exit status 1\n"
        "  refused: WHY           it is not stored\n"
        "One without an identifier gets one that is its own from then on. Resources that name the same device (or,\n"
        "without one, the same subject) are pushed in this order. Any number of processes may add at a time.\n",
    .operands = "[FILE...]",
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &cli_queue_limits_table, &add_table, &config_table},
    .example = "sbs observe --code 'http://loinc.org|8310-5' --value 36.6 --unit Cel --subject Patient/123 --effective "
               "now | sbs queue add --queue q.db -",
    .run = run_add,
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

const cli_command cli_queue_remove = {
    .name = "queue remove",
    .summary = "Deletes items that wait and dead letters, for good",
    .about = "Each gives one line: id, identifier, 'removed'. What was removed may be added again. One that\n"
             "was sent just then may be on the server all the same.\n",
    .operands = "ID...",
    .operand_min = 1,
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &config_table},
    .example = "sbs queue remove --queue q.db 17",
    .run = run_remove,
};
