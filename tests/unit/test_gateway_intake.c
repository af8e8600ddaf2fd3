/* SPDX-License-Identifier: Apache-2.0 */
/* What a device sends, and what it is told: row by row, and as senders out there send it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sbs/forward_resource.h"
#include "sqlite_gate.h"
#include "sqlite_rig.h"
#include "test.h"

#define JSON "Content-Type: application/fhir+json"

static void save(char *out, size_t size, const char *text) {
    (void)snprintf(out, size, "%s", text);
}

/* ---- one Observation --------------------------------------------------------------------------------------------- */

static void an_observation_is_stored_before_the_yes(void **state) {
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    assert_true(gate.answer.held);
    gate_assert_outcome("informational", "stored");
    assert_ptr_equal(strstr(gate.location, "/fhir/Observation/sbs-"), gate.location);
    assert_int_equal(strlen(gate.location), strlen("/fhir/Observation/sbs-") + 40);
    gate_commit();

    /* What waits has its own identifier behind the one that makes it this device's. */
    const char *text = gate_stored(1);
    const char *ours = strstr(text, SBS_FORWARD_SYSTEM_GATEWAY "\",\"value\":\"clinic-12/meter/");
    assert_non_null(ours);
    assert_true(strstr(text, "\"urn:meter\"") > ours);
    assert_non_null(strstr(text, "36.50"));
    assert_null(strstr(text, "observation-gatewayDevice"));

    sbs_sqlite_entry entry;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 1, &entry), SBS_OK);
    assert_string_equal(entry.source, "meter");
    assert_string_equal(entry.type, "Observation");
    assert_int_equal(entry.item.meta.format, SBS_FORWARD_BY_IDENTIFIER);
    assert_int_equal(gate.counts[0].accepted, 1);
    assert_int_equal(gate.counts[0].today, 1);
    assert_int_equal(gate.counts[0].heard_s, RIG_NOW);
}

static void a_repeat_gets_200_and_stores_nothing(void **state) {
    char location[128];
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    save(location, sizeof location, gate.location);
    assert_int_equal(gate_post(0, gate_observation("1", "")), 200); /* in the same turn */
    assert_true(gate.answer.held);
    gate_commit();
    assert_int_equal(gate_post(0, gate_observation("1", "")), 200);
    assert_string_equal(gate.location, location);
    assert_int_equal(gate_waiting(), 1);

    /* And behind its delivery. */
    gate_commit();
    assert_int_equal(rig_settle(1, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(gate_post(0, gate_observation("1", "")), 200);
    assert_string_equal(gate.location, location);
    assert_int_equal(gate_waiting(), 0);
    assert_int_equal(gate.counts[0].accepted, 1);
    assert_int_equal(gate.counts[0].repeated, 3);
}

static void other_content_under_an_identifier_is_409(void **state) {
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    gate_commit();
    assert_int_equal(gate_post(0, gate_observation("1", "\"note\":[{\"text\":\"x\"}]")), 409);
    gate_assert_outcome("duplicate", "other content");
    assert_int_equal(gate_waiting(), 1);
    assert_int_equal(gate.counts[0].refused, 1);
    assert_string_equal(gate.counts[0].last_refusal, "HTTP 409 duplicate at Observation");
}

/* If the commit fails, the first is told to come again: the second must not have been told that it lost. */
static void what_is_told_of_an_open_group_waits_for_it(void **state) {
    static const char entry[] = "{\"resource\":%s,\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}}";
    char bundle[2048];
    char text[1024];
    char location[128];
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    save(location, sizeof location, gate.location);
    assert_int_equal(gate_post(0, gate_observation("1", "\"note\":[{\"text\":\"x\"}]")), 409);
    assert_true(gate.answer.held);
    assert_int_equal(gate_ask(0, "GET", location, "", NULL), 200);
    assert_true(gate.answer.held);
    assert_int_equal(gate_ask(1, "GET", location, "", NULL), 404);
    assert_false(gate.answer.held);

    (void)snprintf(text, sizeof text, entry, gate_observation("1", "\"note\":[{\"text\":\"x\"}]"));
    (void)snprintf(bundle, sizeof bundle, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[%s]}", text);
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, bundle), 200);
    assert_non_null(strstr(gate.body, "409"));
    assert_true(gate.answer.held);
}

