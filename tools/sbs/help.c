/* SPDX-License-Identifier: Apache-2.0 */
/* The help that is printed from the option tables. */
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "options.h"
#include "sbs/count.h"

#define HELP_COLUMN 30u
#define HELP_WIDTH 79u /* a terminal of 80 columns, with the last one left alone */
#define EXAMPLE_INDENT 5u

static void put_spaces(sbs_writer *out, size_t used, size_t column) {
    for (; used < column; used++) {
        sbs_put_char(out, ' ');
    }
}

/* Text that is broken at blanks to stay within HELP_WIDTH; further lines begin at the indentation. */
typedef struct help_block {
    sbs_writer *out;
    size_t indent;
    size_t used;
} help_block;

/* Begins a line where the word does not fit, otherwise parts it from the one before by a blank, if it is to be parted.
 */
static void part_word(help_block *block, size_t word, bool parted) {
    bool at_start = block->used == block->indent;
    if (at_start) {
        return;
    }

    size_t needed = word;
    if (parted) {
        needed++;
    }

    /* A word that does not fit begins the next line, without a blank before it. */
    if (block->used + needed > HELP_WIDTH) {
        sbs_put_char(block->out, '\n');
        put_spaces(block->out, 0, block->indent);
        block->used = block->indent;
    } else if (parted && word > 0) {
        sbs_put_char(block->out, ' ');
        block->used++;
    }
}

/* Continues the block: blanks and single line ends at the start of @p text part it from what is there. */
static void put_span(help_block *block, const char *text, size_t len) {
    size_t at = 0;
    while (at < len) {
        size_t start = at; /* of the blanks before the word */
        while (at < len && (text[at] == ' ' || text[at] == '\n')) {
            at++;
        }

        size_t word = strcspn(text + at, " \n");
        part_word(block, word, at > start);
        sbs_put(block->out, text + at, word);
        block->used += word;
        at += word;
    }
}

static void put_words(help_block *block, const char *text) {
    put_span(block, text, strlen(text));
}

/* Left and right text; the right one begins on its own line where the left one is too long. The row is still open: more
 * words may follow in the block. */
static help_block put_row(sbs_writer *out, const char *left, const char *argument, const char *right) {
    size_t used = 2 + strlen(left);
    sbs_put_string(out, "  ");
    sbs_put_string(out, left);
    if (argument != NULL) {
        used += 1 + strlen(argument);
        sbs_put_char(out, ' ');
        sbs_put_string(out, argument);
    }

    /* Two blanks at least part the columns. */
    if (used + 2 > HELP_COLUMN) {
        sbs_put_char(out, '\n');
        used = 0;
    }

    put_spaces(out, used, HELP_COLUMN);

    help_block block = {out, HELP_COLUMN, HELP_COLUMN};
    put_words(&block, right);
    return block;
}

/* "  WORDS  what they mean" is a row of its own. Returns how much of the text that was. */
static size_t put_meaning(sbs_writer *out, const char *text) {
    size_t len = strcspn(text, "\n");
    const char *gap = strstr(text + 2, "  ");
    if (gap == NULL || gap >= text + len) {
        /* A row without a meaning. */
        gap = text + len;
    }

    const char *meaning = gap + strspn(gap, " ");

    char left[32];
    char right[128];

    (void)snprintf(left, sizeof left, "%.*s", (int)(gap - text - 2), text + 2);
    (void)snprintf(right, sizeof right, "%.*s", (int)(text + len - meaning), meaning);
    (void)put_row(out, left, NULL, right);
    sbs_put_char(out, '\n');

    return len;
}

/* The length of a paragraph: an empty line ends it, and so does a row. */
static size_t paragraph_len(const char *text) {
    const char *end = strstr(text, "\n\n");
    const char *row = strstr(text, "\n  ");

    /* Whichever comes first. */
    if (row != NULL && (end == NULL || row < end)) {
        end = row;
    }

    if (end == NULL) {
        return strlen(text);
    }

    return (size_t)(end - text);
}

static size_t put_paragraph(sbs_writer *out, const char *text) {
    size_t len = paragraph_len(text);
    help_block block = {out, 0, 0};

    put_span(&block, text, len);
    sbs_put_char(out, '\n');
    return len;
}

static void put_paragraphs(sbs_writer *out, const char *text) {
    while (*text != '\0') {
        bool is_row = strncmp(text, "  ", 2) == 0;
        size_t len;

        if (is_row) {
            len = put_meaning(out, text);
        } else {
            len = put_paragraph(out, text);
        }

        text += len + strspn(text + len, "\n");
    }
}

/* ---- options -------------------------------------------------------------------------------------------------- */

static void put_option(sbs_writer *out, const cli_option *option) {
    char name[64];
    (void)snprintf(name, sizeof name, "--%s", option->name);

    help_block block = put_row(out, name, option->argument, option->help);
    if (option->type == CLI_LIST || option->type == CLI_FILES) {
        put_words(&block, "; may be given several times");
    }

    if (option->required) {
        put_words(&block, " (required)");
    }

    sbs_put_char(out, '\n');
}

/* Tables with the same title are printed together, where the first of them is. */
static const char *title_of(const cli_table *table) {
    if (table->title == NULL) {
        return "options";
    }
    return table->title;
}

static bool is_first_with_title(const cli_command *command, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (strcmp(title_of(command->tables[i]), title_of(command->tables[index])) == 0) {
            return false;
        }
    }
    return true;
}

static void put_table(sbs_writer *out, const cli_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        put_option(out, &table->options[i]);
    }
}

static void put_titled(sbs_writer *out, const cli_command *command, const char *title) {
    sbs_put_char(out, '\n');
    sbs_put_string(out, title);
    sbs_put_string(out, ":\n");

    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        if (strcmp(title_of(command->tables[i]), title) == 0) {
            put_table(out, command->tables[i]);
        }
    }
}

