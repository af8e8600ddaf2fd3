/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_rig.h"

#include <mbedtls/platform.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka needs the headers above */

#include "sbs/base64url.h"
#include "sbs/crc32.h"
#include "test.h"

/* Self-signed, P-256, CN=meter.test, for a hundred years; its key is thrown away. */
const uint8_t rig_ca[] = {
    0x30, 0x82, 0x01, 0x92, 0x30, 0x82, 0x01, 0x37, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x14, 0x57, 0x37, 0xE0, 0x05,
    0x05, 0x5B, 0xED, 0x49, 0xBF, 0x27, 0xEB, 0xA9, 0x88, 0x09, 0x62, 0x53, 0xEC, 0x07, 0xC1, 0x20, 0x30, 0x0A, 0x06,
    0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x30, 0x15, 0x31, 0x13, 0x30, 0x11, 0x06, 0x03, 0x55, 0x04,
    0x03, 0x0C, 0x0A, 0x6D, 0x65, 0x74, 0x65, 0x72, 0x2E, 0x74, 0x65, 0x73, 0x74, 0x30, 0x20, 0x17, 0x0D, 0x32, 0x36,
    0x31, 0x31, 0x32, 0x34, 0x31, 0x33, 0x34, 0x30, 0x33, 0x35, 0x5A, 0x18, 0x0F, 0x32, 0x31, 0x32, 0x36, 0x31, 0x30,
    0x33, 0x31, 0x31, 0x33, 0x34, 0x30, 0x33, 0x35, 0x5A, 0x30, 0x15, 0x31, 0x13, 0x30, 0x11, 0x06, 0x03, 0x55, 0x04,
    0x03, 0x0C, 0x0A, 0x6D, 0x65, 0x74, 0x65, 0x72, 0x2E, 0x74, 0x65, 0x73, 0x74, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07,
    0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42,
    0x00, 0x04, 0x50, 0xE6, 0x49, 0xB9, 0x10, 0x77, 0x76, 0x86, 0x6D, 0xEA, 0xD5, 0x9B, 0x78, 0x88, 0x02, 0xE4, 0x39,
    0x36, 0xC5, 0xBD, 0x6D, 0xFE, 0x4D, 0x69, 0x7E, 0xA6, 0x5A, 0x84, 0xA8, 0xCE, 0xAC, 0x6C, 0x91, 0xBD, 0x78, 0x24,
    0xED, 0xA9, 0x8F, 0xE7, 0xB9, 0xEB, 0xCC, 0x54, 0x60, 0xD2, 0xBB, 0xCE, 0x70, 0x7C, 0x3B, 0x8F, 0xE8, 0x35, 0x6C,
    0xDC, 0xBB, 0xE9, 0x9E, 0x58, 0x92, 0x17, 0x5A, 0x0F, 0xA3, 0x63, 0x30, 0x61, 0x30, 0x1D, 0x06, 0x03, 0x55, 0x1D,
    0x0E, 0x04, 0x16, 0x04, 0x14, 0x0F, 0x6B, 0xF5, 0x46, 0xD8, 0xBB, 0x07, 0x07, 0x3A, 0x8D, 0x79, 0xB1, 0x3A, 0x03,
    0x1F, 0x47, 0xF0, 0x61, 0xF3, 0xB2, 0x30, 0x1F, 0x06, 0x03, 0x55, 0x1D, 0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14,
    0x0F, 0x6B, 0xF5, 0x46, 0xD8, 0xBB, 0x07, 0x07, 0x3A, 0x8D, 0x79, 0xB1, 0x3A, 0x03, 0x1F, 0x47, 0xF0, 0x61, 0xF3,
    0xB2, 0x30, 0x0F, 0x06, 0x03, 0x55, 0x1D, 0x13, 0x01, 0x01, 0xFF, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xFF, 0x30,
    0x0E, 0x06, 0x03, 0x55, 0x1D, 0x0F, 0x01, 0x01, 0xFF, 0x04, 0x04, 0x03, 0x02, 0x02, 0x04, 0x30, 0x0A, 0x06, 0x08,
    0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02, 0x03, 0x49, 0x00, 0x30, 0x46, 0x02, 0x21, 0x00, 0xBE, 0xC7, 0x03,
    0x6E, 0x63, 0x4A, 0xFD, 0x0C, 0xAE, 0xBE, 0x07, 0x84, 0x2A, 0xA8, 0xCF, 0x16, 0x7E, 0xB4, 0xF0, 0x17, 0x8B, 0xB1,
    0x38, 0xC9, 0x1D, 0xFC, 0x65, 0x6F, 0xB2, 0xF6, 0x99, 0xA7, 0x02, 0x21, 0x00, 0xD4, 0xC5, 0x89, 0x75, 0x32, 0x33,
    0xE9, 0x8E, 0x35, 0xC5, 0x1E, 0x33, 0x42, 0xE2, 0x62, 0x44, 0x0F, 0x8C, 0x9E, 0x5B, 0xD1, 0x8F, 0x4E, 0xFE, 0xE3,
    0x44, 0x54, 0x52, 0xE7, 0xD6, 0xC4, 0xF7,
};
const size_t rig_ca_len = sizeof rig_ca;

