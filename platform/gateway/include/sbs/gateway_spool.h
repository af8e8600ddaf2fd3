/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_spool.h
 * Files as input: a device with protocol = spool puts files into its folder; each holds an Observation, a Bundle
 * (batch, transaction or collection), or NDJSON (an Observation a line). A file is stored wholly or not at all.
 *
 *     NAME, unchanged for 2 s ──rename──▶ .sbs-NAME ──store, commit──▶ gone
 *                                            └──▶ refused: NAME again, with NAME.why beside it
 *
 * What begins with a dot or ends with .part, .tmp or .why is left alone: write under such a name and rename. A refused
 * file is looked at again when it, or NAME.why, changed or went. After a crash .sbs-NAME is taken again; what was
 * stored is known by its identifiers, without one by its content (and where it has no time, by its name, too). Links,
 * devices and files of others than the folder's owner, the superuser and the gateway itself are not read.
 */
#ifndef SBS_GATEWAY_SPOOL_H
#define SBS_GATEWAY_SPOOL_H

#include "sbs/gateway_intake.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_SPOOL_STILL_MS 2000u /**< how long a file must not have changed */
#define SBS_GATEWAY_SPOOL_FILES_MAX 64u  /**< that are taken in one turn */

/** A file that was seen. */
typedef struct sbs_gateway_sighting {
    char *name;
    uint64_t inode;
    int64_t size, changed_s, changed_ns; /* of its state (ctime) */
    int64_t written_s, written_ns;       /* of its bytes (mtime) */
    uint64_t since_ms;                   /* unchanged */
} sbs_gateway_sighting;

/** A device's folder. */
typedef struct sbs_gateway_spool_folder {
    const sbs_gateway_device *device;
    int watch;                  /* of inotify, -1: none */
    sbs_gateway_sighting *seen; /* by name */
    size_t count;
} sbs_gateway_spool_folder;

/** Zero-initialise; it must not move while it is open. */
typedef struct sbs_gateway_spool {
    struct {
        const sbs_gateway_intake *intake;
        sbs_gateway_spool_folder *folders;
        size_t count;
        int notify;       /* descriptor, -1 */
        uint64_t scan_ms; /* when the folders are looked at next */
        struct {
            size_t folder;
            char *name;                          /* without ".sbs-" */
            int64_t size, written_s, written_ns; /* as it was read */
        } taken[SBS_GATEWAY_SPOOL_FILES_MAX];    /* stored, and not durable yet */
        size_t taken_count;
    } priv;
} sbs_gateway_spool;

/**
 * Begins with the folders of the configuration, which are made where they are missing and can be. What cannot be
 * watched is looked at from time to time. @p intake must outlive it, and its configuration, queue and counts.
 * @return SBS_OK; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_gateway_spool_open(sbs_gateway_spool *spool, const sbs_gateway_intake *intake);
/** Becomes readable when a folder changed; -1: there is nothing to watch. */
int sbs_gateway_spool_descriptor(const sbs_gateway_spool *spool);
/**
 * Looks at the folders where it is time, and takes files that are due: at most SBS_GATEWAY_SPOOL_FILES_MAX.
 * @param now         as for sbs_gateway_intake_http().
 * @param out_wait_ms at the latest then it is to be called again.
 * @return true: something was stored in the queue's group; call settle() behind its commit and before the next turn.
 */
bool sbs_gateway_spool_turn(sbs_gateway_spool *spool, sbs_now now, uint32_t *out_wait_ms);
/** Removes the files that were stored. @p kept false: the commit failed, and they are taken again. */
void sbs_gateway_spool_settle(sbs_gateway_spool *spool, bool kept);
/** Closes everything; files that were taken and not settled are taken again by the next open(). Legal after
 * zero-initialisation, and twice. */
void sbs_gateway_spool_close(sbs_gateway_spool *spool);

#ifdef __cplusplus
}
#endif
#endif
