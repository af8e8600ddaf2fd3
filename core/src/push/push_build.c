/* SPDX-License-Identifier: Apache-2.0 */
/* How the push engine makes requests of items: their time, their identity, their JSON, alone or in a Bundle. */
#include "push/push_internal.h"

#define SEARCH_MAX 8192u /* a line of a head that is longer is taken by nobody, and the client's memory may not do */
#define BOOTS_RECORD "boots"
#define BOOTS_VERSION 1u
#define CLOCK_DRIFT_S 60u /* a clock that is set by less is not noted again; compared modulo 2^32 s, 136 years */

/* ---- when an item was measured -------------------- */

/* Remembered boots, newest first, behind one byte of version. The record never leaves the device, so numbers stand in
 * the machine's own order: the id in 4 bytes, then the UTC at its uptime 0 in 8. */
#define ID_SIZE 4u
#define BOOT_SIZE 12u
#define BOOTS_SIZE (1u + BOOT_SIZE * SBS_PUSH_BOOTS_MAX)

/* True if the boot at @p data is this one; then its UTC is read. */
static bool boots_read(const uint8_t *data, uint32_t id, int64_t *out_utc_s) {
    uint32_t found;
    memcpy(&found, data, ID_SIZE);
    memcpy(out_utc_s, data + ID_SIZE, sizeof *out_utc_s);
    return found == id;
}

/* Bytes of the record, 1 (a version and no boot) if there is none that this version reads. */
static size_t boots_load(const sbs_storage *storage, uint8_t record[BOOTS_SIZE]) {
    size_t len = 0;
    if (storage == NULL || storage->ops->get(storage->ctx, BOOTS_RECORD, record, BOOTS_SIZE, &len) != SBS_OK) {
        return 1;
    }
    if (len == 0 || record[0] != BOOTS_VERSION) {
        return 1;
    }

    return len;
}

void sbs_push_note_boot(const sbs_storage *storage, uint32_t boot_id, int64_t start_utc_s) {
    uint8_t record[BOOTS_SIZE + BOOT_SIZE];
    uint8_t *kept = record + BOOT_SIZE; /* the new boot goes before it, and its version is overwritten */
    int64_t noted_s;
    size_t len = boots_load(storage, kept);

    if (storage == NULL || (len > BOOT_SIZE && boots_read(kept + 1, boot_id, &noted_s) &&
                            (uint32_t)start_utc_s - (uint32_t)noted_s + CLOCK_DRIFT_S <= 2 * CLOCK_DRIFT_S)) {
        return;
    }

    /* A clock that was set anew stands before the earlier one of the same boot; the oldest boot falls off the end. */
    record[0] = BOOTS_VERSION;
    memcpy(record + 1, &boot_id, ID_SIZE);
    memcpy(record + 1 + ID_SIZE, &start_utc_s, sizeof start_utc_s);
    len += BOOT_SIZE;
    if (len > BOOTS_SIZE) {
        len = BOOTS_SIZE;
    }

    /* A failure costs the time of items that this boot leaves behind unsent and undated, no item. */
    (void)storage->ops->set(storage->ctx, BOOTS_RECORD, record, len);
}

bool sbs_push_noted_boot(const sbs_storage *storage, uint32_t boot_id, int64_t *out_start_utc_s) {
    uint8_t record[BOOTS_SIZE];
    size_t len = boots_load(storage, record);
    for (size_t at = 1; at + BOOT_SIZE <= len; at += BOOT_SIZE) {
        if (boots_read(record + at, boot_id, out_start_utc_s)) {
            return true;
        }
    }

    return false;
}

