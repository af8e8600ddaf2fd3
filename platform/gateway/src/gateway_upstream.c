/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_upstream.h"

#include <stdio.h>
#include <string.h>

#include "gateway_words.h"
#include "sbs/linux_clock.h"

#define SETTLE_MS 5000u
#define STORAGE_RETRY_MS 1000u
#define KEY_RETRY_MS 30000u /* for a token that is not there */
#define POLLS_MAX 8u        /* in one turn, before devices are looked after again */
#define SOON_MS 500u        /* what is due within it counts as under way */

/* ---- where an item came from ------------------------------------------------------------------------------------ */

static uint16_t sender_device_of(const sbs_gateway_config *config, const char *name) {
    for (size_t i = 0; i < config->device_count; i++) {
        if (strcmp(config->devices[i].name, name) == 0) {
            return (uint16_t)(i + 1);
        }
    }

    return 0;
}

/* Asked while the item is there: what is delivered is gone from the queue when that is told. */
static void sender_note_origin(sbs_gateway_sender *sender, uint64_t id) {
    sbs_gateway_origin *origin = &sender->priv.origins[id % SBS_GATEWAY_SOURCES];
    sbs_sqlite_entry entry;
    if (origin->id == id) {
        return;
    }
    if (sbs_sqlite_queue_find(sender->priv.given.queue, id, &entry) == SBS_OK) {
        *origin = (sbs_gateway_origin){.id = id, .device = sender_device_of(sender->priv.given.config, entry.source)};
    }
}

static size_t sender_origin(const sbs_gateway_sender *sender, uint64_t id) {
    const sbs_gateway_origin *origin = &sender->priv.origins[id % SBS_GATEWAY_SOURCES];
    if (id == 0 || origin->id != id) {
        return 0;
    }
    return origin->device;
}

