/* SPDX-License-Identifier: Apache-2.0 */
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "dialogue.h"
#include "io.h"
#include "key.h"
#include "message.h"
#include "meter_record.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "sbs/scope.h"

#define CA_MAX 1048576u
#define TIMEOUT_DEFAULT_S 180u

static struct {
    const char *device, *fhir, *token_url, *token_origin, *client_id, *scope, *ca, *subject, *patient, *zone, *ntp,
        *config;
    int alg, write_mode, unknown_time, when_full;
    uint64_t interval_s, first_delay_s, timeout_s;
    bool no_wait, show_jwk;
} given;

static const cli_option option_table[] = {
    {"device", "PATH", "its console: a serial line, a Unix socket, or HOST:PORT on loopback", &given.device,
     .type = CLI_FILE, .required = true},
    {"show-jwk", NULL, "print the device's JWK Set, and write nothing", &given.show_jwk, .type = CLI_FLAG},
    {"fhir", "BASE", "base URL of the FHIR server", &given.fhir, .type = CLI_TEXT},
    {"token-url", "URL", "token endpoint, default found by discovery", &given.token_url, .type = CLI_TEXT, .group = 1},
    {"token-origin", "ORIGIN", "where discovery may lead to, such as https://auth.example.org", &given.token_origin,
     .type = CLI_TEXT, .group = 1},
    {"client-id", "ID", "as the server assigned it", &given.client_id, .type = CLI_TEXT},
    {"scope", "SCOPES", "such as 'system/Observation.cu system/Device.u'", &given.scope, .type = CLI_TEXT},
    {"alg", "RS384|ES384", "refuse a device whose key is another one", &given.alg, .type = CLI_CHOICE},
    {"ca", "FILE", "one to four root certificates that the device trusts (PEM)", &given.ca, .type = CLI_FILE},
    {"write-mode", "put|if-none-exist|plain", "how it stores, default put", &given.write_mode, .type = CLI_CHOICE},
    {"unknown-time", "hold|send|dead", "what becomes of undated measurements, default hold", &given.unknown_time,
     .type = CLI_CHOICE},
    {"when-full", "refuse|drop-oldest", "what a full queue does, default refuse", &given.when_full, .type = CLI_CHOICE},
    {"subject", "TYPE/ID", "whose measurements they are, such as Patient/123", &given.subject, .type = CLI_TEXT},
    {"patient", "[SYSTEM|]VALUE", "the subject's identifier, default its id", &given.patient, .type = CLI_TEXT},
    {"interval", "SECONDS", "between measurements, default 0: by command only", &given.interval_s, .max = 86400,
     .type = CLI_UINT},
    {"first-delay", "SECONDS", "most of the random delay after a start, default 0", &given.first_delay_s, .max = 3600,
     .type = CLI_UINT},
    {"zone", "[+-]HH:MM", "local time zone, default +00:00", &given.zone, .type = CLI_TEXT},
    {"ntp", "HOST", "time server, default the one that DHCP names", &given.ntp, .type = CLI_TEXT},
    {"no-wait", NULL, "do not wait for the device's token", &given.no_wait, .type = CLI_FLAG},
    {"timeout", "SECONDS", "most for all of it, default 180", &given.timeout_s, .min = 1, .max = 3600,
     .type = CLI_UINT},
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &given.config,
     .type = CLI_CONFIG},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* ---- the record -------------------------------------------------------------------------------------------------- */

