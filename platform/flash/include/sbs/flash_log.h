/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flash_log.h
 * An append-only log of records on raw flash: what storage and queue on flash are made of.
 *
 * The sectors form a ring and are used in order, so that all are erased equally often. Live records of the oldest
 * sector are copied to the newest end before it is used again; one sector is always free for that. Every stored byte is
 * described in platform/flash/README.md.
 *
 * A record counts once its seal, a program unit of its own, has been programmed after the rest. After power was lost
 * the sector that was being written is read but not written any more: the next record opens a new one, whose header
 * says where the old one ends. Until that first write an operation that was cut may be seen or not; from then on it is
 * decided for good.
 *
 * RAM: this structure, and stack for one header and one chunk of 64 bytes; nothing for each record or sector. One task
 * at a time.
 */
#ifndef SBS_FLASH_LOG_H
#define SBS_FLASH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FLASH_LOG_VERSION 1u     /**< of the stored format of sectors and records */
#define SBS_FLASH_LOG_STATE_SIZE 20u /**< bytes of the owner's state, kept in each sector header and checkpoint */
#define SBS_FLASH_LOG_KEY_MAX 0xFFFFFFu
#define SBS_FLASH_LOG_TYPE_MIN 2u /**< types 2 to 6 are the owner's */
#define SBS_FLASH_LOG_TYPE_MAX 6u

typedef struct sbs_flash_log sbs_flash_log;

/** A record as found; the payload stays on the flash. */
typedef struct sbs_flash_log_record {
    uint32_t sector; /**< sequence number of its sector */
    uint32_t offset; /**< of its header, from the start of the sector */
    uint32_t key;    /**< 24 bits, the owner's */
    uint32_t crc;    /**< as stored */
    uint16_t len;    /**< bytes of payload */
    uint8_t type;
    uint8_t aux; /**< the owner's */
} sbs_flash_log_record;

/** A place in the log; {0} is its beginning. One whose sector is not live any more stands for the beginning, too. */
typedef struct sbs_flash_log_cursor {
    uint32_t sector;
    uint32_t offset;
    uint32_t limit; /**< where the records of the sector end; 0: to be found out */
} sbs_flash_log_cursor;

/** A piece of a payload. */
typedef struct sbs_flash_log_part {
    const void *data;
    size_t len;
} sbs_flash_log_part;

/** Who keeps records in the log. */
typedef struct sbs_flash_log_owner {
    uint8_t content; /**< what the records are; another one is refused at mount */
    uint8_t version; /**< of the records; a newer one is refused at mount */
    /** Fills in the state as of now. NULL: zeros. */
    void (*state)(void *ctx, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE]);
    /** The record's sector is about to be given up: copies it with sbs_flash_log_move() if it is live. */
    sbs_status (*move)(void *ctx, const sbs_flash_log_record *record);
    void *ctx;
} sbs_flash_log_owner;

/** Fields are private but for reading the counters at the end. */
struct sbs_flash_log {
    const sbs_flash *flash;
    sbs_flash_log_owner owner;
    uint32_t first;      /**< sequence of the oldest live sector */
    uint32_t head;       /**< sequence of the newest; first - 1 if there is none */
    uint32_t end;        /**< where the records of the head end */
    uint32_t limit;      /**< how far the head may be filled */
    uint32_t back_end;   /**< end of the sector before, should opening the head fail */
    uint32_t generation; /**< of the newest sector header that was ever written */
    uint32_t head_wear;  /**< erase count of the head's place */
    bool writable;       /**< the head was opened since mount, and no program operation on it failed */
    uint8_t phase;       /**< of a compaction */
    uint32_t repaired;   /**< single flipped bits in headers that reading put right, since mount */
    uint32_t damaged;    /**< unreadable regions passed, since mount */
    uint32_t torn;       /**< bytes of cut operations that mount left out */
};

/** What the flash may look like: SBS_ERR_ARGUMENT if a size is not one that flash.h allows. */
SBS_NODISCARD sbs_status sbs_flash_check(const sbs_flash *flash);

/**
 * Finds the log on the flash; erased flash is an empty log. Writes nothing. @p flash and what the owner points to must
 * outlive the log.
 * SBS_ERR_VERSION: written by a newer version, nothing was touched; SBS_ERR_FORMAT: another content or geometry;
 * SBS_ERR_DAMAGED: neither erased nor a log (sbs_flash_log_format() makes it one); SBS_ERR_STORAGE; SBS_ERR_ARGUMENT.
 */
