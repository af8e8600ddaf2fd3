/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS stream against a server of Mbed TLS whose records the input changes (support/tls_peer.h), up to five
 * connections behind each other, so that sessions are resumed.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sbs/count.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/tls_explain.h"
#include "sbs/tls_stream.h"
#include "tls_peer.h"

#define STEPS_MAX 400u
#define CALL_BYTES_MAX (5u + 16384u + 2048u + 1024u) /* as tls_stream.h says: about 20 KB */
#define SESSIONS 2u

typedef struct world {
    fuzz_input script;
    tls_peer peer;
    sbs_tls_stream tls;
    sbs_tls_config config;
    sbs_tls_explain explain;
    sbs_tls_session sessions[SESSIONS];
    sbs_stream stream;
    sbs_now now;
    const char *host;
    uint16_t port;
    bool has_time;
    unsigned allocations_left; /* of the client, before one fails; 0: none does */
    bool is_client;            /* who allocates now */
    bool lacked_memory;        /* in this call */
} world;

static world w;

/* ---- memory that ends ----------------------------------------------------------------------------------------------
 */

static void *allocate(size_t count, size_t size) {
    if (w.is_client && w.allocations_left > 0 && --w.allocations_left == 0) {
        fuzz_talk("no memory\n");
        w.lacked_memory = true;
        return NULL;
    }
    return calloc(count, size);
}

static const sbs_mbedtls_allocator allocator = {allocate, free};

/* ---- one connection ------------------------------------------------------------------------------------------------
 */

static bool is_over(sbs_status status) {
    return status != SBS_PENDING && status != SBS_OK;
}

static void check_call(void) {
    FUZZ_REQUIRE(w.peer.call_bytes <= CALL_BYTES_MAX);
    w.peer.call_bytes = 0;
    const sbs_wait wait = w.stream.ops->waits_for(w.stream.ctx);
    FUZZ_REQUIRE(wait.timeout_ms <= 1 || wait.timeout_ms == SBS_WAIT_FOREVER);
    (void)w.stream.ops->last_code(w.stream.ctx);
}

/* Nobody but the server whose certificate names the host, in its time and for servers, is let in. */
static bool may_be_trusted(void) {
    if (strcmp(w.host, "192.0.2.1") == 0) {
        return w.peer.certificate == TLS_CERT_ADDRESS;
    }
    if (strcmp(w.host, "other.example") == 0) {
        return w.peer.certificate == TLS_CERT_OTHER_NAME;
    }
    return w.peer.certificate == TLS_CERT_GOOD && strcmp(w.host, TLS_PEER_HOST) == 0;
}

static sbs_status open_stream(void) {
    sbs_status status = SBS_PENDING;
    for (unsigned i = 0; i < STEPS_MAX && status == SBS_PENDING; i++) {
        w.is_client = true;
        w.lacked_memory = false;
        status = w.stream.ops->open(w.stream.ctx, w.host, w.port, w.now);
        w.is_client = false;
        check_call();
        if (w.peer.is_open) {
            tls_peer_work(&w.peer);
        }
    }

    fuzz_talk("open: %d, code %d, %s %s, certificate %d\n", (int)status, (int)w.stream.ops->last_code(w.stream.ctx),
              sbs_tls_stream_version(&w.tls), sbs_tls_stream_resumed(&w.tls) ? "resumed" : "", (int)w.peer.certificate);
    FUZZ_REQUIRE(status != SBS_OK || may_be_trusted());
    /* No memory is no word about a certificate. */
    FUZZ_REQUIRE(!w.lacked_memory ||
                 (status != SBS_ERR_UNTRUSTED && status != SBS_ERR_WRONG_NAME && status != SBS_ERR_CERT_DATE));
    FUZZ_REQUIRE(status != SBS_OK || w.has_time);
    FUZZ_REQUIRE(status != SBS_END);
    return status;
}

static sbs_status send_request(void) {
    static const uint8_t request[] = "GET / HTTP/1.1\r\n\r\n";
    sbs_status status = SBS_PENDING;
    size_t sent = 0;
    for (unsigned i = 0; i < STEPS_MAX && sent < sizeof request && !is_over(status); i++) {
        size_t count = 0;
        w.is_client = true;
        status = w.stream.ops->send(w.stream.ctx, request + sent, sizeof request - sent, &count);
        w.is_client = false;
        check_call();
        FUZZ_REQUIRE((status == SBS_OK) == (count > 0) && count <= sizeof request - sent);
        sent += count;
        tls_peer_work(&w.peer);
    }
    return status;
}

