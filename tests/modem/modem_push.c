/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device behind a modem: stores Observations on a server, over the serial line that it is given. TLS is on top, or in
 * the modem. Prints each failure as it happens and, at the end, how many are stored, as JSON lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/linux.h"
#include "sbs/linux_serial.h"
#include "sbs/modem.h"
#include "sbs/sbs.h"

#define BUFFER_SIZE 512u
#define WORK_SIZE 16384u
#define AGAIN_MS 300u
#define FILE_MAX 65536u

typedef struct settings {
    const char *device, *dialect, *tls, *fhir, *client_id, *key_file, *ca_file, *prefix;
    uint32_t baud, count, seconds;
} settings;

static settings wanted;
static sbs_linux_serial line;
static sbs_modem_config modem_config;
static sbs_modem modem;
static uint8_t send_buffer[BUFFER_SIZE], receive_buffer[BUFFER_SIZE];
static sbs_linux_blob ca;
static sbs_tls_trust trust;
static sbs_tls_session sessions[2];
static sbs_tls_config tls_config;
static sbs_tls_stream tls;
static sbs_stream raw, stream;
static sbs_psa_key psa_key;
static sbs_key key;
static psa_key_id_t key_id;
static sbs_client client;
static sbs_client_config client_config;
static char body[1024], search[160];
static uint8_t work[WORK_SIZE];

static bool is_said(const char *text, const char *word) {
    return strcmp(text, word) == 0;
}

static bool load(void) {
    sbs_linux_blob pem;
    sbs_pem_fault fault;
    size_t skipped;
    sbs_tls_trust_init(&trust);
    if (sbs_mbedtls_init(NULL) != SBS_OK || sbs_linux_trust_load(&trust, wanted.ca_file, &skipped) != SBS_OK ||
        sbs_linux_file_read(wanted.ca_file, FILE_MAX, &ca) != SBS_OK ||
        sbs_linux_file_read(wanted.key_file, FILE_MAX, &pem) != SBS_OK) {
        return false;
    }

    sbs_status status = sbs_pem_key_import(pem.data, pem.len, &key_id, &fault);
    sbs_linux_blob_free(&pem);
    sbs_psa_key_init(&psa_key, key_id, &key);
    return status == SBS_OK;
}

/* "top": TLS on the modem's TCP. "modem": the modem's own. "pinned": the same, with a certificate that is pinned. */
static bool prepare_stream(void) {
    static const sbs_modem_dialect *const dialects[] = {&sbs_modem_simcom, &sbs_modem_simcom_tls, &sbs_modem_quectel,
                                                        &sbs_modem_quectel_tls};
    bool in_modem = !is_said(wanted.tls, "top");
    modem_config = (sbs_modem_config){
        .dialect = dialects[2 * is_said(wanted.dialect, "quectel") + in_modem],
        .clock = sbs_linux_now,
        .send_buffer = send_buffer,
        .send_size = sizeof send_buffer,
        .receive_buffer = receive_buffer,
        .receive_size = sizeof receive_buffer,
        .certificate_name = is_said(wanted.dialect, "quectel") ? "RAM:sbs.pem" : "sbs.pem",
        .certificate = (const char *)ca.data,
        .certificate_len = ca.len,
        .pinned = is_said(wanted.tls, "pinned"),
    };
    if (sbs_linux_serial_open(&line, wanted.device, wanted.baud, false, &modem_config.serial) != SBS_OK ||
        sbs_modem_init(&modem, &modem_config, &raw) != SBS_OK) {
        return false;
    }

    stream = raw;
    if (in_modem) {
        return true;
    }
    tls_config = (sbs_tls_config){.trust = &trust, .sessions = sessions, .session_count = 2};
    return sbs_tls_stream_init(&tls, &tls_config, &raw, &stream) == SBS_OK;
}

static bool prepare_client(void) {
    client_config = (sbs_client_config){
        .fhir_base = wanted.fhir,
        .client_id = wanted.client_id,
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.cruds",
        .key = &key,
        .stream = &stream,
        .work = work,
        .work_size = sizeof work,
        .connect_timeout_ms = 60000,
        .exchange_timeout_ms = 60000,
        .max_attempts = 1,
    };
    return sbs_client_init(&client, &client_config) == SBS_OK;
}

