/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file push.h
 * The push engine: brings the items of a durable queue to the FHIR server, each once, through a client.
 *
 * The engine. One poll is one step; CHOOSE looks at up to 16 items, JUDGE settles one.
 *
 *                   nothing (more) to send: SBS_OK
 *                        ▲
 *     poll ──▶ CHOOSE ───┴──▶ SEND ──▶ READY ──mark, commit──▶ RUN ──▶ JUDGE ──▶ CHOOSE, on behind what was sent
 *              │  ▲  build one item,    │ no token,              │     │
 *              │  │  or up to           │ no connection          │     │ the second failure in a row, Retry-After
 *     nothing  │  │  batch_max          ▼                        ▼     ▼
 *     goes     └──┴────────────────── WAIT (back-off, Retry-After, pause) ──▶ CHOOSE, with another item
 *
 * The look of CHOOSE goes through the queue by id and begins again at its end. An item that fails waits on its own,
 * with a back-off of its own, beside the look; when its time has come it is tried alone, at the end of the look or
 * after some others were stored. After one failure the next item is tried at once. From the second in a row on all wait
 * between two requests, 20 s at most, until everything was tried or something is stored. When nothing goes, the waits
 * grow to the limits of the configuration, each is followed by one request, and a new item waits a minute at most.
 *
 * An item. "Held" and "deferred" are known in RAM only; after a restart all are waiting, with their attempts, and what
 * is held against them where the queue keeps it. What was tried before a restart comes after all the rest.
 *
 *     append ──▶ waiting ──mark──▶ sent ──▶ delivered          DELIVERED, ALREADY, UPDATED, REPLACED
 *                 │   ▲             │ ├───▶ dead, with reason  DEAD, COLLISION
 *        no time  ▼   │ clock known │ └───▶ deferred           DEFERRED: waits on its own, its lane behind it;
 *                held─┘             │         │                after each SBS_PUSH_ALONE_MAX attempts the next of its
 *                     └─────────────┴─────────┘ time over      lane may try
 *
 * The judgement of an item, by the table of sbs_http_meaning_of() for the request or for the entry in a Bundle:
 *
 *     confirmed (see confirm.h)       delivered. 200 to a PUT or If-None-Exist says that something was there: ALREADY
 * after an attempt that may have been stored; else by already_there: set aside (UPDATED or ALREADY with ACCEPT), or
 * REPLACED where a server overwrote it, asked not to 2xx that confirms nothing       deferred, and sent again 304 412
 * to a first PUT          dead: COLLISION; nothing was replaced 400 413 422, 304 412 else       dead: refused, or
 * several match 409                             deferred; each counts against it 401 with a new token, 3xx, deferred;
 * counts against it if another item was stored since it failed last 403, 404, 5xx, the rest, a scope that lacks its
 * type 408 425 429, any Retry-After    the same, and all wait as long as was asked, then another item goes first no
 * answer after it was sent     the same, but never dead: a bad network looks alike a failure before it was sent    all
 * wait or pause; no item is blamed for the network, discovery or the token
 *
 * SBS_PUSH_FAILURES_MAX that count, over at least ten minutes, and it is dead. Where an operator can mend it, its
 * reason begins with SBS_QUEUE_REASON_OPERATOR. When nothing goes for want of a right, all pause, the engine looks
 * again by itself, ever more rarely, and goes on when the cause has gone.
 *
 * The first attempt of a PUT says If-None-Match: * (in a Bundle ifNoneMatch), so it replaces nothing. A repeat does
 * too, as long as all answers before it say that nothing was stored; after an unknown outcome it does not.
 *
 * A Bundle whose answer lists its entries is judged entry by entry: as many as were sent, none with the id of another
 * (one that a server gave to what it created is its own),
 * and of conditional creates, which show no id of ours, all stored or all alike. Any other answer settles nothing, and
 * its items go one by one. Those of a Bundle that is refused as a whole, and of which nothing is stored, go in halves,
 * each half that goes well followed by twice as many: a bad item among n is found in some 2 log n requests. An item too
 * large for a Bundle goes alone.
 *
 * - An item is settled only when the server said that it holds it, or that it never will take it (dead). If the queue
 *   cannot settle it, the verdict is kept and the next poll tries again: nothing is sent a second time for that.
 * - An attempt is marked, durably, once there is a token and a connection: the next poll sends its first byte. So
 *   "tried before" means that the server may have seen the item. Where the queue groups its writes, a group is open
 * from the first mark or settlement to the next mark, wait or SBS_PUSH_GROUP_MS, whatever comes first.
 * - Items of one lane are sent in order, but for those that wait on their own beyond the room for them. Another lane
 *   goes on while one waits.
 * - Items that are held for their time, or that a queue reports as damaged, are passed.
 * - Within a batch the server chooses the order; between batches a lane keeps its own.
 * - What is passed over is not looked at again for each item that goes: an item costs a few calls of the queue, however
 *   many wait.
 */
