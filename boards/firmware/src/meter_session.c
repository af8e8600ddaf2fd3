/* SPDX-License-Identifier: Apache-2.0 */
/* A record in use: what it means for queue, trust, client and push engine, and how requests of the application fare. */
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>

#include "meter_internal.h"

#define REQUEST_REST 1100u /* of a token request: its head, the signature, names and claims */
#define IDENTITY_REST 45u  /* of an identifier: device, type, time */
#define SEARCH_REST 110u   /* its system, in a search */
#define OBSERVATION_REST 900u
#define CONNECTION_BLOCK (MBEDTLS_SSL_IN_CONTENT_LEN + 45u) /* the largest of a connection: a record and its rest */

static size_t text_len(const char *text) {
    if (text == NULL) {
        return 0;
    }
    return strlen(text);
}

static void release_token_url(meter_session *session) {
    meter_release((uint8_t **)&session->token_url, text_len(session->token_url));
}

/* ---- queue ------------------------------------------------------------------------------------------------------- */

void meter_mount_queue(meter *m) {
    sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    const meter_tasks *tasks = m->ports.tasks;
    if (tasks != NULL) {
        config.lock = tasks->queue_lock;
        config.unlock = tasks->queue_unlock;
        config.lock_ctx = tasks->queue_lock_ctx;
    }

    if (m->block != NULL && m->record.drop_oldest) {
        /* The operator prefers what is new. */
        config.policy = SBS_FLASH_QUEUE_DROP_OLDEST;
    }

    meter_hold_sensor(m, true);
    m->fault = sbs_flash_queue_mount(&m->queue_state, m->ports.queue_flash, &config);
    meter_hold_sensor(m, false);
    m->queue_ready = m->fault == SBS_OK;
    m->queue = sbs_flash_queue_port(&m->queue_state);
    /* What earlier starts sent is no news. */
    m->shown.sent = m->queue_state.delivered;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

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
    const char *token_url = m->session.token_url;
    if (record->token_policy == METER_TOKEN_FIXED) {
        token_url = record->token_url;
    }

    size_t urls = strlen(record->fhir_base) + text_len(token_url);
    size_t client_id = text_len(record->client_id) * 8u / 3u + form_len(record->client_id);
    size_t size = client_id + 3u * text_len(record->scope) + 3u * urls + REQUEST_REST;

    if (size < METER_WORK_MIN) {
        size = METER_WORK_MIN;
    }

    if (m->session.large_token) {
        size += METER_WORK_EXTRA;
    }

    return size;
}

/* Of an Observation and its search, where the search has each character of the identifier three times at the most. */
static size_t body_size(const meter_record *record) {
    size_t subject = text_len(record->subject);
    size_t identity = subject + IDENTITY_REST;
    if (record->patient != NULL) {
        identity = strlen(record->patient) + text_len(record->patient_system) + IDENTITY_REST;
    }

    size_t size = OBSERVATION_REST + subject + 2u * identity; /* a quote takes two in JSON */
    if (record->write_mode == SBS_WRITE_IF_NONE_EXIST) {
        size += 3u * identity + SEARCH_REST;
    }

    return size;
}

static void free_memory(meter *m) {
    sbs_client_deinit(&m->session.client);
    meter_release(&m->session.work, m->session.work_size);
    meter_release(&m->session.body, m->session.body_size);
}

/* Takes what is still missing. */
static sbs_status take_memory(meter_session *session) {
    if (session->work == NULL) {
        session->work = meter_allocate(session->work_size);
    }

    if (session->work == NULL) {
        return SBS_ERR_MEMORY;
    }

    if (session->body_size > 0) {
        session->body = meter_allocate(session->body_size);
        if (session->body == NULL) {
            return SBS_ERR_MEMORY;
        }
    }

    return SBS_OK;
}

/* Memory for the next phase in place of that of the one before. The place that the connection leaves has to hold the
 * next one, whose largest block is a third of the heap: a block taken from that place would split it. So a block as
 * large as that one keeps the place meanwhile. While the connection stands there is not room for both memories; and
 * where there is none beside the place, the next connection has to find another. */
