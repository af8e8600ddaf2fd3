/* SPDX-License-Identifier: Apache-2.0 */
/* A record in use: what it means for queue, trust, client and push engine. */
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>

#include "meter_bytes.h"
#include "meter_internal.h"

#define REQUEST_REST 1100u /* of a token request: its head, the signature, names and claims */
#define IDENTITY_REST 45u  /* of an identifier: device, type, time */
#define SEARCH_REST 110u   /* its system, in a search */
#define OBSERVATION_REST 900u
#define CONNECTION_BLOCK (MBEDTLS_SSL_IN_CONTENT_LEN + 45u) /* the largest of a connection: a record and its rest */

/* The work hook of the client, whose context is the application. */
static void work_hook(void *ctx, bool begin) {
    meter_work(ctx, begin);
}

meter_kids meter_kids_of(const meter *m) {
    meter_kids kids = {SBS_KID_SEED, NULL, PSA_KEY_ID_NULL};
    if (m->block != NULL) {
        kids.method = (sbs_kid_method)m->record.kid_method;
        kids.literal = m->record.kid;
        kids.literal_id = (psa_key_id_t)meter_get_le(m->block + 1, 4);
    }
    return kids;
}

void meter_mount_queue(meter *m) {
    sbs_flash_queue_config config = {
        .policy = m->block != NULL && m->record.drop_oldest ? SBS_FLASH_QUEUE_DROP_OLDEST : SBS_FLASH_QUEUE_REFUSE,
    };
    m->fault = sbs_flash_queue_mount(&m->queue_state, m->ports.queue_flash, &config);
    m->queue_ready = m->fault == SBS_OK;
    m->queue = sbs_flash_queue_port(&m->queue_state);
    m->shown_sent = m->queue_state.delivered;
}

/* What discovery found is fixed from then on, and where it may lead to at the next time. */
static void configure_client(meter *m) {
    const meter_record *record = &m->record;
    const char *token_url = record->token_url;
    const char *found = m->phase == METER_PHASE_DISCOVER ? NULL : m->token_url;
    m->client_config = (sbs_client_config){
        .fhir_base = record->fhir_base,
        .token_url = record->token_policy == METER_TOKEN_FIXED ? token_url : found,
        .token_origin = record->token_policy == METER_TOKEN_PINNED ? token_url
                        : m->pinned                                ? m->token_url
                                                                   : NULL,
        .client_id = record->client_id,
        .scope = record->scope,
        .kid = record->kid,
        .key = &m->key,
        .stream = m->ports.stream,
        .work = m->work,
        .work_size = m->work_size,
        .first_delay_max_ms = m->waited_first ? 0 : record->first_delay_s * 1000u,
        .work_hook = work_hook,
        .hook_ctx = m,
    };
}

/* Of a text in a form: most client_ids need no encoding, and three times their length would be a lot. */
static size_t form_len(const char *text) {
    sbs_writer sizing;
    sbs_writer_init_sizing(&sizing);
    sbs_form_put_encoded(&sizing, sbs_text_of(text));
    return sizing.len;
}

/* The token request is what needs most: the client_id stands twice in the assertion, which is base64url, and once in
 * the form. Both sizes are tried at their limits by test_meter_memory. */
static size_t work_size(const meter *m) {
    const meter_record *record = &m->record;
    const char *token_url = record->token_policy == METER_TOKEN_FIXED ? record->token_url : m->token_url;
    size_t urls = strlen(record->fhir_base) + (token_url != NULL ? strlen(token_url) : 0);
    size_t client_id = strlen(record->client_id) * 8u / 3u + form_len(record->client_id);
    size_t size = client_id + 3u * strlen(record->scope) + 3u * urls + REQUEST_REST;
    size = size > METER_WORK_MIN ? size : METER_WORK_MIN;
    return m->large_token ? size + METER_WORK_EXTRA : size;
}

/* A search has each character of the identifier three times at the most. */
static size_t body_size(const meter_record *record) {
    size_t subject = record->subject != NULL ? strlen(record->subject) : 0;
    size_t patient = record->patient != NULL ? strlen(record->patient) : subject;
    size_t identity = patient + (record->patient_system != NULL ? strlen(record->patient_system) : 0) + IDENTITY_REST;
    size_t search = record->write_mode == SBS_WRITE_IF_NONE_EXIST ? 3u * identity + SEARCH_REST : 0;
    return OBSERVATION_REST + subject + 2u * identity + search; /* a quote takes two in JSON */
}

void meter_session_release(meter *m) {
    sbs_client_deinit(&m->client);
    meter_release(&m->work, m->work_size);
    meter_release(&m->body, m->body_size);
}

static sbs_status take_memory(meter *m) {
    m->work = m->work != NULL ? m->work : meter_allocate(m->work_size);
    if (m->work == NULL || m->body_size == 0) {
        return m->work != NULL ? SBS_OK : SBS_ERR_MEMORY;
    }
    m->body = meter_allocate(m->body_size);
    return m->body != NULL ? SBS_OK : SBS_ERR_MEMORY;
}