/* What comes is what the server sent, and an end is one that it said. */
static sbs_status receive_page(void) {
    uint8_t buffer[700];
    sbs_status status = SBS_PENDING;
    size_t got = 0;
    for (unsigned i = 0; i < STEPS_MAX && !is_over(status); i++) {
        size_t len = 0;
        const size_t size = fuzz_chance(&w.script, 8) ? 1 : sizeof buffer;
        w.is_client = true;
        status = w.stream.ops->receive(w.stream.ctx, buffer, size, &len);
        w.is_client = false;
        check_call();
        FUZZ_REQUIRE((status == SBS_OK) == (len > 0) && len <= size);
        FUZZ_REQUIRE(w.peer.spoils_plain || got + len <= w.peer.page_len);
        FUZZ_REQUIRE(w.peer.spoils_plain || len == 0 || memcmp(buffer, w.peer.page + got, len) == 0);
        got += len;
        tls_peer_work(&w.peer);
    }

    fuzz_talk("received %zu of %zu: %d\n", got, w.peer.page_len, (int)status);
    FUZZ_REQUIRE(status != SBS_END || w.peer.said_goodbye || w.peer.spoils_plain);
    FUZZ_REQUIRE(status != SBS_END || w.peer.spoils_plain || got == w.peer.page_len);
    size_t more = 0;
    FUZZ_REQUIRE(status != SBS_END || w.stream.ops->receive(w.stream.ctx, buffer, 1, &more) == SBS_END);
    return status;
}

/* After a failure nothing goes any more. */
static void check_failed(void) {
    uint8_t byte = 0;
    size_t len = 9;
    FUZZ_REQUIRE(w.stream.ops->send(w.stream.ctx, &byte, 1, &len) == SBS_ERR_STATE && len == 0);
    FUZZ_REQUIRE(w.stream.ops->receive(w.stream.ctx, &byte, 1, &len) != SBS_OK && len == 0);
    FUZZ_REQUIRE(is_over(w.stream.ops->open(w.stream.ctx, w.host, w.port, w.now)));
    FUZZ_REQUIRE(sbs_tls_stream_version(&w.tls)[0] == '\0' && !sbs_tls_stream_resumed(&w.tls));
}

static void connect_once(void) {
    w.port = (uint16_t)(443 + fuzz_below(&w.script, 4));
    w.allocations_left = fuzz_chance(&w.script, 6) ? 1u + fuzz_below(&w.script, 400) : 0;
    sbs_status status = open_stream();
    if (status == SBS_OK) {
        FUZZ_REQUIRE(sbs_tls_stream_version(&w.tls)[0] != '\0');
        status = send_request();
        if (!is_over(status) || status == SBS_ERR_NETWORK) {
            (void)receive_page();
        } else {
            check_failed();
        }
    } else if (status != SBS_PENDING && status != SBS_ERR_NO_TIME && status != SBS_ERR_ARGUMENT) {
        check_failed();
    }
    const char *words = sbs_tls_stream_words(&w.tls);
    for (size_t i = 0; words[i] != 0; i++) {
        FUZZ_REQUIRE(words[i] >= 0x20 && words[i] <= 0x7e);
    }
    (void)sbs_tls_problem_text(sbs_tls_stream_problem(&w.tls));
    (void)sbs_tls_stream_alert(&w.tls);
    w.allocations_left = 0;
    w.stream.ops->close(w.stream.ctx);
    FUZZ_REQUIRE(!w.peer.is_open);
}

static void configure(void) {
    static const uint16_t fragments[] = {0, 512, 1024, 2048, 4096, 17};
    static const char *const hosts[] = {
        TLS_PEER_HOST,  TLS_PEER_HOST, "other.example", "192.0.2.1", "2001:db8::1", "wrong.example", "",
        "host.example."};
    const unsigned options = fuzz_byte(&w.script);
    memset(&w.sessions, 0, sizeof w.sessions);
    w.config = (sbs_tls_config){
        .trust = tls_peer_trust(),
        .min_version = options & 1 ? SBS_TLS_1_3 : SBS_TLS_VERSION_DEFAULT,
        .max_version = options & 2 ? SBS_TLS_1_2 : SBS_TLS_VERSION_DEFAULT,
        .max_fragment_len = fragments[fuzz_below(&w.script, SBS_COUNT_OF(fragments))],
        .sessions = options & 4 ? w.sessions : NULL,
        .session_count = options & 4 ? 1 + (options >> 7) : 0,
        .identity = options & 8 ? tls_peer_identity() : NULL,
        .explain = options & 16 ? NULL : sbs_tls_explain_init(&w.explain),
    };
    w.host = hosts[fuzz_below(&w.script, SBS_COUNT_OF(hosts))];
    w.has_time = (options & 96) != 96;
    w.now = (sbs_now){.mono_ms = 1000, .utc_s = w.has_time ? 1700000000 : SBS_UTC_UNKNOWN};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool prepared;
    if (size > 2048) {
        return 0;
    }
    if (!prepared) {
        FUZZ_REQUIRE(sbs_mbedtls_init(&allocator) == SBS_OK);
        tls_peer_prepare();
        prepared = true;
    }

    w.script = (fuzz_input){data, size};
    fuzz_random_reset(1);
    tls_peer_begin(&w.peer, &w.script);
    configure();
    const unsigned connections = 1 + fuzz_below(&w.script, 5);
    if (sbs_tls_stream_init(&w.tls, &w.config, &w.peer.stream, &w.stream) == SBS_OK) {
        for (unsigned i = 0; i < connections; i++) {
            connect_once();
            /* Half a day later, for what resumes. */
            w.now.mono_ms += fuzz_chance(&w.script, 3) ? 90000000 : 1000;
        }
    }
    sbs_tls_stream_deinit(&w.tls);
    tls_peer_end(&w.peer);
    return 0;
}
