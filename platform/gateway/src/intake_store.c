/* SPDX-License-Identifier: Apache-2.0 */
/* One resource into the queue. */
#include <stdio.h>
#include <string.h>

#include "intake_internal.h"

#define PHD_EXTENSION                                                                                                  \
    "{\"url\":\"http://hl7.org/fhir/StructureDefinition/"                                                              \
    "observation-gatewayDevice\",\"valueReference\":{\"reference\":\"Device/"

bool sbs_intake_ready(const sbs_gateway_intake *intake, sbs_intake_result *result) {
    if (intake->failing) {
        return sbs_intake_refuse(result, 503, "no-store", "", "the gateway cannot store anything now, try again");
    }
    if (intake->full) {
        return sbs_intake_refuse(result, 503, "throttled", "", "the gateway's disk is nearly full, try again");
    }
    return true;
}

bool sbs_intake_begin(const sbs_gateway_intake *intake, sbs_intake_result *result) {
    if (!sbs_intake_ready(intake, result)) {
        return false;
    }

    /* Where the queue was waited for in this turn, it is not for each request again. */
    bool waited = intake->no_group != NULL && *intake->no_group;
    if (waited || sbs_sqlite_queue_begin(intake->queue) != SBS_OK) {
        if (intake->no_group != NULL) {
            *intake->no_group = true;
        }
        return sbs_intake_refuse(result, 503, "no-store", "", "the gateway cannot store anything now, try again");
    }
    return true;
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static void put_identifier_object(sbs_writer *out, const char *gateway, const char *device,
                                  const sbs_intake_name *name) {
    sbs_put_string(out, "{\"system\":\"" SBS_FORWARD_SYSTEM_GATEWAY "\",\"value\":\"");
    sbs_intake_put_identifier(out, gateway, device, name);
    sbs_put_string(out, "\"}");
}

/* An element that goes into a list, or with a list of its own to the front. */
typedef struct store_insertion {
    size_t at; /* 0: there is no list */
    bool filled;
    bool identifier; /* else the extension */
} store_insertion;

static void put_insertion(sbs_writer *out, const store_insertion *insertion, const sbs_gateway_intake *intake,
                          const sbs_intake_order *order, const sbs_intake_name *name) {
    if (insertion->at == 0) {
        sbs_put_string(out, insertion->identifier ? "\"identifier\":[" : "\"extension\":[");
    }

    if (insertion->identifier) {
        put_identifier_object(out, intake->config->name, order->device->name, name);
    } else {
        sbs_put_string(out, PHD_EXTENSION);
        sbs_put_string(out, intake->config->name);
        sbs_put_string(out, "\"}}");
    }

    if (insertion->at == 0) {
        sbs_put_string(out, "],"); /* resourceType follows at least */
    } else if (insertion->filled) {
        sbs_put_char(out, ',');
    }
}

/* The text with its identifier, and where it is wanted the gateway's extension; every other byte as it came. */
static sbs_status store_rewrite(const sbs_gateway_intake *intake, const sbs_intake_order *order,
                                const sbs_intake_facts *facts, const sbs_intake_name *name,
                                const sbs_forward_resource *resource, sbs_forward_buffer *text) {
    store_insertion insertions[2] = {{.at = facts->identifiers, .filled = facts->identified, .identifier = true},
                                     {.at = facts->extensions, .filled = facts->extended}};
    size_t count = 1;
    size_t done = 0;
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, text);
    if (order->device->phd && !facts->has_gateway) {
        count = 2;
    }

    /* In the order of the text; what has no list stands in front. */
    if (count == 2 && insertions[1].at < insertions[0].at) {
        store_insertion first = insertions[1];
        insertions[1] = insertions[0];
        insertions[0] = first;
    }

    for (size_t i = 0; i < count; i++) {
        size_t at = insertions[i].at;
        if (at == 0) {
            at = resource->members_start;
        }
        sbs_put(&out, resource->text.ptr + done, at - done);
        put_insertion(&out, &insertions[i], intake, order, name);
        done = at;
    }
    sbs_put(&out, resource->text.ptr + done, resource->text.len - done);
    return sbs_writer_finish(&out, NULL);
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void store_tell(const sbs_intake_order *order, const sbs_forward_added *added, sbs_intake_result *result) {
    bool put = order->put_id.ptr != NULL;

    result->item = added->id;
    switch (added->fate) {
    case SBS_FORWARD_QUEUED:
        result->status = 201;
        result->fresh = result->known = true;
        (void)snprintf(result->words, sizeof result->words, "stored, and forwarded as soon as the server is reached");
        break;
    case SBS_FORWARD_ALREADY_QUEUED:
    case SBS_FORWARD_ALREADY_DELIVERED:
    case SBS_FORWARD_ALREADY_DEAD:
        result->status = 200;
        result->known = true;
        (void)snprintf(result->words, sizeof result->words, "the same was stored before, nothing was stored now");
        break;
    case SBS_FORWARD_DIFFERS:
        (void)sbs_intake_refuse(result, 409, "duplicate", order->path,
                                put ? "other content was stored under this id, and the server takes no updates by PUT"
                                    : "other content was stored under this identifier before");
        break;
    case SBS_FORWARD_FULL:
        (void)sbs_intake_refuse(result, 503, "throttled", "", "the gateway's queue is full, try again");
        break;
    case SBS_FORWARD_NOT_WRITTEN:
        (void)sbs_intake_refuse(result, 503, "no-store", "", "the gateway cannot store anything now, try again");
        break;
    default:
        (void)sbs_intake_refuse(result, 422, "value", order->path, "%s", added->reason);
        break;
    }
}

/* True if something is known under its name: an update then, where it is a PUT. */
static bool store_is_known(const sbs_gateway_intake *intake, const sbs_intake_order *order,
                           const sbs_intake_name *name) {
    uint8_t identity[SBS_FORWARD_HASH_SIZE];
    sbs_sqlite_known known;
    return sbs_intake_identity(intake->config->name, order->device->name, name, identity) == SBS_OK &&
           sbs_sqlite_queue_known(intake->queue, identity, &known) == SBS_OK;
}

static void store_add(const sbs_gateway_intake *intake, const sbs_intake_order *order, const sbs_intake_facts *facts,
                      const sbs_intake_name *name, sbs_text text, sbs_intake_result *result) {
    sbs_forward_adder adder;
    sbs_forward_added added;
    bool update = order->put_id.ptr != NULL && intake->updates && store_is_known(intake, order, name);

    sbs_forward_adder_init(&adder, intake->queue, intake->config->name);
    adder.source = order->device->name;
    adder.lane = sbs_intake_lane(order->device->name);
    adder.only_same = !update;
    adder.undated = !facts->dated;
    adder.boot_id = intake->boot_id;
    adder.uptime_ms = order->now.mono_ms;

    sbs_forward_add(&adder, text, order->now.utc_s, &added);
    store_tell(order, &added, result);
    if (update && result->fresh) {
        result->status = 200;
        (void)snprintf(result->words, sizeof result->words, "the update is stored, and forwarded after what is there");
    }
    sbs_forward_added_free(&added);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* What a device gets back who asks for it: the resource under the id that it has here. */
static bool store_represent(const sbs_intake_order *order, const sbs_forward_resource *resource,
                            const sbs_intake_name *name) {
    sbs_writer out;
    if (order->representation == NULL) {
        return true;
    }

    sbs_forward_buffer_clear(order->representation);
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, order->representation);
    sbs_forward_resource_put(resource, name->id, &out);
    return sbs_writer_finish(&out, NULL) == SBS_OK;
}

static void store_checked(const sbs_gateway_intake *intake, const sbs_intake_order *order, const sbs_json *doc,
                          const sbs_intake_facts *facts, sbs_forward_resource *resource, bool check_only,
                          sbs_intake_result *result) {
    sbs_intake_name name;
    sbs_forward_buffer text = {0};
    const char *fault = sbs_forward_resource_read_parsed(resource, doc, order->text);
    if (fault == SBS_FORWARD_OUT_OF_MEMORY) {
        (void)sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory, try again");
        return;
    }
    if (fault != NULL) {
        (void)sbs_intake_refuse(result, 422, "value", order->path, "%s", fault);
        return;
    }

    if (!sbs_intake_name_order(doc, resource, order, facts->dated, &name, result) || check_only) {
        return;
    }
    memcpy(result->id, name.id, sizeof result->id);

    if (store_rewrite(intake, order, facts, &name, resource, &text) != SBS_OK ||
        !store_represent(order, resource, &name)) {
        (void)sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory, try again");
    } else {
        store_add(intake, order, facts, &name, sbs_forward_buffer_text(&text), result);
    }
    sbs_forward_buffer_free(&text);
}

static bool store_parse(const sbs_intake_order *order, sbs_forward_json *json, sbs_intake_result *result) {
    size_t where = 0;
    if (order->text.len > SBS_GATEWAY_RESOURCE_MAX) {
        return sbs_intake_refuse(result, 413, "too-long", order->path, "a resource has at most 256 KiB");
    }

    sbs_status status = sbs_forward_json_parse(json, order->text, &where);
    if (status == SBS_ERR_MEMORY) {
        return sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory, try again");
    }
    if (status != SBS_OK) {
        return sbs_intake_refuse(result, 400, "structure", order->path, "%s, at byte %zu", sbs_status_text(status),
                                 order->offset + where);
    }
    return true;
}

void sbs_intake_store(const sbs_gateway_intake *intake, const sbs_intake_order *order, bool check_only,
                      sbs_intake_result *result) {
    sbs_forward_json json = {0};
    sbs_forward_resource resource = {0};
    sbs_intake_facts facts;
    *result = (sbs_intake_result){.status = 200};

    /* Without a mark of the byte order: offsets in the text and in the document are the same then. */
    sbs_intake_order bare = *order;
    if (bare.text.len >= 3 && memcmp(bare.text.ptr, "\xEF\xBB\xBF", 3) == 0) {
        bare.text = (sbs_text){bare.text.ptr + 3, bare.text.len - 3};
        bare.offset += 3;
    }

    if (store_parse(&bare, &json, result) && sbs_intake_check(&json.doc, &bare, &facts, result) &&
        sbs_intake_check_owner(&json.doc, &bare, intake->config->name, result)) {
        store_checked(intake, &bare, &json.doc, &facts, &resource, check_only, result);
    }
    sbs_forward_json_free(&json);
    sbs_forward_resource_free(&resource);
}

/* A refusal is told without what the resource says. */
static void count_refusal(sbs_gateway_counts *counts, const sbs_intake_result *result) {
    counts->refused++;
    if (result->expression[0] != '\0') {
        (void)snprintf(counts->last_refusal, sizeof counts->last_refusal, "HTTP %u %s at %.80s", result->status,
                       result->code, result->expression);
        return;
    }
    (void)snprintf(counts->last_refusal, sizeof counts->last_refusal, "HTTP %u %s", result->status, result->code);
}

void sbs_intake_count(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_now now,
                      const sbs_intake_result *result) {
    if (intake->counts == NULL) {
        return;
    }

    sbs_gateway_counts *counts = &intake->counts[device - intake->config->devices];
    counts->heard_s = now.utc_s;
    counts->heard_ms = now.mono_ms;
    if (result == NULL) {
        return;
    }

    if (result->fresh) {
        counts->accepted++;
        counts->today++;
    } else if (result->known) {
        counts->repeated++;
    } else if (result->status >= 400 && result->status < 500) {
        count_refusal(counts, result);
    }
}
