/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
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

static sbs_status fail(sbs_linux_storage *storage, int error) {
    storage->priv.error = error;
    return SBS_ERR_STORAGE;
}

static bool is_name(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return name[len] == '\0' && len >= 1 && len <= SBS_STORAGE_NAME_MAX && name[0] != '-';
}

static uint32_t begin_crc(const char *name, const uint8_t header[HEADER_SIZE]) {
    return sbs_crc32(sbs_crc32(0, name, strlen(name) + 1), header, CRC_AT);
}

static void put_crc(uint8_t header[HEADER_SIZE], uint32_t crc) {
    for (unsigned i = 0; i < 4; i++) {
        header[CRC_AT + i] = (uint8_t)(crc >> (8 * i));
    }
}

static uint32_t get_crc(const uint8_t header[HEADER_SIZE]) {
    uint32_t crc = 0;
    for (unsigned i = 0; i < 4; i++) {
        crc |= (uint32_t)header[CRC_AT + i] << (8 * i);
    }
    return crc;
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
            break;
        }
        *out_len += (size_t)count;
    }
    return true;
}

/* Reads and checks the whole record, also where it does not fit into the buffer: only then is its size known to be
 * true. */
static sbs_status read_record(sbs_linux_storage *storage, int fd, const char *name, uint8_t *buffer, size_t size,
                              size_t *out_len) {
    uint8_t header[HEADER_SIZE];
    uint8_t part[256];
    size_t part_len = 0;
    size_t len = 0;
    if (!read_up_to(fd, header, sizeof header, &part_len)) {
        return fail(storage, errno);
    }
    if (part_len < sizeof header || memcmp(header, magic, sizeof magic) != 0) {
        return SBS_ERR_DAMAGED;
    }
    uint32_t crc = begin_crc(name, header);
    do {
        if (!read_up_to(fd, part, sizeof part, &part_len)) {
            return fail(storage, errno);
        }
        crc = sbs_crc32(crc, part, part_len);
        if (len <= size && part_len <= size - len && part_len != 0) {
            memcpy(buffer + len, part, part_len);
        }
        len += part_len;
    } while (part_len == sizeof part && len <= SBS_LINUX_RECORD_MAX);
    sbs_wipe(part, sizeof part);
    if (crc != get_crc(header)) {
        return SBS_ERR_DAMAGED;
    }
    if (header[4] != SBS_LINUX_STORAGE_FORMAT) {
        return SBS_ERR_VERSION;
    }
    *out_len = len;
    return len <= size ? SBS_OK : SBS_ERR_BUFFER;
}

/* O_NONBLOCK: a FIFO under a record's name must not stop the program. */
static sbs_status open_record(sbs_linux_storage *storage, const char *name, int *out_fd) {
    struct stat info;
    *out_fd = openat(storage->priv.folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*out_fd < 0) {
        return errno == ENOENT ? SBS_ERR_NOT_FOUND : fail(storage, errno);
    }
    if (fstat(*out_fd, &info) == 0 && S_ISREG(info.st_mode)) {
        return SBS_OK;
    }
    (void)close(*out_fd);
    return fail(storage, EINVAL);
}

static sbs_status storage_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_linux_storage *storage = ctx;
    int fd;
    *out_len = 0;
    if (!is_name(name)) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = open_record(storage, name, &fd);
    if (status != SBS_OK) {
        return status;
    }
    status = read_record(storage, fd, name, buffer, size, out_len);
    (void)close(fd);
    if (status != SBS_OK) {
        sbs_wipe(buffer, size);
    }
    return status;
}

/* One writer at a time among all processes; the lock ends with the process at the latest. */
static int lock_folder(int folder_fd) {
    while (flock(folder_fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            return errno;
        }
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
    put_crc(header, sbs_crc32(begin_crc(name, header), data, len));
    memcpy(temporary, name, strlen(name));
    memcpy(temporary + strlen(name), TEMPORARY_SUFFIX, sizeof TEMPORARY_SUFFIX);
    sbs_file_content content = {header, sizeof header, data, len};
    int error = lock_folder(storage->priv.folder_fd);
    if (error == 0) {
        error = sbs_atomic_replace(storage->priv.folder_fd, name, temporary, &content, 0600, true);
        (void)flock(storage->priv.folder_fd, LOCK_UN);
    }
    return error == 0 ? SBS_OK : fail(storage, error);
}

static sbs_status storage_remove(void *ctx, const char *name) {
    sbs_linux_storage *storage = ctx;
    if (!is_name(name)) {
        return SBS_ERR_ARGUMENT;
    }
    if (unlinkat(storage->priv.folder_fd, name, 0) != 0) {
        return errno == ENOENT ? SBS_ERR_NOT_FOUND : fail(storage, errno);
    }
    int error = sbs_sync_folder(storage->priv.folder_fd);
    return error == 0 ? SBS_OK : fail(storage, error);
}

static const sbs_storage_ops storage_ops = {
    .get = storage_get,
    .set = storage_set,
    .remove = storage_remove,
};

/* Whoever may write to the folder may replace keys and configuration. */
static int check_folder(int folder_fd) {
    struct stat info;
    if (fstat(folder_fd, &info) != 0) {
        return errno;
    }
    return info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : EPERM;
}

sbs_status sbs_linux_storage_open(sbs_linux_storage *storage, const char *path, sbs_storage *out_storage) {
    storage->priv.error = 0;
    storage->priv.folder_fd = -1;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return fail(storage, errno);
    }
    storage->priv.folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (storage->priv.folder_fd < 0) {
        return fail(storage, errno);
    }
    int error = check_folder(storage->priv.folder_fd);
    if (error != 0) {
        sbs_linux_storage_close(storage);
        return fail(storage, error);
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
