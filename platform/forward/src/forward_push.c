/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (2 * SBS_FORWARD_ITEM_MAX)
#define SLOT_COUNT (SBS_FORWARD_BATCH_MAX + 1u)
#define RETRY_AFTER_MAX_S 3600u
#define LATE_MS 1000u /* what was told is durable by then */

enum { LEARN, RUN };

static const sbs_backoff learn_backoff = {1000, 300000};
static const sbs_backoff learn_pause = {60000, 3600000};

/* ---- what was looked at ----------------------------------------------------------------------------------------- */

static sbs_forward_slot *slot_find(sbs_forward_push *push, uint64_t id) {
    if (id == 0) {
        return NULL;
    }

    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (push->priv.slots[i].id == id) {
            return &push->priv.slots[i];
        }
    }

    return NULL;
}

static sbs_forward_slot *slot_oldest(sbs_forward_push *push) {
    sbs_forward_slot *oldest = push->priv.slots;
    for (size_t i = 1; i < SLOT_COUNT; i++) {
        if (push->priv.slots[i].used < oldest->used) {
            oldest = &push->priv.slots[i];
        }
    }

    return oldest;
}

/* The item's own, or that of the item which was not looked at for longest. */
static sbs_forward_slot *slot_take(sbs_forward_push *push, uint64_t id) {
    sbs_forward_slot *taken = slot_find(push, id);
    if (taken == NULL) {
        taken = slot_oldest(push);
    }

    push->priv.looks++;
    taken->used = push->priv.looks;
    taken->id = id;
    sbs_forward_buffer_clear(&taken->name);
    taken->type[0] = taken->put_id[0] = taken->fault[0] = '\0';
    return taken;
}

/* The program's name for it, else the resource's, else its number. False if there is no memory. */
static bool slot_name(sbs_forward_push *push, sbs_forward_slot *taken) {
    const sbs_forward_push_config *config = &push->priv.config;
    const sbs_forward_resource *resource = &push->priv.resource;
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &taken->name);

    bool named = config->name != NULL && config->name(config->ctx, taken->id, &out);
    if (!named && (resource->value.len > 0 || resource->id[0] != '\0')) {
        sbs_forward_resource_put_name(resource, "", 0, &out);
    } else if (!named) {
        sbs_put_string(&out, "item ");
        sbs_put_uint(&out, taken->id);
    }

    sbs_put_char(&out, '\0');
    return sbs_writer_finish(&out, NULL) == SBS_OK;
}

static sbs_status slot_refuse(sbs_forward_slot *slot, const char *why) {
    (void)snprintf(slot->fault, sizeof slot->fault, "%s", why);
    return SBS_ERR_FORMAT;
}

/* ---- the encoder ------------------------------------------------------------------------------------------------ */

static sbs_status push_name_identity(sbs_forward_push *push, sbs_forward_slot *slot, const sbs_queue_item *item,
                                     sbs_push_identity *out) {
    const sbs_forward_resource *resource = &push->priv.resource;
    slot->write_mode = sbs_forward_modes_for(&push->priv.modes, resource->type, push->priv.now);

    /* A repeat of a plain POST is stored twice: as few as can be are to be in doubt after a crash. */
    if (slot->write_mode == SBS_WRITE_PLAIN && push->priv.looks_ahead) {
        sbs_forward_ahead_be_strict(&push->priv.ahead);
    }

    out->write_mode = slot->write_mode;
    out->type = sbs_text_of(resource->type);
    out->system = sbs_forward_buffer_text(&resource->system);
    out->value = sbs_forward_buffer_text(&resource->value);
    if (item->meta.format == SBS_FORWARD_BY_SUBJECT) {
        out->subject = sbs_forward_buffer_text(&resource->subject);
    }

    /* Its own id names it better than any that is derived. */
    bool own = slot->write_mode == SBS_WRITE_PUT && push->priv.config.own_ids && resource->id[0] != '\0';
    if (own) {
        out->id = sbs_text_of(resource->id);
        return SBS_OK;
    }

    /* What a repeat would not find again must not be sent as if it would. */
    if (resource->value.len == 0 && slot->write_mode == SBS_WRITE_PUT) {
        return slot_refuse(slot, "no id and no identifier to derive one from");
    }
    if (resource->value.len == 0 && slot->write_mode == SBS_WRITE_IF_NONE_EXIST) {
        return slot_refuse(slot, "no identifier to look for");
    }
    if (slot->write_mode != SBS_WRITE_PLAIN && sbs_forward_resource_has_loose_blanks(resource)) {
        return slot_refuse(slot, "its identifier begins or ends with a blank, which servers cut off");
    }

    return SBS_OK;
}