SBS_NODISCARD sbs_status sbs_flash_log_mount(sbs_flash_log *log, const sbs_flash *flash,
                                             const sbs_flash_log_owner *owner);

/** Erases the whole region: all records are lost. The log has to be mounted afterwards. SBS_ERR_ARGUMENT as for
 *  sbs_flash_check(); SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_flash_log_format(const sbs_flash *flash);

/** The newest state that the owner gave, zeros if there is none, and in @p out_from the place from which on records
 *  are not part of it. SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_flash_log_state(sbs_flash_log *log, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE],
                                             sbs_flash_log_cursor *out_from);

/**
 * The owner's next record. Its payload is not checked yet: see sbs_flash_log_check(). SBS_ERR_NOT_FOUND at the end;
 * SBS_ERR_DAMAGED for an unreadable region: call again to go on behind it; SBS_ERR_STORAGE.
 */
SBS_NODISCARD sbs_status sbs_flash_log_next(sbs_flash_log *log, sbs_flash_log_cursor *cursor,
                                            sbs_flash_log_record *out_record);

/** SBS_ERR_DAMAGED if the record fails its checksum. */
SBS_NODISCARD sbs_status sbs_flash_log_check(sbs_flash_log *log, const sbs_flash_log_record *record);

/** Reads @p len bytes of the payload from @p offset, unchecked. SBS_ERR_ARGUMENT behind its end. */
SBS_NODISCARD sbs_status sbs_flash_log_read(sbs_flash_log *log, const sbs_flash_log_record *record, size_t offset,
                                            void *buffer, size_t len);

/**
 * Makes room for a record of @p len bytes, so that the next append of it does nothing but program. Compacts as far as
 * needed, once round the ring at most. @p spare: bytes that must stay free behind the record once the last but one
 * sector is in use. SBS_ERR_BUFFER: the log is full; SBS_ERR_TOO_LARGE: never fits; SBS_ERR_STORAGE.
 */
SBS_NODISCARD sbs_status sbs_flash_log_reserve(sbs_flash_log *log, size_t len, size_t spare);

/** True if sbs_flash_log_reserve() of the same would have to compact. */
bool sbs_flash_log_is_crowded(const sbs_flash_log *log, size_t len, size_t spare);

/**
 * Appends a record; durable when it returns SBS_OK. @p record gives type, aux and key, and receives the rest. Errors as
 * for sbs_flash_log_reserve(). SBS_ERR_STORAGE: the device failed and the record is not there.
 */
SBS_NODISCARD sbs_status sbs_flash_log_append(sbs_flash_log *log, sbs_flash_log_record *record,
                                              const sbs_flash_log_part *parts, size_t count);

/** Copies a record to the end of the log with @p aux for its own, checking it on the way: SBS_ERR_DAMAGED and no
 *  copy. For the owner's move(). */
SBS_NODISCARD sbs_status sbs_flash_log_move(sbs_flash_log *log, const sbs_flash_log_record *record, uint8_t aux);

/** Gives up the oldest sector after its live records were copied. SBS_ERR_NOT_FOUND if there is none. */
SBS_NODISCARD sbs_status sbs_flash_log_compact(sbs_flash_log *log);

/** The newest live sector that holds something behind its records: what is left of an operation that was cut. 0: none.
 *  SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_flash_log_torn(sbs_flash_log *log, uint32_t *out_sector);

/** Erases every free sector that is not blank, for the sake of what was in it. SBS_ERR_STORAGE; else as
 *  sbs_flash_log_compact(). */
SBS_NODISCARD sbs_status sbs_flash_log_erase_free(sbs_flash_log *log);

/** Bytes of flash that a record with @p len bytes of payload takes. */
uint32_t sbs_flash_log_extent(const sbs_flash_log *log, size_t len);
/** Bytes of records that a sector holds. */
uint32_t sbs_flash_log_usable(const sbs_flash_log *log);
/** Sectors without live records; at least 1. */
uint32_t sbs_flash_log_free(const sbs_flash_log *log);

#ifdef __cplusplus
}
#endif
#endif
