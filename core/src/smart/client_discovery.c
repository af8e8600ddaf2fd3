/* SPDX-License-Identifier: Apache-2.0 */
/* How the client finds the token URL. */
#include "smart/client_internal.h"
#include "text/ascii.h"
#include "json/flat_lookup.h"

sbs_status sbs_client_begin_discovery(sbs_client *client) {
    sbs_client_forget_discovery(client);
    return sbs_client_note(client, SBS_STEP_DISCOVERY, sbs_client_get_document(client, STATE_DISCOVERY));
}

/* The token endpoint stays on the host that authenticated first: no assertion goes to another one before an operator
 * has looked. */
static sbs_status discovery_check_pin(const sbs_client *client, const sbs_url *url) {
    if (client->priv.pin_port == 0) {
        return SBS_OK;
    }
    if (client->priv.pin_port != url->port || !sbs_ascii_is_nocase(url->host, client->priv.pin_host)) {
        return SBS_ERR_TOKEN_HOST;
    }
    return SBS_OK;
}

sbs_status sbs_client_take_token_url(sbs_client *client, const sbs_flat *doc, sbs_json_node node) {
    const sbs_client_config *config = client->priv.config;
    size_t body_len = client->priv.exchange.answer.body_len;
    size_t url_len;

    /* It is made absolute behind the document, and then takes its place. */
    char *text = (char *)config->work + body_len;
    sbs_status status = sbs_discovery_url(doc, node, sbs_client_text(config->fhir_base), true, text,
                                          config->work_size - body_len, &url_len);
    if (status != SBS_OK) {
        return status;
    }

    client->priv.url_len = url_len + 1;
    memmove(config->work, text, client->priv.url_len);

    status = sbs_client_parse_url(config, config->work, &client->priv.token_url);
    if (status == SBS_OK) {
        status = discovery_check_pin(client, &client->priv.token_url);
    }

    return status;
}

static sbs_status discovery_read(sbs_client *client) {
    sbs_flat doc;
    sbs_json_node node;
    sbs_status status = sbs_client_read_json(client, &doc);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_flat_lookup_value(&doc, "token_endpoint", &node);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_ERR_RESPONSE;
    }
    if (status != SBS_OK) {
        return status;
    }

    return sbs_client_take_token_url(client, &doc, node);
}

sbs_status sbs_client_end_discovery(sbs_client *client, sbs_status status) {
    if (status == SBS_OK) {
        client->priv.discovered_ms = client->priv.now.mono_ms;
        return sbs_client_go_on(client, STATE_PREPARE);
    }

    bool has_url = client->priv.url_len > 0;
    client->priv.url_len = 0;
    sbs_client_note_answer(client, SBS_STEP_DISCOVERY, status);

    /* A token URL that is refused is shown: behind a proxy some servers state http. What is no URL at all, or too long
     * to be one, is not. */
    const char *words = "token_endpoint";
    if (status == SBS_ERR_JSON && !client->priv.exchange.answer.is_json) {
        words = sbs_client_content_type;
    } else if (status != SBS_ERR_URL) {
        words = NULL;
    } else if (has_url) {
        words = client->priv.config->work;
    }
    if (words != NULL) {
        sbs_client_say(client, sbs_client_text(words));
    }

    return sbs_client_retry(client, client->priv.detail.transient);
}

sbs_status sbs_client_step_discovery(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_DISCOVERY, true);
    if (status != SBS_OK) {
        return status;
    }

    if (client->priv.exchange.answer.status == 200) {
        status = discovery_read(client);
    } else {
        status = sbs_client_refusal(client, SBS_ERR_FORBIDDEN);
    }
    /* Older servers have it elsewhere, for programs that look there. */
    if (status != SBS_OK && config->oauth_uris != NULL) {
        return config->oauth_uris(client, status);
    }

    return sbs_client_end_discovery(client, status);
}
