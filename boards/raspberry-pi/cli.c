/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    (void)printf("usage: sbs-gateway %s%s%s%s [options]\n\n%s.\n", command->name,
                 command->operands[0] != '\0' ? " " : "", command->operands, "", command->summary);
    if (command->about != NULL) {
        (void)printf("%s\n", command->about);
    }

    (void)printf("\noptions:\n  --config FILE                default " CLI_CONFIG "\n");
    if ((command->takes & CLI_TAKES_JSON) != 0) {
        (void)printf("  --json                       as JSON, for programs\n");
    }
    if ((command->takes & CLI_TAKES_SET) != 0) {
        (void)printf("  --set                        all keys, as a JWK Set\n");
    }
    if ((command->takes & CLI_TAKES_VALUES) != 0) {
        (void)printf("  --values                     also what was sent, which may name patients\n");
    }
    if ((command->takes & CLI_TAKES_ALL) != 0) {
        (void)printf("  --all                        all of them, in place of ID\n");
    }
    (void)printf("  --help                       print this\n\nexample:\n  %s\n", command->example);
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

static bool cli_take_flag(const cli_command *command, const char *argument, cli_call *call) {
    const struct {
        const char *name;
        unsigned bit;
        bool *value;
    } flags[] = {
        {"--json", CLI_TAKES_JSON, &call->json},
        {"--set", CLI_TAKES_SET, &call->set},
        {"--values", CLI_TAKES_VALUES, &call->values},
        {"--all", CLI_TAKES_ALL, &call->all},
    };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(argument, flags[i].name) == 0 && (command->takes & flags[i].bit) != 0) {
            *flags[i].value = true;
            return true;
        }
    }
    return false;
}

/* Returns an exit status; -1: the command is to run. */
static int cli_parse(const cli_command *command, int argc, char **argv, cli_call *call) {
    for (int i = 0; i < argc; i++) {
        const char *argument = argv[i];
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            cli_help_of(command);
            return cli_flush();
        }
        if (strcmp(argument, "--config") == 0 && i + 1 < argc) {
            call->config = argv[++i];
        } else if (strncmp(argument, "--config=", 9) == 0) {
            call->config = argument + 9;
        } else if (argument[0] == '-' && !cli_take_flag(command, argument, call)) {
            return cli_fail(CLI_USAGE, "%s: option '%s' is unknown or lacks its value, see 'sbs-gateway %s --help'",
                            command->name, argument, command->name);
        } else if (argument[0] != '-') {
            if (call->count == command->operand_max) {
                return cli_fail(CLI_USAGE, "%s: '%s' is too much, see 'sbs-gateway %s --help'", command->name, argument,
                                command->name);
            }
            call->operands[call->count++] = argument;
        }
    }

    if (call->count < command->operand_min && !call->all) {
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

    return cli_fail(CLI_USAGE, "unknown command '%s', 'sbs-gateway --help' lists the known ones", argv[1]);
}
