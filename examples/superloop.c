/* SPDX-License-Identifier: Apache-2.0 */
/* A microcontroller's main loop: measure, queue on flash, push when there is a network. No heap, no thread, no blocking
 * call; all memory stands in `device`. superloop.h says what the board gives. */
#include "superloop.h"

#include <string.h>

#include "sbs/flash_queue.h"
#include "sbs/sbs.h"

#define SERIAL_NUMBER "thermometer-17" /* of this device: part of each identifier */
#define BODY_SIZE 1024u                /* one Observation and its search */

/* An item on flash: what was measured, in a form of our own. Time and boot stand beside it, in the queue's meta. */
typedef struct sample {
    int32_t centicelsius;
} sample;

/* Counted and made once, kept on flash. */
typedef struct identity {
    uint64_t epoch; /* random, made with the queue: numbers of an erased one do not come again */
    uint32_t boot;
} identity;

static struct {
    superloop_settings settings;
    sbs_flash_queue items;
    sbs_queue queue;
    identity self;
    sbs_client_config client_config;
    sbs_client client;
    sbs_push_config push_config;
    sbs_push push;
    sample item;
    char identifier[64];
    char work[8192], body[BODY_SIZE];
} device;

/* ---- from an item to an Observation ------------------------------------------------------------------------------ */

/* The same item has the same identifier, whenever it is asked: that is what makes a repeat harmless. */
static sbs_status identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    sbs_writer text;
    size_t len = 0;
    (void)ctx;

    sbs_writer_init(&text, device.identifier, sizeof device.identifier);
    sbs_identity_put_sequence(&text, SBS_TEXT(SERIAL_NUMBER), device.self.epoch, item->item->id);
    sbs_status status = sbs_writer_finish(&text, &len);

    *out = (sbs_push_identity){
        .type = SBS_TEXT("Observation"),
        .system = SBS_TEXT(SBS_SYSTEM_SEQUENCE),
        .value = {device.identifier, len},
        .write_mode = SBS_WRITE_PUT,
    };
    return status;
}

