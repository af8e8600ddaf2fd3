/* SPDX-License-Identifier: Apache-2.0 */
#include "forward_memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MAX 1024u
#define PATH_SIZE 4096u
#define TOKEN_NAME_DIGITS 32 /* of the binding */

/* ---- the binding ------------------------------------------------------------------------------------------------- */

/* Each part with its length before it: none can pass for a piece of its neighbour. */
static bool bind_bytes(psa_hash_operation_t *hash, const void *data, size_t len) {
    uint64_t count = len;
    return psa_hash_update(hash, (const uint8_t *)&count, sizeof count) == PSA_SUCCESS &&
           (len == 0 || psa_hash_update(hash, data, len) == PSA_SUCCESS);
}

static bool bind_string(psa_hash_operation_t *hash, const char *string) {
    if (string == NULL) {
        return bind_bytes(hash, "\0none", 5);
    }
    return bind_bytes(hash, string, strlen(string));
}

static bool bind_chain(psa_hash_operation_t *hash, const mbedtls_x509_crt *chain) {
    bool done = true;
    for (; chain != NULL && chain->raw.p != NULL && done; chain = chain->next) {
        done = bind_bytes(hash, chain->raw.p, chain->raw.len);
    }
    return done && bind_bytes(hash, "", 0);
}

static bool bind_config(psa_hash_operation_t *hash, const sbs_forward_server_config *given) {
    const char *const strings[] = {"sbs memory 1", given->fhir_base, given->token_url, given->client_id,
                                   given->scope,   given->aud,       given->typ,       given->kid};
    const uint8_t choices[] = {(uint8_t)given->kid_method, (uint8_t)given->profile, given->allow_http, given->any_scope,
                               given->identity != NULL};
    bool done = bind_bytes(hash, choices, sizeof choices);

    for (size_t i = 0; i < sizeof strings / sizeof *strings && done; i++) {
        done = bind_string(hash, strings[i]);
    }

    done = done && bind_chain(hash, &given->trust->priv.chain);
    if (given->identity != NULL) {
        done = done && bind_chain(hash, &given->identity->priv.chain);
    }

    return done;
}

sbs_status sbs_forward_memory_bind(const sbs_forward_server_config *given, char out[BINDING_SIZE]) {
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    uint8_t key[KEY_MAX];
    uint8_t digest[32];
    sbs_alg alg;
    size_t len = 0;
    sbs_status status = given->key->ops->public_key(given->key->ctx, &alg, key, sizeof key, &len);
    if (status != SBS_OK) {
        return status;
    }

    bool done = psa_hash_setup(&hash, PSA_ALG_SHA_256) == PSA_SUCCESS && bind_bytes(&hash, key, len) &&
                bind_config(&hash, given) && psa_hash_finish(&hash, digest, sizeof digest, &len) == PSA_SUCCESS;
    if (!done) {
        (void)psa_hash_abort(&hash);
        return SBS_ERR_CRYPTO;
    }

    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = sbs_hex_digit(digest[i] >> 4);
        out[2 * i + 1] = sbs_hex_digit(digest[i] & 15u);
    }
    out[BINDING_SIZE - 1] = '\0';
    return SBS_OK;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool file_is_ours(const struct stat *file) {
    return S_ISREG(file->st_mode) && file->st_uid == geteuid() && (file->st_mode & 077) == 0 && file->st_nlink == 1;
}

static bool file_take(int fd, size_t max, sbs_forward_buffer *out) {
    struct stat file;
    if (fstat(fd, &file) != 0 || !file_is_ours(&file) || file.st_size <= 0 || (uintmax_t)file.st_size > max ||
        !sbs_forward_buffer_reserve(out, (size_t)file.st_size)) {
        return false;
    }

    /* What it grows by meanwhile is not read, and what it lacks makes it damaged. */
    char piece[4096];
    size_t left = (size_t)file.st_size;
    bool done = true;
    while (left > 0 && done) {
        ssize_t count = read(fd, piece, left < sizeof piece ? left : sizeof piece);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        done = count > 0 && sbs_forward_buffer_put(out, piece, (size_t)count) == SBS_OK;
        left -= done ? (size_t)count : 0;
    }

    sbs_wipe(piece, sizeof piece);
    return done;
}

bool sbs_forward_memory_file_read(const char *path, size_t max, sbs_forward_buffer *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }

    bool done = file_take(fd, max, out);
    (void)close(fd);
    return done;
}

static bool file_put(int fd, sbs_text text) {
    while (text.len > 0) {
        ssize_t count = write(fd, text.ptr, text.len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        text.ptr += count;
        text.len -= (size_t)count;
    }

    return true;
}

/* A temporary file that an earlier run left behind when it was killed is in the way. */
static int file_make(const char *path) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == EEXIST && unlink(path) == 0) {
        fd = open(path, flags, 0600);
    }
    return fd;
}

bool sbs_forward_memory_file_write(const char *path, sbs_text text) {
    char temporary[PATH_SIZE];
    if (snprintf(temporary, sizeof temporary, "%s~", path) >= (int)sizeof temporary) {
        return false;
    }

    int fd = file_make(temporary);
    if (fd < 0) {
        return false;
    }

    bool done = fchmod(fd, 0600) == 0 && file_put(fd, text);
    done = close(fd) == 0 && done;
    if (done && rename(temporary, path) == 0) {
        return true;
    }

    (void)unlink(temporary);
    return false;
}

void sbs_forward_memory_file_remove(const char *path) {
    struct stat file;
    if (lstat(path, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == geteuid()) {
        (void)unlink(path);
    }
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

void sbs_forward_memory_boot(char *out, size_t size) {
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    out[0] = '\0';
    if (file == NULL) {
        return;
    }

    if (fgets(out, (int)size, file) == NULL) {
        out[0] = '\0';
    }
    out[strcspn(out, "\n")] = '\0';
    (void)fclose(file);
}

/* A folder that is this user's alone, as the two that are asked for are; the first of a list. */
static bool place_is_ours(const char *name, char *out, size_t size) {
    const char *list = getenv(name);
    struct stat folder;
    if (list == NULL || list[0] != '/') {
        return false;
    }

    size_t len = strcspn(list, ":");
    if (len >= size) {
        return false;
    }

    memcpy(out, list, len);
    out[len] = '\0';
    return stat(out, &folder) == 0 && S_ISDIR(folder.st_mode) && folder.st_uid == geteuid() &&
           (folder.st_mode & 022) == 0;
}

char *sbs_forward_memory_token_path(const char *beside, const char *binding) {
    char folder[PATH_SIZE];
    char path[PATH_SIZE + TOKEN_NAME_DIGITS + 32];

    if (place_is_ours("RUNTIME_DIRECTORY", folder, sizeof folder) ||
        place_is_ours("XDG_RUNTIME_DIR", folder, sizeof folder)) {
        (void)snprintf(path, sizeof path, "%s/sbs-%.*s.token", folder, TOKEN_NAME_DIGITS, binding);
        return strdup(path);
    }

    if (snprintf(path, sizeof path, "%s.token", beside) >= (int)sizeof path) {
        return NULL;
    }
    return strdup(path);
}
