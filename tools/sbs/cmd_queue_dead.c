/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue dead, sbs queue retry */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "queue_entry.h"
#include "queue_file.h"
#include "signals.h"

static bool removes;

static const cli_option dead_options[] = {
    {"remove", NULL, "delete these dead letters", &removes, .type = CLI_FLAG},
};

static const cli_table dead_table = CLI_TABLE(dead_options);

/* One command over some dead letters. */
typedef struct dead_run {
    const char *command;
    sbs_status (*act)(sbs_sqlite_queue *queue, uint64_t id); /* NULL: they are listed */
    const char *done;                                        /* what the line says then */
    bool as_json;
    size_t shown; /* as JSON */
    bool failed;  /* the queue */
} dead_run;

/* ---- one dead letter ------------------------------------------------------------------------------------------ */

static int dead_fail(dead_run *run, sbs_status status) {
    run->failed = true;
    return cli_queue_fail(run->command, status);
}

/* "id, identifier, when, why", or what was done about it. */
static void dead_put(const dead_run *run, const sbs_sqlite_dead *dead, sbs_writer *out) {
    cli_queue_put_start(out, &dead->item);
    if (run->done != NULL) {
        sbs_put_string(out, run->done);
    } else {
        cli_queue_put_time(out, dead->utc_s);
        sbs_put_char(out, '\t');
        cli_queue_put_reason(out, dead);
    }

    sbs_put_char(out, '\n');
}

/* The line is made before the letter goes, and shown if it went. */
static int dead_handle(dead_run *run, const sbs_sqlite_dead *dead) {
    sbs_forward_buffer line = {0};
    sbs_status status = SBS_OK;
    sbs_writer text;
    sbs_writer out;

    sbs_writer_init_sink(&text, sbs_forward_buffer_put, &line);
    dead_put(run, dead, &text);
    /* A listing only shows; retry and remove act. */
    if (run->act != NULL) {
        status = run->act(&cli_queue_db, dead->item.id);
    }
    if (status == SBS_OK) {
        cli_output(&out);
        sbs_put_text(&out, sbs_forward_buffer_text(&line));
    }

    sbs_forward_buffer_free(&line);

    switch (status) {
    case SBS_OK:
    case SBS_ERR_NOT_FOUND: /* another process was faster */
        return cli_output_flush();
    case SBS_ERR_DAMAGED:
        return cli_fail(CLI_LOCAL, "%s: item %" PRIu64 ": damaged, it stays a dead letter", run->command,
                        dead->item.id);
    default:
        return dead_fail(run, status);
    }
}

static int dead_visit(dead_run *run, const sbs_sqlite_dead *dead) {
    sbs_writer out;

    if (!run->as_json) {
        return dead_handle(run, dead);
    }

    cli_output(&out);
    cli_queue_put_json_item(&out, run->shown, dead);
    run->shown++;
    return CLI_DONE;
}

/* ---- those that are asked for --------------------------------------------------------------------------------- */

/* The dead letter behind @p after, again if a damaged file had to be replaced for it. */
static sbs_status dead_find(const dead_run *run, uint64_t after, sbs_sqlite_dead *dead) {
    sbs_status status = sbs_sqlite_queue_dead(&cli_queue_db, after, dead);
    if (status == SBS_OK || status == SBS_ERR_NOT_FOUND || !cli_queue_was_replaced(run->command)) {
        return status;
    }
    return sbs_sqlite_queue_dead(&cli_queue_db, after, dead);
}

static int dead_visit_all(dead_run *run) {
    sbs_sqlite_dead dead = {0};
    int first = CLI_DONE;

    while (cli_signal() == 0) {
        sbs_status status = dead_find(run, dead.item.id, &dead);
        if (status == SBS_ERR_NOT_FOUND) {
            break;
        }
        if (status != SBS_OK) {
            return dead_fail(run, status);
        }

        int code = dead_visit(run, &dead);
        if (first == CLI_DONE) {
            first = code;
        }
    }

    return first;
}

