/* SPDX-License-Identifier: Apache-2.0 */
/* Several items of the push engine in one Bundle: its entries, and what the answer says of each. */
#include "push/push_internal.h"
#include "sbs/confirm.h"
#include "json/lookup.h"

#define PLACE_MAX 0x3FFFFFFFu

/* ---- the request -------------------- */

/* In a Bundle the request follows the resource; an encoded search needs no escaping in JSON. */
static void batch_put_entry(sbs_push *push, const sbs_push_item *item, const sbs_push_identity *identity,
                            sbs_writer *out) {
    const sbs_push_encoder *encoder = &push->priv.config->encoder;
    if (push->priv.batch_len > 0) {
        sbs_put_string(out, ",{\"resource\":");
    } else {
        sbs_put_string(out, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"resource\":");
    }

    sbs_writer_fail(out, encoder->encode(encoder->ctx, item, identity, out));

    sbs_put_string(out, ",\"request\":{\"method\":\"");
    sbs_put_string(out, item->id.ptr != NULL ? "PUT" : "POST");
    sbs_put_string(out, "\",\"url\":\"");
    push->priv.sent[push->priv.batch_len].at = (uint32_t)(push->priv.body_len + out->len) & PLACE_MAX;
    sbs_put_string(out, push->priv.target);

    /* In PUT and POST alike a condition stands beside the target. */
    if (push->priv.conditional) {
        sbs_put_string(out, "\",\"ifNoneMatch\":\"*");
    }

    if (push->priv.write_mode == SBS_WRITE_IF_NONE_EXIST) {
        sbs_put_string(out, "\",\"ifNoneExist\":\"");
        sbs_identity_put_search(out, identity->system, identity->value);
    }

    sbs_put_string(out, "\"}}");
}

/* ---- the answer -------------------- */

/* Which item an answer speaks of is known by its place alone, unless it shows an id: then that must be the item's. */
typedef struct entry_view {
    sbs_bundle_answer entry;
    sbs_written written;
    sbs_text own_id; /* that a PUT asked for; written has none where any id will do */
    sbs_location_fit fit;
    sbs_text server_id; /* in the answer, or unescaped in the memory for one item, which is free by now */
} entry_view;

/* Type, and id of a PUT, as they stand in the request. */
static sbs_written batch_written_at(const sbs_push *push, unsigned number) {
    const char *target = push->priv.config->body + push->priv.sent[number].at;
    const char *end = strchr(target, '"');
    const char *slash = memchr(target, '/', (size_t)(end - target));
    if (slash == NULL) {
        return (sbs_written){.type = {target, (size_t)(end - target)}};
    }

    return (sbs_written){.type = {target, (size_t)(slash - target)}, .id = {slash + 1, (size_t)(end - slash - 1)}};
}

/* False if nothing can be read of it. */
static bool batch_view_entry(const sbs_push *push, unsigned number, sbs_json_node node, entry_view *out) {
    const sbs_push_config *config = push->priv.config;
    const sbs_json *doc = &push->priv.of.bundle.answer;
    sbs_text location = {NULL, 0};
    bool readable = sbs_bundle_answer_read(doc, node, &out->entry) == SBS_OK && out->entry.status != 0;

    if (readable) {
        location = out->entry.location;
    }

    /* Some servers escape each slash. */
    if (location.len > 0 && memchr(location.ptr, '\\', location.len) != NULL) {
        location = (sbs_text){config->item, 0};
        if (sbs_json_text(doc, out->entry.place, config->item, config->item_size, &location.len) != SBS_OK) {
            location.len = 0;
        }
    }

    out->written = batch_written_at(push, number);
    out->own_id = out->written.id;
    /* Some servers create what a PUT brings under an id of their own. */
    if (readable && out->entry.status == 201) {
        out->written.id = (sbs_text){NULL, 0};
    }

    out->fit = sbs_location_judge(location, &out->written, &out->server_id);
    return readable;
}

static sbs_status batch_confirm_entry(const sbs_push *push, const entry_view *seen, const char **out_why) {
    const sbs_bundle_answer *entry = &seen->entry;
    const sbs_json *tree = &push->priv.of.bundle.answer;
    sbs_flat doc;
    sbs_answered answered = {
        .status = entry->status,
        .location = seen->fit,
        .body = SBS_BODY_NONE,
        .doc = &doc,
        .resource = sbs_flat_of(&doc, tree, entry->resource),
        .outcome = sbs_flat_of(&doc, tree, entry->outcome),
    };

    if (entry->resource != SBS_JSON_NONE || entry->outcome != SBS_JSON_NONE) {
        answered.body = SBS_BODY_JSON;
    }

    return sbs_confirm(&seen->written, &answered, out_why);
}

