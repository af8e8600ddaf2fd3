/* SPDX-License-Identifier: Apache-2.0 */
/* What port/include/sbs/storage.h promises. */
#include <string.h>

#include "port_report.h"

#define RECORD 40u /* bytes of an ordinary record */
#define GUARD 0xC3u
#define CUTS_MAX 100000u
#define NAME "port-suite"
#define NAME_LONG "port-suite_0123456789-abcdefgh1"  /* 31 bytes */
#define NAME_LONG2 "port-suite_0123456789-abcdefgh2" /* differs in the last one */

/* ---- calls that most checks make --------------------------------------------------------------------------------- */

static sbs_status storage_set(const port_storage *port, const char *name, const void *data, size_t len) {
    return port->storage.ops->set(port->storage.ctx, name, data, len);
}

static sbs_status storage_get(const port_storage *port, const char *name, uint8_t *buffer, size_t size,
                              size_t *out_len) {
    return port->storage.ops->get(port->storage.ctx, name, buffer, size, out_len);
}

static sbs_status storage_remove(const port_storage *port, const char *name) {
    return port->storage.ops->remove(port->storage.ctx, name);
}

/* Whatever the check before left. */
static void storage_clean(const port_storage *port) {
    static const char *const names[] = {NAME, NAME_LONG, NAME_LONG2, "a"};
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        (void)storage_remove(port, names[i]);
    }
}

static bool storage_put(port_report *report, const port_storage *port, const char *name, uint32_t seed, size_t len) {
    uint8_t data[RECORD];
    port_fill(data, len, seed);
    return port_expect_status(report, "set() of a small record", storage_set(port, name, data, len), SBS_OK);
}

/* The record is there, whole and unchanged. */
static bool storage_holds(port_report *report, const port_storage *port, const char *name, uint32_t seed, size_t len) {
    uint8_t data[RECORD], got[RECORD];
    size_t got_len = 99;
    port_fill(data, len, seed);
    memset(got, 0, sizeof got);

    return port_expect_status(report, "get() of that record", storage_get(port, name, got, sizeof got, &got_len),
                              SBS_OK) &&
           port_expect_number(report, "the length that get() tells", got_len, len) &&
           port_expect_bytes(report, "the bytes that get() reads", got, data, len);
}

static bool storage_lacks(port_report *report, const port_storage *port, const char *name) {
    uint8_t got[RECORD];
    size_t got_len = 0;
    return port_expect_status(report, "get() of a record that is not there",
                              storage_get(port, name, got, sizeof got, &got_len), SBS_ERR_NOT_FOUND);
}

