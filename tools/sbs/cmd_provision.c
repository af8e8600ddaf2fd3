/* SPDX-License-Identifier: Apache-2.0 */
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_check.h"
#include "commands.h"
#include "dialogue.h"
#include "io.h"
#include "key.h"
#include "message.h"
#include "meter_record.h"
#include "sbs/base64url.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "sbs/scope.h"

#define CA_MAX 1048576u
#define SECRET_FILE_MAX 256u
#define TIMEOUT_DEFAULT_S 180u
#define ZONE_MAX_MINUTES (14 * 60)

static struct {
    const char *device, *fhir, *token_url, *token_origin, *client_id, *scope, *secret, *ca, *subject, *patient, *zone,
        *ntp, *config;
    int alg, write_mode, unknown_time, when_full;
    uint64_t interval_s, first_delay_s, timeout_s;
    bool no_wait, show_jwk;
} given;

static const cli_option option_table[] = {
    {"device", "PATH", "the device's console: a serial line, a Unix socket, or HOST:PORT on loopback", &given.device,
     .type = CLI_FILE, .required = true},
    {"show-jwk", NULL, "print the device's JWK Set, and write nothing", &given.show_jwk, .type = CLI_FLAG},
    {"fhir", "BASE", "base URL of the FHIR server, or of a gateway", &given.fhir, .type = CLI_TEXT},
    {"token-url", "URL", "token endpoint, default found by discovery", &given.token_url, .type = CLI_TEXT, .group = 1},
    {"token-origin", "ORIGIN", "where discovery may lead to, such as https://auth.example.org", &given.token_origin,
     .type = CLI_TEXT, .group = 1},
    {"client-id", "ID", "as the server assigned it", &given.client_id, .type = CLI_TEXT},
    {"scope", "SCOPES", "such as 'system/Observation.cu system/Device.u'", &given.scope, .type = CLI_TEXT},
    {"gateway-secret", "FILE", "for a gateway, in place of id and scope: what 'sbs-gateway device add' printed",
     &given.secret, .type = CLI_FILE},
    {"alg", "RS384|ES384", "refuse a device whose key is another one", &given.alg, .type = CLI_CHOICE},
    {"ca", "FILE", "one to four root certificates that the device trusts (PEM); none for a gateway by http", &given.ca,
     .type = CLI_FILE},
    {"write-mode", "put|if-none-exist|plain", "how it stores, default put; a gateway takes if-none-exist",
     &given.write_mode, .type = CLI_CHOICE},
    {"unknown-time", "hold|send|dead", "what becomes of undated measurements, default hold", &given.unknown_time,
     .type = CLI_CHOICE},
    {"when-full", "refuse|drop-oldest", "what a full queue does, default refuse", &given.when_full, .type = CLI_CHOICE},
    {"subject", "TYPE/ID", "whose measurements they are, such as Patient/123", &given.subject, .type = CLI_TEXT},
    {"patient", "[SYSTEM|]VALUE", "the subject's identifier, default its id", &given.patient, .type = CLI_TEXT},
    {"interval", "SECONDS", "between measurements, default 0: by command only", &given.interval_s, .max = 86400,
     .type = CLI_UINT},
    {"first-delay", "SECONDS", "longest random delay after a start, default 0", &given.first_delay_s, .max = 3600,
     .type = CLI_UINT},
    {"zone", "[+-]HH:MM", "local time zone, default +00:00", &given.zone, .type = CLI_TEXT},
    {"ntp", "HOST", "time server, default the one that DHCP names", &given.ntp, .type = CLI_TEXT},
    {"no-wait", NULL, "do not wait for the device's token", &given.no_wait, .type = CLI_FLAG},
    {"timeout", "SECONDS", "time limit for all of it, default 180", &given.timeout_s, .min = 1, .max = 3600,
     .type = CLI_UINT},
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &given.config,
     .type = CLI_CONFIG},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* ---- the record -------------------------------------------------------------------------------------------------- */

static bool ca_parse(mbedtls_x509_crt *chain, cli_buffer *file, int *out_bad) {
    if (cli_buffer_put(file, "", 1) != SBS_OK) { /* the parser wants a NUL behind PEM */
        return false;
    }

    *out_bad = mbedtls_x509_crt_parse(chain, (const unsigned char *)file->data, file->len);
    return true;
}