/* Nothing is refused here; it is the moment at which an item is looked at. */
static const char *sender_look_at(void *ctx, uint64_t id) {
    sender_note_origin(ctx, id);
    return NULL;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static void sender_tell(const sbs_gateway_sender *sender, bool bad, const char *event, uint64_t item,
                        uint16_t http_status, const char *message) {
    const sbs_gateway_sender_config *given = &sender->priv.given;
    size_t device = sender_origin(sender, item);
    const char *name = NULL;
    if (device != 0) {
        name = given->config->devices[device - 1].name;
    }

    if (given->tell != NULL) {
        given->tell(given->ctx, bad, event, name, item, http_status, message);
    }
}

static void sender_set_state(sbs_gateway_sender *sender, sbs_gateway_upstream state, const char *words) {
    if (sender->priv.state != state) {
        sender->priv.since_s = sbs_linux_now().utc_s;
    }
    sender->priv.state = state;
    (void)snprintf(sender->priv.words, sizeof sender->priv.words, "%s", words);
}

/* What was put off has an end: what was told of it is no reason any more. */
static void sender_forget_trouble(sbs_gateway_sender *sender, uint64_t id) {
    if (sender->priv.trouble_id == id) {
        sender->priv.trouble[0] = '\0';
    }
}

static void sender_note_stored(sbs_gateway_sender *sender, const sbs_forward_event *event) {
    size_t device = sender_origin(sender, event->push->id);
    sender->priv.delivered_pending++;
    sender->priv.last_delivery_s = sbs_linux_now().utc_s;
    if (device != 0) {
        sender->priv.given.counts[device - 1].delivered++;
    }
    if (event->push->kind == SBS_PUSH_REPLACED) {
        sender_tell(sender, true, "replaced", event->push->id, event->push->http_status,
                    "the server overwrote what it held under the id of an item, although it was asked not to");
    }

    sender_set_state(sender, SBS_GATEWAY_SENDING, "");
    sender_forget_trouble(sender, event->push->id);
    sender->priv.told[0] = '\0';
    sender->priv.failed = false;
}

/* A dead letter keeps the HTTP status beside the reason and the words, in the group of its settlement. */
static void sender_note_dead(sbs_gateway_sender *sender, const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;
    size_t device = sender_origin(sender, push->id);
    char message[160];

    /* Where that fails the group is undone, and its commit tells. */
    sbs_status noted = sbs_sqlite_queue_note_http(sender->priv.given.queue, push->id, push->http_status);
    (void)noted;
    sender_forget_trouble(sender, push->id);
    if (device != 0) {
        sender->priv.given.counts[device - 1].dead++;
    }

    (void)snprintf(message, sizeof message, "the server refused item %llu: %s; 'sbs-gateway dead show %llu' tells more",
                   (unsigned long long)push->id, sbs_status_text(push->status), (unsigned long long)push->id);
    sender_tell(sender, true, "dead", push->id, push->http_status, message);
}

/* Why an item waits is kept with it, for who asks. Silence is noted once for an item, as flash memory wears. */
static void sender_note_trouble(sbs_gateway_sender *sender, const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;
    bool answered = push->http_status != 0 || (event->detail != NULL && event->detail->outcome_unknown);
    bool again = sender->priv.noted_id == push->id && sender->priv.noted == push->status;
    if (push->id == 0 || (!answered && again)) {
        return;
    }

    const char *words = event->words;
    const char *reason = event->reason;
    if (event->detail != NULL) {
        words = event->detail->text;
    }
    if (reason[0] == '\0') {
        reason = sbs_status_text(push->status);
    }
    if (sbs_client_is_secret(sbs_forward_server_client(&sender->priv.server.forward), words)) {
        words = "";
    }
    if (sbs_sqlite_queue_note_trouble(sender->priv.given.queue, push->id, push->http_status, reason, words) == SBS_OK) {
        sender->priv.noted_id = push->id;
        sender->priv.noted = push->status;
    }
}

/* The item waits by itself, and others go: whether anything does is seen when nothing is under way. */
static void sender_note_deferred(sbs_gateway_sender *sender, const sbs_forward_event *event) {
    sender_note_trouble(sender, event);
    sbs_gateway_wait_words(&sender->priv.server.forward, sender->priv.given.keys, event, sender->priv.trouble,
                           sizeof sender->priv.trouble);
    sender->priv.trouble_id = event->push->id;
    sender->priv.failed = true;
}

static const char *const state_events[] = {"idle", "sending", "waiting", "paused"};

/* The journal is told when the reason changes, not at each try. */
static void sender_note_wait(sbs_gateway_sender *sender, const sbs_forward_event *event, sbs_gateway_upstream state) {
    char words[sizeof sender->priv.words];
    sbs_gateway_wait_words(&sender->priv.server.forward, sender->priv.given.keys, event, words, sizeof words);

    sender_note_trouble(sender, event);
    sender_set_state(sender, state, words);
    if (strcmp(words, sender->priv.told) != 0) {
        memcpy(sender->priv.told, words, sizeof sender->priv.told);
        bool paused = state == SBS_GATEWAY_PAUSED;
        sender_tell(sender, paused, state_events[state], 0, event->push->http_status, words);
    }
}

static void sender_event(void *ctx, const sbs_forward_event *event) {
    sbs_gateway_sender *sender = ctx;

    switch (event->push->kind) {
    case SBS_PUSH_DELIVERED:
    case SBS_PUSH_ALREADY:
    case SBS_PUSH_UPDATED:
    case SBS_PUSH_REPLACED:
        sender_note_stored(sender, event);
        break;
    case SBS_PUSH_COLLISION:
    case SBS_PUSH_DEAD:
        sender_note_dead(sender, event);
        break;
    case SBS_PUSH_DEFERRED:
        sender_note_deferred(sender, event);
        break;
    case SBS_PUSH_WAITING:
        sender_note_wait(sender, event, SBS_GATEWAY_WAITING);
        break;
    case SBS_PUSH_PAUSED:
        sender_note_wait(sender, event, SBS_GATEWAY_PAUSED);
        break;
    default:
        break;
    }
}

static void sender_durable(void *ctx) {
    sbs_gateway_sender *sender = ctx;
    sender->priv.delivered += sender->priv.delivered_pending;
    sender->priv.delivered_pending = 0;
}

static void sender_undone(void *ctx) {
    sbs_gateway_sender *sender = ctx;
    sender->priv.delivered_pending = 0;
}

static void sender_warn(void *ctx, const char *sentence) {
    sender_tell(ctx, false, "warning", 0, 0, sentence);
}

/* ---- setting up ------------------------------------------------------------------------------------------------- */

static void sender_pause(sbs_gateway_sender *sender, const char *words) {
    sender_set_state(sender, SBS_GATEWAY_PAUSED, words);
    sender_tell(sender, true, "paused", 0, 0, words);
}

/* Somebody may plug the token in again. A PIN that was refused waits for a reload, as tries are few. */
static void sender_pause_for_token(sbs_gateway_sender *sender) {
    const sbs_gateway_keys *keys = sender->priv.given.keys;
    char words[sizeof sender->priv.words];
    sbs_gateway_token_words(keys, words, sizeof words);
    if (!sbs_gateway_keys_pin_was_refused(keys)) {
        sender->priv.due_ms = sbs_linux_now().mono_ms + KEY_RETRY_MS;
    }

    sender_set_state(sender, SBS_GATEWAY_PAUSED, words);
    if (strcmp(words, sender->priv.told) != 0) {
        memcpy(sender->priv.told, words, sizeof sender->priv.told);
        sender_tell(sender, true, "paused", 0, 0, words);
    }
}

static sbs_status sender_open_server(sbs_gateway_sender *sender) {
    const char *fault = NULL;
    if (sbs_gateway_keys_use(sender->priv.given.keys, sender->priv.given.config->key) != SBS_OK) {
        sender_pause_for_token(sender);
        return SBS_ERR_KEY;
    }
    sbs_gateway_keys_port(sender->priv.given.keys, &sender->priv.key);
    sbs_status status =
        sbs_gateway_server_open(&sender->priv.server, sender->priv.given.config, &sender->priv.key, &fault);
    if (fault != NULL) {
        sender_pause(sender, fault);
    }
    return status;
}

static sbs_status sender_open_fan(sbs_gateway_sender *sender) {
    const sbs_gateway_sender_config *given = &sender->priv.given;
    const sbs_gateway_config *config = given->config;
    uint16_t batch = (uint16_t)SBS_FORWARD_BATCH_MAX;
    sbs_forward_mode mode = SBS_FORWARD_AUTO;
    if (config->batch != 0) {
        batch = config->batch;
    }
    if (config->write_mode != 0) {
        mode = config->write_mode;
    }

    const sbs_forward_fan_config fan = {
        .push =
            {
                .server = &sender->priv.server.forward,
                .queue = given->port,
                .mode = mode,
                .batch_max = batch,
                .batch_auto = config->batch == 0,
                .mark_ahead = config->mark_ahead,
                .no_gzip = !config->gzip,
                .settle_ms = SETTLE_MS,
                .already_there = SBS_ALREADY_ACCEPT, /* identifiers are the gateway's own: what is there is the same */
                .dating = given->dating,
                .pushed_ms = given->pushed_ms,
                .memory = &sender->priv.memory,
                .refuse = sender_look_at,
                .event = sender_event,
                .durable = sender_durable,
                .undone = sender_undone,
                .warn = sender_warn,
                .ctx = sender,
            },
        .connections = config->connections,
    };
    return sbs_forward_fan_open(&sender->priv.fan, &fan);
}

static sbs_status sender_begin(sbs_gateway_sender *sender) {
    sender->priv.wait = (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .descriptor = -1};
    sender->priv.due_ms = UINT64_MAX;
    sbs_status status = sender_open_server(sender);
    if (status != SBS_OK) {
        return status == SBS_ERR_MEMORY ? status : SBS_OK;
    }

    /* What cannot be remembered is learnt anew. */
    if (sbs_forward_memory_open(&sender->priv.memory, &sender->priv.server.forward, sender->priv.given.queue_path,
                                sbs_linux_now()) != SBS_OK) {
        sbs_forward_memory_close(&sender->priv.memory);
        sender->priv.memory = (sbs_forward_memory){0};
    }

    status = sender_open_fan(sender);
    if (status == SBS_OK) {
        sender->priv.ready = sender->priv.wanted = true;
        sender_set_state(sender, SBS_GATEWAY_IDLE, "");
        sender->priv.told[0] = sender->priv.trouble[0] = '\0';
        sender->priv.failed = false;
    }

    return status;
}

sbs_status sbs_gateway_sender_open(sbs_gateway_sender *sender, const sbs_gateway_sender_config *config) {
    *sender = (sbs_gateway_sender){.priv = {.given = *config}};
    sender->priv.open = true;
    sender->priv.last_delivery_s = SBS_UTC_UNKNOWN;
    return sender_begin(sender);
}

static void sender_end(sbs_gateway_sender *sender) {
    if (sender->priv.ready) {
        (void)sbs_forward_fan_close(&sender->priv.fan);
    }

    sbs_forward_memory_close(&sender->priv.memory);
    sbs_gateway_server_close(&sender->priv.server);
    sender->priv.ready = false;
}

sbs_status sbs_gateway_sender_restart(sbs_gateway_sender *sender) {
    sender_end(sender);
    sender->priv.given.pushed_ms = 0; /* something may have been sent just now */
    memset(sender->priv.origins, 0, sizeof sender->priv.origins);
    return sender_begin(sender);
}

void sbs_gateway_sender_close(sbs_gateway_sender *sender) {
    if (!sender->priv.open) {
        return;
    }

    sender_end(sender);
    sbs_wipe(sender, sizeof *sender);
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

/* Its certificate's end, and its time. */
static void sender_note_server(sbs_gateway_sender *sender, sbs_now now) {
    sbs_forward_server *server = &sender->priv.server.forward;
    const sbs_client *client = sbs_forward_server_client(server);
    sbs_token_view token;
    int64_t until_s = sbs_tls_stream_valid_until(sbs_forward_server_tls(server));
    if (until_s != 0) {
        sender->priv.server_certificate_s = until_s;
    }

    bool has_token = sbs_client_token(client, now, &token) == SBS_OK;
    sbs_gateway_clock_note(sender->priv.given.clock, now, sbs_client_server_time(client, now), has_token);
}

static bool sender_is_due(const sbs_gateway_sender *sender, sbs_now now) {
    return sender->priv.wanted || now.mono_ms >= sender->priv.due_ms;
}

/* Notes what to wait for. */
static void sender_plan(sbs_gateway_sender *sender, sbs_now now, const sbs_wait *wait) {
    sender->priv.wait = *wait;
    sender->priv.wanted = wait->timeout_ms == 0;
    sender->priv.due_ms = UINT64_MAX;
    if (wait->timeout_ms != SBS_WAIT_FOREVER) {
        sender->priv.due_ms = now.mono_ms + wait->timeout_ms;
    }
}

sbs_status sbs_gateway_sender_poll(sbs_gateway_sender *sender, sbs_now now) {
    sbs_status status = SBS_PENDING;
    if (sender->priv.open && !sender->priv.ready && now.mono_ms >= sender->priv.due_ms) {
        return sender_begin(sender); /* the token may be there now */
    }
    if (!sender->priv.ready || !sender_is_due(sender, now)) {
        return SBS_OK;
    }

    sbs_wait wait = {.descriptor = -1};
    for (unsigned polls = 0; polls < POLLS_MAX && status == SBS_PENDING && wait.timeout_ms == 0; polls++) {
        status = sbs_forward_fan_poll(&sender->priv.fan, now, &wait);
        sender_note_server(sender, now);
    }
    sender->priv.puts = sbs_forward_fan_puts(&sender->priv.fan, "Observation", now);

    if (status == SBS_OK) {
        /* Nothing is left: until something is appended. */
        wait = (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .descriptor = -1};
        sender_set_state(sender, SBS_GATEWAY_IDLE, "");
        sender->priv.told[0] = sender->priv.trouble[0] = '\0';
        sender->priv.failed = false;
    } else if (status != SBS_PENDING) {
        wait = (sbs_wait){.timeout_ms = STORAGE_RETRY_MS, .descriptor = -1};
    }

    sender_plan(sender, now, &wait);
    return status == SBS_PENDING ? SBS_OK : status;
}

sbs_wait sbs_gateway_sender_wait(const sbs_gateway_sender *sender, sbs_now now) {
    sbs_wait wait = sender->priv.wait;
    if (sender->priv.wanted) {
        wait.timeout_ms = 0;
    } else if (sender->priv.due_ms != UINT64_MAX) {
        uint64_t left_ms = sender->priv.due_ms > now.mono_ms ? sender->priv.due_ms - now.mono_ms : 0;
        wait.timeout_ms = left_ms < SBS_WAIT_FOREVER ? (uint32_t)left_ms : SBS_WAIT_FOREVER - 1;
    }

    return wait;
}

void sbs_gateway_sender_ready(sbs_gateway_sender *sender) {
    sender->priv.wanted = true;
}

void sbs_gateway_sender_appended(sbs_gateway_sender *sender) {
    if (sender->priv.ready && (sender->priv.state == SBS_GATEWAY_IDLE || sender->priv.state == SBS_GATEWAY_SENDING)) {
        sender->priv.wanted = true;
        sender_set_state(sender, SBS_GATEWAY_SENDING, "");
    }
}

void sbs_gateway_sender_wake(sbs_gateway_sender *sender) {
    if (sender->priv.ready) {
        sbs_forward_fan_wake(&sender->priv.fan);
        sender->priv.wanted = true;
    }
}

bool sbs_gateway_sender_drain(sbs_gateway_sender *sender) {
    return !sender->priv.ready || sbs_forward_fan_drain(&sender->priv.fan);
}

/* ---- what is told ----------------------------------------------------------------------------------------------- */

uint64_t sbs_gateway_sender_delivered(const sbs_gateway_sender *sender) {
    return sender->priv.delivered;
}

/* True if something goes to the server now, or is about to. */
static bool sender_is_under_way(const sbs_gateway_sender *sender, sbs_now now) {
    bool soon = sender->priv.due_ms != UINT64_MAX && sender->priv.due_ms < now.mono_ms + SOON_MS;
    return sender->priv.wanted || soon || sender->priv.wait.descriptor >= 0;
}

/* Items that wait by themselves stop nobody, so the push goes on. But where nothing else goes, they are what is told:
 * "being sent" would be true of nothing. */
static void sender_tell_state(const sbs_gateway_sender *sender, sbs_now now, sbs_gateway_status *out) {
    bool waits = sender->priv.trouble[0] != '\0' && (sender->priv.failed || !sender_is_under_way(sender, now));
    const char *words = sender->priv.words;
    out->upstream = sender->priv.state;
    if (waits && (out->upstream == SBS_GATEWAY_SENDING || out->upstream == SBS_GATEWAY_IDLE)) {
        out->upstream = SBS_GATEWAY_WAITING;
        words = sender->priv.trouble;
    }
    memcpy(out->upstream_words, words, sizeof out->upstream_words);
}

void sbs_gateway_sender_status(const sbs_gateway_sender *sender, sbs_now now, sbs_gateway_status *out) {
    sbs_token_view token;
    sender_tell_state(sender, now, out);
    out->upstream_since_s = sender->priv.since_s;
    out->last_delivery_s = sender->priv.last_delivery_s;
    out->server_certificate_s = sender->priv.server_certificate_s;
    out->token_expires_s = 0;
    if (!sender->priv.ready || now.utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    /* The client's own, as it stands between two polls. */
    const sbs_client *client = &sender->priv.server.forward.priv.client;
    if (sbs_client_token(client, now, &token) == SBS_OK) {
        out->token_expires_s = now.utc_s + (int64_t)((token.expires_at_ms - now.mono_ms) / 1000);
    }
}
