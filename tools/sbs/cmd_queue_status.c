/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue status */
#include "commands.h"
#include "io.h"
#include "message.h"
#include "queue_entry.h"
#include "sbs/count.h"

/* Times are kept only where the clock was known to be right. */
#define CLOCK_UNKNOWN "unknown: this machine's clock is not synchronised"

static void put_status_json(sbs_writer *out, const sbs_sqlite_stats *stats) {
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {
        {"waiting", stats->counters.waiting},
        {"dead", stats->letters},
        {"accepted", stats->counters.accepted},
        {"delivered", stats->counters.delivered},
        {"dropped", stats->counters.dropped},
        {"expired", stats->expired},
        {"bytes", stats->bytes},
        {"fileBytes", stats->file_bytes},
        {"freeBytes", stats->free_bytes},
        {"remembered", stats->seen},
    };
    sbs_json_writer json;
    sbs_json_writer_init(&json, out);

    sbs_json_begin_object(&json);
    for (size_t i = 0; i < SBS_COUNT_OF(numbers); i++) {
        sbs_json_key(&json, numbers[i].name);
        sbs_json_put_uint(&json, numbers[i].number);
    }

    if (stats->oldest_id != 0) {
        sbs_json_key(&json, "oldestId");
        sbs_json_put_uint(&json, stats->oldest_id);
        cli_queue_put_json_time(&json, "oldest", stats->oldest_s);
    }

    sbs_json_end_object(&json);
    sbs_put_char(out, '\n');
}

static void put_oldest(sbs_writer *out, const sbs_sqlite_stats *stats) {
    if (stats->oldest_id == 0) {
        return;
    }

    sbs_put_string(out, "oldest\t");
    sbs_put_uint(out, stats->oldest_id);
    sbs_put_char(out, '\t');
    if (stats->oldest_s == SBS_UTC_UNKNOWN) {
        sbs_put_string(out, CLOCK_UNKNOWN);
    } else {
        cli_queue_put_time(out, stats->oldest_s);
    }

    sbs_put_char(out, '\n');
}

static void put_status(sbs_writer *out, const sbs_sqlite_stats *stats) {
    cli_queue_put_count(out, "waiting", stats->counters.waiting);
    put_oldest(out, stats);
    cli_queue_put_count(out, "dead letters", stats->letters);
    cli_queue_put_count(out, "accepted", stats->counters.accepted);
    cli_queue_put_count(out, "delivered", stats->counters.delivered);
    cli_queue_put_count(out, "dropped", stats->counters.dropped);
    cli_queue_put_count(out, "deleted dead letters", stats->expired);
    cli_queue_put_count(out, "bytes", stats->bytes);
    cli_queue_put_count(out, "bytes of the file", stats->file_bytes);
}

static int show_status(void) {
    sbs_sqlite_stats stats;
    sbs_writer out;

    sbs_status status = sbs_sqlite_queue_stats(&cli_queue_db, &stats);
    if (status != SBS_OK && cli_queue_was_replaced("queue status")) {
        status = sbs_sqlite_queue_stats(&cli_queue_db, &stats);
    }
    if (status != SBS_OK) {
        return cli_queue_fail("queue status", status);
    }

    cli_output(&out);
    if (cli_queue.as_json) {
        put_status_json(&out, &stats);
    } else {
        put_status(&out, &stats);
    }

    return cli_output_flush();
}

static int queue_status_run(const cli_operands *operands) {
    (void)operands;
    int code = cli_queue_open("queue status", CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        code = show_status();
    }
    cli_queue_close();
    return code;
}

const cli_command cli_queue_status = {
    .name = "queue status",
    .summary = "Tells how much waits in a queue, since when, and what became of the rest",
    .about = "Each number gives one line: what it counts, the number, separated by a tab. The oldest item\n"
             "that waits has its id and when it came.\n",
    .tables = {&cli_queue_json_table, &cli_queue_table, &cli_queue_config_table},
    .example = "sbs queue status --queue q.db --json",
    .run = queue_status_run,
};