static int dead_visit_one(dead_run *run, uint64_t id) {
    sbs_sqlite_dead dead = {0};
    sbs_status status = dead_find(run, id - 1, &dead);
    if (status == SBS_ERR_NOT_FOUND || (status == SBS_OK && dead.item.id != id)) {
        return cli_fail(CLI_INPUT, "%s: %" PRIu64 ": no such dead letter, 'sbs queue dead' lists them", run->command,
                        id);
    }

    if (status != SBS_OK) {
        return dead_fail(run, status);
    }

    return dead_visit(run, &dead);
}

/* One that fails keeps no other from its turn. */
static int dead_visit_ids(dead_run *run, const cli_operands *operands) {
    int first = CLI_DONE;

    for (size_t i = 0; i < operands->count && cli_signal() == 0; i++) {
        int code = dead_visit_one(run, cli_queue_id(operands->items[i]));
        if (first == CLI_DONE) {
            first = code;
        }
    }
    return first;
}

/* A listing that the queue broke off is no JSON, and is not shown. */
static int dead_end_json(const dead_run *run, int code) {
    sbs_writer out;

    if (run->failed) {
        return code;
    }

    cli_output(&out);
    cli_queue_put_json_end(&out, run->shown);
    int shown = cli_output_flush();
    if (code != CLI_DONE) {
        return code;
    }

    return shown;
}

static bool means_all(const cli_operands *operands) {
    return operands->count == 0 || (operands->count == 1 && strcmp(operands->items[0], "all") == 0);
}

static int dead_visit_open(dead_run *run, const cli_operands *operands) {
    int code;

    if (means_all(operands)) {
        code = dead_visit_all(run);
    } else {
        code = dead_visit_ids(run, operands);
    }

    if (run->as_json) {
        return dead_end_json(run, code);
    }

    return code;
}

static int dead_visit_chosen(dead_run *run, const cli_operands *operands) {
    int code = CLI_DONE;

    if (!means_all(operands)) {
        code = cli_queue_check_ids(run->command, operands, "sbs queue dead");
    }
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_queue_open(run->command, CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        code = dead_visit_open(run, operands);
    }

    cli_queue_close();
    return code;
}

/* ---- the commands --------------------------------------------------------------------------------------------- */

static int queue_retry_run(const cli_operands *operands) {
    dead_run run = {.command = "queue retry", .act = sbs_sqlite_queue_retry, .done = "queued"};
    return dead_visit_chosen(&run, operands);
}

static int queue_dead_run(const cli_operands *operands) {
    dead_run run = {.command = "queue dead"};

    if (removes && operands->count == 0) {
        return cli_fail(CLI_USAGE, "queue dead: --remove: nothing is named, give the ids of dead letters, or 'all'");
    }

    if (removes) {
        run.act = sbs_sqlite_queue_remove_dead;
        run.done = "removed";
    } else {
        run.as_json = cli_queue.as_json;
    }

    return dead_visit_chosen(&run, operands);
}

const cli_command cli_queue_retry = {
    .name = "queue retry",
    .summary = "Puts dead letters back among the items to push",
    .about = "All of them ('all', or no ID), or those with these ids. Each gives one line: id, identifier, 'queued'.\n",
    .operands = "[ID...]",
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &cli_queue_config_table},
    .example = "sbs queue retry --queue q.db 17",
    .run = queue_retry_run,
};

const cli_command cli_queue_dead = {
    .name = "queue dead",
    .summary = "Lists dead letters: what the server will not take, and why",
    .about =
        "All of them ('all', or no ID), or those with these ids. Each gives one line: id, identifier, when it was\n"
        "set aside, why, separated by tabs; with --remove: id, identifier, 'removed'.\n",
    .operands = "[ID...]",
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &dead_table, &cli_queue_json_table, &cli_queue_config_table},
    .example = "sbs queue dead --queue q.db",
    .run = queue_dead_run,
};
