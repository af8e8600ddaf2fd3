/* SPDX-License-Identifier: Apache-2.0 */
/* The token URL of servers that have no smart-configuration. */
#include "smart/client_internal.h"

/* The statement is walked through: its tree comes behind it. */
static sbs_status statement_read(sbs_client *client) {
    sbs_json tree;
    sbs_flat doc;
    sbs_status status = sbs_client_decode(client);
    if (status != SBS_OK) {
        return status;
    }

    size_t size;
    char *scratch = sbs_client_scratch(client, &size);
    status = sbs_json_parse_in(&tree, scratch, client->priv.exchange.answer.body_len, size);
    if (status != SBS_OK) {
        return status;
    }

    sbs_json_node url = sbs_flat_of(&doc, &tree, sbs_capability_token_url(&tree));
    if (url == SBS_JSON_NONE) {
        return SBS_ERR_RESPONSE;
    }

    return sbs_client_take_token_url(client, &doc, url);
}

/* It is a way out: where it leads nowhere, what counts is that there is no smart-configuration. */
static bool statement_leads_nowhere(sbs_status status) {
    return status == SBS_ERR_RESPONSE || status == SBS_ERR_JSON || status == SBS_ERR_FORBIDDEN ||
           status == SBS_ERR_REDIRECT;
}

static sbs_status statement_step(sbs_client *client) {
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_DISCOVERY, true);
    if (status != SBS_OK) {
        return status;
    }

    if (client->priv.exchange.answer.status == 200) {
        status = statement_read(client);
    } else {
        status = sbs_client_refusal(client, SBS_ERR_FORBIDDEN);
    }
    if (statement_leads_nowhere(status)) {
        return client->priv.detail.status;
    }

    return sbs_client_end_discovery(client, status);
}

/* @p status: what discovery came to; in STATE_STATEMENT nothing. */
sbs_status sbs_client_oauth_uris(sbs_client *client, sbs_status status) {
    unsigned http_status = client->priv.exchange.answer.status;
    bool is_missing = http_status == 404 || http_status == 410 || status == SBS_ERR_JSON;

    if (client->priv.state == STATE_STATEMENT) {
        return statement_step(client);
    }

    status = sbs_client_end_discovery(client, status); /* which tells it */
    if (!is_missing) {
        return status;
    }

    return sbs_client_note(client, SBS_STEP_DISCOVERY, sbs_client_get_document(client, STATE_STATEMENT));
}
