/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firmware's application behind its console: commands, lines that are cut, and the dialogue that provisions it,
 * with records that are right, nearly right and wrong. The network behind it is the server of fuzz_push.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flash_sim.h"
#include "fuzz.h"
#include "meter.h"
#include "push_peer.h"
#include "sbs/base64url.h"
#include "sbs/count.h"
#include "sbs/crc32.h"
#include "sbs/flash_storage.h"
#include "sbs/mbedtls_platform.h"

#define STEPS_MAX 40u

typedef struct images {
    flash_sim storage, queue;
} images;

typedef struct world {
    fuzz_input script;
    images now, unprovisioned, provisioned;
    sbs_flash_storage storage;
    push_peer peer;
    meter meter;
    sbs_now clock;
    bool network_up, rebooting, trusts;
    unsigned works;
} world;

static world w;

/* P-256, self-signed, made for the tests of the firmware (tests/support/meter_rig.c has one like it): an anchor has to
 * be a certificate, and nobody checks anything against it here. */
static uint8_t anchor[600];
static size_t anchor_len;

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* What a terminal is shown: no byte of it may come from elsewhere and move the cursor. */
static sbs_status show(void *ctx, const char *data, size_t len) {
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)data[i];
        FUZZ_REQUIRE((c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\b');
    }
    fuzz_talk("%.*s", (int)len, data);
    return SBS_OK;
}

static sbs_status trust(void *ctx, const meter_record *record) {
    (void)ctx;
    FUZZ_REQUIRE(record == NULL || record->ca_count > 0);
    return w.trusts ? SBS_OK : SBS_ERR_FORMAT;
}

static void work(void *ctx, bool begin) {
    (void)ctx;
    w.works += begin ? 1u : -1u;
    FUZZ_REQUIRE(w.works <= 1);
}

static void reboot(void *ctx) {
    (void)ctx;
    w.rebooting = true;
}