static sbs_status push_identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    sbs_forward_push *push = ctx;
    const sbs_forward_push_config *config = &push->priv.config;
    sbs_forward_slot *slot = slot_take(push, item->item->id);
    sbs_text text = {(const char *)item->data, item->item->len};
    const char *fault = NULL;

    /* What the program itself has against an item comes before what its text says. */
    if (config->refuse != NULL) {
        fault = config->refuse(config->ctx, item->item->id);
    }
    sbs_forward_resource_free(&push->priv.resource);
    if (fault == NULL) {
        fault = sbs_forward_resource_read(&push->priv.resource, text);
    }

    /* A shortage of memory passes, and says nothing against the item: it waits. */
    if (fault == SBS_FORWARD_OUT_OF_MEMORY || !slot_name(push, slot)) {
        return SBS_ERR_MEMORY;
    }
    if (fault != NULL) {
        return slot_refuse(slot, fault);
    }

    /* The words about a scope name what this request needs. */
    memcpy(slot->type, push->priv.resource.type, sizeof slot->type);
    sbs_status status = push_name_identity(push, slot, item->item, out);
    sbs_interaction interaction = slot->write_mode == SBS_WRITE_PUT ? SBS_UPDATE : SBS_CREATE;
    sbs_forward_server_note_request(config->server, interaction, sbs_text_of(slot->type));
    return status;
}

static sbs_status push_encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity,
                              sbs_writer *out) {
    sbs_forward_push *push = ctx;
    sbs_forward_slot *slot = slot_find(push, item->item->id);
    (void)identity;
    if (slot == NULL || item->id.len >= sizeof slot->put_id) {
        return SBS_ERR_STATE;
    }

    if (item->id.len > 0) {
        memcpy(slot->put_id, item->id.ptr, item->id.len);
    }
    slot->put_id[item->id.len] = '\0';

    if (slot->put_id[0] != '\0') {
        sbs_forward_resource_put(&push->priv.resource, slot->put_id, out);
    } else {
        sbs_forward_resource_put(&push->priv.resource, NULL, out);
    }
    return SBS_OK;
}

/* ---- telling ---------------------------------------------------------------------------------------------------- */

/* An ETag is W/"3" or "3". */
static void read_version(const char *etag, char *out, size_t size) {
    const char *start = strchr(etag, '"');
    out[0] = '\0';
    if (start == NULL) {
        return;
    }

    /* One that does not fit, or has no end, is not known. */
    start++;
    size_t len = strcspn(start, "\"");
    if (len < size && start[len] == '"') {
        memcpy(out, start, len);
        out[len] = '\0';
    }
}

static bool is_stored(sbs_push_event_kind kind) {
    return kind == SBS_PUSH_DELIVERED || kind == SBS_PUSH_ALREADY || kind == SBS_PUSH_UPDATED ||
           kind == SBS_PUSH_REPLACED;
}

#define PLACE_SIZE (2 * SBS_FHIR_ID_MAX + 2)

/* What is known of the item beside the engine's event. @p place and @p target: PLACE_SIZE bytes each. */
static void event_add_slot(sbs_forward_event *event, const sbs_forward_slot *slot, char *place, char *target) {
    const sbs_push_event *told = event->push;
    const char *id = told->server_id[0] != '\0' ? told->server_id : slot->put_id;
    const char *slash = slot->put_id[0] == '\0' ? "" : "/";

    /* Where it is stored is told only where it is known to be. */
    if (id[0] != '\0' && (is_stored(told->kind) || told->kind == SBS_PUSH_COLLISION)) {
        (void)snprintf(place, PLACE_SIZE, "%s/%s", slot->type, id);
    }
    (void)snprintf(target, PLACE_SIZE, "%s%s%s", slot->type, slash, slot->put_id);

    event->name = slot->name.data;
    event->write_mode = slot->write_mode;

    /* The engine knows only that the encoder refused it. */
    if (slot->fault[0] != '\0' && told->kind == SBS_PUSH_DEAD) {
        event->reason = slot->fault;
    }
}