/* ---- flash that loses its power -------------------------------------------------------------------------------- */

/* True if this operation is the one that is cut. */
static bool is_cut(meter_rig *rig) {
    rig->operations++;
    if (rig->operations == rig->cut_at) {
        rig->dead = true;
        return true;
    }
    return false;
}

static sbs_status rig_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    rig_flash *flash = ctx;
    sbs_flash *inner = &flash->sim.flash;
    bool fails = flash == &flash->rig->storage_flash && ++flash->rig->reads == flash->rig->failing_read;
    return flash->rig->dead || fails ? SBS_ERR_STORAGE : inner->ops->read(inner->ctx, address, buffer, len);
}

/* A cut one gets half of its units, none if there is one. */
static sbs_status rig_program(void *ctx, uint32_t address, const void *data, size_t len) {
    rig_flash *flash = ctx;
    sbs_flash *inner = &flash->sim.flash;
    if (flash->rig->dead) {
        return SBS_ERR_STORAGE;
    }
    bool cut = is_cut(flash->rig);
    if (cut) {
        len = len / inner->program_unit / 2 * inner->program_unit;
    }
    sbs_status status = len > 0 ? inner->ops->program(inner->ctx, address, data, len) : SBS_OK;
    return cut ? SBS_ERR_STORAGE : status;
}

static sbs_status rig_erase(void *ctx, uint32_t address) {
    rig_flash *flash = ctx;
    sbs_flash *inner = &flash->sim.flash;
    if (flash->rig->dead) {
        return SBS_ERR_STORAGE;
    }
    bool cut = is_cut(flash->rig);
    bool done = !cut || flash->rig->operations % 2 == 0;
    sbs_status status = done ? inner->ops->erase(inner->ctx, address) : SBS_OK;
    return cut ? SBS_ERR_STORAGE : status;
}

static const sbs_flash_ops flash_ops = {rig_read, rig_program, rig_erase};

static void init_flash(meter_rig *rig, rig_flash *flash, uint32_t sector_size, uint32_t sectors) {
    flash_sim_init(&flash->sim, sector_size, sectors, 4, 7);
    flash->rig = rig;
    flash->flash = flash->sim.flash;
    flash->flash.ops = &flash_ops;
    flash->flash.ctx = flash;
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

static void read_kid(meter_rig *rig, sbs_text form) {
    char json[1024];
    size_t len = 0;
    const char *start = fake_find(form.ptr, form.len, "client_assertion=");
    assert_non_null(start);
    start += strlen("client_assertion=");
    const char *end = memchr(start, '.', form.len - (size_t)(start - form.ptr));
    assert_non_null(end);
    assert_int_equal(sbs_base64url_decode(start, (size_t)(end - start), (uint8_t *)json, sizeof json, &len), SBS_OK);
    const char *kid = fake_find(json, len, "\"kid\":\"");
    rig->last_kid[0] = '\0';
    if (kid != NULL) {
        snprintf(rig->last_kid, sizeof rig->last_kid, "%.*s", (int)strcspn(kid + 7, "\""), kid + 7);
    }
}

static bool knows_kid(const meter_rig *rig) {
    bool any = rig->kids[0][0] == '\0';
    for (unsigned i = 0; i < RIG_KIDS; i++) {
        any |= rig->kids[i][0] != '\0' && strcmp(rig->kids[i], rig->last_kid) == 0;
    }
    return any;
}

static void keep(char *place, size_t size, const char *request, size_t len) {
    sbs_text body = fake_body(request, len);
    snprintf(place, size, "%.*s", (int)body.len, body.ptr);
}

/* The fake server keeps short keys only, so that of a conditional create is its checksum here. */
static void serve_create(meter_rig *rig, const char *request, size_t len) {
    char search[1024], key[16];
    sbs_text body = fake_body(request, len);
    bool conditional = fake_field(request, len, "If-None-Exist", search, sizeof search);
    rig->fhir.last_len = len < sizeof rig->fhir.last ? len : sizeof rig->fhir.last;
    memcpy(rig->fhir.last, request, rig->fhir.last_len);
    snprintf(key, sizeof key, "%08x", (unsigned)sbs_crc32(0, search, conditional ? strlen(search) : 0));
    rig->fhir.creates++;
    fake_answer(&rig->fhir.server, fake_fhir_store(&rig->fhir, key, conditional, body.ptr, body.len), "", "");
    if (rig->fhir.lost_answers > 0) {
        rig->fhir.lost_answers--;
        rig->fhir.server.out_len = 0;
        rig->fhir.server.broken = true;
    }
}

/* The server's clock is right where the device's is, unless the test gave it a Date of its own. */
static void set_date(meter_rig *rig) {
    time_t now = (time_t)rig->now.utc_s;
    bool own = rig->fhir.date != NULL && rig->fhir.date != rig->date;
    if (!own && rig->now.utc_s != SBS_UTC_UNKNOWN) {
        (void)strftime(rig->date, sizeof rig->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&now));
        rig->fhir.date = rig->date;
    }
}

