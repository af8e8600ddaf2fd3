/* SPDX-License-Identifier: Apache-2.0 */
/** @file queue_push.h Pushes the items of the queue: what `sbs queue push` and `sbs push --queue` have in common. */
#ifndef SBS_CLI_QUEUE_PUSH_H
#define SBS_CLI_QUEUE_PUSH_H

#include "queue_add.h"

/**
 * Pushes until the queue is empty or nothing more can be done, and lists what happened to each item. The queue must be
 * open, the server's options are checked here. @p mine: NULL returns CLI_DONE only if nothing is left and nothing was
 * refused, or if another process pushes; else the items that count: CLI_DONE unless one of them was refused, and those
 * that are kept are listed too.
 */
int cli_queue_push_run(const char *command, const cli_queue_added *mine);

#endif
