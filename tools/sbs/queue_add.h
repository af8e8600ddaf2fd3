/* SPDX-License-Identifier: Apache-2.0 */
/** @file queue_add.h Puts the resources of files into the queue, durably, and tells of each. */
#ifndef SBS_CLI_QUEUE_ADD_H
#define SBS_CLI_QUEUE_ADD_H

#include "io.h"
#include "options.h"

/** The items that a run added: their ids, which may have gaps where other processes added. Zero-initialise. */
typedef struct cli_queue_added {
    struct cli_queue_range {
        uint64_t first, last;
    } * ranges;
    size_t count, size;
    size_t accepted, refused;
} cli_queue_added;

/** Adds all of them, in order. What is refused is listed; what is accepted too if @p list. Returns CLI_DONE if every
 * one was accepted, else the exit status of the first fault, of which a message was printed. */
int cli_queue_add_files(const char *command, const cli_operands *files, bool list, cli_queue_added *added);
/** The same for NDJSON on standard input that comes bit by bit: each line is stored, and told, as soon as it is there.
 */
int cli_queue_add_lines(const char *command, cli_queue_added *added);
void cli_queue_added_free(cli_queue_added *added);

#endif
