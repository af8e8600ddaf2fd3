/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed from the option tables: help and the completion script. */
#include <string.h>

#include "io.h"
#include "options.h"

#define HELP_COLUMN 30u

static void put_spaces(sbs_writer *out, size_t used, size_t column) {
    for (; used < column; used++) {
        sbs_put_char(out, ' ');
    }
}

/* Left and right text; the right one on its own line where the left one is too long. */
static void put_row(sbs_writer *out, const char *left, const char *argument, const char *right) {
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
    sbs_put_string(out, right);
}

static void put_option(sbs_writer *out, const cli_option *option) {
    char name[64] = "--";
    strncat(name, option->name, sizeof name - 3);
    put_row(out, name, option->argument, option->help);
    if (option->type == CLI_LIST || option->type == CLI_FILES) {
        sbs_put_string(out, "; may be given several times");
    }
    sbs_put_string(out, option->required ? " (required)\n" : "\n");
}

void cli_put_help(const cli_command *command) {
    sbs_writer out;
    const cli_option *option;
    cli_output(&out);
    sbs_put_string(&out, "usage: sbs ");
    sbs_put_string(&out, command->name);
    sbs_put_string(&out, command->tables[0] != NULL ? " OPTIONS" : "");
    if (command->operands != NULL) {
        sbs_put_char(&out, ' ');
        sbs_put_string(&out, command->operands);
    }
    sbs_put_string(&out, "\n\n");
    sbs_put_string(&out, command->summary);
    sbs_put_string(&out, ".\n");
    sbs_put_string(&out, command->about == NULL ? "" : command->about);
    sbs_put_string(&out, "\noptions:\n");
    for (size_t i = 0; (option = cli_option_at(command, i)) != NULL; i++) {
        put_option(&out, option);
    }
    put_row(&out, "--help", NULL, "this text\n");
    sbs_put_string(&out, "\nexample:\n  ");
    sbs_put_string(&out, command->example);
    sbs_put_char(&out, '\n');
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
            put_row(out, (*command)->name, NULL, (*command)->summary);
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
                         "SMART Backend Services and FHIR R4: keys, assertions, tokens, and pushing resources.\n"
                         "\ncommands ('sbs COMMAND --help' tells more):\n");
    put_commands(&out, NULL);
    sbs_put_string(&out, "\noptions:\n");
    put_row(&out, "--help", NULL, "this text\n");
    put_row(&out, "--version", NULL, "the version\n");
    put_row(&out, "--completion", NULL, "the completion script for bash\n");
    sbs_put_string(&out,
                   "\nexit status: 0 done, 1 the server refused, 2 wrong usage, 3 bad input (file, key, JSON, URL),\n"
                   "4 network or TLS failure, 5 a file or standard output cannot be written\n"
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