static void two_devices_may_use_one_identifier(void **state) {
    char location[128];
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    save(location, sizeof location, gate.location);
    assert_int_equal(gate_post(3, gate_observation("1", "\"note\":[{\"text\":\"x\"}]")), 201);
    assert_int_equal(gate_post(3, gate_observation("1", "\"note\":[{\"text\":\"x\"}]")), 200);
    gate_commit();
    assert_int_equal(gate_waiting(), 2);

    /* Neither sees what the other gave, though both have the same place. */
    assert_int_equal(rig_settle(1, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(gate_ask(0, "GET", location, "", NULL), 200);
    gate_assert_outcome("informational", "\"text\":\"delivered\"");
    assert_int_equal(gate_ask(3, "GET", location, "", NULL), 200);
    gate_assert_outcome("informational", "\"text\":\"waiting\"");

    sbs_sqlite_entry first;
    assert_int_equal(gate_post(0, gate_observation("2", "")), 201);
    sbs_sqlite_entry second;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 3, &first), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 2, &second), SBS_OK);
    assert_true(first.item.meta.lane != second.item.meta.lane);
    assert_true(first.item.meta.lane != 0);
}

static void lane_and_name_come_from_the_secret_alone(void **state) {
    (void)state;
    char liar[512];
    (void)snprintf(liar, sizeof liar,
                   "\"device\":{\"reference\":\"Device/meter-2\"},\"subject\":{\"reference\":\"Patient/1\"}");
    assert_int_equal(gate_post(0, gate_observation("1", liar)), 201);
    assert_int_equal(gate_post(0, gate_observation("2", "")), 201);
    gate_commit();
    sbs_sqlite_entry lied;
    sbs_sqlite_entry plain;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 1, &lied), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 2, &plain), SBS_OK);
    assert_int_equal(lied.item.meta.lane, plain.item.meta.lane);
}

static void one_without_an_identifier_gets_one(void **state) {
    char location[128];
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("", "")), 201);
    save(location, sizeof location, gate.location);
    assert_non_null(strstr(gate_stored(1), "\"identifier\":[{\"system\":\"" SBS_FORWARD_SYSTEM_GATEWAY));
    assert_int_equal(gate_post(0, gate_observation("", "")), 201); /* a second measurement */
    assert_string_not_equal(gate.location, location);

    /* With a key it is known again. */
    const char *keys[] = {JSON "\nIdempotency-Key: 8e03978e", JSON "\nIf-None-Exist: code=8310-5&date=2026-11-29"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", keys[i], gate_observation("", "")), 201);
        save(location, sizeof location, gate.location);
        assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", keys[i], gate_observation("", "")), 200);
        assert_string_equal(gate.location, location);
        assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", keys[i],
                                  gate_observation("", "\"issued\":\"2026-11-29T10:00:00Z\"")),
                         409);
        assert_int_equal(gate_ask(3, "POST", "/fhir/Observation", keys[i], gate_observation("", "")), 201);
    }
    assert_int_equal(gate_waiting(), 6);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void text_that_is_no_json_is_400_with_its_byte(void **state) {
    (void)state;
    assert_int_equal(gate_post(0, ""), 400);
    gate_assert_outcome("structure", "at byte 0");
    assert_int_equal(gate_post(0, "{\"resourceType\":\"Observation\",}"), 400);
    gate_assert_outcome("structure", "at byte 30");
    assert_int_equal(gate_post(0, "[1,2]"), 400);
    assert_int_equal(gate_post(0, "\xEF\xBB\xBF{\"resourceType\":\"Observation\",}"), 400);
    gate_assert_outcome("structure", "at byte 33");
    assert_int_equal(gate_post(0, gate_observation("1", "\"note\":[{\"text\":\"\xFF\"}]")), 400);

    assert_int_equal(gate_post(0, gate_observation("1", "\"status\":\"final\"")), 400);
    gate_assert_outcome("structure", "the member \\\"status\\\" stands twice");
    assert_int_equal(gate_post(0, gate_observation("1", "\"note\":[{\"text\":\"a\",\"text\":\"b\"}]")), 400);
    gate_assert_at("Observation.note[0]");
    assert_int_equal(gate_post(0, gate_observation("1", "\"st\\u0061tus\":\"final\"")), 400);
    gate_assert_outcome("structure", "escape");
    assert_int_equal(gate_waiting(), 0);
}

