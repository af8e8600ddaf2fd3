/* SPDX-License-Identifier: Apache-2.0 */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "signals.h"

static cli_buffer output;

int cli_input_open(cli_input *input, const char *path, const char *what) {
    *input = (cli_input){.what = what, .path = "(standard input)", .descriptor = STDIN_FILENO};
    if (strcmp(path, "-") == 0) {
        return CLI_DONE;
    }

    input->path = path;
    input->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->descriptor < 0) {
        return cli_fail(CLI_INPUT, "%s %s: %s, give a file that can be read", what, path, strerror(errno));
    }

    return CLI_DONE;
}

void cli_input_close(const cli_input *input) {
    if (input->descriptor != STDIN_FILENO) {
        (void)close(input->descriptor);
    }
}

int cli_input_fill(const cli_input *input, cli_buffer *out, bool *out_end) {
    *out_end = false;
    if (!cli_buffer_reserve(out, 1)) {
        return cli_fail(CLI_INPUT, "%s %s: out of memory, give a smaller file", input->what, input->path);
    }

    while (out->len < out->size) {
        if (cli_signal() != 0) {
            return CLI_INPUT; /* the signal decides the exit status */
        }

        ssize_t count = read(input->descriptor, out->data + out->len, out->size - out->len);
        if (count == 0) {
            *out_end = true;
            return CLI_DONE;
        }

        if (count > 0) {
            out->len += (size_t)count;
        } else if (errno != EINTR) {
            return cli_fail(CLI_INPUT, "%s %s: %s, give a file that can be read", input->what, input->path,
                            strerror(errno));
        }
    }

    return CLI_DONE;
}

/* A group may have been given the file on purpose, everybody not. */
bool cli_is_open_to_others(const char *path, unsigned *out_mode) {
    struct stat file;
    if (strcmp(path, "-") == 0 || stat(path, &file) != 0 || !S_ISREG(file.st_mode)) {
        return false;
    }

    *out_mode = file.st_mode & 07777;
    return (file.st_mode & (S_IRWXO | S_IWGRP)) != 0;
}

int cli_read_file(const char *path, const char *what, size_t max, cli_buffer *out) {
    cli_input input;
    int code = cli_input_open(&input, path, what);
    if (code != CLI_DONE) {
        return code;
    }

    bool end = false;

    /* One byte more than allowed is enough to know that the file is too large. */
    while (code == CLI_DONE && !end && out->len <= max) {
        code = cli_input_fill(&input, out, &end);
    }

    if (code == CLI_DONE && out->len > max) {
        code = cli_fail(CLI_INPUT, "%s %s: too large, %zu bytes are the limit", what, input.path, max);
    }

    cli_input_close(&input);
    if (code != CLI_DONE) {
        cli_buffer_free(out);
    }

    return code;
}

void cli_output(sbs_writer *writer) {
    sbs_writer_init_sink(writer, cli_buffer_put, &output);
}

/* Writes it all, unless a signal comes. */
static int output_write(const char *data, size_t len) {
    while (len > 0) {
        ssize_t count = write(STDOUT_FILENO, data, len);
        if (count > 0) {
            data += count;
            len -= (size_t)count;
            continue;
        }

        /* A signal that does not end the command, such as that of a resized window. */
        if (count < 0 && errno == EINTR && cli_signal() == 0) {
            continue;
        }

        const char *why = "nothing was written";
        if (count < 0) {
            why = strerror(errno);
        }

        return cli_fail(CLI_LOCAL, "standard output: %s, the result is not complete", why);
    }

    return CLI_DONE;
}

int cli_output_flush(void) {
    int code = output_write(output.data, output.len);
    sbs_wipe(output.data, output.len);
    output.len = 0;
    return code;
}

void cli_output_discard(void) {
    cli_buffer_free(&output);
}