/* The client's detail, where it speaks of this event: not where it is one entry of a batch, whose request itself did
 * not fail, nor of a statement that came and cannot be used. */
static const sbs_detail *push_detail_of(const sbs_forward_push *push, const sbs_push_event *told, bool statement) {
    const sbs_detail *detail = sbs_forward_server_detail(push->priv.config.server);
    if (statement && sbs_forward_modes_has_bad_statement(&push->priv.modes)) {
        return NULL;
    }

    if (detail->status == SBS_OK || detail->status != told->status) {
        return NULL;
    }
    return detail;
}

/* Where a server creates what a PUT brings under an id of its own, a repeat after a lost answer is stored twice. */
static void push_warn_of_ids(sbs_forward_push *push, const sbs_forward_event *event) {
    const sbs_forward_push_config *config = &push->priv.config;
    bool other = event->push->kind == SBS_PUSH_DELIVERED && event->write_mode == SBS_WRITE_PUT &&
                 event->place[0] != '\0' && strcmp(event->place, event->target) != 0;

    if (other && !push->priv.warned_of_ids && config->warn != NULL) {
        push->priv.warned_of_ids = true;
        config->warn(config->ctx, "the server gives ids itself: use --write-mode if-none-exist");
    }
}

static void push_tell(sbs_forward_push *push, const sbs_push_event *told, bool statement) {
    const sbs_forward_push_config *config = &push->priv.config;
    const sbs_forward_slot *slot = slot_find(push, told->id);
    char place[PLACE_SIZE] = "";
    char target[PLACE_SIZE] = "";
    char version[SBS_FHIR_ID_MAX + 1];
    char number[32];

    if (told->kind == SBS_PUSH_NOTHING) {
        return;
    }

    read_version(told->etag, version, sizeof version);
    sbs_forward_event event = {
        .push = told,
        .name = "",
        .place = place,
        .target = target,
        .version = version,
        .reason = told->reason,
        .words = told->words,
        .detail = push_detail_of(push, told, statement),
        .statement = statement,
    };

    /* The queue may tell of an item that was not looked at for long: then its number is its name. */
    if (slot != NULL) {
        event_add_slot(&event, slot, place, target);
    } else if (told->id != 0) {
        (void)snprintf(number, sizeof number, "item %llu", (unsigned long long)told->id);
        event.name = number;
    }

    config->event(config->ctx, &event);
    push_warn_of_ids(push, &event);
}

static void push_tell_durable(sbs_forward_push *push) {
    if (push->priv.told && push->priv.config.durable != NULL) {
        push->priv.config.durable(push->priv.config.ctx);
    }
    push->priv.told = false;
}

static void push_tell_undone(sbs_forward_push *push) {
    if (push->priv.told && push->priv.config.undone != NULL) {
        push->priv.config.undone(push->priv.config.ctx);
    }
    push->priv.told = false;
}

/* ---- learning --------------------------------------------------------------------------------------------------- */

/* How long until the next try: what passes by itself is tried soon, what a person must mend ever more rarely. */
static uint32_t push_learn_delay(sbs_forward_push *push, bool passes, uint32_t retry_after_s) {
    const sbs_backoff *backoff = passes ? &learn_backoff : &learn_pause;
    uint32_t wait_ms = sbs_backoff_delay(backoff, push->priv.attempts++, UINT32_MAX);

    /* A server that asks for more time gets it, up to an hour. */
    if (retry_after_s <= wait_ms / 1000) {
        return wait_ms;
    }
    if (retry_after_s >= RETRY_AFTER_MAX_S) {
        return RETRY_AFTER_MAX_S * 1000u;
    }

    return retry_after_s * 1000u;
}

