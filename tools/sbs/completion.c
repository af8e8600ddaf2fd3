/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for bash that is printed from the option tables. */
#include <string.h>

#include "io.h"
#include "options.h"

static void put_choices(sbs_writer *out, const char *words) {
    const char *blank = ""; /* before each word but the first */
    sbs_text word;

    while (cli_next_choice(&words, &word)) {
        sbs_put_string(out, blank);
        sbs_put_text(out, word);
        blank = " ";
    }
}

static bool is_file_option(const cli_option *option) {
    return option->type == CLI_FILE || option->type == CLI_FILES || option->type == CLI_CONFIG;
}

/* One case for what may follow `command --option`: words, files, or nothing that could be known here. */
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
    } else if (is_file_option(option)) {
        sbs_put_string(out, "files=yes ;;\n");
    } else {
        sbs_put_string(out, "return ;;\n");
    }
}

/* One case for what may follow `command`: its options, and its operands where they are words or files. */
static void put_command_case(sbs_writer *out, const cli_command *command) {
    sbs_put_string(out, "    '");
    sbs_put_string(out, command->name);
    sbs_put_string(out, "') words='");

    const cli_option *option;
    for (size_t i = 0; (option = cli_option_at(command, i)) != NULL; i++) {
        sbs_put_string(out, "--");
        sbs_put_string(out, option->name);
        sbs_put_char(out, ' ');
    }

    sbs_put_string(out, "--help");

    const char *operands = command->operands;

    /* Operands with bars between them are words to choose from. */
    if (operands != NULL && strchr(operands, '|') != NULL) {
        sbs_put_char(out, ' ');
        put_choices(out, operands);
    }

    /* Files are completed by bash itself. */
    if (operands != NULL && strstr(operands, "FILE") != NULL) {
        sbs_put_string(out, "' files=yes ;;\n");
    } else {
        sbs_put_string(out, "' ;;\n");
    }
}

static sbs_text first_word(const cli_command *command) {
    return (sbs_text){command->name, strcspn(command->name, " ")};
}

/* True for the first of the commands that begin with the same word; the table has them side by side. */
static bool is_new_word(const cli_command *const *command) {
    return command == cli_commands || !sbs_text_equal(first_word(command[-1]), first_word(command[0]));
}

/* True for the first of the commands that begin with the same word and go on with another one. */
static bool is_new_family(const cli_command *const *command) {
    return is_new_word(command) && first_word(*command).len < strlen((*command)->name);
}

/* What may follow the first of two words. */
static void put_family_case(sbs_writer *out, sbs_text word) {
    sbs_put_string(out, "    '");
    sbs_put_text(out, word);
    sbs_put_string(out, "') words='");

    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (sbs_text_equal(first_word(*command), word)) {
            /* The second word alone. */
            sbs_put_string(out, (*command)->name + word.len + 1);
            sbs_put_char(out, ' ');
        }
    }

    sbs_put_string(out, "--help' ;;\n");
}

static void put_value_cases(sbs_writer *out, const cli_command *command) {
    const cli_option *option;
    for (size_t i = 0; (option = cli_option_at(command, i)) != NULL; i++) {
        put_value_case(out, command, option);
    }
}

static void put_first_words(sbs_writer *out) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (is_new_word(command)) {
            sbs_put_text(out, first_word(*command));
            sbs_put_char(out, ' ');
        }
    }
}

/* Behind an option its value counts, otherwise what the command has. */
static void put_completion_cases(sbs_writer *out) {
    const cli_command *const *command;

    sbs_put_string(out, "    case \"$command $previous\" in\n");
    for (command = cli_commands; *command != NULL; command++) {
        put_value_cases(out, *command);
    }

    sbs_put_string(out, "    *)\n    case \"$command\" in\n    '') words='");

    /* Nothing typed yet: the first words, each once. */
    put_first_words(out);
    sbs_put_string(out, "--help --version --completion' ;;\n");

    for (command = cli_commands; *command != NULL; command++) {
        if (is_new_family(command)) {
            put_family_case(out, first_word(*command));
        }
    }

    for (command = cli_commands; *command != NULL; command++) {
        put_command_case(out, *command);
    }

    sbs_put_string(out, "    esac ;;\n    esac\n");
}

/* A first word such as "queue" takes the next one, once the cursor is behind it. */
static void put_families(sbs_writer *out) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (is_new_family(command)) {
            sbs_put_string(out, "    [ \"$command\" = ");
            sbs_put_text(out, first_word(*command));
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
