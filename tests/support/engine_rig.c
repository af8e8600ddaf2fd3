/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */

#include "sbs/count.h"
#include "sbs/observation.h"
#include "test.h"

#define CLOCK_AFTER_MS 20000u /* the network tells the time so long after a start */
#define BEGIN_MS UINT64_C(1700000000000)
#define LONG_MS 36000000u

/* The server's callbacks know no device. */
static engine_rig *current;

#define must(condition, ...)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            print_error("%s: ", current->where);                                                                       \
            fail_msg(__VA_ARGS__);                                                                                     \
        }                                                                                                              \
    } while (0)

/* ---- the program's encoder ------------------------------------------------------------------------------------ */

static sbs_status identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    engine_rig *rig = ctx;
    sbs_writer text;
    size_t len = 0;
    sbs_writer_init(&text, rig->value, sizeof rig->value);
    sbs_identity_put_sequence(&text, SBS_TEXT("meter-17"), UINT64_C(0x0123456789ABCDEF), item->item->id);
    sbs_status status = sbs_writer_finish(&text, &len);
    *out = (sbs_push_identity){.type = SBS_TEXT("Observation"),
                               .system = SBS_TEXT(SBS_SYSTEM_SEQUENCE),
                               .value = {rig->value, len},
                               .write_mode = rig->mode};
    return status;
}

/* An item's bytes are its number. */
static sbs_status encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity, sbs_writer *out) {
    engine_rig *rig = ctx;
    uint32_t number;
    const sbs_coding code = {SBS_TEXT(SBS_SYSTEM_LOINC), SBS_TEXT("8310-5"), {NULL, 0}};
    assert_int_equal(item->item->len, sizeof number);
    memcpy(&number, item->data, sizeof number);
    (void)rig;
    const sbs_observation observation = {
        .id = item->id,
        .identifier_system = identity->system,
        .identifier_value = identity->value,
        .codes = &code,
        .code_count = 1,
        .effective_utc_s = item->utc_s,
        .zone_minutes = item->item->meta.zone_minutes,
        .value = {.kind = SBS_VALUE_QUANTITY, .decimal = {number, 0}, .ucum = SBS_TEXT("Cel")},
    };
    return sbs_observation_put(out, &observation, NULL);
}

/* ---- the server ------------------------------------------------------------------------------------------------ */

static engine_item *item_of(const char *json, size_t len) {
    const char *value = fake_find(json, len, "\"valueQuantity\":{\"value\":");
    must(value != NULL, "no value in %.*s", (int)len, json);
    unsigned long number = strtoul(value + 25, NULL, 10);
    must(number < current->item_count, "item %lu was never measured", number);
    return &current->items[number];
}

static unsigned verdict(const char *json, size_t len) {
    return item_of(json, len)->poison ? 422 : 0;
}

static void check_time(const engine_item *item, const char *effective) {
    char expected[32];
    sbs_writer out;
    for (int64_t off_s = -1; off_s <= 1; off_s++) { /* whole seconds, cut down on both ways */
        size_t size = 0;
        sbs_writer_init(&out, expected, sizeof expected);
        sbs_date_put(&out, item->true_s + off_s, 0, 60);
        assert_int_equal(sbs_writer_finish(&out, &size), SBS_OK);
        if (strncmp(effective, expected, 19) == 0) {
            return;
        }
    }
    must(false, "measured at %s, sent as %.25s", expected, effective);
}

static void note_stored(const char *json, size_t len) {
    engine_item *item = item_of(json, len);
    uint32_t number = (uint32_t)(item - current->items);
    const char *effective = fake_find(json, len, "\"effectiveDateTime\":\"");
    must(!item->poison, "item %u was stored", number);
    must(++item->stored == 1, "item %u is there twice", number);
    item->untimed = effective == NULL;
    if (item->untimed) {
        return; /* others may have passed it */
    }
    check_time(item, effective + 21);
    must(number + 1 > current->last_stored[item->lane], "item %u came after item %u of its lane", number,
         current->last_stored[item->lane] - 1);
    current->last_stored[item->lane] = number + 1;
}

/* ---- the device ------------------------------------------------------------------------------------------------ */

void engine_init(engine_rig *rig, const engine_disk *disk, sbs_write_mode mode, uint16_t batch_max) {
    memset(rig, 0, sizeof *rig);
    current = rig;
    fake_setup_init(&rig->base);
    rig->base.config.key = &fake_quick_key;
    rig->base.fhir.verdict = verdict;
    rig->base.fhir.on_stored = note_stored;
    rig->disk = disk;
    rig->mode = mode;
    rig->true_ms = BEGIN_MS;
    rig->config = (sbs_push_config){
        .client = &rig->base.client,
        .queue = &rig->queue,
        .storage = &rig->storage,
        .encoder = {identify, encode, rig},
        .item = rig->item,
        .item_size = sizeof rig->item,
        .body = rig->body,
        .body_size = sizeof rig->body,
        .answer = rig->answer,
        .answer_size = sizeof rig->answer,
        .batches = &sbs_push_batches,
        .batch_max = batch_max,
    };
    sbs_client_deinit(&rig->base.client);
}