static int ca_read(mbedtls_x509_crt *chain) {
    cli_buffer file = {0};
    int code = cli_read_file(given.ca, "CA file", CA_MAX, &file);
    if (code != CLI_DONE) {
        return code;
    }

    int bad = 0; /* how many certificates cannot be used; negative: there is none */
    bool parsed = ca_parse(chain, &file, &bad);
    cli_buffer_free(&file);
    if (!parsed) {
        return cli_fail(CLI_INPUT, "CA file %s: out of memory, give a smaller file", given.ca);
    }

    if (bad < 0) {
        return cli_fail(CLI_INPUT, "CA file %s: there is no certificate in it, give PEM certificates", given.ca);
    }

    if (bad > 0) {
        return cli_fail(CLI_INPUT, "CA file %s: one of its certificates cannot be used, give PEM certificates",
                        given.ca);
    }

    return CLI_DONE;
}

/* The record points into @p chain. */
static int ca_load(mbedtls_x509_crt *chain, meter_record *record) {
    int code = ca_read(chain);
    if (code != CLI_DONE) {
        return code;
    }

    for (const mbedtls_x509_crt *one = chain; one != NULL && one->raw.len > 0; one = one->next) {
        if (record->ca_count == METER_CA_MAX) {
            return cli_fail(CLI_INPUT, "CA file %s: more than %u certificates, give the roots that are needed",
                            given.ca, METER_CA_MAX);
        }

        /* The bytes stay where the parser put them. */
        record->ca[record->ca_count].der = one->raw.p;
        record->ca[record->ca_count].len = one->raw.len;
        record->ca_count++;
    }

    return CLI_DONE;
}

/* The number that two digits make, -1 if they are none. */
static int two_digits(const char *text) {
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return -1;
    }
    return (text[0] - '0') * 10 + text[1] - '0';
}

/* [+-]HH:MM, at most 14 hours from UTC. */
static bool provision_parse_zone(const char *text, int16_t *out) {
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return false;
    }

    int hours = two_digits(text + 1);
    int minutes = two_digits(text + 4);
    if (hours < 0 || minutes < 0 || minutes > 59) {
        return false;
    }
    if (hours * 60 + minutes > ZONE_MAX_MINUTES) {
        return false;
    }

    int from_utc = hours * 60 + minutes;
    if (text[0] == '-') {
        from_utc = -from_utc;
    }

    *out = (int16_t)from_utc;
    return true;
}

/* A word's number, or 0 for the first one where none was given. */
static uint8_t provision_choice(int word) {
    if (word == 0) {
        return 0;
    }
    return (uint8_t)(word - 1);
}

static void record_fill_token_policy(meter_record *record) {
    if (given.token_url != NULL) {
        record->token_policy = METER_TOKEN_FIXED;
        record->token_url = given.token_url;
    } else if (given.token_origin != NULL) {
        record->token_policy = METER_TOKEN_PINNED;
        record->token_url = given.token_origin;
    } else {
        record->token_policy = METER_TOKEN_DISCOVERED;
    }
}

/* [SYSTEM|]VALUE, NULL if none was given. It is split in place. */
static void record_fill_patient(meter_record *record, char *patient) {
    char *bar = NULL;
    if (patient != NULL) {
        /* A system is a URI, and may hold a bar itself: the last one parts it from the value. */
        bar = strrchr(patient, '|');
    }

    record->patient = patient;
    if (bar != NULL) {
        *bar = '\0';
        record->patient_system = patient;
        record->patient = bar + 1;
    }
}

static void record_fill(meter_record *record) {
    record->fhir_base = given.fhir;
    record->client_id = given.client_id;
    record->scope = given.scope;
    record->kid = cli_kid.kid;
    record->kid_method = (uint8_t)cli_kid_method();
    record->alg = (uint8_t)given.alg;
    record->write_mode = provision_choice(given.write_mode);
    if (given.secret != NULL && given.write_mode == 0) {
        record->write_mode = SBS_WRITE_IF_NONE_EXIST;
    }
    record->unknown_time = provision_choice(given.unknown_time);
    record->drop_oldest = given.when_full == 2;
    record->subject = given.subject;
    record->interval_s = (uint32_t)given.interval_s;
    record->first_delay_s = (uint16_t)given.first_delay_s;
    record->ntp_server = given.ntp;
    record_fill_token_policy(record);
}

static int provision_check_missing(const char *value, const char *name) {
    if (value != NULL) {
        return CLI_DONE;
    }
    return cli_fail(CLI_USAGE, "provision: --%.*s is missing, give --%s", (int)strcspn(name, " "), name, name);
}

/* A gateway gives no tokens: what is asked for with them has no place beside its secret. */
static int provision_check_gateway(void) {
    sbs_kid_method kid = cli_kid_method();
    const bool others[] = {given.client_id != NULL,    given.scope != NULL, given.token_url != NULL,
                           given.token_origin != NULL, given.alg != 0,      kid == SBS_KID_LITERAL,
                           kid == SBS_KID_NONE,        kid != SBS_KID_SEED};
    static const char *const names[] = {"client-id", "scope", "token-url", "token-origin",
                                        "alg",       "kid",   "no-kid",    "kid-method"};

    for (size_t i = 0; i < SBS_COUNT_OF(others); i++) {
        if (others[i]) {
            return cli_fail(CLI_USAGE, "provision: --%s and --gateway-secret cannot be used together, leave one out",
                            names[i]);
        }
    }

    return provision_check_missing(given.fhir, "fhir BASE");
}