int64_t sbs_push_time_of(const sbs_push *push, const sbs_queue_meta *meta) {
    const sbs_now *now = &push->priv.now;
    if (meta->utc_s != SBS_UTC_UNKNOWN) {
        return meta->utc_s;
    }

    /* From the start of its boot, in whole seconds: this one's by the clock of now, an earlier one's if it was noted.
     * So a repeat has the same time. */
    int64_t start_s;
    if (meta->boot_id == push->priv.config->boot_id) {
        if (now->utc_s == SBS_UTC_UNKNOWN) {
            return SBS_UTC_UNKNOWN;
        }
        start_s = now->utc_s - push->priv.now_s;
    } else if (!sbs_push_noted_boot(push->priv.config->storage, meta->boot_id, &start_s)) {
        return SBS_UTC_UNKNOWN;
    }

    return start_s + (int64_t)(meta->uptime_ms / 1000);
}

/* What was passed over because the time was unknown can go now, and before what comes after it. */
void sbs_push_note_clock(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    const sbs_now *now = &push->priv.now;
    if (push->priv.clock_noted || now->utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    sbs_push_note_boot(config->storage, config->boot_id, now->utc_s - push->priv.now_s);

    /* Items that were passed over for want of a time go before what comes after them. */
    push->priv.clock_noted = push->priv.rewind = true;
    push->priv.cursor = 0;
    if (push->priv.state == PUSH_CHOOSE && push->priv.batch_len > 0) {
        push->priv.state = PUSH_SEND;
    }
}

/* ---- what is sent -------------------- */

static sbs_status push_read_item(sbs_push *push, const sbs_queue_item *item) {
    const sbs_push_config *config = push->priv.config;
    uint8_t *memory = config->item;
    size_t len = 0;

    if (item->len > config->item_size) {
        return SBS_ERR_TOO_LARGE;
    }

    for (size_t at = 0; at < item->len; at += len) {
        sbs_status status =
            config->queue->ops->read(config->queue->ctx, item->id, at, memory + at, item->len - at, &len);
        if (status != SBS_OK) {
            return status;
        }
        if (len == 0) {
            return SBS_ERR_DAMAGED;
        }
    }

    return SBS_OK;
}

/* True if there is a name that a repeat of the request meets again; a plain POST needs none. */
static bool push_is_named(const sbs_push_identity *identity) {
    if (identity->write_mode == SBS_WRITE_PUT && identity->id.len > 0) {
        return sbs_fhir_id_is_valid(identity->id);
    }
    return identity->value.len > 0 || identity->write_mode == SBS_WRITE_PLAIN;
}

/* "Type/id" of a PUT, or the type of a POST. */
static sbs_status push_put_target(sbs_push *push, const sbs_push_identity *identity, sbs_text *out_id) {
    size_t len = identity->type.len;
    char *target = push->priv.target;
    if (!push_is_named(identity) || !sbs_fhir_type_is_valid(identity->type)) {
        return SBS_ERR_FORMAT;
    }

    memcpy(target, identity->type.ptr, len);
    target[len] = '\0';
    if (identity->write_mode != SBS_WRITE_PUT) {
        return SBS_OK;
    }

    char *id = target + len + 1;
    target[len] = '/';
    if (identity->id.len > 0) {
        memcpy(id, identity->id.ptr, identity->id.len);
        id[identity->id.len] = '\0';
        *out_id = (sbs_text){id, identity->id.len};
        return SBS_OK;
    }

    id[SBS_DERIVED_ID_LEN] = '\0';
    *out_id = (sbs_text){id, SBS_DERIVED_ID_LEN};
    return sbs_identity_derive_id(identity->system, identity->value, identity->subject, id);
}

/* The search of a conditional create, and the resource behind it. */
static sbs_status push_put_single(sbs_push *push, const sbs_push_item *item, sbs_writer *out) {
    const sbs_push_encoder *encoder = &push->priv.config->encoder;
    const sbs_push_identity *identity = &push->priv.of.alone.identity;
    if (identity->write_mode == SBS_WRITE_IF_NONE_EXIST) {
        sbs_identity_put_search(out, identity->system, identity->value);
    }

    if (out->len > SEARCH_MAX) {
        return SBS_ERR_FORMAT; /* of this item alone: others are not to wait for it */
    }

    push->priv.search_len = out->len;
    sbs_writer_fail(out, encoder->encode(encoder->ctx, item, identity, out));
    return SBS_OK;
}

static sbs_status push_encode_item(sbs_push *push, const sbs_queue_item *item, int64_t utc_s) {
    const sbs_push_config *config = push->priv.config;
    sbs_push_item known = {.item = item, .data = config->item, .utc_s = utc_s};
    sbs_push_identity *identity = &push->priv.of.alone.identity;

    memset(identity, 0, sizeof *identity);
    sbs_status status = config->encoder.identify(config->encoder.ctx, &known, identity);
    if (status != SBS_OK) {
        return status;
    }

    /* One Bundle is confirmed in one way. */
    if (push->priv.batch_len > 0 && identity->write_mode != push->priv.write_mode) {
        return SBS_ERR_BUFFER; /* it goes with the next one */
    }

    status = push_put_target(push, identity, &known.id);
    if (status != SBS_OK) {
        return status;
    }

    push->priv.write_mode = identity->write_mode;
    /* The first attempt must not replace what is there; a repeat may find itself. */
    push->priv.conditional = identity->write_mode == SBS_WRITE_PUT && config->already_there == SBS_ALREADY_SET_ASIDE &&
                             push->priv.sent[push->priv.batch_len].first;

    /* Two characters stay free for the end of a Bundle. */
    sbs_writer out;
    sbs_writer_init(&out, config->body + push->priv.body_len, config->body_size - push->priv.body_len - 2);
    if (push->priv.single) {
        status = push_put_single(push, &known, &out);
        if (status != SBS_OK) {
            return status;
        }
    } else {
        config->batches->put_entry(push, &known, identity, &out);
    }

    size_t len;
    status = sbs_writer_finish(&out, &len);
    if (status == SBS_OK) {
        push->priv.body_len += len;
    }

    return status;
}

sbs_status sbs_push_build(sbs_push *push, const sbs_queue_item *item) {
    const sbs_push_config *config = push->priv.config;
    int64_t utc_s = sbs_push_time_of(push, &item->meta);
    if (utc_s == SBS_UTC_UNKNOWN && config->unknown_time != SBS_UNKNOWN_TIME_SEND) {
        return SBS_ERR_NO_TIME;
    }

    sbs_status status = push_read_item(push, item);
    if (status != SBS_OK) {
        return status;
    }

    return push_encode_item(push, item, utc_s);
}

static sbs_status push_hand_over(const sbs_push_config *config, sbs_request *request) {
    if (config->coder != NULL) {
        config->coder->code(config->coder->ctx, request);
    }
    return sbs_client_start(config->client, request);
}

sbs_status sbs_push_start(sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    sbs_text body = {config->body, push->priv.body_len};
    sbs_request request = {.target = sbs_text_of(push->priv.target), .max_attempts = 1};

    /* The end of the Bundle, for which two characters were left free. */
    if (!push->priv.single) {
        config->body[body.len] = ']';
        config->body[body.len + 1] = '}';
        request.interaction = SBS_BUNDLE;
        request.body = (sbs_text){body.ptr, body.len + 2};
        request.response = config->answer;
        request.response_size = config->answer_size;
        return push_hand_over(config, &request);
    }

    size_t search_len = push->priv.search_len;
    request.interaction = SBS_CREATE;
    if (push->priv.write_mode == SBS_WRITE_PUT) {
        request.interaction = SBS_UPDATE;
    }

    request.body = (sbs_text){body.ptr + search_len, body.len - search_len};
    request.if_none_match_any = push->priv.conditional;

    /* What is found by the search must show this identifier. */
    if (search_len > 0) {
        request.if_none_exist = (sbs_text){body.ptr, search_len};
        request.identifier_system = push->priv.of.alone.identity.system;
        request.identifier_value = push->priv.of.alone.identity.value;
    }

    return push_hand_over(config, &request);
}
