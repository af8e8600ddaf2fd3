/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_cut_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8
#define NAME_SIZE 64
#define SECTOR 512u
#define REGIONS_MAX 16

typedef struct disk_image {
    uint8_t *data;
    size_t len, size;
    bool exists;
} disk_image;

/* A change since the last sync: bytes at an offset, or (no data) a new length. */
typedef struct disk_change {
    size_t at, len;
    uint8_t *data;
    struct disk_change *next;
} disk_change;

typedef struct disk_file {
    char name[NAME_SIZE];
    disk_image now, synced;
    disk_change *first, *last;
    void *regions[REGIONS_MAX]; /* shared memory of the write-ahead log's index */
} disk_file;

typedef struct open_file {
    sqlite3_file base;
    disk_file *file;
} open_file;

static struct {
    disk_file files[FILES_MAX];
    unsigned operations, at, syncs;
    size_t limit, written;
    bool off;
} disk;

static void *must(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- images -------------------------------------------------------------------------------------------------- */

static void resize(disk_image *image, size_t len) {
    if (len > image->size) {
        image->size = len * 2;
        image->data = must(realloc(image->data, image->size));
    }
    if (len > image->len) {
        memset(image->data + image->len, 0, len - image->len);
    }
    image->len = len;
}

static void put(disk_image *image, size_t at, const void *data, size_t len) {
    if (at + len > image->len) {
        resize(image, at + len);
    }
    memcpy(image->data + at, data, len);
}

static void copy_image(disk_image *to, const disk_image *from) {
    to->len = 0;
    if (from->len > 0) {
        put(to, 0, from->data, from->len);
    }
    to->exists = from->exists;
}

static void add_change(disk_file *file, size_t at, const void *data, size_t len) {
    disk_change *entry = must(calloc(1, sizeof *entry));
    entry->at = at;
    entry->len = len;
    if (data != NULL) {
        entry->data = must(malloc(len));
        memcpy(entry->data, data, len);
    }
    *(file->last == NULL ? &file->first : &file->last->next) = entry;
    file->last = entry;
}

static void forget_changes(disk_file *file) {
    while (file->first != NULL) {
        disk_change *next = file->first->next;
        free(file->first->data);
        free(file->first);
        file->first = next;
    }
    file->last = NULL;
}

static void forget_regions(disk_file *file) {
    for (unsigned i = 0; i < REGIONS_MAX; i++) {
        free(file->regions[i]);
        file->regions[i] = NULL;
    }
}

static disk_file *find(const char *name, bool make) {
    disk_file *unused = NULL;
    for (unsigned i = 0; i < FILES_MAX; i++) {
        disk_file *file = &disk.files[i];
        if (strcmp(file->name, name) == 0) {
            return file;
        }
        unused = unused == NULL && file->name[0] == '\0' ? file : unused;
    }
    if (!make) {
        return NULL;
    }
    if (unused == NULL || strlen(name) >= NAME_SIZE) {
        abort();
    }
    (void)snprintf(unused->name, NAME_SIZE, "%s", name);
    return unused;
}

/* Counts an operation; true if the power is gone with it or was before. */
static bool power_fails(void) {
    if (!disk.off) {
        disk.operations++;
        disk.off = disk.operations == disk.at;
    }
    return disk.off;
}

/* ---- the file's methods -------------------------------------------------------------------------------------- */

static disk_file *file_of(sqlite3_file *file) {
    return ((open_file *)(void *)file)->file;
}

static int file_close(sqlite3_file *file) {
    (void)file;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *handle, void *buffer, int amount, sqlite3_int64 offset) {
    const disk_image *image = &file_of(handle)->now;
    size_t at = (size_t)offset;
    size_t len = (size_t)amount;
    if (disk.off) {
        return SQLITE_IOERR_READ;
    }
    size_t there = at >= image->len ? 0 : image->len - at;
    size_t count = there < len ? there : len;
    if (count > 0) {
        memcpy(buffer, image->data + at, count);
    }
    memset((uint8_t *)buffer + count, 0, len - count);
    return count < len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *handle, const void *data, int amount, sqlite3_int64 offset) {
    disk_file *file = file_of(handle);
    size_t at = (size_t)offset;
    size_t len = (size_t)amount;
    size_t growth = at + len > file->now.len ? at + len - file->now.len : 0;
    bool was_off = disk.off;
    if (disk.limit != 0 && growth > 0 && cut_vfs_size() + growth > disk.limit) {
        return SQLITE_FULL;
    }
    bool fails = power_fails();
    if (!was_off) {
        disk.written += len;
        add_change(file, at, data, len);
        put(&file->now, at, data, len);
    }
    return fails ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int file_truncate(sqlite3_file *handle, sqlite3_int64 size) {
    disk_file *file = file_of(handle);
    bool was_off = disk.off;
    bool fails = power_fails();
    if (!was_off) {
        add_change(file, (size_t)size, NULL, 0);
        resize(&file->now, (size_t)size);
    }
    return fails ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/* Removals are certain then. */
static void sync_folder(void) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        disk_file *file = &disk.files[i];
        if (!file->now.exists) {
            file->synced.exists = false;
            file->synced.len = 0;
            forget_changes(file);
        }
    }
}

static int file_sync(sqlite3_file *handle, int flags) {
    disk_file *file = file_of(handle);
    (void)flags;
    if (power_fails()) {
        return SQLITE_IOERR_FSYNC;
    }
    if (!file->synced.exists && strchr(file->name, '-') != NULL) {
        sync_folder(); /* as SQLite's own VFS does at the first sync of a new journal or log */
    }
    disk.syncs++;
    copy_image(&file->synced, &file->now);
    forget_changes(file);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *handle, sqlite3_int64 *out_size) {
    *out_size = (sqlite3_int64)file_of(handle)->now.len;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *handle, int level) {
    (void)handle;
    (void)level;
    return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *handle, int *out_locked) {
    (void)handle;
    *out_locked = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *handle, int operation, void *argument) {
    (void)handle;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *handle) {
    (void)handle;
    return (int)SECTOR;
}

static int file_characteristics(sqlite3_file *handle) {
    (void)handle;
    return 0;
}

static int shm_map(sqlite3_file *handle, int region, int size, int extend, void volatile **out) {
    disk_file *file = file_of(handle);
    if (region >= REGIONS_MAX) {
        abort();
    }
    if (file->regions[region] == NULL && extend) {
        file->regions[region] = must(calloc(1, (size_t)size));
    }
    *out = file->regions[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *handle, int offset, int count, int flags) {
    (void)handle;
    (void)offset;
    (void)count;
    (void)flags;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *handle) {
    (void)handle;
}

static int shm_unmap(sqlite3_file *handle, int delete) {
    (void)delete;
    forget_regions(file_of(handle));
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ---- the VFS's methods --------------------------------------------------------------------------------------- */

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *handle, int flags, int *out_flags) {
    (void)vfs;
    open_file *opened = (open_file *)(void *)handle;
    opened->base.pMethods = NULL;
    disk_file *file = name == NULL ? NULL : find(name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (file == NULL || disk.off || (!file->now.exists && (flags & SQLITE_OPEN_CREATE) == 0)) {
        return SQLITE_CANTOPEN;
    }
    if (!file->now.exists) {
        /* A removal becomes certain before the same name is given again, as file systems with a journal have it. */
        file->synced.exists = false;
        file->synced.len = file->now.len = 0;
        forget_changes(file);
        file->now.exists = true;
    }
    opened->base.pMethods = &methods;
    opened->file = file;
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int synced) {
    (void)vfs;
    disk_file *file = find(name, false);
    bool was_off = disk.off;
    if (file == NULL || !file->now.exists) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    bool fails = power_fails();
    if (!was_off) {
        file->now.exists = false;
        file->now.len = 0;
    }
    if (!fails && synced) {
        sync_folder();
    }
    return fails ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    (void)flags;
    const disk_file *file = find(name, false);
    *out = file != NULL && file->now.exists;
    return disk.off ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int disk_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    (void)snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

void cut_vfs_register(void) {
    static sqlite3_vfs vfs;
    if (vfs.zName == NULL) {
        vfs = *sqlite3_vfs_find(NULL); /* the clock, the random numbers */
        vfs.iVersion = 2;
        vfs.szOsFile = sizeof(open_file);
        vfs.mxPathname = NAME_SIZE;
        vfs.zName = CUT_VFS;
        vfs.xOpen = disk_open;
        vfs.xDelete = disk_delete;
        vfs.xAccess = disk_access;
        vfs.xFullPathname = disk_full_path;
        if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
            abort();
        }
    }
}

/* ---- the power ----------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u; /* SplitMix64 */
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

typedef enum { NOTHING, EVERYTHING, SOME_SECTORS } survival;

static void apply(disk_image *image, const disk_change *change, survival what, uint64_t *random) {
    if (change->data == NULL) {
        if (what == EVERYTHING || next_random(random) % 2 == 0) {
            resize(image, change->at);
        }
        return;
    }
    for (size_t at = 0; at < change->len;) {
        size_t end = (change->at + at) / SECTOR * SECTOR + SECTOR - change->at;
        size_t stop = end < change->len ? end : change->len;
        if (what == EVERYTHING || next_random(random) % 2 == 0) {
            put(image, change->at + at, change->data + at, stop - at);
        }
        at = stop;
    }
}

static void restart_file(disk_file *file, uint64_t *random) {
    survival what = (survival)(next_random(random) % 3);
    bool removed = !file->now.exists;
    if (removed || !file->synced.exists) {
        /* A removal, or a new file, may have reached the disk or not. */
        file->synced.exists = next_random(random) % 2 == 0 && (file->synced.exists || !removed);
    }
    if (file->synced.exists && !removed) {
        for (const disk_change *change = file->first; change != NULL && what != NOTHING; change = change->next) {
            apply(&file->synced, change, what, random);
        }
    }
    if (!file->synced.exists) {
        file->synced.len = 0;
    }
    forget_changes(file);
    forget_regions(file);
    copy_image(&file->now, &file->synced);
}

void cut_vfs_restart(uint64_t seed) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        restart_file(&disk.files[i], &seed);
    }
    disk.off = false;
    disk.at = 0;
}

void cut_vfs_kill(void) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        forget_regions(&disk.files[i]);
    }
    disk.off = false;
    disk.at = 0;
}

