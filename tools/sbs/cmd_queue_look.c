/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue list, status, show: what only looks. */
#include "sbs/count.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "queue_entry.h"
#include "server.h"

#define FLUSH_AT 512u /* items between two writes of the listing */
#define COLUMNS 79    /* of the table on a terminal */

/* Times are kept only where the clock was known to be right. */
#define CLOCK_UNKNOWN "unknown: this machine's clock is not synchronised"

static bool as_json;

static const cli_option look_options[] = {
    {"json", NULL, "as JSON", &as_json, .type = CLI_FLAG},
};
static const cli_option config_options[] = {
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &cli_server.config,
     .type = CLI_CONFIG},
};
static const cli_table look_table = CLI_TABLE(look_options);
static const cli_table config_table = CLI_TABLE(config_options);

static int finish(sbs_writer *out) {
    sbs_put_char(out, '\n');
    return cli_output_flush();
}

/* ---- list ----------------------------------------------------------------------------------------------------- */

typedef enum list_form { LIST_TABS, LIST_TABLE, LIST_JSON } list_form;

/* The characters of @p text that fit, and spaces behind them. */
static void put_column(sbs_writer *out, sbs_text text, size_t width) {
    size_t shown = 0;
    size_t at = 0;
    while (at < text.len && shown < width) {
        at++;
        while (at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) {
            at++;
        }
        shown++;
    }
    sbs_put(out, text.ptr, at);
    for (; shown < width; shown++) {
        sbs_put_char(out, ' ');
    }
}

static void put_number(sbs_writer *out, uint64_t number, int width) {
    char text[24];
    (void)snprintf(text, sizeof text, "%*" PRIu64, width, number);
    sbs_put_string(out, text);
}

enum { ID_WIDTH = 8, SENT_WIDTH = 4, TIME_WIDTH = 19, VALUE_WIDTH = 17, NAME_WIDTH = COLUMNS - 8 - 4 - 19 - 17 - 8 };

static void put_table_head(sbs_writer *out) {
    put_column(out, sbs_text_of("      ID"), ID_WIDTH);
    put_column(out, sbs_text_of("  SENT"), SENT_WIDTH + 2);
    put_column(out, sbs_text_of("  TIME"), TIME_WIDTH + 2);
    put_column(out, sbs_text_of("  VALUE"), VALUE_WIDTH + 2);
    sbs_put_string(out, "  IDENTIFIER\n");
}

static void put_table_row(sbs_writer *out, const sbs_queue_item *item, const cli_queue_content *content) {
    sbs_forward_buffer name = {0};
    sbs_writer text;
    sbs_writer_init_sink(&text, sbs_forward_buffer_put, &name);
    cli_queue_content_put_name(content, item->id, &text);
    sbs_text shown = sbs_forward_buffer_text(&name);

    put_number(out, item->id, ID_WIDTH);
    sbs_put_string(out, "  ");
    put_number(out, item->attempts, SENT_WIDTH);
    sbs_put_string(out, "  ");
    put_column(out, sbs_text_of(content->measured.time), TIME_WIDTH);
    sbs_put_string(out, "  ");
    put_column(out, sbs_text_of(content->measured.value), VALUE_WIDTH);
    sbs_put_string(out, "  ");
    if (shown.len > NAME_WIDTH) { /* the end tells identifiers apart, their systems are alike */
        shown.ptr += shown.len - NAME_WIDTH + 3;
        shown.len = NAME_WIDTH - 3;
        while (shown.len > 0 && ((unsigned char)shown.ptr[0] & 0xC0) == 0x80) {
            shown.ptr++;
            shown.len--;
        }
        sbs_put_string(out, "...");
    }
    sbs_put_text(out, shown);
    sbs_put_char(out, '\n');
    sbs_forward_buffer_free(&name);
}

static void put_waiting(sbs_writer *out, const sbs_queue_item *item, list_form form) {
    cli_queue_content content;
    cli_queue_content_read(item, &content);
    if (form == LIST_TABLE) {
        put_table_row(out, item, &content);
    } else {
        sbs_put_uint(out, item->id);
        sbs_put_char(out, '\t');
        cli_queue_content_put_name(&content, item->id, out);
        sbs_put_char(out, '\t');
        sbs_put_uint(out, item->attempts);
        sbs_put_char(out, '\t');
        sbs_put_uint(out, item->len);
        sbs_put_char(out, '\n');
    }
    cli_queue_content_free(&content);
}

