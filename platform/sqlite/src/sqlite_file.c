/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_PATH */
/* The file: its mode, whose it is, and how SQLite is told to keep it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sqlite_internal.h"

#define PAGE_LEAST 1024
#define HEAD_SIZE 65536 /* of a file: its schema is in there */
#define SWITCH_PAUSE_MS 20

/* ---- files, owners and modes ------------------------------------------------------------------------------------- */

/* Opening and closing a file by ourselves would drop the locks that SQLite has on it in this process. A descriptor that
 * only names the file has no locks to drop. */
static sbs_status look_at_file(const char *path, struct stat *out) {
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) {
            return SBS_ERR_NOT_FOUND;
        }
        return SBS_ERR_STORAGE;
    }

    bool known = fstat(fd, out) == 0;
    (void)close(fd);
    if (!known) {
        return SBS_ERR_STORAGE;
    }

    return SBS_OK;
}

sbs_status sbs_sqlite_queue_owner(const char *path, uid_t *out_owner) {
    struct stat file;
    sbs_status status = look_at_file(path, &file);
    if (status != SBS_OK) {
        return status;
    }

    /* A link or a device beside it is never opened. */
    *out_owner = file.st_uid;
    if (!S_ISREG(file.st_mode)) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

/* True if one of the files that SQLite reads with the database was put there by somebody else: in a folder where many
 * may write, that one would decide what the queue holds. The superuser may have left one. */
static bool has_foreign_companion(const char *path, uid_t owner) {
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < SBS_COUNT_OF(suffixes); i++) {
        char name[SQLITE_PATH_SIZE];
        struct stat file;
        int len = snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (len < SQLITE_PATH_SIZE && look_at_file(name, &file) == SBS_OK && file.st_uid != owner && file.st_uid != 0) {
            return true;
        }
    }

    return false;
}

sbs_status sbs_sqlite_check_owner(const sbs_sqlite_queue *queue) {
    const char *path = queue->priv.config.path;
    uid_t owner;
    if (sbs_sqlite_queue_owner(path, &owner) != SBS_OK) {
        return SBS_ERR_STORAGE;
    }

    bool allowed = owner == geteuid() || (queue->priv.config.any_owner && geteuid() == 0);
    if (!allowed || has_foreign_companion(path, owner)) {
        return SBS_ERR_FORBIDDEN;
    }

    return SBS_OK;
}

bool sbs_sqlite_is_empty(const char *path) {
    struct stat file;
    return look_at_file(path, &file) == SBS_OK && S_ISREG(file.st_mode) && file.st_size == 0;
}

bool sbs_sqlite_has_log(const char *path) {
    char name[SQLITE_PATH_SIZE];
    struct stat file;

    int len = snprintf(name, sizeof name, "%s-wal", path);
    return len < SQLITE_PATH_SIZE && lstat(name, &file) == 0 && file.st_size > 0;
}

/* Why what has the name is no file to open, as an errno. */
static int name_obstacle(const char *path) {
    struct stat file;
    if (look_at_file(path, &file) != SBS_OK) {
        return errno;
    }

    if (S_ISLNK(file.st_mode)) {
        return ELOOP;
    }
    if (S_ISDIR(file.st_mode)) {
        return EISDIR;
    }
    return 0;
}

/* Makes the file, or sees that the one which is there may be opened. */
static sbs_status prepare_file(sbs_sqlite_queue *queue) {
    int fd = open(queue->priv.config.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return SBS_OK;
    }

    /* What is there already may be anybody's. */
    sbs_status status = SBS_ERR_STORAGE;
    if (errno == EEXIST) {
        status = sbs_sqlite_check_owner(queue);
        errno = name_obstacle(queue->priv.config.path);
    }
    if (status == SBS_ERR_STORAGE) {
        (void)sbs_sqlite_fail(queue, SQLITE_CANTOPEN);
    }

    return status;
}

