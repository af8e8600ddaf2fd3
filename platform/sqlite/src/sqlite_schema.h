/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sqlite_schema.h
 * Version 2 of the file, what version 1 was, and every statement that runs on it.
 *
 * sbs_item holds what changes or is looked up, sbs_body the bytes: a mark need not write them again. sbs_seen knows
 * what was added, under the item's id and longer than the item is there. sbs_queue has one row. Unknown values of the
 * meta stand as in sbs_queue_meta; all other unknown values are NULL. `state`: 0 to be sent, 1 dead. `checksum`: CRC-32
 * over id, meta and bytes as item_checksum() puts them together; it covers what is sent, so it is that of version 1.
 */
#ifndef SBS_SQLITE_SCHEMA_H
#define SBS_SQLITE_SCHEMA_H

#define SQLITE_QUEUE_APPLICATION 0x73627351

/* ---- the tables ------------------------------------------------------------------------------------------------ */

#define QUEUE_TABLE_1                                                                                                  \
    "CREATE TABLE sbs_queue (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, last_id INTEGER NOT "    \
    "NULL, accepted INTEGER NOT NULL, delivered INTEGER NOT NULL, dead INTEGER NOT NULL, dropped INTEGER NOT NULL, "   \
    "waiting INTEGER NOT NULL, bytes INTEGER NOT NULL"
#define ITEM_TABLE_1                                                                                                   \
    "CREATE TABLE sbs_item (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, attempts INTEGER NOT NULL, len INTEGER "   \
    "NOT NULL, uptime_ms INTEGER NOT NULL, utc_s INTEGER NOT NULL, boot_id INTEGER NOT NULL, lane INTEGER NOT NULL, "  \
    "zone_minutes INTEGER NOT NULL, format INTEGER NOT NULL, checksum INTEGER NOT NULL, dead_s INTEGER, reason TEXT"
#define BODY_TABLE "CREATE TABLE sbs_body (id INTEGER PRIMARY KEY, data BLOB NOT NULL)"
#define WAITING_INDEX "CREATE INDEX sbs_waiting ON sbs_item (id) WHERE state = 0"
#define DEAD_INDEX "CREATE INDEX sbs_dead ON sbs_item (id) WHERE state = 1"
#define SINCE_INDEX_1 "CREATE INDEX sbs_dead_since ON sbs_item (dead_s) WHERE state = 1"
#define SINCE_INDEX "CREATE INDEX sbs_dead_since ON sbs_item (dead_s) WHERE state = 1 AND mendable = 0"
#define SEEN_TABLE                                                                                                     \
    "CREATE TABLE sbs_seen (id INTEGER PRIMARY KEY, identity BLOB NOT NULL, content BLOB NOT NULL, delivered INTEGER " \
    "NOT NULL, delivered_s INTEGER)"
#define SEEN_INDEX "CREATE INDEX sbs_seen_identity ON sbs_seen (identity)"
#define SEEN_SINCE_INDEX "CREATE INDEX sbs_seen_since ON sbs_seen (delivered_s) WHERE delivered = 1"

/** X(table, definition): the columns that version 2 adds, in their order. */
#define QUEUE_COLUMNS_2(X)                                                                                             \
    X("sbs_queue", "letters INTEGER NOT NULL DEFAULT 0")                                                               \
    X("sbs_queue", "expired INTEGER NOT NULL DEFAULT 0")                                                               \
    X("sbs_queue", "seen INTEGER NOT NULL DEFAULT 0")                                                                  \
    X("sbs_queue", "looked_s INTEGER")                                                                                 \
    X("sbs_queue", "steady_s INTEGER")
#define ITEM_COLUMNS_2(X)                                                                                              \
    X("sbs_item", "mendable INTEGER NOT NULL DEFAULT 0")                                                               \
    X("sbs_item", "words TEXT")                                                                                        \
    X("sbs_item", "http_status INTEGER")                                                                               \
    X("sbs_item", "failures INTEGER NOT NULL DEFAULT 0")                                                               \
    X("sbs_item", "failing_since_s INTEGER")                                                                           \
    X("sbs_item", "type TEXT")                                                                                         \
    X("sbs_item", "source TEXT")                                                                                       \
    X("sbs_item", "arrived_s INTEGER")

#define ADDED_COLUMN(table, definition) ", " definition
#define ADD_COLUMN(table, definition) "ALTER TABLE " table " ADD COLUMN " definition ";"

