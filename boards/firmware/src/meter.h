/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file meter.h
 * The application: a thermometer and glucose meter that makes its key, is provisioned over its console, and brings its
 * measurements to a FHIR server. No I/O of its own: a board's main() gives it ports, clock and console bytes.
 *
 *     START ──▶ KEY (first boot) ──▶ IDLE (no record) ──▶ DISCOVER ──▶ TOKEN ──▶ DEVICE (once) ──▶ PUSH
 *                                                                       ▲                          ▲
 *                                          ROTATE (the next key is tried) ◀───────────────────────────┘
 */
#ifndef METER_H
#define METER_H

#include "meter_item.h"
#include "meter_keys.h"
#include "meter_life.h"
#include "meter_line.h"
#include "meter_record.h"
#include "sbs/flash_queue.h"
#include "sbs/push.h"

/** Bytes of the client's work buffer, which is on the heap. For discovery: little at first, for the handshake that
 * checks the certificates needs much; where a document does not fit, more at the next try, whose handshake is short.
 * Otherwise at least enough for a token of 4 kB; a long client_id gets more. What does not fit even so is refused. */
#define METER_WORK_DISCOVERY 2560u
#ifndef METER_WORK_DISCOVERY_LARGE
#define METER_WORK_DISCOVERY_LARGE 14336u
#endif
#ifndef METER_WORK_MIN
#define METER_WORK_MIN 6144u
#endif
#define METER_WORK_EXTRA 3072u  /**< after a token that did not fit */
#define METER_BODY_MAX 2176u    /**< one Observation and its search, at the most */
#define METER_MEASURE_MAX 1000u /**< of one command */

/** X(name, text): what the console shows as state. */
#define METER_STATE_TABLE(X)                                                                                           \
    X(METER_STARTING, "starting")                                                                                      \
    X(METER_GENERATING_KEY, "generating-key")                                                                          \
    X(METER_UNPROVISIONED, "unprovisioned")                                                                            \
    X(METER_PROVISIONING, "provisioning")                                                                              \
    X(METER_NO_NETWORK, "no-network")                                                                                  \
    X(METER_NO_TIME, "no-time")                                                                                        \
    X(METER_CONNECTING, "connecting")                                                                                  \
    X(METER_ONLINE, "online")                                                                                          \
    X(METER_REFUSED, "refused")                                                                                        \
    X(METER_SERVER_TROUBLE, "server-trouble")                                                                          \
    X(METER_STORAGE_FULL, "storage-full")                                                                              \
    X(METER_STORAGE_FAILED, "storage-failed")                                                                          \
    X(METER_NEWER_RECORD, "newer-record")                                                                              \
    X(METER_KEY_LOST, "key-lost")

typedef enum meter_state {
#define METER_STATE_ENUM(name, text) name,
    METER_STATE_TABLE(METER_STATE_ENUM)
#undef METER_STATE_ENUM
} meter_state;

typedef enum meter_phase {
    METER_PHASE_START,
    METER_PHASE_KEY,
    METER_PHASE_IDLE,
    METER_PHASE_DISCOVER, /* with memory for that alone */
    METER_PHASE_TOKEN,    /* or a gateway's word that it knows the device's secret */
    METER_PHASE_DEVICE,
    METER_PHASE_PUSH,
    METER_PHASE_ROTATE
} meter_phase;

/** Where another task takes the measurements (meter_sampler.h). */
typedef struct meter_tasks {
    /** Holds it back while the queue is opened or erased. */
    void (*hold_sensor)(bool hold);
    void (*queue_lock)(void *queue_lock_ctx); /**< of the queue, as the next two */
    void (*queue_unlock)(void *queue_lock_ctx);
    void *queue_lock_ctx;
} meter_tasks;

/** What the board's main() gives. Functions may be NULL where it says so. */
typedef struct meter_ports {
    sbs_storage storage;
    const sbs_flash *queue_flash;
    const sbs_stream *stream; /**< secured */
    /** What lies under it, for a gateway by http; only one of the two is open at a time. NULL: such a record fails. */
    const sbs_stream *plain_stream;
    sbs_sink console;
    /** Trusts the record's anchors and no others; NULL: nobody. The record's bytes stay in place until the next call.
     */
    sbs_status (*trust)(void *ctx, const meter_record *record);
    /** Copies a time server's name, NULL: the default one. May be NULL. */
    void (*time_server)(void *ctx, const char *host);
    /** The time may be wrong: it is to be asked for again. May be NULL. */
    void (*doubt_time)(void *ctx);
    /** Erases what replaced and removed records left in the storage's memory. May be NULL. */
    sbs_status (*scrub)(void *ctx);
    /** Around work that may take long (watchdog). May be NULL. */
    void (*work)(void *ctx, bool begin);
    /** Writes the board's own figures, one `name=value` a line. May be NULL. */
    void (*stats)(void *ctx, sbs_writer *out);
    /** Asks for a restart; it may return first. */
    void (*reboot)(void *ctx);
    void *ctx;                /**< of all of these */
    uint64_t device;          /**< EUI-64 */
    int64_t built_utc_s;      /**< the time is not before this */
    sbs_alg alg;              /**< of the first key; 0: RS384 */
    const meter_tasks *tasks; /**< NULL: meter_poll() takes the measurements */
} meter_ports;

