/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file broken.h
 * Ports that break one rule each, to prove that the suite can fail: tables of {the sentence that must fail, what is
 * broken, how}. A broken port is a sound one of which some functions are replaced; those call the sound ones, and get
 * their context.
 */
#ifndef PORT_BROKEN_H
#define PORT_BROKEN_H

#include "port_suite.h"

typedef struct broken_storage {
    const char *sentence, *what;
    sbs_storage_ops ops;
} broken_storage;

typedef struct broken_queue {
    const char *sentence, *what;
    sbs_queue_ops ops;
    bool without_commit;
} broken_queue;

typedef struct broken_flash {
    const char *sentence, *what;
    sbs_flash_ops ops;
    void (*change)(sbs_flash *flash);
} broken_flash;

typedef struct broken_key {
    const char *sentence, *what;
    sbs_key_ops ops;
} broken_key;

typedef struct broken_stream {
    const char *sentence, *what;
    sbs_stream_ops ops;
} broken_stream;

extern const broken_storage broken_storages[];
extern const broken_queue broken_queues[];
extern const broken_flash broken_flashes[];
extern const broken_key broken_keys[];
extern const broken_stream broken_streams[];
extern const size_t broken_storage_count, broken_queue_count, broken_flash_count, broken_key_count, broken_stream_count;

/* @p out becomes @p sound with this one thing broken. One of each kind at a time; each call begins anew. */
void broken_storage_make(const broken_storage *how, const port_storage *sound, port_storage *out);
void broken_queue_make(const broken_queue *how, const port_queue *sound, port_queue *out);
void broken_flash_make(const broken_flash *how, port_flash *out); /* over memory of its own */
void broken_key_make(const broken_key *how, const sbs_key *sound, sbs_key *out);
void broken_stream_make(const broken_stream *how, const port_stream *sound, port_stream *out);

/* What a broken port that blocks calls instead of waiting. */
extern void (*broken_skip_ms)(uint64_t ms);

#endif
