/* SPDX-License-Identifier: Apache-2.0 */
/** @file items.h The resources in a file: one JSON text, or one in each line (NDJSON). */
#ifndef SBS_CLI_ITEMS_H
#define SBS_CLI_ITEMS_H

#include "options.h"

typedef struct cli_items {
    sbs_text rest;
    size_t line; /**< number of the line that rest starts with */
    bool lines;  /**< NDJSON */
} cli_items;

void cli_items_init(cli_items *items, sbs_text text);
/** The next item without the white space around it, and the number of the line that it starts in. False at the end. */
bool cli_items_next(cli_items *items, sbs_text *out_item, size_t *out_line);

/** Takes one item of the file @p path, whose text stays in place until the end of the file. That is told by an absent
 * item. Another exit status than CLI_DONE ends the reading. */
typedef int (*cli_items_take)(void *ctx, sbs_text item, const char *path, size_t line);

/** Gives every item of every file to @p take. A file that cannot be read, or has none, is told, sets @p out_code if
 * that was CLI_DONE, and keeps no other from being read. Returns what @p take did, or the status for a signal. */
int cli_items_read(const char *command, const cli_operands *files, cli_items_take take, void *ctx, int *out_code);

/** Writes why a text is refused; of one that is not valid JSON with the place of the fault. @p line: where it starts.
 * @p fault_at: offset in it. */
void cli_items_reason(const char *fault, sbs_text item, size_t line, size_t fault_at, char *out, size_t size);

#endif
