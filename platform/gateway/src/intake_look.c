/* SPDX-License-Identifier: Apache-2.0 */
/* What a device may ask: what became of its measurement, and what is understood here. */
#include <stdio.h>
#include <string.h>

#include "intake_internal.h"
#include "sbs/version.h"

#define STATEMENT_DATE "2026-11-29" /* of the last change of what it says */

/* ---- what became of one ------------------------------------------------------------------------------------------ */

static void look_tell_waiting(const sbs_sqlite_entry *entry, sbs_intake_result *result) {
    result->details = "waiting";
    if (entry->reason[0] == '\0') {
        (void)snprintf(result->words, sizeof result->words, "it waits to be forwarded");
        return;
    }
    (void)snprintf(result->words, sizeof result->words, "it waits to be forwarded; the last attempt: %s",
                   entry->reason);
}

/* Why it is dead is not the request's fault: the answer is good, and its issue tells of an error. */
static void look_tell_dead(const sbs_sqlite_entry *entry, sbs_intake_result *result) {
    (void)sbs_intake_refuse(result, 200, "processing", "", "the server did not take it: %s%s%.200s", entry->reason,
                            entry->words[0] != '\0' ? ": " : "", entry->words);
    result->details = "dead";
}

static void look_tell(const sbs_gateway_intake *intake, const sbs_sqlite_known *known, sbs_intake_result *result) {
    sbs_sqlite_entry entry;
    result->known = true; /* it may be of the group that is open */
    if (known->state == SBS_SQLITE_DELIVERED) {
        result->details = "delivered";
        (void)snprintf(result->words, sizeof result->words, "it is on the server");
        return;
    }
    if (sbs_sqlite_queue_find(intake->queue, known->id, &entry) != SBS_OK) {
        (void)sbs_intake_refuse(result, 503, "no-store", "", "the queue cannot be read now, try again");
        return;
    }

    if (entry.dead) {
        look_tell_dead(&entry, result);
    } else {
        look_tell_waiting(&entry, result);
    }
    result->words[sizeof result->words - 1] = '\0';
}

void sbs_intake_look(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_text id,
                     sbs_intake_result *result) {
    sbs_intake_name name;
    uint8_t identity[SBS_FORWARD_HASH_SIZE];
    sbs_sqlite_known known;
    *result = (sbs_intake_result){.status = 200};

    sbs_status status = sbs_intake_name_of_id(id, &name);
    if (status == SBS_OK) {
        status = sbs_intake_identity(intake->config->name, device->name, &name, identity);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_queue_known(intake->queue, identity, &known);
    }

    if (status == SBS_OK) {
        look_tell(intake, &known, result);
    } else if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_ARGUMENT) {
        (void)sbs_intake_refuse(result, 404, "not-found", "",
                                "nothing that this device gave is known under this id, or no longer");
    } else {
        (void)sbs_intake_refuse(result, 503, "no-store", "", "the queue cannot be read now, try again");
    }
}

/* ---- what is understood ------------------------------------------------------------------------------------------ */

static void put_code(sbs_json_writer *json, const char *code) {
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "code", sbs_text_of(code));
    sbs_json_end_object(json);
}

static void put_observation(const sbs_gateway_intake *intake, sbs_json_writer *json) {
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "type", SBS_TEXT(SBS_INTAKE_TYPE));
    sbs_json_key(json, "interaction");
    sbs_json_begin_array(json);
    put_code(json, "create");
    put_code(json, "update");
    put_code(json, "read");
    sbs_json_end_array(json);

    sbs_json_member_text(json, "versioning", SBS_TEXT("no-version"));
    sbs_json_key(json, "updateCreate");
    sbs_json_put_raw(json, SBS_TEXT("true"));
    sbs_json_key(json, "conditionalCreate");
    sbs_json_put_raw(json, SBS_TEXT("true"));
    sbs_json_member_text(
        json, "documentation",
        intake->updates
            ? SBS_TEXT("read tells what became of the Observation, as an OperationOutcome. If-None-Exist names an "
                       "identifier of the Observation itself. Other content under a known identifier: 409.")
            : SBS_TEXT("read tells what became of the Observation, as an OperationOutcome. If-None-Exist names an "
                       "identifier of the Observation itself. Other content under a known identifier or id: 409."));
    sbs_json_end_object(json);
}

static void put_rest(const sbs_gateway_intake *intake, sbs_json_writer *json) {
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "mode", SBS_TEXT("server"));
    sbs_json_key(json, "security");
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "description",
                         SBS_TEXT("Each device has a secret: Authorization: Bearer SECRET, or Basic with the device's "
                                  "name and the secret as password. A device sees what it gave itself."));
    sbs_json_end_object(json);

    sbs_json_key(json, "resource");
    sbs_json_begin_array(json);
    put_observation(intake, json);
    sbs_json_end_array(json);
    sbs_json_key(json, "interaction");
    sbs_json_begin_array(json);
    put_code(json, "transaction");
    put_code(json, "batch");
    sbs_json_end_array(json);
    sbs_json_end_object(json);
}

void sbs_intake_put_statement(const sbs_gateway_intake *intake, sbs_json_writer *json) {
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "resourceType", SBS_TEXT("CapabilityStatement"));
    sbs_json_member_text(json, "status", SBS_TEXT("active"));
    sbs_json_member_text(json, "date", SBS_TEXT(STATEMENT_DATE));
    sbs_json_member_text(json, "kind", SBS_TEXT("instance"));
    sbs_json_key(json, "software");
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "name", SBS_TEXT("sbs-gateway"));
    sbs_json_member_text(json, "version", SBS_TEXT(SBS_VERSION));
    sbs_json_end_object(json);

    sbs_json_key(json, "implementation");
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "description",
                         SBS_TEXT("A gateway: it stores Observations durably and forwards each to the FHIR server"));
    sbs_json_end_object(json);
    sbs_json_member_text(json, "fhirVersion", SBS_TEXT("4.0.1"));
    sbs_json_key(json, "format");
    sbs_json_begin_array(json);
    sbs_json_put_string(json, "json");
    sbs_json_end_array(json);

    sbs_json_key(json, "rest");
    sbs_json_begin_array(json);
    put_rest(intake, json);
    sbs_json_end_array(json);
    sbs_json_end_object(json);
}