/* Memory for the next phase in place of that of the one before. The place that the connection leaves has to hold the
 * next one, whose largest block is a third of the heap: a block taken from that place would split it. So a block as
 * large as that one keeps the place meanwhile. While the connection stands there is not room for both memories; and
 * where there is none beside the place, the next connection has to find another. */
static sbs_status replace_memory(meter *m, size_t work_len, size_t body_len) {
    bool connected = m->work != NULL;
    meter_session_release(m);
    m->work_size = work_len;
    m->body_size = body_len;

    uint8_t *place = connected ? meter_allocate(CONNECTION_BLOCK) : NULL;
    sbs_status status = take_memory(m);
    mbedtls_free(place);
    return status == SBS_OK || place == NULL ? status : take_memory(m);
}

/* The first look has little memory: where it comes from matters less than that all else is free. */
static sbs_status allocate(meter *m) {
    if (m->phase != METER_PHASE_DISCOVER) {
        return replace_memory(m, work_size(m), body_size(&m->record));
    }
    if (m->large_discovery) {
        return replace_memory(m, METER_WORK_DISCOVERY_LARGE, 0);
    }
    meter_session_release(m);
    return replace_memory(m, METER_WORK_DISCOVERY, 0);
}

sbs_status meter_session_use_key(meter *m, bool next) {
    meter_kids kids = meter_kids_of(m);
    sbs_client_deinit(&m->client);
    meter_keys_port(&m->keys, next, &m->key);
    m->client_config.kid_method = meter_keys_kid(&kids, m->keys.state.id);
    if (m->first_token_ms != 0) {
        m->client_config.first_delay_max_ms = 0;
    }
    m->busy = false;
    return sbs_client_init(&m->client, &m->client_config);
}

static sbs_status open_push(meter *m) {
    m->encoder.epoch = m->life.epoch;
    m->encoder.device_known = m->device_put;
    m->encoder.write_mode = m->record.write_mode;
    m->push_config = (sbs_push_config){
        .client = &m->client,
        .queue = &m->queue,
        .storage = &m->ports.storage,
        .encoder = meter_item_encoder(&m->encoder),
        .item = m->item,
        .item_size = sizeof m->item,
        .body = (char *)m->body,
        .body_size = m->body_size,
        .unknown_time = (sbs_unknown_time)m->record.unknown_time,
        .boot_id = m->life.boot_id,
    };
    return sbs_push_init(&m->push, &m->push_config);
}

sbs_status meter_session_enter(meter *m, meter_phase phase) {
    m->phase = (uint8_t)phase;
    sbs_status status = allocate(m);
    if (status == SBS_OK) {
        configure_client(m);
        status = meter_session_use_key(m, false);
    }
    if (status == SBS_OK && phase != METER_PHASE_DISCOVER) {
        status = open_push(m);
    }
    m->waited_first = true;
    return status;
}

sbs_status meter_session_discovered(meter *m) {
    sbs_text found = sbs_client_token_url(&m->client);
    meter_release((uint8_t **)&m->token_url, m->token_url_size);
    m->token_url = (char *)meter_allocate(found.len + 1);
    if (m->token_url == NULL) {
        return SBS_ERR_MEMORY;
    }
    m->token_url_size = found.len + 1;
    memcpy(m->token_url, found.ptr, found.len);
    return meter_session_enter(m, METER_PHASE_TOKEN);
}

meter_phase meter_session_first_phase(const meter *m) {
    return m->record.token_policy == METER_TOKEN_FIXED ? METER_PHASE_TOKEN : METER_PHASE_DISCOVER;
}

sbs_status meter_session_open(meter *m) {
    meter_mount_queue(m);
    if (m->fault != SBS_OK) {
        return m->fault;
    }
    if (m->ports.time_server != NULL) {
        m->ports.time_server(m->ports.ctx, m->record.ntp_server);
    }
    m->failures = m->rotate_failures = 0;
    m->retry_ms = m->rotate_ms = 0;
    m->error = SBS_OK;
    m->large_discovery = m->large_token = m->pinned = false;
    sbs_status status = m->ports.trust(m->ports.ctx, &m->record);
    if (status == SBS_OK) {
        status = meter_session_enter(m, meter_session_first_phase(m));
    }
    m->phase = status == SBS_OK ? m->phase : METER_PHASE_IDLE;
    return status;
}

void meter_session_close(meter *m) {
    meter_session_release(m);
    meter_release((uint8_t **)&m->token_url, m->token_url_size);
    (void)m->ports.trust(m->ports.ctx, NULL);
    if (m->phase > METER_PHASE_IDLE) {
        m->phase = METER_PHASE_IDLE;
    }
}
