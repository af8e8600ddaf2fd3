/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "atomic_file.h"
#include "sbs/count.h"
#include "sbs/text.h"

#define CA_FILE_MAX (16u * 1024u * 1024u)
#define FIRST_SIZE 4096u

/* Closing files on the way may change errno: what the caller reads there is the failure that counts. */
static sbs_status file_fail(int error, sbs_status status) {
    errno = error;
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Doubles the memory, up to the limit and one byte that shows that there is more. The old memory is wiped. */
static bool blob_grow(sbs_linux_blob *blob, size_t *size, size_t max) {
    size_t wanted = *size * 2;
    if (wanted == 0) {
        wanted = FIRST_SIZE;
    }
    if (wanted > max + 2) {
        wanted = max + 2;
    }

    char *larger = malloc(wanted);
    if (larger == NULL) {
        return false;
    }

    if (blob->data != NULL) {
        memcpy(larger, blob->data, blob->len);
        sbs_wipe(blob->data, blob->len);
        free(blob->data);
    }
    blob->data = larger;
    *size = wanted;
    return true;
}

static sbs_status blob_read(int fd, size_t max, sbs_linux_blob *blob) {
    size_t size = 0;
    for (;;) {
        if (blob->len + 1 >= size && !blob_grow(blob, &size, max)) {
            return file_fail(ENOMEM, SBS_ERR_MEMORY);
        }

        ssize_t count = read(fd, blob->data + blob->len, size - 1 - blob->len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return SBS_ERR_STORAGE;
        }

        if (count == 0) {
            blob->data[blob->len] = '\0';
            return SBS_OK;
        }

        /* The memory has room for one byte more than is allowed: that shows what is too large. */
        blob->len += (size_t)count;
        if (blob->len > max) {
            return file_fail(EFBIG, SBS_ERR_TOO_LARGE);
        }
    }
}

sbs_status sbs_linux_file_read(const char *path, size_t max, sbs_linux_blob *out_blob) {
    *out_blob = (sbs_linux_blob){NULL, 0};
    if (max > SIZE_MAX / 4) {
        return file_fail(EINVAL, SBS_ERR_ARGUMENT);
    }

    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return SBS_ERR_NOT_FOUND;
    }
    if (fd < 0) {
        return SBS_ERR_STORAGE;
    }

    sbs_status status = blob_read(fd, max, out_blob);
    int error = errno;

    if (!is_stdin) {
        (void)close(fd);
    }
    if (status != SBS_OK) {
        sbs_linux_blob_free(out_blob);
    }
    return file_fail(error, status);
}

void sbs_linux_blob_free(sbs_linux_blob *blob) {
    if (blob->data != NULL) {
        sbs_wipe(blob->data, blob->len);
        free(blob->data);
    }
    *blob = (sbs_linux_blob){NULL, 0};
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* Opens the folder of @p path; @p out_name is the last part. -1 with errno. */
static int folder_open(const char *path, const char **out_name) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = 0;

    *out_name = path;
    if (slash != NULL) {
        len = (size_t)(slash - path);
        *out_name = slash + 1;
    }
    if (**out_name == '\0' || len >= sizeof folder) {
        errno = EINVAL;
        return -1;
    }

    /* "name" stands in the current folder, "/name" in the root. */
    memcpy(folder, path, len);
    folder[len] = '\0';
    if (slash == NULL) {
        (void)strcpy(folder, ".");
    } else if (len == 0) {
        (void)strcpy(folder, "/");
    }

    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A device or a pipe takes the bytes; to replace it with a file would break it for everybody. */
static bool is_special(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

static int special_write(const char *path, const void *data, size_t len) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno;
    }

    int error = sbs_write_all(fd, data, len);
    if (close(fd) != 0 && error == 0) {
        return errno;
    }

    return error;
}

