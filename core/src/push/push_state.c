/* SPDX-License-Identifier: Apache-2.0 */
/* How the push engine begins, what can be asked of it, and what it asks of the client. */
#include "push/push_internal.h"

/* The caller may lend room for more items: of a request, and of those that wait on their own. */
static void push_take_memory(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    push->priv.table = push->priv.deferred;
    push->priv.deferred_max = SBS_PUSH_DEFERRED_MAX;
    if (config->deferred != NULL) {
        push->priv.table = config->deferred;
        push->priv.deferred_max = config->deferred_count;
    }

    push->priv.sent = push->priv.own_sent;
    push->priv.unstored = push->priv.own_unstored;
    push->priv.sent_max = SBS_PUSH_BATCH_MAX;
    if (config->sent != NULL) {
        push->priv.sent = config->sent;
        push->priv.unstored = config->unstored;
        push->priv.sent_max = config->sent_count;
    }
}

sbs_status sbs_push_init(sbs_push *push, const sbs_push_config *config) {
    memset(push, 0, sizeof *push);
    push->priv.config = config;
    push_take_memory(push);
    push->priv.first_lap = true;

    /* Two characters of the body are the end of a Bundle. */
    if (config->client == NULL || config->client->priv.config->read_refusal == NULL || config->queue == NULL ||
        config->item == NULL || config->body == NULL || config->body_size < 3 || config->encoder.identify == NULL ||
        config->encoder.encode == NULL || config->batch_max > push->priv.sent_max ||
        (config->batch_max > 1 && config->batches != NULL && config->answer == NULL)) {
        return SBS_ERR_ARGUMENT;
    }

    return SBS_OK;
}

const sbs_push_event *sbs_push_event_of(const sbs_push *push) {
    return &push->priv.event;
}

bool sbs_push_is_durable(const sbs_push *push) {
    return !push->priv.grouped;
}

uint32_t sbs_push_unsettled_ms(const sbs_push *push) {
    uint64_t now_ms = push->priv.now.mono_ms;
    if (now_ms >= push->priv.settled_ms) {
        return 0;
    }
    return (uint32_t)(push->priv.settled_ms - now_ms);
}

/* An event is made in a poll: first what an answer says, then what came of it. */
void sbs_push_begin_event(sbs_push *push) {
    memset(&push->priv.event, 0, sizeof push->priv.event);
    memset(&push->priv.flags, 0, sizeof push->priv.flags);
    push->priv.event.reason = push->priv.event.words = "";
    push->priv.event.server_id = push->priv.event.etag = "";
}

void sbs_push_read_answer(sbs_push *push, sbs_status status, bool heard) {
    const sbs_client *client = push->priv.config->client;
    const sbs_detail *detail = sbs_client_detail(client);
    sbs_response response = sbs_client_response(client);
    struct sbs_push_flags *flags = &push->priv.flags;

    /* Without an answer of its own, what is at hand may be the answer to something before it, such as the token's. */
    if (!heard) {
        bool told = detail->status == status;
        response.http_status = 0;
        if (told) {
            response.http_status = detail->http_status;
        }

        push->priv.event.words = detail->text;
        flags->elsewhere = told && detail->step != SBS_STEP_NONE && detail->step != SBS_STEP_RESOURCE;
        flags->asks = told && detail->asked_to_wait;
    }

    sbs_http_meaning meaning = sbs_http_meaning_of(response.http_status);
    push->priv.event.status = status;
    push->priv.event.http_status = response.http_status;
    push->priv.event.server_id = response.id;
    push->priv.event.etag = response.etag;
    flags->unknown = detail->outcome_unknown;
    flags->asks |= !heard && meaning.asks_for_time;
    flags->whole = status == meaning.status;

    /* Whose fault it is says the HTTP status; but a missing scope is known before anything is sent. */
    flags->fault = (uint8_t)meaning.fault;
    if (status == SBS_ERR_SCOPE) {
        flags->fault = SBS_FAULT_ACCESS;
    }

    /* What is said may tell more: a page comes from a gateway, and a word about a token, rights or the server's own
     * state is none about the item. */
    if (!heard && flags->fault <= SBS_FAULT_ITEM && detail->fault != SBS_FAULT_NONE) {
        flags->fault = (uint8_t)detail->fault;
    }
}

void sbs_push_tell(sbs_push *push, sbs_push_event_kind kind, uint64_t id) {
    push->priv.event.kind = kind;
    push->priv.event.id = id;
}

void sbs_push_begin_wait(sbs_push *push, bool pause, uint64_t id) {
    uint64_t now_ms = push->priv.now.mono_ms;
    push->priv.resume_ms = now_ms + push->priv.event.wait_ms;
    push->priv.early_ms = (uint32_t)now_ms + SBS_PUSH_EARLY_CHECK_MS;
    push->priv.state = PUSH_WAIT;

    if (pause) {
        sbs_push_tell(push, SBS_PUSH_PAUSED, id);
    } else {
        sbs_push_tell(push, SBS_PUSH_WAITING, id);
    }
}

/* ---- the look ---- */

/* Nothing is under way; the look goes on above an id, or from the start if one before it may go now. */
void sbs_push_look_on(sbs_push *push, uint64_t cursor) {
    if (push->priv.rewind) {
        cursor = 0;
    }

    push->priv.cursor = cursor;
    push->priv.resumed = cursor > 0;
    push->priv.held &= push->priv.resumed; /* a look from the start meets again what was held */
    push->priv.rewind = push->priv.direct = false;

    push->priv.state = PUSH_CHOOSE;
    push->priv.body_len = push->priv.search_len = 0;
    push->priv.batch_len = 0;
}

/* What an item held up in its lane goes before what the look comes to next. */
void sbs_push_look_no_later(sbs_push *push, uint64_t id) {
    if (id > push->priv.cursor) {
        id = push->priv.cursor;
    }
    sbs_push_look_on(push, id);
}

/* What was sent beside the look leaves it where it was, unless its lane may go on. */
void sbs_push_look_behind(sbs_push *push) {
    const struct sbs_push_sent *last = &push->priv.sent[push->priv.batch_len - 1];
    if (!push->priv.direct) {
        push->priv.cursor = last->id;
    }

    uint64_t behind = last->id;
    if (push->priv.failed && !last->last) {
        behind = push->priv.cursor;
    }

    sbs_push_look_no_later(push, behind);
}

void sbs_push_look_again(sbs_push *push) {
    uint64_t before = push->priv.cursor;
    if (!push->priv.direct) {
        before = push->priv.sent[0].id - 1;
    }
    sbs_push_look_on(push, before);
}

void sbs_push_cancel(sbs_push *push) {
    sbs_client_cancel(push->priv.config->client);
    if (push->priv.state != PUSH_WAIT) {
        sbs_push_look_on(push, 0);
    }
}