#define QUEUE_TABLE QUEUE_TABLE_1 QUEUE_COLUMNS_2(ADDED_COLUMN) ")"
#define ITEM_TABLE ITEM_TABLE_1 ITEM_COLUMNS_2(ADDED_COLUMN) ")"

#define SQLITE_QUEUE_SCHEMA                                                                                            \
    QUEUE_TABLE ";" ITEM_TABLE ";" BODY_TABLE ";" WAITING_INDEX ";" DEAD_INDEX ";" SINCE_INDEX ";" SEEN_TABLE          \
                ";" SEEN_INDEX ";" SEEN_SINCE_INDEX ";"                                                                \
                "INSERT INTO sbs_queue VALUES (1, random(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL);"                \
                "PRAGMA application_id = 1935831889;"                                                                  \
                "PRAGMA user_version = 2;"

/** Behind the schema, for a file that was emptied: ids of before may be in use elsewhere, so they go on far behind
 * those that any queue has given. */
#define SQLITE_QUEUE_LEAP "UPDATE sbs_queue SET last_id = (1 + (epoch & 0xFFFFFF)) << 32;"

/** Version 1 becomes 2: no row is copied, whatever waits. The text that SQLite then keeps of the tables is that of new
 * ones. */
#define SQLITE_QUEUE_MIGRATION                                                                                         \
    QUEUE_COLUMNS_2(ADD_COLUMN)                                                                                        \
    ITEM_COLUMNS_2(ADD_COLUMN)                                                                                         \
    "DROP INDEX sbs_dead_since;" SINCE_INDEX ";" SEEN_TABLE ";" SEEN_INDEX ";" SEEN_SINCE_INDEX ";"                    \
    "UPDATE sbs_queue SET letters = (SELECT count(*) FROM sbs_item WHERE state = 1);"                                  \
    "PRAGMA user_version = 2;"

/** What makes the tables of version 1 look like those of version 2, for who only reads them: views of the connection,
 * which come before tables of the same name. */
#define SQLITE_QUEUE_VIEWS_OF_1                                                                                        \
    "CREATE TEMP VIEW sbs_queue AS SELECT *, (SELECT count(*) FROM main.sbs_item WHERE state = 1) AS letters, "        \
    "0 AS expired, 0 AS seen, NULL AS looked_s, NULL AS steady_s FROM main.sbs_queue;"                                 \
    "CREATE TEMP VIEW sbs_item AS SELECT *, 0 AS mendable, NULL AS words, NULL AS http_status, 0 AS failures, "        \
    "NULL AS failing_since_s, NULL AS type, NULL AS source, NULL AS arrived_s FROM main.sbs_item;"                     \
    "CREATE TEMP VIEW sbs_seen AS SELECT 0 AS id, NULL AS identity, NULL AS content, 0 AS delivered, "                 \
    "NULL AS delivered_s WHERE 0;"

/** X(since, until, type, name, table, SQL): what a file of a version from @c since to @c until consists of. */
#define SQLITE_QUEUE_OBJECTS(X)                                                                                        \
    X(1, 1, "table", "sbs_queue", "sbs_queue", QUEUE_TABLE_1 ")")                                                      \
    X(1, 1, "table", "sbs_item", "sbs_item", ITEM_TABLE_1 ")")                                                         \
    X(2, 2, "table", "sbs_queue", "sbs_queue", QUEUE_TABLE)                                                            \
    X(2, 2, "table", "sbs_item", "sbs_item", ITEM_TABLE)                                                               \
    X(1, 2, "table", "sbs_body", "sbs_body", BODY_TABLE)                                                               \
    X(1, 2, "index", "sbs_waiting", "sbs_item", WAITING_INDEX)                                                         \
    X(1, 2, "index", "sbs_dead", "sbs_item", DEAD_INDEX)                                                               \
    X(1, 1, "index", "sbs_dead_since", "sbs_item", SINCE_INDEX_1)                                                      \
    X(2, 2, "index", "sbs_dead_since", "sbs_item", SINCE_INDEX)                                                        \
    X(2, 2, "table", "sbs_seen", "sbs_seen", SEEN_TABLE)                                                               \
    X(2, 2, "index", "sbs_seen_identity", "sbs_seen", SEEN_INDEX)                                                      \
    X(2, 2, "index", "sbs_seen_since", "sbs_seen", SEEN_SINCE_INDEX)

/* ---- the statements -------------------------------------------------------------------------------------------- */

