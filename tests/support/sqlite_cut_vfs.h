/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SQLite VFS in memory whose power can be cut. Each file is what was written and, apart from it, what was synced.
 * At the restart the writes since the last sync are there, or not, or some of their sectors are; so are a truncation,
 * a removal, and the existence of a new file.
 */
#ifndef SQLITE_CUT_VFS_H
#define SQLITE_CUT_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUT_VFS "cut"

/* Registers the VFS under CUT_VFS, once. */
void cut_vfs_register(void);

/* Forgets all files, counts and settings. */
void cut_vfs_reset(void);

/* The power goes at the operation (write, sync, removal, truncation) with this number from now on; 0: it stays. */
void cut_vfs_arm(unsigned at);

/* Operations since cut_vfs_arm(). */
unsigned cut_vfs_operations(void);
bool cut_vfs_is_off(void);

/* Syncs of files, and bytes written to them, since cut_vfs_arm(). */
unsigned cut_vfs_syncs(void);
size_t cut_vfs_written(void);

/* The power comes back; @p seed decides what of the unsynced is there. Every connection must be closed. */
void cut_vfs_restart(uint64_t seed);

/* The process is gone instead, and another one comes: all that it wrote is there. Every connection must be closed. */
void cut_vfs_kill(void);

/* A file as it lies on the disk. */
void cut_vfs_put(const char *name, const void *data, size_t len);

/* Writes that would make the files together larger than this fail with SQLITE_FULL; 0: no limit. */
void cut_vfs_limit(size_t bytes);

/* Bytes of all files. */
size_t cut_vfs_size(void);

#endif
