/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "atomic_file.h"
#include "bytes.h"
#include "sbs/crc32.h"
#include "sbs/text.h"

/*
 * A record's file: "SBSR", version, three zero bytes, CRC-32 (little-endian), then the data up to the end of the file.
 * The CRC covers the name with its NUL, the first eight bytes, and the data. Every version keeps magic, version and CRC
 * at these places, so that a damaged file is told from one of a newer version.
 */
#define HEADER_SIZE 12u
#define CRC_AT 8u
static const uint8_t magic[4] = {'S', 'B', 'S', 'R'};

/* '.' stands in no name, so a temporary file collides with no record. */
#define TEMPORARY_SUFFIX ".new"

/* A lock that nobody gives back is a failure after this long: a process that was stopped must not stop others. */
#define LOCK_TRIES 1000u
#define LOCK_PAUSE_NS 10000000

static sbs_status storage_fail(sbs_linux_storage *storage, int error) {
    storage->priv.error = error;
    return SBS_ERR_STORAGE;
}

static sbs_status storage_result(sbs_linux_storage *storage, int error) {
    if (error == 0) {
        return SBS_OK;
    }

    return storage_fail(storage, error);
}

static bool is_name(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return name[len] == '\0' && len >= 1 && len <= SBS_STORAGE_NAME_MAX && name[0] != '-';
}

static uint32_t record_crc_start(const char *name, const uint8_t header[HEADER_SIZE]) {
    return sbs_crc32(sbs_crc32(0, name, strlen(name) + 1), header, CRC_AT);
}

/* Reads @p size bytes or up to the end of the file. */
static bool read_up_to(int fd, uint8_t *buffer, size_t size, size_t *out_len) {
    *out_len = 0;

    while (*out_len < size) {
        ssize_t count = read(fd, buffer + *out_len, size - *out_len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return false;
        }
        if (count == 0) {
            return true;
        }

        *out_len += (size_t)count;
    }

    return true;
}

/* Reads and checks the whole record, also where it does not fit into the buffer: only then is its size known to be
 * true. */
static sbs_status record_read(sbs_linux_storage *storage, int fd, const char *name, uint8_t *buffer, size_t size,
                              size_t *out_len) {
    uint8_t header[HEADER_SIZE];
    uint8_t part[256];
    size_t part_len = 0;
    size_t len = 0;
    if (!read_up_to(fd, header, sizeof header, &part_len)) {
        return storage_fail(storage, errno);
    }

    /* A file that was planted or cut. */
    if (part_len < sizeof header || memcmp(header, magic, sizeof magic) != 0) {
        return SBS_ERR_DAMAGED;
    }

    uint32_t crc = record_crc_start(name, header);
    do {
        if (!read_up_to(fd, part, sizeof part, &part_len)) {
            int error = errno;
            sbs_wipe(part, sizeof part);
            return storage_fail(storage, error);
        }

        /* What does not fit is read on, for the checksum. */
        crc = sbs_crc32(crc, part, part_len);
        if (len <= size && part_len <= size - len && part_len != 0) {
            memcpy(buffer + len, part, part_len);
        }
        len += part_len;
    } while (part_len == sizeof part && len <= SBS_LINUX_RECORD_MAX);
    sbs_wipe(part, sizeof part);

    /* First whether it is whole: damage must not pass for a newer version. */
    if (crc != sbs_bytes_get_u32(header + CRC_AT)) {
        return SBS_ERR_DAMAGED;
    }
    if (header[4] != SBS_LINUX_STORAGE_FORMAT) {
        return SBS_ERR_VERSION;
    }

    *out_len = len;
    return len <= size ? SBS_OK : SBS_ERR_BUFFER;
}

/* O_NONBLOCK: a FIFO under a record's name must not stop the program. */
static sbs_status record_open(sbs_linux_storage *storage, const char *name, int *out_fd) {
    struct stat info;
    *out_fd = openat(storage->priv.folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*out_fd < 0 && errno == ENOENT) {
        return SBS_ERR_NOT_FOUND;
    }
    if (*out_fd < 0) {
        return storage_fail(storage, errno);
    }

    if (fstat(*out_fd, &info) == 0 && S_ISREG(info.st_mode)) {
        return SBS_OK;
    }

    (void)close(*out_fd);
    return storage_fail(storage, EINVAL);
}