#define ITEM_COLUMNS_1                                                                                                 \
    "i.id, i.state, i.attempts, i.len, i.uptime_ms, i.utc_s, i.boot_id, i.lane, i.zone_minutes, i.format, "            \
    "i.checksum, b.data, i.dead_s, i.reason"
#define ITEM_COLUMNS                                                                                                   \
    ITEM_COLUMNS_1 ", i.mendable, i.words, i.http_status, i.failures, i.failing_since_s, i.type, i.source, "           \
                   "i.arrived_s"
#define ITEM_ROWS " FROM sbs_item i LEFT JOIN sbs_body b ON b.id = i.id "

enum {
    COLUMN_DATA = 11,
    COLUMN_DEAD_S,
    COLUMN_REASON,
    COLUMN_MENDABLE,
    COLUMN_WORDS,
    COLUMN_HTTP_STATUS,
    COLUMN_FAILURES,
    COLUMN_FAILING_SINCE_S,
    COLUMN_TYPE,
    COLUMN_SOURCE,
    COLUMN_ARRIVED_S
};

#define STATE_COLUMNS_1 "epoch, last_id, accepted, delivered, dead, dropped, waiting, bytes"
#define STATE_COLUMNS STATE_COLUMNS_1 ", letters, expired, seen, looked_s, steady_s"