void cut_vfs_put(const char *name, const void *data, size_t len) {
    disk_file *file = find(name, true);
    forget_changes(file);
    file->synced.len = 0;
    if (len > 0) {
        put(&file->synced, 0, data, len);
    }
    file->synced.exists = true;
    copy_image(&file->now, &file->synced);
}

void cut_vfs_arm(unsigned at) {
    disk.operations = 0;
    disk.syncs = 0;
    disk.written = 0;
    disk.at = at;
}

unsigned cut_vfs_operations(void) {
    return disk.operations;
}

unsigned cut_vfs_syncs(void) {
    return disk.syncs;
}

size_t cut_vfs_written(void) {
    return disk.written;
}

bool cut_vfs_is_off(void) {
    return disk.off;
}

void cut_vfs_limit(size_t bytes) {
    disk.limit = bytes;
}

size_t cut_vfs_size(void) {
    size_t total = 0;
    for (unsigned i = 0; i < FILES_MAX; i++) {
        total += disk.files[i].now.len;
    }
    return total;
}

void cut_vfs_reset(void) {
    for (unsigned i = 0; i < FILES_MAX; i++) {
        forget_changes(&disk.files[i]);
        forget_regions(&disk.files[i]);
        free(disk.files[i].now.data);
        free(disk.files[i].synced.data);
    }
    memset(&disk, 0, sizeof disk);
}