static bool has_own_options(const cli_command *command) {
    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        if (command->tables[i]->title == NULL) {
            return true;
        }
    }
    return false;
}

/* The command's own options come first, then those that it shares with other commands. */
static void put_options(sbs_writer *out, const cli_command *command) {
    if (has_own_options(command)) {
        put_titled(out, command, "options");
    }

    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        if (command->tables[i]->title != NULL && is_first_with_title(command, i)) {
            put_titled(out, command, command->tables[i]->title);
        }
    }

    /* --help is an option of each command, but in no table. */
    if (command->tables[0] == NULL) {
        sbs_put_string(out, "\noptions:\n");
    }

    (void)put_row(out, "--help", NULL, "this text");
    sbs_put_char(out, '\n');
}

/* ---- examples ------------------------------------------------------------------------------------------------- */

/* The length of a shell word: blanks between single quotes belong to it. */
static size_t shell_word(const char *text) {
    bool quoted = false;
    size_t len = 0;

    while (text[len] != '\0') {
        bool is_blank = text[len] == ' ' || text[len] == '\n';
        if (is_blank && !quoted) {
            break;
        }

        if (text[len] == '\'') {
            /* The quotes themselves are part of the word. */
            quoted = !quoted;
        }

        len++;
    }

    return len;
}

/* The length of what must be on one line with the word: an option and its value belong together. */
static size_t shell_unit(const char *text) {
    size_t len = shell_word(text);
    const char *next = text + len + strspn(text + len, " \n");
    bool has_value = strncmp(text, "--", 2) == 0 && strcspn(next, "-|\\") > 0;
    if (has_value) {
        return len + 1 + shell_word(next);
    }
    return len;
}

/* A shell line, continued with backslashes where it is long, wherever the table breaks it. */
static void put_example(sbs_writer *out, const char *example) {
    size_t used = 1;
    sbs_put_char(out, ' ');

    while (*example != '\0') {
        size_t len = shell_word(example);
        bool is_continuation = len == 1 && example[0] == '\\';
        if (is_continuation) {
            /* Where the table breaks the line means nothing here. */
            example += 1 + strspn(example + 1, " \n");
            continue;
        }

        /* Room is left for the blank and the backslash that continue the line. */
        if (used + 1 + shell_unit(example) + 2 > HELP_WIDTH && used > EXAMPLE_INDENT) {
            sbs_put_string(out, " \\\n     ");
            used = EXAMPLE_INDENT;
        }

        sbs_put_char(out, ' ');
        sbs_put(out, example, len);
        used += 1 + len;
        example += len + strspn(example + len, " \n");
    }

    sbs_put_char(out, '\n');
}

/* ---- what can be asked for ------------------------------------------------------------------------------------ */

static void put_usage(sbs_writer *out, const cli_command *command) {
    sbs_put_string(out, "usage: sbs ");
    sbs_put_string(out, command->name);
    if (command->tables[0] != NULL) {
        sbs_put_string(out, " OPTIONS");
    }

    if (command->operands != NULL) {
        sbs_put_char(out, ' ');
        sbs_put_string(out, command->operands);
    }

    sbs_put_string(out, "\n\n");
}

void cli_put_help(const cli_command *command) {
    sbs_writer out;
    cli_output(&out);
    put_usage(&out, command);

    help_block summary = {&out, 0, 0};
    put_words(&summary, command->summary);
    sbs_put_string(&out, ".\n");
    if (command->about != NULL) {
        put_paragraphs(&out, command->about);
    }

    put_options(&out, command);

    sbs_put_string(&out, "\nexample:\n");
    put_example(&out, command->example);
}

static bool is_of_family(const cli_command *command, const char *word, size_t len) {
    return strncmp(command->name, word, len) == 0 && command->name[len] == ' ';
}

bool cli_is_family(const char *word) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (is_of_family(*command, word, strlen(word))) {
            return true;
        }
    }
    return false;
}

static void put_commands(sbs_writer *out, const char *family) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (family == NULL || is_of_family(*command, family, strlen(family))) {
            (void)put_row(out, (*command)->name, NULL, (*command)->summary);
            sbs_put_char(out, '\n');
        }
    }
}

void cli_put_family(const char *word) {
    sbs_writer out;
    cli_output(&out);
    sbs_put_string(&out, "usage: sbs ");
    sbs_put_string(&out, word);
    sbs_put_string(&out, " ...\n\ncommands ('sbs COMMAND --help' tells more):\n");
    put_commands(&out, word);
}

void cli_put_overview(void) {
    sbs_writer out;
    cli_output(&out);
    sbs_put_string(&out, "usage: sbs COMMAND ...\n\n"
                         "SMART Backend Services and FHIR R4: keys, assertions, tokens, and pushing\n"
                         "resources.\n"
                         "\ncommands ('sbs COMMAND --help' tells more):\n");
    put_commands(&out, NULL);

    sbs_put_string(&out, "\noptions:\n");
    static const char *const rows[][2] = {
        {"--help", "this text"}, {"--version", "the version"}, {"--completion", "the completion script for bash"}};
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        (void)put_row(&out, rows[i][0], NULL, rows[i][1]);
        sbs_put_char(&out, '\n');
    }

    sbs_put_string(&out, "\nexit status: 0 done, 1 the server refused, 2 wrong usage, 3 bad input (file,\n"
                         "key, JSON, URL), 4 network or TLS failure, 5 a file or standard output cannot\n"
                         "be written\n"
                         "\nexample:\n  sbs keygen --key device.pem && sbs jwk --key device.pem --set > jwks.json\n");
}
