/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue remove */
#include "commands.h"
#include "io.h"
#include "message.h"
#include "queue_entry.h"
#include "queue_file.h"
#include "signals.h"

/* The name is read before the item goes, and shown if it went. */
static int remove_one(uint64_t id) {
    sbs_sqlite_entry entry;
    sbs_forward_buffer line = {0};
    sbs_writer text;
    sbs_writer out;

    sbs_status status = cli_queue_find("queue remove", id, &entry);
    if (status == SBS_OK) {
        sbs_writer_init_sink(&text, sbs_forward_buffer_put, &line);
        cli_queue_put_start(&text, &entry.item);
        status = sbs_sqlite_queue_remove(&cli_queue_db, id);
    }

    if (status == SBS_OK) {
        cli_output(&out);
        sbs_put_text(&out, sbs_forward_buffer_text(&line));
        sbs_put_string(&out, "removed\n");
    }

    sbs_forward_buffer_free(&line);

    switch (status) {
    case SBS_OK:
        return cli_output_flush();
    case SBS_ERR_NOT_FOUND:
        return cli_queue_no_item("queue remove", id);
    default:
        return cli_queue_fail("queue remove", status);
    }
}

/* One that fails keeps no other from its turn. */
static int queue_remove_run(const cli_operands *operands) {
    int first = cli_queue_check_ids("queue remove", operands, "sbs queue list");
    if (first != CLI_DONE) {
        return first;
    }

    first = cli_queue_open("queue remove", CLI_QUEUE_LOOK);
    bool open = first == CLI_DONE;
    for (size_t i = 0; open && i < operands->count && cli_signal() == 0; i++) {
        int code = remove_one(cli_queue_id(operands->items[i]));
        if (first == CLI_DONE) {
            first = code;
        }
    }

    cli_queue_close();
    return first;
}

const cli_command cli_queue_remove = {
    .name = "queue remove",
    .summary = "Deletes items that wait and dead letters, for good",
    .about = "Each gives one line: id, identifier, 'removed'. What was removed may be added again. One that\n"
             "was sent just then may be on the server all the same.\n",
    .operands = "ID...",
    .operand_min = 1,
    .operand_max = SIZE_MAX,
    .tables = {&cli_queue_table, &cli_queue_config_table},
    .example = "sbs queue remove --queue q.db 17",
    .run = queue_remove_run,
};