static void assert_refused_at(const char *body, const char *code, const char *expression, const char *words) {
    assert_int_equal(gate_post(0, body), 422);
    gate_assert_outcome(code, words);
    gate_assert_at(expression);
}

static void what_is_missing_or_wrong_is_422_with_its_path(void **state) {
    (void)state;
    assert_refused_at("{\"resourceType\":\"Observation\",\"code\":{\"text\":\"t\"}}", "required", "Observation.status",
                      "missing");
    assert_refused_at("{\"resourceType\":\"Observation\",\"status\":\"final\"}", "required", "Observation.code",
                      "missing");
    assert_refused_at("{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{}}", "required",
                      "Observation.code", "neither");
    assert_refused_at("{\"resourceType\":\"Observation\",\"status\":\"done\",\"code\":{\"text\":\"t\"}}", "value",
                      "Observation.status", "none of");
    assert_refused_at("{\"status\":\"final\"}", "required", "Observation.resourceType", "missing");
    assert_refused_at(gate_observation("1", "\"issued\":\"2026-11-29T10:00:00\""), "value", "Observation.issued",
                      "2026-11-29T10:00:00");
    assert_refused_at(gate_observation("1", "\"issued\":\"2026-11-29\""), "value", "Observation.issued", NULL);
    assert_refused_at(gate_observation("1", "\"issued\":5"), "value", "Observation.issued", NULL);
    assert_refused_at(gate_observation("1", "\"effectivePeriod\":{\"start\":\"2026-11-29T10:00\"}"), "value",
                      "Observation.effectivePeriod.start", NULL);
    assert_refused_at(
        gate_observation("1", "\"component\":[{},{\"valueQuantity\":{\"value\":1234567890123456789012}}]"), "value",
        "Observation.component[1].valueQuantity.value", "1234567890123456789012");
    assert_refused_at(gate_observation("1", "\"referenceRange\":[{\"low\":{\"value\":\"36\"}}]"), "value",
                      "Observation.referenceRange[0].low.value", "without quotes");
    assert_refused_at(gate_observation("1", "\"extension\":{}"), "value", "Observation.extension", "list");
    assert_refused_at(
        "{\"resourceType\":\"Observation\",\"identifier\":{\"value\":\"1\"},\"status\":\"final\",\"code\":{"
        "\"text\":\"t\"}}",
        "value", "Observation.identifier", "list");
    assert_int_equal(gate_post(0, gate_observation(" 1", "")),
                     201); /* blanks are no part of the name that servers see */

    /* No patient's data go where logs are made from. */
    assert_int_equal(gate_post(0, gate_observation("2", "\"Jane Doe\":{\"issued\":\"yesterday\"}")), 422);
    assert_string_equal(gate.counts[0].last_refusal, "HTTP 422 value at Observation.?.issued");
}

