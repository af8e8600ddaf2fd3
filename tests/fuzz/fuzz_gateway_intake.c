/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices send to a gateway: requests of all kinds, with bodies that are put together or come as they are. Each
 * answer has a status of the table and a body that is JSON; what is stored is JSON, has the device's identifier first
 * and every other member as it came. What tells of the open group waits for it: a yes to what was given, and a 409,
 * which names what is in it; nothing is stored without a yes, also where it was stored and taken out again.
 */
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "sbs/count.h"
#include "sbs/gateway_intake.h"

#define TEXT_MAX 8192u
#define SECRET "secret"

static sbs_gateway_config config;
static sbs_gateway_devices devices;
static sbs_gateway_secret secret;
static sbs_gateway_counts counts[1];
static sbs_sqlite_queue queue;
static sbs_queue port;
static sbs_gateway_intake intake;
static char folder[64];

static void remove_folder(void) {
    char command[128];
    sbs_sqlite_queue_close(&queue);
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    (void)!system(command);
}

static void start(void) {
    static char path[96];
    size_t len = 0;
    fuzz_crypto();
    (void)snprintf(folder, sizeof folder, "%s/fuzz-intake-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    FUZZ_REQUIRE(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    (void)snprintf(path, sizeof path, "%s/q.db", folder);
    static sbs_sqlite_queue_config queue_config;
    queue_config.path = path;
    FUZZ_REQUIRE(sbs_sqlite_queue_open(&queue, &queue_config, &port) == SBS_OK);

    (void)snprintf(config.name, sizeof config.name, "g");
    (void)snprintf(config.devices[0].name, sizeof config.devices[0].name, "d");
    config.device_count = 1;
    (void)snprintf(secret.name, sizeof secret.name, "d");
    FUZZ_REQUIRE(psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)SECRET, strlen(SECRET), secret.hash,
                                  sizeof secret.hash, &len) == PSA_SUCCESS);
    devices.priv.secrets = &secret;
    devices.priv.count = 1;
    intake = (sbs_gateway_intake){.config = &config, .devices = &devices, .queue = &queue, .counts = counts};
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

typedef struct text_buffer {
    char data[TEXT_MAX];
    size_t len;
} text_buffer;

static void put(text_buffer *to, const char *text) {
    const size_t len = strlen(text);
    if (len <= sizeof to->data - to->len) {
        memcpy(to->data + to->len, text, len);
        to->len += len;
    }
}

static const char *const members[] = {
    "\"status\":\"final\"",
    "\"code\":{\"text\":\"t\"}",
    "\"code\" : { \"coding\" : [ { \"code\" : \"8310-5\" } ] }",
    "\"identifier\":[{\"system\":\"urn:m\",\"value\":\"1\"}]",
    "\"identifier\" : [ ]",
    "\"identifier\":[{},{\"value\":\"7+1\"},{\"value\":\"x\"}]",
    "\"identifier\":{\"value\":\"1\"}",
    "\"extension\":[]",
    "\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice\"}]",
    "\"effectiveDateTime\":\"2026-11-29T10:00:00Z\"",
    "\"effectiveDateTime\":\"2026-11-29T10:00:00\"",
    "\"valueQuantity\":{\"value\":36.50,\"unit\":\"Cel\"}",
    "\"valueQuantity\":{\"value\":\"36\"}",
    "\"component\":[{\"valueQuantity\":{\"value\":1e99}}]",
    "\"id\":\"a\"",
    "\"hasMember\":[{\"reference\":\"urn:uuid:1\"}]",
    "\"subject\":{\"reference\":\"Patient/1\"}",
    "\"st\\u0061tus\":\"final\"",
    "\"note\":[{\"text\":\"\\ud83d\\ude00\"}]",
    "\"issued\":7",
};

static void put_observation(text_buffer *to, fuzz_input *input) {
    put(to, fuzz_chance(input, 8) ? " {\n \"resourceType\" : \"Observation\"" : "{\"resourceType\":\"Observation\"");
    if (!fuzz_chance(input, 6)) {
        put(to, ",\"status\":\"final\",\"code\":{\"text\":\"t\"}");
    }
    for (unsigned count = fuzz_below(input, 5); count > 0; count--) {
        put(to, ",");
        put(to, members[fuzz_below(input, SBS_COUNT_OF(members))]);
    }
    put(to, "}");
}

