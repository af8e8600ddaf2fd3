/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "push_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "push_answer.h"

/* ---- reading a request ------------------------------------------------------------------------------------------- */

bool peer_is(sbs_text text, const char *string) {
    return text.len == strlen(string) && memcmp(text.ptr, string, text.len) == 0;
}

static bool peer_begins(sbs_text text, const char *string) {
    return text.len >= strlen(string) && memcmp(text.ptr, string, strlen(string)) == 0;
}

sbs_text peer_field(const peer_request *request, const char *name) {
    char line[64];
    const int len = snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = memmem(request->head.ptr, request->head.len, line, (size_t)len);
    if (at == NULL) {
        return (sbs_text){NULL, 0};
    }

    const char *value = at + len;
    const char *end = memmem(value, request->head.len - (size_t)(value - request->head.ptr), "\r\n", 2);
    FUZZ_REQUIRE(end != NULL);
    return (sbs_text){value, (size_t)(end - value)};
}

/* The head is one that any server takes: printable lines with names, no field of these twice. */
static void peer_check_head(const push_peer *peer, const peer_request *request) {
    static const char *const once[] = {"Content-Length", "Host", "Authorization", "If-None-Exist", "If-None-Match"};
    for (size_t i = 0; i < request->head.len; i++) {
        const unsigned char c = (unsigned char)request->head.ptr[i];
        FUZZ_REQUIRE((c >= ' ' && c <= '~') || c == '\r' || c == '\n');
    }

    FUZZ_REQUIRE(peer_begins(peer_field(request, "Host"), peer->host));
    for (unsigned i = 0; i < sizeof once / sizeof *once; i++) {
        sbs_text first = peer_field(request, once[i]);
        if (first.ptr != NULL) {
            const peer_request rest = {
                .head = {first.ptr, request->head.len - (size_t)(first.ptr - request->head.ptr)}};
            FUZZ_REQUIRE(peer_field(&rest, once[i]).ptr == NULL);
        }
    }
}

/* Which items it carries. Each is marked by now, durably, and not settled. */
static void peer_find_items(push_peer *peer, peer_request *request) {
    static const char mark[] = "\"mark\":\"item-";
    sbs_text rest = request->body;
    const char *at;
    while (rest.len > 0 && (at = memmem(rest.ptr, rest.len, mark, sizeof mark - 1)) != NULL) {
        const unsigned number = (unsigned)strtoul(at + sizeof mark - 1, NULL, 10);
        FUZZ_REQUIRE(number < peer->item_count && request->count < PEER_ITEMS_MAX);
        FUZZ_REQUIRE((request->carries & (UINT64_C(1) << number)) == 0);
        request->carries |= UINT64_C(1) << number;
        request->order[request->count++] = (uint8_t)number;
        rest.len -= (size_t)(at + 1 - rest.ptr);
        rest.ptr = at + 1;

        const struct ram_item *item = &peer->queue->items[number];
        FUZZ_REQUIRE(item->fate == RAM_WAITING);
        FUZZ_REQUIRE(item->item.attempts > 0 && peer->queue->before == NULL);
    }
}

/* What may be seen by whom. */
static void peer_check_hosts(const push_peer *peer) {
    const bool is_fhir = strcasecmp(peer->host, PEER_FHIR_HOST) == 0;
    const sbs_text all = {peer->in, peer->in_len};
    FUZZ_REQUIRE(is_fhir || memmem(all.ptr, all.len, "\r\nAuthorization: ", 17) == NULL);
    FUZZ_REQUIRE(is_fhir || memmem(all.ptr, all.len, "\"mark\":", 7) == NULL);
    FUZZ_REQUIRE(is_fhir || peer->token[0] == '\0' ||
                 memmem(all.ptr, all.len, peer->token, strlen(peer->token)) == NULL);

    if (memmem(all.ptr, all.len, "client_assertion=", 17) != NULL) {
        FUZZ_REQUIRE(!peer->token_is_pinned || strcasecmp(peer->host, PEER_AUTH_HOST) == 0);
        FUZZ_REQUIRE(peer->pin[0] == '\0' || strcasecmp(peer->host, peer->pin) == 0);
    }
}

