/* SPDX-License-Identifier: Apache-2.0 */
/* A queue where nothing can be written, as on a read-only file system: it is looked at as it is. Nothing is locked,
 * because nobody can change it; nothing is made beside it, mended or deleted. */
#include <stdio.h>

#include "sqlite_internal.h"

#define URI_SIZE (3 * SQLITE_PATH_SIZE + 32)

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "file:%2Fmnt%2Fq%2Edb?immutable=1" */
static void put_uri(const char *path, char *out) {
    int len = snprintf(out, URI_SIZE, "file:");

    for (const char *c = path; *c != '\0' && len < URI_SIZE - 32; c++) {
        const char *form = is_plain(*c) ? "%c" : "%%%02X";
        len += snprintf(out + len, (size_t)(URI_SIZE - len), form, (unsigned char)*c);
    }

    (void)snprintf(out + len, (size_t)(URI_SIZE - len), "?immutable=1");
}

/* SQLite ignores the log of a file that it takes for immutable. With a log the file is opened without locks instead,
 * and the index of the log is kept in memory. */
static sbs_status open_to_look(sbs_sqlite_queue *queue) {
    const char *path = queue->priv.config.path;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    char uri[URI_SIZE];

    if (sbs_sqlite_has_log(path)) {
        int code = sqlite3_open_v2(path, &queue->priv.db, flags, "unix-none");
        if (code != SQLITE_OK) {
            return sbs_sqlite_fail(queue, code);
        }
        return sbs_sqlite_exec(queue, "PRAGMA locking_mode = EXCLUSIVE");
    }

    put_uri(path, uri);
    int code = sqlite3_open_v2(uri, &queue->priv.db, flags | SQLITE_OPEN_URI, NULL);
    if (code != SQLITE_OK) {
        return sbs_sqlite_fail(queue, code);
    }

    return SBS_OK;
}

sbs_status sbs_sqlite_connect_to_look(sbs_sqlite_queue *queue) {
    queue->priv.damaged = false;

    sbs_status status = open_to_look(queue);
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_guard(queue);
    status = sbs_sqlite_identify(queue);
    if (status == SBS_ERR_NOT_FOUND) {
        return sbs_sqlite_fail(queue, SQLITE_READONLY); /* its tables would have to be made first */
    }

    if (status == SBS_OK && queue->priv.version != SBS_SQLITE_QUEUE_VERSION) {
        status = sbs_sqlite_exec(queue, "PRAGMA temp_store = MEMORY;" SQLITE_QUEUE_VIEWS_OF_1);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_prepare(queue);
    }
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state state;
    return sbs_sqlite_read_state(queue, &state);
}