/* True if it shows @p id, by its location or by the resource that came back. */
static bool entry_shows(const sbs_push *push, const entry_view *seen, sbs_text id) {
    const sbs_json *doc = &push->priv.of.bundle.answer;

    return sbs_text_equal(seen->server_id, id) ||
           (sbs_json_is(doc, sbs_lookup(doc, seen->entry.resource, "id"), id) &&
            sbs_json_is(doc, sbs_lookup(doc, seen->entry.resource, "resourceType"), seen->written.type));
}

/* True if it shows the id of its PUT. */
static bool entry_is_own(const sbs_push *push, const entry_view *seen) {
    return seen->own_id.ptr != NULL && entry_shows(push, seen, seen->own_id);
}

/* True if it shows the id of another PUT. */
static bool entry_is_anothers(const sbs_push *push, const entry_view *seen, unsigned number) {
    const sbs_json *doc = &push->priv.of.bundle.answer;
    if (seen->own_id.ptr == NULL || entry_is_own(push, seen)) {
        return false;
    }

    /* By its location, or by the resource that came back. */
    if (seen->fit == SBS_LOCATION_OTHER) {
        return true;
    }

    /* An id that the server gave itself is nobody's. */
    for (unsigned i = 0; seen->written.id.ptr == NULL && i < push->priv.batch_len; i++) {
        sbs_text other = batch_written_at(push, i).id;
        if (i != number && entry_shows(push, seen, other)) {
            return true;
        }
    }

    sbs_json_node id = sbs_lookup(doc, seen->entry.resource, "id");
    return seen->written.id.ptr != NULL && id != SBS_JSON_NONE && !sbs_json_is(doc, id, seen->own_id) &&
           sbs_json_is(doc, sbs_lookup(doc, seen->entry.resource, "resourceType"), seen->written.type);
}

/* True if it shows an id that the server gave to what a PUT created. */
static bool entry_has_given_id(const sbs_push *push, const entry_view *seen) {
    const sbs_json *doc = &push->priv.of.bundle.answer;
    bool given = seen->own_id.ptr != NULL && seen->written.id.ptr == NULL && !entry_is_own(push, seen);

    return given && (seen->server_id.len > 0 || sbs_lookup(doc, seen->entry.resource, "id") != SBS_JSON_NONE);
}

static const char batch_mixed[] = "some entries failed: its items go one by one";

/* As many answers as items; none shows the id of another; and where what was stored does not show an id of ours, as
 * conditional creates do not, all went well, or all say the same. A server gives ids itself to all or to none. */
static sbs_status batch_check_answer(sbs_push *push) {
    unsigned count = 0;
    unsigned stored = 0;
    unsigned alike = 0;
    unsigned given = 0;
    unsigned nameless = 0; /* stored, and it does not show what it is */
    unsigned first_status = 0;

    for (sbs_json_node node = push->priv.of.bundle.entry; node != SBS_JSON_NONE; count++) {
        entry_view seen;
        unsigned status = 0;
        bool confirmed = false;

        if (count >= push->priv.batch_len) {
            return SBS_ERR_RESPONSE;
        }

        if (batch_view_entry(push, count, node, &seen)) {
            status = seen.entry.status;
            if (entry_is_anothers(push, &seen, count)) {
                return SBS_ERR_RESPONSE;
            }
            given += entry_has_given_id(push, &seen);
            confirmed = batch_confirm_entry(push, &seen, NULL) == SBS_OK;
        }

        if (count == 0) {
            first_status = status;
        }

        alike += status == first_status;
        stored += confirmed;
        nameless += confirmed && !entry_is_own(push, &seen);
        node = sbs_json_next(&push->priv.of.bundle.answer, node);
    }

    /* Where answers may stand in another order, nothing is settled by place. */
    bool named = push->priv.write_mode == SBS_WRITE_PUT && nameless == 0;
    bool mixed = stored != 0 && stored != count && alike != count;
    bool told_apart = push->priv.write_mode == SBS_WRITE_PLAIN || named || stored == count || alike == count;
    if (count == push->priv.batch_len && mixed && !told_apart) {
        push->priv.event.words = batch_mixed;
        return SBS_ERR_RESPONSE;
    }
    if (count != push->priv.batch_len || !told_apart || (given != 0 && given != count)) {
        return SBS_ERR_RESPONSE;
    }

    return SBS_OK;
}

/* Tells the program of a Bundle. True: if it was refused, its items go in halves. */
static bool batch_tell(sbs_push *push, sbs_status status, uint16_t http_status) {
    const sbs_push_config *config = push->priv.config;
    if (config->batch_told == NULL) {
        return true;
    }

    sbs_push_batch_report report = {
        .bytes = push->priv.body_len + 2,
        .count = push->priv.batch_len,
        .http_status = http_status,
        .status = status,
        .may_be_stored = status != SBS_OK && push->priv.flags.unknown,
    };
    return config->batch_told(config->batch_ctx, &report);
}