static void serve(fake_server *server, const char *request, size_t len) {
    meter_rig *rig = (meter_rig *)((char *)server->ctx - offsetof(meter_rig, fhir));
    set_date(rig);
    if (fake_request_is(request, len, "PUT /r4/Device/")) {
        rig->devices++;
        keep(rig->device, sizeof rig->device, request, len);
        fake_answer(server, rig->fhir.fhir_status != 0 ? rig->fhir.fhir_status : 201, "", "");
        return;
    }
    if (fake_request_is(request, len, "POST /token")) {
        read_kid(rig, fake_body(request, len));
        if (!knows_kid(rig) || rig->refusal != NULL) {
            const char *headers = rig->refusal != NULL ? rig->refusal : "Content-Type: application/json\r\n";
            rig->refusal = NULL;
            rig->token_refusals++;
            fake_answer(server, 401, headers, "{\"error\":\"invalid_client\"}");
            return;
        }
    } else if (fake_find(request, len, "\"resourceType\":\"Observation\"") != NULL) {
        keep(rig->observation, sizeof rig->observation, request, len);
        if (fake_request_is(request, len, "POST /r4/Observation ")) {
            serve_create(rig, request, len);
            return;
        }
    }
    rig->inner(server, request, len);
}

static sbs_status rig_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    meter_rig *rig = ctx;
    sbs_stream *inner = &rig->fhir.server.stream;
    return rig->dead ? SBS_ERR_UNREACHABLE : inner->ops->open(inner->ctx, host, port, now);
}

static sbs_status rig_open_plain(void *ctx, const char *host, uint16_t port, sbs_now now) {
    meter_rig *rig = ctx;
    rig->plain_opens++;
    return rig_open(ctx, host, port, now);
}

static sbs_status rig_stream_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    meter_rig *rig = ctx;
    sbs_stream *inner = &rig->fhir.server.stream;
    *out_sent = 0;
    return rig->dead ? SBS_ERR_NETWORK : inner->ops->send(inner->ctx, data, len, out_sent);
}

static sbs_status rig_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    meter_rig *rig = ctx;
    sbs_stream *inner = &rig->fhir.server.stream;
    *out_len = 0;
    return rig->dead ? SBS_ERR_TRUNCATED : inner->ops->receive(inner->ctx, buffer, size, out_len);
}

static void rig_close(void *ctx) {
    sbs_stream *inner = &((meter_rig *)ctx)->fhir.server.stream;
    inner->ops->close(inner->ctx);
}

static sbs_wait rig_waits_for(void *ctx) {
    sbs_stream *inner = &((meter_rig *)ctx)->fhir.server.stream;
    return inner->ops->waits_for(inner->ctx);
}

