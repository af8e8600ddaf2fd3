/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_add.h
 * Puts resources into the durable queue: checks them, gives an identifier to one without, knows a repeat. The caller
 * opens and commits the groups (sqlite_queue.h): an answer is true once the group is durable.
 */
#ifndef SBS_FORWARD_ADD_H
#define SBS_FORWARD_ADD_H

#include "sbs/forward_resource.h"
#include "sbs/sqlite_queue.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sbs_forward_fate {
    SBS_FORWARD_QUEUED,            /**< stored, under an id of its own */
    SBS_FORWARD_ALREADY_QUEUED,    /**< the same identifier and content waits already */
    SBS_FORWARD_ALREADY_DEAD,      /**< the same identifier and content is a dead letter */
    SBS_FORWARD_ALREADY_DELIVERED, /**< the same identifier and content was delivered lately */
    SBS_FORWARD_REFUSED,           /**< not to be stored as it is: the reason says why */
    SBS_FORWARD_FULL,              /**< no room for it */
    SBS_FORWARD_NOT_WRITTEN,       /**< the queue failed: the status says why */
    SBS_FORWARD_DIFFERS            /**< not stored: other content has the same identifier; only if adder.only_same */
} sbs_forward_fate;

/** The answer to one item. */
typedef struct sbs_forward_added {
    sbs_forward_fate fate;
    sbs_status status;             /**< of the queue */
    uint64_t id;                   /**< in the queue; of a repeat the earlier one's */
    const char *reason;            /**< of REFUSED, FULL: a static sentence; else NULL */
    size_t fault_at;               /**< of text that is not valid JSON: offset of the fault */
    bool no_system;                /**< its identifier has no system: others may use it too */
    sbs_forward_resource resource; /**< as it is stored, names it */
    sbs_forward_buffer text;       /**< memory of the resource, if an identifier was added */
} sbs_forward_added;

/** Where items go. Zero-initialise; sbs_forward_adder_init(). */
typedef struct sbs_forward_adder {
    sbs_sqlite_queue *queue;
    char device[256];   /**< names this machine in identifiers that are made: printable, nothing that JSON escapes */
    const char *source; /**< who gave the items, kept with them; NULL: nobody in particular */
    bool only_same;     /**< other content under an identifier that is known is not stored */
    bool undated;       /**< the items have no time of their own, and get that of their arrival when they are sent */
    uint32_t lane;      /**< of all items, whatever they say of themselves; 0: by what they say */
    uint32_t boot_id;   /**< with undated: of this boot, and ... */
    uint64_t uptime_ms; /**< ... its monotonic clock, for items that come while the time is not known */
} sbs_forward_adder;

/** @p device: a name for this machine, NULL for its host's. What an identifier cannot hold is replaced. */
void sbs_forward_adder_init(sbs_forward_adder *adder, sbs_sqlite_queue *queue, const char *device);

/**
 * Adds one resource. @p utc_s: when it came, or SBS_UTC_UNKNOWN. @p out_added: the answer, to be freed; what it names
 * stays valid as long as @p text does.
 */
void sbs_forward_add(const sbs_forward_adder *adder, sbs_text text, int64_t utc_s, sbs_forward_added *out_added);
/**
 * Looks at a resource without storing it: why sbs_forward_add() would refuse it whatever else the queue holds (its
 * size, too), a static sentence, or NULL. @p out_identified: it has an identifier of its own, by which a repeat is
 * known. One without gets a new one each time that it is added.
 */
const char *sbs_forward_add_check(const sbs_forward_adder *adder, sbs_text text, bool *out_identified);
/** Legal after zero-initialisation, and twice. */
void sbs_forward_added_free(sbs_forward_added *added);

#ifdef __cplusplus
}
#endif
#endif