static sbs_status push_wait_to_learn(sbs_forward_push *push, sbs_status status, sbs_wait *out_wait) {
    bool bad = sbs_forward_modes_has_bad_statement(&push->priv.modes);
    const sbs_detail *detail = sbs_forward_server_detail(push->priv.config.server);
    sbs_status_class group = sbs_status_group(status);
    bool passes = !bad && (group == SBS_CLASS_LATER || group == SBS_CLASS_PEER);
    uint32_t wait_ms = push_learn_delay(push, passes, detail->retry_after_s);

    /* It is told in the engine's words, so that a program needs to know one kind of event. */
    push->priv.learnt = (sbs_push_event){
        .kind = passes ? SBS_PUSH_WAITING : SBS_PUSH_PAUSED,
        .status = status,
        .wait_ms = wait_ms,
        .reason = "",
        .words = "",
        .server_id = "",
        .etag = "",
    };

    if (bad) {
        push->priv.learnt.reason = sbs_forward_modes_fault(&push->priv.modes);
    } else {
        push->priv.learnt.http_status = detail->http_status;
        push->priv.learnt.words = detail->text;
    }

    push->priv.resume_ms = push->priv.now.mono_ms + wait_ms;
    push_tell(push, &push->priv.learnt, sbs_forward_modes_asks_statement(&push->priv.modes));
    *out_wait = (sbs_wait){.timeout_ms = wait_ms, .descriptor = -1};
    return SBS_PENDING;
}

/* A run that was killed may have sent an item a moment ago: a server that indexes late would not find it yet. */
static void push_begin_engine(sbs_forward_push *push) {
    uint64_t pushed_ms = push->priv.config.pushed_ms;
    uint32_t *tried_ms = &push->priv.engine_config.tried_ms;
    *tried_ms = UINT32_MAX; /* long enough ago for any server */
    if (pushed_ms < UINT32_MAX && sbs_forward_modes_may_search(&push->priv.modes, push->priv.now)) {
        *tried_ms = (uint32_t)pushed_ms;
    }

    push->priv.state = RUN;
}

/* True if no token came because its endpoint was remembered, and is not there any more: it is looked for anew. */
static bool push_forgets_token_url(sbs_forward_push *push) {
    const sbs_detail *detail = sbs_forward_server_detail(push->priv.config.server);
    return push->priv.config.memory != NULL && detail->step == SBS_STEP_TOKEN &&
           sbs_forward_memory_doubts_token_url(push->priv.config.memory);
}

static void push_keep_statement(sbs_forward_push *push) {
    const sbs_forward_statement *statement;
    uint16_t refused_with;
    sbs_forward_memory *memory = push->priv.config.memory;

    if (memory != NULL && sbs_forward_modes_learnt(&push->priv.modes, &statement, &refused_with)) {
        sbs_forward_memory_note_statement(memory, statement, refused_with);
    }
}

static sbs_status push_poll_learning(sbs_forward_push *push, sbs_wait *out_wait) {
    sbs_status status = sbs_forward_modes_poll(&push->priv.modes, push->priv.now, out_wait);
    if (status == SBS_PENDING) {
        return status;
    }
    if (status != SBS_OK && push_forgets_token_url(push)) {
        *out_wait = (sbs_wait){.descriptor = -1};
        return SBS_PENDING;
    }
    if (status != SBS_OK) {
        return push_wait_to_learn(push, status, out_wait);
    }

    push_keep_statement(push);

    push->priv.attempts = 0;
    push_begin_engine(push);
    *out_wait = (sbs_wait){.descriptor = -1};
    return SBS_PENDING;
}

/* ---- what is durable -------------------------------------------------------------------------------------------- */

/* An operation or a commit of the queue failed. Where a group is still open only its end says whether it was done. The
 * engine then starts over from what the queue holds. */
static void push_end_failed_group(sbs_forward_push *push) {
    const sbs_queue *queue = push->priv.config.queue;
    bool open = !sbs_push_is_durable(&push->priv.engine);
    bool grouping = queue->ops->commit != NULL;

    sbs_push_cancel(&push->priv.engine);
    if ((open && queue->ops->commit(queue->ctx) == SBS_OK) || !grouping) {
        push_tell_durable(push);
    } else {
        push_tell_undone(push);
    }
}