static sbs_status encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *who, sbs_writer *out) {
    const sbs_coding code = {SBS_TEXT(SBS_SYSTEM_LOINC), SBS_TEXT("8310-5"), SBS_TEXT("Body temperature")};
    sample measured;
    (void)ctx;

    if (item->item->len != sizeof measured) {
        return SBS_ERR_FORMAT; /* sets this item aside; others go on */
    }
    memcpy(&measured, item->data, sizeof measured);

    const sbs_observation observation = {
        .id = item->id,
        .identifier_system = who->system,
        .identifier_value = who->value,
        .codes = &code,
        .code_count = 1,
        .subject = SBS_TEXT("Patient/123"),
        .effective_utc_s = item->utc_s,
        .effective_ms = -1,
        .zone_minutes = item->item->meta.zone_minutes,
        .value = {.kind = SBS_VALUE_QUANTITY, .decimal = {measured.centicelsius, -2}, .ucum = SBS_TEXT("Cel")},
    };
    return sbs_observation_put(out, &observation, NULL);
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

/* Counts this boot. The record is new on a new device, whose queue is empty. */
static sbs_status read_identity(void) {
    size_t len;
    sbs_status status = device.settings.storage.ops->get(device.settings.storage.ctx, "self", (uint8_t *)&device.self,
                                                         sizeof device.self, &len);
    if (status == SBS_ERR_NOT_FOUND) {
        status = sbs_psa_to_status(psa_generate_random((uint8_t *)&device.self.epoch, sizeof device.self.epoch));
    }
    if (status != SBS_OK) {
        return status;
    }

    device.self.boot++;
    return device.settings.storage.ops->set(device.settings.storage.ctx, "self", (const uint8_t *)&device.self,
                                            sizeof device.self);
}

static sbs_status mount_queue(void) {
    const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    sbs_status status = sbs_flash_queue_mount(&device.items, device.settings.queue_flash, &config);
    if (status != SBS_OK) {
        return status;
    }
    device.queue = sbs_flash_queue_port(&device.items);
    return read_identity();
}

/* Around each piece of work that may take long, a signature above all. */
static void feed_around_work(void *ctx, bool begin) {
    (void)ctx;
    (void)begin;
    board_watchdog_feed();
}

static sbs_status start_push(void) {
    device.client_config = (sbs_client_config){
        .fhir_base = device.settings.fhir_base,
        .client_id = device.settings.client_id,
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.u",
        .key = &device.settings.key,
        .stream = &device.settings.stream,
        .work = device.work,
        .work_size = sizeof device.work,
        .work_hook = feed_around_work,
    };
    sbs_status status = sbs_client_init(&device.client, &device.client_config);
    if (status != SBS_OK) {
        return status;
    }

    device.push_config = (sbs_push_config){
        .client = &device.client,
        .queue = &device.queue,
        .storage = &device.settings.storage,
        .encoder = {.identify = identify, .encode = encode},
        .item = &device.item,
        .item_size = sizeof device.item,
        .body = device.body,
        .body_size = sizeof device.body,
        .boot_id = device.self.boot,
    };
    return sbs_push_init(&device.push, &device.push_config);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* Once this returned, power may fail: the item is there at the next start. */
static void queue_sample(int32_t centicelsius, sbs_now now) {
    const sample measured = {centicelsius};
    const sbs_queue_meta meta = {
        .uptime_ms = now.mono_ms,
        .utc_s = now.utc_s,
        .boot_id = device.self.boot,
        .lane = 1,
        .zone_minutes = 0,
    };
    uint64_t id;

    sbs_status status = device.queue.ops->append(device.queue.ctx, &meta, &measured, sizeof measured, &id);
    if (status != SBS_OK) {
        board_tell("not kept", sbs_status_text(status)); /* SBS_ERR_BUFFER: the queue is full. Say so to the person */
    }
}

static void tell_event(const sbs_push_event *event) {
    switch (event->kind) {
    case SBS_PUSH_NOTHING:
    case SBS_PUSH_DEFERRED: /* this item waits by itself, others go on: nothing to do */
        break;
    case SBS_PUSH_DELIVERED:
    case SBS_PUSH_ALREADY:
    case SBS_PUSH_UPDATED:
        board_tell("stored", event->server_id);
        break;
    case SBS_PUSH_REPLACED:
        board_tell("replaced, look at its first version", event->server_id);
        break;
    case SBS_PUSH_COLLISION:
    case SBS_PUSH_DEAD: /* the server will never take it; the queue keeps the reason */
        board_tell("set aside", event->reason);
        break;
    case SBS_PUSH_WAITING: /* network or server: goes on by itself */
        board_tell("waiting", sbs_status_text(event->status));
        break;
    case SBS_PUSH_PAUSED: /* somebody must mend something; it looks again by itself, ever more rarely */
        board_tell("needs an operator", sbs_status_text(event->status));
        break;
    }
}

/* What one round has to wait for. */
static sbs_wait go_round(void) {
    sbs_wait wait = {.timeout_ms = SBS_WAIT_FOREVER, .descriptor = -1};
    int32_t centicelsius;
    sbs_now now = board_now();

    if (board_measured(&centicelsius)) {
        queue_sample(centicelsius, now);
    }

    sbs_status status = sbs_push_poll(&device.push, now, &wait);
    tell_event(sbs_push_event_of(&device.push));
    if (status != SBS_OK && status != SBS_PENDING) {
        board_tell("the queue failed",
                   sbs_status_text(status)); /* nothing is lost by that: the next round tries again */
        wait = (sbs_wait){.timeout_ms = 1000, .descriptor = -1};
    }

    board_watchdog_feed();
    return wait;
}

static uint32_t count_waiting(void) {
    sbs_queue_counters counters;
    device.queue.ops->counters(device.queue.ctx, &counters);
    return counters.waiting;
}

int main(int argc, char **argv) {
    if (!board_start(argc, argv, &device.settings)) {
        return 2;
    }

    sbs_status status = mount_queue();
    if (status == SBS_OK) {
        status = start_push();
    }
    if (status != SBS_OK) {
        board_tell("cannot start", sbs_status_text(status)); /* a device waits here for whoever looks after it */
        return 1;
    }

    do {
        sbs_wait wait = go_round();
        board_sleep(&wait);
    } while (board_goes_on(count_waiting(), sbs_push_event_of(&device.push)));
    sbs_client_deinit(&device.client);
    return 0;
}
