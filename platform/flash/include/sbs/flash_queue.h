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

/** Items from the oldest unsettled one on whose state is kept in RAM, one bit each; those beyond are looked up on the
 *  flash, which takes a walk over the log. A multiple of 8. */
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
    /** Held during each operation where append() is called from another task; NULL: not needed. */
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx);
    void *lock_ctx;
} sbs_flash_queue_config;

/** Fields are private. 472 bytes on a 32-bit target with the default window. */
typedef struct sbs_flash_queue {
    sbs_flash_log log;
    sbs_flash_queue_config config;
    uint64_t last_id;
    uint64_t delivered, dead, dropped;
    uint64_t base;        /**< id of the window's first bit; everything before is settled */
    uint64_t settled_max; /**< largest id that was settled */
    uint64_t moved_max;   /**< ids above stand on the flash in their order */
    uint32_t unsure;      /**< sector that was the oldest when all was read: copies of its items may stand behind it */
    uint64_t attempted_max; /**< ids above have no attempt */
    uint64_t lost_id;       /**< of a damaged item still to be reported; 0: unknown */
    uint32_t lost;          /**< how many are to be reported; not among the dead before that */
    uint32_t waiting;
    uint32_t used; /**< bytes of flash of the unsettled items */
    bool full;     /**< compacting found no room; until an item is settled */
    bool stale;    /**< the flash could not be read: all this is to be read anew */
    bool dropping; /**< the next compaction gives up unsettled items */
    struct sbs_flash_queue_hint {
        sbs_flash_log_cursor at;
        uint64_t id;      /**< 0: none */
    } near, settled_near; /**< where the items stand that were looked up last, and settled last */
    uint8_t settled[SBS_FLASH_QUEUE_WINDOW / 8u];
} sbs_flash_queue;

/** Mounts the queue on @p flash, which must outlive it. Writes nothing. Errors as for sbs_flash_log_mount(). */
SBS_NODISCARD sbs_status sbs_flash_queue_mount(sbs_flash_queue *queue, const sbs_flash *flash,
                                               const sbs_flash_queue_config *config);

/**
 * The port's interface; semantics and errors as queue.h says, and:
 * - next() settles a damaged item as dead when it reports it. One whose record header is beyond reading is known by
 *   its id missing; it is reported with id 0 where that is not certain, and then perhaps again after a restart.
 * - settle(): the reason is kept on the flash until the sector's turn comes. Dead items are not kept for longer.
 */
sbs_queue sbs_flash_queue_port(sbs_flash_queue *queue);

/** The largest item, in bytes. */
size_t sbs_flash_queue_max(const sbs_flash_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
