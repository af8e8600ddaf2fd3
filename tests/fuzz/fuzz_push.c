/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The push engine, the client and the exchange against a server that the input plays (support/push_peer.h), over a
 * queue that may fail, through power cuts, to the end: there the server is a good one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "push_answer.h"
#include "push_peer.h"
#include "sbs/count.h"
#include "sbs/linux_decode.h"

#define POLLS_MAX 30000u /* of one life and its end; the longest of the corpus take a tenth */
#define TAIL_POLLS 150u  /* after the input's end, where the server is a good one */
#define CLIENT_IDS "fuzz-client"

typedef struct world {
    fuzz_input script;
    push_peer peer;
    ram_queue queue;
    sbs_client_config client_config;
    sbs_push_config config;
    sbs_client client;
    sbs_push push;
    sbs_key key;
    sbs_storage storage;
    sbs_now now;
    bool knows_time, without_engine;
    unsigned quiet;       /* polls until the script is asked for the next thing that happens */
    bool harmed;          /* something happened after which not all is delivered by itself */
    unsigned key_pending; /* answers "not yet" */
    sbs_alg alg;
    char held[256];     /* the token at hand */
    uint64_t settled;   /* bit for each item that was told as settled */
    uint8_t boots[128]; /* the record of the storage */
    size_t boots_len;
    char work[16384];
    char words[512];
    uint8_t item[64];
    char body[8192];
    _Alignas(8) char answer[16384];
    sbs_push_deferred deferred[3];
} world;

static world w;

/* ---- the key, and the storage ------------------------------------------------------------------------------------ */

static sbs_status key_public(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    static const uint8_t head[] = {0x30, 0x82, 0x01, 0x0A, 0x02, 0x82, 0x01, 0x01, 0x00};
    static const uint8_t tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
    (void)ctx;
    if (w.key_pending > 0) {
        w.key_pending--;
        return SBS_PENDING;
    }

    *out_alg = w.alg;
    *out_len = w.alg == SBS_ES384 ? 97 : sizeof head + 256 + sizeof tail;
    if (size < *out_len) {
        return SBS_ERR_BUFFER;
    }
    memset(buffer, 0xE5, *out_len);
    buffer[0] = 0x04;
    if (w.alg == SBS_RS384) {
        memcpy(buffer, head, sizeof head);
        memcpy(buffer + sizeof head + 256, tail, sizeof tail);
    }
    return SBS_OK;
}

static sbs_status key_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                           size_t *out_len) {
    (void)ctx;
    *out_len = w.alg == SBS_ES384 ? SBS_ES384_SIGNATURE_SIZE : 256;
    if (size < *out_len) {
        return SBS_ERR_BUFFER;
    }
    for (size_t i = 0; i < *out_len; i++) {
        signature[i] = (uint8_t)(hash[i % SBS_HASH_SIZE] + i);
    }
    return SBS_OK;
}

static sbs_status boots_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    (void)name;
    if (w.boots_len == 0) {
        return SBS_ERR_NOT_FOUND;
    }
    *out_len = w.boots_len;
    if (size < w.boots_len) {
        return SBS_ERR_BUFFER;
    }
    memcpy(buffer, w.boots, w.boots_len);
    return SBS_OK;
}

static sbs_status boots_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    (void)ctx;
    (void)name;
    FUZZ_REQUIRE(len <= sizeof w.boots);
    memcpy(w.boots, data, len);
    w.boots_len = len;
    return SBS_OK;
}

static const sbs_key_ops key_ops = {.public_key = key_public, .sign = key_sign};
static const sbs_storage_ops storage_ops = {.get = boots_get, .set = boots_set};

/* ---- items ------------------------------------------------------------------------------------------------------- */

static sbs_status identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    (void)ctx;
    const unsigned number = item->data[0];
    FUZZ_REQUIRE(number < w.peer.item_count);
    const peer_item *known = &w.peer.items[number];
    *out = (sbs_push_identity){.type = sbs_text_of(known->type),
                               .system = sbs_text_of(known->system),
                               .value = sbs_text_of(known->value),
                               .write_mode = known->mode};
    if (known->own_id) {
        out->id = sbs_text_of(known->id);
    }
    return item->data[1] == 'F' ? SBS_ERR_FORMAT : SBS_OK;
}