static void put_waiting_json(sbs_writer *out, uint64_t id, bool first) {
    sbs_sqlite_entry entry;
    if (sbs_sqlite_queue_find(&cli_queue_db, id, &entry) == SBS_OK) {
        sbs_put_string(out, first ? "[\n" : ",\n");
        cli_queue_put_json(out, &entry, false);
    }
}

static int list_waiting(list_form form) {
    sbs_queue_item item = {0};
    sbs_writer out;
    int code = CLI_DONE;
    size_t shown = 0;
    cli_output(&out);
    while (code == CLI_DONE && cli_signal() == 0) {
        uint64_t after = item.id;
        sbs_status status = cli_queue_port.ops->next(cli_queue_port.ctx, after, &item);
        if (status == SBS_ERR_NOT_FOUND) {
            break;
        }
        if (status == SBS_ERR_DAMAGED) {
            cli_warn("queue list: item %" PRIu64 ": damaged, it is a dead letter now", item.id);
            continue;
        }
        if (status != SBS_OK && !cli_queue_was_replaced("queue list")) {
            return cli_queue_fail("queue list", status);
        }
        if (status != SBS_OK) {
            item.id = after;
            continue;
        }

        if (form == LIST_JSON) {
            put_waiting_json(&out, item.id, shown == 0);
        } else {
            if (form == LIST_TABLE && shown == 0) {
                put_table_head(&out);
            }
            put_waiting(&out, &item, form);
        }
        code = ++shown % FLUSH_AT == 0 ? cli_output_flush() : CLI_DONE;
    }
    if (code == CLI_DONE && form == LIST_JSON) {
        sbs_put_string(&out, shown == 0 ? "[]" : "\n]");
        code = finish(&out);
    }
    return code;
}

static int run_list(const cli_operands *operands) {
    list_form form = isatty(STDOUT_FILENO) == 1 ? LIST_TABLE : LIST_TABS;
    (void)operands;
    if (as_json) {
        form = LIST_JSON;
    }

    int code = cli_queue_open("queue list", CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        code = list_waiting(form);
    }
    cli_queue_close();
    return code;
}

/* ---- status --------------------------------------------------------------------------------------------------- */

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
    }
    if (stats->oldest_id != 0 && stats->oldest_s == SBS_UTC_UNKNOWN) {
        sbs_json_key(&json, "oldest");
        sbs_json_put_raw(&json, sbs_text_of("null"));
    } else if (stats->oldest_id != 0) {
        char text[32];
        sbs_writer time;
        size_t len = 0;
        sbs_writer_init(&time, text, sizeof text);
        cli_queue_put_time(&time, stats->oldest_s);
        if (sbs_writer_finish(&time, &len) == SBS_OK) {
            sbs_json_member_text(&json, "oldest", (sbs_text){text, len});
        }
    }
    sbs_json_end_object(&json);
}

static void put_count(sbs_writer *out, const char *name, uint64_t number) {
    sbs_put_string(out, name);
    sbs_put_char(out, '\t');
    sbs_put_uint(out, number);
    sbs_put_char(out, '\n');
}

