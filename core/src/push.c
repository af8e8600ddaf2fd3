/* SPDX-License-Identifier: Apache-2.0 */
#include "push_internal.h"

#define SCAN_MAX 16u /* items looked at in one poll */
#define HELD_CHECK_MS 5000u
#define BEHIND_CHECK_MS 1000u

sbs_status sbs_push_init(sbs_push *push, const sbs_push_config *config) {
    memset(push, 0, sizeof *push);
    push->priv.config = config;
    bool batches = config->batch_max > 1;
    if (config->client == NULL || config->queue == NULL || config->item == NULL || config->body == NULL ||
        config->body_size < 3 || config->encoder.identify == NULL || config->encoder.encode == NULL ||
        config->batch_max > SBS_PUSH_BATCH_MAX || (batches && config->answer == NULL)) {
        return SBS_ERR_ARGUMENT;
    }
    return SBS_OK;
}

const sbs_push_event *sbs_push_event_of(const sbs_push *push) {
    return &push->priv.event;
}

const sbs_push_counters *sbs_push_counters_of(const sbs_push *push) {
    return &push->priv.counters;
}

bool sbs_push_is_durable(const sbs_push *push) {
    (void)push;
    return true;
}

/* ---- choosing ------------------------------------------------------------------------------------------------ */

/* When the first of those that wait on their own may try again; UINT64_MAX if there is none. */
static uint64_t first_due_ms(const sbs_push *push) {
    uint64_t first_ms = UINT64_MAX;
    for (unsigned i = 0; i < push->priv.deferred_count; i++) {
        uint64_t until_ms = push->priv.deferred[i].until_ms;
        first_ms = until_ms < first_ms ? until_ms : first_ms;
    }
    return first_ms;
}

/* Looks on above an id, or from the start if one before it may go now: what was passed over is not looked at again
 * for each item that goes. */
static void look_on(sbs_push *push, uint64_t cursor) {
    bool rewind = push->priv.rewind || first_due_ms(push) <= push->priv.now.mono_ms;
    push->priv.state = PUSH_CHOOSE;
    push->priv.cursor = rewind ? 0 : cursor;
    push->priv.resumed = push->priv.cursor > 0;
    push->priv.held = push->priv.held && push->priv.resumed;
    push->priv.rewind = false;
    push->priv.body_len = 0;
    push->priv.search_len = 0;
    push->priv.batch_len = 0;
}

static void start_over(sbs_push *push) {
    look_on(push, 0);
}

/* An item waits for its own time, and for those of its lane before it. */
static bool may_go(const sbs_push *push, const sbs_queue_item *item) {
    for (unsigned i = 0; i < push->priv.deferred_count; i++) {
        const struct sbs_push_deferred *entry = &push->priv.deferred[i];
        bool itself = entry->id == item->id;
        bool before = entry->lane == item->meta.lane && entry->id < item->id && !entry->passes;
        if (before || (itself && push->priv.now.mono_ms < entry->until_ms)) {
            return false;
        }
    }
    return true;
}

/* Says nothing of the item. */
static bool is_passing(sbs_status why) {
    return why == SBS_ERR_MEMORY || why == SBS_ERR_CRYPTO;
}

/* Why an item that cannot be made a request is set aside; without a time it is held, and others pass it. */
static sbs_status refuse(sbs_push *push, const struct sbs_push_sent *item, sbs_status why) {
    sbs_push_result result = {.status = why, .words = "", .server_id = "", .etag = ""};
    if (why == SBS_ERR_STORAGE) {
        return why;
    }
    if (why == SBS_ERR_NO_TIME && push->priv.config->unknown_time == SBS_UNKNOWN_TIME_HOLD) {
        push->priv.held = true;
        return SBS_OK;
    }
    if (is_passing(why)) {
        push->priv.event.id = item->id;
        sbs_push_wait(push, false, &result);
        return SBS_OK;
    }
    return sbs_push_dead(push, item, SBS_PUSH_DEAD, &result, sbs_status_text(why));
}