static void other_types_are_422_not_supported(void **state) {
    (void)state;
    assert_int_equal(gate_post(0, "{\"resourceType\":\"Patient\"}"), 422);
    gate_assert_outcome("not-supported", "Observation");
    assert_int_equal(gate_ask(0, "POST", "/fhir/Patient", JSON, "{\"resourceType\":\"Patient\"}"), 422);
    gate_assert_outcome("not-supported", "Observation");
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Patient/1", JSON, "{}"), 422);
    assert_int_equal(gate_ask(0, "GET", "/fhir/Patient/1", "", NULL), 404);
    assert_int_equal(gate_ask(0, "POST", "/fhir", JSON, gate_observation("1", "")), 422);
    gate_assert_outcome("not-supported", "POST an Observation to /fhir/Observation");
}

static void what_is_too_large_is_413(void **state) {
    (void)state;
    size_t len = SBS_GATEWAY_RESOURCE_MAX + 1;
    char *large = malloc(len + 1);
    assert_non_null(large);
    memset(large, ' ', len);
    large[len] = '\0';
    assert_int_equal(gate_post(0, large), 413);
    gate_assert_outcome("too-long", "256 KiB");
    free(large);

    /* As large as it may be, with members that would take long to compare. */
    char *many = malloc(200000);
    assert_non_null(many);
    size_t at = (size_t)sprintf(many, "{\"resourceType\":\"Observation\"");
    for (int i = 0; i < 20000; i++) {
        at += (size_t)sprintf(many + at, ",\"%d\":1", i);
    }
    (void)sprintf(many + at, "}");
    assert_int_equal(gate_post(0, many), 422);
    gate_assert_outcome("too-costly", "256 members");
    free(many);
}

/* Objects within objects, each with as many members as may be behind it: what looks back at them would take seconds. */
static void a_deep_and_wide_resource_takes_no_time(void **state) {
    static char text[SBS_GATEWAY_RESOURCE_MAX + 1];
    size_t len = (size_t)snprintf(text, sizeof text, "{\"resourceType\":\"Observation\"");
    (void)state;
    for (int depth = 0; depth < 28; depth++) {
        len += (size_t)snprintf(text + len, sizeof text - len, ",\"a\":{\"b\":0");
    }
    for (int depth = 0; depth < 28; depth++) {
        for (int i = 0; i < 250; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, ",\"c%d\":[1,1,1,1,1,1,1,1]", i);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "}");
    }
    (void)snprintf(text + len, sizeof text - len, "}");
    clock_t start = clock();
    assert_int_equal(gate_post(0, text), 422);
    gate_assert_outcome("required", "status");
    assert_true(clock() - start < CLOCKS_PER_SEC);
}

static void only_json_is_taken(void **state) {
    static const char *const good[] = {"application/fhir+json",
                                       "application/fhir+json; charset=utf-8",
                                       "application/fhir+json;charset=UTF-8",
                                       "Application/FHIR+JSON ; fhirVersion=4.0; charset=\"UTF-8\"",
                                       "application/json",
                                       "application/json; charset=utf8",
                                       NULL};
    static const char *const bad[] = {"application/fhir+xml",
                                      "text/plain",
                                      "application/json+fhir",
                                      "application/x-www-form-urlencoded",
                                      "application/fhir+json; charset=iso-8859-1",
                                      "application/fhir+json; fhirVersion=3.0",
                                      "application/fhir+jsonx",
                                      "",
                                      NULL};
    char fields[256];
    (void)state;
    for (size_t i = 0; good[i] != NULL; i++) {
        (void)snprintf(fields, sizeof fields, "content-type: %s", good[i]);
        assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", fields, gate_observation("1", "")),
                         i == 0 ? 201 : 200);
    }
    for (size_t i = 0; bad[i] != NULL; i++) {
        (void)snprintf(fields, sizeof fields, "Content-Type: %s", bad[i]);
        assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", fields, gate_observation("2", "")), 415);
        gate_assert_outcome("not-supported", "application/fhir+json");
    }
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", "", gate_observation("2", "")), 415);
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\n" JSON, gate_observation("2", "")), 415);
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\nContent-Encoding: gzip", "\x1F\x8B"), 415);
    gate_assert_outcome("not-supported", "without Content-Encoding");
    assert_int_equal(
        gate_ask(0, "POST", "/fhir/Observation", JSON "\nContent-Encoding: identity", gate_observation("1", "")), 200);
}

