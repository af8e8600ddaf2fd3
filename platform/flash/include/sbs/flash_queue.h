/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flash_queue.h
 * The durable queue (queue.h) on raw flash, in a region of its own.
 *
 * An item is one record; attempts and settling are short records behind it. Sectors are used in a ring: one whose items
 * are all settled is erased when its turn comes, and unsettled items in it are copied to the newest end first.
 *
 * Full means that no item fits while the marks of those in the queue must still find room. The sector that is free for
 * copying is never filled with items.
 */
#ifndef SBS_FLASH_QUEUE_H
#define SBS_FLASH_QUEUE_H

#include "sbs/flash_log.h"
#include "sbs/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FLASH_QUEUE_CONTENT 2u /**< of the log */
#define SBS_FLASH_QUEUE_VERSION 1u
#define SBS_FLASH_QUEUE_ATTEMPTS_MAX 255u /**< attempts saturate here */

/** Item records, from the oldest waiting one on, of which RAM says whether they are settled, one bit each. Where more
 *  stand on the flash it says so of a part, and learns the rest anew with a walk or more each time it is asked for. A
 *  power of two, at least 8. */
#ifndef SBS_FLASH_QUEUE_WINDOW
#define SBS_FLASH_QUEUE_WINDOW 2048u
#endif

/** What append() does when the queue is full. */
typedef enum sbs_flash_queue_policy {
    SBS_FLASH_QUEUE_REFUSE,     /**< SBS_ERR_BUFFER */
    SBS_FLASH_QUEUE_DROP_OLDEST /**< gives up the oldest items, about a sector full of them, counted as dropped */
} sbs_flash_queue_policy;

typedef struct sbs_flash_queue_config {
    sbs_flash_queue_policy policy;
    /** Held during each operation where append() is called from another task; NULL: one task alone uses the queue.
     * Tasks that meet in it without a lock are told: the second one's operation is SBS_ERR_STATE, and does nothing. */
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx); /**< ends what lock began */
    void *lock_ctx;
} sbs_flash_queue_config;

/** Fields are private. 496 bytes on a 32-bit target with the default window. */
typedef struct sbs_flash_queue {
    sbs_flash_log log;
    sbs_flash_queue_config config;
    uint64_t last_id;
    uint64_t delivered, dead, dropped;
    uint64_t base;          /**< no unsettled item has a smaller id */
    uint64_t moved_max;     /**< ids above stand on the flash in their order */
    uint64_t attempted_max; /**< ids above have no attempt */
    uint64_t lost_id;       /**< of a damaged item still to be reported; 0: unknown */
    uint32_t lost;          /**< how many are to be reported; not among the dead before that */
    uint32_t waiting;
    uint32_t used; /**< bytes of flash of the unsettled items */
    /* Item records have numbers in the order in which they stand in the log; those of one mount only. */
    uint32_t oldest;                       /**< number of the first one on the flash */
    uint32_t front;                        /**< of the first one that may be unsettled */
    uint32_t low;                          /**< of the first one that has a bit */
    uint32_t known;                        /**< of the first one behind that which has none */
    uint32_t newest;                       /**< that the next one gets */
    uint32_t gaps;                         /**< unreadable regions when all was read */
    struct sbs_flash_queue_batch *copying; /**< memory of a compaction that is under way */
    bool entered;                          /**< an operation is under way */
    bool full;                             /**< compacting found no room; until an item is settled */
    bool stale;                            /**< the flash could not be read as before: all this is to be read anew */
    bool dropping;                         /**< the next compaction gives up unsettled items */
    struct sbs_flash_queue_hint {
        uint32_t sector, offset, number;
        uint64_t id;      /**< 0: none */
    } near, settled_near; /**< where the items stand that were looked up last, and settled last */
    uint8_t settled[SBS_FLASH_QUEUE_WINDOW / 8u]; /**< by number, from low to known */
} sbs_flash_queue;

/** Mounts the queue on @p flash, which must outlive it. Writes nothing. Errors as for sbs_flash_log_mount(); in a build
 *  for threads (SBS_THREADS) SBS_ERR_ARGUMENT without lock and unlock. No other task is in the queue meanwhile. */
SBS_NODISCARD sbs_status sbs_flash_queue_mount(sbs_flash_queue *queue, const sbs_flash *flash,
                                               const sbs_flash_queue_config *config);

/**
 * The port's interface; semantics and errors as queue.h says, and:
 * - next() settles a damaged item as dead when it reports it. One whose record header is beyond reading is known by
 *   its id missing; it is reported with id 0 where that is not certain, and then perhaps again after a restart.
 * - settle(): `reason: words`, the words cut to what is left of SBS_QUEUE_REASON_SIZE, is kept on the flash until the
 *   sector's turn comes. Dead items are not kept for longer.
 *
 * What an operation reads is bounded, whatever stands on the flash. With one walk (each record's header and mark once):
 * next() and mark_attempt() take at most two and the item itself, read() and settle() one, append() none; mounting
 * takes four and one for each 128 items that do not follow each other by id. Where room is made, giving up a sector
 * takes its records, one walk to check that all is as it was and one for each 128 items in it; once round the ring is
 * the most. With more records than SBS_FLASH_QUEUE_WINDOW each of them may learn as a mount does.
 */
sbs_queue sbs_flash_queue_port(sbs_flash_queue *queue);

/** The largest item, in bytes. */
size_t sbs_flash_queue_max(const sbs_flash_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