/* True for a temporary file of a process that is no more: ".sbs-PID-NUMBER.tmp", before without the number. */
static bool is_left_behind(const char *name) {
    if (strncmp(name, ".sbs-", 5) != 0) {
        return false;
    }

    char *end;

    long pid = strtol(name + 5, &end, 10);

    if (*end == '-') {
        end += 1 + strspn(end + 1, "0123456789abcdef");
    }
    return pid > 0 && strcmp(end, ".tmp") == 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Removes what writes left behind that were ended on the way: it may hold a key. */
static void folder_clean(int folder_fd) {
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }

    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        (void)close(fd);
        return;
    }

    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_left_behind(entry->d_name)) {
            (void)unlinkat(folder_fd, entry->d_name, 0);
        }
    }

    (void)closedir(folder);
}

/* No two writes have the same temporary file, whether they are of two threads or of two containers whose processes have
 * the same number: one would give the other's half-written file its name.
 * The time tells containers apart. */
static void temporary_name(char *out, size_t size) {
    static atomic_uint writes;
    struct timespec time = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    unsigned number = atomic_fetch_add(&writes, 1);
    (void)snprintf(out, size, ".sbs-%ld-%lx%08lx%x.tmp", (long)getpid(), (unsigned long)time.tv_sec & 0xffffffffu,
                   (unsigned long)time.tv_nsec, number);
}

static int file_replace(int folder_fd, const char *name, const void *data, size_t len, mode_t mode, bool overwrite) {
    char temporary[64];
    sbs_file_content content = {data, len, NULL, 0};

    temporary_name(temporary, sizeof temporary);
    folder_clean(folder_fd);
    return sbs_atomic_replace(folder_fd, name, temporary, &content, mode, overwrite);
}

static sbs_status file_result(int error) {
    switch (error) {
    case 0:
        return SBS_OK;
    case EEXIST:
        return file_fail(error, SBS_ERR_STATE);
    default:
        return file_fail(error, SBS_ERR_STORAGE);
    }
}

sbs_status sbs_linux_file_write(const char *path, const void *data, size_t len, sbs_linux_access access,
                                bool overwrite) {
    const char *name;

    if (is_special(path)) {
        return file_result(overwrite ? special_write(path, data, len) : EEXIST);
    }

    int folder_fd = folder_open(path, &name);
    if (folder_fd < 0 && errno == EINVAL) {
        return SBS_ERR_ARGUMENT;
    }
    if (folder_fd < 0) {
        return SBS_ERR_STORAGE;
    }

    mode_t mode = access == SBS_LINUX_PRIVATE ? 0600 : 0644;
    int error = file_replace(folder_fd, name, data, len, mode, overwrite);
    (void)close(folder_fd);

    return file_result(error);
}

/* ---- trusted roots ---------------------------------------------------------------------------------------------- */

const char *sbs_linux_ca_file(void) {
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Alpine, Arch, buildroot, OpenEmbedded */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* older RHEL */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
        "/etc/ssl/cert.pem",                                 /* OpenWrt, Alpine */
    };
    const char *named = getenv("SSL_CERT_FILE");
    if (named != NULL && named[0] != '\0') {
        return named;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(places); i++) {
        if (access(places[i], R_OK) == 0) {
            return places[i];
        }
    }

    return NULL;
}

sbs_status sbs_linux_trust_load(sbs_tls_trust *trust, const char *path, size_t *out_skipped) {
    sbs_linux_blob blob;

    if (out_skipped != NULL) {
        *out_skipped = 0;
    }
    if (path == NULL) {
        path = sbs_linux_ca_file();
    }
    if (path == NULL) {
        return file_fail(ENOENT, SBS_ERR_NOT_FOUND);
    }

    sbs_status status = sbs_linux_file_read(path, CA_FILE_MAX, &blob);
    if (status == SBS_OK) {
        status = sbs_tls_trust_add_pem(trust, blob.data, blob.len, out_skipped);
    }

    sbs_linux_blob_free(&blob);
    return status;
}
