/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_gate.h"

#include <stdio.h>
#include <string.h>

#include "sqlite_rig.h"
#include "test.h"

sqlite_gate gate;

static void gate_add_device(const char *name, sbs_gateway_protocol protocol, bool phd) {
    size_t at = gate.config.device_count++;
    sbs_gateway_device *device = &gate.config.devices[at];
    (void)snprintf(device->name, sizeof device->name, "%s", name);
    device->protocol = protocol;
    device->phd = phd;
    assert_int_equal(sbs_gateway_devices_make(&gate.devices, name, 1, gate.secrets[at]), SBS_OK);
}

int gate_set_up(void **state) {
    char path[512];
    int code = rig_set_up(state);
    gate = (sqlite_gate){.now = {.mono_ms = 50000, .utc_s = RIG_NOW}};
    (void)snprintf(gate.config.name, sizeof gate.config.name, "clinic-12");
    (void)snprintf(path, sizeof path, "%s/secrets", rig.folder);
    assert_int_equal(sbs_gateway_devices_open(&gate.devices, path), SBS_OK);
    gate_add_device("meter", SBS_GATEWAY_FHIR, false);
    gate_add_device("fridge-3", SBS_GATEWAY_FHIR, true);
    gate_add_device("files", SBS_GATEWAY_SPOOL, false);
    gate_add_device("meter-2", SBS_GATEWAY_FHIR, false);

    gate.intake.config = &gate.config;
    gate.intake.devices = &gate.devices;
    gate.intake.queue = &rig.queue;
    gate.intake.counts = gate.counts;
    gate.intake.boot_id = 77;
    return code;
}

int gate_tear_down(void **state) {
    sbs_gateway_intake_close(&gate.intake);
    sbs_gateway_devices_close(&gate.devices);
    sbs_gateway_config_free(&gate.config);
    return rig_tear_down(state);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* "Name: value\n..." as fields. */
static size_t gate_take_fields(char *text, sbs_linux_http_field *fields, size_t most) {
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strstr(line, ": ");
        assert_non_null(colon);
        assert_true(count < most);
        fields[count].name = (sbs_text){line, (size_t)(colon - line)};
        fields[count].value = sbs_text_of(colon + 2);
        count++;
    }
    return count;
}

static void gate_keep(char *out, size_t size, sbs_text value) {
    (void)snprintf(out, size, "%.*s", (int)value.len, value.ptr);
}

/* Texts of an answer are good until the next one. */
static void gate_keep_answer(void) {
    const sbs_linux_http_answer *answer = &gate.answer;
    assert_true(answer->body.len < sizeof gate.body);
    if (answer->body.len > 0) {
        memcpy(gate.body, answer->body.ptr, answer->body.len);
    }
    gate.body[answer->body.len] = '\0';
    gate.location[0] = gate.retry[0] = gate.allow[0] = '\0';
    gate.challenges = 0;

    for (size_t i = 0; i < answer->field_count; i++) {
        sbs_text name = answer->fields[i].name;
        sbs_text value = answer->fields[i].value;
        if (sbs_text_equal(name, SBS_TEXT("Location"))) {
            gate_keep(gate.location, sizeof gate.location, value);
        } else if (sbs_text_equal(name, SBS_TEXT("Retry-After"))) {
            gate_keep(gate.retry, sizeof gate.retry, value);
        } else if (sbs_text_equal(name, SBS_TEXT("Allow"))) {
            gate_keep(gate.allow, sizeof gate.allow, value);
        } else {
            assert_true(sbs_text_equal(name, SBS_TEXT("WWW-Authenticate")));
            gate.challenges++;
        }
    }
}

unsigned gate_ask_bytes(int device, const char *method, const char *target, const char *fields, const void *body,
                        size_t len) {
    char text[8192];
    sbs_linux_http_field list[16];
    const char *query = strchr(target, '?');
    size_t path_len = strlen(target);
    if (query != NULL) {
        path_len = (size_t)(query - target);
    }

    int at = snprintf(text, sizeof text, "Host: gateway\n%s", fields);
    if (device >= 0) {
        (void)snprintf(text + at, sizeof text - (size_t)at, "\nAuthorization: Bearer %s", gate.secrets[device]);
    }
    sbs_linux_http_request request = {
        .method = sbs_text_of(method),
        .path = {target, path_len},
        .query = sbs_text_of(query != NULL ? query + 1 : NULL),
        .body = {body, len},
        .fields = list,
        .field_count = gate_take_fields(text, list, 16),
        .peer = "10.0.0.1",
    };
    sbs_gateway_intake_http(&gate.intake, gate.now, &request, &gate.answer);
    gate_keep_answer();
    return gate.answer.status;
}

unsigned gate_ask(int device, const char *method, const char *target, const char *fields, const char *body) {
    return gate_ask_bytes(device, method, target, fields, body, body != NULL ? strlen(body) : 0);
}

unsigned gate_post(int device, const char *body) {
    return gate_ask(device, "POST", "/fhir/Observation", "Content-Type: application/fhir+json", body);
}

void gate_commit(void) {
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

void gate_assert_outcome(const char *code, const char *words) {
    char member[64];
    assert_string_equal(gate.answer.content_type, "application/fhir+json");
    assert_ptr_equal(strstr(gate.body, "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\""),
                     gate.body);
    if (code != NULL) {
        (void)snprintf(member, sizeof member, "\"code\":\"%s\"", code);
        if (strstr(gate.body, member) == NULL) {
            fail_msg("no code %s in %s", code, gate.body);
        }
    }
    if (words != NULL && strstr(gate.body, words) == NULL) {
        fail_msg("'%s' does not stand in %s", words, gate.body);
    }
}

void gate_assert_at(const char *expression) {
    char member[256];
    (void)snprintf(member, sizeof member, "\"expression\":[\"%s\"]", expression);
    if (strstr(gate.body, member) == NULL) {
        fail_msg("%s does not stand in %s", member, gate.body);
    }
}

const char *gate_observation(const char *identifier, const char *more) {
    static char texts[4][2048];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    char own[256] = "";
    if (identifier[0] != '\0') {
        (void)snprintf(own, sizeof own, "\"identifier\":[{\"system\":\"urn:meter\",\"value\":\"%s\"}],", identifier);
    }
    (void)snprintf(text, sizeof texts[0],
                   "{\"resourceType\":\"Observation\",%s\"status\":\"final\",\"code\":{\"text\":\"temperature\"},"
                   "\"effectiveDateTime\":\"2026-11-29T10:00:00+03:00\",\"valueQuantity\":{\"value\":36.50}%s%s}",
                   own, more[0] != '\0' ? "," : "", more);
    return text;
}

const char *gate_stored(uint64_t id) {
    static char text[4096];
    size_t len = 0;
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id, 0, text, sizeof text - 1, &len), SBS_OK);
    text[len] = '\0';
    return text;
}

uint32_t gate_waiting(void) {
    return rig_counters().waiting;
}
