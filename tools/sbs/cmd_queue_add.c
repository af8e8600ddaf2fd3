/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue add */
#include "commands.h"
#include "message.h"
#include "push_run.h"
#include "queue_add.h"
#include "queue_file.h"

static bool lines;

static const cli_option add_options[] = {
    {"lines", NULL, "read NDJSON from standard input for ever, and store each line as it comes", &lines,
     .type = CLI_FLAG},
    {"quiet", NULL, "print nothing about what goes well", &cli_push_with.quiet, .type = CLI_FLAG},
};

static const cli_table add_table = CLI_TABLE(add_options);

static int queue_add_run(const cli_operands *operands) {
    cli_queue_added added = {0};

    if (lines && operands->count > 0) {
        return cli_fail(CLI_USAGE, "queue add: --lines: reads standard input, leave FILE out");
    }
    if (!lines && operands->count == 0) {
        return cli_fail(CLI_USAGE, "queue add: FILE... is missing, give files, '-' or --lines");
    }

    /* A script that adds one resource after another pays two syncs for each. */
    cli_queue.keep_log = true;

    int code = cli_queue_open("queue add", CLI_QUEUE_MADE);
    if (code == CLI_DONE && lines) {
        code = cli_queue_add_lines("queue add", &added);
    } else if (code == CLI_DONE) {
        code = cli_queue_add_files("queue add", operands, true, &added);
    }

    cli_queue_added_free(&added);
    cli_queue_close();
    return code;
}

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
    .tables = {&cli_queue_table, &cli_queue_limits_table, &add_table, &cli_queue_config_table},
    .example = "sbs observe --code 'http://loinc.org|8310-5' --value 36.6 --unit Cel --subject Patient/123 --effective "
               "now | sbs queue add --queue q.db -",
    .run = queue_add_run,
};