static sbs_status encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity, sbs_writer *out) {
    sbs_json_writer json;
    char mark[16];
    (void)ctx;
    (void)snprintf(mark, sizeof mark, "item-%02u", (unsigned)item->data[0]);
    peer_item *known = &w.peer.items[item->data[0]];
    if (item->id.ptr != NULL) { /* the peer learns the derived id of its own item */
        FUZZ_REQUIRE(item->id.len < sizeof known->id);
        (void)snprintf(known->id, sizeof known->id, "%.*s", (int)item->id.len, item->id.ptr);
    }

    sbs_json_writer_init(&json, out);
    sbs_json_begin_object(&json);
    sbs_json_member_text(&json, "resourceType", identity->type);
    sbs_json_member_text(&json, "id", item->id);
    sbs_json_member_text(&json, "mark", sbs_text_of(mark));
    for (unsigned i = 0; i < item->data[2]; i++) {
        sbs_json_member_text(&json, "more", SBS_TEXT("................................................"));
    }
    sbs_json_end_object(&json);
    return sbs_json_writer_finish(&json, NULL);
}

static void append_item(void) {
    static const char *const types[] = {"Observation", "Observation", "Observation", "Task", "obs", "Patient"};
    static const sbs_write_mode modes[] = {SBS_WRITE_PUT, SBS_WRITE_IF_NONE_EXIST, SBS_WRITE_PLAIN};
    push_peer *peer = &w.peer;
    uint64_t id = 0;
    if (peer->item_count >= PEER_ITEMS_MAX) {
        return;
    }

    const unsigned number = peer->item_count++;
    peer_item *item = &peer->items[number];
    const unsigned shape = fuzz_byte(&w.script);
    const bool odd = !peer->honest && shape >= 128;
    item->mode = modes[shape % 3];
    (void)snprintf(item->system, sizeof item->system, "%s", odd && (shape & 4) ? "" : "urn:m");
    (void)snprintf(item->value, sizeof item->value, "v%u%s", number, shape & 8 ? " |$,\xc3\xa4%" : "");
    (void)snprintf(item->type, sizeof item->type, "%s",
                   odd ? types[fuzz_below(&w.script, SBS_COUNT_OF(types))] : types[0]);
    item->own_id = (shape & 16) != 0;
    if (item->own_id) {
        (void)snprintf(item->id, sizeof item->id, odd && (shape & 32) ? "bad id %u" : "own-%u", number);
    }

    const uint8_t data[3] = {(uint8_t)number, odd && (shape & 64) ? 'F' : '.',
                             odd || peer->honest ? 0 : fuzz_byte(&w.script) / 2};
    const sbs_queue_meta meta = {.uptime_ms = w.now.mono_ms,
                                 .utc_s = fuzz_chance(&w.script, 4) ? SBS_UTC_UNKNOWN : 1700000000,
                                 .boot_id = w.config.boot_id,
                                 .lane = fuzz_below(&w.script, 4)};
    w.harmed |= odd || data[2] > 0;
    w.queue.fail_at = 0;
    FUZZ_REQUIRE(w.queue.queue.ops->append(&w.queue, &meta, data, sizeof data, &id) == SBS_OK && id == number + 1);
}

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