static sbs_status consider(sbs_push *push, const sbs_queue_item *item) {
    if (!may_go(push, item)) {
        return SBS_OK;
    }
    struct sbs_push_sent *sent = &push->priv.sent[push->priv.batch_len];
    *sent = (struct sbs_push_sent){.id = item->id, .lane = item->meta.lane, .first = item->attempts == 0};
    sbs_status status = sbs_push_build(push, item);
    bool crowded = sbs_status_group(status) == SBS_CLASS_BUFFER;
    if (push->priv.batch_len > 0 && (crowded || is_passing(status))) {
        push->priv.state = PUSH_SEND;
        return SBS_OK;
    }
    if (crowded && push->priv.singles_left == 0) { /* it may fit without a Bundle around it */
        push->priv.singles_left = 1;
        status = sbs_push_build(push, item);
    }
    if (status != SBS_OK) {
        return refuse(push, sent, status);
    }
    unsigned most = push->priv.singles_left > 0 ? 1 : push->priv.config->batch_max;
    push->priv.batch_len++;
    if (push->priv.batch_len >= most) {
        push->priv.state = PUSH_SEND;
    }
    return SBS_OK;
}

static sbs_status end_of_queue(sbs_push *push) {
    if (push->priv.batch_len > 0) {
        push->priv.state = PUSH_SEND;
        return SBS_PENDING;
    }
    bool held = push->priv.held;
    bool resumed = push->priv.resumed;
    start_over(push);
    if (resumed) { /* somebody else may have put an item back behind the look */
        return SBS_PENDING;
    }
    if (push->priv.deferred_count == 0) {
        push->priv.wait_ms = held ? HELD_CHECK_MS : SBS_WAIT_FOREVER;
        return SBS_OK;
    }
    push->priv.resume_ms = first_due_ms(push);
    if (push->priv.resume_ms <= push->priv.now.mono_ms) { /* its time has come, but it waits for one of its lane */
        push->priv.resume_ms = push->priv.now.mono_ms + BEHIND_CHECK_MS;
    }
    push->priv.state = PUSH_WAIT;
    return SBS_PENDING;
}

