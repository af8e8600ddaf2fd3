/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sqlite_schema.h
 * Version 1 of the file, and every statement that runs on it.
 *
 * sbs_item holds what changes or is looked up, sbs_body the bytes: a mark need not write them again. sbs_queue has one
 * row. Unknown values stand as in sbs_queue_meta; dead_s alone is NULL. `state`: 0 to be sent, 1 dead. `checksum`:
 * CRC-32 over id, meta and bytes as item_checksum() puts them together.
 */
#ifndef SBS_SQLITE_SCHEMA_H
#define SBS_SQLITE_SCHEMA_H

#define SQLITE_QUEUE_APPLICATION 0x73627351

#define SQLITE_QUEUE_SCHEMA                                                                                            \
    "CREATE TABLE sbs_queue (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, last_id INTEGER NOT "    \
    "NULL, accepted INTEGER NOT NULL, delivered INTEGER NOT NULL, dead INTEGER NOT NULL, dropped INTEGER NOT NULL, "   \
    "waiting INTEGER NOT NULL, bytes INTEGER NOT NULL);"                                                               \
    "CREATE TABLE sbs_item (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, attempts INTEGER NOT NULL, len INTEGER "   \
    "NOT NULL, uptime_ms INTEGER NOT NULL, utc_s INTEGER NOT NULL, boot_id INTEGER NOT NULL, lane INTEGER NOT NULL, "  \
    "zone_minutes INTEGER NOT NULL, format INTEGER NOT NULL, checksum INTEGER NOT NULL, dead_s INTEGER, reason TEXT);" \
    "CREATE TABLE sbs_body (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"                                              \
    "CREATE INDEX sbs_waiting ON sbs_item (id) WHERE state = 0;"                                                       \
    "CREATE INDEX sbs_dead ON sbs_item (id) WHERE state = 1;"                                                          \
    "CREATE INDEX sbs_dead_since ON sbs_item (dead_s) WHERE state = 1;"                                                \
    "INSERT INTO sbs_queue VALUES (1, random(), 0, 0, 0, 0, 0, 0, 0);"                                                 \
    "PRAGMA application_id = 1935831889;"                                                                              \
    "PRAGMA user_version = 1;"

#define ITEM_COLUMNS                                                                                                   \
    "i.id, i.state, i.attempts, i.len, i.uptime_ms, i.utc_s, i.boot_id, i.lane, i.zone_minutes, i.format, "            \
    "i.checksum, b.data, i.dead_s, i.reason FROM sbs_item i LEFT JOIN sbs_body b ON b.id = i.id "

enum { COLUMN_DATA = 11, COLUMN_DEAD_S, COLUMN_REASON };

/** X(name, SQL): the prepared statements. */
#define SQLITE_QUEUE_STATEMENTS(X)                                                                                     \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(SAVEPOINT, "SAVEPOINT sbs")                                                                                      \
    X(RELEASE, "RELEASE sbs")                                                                                          \
    X(UNDO, "ROLLBACK TO sbs")                                                                                         \
    X(STATE, "SELECT epoch, last_id, accepted, delivered, dead, dropped, waiting, bytes FROM sbs_queue")               \
    X(COUNT, "UPDATE sbs_queue SET last_id = last_id + ?1, accepted = accepted + ?1, delivered = delivered + ?2, "     \
             "dead = dead + ?3, dropped = dropped + ?4, waiting = waiting + ?5, bytes = bytes + ?6")                   \
    X(ADD_ITEM, "INSERT INTO sbs_item (id, state, attempts, len, uptime_ms, utc_s, boot_id, lane, zone_minutes, "      \
                "format, checksum, dead_s, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")   \
    X(ADD_BODY, "INSERT INTO sbs_body VALUES (?1, ?2)")                                                                \
    X(NEXT, "SELECT " ITEM_COLUMNS "WHERE i.state = 0 AND i.id > ?1 ORDER BY i.id LIMIT 1")                            \
    X(NEXT_DEAD, "SELECT " ITEM_COLUMNS "WHERE i.state = 1 AND i.id > ?1 ORDER BY i.id LIMIT 1")                       \
    X(LOAD, "SELECT " ITEM_COLUMNS "WHERE i.id = ?1")                                                                  \
    X(AFTER, "SELECT " ITEM_COLUMNS "WHERE i.id > ?1 ORDER BY i.id LIMIT 1")                                           \
    X(BEFORE, "SELECT " ITEM_COLUMNS "WHERE i.id < ?1 ORDER BY i.id DESC LIMIT 1")                                     \
    X(RESTORE,                                                                                                         \
      "UPDATE sbs_queue SET epoch = ?1, last_id = ?2, accepted = ?3, delivered = ?4, dead = ?5, dropped = ?6")         \
    X(PART, "SELECT substr(data, ?2, ?3) FROM sbs_body WHERE id = ?1")                                                 \
    X(FIND, "SELECT len, state FROM sbs_item WHERE id = ?1")                                                           \
    X(MARK, "UPDATE sbs_item SET attempts = min(attempts + 1, 65535) WHERE id = ?1 AND state = 0")                     \
    X(BURY, "UPDATE sbs_item SET state = 1, dead_s = ?2, reason = ?3 WHERE id = ?1 AND state = 0")                     \
    X(REVIVE, "UPDATE sbs_item SET state = 0, dead_s = NULL, reason = NULL, "                                          \
              "attempts = iif(attempts = 1, 0, attempts) WHERE id = ?1 AND state = 1")                                 \
    X(DROP_ITEM, "DELETE FROM sbs_item WHERE id = ?1")                                                                 \
    X(DROP_BODY, "DELETE FROM sbs_body WHERE id = ?1")                                                                 \
    X(OLDEST, "SELECT id, len FROM sbs_item WHERE state = ?1 ORDER BY id LIMIT 1")                                     \
    X(EXPIRED, "SELECT id, len FROM sbs_item WHERE state = 1 AND dead_s < ?1 ORDER BY dead_s LIMIT 1")                 \
    X(DATE_DEAD, "UPDATE sbs_item SET dead_s = ?1 WHERE state = 1 AND dead_s IS NULL")

#endif