static void put_entry(text_buffer *to, fuzz_input *input) {
    static const char *const requests[] = {
        "\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}",
        "\"request\":{\"method\":\"PUT\",\"url\":\"Observation/a\"}",
        "\"request\":{\"method\":\"POST\",\"url\":\"/fhir/Observation/\",\"ifNoneExist\":\"identifier=urn:m|1\"}",
        "\"request\":{\"method\":\"POST\",\"url\":\"Observation\",\"ifNoneExist\":\"code=x%2\"}",
        "\"request\":{\"method\":\"DELETE\",\"url\":\"Observation/a\"}",
        "\"request\":{\"url\":\"Observation\"}",
        "\"request\":7",
    };
    put(to, fuzz_chance(input, 3) ? "{\"fullUrl\":\"urn:uuid:1\"," : "{");
    put(to, requests[fuzz_below(input, SBS_COUNT_OF(requests))]);
    put(to, ",\"resource\":");
    put_observation(to, input);
    put(to, "}");
}

static void put_bundle(text_buffer *to, fuzz_input *input) {
    static const char *const types[] = {"batch", "transaction", "collection", "document"};
    put(to, "{\"resourceType\":\"Bundle\",\"type\":\"");
    put(to, types[fuzz_below(input, SBS_COUNT_OF(types))]);
    put(to, "\",\"entry\":[");
    for (unsigned count = fuzz_below(input, 5), i = 0; i < count; i++) {
        put(to, i > 0 ? "," : "");
        put_entry(to, input);
    }
    put(to, "]}");
}