#ifndef SBS_PUSH_H
#define SBS_PUSH_H

#include "sbs/client.h"
#include "sbs/date.h"
#include "sbs/identity.h"
#include "sbs/queue.h"
#include "sbs/storage.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_PUSH_FAILURES_MAX 5u /**< failures while others are stored, after which an item is dead */
#define SBS_PUSH_ALONE_MAX 4u    /**< attempts after which the next item of the same lane may try, a power of 2 */
#define SBS_PUSH_DEFERRED_MAX 8u /**< items that wait on their own at a time, without the caller's memory */
#define SBS_PUSH_BOOTS_MAX 8u    /**< boots whose clock is remembered */
#define SBS_PUSH_GROUP_MS 50u    /**< a group of the queue's writes is open no longer */

/** How a resource is written so that a repeat does not store it twice. */
typedef enum sbs_write_mode {
    SBS_WRITE_PUT,           /**< PUT under an id derived from the identifier: needs update-as-create */
    SBS_WRITE_IF_NONE_EXIST, /**< POST with If-None-Exist */
    SBS_WRITE_PLAIN          /**< POST: an unknown outcome is repeated, and may be stored twice */
} sbs_write_mode;

/** What "already there" means for an item that was never sent. */
typedef enum sbs_already_there {
    SBS_ALREADY_SET_ASIDE, /**< perhaps another one with the same identifier: nothing is replaced, the item is set aside
                            */
    SBS_ALREADY_ACCEPT     /**< it is the same one: a PUT updates, an If-None-Exist counts as delivered */
} sbs_already_there;

/** What to do with a measurement that was taken while the clock was unknown, until that boot's clock is known. */
typedef enum sbs_unknown_time {
    SBS_UNKNOWN_TIME_HOLD, /**< keep it; others pass it, and it goes once its boot's clock is known */
    SBS_UNKNOWN_TIME_SEND, /**< send it without a time */
    SBS_UNKNOWN_TIME_DEAD  /**< set it aside */
} sbs_unknown_time;

/** An item on its way to the encoder. */
typedef struct sbs_push_item {
    const sbs_queue_item *item;
    const uint8_t *data; /**< item->len bytes as they were appended */
    int64_t utc_s;       /**< when it was measured, or SBS_UTC_UNKNOWN */
    sbs_text id;         /**< encode: the id that the resource must have (PUT); absent: it must have none */
} sbs_push_item;

/** Who an item is, and how it is written. The spans must stay valid until identify is called again. */
typedef struct sbs_push_identity {
    sbs_text type;          /**< resource type */
    sbs_text system, value; /**< its identifier; the same for the same item after any reboot. The value may be absent
                               with SBS_WRITE_PLAIN, or with SBS_WRITE_PUT where there is an id */
    sbs_text subject;       /**< whose measurement it is, see sbs_identity_subject(): part of the derived id where the
                               identifier comes from elsewhere; absent: the id derives from the identifier alone */
    sbs_text id;            /**< its own id, to PUT it under; absent: derived */
    sbs_write_mode write_mode; /**< a batch ends where it changes */
} sbs_push_identity;

/** How items become resources; the program's. An error sets the item aside, but for SBS_ERR_MEMORY and SBS_ERR_CRYPTO:
 * then all wait, and it is tried again; and for SBS_ERR_NO_TIME, which holds the item unless SBS_UNKNOWN_TIME_DEAD says
 * otherwise: others pass it, and it is looked at again from time to time. May be asked again for the same item before
 * it is sent. */
typedef struct sbs_push_encoder {
    /** Tells who an item is and how it is written. SBS_OK, or an error as above. */
    sbs_status (*identify)(void *ctx, const sbs_push_item *item, sbs_push_identity *out);
    /** Writes the item as a resource. @p identity: what identify said of it. SBS_OK, or an error as above. */
    sbs_status (*encode)(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity, sbs_writer *out);
    void *ctx;
} sbs_push_encoder;