/* The same where deliveries are kept back: they stay so, unless a commit that failed undid them. */
static void push_end_failed_commit(sbs_forward_push *push) {
    sbs_push_cancel(&push->priv.engine);

    if (sbs_forward_ahead_was_undone(&push->priv.ahead)) {
        push_tell_undone(push);
    } else if (sbs_forward_ahead_is_durable(&push->priv.ahead)) {
        push_tell_durable(push);
    }
}

/* True if nothing is sent for a while: all is done, or all wait for time alone. */
static bool push_is_at_rest(sbs_status status, const sbs_wait *wait) {
    return status == SBS_OK || (wait->timeout_ms > 0 && wait->events == 0 && wait->descriptor < 0);
}

/* Writes what is kept back, where it is time. What is told waits no longer than LATE_MS for the disk. */
static sbs_status push_keep_up(sbs_forward_push *push, bool at_rest, sbs_wait *out_wait) {
    uint64_t now_ms = push->priv.now.mono_ms;
    uint64_t due_ms = push->priv.told_ms + LATE_MS;
    bool late = push->priv.told && now_ms >= due_ms;

    if (at_rest || late) {
        return sbs_forward_ahead_flush(&push->priv.ahead, at_rest);
    }
    if (push->priv.told && out_wait->timeout_ms > due_ms - now_ms) {
        out_wait->timeout_ms = (uint32_t)(due_ms - now_ms);
    }

    return SBS_OK;
}

static bool push_is_durable(const sbs_forward_push *push) {
    return sbs_push_is_durable(&push->priv.engine) &&
           (!push->priv.looks_ahead || sbs_forward_ahead_is_durable(&push->priv.ahead));
}

/* ---- the engine ------------------------------------------------------------------------------------------------- */

/* The server's word for the time, where TLS vouches for it. */
static void push_note_clock(sbs_forward_push *push) {
    const sbs_forward_push_config *config = &push->priv.config;
    sbs_response response = sbs_client_response(sbs_forward_server_client(config->server));

    if (config->clock != NULL && response.http_status != 0 && sbs_forward_server_is_secured(config->server)) {
        sbs_forward_clock_note(config->clock, response.date_utc_s);
    }
}

static void push_fail(sbs_forward_push *push) {
    if (push->priv.looks_ahead) {
        push_end_failed_commit(push);
    } else {
        push_end_failed_group(push);
    }
}

static bool push_note_batch(void *ctx, const sbs_push_batch_report *report) {
    sbs_forward_push *push = ctx;
    return sbs_forward_batch_note(&push->priv.batch, report, push->priv.now.mono_ms - push->priv.sent_ms);
}

/* What the poll says of batches. */
static void push_learn_batch(sbs_forward_push *push, sbs_status status) {
    const sbs_forward_push_config *config = &push->priv.config;
    const sbs_push_event *event = sbs_push_event_of(&push->priv.engine);
    bool refused = sbs_forward_batch_note_item(&push->priv.batch, event->kind);
    if (status == SBS_OK) {
        sbs_forward_batch_note_idle(&push->priv.batch);
    }
    if (refused && !config->batch_auto && config->warn != NULL) {
        config->warn(config->ctx, "the server takes no batches: items are sent one by one");
    }

    push->priv.engine_config.batch_max = sbs_forward_batch_size(&push->priv.batch);
}

/* A server that states another way of writing by now may refuse what it stated before. */
static void push_doubt_statement(sbs_forward_push *push, const sbs_push_event *event) {
    if (push->priv.config.memory != NULL && event->kind == SBS_PUSH_DEAD && event->http_status != 0) {
        sbs_forward_memory_doubt_statement(push->priv.config.memory);
    }
}