static sbs_status replace_memory(meter *m, size_t work_len, size_t body_len) {
    bool connected = m->session.work != NULL;
    free_memory(m);
    m->session.work_size = work_len;
    m->session.body_size = body_len;

    if (!connected) {
        return take_memory(&m->session);
    }

    /* The old memory is free now, and so is the place of the connection: keep that one. */
    uint8_t *place = meter_allocate(CONNECTION_BLOCK);
    sbs_status status = take_memory(&m->session);
    mbedtls_free(place);

    /* There is no room beside the place: take it after all. */
    if (status != SBS_OK && place != NULL) {
        status = take_memory(&m->session);
    }

    return status;
}

static sbs_status take_memory_for(meter *m, meter_phase phase) {
    if (phase != METER_PHASE_DISCOVER) {
        return replace_memory(m, work_size(m), body_size(&m->record));
    }
    if (m->session.large_discovery) {
        return replace_memory(m, METER_WORK_DISCOVERY_LARGE, 0);
    }

    /* The first look needs little, and it matters more that all else is free than where the little comes from. */
    free_memory(m);
    return replace_memory(m, METER_WORK_DISCOVERY, 0);
}

/* ---- client and push engine -------------------------------------------------------------------------------------- */

/* The work hook of the client, whose context is the application. */
static void client_work(void *ctx, bool begin) {
    meter_work(ctx, begin);
}

static void configure_client(meter *m) {
    const meter_record *record = &m->record;
    sbs_client_config *config = &m->session.client_config;
    *config = (sbs_client_config){
        .fhir_base = record->fhir_base,
        .client_id = record->client_id,
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = record->scope,
        .kid = record->kid,
        .bearer = record->secret,
        .key = &m->session.key,
        .stream = m->ports.stream,
        .work = m->session.work,
        .work_size = m->session.work_size,
        .work_hook = client_work,
        .hook_ctx = m,
    };

    /* Without TLS goes what the record sends to a gateway by http, and nothing else. */
    if (record->plain) {
        config->plain_stream = m->ports.plain_stream;
    }

    if (!m->session.waited_first) {
        config->first_delay_max_ms = record->first_delay_s * 1000u;
    }

    /* What discovery found is fixed from then on. A later discovery may lead to the host that gave a token, no other.
     */
    if (record->token_policy == METER_TOKEN_FIXED) {
        config->token_url = record->token_url;
    } else if (m->session.phase != METER_PHASE_DISCOVER) {
        config->token_url = m->session.token_url;
    }

    if (record->token_policy == METER_TOKEN_PINNED) {
        config->token_origin = record->token_url;
    } else if (m->session.pinned) {
        config->token_origin = m->session.token_url;
    }
}

sbs_status meter_session_use_key(meter *m, bool next) {
    meter_kids kids = meter_kids_of(m);
    sbs_client_deinit(&m->session.client);
    meter_keys_port(&m->keys, next, &m->session.key);
    m->session.client_config.kid_method = meter_keys_kid(&kids, m->keys.state.id);

    /* The delay spreads devices that start together. This one has started long ago. */
    if (m->session.first_token_ms != 0) {
        m->session.client_config.first_delay_max_ms = 0;
    }

    m->session.busy = false;
    return sbs_client_init(&m->session.client, &m->session.client_config);
}

static sbs_status open_push(meter *m) {
    m->session.encoder.epoch = m->life.epoch;
    m->session.encoder.device_known = m->device_put;
    m->session.encoder.write_mode = m->record.write_mode;
    m->session.push_config = (sbs_push_config){
        .client = &m->session.client,
        .queue = &m->queue,
        .storage = &m->ports.storage,
        .encoder = meter_item_encoder(&m->session.encoder),
        .item = m->session.item,
        .item_size = sizeof m->session.item,
        .body = (char *)m->session.body,
        .body_size = m->session.body_size,
        .unknown_time = (sbs_unknown_time)m->record.unknown_time,
        .boot_id = m->life.boot_id,
    };

    return sbs_push_init(&m->session.push, &m->session.push_config);
}

/* ---- open and close ---------------------------------------------------------------------------------------------- */

meter_phase meter_session_first_phase(const meter *m) {
    bool known = m->record.token_policy == METER_TOKEN_FIXED || m->record.secret != NULL;
    return known ? METER_PHASE_TOKEN : METER_PHASE_DISCOVER;
}