/** An item that waits on its own. The engine's; a caller lends memory for more of them. */
typedef struct sbs_push_deferred {
    uint64_t id, until_ms;
    uint32_t lane, successes; /* successes: stored before it failed last */
    uint32_t since_s;         /* monotonic: its first failure that counts */
    uint8_t failures;         /* that count: others were stored since the one before */
    uint8_t tries;            /* that failed, whatever they say */
    bool passes;              /* its lane need not wait for it */
    bool never_stored;        /* each try so far was answered in a way that stores nothing */
} sbs_push_deferred;

/** An item of the request under way. The engine's; a caller lends memory for more of them. */
typedef struct sbs_push_sent {
    uint64_t id;
    uint32_t lane;
    uint32_t first : 1; /* the server cannot know it yet */
    uint32_t last : 1;  /* of each SBS_PUSH_ALONE_MAX attempts the last */
    uint32_t at : 30;   /* where its target stands in a Bundle */
} sbs_push_sent;

/** How several items go in one request. Only a program that names it pays for it. */
typedef struct sbs_push_batching sbs_push_batching;
/** For sbs_push_config.batches. */
extern const sbs_push_batching sbs_push_batches;

/** Codes the bodies of requests; the program's. */
typedef struct sbs_push_coder {
    /** May put another body into @p request, in memory of its own that stays until the next call, and name its coding
     *  in its fields. */
    void (*code)(void *ctx, sbs_request *request);
    /** Told how each request ended: with @p status, and as the client's detail says. True: it goes once more before its
     *  failure counts against an item; code() is asked again. */
    bool (*ended)(void *ctx, sbs_status status);
    void *ctx;
} sbs_push_coder;

/** What became of a Bundle as a whole. */
typedef struct sbs_push_batch_report {
    size_t bytes;         /**< of its body */
    uint16_t count;       /**< items in it */
    uint16_t http_status; /**< 0: no answer */
    sbs_status status;    /**< SBS_OK: the answer says of each item what became of it */
    bool may_be_stored;   /**< its items may be on the server although the Bundle failed */
} sbs_push_batch_report;

/** Configuration; what it points to stays the caller's and must outlive the engine. Zero means the default. */
typedef struct sbs_push_config {
    sbs_client *client; /**< initialised, with read_refusal: what is an item's fault is told by it; used by nobody else
                           while a push is under way */
    const sbs_queue *queue;
    const sbs_storage *storage; /**< keeps the clocks of earlier boots; NULL: only this boot's is known */
    sbs_push_encoder encoder;
    void *item; /**< memory for one item's bytes */
    size_t item_size;
    char *body; /**< memory for one request: the resource and its search, or the Bundle */
    size_t body_size;
    char *answer; /**< memory for the answer to a Bundle and its JSON values; may be NULL without batches */
    size_t answer_size;
    sbs_push_deferred *deferred; /**< memory for items that wait on their own; NULL: for SBS_PUSH_DEFERRED_MAX inside */
    size_t deferred_count;
    char *words; /**< memory for what the server says of one entry; NULL: some 128 bytes inside */
    size_t words_size;
    sbs_already_there already_there;
    sbs_unknown_time unknown_time;
    const sbs_push_batching *batches; /**< the address of sbs_push_batches; NULL: no batches, whatever batch_max says */
    uint16_t batch_max;  /**< items in a batch Bundle, at most sent_count; 0 or 1: none. May be changed between polls */
    uint16_t sent_count; /**< places in sent, and in unstored */
    sbs_push_sent *sent; /**< memory for the items of one request; NULL: for SBS_PUSH_BATCH_MAX inside */
    uint32_t *unstored;  /**< as many, where sent is lent: which of them were refused a moment ago */
    /** Optional: told of each Bundle before its items are. True: where it was refused, and nothing of it stored, its
     *  items go in halves; false: one by one. NULL: in halves. */
    bool (*batch_told)(void *ctx, const sbs_push_batch_report *report);
    void *batch_ctx;
    const sbs_push_coder *coder; /**< NULL: bodies go as they are */
    uint32_t boot_id;            /**< of this boot, as in the queue's metas */
    uint32_t settle_ms;          /**< least wait after an unknown outcome, for servers that index late; default 5 000 */
    uint32_t tried_ms;   /**< since the last request of an earlier run, if that is known: what it tried waits for the
                            rest of settle_ms; 0: perhaps this moment */
    sbs_backoff backoff; /**< default 1 s to 5 min */
    sbs_backoff pause;   /**< while an operator is needed; default 1 min to 1 h */
} sbs_push_config;

