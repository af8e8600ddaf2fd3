/* SPDX-License-Identifier: Apache-2.0 */
/** @file queue_check.h Looks through a file before anything of it is stored. */
#ifndef SBS_CLI_QUEUE_CHECK_H
#define SBS_CLI_QUEUE_CHECK_H

#include "options.h"
#include "sbs/forward_add.h"

/** Why a resource without an identifier is not stored from a file of which another resource is refused. */
#define CLI_QUEUE_NOT_ALONE                                                                                            \
    "it has no identifier, and another resource of the file is refused: mend that one, or give each an identifier"

/** What a file holds. */
typedef struct cli_queue_look {
    const sbs_forward_adder *adder;
    bool has_refused;  /**< a resource that would be refused */
    bool has_nameless; /**< one that would get an identifier of its own each time that it is stored */
} cli_queue_look;

/** True for a file that can be read twice: not for standard input, a pipe or a device. */
bool cli_queue_can_look(const char *path);

/** Reads all of the only operand and stores nothing. A file that cannot be read, or has no resource, is told and sets
 * @p out_code if that was CLI_DONE. Returns CLI_DONE, or the status for a signal. */
int cli_queue_look_at(const char *command, const cli_operands *file, cli_queue_look *look, int *out_code);

#endif
