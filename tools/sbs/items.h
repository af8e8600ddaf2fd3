/* SPDX-License-Identifier: Apache-2.0 */
/** @file items.h The resources in a file: one JSON text, or one in each line (NDJSON). */
#ifndef SBS_CLI_ITEMS_H
#define SBS_CLI_ITEMS_H

#include "sbs/text.h"

typedef struct cli_items {
    sbs_text rest;
    size_t line; /**< number of the line that rest starts with */
    bool lines;  /**< NDJSON */
} cli_items;

void cli_items_init(cli_items *items, sbs_text text);
/** The next item without the white space around it, and the number of the line that it starts in. False at the end. */
bool cli_items_next(cli_items *items, sbs_text *out_item, size_t *out_line);

#endif
