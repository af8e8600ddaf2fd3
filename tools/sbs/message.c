/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sbs/linux_text.h"
#include "secret.h"

#define MESSAGE_SIZE 4096
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"
#define ERASE_LINE "\r\033[K"

static bool progress_shown;
static char last_failure[CLI_REASON_SIZE];

bool cli_has_colour(int descriptor) {
    const char *off = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(descriptor) == 1 && (off == NULL || off[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* A failing stderr leaves nobody to tell. */
static void put_error(const char *text, size_t len) {
    while (len > 0) {
        ssize_t count = write(STDERR_FILENO, text, len);
        if (count <= 0) {
            return;
        }
        text += count;
        len -= (size_t)count;
    }
}

size_t cli_sanitise(char *text, size_t len) {
    return sbs_linux_clean_text(text, cli_secret_hide(text, len));
}

void cli_put_sanitised(sbs_writer *out, sbs_text text) {
    char *line = malloc(text.len + 1); /* some give NULL for 0 */
    if (line == NULL) {
        return;
    }

    if (text.len > 0) {
        memcpy(line, text.ptr, text.len);
    }
    sbs_put(out, line, cli_sanitise(line, text.len));
    sbs_wipe(line, text.len);
    free(line);
}

/* Writes what fits, made fit to be shown. Returns its length. */
CLI_PRINTF(3, 0)
static size_t put_message(char *text, size_t size, const char *format, va_list arguments) {
    int wanted = vsnprintf(text, size, format, arguments);
    if (wanted < 0) {
        return 0;
    }
    return cli_sanitise(text, strnlen(text, size));
}

CLI_PRINTF(4, 0)
static void say(const char *colour, const char *prefix, const char *end, const char *format, va_list arguments) {
    char line[MESSAGE_SIZE + 64];
    const char *plain = PLAIN;

    if (colour[0] == '\0' || !cli_has_colour(STDERR_FILENO)) {
        colour = "";
        plain = "";
    }

    /* A line of progress gives way. */
    const char *erase = progress_shown ? ERASE_LINE : "";
    size_t len = (size_t)snprintf(line, 64, "%s%s%s%s", erase, colour, prefix, plain);
    progress_shown = false;

    len += put_message(line + len, MESSAGE_SIZE, format, arguments);
    len += (size_t)snprintf(line + len, sizeof line - len, "%s", end);
    put_error(line, len);
}

int cli_fail(int code, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    last_failure[put_message(last_failure, sizeof last_failure, format, arguments)] = '\0';
    va_end(arguments);

    va_start(arguments, format);
    say(RED, "sbs: ", "\n", format, arguments);
    va_end(arguments);
    return code;
}

const char *cli_last_failure(void) {
    return last_failure;
}

void cli_warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(YELLOW, "sbs: warning: ", "\n", format, arguments);
    va_end(arguments);
}

void cli_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say("", "sbs: ", "\n", format, arguments);
    va_end(arguments);
}

const char *cli_colon(const char *text) {
    return text[0] == '\0' ? "" : ": ";
}

const char *cli_plural(uint64_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

void cli_progress(const char *format, ...) {
    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    say("", "sbs: ", "", format, arguments);
    va_end(arguments);
    progress_shown = true;
}

void cli_progress_end(void) {
    if (progress_shown) {
        put_error(ERASE_LINE, strlen(ERASE_LINE));
        progress_shown = false;
    }
}
