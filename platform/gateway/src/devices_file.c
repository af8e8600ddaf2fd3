/* SPDX-License-Identifier: Apache-2.0 */
#include "devices_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_internal.h"
#include "sbs/forward_buffer.h"
#include "sbs/linux_file.h"

#define FIRST_LINE "sbs-gateway secrets 1"
#define FILE_MAX_BYTES (256u << 10)
#define HASH_DIGITS 64u

/* ---- which file it is -------------------------------------------------------------------------------------------- */

/* All zero: there is none. */
static bool stamp_take(const char *path, int64_t stamp[5], struct stat *info) {
    memset(stamp, 0, 5 * sizeof *stamp);
    if (stat(path, info) != 0) {
        return errno == ENOENT;
    }

    stamp[0] = (int64_t)info->st_dev;
    stamp[1] = (int64_t)info->st_ino;
    stamp[2] = (int64_t)info->st_size;
    stamp[3] = (int64_t)info->st_mtim.tv_sec;
    stamp[4] = (int64_t)info->st_mtim.tv_nsec;
    return true;
}

bool sbs_devices_file_is(const char *path, const int64_t stamp[5]) {
    struct stat info;
    int64_t present[5];
    return stamp_take(path, present, &info) && memcmp(present, stamp, sizeof present) == 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool hash_read(const char *text, uint8_t out[32]) {
    if (strlen(text) != HASH_DIGITS) {
        return false;
    }

    for (size_t i = 0; i < 32; i++) {
        int byte = sbs_hex_byte(text + 2 * i);
        if (byte < 0) {
            return false;
        }
        out[i] = (uint8_t)byte;
    }
    return true;
}

/* "NAME HASH TIME", the time "-" if it was not known. The line is changed. */
static bool line_read(char *line, sbs_gateway_secret *out) {
    char *rest = NULL;
    const char *name = strtok_r(line, " ", &rest);
    const char *hash = strtok_r(NULL, " ", &rest);
    const char *time = strtok_r(NULL, " ", &rest);
    if (time == NULL || strtok_r(NULL, " ", &rest) != NULL || !sbs_config_is_name(name) ||
        !hash_read(hash, out->hash)) {
        return false;
    }
    (void)snprintf(out->name, sizeof out->name, "%s", name);

    out->made_s = SBS_UTC_UNKNOWN;
    if (strcmp(time, "-") != 0) {
        uint64_t made = 0;
        if (sbs_text_to_uint(sbs_text_of(time), &made) != SBS_OK || made > INT64_MAX) {
            return false;
        }
        out->made_s = (int64_t)made;
    }
    return true;
}

static sbs_status list_add(devices_list *list, char *line) {
    sbs_gateway_secret secret = {0};
    if (list->count == SBS_GATEWAY_SECRETS_MAX || !line_read(line, &secret)) {
        return SBS_ERR_FORMAT;
    }

    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->secrets[i].name, secret.name) == 0) {
            return SBS_ERR_FORMAT;
        }
    }

    sbs_gateway_secret *grown = realloc(list->secrets, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return SBS_ERR_MEMORY;
    }
    list->secrets = grown;
    list->secrets[list->count++] = secret;
    return SBS_OK;
}

static sbs_status list_read(devices_list *list, char *text) {
    char *rest = NULL;
    const char *first = strtok_r(text, "\n", &rest);
    if (first == NULL || strcmp(first, FIRST_LINE) != 0) {
        return SBS_ERR_FORMAT;
    }

    sbs_status status = SBS_OK;
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL && status == SBS_OK;
         line = strtok_r(NULL, "\n", &rest)) {
        status = list_add(list, line);
    }
    return status;
}

