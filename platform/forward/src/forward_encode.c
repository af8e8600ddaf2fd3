/* SPDX-License-Identifier: Apache-2.0 */
/* How the items of a push become requests, and what is known of those that were looked at lately. */
#include <stdio.h>
#include <string.h>

#include "forward_push_internal.h"

/* ---- what was looked at ----------------------------------------------------------------------------------------- */

sbs_forward_slot *sbs_push_slot(sbs_forward_push *push, uint64_t id) {
    if (id == 0) {
        return NULL;
    }

    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (push->priv.slots[i].id == id) {
            return &push->priv.slots[i];
        }
    }

    return NULL;
}

static sbs_forward_slot *slot_oldest(sbs_forward_push *push) {
    sbs_forward_slot *oldest = push->priv.slots;
    for (size_t i = 1; i < SLOT_COUNT; i++) {
        if (push->priv.slots[i].used < oldest->used) {
            oldest = &push->priv.slots[i];
        }
    }

    return oldest;
}

/* The item's own, or that of the item which was not looked at for longest. */
static sbs_forward_slot *slot_take(sbs_forward_push *push, uint64_t id) {
    sbs_forward_slot *taken = sbs_push_slot(push, id);
    if (taken == NULL) {
        taken = slot_oldest(push);
    }

    push->priv.looks++;
    taken->used = push->priv.looks;
    taken->id = id;
    sbs_forward_buffer_clear(&taken->name);
    taken->type[0] = taken->put_id[0] = taken->fault[0] = '\0';
    return taken;
}

/* The program's name for it, else the resource's, else its number. False if there is no memory. */
static bool slot_name(sbs_forward_push *push, sbs_forward_slot *taken) {
    const sbs_forward_push_config *config = &push->priv.config;
    const sbs_forward_resource *resource = &push->priv.resource;
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &taken->name);

    bool named = config->name != NULL && config->name(config->ctx, taken->id, &out);
    if (!named && (resource->value.len > 0 || resource->id[0] != '\0')) {
        sbs_forward_resource_put_name(resource, "", 0, &out);
    } else if (!named) {
        sbs_put_string(&out, "item ");
        sbs_put_uint(&out, taken->id);
    }

    sbs_put_char(&out, '\0');
    return sbs_writer_finish(&out, NULL) == SBS_OK;
}

static sbs_status slot_refuse(sbs_forward_slot *slot, const char *why) {
    (void)snprintf(slot->fault, sizeof slot->fault, "%s", why);
    return SBS_ERR_FORMAT;
}

/* What was learnt, by this push or by the one that leads. */
sbs_forward_modes *sbs_push_modes(sbs_forward_push *push) {
    if (push->priv.config.lead != NULL) {
        return &push->priv.config.lead->priv.modes;
    }
    return &push->priv.modes;
}

/* ---- the encoder ------------------------------------------------------------------------------------------------ */

static sbs_status push_name_identity(sbs_forward_push *push, sbs_forward_slot *slot, const sbs_queue_item *item,
                                     sbs_push_identity *out) {
    const sbs_forward_resource *resource = &push->priv.resource;
    slot->write_mode = sbs_forward_modes_for(sbs_push_modes(push), resource->type, push->priv.now);

    /* A repeat of a plain POST is stored twice: as few as can be are to be in doubt after a crash. */
    sbs_forward_ahead *ahead = push->priv.looks_ahead ? &push->priv.ahead : push->priv.config.ahead;
    if (slot->write_mode == SBS_WRITE_PLAIN && ahead != NULL) {
        sbs_forward_ahead_be_strict(ahead);
    }

    out->write_mode = slot->write_mode;
    out->type = sbs_text_of(resource->type);
    out->system = sbs_forward_buffer_text(&resource->system);
    out->value = sbs_forward_buffer_text(&resource->value);
    if ((item->meta.format & SBS_FORWARD_RULE_MASK) == SBS_FORWARD_BY_SUBJECT) {
        out->subject = sbs_forward_buffer_text(&resource->subject);
    }

    /* Its own id names it better than any that is derived. */
    bool own = slot->write_mode == SBS_WRITE_PUT && push->priv.config.own_ids && resource->id[0] != '\0';
    if (own) {
        out->id = sbs_text_of(resource->id);
        return SBS_OK;
    }

    /* What a repeat would not find again must not be sent as if it would. */
    if (resource->value.len == 0 && slot->write_mode == SBS_WRITE_PUT) {
        return slot_refuse(slot, "no id and no identifier to derive one from");
    }
    if (resource->value.len == 0 && slot->write_mode == SBS_WRITE_IF_NONE_EXIST) {
        return slot_refuse(slot, "no identifier to look for");
    }
    if (slot->write_mode != SBS_WRITE_PLAIN && sbs_forward_resource_has_loose_blanks(resource)) {
        return slot_refuse(slot, "its identifier begins or ends with a blank, which servers cut off");
    }

    return SBS_OK;
}

static sbs_status push_identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    sbs_forward_push *push = ctx;
    const sbs_forward_push_config *config = &push->priv.config;
    sbs_forward_slot *slot = slot_take(push, item->item->id);
    sbs_text text = {(const char *)item->data, item->item->len};
    const char *fault = NULL;

    /* What the program itself has against an item comes before what its text says. */
    if (config->refuse != NULL) {
        fault = config->refuse(config->ctx, item->item->id);
    }
    sbs_forward_resource_free(&push->priv.resource);
    if (fault == NULL && (item->item->meta.format & SBS_FORWARD_UNDATED) != 0) {
        sbs_status status =
            sbs_forward_date(config->dating, push->priv.now, &item->item->meta, text, &push->priv.dated);
        if (status != SBS_OK) {
            return status;
        }
        text = sbs_forward_buffer_text(&push->priv.dated);
    }
    if (fault == NULL) {
        fault = sbs_forward_resource_read(&push->priv.resource, text);
    }

    /* A shortage of memory passes, and says nothing against the item: it waits. */
    if (fault == SBS_FORWARD_OUT_OF_MEMORY || !slot_name(push, slot)) {
        return SBS_ERR_MEMORY;
    }
    if (fault != NULL) {
        return slot_refuse(slot, fault);
    }

    /* The words about a scope name what this request needs. */
    memcpy(slot->type, push->priv.resource.type, sizeof slot->type);
    sbs_status status = push_name_identity(push, slot, item->item, out);
    sbs_interaction interaction = slot->write_mode == SBS_WRITE_PUT ? SBS_UPDATE : SBS_CREATE;
    sbs_forward_server_note_request(config->server, interaction, sbs_text_of(slot->type));
    return status;
}

static sbs_status push_encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity,
                              sbs_writer *out) {
    sbs_forward_push *push = ctx;
    sbs_forward_slot *slot = sbs_push_slot(push, item->item->id);
    (void)identity;
    if (slot == NULL || item->id.len >= sizeof slot->put_id) {
        return SBS_ERR_STATE;
    }

    if (item->id.len > 0) {
        memcpy(slot->put_id, item->id.ptr, item->id.len);
    }
    slot->put_id[item->id.len] = '\0';

    if (slot->put_id[0] != '\0') {
        sbs_forward_resource_put(&push->priv.resource, slot->put_id, out);
    } else {
        sbs_forward_resource_put(&push->priv.resource, NULL, out);
    }
    return SBS_OK;
}

sbs_push_encoder sbs_push_encoder_of(sbs_forward_push *push) {
    return (sbs_push_encoder){.identify = push_identify, .encode = push_encode, .ctx = push};
}
