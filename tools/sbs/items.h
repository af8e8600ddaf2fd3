/* SPDX-License-Identifier: Apache-2.0 */
/** @file items.h The resources in a file: one JSON text, or one in each line (NDJSON). */
#ifndef SBS_CLI_ITEMS_H
#define SBS_CLI_ITEMS_H

#include "io.h"
#include "options.h"
#include "sbs/forward_resource.h"

/** Takes one item of the file @p path, whose text stays in place until an absent item comes: at the end of the file,
 * and wherever else the memory is needed. Another exit status than CLI_DONE ends the reading. */
typedef int (*cli_items_take)(void *ctx, sbs_text item, const char *path, size_t line);

/** Where the items of one file go, and how far it was read. */
typedef struct cli_items {
    cli_items_take take;
    void *ctx;
    const char *path;
    size_t line; /**< number of the line that comes next, from 1 */
    size_t count;
} cli_items;

/** Gives the lines that are whole, and at the end the last one too, to @p items, then an absent item, and leaves the
 * rest in @p data. Returns what `take` did. */
int cli_items_take_lines(cli_items *items, cli_buffer *data, bool at_end);

/** Gives every item of every file to @p take; NDJSON of any length is read bit by bit. A file that cannot be read, or
 * has none, is told, sets @p out_code if that was CLI_DONE, and keeps no other from being read. Returns what @p take
 * did, or the status for a signal. */
int cli_items_read(const char *command, const cli_operands *files, cli_items_take take, void *ctx, int *out_code);

/** Writes why a text is refused; of one that is not valid JSON with the place of the fault. @p line: where it starts.
 * @p fault_at: offset in it. */
void cli_items_reason(const char *fault, sbs_text item, size_t line, size_t fault_at, char *out, size_t size);

/** Warns, once, of what is taken but may not be what was meant: a Bundle. */
void cli_items_note(const char *command, const sbs_forward_resource *resource);

#endif
