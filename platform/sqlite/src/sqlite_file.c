/* SPDX-License-Identifier: Apache-2.0 */
/* The file: its mode, whose it is, and how SQLite is told to keep it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_internal.h"

#define PATH_SIZE 4096
#define PAGE_SIZE 4096
#define SWITCH_PAUSE_MS 20

/* ---- files and modes ----------------------------------------------------------------------------------------- */

/* Opening and closing a file by ourselves would drop the locks that SQLite has on it in this process, so an existing
 * one is looked at by its path only. */
static bool make_private(const char *path) {
    struct stat file;
    if (lstat(path, &file) != 0) {
        return errno == ENOENT;
    }
    return S_ISREG(file.st_mode) && ((file.st_mode & 077) == 0 || chmod(path, 0600) == 0);
}

/* The log and its index get the mode of the database from SQLite. */
static bool prepare_file(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[PATH_SIZE];
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        return close(fd) == 0;
    }
    if (errno != EEXIST) {
        return false;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        int len = snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (len >= PATH_SIZE || !make_private(name)) {
            return false;
        }
    }
    return true;
}

bool sbs_sqlite_has_moved(const sbs_sqlite_queue *queue) {
    int moved = 0;
    return sqlite3_file_control(queue->priv.db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

/* ---- whose file it is ---------------------------------------------------------------------------------------- */

static sbs_status exec(sbs_sqlite_queue *queue, const char *sql) {
    int code = sqlite3_exec(queue->priv.db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? SBS_OK : sbs_sqlite_fail(queue, sqlite3_extended_errcode(queue->priv.db));
}

static sbs_status ask(sbs_sqlite_queue *queue, const char *sql, sqlite3_int64 *out) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(queue->priv.db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        *out = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SBS_OK : sbs_sqlite_fail(queue, code == SQLITE_DONE ? SQLITE_CORRUPT : code);
}

/* SBS_OK: ours. SBS_ERR_NOT_FOUND: empty, to be made. */
static sbs_status identify(sbs_sqlite_queue *queue) {
    sqlite3_int64 application = 0;
    sqlite3_int64 version = 0;
    sqlite3_int64 tables = 0;
    sbs_status status = ask(queue, "PRAGMA application_id", &application);
    status = status == SBS_OK ? ask(queue, "PRAGMA user_version", &version) : status;
    status = status == SBS_OK ? ask(queue, "SELECT count(*) FROM sqlite_schema", &tables) : status;
    if (status != SBS_OK) {
        return status;
    }
    if (application != SQLITE_QUEUE_APPLICATION) {
        return application == 0 && version == 0 && tables == 0 ? SBS_ERR_NOT_FOUND : SBS_ERR_FORMAT;
    }
    if (version > SBS_SQLITE_QUEUE_VERSION) {
        return SBS_ERR_VERSION;
    }
    return version == SBS_SQLITE_QUEUE_VERSION ? SBS_OK : sbs_sqlite_fail(queue, SQLITE_CORRUPT);
}

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
    } while ((code & 0xFF) == SQLITE_BUSY && waited_ms < queue->priv.config.busy_ms);
    return sbs_sqlite_fail(queue, code == SQLITE_ROW ? SQLITE_CANTOPEN : code);
}

static sbs_status configure(sbs_sqlite_queue *queue) {
    /* EXTRA: the journal of the switch itself, should it come back after a power cut, would undo the switch. */
    sbs_status status = exec(queue, "PRAGMA synchronous = EXTRA");
    if (status == SBS_OK) {
        status = use_log(queue);
    }
    if (status == SBS_OK) {
        status = exec(queue, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"
                             "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;");
    }
    (void)sqlite3_wal_autocheckpoint(queue->priv.db, (int)queue->priv.config.checkpoint_pages);
    return status;
}

/* Several processes may find the file empty: one makes the tables, the others find them then. */
static sbs_status make_tables(sbs_sqlite_queue *queue) {
    sbs_status status = exec(queue, "BEGIN IMMEDIATE");
    if (status != SBS_OK) {
        return status;
    }
    status = identify(queue);
    if (status == SBS_ERR_NOT_FOUND) {
        status = exec(queue, SQLITE_QUEUE_SCHEMA);
    }
    if (status == SBS_OK) {
        status = exec(queue, "COMMIT");
    }
    if (status != SBS_OK) {
        (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

/* All that it looks at is of one moment: another process may be making the tables right now. */
static sbs_status identify_at_once(sbs_sqlite_queue *queue) {
    sbs_status status = exec(queue, "BEGIN");
    if (status != SBS_OK) {
        return status;
    }
    status = identify(queue);
    (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    return status;
}

static sbs_status set_up(sbs_sqlite_queue *queue) {
    sqlite_state state;
    sbs_status status = identify_at_once(queue);
    bool empty = status == SBS_ERR_NOT_FOUND;
    if (status != SBS_OK && !empty) {
        return status;
    }
    status = configure(queue);
    if (status == SBS_OK && empty) {
        status = make_tables(queue);
    }
    status = status == SBS_OK ? sbs_sqlite_prepare(queue) : status;
    return status == SBS_OK ? sbs_sqlite_state(queue, &state) : status;
}

sbs_status sbs_sqlite_connect_plainly(sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= config->vfs != NULL ? SQLITE_OPEN_CREATE : 0;
    queue->priv.damaged = false;
    if (config->vfs == NULL && !prepare_file(config->path)) {
        return sbs_sqlite_fail(queue, SQLITE_CANTOPEN);
    }
    int code = sqlite3_open_v2(config->path, &queue->priv.db, flags, config->vfs);
    if (code != SQLITE_OK) {
        return sbs_sqlite_fail(queue, code);
    }
    (void)sqlite3_busy_timeout(queue->priv.db, (int)config->busy_ms);
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sbs_status status = set_up(queue);
    if (status == SBS_ERR_VERSION || status == SBS_ERR_FORMAT) {
        (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    return status;
}

sbs_status sbs_sqlite_connect(sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    if (strlen(config->path) > PATH_SIZE - 64) {
        return SBS_ERR_ARGUMENT;
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

void sbs_sqlite_clear_log(sbs_sqlite_queue *queue) {
    if (queue->priv.damaged || sbs_sqlite_has_moved(queue)) {
        return;
    }
    (void)sqlite3_busy_timeout(queue->priv.db, 0); /* the next one may do it */
    (void)sqlite3_wal_checkpoint_v2(queue->priv.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(queue->priv.db, (int)queue->priv.config.busy_ms);
}

void sbs_sqlite_disconnect(sbs_sqlite_queue *queue) {
    sbs_sqlite_finalize(queue);
    (void)sqlite3_close(queue->priv.db);
    queue->priv.db = NULL;
}