static int load_ca(mbedtls_x509_crt *chain, meter_record *record) {
    cli_buffer file = {0};
    int code = cli_read_file(given.ca, "CA file", CA_MAX, &file);
    if (code != CLI_DONE) {
        return code;
    }
    int bad = cli_buffer_put(&file, "", 1) == SBS_OK
                  ? mbedtls_x509_crt_parse(chain, (const unsigned char *)file.data, file.len)
                  : -1;
    cli_buffer_free(&file);
    if (bad != 0) {
        return cli_fail(CLI_INPUT, "CA file %s: %s, give PEM certificates", given.ca,
                        bad > 0 ? "a certificate of it cannot be used" : "no certificate");
    }
    for (const mbedtls_x509_crt *one = chain; one != NULL && one->raw.len > 0; one = one->next) {
        if (record->ca_count == METER_CA_MAX) {
            return cli_fail(CLI_INPUT, "CA file %s: more than %u certificates, give the roots that are needed",
                            given.ca, METER_CA_MAX);
        }
        record->ca[record->ca_count].der = one->raw.p;
        record->ca[record->ca_count++].len = one->raw.len;
    }
    return CLI_DONE;
}

/* [+-]HH:MM */
static bool parse_zone(const char *text, int16_t *out) {
    bool shaped = strlen(text) == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
    for (unsigned i = 1; shaped && i < 6; i++) {
        shaped = i == 3 || (text[i] >= '0' && text[i] <= '9');
    }
    if (!shaped || text[4] > '5') {
        return false;
    }
    int minutes = ((text[1] - '0') * 10 + text[2] - '0') * 60 + (text[4] - '0') * 10 + text[5] - '0';
    *out = (int16_t)(text[0] == '-' ? -minutes : minutes);
    return minutes <= 840;
}

/* A word's number, or 0 for the first one where none was given. */
static uint8_t choice(int word) {
    return (uint8_t)(word > 0 ? word - 1 : 0);
}

static void fill_in(meter_record *record, char *patient) {
    char *bar = patient != NULL ? strrchr(patient, '|') : NULL;
    if (bar != NULL) {
        *bar = '\0';
    }
    record->fhir_base = given.fhir;
    record->token_url = given.token_url != NULL ? given.token_url : given.token_origin;
    record->token_policy = given.token_url != NULL      ? METER_TOKEN_FIXED
                           : given.token_origin != NULL ? METER_TOKEN_PINNED
                                                        : METER_TOKEN_DISCOVERED;
    record->client_id = given.client_id;
    record->scope = given.scope;
    record->kid = cli_kid.kid;
    record->kid_method = (uint8_t)cli_kid_method();
    record->alg = (uint8_t)given.alg;
    record->write_mode = choice(given.write_mode);
    record->unknown_time = choice(given.unknown_time);
    record->drop_oldest = given.when_full == 2;
    record->subject = given.subject;
    record->patient = bar != NULL ? bar + 1 : patient;
    record->patient_system = bar != NULL ? patient : NULL;
    record->interval_s = (uint32_t)given.interval_s;
    record->first_delay_s = (uint16_t)given.first_delay_s;
    record->ntp_server = given.ntp;
}

static int check_given(void) {
    const char *const needed[] = {given.fhir, given.client_id, given.scope, given.ca};
    static const char *const names[] = {"fhir BASE", "client-id ID", "scope SCOPES", "ca FILE"};
    for (size_t i = 0; i < SBS_COUNT_OF(needed); i++) {
        if (needed[i] == NULL) {
            return cli_fail(CLI_USAGE, "provision: --%.*s is missing, give --%s", (int)strcspn(names[i], " "), names[i],
                            names[i]);
        }
    }
    return cli_kid_check("provision");
}

static const char *advice(const char *field, sbs_status status) {
    static const char *const table[][2] = {
        {"scope", "give system scopes, as system/Observation.cu"},
        {"subject", "give a reference, as Patient/123"},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(table); i++) {
        if (strcmp(field, table[i][0]) == 0) {
            return table[i][1];
        }
    }
    return status == SBS_ERR_URL ? "give an https URL" : "correct it";
}

