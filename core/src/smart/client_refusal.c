/* SPDX-License-Identifier: Apache-2.0 */
/* What the body of a refusal says: for programs that name it. */
#include "smart/client_internal.h"
#include "json/flat_lookup.h"

/* Notes whether the body is a web page, and that somebody else spoke than the FHIR server where it is one, or XML that
 * is no OperationOutcome; the words of XML. */
static void refusal_note_page(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_detail *detail = &client->priv.detail;
    sbs_text body = sbs_client_body(client);
    bool foreign = answer->body_dropped && answer->has_type && !answer->is_json; /* too long to look at */

    if (body.len > 0 && *body.ptr == '<') {
        foreign = true;
    }

    detail->page = foreign;
    if (foreign && config->read_xml != NULL) {
        sbs_xml_kind kind = config->read_xml(body, client->priv.said, client->priv.said_size);
        detail->page = kind == SBS_XML_PAGE;
        foreign = kind != SBS_XML_OUTCOME;
    }

    /* A gateway, too, knows what is too large. */
    if (foreign && answer->status != 413) {
        detail->fault = SBS_FAULT_ACCESS;
    }
}

/* True if the body is JSON whose words were read, or that has none. */
static bool refusal_read_json(sbs_client *client, sbs_outcome_hint *out_hint) {
    const sbs_client_config *config = client->priv.config;
    char *words = client->priv.said;
    size_t size = client->priv.said_size;
    sbs_flat doc;
    bool transient = false;

    if (sbs_client_read_json(client, &doc) != SBS_OK) {
        return false;
    }

    /* An error of OAuth (RFC 6750 section 3.1) belongs into the head; some servers have it here. */
    *out_hint = SBS_HINT_TOKEN;
    if (!sbs_flat_lookup_is(&doc, 0, "error", sbs_client_invalid_token)) {
        *out_hint = sbs_outcome_hint_of(&doc, 0);
    }

    bool read = true;
    if (config->read_words != NULL) {
        (void)!config->read_words(&doc, words, size, &transient);
    } else {
        read = sbs_outcome_read(&doc, 0, words, size, &transient) == SBS_OK && words[0] != '\0';
    }
    if (transient && *out_hint == SBS_HINT_NONE) { /* as an outcome within an entry says */
        *out_hint = SBS_HINT_LATER;
    }

    return read;
}

sbs_outcome_hint sbs_client_read_refusal(struct sbs_client *client, bool words) {
    sbs_outcome_hint hint = SBS_HINT_NONE;

    if (words && !refusal_read_json(client, &hint)) {
        sbs_text body = sbs_client_body(client);
        if (body.len > 0 && *body.ptr != '<') { /* a page is not for a line */
            sbs_client_say(client, body);
        }
    }

    refusal_note_page(client);
    return hint;
}
