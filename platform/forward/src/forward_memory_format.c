/* SPDX-License-Identifier: Apache-2.0 */
#include "forward_memory_format.h"

#include <stdlib.h>
#include <string.h>

#include "sbs/crc32.h"

#define FACTS_HEAD "sbs facts 1"
#define TOKEN_HEAD "sbs token 1"
#define END "end "
#define URL_MAX 4096u
#define TOKEN_MAX 65536u
#define SCOPE_MAX 16384u

/* A text as it is read: lines, and words of a line. */
typedef struct reading {
    sbs_text rest; /* of the file */
    sbs_text line; /* what is left of the line */
    const sbs_forward_memory *memory;
    bool same_boot;
} reading;

/* ---- lines and words --------------------------------------------------------------------------------------------- */

/* What stands before @p end, which is taken too; all of it if there is no such character. */
static sbs_text text_take(sbs_text *text, char end) {
    const char *at = NULL;
    sbs_text taken = *text;
    if (text->len > 0) {
        at = memchr(text->ptr, end, text->len);
    }

    if (at == NULL) {
        *text = (sbs_text){text->ptr, 0};
        return taken;
    }

    taken.len = (size_t)(at - text->ptr);
    text->ptr += taken.len + 1;
    text->len -= taken.len + 1;
    return taken;
}

static bool read_line(reading *from) {
    if (from->rest.len == 0) {
        return false;
    }
    from->line = text_take(&from->rest, '\n');
    return true;
}

static sbs_text read_word(reading *from) {
    return text_take(&from->line, ' ');
}

static bool word_is(sbs_text word, const char *expected) {
    return sbs_text_equal(word, sbs_text_of(expected));
}

static bool read_number(reading *from, uint64_t most, uint64_t *out) {
    return sbs_text_to_uint(read_word(from), out) == SBS_OK && *out <= most;
}

/* "-5", or "-" for what is not known. */
static bool read_signed(reading *from, int64_t *out) {
    sbs_text word = read_word(from);
    uint64_t value = 0;
    bool negative = word.len > 0 && word.ptr[0] == '-';
    if (word_is(word, "-")) {
        *out = SBS_UTC_UNKNOWN;
        return true;
    }

    if (negative) {
        word.ptr++;
        word.len--;
    }
    if (sbs_text_to_uint(word, &value) != SBS_OK || value > INT64_MAX / 4096) {
        return false;
    }

    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* The first lines, which every file has, and its checksum. */
static bool read_head(reading *from, const sbs_forward_memory *memory, sbs_text text, const char *head) {
    /* "end " and eight digits, behind all that they are the checksum of. */
    size_t tail = sizeof END - 1 + 9;
    uint64_t crc = 0;
    if (text.len <= tail || text.ptr[text.len - 1] != '\n' || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }

    *from = (reading){.rest = text, .memory = memory};
    sbs_text body = {text.ptr, text.len - tail};
    for (const char *at = text.ptr + body.len + sizeof END - 1; at < text.ptr + text.len - 1; at++) {
        const char *digit = strchr("0123456789abcdef", *at);
        if (digit == NULL) {
            return false;
        }
        crc = crc * 16 + (uint64_t)(digit - "0123456789abcdef");
    }

    if (memcmp(text.ptr + body.len, END, sizeof END - 1) != 0 || crc != sbs_crc32(0, body.ptr, body.len)) {
        return false;
    }

    from->rest = body;
    bool fits = read_line(from) && word_is(from->line, head) && read_line(from) &&
                word_is(from->line, memory->priv.binding) && read_line(from);
    from->same_boot = fits && from->line.len > 0 && word_is(from->line, memory->priv.boot);
    return fits;
}

static void put_head(sbs_writer *out, const sbs_forward_memory *memory, const char *head) {
    const char *const lines[] = {head, memory->priv.binding, memory->priv.boot};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        sbs_put_string(out, lines[i]);
        sbs_put_char(out, '\n');
    }
}

