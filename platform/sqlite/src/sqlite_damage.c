/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacing a damaged file. At every moment all data has a name, and an interrupted replacement is finished by the next
 * one who opens the queue:
 *   1. FILE.new is made, with what can be read of FILE.
 *   2. FILE and FILE-wal get a second name, FILE.damaged-TIME and FILE.damaged-TIME-wal.
 *   3. FILE.new is renamed to FILE.ready: from now on the replacement is certain.
 *   4. FILE-wal and FILE-shm, which belong to the old file, lose their first name.
 *   5. FILE.ready is renamed to FILE.
 * Who does 4 and 5 holds a lock on FILE.ready, so that nobody removes the log of the new FILE.
 *
 * A file that was emptied is no damage to SQLite: it makes a new database of it, and deletes the log. What shows that
 * it was a queue gets a name before that.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_internal.h"

#define NAME_SIZE SQLITE_PATH_SIZE

typedef char file_name[NAME_SIZE];

static void name_of(file_name out, const char *path, const char *suffix) {
    if (snprintf(out, NAME_SIZE, "%s%s", path, suffix) >= NAME_SIZE) {
        out[0] = '\0'; /* no file: sbs_sqlite_connect() leaves room for every suffix */
    }
}

static bool remove_file(const char *path, const char *suffix) {
    file_name name;
    name_of(name, path, suffix);
    return unlink(name) == 0 || errno == ENOENT;
}

static bool sync_folder(const char *path) {
    file_name name;
    name_of(name, path, "");

    int fd = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }

    bool synced = fsync(fd) == 0 || errno == EINVAL;
    (void)close(fd);
    return synced;
}

/* ---- steps 4 and 5 ----------------------------------------------------------------------------------------------- */

static bool is_still(const char *path, int fd) {
    struct stat at_path;
    struct stat of_fd;
    return fstat(fd, &of_fd) == 0 && lstat(path, &at_path) == 0 && at_path.st_ino == of_fd.st_ino &&
           at_path.st_dev == of_fd.st_dev;
}

static bool put_in_place(const char *path, const char *ready) {
    return remove_file(path, "-wal") && remove_file(path, "-shm") && sync_folder(path) && rename(ready, path) == 0 &&
           sync_folder(path);
}

/* True for a file of whoever the queue belongs to: the superuser, too, puts no other one in its place. */
static bool is_of_owner(int fd, const char *path) {
    struct stat file;
    uid_t owner;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        return false;
    }
    if (sbs_sqlite_queue_owner(path, &owner) == SBS_OK) {
        return file.st_uid == owner;
    }

    /* The queue has lost its name. */
    return file.st_uid == geteuid() || geteuid() == 0;
}

/* Ends a replacement of @p path, if one had come to step 3. */
static sbs_status finish_replacing(const char *path) {
    file_name ready;
    name_of(ready, path, ".ready");

    int fd = open(ready, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) {
            return SBS_OK;
        }
        return SBS_ERR_STORAGE;
    }

    /* The lock is on the file, not on its name: who waited for it may hold one that is in place already. */
    bool done = is_of_owner(fd, path) && flock(fd, LOCK_EX) == 0 && (!is_still(ready, fd) || put_in_place(path, ready));
    (void)close(fd);
    if (!done) {
        return SBS_ERR_STORAGE;
    }

    return SBS_OK;
}

/* ---- steps 1 to 3 ------------------------------------------------------------------------------------------------ */

/* Makes an empty file that belongs to whom @p model belongs, also if the superuser makes it. */
static bool make_file(const char *made, const char *model) {
    uid_t owner;
    if (sbs_sqlite_queue_owner(model, &owner) != SBS_OK) {
        return false;
    }

    int fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }

    bool given = owner == geteuid() || fchown(fd, owner, (gid_t)-1) == 0;
    return close(fd) == 0 && given;
}