/** A record in use: what is done with it, and the memory that this takes. */
typedef struct meter_session {
    uint8_t phase;        /* meter_phase */
    bool was_ready;       /* network and time were there at the last poll */
    bool busy;            /* a request of the application's own is under way */
    bool waited_first;    /* the record's first delay is over */
    bool large_discovery; /* the document did not fit: the next try has more memory */
    bool large_token;     /* nor did the answer of the token endpoint */
    bool pinned;          /* a token came: the token host stays the one it came from */
    uint8_t failures;     /* in a row */
    uint64_t retry_ms;    /* nothing is tried before */
    uint64_t first_token_ms;
    char *token_url; /* as discovered, on the heap */
    uint8_t *work, *body;
    size_t work_size, body_size;
    sbs_key key;
    sbs_client_config client_config;
    sbs_client client;
    sbs_push_config push_config;
    sbs_push push;
    meter_encoder encoder;
    uint8_t item[METER_ITEM_MAX];
} meter_session;

/** A new record: on its way in, and then tried. */
typedef struct meter_trial {
    uint8_t *intake; /* NULL: none is on its way */
    size_t intake_size, intake_len;
    bool active;        /* the record in use is tried; the one before is on the flash */
    uint64_t intake_ms; /* of its last line */
    uint64_t end_ms;    /* the trial is given up then */
} meter_trial;

/** The next key, which is tried now and then until the server knows it. */
typedef struct meter_rotation {
    uint64_t retry_ms; /* 0: not settled yet */
    uint16_t failures;
    uint8_t after; /* the phase that it interrupted */
} meter_rotation;

typedef struct meter_measuring {
    uint64_t next_ms, last_own_ms;
    uint32_t taken, pending, refused, interval_s;
} meter_measuring;

/** What the console has shown: it is told again when it changes. */
typedef struct meter_shown {
    uint64_t sent;
    sbs_status error; /* the last failure, SBS_OK since something worked */
    sbs_step error_step;
    sbs_oauth_error error_oauth;
    uint16_t error_http;
    uint8_t state; /* meter_state */
} meter_shown;

/** An application. Fields are private; tests look at some. */
typedef struct meter {
    meter_ports ports;
    sbs_writer out;
    meter_line line;
    meter_life life;
    meter_keys keys;
    sbs_now now;
    int64_t clock_origin_s; /* UTC at uptime 0, to see the clock being set */
    uint64_t doubt_ms;      /* the time server is not asked again before */
    sbs_wait wait;          /* for the caller of meter_poll() */
    bool network_up;
    bool clock_set; /* and not yet noted for the push engine */
    bool queue_ready, full;
    uint8_t condition; /* meter_state, but for the storage */
    sbs_status fault;  /* of the storage, SBS_OK if none */
    /* the record in use: `block` holds a stored record, whose bytes `record` points into */
    bool confirmed, device_put;
    uint8_t *block;
    size_t block_size;
    meter_record record;
    sbs_flash_queue queue_state;
    sbs_queue queue;
    meter_session session;
    meter_trial trial;
    meter_rotation rotation;
    meter_measuring measuring;
    meter_shown shown;
} meter;

/** Starts afresh. @p ports is copied. psa_crypto_init() has succeeded, with key storage behind it. */
void meter_init(meter *m, const meter_ports *ports);

/** Takes a byte from the console. */
void meter_feed(meter *m, char c);

/** Does a bounded piece of work; at most one cryptographic operation. @p network_up: there is an address. Call again as
 *  the result says, sooner if a byte, a packet or a change of the network came. */
sbs_wait meter_poll(meter *m, sbs_now now, bool network_up);

/** Frees what is on the heap, closes the connection and wipes. */
void meter_deinit(meter *m);

const char *meter_state_text(meter_state state);

#endif
