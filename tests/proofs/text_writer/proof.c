/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: no writer writes outside of its room; what it wrote fits or its error says so; its length never wraps
 * Bound: one call on a writer in any state that its invariant allows, room and data of 0 to 8 bytes; the call keeps
 *   the invariant, so any number of calls does
 * Sources: core/src/text/text_writer.c core/src/text/text.c
 * Unwind: 10
 * Meant: sbs_put:wrap
 * Suite: short
 * Fault: core/src/text/text_writer.c `len > writer->size - writer->len` => `len > writer->size - writer->len + 1`
 */
#include "proof.h"
#include "sbs/text.h"

enum { ROOM = 8, GUARDS = 8 };

static char memory[ROOM + GUARDS]; /* room, and what no writer may touch behind it */

/* Holds after init and, as is proven, after each call. */
static bool writer_is_sound(const sbs_writer *writer, size_t room) {
    bool fits = writer->len <= room || writer->error != SBS_OK;
    return writer->buffer == memory && writer->size == room && writer->sink == NULL && fits;
}

/* The place of any byte that is not the writer's to write now. */
static size_t any_foreign(const sbs_writer *writer) {
    size_t at = any_count(sizeof memory - 1);
    ASSUME(at < writer->len || at >= writer->size);
    return at;
}

static void prove_put(sbs_writer *writer, size_t room) {
    char data[ROOM];
    size_t len = any_count(sizeof data);
    size_t at = any_foreign(writer);
    size_t before = writer->len;
    sbs_status error = writer->error;
    char guard = memory[at];

    sbs_put(writer, data, len);
    PROVE(memory[at] == guard);
    PROVE(writer_is_sound(writer, room));
    PROVE(writer->len >= before);
    PROVE(error == SBS_OK || writer->error == error); /* the first error stays */
    if (error == SBS_OK && len <= room - before) {
        PROVE(writer->error == SBS_OK && writer->len == before + len);
        REACHED("what fits");
    }
    if (error == SBS_OK && len > room - before) {
        PROVE(writer->error == SBS_ERR_BUFFER && writer->len == before + len);
        REACHED("what does not fit");
    }
}

int main(void) {
    sbs_writer writer;
    size_t room = any_count(ROOM);
    sbs_writer_init(&writer, memory, room);
    PROVE(writer_is_sound(&writer, room));

    writer.len = nondet_size();
    writer.error = (sbs_status)nondet_int();
    ASSUME(writer_is_sound(&writer, room));
    prove_put(&writer, room);
    return 0;
}
