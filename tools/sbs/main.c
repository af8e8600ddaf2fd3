/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>
#include <string.h>
#include <sys/resource.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "sbs/linux_memory.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/version.h"
#include "secret.h"
#include "signals.h"

/* One line each, in the order of help. */
const cli_command *const cli_commands[] = {
    &cli_keygen,     &cli_jwk,         &cli_assertion,    &cli_discover,
    &cli_token,      &cli_parse_token, &cli_check,        &cli_get,
    &cli_push,
#ifdef SBS_CLI_QUEUE
    &cli_queue_add,  &cli_queue_list,  &cli_queue_status, &cli_queue_show,
    &cli_queue_push, &cli_queue_retry, &cli_queue_dead,   &cli_queue_remove,
#endif
    &cli_observe,    &cli_provision,   &cli_base64url,    NULL,
};

/* How many of the arguments are the command's name (one, or two as in "queue push"); 0: they are another command. */
static size_t match_name(const char *name, char **arguments, size_t count) {
    size_t first = strcspn(name, " ");
    if (strncmp(arguments[0], name, first) != 0 || arguments[0][first] != '\0') {
        return 0;
    }

    if (name[first] == '\0') {
        return 1;
    }

    /* A command of two words, such as "queue push". */
    bool second = count > 1 && strcmp(arguments[1], name + first + 1) == 0;
    return second ? 2 : 0;
}

/* The command whose words the arguments begin with, and how many those are. */
static const cli_command *find_command(char **arguments, size_t count, size_t *out_words) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        *out_words = match_name((*command)->name, arguments, count);
        if (*out_words > 0) {
            return *command;
        }
    }
    return NULL;
}

static int run_command(const cli_command *command, char **arguments, size_t count) {
    cli_operands operands;
    bool help;
    int code = cli_parse(command, arguments, count, &operands, &help);
    if (code != CLI_DONE) {
        return code;
    }

    if (help) {
        cli_put_help(command);
        return CLI_DONE;
    }

    /* Only now, so that help and usage faults need no cryptography. */
    sbs_status status = sbs_mbedtls_init(NULL);
    if (status != SBS_OK) {
        return cli_fail(CLI_LOCAL, "cryptography: %s, check the system's random device", sbs_status_text(status));
    }

    code = command->run(&operands);
    mbedtls_psa_crypto_free();
    return code;
}

static bool is_help_option(const char *argument) {
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* What `sbs` alone understands: its own options. */
static int run_own_option(const char *argument) {
    if (is_help_option(argument) || strcmp(argument, "help") == 0) {
        cli_put_overview();
        return CLI_DONE;
    }

    if (strcmp(argument, "--completion") == 0) {
        cli_put_completion();
        return CLI_DONE;
    }

    if (strcmp(argument, "--version") == 0) {
        sbs_writer out;
        cli_output(&out);
        sbs_put_string(&out, "sbs " SBS_VERSION "\n");
        return CLI_DONE;
    }

    return cli_fail(CLI_USAGE, "unknown command '%s', 'sbs --help' lists the known ones", argument);
}

/* A first word such as "queue" whose second word is missing (NULL) or unknown. */
static int run_family(const char *family, const char *argument) {
    if (argument == NULL) {
        return cli_fail(CLI_USAGE, "%s: the second word is missing, 'sbs %s --help' lists the known ones", family,
                        family);
    }

    if (is_help_option(argument)) {
        cli_put_family(family);
        return CLI_DONE;
    }

    return cli_fail(CLI_USAGE, "unknown command '%s %s', 'sbs %s --help' lists the known ones", family, argument,
                    family);
}

static int run_arguments(int argc, char **argv) {
    if (argc < 2) {
        return cli_fail(CLI_USAGE, "no command given, 'sbs --help' lists them");
    }

    /* Commands come first: none of them has the name of an option. */
    size_t words;
    const cli_command *command = find_command(argv + 1, (size_t)argc - 1, &words);
    if (command != NULL) {
        return run_command(command, argv + 1 + words, (size_t)argc - 1 - words);
    }

    if (cli_is_family(argv[1])) {
        return run_family(argv[1], argv[2]);
    }

    return run_own_option(argv[1]);
}

int main(int argc, char **argv) {
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* a core file would hold the key */
    sbs_linux_memory_keep_small();
    cli_signals_init();

    /* Results are kept in memory until the command is done: a failure prints nothing on standard output. */
    int code = run_arguments(argc, argv);
    if (code == CLI_DONE && cli_signal() == 0) {
        code = cli_output_flush();
    }

    cli_progress_end();
    cli_output_discard();
    cli_parse_free();
    cli_secret_forget();

    if (cli_signal() != 0) {
        /* As a shell tells of a command that a signal ended. */
        return 128 + cli_signal();
    }

    return code;
}