static void answers_are_json_or_406(void **state) {
    static const char *const good[] = {"Accept: application/fhir+json",
                                       "Accept: */*",
                                       "Accept: application/fhir+xml;q=1.0, application/fhir+json;q=1.0",
                                       "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
                                       "Accept: application/json",
                                       NULL};
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    char location[128];
    save(location, sizeof location, gate.location);
    for (size_t i = 0; good[i] != NULL; i++) {
        assert_int_equal(gate_ask(0, "GET", location, good[i], NULL), 200);
    }
    assert_int_equal(gate_ask(0, "GET", location, "Accept: application/fhir+xml", NULL), 406);
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\nAccept: text/html", gate_observation("2", "")),
                     406);
    assert_int_equal(gate_waiting(), 1);

    char target[160];
    (void)snprintf(target, sizeof target, "%s?_format=json&_pretty=true", location);
    assert_int_equal(gate_ask(0, "GET", target, "Accept: application/fhir+xml", NULL), 200);
    (void)snprintf(target, sizeof target, "%s?_format=xml", location);
    assert_int_equal(gate_ask(0, "GET", target, "", NULL), 406);
    assert_int_equal(
        gate_ask(0, "POST", "/fhir/Observation?_format=application/fhir%2Bjson", JSON, gate_observation("3", "")), 201);
}

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

static void without_a_secret_nothing_is_taken_or_told(void **state) {
    (void)state;
    assert_int_equal(gate_post(-1, gate_observation("1", "")), 401);
    gate_assert_outcome("login", "Bearer");
    assert_int_equal(gate.challenges, 2);
    assert_int_equal(gate_ask(-1, "GET", "/fhir/Observation/x", "", NULL), 401);
    assert_int_equal(gate_ask(-1, "GET", "/somewhere", "", NULL), 401);
    assert_int_equal(
        gate_ask(-1, "POST", "/fhir/Observation", JSON "\nAuthorization: Bearer x", gate_observation("1", "")), 401);

    /* The secret of a device that sends files, and of one that is configured no more. */
    assert_int_equal(gate_post(2, gate_observation("1", "")), 403);
    gate_assert_outcome("forbidden", "configuration");
    gate.config.device_count = 3;
    assert_int_equal(gate_post(3, gate_observation("1", "")), 403);
    assert_int_equal(gate_waiting(), 0);

    for (int i = 0; i < 6; i++) {
        (void)gate_ask(-1, "POST", "/fhir/Observation", JSON "\nAuthorization: Bearer x", "{}");
    }
    assert_int_equal(gate.answer.status, 429);
    assert_string_equal(gate.retry, "60");
    gate_assert_outcome("throttled", NULL);
}

static void places_have_their_methods(void **state) {
    (void)state;
    assert_int_equal(gate_ask(0, "GET", "/fhir/Observation", "", NULL), 405);
    assert_string_equal(gate.allow, "POST, OPTIONS");
    assert_int_equal(gate_ask(0, "GET", "/fhir/Observation?code=x", "", NULL), 405);
    assert_int_equal(gate_ask(0, "DELETE", "/fhir/Observation/x", "", NULL), 405);
    assert_string_equal(gate.allow, "GET, HEAD, PUT, OPTIONS");
    assert_int_equal(gate_ask(0, "PATCH", "/fhir/Observation/x", "", "{}"), 405);
    assert_int_equal(gate_ask(0, "GET", "/fhir", "", NULL), 405);
    assert_int_equal(gate_ask(0, "POST", "/fhir/metadata", JSON, "{}"), 405);
    assert_int_equal(gate_ask(-1, "OPTIONS", "/fhir/Observation/", "", NULL), 204);
    assert_string_equal(gate.allow, "POST, OPTIONS");

    static const char *const nowhere[] = {"/",
                                          "/fhirx",
                                          "/fhir/Observation/a/b",
                                          "/fhir/Observation/a_b",
                                          "/fhir//x",
                                          "/fhir/Observation/..",
                                          "/fhir/observation",
                                          "/fhir/Observation/%2e",
                                          NULL};
    for (size_t i = 0; nowhere[i] != NULL; i++) {
        unsigned status = gate_ask(0, "GET", nowhere[i], "", NULL);
        assert_int_equal(status, 404);
        gate_assert_outcome("not-found", NULL);
    }
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation/", JSON, gate_observation("1", "")), 201);
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a", JSON "\nIf-Match: W/\"1\"", gate_observation("1", "")),
                     422);
}