static void peer_note_token_use(push_peer *peer, const peer_request *request) {
    const sbs_text value = peer_field(request, "Authorization");
    if (value.len > 7 && peer->token[0] != '\0' && peer_is((sbs_text){value.ptr + 7, value.len - 7}, peer->token)) {
        (void)snprintf(peer->pin, sizeof peer->pin, "%s", peer->token_host);
    }
}

static void peer_note_assertion(push_peer *peer, const peer_request *request) {
    static const char name[] = "client_assertion=";
    const char *at = memmem(request->body.ptr, request->body.len, name, sizeof name - 1);
    FUZZ_REQUIRE(at != NULL);
    const char *end = memchr(at, '&', request->body.len - (size_t)(at - request->body.ptr));
    if (end == NULL) {
        end = request->body.ptr + request->body.len;
    }
    at += sizeof name - 1;
    FUZZ_REQUIRE(end - at < (long)sizeof peer->assertion);
    memcpy(peer->assertion, at, (size_t)(end - at));
    peer->assertion[end - at] = '\0';
}

static void peer_serve(push_peer *peer, peer_request *request) {
    fuzz_talk("to %s: %.*s\n", peer->host, (int)peer->in_len, peer->in);
    peer_check_head(peer, request);
    peer_find_items(peer, request);
    peer->requests++;
    peer->confirms = peer->confirms_unread = 0;
    peer->out_len = peer->out_taken = 0;
    peer->end = PEER_KEEPS;

    if (peer_is(request->target, "/r4/.well-known/smart-configuration")) {
        peer_answer_discovery(peer, request);
    } else if (peer_is(request->target, "/r4/metadata")) {
        peer_answer_statement(peer, request);
    } else if (memmem(request->body.ptr, request->body.len, "client_assertion=", 17) != NULL) {
        peer_note_assertion(peer, request);
        peer_answer_token(peer, request);
    } else {
        peer_note_token_use(peer, request);
        FUZZ_REQUIRE(peer_begins(request->target, "/r4"));
        peer_answer_fhir(peer, request);
    }
}

/* Serves what came if it is whole. */
static void peer_take(push_peer *peer) {
    const char *end = memmem(peer->in, peer->in_len, "\r\n\r\n", 4);
    if (end == NULL) {
        return;
    }

    peer_request request = {.head = {peer->in, (size_t)(end + 2 - peer->in)}};
    const sbs_text length = peer_field(&request, "Content-Length");
    const size_t body_len = length.len > 0 ? strtoul(length.ptr, NULL, 10) : 0;
    const size_t head_len = request.head.len + 2;
    if (peer->in_len < head_len + body_len) {
        return;
    }

    FUZZ_REQUIRE(peer->in_len == head_len + body_len); /* nothing is pipelined */
    request.body = (sbs_text){peer->in + head_len, body_len};
    const char *space = memchr(peer->in, ' ', head_len);
    FUZZ_REQUIRE(space != NULL);
    const char *second = memchr(space + 1, ' ', head_len - (size_t)(space + 1 - peer->in));
    FUZZ_REQUIRE(second != NULL && memcmp(second, " HTTP/1.1\r\n", 11) == 0);
    request.method = (sbs_text){peer->in, (size_t)(space - peer->in)};
    request.target = (sbs_text){space + 1, (size_t)(second - space - 1)};
    peer_serve(peer, &request);
    peer->in_len = 0;
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */

static bool peer_holds_back(push_peer *peer) {
    if (peer->delay > 0) {
        peer->delay--;
        return true;
    }
    return false;
}

static sbs_status peer_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    static const sbs_status faults[] = {SBS_ERR_RESOLVE, SBS_ERR_REFUSED,   SBS_ERR_UNREACHABLE, SBS_ERR_TIMEOUT,
                                        SBS_ERR_TLS,     SBS_ERR_UNTRUSTED, SBS_ERR_CERT_DATE,   SBS_ERR_NO_TIME,
                                        SBS_ERR_MEMORY,  SBS_ERR_WRONG_NAME};
    push_peer *peer = ctx;
    (void)now;
    FUZZ_REQUIRE(!peer->is_open && strlen(host) + 6 < sizeof peer->host);
    if (!peer->opening) {
        peer->opening = true;
        peer->delay = fuzz_below(peer->script, 3);
    }
    if (peer_holds_back(peer)) {
        return SBS_PENDING;
    }

    peer->opening = false;
    if (fuzz_chance(peer->script, 12)) {
        /* An honest network resolves, refuses and is silent; it proves nothing wrong. */
        return faults[fuzz_below(peer->script, peer->honest ? 4 : sizeof faults / sizeof *faults)];
    }
    (void)snprintf(peer->host, sizeof peer->host, port == 443 ? "%s" : "%s:%u", host, (unsigned)port);
    peer->is_open = true;
    peer->in_len = peer->out_len = peer->out_taken = 0;
    peer->end = PEER_KEEPS;
    return SBS_OK;
}