static sbs_status storage_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_linux_storage *storage = ctx;
    int fd;

    *out_len = 0;
    if (!is_name(name)) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = record_open(storage, name, &fd);
    if (status != SBS_OK) {
        return status;
    }

    status = record_read(storage, fd, name, buffer, size, out_len);
    (void)close(fd);

    /* A record that is not whole may be a part of a key. */
    if (status != SBS_OK) {
        sbs_wipe(buffer, size);
    }
    return status;
}

/* One writer at a time among all processes; the lock ends with the process at the latest. */
static int folder_lock(int folder_fd) {
    struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    for (unsigned tries = 0; flock(folder_fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EINTR && errno != EWOULDBLOCK) {
            return errno;
        }
        if (tries == LOCK_TRIES) {
            return ETIMEDOUT;
        }

        (void)nanosleep(&pause, NULL);
    }

    return 0;
}

static sbs_status storage_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    sbs_linux_storage *storage = ctx;
    uint8_t header[HEADER_SIZE] = {0};
    char temporary[SBS_STORAGE_NAME_MAX + sizeof TEMPORARY_SUFFIX];

    if (!is_name(name) || len > SBS_LINUX_RECORD_MAX) {
        return SBS_ERR_ARGUMENT;
    }

    memcpy(header, magic, sizeof magic);
    header[4] = SBS_LINUX_STORAGE_FORMAT;
    sbs_bytes_put_u32(header + CRC_AT, sbs_crc32(record_crc_start(name, header), data, len));
    sbs_file_content content = {header, sizeof header, data, len};

    /* The lock makes the name of the temporary file this process's. */
    memcpy(temporary, name, strlen(name));
    memcpy(temporary + strlen(name), TEMPORARY_SUFFIX, sizeof TEMPORARY_SUFFIX);
    int error = folder_lock(storage->priv.folder_fd);
    if (error != 0) {
        return storage_fail(storage, error);
    }

    error = sbs_atomic_replace(storage->priv.folder_fd, name, temporary, &content, 0600, true);
    (void)flock(storage->priv.folder_fd, LOCK_UN);
    return storage_result(storage, error);
}

static sbs_status storage_remove(void *ctx, const char *name) {
    sbs_linux_storage *storage = ctx;
    if (!is_name(name)) {
        return SBS_ERR_ARGUMENT;
    }

    if (unlinkat(storage->priv.folder_fd, name, 0) == 0) {
        return storage_result(storage, sbs_sync_folder(storage->priv.folder_fd));
    }
    if (errno == ENOENT) {
        return SBS_ERR_NOT_FOUND;
    }

    return storage_fail(storage, errno);
}

static const sbs_storage_ops storage_ops = {
    .get = storage_get,
    .set = storage_set,
    .remove = storage_remove,
};

/* Whoever may write to the folder may replace keys and configuration. */
static int folder_check(int folder_fd) {
    struct stat info;
    if (fstat(folder_fd, &info) != 0) {
        return errno;
    }

    bool is_ours_alone = info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    return is_ours_alone ? 0 : EPERM;
}

/* A new folder outlives a power cut once the one above it is on the disk: before that no record in it does. */
static int parent_sync(const char *path) {
    char above[PATH_MAX];
    if (strlen(path) >= sizeof above) {
        return ENAMETOOLONG;
    }

    (void)strcpy(above, path);

    int fd = open(dirname(above), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) {
        return 0; /* one may make a folder where one may not read */
    }
    if (fd < 0) {
        return errno;
    }

    int error = sbs_sync_folder(fd);
    (void)close(fd);
    return error;
}

sbs_status sbs_linux_storage_open(sbs_linux_storage *storage, const char *path, sbs_storage *out_storage) {
    storage->priv.error = 0;
    storage->priv.folder_fd = -1;

    bool is_made = mkdir(path, 0700) == 0;
    if (!is_made && errno != EEXIST) {
        return storage_fail(storage, errno);
    }

    storage->priv.folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (storage->priv.folder_fd < 0) {
        return storage_fail(storage, errno);
    }

    /* Looked at after it was opened: nobody can put another one in its place between. */
    int error = folder_check(storage->priv.folder_fd);
    if (error == 0 && is_made) {
        error = parent_sync(path);
    }
    if (error != 0) {
        sbs_linux_storage_close(storage);
        return storage_fail(storage, error);
    }

    *out_storage = (sbs_storage){&storage_ops, storage};
    return SBS_OK;
}

void sbs_linux_storage_close(sbs_linux_storage *storage) {
    if (storage->priv.folder_fd >= 0) {
        (void)close(storage->priv.folder_fd);
        storage->priv.folder_fd = -1;
    }
}

int sbs_linux_storage_error(const sbs_linux_storage *storage) {
    return storage->priv.error;
}