static void stats(void *ctx, sbs_writer *out) {
    (void)ctx;
    sbs_put_string(out, "fuzz=1");
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void init_images(images *out) {
    flash_sim_init(&out->storage, 16384, 4, 4, 7);
    flash_sim_init(&out->queue, 4096, 4, 4, 7);
}

static void copy_images(images *to, const images *from) {
    flash_sim_copy(&to->storage, &from->storage);
    flash_sim_copy(&to->queue, &from->queue);
}

static void start(void) {
    mbedtls_psa_crypto_free();
    flash_sim_boot(&w.now.storage);
    flash_sim_boot(&w.now.queue);
    FUZZ_REQUIRE(sbs_flash_storage_mount(&w.storage, &w.now.storage.flash) == SBS_OK);
    sbs_flash_its_use(&w.storage);
    FUZZ_REQUIRE(psa_crypto_init() == PSA_SUCCESS);
    const meter_ports ports = {
        .storage = sbs_flash_storage_port(&w.storage),
        .queue_flash = &w.now.queue.flash,
        .stream = &w.peer.stream,
        .console = show,
        .trust = trust,
        .work = work,
        .stats = stats,
        .reboot = reboot,
        .device = 0x525400FFFE123456,
        .built_utc_s = 1600000000,
        .alg = SBS_ES384,
    };
    w.works = 0;
    w.rebooting = false;
    w.clock.mono_ms = 10;
    push_peer_forget(&w.peer);
    meter_init(&w.meter, &ports);
}

static void stop(void) {
    meter_deinit(&w.meter);
}

static void poll(void) {
    const sbs_wait wait = meter_poll(&w.meter, w.clock, w.network_up);
    const uint64_t before_s = w.clock.mono_ms / 1000;
    const uint64_t ms = wait.timeout_ms < 60000 ? wait.timeout_ms : 60000;
    w.clock.mono_ms += ms;
    if (w.clock.utc_s != SBS_UTC_UNKNOWN) {
        w.clock.utc_s += (int64_t)(w.clock.mono_ms / 1000 - before_s);
    }
    if (w.rebooting) {
        stop();
        start();
    }
}

static void type(const char *text) {
    fuzz_talk("> %s", text);
    for (; *text != '\0'; text++) {
        meter_feed(&w.meter, *text);
    }
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static size_t make_record(fuzz_input *input, uint8_t *out, size_t size) {
    static const char *const bases[] = {("https://" PEER_FHIR_HOST "/r4"), ("https://" PEER_FHIR_HOST "/r4/"),
                                        ("http://" PEER_FHIR_HOST), "https:/"};
    static const char *const scopes[] = {"system/Observation.cruds system/Device.cruds", "system/*.*", "user/*.r", "x"};
    const unsigned options = fuzz_byte(input);
    meter_record record = {
        .fhir_base = bases[options & 3],
        .token_url = options & 4 ? "https://" PEER_AUTH_HOST "/token" : NULL,
        .token_policy = options & 4 ? (options & 8 ? METER_TOKEN_FIXED : METER_TOKEN_PINNED) : METER_TOKEN_DISCOVERED,
        .client_id = "device-1",
        .scope = scopes[options >> 4 & 3],
        .subject = options & 64 ? "Patient/p1" : NULL,
        .kid_method = SBS_KID_THUMBPRINT,
        .write_mode = (uint8_t)fuzz_below(input, 4),
        .interval_s = fuzz_chance(input, 4) ? 10 : 0,
        .drop_oldest = (options & 128) != 0,
        .ca_count = 1,
    };
    size_t len = 0;
    record.ca[0].der = anchor;
    record.ca[0].len = anchor_len;
    FUZZ_REQUIRE(meter_record_write(&record, out, size, &len) == SBS_OK);
    return len;
}

static void provision(fuzz_input *input) {
    static uint8_t record[METER_RECORD_MAX];
    char line[METER_LINE_SIZE], text[160];
    const size_t len = make_record(input, record, sizeof record);
    (void)snprintf(line, sizeof line, "provision begin %zu\n", fuzz_chance(input, 16) ? len + 1 : len);
    type(line);
    for (size_t at = 0, piece; at < len; at += piece) {
        size_t text_len = 0;
        piece = len - at < 60 ? len - at : 60;
        FUZZ_REQUIRE(sbs_base64url_encode(record + at, piece, text, sizeof text, &text_len) == SBS_OK);
        (void)snprintf(line, sizeof line, "provision data %zu %.*s %08x\n", at, (int)text_len, text,
                       (unsigned)sbs_crc32(0, record + at, piece));
        if (fuzz_chance(input, 24)) {
            line[fuzz_byte(input) % strlen(line)] = (char)(' ' + fuzz_below(input, 95));
        }
        type(line);
    }
    type("provision end\n");
}

/* ---- what is typed ----------------------------------------------------------------------------------------------- */

static void type_command(fuzz_input *input) {
    static const char *const lines[] = {"help\r\n",
                                        "status\n",
                                        "jwk\n",
                                        "measure\n",
                                        "measure 3\n",
                                        "measure 1001\n",
                                        "interval 60\n",
                                        "interval\n",
                                        "queue\n",
                                        "push\n",
                                        "provision\n",
                                        "provision begin 64\n",
                                        "provision end\n",
                                        "rotate\n",
                                        "rotate ES384\n",
                                        "rotate abort\n",
                                        "rotate RS999\n",
                                        "reset\n",
                                        "reset erase\n",
                                        "stats\n",
                                        "reboot\n",
                                        "   \n",
                                        "\x03",
                                        "measure\b\b\b x\n",
                                        "a b c d e f g\n",
                                        "provision data 0 AAAA 00000000\n",
                                        "provision abort\n",
                                        "interval 99999999999999999999\n"};
    type(lines[fuzz_below(input, SBS_COUNT_OF(lines))]);
}

static void type_raw(fuzz_input *input) {
    char text[400];
    for (size_t len = fuzz_bytes(input, text, sizeof text), i = 0; i < len; i++) {
        meter_feed(&w.meter, text[i]);
    }
}

static void step(fuzz_input *input) {
    switch (fuzz_below(input, 10)) {
    case 0:
    case 1:
    case 2:
        type_command(input);
        break;
    case 3:
        type_raw(input);
        break;
    case 4:
        provision(input);
        break;
    case 5:
        w.network_up = !w.network_up;
        break;
    case 6: /* power goes and comes */
        stop();
        start();
        break;
    case 7:
        w.clock.mono_ms += UINT64_C(1000) * fuzz_short(input);
        break;
    case 8:
        w.clock.utc_s = fuzz_chance(input, 2) ? SBS_UTC_UNKNOWN : 1700000000 + fuzz_short(input);
        break;
    default:
        w.trusts = !fuzz_chance(input, 4);
        break;
    }
    for (unsigned polls = fuzz_below(input, 32); polls > 0; polls--) {
        poll();
    }
}

/* ---- once -------------------------------------------------------------------------------------------------------- */

static void read_anchor(void) {
    static const char text[] =
        "MIIBkjCCATegAwIBAgIUVzfgBQVb7Um_J-upiAliU-wHwSAwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKbWV0ZXIudGVzdDAgFw0yNjExMjQxMz"
        "QwMzVaGA8yMTI2MTAzMTEzNDAzNVowFTETMBEGA1UEAwwKbWV0ZXIudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFDmSbkQd3aGberV"
        "m3iIAuQ5NsW9bf5NaX6mWoSozqxskb14JO2pj-e568xUYNK7znB8O4_oNWzcu-meWJIXWg-jYzBhMB0GA1UdDgQWBBQPa_VG2LsHBzqNebE6Ax"
        "9H8GHzsjAfBgNVHSMEGDAWgBQPa_VG2LsHBzqNebE6Ax9H8GHzsjAPBgNVHRMBAf8EBTADAQH_MA4GA1UdDwEB_wQEAwICBDAKBggqhkjOPQQD"
        "AgNJADBGAiEAvscDbmNK_QyuvgeEKqjPFn608BeLsTjJHfxlb7L2macCIQDUxYl1MjPpjjXFHjNC4mJED4yeW9GPTv7jRFRS59bE9w";
    FUZZ_REQUIRE(sbs_base64url_decode(text, sizeof text - 1, anchor, sizeof anchor, &anchor_len) == SBS_OK);
}

static void prepare(void) {
    fuzz_input nothing = {NULL, 0};
    FUZZ_REQUIRE(sbs_mbedtls_init(NULL) == SBS_OK);
    read_anchor();
    init_images(&w.now);
    init_images(&w.unprovisioned);
    init_images(&w.provisioned);
    fuzz_random_reset(11);
    push_peer_init(&w.peer, &nothing);
    w.peer.honest = true;
    w.peer.is_roomy = true;
    w.network_up = w.trusts = true;
    w.clock = (sbs_now){.mono_ms = 10, .utc_s = 1700000000};

    start();
    for (unsigned i = 0; i < 20; i++) {
        poll();
    }
    stop();
    copy_images(&w.unprovisioned, &w.now);
    start();
    for (unsigned i = 0; i < 5; i++) {
        poll();
    }
    provision(&nothing);
    for (unsigned i = 0; i < 200; i++) {
        poll();
    }
    stop();
    copy_images(&w.provisioned, &w.now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool prepared;
    if (size > 1024) {
        return 0;
    }
    if (!prepared) {
        prepare();
        prepared = true;
    }

    w.script = (fuzz_input){data, size};
    fuzz_random_reset(1);
    push_peer_init(&w.peer, &w.script);
    w.peer.is_roomy = true;
    const unsigned options = fuzz_byte(&w.script);
    w.peer.honest = (options & 1) == 0;
    copy_images(&w.now, options & 2 ? &w.unprovisioned : &w.provisioned);
    w.network_up = (options & 4) == 0;
    w.trusts = true;
    w.clock = (sbs_now){.mono_ms = 10, .utc_s = options & 8 ? SBS_UTC_UNKNOWN : 1700000000};

    start();
    for (unsigned steps = 0; steps < STEPS_MAX && w.script.len > 0; steps++) {
        step(&w.script);
    }
    stop();
    return 0;
}