static bool storage_restart(port_report *report, const port_storage *port) {
    if (port->restart == NULL) {
        port_missing(report, "port_storage.restart");
        return false;
    }

    return port_expect(report, "port_storage.restart", port->restart(port->ctx), "true", "false");
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void storage_missing_record(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    if (storage_lacks(report, port, NAME)) {
        (void)port_expect_status(report, "remove() of a record that is not there", storage_remove(port, NAME),
                                 SBS_ERR_NOT_FOUND);
    }
}

static void storage_keeps_bytes(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t all[256], got[256];
    size_t len = 0;
    storage_clean(port);

    for (unsigned i = 0; i < sizeof all; i++) {
        all[i] = (uint8_t)i;
    }

    if (!port_expect_status(report, "set() of 256 bytes, each another value", storage_set(port, NAME, all, sizeof all),
                            SBS_OK) ||
        !port_expect_status(report, "get() of it", storage_get(port, NAME, got, sizeof got, &len), SBS_OK) ||
        !port_expect_number(report, "its length", len, sizeof all)) {
        return;
    }

    (void)port_expect_bytes(report, "its bytes", got, all, sizeof all);
}

static void storage_replaces(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    /* A shorter one leaves nothing of the longer one, and a longer one has room again. */
    if (storage_put(report, port, NAME, 1, RECORD) && storage_put(report, port, NAME, 2, 3) &&
        storage_holds(report, port, NAME, 2, 3) && storage_put(report, port, NAME, 3, RECORD)) {
        (void)storage_holds(report, port, NAME, 3, RECORD);
    }
}

static void storage_copies(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t data[RECORD];
    char name[] = NAME;
    storage_clean(port);
    port_fill(data, sizeof data, 4);

    if (!port_expect_status(report, "set() of a small record", storage_set(port, name, data, sizeof data), SBS_OK)) {
        return;
    }

    /* What the caller does with his memory afterwards is his own affair. */
    memset(data, 0, sizeof data);
    memset(name, 'x', sizeof name - 1u);
    (void)storage_holds(report, port, NAME, 4, RECORD);
}

static void storage_removes(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    if (storage_put(report, port, NAME, 1, RECORD) && storage_put(report, port, "a", 2, 8) &&
        port_expect_status(report, "remove()", storage_remove(port, NAME), SBS_OK) &&
        storage_lacks(report, port, NAME) &&
        port_expect_status(report, "remove() again", storage_remove(port, NAME), SBS_ERR_NOT_FOUND)) {
        (void)storage_holds(report, port, "a", 2, 8);
    }
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static void storage_empty_record(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t byte = GUARD;
    size_t len = 99;
    storage_clean(port);

    if (!port_expect_status(report, "set() with len 0", storage_set(port, NAME, &byte, 0), SBS_OK) ||
        !port_expect_status(report, "get() of it into 1 byte", storage_get(port, NAME, &byte, 1, &len), SBS_OK) ||
        !port_expect_number(report, "its length", len, 0)) {
        return;
    }

    (void)port_expect_status(report, "get() of it into 0 bytes", storage_get(port, NAME, &byte, 0, &len), SBS_OK);
}

/* A get() with exactly the record's size, with guards behind it. */
static void storage_exact_fit(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    /* 1, 4, 13 and 40 bytes. */
    for (size_t len = 1; len <= RECORD; len = len * 3u + 1u) {
        uint8_t data[RECORD], got[RECORD + 1u];
        size_t got_len = 99;
        port_fill(data, len, 5);
        memset(got, GUARD, sizeof got);

        if (!storage_put(report, port, NAME, 5, len) ||
            !port_expect_status(report, "get() into exactly the record's size",
                                storage_get(port, NAME, got, len, &got_len), SBS_OK) ||
            !port_expect_number(report, "its length", got_len, len) ||
            !port_expect_bytes(report, "its bytes", got, data, len) ||
            !port_expect_number(report, "the byte behind the buffer", got[len], GUARD)) {
            return;
        }
    }
}

static void storage_too_short(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);
    if (!storage_put(report, port, NAME, 6, RECORD)) {
        return;
    }

    static const size_t sizes[] = {RECORD - 1u, 1, 0};

    for (size_t i = 0; i < SBS_COUNT_OF(sizes); i++) {
        uint8_t got[RECORD];
        size_t len = 0;
        memset(got, GUARD, sizeof got);

        if (!port_expect_status(report, "get() into a buffer that is too short",
                                storage_get(port, NAME, got, sizes[i], &len), SBS_ERR_BUFFER) ||
            !port_expect_number(report, "the size that is needed, in out_len", len, RECORD) ||
            !port_expect_number(report, "the byte behind the buffer", got[sizes[i]], GUARD)) {
            return;
        }
    }
}

static void storage_largest(port_report *report, const void *context) {
    const port_storage *port = context;
    size_t largest = port->largest, len = 0;
    if (largest == 0 || port->memory_size < 2u * largest + 2u) {
        port_missing(report, "port_storage.largest and memory");
        return;
    }

    storage_clean(port);
    uint8_t *data = port->memory;
    uint8_t *got = data + largest + 1u;
    port_fill(data, largest + 1u, 7);
    if (!port_expect_status(report, "set() of the largest record", storage_set(port, NAME_LONG, data, largest),
                            SBS_OK) ||
        !port_expect_status(report, "get() of it", storage_get(port, NAME_LONG, got, largest, &len), SBS_OK) ||
        !port_expect_number(report, "its length", len, largest) ||
        !port_expect_bytes(report, "its bytes", got, data, largest)) {
        return;
    }

    /* One byte more is refused, not cut, and what was there stays. */
    sbs_status status = storage_set(port, NAME_LONG, data, largest + 1u);
    if (!port_expect(report, "set() of one byte more", status < SBS_OK, "an error", "no error")) {
        return;
    }

    if (port_expect_status(report, "get() after that", storage_get(port, NAME_LONG, got, largest, &len), SBS_OK) &&
        port_expect_number(report, "the length of the old record", len, largest)) {
        (void)port_expect_bytes(report, "its bytes", got, data, largest);
    }

    storage_clean(port);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void storage_long_names(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    if (storage_put(report, port, NAME_LONG, 1, RECORD) && storage_put(report, port, NAME_LONG2, 2, 9) &&
        storage_put(report, port, "a", 3, 1) && storage_holds(report, port, NAME_LONG, 1, RECORD) &&
        storage_holds(report, port, NAME_LONG2, 2, 9)) {
        (void)storage_holds(report, port, "a", 3, 1);
    }
}

static void storage_bad_names(port_report *report, const void *context) {
    static const char *const names[] = {"",    "-a",        "A",   "a b",   "a.b",        "../a",
                                        "a/b", "a\xC3\xA4", "a\n", "a\x7F", NAME_LONG "0"};
    const port_storage *port = context;
    uint8_t byte = 1;
    size_t len = 0;

    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        if (!port_expect_status(report, "set() with a name that is not allowed", storage_set(port, names[i], &byte, 1),
                                SBS_ERR_ARGUMENT) ||
            !port_expect_status(report, "get() with such a name", storage_get(port, names[i], &byte, 1, &len),
                                SBS_ERR_ARGUMENT) ||
            !port_expect_status(report, "remove() with such a name", storage_remove(port, names[i]),
                                SBS_ERR_ARGUMENT)) {
            return;
        }
    }
}

/* ---- power and damage -------------------------------------------------------------------------------------------- */

static void storage_durable(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    if (storage_put(report, port, NAME, 1, RECORD) && storage_put(report, port, "a", 2, 1) &&
        storage_restart(report, port) && storage_holds(report, port, NAME, 1, RECORD) &&
        storage_holds(report, port, "a", 2, 1)) {
        /* A replacement is as durable as the first value. */
        if (storage_put(report, port, NAME, 3, 7) && storage_restart(report, port)) {
            (void)storage_holds(report, port, NAME, 3, 7);
        }
    }
}

static void storage_removed_durably(port_report *report, const void *context) {
    const port_storage *port = context;
    storage_clean(port);

    if (storage_put(report, port, NAME, 1, RECORD) &&
        port_expect_status(report, "remove()", storage_remove(port, NAME), SBS_OK) && storage_restart(report, port)) {
        (void)storage_lacks(report, port, NAME);
    }
}

static void storage_atomic(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t before[RECORD], after[RECORD], got[RECORD];
    if (port->set_and_cut == NULL) {
        port_missing(report, "port_storage.set_and_cut");
        return;
    }

    port_fill(before, sizeof before, 1);
    port_fill(after, sizeof after, 2);

    /* A cut after each unit that set() writes, until it writes no further one. */
    for (uint32_t step = 0; step < CUTS_MAX; step++) {
        size_t len = 0;
        storage_clean(port);
        if (!storage_put(report, port, NAME, 1, RECORD)) {
            return;
        }

        if (!port->set_and_cut(port->ctx, &port->storage, NAME, after, sizeof after, step)) {
            (void)storage_holds(report, port, NAME, 2, RECORD);
            return;
        }

        if (!port_expect_status(report, "get() after a cut", storage_get(port, NAME, got, sizeof got, &len), SBS_OK) ||
            !port_expect_number(report, "the length after a cut", len, RECORD)) {
            return;
        }

        if (memcmp(got, before, sizeof got) != 0 &&
            !port_expect_bytes(report, "the bytes after a cut, old or new", got, after, sizeof got)) {
            return;
        }
    }
}

static void storage_failing(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t data[RECORD];
    if (port->refuse_writes == NULL) {
        port_missing(report, "port_storage.refuse_writes");
        return;
    }

    storage_clean(port);
    port_fill(data, sizeof data, 2);
    if (!storage_put(report, port, NAME, 1, RECORD)) {
        return;
    }

    /* The medium works again before anything else is asked of it. */
    port->refuse_writes(port->ctx, true);
    sbs_status status = storage_set(port, NAME, data, sizeof data);
    port->refuse_writes(port->ctx, false);

    if (port_expect_status(report, "set() while the medium refuses to be written", status, SBS_ERR_STORAGE)) {
        (void)storage_holds(report, port, NAME, 1, RECORD);
    }
}

static void storage_damage(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t got[RECORD];
    size_t len = 0;
    if (port->damage == NULL) {
        port_missing(report, "port_storage.damage");
        return;
    }

    storage_clean(port);
    if (!storage_put(report, port, NAME, 1, RECORD) ||
        !port_expect(report, "port_storage.damage", port->damage(port->ctx, NAME), "true", "false") ||
        !port_expect_status(report, "get() of a damaged record", storage_get(port, NAME, got, sizeof got, &len),
                            SBS_ERR_DAMAGED) ||
        !port_expect_status(report, "get() again: it is kept", storage_get(port, NAME, got, sizeof got, &len),
                            SBS_ERR_DAMAGED)) {
        return;
    }

    if (storage_put(report, port, NAME, 2, 8)) {
        (void)storage_holds(report, port, NAME, 2, 8);
    }
}

static void storage_newer(port_report *report, const void *context) {
    const port_storage *port = context;
    uint8_t got[RECORD];
    size_t len = 0;
    if (port->renew == NULL) {
        port_missing(report, "port_storage.renew");
        return;
    }

    storage_clean(port);
    if (storage_put(report, port, NAME, 1, RECORD) &&
        port_expect(report, "port_storage.renew", port->renew(port->ctx, NAME), "true", "false") &&
        port_expect_status(report, "get() of a record of newer code", storage_get(port, NAME, got, sizeof got, &len),
                           SBS_ERR_VERSION)) {
        (void)port_expect_status(report, "get() again: it is left alone",
                                 storage_get(port, NAME, got, sizeof got, &len), SBS_ERR_VERSION);
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const port_check storage_checks[] = {
    {"a record that is not there is not found", "storage.h, get and remove: \"SBS_ERR_NOT_FOUND if there is none\"",
     "the first look-up of get() and remove() in an empty store", storage_missing_record},
    {"a record of each byte value is read back unchanged", "storage.h, get: \"Reads a whole record\"",
     "the first byte that differs: is the value text, escaped or ended by a NUL somewhere?", storage_keeps_bytes},
    {"set() replaces a whole record", "storage.h, set: \"Replaces a record\"",
     "what remains of a longer record under a shorter one: is the length stored, too?", storage_replaces},
    {"set() keeps none of its arguments", "port/README.md: \"You own your context; the core owns nothing of it\"",
     "pointers to name or data that are kept after set() returned", storage_copies},
    {"remove() takes this record away and no other", "storage.h, remove: \"Removes a record\"",
     "what else has a name like it", storage_removes},
    {"an empty record is a record", "storage.h, set: \"len may be 0\"",
     "tests for len == 0, and files or records of size 0 that count as missing", storage_empty_record},
    {"a buffer of exactly the record's size suffices", "storage.h, get: \"Reads a whole record\"",
     "a comparison with < where <= is meant, and a NUL that is written behind the value", storage_exact_fit},
    {"a buffer that is too short is refused with the needed size",
     "storage.h, get: \"SBS_ERR_BUFFER with the needed size in out_len\"",
     "is the size compared before a byte is written?", storage_too_short},
    {"the largest record fits, and one byte more is refused", "port/README.md: \"never a truncation\"",
     "port_storage.largest, and the comparison of sizes in set()", storage_largest},
    {"names have up to 31 bytes and all of them count", "storage.h: \"1 to 31 of [a-z0-9_-], the first not '-'\"",
     "how a name is made a key: is it cut, hashed or padded?", storage_long_names},
    {"a name that is not allowed is refused", "storage.h: \"1 to 31 of [a-z0-9_-], the first not '-'\"",
     "the check of names, before the medium is asked; all three calls need it", storage_bad_names},
    {"a record is durable when set() has returned", "storage.h: \"when it returns, the record is durable\"",
     "a cache, a missing fsync or commit, or what restart does to the medium", storage_durable},
    {"a removed record stays removed over a restart", "storage.h, remove: \"Removes a record, durably\"",
     "how the medium says that a record is gone, and whether mounting reads that", storage_removed_durably},
    {"a loss of power leaves the old record or the new one",
     "storage.h: \"the old or the new record, never a mixture\"",
     "what is written first: the new record beside the old one, then what makes it count", storage_atomic},
    {"a set() that fails leaves the old record", "storage.h, set: \"SBS_ERR_STORAGE leaves the old one in place\"",
     "what was changed before the medium failed, and the status that is returned then", storage_failing},
    {"damage is reported and the record kept",
     "storage.h, get: \"the record fails its checksum; it is kept for inspection\"",
     "is the checksum compared before a byte is used? who erases the record?", storage_damage},
    {"a record of newer code is refused and left alone",
     "port/README.md: \"older code answers SBS_ERR_VERSION and leaves it alone\"",
     "the version in front of what is stored, and who writes over the record", storage_newer},
};

unsigned port_suite_storage(const port_suite *suite, const port_storage *port) {
    return port_report_run(suite, "storage", storage_checks, SBS_COUNT_OF(storage_checks), port);
}
