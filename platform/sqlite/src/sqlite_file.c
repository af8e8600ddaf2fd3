/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_PATH */
/* The file: its mode, whose it is, and how SQLite is told to keep it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_internal.h"

#define PAGE_SIZE 4096
#define SWITCH_PAUSE_MS 20

/* ---- files, owners and modes ------------------------------------------------------------------------------------ */

/* Opening and closing a file by ourselves would drop the locks that SQLite has on it in this process. A descriptor that
 * only names the file has no locks to drop. */
static sbs_status look_at(const char *path, struct stat *out) {
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? SBS_ERR_NOT_FOUND : SBS_ERR_STORAGE;
    }
    bool known = fstat(fd, out) == 0;
    (void)close(fd);
    return known ? SBS_OK : SBS_ERR_STORAGE;
}

sbs_status sbs_sqlite_queue_owner(const char *path, uid_t *out_owner) {
    struct stat file;
    sbs_status status = look_at(path, &file);
    if (status != SBS_OK) {
        return status;
    }
    *out_owner = file.st_uid;
    return S_ISREG(file.st_mode) ? SBS_OK : SBS_ERR_FORMAT;
}

static sbs_status check_owner(const sbs_sqlite_queue *queue) {
    struct stat file;
    sbs_status status = look_at(queue->priv.config.path, &file);
    if (status != SBS_OK || !S_ISREG(file.st_mode)) {
        return SBS_ERR_STORAGE;
    }
    bool allowed = file.st_uid == geteuid() || (queue->priv.config.any_owner && geteuid() == 0);
    return allowed ? SBS_OK : SBS_ERR_FORBIDDEN;
}

/* Makes the file, or sees that the one which is there may be opened. */
static sbs_status prepare_file(sbs_sqlite_queue *queue) {
    int fd = open(queue->priv.config.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return SBS_OK;
    }
    sbs_status status = errno == EEXIST ? check_owner(queue) : SBS_ERR_STORAGE;
    if (status == SBS_ERR_STORAGE) {
        (void)sbs_sqlite_fail(queue, SQLITE_CANTOPEN);
    }
    return status;
}

static bool make_private(const char *path) {
    struct stat file;
    if (lstat(path, &file) != 0) {
        return errno == ENOENT;
    }
    return S_ISREG(file.st_mode) && ((file.st_mode & 077) == 0 || chmod(path, 0600) == 0);
}

/* Of a file that is ours, and of the log and its index, which have the mode of the database from SQLite. */
static sbs_status make_files_private(sbs_sqlite_queue *queue) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[SQLITE_PATH_SIZE];
    if (queue->priv.config.vfs != NULL) {
        return SBS_OK;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        int len = snprintf(name, sizeof name, "%s%s", queue->priv.config.path, suffixes[i]);
        if (len >= SQLITE_PATH_SIZE || !make_private(name)) {
            return sbs_sqlite_fail(queue, SQLITE_CANTOPEN);
        }
    }
    return SBS_OK;
}