static sbs_status push_poll_engine(sbs_forward_push *push, sbs_wait *out_wait) {
    if (sbs_client_is_about_to_send(push->priv.engine_config.client)) {
        push->priv.sent_ms = push->priv.now.mono_ms;
    }

    sbs_status status = sbs_push_poll(&push->priv.engine, push->priv.now, out_wait);
    const sbs_push_event *event = sbs_push_event_of(&push->priv.engine);

    if (status != SBS_OK && status != SBS_PENDING) {
        push_fail(push);
        return status;
    }

    push_learn_batch(push, status);
    if (event->kind >= SBS_PUSH_WAITING && push_forgets_token_url(push)) {
        sbs_push_wake(&push->priv.engine);
        *out_wait = (sbs_wait){.descriptor = -1};
        return SBS_PENDING;
    }

    push_doubt_statement(push, event);
    if (event->kind != SBS_PUSH_NOTHING) {
        if (!push->priv.told) {
            push->priv.told_ms = push->priv.now.mono_ms;
        }
        push->priv.told = true;
        push_tell(push, event, false);
    }

    if (push->priv.looks_ahead) {
        sbs_status kept = push_keep_up(push, push_is_at_rest(status, out_wait), out_wait);
        if (kept != SBS_OK) {
            push_fail(push);
            return kept;
        }
    }
    if (push_is_durable(push)) {
        push_tell_durable(push);
    }

    return status;
}

sbs_status sbs_forward_push_poll(sbs_forward_push *push, sbs_now now, sbs_wait *out_wait) {
    push->priv.now = now;
    push_note_clock(push);
    if (push->priv.config.memory != NULL) {
        sbs_forward_memory_watch(push->priv.config.memory, now);
    }

    if (push->priv.state == RUN) {
        return push_poll_engine(push, out_wait);
    }
    if (now.mono_ms < push->priv.resume_ms) {
        *out_wait = (sbs_wait){.timeout_ms = (uint32_t)(push->priv.resume_ms - now.mono_ms), .descriptor = -1};
        return SBS_PENDING;
    }

    return push_poll_learning(push, out_wait);
}

bool sbs_forward_push_mode_of(const sbs_forward_push *push, uint64_t id, sbs_write_mode *out_mode) {
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        const sbs_forward_slot *slot = &push->priv.slots[i];
        if (slot->id == id && slot->type[0] != '\0') {
            *out_mode = slot->write_mode;
            return true;
        }
    }

    return false;
}

void sbs_forward_push_wake(sbs_forward_push *push) {
    if (push->priv.state == RUN) {
        sbs_push_wake(&push->priv.engine);
    } else {
        push->priv.resume_ms = 0;
    }
}

void sbs_forward_push_cancel(sbs_forward_push *push) {
    if (push->priv.state == LEARN) {
        sbs_forward_modes_cancel(&push->priv.modes);
    } else {
        sbs_push_cancel(&push->priv.engine);
    }
}

/* ---- set-up ----------------------------------------------------------------------------------------------------- */

static sbs_status push_allocate(sbs_forward_push *push) {
    sbs_push_config *engine = &push->priv.engine_config;

    engine->item = malloc(SBS_FORWARD_ITEM_MAX);
    engine->item_size = SBS_FORWARD_ITEM_MAX;

    /* In a Bundle the item stands with its URL and its condition. */
    engine->body = malloc(BODY_MAX);
    engine->body_size = BODY_MAX;

    engine->deferred = calloc(SBS_FORWARD_DEFERRED_MAX, sizeof *engine->deferred);
    engine->deferred_count = SBS_FORWARD_DEFERRED_MAX;

    engine->words = push->priv.words = malloc(SBS_FORWARD_WORDS_SIZE);
    engine->words_size = SBS_FORWARD_WORDS_SIZE;

    if (engine->item == NULL || engine->body == NULL || engine->deferred == NULL || engine->words == NULL) {
        return SBS_ERR_MEMORY;
    }
    if (push->priv.config.batch_max <= 1) {
        return SBS_OK;
    }

    /* Only the answer to a batch has to be read whole. */
    engine->answer = malloc(SBS_FORWARD_ANSWER_MAX);
    engine->answer_size = SBS_FORWARD_ANSWER_MAX;
    return engine->answer != NULL ? SBS_OK : SBS_ERR_MEMORY;
}

/* What an earlier run learnt of the server; what does not fit is asked for. */
static void push_recall(sbs_forward_push *push) {
    const sbs_forward_memory *memory = push->priv.config.memory;
    const sbs_forward_statement *statement;
    uint16_t refused_with;

    if (memory != NULL && sbs_forward_memory_statement(memory, &statement, &refused_with)) {
        (void)sbs_forward_modes_recall(&push->priv.modes, statement, refused_with);
    }
}

