/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed from the option tables: help and the completion script. */
#include "sbs/count.h"
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "options.h"

#define HELP_COLUMN 30u
#define HELP_WIDTH 79u /* a terminal of 80 columns, with the last one left alone */

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

/* Goes on where the block stands; blanks and single line ends before a word part it from what is there. */
static void put_span(help_block *block, const char *text, size_t len) {
    size_t at = 0;
    while (at < len) {
        size_t start = at;
        while (at < len && (text[at] == ' ' || text[at] == '\n')) {
            at++;
        }
        size_t word = strcspn(text + at, " \n");
        bool parted = at > start && block->used > block->indent;

        if (block->used > block->indent && block->used + (parted ? 1 : 0) + word > HELP_WIDTH) {
            sbs_put_char(block->out, '\n');
            put_spaces(block->out, 0, block->indent);
            block->used = block->indent;
        } else if (parted && word > 0) {
            sbs_put_char(block->out, ' ');
            block->used++;
        }
        sbs_put(block->out, text + at, word);
        block->used += word;
        at += word;
    }
}

static void put_words(help_block *block, const char *text) {
    put_span(block, text, strlen(text));
}

/* Left and right text; the right one begins on its own line where the left one is too long. The row is still open. */
static help_block put_row(sbs_writer *out, const char *left, const char *argument, const char *right) {
    size_t len = 2 + strlen(left) + (argument == NULL ? 0 : 1 + strlen(argument));
    sbs_put_string(out, "  ");
    sbs_put_string(out, left);
    if (argument != NULL) {
        sbs_put_char(out, ' ');
        sbs_put_string(out, argument);
    }
    if (len + 2 > HELP_COLUMN) {
        sbs_put_char(out, '\n');
        len = 0;
    }
    put_spaces(out, len, HELP_COLUMN);
    help_block block = {out, HELP_COLUMN, HELP_COLUMN};
    put_words(&block, right);
    return block;
}

/* "  WORDS  what they mean" is a row of its own. Returns what was taken of the text. */
static size_t put_meaning(sbs_writer *out, const char *text) {
    char left[32];
    char right[128];
    const char *gap = strstr(text + 2, "  ");
    size_t len = strcspn(text, "\n");
    if (gap == NULL || gap >= text + len) {
        gap = text + len;
    }
    const char *meaning = gap + strspn(gap, " ");
    (void)snprintf(left, sizeof left, "%.*s", (int)(gap - text - 2), text + 2);
    (void)snprintf(right, sizeof right, "%.*s", (int)(text + len - meaning), meaning);
    (void)put_row(out, left, NULL, right);
    sbs_put_char(out, '\n');
    return len;
}

/* Of a paragraph: an empty line ends it, and so does a row. */
static size_t paragraph_len(const char *text) {
    const char *end = strstr(text, "\n\n");
    const char *row = strstr(text, "\n  ");
    if (row != NULL && (end == NULL || row < end)) {
        end = row;
    }
    return end == NULL ? strlen(text) : (size_t)(end - text);
}

static void put_paragraphs(sbs_writer *out, const char *text) {
    while (*text != '\0') {
        size_t len = 0;
        if (strncmp(text, "  ", 2) == 0) {
            len = put_meaning(out, text);
        } else {
            len = paragraph_len(text);
            help_block block = {out, 0, 0};
            put_span(&block, text, len);
            sbs_put_char(out, '\n');
        }
        text += len + strspn(text + len, "\n");
    }
}

static void put_option(sbs_writer *out, const cli_option *option) {
    char name[64] = "--";
    strncat(name, option->name, sizeof name - 3);
    help_block block = put_row(out, name, option->argument, option->help);
    if (option->type == CLI_LIST || option->type == CLI_FILES) {
        put_words(&block, "; may be given several times");
    }
    put_words(&block, option->required ? " (required)" : "");
    sbs_put_char(out, '\n');
}

/* Tables with the same title stand together, under the title of the first of them. */
static const char *title_of(const cli_table *table) {
    return table->title == NULL ? "options" : table->title;
}

