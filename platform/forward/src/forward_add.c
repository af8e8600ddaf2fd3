/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_add.h"

#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sbs/date.h"
#include "sbs/identity.h"

#define VALUE_SIZE 320
#define IDENTIFIER_ROOM 160u /* most bytes that an identifier adds to a text, beside the device's name */
#define TOO_LARGE "larger than 16 MiB, or than the queue may be"

void sbs_forward_adder_init(sbs_forward_adder *adder, sbs_sqlite_queue *queue, const char *device) {
    char host[256] = "";
    *adder = (sbs_forward_adder){.queue = queue};
    (void)gethostname(host, sizeof host - 1);
    if (device == NULL && host[0] != '\0') {
        device = host;
    }
    if (device == NULL) {
        device = "device";
    }

    /* It becomes a part of identifiers, which may need no escaping in JSON and no '|' in a search. */
    (void)snprintf(adder->device, sizeof adder->device, "%s", device);
    for (char *c = adder->device; *c != '\0'; c++) {
        if (*c <= 0x20 || *c > 0x7E || *c == '"' || *c == '\\' || *c == '|') {
            *c = '-';
        }
    }
}

void sbs_forward_added_free(sbs_forward_added *added) {
    sbs_forward_resource_free(&added->resource);
    sbs_forward_buffer_free(&added->text);
}

static void added_refuse(sbs_forward_added *added, const char *why) {
    added->fate = SBS_FORWARD_REFUSED;
    added->reason = why;
}

static void added_fail(sbs_forward_added *added, sbs_status status) {
    added->fate = SBS_FORWARD_NOT_WRITTEN;
    added->status = status;
    added->reason = "the queue cannot be written";
}

/* ---- identifiers ------------------------------------------------------------------------------------------------ */

/* Adds an identifier that is the item's own from now on, and reads the text again. The random part is the item's, not
 * the file's: files are copied, restored and reset, with all that was foreseen in them. */
static void added_give_identifier(const sbs_forward_adder *adder, sbs_forward_added *added) {
    char value[VALUE_SIZE];
    sbs_writer out;
    uint64_t epoch = 0;
    uint64_t id = 0;
    uint64_t random = 0;
    size_t len = 0;

    sbs_status status = sbs_sqlite_queue_next_id(adder->queue, &epoch, &id);
    if (status != SBS_OK) {
        added_fail(added, status);
        return;
    }
    if (psa_generate_random((uint8_t *)&random, sizeof random) != PSA_SUCCESS) {
        added_fail(added, SBS_ERR_RANDOM);
        return;
    }

    sbs_writer_init(&out, value, sizeof value);
    sbs_identity_put_sequence(&out, sbs_text_of(adder->device), random, id);
    if (sbs_writer_finish(&out, &len) != SBS_OK) {
        added_refuse(added, "the device's name is too long");
        return;
    }

    /* From here on the item is the text with its identifier. */
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &added->text);
    sbs_forward_resource_put_identified(&added->resource, SBS_SYSTEM_SEQUENCE, (sbs_text){value, len}, &out);
    sbs_forward_resource_free(&added->resource);

    const char *fault = SBS_FORWARD_OUT_OF_MEMORY;
    if (sbs_writer_finish(&out, NULL) == SBS_OK) {
        fault = sbs_forward_resource_read(&added->resource, sbs_forward_buffer_text(&added->text));
    }
    if (fault != NULL) {
        added_refuse(added, fault);
    }
}

/* True for an identifier that only this queue itself can have made: with its device and the epoch of its file. */
static bool is_forged(const sbs_forward_adder *adder, const sbs_forward_resource *resource) {
    char prefix[VALUE_SIZE];
    sbs_writer out;
    uint64_t epoch = 0;
    uint64_t id = 0;
    size_t len = 0;

    if (!sbs_text_equal(sbs_forward_buffer_text(&resource->system), sbs_text_of(SBS_SYSTEM_SEQUENCE)) ||
        sbs_sqlite_queue_next_id(adder->queue, &epoch, &id) != SBS_OK) {
        return false;
    }

    /* How those begin that a file of before stored: device and epoch. */
    sbs_writer_init(&out, prefix, sizeof prefix);
    sbs_identity_put_sequence(&out, sbs_text_of(adder->device), epoch, 0);
    if (sbs_writer_finish(&out, &len) != SBS_OK || len == 0) {
        return false;
    }

    len--; /* without the sequence, which is one digit here */
    return resource->value.len > len &&
           sbs_text_equal_nocase((sbs_text){resource->value.data, len}, (sbs_text){prefix, len});
}

/* Why an identifier from outside is not taken; NULL: it is, or there is none. */
static const char *identifier_fault(const sbs_forward_adder *adder, const sbs_forward_resource *resource) {
    if (!resource->has_identifier) {
        return NULL;
    }
    if (resource->value.len == 0) {
        return "none of its identifiers has a value";
    }
    if (sbs_forward_resource_has_loose_blanks(resource)) {
        return "its identifier begins or ends with a blank, which servers cut off";
    }
    if (is_forged(adder, resource)) {
        return "its identifier is one that only this queue may give";
    }

    return NULL;
}

/* Why it cannot be stored even in an empty queue. One without an identifier needs room for that, always the same much:
 * a look at a file before it is stored and the storing must not differ because the ids in between got longer. */
