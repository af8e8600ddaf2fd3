/* SPDX-License-Identifier: Apache-2.0 */
/* One queue on SQLite in a folder of the test. */
#ifndef SQLITE_RIG_H
#define SQLITE_RIG_H

#include "sbs/sqlite_queue.h"

#define RIG_NOW 1700000000

typedef struct sqlite_rig {
    char *folder;
    char path[256];
    sbs_sqlite_queue_config config;
    sbs_sqlite_queue queue;
    sbs_queue port;
    int64_t now_s; /* the clock for dead letters */
} sqlite_rig;

extern sqlite_rig rig;
extern const sbs_queue_meta rig_meta;

/* For cmocka. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Closes the queue and opens it again with rig.config. */
void rig_reopen(void);
/* Closes it and sees it refused. */
sbs_status rig_open_again(void);

sbs_status rig_try_append(const char *text, uint64_t *out_id);
uint64_t rig_append(const char *text);
sbs_status rig_next(uint64_t after, sbs_queue_item *out);
sbs_status rig_mark(uint64_t id);
sbs_status rig_settle(uint64_t id, sbs_queue_fate fate, const char *reason);
sbs_queue_counters rig_counters(void);
void rig_assert_reads(uint64_t id, const char *text);

/* Adds with hashes whose bytes are all @p identity or @p content; SBS_SQLITE_NEW or what it repeats. */
sbs_sqlite_repeat rig_add(const char *text, uint8_t identity, uint8_t content, uint64_t *out_id);

/* The bytes of a queue that the program of version 1 made, in new memory. */
char *rig_version_1(size_t *out_len);
/* Replaces the queue's file, which must be closed, by these bytes. */
void rig_write(const void *bytes, size_t len);

/* Runs SQL on the file as somebody else would. */
void rig_tamper(const char *sql);

#endif