static int32_t rig_last_code(void *ctx) {
    (void)ctx;
    return 0;
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static sbs_status rig_console(void *ctx, const char *data, size_t len) {
    meter_rig *rig = ctx;
    if (!rig->dead) {
        if (rig->console_len + len >= RIG_CONSOLE) {
            rig->console_len = 0; /* the tests look at what came last */
        }
        assert_true(len < RIG_CONSOLE);
        memcpy(rig->console + rig->console_len, data, len);
        rig->console_len += len;
        rig->console[rig->console_len] = '\0';
    }
    return SBS_OK;
}

static sbs_status rig_trust(void *ctx, const meter_record *record) {
    meter_rig *rig = ctx;
    rig->trusted += record != NULL;
    return SBS_OK;
}

static void rig_time_server(void *ctx, const char *host) {
    meter_rig *rig = ctx;
    snprintf(rig->ntp, sizeof rig->ntp, "%s", host != NULL ? host : "");
}

static void rig_doubt_time(void *ctx) {
    ((meter_rig *)ctx)->doubts++;
}

static void rig_work(void *ctx, bool begin) {
    meter_rig *rig = ctx;
    rig->works += begin ? 1u : -1u;
    assert_true(rig->works <= 1);
}

static void rig_stats(void *ctx, sbs_writer *out) {
    (void)ctx;
    sbs_put_string(out, "rig=1");
}

static void rig_reboot(void *ctx) {
    ((meter_rig *)ctx)->rebooting = true;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int rig_group(void **state) {
    (void)state;
    return psa_crypto_init() != PSA_SUCCESS;
}

int rig_group_end(void **state) {
    (void)state;
    mbedtls_psa_crypto_free();
    sbs_flash_its_use(NULL);
    return 0;
}

void rig_init(meter_rig *rig) {
    memset(rig, 0, sizeof *rig);
    init_flash(rig, &rig->storage_flash, 16384, 4);
    init_flash(rig, &rig->queue_flash, 4096, 4);
    fake_fhir_init(&rig->fhir);
    rig->fhir.token_body = "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"expires_in\":300}";
    rig->inner = rig->fhir.server.handler;
    rig->fhir.server.handler = serve;
    rig->stream_ops =
        (sbs_stream_ops){rig_open, rig_stream_send, rig_receive, rig_close, rig_waits_for, rig_last_code, true};
    rig->stream = (sbs_stream){&rig->stream_ops, rig};
    rig->plain_ops = rig->stream_ops;
    rig->plain_ops.open = rig_open_plain;
    rig->plain_ops.secured = false;
    rig->plain = (sbs_stream){&rig->plain_ops, rig};
    rig->now = (sbs_now){.mono_ms = 10, .utc_s = 1700000000};
    rig->network_up = true;
}

void rig_free(meter_rig *rig) {
    rig->dead = false;
    meter_deinit(&rig->meter);
    flash_sim_free(&rig->storage_flash.sim);
    flash_sim_free(&rig->queue_flash.sim);
}

void rig_boot(meter_rig *rig) {
    if (rig->boots++ > 0) {
        bool dead = rig->dead;
        rig->dead = true; /* what the old run still does counts for nothing */
        meter_deinit(&rig->meter);
        rig->dead = dead;
    }
    mbedtls_psa_crypto_free();
    rig->dead = rig->rebooting = false;
    rig->cut_at = 0;
    rig->works = 0;
    flash_sim_boot(&rig->storage_flash.sim);
    flash_sim_boot(&rig->queue_flash.sim);
    rig->now.mono_ms = 10;
    assert_int_equal(sbs_flash_storage_mount(&rig->storage, &rig->storage_flash.flash), SBS_OK);
    sbs_flash_its_use(&rig->storage);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    rig->ports = (meter_ports){
        .storage = sbs_flash_storage_port(&rig->storage),
        .queue_flash = &rig->queue_flash.flash,
        .stream = &rig->stream,
        .plain_stream = &rig->plain,
        .console = rig_console,
        .trust = rig_trust,
        .time_server = rig_time_server,
        .doubt_time = rig_doubt_time,
        .work = rig_work,
        .stats = rig_stats,
        .reboot = rig_reboot,
        .ctx = rig,
        .device = 0x525400FFFE123456,
        .built_utc_s = 1600000000,
        .alg = SBS_ES384,
    };
    meter_init(&rig->meter, &rig->ports);
}

void rig_copy_flash(meter_rig *to, const meter_rig *from) {
    flash_sim_copy(&to->storage_flash.sim, &from->storage_flash.sim);
    flash_sim_copy(&to->queue_flash.sim, &from->queue_flash.sim);
}

void rig_boot_failing(meter_rig *rig) {
    meter_deinit(&rig->meter);
    rig->now.mono_ms = 10;
    meter_init(&rig->meter, &rig->ports);
}

static void poll_once(meter_rig *rig, uint64_t most_ms) {
    sbs_wait wait = meter_poll(&rig->meter, rig->now, rig->network_up);
    uint64_t step_ms = wait.timeout_ms < most_ms ? wait.timeout_ms : most_ms;
    uint64_t before_s = rig->now.mono_ms / 1000;
    rig->now.mono_ms += step_ms;
    if (rig->now.utc_s != SBS_UTC_UNKNOWN) {
        rig->now.utc_s += (int64_t)(rig->now.mono_ms / 1000 - before_s);
    }
}

void rig_run(meter_rig *rig, uint64_t ms) {
    uint64_t end_ms = rig->now.mono_ms + ms;
    for (unsigned polls = 0; polls < 500000; polls++) {
        if (rig->dead || rig->rebooting) {
            return;
        }
        poll_once(rig, end_ms > rig->now.mono_ms ? end_ms - rig->now.mono_ms : 0);
        if (rig->now.mono_ms >= end_ms) {
            return;
        }
    }
    fail_msg("the application does not come to rest: %s", rig->console);
}

bool rig_await(meter_rig *rig, const char *text, uint64_t ms) {
    uint64_t end_ms = rig->now.mono_ms + ms;
    for (unsigned polls = 0; polls < 500000 && !rig_saw(rig, text); polls++) {
        if (rig->dead) {
            return false;
        }
        if (rig->now.mono_ms >= end_ms) {
            break;
        }
        poll_once(rig, end_ms - rig->now.mono_ms);
    }
    if (!rig_saw(rig, text)) {
        fail_msg("'%s' did not come: %s", text, rig->console);
    }
    return true;
}

void rig_type(meter_rig *rig, const char *text) {
    for (; *text != '\0' && !rig->dead; text++) {
        meter_feed(&rig->meter, *text);
    }
}

bool rig_saw(const meter_rig *rig, const char *text) {
    return strstr(rig->console, text) != NULL;
}

void rig_clear(meter_rig *rig) {
    rig->console_len = 0;
    rig->console[0] = '\0';
}

void rig_first_boot(meter_rig *rig) {
    rig_boot(rig);
    rig_await(rig, "state=unprovisioned", 1000);
}

meter_record rig_record(void) {
    meter_record record = {
        .fhir_base = "https://fhir.example/r4",
        .client_id = "device-1",
        .scope = "system/Observation.cruds system/Device.cruds",
        .subject = "Patient/p1",
        .ntp_server = "time.example",
        .kid_method = SBS_KID_THUMBPRINT,
        .write_mode = SBS_WRITE_PUT,
        .ca_count = 1,
    };
    record.ca[0].der = rig_ca;
    record.ca[0].len = rig_ca_len;
    return record;
}

meter_record rig_gateway_record(void) {
    return (meter_record){
        .fhir_base = "http://gateway.example:8080/r4",
        .secret = RIG_SECRET,
        .subject = "Patient/p1",
        .write_mode = SBS_WRITE_IF_NONE_EXIST,
    };
}

void rig_send(meter_rig *rig, const uint8_t *data, size_t len) {
    char line[METER_LINE_SIZE], text[128];
    size_t text_len;
    snprintf(line, sizeof line, "provision begin %zu\n", len);
    rig_type(rig, line);
    for (size_t at = 0; at < len && !rig->dead;) {
        size_t piece = len - at < 60 ? len - at : 60;
        assert_int_equal(sbs_base64url_encode(data + at, piece, text, sizeof text, &text_len), SBS_OK);
        snprintf(line, sizeof line, "provision data %zu %.*s %08x\n", at, (int)text_len, text,
                 (unsigned)sbs_crc32(0, data + at, piece));
        rig_type(rig, line);
        at += piece;
    }
    rig_type(rig, "provision end\n");
}

void rig_provision(meter_rig *rig, const meter_record *record) {
    static uint8_t data[METER_RECORD_MAX];
    size_t len;
    assert_int_equal(meter_record_write(record, data, sizeof data, &len), SBS_OK);
    rig_send(rig, data, len);
}

void rig_register(meter_rig *rig) {
    const psa_key_id_t ids[] = {rig->meter.keys.current, rig->meter.keys.next};
    memset(rig->kids, 0, sizeof rig->kids);
    for (unsigned i = 0; i < 2; i++) {
        sbs_writer out;
        sbs_writer_init(&out, rig->kids[i], sizeof rig->kids[i]);
        if (ids[i] != PSA_KEY_ID_NULL) {
            assert_int_equal(meter_keys_put_thumbprint(ids[i], &out), SBS_OK);
        }
    }
}

unsigned rig_stored(const meter_rig *rig) {
    return rig->fhir.stored_count;
}

bool rig_stored_once(const meter_rig *rig) {
    for (unsigned i = 0; i < rig->fhir.stored_count; i++) {
        if (fake_fhir_count(&rig->fhir, rig->fhir.stored[i]) != 1) {
            return false;
        }
    }
    return true;
}

void rig_bring_up(meter_rig *rig) {
    meter_record record = rig_record();
    rig_provision(rig, &record);
    rig_await(rig, "provision: confirmed", 60000);
    rig_await(rig, "device: registered", 60000);
}