static bool is_first_with_title(const cli_command *command, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (strcmp(title_of(command->tables[i]), title_of(command->tables[index])) == 0) {
            return false;
        }
    }
    return true;
}

static void put_titled(sbs_writer *out, const cli_command *command, const char *title) {
    sbs_put_char(out, '\n');
    sbs_put_string(out, title);
    sbs_put_string(out, ":\n");
    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        const cli_table *table = command->tables[i];
        for (size_t j = 0; j < table->count && strcmp(title_of(table), title) == 0; j++) {
            put_option(out, &table->options[j]);
        }
    }
}

/* The command's own options come first, then what it shares with others. */
static void put_options(sbs_writer *out, const cli_command *command) {
    bool own = false;
    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        own = own || command->tables[i]->title == NULL;
    }
    if (own) {
        put_titled(out, command, "options");
    }
    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        if (command->tables[i]->title != NULL && is_first_with_title(command, i)) {
            put_titled(out, command, command->tables[i]->title);
        }
    }
    sbs_put_string(out, own || command->tables[0] != NULL ? "" : "\noptions:\n");
    put_row(out, "--help", NULL, "this text");
    sbs_put_char(out, '\n');
}

/* The length of a shell word: blanks between single quotes belong to it. */
static size_t shell_word(const char *text) {
    bool quoted = false;
    size_t len = 0;
    for (; text[len] != '\0' && (quoted || (text[len] != ' ' && text[len] != '\n')); len++) {
        quoted = quoted != (text[len] == '\'');
    }
    return len;
}

/* What must stand on one line with the word: an option and its value belong together. */
static size_t shell_unit(const char *text) {
    size_t len = shell_word(text);
    const char *next = text + len + strspn(text + len, " \n");
    return strncmp(text, "--", 2) == 0 && strcspn(next, "-|\\") > 0 ? len + 1 + shell_word(next) : len;
}

/* A shell line, continued with backslashes where it is long, however it is written in the table. */
static void put_example(sbs_writer *out, const char *example) {
    size_t used = 1;
    sbs_put_char(out, ' ');
    while (*example != '\0') {
        size_t len = shell_word(example);
        if (len == 1 && example[0] == '\\') {
            example += 1 + strspn(example + 1, " \n");
            continue;
        }
        if (used + 1 + shell_unit(example) + 2 > HELP_WIDTH && used > 5) {
            sbs_put_string(out, " \\\n     ");
            used = 5;
        }
        sbs_put_char(out, ' ');
        sbs_put(out, example, len);
        used += 1 + len;
        example += len + strspn(example + len, " \n");
    }
    sbs_put_char(out, '\n');
}