static void push_keep_what_was_learnt(sbs_forward_push *push) {
    sbs_forward_memory *memory = push->priv.config.memory;
    sbs_forward_batch_facts facts = sbs_forward_batch_known(&push->priv.batch);

    if (memory != NULL) {
        sbs_forward_memory_watch(memory, push->priv.now);
        sbs_forward_memory_note_batches(memory, &facts);
    }
}

sbs_status sbs_forward_push_open(sbs_forward_push *push, const sbs_forward_push_config *config) {
    *push = (sbs_forward_push){.priv = {.config = *config, .open = true}};

    sbs_forward_modes_init(&push->priv.modes, config->server, config->mode, config->warn, config->ctx);
    if (config->trust_mode) {
        sbs_forward_modes_trust(&push->priv.modes);
    }

    push->priv.engine_config = (sbs_push_config){
        .client = sbs_forward_server_client(config->server),
        .queue = config->queue,
        .encoder = {.identify = push_identify, .encode = push_encode, .ctx = push},
        .already_there = config->already_there,
        .batches = &sbs_push_batches,
        .unknown_time = SBS_UNKNOWN_TIME_SEND, /* resources have their own times */
        .sent = push->priv.sent,
        .unstored = push->priv.unstored,
        .sent_count = SBS_FORWARD_BATCH_MAX,
        .batch_told = push_note_batch,
        .batch_ctx = push,
        .settle_ms = config->settle_ms,
    };
    if (config->settle_ms == 0) {
        push->priv.engine_config.settle_ms = 1; /* zero would be the engine's default */
    }

    push_recall(push);
    sbs_forward_batch_init(&push->priv.batch, config->queue, config->batch_max, config->batch_auto);
    if (config->memory != NULL) {
        sbs_forward_batch_recall(&push->priv.batch, sbs_forward_memory_batches(config->memory));
    }
    push->priv.engine_config.batch_max = sbs_forward_batch_size(&push->priv.batch);

    sbs_status status = push_allocate(push);
    if (status == SBS_OK && config->mark_ahead > 1 && sbs_forward_ahead_fits(config->queue)) {
        status = sbs_forward_ahead_open(&push->priv.ahead, config->queue, config->mark_ahead, &push->priv.ahead_queue);
        push->priv.engine_config.queue = &push->priv.ahead_queue;
        push->priv.looks_ahead = status == SBS_OK;
    }
    if (status == SBS_OK) {
        status = sbs_push_init(&push->priv.engine, &push->priv.engine_config);
    }

    if (status != SBS_OK) {
        push->priv.open = false; /* nothing is under way, and nothing to commit */
        (void)sbs_forward_push_close(push);
    }
    return status;
}

static void push_free_memory(sbs_forward_push *push) {
    sbs_push_config *engine = &push->priv.engine_config;
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        sbs_forward_buffer_free(&push->priv.slots[i].name);
    }

    sbs_forward_resource_free(&push->priv.resource);
    sbs_forward_modes_free(&push->priv.modes);
    sbs_forward_ahead_close(&push->priv.ahead);
    free(engine->item);
    free(engine->body);
    free(engine->answer);
    free(engine->deferred);
    free(push->priv.words);

    sbs_wipe(push, sizeof *push);
}

/* Ends what is under way, and makes durable what was told, so that it stays true. */
static sbs_status push_finish(sbs_forward_push *push) {
    const sbs_queue *queue = push->priv.engine_config.queue;
    sbs_forward_push_cancel(push);
    push_keep_what_was_learnt(push);

    sbs_status status = SBS_OK;
    if (queue->ops->commit != NULL) {
        status = queue->ops->commit(queue->ctx);
    }
    if (status == SBS_OK && push->priv.looks_ahead) {
        status = sbs_forward_ahead_flush(&push->priv.ahead, true);
    }

    return status;
}

sbs_status sbs_forward_push_close(sbs_forward_push *push) {
    if (!push->priv.open) {
        push_free_memory(push);
        return SBS_OK;
    }

    sbs_status status = push_finish(push);
    if (status == SBS_OK) {
        push_tell_durable(push);
    } else {
        push_tell_undone(push);
    }
    push_free_memory(push);
    return status;
}