static bool make_file_private(const char *path) {
    struct stat file;
    if (lstat(path, &file) != 0) {
        return errno == ENOENT;
    }
    return S_ISREG(file.st_mode) && ((file.st_mode & 077) == 0 || chmod(path, 0600) == 0);
}

/* The modes of a file that is ours, and of the log and its index, to which SQLite gives the mode of the database. */
static sbs_status make_files_private(sbs_sqlite_queue *queue) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    if (queue->priv.config.vfs != NULL) {
        return SBS_OK;
    }

    /* Somebody may have been faster than SQLite in making one. */
    if (sbs_sqlite_check_owner(queue) == SBS_ERR_FORBIDDEN) {
        return SBS_ERR_FORBIDDEN;
    }

    /* An older program, or a copy, may have left them open to others. */
    for (size_t i = 0; i < SBS_COUNT_OF(suffixes); i++) {
        char name[SQLITE_PATH_SIZE];
        int len = snprintf(name, sizeof name, "%s%s", queue->priv.config.path, suffixes[i]);
        if (len >= SQLITE_PATH_SIZE || !make_file_private(name)) {
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

static bool is_zero(const char *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

/* In both versions sbs_queue comes next, a leaf of a table with one row: behind the map of pages, which is on the
 * second one, and in files of version 1 on the second one itself, which is twice as large. */
sqlite3_int64 sbs_sqlite_guess_page(const char *head, size_t len) {
    static const char leaf[] = {0x0D, 0, 0, 0, 1};

    for (size_t page = PAGE_LEAST; page <= SBS_SQLITE_PAGE_BYTES; page *= 2) {
        if (len >= 2 * page + sizeof leaf && memcmp(head + 2 * page, leaf, sizeof leaf) == 0) {
            return (sqlite3_int64)page;
        }
    }

    return 0;
}

/* Without its first page. */
static bool lacks_its_head_only(const char *head, size_t len) {
    sqlite3_int64 page = sbs_sqlite_guess_page(head, len);
    return page != 0 && is_zero(head, (size_t)page);
}

/* What SQLite does not know as a database may be anybody's file: ours has its mark in the header or its schema behind
 * it, or is zeros, as a file system leaves it after a crash. */
static bool looks_like_ours(const char *head, size_t len) {
    static const char mark[] = {0x73, 0x62, 0x73, 0x51};
    return memcmp(head + 68, mark, sizeof mark) == 0 || contains(head, len, "CREATE TABLE sbs_") ||
           is_zero(head, len) || lacks_its_head_only(head, len);
}

bool sbs_sqlite_was_ours(sbs_sqlite_queue *queue) {
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    (void)sqlite3_file_control(queue->priv.db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    /* Less than a page shows nothing. */
    if (file == NULL || file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK ||
        size < PAGE_LEAST) {
        return false;
    }

    /* Read through SQLite, which has the file open. */
    int len = HEAD_SIZE;
    if (size < HEAD_SIZE) {
        len = (int)size;
    }

    char *head = sqlite3_malloc(len);
    bool ours =
        head != NULL && file->pMethods->xRead(file, head, len, 0) == SQLITE_OK && looks_like_ours(head, (size_t)len);
    sqlite3_free(head);

    return ours;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Asks for the write-ahead log once. SQLITE_OK: it is in use; SQLITE_CANTOPEN: SQLite stays with another journal. */
static int switch_to_log(sbs_sqlite_queue *queue) {
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(queue->priv.db, "PRAGMA journal_mode = WAL", -1, &row, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(row);
    }

    /* The row tells the journal that is in use now. */
    if (code == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(row, 0);
        code = SQLITE_CANTOPEN;
        if (mode != NULL && strcmp(mode, "wal") == 0) {
            code = SQLITE_OK;
        }
    }

    (void)sqlite3_finalize(row);
    return code;
}

/* The switch needs the file alone, and SQLite does not wait for that. */
static sbs_status use_log(sbs_sqlite_queue *queue) {
    int code = switch_to_log(queue);
    uint32_t waited_ms = 0;
    while ((code & 0xFF) == SQLITE_BUSY && waited_ms < queue->priv.config.busy_ms && !queue->priv.stopped) {
        (void)sqlite3_sleep(SWITCH_PAUSE_MS);
        waited_ms += SWITCH_PAUSE_MS;
        code = switch_to_log(queue);
    }

    if (code != SQLITE_OK) {
        return sbs_sqlite_fail(queue, code);
    }

    return SBS_OK;
}

/* Sets after how many pages the log is written back. The caller gives the bound in pages of 4 KiB. */
static sbs_status bound_log(sbs_sqlite_queue *queue) {
    sqlite3_int64 size = 0;
    sbs_status status = sbs_sqlite_ask(queue, "PRAGMA page_size", &size);
    if (status != SBS_OK) {
        return status;
    }

    /* Its pages may be smaller, or larger if version 1 made it. */
    sqlite3_int64 pages = (sqlite3_int64)queue->priv.config.checkpoint_pages * 4096 / size;
    if (pages > INT32_MAX) {
        pages = INT32_MAX;
    }

    (void)sqlite3_wal_autocheckpoint(queue->priv.db, (int)pages);
    return SBS_OK;
}

static sbs_status configure(sbs_sqlite_queue *queue, bool empty) {
    sbs_status status = SBS_OK;

    /* Only an empty file takes these. Smaller pages write less for each item, larger ones are faster. */
    if (empty) {
        char sql[96];
        (void)snprintf(sql, sizeof sql, "PRAGMA page_size = %u; PRAGMA auto_vacuum = INCREMENTAL",
                       (unsigned)queue->priv.config.page_bytes);
        status = sbs_sqlite_exec(queue, sql);
    }

    /* EXTRA: the journal of the switch itself, should it come back after a power cut, would undo the switch. */
    if (status == SBS_OK) {
        status = sbs_sqlite_exec(queue, "PRAGMA synchronous = EXTRA");
    }
    if (status == SBS_OK) {
        status = use_log(queue);
    }

    /* From here on the log keeps what is durable; what was deleted leaves no bytes; pages are checked when read. */
    if (status == SBS_OK) {
        status =
            sbs_sqlite_exec(queue, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;"
                                   "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;");
    }
    if (status != SBS_OK) {
        return status;
    }

    return bound_log(queue);
}

static sbs_status set_up(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_identify(queue);
    bool empty = status == SBS_ERR_NOT_FOUND;
    if (status != SBS_OK && !empty) {
        return status;
    }

    /* It is ours: from here on it may be changed. */
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
    if (status != SBS_OK) {
        return status;
    }

    /* Counters that cannot be are damage, and found now rather than at the first operation. */
    sbs_sqlite_state state;
    return sbs_sqlite_read_state(queue, &state);
}

void sbs_sqlite_guard(sbs_sqlite_queue *queue) {
    sbs_sqlite_bound(queue);
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_limit(queue->priv.db, SQLITE_LIMIT_LENGTH, SQLITE_ITEM_MAX + SQLITE_CACHE_SIZE);
}

sbs_status sbs_sqlite_connect_plainly(sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    queue->priv.damaged = false;
    if (config->vfs != NULL) {
        flags |= SQLITE_OPEN_CREATE;
    } else {
        sbs_status status = prepare_file(queue);
        if (status != SBS_OK) {
            return status;
        }
    }

    int code = sqlite3_open_v2(config->path, &queue->priv.db, flags, config->vfs);
    if (code != SQLITE_OK) {
        return sbs_sqlite_fail(queue, code);
    }

    sbs_sqlite_guard(queue);
    sbs_status status = set_up(queue);

    /* What is not ours stays as it is when the connection is closed. */
    if (status == SBS_ERR_VERSION || status == SBS_ERR_FORMAT) {
        (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }

    return status;
}

void sbs_sqlite_disconnect(sbs_sqlite_queue *queue) {
    sbs_sqlite_finalize(queue);
    (void)sqlite3_close(queue->priv.db);
    queue->priv.db = NULL;
}
