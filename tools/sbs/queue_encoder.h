/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file queue_encoder.h
 * Between the push engine and the queue: makes requests of stored resources, remembers what those on the way are
 * called, and groups what the engine writes until cli_queue_encoder_commit().
 */
#ifndef SBS_CLI_QUEUE_ENCODER_H
#define SBS_CLI_QUEUE_ENCODER_H

#include "io.h"
#include "sbs/push.h"
#include "write_mode.h"

/** Sets queue, encoder and item memory in @p config. False if there is no memory. */
bool cli_queue_encoder_init(sbs_push_config *config, const char *command, cli_write_mode mode);
void cli_queue_encoder_free(void);

/** Makes durable what the engine wrote since the last time. On an error nothing of it was written. */
sbs_status cli_queue_encoder_commit(void);

/** True if anything was written since the last commit. */
bool cli_queue_encoder_has_written(void);

/** True if what was written is to be committed now: an attempt was marked, which the next poll sends, or other
 * processes have waited long enough for the file. */
bool cli_queue_encoder_is_due(void);

/** Writes what names an item, as in a listing. */
void cli_queue_encoder_put_name(uint64_t id, sbs_writer *out);
/** Writes a tab and "Type/id" if the place of a stored item is known. */
void cli_queue_encoder_put_place(const sbs_push_event *event, sbs_writer *out);

#endif