static void it_says_what_it_does(void **state) {
    (void)state;
    assert_int_equal(gate_ask(-1, "GET", "/fhir/metadata", "", NULL), 200);
    assert_non_null(strstr(gate.body, "\"resourceType\":\"CapabilityStatement\""));
    assert_non_null(strstr(gate.body, "\"fhirVersion\":\"4.0.1\""));
    assert_non_null(strstr(gate.body, "{\"code\":\"create\"}"));
    assert_non_null(strstr(gate.body, "{\"code\":\"transaction\"}"));
    assert_false(gate.answer.held);
    assert_int_equal(gate_ask(-1, "HEAD", "/fhir/metadata/", "", NULL), 200);
    assert_int_equal(gate_ask(-1, "GET", "/fhir/metadata", "Accept: application/fhir+xml", NULL), 406);
}

/* ---- what is wanted back ----------------------------------------------------------------------------------------- */

static void a_device_gets_back_what_it_prefers(void **state) {
    (void)state;
    assert_int_equal(
        gate_ask(0, "POST", "/fhir/Observation", JSON "\nPrefer: return=minimal", gate_observation("1", "")), 201);
    assert_int_equal(gate.answer.body.len, 0);
    assert_null(gate.answer.content_type);
    assert_true(gate.location[0] != '\0');

    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\nPrefer: respond-async, return=representation",
                              gate_observation("2", "")),
                     201);
    assert_ptr_equal(strstr(gate.body, "{\"id\":\"sbs-"), gate.body);
    assert_non_null(strstr(gate.body, "36.50"));
    assert_null(strstr(gate.body, SBS_FORWARD_SYSTEM_GATEWAY));
    assert_true(gate.answer.held);

    /* What is refused is told whatever is preferred. */
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\nPrefer: return=minimal", "{}"), 422);
    gate_assert_outcome("required", NULL);
    assert_int_equal(gate_ask(0, "POST", "/fhir/Observation", JSON "\nPrefer: return=representation", "{}"), 422);
    gate_assert_outcome("required", NULL);
    assert_int_equal(
        gate_ask(0, "POST", "/fhir/Observation", JSON "\nPrefer: return=OperationOutcome", gate_observation("3", "")),
        201);
    gate_assert_outcome("informational", NULL);
}

