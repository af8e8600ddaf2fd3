/* SPDX-License-Identifier: Apache-2.0 */
/* What another client knew. */
#include "smart/client_internal.h"

/* Printable, and of a token without a blank: it goes into a line of a head. */
static bool recall_is_clean(sbs_text text, bool blanks) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' - blanks || text.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Behind what the work buffer holds; a NUL follows the URL. False if there is no room for an exchange any more. */
static bool recall_put(sbs_client *client, sbs_text text, size_t *len, sbs_text *out_span) {
    const sbs_client_config *config = client->priv.config;
    size_t used = client->priv.url_len + client->priv.kept_len;
    if (text.len >= config->work_size - used || config->work_size - used - text.len < SBS_EXCHANGE_SCRATCH_MIN) {
        return false;
    }

    char *to = (char *)config->work + used;
    memcpy(to, text.ptr, text.len);
    to[text.len] = '\0'; /* of a span of the token the next one takes its place */
    *len += text.len;
    *out_span = (sbs_text){to, text.len};
    return true;
}

static sbs_status recall_url(sbs_client *client, const sbs_client_memory *memory) {
    const sbs_client_config *config = client->priv.config;
    sbs_text span;
    if (config->token_url != NULL || memory->token_url.ptr == NULL) {
        return SBS_OK;
    }

    if (!recall_is_clean(memory->token_url, false)) {
        return SBS_ERR_URL;
    }
    if (!recall_put(client, memory->token_url, &client->priv.url_len, &span)) {
        return SBS_ERR_BUFFER;
    }

    client->priv.url_len++; /* its NUL */
    client->priv.discovered_ms = client->priv.now.mono_ms - memory->discovered_s * 1000ull;
    return sbs_client_parse_url(config, config->work, &client->priv.token_url);
}

static sbs_status recall_token(sbs_client *client, const sbs_client_memory *memory) {
    sbs_text *kept = client->priv.kept;
    uint32_t left_s = memory->expires_in_s;
    if (memory->access_token.len == 0 || left_s > memory->lifetime_s) {
        return SBS_OK;
    }
    if (!recall_is_clean(memory->access_token, false) || !recall_is_clean(memory->scope, true)) {
        return SBS_ERR_ARGUMENT;
    }

    client->priv.sent_ms = client->priv.now.mono_ms - (memory->lifetime_s - left_s) * 1000ull;
    sbs_client_set_expiry(client, memory->lifetime_s);
    if (client->priv.token_renew_ms <= client->priv.now.mono_ms) {
        return SBS_OK;
    }

    bool fits = recall_put(client, memory->access_token, &client->priv.kept_len, &kept[SBS_KEPT_TOKEN]);
    if (fits && memory->scope.ptr != NULL) {
        fits = recall_put(client, memory->scope, &client->priv.kept_len, &kept[SBS_KEPT_SCOPE]);
    }
    if (!fits) {
        return SBS_ERR_BUFFER;
    }

    return SBS_OK;
}

/* Between two steps nothing of a request stands in the work buffer. */
bool sbs_client_lacks_token(const sbs_client *client, sbs_now now) {
    bool sends_one = sbs_client_uses_token(client) && client->priv.request.interaction != SBS_DISCOVER;

    return client->priv.state == STATE_PREPARE && sends_one && !sbs_client_has_valid_token(client, now.mono_ms);
}

sbs_status sbs_client_recall(sbs_client *client, const sbs_client_memory *memory, sbs_now now) {
    bool under_way = client->priv.state != STATE_IDLE && !sbs_client_lacks_token(client, now);
    if (under_way || client->priv.config->bearer != NULL) {
        return SBS_ERR_STATE;
    }

    client->priv.now = now;
    sbs_client_forget_discovery(client);
    sbs_status status = recall_url(client, memory);
    if (status == SBS_OK) {
        status = recall_token(client, memory);
    }
    if (status != SBS_OK) {
        sbs_client_forget_discovery(client);
    }

    return status;
}

void sbs_client_doubt_token_url(sbs_client *client, sbs_now now) {
    uint32_t ttl_ms = sbs_client_default(client->priv.config->discovery_ttl_ms, SBS_DISCOVERY_TTL_MS);
    client->priv.discovered_ms = now.mono_ms - ttl_ms;
}
