/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/outcome.h"
#include "sbs/count.h"

#include "http/message.h"
#include "json/flat_lookup.h"

sbs_json_node sbs_outcome_error(const sbs_flat *doc, sbs_json_node outcome) {
    sbs_json_node issue = sbs_flat_lookup_first(doc, outcome, "issue");

    while (issue != SBS_JSON_NONE &&
           sbs_flat_lookup_place(doc, sbs_flat_lookup(doc, issue, "severity"), "error\0fatal\0") == 0) {
        issue = sbs_flat_next(doc, issue);
    }
    return issue;
}

/* The first error, without one the first of the others. */
static sbs_json_node outcome_issue(const sbs_flat *doc, sbs_json_node outcome) {
    sbs_json_node issue = SBS_JSON_NONE;

    if (sbs_flat_lookup_is(doc, outcome, "resourceType", "OperationOutcome")) {
        issue = sbs_outcome_error(doc, outcome);
        if (issue == SBS_JSON_NONE) {
            issue = sbs_flat_lookup_first(doc, outcome, "issue");
        }
    }
    return issue;
}

/* Last, "transient" and the codes below it, and "exception", which servers use for faults of their own. */
static sbs_outcome_hint outcome_hint(const sbs_flat *doc, sbs_json_node issue) {
    static const char codes[] = "login\0expired\0security\0forbidden\0suppressed\0"
                                "transient\0throttled\0lock-error\0timeout\0no-store\0exception\0incomplete\0";
    unsigned place = sbs_flat_lookup_place(doc, sbs_flat_lookup(doc, issue, "code"), codes);

    if (place == 0) {
        return SBS_HINT_NONE;
    }
    if (place <= 2) {
        return SBS_HINT_TOKEN;
    }
    if (place <= 5) {
        return SBS_HINT_ACCESS;
    }
    return SBS_HINT_LATER;
}

sbs_outcome_hint sbs_outcome_hint_of(const sbs_flat *doc, sbs_json_node outcome) {
    return outcome_hint(doc, outcome_issue(doc, outcome));
}

/* Of the members that may hold words, the first that does. */
static void outcome_put_words(sbs_message *message, const sbs_flat *doc, sbs_json_node issue) {
    sbs_json_node details = sbs_flat_lookup(doc, issue, "details");
    sbs_json_node words[] = {
        sbs_flat_lookup(doc, issue, "diagnostics"),
        sbs_flat_lookup(doc, details, "text"),
        sbs_flat_lookup(doc, sbs_flat_lookup_first(doc, details, "coding"), "display"),
    };

    size_t before = message->len;

    for (size_t i = 0; i < SBS_COUNT_OF(words) && message->len == before; i++) {
        sbs_message_put(message, ": ", doc, words[i]);
    }
}

sbs_status sbs_outcome_read(const sbs_flat *doc, sbs_json_node outcome, char *out_text, size_t size,
                            bool *out_transient) {
    sbs_message message;

    sbs_message_init(&message, out_text, size);
    *out_transient = false;
    sbs_json_node issue = outcome_issue(doc, outcome);
    if (issue == SBS_JSON_NONE) {
        return SBS_ERR_NOT_FOUND;
    }

    *out_transient = outcome_hint(doc, issue) == SBS_HINT_LATER;
    sbs_message_put(&message, "", doc, sbs_flat_lookup(doc, issue, "severity"));
    sbs_message_put(&message, " ", doc, sbs_flat_lookup(doc, issue, "code"));
    sbs_message_put(&message, " at ", doc, sbs_flat_lookup_first(doc, issue, "expression"));
    outcome_put_words(&message, doc, issue);
    return SBS_OK;
}

/* ---- words in any JSON ------------------------------------------------------------------------------------------- */

/* The OperationOutcome of a document: itself, or the first inside an entry of a Bundle. */
static sbs_json_node outcome_find(const sbs_flat *doc) {
    sbs_json_node outcome = 0;
    sbs_json_node entry = sbs_flat_lookup_first(doc, 0, "entry");

    while (!sbs_flat_lookup_is(doc, outcome, "resourceType", "OperationOutcome") && entry != SBS_JSON_NONE) {
        outcome = sbs_flat_lookup(doc, entry, "resource");
        entry = sbs_flat_next(doc, entry);
    }
    return outcome;
}

/* Further errors, as far as there is room: a server that checks a resource tells all that is wrong with it at once. */
static void outcome_add_others(const sbs_flat *doc, sbs_json_node outcome, char *out_text, size_t size) {
    sbs_message message = {out_text, size, strlen(out_text)};
    sbs_json_node issue = sbs_outcome_error(doc, outcome);
    if (issue == SBS_JSON_NONE) {
        return;
    }

    while ((issue = sbs_flat_next(doc, issue)) != SBS_JSON_NONE) {
        if (sbs_flat_lookup_place(doc, sbs_flat_lookup(doc, issue, "severity"), "error\0fatal\0") != 0) {
            sbs_message_put(&message, "; ", doc, sbs_flat_lookup(doc, issue, "code"));
            sbs_message_put(&message, " at ", doc, sbs_flat_lookup_first(doc, issue, "expression"));
            outcome_put_words(&message, doc, issue);
        }
    }
}

sbs_status sbs_words_read(const sbs_flat *doc, char *out_text, size_t size, bool *out_transient) {
    static const char *const names[] = {"error", "title", "message", "error_description", "detail", "validationErrors",
                                        "errors"};
    sbs_message message;
    sbs_json_node outcome = outcome_find(doc);
    sbs_status status = sbs_outcome_read(doc, outcome, out_text, size, out_transient);
    if (status == SBS_OK && out_text[0] != '\0') {
        outcome_add_others(doc, outcome, out_text, size);
        return SBS_OK;
    }

    sbs_message_init(&message, out_text, size);
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        sbs_json_node node = sbs_flat_lookup(doc, 0, names[i]);
        sbs_json_node inner = sbs_flat_lookup(doc, node, "message");

        if (inner != SBS_JSON_NONE) {
            sbs_message_put(&message, ": ", doc, inner);
            continue;
        }

        sbs_message_put(&message, ": ", doc, node);
        if (sbs_flat_first(doc, node) != SBS_JSON_NONE) {
            sbs_message_put_text(&message, ": ", sbs_flat_raw(doc, node)); /* a list of faults */
        }
    }

    if (message.len == 0 && sbs_flat_raw(doc, 0).len > 2) { /* more than empty brackets */
        sbs_message_put_text(&message, "", sbs_flat_raw(doc, 0));
    }
    if (message.len == 0) {
        return SBS_ERR_NOT_FOUND;
    }

    return SBS_OK;
}
