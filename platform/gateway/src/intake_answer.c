/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in FHIR's words: OperationOutcome, Bundle, and the fields beside them. */
#include <stdio.h>
#include <string.h>

#include "intake_internal.h"

#define JSON_TYPE "application/fhir+json"
#define RETRY_S "60"

/* ---- Prefer ------------------------------------------------------------------------------------------------------ */

static bool text_contains(sbs_text text, const char *words) {
    size_t len = strlen(words);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (sbs_text_equal_nocase((sbs_text){text.ptr + i, len}, (sbs_text){words, len})) {
            return true;
        }
    }
    return false;
}

sbs_intake_wish sbs_intake_wish_of(const sbs_linux_http_request *request) {
    sbs_text prefer = sbs_linux_http_request_field(request, "Prefer");
    if (text_contains(prefer, "return=minimal")) {
        return SBS_INTAKE_MINIMAL;
    }
    if (text_contains(prefer, "return=representation")) {
        return SBS_INTAKE_REPRESENTATION;
    }
    return SBS_INTAKE_OUTCOME;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static void put_details(sbs_json_writer *json, const char *details) {
    if (details == NULL) {
        return;
    }
    sbs_json_key(json, "details");
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "text", sbs_text_of(details));
    sbs_json_end_object(json);
}

void sbs_intake_put_outcome(sbs_json_writer *json, const sbs_intake_result *result) {
    const char *code = result->code;
    const char *severity = "error";
    if (code == NULL) {
        code = "informational";
        severity = "information";
    }

    sbs_json_begin_object(json);
    sbs_json_member_text(json, "resourceType", SBS_TEXT("OperationOutcome"));
    sbs_json_key(json, "issue");
    sbs_json_begin_array(json);
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "severity", sbs_text_of(severity));
    sbs_json_member_text(json, "code", sbs_text_of(code));
    put_details(json, result->details);
    if (result->words[0] != '\0') {
        sbs_json_member_text(json, "diagnostics", sbs_text_of(result->words));
    }

    if (result->expression[0] != '\0') {
        sbs_json_key(json, "expression");
        sbs_json_begin_array(json);
        sbs_json_put_string(json, result->expression);
        sbs_json_end_array(json);
    }
    sbs_json_end_object(json);
    sbs_json_end_array(json);
    sbs_json_end_object(json);
}

static void answer_set_body(sbs_gateway_intake *intake, sbs_linux_http_answer *out) {
    out->content_type = JSON_TYPE;
    out->body = sbs_forward_buffer_text(&intake->priv.text);
}

/* A writer into the answer's memory, which is emptied. */
static void answer_begin(sbs_gateway_intake *intake, sbs_writer *out, sbs_json_writer *json) {
    sbs_forward_buffer_clear(&intake->priv.text);
    sbs_writer_init_sink(out, sbs_forward_buffer_put, &intake->priv.text);
    sbs_json_writer_init(json, out);
}

/* True if the answer tells of what may be in the open group, as a 409 does: without the other there is no conflict. */
static bool result_tells_of_group(const sbs_intake_result *result) {
    return result->known || result->status == 409;
}

/* Status, place and patience; an answer that tells of what is in an open group waits for it. */
static void answer_set_head(sbs_gateway_intake *intake, const sbs_intake_result *result, sbs_linux_http_answer *out) {
    out->status = result->status;
    out->held = result_tells_of_group(result);

    if (result->id[0] != '\0' && result->status < 300) {
        (void)snprintf(intake->priv.location, sizeof intake->priv.location, SBS_INTAKE_BASE "/" SBS_INTAKE_TYPE "/%s",
                       result->id);
        sbs_linux_http_answer_add(out, "Location", intake->priv.location);
    }
    if (result->status == 503) {
        sbs_linux_http_answer_add(out, "Retry-After", RETRY_S);
    }
}

void sbs_intake_answer(sbs_gateway_intake *intake, const sbs_linux_http_request *request,
                       const sbs_intake_result *result, sbs_linux_http_answer *out) {
    sbs_writer writer;
    sbs_json_writer json;
    answer_set_head(intake, result, out);
    if (result->status < 300 && sbs_intake_wish_of(request) == SBS_INTAKE_MINIMAL &&
        !sbs_text_equal(request->method, SBS_TEXT("GET"))) {
        return;
    }

    answer_begin(intake, &writer, &json);
    sbs_intake_put_outcome(&json, result);
    if (sbs_json_writer_finish(&json, NULL) == SBS_OK) {
        answer_set_body(intake, out);
    }
}

void sbs_intake_answer_with(sbs_gateway_intake *intake, const sbs_intake_result *result, sbs_linux_http_answer *out) {
    answer_set_head(intake, result, out);
    answer_set_body(intake, out);
}

/* ---- a Bundle ---------------------------------------------------------------------------------------------------- */

static const char *phrase_of(uint16_t status) {
    switch (status) {
    case 200:
        return "200 OK";
    case 201:
        return "201 Created";
    case 400:
        return "400 Bad Request";
    case 405:
        return "405 Method Not Allowed";
    case 409:
        return "409 Conflict";
    case 413:
        return "413 Content Too Large";
    case 422:
        return "422 Unprocessable Content";
    default:
        return "503 Service Unavailable";
    }
}

static void put_entry(sbs_json_writer *json, const sbs_intake_result *result, bool with_outcomes) {
    char location[96];
    sbs_json_begin_object(json);
    sbs_json_key(json, "response");
    sbs_json_begin_object(json);
    sbs_json_member_text(json, "status", sbs_text_of(phrase_of(result->status)));

    if (result->status < 300) {
        (void)snprintf(location, sizeof location, SBS_INTAKE_TYPE "/%s", result->id);
        sbs_json_member_text(json, "location", sbs_text_of(location));
    }
    if (result->status >= 300 || with_outcomes) {
        sbs_json_key(json, "outcome");
        sbs_intake_put_outcome(json, result);
    }
    sbs_json_end_object(json);
    sbs_json_end_object(json);
}

void sbs_intake_answer_bundle(sbs_gateway_intake *intake, const sbs_intake_bundle *bundle, bool with_outcomes,
                              sbs_linux_http_answer *out) {
    sbs_writer writer;
    sbs_json_writer json;
    answer_begin(intake, &writer, &json);
    sbs_json_begin_object(&json);
    sbs_json_member_text(&json, "resourceType", SBS_TEXT("Bundle"));
    sbs_json_member_text(&json, "type",
                         bundle->transaction ? SBS_TEXT("transaction-response") : SBS_TEXT("batch-response"));

    if (bundle->count > 0) {
        sbs_json_key(&json, "entry");
        sbs_json_begin_array(&json);
        for (size_t i = 0; i < bundle->count; i++) {
            put_entry(&json, &bundle->results[i], with_outcomes);
            out->held = out->held || result_tells_of_group(&bundle->results[i]);
        }
        sbs_json_end_array(&json);
    }
    sbs_json_end_object(&json);

    out->status = 200;
    if (sbs_json_writer_finish(&json, NULL) == SBS_OK) {
        answer_set_body(intake, out);
        return;
    }

    /* What is stored stays, and the same again is told as such. */
    sbs_intake_result result = {0};
    (void)sbs_intake_refuse(&result, 503, "throttled", "", "the gateway is short of memory, try again");
    out->held = false;
    answer_set_head(intake, &result, out);
}
