/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue show */
#include <string.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "queue_entry.h"

static void put_row(sbs_writer *out, const char *name, const char *text) {
    if (text[0] != '\0') {
        sbs_put_string(out, name);
        sbs_put_char(out, '\t');
        cli_put_sanitised(out, sbs_text_of(text));
        sbs_put_char(out, '\n');
    }
}

static void put_time_row(sbs_writer *out, const char *name, int64_t utc_s) {
    sbs_put_string(out, name);
    sbs_put_char(out, '\t');
    if (utc_s == SBS_UTC_UNKNOWN) {
        sbs_put_string(out, "unknown");
    } else {
        cli_queue_put_time(out, utc_s);
    }
    sbs_put_char(out, '\n');
}

/* Control characters stay out of the terminal, the white space between members does not. */
static void put_resource(sbs_writer *out, sbs_text text) {
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = text.len;
        if (end != NULL) {
            len = (size_t)(end - text.ptr);
        }

        cli_put_sanitised(out, (sbs_text){text.ptr, len});
        sbs_put_char(out, '\n');
        len += end != NULL;
        text = (sbs_text){text.ptr + len, text.len - len};
    }
}

static void put_entry(sbs_writer *out, const sbs_sqlite_entry *entry) {
    cli_queue_content content;

    cli_queue_content_read(&entry->item, &content);

    cli_queue_put_count(out, "id", entry->item.id);
    put_row(out, "state", entry->dead ? "dead letter" : "waiting");
    sbs_put_string(out, "identifier\t");
    cli_queue_content_put_name(&content, entry->item.id, out);
    sbs_put_char(out, '\n');
    put_row(out, "type", content.resource.type);
    put_row(out, "time", content.measured.time);
    put_row(out, "value", content.measured.value);
    put_row(out, "source", entry->source);
    put_time_row(out, "arrived", entry->arrived_s);
    cli_queue_put_count(out, "sent", entry->item.attempts);
    if (entry->item.failures > 0) {
        cli_queue_put_count(out, "failed while others went", entry->item.failures);
    }

    if (entry->dead || entry->reason[0] != '\0') {
        put_time_row(out, entry->dead ? "set aside" : "failed", entry->utc_s);
        sbs_put_string(out, "reason\t");
        cli_queue_put_reason(out, entry);
        sbs_put_char(out, '\n');
    }

    put_row(out, "what to do", cli_queue_advice(entry));
    sbs_put_char(out, '\n');
    put_resource(out, sbs_forward_buffer_text(&content.data));
    cli_queue_content_free(&content);
}

static int show_one(uint64_t id) {
    sbs_sqlite_entry entry;
    sbs_writer out;

    sbs_status status = cli_queue_find("queue show", id, &entry);
    if (status == SBS_ERR_NOT_FOUND) {
        return cli_queue_no_item("queue show", id);
    }
    if (status != SBS_OK) {
        return cli_queue_fail("queue show", status);
    }

    cli_output(&out);
    if (cli_queue.as_json) {
        cli_queue_put_json(&out, &entry, true);
        sbs_put_char(&out, '\n');
    } else {
        put_entry(&out, &entry);
    }

    return cli_output_flush();
}

static int queue_show_run(const cli_operands *operands) {
    int code = cli_queue_check_ids("queue show", operands, "sbs queue list");
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_queue_open("queue show", CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        code = show_one(cli_queue_id(operands->items[0]));
    }

    cli_queue_close();
    return code;
}

const cli_command cli_queue_show = {
    .name = "queue show",
    .summary = "Shows an item that waits or a dead letter: why, what can be done, the resource",
    .about = "Lines of a name and a value, separated by a tab, then an empty line and the resource.\n",
    .operands = "ID",
    .operand_min = 1,
    .operand_max = 1,
    .tables = {&cli_queue_json_table, &cli_queue_table, &cli_queue_config_table},
    .example = "sbs queue show --queue q.db 17",
    .run = queue_show_run,
};