static void configure_client(void) {
    static const size_t sizes[] = {16384, 8192, 4096, 2048, 1024};
    const unsigned options = fuzz_byte(&w.script);
    const unsigned more = fuzz_byte(&w.script);
    w.client_config = (sbs_client_config){
        .fhir_base = options & 1 ? "https://" PEER_FHIR_HOST "/r4/" : "https://" PEER_FHIR_HOST "/r4",
        .token_url = options & 2 ? "https://" PEER_AUTH_HOST "/token" : NULL,
        .token_origin = options & 4 ? "https://" PEER_AUTH_HOST : NULL,
        .client_id = CLIENT_IDS,
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/*.cruds",
        .kid_method = (sbs_kid_method)(more & 3),
        .kid = "key-1",
        .aud = more & 4 ? "https://issuer.example" : NULL,
        .key = &w.key,
        .stream = &w.peer.stream,
        .work = w.work,
        .work_size = sizeof w.work,
        .keep_open_while_signing = (options & 8) != 0,
        .any_scope = (options & 16) != 0,
        .oauth_uris = options & 32 ? sbs_client_oauth_uris : NULL,
        .read_words = options & 64 ? sbs_words_read : NULL,
        .read_xml = options & 64 ? sbs_xml_words_read : NULL,
        .room_words = options & 64 ? sbs_room_words : NULL,
        .decode = options & 128 ? sbs_linux_decode : NULL,
        .words = more & 8 ? w.words : NULL,
        .words_size = more & 8 ? sizeof w.words : 0,
        .first_delay_max_ms = more & 16 ? 5000 : 0,
        .body_max = more & 32 ? 3000 : 0,
        .discovery_ttl_ms = more & 64 ? 60000 : 0,
        .profile = SBS_PROFILE_SMART,
    };
    w.alg = more & 128 ? SBS_RS384 : SBS_ES384;
    w.key = (sbs_key){&key_ops, NULL, false};
    w.peer.token_is_pinned = (options & 6) != 0;
    if (!w.peer.honest) {
        w.client_config.work_size = sizes[fuzz_below(&w.script, SBS_COUNT_OF(sizes))];
        w.harmed |= w.client_config.work_size < sizeof w.work;
    }
    w.peer.is_roomy = w.client_config.work_size == sizeof w.work && w.client_config.body_max == 0;
    if (w.client_config.kid_method == SBS_KID_LITERAL + 1) {
        w.client_config.kid_method = SBS_KID_NONE;
    }
}

static void configure_push(void) {
    const unsigned options = fuzz_byte(&w.script);
    w.config = (sbs_push_config){
        .client = &w.client,
        .queue = &w.queue.queue,
        .storage = options & 1 ? NULL : &w.storage,
        .encoder = {identify, encode, NULL},
        .item = w.item,
        .item_size = sizeof w.item,
        .body = w.body,
        .body_size = options & 2 ? 700 : sizeof w.body,
        .answer = w.answer,
        .answer_size = options & 4 ? 600 : sizeof w.answer,
        .deferred = options & 8 ? w.deferred : NULL,
        .deferred_count = options & 8 ? SBS_COUNT_OF(w.deferred) : 0,
        .words = options & 16 ? w.words + 256 : NULL,
        .words_size = options & 16 ? 200 : 0,
        .already_there = options & 32 ? SBS_ALREADY_ACCEPT : SBS_ALREADY_SET_ASIDE,
        .unknown_time = (sbs_unknown_time)(options >> 6 & 1 ? fuzz_below(&w.script, 3) : SBS_UNKNOWN_TIME_SEND),
        .batches = options & 128 ? &sbs_push_batches : NULL,
        .batch_max = (uint16_t)(options & 128 ? fuzz_below(&w.script, 9) : 0),
        .boot_id = 1,
    };
    w.harmed |= (options & 6) != 0 || w.config.unknown_time != SBS_UNKNOWN_TIME_SEND;
    w.peer.is_roomy &= (options & 4) == 0;
    if ((options & 8) != 0 && w.client_config.words != NULL) {
        w.client_config.words_size = 256;
    }
}

static void begin(const uint8_t *data, size_t size) {
    w.script = (fuzz_input){data, size};
    fuzz_random_reset(1);
    push_peer_init(&w.peer, &w.script);
    ram_queue_init(&w.queue);
    const unsigned options = fuzz_byte(&w.script);
    w.peer.queue = &w.queue;
    w.peer.honest = (options & 1) != 0;
    w.storage = (sbs_storage){&storage_ops, NULL};
    w.boots_len = 0;
    w.settled = 0;
    w.harmed = false;
    w.key_pending = 0;
    w.quiet = 0;
    w.now = (sbs_now){.mono_ms = 1000, .utc_s = 1700000000};
    if ((options & 2) != 0) {
        ram_queue_group(&w.queue);
    }
    w.knows_time = (options & 4) == 0;
    w.without_engine = (options & 12) == 12;
    configure_client();
    configure_push();
    for (unsigned count = 1 + (options >> 4); count > 0; count--) {
        append_item();
    }
}

static void boot(void) {
    if (!w.knows_time) {
        w.now.utc_s = SBS_UTC_UNKNOWN;
    }
    FUZZ_REQUIRE(sbs_client_init(&w.client, &w.client_config) == SBS_OK);
    FUZZ_REQUIRE(sbs_push_init(&w.push, &w.config) == SBS_OK);
}

static bool is_zero(const void *data, size_t len) {
    const unsigned char *bytes = data;
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* No secret is left behind. */
static void shut_down(void) {
    sbs_client_deinit(&w.client);
    FUZZ_REQUIRE(is_zero(w.work, w.client_config.work_size));
    FUZZ_REQUIRE(is_zero(&w.client, sizeof w.client));
}

/* ---- what happens between two polls ------------------------------------------------------------------------------ */

static void lose_power(void) {
    shut_down();
    push_peer_forget(&w.peer);
    ram_queue_cut(&w.queue);
    w.settled = 0;
    for (unsigned i = 0; i < w.peer.item_count; i++) {
        w.settled |= (uint64_t)(w.queue.items[i].fate != RAM_WAITING) << i;
    }
    w.queue.fail_at = 0;
    w.now.mono_ms = 500;
    w.now.utc_s += 90;
    w.config.boot_id++;
    boot();
}

static void happen(void) {
    if (w.script.len == 0) {
        return;
    }
    if (w.quiet > 0) {
        w.quiet--;
        return;
    }

    const unsigned what = fuzz_byte(&w.script);
    w.quiet = (what >> 4) * 3;
    switch (what & 15) {
    case 1:
        append_item();
        break;
    case 2:
        lose_power();
        break;
    case 3:
        sbs_push_wake(&w.push);
        break;
    case 4:
        sbs_push_cancel(&w.push);
        break;
    case 5:
        w.queue.fail_at = w.queue.operations + 1 + (what >> 4);
        break;
    case 6: /* the wall clock is set */
        w.harmed |= !w.peer.honest;
        w.now.utc_s = 1700000000 + (int8_t)fuzz_byte(&w.script) * (w.peer.honest ? 1 : 400);
        w.knows_time = true;
        break;
    case 7:
        sbs_client_drop_token(&w.client);
        break;
    case 8:
        (void)sbs_push_flush(&w.push);
        break;
    case 9: {
        const unsigned number = fuzz_below(&w.script, w.peer.item_count);
        w.queue.items[number].damaged = !w.peer.honest;
        w.harmed |= !w.peer.honest;
        break;
    }
    case 10:
        w.key_pending = fuzz_below(&w.script, 100);
        break;
    case 11:
        w.now.mono_ms += UINT64_C(1000) * fuzz_short(&w.script);
        break;
    default:
        break;
    }
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

static void check_text(const char *text, size_t size) {
    FUZZ_REQUIRE(text != NULL && strlen(text) < size);
    for (const char *at = text; *at != '\0'; at++) {
        FUZZ_REQUIRE(*at >= ' ' && *at <= '~');
    }
    FUZZ_REQUIRE(!push_peer_is_secret(&w.peer, text));
    FUZZ_REQUIRE(strlen(w.held) < 8 || strstr(text, w.held) == NULL);
}

/* The token that was at hand before a poll is told by none of its words. */
static void note_token(void) {
    sbs_token_view view = {.access_token = {NULL, 0}};
    w.held[0] = '\0';
    if (sbs_client_token(&w.client, w.now, &view) == SBS_OK && view.access_token.len < sizeof w.held) {
        memcpy(w.held, view.access_token.ptr, view.access_token.len);
        w.held[view.access_token.len] = '\0';
    }
}

static void check_event(const sbs_push_event *event) {
    if (event->kind != SBS_PUSH_NOTHING) {
        fuzz_talk("%llu ms: event %d of item %u: status %d, HTTP %u, %s, %s\n", (unsigned long long)w.now.mono_ms,
                  (int)event->kind, (unsigned)event->id, (int)event->status, event->http_status, event->reason,
                  event->words);
    }
    check_text(event->reason, SBS_QUEUE_REASON_SIZE);
    check_text(event->words, 1024);
    check_text(event->server_id, 65 * 2);
    check_text(event->etag, SBS_ETAG_SIZE * 2);
    const sbs_detail *detail = sbs_client_detail(&w.client);
    check_text(detail->text, 1024);
    if (event->kind < SBS_PUSH_DELIVERED || event->kind > SBS_PUSH_DEAD) {
        return;
    }

    FUZZ_REQUIRE(event->id >= 1 && event->id <= w.peer.item_count);
    const uint64_t bit = UINT64_C(1) << (event->id - 1);
    const struct ram_item *item = &w.queue.items[event->id - 1];
    FUZZ_REQUIRE((w.settled & bit) == 0 || w.queue.before != NULL);
    w.settled |= bit;
    if (event->kind <= SBS_PUSH_REPLACED) {
        FUZZ_REQUIRE(item->fate == RAM_DELIVERED);
        FUZZ_REQUIRE((w.peer.confirmed & bit) != 0);
        return;
    }
    FUZZ_REQUIRE(item->fate == RAM_DEAD && event->reason[0] != '\0');
    FUZZ_REQUIRE(!w.peer.honest || w.harmed); /* a network sets nothing aside */
}

/* While no request is under way, what was sent is wiped. */
static void check_rest(void) {
    const size_t kept = w.client.priv.url_len + w.client.priv.kept_len;
    FUZZ_REQUIRE(kept <= w.client_config.work_size);
    FUZZ_REQUIRE(is_zero(w.work + kept, w.client_config.work_size - kept));
}

static void pass_time(uint32_t ms) {
    const uint64_t before_s = w.now.mono_ms / 1000;
    w.now.mono_ms += ms == SBS_WAIT_FOREVER ? 1000 : ms;
    if (w.now.utc_s != SBS_UTC_UNKNOWN) {
        w.now.utc_s += (int64_t)(w.now.mono_ms / 1000 - before_s);
    } else if (w.now.mono_ms > 30000) {
        w.now.utc_s = 1700000030;
        w.knows_time = true;
    }
}

/* The end: each item is settled or held; with an honest server all are stored, and none twice. */
static void check_end(bool finished) {
    for (unsigned i = 0; i < w.peer.item_count; i++) {
        const peer_item *item = &w.peer.items[i];
        const ram_fate fate = w.queue.items[i].fate;
        FUZZ_REQUIRE(fate != RAM_DELIVERED || (w.peer.confirmed >> i & 1) != 0);
        FUZZ_REQUIRE(!w.peer.honest || item->mode == SBS_WRITE_PLAIN || item->stores <= 1);
        if (w.peer.honest && !w.harmed) {
            FUZZ_REQUIRE(finished && fate == RAM_DELIVERED && item->stored);
        }
    }
}

static void live(void) {
    bool finished = false;
    unsigned tail = 0;
    for (unsigned polls = 0; polls < POLLS_MAX && (w.peer.honest || tail < TAIL_POLLS); polls++) {
        sbs_wait wait;
        note_token();
        const sbs_status status = sbs_push_poll(&w.push, w.now, &wait);
        FUZZ_REQUIRE(status == SBS_OK || status == SBS_PENDING || status == SBS_ERR_STORAGE);
        check_event(sbs_push_event_of(&w.push));
        tail += w.script.len == 0;
        if (status == SBS_OK) {
            FUZZ_REQUIRE(sbs_push_is_durable(&w.push));
            check_rest();
            finished = wait.timeout_ms == SBS_WAIT_FOREVER;
            if (w.script.len == 0 && finished) {
                break;
            }
        }
        pass_time(wait.timeout_ms);
        happen();
    }
    FUZZ_REQUIRE(w.script.len == 0 || !w.peer.honest);
    check_end(finished);
}

/* ---- the client without an engine -------------------------------------------------------------------------------- */

static sbs_request draw_request(char *response, size_t size) {
    static const char *const targets[] = {"Observation",
                                          "Observation/own-1",
                                          "Observation?code=x%7Cy",
                                          "metadata",
                                          "Observation/../x",
                                          "Task/7",
                                          "Observation/%2e%2e/",
                                          "",
                                          "Patient/1/_history/2",
                                          "Observation/own-1?a"};
    const unsigned options = fuzz_byte(&w.script);
    sbs_request request = {
        .interaction = (sbs_interaction)fuzz_below(&w.script, SBS_BUNDLE + 1),
        .target = sbs_text_of(targets[fuzz_below(&w.script, SBS_COUNT_OF(targets))]),
        .without_token = (options & 1) != 0,
        .repeatable = (options & 2) != 0,
        .if_none_match_any = (options & 4) != 0,
        .max_attempts = (uint16_t)(options >> 6),
        .response = options & 8 ? response : NULL,
        .response_size = options & 8 ? size >> fuzz_below(&w.script, 8) : 0,
    };
    if (request.interaction >= SBS_CREATE) {
        request.body = SBS_TEXT("{\"resourceType\":\"Observation\"}");
    }
    if (request.interaction == SBS_CREATE && (options & 16) != 0) {
        request.if_none_exist = SBS_TEXT("identifier=urn%3Am%7Cv1");
        request.identifier_system = SBS_TEXT("urn:m");
        request.identifier_value = SBS_TEXT("v1");
    }
    if (request.interaction == SBS_UPDATE && (options & 32) != 0) {
        request.if_match = SBS_TEXT("W/\"1\"");
    }
    return request;
}

static void check_finished(const sbs_request *request, sbs_status status) {
    const sbs_detail *detail = sbs_client_detail(&w.client);
    const sbs_response response = sbs_client_response(&w.client);
    check_text(detail->text, 1024);
    FUZZ_REQUIRE(status == SBS_OK || detail->status == status);
    FUZZ_REQUIRE(response.body_len <= request->response_size);
    FUZZ_REQUIRE(strlen(response.id) <= SBS_FHIR_ID_MAX && strlen(response.etag) < SBS_ETAG_SIZE);
    FUZZ_REQUIRE(sbs_step_text(detail->step)[0] != '\0' || detail->step == SBS_STEP_NONE);
    check_rest();
}

static void request_once(void) {
    static char response[4096];
    sbs_wait wait;
    const sbs_request request = draw_request(response, sizeof response);
    if (sbs_client_start(&w.client, &request) != SBS_OK) {
        return;
    }
    FUZZ_REQUIRE(sbs_client_start(&w.client, &request) == SBS_ERR_STATE);
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        note_token();
        const sbs_status status = sbs_client_poll(&w.client, w.now, &wait);
        if (status != SBS_PENDING) {
            check_finished(&request, status);
            return;
        }
        pass_time(wait.timeout_ms);
        if (fuzz_chance(&w.script, 64)) {
            sbs_client_cancel(&w.client);
            check_rest();
            return;
        }
    }
    FUZZ_REQUIRE(false); /* a request ends */
}

static void live_without_engine(void) {
    for (unsigned requests = 0; requests < 12 && (requests == 0 || w.script.len > 0); requests++) {
        request_once();
        if (fuzz_chance(&w.script, 8)) {
            sbs_client_drop_token(&w.client);
        }
        if (fuzz_chance(&w.script, 8)) {
            w.now.mono_ms += UINT64_C(1000) * fuzz_short(&w.script);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1024) {
        return 0;
    }
    fuzz_crypto();
    begin(data, size);
    boot();
    if (w.without_engine) {
        live_without_engine();
    } else {
        live();
    }
    shut_down();
    return 0;
}
