/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_file.h"
#include "sbs/count.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_file.h"
#include "sbs/text.h"

#define CA_FILE_MAX (16u * 1024u * 1024u)
#define FIRST_SIZE 4096u

static sbs_status failed(int error, sbs_status status) {
    errno = error;
    return status;
}

/* Doubles the memory, up to the limit and one byte that shows that there is more. The old memory is wiped. */
static bool grow(sbs_linux_blob *blob, size_t *size, size_t max) {
    size_t wanted = *size == 0 ? FIRST_SIZE : *size * 2;
    wanted = wanted > max + 2 ? max + 2 : wanted;
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

static sbs_status read_all(int fd, size_t max, sbs_linux_blob *blob) {
    size_t size = 0;
    for (;;) {
        if (blob->len + 1 >= size && !grow(blob, &size, max)) {
            return failed(ENOMEM, SBS_ERR_MEMORY);
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
        blob->len += (size_t)count;
        if (blob->len > max) {
            return failed(EFBIG, SBS_ERR_TOO_LARGE);
        }
    }
}

sbs_status sbs_linux_file_read(const char *path, size_t max, sbs_linux_blob *out_blob) {
    *out_blob = (sbs_linux_blob){NULL, 0};
    if (max > SIZE_MAX / 4) {
        return failed(EINVAL, SBS_ERR_ARGUMENT);
    }
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? SBS_ERR_NOT_FOUND : SBS_ERR_STORAGE;
    }
    sbs_status status = read_all(fd, max, out_blob);
    int error = errno;
    if (!is_stdin) {
        (void)close(fd);
    }
    if (status != SBS_OK) {
        sbs_linux_blob_free(out_blob);
    }
    return failed(error, status);
}

void sbs_linux_blob_free(sbs_linux_blob *blob) {
    if (blob->data != NULL) {
        sbs_wipe(blob->data, blob->len);
        free(blob->data);
    }
    *blob = (sbs_linux_blob){NULL, 0};
}

/* Opens the folder of @p path; @p out_name is the last part. -1 with errno. */
static int open_folder(const char *path, const char **out_name) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    *out_name = slash == NULL ? path : slash + 1;
    if (**out_name == '\0' || len >= sizeof folder) {
        errno = EINVAL;
        return -1;
    }
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

static int write_special(const char *path, const void *data, size_t len) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno;
    }
    int error = sbs_write_all(fd, data, len);
    return close(fd) != 0 && error == 0 ? errno : error;
}

/* Removes what writes left behind that were ended on the way: it may hold a key. The name tells whose it was. */
static void remove_left_behind(int folder_fd) {
    int fd = dup(folder_fd);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char *end = entry->d_name;
        long pid = strncmp(entry->d_name, ".sbs-", 5) == 0 ? strtol(entry->d_name + 5, &end, 10) : 0;
        if (pid > 0 && strcmp(end, ".tmp") == 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            (void)unlinkat(folder_fd, entry->d_name, 0);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    } else if (fd >= 0) {
        (void)close(fd);
    }
}

static int replace_file(int folder_fd, const char *name, const void *data, size_t len, mode_t mode, bool overwrite) {
    char temporary[48];
    sbs_file_content content = {data, len, NULL, 0};
    (void)snprintf(temporary, sizeof temporary, ".sbs-%ld.tmp", (long)getpid());
    remove_left_behind(folder_fd);
    return sbs_atomic_replace(folder_fd, name, temporary, &content, mode, overwrite);
}

sbs_status sbs_linux_file_write(const char *path, const void *data, size_t len, sbs_linux_access access,
                                bool overwrite) {
    const char *name;
    int error;
    if (is_special(path)) {
        error = overwrite ? write_special(path, data, len) : EEXIST;
    } else {
        int folder_fd = open_folder(path, &name);
        if (folder_fd < 0) {
            return errno == EINVAL ? SBS_ERR_ARGUMENT : SBS_ERR_STORAGE;
        }
        error = replace_file(folder_fd, name, data, len, access == SBS_LINUX_PRIVATE ? 0600 : 0644, overwrite);
        (void)close(folder_fd);
    }
    if (error == 0) {
        return SBS_OK;
    }
    return failed(error, error == EEXIST ? SBS_ERR_STATE : SBS_ERR_STORAGE);
}

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
    path = path != NULL ? path : sbs_linux_ca_file();
    if (out_skipped != NULL) {
        *out_skipped = 0;
    }
    if (path == NULL) {
        return failed(ENOENT, SBS_ERR_NOT_FOUND);
    }
    sbs_status status = sbs_linux_file_read(path, CA_FILE_MAX, &blob);
    if (status == SBS_OK) {
        status = sbs_tls_trust_add_pem(trust, blob.data, blob.len, out_skipped);
    }
    sbs_linux_blob_free(&blob);
    return status;
}