/* A gateway takes Observations only, and knows the device by its secret. */
meter_phase meter_session_phase_online(const meter *m) {
    bool told = m->device_put || m->record.secret != NULL;
    return told ? METER_PHASE_PUSH : METER_PHASE_DEVICE;
}

sbs_status meter_session_enter(meter *m, meter_phase phase) {
    m->session.phase = (uint8_t)phase;
    sbs_status status = take_memory_for(m, phase);
    if (status == SBS_OK) {
        configure_client(m);
        status = meter_session_use_key(m, false);
    }

    if (status == SBS_OK && phase != METER_PHASE_DISCOVER) {
        status = open_push(m);
    }

    m->session.waited_first = true;
    return status;
}

sbs_status meter_session_discovered(meter *m) {
    /* It stands in the work buffer, which the next phase replaces. */
    sbs_text found = sbs_client_token_url(&m->session.client);
    release_token_url(&m->session);
    m->session.token_url = (char *)meter_allocate(found.len + 1);

    if (m->session.token_url == NULL) {
        return SBS_ERR_MEMORY;
    }

    memcpy(m->session.token_url, found.ptr, found.len);
    return meter_session_enter(m, METER_PHASE_TOKEN);
}

static void forget_failures(meter *m) {
    m->session.failures = 0;
    m->session.retry_ms = 0;
    m->rotation.failures = 0;
    m->rotation.retry_ms = 0;
    m->shown.error = SBS_OK;
    m->session.large_discovery = m->session.large_token = m->session.pinned = false;
}

sbs_status meter_session_open(meter *m) {
    meter_mount_queue(m);
    if (m->fault != SBS_OK) {
        return m->fault;
    }

    /* The time comes first: without it no certificate can be judged. */
    if (m->ports.time_server != NULL) {
        m->ports.time_server(m->ports.ctx, m->record.ntp_server);
    }

    forget_failures(m);
    sbs_status status = m->ports.trust(m->ports.ctx, &m->record);
    if (status == SBS_OK) {
        status = meter_session_enter(m, meter_session_first_phase(m));
    }

    if (status != SBS_OK) {
        m->session.phase = METER_PHASE_IDLE;
    }

    return status;
}

void meter_session_free(meter *m) {
    free_memory(m);
    release_token_url(&m->session);
}

void meter_session_close(meter *m) {
    meter_session_free(m);
    /* The anchors are bytes of the record, which may go next. */
    (void)m->ports.trust(m->ports.ctx, NULL);
    if (m->session.phase > METER_PHASE_IDLE) {
        m->session.phase = METER_PHASE_IDLE;
    }
}

/* ---- requests of the application's own --------------------------------------------------------------------------- */

sbs_status meter_session_run(meter *m, const sbs_request *request) {
    sbs_wait wait = {0, 0, -1};
    if (!m->session.busy) {
        sbs_status status = sbs_client_start(&m->session.client, request);
        if (status != SBS_OK) {
            meter_wait(m, 0);
            return status;
        }
    }

    sbs_status status = sbs_client_poll(&m->session.client, m->now, &wait);
    m->session.busy = status == SBS_PENDING;
    if (status != SBS_PENDING) {
        wait.timeout_ms = 0;
    }

    meter_wait(m, wait.timeout_ms);
    return status;
}

void meter_session_worked(meter *m) {
    m->session.failures = 0;
    m->session.retry_ms = 0;
    m->shown.error = SBS_OK;
    meter_confirm_time(m);

    if (m->session.first_token_ms == 0) {
        /* For `stats`: how long a start takes until something works. */
        m->session.first_token_ms = m->now.mono_ms;
    }
}

void meter_session_failed(meter *m, sbs_status status, uint32_t wait_ms) {
    meter_retry_in(m, wait_ms);
    meter_show_failure(m, status);

    /* A clock that is set to a wrong time makes certificates and assertions wrong. */
    if (sbs_status_group(status) == SBS_CLASS_OPERATOR) {
        meter_doubt_time(m);
    }
}

void meter_session_lost(meter *m) {
    meter_session_close(m);
    meter_retry_in(m, METER_STORAGE_RETRY_MS);
    meter_set_condition(m, METER_SERVER_TROUBLE);
}
