/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file port_suite.h
 * Checks whether a port keeps what port/README.md and the headers of port/include promise to the core. It runs where
 * the port runs: plain C11, no heap, no test framework, and one line of text at a time to a function of yours.
 *
 * Each port_suite_*() call checks one interface and returns the number of checks that failed; 0 means that all that was
 * checked holds. A check whose means you do not give is told as "not checked", with what it would need. README.md shows
 * a whole program.
 */
#ifndef PORT_SUITE_H
#define PORT_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/flash.h"
#include "sbs/key.h"
#include "sbs/queue.h"
#include "sbs/storage.h"
#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What all checks share. */
typedef struct port_suite {
    /** Required. Gets a NUL-terminated line without a line feed, shorter than 256 bytes, valid during the call. */
    void (*say)(const char *line);
    /** Your clocks. Required for a stream. For the others it bounds how long "not yet" may last. */
    sbs_now (*now)(void);
    /** What your loop does between two calls: poll(2), a semaphore with a timeout, feeding the watchdog. NULL: the
     *  suite calls again at once. */
    void (*wait)(const sbs_wait *wait);
    /** Runs only the checks whose sentence contains this text; NULL: all. To look closer at one that failed. */
    const char *only;
    uint32_t patience_ms; /**< how long "not yet" may last in all; 0: 60 000 */
    uint32_t call_ms;     /**< how long one call may take, which is one cryptographic operation; 0: 10 000 */
} port_suite;

/* ---- byte stream ------------------------------------------------------------------------------------------------- */

/** A peer that you run. A host that is NULL means that you have none of this kind. */
typedef struct port_peer {
    const char *host;
    uint16_t port;
} port_peer;

/** For a secured stream (ops->secured) all of them but @c refuses speak TLS, or what your stream has instead.
 *  ours/peers.py serves all of them. */
typedef struct port_stream {
    sbs_stream stream;
    port_peer echo;      /**< sends back each byte; ends when you do. Required */
    port_peer closes;    /**< after your first byte: sends port_stream_text and ends in order (FIN, or close_notify) */
    port_peer breaks;    /**< after your first byte: breaks off (a reset; secured: a FIN without close_notify) */
    port_peer drips;     /**< after your first byte: sends port_stream_text in pieces of one byte, then ends in order */
    port_peer silent;    /**< takes the connection, and never reads or sends (secured: after the handshake) */
    port_peer refuses;   /**< nobody listens there */
    port_peer unknown;   /**< a name that does not exist, such as nobody.invalid */
    port_peer other;     /**< secured: its certificate is for another name */
    port_peer untrusted; /**< secured: its certificate is issued by nobody whom you trust */
} port_stream;

/** What the peers send that send by themselves. */
extern const char port_stream_text[];

unsigned port_suite_stream(const port_suite *suite, const port_stream *port);

/* ---- key --------------------------------------------------------------------------------------------------------- */

/** A key needs nothing else. Results are verified by PSA: psa_crypto_init() was called. About 20 signatures are made.
 */
unsigned port_suite_key(const port_suite *suite, const sbs_key *key);

/* ---- storage ----------------------------------------------------------------------------------------------------- */

/** An empty store. All but @c storage may be NULL or 0. */
typedef struct port_storage {
    sbs_storage storage;
    void *ctx; /**< for the functions below */
    /** Closes the store and opens it again, as a restart of the device would. False: that failed. */
    bool (*restart)(void *ctx);
    /** Changes one bit of the value of this record behind the port's back. */
    bool (*damage)(void *ctx, const char *name);
    /** Makes this record look as if newer code had written it. */
    bool (*renew)(void *ctx, const char *name);
    /** From now on the medium refuses to be written, or (false) works again. */
    void (*refuse_writes)(void *ctx, bool refuse);
    /** Calls set() of @p storage, takes the power away after @p step units of writing, whatever a unit is, and
     * restarts. False: set() had returned before. */
    bool (*set_and_cut)(void *ctx, const sbs_storage *storage, const char *name, const uint8_t *data, size_t len,
                        uint32_t step);
    uint8_t *memory; /**< twice @c largest bytes and two more */
    size_t memory_size;
    size_t largest; /**< bytes of the largest record under a name of 31 bytes */
} port_storage;

unsigned port_suite_storage(const port_suite *suite, const port_storage *port);

/* ---- queue ------------------------------------------------------------------------------------------------------- */

/** A queue whose items may all be settled: the suite begins so. All but @c queue may be NULL or 0. */
typedef struct port_queue {
    sbs_queue queue;
    void *ctx; /**< for the functions below */
    /** Closes the queue without committing and opens it again, as a loss of power would. False: that failed. NULL for
     *  one that forgets. */
    bool (*restart)(void *ctx);
    /** Changes one bit of this item's bytes behind the port's back. */
    bool (*damage)(void *ctx, uint64_t id);
    uint8_t *memory; /**< for the largest item, and one that is too large */
    size_t memory_size;
    size_t largest;   /**< bytes of the largest item that always fits */
    size_t too_large; /**< bytes of an item that never fits: one more where the limit is sharp */
    uint32_t
        full_after; /**< the queue refuses when full, at the latest after so many items of 32 bytes; 0: not checked */
} port_queue;

unsigned port_suite_queue(const port_suite *suite, const port_queue *port);

/* ---- flash ------------------------------------------------------------------------------------------------------- */

/** A region all of which is erased and programmed, each sector about ten times. */
typedef struct port_flash {
    sbs_flash flash;
    void *ctx;
    /** Takes the power away and brings it back. NULL: not checked. */
    bool (*restart)(void *ctx);
} port_flash;

unsigned port_suite_flash(const port_suite *suite, const port_flash *port);

#ifdef __cplusplus
}
#endif
#endif