static void a_device_learns_what_became_of_its_own(void **state) {
    char location[128];
    (void)state;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    gate_commit();
    save(location, sizeof location, gate.location);
    assert_int_equal(gate_ask(0, "GET", location, "", NULL), 200);
    gate_assert_outcome("informational", "\"text\":\"waiting\"");
    assert_int_equal(gate_ask(1, "GET", location, "", NULL), 404);
    assert_int_equal(gate_ask(0, "HEAD", location, "", NULL), 200);

    assert_int_equal(rig.port.ops->settle(rig.port.ctx, 1, SBS_QUEUE_DEAD, "refused", "error invalid: no such code"),
                     SBS_OK);
    assert_int_equal(gate_ask(0, "GET", location, "", NULL), 200);
    gate_assert_outcome("processing", "\"text\":\"dead\"");
    gate_assert_outcome(NULL, "refused: error invalid: no such code");

    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, 1), SBS_OK);
    assert_int_equal(rig_settle(1, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    rig_reopen();
    assert_int_equal(gate_ask(0, "GET", location, "", NULL), 200);
    gate_assert_outcome("informational", "\"text\":\"delivered\"");
    assert_int_equal(gate_ask(0, "GET", "/fhir/Observation/sbs-0000000000000000000000000000000000000000", "", NULL),
                     404);
    gate_assert_outcome("not-found", NULL);
}

static void a_put_creates_repeats_and_updates(void **state) {
    const char *other = gate_observation("", "\"note\":[{\"text\":\"x\"}]");
    (void)state;
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-1", JSON, gate_observation("", "")), 201);
    assert_string_equal(gate.location, "/fhir/Observation/a-1");
    gate_commit();
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-1", JSON, gate_observation("", "\"id\":\"a-1\"")), 409);
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-1", JSON, gate_observation("", "")), 200);
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-1", JSON, other), 409);
    gate_assert_outcome("duplicate", "no updates by PUT");
    assert_int_equal(gate_ask(3, "PUT", "/fhir/Observation/a-1", JSON, other), 201);
    assert_int_equal(gate_waiting(), 2);

    gate.intake.updates = true;
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-1", JSON, other), 200);
    gate_assert_outcome("informational", "update");
    assert_true(gate.answer.held);
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-1", JSON, other), 200);
    assert_int_equal(gate_waiting(), 3);
    assert_int_equal(gate_ask(0, "GET", "/fhir/Observation/a-1", "", NULL), 200);
    assert_int_equal(gate_ask(0, "PUT", "/fhir/Observation/a-2", JSON, gate_observation("", "\"id\":\"a-1\"")), 400);
    gate_assert_at("Observation.id");

    /* What was posted can be put where it was found. */
    char location[128];
    assert_int_equal(gate_post(0, gate_observation("9", "")), 201);
    save(location, sizeof location, gate.location);
    assert_int_equal(gate_ask(0, "PUT", location, JSON, gate_observation("9", "")), 200);
    assert_string_equal(gate.location, location);
}

static void a_health_devices_measurement_names_its_gateway(void **state) {
    (void)state;
    const char *gateway = "\"http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice\",\"valueReference\":{"
                          "\"reference\":\"Device/clinic-12\"}";
    assert_int_equal(gate_post(1, gate_observation("1", "")), 201);
    assert_non_null(strstr(gate_stored(1), gateway));
    assert_int_equal(gate_post(1, gate_observation("2", "\"extension\":[{\"url\":\"urn:x\",\"valueString\":\"y\"}]")),
                     201);
    assert_non_null(strstr(gate_stored(2), gateway));
    assert_non_null(strstr(gate_stored(2), "}},{\"url\":\"urn:x\""));
    assert_int_equal(
        gate_post(1, gate_observation("3",
                                      "\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
                                      "observation-gatewayDevice\",\"valueReference\":{\"reference\":\"Device/1\"}}]")),
        201);
    assert_null(strstr(gate_stored(3), "clinic-12\"}"));

    /* However lists stand there, what is stored is JSON. */
    const char *odd =
        "\xEF\xBB\xBF { \"extension\" : [ ] , \"code\":{\"text\":\"t\"}, \"identifier\":[],\"status\":\"final\","
        "\"resourceType\":\"Observation\"}";
    assert_int_equal(gate_post(1, odd), 201);
    bool identified = false;
    sbs_forward_adder adder = {.queue = &rig.queue};
    assert_null(sbs_forward_add_check(&adder, sbs_text_of(gate_stored(4)), &identified));
    assert_true(identified);
}

/* ---- a gateway in trouble ---------------------------------------------------------------------------------------- */