/** What a poll did. */
typedef enum sbs_push_event_kind {
    SBS_PUSH_NOTHING,
    SBS_PUSH_DELIVERED, /**< created */
    SBS_PUSH_ALREADY,   /**< an earlier attempt had stored it */
    SBS_PUSH_UPDATED,   /**< SBS_ALREADY_ACCEPT: what was there is now this */
    SBS_PUSH_REPLACED,  /**< the server overwrote what was there, though it was asked not to: delivered, to be looked at
                         */
    SBS_PUSH_COLLISION, /**< "already there" at the first attempt: set aside, a possible collision of identifiers */
    SBS_PUSH_DEAD,      /**< set aside: the server will not take it */
    SBS_PUSH_DEFERRED,  /**< this item waits, others go on */
    SBS_PUSH_WAITING,   /**< all wait: network or server */
    SBS_PUSH_PAUSED     /**< all wait: an operator is needed */
} sbs_push_event_kind;

/** What happened in a poll; at most one event each. */
typedef struct sbs_push_event {
    sbs_push_event_kind kind;
    sbs_status status;
    uint16_t http_status;
    uint32_t wait_ms;      /**< DEFERRED, WAITING, PAUSED: until the next try */
    uint64_t id;           /**< item, 0 if none */
    const char *reason;    /**< the engine's own sentence, "" if none; texts are valid until the next poll */
    const char *words;     /**< what the server said of it, one sanitised line, "" if nothing. WAITING and PAUSED tell
                              again what was told as DEFERRED, without the words if that was in an earlier poll */
    const char *server_id; /**< of what is stored: id on the server if it told one, else ""; that of a PUT is another
                              than was asked for where a server gives ids itself */
    const char *etag;      /**< the same: its version (ETag) if it told one, else "" */
} sbs_push_event;

/** A push engine; its content is private. */
typedef struct sbs_push {
    /* Small and often used members come first: their offsets fit the short Thumb encodings. */
    struct {
        struct sbs_push_flags { /* what the answer says besides the event */
            uint8_t fault;      /* by its HTTP status */
            bool whole;         /* the answer came to its end, and says what its HTTP status says */
            bool elsewhere;     /* it failed on the way to a token: nothing was sent of the item */
            bool unknown;       /* this try, or one that the client repeated by itself, may have been stored */
            bool asks;          /* for time: all are to wait */
            bool unread;        /* an entry that cannot be read: the item is sent again alone */
            bool lets_pass;     /* a failure after which the next of the lane may try */
        } flags;
        sbs_write_mode write_mode; /* of the items of this request */
        uint8_t state;
        uint8_t in_a_row; /* stored since one that waited on its own was tried */
        bool held;        /* an item was passed over because its time is unknown */
        bool clock_noted;
        bool rewind;      /* the next look is from the start: one that was passed over may go */
        bool resumed;     /* this look did not begin at the start */
        bool first_lap;   /* what failed in an earlier run is passed over until all else was tried */
        bool direct;      /* the request is for one that waited on its own, beside the look */
        bool single;      /* the request is no Bundle */
        bool probe;       /* a wait is over: one request may go, whatever waits on its own */
        bool early;       /* the look is for new items only, within a wait */
        bool open;        /* a wait within which new items may go */
        bool exhausted;   /* everything was tried since something was stored: nothing goes */
        bool conditional; /* the item built last must replace nothing: it is its first attempt */
        bool grouped;     /* the queue has a group open */
        bool told;        /* with something in it that was told */
        bool went_well;   /* an entry of the answer was stored */
        bool failed;      /* an entry of the answer waits */
        bool no_room;     /* and cannot wait on its own */
        bool let_pass;    /* the wait was short for the next of a lane */
        bool one_by_one;  /* what is left of a refused batch goes in single requests */
        uint16_t batch_len, judged;
        uint16_t batch_left; /* items of a refused batch, to be sent in smaller ones */
        uint16_t batch_cap;  /* most of them in the next request; 0: there are none */
        uint16_t sent_max;
        uint16_t unstored_next; /* place in unstored that is taken next */
        bool marked;            /* the request's items are marked: they may have been sent */
        uint32_t misses;        /* requests that failed since one went well */
        uint32_t server_failures, pauses_in_row;
        uint32_t refused; /* items of their own fault since something was stored */
        const sbs_push_config *config;
        sbs_push_sent *sent;      /* the caller's, or below */
        uint32_t *unstored;       /* sent, not stored, beside the table: the low half of their ids */
        sbs_push_deferred *table; /* the caller's, or below */
        size_t deferred_count, deferred_max;
        uint32_t successes;
        uint32_t now_s; /* the clock of this poll in seconds, modulo 2^32 */
        sbs_push_event event;
        uint32_t idle_ms; /* nothing to send for so long, unless something is appended; 0: there is more to do */
        uint32_t group_ms, early_ms;
        size_t body_len, search_len;
        sbs_now now;
        uint64_t cursor, resume_ms;
        uint64_t settled_ms; /* not before that what may have been stored is sent again */
        union {
            struct {
                sbs_push_identity identity; /* of the item built last, alone or not */
                sbs_status verdict;
            } alone; /* of a request for one item */
            struct {
                sbs_json answer;
                sbs_json_node entry;
            } bundle;
        } of;
        struct sbs_push_failure { /* the last one that was put off */
            uint64_t id;
            sbs_status status;
            uint16_t http_status;
            struct sbs_push_flags flags;
        } failure;
        sbs_push_deferred deferred[SBS_PUSH_DEFERRED_MAX];
        sbs_push_sent own_sent[SBS_PUSH_BATCH_MAX];
        uint32_t own_unstored[SBS_PUSH_BATCH_MAX];
        char target[2 * SBS_FHIR_ID_MAX + 2]; /* of a request; then what an entry says */
    } priv;
} sbs_push;