/* What the device will check is checked here first. */
static int write_record(const meter_record *record, uint8_t *out, size_t *out_len) {
    meter_record read;
    const char *field = "";
    sbs_status status = meter_record_write(record, out, METER_RECORD_MAX, out_len);
    if (status == SBS_OK) {
        status = meter_record_read(&read, out, *out_len, &field);
    }
    if (status == SBS_ERR_BUFFER) {
        return cli_fail(CLI_INPUT, "provision: the record is larger than %u bytes, give fewer certificates",
                        METER_RECORD_MAX);
    }
    return status == SBS_OK
               ? CLI_DONE
               : cli_fail(CLI_INPUT, "provision: --%s: %s, %s", field, sbs_status_text(status), advice(field, status));
}

static bool is_text(sbs_text text, const char *word) {
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* A record under which the device could store nothing would still get a token, and replace one that works. */
static int check_scope(const meter_record *record) {
    bool put = record->write_mode == SBS_WRITE_PUT;
    sbs_text list = sbs_text_of(record->scope);
    sbs_text token;
    while (sbs_scope_next(&list, &token)) {
        sbs_scope scope;
        if (sbs_scope_parse(token, &scope) == SBS_OK &&
            (is_text(scope.type, "Observation") || is_text(scope.type, "*")) &&
            (scope.permissions & (put ? SBS_SCOPE_UPDATE : SBS_SCOPE_CREATE)) != 0) {
            return CLI_DONE;
        }
    }
    return cli_fail(CLI_INPUT,
                    "provision: --scope: the device could store no Observation with it, add system/Observation.%s",
                    put ? "u" : "c");
}

static int make_record(uint8_t *out, size_t *out_len) {
    meter_record record = {0};
    mbedtls_x509_crt chain;
    int code = check_given();
    if (code == CLI_DONE && given.zone != NULL && !parse_zone(given.zone, &record.zone_minutes)) {
        code = cli_fail(CLI_USAGE, "provision: --zone: '%s' is no zone, give it as +02:00", given.zone);
    }
    if (code != CLI_DONE) {
        return code;
    }
    char *patient = given.patient != NULL ? strdup(given.patient) : NULL;
    mbedtls_x509_crt_init(&chain);
    fill_in(&record, patient);
    code = load_ca(&chain, &record);
    if (code == CLI_DONE) {
        code = write_record(&record, out, out_len);
    }
    if (code == CLI_DONE) {
        code = check_scope(&record);
    }
    mbedtls_x509_crt_free(&chain);
    free(patient);
    return code;
}

static int talk(const uint8_t *record, size_t len) {
    static cli_device device;
    uint64_t timeout_s = given.timeout_s != 0 ? given.timeout_s : TIMEOUT_DEFAULT_S;
    uint64_t deadline_ms = sbs_linux_now().mono_ms + timeout_s * 1000u;
    int code = cli_device_open(&device, given.device);
    if (code == CLI_DONE) {
        code = given.show_jwk ? cli_dialogue_jwks(&device, deadline_ms)
                              : cli_dialogue_send(&device, record, len, deadline_ms);
    }
    if (code == CLI_DONE && !given.show_jwk && !given.no_wait) {
        code = cli_dialogue_confirm(&device, deadline_ms);
    }
    cli_device_close(&device);
    return code;
}

static int run(const cli_operands *operands) {
    static uint8_t record[METER_RECORD_MAX];
    size_t len = 0;
    (void)operands;
    int code = given.show_jwk ? CLI_DONE : make_record(record, &len);
    return code == CLI_DONE ? talk(record, len) : code;
}

const cli_command cli_provision = {
    .name = "provision",
    .summary = "Writes a device's provisioning record to its console",
    .about = "The device tries the record, and goes back to the one it had unless it gets a token.\n"
             "Register its JWK Set first (--show-jwk).\n",
    .tables = {&own_table, &cli_kid_table, &cli_no_kid_table},
    .example = "sbs provision --device /dev/ttyUSB0 --fhir https://fhir.example.org/r4 --ca root.pem \\\n"
               "      --client-id my-device --scope 'system/Observation.cu system/Device.u' --subject Patient/123",
    .run = run,
};
