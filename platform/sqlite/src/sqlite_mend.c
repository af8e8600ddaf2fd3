/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file whose first page is gone. That page says where all else is, and says the same in every queue of this version:
 * a copy in memory gets the one of a new queue. The file itself is not touched. Roots of tables and indexes never move,
 * and what is elsewhere all the same has other tables, or a wrong checksum, and is not taken over.
 */
#include <string.h>

#include "sqlite_internal.h"

#define MENDED_MAX (256 << 20) /* bytes of a file that is held in memory */

/* Places in the header of a database (sqlite.org/fileformat2.html section 1.3). */
#define AT_WRITE_FORMAT 18
#define AT_READ_FORMAT 19
#define AT_CHANGES 24
#define AT_PAGES 28
#define AT_UNUSED_PAGES 32 /* the first of them, and how many */
#define AT_COUNTED_FOR 92
#define NO_LOG 1 /* a format: a copy in memory has no write-ahead log */

static void put_number(unsigned char *at, uint32_t value) {
    for (int i = 3; i >= 0; i--) {
        at[i] = (unsigned char)value;
        value >>= 8;
    }
}

/* Reads the file through SQLite, which has it open. NULL if it is too large or cannot be read. */
static unsigned char *load_file(sbs_sqlite_queue *queue, sqlite3_int64 *out_size) {
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(queue->priv.db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (file == NULL || file->pMethods == NULL || file->pMethods->xFileSize(file, out_size) != SQLITE_OK ||
        *out_size > MENDED_MAX) {
        return NULL;
    }

    unsigned char *bytes = sqlite3_malloc64((sqlite3_uint64)*out_size);
    if (bytes == NULL || file->pMethods->xRead(file, bytes, (int)*out_size, 0) != SQLITE_OK) {
        sqlite3_free(bytes);
        return NULL;
    }

    return bytes;
}

/* The first page of a new queue with pages of that size, and what follows it. NULL without memory. */
static unsigned char *make_head(sqlite3_int64 page) {
    sqlite3_int64 size = 0;
    sqlite3 *db = NULL;
    unsigned char *head = NULL;

    char sql[96];
    (void)sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA page_size = %lld; PRAGMA auto_vacuum = INCREMENTAL", page);
    if (sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, SQLITE_QUEUE_SCHEMA, NULL, NULL, NULL) == SQLITE_OK) {
        head = sqlite3_serialize(db, "main", &size, 0);
    }
    (void)sqlite3_close(db);

    if (size < page) {
        sqlite3_free(head);
        return NULL;
    }
    return head;
}

/* Gives the copy the first page of a new queue, with the size of the old one. */
static bool replace_head(unsigned char *bytes, sqlite3_int64 size) {
    sqlite3_int64 page = sbs_sqlite_guess_page((const char *)bytes, (size_t)size);
    if (page == 0) {
        page = SBS_SQLITE_PAGE_BYTES; /* its second page is gone, too */
    }
    if (size < page) {
        return false;
    }

    unsigned char *head = make_head(page);
    bool whole = head != NULL;
    if (whole) {
        memcpy(bytes, head, (size_t)page);
        bytes[AT_WRITE_FORMAT] = bytes[AT_READ_FORMAT] = NO_LOG;
        put_number(bytes + AT_PAGES, (uint32_t)(size / page));
        memset(bytes + AT_UNUSED_PAGES, 0, 8);
        memcpy(bytes + AT_COUNTED_FOR, bytes + AT_CHANGES, 4);
    }

    sqlite3_free(head);
    return whole;
}

bool sbs_sqlite_mend(sbs_sqlite_queue *from, sbs_sqlite_queue *out_mended) {
    sqlite3_int64 size = 0;

    out_mended->priv.config = from->priv.config;
    unsigned char *bytes = load_file(from, &size);
    if (bytes == NULL || !replace_head(bytes, size) || sqlite3_open(":memory:", &out_mended->priv.db) != SQLITE_OK) {
        sqlite3_free(bytes);
        return false;
    }

    /* From here on the bytes are the connection's. */
    if (sqlite3_deserialize(out_mended->priv.db, "main", bytes, size, size,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
        return false;
    }

    sbs_sqlite_guard(out_mended);
    return sbs_sqlite_identify(out_mended) == SBS_OK && out_mended->priv.version == SBS_SQLITE_QUEUE_VERSION;
}