/* Whoever else has the queue may settle an item while it is on its way: a full queue that drops its oldest, a tool. */
static sbs_status unless_gone(sbs_status status) {
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

/* Moves the look to the next item (0: there is none). What waited between is gone: it was settled, by us or others. */
static void move_to(sbs_push *push, uint64_t id) {
    struct sbs_push_deferred *entries = push->priv.deferred;
    for (unsigned i = push->priv.deferred_count; i-- > 0;) {
        if (entries[i].id > push->priv.cursor && entries[i].id <= id - 1) {
            entries[i] = entries[--push->priv.deferred_count];
        }
    }
    push->priv.cursor = id;
}

static sbs_status choose(sbs_push *push) {
    const sbs_queue *queue = push->priv.config->queue;
    for (unsigned i = 0; i < SCAN_MAX && push->priv.state == PUSH_CHOOSE; i++) {
        sbs_queue_item item = {0};
        sbs_status status = queue->ops->next(queue->ctx, push->priv.cursor, &item);
        if (status == SBS_ERR_DAMAGED) { /* which may be any item: the look goes on where it was */
            push->priv.event.kind = SBS_PUSH_DEAD;
            push->priv.event.id = item.id;
            push->priv.event.status = status;
            push->priv.event.reason = sbs_status_text(status);
            return SBS_PENDING;
        }
        if (unless_gone(status) == SBS_OK) {
            move_to(push, item.id);
        }
        if (status == SBS_ERR_NOT_FOUND) {
            return end_of_queue(push);
        }
        if (status == SBS_OK) {
            status = unless_gone(consider(push, &item));
        }
        if (status != SBS_OK) {
            start_over(push);
            return status;
        }
        if (push->priv.event.kind != SBS_PUSH_NOTHING) {
            break;
        }
    }
    return SBS_PENDING;
}

/* ---- the answer ---------------------------------------------------------------------------------------------- */

static sbs_push_result result_of(const sbs_push *push, sbs_status status) {
    const sbs_client *client = push->priv.config->client;
    const sbs_detail *detail = sbs_client_detail(client);
    sbs_response response = sbs_client_response(client);
    bool failed = status != SBS_OK;
    bool on_the_way = detail->step != SBS_STEP_NONE && detail->step != SBS_STEP_RESOURCE;
    return (sbs_push_result){
        .status = status,
        .http_status = response.http_status,
        .elsewhere = failed && on_the_way,
        .outcome_unknown = detail->outcome_unknown,
        .words = failed ? detail->text : "",
        .server_id = response.id,
        .etag = response.etag,
    };
}

static bool is_single(const sbs_push *push) {
    return push->priv.config->batch_max <= 1 || push->priv.singles_left > 0;
}

/* Where the queue fails, the verdict stands, and the next poll settles the item: it is not sent again. */
static sbs_status judge_single(sbs_push *push) {
    sbs_push_result result = result_of(push, push->priv.verdict);
    push->priv.state = PUSH_CHOOSE;
    sbs_status status = unless_gone(sbs_push_settle(push, &push->priv.sent[0], &result));
    if (status != SBS_OK) {
        push->priv.state = PUSH_JUDGE;
        return status;
    }
    push->priv.singles_left = (uint16_t)(push->priv.singles_left - (push->priv.singles_left > 0));
    if (push->priv.state == PUSH_CHOOSE) {
        look_on(push, push->priv.sent[0].id - 1);
    }
    return SBS_OK;
}

/* A Bundle that failed as a whole says little of its items: they go one by one if it may be the fault of one. */
static void fail_batch(sbs_push *push, sbs_status status) {
    sbs_push_result result = result_of(push, status);
    sbs_status_class group = sbs_status_group(status);
    bool refused = group == SBS_CLASS_ITEM || group == SBS_CLASS_BUFFER || status == SBS_ERR_FORBIDDEN;
    bool stumbled = (status == SBS_ERR_BUSY || result.outcome_unknown) && push->priv.server_failures > 0;
    uint16_t count = push->priv.batch_len;
    start_over(push);
    if (!result.elsewhere && (refused || stumbled)) {
        push->priv.singles_left = count;
    }
    if (result.elsewhere || !refused) {
        sbs_push_wait(push, sbs_push_needs_operator(status), &result);
    }
}

static sbs_status begin_judging(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    size_t len = sbs_client_response(config->client).body_len;
    sbs_status status = sbs_json_parse_in(&push->priv.answer, config->answer, len, config->answer_size);
    if (status == SBS_OK) {
        status = sbs_bundle_first(&push->priv.answer, &push->priv.entry);
    }
    push->priv.state = PUSH_JUDGE;
    push->priv.judged = 0;
    push->priv.resume_ms = 0;
    return status;
}

/* What one entry of the answer says; its words and id are copied into the engine. */
static sbs_push_result read_entry(sbs_push *push) {
    sbs_bundle_entry entry;
    sbs_push_result result = {
        .status = SBS_ERR_RESPONSE, .words = "", .server_id = "", .etag = "", .outcome_unknown = true};
    sbs_text type, id;
    if (sbs_bundle_entry_read(&push->priv.answer, push->priv.entry, &entry) != SBS_OK || entry.status == 0) {
        return result;
    }
    result.status = sbs_http_meaning_of(entry.status).status;
    result.http_status = (uint16_t)entry.status;
    result.outcome_unknown = false;
    if (sbs_location_parse(entry.location, &type, &id) == SBS_OK) {
        memcpy(push->priv.target, id.ptr, id.len);
        push->priv.target[id.len] = '\0';
        result.server_id = push->priv.target;
    }
    bool transient;
    if (result.status != SBS_OK && sbs_outcome_read(&push->priv.answer, entry.outcome, push->priv.words,
                                                    sizeof push->priv.words, &transient) == SBS_OK) {
        result.words = push->priv.words;
    }
    return result;
}

/* One entry a poll. A wait that one of them asks for begins when all are judged. */
static sbs_status judge_entry(sbs_push *push) {
    if (push->priv.judged >= push->priv.batch_len) {
        uint64_t resume_ms = push->priv.resume_ms;
        look_on(push, push->priv.sent[0].id - 1);
        push->priv.state = resume_ms > push->priv.now.mono_ms ? PUSH_WAIT : PUSH_CHOOSE;
        return SBS_OK;
    }
    sbs_push_result result = read_entry(push);
    sbs_status status = unless_gone(sbs_push_settle(push, &push->priv.sent[push->priv.judged], &result));
    if (status == SBS_OK) {
        push->priv.judged++;
        push->priv.entry = sbs_json_next(&push->priv.answer, push->priv.entry);
    }
    push->priv.state = PUSH_JUDGE;
    return status;
}

static sbs_status finish_request(sbs_push *push, sbs_status status) {
    if (is_single(push)) {
        push->priv.verdict = status;
        return judge_single(push);
    }
    if (status == SBS_OK) {
        status = begin_judging(push);
    }
    if (status != SBS_OK) {
        fail_batch(push, status);
    }
    return SBS_OK;
}

/* ---- polling ------------------------------------------------------------------------------------------------- */

static sbs_status start(sbs_push *push) {
    sbs_status status = sbs_push_start(push);
    push->priv.state = PUSH_READY;
    return status == SBS_OK ? SBS_OK : finish_request(push, status);
}

/* Marked only now that there is a token and a connection: an attempt that sent nothing leaves no mark. */
static sbs_status mark(sbs_push *push) {
    const sbs_queue *queue = push->priv.config->queue;
    for (unsigned i = 0; i < push->priv.batch_len; i++) {
        sbs_status status = queue->ops->mark_attempt(queue->ctx, push->priv.sent[i].id);
        if (status != SBS_OK) { /* the queue failed, or an item is gone: nothing is sent */
            sbs_push_cancel(push);
            return unless_gone(status);
        }
    }
    push->priv.state = PUSH_RUN;
    return SBS_OK;
}

static sbs_status run(sbs_push *push, sbs_wait *out_wait) {
    sbs_client *client = push->priv.config->client;
    if (push->priv.state == PUSH_READY && sbs_client_is_about_to_send(client)) {
        return mark(push);
    }
    sbs_wait wait;
    sbs_status status = sbs_client_poll(client, push->priv.now, &wait);
    if (status != SBS_PENDING) {
        return finish_request(push, status);
    }
    *out_wait = wait;
    return SBS_PENDING;
}

static sbs_status step(sbs_push *push, sbs_wait *out_wait) {
    switch (push->priv.state) {
    case PUSH_SEND:
        return start(push);
    case PUSH_READY:
    case PUSH_RUN:
        return run(push, out_wait);
    case PUSH_JUDGE:
        return is_single(push) ? judge_single(push) : judge_entry(push);
    case PUSH_WAIT:
        if (push->priv.now.mono_ms < push->priv.resume_ms) {
            uint64_t left = push->priv.resume_ms - push->priv.now.mono_ms;
            out_wait->timeout_ms = left < SBS_WAIT_FOREVER ? (uint32_t)left : SBS_WAIT_FOREVER - 1;
            return SBS_PENDING;
        }
        start_over(push);
        return SBS_OK;
    default:
        return choose(push);
    }
}

/* What was passed over because the time was unknown can go now, and before what comes after it. */
static void note_clock(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    const sbs_now *now = &push->priv.now;
    if (push->priv.clock_noted || now->utc_s == SBS_UTC_UNKNOWN) {
        return;
    }
    sbs_push_note_boot(config->storage, config->boot_id, now->utc_s - (int64_t)(now->mono_ms / 1000));
    push->priv.clock_noted = push->priv.rewind = true;
    push->priv.cursor = 0;
    if (push->priv.state == PUSH_CHOOSE && push->priv.batch_len > 0) {
        push->priv.state = PUSH_SEND;
    }
}

sbs_status sbs_push_poll(sbs_push *push, sbs_now now, sbs_wait *out_wait) {
    *out_wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    memset(&push->priv.event, 0, sizeof push->priv.event);
    push->priv.event.reason = push->priv.event.words = "";
    push->priv.event.server_id = push->priv.event.etag = "";
    push->priv.now = now;
    note_clock(push);
    bool choosing = push->priv.state == PUSH_CHOOSE;
    sbs_status status = step(push, out_wait);
    if (status != SBS_OK) {
        return status;
    }
    if (!choosing) {
        return SBS_PENDING;
    }
    out_wait->timeout_ms = push->priv.wait_ms;
    return SBS_OK;
}

void sbs_push_wake(sbs_push *push) {
    push->priv.resume_ms = 0;
    sbs_push_wake_deferred(push);
}

void sbs_push_cancel(sbs_push *push) {
    sbs_client_cancel(push->priv.config->client);
    if (push->priv.state != PUSH_WAIT) {
        start_over(push);
    }
}