bool engine_boot(engine_rig *rig) {
    current = rig;
    rig->base.now = (sbs_now){.mono_ms = 500, .utc_s = SBS_UTC_UNKNOWN};
    rig->config.boot_id = ++rig->boots;
    if (!rig->disk->mount(rig->disk->ctx, &rig->queue, &rig->storage)) {
        return false;
    }
    rig->mounted = true;
    assert_int_equal(sbs_client_init(&rig->base.client, &rig->base.config), SBS_OK);
    assert_int_equal(sbs_push_init(&rig->push, &rig->config), SBS_OK);
    return true;
}

void engine_lose_power(engine_rig *rig) {
    if (rig->mounted) {
        sbs_client_deinit(&rig->base.client); /* the connection, and memory that PSA may hold */
        rig->mounted = false;
    }
    rig->disk->unmount(rig->disk->ctx);
    memset(&rig->push, 0xA5, sizeof rig->push);
    rig->true_ms += 90000; /* until it is switched on again */
}

static void pass_time(engine_rig *rig, uint64_t ms) {
    sbs_now *now = &rig->base.now;
    now->mono_ms += ms;
    rig->true_ms += ms;
    now->utc_s = now->mono_ms >= CLOCK_AFTER_MS ? (int64_t)(rig->true_ms / 1000) : SBS_UTC_UNKNOWN;
}

static void append(engine_rig *rig, uint32_t lane, bool poison) {
    uint32_t number = rig->item_count++;
    engine_item *item = &rig->items[number];
    pass_time(rig, 700);
    *item = (engine_item){.true_s = (int64_t)(rig->true_ms / 1000), .lane = lane, .poison = poison};
    const sbs_queue_meta meta = {.uptime_ms = rig->base.now.mono_ms,
                                 .utc_s = rig->base.now.utc_s,
                                 .boot_id = rig->boots,
                                 .lane = lane,
                                 .zone_minutes = 60};
    uint64_t id = 0;
    sbs_status status = rig->queue.ops->append(rig->queue.ctx, &meta, &number, sizeof number, &id);
    if (status == SBS_OK && !rig->disk->is_off(rig->disk->ctx)) { /* who got to know? */
        item->accepted = true;
        item->id = id;
        return;
    }
    must(rig->disk->is_off(rig->disk->ctx), "append: status %d", status);
}

static void note_event(engine_rig *rig) {
    const sbs_push_event *event = sbs_push_event_of(&rig->push);
    must(event->kind != SBS_PUSH_COLLISION, "item %u counts as a collision", (unsigned)event->id);
    if (event->kind == SBS_PUSH_DEAD) {
        must(strncmp(event->reason, "refused", 7) == 0, "dead: %s", event->reason);
    }
}

/* Polls until nothing is left to be done, the time is over or the power is gone. */
static engine_state push_for(engine_rig *rig, uint64_t most_ms) {
    uint64_t end_ms = rig->base.now.mono_ms + most_ms;
    for (unsigned polls = 0; polls < 200000; polls++) {
        sbs_wait wait;
        sbs_status status = sbs_push_poll(&rig->push, rig->base.now, &wait);
        if (rig->disk->rest != NULL && (status == SBS_OK || (wait.events == 0 && wait.timeout_ms > 0))) {
            rig->disk->rest(rig->disk->ctx);
        }
        if (rig->disk->is_off(rig->disk->ctx)) {
            return ENGINE_OFF;
        }
        must(status == SBS_OK || status == SBS_PENDING, "push: status %d", status);
        note_event(rig);
        bool idle = status == SBS_OK && rig->base.now.utc_s != SBS_UTC_UNKNOWN; /* what is held now stays held */
        if (rig->base.now.mono_ms >= end_ms || idle) {
            return ENGINE_MORE;
        }
        uint64_t left_ms = end_ms - rig->base.now.mono_ms;
        pass_time(rig, wait.timeout_ms < left_ms ? wait.timeout_ms : left_ms);
    }
    fail_msg("the engine does not come to an end");
    return ENGINE_DONE;
}

/* What no boot can date any more goes without a time, by the policy that an operator sets in the end. */
static engine_state drain(engine_rig *rig) {
    sbs_queue_counters counters;
    rig->config.unknown_time = SBS_UNKNOWN_TIME_HOLD;
    engine_state state = push_for(rig, LONG_MS);
    rig->queue.ops->counters(rig->queue.ctx, &counters);
    if (state != ENGINE_MORE || counters.waiting == 0) {
        return state;
    }
    rig->config.unknown_time = SBS_UNKNOWN_TIME_SEND;
    return push_for(rig, LONG_MS);
}

/* ---- the script ------------------------------------------------------------------------------------------------ */

