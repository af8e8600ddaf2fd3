/* SPDX-License-Identifier: Apache-2.0 */
/** @file queue_entry.h One item of the queue, waiting or dead, with what is in it: for the commands that show items. */
#ifndef SBS_CLI_QUEUE_ENTRY_H
#define SBS_CLI_QUEUE_ENTRY_H

#include "queue_file.h"
#include "sbs/forward_resource.h"

/** What the item holds; zero-initialise. Free it after each use. */
typedef struct cli_queue_content {
    sbs_forward_buffer data;
    sbs_forward_resource resource;
    sbs_forward_measured measured;
    bool readable;
} cli_queue_content;

/** Reads an item's bytes; works for dead letters too. `readable` says whether they are a resource. */
void cli_queue_content_read(const sbs_queue_item *item, cli_queue_content *out);
void cli_queue_content_free(cli_queue_content *content);

/** Writes what names it, or "item N". */
void cli_queue_content_put_name(const cli_queue_content *content, uint64_t id, sbs_writer *out);

/** Reads an item's bytes and writes what names it. */
void cli_queue_put_name(const sbs_queue_item *item, sbs_writer *out);
/** Starts the line of an item: its id, what names it, and a tab behind each. */
void cli_queue_put_start(sbs_writer *out, const sbs_queue_item *item);

/** Writes a line of a name and a number, separated by a tab. */
void cli_queue_put_count(sbs_writer *out, const char *name, uint64_t number);

/** Writes a time of the queue's as RFC 3339, "-" if it is unknown. */
void cli_queue_put_time(sbs_writer *out, int64_t utc_s);
/** Writes the same as a JSON member, null if it is unknown. */
void cli_queue_put_json_time(sbs_json_writer *json, const char *name, int64_t utc_s);

/** Writes the whole reason of a dead letter: ours, the HTTP status, the server's words; one clean line. */
void cli_queue_put_reason(sbs_writer *out, const sbs_sqlite_entry *entry);

/** What a person can do about an item. Static. */
const char *cli_queue_advice(const sbs_sqlite_entry *entry);

/** Writes an item without its resource into a JSON array, in which @p shown ones are already. */
void cli_queue_put_json_item(sbs_writer *out, size_t shown, const sbs_sqlite_entry *entry);
/** Ends the array. */
void cli_queue_put_json_end(sbs_writer *out, size_t shown);

/** Writes one item as a JSON object. @p with_resource: the resource too. */
void cli_queue_put_json(sbs_writer *out, const sbs_sqlite_entry *entry, bool with_resource);

#endif
