/* SPDX-License-Identifier: Apache-2.0 */
#include "push_setup.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
/* cmocka needs the headers above */

#define SYSTEM "urn:m"

static sbs_status identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    push_setup *setup = ctx;
    out->write_mode = setup->mode;
    out->type = item->data[0] == 'T' ? SBS_TEXT("Task") : SBS_TEXT("Observation"); /* whose scope is not granted */
    out->system = SBS_TEXT(SYSTEM);
    out->value = (sbs_text){(const char *)item->data, item->item->len};
    if (setup->identify != NULL) {
        setup->identify((const char *)item->data, out);
    }
    return item->data[0] == '!' ? SBS_ERR_FORMAT : SBS_OK;
}

static sbs_status encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity, sbs_writer *out) {
    sbs_json_writer json;
    (void)ctx;
    (void)identity;
    sbs_json_writer_init(&json, out);
    sbs_json_begin_object(&json);
    sbs_json_member_text(&json, "resourceType", SBS_TEXT("Observation"));
    sbs_json_member_text(&json, "id", item->id);
    sbs_json_member_text(&json, "value", (sbs_text){(const char *)item->data, item->item->len});
    if (item->utc_s != SBS_UTC_UNKNOWN) {
        sbs_json_key(&json, "at");
        sbs_json_put_int(&json, item->utc_s);
    }
    sbs_json_end_object(&json);
    return sbs_json_writer_finish(&json, NULL);
}

void push_setup_init(push_setup *setup) {
    memset(setup, 0, sizeof *setup);
    fake_setup_init(&setup->base);
    setup->base.config.key = &fake_quick_key;
    ram_queue_init(&setup->queue);
    setup->mode = SBS_WRITE_IF_NONE_EXIST;
    setup->config = (sbs_push_config){
        .client = &setup->base.client,
        .queue = &setup->queue.queue,
        .encoder = {identify, encode, setup},
        .item = setup->item,
        .item_size = sizeof setup->item,
        .body = setup->body,
        .body_size = sizeof setup->body,
        .answer = setup->answer,
        .answer_size = sizeof setup->answer,
        .batches = &sbs_push_batches,
        .boot_id = 1,
    };
    assert_int_equal(sbs_push_init(&setup->push, &setup->config), SBS_OK);
}

int push_set_up(void **state) {
    static push_setup setup;
    push_setup_init(&setup);
    *state = &setup;
    return 0;
}

void push_setup_abc(push_setup *setup, uint16_t batch) {
    push_setup_init(setup);
    setup->config.batch_max = batch;
    for (const char *text = "a\0b\0c\0"; *text != '\0'; text += 2) {
        ram_queue_add(&setup->queue, 1, text, 1700000000);
    }
}

static void note_event(push_setup *setup) {
    const sbs_push_event *event = sbs_push_event_of(&setup->push);
    setup->events[event->kind]++;
    setup->last[event->kind] = *event;
    if (event->kind == SBS_PUSH_DELIVERED || event->kind == SBS_PUSH_ALREADY) {
        const struct ram_item *item = &setup->queue.items[event->id - 1];
        size_t used = strlen(setup->order);
        snprintf(setup->order + used, sizeof setup->order - used, "%.*s ", (int)item->item.len, item->data);
    }
}

sbs_status push_run(push_setup *setup, uint64_t most_ms) {
    sbs_now *now = &setup->base.now;
    uint64_t end_ms = now->mono_ms + most_ms;
    for (unsigned polls = 0; polls < 200000; polls++) {
        sbs_wait wait;
        sbs_status status = sbs_push_poll(&setup->push, *now, &wait);
        note_event(setup);
        if (status != SBS_PENDING || now->mono_ms >= end_ms) {
            return status;
        }
        uint64_t before_s = now->mono_ms / 1000;
        now->mono_ms += wait.timeout_ms;
        if (now->utc_s != SBS_UTC_UNKNOWN) {
            now->utc_s += (int64_t)(now->mono_ms / 1000 - before_s);
        }
    }
    fail_msg("the engine does not come to an end");
    return SBS_ERR_STATE;
}

unsigned push_stored(const push_setup *setup, const char *text) {
    char key[128];
    char id[SBS_DERIVED_ID_LEN];
    snprintf(key, sizeof key, "identifier=urn%%3Am%%7C%s", text);
    unsigned count = fake_fhir_count(&setup->base.fhir, key);
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT(SYSTEM), sbs_text_of(text), (sbs_text){NULL, 0}, id), SBS_OK);
    snprintf(key, sizeof key, "/r4/Observation/%.*s", (int)sizeof id, id);
    return count + fake_fhir_count(&setup->base.fhir, key);
}
