/* SPDX-License-Identifier: Apache-2.0 */
#include "forward_push_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward_learnt.h"

#define RETRY_AFTER_MAX_S 3600u
#define LATE_MS 1000u /* what was told is durable by then */

enum { LEARN, RUN };

static const sbs_backoff learn_backoff = {1000, 300000};
static const sbs_backoff learn_pause = {60000, 3600000};

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
    const sbs_forward_slot *slot = sbs_push_slot(push, told->id);
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
    if (pushed_ms < UINT32_MAX && sbs_forward_modes_may_search(sbs_push_modes(push), push->priv.now)) {
        *tried_ms = (uint32_t)pushed_ms;
    }

    push->priv.state = RUN;
}

static sbs_status push_poll_learning(sbs_forward_push *push, sbs_wait *out_wait) {
    sbs_status status = sbs_forward_modes_poll(&push->priv.modes, push->priv.now, out_wait);
    if (status == SBS_PENDING) {
        return status;
    }
    if (status != SBS_OK && sbs_forward_learnt_forgets_token_url(push)) {
        *out_wait = (sbs_wait){.descriptor = -1};
        return SBS_PENDING;
    }
    if (status != SBS_OK) {
        return push_wait_to_learn(push, status, out_wait);
    }

    sbs_forward_learnt_note_statement(push);

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

/* The server's word for the time, where TLS vouches for it: carried on, as its last answer may be of long ago. */
static void push_note_clock(sbs_forward_push *push) {
    const sbs_forward_push_config *config = &push->priv.config;
    const sbs_client *client = sbs_forward_server_client(config->server);

    if (config->clock != NULL) {
        sbs_forward_clock_note(config->clock, push->priv.now, sbs_client_server_time(client, push->priv.now));
    }
}

static void push_fail(sbs_forward_push *push) {
    if (push->priv.looks_ahead) {
        push_end_failed_commit(push);
    } else {
        push_end_failed_group(push);
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

    sbs_forward_learnt_note_event(push, status);
    if (event->kind >= SBS_PUSH_WAITING && sbs_forward_learnt_forgets_token_url(push)) {
        sbs_push_wake(&push->priv.engine);
        *out_wait = (sbs_wait){.descriptor = -1};
        return SBS_PENDING;
    }

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
    size_t item_max = push->priv.config.item_max;

    engine->item = malloc(item_max);
    engine->item_size = item_max;

    /* In a Bundle the item stands with its URL and its condition. */
    engine->body = malloc(2 * item_max);
    engine->body_size = 2 * item_max;

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
    engine->answer = malloc(item_max);
    engine->answer_size = item_max;
    return engine->answer != NULL ? SBS_OK : SBS_ERR_MEMORY;
}

sbs_status sbs_forward_push_open(sbs_forward_push *push, const sbs_forward_push_config *config) {
    *push = (sbs_forward_push){.priv = {.config = *config, .open = true}};
    if (config->item_max == 0) {
        push->priv.config.item_max = SBS_FORWARD_ITEM_MAX;
    }

    sbs_forward_modes_init(&push->priv.modes, config->server, config->mode, config->warn, config->ctx);
    if (config->trust_mode) {
        sbs_forward_modes_trust(&push->priv.modes);
    }

    push->priv.engine_config = (sbs_push_config){
        .client = sbs_forward_server_client(config->server),
        .queue = config->queue,
        .encoder = sbs_push_encoder_of(push),
        .already_there = config->already_there,
        .batches = &sbs_push_batches,
        .unknown_time = SBS_UNKNOWN_TIME_SEND, /* resources have their own times */
        .sent = push->priv.sent,
        .unstored = push->priv.unstored,
        .sent_count = SBS_FORWARD_BATCH_MAX,
        .settle_ms = config->settle_ms,
    };
    if (config->settle_ms == 0) {
        push->priv.engine_config.settle_ms = 1; /* zero would be the engine's default */
    }

    sbs_forward_learnt_begin(push);
    sbs_status status = push_allocate(push);
    if (status == SBS_OK && config->mark_ahead > 1 && sbs_forward_ahead_fits(config->queue)) {
        status = sbs_forward_ahead_open(&push->priv.ahead, config->queue, config->mark_ahead, &push->priv.ahead_queue);
        push->priv.engine_config.queue = &push->priv.ahead_queue;
        push->priv.looks_ahead = status == SBS_OK;
    }
    if (status == SBS_OK) {
        status = sbs_push_init(&push->priv.engine, &push->priv.engine_config);
    }

    if (config->lead != NULL) {
        push_begin_engine(push);
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
    sbs_forward_gzip_free(&push->priv.gzip);
    sbs_forward_ahead_close(&push->priv.ahead);
    free(engine->item);
    free(engine->body);
    free(engine->answer);
    free(engine->deferred);
    free(push->priv.words);
    sbs_forward_buffer_free(&push->priv.dated);

    sbs_wipe(push, sizeof *push);
}

/* Ends what is under way, and makes durable what was told, so that it stays true. */
static sbs_status push_finish(sbs_forward_push *push) {
    const sbs_queue *queue = push->priv.engine_config.queue;
    sbs_forward_push_cancel(push);
    sbs_forward_learnt_end(push);

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