/* Gives a file of the queue, or its log if there is one, a second name. */
static bool add_name(const char *path, const char *suffix, const char *aside) {
    file_name from;
    file_name kept;
    name_of(from, path, suffix);
    name_of(kept, aside, suffix);
    return link(from, kept) == 0 || (errno == ENOENT && suffix[0] != '\0');
}

/* Gives @p path the name FILE.damaged-TIME, with a number behind it where that is taken. What was emptied must not be
 * the same file as the queue that is made in its place: an empty one takes the name. */
static bool find_name_aside(const char *path, bool emptied, file_name out) {
    struct tm utc;
    char stamp[32] = "";
    time_t now = time(NULL);

    if (gmtime_r(&now, &utc) != NULL) {
        (void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    }

    /* Several may be set aside in one second. */
    for (unsigned i = 1; i < 100; i++) {
        char suffix[64];
        int len = snprintf(suffix, sizeof suffix, ".damaged-%s", stamp);
        if (i > 1) {
            (void)snprintf(suffix + len, sizeof suffix - (size_t)len, "-%u", i);
        }
        name_of(out, path, suffix);

        bool named = emptied ? make_file(out, path) : add_name(path, "", out);
        if (named) {
            return true;
        }

        if (errno != EEXIST) {
            return false;
        }
    }

    return false;
}

/* Step 2; the program is told the name. */
static bool keep_old(sbs_sqlite_queue *queue) {
    const char *path = queue->priv.config.path;
    file_name aside;
    if (!find_name_aside(path, false, aside)) {
        return false;
    }

    free(queue->priv.set_aside);
    queue->priv.set_aside = strdup(aside);
    return add_name(path, "-wal", aside);
}

/* Step 1. */
static sbs_status make_new(sbs_sqlite_queue *queue, const char *path) {
    sbs_sqlite_queue fresh;
    memset(&fresh, 0, sizeof fresh);
    fresh.priv.config = queue->priv.config;
    fresh.priv.config.path = path;

    /* What is there under its names is of a replacement that was cut before step 3. */
    if (!remove_file(path, "") || !remove_file(path, "-wal") || !remove_file(path, "-shm") ||
        !make_file(path, queue->priv.config.path)) {
        return SBS_ERR_STORAGE;
    }

    /* The new one is filled and closed under its own name, where nobody else opens it. */
    sbs_status status = sbs_sqlite_connect_plainly(&fresh);
    if (status == SBS_OK) {
        status = sbs_sqlite_salvage(queue, &fresh);
    }

    queue->priv.kept = fresh.priv.kept;
    queue->priv.lost = fresh.priv.lost;
    sbs_sqlite_disconnect(&fresh);

    /* A log that is left shows that not all of it reached the file. */
    file_name log;
    name_of(log, path, "-wal");
    if (status == SBS_OK && access(log, F_OK) == 0) {
        return SBS_ERR_STORAGE;
    }

    return status;
}

static sbs_status replace_file(sbs_sqlite_queue *queue) {
    const char *path = queue->priv.config.path;
    file_name made;
    file_name ready;
    name_of(made, path, ".new");
    name_of(ready, path, ".ready");

    sbs_status status = make_new(queue, made);
    if (status != SBS_OK) {
        return status;
    }

    /* Nothing of the old one has lost its name yet: until here a failure leaves all as it was. */
    if (!keep_old(queue) || rename(made, ready) != 0 || !sync_folder(path)) {
        return SBS_ERR_STORAGE;
    }

    return finish_replacing(path);
}

sbs_status sbs_sqlite_replace(sbs_sqlite_queue *queue) {
    if (queue->priv.config.vfs != NULL) {
        return SBS_ERR_STORAGE;
    }

    /* The write lock, where the damage leaves one, keeps others from writing into a file that is going. */
    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int code = sqlite3_exec(queue->priv.db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if ((code & 0xFF) == SQLITE_BUSY) {
        return SBS_ERR_STORAGE;
    }

    /* Another process may have replaced it before the lock was there. */
    sbs_status status = SBS_OK;
    if (!sbs_sqlite_has_moved(queue)) {
        status = replace_file(queue);
    }

    (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL);
    sbs_sqlite_disconnect(queue);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_sqlite_connect_plainly(queue);
}

/* ---- a file that was emptied ------------------------------------------------------------------------------------- */

/* True if the file beside @p path is there with @p least bytes or more. */
static bool has_beside(const char *path, const char *suffix, off_t least) {
    file_name name;
    struct stat file;
    name_of(name, path, suffix);
    return lstat(name, &file) == 0 && S_ISREG(file.st_mode) && file.st_size >= least;
}

/* True if the file is empty and was a queue: SQLite makes a log only beside a file with content, and a pusher notes
 * itself in FILE.lock only with the queue open. Both are looked at first, because a queue that is being made is empty
 * before they are there, and never after. */
static bool was_emptied(const char *path) {
    bool was_queue = has_beside(path, "-wal", 0) || has_beside(path, ".lock", 1);
    return was_queue && sbs_sqlite_is_empty(path);
}

/* Names what is left as FILE.damaged-TIME, an empty file, and FILE.damaged-TIME-wal. out[0] is NUL if the file was not
 * emptied. */
static bool keep_rest(const char *path, file_name out) {
    out[0] = '\0';
    if (!was_emptied(path)) {
        return true;
    }

    if (!find_name_aside(path, true, out)) {
        return false;
    }

    return add_name(path, "-wal", out) && sync_folder(path);
}

/* Tells of the emptied file; or takes its second name back, if the file is no longer empty because another process, who
 * tells of it himself, made a queue of it: the log may be that of the new one. */
static void tell_of_rest(sbs_sqlite_queue *queue, const char *aside) {
    if (!queue->priv.emptied) {
        (void)remove_file(aside, "");
        (void)remove_file(aside, "-wal");
        return;
    }

    /* Nobody knows how many items it had. */
    free(queue->priv.set_aside);
    queue->priv.set_aside = strdup(aside);
    queue->priv.kept = 0;
    queue->priv.lost = UINT64_MAX;
    queue->priv.emptied = false;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Opens the file, and replaces it if it is damaged and ours. */
static sbs_status connect_or_replace(sbs_sqlite_queue *queue) {
    if (queue->priv.config.look_only) {
        return sbs_sqlite_connect_to_look(queue);
    }

    sbs_status status = sbs_sqlite_connect_plainly(queue);
    if (status == SBS_ERR_STORAGE && !queue->priv.damaged && sbs_sqlite_give_reserve(queue)) {
        sbs_sqlite_disconnect(queue);
        status = sbs_sqlite_connect_plainly(queue);
    }
    if (status == SBS_OK || !queue->priv.damaged || queue->priv.config.vfs != NULL) {
        return status;
    }
    if (!sbs_sqlite_was_ours(queue)) {
        return SBS_ERR_FORMAT;
    }

    return sbs_sqlite_replace(queue);
}

sbs_status sbs_sqlite_connect(sbs_sqlite_queue *queue) {
    const char *path = queue->priv.config.path;
    file_name rest = "";
    if (strlen(path) > NAME_SIZE - 64) {
        return SBS_ERR_ARGUMENT;
    }

    /* Names of files beside it mean nothing in another file system. */
    if (queue->priv.config.vfs == NULL) {
        if (sbs_sqlite_check_owner(queue) == SBS_ERR_FORBIDDEN) {
            return SBS_ERR_FORBIDDEN;
        }

        bool writes = !queue->priv.config.look_only;
        if (writes && (finish_replacing(path) != SBS_OK || !keep_rest(path, rest))) {
            return sbs_sqlite_fail(queue, SQLITE_CANTOPEN);
        }
    }

    /* Who makes the tables of a file that was emptied leaves this set. */
    queue->priv.emptied = rest[0] != '\0';
    sbs_status status = connect_or_replace(queue);
    if (rest[0] != '\0') {
        tell_of_rest(queue, rest);
    }

    if (status != SBS_OK) {
        sbs_sqlite_disconnect(queue);
    }

    return status;
}