/* --show-jwk needs none of these, so the option table does not demand them. */
static int provision_check_given(void) {
    const char *const needed[] = {given.fhir, given.client_id, given.scope, given.ca};
    static const char *const names[] = {"fhir BASE", "client-id ID", "scope SCOPES", "ca FILE"};
    if (given.secret != NULL) {
        return provision_check_gateway();
    }

    for (size_t i = 0; i < SBS_COUNT_OF(needed); i++) {
        int missing = provision_check_missing(needed[i], names[i]);
        if (missing != CLI_DONE) {
            return missing;
        }
    }

    int code = cli_check_client_id("provision", given.client_id);
    if (code == CLI_DONE) {
        code = cli_check_scope_commas("provision", given.scope, "");
    }

    if (code == CLI_DONE) {
        code = cli_kid_check("provision");
    }

    return code;
}

static const char *provision_advice(const char *field, sbs_status status) {
    static const char *const table[][2] = {
        {"scope", "give system scopes such as system/Observation.cu"},
        {"subject", "give a reference such as Patient/123"},
        {"gateway-secret", "give the 43 characters that 'sbs-gateway device add' prints"},
        {"write-mode", "a gateway takes if-none-exist"},
        {"ca", "give --ca FILE for https, and none for http"},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(table); i++) {
        if (strcmp(field, table[i][0]) == 0) {
            return table[i][1];
        }
    }

    if (status == SBS_ERR_URL && given.secret != NULL) {
        return "give an http or https URL without user and query, such as http://192.168.8.1:8080/fhir";
    }
    if (status == SBS_ERR_URL) {
        return "give an https URL without user and query";
    }
    return "correct it";
}

/* The record is read as the device will read it, so that a fault is told here and not there. */
static int record_write(meter_record *record, uint8_t *out, size_t *out_len) {
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

    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "provision: --%s: %s, %s", field, sbs_status_text(status),
                        provision_advice(field, status));
    }

    record->plain = read.plain;
    return CLI_DONE;
}

static bool scope_allows_storing(const sbs_scope *scope, unsigned permission) {
    bool covers =
        sbs_text_equal(scope->type, sbs_text_of("Observation")) || sbs_text_equal(scope->type, sbs_text_of("*"));
    return covers && (scope->permissions & permission) != 0;
}

/* With a scope under which it can store nothing the device would still get a token, and give up a record that works. */
static int record_check_scope(const meter_record *record) {
    unsigned permission = SBS_SCOPE_CREATE;
    const char *letter = "c";
    if (record->write_mode == SBS_WRITE_PUT) {
        permission = SBS_SCOPE_UPDATE;
        letter = "u";
    }

    sbs_text list = sbs_text_of(record->scope);
    sbs_text token;
    while (sbs_scope_next(&list, &token)) { /* one scope that allows it is enough */
        sbs_scope scope;
        if (sbs_scope_parse(token, &scope) == SBS_OK && scope_allows_storing(&scope, permission)) {
            return CLI_DONE;
        }
    }

    return cli_fail(CLI_INPUT,
                    "provision: --scope: the device could not store Observations with it, add system/Observation.%s",
                    letter);
}

/* @p chain holds the certificates that the record points to. */
static int record_make_checked(meter_record *record, mbedtls_x509_crt *chain, uint8_t *out, size_t *out_len) {
    int code = CLI_DONE;
    if (given.ca != NULL) {
        code = ca_load(chain, record);
    }

    if (code == CLI_DONE) {
        code = record_write(record, out, out_len);
    }
    if (code != CLI_DONE) {
        return code;
    }

    if (record->secret == NULL) {
        return record_check_scope(record);
    }

    if (record->plain) {
        cli_warn("provision: by http whoever shares the network of device and gateway can read and change measurements "
                 "and secret; use https where the device can");
    }
    return CLI_DONE;
}

/* Whoever gives the secret in place of its file is not shown it once more. */
static bool secret_is_given(void) {
    uint8_t bytes[METER_SECRET_BYTES];
    size_t len = 0;
    sbs_status status = sbs_base64url_decode(given.secret, strlen(given.secret), bytes, sizeof bytes, &len);
    sbs_wipe(bytes, sizeof bytes);
    return status == SBS_OK && len == sizeof bytes && access(given.secret, F_OK) != 0;
}

