/* SPDX-License-Identifier: Apache-2.0 */
/* sbs queue list */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "queue_entry.h"
#include "signals.h"

#define FLUSH_AT 512u /* items between two writes of the listing */
#define COLUMNS 79    /* of the table on a terminal */

typedef enum list_form { LIST_TABS, LIST_TABLE, LIST_JSON } list_form;

/* ---- the table ------------------------------------------------------------------------------------------------ */

enum { ID_WIDTH = 8, SENT_WIDTH = 4, TIME_WIDTH = 19, VALUE_WIDTH = 17, NAME_WIDTH = COLUMNS - 8 - 4 - 19 - 17 - 8 };

/* A byte that goes on with a character of UTF-8. */
static bool is_continued(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* The characters of @p text that fit, and spaces behind them. */
static void put_column(sbs_writer *out, sbs_text text, size_t width) {
    size_t shown = 0;
    size_t at = 0;

    while (at < text.len && shown < width) {
        at++;
        while (at < text.len && is_continued(text.ptr[at])) {
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

/* What is too long loses its beginning: the end tells identifiers apart, their systems are alike. */
static void put_name(sbs_writer *out, sbs_text name) {
    static const char dots[] = "...";
    size_t room = NAME_WIDTH;

    if (name.len > room) {
        room -= sizeof dots - 1;
        name.ptr += name.len - room;
        name.len = room;
        /* The cut may not leave half a character. */
        while (name.len > 0 && is_continued(name.ptr[0])) {
            name.ptr++;
            name.len--;
        }
        sbs_put_string(out, dots);
    }

    sbs_put_text(out, name);
}

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

    put_number(out, item->id, ID_WIDTH);
    sbs_put_string(out, "  ");
    put_number(out, item->attempts, SENT_WIDTH);
    sbs_put_string(out, "  ");
    put_column(out, sbs_text_of(content->measured.time), TIME_WIDTH);
    sbs_put_string(out, "  ");
    put_column(out, sbs_text_of(content->measured.value), VALUE_WIDTH);
    sbs_put_string(out, "  ");
    put_name(out, sbs_forward_buffer_text(&name));
    sbs_put_char(out, '\n');

    sbs_forward_buffer_free(&name);
}

/* ---- one item ------------------------------------------------------------------------------------------------- */

static void put_tabs(sbs_writer *out, const sbs_queue_item *item, const cli_queue_content *content) {
    sbs_put_uint(out, item->id);
    sbs_put_char(out, '\t');
    cli_queue_content_put_name(content, item->id, out);
    sbs_put_char(out, '\t');
    sbs_put_uint(out, item->attempts);
    sbs_put_char(out, '\t');
    sbs_put_uint(out, item->len);
    sbs_put_char(out, '\n');
}

/* False if another process took the item meanwhile. */
static bool put_json(sbs_writer *out, uint64_t id, size_t shown) {
    sbs_sqlite_entry entry;

    if (sbs_sqlite_queue_find(&cli_queue_db, id, &entry) != SBS_OK) {
        return false;
    }

    cli_queue_put_json_item(out, shown, &entry);
    return true;
}

/* True if the item was shown. */
static bool put_item(sbs_writer *out, const sbs_queue_item *item, list_form form, size_t shown) {
    cli_queue_content content;

    if (form == LIST_JSON) {
        return put_json(out, item->id, shown);
    }

    cli_queue_content_read(item, &content);
    if (form == LIST_TABS) {
        put_tabs(out, item, &content);
    } else {
        if (shown == 0) {
            put_table_head(out);
        }
        put_table_row(out, item, &content);
    }

    cli_queue_content_free(&content);
    return true;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

/* The item behind @p after. Items that are damaged are told and skipped; a file that had to be replaced is read on. */
static sbs_status next_item(uint64_t after, sbs_queue_item *item) {
    item->id = after;
    while (cli_signal() == 0) {
        uint64_t before = item->id;
        sbs_status status = cli_queue_port.ops->next(cli_queue_port.ctx, before, item);

        if (status == SBS_ERR_DAMAGED) {
            cli_warn("queue list: item %" PRIu64 ": damaged, it is a dead letter now", item->id);
        } else if (status == SBS_OK || status == SBS_ERR_NOT_FOUND || !cli_queue_was_replaced("queue list")) {
            return status;
        } else {
            item->id = before;
        }
    }

    return SBS_ERR_NOT_FOUND; /* a signal ends the listing where it is */
}

static int list_items(list_form form) {
    sbs_queue_item item = {0};
    sbs_writer out;
    size_t shown = 0;

    cli_output(&out);

    sbs_status status;
    while ((status = next_item(item.id, &item)) == SBS_OK) {
        if (put_item(&out, &item, form, shown)) {
            shown++;
        }

        if (shown % FLUSH_AT == 0) {
            int code = cli_output_flush();
            if (code != CLI_DONE) {
                return code;
            }
        }
    }

    if (status != SBS_ERR_NOT_FOUND) {
        return cli_queue_fail("queue list", status);
    }

    if (form == LIST_JSON) {
        cli_queue_put_json_end(&out, shown);
    }

    return cli_output_flush();
}

static list_form form_asked(void) {
    if (cli_queue.as_json) {
        return LIST_JSON;
    }
    return isatty(STDOUT_FILENO) == 1 ? LIST_TABLE : LIST_TABS;
}

static int queue_list_run(const cli_operands *operands) {
    (void)operands;
    int code = cli_queue_open("queue list", CLI_QUEUE_LOOK);
    if (code == CLI_DONE) {
        code = list_items(form_asked());
    }
    cli_queue_close();
    return code;
}

const cli_command cli_queue_list = {
    .name = "queue list",
    .summary = "Lists what waits in a queue",
    .about = "Each item gives one line: id, identifier, how often it was sent, bytes, separated by tabs;\n"
             "on a terminal a table with the time and the value that were measured.\n",
    .tables = {&cli_queue_json_table, &cli_queue_table, &cli_queue_config_table},
    .example = "sbs queue list --queue q.db",
    .run = queue_list_run,
};
