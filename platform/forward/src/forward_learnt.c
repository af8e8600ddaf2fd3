/* SPDX-License-Identifier: Apache-2.0 */
#include "forward_learnt.h"

/* True if no token came because its endpoint was remembered, and is not there any more: it is looked for anew. */
bool sbs_forward_learnt_forgets_token_url(sbs_forward_push *push) {
    const sbs_detail *detail = sbs_forward_server_detail(push->priv.config.server);
    return push->priv.config.memory != NULL && detail->step == SBS_STEP_TOKEN &&
           sbs_forward_memory_doubts_token_url(push->priv.config.memory);
}

void sbs_forward_learnt_note_statement(sbs_forward_push *push) {
    const sbs_forward_statement *statement;
    uint16_t refused_with;
    sbs_forward_memory *memory = push->priv.config.memory;

    if (memory != NULL && sbs_forward_modes_learnt(&push->priv.modes, &statement, &refused_with)) {
        sbs_forward_memory_note_statement(memory, statement, refused_with);
    }
}

static bool push_note_batch(void *ctx, const sbs_push_batch_report *report) {
    sbs_forward_push *push = ctx;
    return sbs_forward_batch_note(&push->priv.batch, report, push->priv.now.mono_ms - push->priv.sent_ms);
}

static void push_code(void *ctx, sbs_request *request) {
    sbs_forward_push *push = ctx;
    sbs_text coded;

    if (sbs_forward_gzip_code(&push->priv.gzip, request->body, &coded)) {
        request->body = coded;
        request->fields = sbs_text_of("Content-Encoding: gzip\r\n");
    }
}

static bool push_note_coding(void *ctx, sbs_status status) {
    sbs_forward_push *push = ctx;
    sbs_client *client = sbs_forward_server_client(push->priv.config.server);
    const sbs_detail *detail = sbs_client_detail(client);
    unsigned http_status = sbs_client_response(client).http_status;
    bool asked = status != SBS_OK && detail->status == status && detail->asked_to_wait;
    bool elsewhere = detail->status == status && detail->step != SBS_STEP_RESOURCE; /* the item was not sent */

    if (status != SBS_OK && elsewhere) {
        http_status = 0;
    }
    return sbs_forward_gzip_ended(&push->priv.gzip, status == SBS_OK, http_status,
                                  asked || sbs_http_meaning_of(http_status).asks_for_time,
                                  push->priv.now.mono_ms - push->priv.sent_ms);
}

/* What the poll says of batches. */
static void push_learn_batch(sbs_forward_push *push, const sbs_push_event *event, sbs_status status) {
    const sbs_forward_push_config *config = &push->priv.config;
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

/* Who has a right granted and pushes again is not to wait for the end of a token without it. */
static void push_doubt_token(const sbs_forward_push *push, const sbs_push_event *event) {
    const sbs_forward_push_config *config = &push->priv.config;
    sbs_forward_memory *memory = config->memory;
    bool refused = event->status == SBS_ERR_SCOPE || event->status == SBS_ERR_FORBIDDEN;
    if (config->lead != NULL) {
        memory = config->lead->priv.config.memory;
    }

    if (memory != NULL && event->kind >= SBS_PUSH_COLLISION && refused) {
        sbs_forward_memory_doubt_token(memory);
    }
}

/* What one of several connections found out need not be tried by the others: the lead hands it on. */
static void push_share(sbs_forward_push *from, sbs_forward_push *to) {
    sbs_forward_batch_facts facts = sbs_forward_batch_known(&from->priv.batch);
    sbs_forward_batch_facts known = sbs_forward_batch_known(&to->priv.batch);
    if (known.taken == SBS_FORWARD_BATCHES_UNTRIED && facts.taken != SBS_FORWARD_BATCHES_UNTRIED) {
        sbs_forward_batch_recall(&to->priv.batch, &facts);
    }

    sbs_forward_gzip_learn(&to->priv.gzip, sbs_forward_gzip_known(&from->priv.gzip));
}

void sbs_forward_learnt_note_event(sbs_forward_push *push, sbs_status status) {
    if (push->priv.config.lead != NULL) {
        push_share(push, push->priv.config.lead);
        push_share(push->priv.config.lead, push);
    }

    const sbs_push_event *event = sbs_push_event_of(&push->priv.engine);
    push_learn_batch(push, event, status);
    push_doubt_token(push, event);
    push_doubt_statement(push, event);
}

/* What an earlier run learnt of the server; what does not fit is asked for. */
static void push_recall(sbs_forward_push *push) {
    const sbs_forward_memory *memory = push->priv.config.memory;
    const sbs_forward_statement *statement;
    uint16_t refused_with;
    sbs_forward_tried gzip = SBS_FORWARD_UNTRIED;

    if (memory != NULL) {
        gzip = sbs_forward_memory_gzip(memory);
    }
    sbs_forward_gzip_init(&push->priv.gzip, gzip, push->priv.config.no_gzip);
    push->priv.coder = (sbs_push_coder){.code = push_code, .ended = push_note_coding, .ctx = push};

    if (memory != NULL && sbs_forward_memory_statement(memory, &statement, &refused_with)) {
        (void)sbs_forward_modes_recall(&push->priv.modes, statement, refused_with);
    }
}

void sbs_forward_learnt_begin(sbs_forward_push *push) {
    const sbs_forward_push_config *config = &push->priv.config;
    sbs_push_config *engine = &push->priv.engine_config;

    push_recall(push);
    sbs_forward_batch_init(&push->priv.batch, config->queue, config->batch_max, config->batch_auto);
    if (config->memory != NULL) {
        sbs_forward_batch_recall(&push->priv.batch, sbs_forward_memory_batches(config->memory));
    }
    if (config->lead != NULL) {
        sbs_forward_batch_facts facts = sbs_forward_batch_known(&config->lead->priv.batch);
        sbs_forward_batch_recall(&push->priv.batch, &facts);
        sbs_forward_gzip_borrow(&push->priv.gzip, &config->lead->priv.gzip);
    }

    engine->batch_max = sbs_forward_batch_size(&push->priv.batch);
    engine->batch_told = push_note_batch;
    engine->batch_ctx = push;
    engine->coder = &push->priv.coder;
}

void sbs_forward_learnt_end(sbs_forward_push *push) {
    sbs_forward_memory *memory = push->priv.config.memory;
    sbs_forward_batch_facts facts = sbs_forward_batch_known(&push->priv.batch);

    if (memory != NULL) {
        sbs_forward_memory_watch(memory, push->priv.now);
        sbs_forward_memory_note_batches(memory, &facts);
        sbs_forward_memory_note_gzip(memory, sbs_forward_gzip_known(&push->priv.gzip));
    }
}