/** Checks the configuration and starts afresh; what the queue holds is found by itself. SBS_ERR_ARGUMENT. */
SBS_NODISCARD sbs_status sbs_push_init(sbs_push *push, const sbs_push_config *config);

/**
 * Does a bounded piece of work. SBS_PENDING: call again as @p out_wait says, sooner if an item was appended. SBS_OK:
 * the queue holds nothing to send; call again after an append. SBS_ERR_STORAGE, SBS_ERR_DAMAGED: the queue failed;
 * nothing was lost by this call, and it may be called again, which also settles what could not be settled. Read
 * sbs_push_event_of() after every call.
 */
SBS_NODISCARD sbs_status sbs_push_poll(sbs_push *push, sbs_now now, sbs_wait *out_wait);

/**
 * Notes the clock of a boot, for the items that it leaves behind undated: @p start_utc_s is the UTC at its uptime 0.
 * The engine does so at its first poll with a known time; a program that may end before that, or whose clock is set
 * anew, calls this as soon as the time is known. Written is what differs by more than a minute from the present boot's
 * last, which then counts; the last SBS_PUSH_BOOTS_MAX notes are kept. @p storage as in the configuration, may be NULL.
 * A failure of the storage is not told: it costs times, no item.
 */
void sbs_push_note_boot(const sbs_storage *storage, uint32_t boot_id, int64_t start_utc_s);

/** What was noted of a boot last: its UTC at uptime 0. False: nothing, or the storage does not tell. */
bool sbs_push_noted_boot(const sbs_storage *storage, uint32_t boot_id, int64_t *out_start_utc_s);

/** What the last poll did. */
const sbs_push_event *sbs_push_event_of(const sbs_push *push);

/** True if all that events told is durable. Where the queue groups its writes, what was told since this was true last
 * is not: it is durable once a poll that returned no error leaves this true, and did not happen if a poll that returned
 * an error does. */
bool sbs_push_is_durable(const sbs_push *push);

/** Makes durable what is not yet, for a program that ends between two polls. On an error it did not happen. */
SBS_NODISCARD sbs_status sbs_push_flush(sbs_push *push);

/** Ends a wait or a pause: the next poll tries at once (the network came back, the operator mended something). */
void sbs_push_wake(sbs_push *push);

/** Gives up the request under way, or a verdict that the queue could not take; its items stay in the queue. What was
 * written before is made durable by the next poll, or by sbs_push_flush(). */
void sbs_push_cancel(sbs_push *push);

#ifdef __cplusplus
}
#endif
#endif
