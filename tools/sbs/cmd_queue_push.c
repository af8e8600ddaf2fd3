/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue push */
#include "commands.h"
#include "message.h"
#include "push_run.h"
#include "queue_file.h"
#include "queue_push.h"
#include "server.h"

static const cli_option option_table[] = {
    {"follow", NULL, "stay, and push what other processes add; ends with a signal or --max-time", &cli_push_with.follow,
     .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

static int queue_push_run(const cli_operands *operands) {
    (void)operands;
    cli_queue_need need = CLI_QUEUE_EXISTING;
    if (cli_push_with.follow) {
        need = CLI_QUEUE_MADE; /* a service may start before the first item comes */
    }

    int code = cli_queue_open("queue push", need);
    if (code == CLI_DONE) {
        code = cli_queue_push_run("queue push", NULL);
    }

    cli_queue_close();
    return code;
}

const cli_command cli_queue_push = {
    .name = "queue push",
    .summary = "Pushes what waits in a queue, each item once and in order for each device",
    .about = "Ends when the queue is empty, or when the server takes nothing for --wait SECONDS (cron: run it\n"
             "again); with --follow it stays (a service). Each item gives one line when the server has it, or\n"
             "never will: its identifier, what happened (created, already there, updated, replaced, refused:\n"
             "why), its place on the server, separated by tabs. A refused item becomes a dead letter and holds\n"
             "up no other. What still waits at the end is counted, and 'sbs queue show' tells why. Exit status\n"
             "0 only if nothing is left and nothing was refused. One process at a time pushes a queue: a second\n"
             "one says so and ends with 0, or with --follow waits until the first one ends. put: PUT under an\n"
             "id derived from the identifier, in place of an id of its own. if-none-exist: POST unless the\n"
             "server holds the identifier. plain: POST. auto: the first that the server states,\n"
             "in a CapabilityStatement of at most 4 MB.\n",
    .tables = {&cli_server_table, &cli_kid_table, &cli_no_kid_table, &cli_queue_table, &own_table, &cli_drain_table,
               &cli_push_table, &cli_connection_table},
    .example = "sbs queue push --queue q.db --fhir https://fhir.example.org/r4 --key device.pem \\\n"
               "      --client-id my-device --scope 'system/Observation.cu'",
    .run = queue_push_run,
};
