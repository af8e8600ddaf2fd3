/* SPDX-License-Identifier: Apache-2.0 */
/** @file queue_file.h The durable queue of --queue: its options, opening it, and the words for its failures. */
#ifndef SBS_CLI_QUEUE_FILE_H
#define SBS_CLI_QUEUE_FILE_H

#include "message.h"
#include "options.h"
#include "sbs/forward_clock.h"
#include "sbs/sqlite_queue.h"

typedef struct cli_queue_options {
    const char *file, *device;
    uint64_t items_max, mib_max, keep_dead_days;
    int when_full; /**< 0: not given, 1: refuse, 2: drop-oldest */
    bool as_json;
    bool keep_log; /**< closing leaves the log beside the file */
} cli_queue_options;

extern cli_queue_options cli_queue;

extern const cli_table cli_queue_table;          /**< what every queue command has */
extern const cli_table cli_queue_optional_table; /**< the same where a queue is a choice */
extern const cli_table cli_queue_limits_table;   /**< of commands that add */
extern const cli_table cli_queue_json_table;     /**< of commands that list */
extern const cli_table cli_queue_config_table;   /**< of commands that need no server */

/** Most bytes of one item. */
#define CLI_QUEUE_ITEM_MAX (16u << 20)

typedef enum cli_queue_need {
    CLI_QUEUE_LOOK,     /**< a missing file is a fault, and no dead letter is too old unless --keep-dead says so */
    CLI_QUEUE_EXISTING, /**< a missing file is a fault */
    CLI_QUEUE_MADE      /**< a missing file is made */
} cli_queue_need;

/** Opens the queue that the options name; tells if it was damaged. Returns an exit status. */
int cli_queue_open(const char *command, cli_queue_need need);
/** True if the file at the queue's name is not the one that was opened. */
bool cli_queue_has_moved(void);
/** Opens what is there now, making it if nothing is. Returns an exit status. */
int cli_queue_reopen(const char *command);
/** Makes this process the one that pushes the queue, until it ends or closes. @p out_elsewhere: another process is that
 * one, which is no fault. Returns an exit status. */
int cli_queue_lock(const char *command, bool *out_elsewhere);
/** Notes for the next process that the queue is pushed right now, at most every 50 ms. */
void cli_queue_touch(void);
/** Bounds how long the next operations wait for another program, by --wait and by what is left of --max-time. */
void cli_queue_bound_wait(void);
/** How long ago another process noted that, in milliseconds, when this one took the lock; UINT64_MAX if none did. */
uint64_t cli_queue_last_push_ms(void);
/** Legal at any time. */
void cli_queue_close(void);

extern sbs_sqlite_queue cli_queue_db;
extern sbs_queue cli_queue_port;
extern sbs_forward_clock cli_queue_clock; /**< what ages are counted by */

/** True if the file was found damaged and was replaced since the last call: what failed for that may be tried again.
 * Tells, once, where the old file is. */
bool cli_queue_was_replaced(const char *command);

/** Tells why the queue failed and returns the exit status. */
int cli_queue_fail(const char *command, sbs_status status);

/** Checks that all operands are ids of items. @p lists: the command that lists them. Returns an exit status. */
int cli_queue_check_ids(const char *command, const cli_operands *operands, const char *lists);
/** An id that was checked. */
uint64_t cli_queue_id(const char *operand);

/** Finds a waiting item or a dead letter, again if a damaged file had to be replaced for it. */
sbs_status cli_queue_find(const char *command, uint64_t id, sbs_sqlite_entry *out);
/** Tells that there is no such item and returns the exit status. */
int cli_queue_no_item(const char *command, uint64_t id);

/** A copy of a server's words that may be kept in the file: other commands show it later, and do not know what was
 * sent. NULL for NULL. */
const char *cli_queue_fit_words(const char *words, char out[CLI_REASON_SIZE]);

#endif