static size_t build(uint32_t number) {
    char identifier[80];
    size_t len = 0;
    sbs_writer out;
    (void)snprintf(identifier, sizeof identifier, "%s-%u", wanted.prefix, (unsigned)number);
    (void)snprintf(search, sizeof search, "identifier=urn%%3Aexample%%3Amodem%%7C%s", identifier);

    const sbs_coding code = {SBS_TEXT(SBS_SYSTEM_LOINC), SBS_TEXT("8310-5"), SBS_TEXT("Body temperature")};
    const sbs_observation observation = {
        .identifier_system = SBS_TEXT("urn:example:modem"),
        .identifier_value = sbs_text_of(identifier),
        .codes = &code,
        .code_count = 1,
        .effective = SBS_TEXT("2026-11-23T10:00:00+01:00"),
        .value = {.kind = SBS_VALUE_QUANTITY, .decimal = {3600 + (int64_t)number, -2}, .ucum = SBS_TEXT("Cel")},
    };
    sbs_writer_init(&out, body, sizeof body);
    bool built = sbs_observation_put(&out, &observation, NULL) == SBS_OK && sbs_writer_finish(&out, &len) == SBS_OK;
    return built ? len : 0;
}

/* Stores one; what fails is told, and tried again by the caller. */
static sbs_status store(uint32_t number) {
    sbs_wait wait;
    const sbs_request request = {
        .interaction = SBS_CREATE,
        .target = SBS_TEXT("Observation"),
        .body = {body, build(number)},
        .if_none_exist = sbs_text_of(search),
    };
    sbs_status status = sbs_client_start(&client, &request);
    if (status != SBS_OK) {
        return status;
    }

    while ((status = sbs_client_poll(&client, sbs_linux_now(), &wait)) == SBS_PENDING) {
        (void)sbs_linux_wait(&wait);
    }

    if (status != SBS_OK) {
        const sbs_detail *detail = sbs_client_detail(&client);
        printf("{\"event\":\"failed\",\"status\":\"%s\",\"step\":\"%s\",\"code\":%d}\n", sbs_status_name(status),
               sbs_step_text(detail->step), (int)detail->platform_code);
    }

    return status;
}

static void pause_for(uint32_t ms) {
    const sbs_wait wait = {.timeout_ms = ms, .descriptor = -1};
    (void)sbs_linux_wait(&wait);
}

static uint32_t run(void) {
    uint32_t stored = 0;
    uint64_t ends_ms = sbs_linux_now().mono_ms + (uint64_t)wanted.seconds * 1000u;
    while (stored < wanted.count && sbs_linux_now().mono_ms < ends_ms) {
        sbs_status status = store(stored);
        if (status == SBS_OK) {
            stored++;
        } else if (sbs_status_group(status) == SBS_CLASS_OPERATOR) {
            break;
        } else {
            pause_for(AGAIN_MS);
        }
    }

    return stored;
}

/* The modem hangs up, as it does before a device sleeps. */
static void hang_up(void) {
    stream.ops->close(stream.ctx);
    while (sbs_modem_poll(&modem) == SBS_PENDING) {
        sbs_wait wait = raw.ops->waits_for(raw.ctx);
        (void)sbs_linux_wait(&wait);
    }
}

int main(int argc, char **argv) {
    if (argc != 12) {
        fputs("usage: modem_push DEVICE BAUD simcom|quectel top|modem|pinned FHIR-BASE CLIENT-ID KEY CA PREFIX COUNT "
              "SECONDS\n",
              stderr);
        return 2;
    }

    wanted = (settings){.device = argv[1],
                        .baud = (uint32_t)strtoul(argv[2], NULL, 10),
                        .dialect = argv[3],
                        .tls = argv[4],
                        .fhir = argv[5],
                        .client_id = argv[6],
                        .key_file = argv[7],
                        .ca_file = argv[8],
                        .prefix = argv[9],
                        .count = (uint32_t)strtoul(argv[10], NULL, 10),
                        .seconds = (uint32_t)strtoul(argv[11], NULL, 10)};
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!load() || !prepare_stream() || !prepare_client()) {
        fputs("modem_push: a file, the serial line or the configuration is not usable\n", stderr);
        return 2;
    }

    uint32_t stored = run();
    hang_up();
    printf("{\"event\":\"end\",\"stored\":%u}\n", (unsigned)stored);

    sbs_client_deinit(&client);
    sbs_tls_stream_deinit(&tls);
    sbs_modem_deinit(&modem);
    sbs_linux_serial_close(&line);
    sbs_tls_trust_deinit(&trust);
    sbs_linux_blob_free(&ca);
    (void)psa_destroy_key(key_id);
    return stored == wanted.count ? 0 : 1;
}