static void put_body(text_buffer *to, fuzz_input *input) {
    to->len = 0;
    switch (fuzz_below(input, 4)) {
    case 0:
        put_observation(to, input);
        break;
    case 1:
        put_bundle(to, input);
        break;
    case 2:
        put(to, "\xEF\xBB\xBF");
        put_observation(to, input);
        break;
    default:
        to->len = fuzz_bytes(input, to->data, sizeof to->data);
        break;
    }

    /* A fault in the middle of what is otherwise good. */
    if (to->len > 0 && fuzz_chance(input, 4)) {
        to->data[fuzz_short(input) % to->len] = (char)fuzz_byte(input);
    }
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static void ask(fuzz_input *input, sbs_text body, sbs_linux_http_answer *out) {
    static const char *const methods[] = {"POST", "PUT", "GET", "HEAD", "OPTIONS", "DELETE"};
    static const char *const paths[] = {"/fhir/Observation",
                                        "/fhir",
                                        "/fhir/Observation/a",
                                        "/fhir/metadata",
                                        "/fhir/Observation/sbs-00112233445566778899aabbccddeeff00112233",
                                        "/fhir/Patient",
                                        "/fhir/Observation/"};
    static const char *const types[] = {"application/fhir+json", "application/json; charset=utf-8", "text/plain", ";"};
    static const char *const conditions[] = {"identifier=urn:m|1", "identifier=urn%3Am%7C1", "code=x", "%", "?"};
    char own[512] = "";
    sbs_linux_http_field fields[6];
    size_t count = 0;
    const unsigned way = fuzz_byte(input); /* 0, the end of the input: a plain POST */
    const char *path = paths[way % 16 < SBS_COUNT_OF(paths) ? way % 16 : 0];
    if (way / 16 == 15) {
        (void)fuzz_text(input, own, sizeof own - 1);
        path = own;
    }

    fields[count++] = (sbs_linux_http_field){SBS_TEXT("Authorization"), SBS_TEXT("Bearer " SECRET)};
    fields[count++] = (sbs_linux_http_field){SBS_TEXT("Content-Type"),
                                             sbs_text_of(types[fuzz_chance(input, 8) ? fuzz_below(input, 4) : 0])};
    if (fuzz_chance(input, 4)) {
        fields[count++] = (sbs_linux_http_field){SBS_TEXT("If-None-Exist"),
                                                 sbs_text_of(conditions[fuzz_below(input, SBS_COUNT_OF(conditions))])};
    }
    if (fuzz_chance(input, 4)) {
        fields[count++] = (sbs_linux_http_field){SBS_TEXT("Idempotency-Key"), SBS_TEXT("k")};
    }
    if (fuzz_chance(input, 4)) {
        fields[count++] = (sbs_linux_http_field){SBS_TEXT("Prefer"), SBS_TEXT("return=representation")};
    }

    const sbs_linux_http_request request = {
        .method = sbs_text_of(methods[fuzz_chance(input, 4) ? fuzz_below(input, SBS_COUNT_OF(methods)) : 0]),
        .path = sbs_text_of(path),
        .body = body,
        .fields = fields,
        .field_count = count,
        .peer = "10.0.0.1",
    };
    sbs_gateway_intake_http(&intake, (sbs_now){.mono_ms = 1000, .utc_s = 1790000000}, &request, out);
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

static void require_json(sbs_text text) {
    sbs_forward_json json = {0};
    FUZZ_REQUIRE(sbs_forward_json_parse(&json, text, NULL) == SBS_OK);
    FUZZ_REQUIRE(sbs_json_kind_of(&json.doc, 0) == SBS_JSON_OBJECT);
    sbs_forward_json_free(&json);
}

static void check_stored(uint64_t id) {
    static char text[2 * TEXT_MAX];
    sbs_forward_resource resource = {0};
    size_t len = 0;
    FUZZ_REQUIRE(port.ops->read(port.ctx, id, 0, text, sizeof text, &len) == SBS_OK && len < sizeof text);
    fuzz_talk("stored %.*s\n", (int)len, text);
    FUZZ_REQUIRE(sbs_forward_resource_read(&resource, (sbs_text){text, len}) == NULL);
    FUZZ_REQUIRE(strcmp(resource.type, "Observation") == 0 && resource.value.len == strlen("g/d/") + 40);
    FUZZ_REQUIRE(sbs_text_equal(sbs_forward_buffer_text(&resource.system), SBS_TEXT(SBS_FORWARD_SYSTEM_GATEWAY)));
    sbs_forward_resource_free(&resource);
}

/* A transaction that was refused on its way leaves numbers, and nothing under them. */
static void check_not_stored(uint64_t id) {
    sbs_sqlite_entry entry;
    FUZZ_REQUIRE(sbs_sqlite_queue_find(&queue, id, &entry) == SBS_ERR_NOT_FOUND);
}

static void check_answer(const sbs_linux_http_answer *answer) {
    static const uint16_t statuses[] = {200, 201, 204, 400, 404, 405, 409, 413, 415, 422};
    bool known = false;
    for (size_t i = 0; i < SBS_COUNT_OF(statuses); i++) {
        known = known || answer->status == statuses[i];
    }
    fuzz_talk("%u %.*s\n", answer->status, (int)answer->body.len, answer->body.ptr);
    FUZZ_REQUIRE(known && (!answer->held || answer->status < 300 || answer->status == 409));
    FUZZ_REQUIRE(answer->held || (answer->status != 201 && answer->status != 409));
    if (answer->content_type != NULL) {
        require_json(answer->body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool started;
    static text_buffer body;
    fuzz_input input = {data, size};
    if (!started) {
        start();
        started = true;
    }
    fuzz_random_reset(1);
    config.devices[0].phd = fuzz_chance(&input, 2);
    intake.updates = fuzz_chance(&input, 2);

    FUZZ_REQUIRE(sbs_sqlite_queue_begin(&queue) == SBS_OK);
    for (unsigned requests = 1 + fuzz_below(&input, 3); requests > 0; requests--) {
        sbs_linux_http_answer answer;
        uint64_t epoch = 0;
        uint64_t before = 0;
        uint64_t after = 0;
        put_body(&body, &input);
        char *copy = fuzz_copy(body.data, body.len);
        fuzz_talk("%.*s\n", (int)body.len, copy);
        FUZZ_REQUIRE(sbs_sqlite_queue_next_id(&queue, &epoch, &before) == SBS_OK);
        ask(&input, (sbs_text){copy, body.len}, &answer);
        check_answer(&answer);
        FUZZ_REQUIRE(sbs_sqlite_queue_next_id(&queue, &epoch, &after) == SBS_OK);

        for (uint64_t id = before; id < after; id++) {
            if (answer.held && answer.status < 300) {
                check_stored(id);
            } else {
                check_not_stored(id);
            }
        }
        free(copy);
    }
    sbs_sqlite_queue_undo(&queue);
    return 0;
}