/** X(name, SQL): the prepared statements. */
#define SQLITE_QUEUE_STATEMENTS(X)                                                                                     \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(SAVEPOINT, "SAVEPOINT sbs")                                                                                      \
    X(RELEASE, "RELEASE sbs")                                                                                          \
    X(UNDO, "ROLLBACK TO sbs")                                                                                         \
    X(STATE, "SELECT " STATE_COLUMNS " FROM sbs_queue")                                                                \
    X(SAVE, "UPDATE sbs_queue SET epoch = ?1, last_id = ?2, accepted = ?3, delivered = ?4, dead = ?5, dropped = ?6, "  \
            "waiting = ?7, bytes = ?8, letters = ?9, expired = ?10, seen = ?11, looked_s = ?12, steady_s = ?13")       \
    X(ADD_ITEM, "INSERT INTO sbs_item (id, state, attempts, len, uptime_ms, utc_s, boot_id, lane, zone_minutes, "      \
                "format, checksum, dead_s, reason, mendable, words, http_status, failures, failing_since_s, type, "    \
                "source, arrived_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "   \
                "?17, ?18, ?19, ?20, ?21)")                                                                            \
    X(ADD_BODY, "INSERT INTO sbs_body VALUES (?1, ?2)")                                                                \
    X(ADD_SEEN, "INSERT INTO sbs_seen VALUES (?1, ?2, ?3, ?4, ?5)")                                                    \
    X(NEXT, "SELECT " ITEM_COLUMNS ITEM_ROWS "WHERE i.state = 0 AND i.id > ?1 ORDER BY i.id LIMIT 1")                  \
    X(NEXT_DEAD, "SELECT " ITEM_COLUMNS ITEM_ROWS "WHERE i.state = 1 AND i.id > ?1 ORDER BY i.id LIMIT 1")             \
    X(LOAD, "SELECT " ITEM_COLUMNS ITEM_ROWS "WHERE i.id = ?1")                                                        \
    X(IDENTITY, "SELECT identity FROM sbs_seen WHERE id = ?1")                                                         \
    X(REPEAT, "SELECT s.id, s.delivered, i.state FROM sbs_seen s LEFT JOIN sbs_item i ON i.id = s.id "                 \
              "WHERE s.identity = ?1 AND s.content = ?2 AND NOT EXISTS (SELECT 1 FROM sbs_seen n LEFT JOIN sbs_item "  \
              "m ON m.id = n.id WHERE n.identity = ?1 AND n.content <> ?2 AND n.id > s.id AND (n.delivered = 1 OR "    \
              "m.state = 0)) ORDER BY s.id DESC LIMIT 1")                                                              \
    X(DIFFERENT, "SELECT s.id FROM sbs_seen s LEFT JOIN sbs_item i ON i.id = s.id WHERE s.identity = ?1 AND "          \
                 "s.content <> ?2 AND (s.delivered = 1 OR i.id IS NOT NULL) ORDER BY s.id DESC LIMIT 1")               \
    X(KNOWN, "SELECT s.id, s.delivered, s.delivered_s, i.state FROM sbs_seen s LEFT JOIN sbs_item i ON i.id = s.id "   \
             "WHERE s.identity = ?1 AND (s.delivered = 1 OR i.id IS NOT NULL) ORDER BY s.id DESC LIMIT 1")             \
    X(SOURCES, "SELECT coalesce(source, ''), sum(state = 0), sum(state = 1), min(iif(state = 0, arrived_s, NULL)) "    \
               "FROM sbs_item GROUP BY 1 ORDER BY 1")                                                                  \
    X(PART, "SELECT substr(data, ?2, ?3) FROM sbs_body WHERE id = ?1")                                                 \
    X(FIND, "SELECT len, state FROM sbs_item WHERE id = ?1")                                                           \
    X(MARK, "UPDATE sbs_item SET attempts = min(attempts + 1, 65535) WHERE id = ?1 AND state = 0")                     \
    X(LIST, "SELECT i.id, i.len, i.lane, i.attempts, i.type IS NULL, s.identity FROM sbs_item i LEFT JOIN sbs_seen s " \
            "ON s.id = i.id WHERE i.state = 0 AND i.id > ?1 ORDER BY i.id LIMIT ?2")                                   \
    X(MARK_FRESH, "UPDATE sbs_item SET attempts = 1 WHERE id BETWEEN ?1 AND ?2 AND state = 0 AND attempts = 0")        \
    X(UNMARK, "UPDATE sbs_item SET attempts = attempts - 1 WHERE id = ?1 AND state = 0 AND attempts > 0")              \
    X(FAILURES, "UPDATE sbs_item SET failures = ?2, failing_since_s = ?3 WHERE id = ?1 AND state = 0")                 \
    X(BURY, "UPDATE sbs_item SET state = 1, dead_s = ?2, reason = ?3, mendable = ?4, words = ?5, "                     \
            "http_status = NULL WHERE id = ?1 AND state = 0")                                                          \
    X(TROUBLE, "UPDATE sbs_item SET dead_s = ?2, reason = ?3, words = ?4, http_status = ?5 WHERE id = ?1 AND "         \
               "state = 0")                                                                                            \
    X(HTTP_STATUS, "UPDATE sbs_item SET http_status = ?2 WHERE id = ?1 AND state = 1")                                 \
    X(REVIVE, "UPDATE sbs_item SET state = 0, dead_s = NULL, reason = NULL, mendable = 0, words = NULL, "              \
              "http_status = NULL, failures = 0, failing_since_s = NULL, attempts = iif(attempts = 1 OR "              \
              "reason GLOB '" SBS_QUEUE_REASON_THERE "*', 0, attempts) "                                               \
              "WHERE id = ?1 AND state = 1")                                                                           \
    X(DELIVER, "DELETE FROM sbs_item WHERE id = ?1 AND state = 0 RETURNING len")                                       \
    X(DROP_ITEM, "DELETE FROM sbs_item WHERE id = ?1")                                                                 \
    X(DROP_BODY, "DELETE FROM sbs_body WHERE id = ?1")                                                                 \
    X(DROP_SEEN, "DELETE FROM sbs_seen WHERE id = ?1")                                                                 \
    X(DELIVERED, "UPDATE sbs_seen SET delivered = 1, delivered_s = ?2 WHERE id = ?1")                                  \
    X(OLDEST, "SELECT id, len, arrived_s FROM sbs_item WHERE state = ?1 ORDER BY id LIMIT 1")                          \
    X(EXPIRED,                                                                                                         \
      "SELECT id, len FROM sbs_item WHERE state = 1 AND mendable = 0 AND dead_s < ?1 ORDER BY dead_s LIMIT 1")         \
    X(EXPIRED_SEEN, "SELECT id FROM sbs_seen WHERE delivered = 1 AND delivered_s < ?1 ORDER BY delivered_s LIMIT 1")   \
    X(OLDEST_SEEN, "SELECT id FROM sbs_seen WHERE delivered = 1 ORDER BY delivered_s LIMIT 1")                         \
    X(DATE_DEAD, "UPDATE sbs_item SET dead_s = ?1 WHERE id IN (SELECT id FROM sbs_item WHERE state = 1 AND "           \
                 "mendable = 0 AND dead_s IS NULL LIMIT ?2)")                                                          \
    X(DATE_SEEN, "UPDATE sbs_seen SET delivered_s = ?1 WHERE id IN (SELECT id FROM sbs_seen WHERE delivered = 1 AND "  \
                 "delivered_s IS NULL LIMIT ?2)")

#endif