static void put_status(sbs_writer *out, const sbs_sqlite_stats *stats) {
    put_count(out, "waiting", stats->counters.waiting);
    if (stats->oldest_id != 0) {
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
    put_count(out, "dead letters", stats->letters);
    put_count(out, "accepted", stats->counters.accepted);
    put_count(out, "delivered", stats->counters.delivered);
    put_count(out, "dropped", stats->counters.dropped);
    put_count(out, "deleted dead letters", stats->expired);
    put_count(out, "bytes", stats->bytes);
    put_count(out, "bytes of the file", stats->file_bytes);
}

static int run_status(const cli_operands *operands) {
    sbs_sqlite_stats stats;
    sbs_writer out;
    (void)operands;
    int code = cli_queue_open("queue status", CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        sbs_status status = sbs_sqlite_queue_stats(&cli_queue_db, &stats);
        if (status != SBS_OK && cli_queue_was_replaced("queue status")) {
            status = sbs_sqlite_queue_stats(&cli_queue_db, &stats);
        }
        code = status == SBS_OK ? CLI_DONE : cli_queue_fail("queue status", status);
    }
    if (code == CLI_DONE) {
        cli_output(&out);
        if (as_json) {
            put_status_json(&out, &stats);
            sbs_put_char(&out, '\n');
        } else {
            put_status(&out, &stats);
        }
        code = cli_output_flush();
    }
    cli_queue_close();
    return code;
}

/* ---- show ----------------------------------------------------------------------------------------------------- */

static void put_row(sbs_writer *out, const char *name, const char *text) {
    if (text[0] != '\0') {
        sbs_put_string(out, name);
        sbs_put_char(out, '\t');
        sbs_forward_put_clean(out, sbs_text_of(text));
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
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        sbs_forward_put_clean(out, (sbs_text){text.ptr, len});
        sbs_put_char(out, '\n');
        len += end != NULL;
        text = (sbs_text){text.ptr + len, text.len - len};
    }
}

static void put_entry(sbs_writer *out, const sbs_sqlite_entry *entry) {
    cli_queue_content content;
    cli_queue_content_read(&entry->item, &content);
    put_count(out, "id", entry->item.id);
    put_row(out, "state", entry->dead ? "dead letter" : "waiting");
    sbs_put_string(out, "identifier\t");
    cli_queue_content_put_name(&content, entry->item.id, out);
    sbs_put_char(out, '\n');
    put_row(out, "type", content.resource.type);
    put_row(out, "time", content.measured.time);
    put_row(out, "value", content.measured.value);
    put_row(out, "source", entry->source);
    put_time_row(out, "arrived", entry->arrived_s);
    put_count(out, "sent", entry->item.attempts);
    if (entry->item.failures > 0) {
        put_count(out, "failed while others went", entry->item.failures);
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
    sbs_status status = sbs_sqlite_queue_find(&cli_queue_db, id, &entry);
    if (status != SBS_OK && status != SBS_ERR_NOT_FOUND && cli_queue_was_replaced("queue show")) {
        status = sbs_sqlite_queue_find(&cli_queue_db, id, &entry);
    }
    if (status == SBS_ERR_NOT_FOUND) {
        return cli_fail(CLI_INPUT,
                        "queue show: %" PRIu64 ": no such item, 'sbs queue list' and 'sbs queue dead' list them", id);
    }
    if (status != SBS_OK) {
        return cli_queue_fail("queue show", status);
    }

    cli_output(&out);
    if (as_json) {
        cli_queue_put_json(&out, &entry, true);
        sbs_put_char(&out, '\n');
    } else {
        put_entry(&out, &entry);
    }
    return cli_output_flush();
}

static int run_show(const cli_operands *operands) {
    uint64_t id = cli_queue_id(operands->items[0]);
    if (id == 0) {
        return cli_fail(CLI_USAGE, "queue show: '%s' is no id of an item, give what 'sbs queue list' lists",
                        operands->items[0]);
    }
    int code = cli_queue_open("queue show", CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        code = show_one(id);
    }
    cli_queue_close();
    return code;
}

/* ---- the commands --------------------------------------------------------------------------------------------- */

const cli_command cli_queue_list = {
    .name = "queue list",
    .summary = "Lists what waits in a queue",
    .about = "Each item gives one line: id, identifier, how often it was sent, bytes, separated by tabs;\n"
             "on a terminal a table with the time and the value that were measured.\n",
    .tables = {&look_table, &cli_queue_table, &config_table},
    .example = "sbs queue list --queue q.db",
    .run = run_list,
};

const cli_command cli_queue_status = {
    .name = "queue status",
    .summary = "Tells how much waits in a queue, since when, and what became of the rest",
    .about = "Each number gives one line: what it counts, the number, separated by a tab. The oldest item\n"
             "that waits has its id and when it came.\n",
    .tables = {&look_table, &cli_queue_table, &config_table},
    .example = "sbs queue status --queue q.db --json",
    .run = run_status,
};

const cli_command cli_queue_show = {
    .name = "queue show",
    .summary = "Shows an item that waits or a dead letter: why, what can be done, the resource",
    .about = "Lines of a name and a value, separated by a tab, then an empty line and the resource.\n",
    .operands = "ID",
    .operand_min = 1,
    .operand_max = 1,
    .tables = {&look_table, &cli_queue_table, &config_table},
    .example = "sbs queue show --queue q.db 17",
    .run = run_show,
};