/* Who can write the file can be any device. */
static sbs_status file_check(const struct stat *info) {
    bool mine = info->st_uid == geteuid() || geteuid() == 0;
    if (!S_ISREG(info->st_mode)) {
        return SBS_ERR_FORMAT;
    }
    if (!mine || (info->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return SBS_ERR_FORBIDDEN;
    }
    return SBS_OK;
}

sbs_status sbs_devices_file_read(const char *path, devices_list *out) {
    sbs_linux_blob blob = {0};
    struct stat info;
    *out = (devices_list){0};
    if (!stamp_take(path, out->stamp, &info)) {
        return SBS_ERR_STORAGE;
    }
    if (out->stamp[1] == 0) {
        return SBS_OK; /* none was made yet */
    }

    sbs_status status = file_check(&info);
    if (status == SBS_OK) {
        status = sbs_linux_file_read(path, FILE_MAX_BYTES, &blob);
    }
    if (status == SBS_ERR_TOO_LARGE) {
        status = SBS_ERR_FORMAT;
    } else if (status == SBS_ERR_NOT_FOUND) {
        status = SBS_ERR_STORAGE; /* it went between the two looks */
    }

    if (status == SBS_OK && memchr(blob.data, '\0', blob.len) != NULL) {
        status = SBS_ERR_FORMAT;
    }
    if (status == SBS_OK) {
        status = list_read(out, blob.data);
    }
    sbs_linux_blob_free(&blob);

    if (status != SBS_OK) {
        free(out->secrets);
        *out = (devices_list){0};
    }
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The folder that @p path is in, opened; -1: errno. */
static int folder_open(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = 0;
    if (slash == NULL) {
        len = snprintf(folder, sizeof folder, ".");
    } else {
        len = snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    }

    if (len < 0 || (size_t)len >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

sbs_status sbs_devices_file_lock(const char *path, int *out_lock) {
    int folder = folder_open(path);
    *out_lock = folder;
    if (folder < 0) {
        return SBS_ERR_STORAGE;
    }

    while (flock(folder, LOCK_EX) != 0) {
        if (errno != EINTR) {
            return SBS_ERR_STORAGE;
        }
    }
    return SBS_OK;
}

void sbs_devices_file_unlock(int lock) {
    if (lock >= 0) {
        (void)close(lock);
    }
}

static void line_put(sbs_writer *out, const sbs_gateway_secret *secret) {
    sbs_put_string(out, secret->name);
    sbs_put_char(out, ' ');
    sbs_put_hex(out, secret->hash, sizeof secret->hash);
    sbs_put_char(out, ' ');
    if (secret->made_s < 0) {
        sbs_put_char(out, '-');
    } else {
        sbs_put_int(out, secret->made_s);
    }
    sbs_put_char(out, '\n');
}

/* What the superuser has written is for whom the folder belongs to: the daemon, who is somebody else. */
static sbs_status file_give(const char *path) {
    struct stat folder_info;
    struct stat info;
    if (geteuid() != 0) {
        return SBS_OK;
    }

    int folder = folder_open(path);
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool given = folder >= 0 && file >= 0 && fstat(folder, &folder_info) == 0 && fstat(file, &info) == 0 &&
                 S_ISREG(info.st_mode) && info.st_nlink == 1 &&
                 (info.st_uid == folder_info.st_uid || fchown(file, folder_info.st_uid, folder_info.st_gid) == 0);
    sbs_devices_file_unlock(folder);
    sbs_devices_file_unlock(file);

    if (!given) {
        return SBS_ERR_STORAGE;
    }
    return SBS_OK;
}

sbs_status sbs_devices_file_write(const char *path, const sbs_gateway_secret *secrets, size_t count, int64_t stamp[5]) {
    sbs_forward_buffer text = {0};
    struct stat info;
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &text);
    sbs_put_string(&out, FIRST_LINE "\n");
    for (size_t i = 0; i < count; i++) {
        line_put(&out, &secrets[i]);
    }

    sbs_status status = sbs_writer_finish(&out, NULL);
    if (status == SBS_OK) {
        status = sbs_linux_file_write(path, text.data, text.len, SBS_LINUX_PRIVATE, true);
    }
    sbs_forward_buffer_free(&text);

    if (status == SBS_OK) {
        status = file_give(path);
    }
    if (status == SBS_OK && !stamp_take(path, stamp, &info)) {
        status = SBS_ERR_STORAGE;
    }
    return status;
}
