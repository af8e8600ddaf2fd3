/* SPDX-License-Identifier: Apache-2.0 */
/** @file queue_push.h Pushes the items of the queue: what `sbs queue push` and `sbs push --queue` have in common. */
#ifndef SBS_CLI_QUEUE_PUSH_H
#define SBS_CLI_QUEUE_PUSH_H

#include "options.h"
#include "queue_add.h"

typedef struct cli_queue_push_options {
    uint64_t batch, wait_s, time_s, settle_s;
    int already_there; /**< 0: not given, 1: set-aside, 2: accept */
    bool follow;
} cli_queue_push_options;

extern cli_queue_push_options cli_queue_push_with;
extern const cli_table cli_queue_push_table;

/**
 * Pushes until the queue is empty or nothing more can be done, and lists what happened to each item. @p mine: items
 * whose keeping is listed too; may be NULL. @p write_mode: of --write-mode, 0 for auto. The queue must be open, the
 * server's options are checked here. Returns CLI_DONE only if nothing is left and nothing was refused.
 */
int cli_queue_push_run(const char *command, int write_mode, const cli_queue_added *mine);

#endif