static const char *size_fault(const sbs_forward_adder *adder, const sbs_forward_resource *resource) {
    size_t len = resource->text.len;
    if (!resource->has_identifier) {
        len += strlen(adder->device) + IDENTIFIER_ROOM;
    }

    if (len > sbs_sqlite_queue_item_max(adder->queue)) {
        return TOO_LARGE;
    }
    return NULL;
}

static const char *resource_fault(const sbs_forward_adder *adder, const sbs_forward_resource *resource) {
    const char *fault = identifier_fault(adder, resource);
    if (fault != NULL) {
        return fault;
    }
    return size_fault(adder, resource);
}

const char *sbs_forward_add_check(const sbs_forward_adder *adder, sbs_text text, bool *out_identified) {
    sbs_forward_resource resource = {0};
    const char *fault = sbs_forward_resource_read(&resource, text);
    if (fault == NULL) {
        fault = resource_fault(adder, &resource);
    }

    *out_identified = resource.has_identifier;
    sbs_forward_resource_free(&resource);
    return fault;
}

/* ---- storing ---------------------------------------------------------------------------------------------------- */

/* What the queue said of it. */
static void added_settle(sbs_forward_added *added, sbs_status status) {
    switch (status) {
    case SBS_OK:
        break;
    case SBS_ERR_BUFFER:
        added->fate = SBS_FORWARD_FULL;
        added->reason = "the queue is full";
        break;
    case SBS_ERR_TOO_LARGE:
        added_refuse(added, TOO_LARGE);
        break;
    default:
        added_fail(added, status);
    }
}

static sbs_status added_hash(const sbs_forward_resource *resource, uint8_t identity[SBS_FORWARD_HASH_SIZE],
                             uint8_t content[SBS_FORWARD_HASH_SIZE]) {
    sbs_status status = sbs_forward_resource_identity(resource, identity);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_forward_content_hash(resource->text, content);
}

/* A repeat is known by what comes from outside alone: what gets its identifier here is always another one. */
static void added_store(const sbs_forward_adder *adder, sbs_forward_rule rule, bool from_outside, int64_t utc_s,
                        sbs_forward_added *added) {
    static const sbs_forward_fate fates[] = {
        [SBS_SQLITE_NEW] = SBS_FORWARD_QUEUED,           [SBS_SQLITE_WAITS] = SBS_FORWARD_ALREADY_QUEUED,
        [SBS_SQLITE_IS_DEAD] = SBS_FORWARD_ALREADY_DEAD, [SBS_SQLITE_DELIVERED] = SBS_FORWARD_ALREADY_DELIVERED,
        [SBS_SQLITE_DIFFERS] = SBS_FORWARD_DIFFERS,
    };
    const sbs_forward_resource *resource = &added->resource;
    sbs_queue_meta meta = {
        .utc_s = utc_s,
        .lane = adder->lane != 0 ? adder->lane : resource->lane,
        .zone_minutes = SBS_ZONE_UNKNOWN,
    };
    uint8_t identity[SBS_FORWARD_HASH_SIZE];
    uint8_t content[SBS_FORWARD_HASH_SIZE];
    sbs_sqlite_facts facts = {
        .type = resource->type,
        .source = adder->source,
        .rule = (uint16_t)((unsigned)rule | (adder->undated ? SBS_FORWARD_UNDATED : 0u)),
        .only_same = adder->only_same,
    };
    sbs_sqlite_repeat repeat = SBS_SQLITE_NEW;

    if (adder->undated) {
        meta.boot_id = adder->boot_id;
        meta.uptime_ms = adder->uptime_ms;
    }
    if (from_outside) {
        facts.identity = identity;
        facts.content = content;

        sbs_status status = added_hash(resource, identity, content);
        if (status != SBS_OK) {
            added_fail(added, status);
            return;
        }
    }

    sbs_status status =
        sbs_sqlite_queue_add(adder->queue, &meta, &facts, resource->text.ptr, resource->text.len, &added->id, &repeat);

    added->fate = fates[repeat];
    added_settle(added, status);
}

void sbs_forward_add(const sbs_forward_adder *adder, sbs_text text, int64_t utc_s, sbs_forward_added *out_added) {
    *out_added = (sbs_forward_added){.fate = SBS_FORWARD_QUEUED};
    const char *fault = sbs_forward_resource_read(&out_added->resource, text);
    out_added->fault_at = out_added->resource.fault_at;

    if (fault != NULL) {
        added_refuse(out_added, fault);
        return;
    }

    bool from_outside = out_added->resource.has_identifier;
    sbs_forward_rule rule = SBS_FORWARD_BY_IDENTIFIER;

    fault = resource_fault(adder, &out_added->resource);
    if (fault != NULL) {
        added_refuse(out_added, fault);
    } else if (from_outside) {
        out_added->no_system = out_added->resource.system.len == 0;
        rule = sbs_forward_resource_rule(&out_added->resource);
    } else {
        added_give_identifier(adder, out_added);
    }

    /* Nothing was found against it. */
    if (out_added->fate == SBS_FORWARD_QUEUED) {
        added_store(adder, rule, from_outside, utc_s, out_added);
    }
}
