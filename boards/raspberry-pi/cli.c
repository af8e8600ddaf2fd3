/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/linux_text.h"
#include "sbs/version.h"

#define MESSAGE_SIZE 2048u

/* ---- words ------------------------------------------------------------------------------------------------------ */

CLI_PRINTF(1, 0)
static void cli_say(const char *format, va_list arguments) {
    char line[MESSAGE_SIZE];
    if (vsnprintf(line, sizeof line, format, arguments) < 0) {
        return;
    }

    line[sbs_linux_clean_text(line, strlen(line))] = '\0';
    (void)fprintf(stderr, "sbs-gateway: %s\n", line);
}

int cli_fail(int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cli_say(format, arguments);
    va_end(arguments);
    return code;
}

void cli_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cli_say(format, arguments);
    va_end(arguments);
}

void cli_put(const char *text, size_t len) {
    (void)fwrite(text, 1, len, stdout);
}

int cli_flush(void) {
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return cli_fail(CLI_LOCAL, "standard output: %s", strerror(errno));
    }
    return CLI_DONE;
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

/* In the order of help. An option has a flag or a value, at that place of cli_call. */
static const struct {
    const char *name, *shown, *help;
    unsigned bit; /* of the commands that take it; 0: all do */
    bool has_value;
    size_t place;
} options[] = {
    {"--config", "--config FILE", "default " CLI_CONFIG, 0, true, offsetof(cli_call, config)},
    {"--json", "--json", "as JSON, for programs", CLI_TAKES_JSON, false, offsetof(cli_call, json)},
    {"--set", "--set", "all keys, as a JWK Set", CLI_TAKES_SET, false, offsetof(cli_call, set)},
    {"--values", "--values", "also what was sent, which may name patients", CLI_TAKES_VALUES, false,
     offsetof(cli_call, values)},
    {"--device", "--device NAME", "of that device alone", CLI_TAKES_DEVICE, true, offsetof(cli_call, device)},
    {"--all", "--all", "all of them, in place of ID", CLI_TAKES_ALL, false, offsetof(cli_call, all)},
    {"--yes", "--yes", "does it without asking", CLI_TAKES_YES, false, offsetof(cli_call, yes)},
};

/* How many of the arguments an option of the command takes up; 0: there is none of that name, or it lacks its value. */
static int cli_take_option(const cli_command *command, int argc, char **argv, cli_call *call) {
    for (size_t i = 0; i < SBS_COUNT_OF(options); i++) {
        size_t len = strlen(options[i].name);
        void *place = (char *)call + options[i].place;
        bool taken = options[i].bit == 0 || (command->takes & options[i].bit) != 0;
        if (!taken || strncmp(argv[0], options[i].name, len) != 0) {
            continue;
        }

        if (!options[i].has_value && argv[0][len] == '\0') {
            *(bool *)place = true;
            return 1;
        }
        if (options[i].has_value && argv[0][len] == '=') {
            *(const char **)place = argv[0] + len + 1;
            return 1;
        }
        if (options[i].has_value && argv[0][len] == '\0' && argc > 1) {
            *(const char **)place = argv[1];
            return 2;
        }
    }

    return 0;
}

/* ---- help ------------------------------------------------------------------------------------------------------- */

static void cli_help(void) {
    (void)printf(
        "usage: sbs-gateway COMMAND [options]\n\nTakes the measurements of a clinic's devices, keeps them, and "
        "brings each to the server once.\n\ncommands:\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        const cli_command *command = &cli_commands[i];
        char name[64];
        (void)snprintf(name, sizeof name, "%s%s%s", command->name, command->operands[0] != '\0' ? " " : "",
                       command->operands);
        (void)printf("  %-28s %s\n", name, command->summary);
    }

    (void)printf("\n'sbs-gateway COMMAND --help' tells more of one. The manual for operators is docs/gateway.md.\n");
}

