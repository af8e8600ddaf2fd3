/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of sbs and its configuration file. What is taken is within its bounds, and each message about what is
 * not is one line of a bounded length.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "io.h"
#include "message.h"
#include "options.h"
#include "signals.h"

#define ARGUMENTS_MAX 16u
#define ARGUMENT_SIZE 96u
#define NUMBER_MIN 3u
#define NUMBER_MAX 4000000000u

/* ---- the command ------------------------------------------------------------------------------------------------- */

static struct given {
    bool flag, other;
    const char *text, *file, *config;
    cli_list list, files;
    uint64_t number;
    int choice;
} given;

static const cli_option options[] = {
    {"flag", NULL, "a flag", &given.flag, .type = CLI_FLAG},
    {"text", "TEXT", "a text", &given.text, .type = CLI_TEXT, .required = true},
    {"file", "FILE", "a file", &given.file, .type = CLI_FILE},
    {"list", "TEXT", "texts", &given.list, .type = CLI_LIST},
    {"files", "FILE", "files", &given.files, .type = CLI_FILES},
    {"number", "N", "a number", &given.number, NUMBER_MIN, NUMBER_MAX, .type = CLI_UINT},
    {"choice", "one|two|three", "a word", &given.choice, .type = CLI_CHOICE},
    {"other", NULL, "instead of the flag", &given.other, .type = CLI_FLAG, .group = 1},
    {"that", NULL, "instead of the other", &given.flag, .type = CLI_FLAG, .group = 1},
    {"config", "FILE", "further options", &given.config, .type = CLI_CONFIG},
};
static const cli_table table = CLI_TABLE(options);

static int run(const cli_operands *operands) {
    (void)operands;
    return CLI_DONE;
}

static const cli_command command = {.name = "command",
                                    .summary = "for the fuzzer",
                                    .operands = "[OPERAND...]",
                                    .operand_max = 3,
                                    .tables = {&table},
                                    .run = run};
const cli_command *const cli_commands[] = {&command, NULL};

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static unsigned messages;

int cli_fail(int code, const char *format, ...) {
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    FUZZ_REQUIRE(len > 0 && code != CLI_DONE);
    fuzz_talk("%s\n", text);
    messages++;
    return code;
}

static void say(const char *format, va_list arguments) {
    char text[8192];
    FUZZ_REQUIRE(vsnprintf(text, sizeof text, format, arguments) > 0);
    fuzz_talk("%s\n", text);
}

void cli_warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

void cli_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int cli_signal(void) {
    return 0;
}

/* ---- what is put together ---------------------------------------------------------------------------------------- */

static const char *const words[] = {"--flag",      "--text",
                                    "--file",      "--list",
                                    "--files",     "--number",
                                    "--choice",    "--other",
                                    "--that",      "--config",
                                    "--text=x",    "--number=7",
                                    "--",          "-",
                                    "--help",      "-h",
                                    "--number",    "18446744073709551616",
                                    "4000000000",  "two",
                                    "--flag=true", "--choice=three",
                                    "--nonsense",  "operand",
                                    "--text="};

static void put_argument(fuzz_input *input, char out[ARGUMENT_SIZE], const char *path) {
    const unsigned which = fuzz_byte(input);
    if (which < 40) {
        (void)snprintf(out, ARGUMENT_SIZE, "%s", path);
    } else if (which < 200) {
        (void)snprintf(out, ARGUMENT_SIZE, "%s", words[which % (sizeof words / sizeof *words)]);
    } else {
        (void)fuzz_text(input, out, ARGUMENT_SIZE - 1);
    }
}

static int make_file(fuzz_input *input) {
    static const char *const lines[] = {"text = a b \n",    "number=17\n",    "# words\n",
                                        "choice = two\r\n", "flag = true\n",  "list = x\n",
                                        "flag = no\n",      "file = ../x\n",  "files = a\n",
                                        "config = other\n", "text = \"q\"\n", "\xEF\xBB\xBFtext = y\n",
                                        "text\n",           " = \n",          "files = ~/x\n",
                                        "number = 2\n"};
    const int descriptor = memfd_create("config", MFD_CLOEXEC);
    FUZZ_REQUIRE(descriptor >= 0);
    for (unsigned count = fuzz_below(input, 12); count > 0; count--) {
        char own[256];
        const unsigned which = fuzz_byte(input);
        size_t len;
        const char *line = own;
        if (which < 192) {
            line = lines[which % (sizeof lines / sizeof *lines)];
            len = strlen(line);
        } else {
            len = fuzz_bytes(input, own, sizeof own);
        }
        FUZZ_REQUIRE(write(descriptor, line, len) == (ssize_t)len);
    }
    FUZZ_REQUIRE(lseek(descriptor, 0, SEEK_SET) == 0);
    return descriptor;
}

static void check_given(const cli_operands *operands) {
    FUZZ_REQUIRE(given.text != NULL && strlen(given.text) < 65536);
    FUZZ_REQUIRE(given.number == 0 || (given.number >= NUMBER_MIN && given.number <= NUMBER_MAX));
    FUZZ_REQUIRE(given.choice >= 0 && given.choice <= 3);
    FUZZ_REQUIRE(given.list.count <= CLI_LIST_MAX && given.files.count <= CLI_LIST_MAX);
    FUZZ_REQUIRE(operands->count <= command.operand_max);
    for (size_t i = 0; i < given.list.count; i++) {
        FUZZ_REQUIRE(strlen(given.list.items[i]) < 65536);
    }
    for (size_t i = 0; i < given.files.count; i++) {
        FUZZ_REQUIRE(strlen(given.files.items[i]) < 65536);
    }
    for (size_t i = 0; i < operands->count; i++) {
        FUZZ_REQUIRE(operands->items[i] != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char texts[ARGUMENTS_MAX][ARGUMENT_SIZE];
    char *arguments[ARGUMENTS_MAX];
    char path[64];
    fuzz_input input = {data, size};
    cli_operands operands = {NULL, 0};
    bool help = false;
    given = (struct given){.flag = false};
    messages = 0;

    const int descriptor = make_file(&input);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    const unsigned count = fuzz_below(&input, ARGUMENTS_MAX + 1);
    for (unsigned i = 0; i < count; i++) {
        put_argument(&input, texts[i], path);
        arguments[i] = fuzz_copy(texts[i], strlen(texts[i]) + 1);
        fuzz_talk("argument %s\n", arguments[i]);
    }

    const int code = cli_parse(&command, arguments, count, &operands, &help);
    FUZZ_REQUIRE((code != CLI_DONE) == (messages == 1) && messages <= 1);
    if (code == CLI_DONE && !help) {
        check_given(&operands);
    }
    cli_parse_free();
    for (unsigned i = 0; i < count; i++) {
        free(arguments[i]);
    }
    (void)close(descriptor);
    return 0;
}