static sbs_status put_end(sbs_writer *out, const sbs_forward_buffer *text) {
    uint32_t crc = sbs_crc32(0, text->data, text->len);
    sbs_put_string(out, END);
    for (unsigned shift = 32; shift > 0; shift -= 4) {
        sbs_put_char(out, sbs_hex_digit(crc >> (shift - 4) & 15u));
    }
    sbs_put_char(out, '\n');
    return sbs_writer_finish(out, NULL);
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

static void put_time(sbs_writer *out, const sbs_forward_memory *memory, int64_t since_ms) {
    const sbs_now *now = &memory->priv.now;
    int64_t age_s = ((int64_t)now->mono_ms - since_ms) / 1000;
    if (now->utc_s == SBS_UTC_UNKNOWN) {
        sbs_put_char(out, '-');
    } else {
        sbs_put_int(out, now->utc_s - age_s);
    }

    sbs_put_char(out, ' ');
    sbs_put_int(out, since_ms);
}

/* Since when something is known, by this boot's monotonic clock. False if it is older than that, or lies in the future,
 * or nobody can tell. */
static bool read_time(reading *from, uint32_t most_s, int64_t *out_since_ms) {
    const sbs_now *now = &from->memory->priv.now;
    int64_t utc_s;
    int64_t mono_ms;
    if (!read_signed(from, &utc_s) || !read_signed(from, &mono_ms) || mono_ms == SBS_UTC_UNKNOWN) {
        return false;
    }

    bool dated = utc_s != SBS_UTC_UNKNOWN && now->utc_s != SBS_UTC_UNKNOWN;
    int64_t age_ms = (int64_t)now->mono_ms - mono_ms;
    int64_t dated_ms = dated ? (now->utc_s - utc_s) * 1000 : 0;

    /* A machine that was stopped and went on knows it by the wall clock alone; one whose wall clock was set back, by
     * the other. */
    if (!from->same_boot) {
        age_ms = dated ? dated_ms : -1;
    } else if (age_ms >= 0 && dated_ms > age_ms) {
        age_ms = dated_ms;
    }

    *out_since_ms = (int64_t)now->mono_ms - age_ms;
    return age_ms >= 0 && age_ms <= (int64_t)most_s * 1000;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static bool facts_read_url(sbs_forward_memory *memory, reading *from) {
    bool fresh = read_time(from, SBS_FORWARD_MEMORY_DAY_S, &memory->priv.token_url_ms);
    sbs_text url = from->line;
    if (url.len == 0 || url.len > URL_MAX) {
        return false;
    }
    if (!fresh) {
        return true;
    }

    free(memory->priv.token_url);
    memory->priv.token_url = strndup(url.ptr, url.len);
    return memory->priv.token_url != NULL;
}

/* "cuUC": create, update, update as create, conditional create; of the system "bt". */
static const char can_letters[] = "cuUCbt";

static bool read_can(reading *from, sbs_capability *out) {
    sbs_text word = read_word(from);
    *out = (sbs_capability){0};
    bool *const members[] = {&out->create, &out->update,     &out->update_create, &out->conditional_create,
                             &out->batch,  &out->transaction};

    for (size_t i = 0; i < word.len; i++) {
        const char *letter = strchr(can_letters, word.ptr[i]);
        if (letter == NULL && word.ptr[i] != '-') {
            return false;
        }
        if (letter != NULL) {
            *members[letter - can_letters] = true;
        }
    }

    return word.len > 0;
}

static void put_can(sbs_writer *out, const sbs_capability *can) {
    const bool members[] = {can->create, can->update,     can->update_create, can->conditional_create,
                            can->batch,  can->transaction};
    sbs_put_char(out, '-');
    for (size_t i = 0; i < sizeof members; i++) {
        if (members[i]) {
            sbs_put_char(out, can_letters[i]);
        }
    }
}

static bool facts_read_statement(sbs_forward_memory *memory, reading *from) {
    sbs_forward_statement *statement = &memory->priv.statement;
    uint64_t major = 0;
    memory->priv.has_statement = read_time(from, SBS_FORWARD_MEMORY_DAY_S, &memory->priv.statement_ms);
    sbs_forward_statement_free(statement);
    if (!read_can(from, &statement->system) || !read_number(from, 1000, &major) ||
        from->line.len >= sizeof statement->release) {
        return false;
    }

    statement->major = (unsigned)major;
    memcpy(statement->release, from->line.ptr, from->line.len);
    return true;
}

/* A type of the statement before it. */
static bool facts_read_type(sbs_forward_memory *memory, reading *from) {
    sbs_capability can;
    sbs_text name = read_word(from);
    if (!read_can(from, &can)) {
        return false;
    }

    can.batch = memory->priv.statement.system.batch;
    can.transaction = memory->priv.statement.system.transaction;
    return !memory->priv.has_statement || sbs_forward_statement_add(&memory->priv.statement, name, &can) == SBS_OK;
}

static bool facts_read_hidden(sbs_forward_memory *memory, reading *from) {
    uint64_t status = 0;
    memory->priv.hidden = read_time(from, SBS_FORWARD_MEMORY_DAY_S, &memory->priv.statement_ms);
    bool fits = read_number(from, 599, &status);
    memory->priv.refused_with = (uint16_t)status;
    return fits;
}

static bool facts_read_batches(sbs_forward_memory *memory, reading *from) {
    uint64_t taken = 0;
    uint64_t size = 0;
    uint64_t limit = 0;
    bool fresh = read_time(from, SBS_FORWARD_MEMORY_WEEK_S, &memory->priv.batches_ms);
    bool fits = read_number(from, SBS_FORWARD_BATCHES_REFUSED, &taken) &&
                read_number(from, SBS_FORWARD_BATCH_MAX, &size) && read_number(from, SBS_FORWARD_BATCH_MAX, &limit);
    if (fresh && fits) {
        memory->priv.batches = (sbs_forward_batch_facts){
            .taken = (sbs_forward_batches)taken, .size = (uint16_t)size, .limit = (uint16_t)limit};
    }
    return fits;
}

static bool facts_read_gzip(sbs_forward_memory *memory, reading *from) {
    uint64_t gzip = 0;
    bool fresh = read_time(from, SBS_FORWARD_MEMORY_WEEK_S, &memory->priv.gzip_ms);
    bool fits = read_number(from, SBS_FORWARD_FAILS, &gzip);
    if (fresh && fits) {
        memory->priv.gzip = (sbs_forward_tried)gzip;
    }
    return fits;
}

typedef bool (*fact_reader)(sbs_forward_memory *memory, reading *from);

bool sbs_forward_memory_facts_read(sbs_forward_memory *memory, sbs_text text) {
    static const struct {
        const char *name;
        fact_reader read;
    } readers[] = {{"token-url", facts_read_url}, {"statement", facts_read_statement}, {"type", facts_read_type},
                   {"hidden", facts_read_hidden}, {"batches", facts_read_batches},     {"gzip", facts_read_gzip}};
    reading from;
    bool fits = read_head(&from, memory, text, FACTS_HEAD);

    while (fits && read_line(&from)) {
        sbs_text name = read_word(&from);
        size_t at = 0;
        while (at < sizeof readers / sizeof *readers && !word_is(name, readers[at].name)) {
            at++;
        }
        fits = at < sizeof readers / sizeof *readers && readers[at].read(memory, &from);
    }

    return fits;
}

static void put_fact(sbs_writer *out, const sbs_forward_memory *memory, const char *name, int64_t since_ms) {
    sbs_put_string(out, name);
    sbs_put_char(out, ' ');
    put_time(out, memory, since_ms);
    sbs_put_char(out, ' ');
}

static void put_statement(sbs_writer *out, const sbs_forward_memory *memory) {
    const sbs_forward_statement *statement = &memory->priv.statement;
    put_fact(out, memory, "statement", memory->priv.statement_ms);
    put_can(out, &statement->system);
    sbs_put_char(out, ' ');
    sbs_put_uint(out, statement->major);
    sbs_put_char(out, ' ');
    sbs_put_string(out, statement->release);
    sbs_put_char(out, '\n');

    const sbs_forward_type *type;
    for (size_t i = 0; (type = sbs_forward_statement_at(statement, i)) != NULL; i++) {
        sbs_put_string(out, "type ");
        sbs_put_string(out, type->name);
        sbs_put_char(out, ' ');
        put_can(out, &type->can);
        sbs_put_char(out, '\n');
    }
}

static void put_tried(sbs_writer *out, const sbs_forward_memory *memory) {
    const sbs_forward_batch_facts *batches = &memory->priv.batches;
    if (batches->taken != SBS_FORWARD_BATCHES_UNTRIED) {
        put_fact(out, memory, "batches", memory->priv.batches_ms);
        sbs_put_uint(out, batches->taken);
        sbs_put_char(out, ' ');
        sbs_put_uint(out, batches->size);
        sbs_put_char(out, ' ');
        sbs_put_uint(out, batches->limit);
        sbs_put_char(out, '\n');
    }

    if (memory->priv.gzip != SBS_FORWARD_UNTRIED) {
        put_fact(out, memory, "gzip", memory->priv.gzip_ms);
        sbs_put_uint(out, memory->priv.gzip);
        sbs_put_char(out, '\n');
    }
}

sbs_status sbs_forward_memory_facts_put(const sbs_forward_memory *memory, sbs_forward_buffer *text) {
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, text);
    put_head(&out, memory, FACTS_HEAD);

    if (memory->priv.token_url != NULL) {
        put_fact(&out, memory, "token-url", memory->priv.token_url_ms);
        sbs_put_string(&out, memory->priv.token_url);
        sbs_put_char(&out, '\n');
    }

    if (memory->priv.has_statement) {
        put_statement(&out, memory);
    } else if (memory->priv.hidden) {
        put_fact(&out, memory, "hidden", memory->priv.statement_ms);
        sbs_put_uint(&out, memory->priv.refused_with);
        sbs_put_char(&out, '\n');
    }

    put_tried(&out, memory);
    return put_end(&out, text);
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

bool sbs_forward_memory_token_read(const sbs_forward_memory *memory, sbs_text text, sbs_client_memory *out) {
    reading from;
    int64_t since_ms = 0;
    uint64_t lifetime_s = 0;
    /* In another boot nobody knows how long it lives still, unless a clock that may be wrong is believed. */
    if (!read_head(&from, memory, text, TOKEN_HEAD) || !from.same_boot || !read_line(&from) ||
        !read_time(&from, SBS_TOKEN_EXPIRES_MAX, &since_ms) ||
        !read_number(&from, SBS_TOKEN_EXPIRES_MAX, &lifetime_s)) {
        return false;
    }

    uint64_t age_s = (memory->priv.now.mono_ms - (uint64_t)since_ms + 999) / 1000;
    if (age_s >= lifetime_s || !read_line(&from) || from.line.len > SCOPE_MAX) {
        return false;
    }

    out->scope = from.line;
    out->lifetime_s = (uint32_t)lifetime_s;
    out->expires_in_s = (uint32_t)(lifetime_s - age_s);
    if (!read_line(&from) || from.line.len == 0 || from.line.len > TOKEN_MAX || from.rest.len > 0) {
        return false;
    }

    out->access_token = from.line;
    return true;
}

sbs_status sbs_forward_memory_token_put(const sbs_forward_memory *memory, const sbs_token_view *token,
                                        sbs_forward_buffer *text) {
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, text);
    put_head(&out, memory, TOKEN_HEAD);

    put_time(&out, memory, (int64_t)token->expires_at_ms - (int64_t)token->expires_in_s * 1000);
    sbs_put_char(&out, ' ');
    sbs_put_uint(&out, token->expires_in_s);
    sbs_put_char(&out, '\n');
    sbs_put_text(&out, token->scope);
    sbs_put_char(&out, '\n');
    sbs_put_text(&out, token->access_token);
    sbs_put_char(&out, '\n');
    return put_end(&out, text);
}