static sbs_status batch_open_answer(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    sbs_json *doc = &push->priv.of.bundle.answer;
    size_t len = sbs_client_response(config->client).body_len;
    sbs_status status = sbs_json_parse_in(doc, config->answer, len, config->answer_size);

    if (status != SBS_OK) {
        return status;
    }

    status = sbs_bundle_first_answer(doc, &push->priv.of.bundle.entry);
    if (status != SBS_OK) {
        return status;
    }

    return batch_check_answer(push);
}

static sbs_status batch_open_and_tell(sbs_push *push) {
    sbs_status status = batch_open_answer(push);
    if (status == SBS_OK) {
        (void)batch_tell(push, status, sbs_client_response(push->priv.config->client).http_status);
    }
    return status;
}

/* The server's words about a failure, or why it is none of success. What hinders the server is no fault of the item. */
static const char *batch_words_of(sbs_push *push, const entry_view *seen, const char *why) {
    const sbs_push_config *config = push->priv.config;
    const sbs_json *tree = &push->priv.of.bundle.answer;
    sbs_flat doc;
    sbs_json_node outcome = sbs_flat_of(&doc, tree, seen->entry.outcome);
    sbs_json_node resource = sbs_flat_of(&doc, tree, seen->entry.resource);
    char *words = config->words;
    size_t size = config->words_size;

    if (words == NULL) {
        words = push->priv.target;
        size = sizeof push->priv.target;
    }

    /* The words may stand in the response, or be the resource beside it. */
    bool transient;
    bool said = sbs_outcome_read(&doc, outcome, words, size, &transient) == SBS_OK ||
                sbs_outcome_read(&doc, resource, words, size, &transient) == SBS_OK;

    sbs_outcome_hint hint = sbs_outcome_hint_of(&doc, outcome);
    if (hint == SBS_HINT_NONE) {
        hint = sbs_outcome_hint_of(&doc, resource);
    }

    /* A word about rights is none about the item, nor is one about the server's own state. */
    if (hint != SBS_HINT_NONE && push->priv.flags.fault <= SBS_FAULT_ITEM) {
        push->priv.flags.fault = (uint8_t)sbs_hint_fault(hint);
    }

    if (!said || sbs_client_is_secret(config->client, words)) {
        return why;
    }

    return words;
}

/* Id and version of what was stored, behind each other where the target of a single request stands. */
static void batch_read_place(sbs_push *push, const entry_view *seen) {
    sbs_text id = seen->server_id;
    char *to = push->priv.target;
    char *etag = to + id.len + 1;
    size_t left = sizeof push->priv.target - id.len - 2;

    if (id.len > 0) {
        memcpy(to, id.ptr, id.len);
    }

    to[id.len] = '\0';
    push->priv.event.server_id = to;

    size_t len = 0;
    if (sbs_json_text(&push->priv.of.bundle.answer, seen->entry.etag, etag, left, &len) == SBS_OK) {
        sbs_http_sanitise((sbs_text){etag, len}, etag, len + 1);
        push->priv.event.etag = etag;
    }
}

static void batch_read_entry(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    sbs_push_event *event = &push->priv.event;
    struct sbs_push_flags *flags = &push->priv.flags;
    const char *why = "";
    entry_view seen;

    event->status = SBS_ERR_RESPONSE;
    if (!batch_view_entry(push, push->priv.judged, push->priv.of.bundle.entry, &seen)) {
        flags->unread = flags->unknown = true;
        flags->fault = SBS_FAULT_SERVER;
        return;
    }

    sbs_http_meaning meaning = sbs_http_meaning_of(seen.entry.status);
    event->http_status = (uint16_t)seen.entry.status;
    flags->fault = (uint8_t)meaning.fault;
    event->status = meaning.status;
    if (meaning.status == SBS_OK) {
        event->status = batch_confirm_entry(push, &seen, &why);
    }

    flags->asks = meaning.asks_for_time;
    flags->whole = event->status == meaning.status;
    if (event->status != SBS_OK) {
        flags->unknown = meaning.may_be_stored;
        event->words = batch_words_of(push, &seen, why);
        return;
    }

    /* What was found is compared with what was looked for only where the item goes alone. */
    bool found = push->priv.write_mode == SBS_WRITE_IF_NONE_EXIST && event->http_status == 200;
    bool counts = !push->priv.sent[push->priv.judged].first || config->already_there == SBS_ALREADY_ACCEPT;
    if (found && counts && seen.entry.resource != SBS_JSON_NONE) {
        flags->unread = flags->unknown = true;
        event->status = SBS_ERR_RESPONSE;
    }

    batch_read_place(push, &seen);
}

