/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_memory.h
 * What was learnt of a server, kept for the next run: one that cron starts each minute need not ask again for the
 * CapabilityStatement, the token endpoint and a token.
 *
 * Two files of mode 0600: the facts, beside the queue; and the access token, in the runtime directory where there is
 * one (RUNTIME_DIRECTORY of systemd, else XDG_RUNTIME_DIR), else beside the queue, too. Each names, as a hash, what it
 * was learnt with: base URL, client id, key, scope, trusted certificates and options; with any other it is not used. A
 * file of somebody else, with other rights, with a link, of another version or damaged in any way is not used either.
 * None of it is needed: what cannot be read or written is learnt anew.
 *
 * An age is counted by the monotonic clock within one boot, and by the wall clock too where that says more. In another
 * boot the facts count by the wall clock alone, unless they lie in the future, and the token is not used.
 */
#ifndef SBS_FORWARD_MEMORY_H
#define SBS_FORWARD_MEMORY_H

#include "sbs/forward_batch.h"
#include "sbs/forward_server.h"
#include "sbs/forward_statement.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_MEMORY_DAY_S 86400u         /**< token endpoint and statement are kept for so long */
#define SBS_FORWARD_MEMORY_WEEK_S (7u * 86400u) /**< what was tried: batches, coded bodies */
#define SBS_FORWARD_MEMORY_MAX (256u << 10)     /**< most bytes of a file */
#define SBS_FORWARD_BOOT_SIZE 37u               /**< the kernel's name of a boot, with the NUL */

/** What was tried, and worked or not. */
typedef enum sbs_forward_tried { SBS_FORWARD_UNTRIED, SBS_FORWARD_WORKS, SBS_FORWARD_FAILS } sbs_forward_tried;

/** Place it anywhere; zero-initialise; it must not move while it is open. */
typedef struct sbs_forward_memory {
    struct {
        sbs_forward_server *server;
        char *path, *token_path;
        char binding[65], boot[SBS_FORWARD_BOOT_SIZE];
        bool open, changed;
        sbs_now now;
        /* facts, and when they were learnt by this boot's monotonic clock: before its start is below 0 */
        char *token_url;
        int64_t token_url_ms, statement_ms, batches_ms, gzip_ms;
        sbs_forward_statement statement;
        bool has_statement, hidden; /* hidden: the server shows none */
        uint16_t refused_with;
        sbs_forward_batch_facts batches;
        sbs_forward_tried gzip;
        uint64_t token_expires_ms; /* of the token that was seen last; 0: none */
        bool recalled_token, recalled_url;
    } priv;
} sbs_forward_memory;

/**
 * Reads what an earlier run kept, and gives the server's client its token endpoint and token. A token that is over, or
 * that belongs to another configuration, is deleted.
 * @param server open, with no request under way; must outlive the memory.
 * @param beside the queue's file: the facts go to `beside`.memory.
 * SBS_ERR_MEMORY; SBS_ERR_KEY and others: the key does not tell its public part now, and nothing is kept or used.
 */
SBS_NODISCARD sbs_status sbs_forward_memory_open(sbs_forward_memory *memory, sbs_forward_server *server,
                                                 const char *beside, sbs_now now);
/** Writes what is new, frees and wipes. Legal after zero-initialisation, and twice. */
void sbs_forward_memory_close(sbs_forward_memory *memory);
/** Deletes both files of this server and queue, and uses nothing of them. */
void sbs_forward_memory_delete(sbs_forward_server *server, const char *beside);

/** Looks at the client's token: a new one is kept, one that was refused or is over is deleted. To be called between two
 * polls of the client. */
void sbs_forward_memory_watch(sbs_forward_memory *memory, sbs_now now);

/** Something was refused for want of a right: the token is not kept for the next run, which may be granted more. */
void sbs_forward_memory_doubt_token(sbs_forward_memory *memory);

/** A token request failed. True, once, if its endpoint was remembered: it is looked for anew, and the request may be
 * tried again at once. */
bool sbs_forward_memory_doubts_token_url(sbs_forward_memory *memory);

/** What is known of the statement: false if nothing; NULL in @p out_statement with the HTTP status where the server
 * shows none. */
bool sbs_forward_memory_statement(const sbs_forward_memory *memory, const sbs_forward_statement **out_statement,
                                  uint16_t *out_refused_with);
/** Keeps it; NULL as above. Written at once. */
void sbs_forward_memory_note_statement(sbs_forward_memory *memory, const sbs_forward_statement *statement,
                                       uint16_t refused_with);
/** A write was refused: the server may state something else by now, and is asked in the next run. */
void sbs_forward_memory_doubt_statement(sbs_forward_memory *memory);

/** What is known of batches; valid until it changes. */
const sbs_forward_batch_facts *sbs_forward_memory_batches(const sbs_forward_memory *memory);
/** What is known of coded bodies. */
sbs_forward_tried sbs_forward_memory_gzip(const sbs_forward_memory *memory);
/** Keeps them, where they differ from what is known. Written at the close. */
void sbs_forward_memory_note_batches(sbs_forward_memory *memory, const sbs_forward_batch_facts *facts);
/** The same of coded bodies. */
void sbs_forward_memory_note_gzip(sbs_forward_memory *memory, sbs_forward_tried gzip);

#ifdef __cplusplus
}
#endif
#endif
