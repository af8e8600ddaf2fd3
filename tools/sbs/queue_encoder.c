/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "queue_file.h"
#include "resource.h"
#include "sbs/linux_clock.h"
#include "server.h"

#define SLOT_COUNT (SBS_PUSH_BATCH_MAX + 1u) /* one is looked at that goes with the next batch */
#define GROUP_MS 50u /* a transaction keeps other processes out no longer, however much is looked at or refused */

/* An item that was looked at lately. */
typedef struct slot {
    uint64_t id;
    uint64_t used; /* when, counted in looks */
    cli_buffer name;
    char type[SBS_FHIR_ID_MAX + 1];
    char put_id[SBS_DERIVED_ID_LEN + 1]; /* "" if it is not PUT */
} slot;

static struct {
    sbs_push_config *config;
    const char *command;
    cli_write_mode mode;
    cli_resource resource; /* the item that was identified last */
    slot slots[SLOT_COUNT];
    uint64_t looks;
    sbs_queue queue;
    bool grouped; /* a transaction is open */
    bool marked;  /* and has a mark in it */
    uint64_t began_ms;
} state;

static slot *find_slot(uint64_t id) {
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (state.slots[i].id == id) {
            return &state.slots[i];
        }
    }
    return NULL;
}

/* ---- the encoder ---------------------------------------------------------------------------------------------- */

/* The item's own, or that of the item which was not looked at for longest. */
static slot *take_slot(uint64_t id) {
    slot *taken = find_slot(id);
    if (taken == NULL) {
        taken = state.slots;
        for (size_t i = 1; i < SLOT_COUNT; i++) {
            taken = state.slots[i].used < taken->used ? &state.slots[i] : taken;
        }
    }
    taken->used = ++state.looks;
    taken->id = id;
    taken->name.len = 0;
    taken->type[0] = taken->put_id[0] = '\0';
    return taken;
}

static bool name_slot(slot *taken) {
    sbs_writer out;
    sbs_writer_init_sink(&out, cli_buffer_put, &taken->name);
    cli_resource_put_name(&state.resource, "", 0, &out);
    memcpy(taken->type, state.resource.type, sizeof taken->type);
    return sbs_writer_finish(&out, NULL) == SBS_OK;
}

/* The modes of cli_write_mode and the engine are in the same order. */
static sbs_write_mode choose_mode(void) {
    return (sbs_write_mode)(cli_write_mode_queued(state.command, state.resource.type, state.mode) - CLI_WRITE_PUT);
}

static sbs_status identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    slot *taken = take_slot(item->item->id);
    (void)ctx;
    cli_resource_free(&state.resource);
    const char *fault = cli_resource_read(&state.resource, (sbs_text){(const char *)item->data, item->item->len});
    if (fault != NULL || state.resource.value.len == 0) {
        return SBS_ERR_FORMAT;
    }
    if (!name_slot(taken)) {
        return SBS_ERR_MEMORY;
    }
    out->type = sbs_text_of(state.resource.type);
    out->system = cli_buffer_text(&state.resource.system);
    out->value = cli_buffer_text(&state.resource.value);
    out->write_mode = choose_mode();
    cli_server_note_request(out->write_mode == SBS_WRITE_PUT ? SBS_UPDATE : SBS_CREATE, out->type);
    return SBS_OK;
}

static sbs_status encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity, sbs_writer *out) {
    slot *taken = find_slot(item->item->id);
    (void)ctx;
    (void)identity;
    if (taken == NULL || item->id.len >= sizeof taken->put_id) {
        return SBS_ERR_STATE;
    }
    if (item->id.len > 0) {
        memcpy(taken->put_id, item->id.ptr, item->id.len);
    }
    taken->put_id[item->id.len] = '\0';
    cli_resource_put(&state.resource, item->id.len > 0 ? taken->put_id : NULL, out);
    return SBS_OK;
}

/* ---- the queue ------------------------------------------------------------------------------------------------ */

static sbs_status begin(void) {
    if (state.grouped) {
        return SBS_OK;
    }
    sbs_status status = sbs_sqlite_queue_begin(&cli_queue_db);
    state.grouped = status == SBS_OK;
    state.began_ms = sbs_linux_now().mono_ms;
    return status;
}

sbs_status cli_queue_encoder_commit(void) {
    bool grouped = state.grouped;
    state.grouped = state.marked = false;
    return grouped ? sbs_sqlite_queue_commit(&cli_queue_db) : SBS_OK;
}

bool cli_queue_encoder_has_written(void) {
    return state.grouped;
}

bool cli_queue_encoder_is_due(void) {
    return state.marked || (state.grouped && sbs_linux_now().mono_ms - state.began_ms >= GROUP_MS);
}

static sbs_status queue_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    return cli_queue_port.ops->append(ctx, meta, data, len, out_id);
}

static sbs_status queue_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    return cli_queue_port.ops->next(ctx, after, out_item);
}

static sbs_status queue_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    return cli_queue_port.ops->read(ctx, id, offset, buffer, size, out_len);
}

static sbs_status queue_mark_attempt(void *ctx, uint64_t id) {
    sbs_status status = begin();
    status = status == SBS_OK ? cli_queue_port.ops->mark_attempt(ctx, id) : status;
    state.marked = state.marked || status == SBS_OK;
    return status;
}

static sbs_status queue_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    sbs_status status = begin();
    return status == SBS_OK ? cli_queue_port.ops->settle(ctx, id, fate, reason, words) : status;
}

static void queue_counters(void *ctx, sbs_queue_counters *out) {
    cli_queue_port.ops->counters(ctx, out);
}

/* ---- set-up --------------------------------------------------------------------------------------------------- */

bool cli_queue_encoder_init(sbs_push_config *config, const char *command, cli_write_mode mode) {
    static const sbs_queue_ops ops = {.append = queue_append,
                                      .next = queue_next,
                                      .read = queue_read,
                                      .mark_attempt = queue_mark_attempt,
                                      .settle = queue_settle,
                                      .counters = queue_counters};
    state.config = config;
    state.command = command;
    state.mode = mode;
    state.queue = (sbs_queue){&ops, cli_queue_port.ctx};
    config->queue = &state.queue;
    config->encoder = (sbs_push_encoder){.identify = identify, .encode = encode};
    config->item = malloc(CLI_QUEUE_ITEM_MAX);
    config->item_size = CLI_QUEUE_ITEM_MAX;
    return config->item != NULL;
}

void cli_queue_encoder_free(void) {
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        cli_buffer_free(&state.slots[i].name);
    }
    cli_resource_free(&state.resource);
    if (state.config != NULL) {
        free(state.config->item);
    }
    memset(&state, 0, sizeof state);
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

void cli_queue_encoder_put_name(uint64_t id, sbs_writer *out) {
    const slot *taken = find_slot(id);
    if (taken != NULL && taken->name.len > 0) {
        sbs_put_text(out, cli_buffer_text(&taken->name));
    } else {
        sbs_put_string(out, "item ");
        sbs_put_uint(out, id);
    }
}

void cli_queue_encoder_put_place(const sbs_push_event *event, sbs_writer *out) {
    const slot *taken = find_slot(event->id);
    if (taken == NULL) {
        return;
    }
    const char *id = event->server_id[0] != '\0' ? event->server_id : taken->put_id;
    if (id[0] != '\0') {
        sbs_put_char(out, '\t');
        sbs_put_string(out, taken->type);
        sbs_put_char(out, '/');
        sbs_put_string(out, id);
    }
}