bool sbs_sqlite_has_moved(const sbs_sqlite_queue *queue) {
    int moved = 0;
    return sqlite3_file_control(queue->priv.db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

/* ---- whose file it was ------------------------------------------------------------------------------------------- */

static bool contains(const char *data, size_t len, const char *text) {
    size_t text_len = strlen(text);
    for (size_t at = 0; at + text_len <= len; at++) {
        if (memcmp(data + at, text, text_len) == 0) {
            return true;
        }
    }
    return false;
}

/* What SQLite does not know as a database may be anybody's file: ours has its mark in the header or its schema behind
 * it, or is zeros altogether, as a file system leaves it after a crash. */
static bool was_ours(sbs_sqlite_queue *queue) {
    static const char mark[] = {0x73, 0x62, 0x73, 0x51};
    char page[PAGE_SIZE];
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    bool zeros = true;
    (void)sqlite3_file_control(queue->priv.db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (file == NULL || file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK ||
        size < PAGE_SIZE || file->pMethods->xRead(file, page, PAGE_SIZE, 0) != SQLITE_OK) {
        return false;
    }
    for (size_t i = 0; i < PAGE_SIZE; i++) {
        zeros = zeros && page[i] == 0;
    }
    return zeros || memcmp(page + 68, mark, sizeof mark) == 0 || contains(page, PAGE_SIZE, "CREATE TABLE sbs_");
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

/* The switch to WAL needs the file alone, and SQLite does not wait for that. */
static sbs_status use_log(sbs_sqlite_queue *queue) {
    sqlite3_stmt *statement = NULL;
    uint32_t waited_ms = 0;
    int code;
    do {
        bool logged = false;
        code = sqlite3_prepare_v2(queue->priv.db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
        if (code == SQLITE_OK) {
            code = sqlite3_step(statement);
            const unsigned char *mode = code == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
            logged = mode != NULL && strcmp((const char *)mode, "wal") == 0;
        }
        (void)sqlite3_finalize(statement);
        if (logged) {
            return SBS_OK;
        }
        waited_ms += SWITCH_PAUSE_MS;
        (void)sqlite3_sleep(SWITCH_PAUSE_MS);
    } while ((code & 0xFF) == SQLITE_BUSY && waited_ms < queue->priv.config.busy_ms && !queue->priv.stopped);
    return sbs_sqlite_fail(queue, code == SQLITE_ROW ? SQLITE_CANTOPEN : code);
}

static sbs_status configure(sbs_sqlite_queue *queue, bool empty) {
    sbs_status status = SBS_OK;
    if (empty) { /* only an empty file takes it */
        status = sbs_sqlite_exec(queue, "PRAGMA auto_vacuum = INCREMENTAL");
    }
    if (status == SBS_OK) {
        /* EXTRA: the journal of the switch itself, should it come back after a power cut, would undo the switch. */
        status = sbs_sqlite_exec(queue, "PRAGMA synchronous = EXTRA");
    }
    if (status == SBS_OK) {
        status = use_log(queue);
    }
    if (status == SBS_OK) {
        status =
            sbs_sqlite_exec(queue, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"
                                   "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;");
    }
    (void)sqlite3_wal_autocheckpoint(queue->priv.db, (int)queue->priv.config.checkpoint_pages);
    return status;
}

static sbs_status set_up(sbs_sqlite_queue *queue) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_identify(queue);
    bool empty = status == SBS_ERR_NOT_FOUND;
    if (status != SBS_OK && !empty) {
        return status;
    }

    status = make_files_private(queue);
    if (status == SBS_OK) {
        status = configure(queue, empty);
    }
    if (status == SBS_OK && (empty || queue->priv.version < SBS_SQLITE_QUEUE_VERSION)) {
        status = sbs_sqlite_make_current(queue);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_prepare(queue);
    }
    return status == SBS_OK ? sbs_sqlite_read_state(queue, &state) : status;
}

sbs_status sbs_sqlite_connect_plainly(sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= config->vfs != NULL ? SQLITE_OPEN_CREATE : 0;
    queue->priv.damaged = false;
    sbs_status status = config->vfs == NULL ? prepare_file(queue) : SBS_OK;
    if (status != SBS_OK) {
        return status;
    }

    int code = sqlite3_open_v2(config->path, &queue->priv.db, flags, config->vfs);
    if (code != SQLITE_OK) {
        return sbs_sqlite_fail(queue, code);
    }
    sbs_sqlite_bound(queue);
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    status = set_up(queue);
    if (status == SBS_ERR_VERSION || status == SBS_ERR_FORMAT) {
        (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    return status;
}

sbs_status sbs_sqlite_connect(sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    if (strlen(config->path) > SQLITE_PATH_SIZE - 64) {
        return SBS_ERR_ARGUMENT;
    }
    if (config->vfs == NULL && check_owner(queue) == SBS_ERR_FORBIDDEN) {
        return SBS_ERR_FORBIDDEN;
    }
    sbs_status status = config->vfs == NULL ? sbs_sqlite_finish_replacing(config->path) : SBS_OK;
    if (status != SBS_OK) {
        return sbs_sqlite_fail(queue, SQLITE_CANTOPEN);
    }

    status = sbs_sqlite_connect_plainly(queue);
    if (status != SBS_OK && queue->priv.damaged && config->vfs == NULL) {
        status = was_ours(queue) ? sbs_sqlite_replace(queue) : SBS_ERR_FORMAT;
    }
    if (status != SBS_OK) {
        sbs_sqlite_disconnect(queue);
    }
    return status;
}

void sbs_sqlite_disconnect(sbs_sqlite_queue *queue) {
    sbs_sqlite_finalize(queue);
    (void)sqlite3_close(queue->priv.db);
    queue->priv.db = NULL;
}