static void a_gateway_that_cannot_store_says_when_to_come_again(void **state) {
    (void)state;
    gate.intake.full = true;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 503);
    assert_string_equal(gate.retry, "60");
    gate_assert_outcome("throttled", "disk");
    gate.intake.full = false;
    gate.intake.failing = true;
    assert_int_equal(gate_post(0, gate_observation("1", "")), 503);
    assert_string_equal(gate.retry, "60");
    gate_assert_outcome("no-store", NULL);
    gate.intake.failing = false;

    rig.config.items_max = 1;
    rig_reopen();
    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    assert_int_equal(gate_post(0, gate_observation("2", "")), 503);
    gate_assert_outcome("throttled", "full");
    assert_false(gate.answer.held);
    assert_int_equal(gate_post(0, gate_observation("1", "")), 200);
    gate_commit();
    assert_int_equal(gate.counts[0].refused, 0); /* it comes again */

    sbs_linux_http_answer lost = {.status = 201};
    sbs_gateway_intake_lost(&gate.intake, &lost);
    assert_int_equal(lost.status, 503);
    assert_false(lost.held);

    rig.config.items_max = 0;
    rig_reopen();
    rig_tamper("DROP TABLE sbs_body");
    assert_int_equal(gate_post(0, gate_observation("3", "")), 503);
    gate_assert_outcome("no-store", NULL);
    assert_false(gate.answer.held);
}

static void a_measurement_without_a_time_is_marked_for_its_arrival(void **state) {
    static const char undated[] = "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"t\"}}";
    sbs_sqlite_entry entry;
    (void)state;
    assert_int_equal(gate_post(0, undated), 201);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 1, &entry), SBS_OK);
    assert_int_equal(entry.item.meta.format, SBS_FORWARD_BY_IDENTIFIER | SBS_FORWARD_UNDATED);
    assert_int_equal(entry.item.meta.utc_s, RIG_NOW);

    gate.now.utc_s = SBS_UTC_UNKNOWN;
    assert_int_equal(gate_post(0, undated), 201);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 2, &entry), SBS_OK);
    assert_true(entry.item.meta.utc_s == SBS_UTC_UNKNOWN);
    assert_int_equal(entry.item.meta.boot_id, 77);
    assert_int_equal(entry.item.meta.uptime_ms, 50000);
    assert_int_equal(entry.item.meta.format & SBS_FORWARD_UNDATED, SBS_FORWARD_UNDATED);

    assert_int_equal(gate_post(0, gate_observation("1", "")), 201);
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 3, &entry), SBS_OK);
    assert_int_equal(entry.item.meta.format & SBS_FORWARD_UNDATED, 0);
}

int main(void) {
#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, gate_set_up, gate_tear_down)
    const struct CMUnitTest tests[] = {
        GATE_TEST(an_observation_is_stored_before_the_yes),
        GATE_TEST(a_repeat_gets_200_and_stores_nothing),
        GATE_TEST(other_content_under_an_identifier_is_409),
        GATE_TEST(what_is_told_of_an_open_group_waits_for_it),
        GATE_TEST(two_devices_may_use_one_identifier),
        GATE_TEST(lane_and_name_come_from_the_secret_alone),
        GATE_TEST(one_without_an_identifier_gets_one),
        GATE_TEST(text_that_is_no_json_is_400_with_its_byte),
        GATE_TEST(what_is_missing_or_wrong_is_422_with_its_path),
        GATE_TEST(other_types_are_422_not_supported),
        GATE_TEST(what_is_too_large_is_413),
        GATE_TEST(a_deep_and_wide_resource_takes_no_time),
        GATE_TEST(only_json_is_taken),
        GATE_TEST(answers_are_json_or_406),
        GATE_TEST(without_a_secret_nothing_is_taken_or_told),
        GATE_TEST(places_have_their_methods),
        GATE_TEST(it_says_what_it_does),
        GATE_TEST(a_device_gets_back_what_it_prefers),
        GATE_TEST(a_device_learns_what_became_of_its_own),
        GATE_TEST(a_put_creates_repeats_and_updates),
        GATE_TEST(a_health_devices_measurement_names_its_gateway),
        GATE_TEST(a_gateway_that_cannot_store_says_when_to_come_again),
        GATE_TEST(a_measurement_without_a_time_is_marked_for_its_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
