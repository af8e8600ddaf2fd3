/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward_memory_file.h"
#include "forward_memory_format.h"

#define FACTS_SUFFIX ".memory"

static sbs_client *memory_client(const sbs_forward_memory *memory) {
    return sbs_forward_server_client(memory->priv.server);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void memory_forget_facts(sbs_forward_memory *memory) {
    sbs_forward_statement_free(&memory->priv.statement);
    free(memory->priv.token_url);
    memory->priv.token_url = NULL;
    memory->priv.has_statement = memory->priv.hidden = false;
    memory->priv.batches = (sbs_forward_batch_facts){0};
    memory->priv.gzip = SBS_FORWARD_UNTRIED;
}

static void memory_read_facts(sbs_forward_memory *memory) {
    sbs_forward_buffer text = {0};
    bool read = sbs_forward_memory_file_read(memory->priv.path, SBS_FORWARD_MEMORY_MAX, &text);

    if (read && !sbs_forward_memory_facts_read(memory, sbs_forward_buffer_text(&text))) {
        memory_forget_facts(memory);
    }
    sbs_forward_buffer_free(&text);
}

/* Gives the client what was kept. What it does not take is of no use to anybody. */
static void memory_recall(sbs_forward_memory *memory) {
    sbs_client_memory known = {.token_url = {NULL, 0}};
    sbs_forward_buffer text = {0};
    bool token = sbs_forward_memory_file_read(memory->priv.token_path, SBS_FORWARD_MEMORY_MAX, &text) &&
                 sbs_forward_memory_token_read(memory, sbs_forward_buffer_text(&text), &known);
    if (!token) {
        sbs_forward_memory_file_remove(memory->priv.token_path);
        known = (sbs_client_memory){.token_url = {NULL, 0}};
    }

    if (memory->priv.token_url != NULL) {
        int64_t age_ms = (int64_t)memory->priv.now.mono_ms - memory->priv.token_url_ms;
        known.token_url = sbs_text_of(memory->priv.token_url);
        known.discovered_s = (uint32_t)(age_ms / 1000);
    }

    if (sbs_client_recall(memory_client(memory), &known, memory->priv.now) != SBS_OK) {
        memory_forget_facts(memory);
        sbs_forward_memory_file_remove(memory->priv.token_path);
    } else {
        sbs_token_view view;
        memory->priv.recalled_url = memory->priv.token_url != NULL;
        if (sbs_client_token(memory_client(memory), memory->priv.now, &view) == SBS_OK) {
            memory->priv.token_expires_ms = view.expires_at_ms;
            memory->priv.recalled_token = true;
        } else { /* it would be renewed by now */
            sbs_forward_memory_file_remove(memory->priv.token_path);
        }
    }

    sbs_forward_buffer_free(&text);
}

static sbs_status memory_name_files(sbs_forward_memory *memory, const char *beside) {
    size_t size = strlen(beside) + sizeof FACTS_SUFFIX;
    memory->priv.path = malloc(size);
    memory->priv.token_path = sbs_forward_memory_token_path(beside, memory->priv.binding);
    if (memory->priv.path == NULL || memory->priv.token_path == NULL) {
        return SBS_ERR_MEMORY;
    }

    (void)snprintf(memory->priv.path, size, "%s%s", beside, FACTS_SUFFIX);
    return SBS_OK;
}

static void memory_free(sbs_forward_memory *memory) {
    memory_forget_facts(memory);
    free(memory->priv.path);
    free(memory->priv.token_path);
    sbs_wipe(memory, sizeof *memory);
}

/* Finds its place. */
static sbs_status memory_begin(sbs_forward_memory *memory, sbs_forward_server *server, const char *beside,
                               sbs_now now) {
    *memory = (sbs_forward_memory){.priv = {.server = server, .now = now}};
    sbs_status status = sbs_forward_memory_bind(&server->priv.given, memory->priv.binding);
    if (status == SBS_OK) {
        status = memory_name_files(memory, beside);
    }
    if (status != SBS_OK) {
        memory_free(memory);
    }

    return status;
}

sbs_status sbs_forward_memory_open(sbs_forward_memory *memory, sbs_forward_server *server, const char *beside,
                                   sbs_now now) {
    sbs_status status = memory_begin(memory, server, beside, now);
    if (status != SBS_OK) {
        return status;
    }

    memory->priv.open = true;
    sbs_forward_memory_boot(memory->priv.boot, sizeof memory->priv.boot);
    memory_read_facts(memory);
    memory_recall(memory);
    return SBS_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void memory_save(sbs_forward_memory *memory) {
    sbs_forward_buffer text = {0};
    if (sbs_forward_memory_facts_put(memory, &text) == SBS_OK) {
        (void)sbs_forward_memory_file_write(memory->priv.path, sbs_forward_buffer_text(&text));
    }

    memory->priv.changed = false;
    sbs_forward_buffer_free(&text);
}

static void memory_save_token(sbs_forward_memory *memory, const sbs_token_view *token) {
    sbs_forward_buffer text = {0};
    bool written = sbs_forward_memory_token_put(memory, token, &text) == SBS_OK &&
                   sbs_forward_memory_file_write(memory->priv.token_path, sbs_forward_buffer_text(&text));

    /* The one before it is none any more. */
    if (!written) {
        sbs_forward_memory_file_remove(memory->priv.token_path);
    }
    sbs_forward_buffer_free(&text);
}

void sbs_forward_memory_close(sbs_forward_memory *memory) {
    if (!memory->priv.open) {
        return;
    }
    if (memory->priv.changed) {
        memory_save(memory);
    }
    memory_free(memory);
}

void sbs_forward_memory_delete(sbs_forward_server *server, const char *beside) {
    sbs_forward_memory memory;
    if (memory_begin(&memory, server, beside, (sbs_now){0}) != SBS_OK) {
        return;
    }

    sbs_forward_memory_file_remove(memory.priv.path);
    sbs_forward_memory_file_remove(memory.priv.token_path);
    memory_free(&memory);
}

/* ---- token and token endpoint ------------------------------------------------------------------------------------ */

/* The endpoint that gave the token at hand. */
static void memory_note_url(sbs_forward_memory *memory) {
    sbs_text url = sbs_client_token_url(memory_client(memory));
    if (memory->priv.server->priv.given.token_url != NULL || url.len == 0) {
        return;
    }

    bool known = memory->priv.token_url != NULL && sbs_text_equal(url, sbs_text_of(memory->priv.token_url));
    if (known && memory->priv.recalled_url) {
        return; /* it is as old as it was */
    }

    free(memory->priv.token_url);
    memory->priv.token_url = strndup(url.ptr, url.len);
    memory->priv.token_url_ms = (int64_t)memory->priv.now.mono_ms;
    memory->priv.changed = true;
}

/* The token at hand has gone. Unless its time was over, a server refused it: what else is remembered of tokens may be
 * wrong as well. */
static void memory_drop_token(sbs_forward_memory *memory) {
    sbs_client *client = memory_client(memory);
    unsigned status = sbs_client_response(client).http_status;
    sbs_forward_memory_file_remove(memory->priv.token_path);

    if (memory->priv.recalled_token && memory->priv.recalled_url && status >= 400 && status < 500) {
        sbs_client_doubt_token_url(client, memory->priv.now);
        memory->priv.recalled_url = false;
    }
    memory->priv.recalled_token = false;
}

void sbs_forward_memory_watch(sbs_forward_memory *memory, sbs_now now) {
    sbs_token_view token;
    uint64_t expires_ms = 0;
    if (!memory->priv.open) {
        return;
    }

    memory->priv.now = now;
    if (sbs_client_token(memory_client(memory), now, &token) == SBS_OK) {
        expires_ms = token.expires_at_ms;
    }
    if (expires_ms == memory->priv.token_expires_ms) {
        return;
    }

    if (memory->priv.token_expires_ms != 0) {
        memory_drop_token(memory);
    }
    memory->priv.token_expires_ms = expires_ms;
    if (expires_ms != 0) {
        memory_save_token(memory, &token);
        memory_note_url(memory);
    }
}

void sbs_forward_memory_doubt_token(sbs_forward_memory *memory) {
    if (memory->priv.open) {
        sbs_forward_memory_file_remove(memory->priv.token_path);
    }
}

bool sbs_forward_memory_doubts_token_url(sbs_forward_memory *memory) {
    if (!memory->priv.open || !memory->priv.recalled_url) {
        return false;
    }

    memory->priv.recalled_url = false;
    memory->priv.changed = true;
    free(memory->priv.token_url);
    memory->priv.token_url = NULL;
    sbs_client_doubt_token_url(memory_client(memory), memory->priv.now);
    return true;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

bool sbs_forward_memory_statement(const sbs_forward_memory *memory, const sbs_forward_statement **out_statement,
                                  uint16_t *out_refused_with) {
    *out_statement = NULL;
    *out_refused_with = memory->priv.refused_with;
    if (memory->priv.has_statement) {
        *out_statement = &memory->priv.statement;
    }
    return memory->priv.has_statement || memory->priv.hidden;
}

void sbs_forward_memory_note_statement(sbs_forward_memory *memory, const sbs_forward_statement *statement,
                                       uint16_t refused_with) {
    if (!memory->priv.open) {
        return;
    }

    memory->priv.has_statement =
        statement != NULL && sbs_forward_statement_copy(&memory->priv.statement, statement) == SBS_OK;
    memory->priv.hidden = statement == NULL;
    memory->priv.refused_with = refused_with;
    memory->priv.statement_ms = (int64_t)memory->priv.now.mono_ms;
    memory_save(memory);
}

void sbs_forward_memory_doubt_statement(sbs_forward_memory *memory) {
    if (memory->priv.open && (memory->priv.has_statement || memory->priv.hidden)) {
        memory->priv.has_statement = memory->priv.hidden = false;
        memory->priv.changed = true;
    }
}

const sbs_forward_batch_facts *sbs_forward_memory_batches(const sbs_forward_memory *memory) {
    return &memory->priv.batches;
}

sbs_forward_tried sbs_forward_memory_gzip(const sbs_forward_memory *memory) {
    return memory->priv.gzip;
}

/* What is confirmed anew counts from now on, but is not written for that each time: flash memory wears. */
static bool memory_is_old(const sbs_forward_memory *memory, int64_t since_ms) {
    return (int64_t)memory->priv.now.mono_ms - since_ms > (int64_t)SBS_FORWARD_MEMORY_DAY_S * 1000;
}

void sbs_forward_memory_note_batches(sbs_forward_memory *memory, const sbs_forward_batch_facts *facts) {
    const sbs_forward_batch_facts *known = &memory->priv.batches;
    bool same = known->taken == facts->taken && known->size == facts->size && known->limit == facts->limit;
    bool confirmed = facts->taken == SBS_FORWARD_BATCHES_TAKEN && memory_is_old(memory, memory->priv.batches_ms);
    if (!memory->priv.open || facts->taken == SBS_FORWARD_BATCHES_UNTRIED || (same && !confirmed)) {
        return;
    }

    /* A limit, and a refusal, end with their time: they are not confirmed by what follows from them. */
    if (known->taken != facts->taken || known->limit != facts->limit || facts->limit == 0) {
        memory->priv.batches_ms = (int64_t)memory->priv.now.mono_ms;
    }
    memory->priv.batches = *facts;
    memory->priv.changed = true;
}

void sbs_forward_memory_note_gzip(sbs_forward_memory *memory, sbs_forward_tried gzip) {
    bool confirmed = gzip == SBS_FORWARD_WORKS && memory_is_old(memory, memory->priv.gzip_ms);
    if (!memory->priv.open || (gzip == memory->priv.gzip && !confirmed)) {
        return;
    }

    memory->priv.gzip = gzip;
    memory->priv.gzip_ms = (int64_t)memory->priv.now.mono_ms;
    memory->priv.changed = true;
}