static void batch_next_entry(sbs_push *push) {
    push->priv.judged++;
    push->priv.of.bundle.entry = sbs_json_next(&push->priv.of.bundle.answer, push->priv.of.bundle.entry);
}

/* ---- how many go together -------------------- */

/* Each part of a refused batch that was judged is followed by one of twice the size, up to where the batch ended; of
 * the same size if an item of it waits. */
static void batch_pass(sbs_push *push, uint16_t count) {
    uint16_t left = push->priv.batch_left;
    if (count >= left) {
        push->priv.batch_left = push->priv.batch_cap = 0;
        push->priv.one_by_one = false;
        return;
    }

    left = (uint16_t)(left - count);
    push->priv.batch_left = left;
    if (!push->priv.one_by_one && !push->priv.failed) {
        push->priv.batch_cap = (uint16_t)(2u * push->priv.batch_cap);
    }
    if (push->priv.batch_cap > left) {
        push->priv.batch_cap = left;
    }
}

/* The items of a batch go again, so many together. What is left of one that was refused before goes with them. */
static void batch_scatter(sbs_push *push, uint16_t cap, bool one_by_one) {
    uint16_t count = push->priv.batch_len;
    sbs_push_look_again(push);
    push->priv.one_by_one = one_by_one;
    push->priv.batch_cap = cap;
    if (push->priv.batch_left < count) {
        push->priv.batch_left = count;
    }
}

static void batch_end_answer(sbs_push *push) {
    bool missed = push->priv.failed && !push->priv.went_well;
    if (missed && push->priv.no_room) { /* they would go together again, and say no more */
        batch_scatter(push, 1, true);
    } else {
        batch_pass(push, push->priv.batch_len);
        sbs_push_look_behind(push);
    }

    if (missed || (push->priv.no_room && sbs_push_unsettled_ms(push) > 0)) {
        sbs_push_note_miss(push, push->priv.failure.flags.asks);
    }
}

/* A Bundle that was refused, and of which nothing is stored, goes in halves: one of its items may be the cause, or its
 * size. What may be stored goes one by one, as each repeat has to wait until the server finds it. */
static void batch_refuse(sbs_push *push, bool halves) {
    struct sbs_push_flags *flags = &push->priv.flags;
    uint16_t half = push->priv.batch_len / 2;
    bool unauthorized = push->priv.event.status == SBS_ERR_UNAUTHORIZED; /* each costs a token and a repeat */
    bool one_by_one = flags->unknown || unauthorized || !halves;
    if (one_by_one || half < 1) {
        half = 1;
    }

    sbs_push_note_tried(push, flags->unknown);
    sbs_push_note_failure(push, push->priv.sent[0].id);
    push->priv.no_room = true;
    batch_scatter(push, half, one_by_one);
}

static void batch_fail(sbs_push *push, sbs_status status, bool heard) {
    struct sbs_push_flags *flags = &push->priv.flags;
    sbs_push_read_answer(push, status, heard);

    /* Some servers give the whole the status of an entry: what answers entry by entry has stored the others. Of a
     * refusal that is no OperationOutcome its beginning is at hand. */
    if (!heard && strstr(push->priv.event.words, "batch-response\"") != NULL) {
        flags->unknown = true;
        push->priv.event.words = batch_mixed;
    }
    sbs_push_verdict verdict = sbs_push_judge(push, &push->priv.sent[0]);
    bool too_large = sbs_status_group(status) == SBS_CLASS_BUFFER && !flags->elsewhere; /* the request, or its answer */
    bool waits = sbs_push_kind_of(verdict) >= SBS_PUSH_WAITING && !too_large;
    flags->unknown |= !waits && flags->fault == SBS_FAULT_NONE;

    bool halves = batch_tell(push, status, push->priv.event.http_status);
    if (waits) {
        sbs_push_wait_all(push, verdict == SBS_PUSH_PAUSED);
        return;
    }

    bool again = flags->asks && push->priv.misses == 0; /* the server is busy: once more as it is */
    uint16_t count = push->priv.batch_len;
    batch_refuse(push, halves);
    bool split = !push->priv.one_by_one && count > 1;
    if (again) {
        batch_pass(push, push->priv.batch_left);
    }

    /* Unless an item is to blame, a moment passes before the next request; and before the same one if they may be
     * stored. A half is another request, and tells more. */
    if (flags->unknown || flags->asks || (flags->fault != SBS_FAULT_ITEM && !split)) {
        sbs_push_note_miss(push, flags->unknown || flags->asks);
    }
}

const sbs_push_batching sbs_push_batches = {
    .put_entry = batch_put_entry,
    .open_answer = batch_open_and_tell,
    .read_entry = batch_read_entry,
    .next_entry = batch_next_entry,
    .end_answer = batch_end_answer,
    .fail = batch_fail,
    .pass = batch_pass,
};
