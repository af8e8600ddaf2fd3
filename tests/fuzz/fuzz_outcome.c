/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR answers: OperationOutcome, answered Bundles, CapabilityStatements and Locations from the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "sbs/confirm.h"

#define TOKENS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_location(sbs_text location) {
    sbs_text type;
    sbs_text id;
    if (sbs_location_parse(location, &type, &id) != SBS_OK) {
        return;
    }
    if (!sbs_fhir_type_is_valid(type) || !sbs_fhir_id_is_valid(id) || type.ptr < location.ptr ||
        id.ptr + id.len > location.ptr + location.len || type.ptr + type.len >= id.ptr) {
        abort();
    }
}

static void check_bundle(const sbs_json *doc) {
    sbs_json_node node;
    sbs_bundle_answer entry;
    if (sbs_bundle_first_answer(doc, &node) != SBS_OK) {
        return;
    }
    for (; node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        if (sbs_bundle_answer_read(doc, node, &entry) == SBS_OK) {
            check_location(entry.location);
            if (entry.status > 999) {
                abort();
            }
        }
    }
}

static void check_line(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            abort();
        }
    }
}

static void check_words(const sbs_flat *doc) {
    char text[48];
    bool transient;
    if (sbs_words_read(doc, text, sizeof text, &transient) == SBS_OK && text[0] == '\0') {
        abort();
    }
    check_line(text);
}

/* A 200 with this body is believed only if it is of the type written, or an OperationOutcome. */
static void check_confirmation(const sbs_flat *doc) {
    const sbs_written written = {.type = SBS_TEXT("Observation"), .value = SBS_TEXT("v")};
    const sbs_answered answered = {.status = 200, .body = SBS_BODY_JSON, .doc = doc, .outcome = SBS_JSON_NONE};
    sbs_json_node type;
    const char *why;
    sbs_status status = sbs_confirm(&written, &answered, &why);
    if (status == SBS_OK &&
        (sbs_flat_member(doc, 0, "resourceType", &type) != SBS_OK ||
         (!sbs_flat_is(doc, type, SBS_TEXT("Observation")) && !sbs_flat_is(doc, type, SBS_TEXT("OperationOutcome"))))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_json_token tokens[TOKENS];
    sbs_json doc;
    sbs_flat flat;
    sbs_capability capability;
    bool transient;
    char text[48];
    const char *input = (const char *)data;
    check_location((sbs_text){input, size});
    if (sbs_flat_parse(&flat, input, size) == SBS_OK) {
        if (sbs_outcome_read(&flat, 0, text, sizeof text, &transient) == SBS_OK) {
            check_line(text);
        }
        check_words(&flat);
        check_confirmation(&flat);
    }
    if (sbs_json_parse(&doc, input, size, tokens, TOKENS, NULL) == SBS_OK) {
        check_bundle(&doc);
        (void)sbs_capability_token_url(&doc);
        return sbs_capability_read(&doc, "Observation", &capability) > SBS_OK;
    }
    return 0;
}