static void cli_help_of(const cli_command *command) {
    (void)printf("usage: sbs-gateway %s", command->name);
    if (command->operands[0] != '\0') {
        (void)printf(" %s", command->operands);
    }
    (void)printf(" [options]\n\n%s.\n", command->summary);
    if (command->about != NULL) {
        (void)printf("%s\n", command->about);
    }

    (void)printf("\noptions:\n");
    for (size_t i = 0; i < SBS_COUNT_OF(options); i++) {
        if (options[i].bit == 0 || (command->takes & options[i].bit) != 0) {
            (void)printf("  %-28s %s\n", options[i].shown, options[i].help);
        }
    }
    (void)printf("  %-28s %s\n\nexample:\n  %s\n", "--help", "print this", command->example);
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

/* How many of the arguments are the command's name; 0: they are another one. */
static size_t cli_match(const char *name, int argc, char **argv) {
    size_t first = strcspn(name, " ");
    if (strlen(argv[1]) != first || strncmp(argv[1], name, first) != 0) {
        return 0;
    }
    if (name[first] == '\0') {
        return 1;
    }
    return argc > 2 && strcmp(argv[2], name + first + 1) == 0 ? 2 : 0;
}

static const cli_command *cli_find(int argc, char **argv, size_t *out_words) {
    for (size_t i = 0; i < cli_command_count; i++) {
        *out_words = cli_match(cli_commands[i].name, argc, argv);
        if (*out_words > 0) {
            return &cli_commands[i];
        }
    }
    return NULL;
}

/* A first word such as "device" whose second word is missing or unknown. */
static bool cli_is_family(const char *word) {
    size_t len = strlen(word);
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strncmp(cli_commands[i].name, word, len) == 0 && cli_commands[i].name[len] == ' ') {
            return true;
        }
    }
    return false;
}

/* Returns an exit status; -1: the command is to run. */
static int cli_parse(const cli_command *command, int argc, char **argv, cli_call *call) {
    int taken = 1;
    for (int i = 0; i < argc; i += taken) {
        const char *argument = argv[i];
        taken = 1;
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            cli_help_of(command);
            return cli_flush();
        }

        if (argument[0] != '-') {
            if (call->count == command->operand_max) {
                return cli_fail(CLI_USAGE, "%s: '%s' is too much, see 'sbs-gateway %s --help'", command->name, argument,
                                command->name);
            }
            call->operands[call->count++] = argument;
            continue;
        }

        taken = cli_take_option(command, argc - i, argv + i, call);
        if (taken == 0) {
            return cli_fail(CLI_USAGE, "%s: option '%s' is unknown or lacks its value, see 'sbs-gateway %s --help'",
                            command->name, argument, command->name);
        }
    }

    if (call->count < command->operand_min) {
        return cli_fail(CLI_USAGE, "%s: %s is missing, see 'sbs-gateway %s --help'", command->name, command->operands,
                        command->name);
    }
    return -1;
}

int cli_main(int argc, char **argv) {
    cli_call call = {.config = CLI_CONFIG};
    size_t words;
    if (argc < 2) {
        return cli_fail(CLI_USAGE, "no command given, 'sbs-gateway --help' lists them");
    }

    const cli_command *command = cli_find(argc, argv, &words);
    if (command != NULL) {
        int code = cli_parse(command, argc - 1 - (int)words, argv + 1 + words, &call);
        return code >= 0 ? code : command->run(&call);
    }

    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        cli_help();
        return cli_flush();
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("sbs-gateway " SBS_VERSION "\n");
        return cli_flush();
    }

    if (cli_is_family(argv[1]) && argc == 2) {
        return cli_fail(CLI_USAGE, "%s: the second word is missing, 'sbs-gateway --help' lists the known ones",
                        argv[1]);
    }
    if (cli_is_family(argv[1])) {
        return cli_fail(CLI_USAGE, "unknown command '%s %s', 'sbs-gateway --help' lists the known ones", argv[1],
                        argv[2]);
    }
    return cli_fail(CLI_USAGE, "unknown command '%s', 'sbs-gateway --help' lists the known ones", argv[1]);
}