typedef enum step_kind { ADD, ADD_POISON, PUSH, DRAIN, RESTART, LOSE_ANSWERS, FAIL_STORED, FAIL, NO_NETWORK } step_kind;

typedef struct script_step {
    step_kind kind;
    uint32_t value; /* lane, seconds, or times */
} script_step;

static const script_step script[] = {
    {ADD, 1},     {ADD, 2},           {ADD, 1},  {PUSH, 5},         {PUSH, 60}, /* clock unknown, then known */
    {ADD, 1},     {ADD_POISON, 1},    {ADD, 2},  {ADD, 1},          {LOSE_ANSWERS, 2}, {PUSH, 600},     {ADD, 1},
    {ADD, 2},     {FAIL_STORED, 500}, {PUSH, 4},                                /* in the middle of it: */
    {RESTART, 0}, {ADD, 1},           {ADD, 2},  {NO_NETWORK, 0},   {PUSH, 25}, /* the clock comes, nothing goes */
    {RESTART, 0}, {ADD, 1},           {PUSH, 5}, {FAIL, 503},       {PUSH, 60},        {ADD_POISON, 2}, {ADD, 2},
    {ADD, 1},     {ADD, 3},           {ADD, 3},  {LOSE_ANSWERS, 1}, {DRAIN, 0},        {ADD, 1},        {DRAIN, 0},
};

static void set_fault(engine_rig *rig, unsigned status, bool stored) {
    fake_fhir *fhir = &rig->base.fhir;
    fhir->fhir_status = status;
    fhir->fhir_times = 1;
    fhir->store_first = stored;
}

static engine_state do_step(engine_rig *rig, const script_step *now) {
    switch (now->kind) {
    case ADD:
    case ADD_POISON:
        append(rig, now->value, now->kind == ADD_POISON);
        break;
    case PUSH:
        return push_for(rig, now->value * UINT64_C(1000));
    case DRAIN:
        return drain(rig);
    case RESTART:
        engine_lose_power(rig);
        return engine_boot(rig) ? ENGINE_MORE : ENGINE_OFF;
    case LOSE_ANSWERS:
        rig->base.fhir.lost_answers = now->value;
        break;
    case NO_NETWORK:
        rig->base.fhir.server.open_fails = SBS_ERR_UNREACHABLE;
        break;
    default:
        set_fault(rig, now->value, now->kind == FAIL_STORED);
        break;
    }
    return rig->disk->is_off(rig->disk->ctx) ? ENGINE_OFF : ENGINE_MORE;
}

/* A step that the power ends is over, but the last ones are done to their end. */
engine_state engine_step(engine_rig *rig) {
    if (rig->next == SBS_COUNT_OF(script)) {
        return ENGINE_DONE;
    }
    const script_step *now = &script[rig->next];
    rig->next += now->kind != DRAIN;
    engine_state state = do_step(rig, now);
    rig->next += now->kind == DRAIN && state == ENGINE_MORE;
    return state;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

unsigned engine_untimed(const engine_rig *rig) {
    unsigned count = 0;
    for (uint32_t i = 0; i < rig->item_count; i++) {
        count += rig->items[i].untimed;
    }
    return count;
}

void engine_check(engine_rig *rig) {
    sbs_queue_counters counters;
    uint32_t stored = 0;
    uint32_t poison = 0;
    uint32_t poison_most = 0;
    for (uint32_t i = 0; i < rig->item_count; i++) {
        const engine_item *item = &rig->items[i];
        must(item->poison || !item->accepted || item->stored == 1, "item %u is lost", i);
        stored += item->stored;
        poison += item->poison && item->accepted;
        poison_most += item->poison;
    }
    rig->queue.ops->counters(rig->queue.ctx, &counters);
    must(counters.waiting == 0 && counters.dropped == 0, "%u are left", counters.waiting);
    must(counters.delivered == stored, "%u delivered, %u stored", (unsigned)counters.delivered, stored);
    must(counters.dead >= poison && counters.dead <= poison_most, "%u dead", (unsigned)counters.dead);
    must(counters.accepted == counters.delivered + counters.dead, "%u accepted", (unsigned)counters.accepted);
}

unsigned engine_break_connections(engine_rig *rig, const engine_life *life, size_t stride) {
    static const fake_fault faults[] = {FAKE_CLOSE, FAKE_STALL, FAKE_END};
    unsigned runs = 0;
    for (unsigned variant = 0; variant < life->variants; variant++) {
        life->begin(variant);
        assert_true(life->live());
        size_t total = rig->base.fhir.server.moved;
        life->end();
        for (size_t at = variant; at < total; at += stride) {
            life->begin(variant);
            (void)snprintf(rig->where, sizeof rig->where, "variant %u, fault at byte %zu", variant, at);
            rig->base.fhir.server.fault_at = at;
            rig->base.fhir.server.fault = faults[runs++ % 3];
            assert_true(life->live());
            life->end();
        }
    }
    return runs;
}