void cli_put_help(const cli_command *command) {
    sbs_writer out;
    cli_output(&out);
    sbs_put_string(&out, "usage: sbs ");
    sbs_put_string(&out, command->name);
    sbs_put_string(&out, command->tables[0] != NULL ? " OPTIONS" : "");
    if (command->operands != NULL) {
        sbs_put_char(&out, ' ');
        sbs_put_string(&out, command->operands);
    }
    sbs_put_string(&out, "\n\n");

    help_block summary = {&out, 0, 0};
    put_words(&summary, command->summary);
    sbs_put_string(&out, ".\n");
    put_paragraphs(&out, command->about == NULL ? "" : command->about);
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

/* ---- completion ----------------------------------------------------------------------------------------------- */

static void put_choices(sbs_writer *out, const char *words) {
    sbs_text word;
    bool first = true;
    while (cli_next_choice(&words, &word)) {
        sbs_put_string(out, first ? "" : " ");
        sbs_put_text(out, word);
        first = false;
    }
}

/* One case for what may follow `command --option`. */
static void put_value_case(sbs_writer *out, const cli_command *command, const cli_option *option) {
    if (option->type == CLI_FLAG) {
        return;
    }
    sbs_put_string(out, "    \"");
    sbs_put_string(out, command->name);
    sbs_put_string(out, " --");
    sbs_put_string(out, option->name);
    sbs_put_string(out, "\") ");
    if (option->type == CLI_CHOICE) {
        sbs_put_string(out, "words='");
        put_choices(out, option->argument);
        sbs_put_string(out, "' ;;\n");
    } else if (option->type == CLI_FILE || option->type == CLI_FILES || option->type == CLI_CONFIG) {
        sbs_put_string(out, "files=yes ;;\n");
    } else {
        sbs_put_string(out, "return ;;\n");
    }
}

static void put_command_case(sbs_writer *out, const cli_command *command) {
    const char *operands = command->operands;
    const cli_option *option;
    sbs_put_string(out, "    '");
    sbs_put_string(out, command->name);
    sbs_put_string(out, "') words='");
    for (size_t i = 0; (option = cli_option_at(command, i)) != NULL; i++) {
        sbs_put_string(out, "--");
        sbs_put_string(out, option->name);
        sbs_put_char(out, ' ');
    }
    sbs_put_string(out, "--help");
    if (operands != NULL && strchr(operands, '|') != NULL) {
        sbs_put_char(out, ' ');
        put_choices(out, operands);
    }
    sbs_put_string(out, operands != NULL && strstr(operands, "FILE") != NULL ? "' files=yes ;;\n" : "' ;;\n");
}

static sbs_text first_word(const cli_command *command) {
    return (sbs_text){command->name, strcspn(command->name, " ")};
}

/* True for the first of the commands that begin with the same word; they stand side by side. */
static bool is_new_word(const cli_command *const *command) {
    return command == cli_commands || !sbs_text_equal(first_word(command[-1]), first_word(command[0]));
}

/* What may follow the first of two words. */
static void put_family_case(sbs_writer *out, sbs_text word) {
    sbs_put_string(out, "    '");
    sbs_put_text(out, word);
    sbs_put_string(out, "') words='");
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (sbs_text_equal(first_word(*command), word)) {
            sbs_put_string(out, (*command)->name + word.len + 1);
            sbs_put_char(out, ' ');
        }
    }
    sbs_put_string(out, "--help' ;;\n");
}

static void put_completion_cases(sbs_writer *out) {
    const cli_option *option;
    sbs_put_string(out, "    case \"$command $previous\" in\n");
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        for (size_t i = 0; (option = cli_option_at(*command, i)) != NULL; i++) {
            put_value_case(out, *command, option);
        }
    }
    sbs_put_string(out, "    *)\n    case \"$command\" in\n    '') words='");
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (is_new_word(command)) {
            sbs_put_text(out, first_word(*command));
            sbs_put_char(out, ' ');
        }
    }
    sbs_put_string(out, "--help --version --completion' ;;\n");
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (is_new_word(command) && first_word(*command).len < strlen((*command)->name)) {
            put_family_case(out, first_word(*command));
        }
    }
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        put_command_case(out, *command);
    }
    sbs_put_string(out, "    esac ;;\n    esac\n");
}

/* The first words of commands of two take the next one, once it is behind the cursor. */
static void put_families(sbs_writer *out) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        sbs_text word = first_word(*command);
        if (is_new_word(command) && word.len < strlen((*command)->name)) {
            sbs_put_string(out, "    [ \"$command\" = ");
            sbs_put_text(out, word);
            sbs_put_string(out, " ] && [ \"$COMP_CWORD\" -gt 2 ] && command+=\" ${COMP_WORDS[2]}\"\n");
        }
    }
}

void cli_put_completion(void) {
    sbs_writer out;
    cli_output(&out);
    sbs_put_string(&out, "# SPDX-License-Identifier: Apache-2.0\n"
                         "# Completion of the sbs command for bash, as `sbs --completion` prints it.\n"
                         "_sbs() {\n"
                         "    local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
                         "    local command='' words='' files=''\n"
                         "    [ \"$COMP_CWORD\" -gt 1 ] && command=\"${COMP_WORDS[1]}\"\n");
    put_families(&out);
    sbs_put_string(&out, "    COMPREPLY=()\n");
    put_completion_cases(&out);
    sbs_put_string(&out, "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                         "    if [ -n \"$files\" ] && [ \"${current:0:1}\" != - ]; then\n"
                         "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                         "    fi\n"
                         "}\n"
                         "complete -o filenames -F _sbs sbs\n");
}