static sbs_status peer_send_op(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    push_peer *peer = ctx;
    FUZZ_REQUIRE(peer->is_open && len > 0 && len <= sizeof peer->in - peer->in_len);
    if (peer_holds_back(peer)) {
        return SBS_PENDING;
    }
    if (fuzz_chance(peer->script, 24)) { /* it breaks; an answer may be there already */
        if (!peer->honest && fuzz_chance(peer->script, 2)) {
            peer_refuse_early(peer);
        }
        return SBS_ERR_NETWORK;
    }

    *out_sent = fuzz_chance(peer->script, 4) ? 1 + fuzz_below(peer->script, (uint32_t)len) : len;
    memcpy(peer->in + peer->in_len, data, *out_sent);
    peer->in_len += *out_sent;
    peer_check_hosts(peer);
    peer_take(peer);
    return SBS_OK;
}

static sbs_status peer_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    push_peer *peer = ctx;
    FUZZ_REQUIRE(peer->is_open && size > 0);
    if (peer_holds_back(peer)) {
        return SBS_PENDING;
    }

    size_t len = peer->out_len - peer->out_taken;
    if (len == 0) {
        static const sbs_status said[] = {SBS_PENDING, SBS_END, SBS_ERR_TRUNCATED, SBS_PENDING};
        return said[peer->end];
    }
    if (len > size) {
        len = size;
    }
    if (peer->piece > 0 && len > peer->piece) {
        len = peer->piece;
    }

    memcpy(buffer, peer->out + peer->out_taken, len);
    peer->out_taken += len;
    *out_len = len;
    if (peer->out_taken >= peer->message_len) {
        peer->confirmed |= peer->confirms;
        peer->confirms = 0;
    }
    return SBS_OK;
}

static void peer_close(void *ctx) {
    push_peer *peer = ctx;
    peer->is_open = peer->opening = false;
    peer->in_len = peer->out_len = peer->out_taken = 0;
    peer->confirms = 0;
}

static sbs_wait peer_waits_for(void *ctx) {
    const push_peer *peer = ctx;
    return (sbs_wait){.timeout_ms = peer->delay > 0 ? 5 : SBS_WAIT_FOREVER, .events = SBS_WAIT_READ, .descriptor = -1};
}

static int32_t peer_last_code(void *ctx) {
    (void)ctx;
    return 42;
}

static const sbs_stream_ops peer_ops = {.open = peer_open,
                                        .send = peer_send_op,
                                        .receive = peer_receive,
                                        .close = peer_close,
                                        .waits_for = peer_waits_for,
                                        .last_code = peer_last_code,
                                        .secured = true};

void push_peer_init(push_peer *peer, fuzz_input *script) {
    peer->stream = (sbs_stream){&peer_ops, peer};
    peer->script = script;
    peer->queue = NULL;
    peer->honest = peer->token_is_pinned = peer->was_elsewhere = false;
    memset(peer->items, 0, sizeof peer->items);
    peer->item_count = 0;
    peer->utc_s = 1700000000;
    peer->delay = peer->tokens = peer->requests = 0;
    peer->confirmed = 0;
    peer->piece = 0;
    peer->token[0] = peer->assertion[0] = '\0';
    push_peer_forget(peer);
}

void push_peer_forget(push_peer *peer) {
    peer->pin[0] = '\0';
    peer->delay = 0;
    peer_close(peer);
}

/* The core knows an assertion by its shape: three parts, of which the last is no chance. */
bool push_peer_is_secret(const push_peer *peer, const char *text) {
    if (text[0] == '\0') {
        return false;
    }
    const char *signature = strrchr(peer->assertion, '.');
    const size_t len = signature != NULL ? (size_t)(signature - peer->assertion) + 1 + PEER_SIGNATURE_LEN : 0;
    return len > 0 && memmem(text, strlen(text), peer->assertion, len) != NULL;
}