/* The file's one line, without its end; a NUL follows it. The record points into @p file, and is judged by its reader.
 */
static int secret_load(cli_buffer *file, meter_record *record) {
    unsigned mode;
    if (secret_is_given()) {
        return cli_fail(CLI_USAGE, "provision: --gateway-secret: that is a secret and no file, give a file; the shell "
                                   "may have kept it: 'sbs-gateway device secret NAME' makes another one");
    }

    int code = cli_read_file(given.secret, "gateway secret", SECRET_FILE_MAX, file);
    if (code != CLI_DONE) {
        return code;
    }

    if (cli_is_open_to_others(given.secret, &mode)) {
        cli_warn("gateway secret %s: others can read or change it (mode %04o), run chmod 600", given.secret, mode);
    }
    while (file->len > 0 && (file->data[file->len - 1] == '\n' || file->data[file->len - 1] == '\r')) {
        file->len--;
    }
    if (cli_buffer_put(file, "", 1) != SBS_OK) {
        return cli_fail(CLI_LOCAL, "provision: out of memory, close other programs");
    }

    record->secret = file->data;
    return CLI_DONE;
}

/* All that the record points into is gone afterwards. */
static int record_make_from(meter_record *record, char *patient, uint8_t *out, size_t *out_len) {
    mbedtls_x509_crt chain;
    cli_buffer secret = {0};
    int code = CLI_DONE;

    mbedtls_x509_crt_init(&chain);
    record_fill(record);
    record_fill_patient(record, patient);
    if (given.secret != NULL) {
        code = secret_load(&secret, record);
    }
    if (code == CLI_DONE) {
        code = record_make_checked(record, &chain, out, out_len);
    }

    mbedtls_x509_crt_free(&chain);
    cli_buffer_free(&secret);
    return code;
}

static int record_make(uint8_t *out, size_t *out_len) {
    int code = provision_check_given();
    if (code != CLI_DONE) {
        return code;
    }

    meter_record record = {0};
    if (given.zone != NULL && !provision_parse_zone(given.zone, &record.zone_minutes)) {
        return cli_fail(CLI_USAGE, "provision: --zone: '%s' is not a time zone, give one such as +02:00", given.zone);
    }

    char *patient = NULL;
    if (given.patient != NULL) {
        patient = strdup(given.patient);
        if (patient == NULL) {
            return cli_fail(CLI_LOCAL, "provision: out of memory, close other programs");
        }
    }

    code = record_make_from(&record, patient, out, out_len);
    free(patient);

    return code;
}

/* ---- the device -------------------------------------------------------------------------------------------------- */

static int provision_talk_to(cli_device *device, const uint8_t *record, size_t len, uint64_t deadline_ms) {
    if (given.show_jwk) {
        return cli_dialogue_jwks(device, deadline_ms);
    }

    int code = cli_dialogue_send(device, record, len, deadline_ms);
    if (code != CLI_DONE || given.no_wait) {
        return code;
    }
    return cli_dialogue_confirm(device, given.secret != NULL, deadline_ms);
}

static int provision_talk(const uint8_t *record, size_t len) {
    static cli_device device;
    if (given.timeout_s == 0) {
        given.timeout_s = TIMEOUT_DEFAULT_S;
    }

    /* One deadline for all that is said to the device, however often it is asked. */
    uint64_t deadline_ms = sbs_linux_now().mono_ms + given.timeout_s * 1000u;
    int code = cli_device_open(&device, given.device);
    if (code == CLI_DONE) {
        code = provision_talk_to(&device, record, len, deadline_ms);
    }

    cli_device_close(&device);
    return code;
}

static int provision_run(const cli_operands *operands) {
    static uint8_t record[METER_RECORD_MAX];
    size_t len = 0;

    (void)operands;

    int code = CLI_DONE;
    if (!given.show_jwk) {
        code = record_make(record, &len);
    }
    if (code == CLI_DONE) {
        code = provision_talk(record, len);
    }

    sbs_wipe(record, sizeof record); /* it may hold a gateway's secret */
    return code;
}

const cli_command cli_provision = {
    .name = "provision",
    .summary = "Writes a device's provisioning record to its console",
    .about = "The device tries the record, and goes back to the one it had unless it gets a token, or a\n"
             "gateway knows its secret. For tokens register its JWK Set first (--show-jwk). --gateway-secret\n"
             "makes it post to an sbs-gateway; only then the base may be http, without --ca.\n",
    .tables = {&own_table, &cli_kid_table, &cli_no_kid_table},
    .example = "sbs provision --device /dev/ttyUSB0 --fhir https://fhir.example.org/r4 --ca root.pem \\\n"
               "      --client-id my-device --scope 'system/Observation.cu system/Device.u' --subject Patient/123",
    .run = provision_run,
};
