/* SPDX-License-Identifier: Apache-2.0 */
/* What the client reads of its key, once: for programs that do not say it themselves. */
#include "smart/client_internal.h"

sbs_status sbs_client_read_key(struct sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_public_key parsed;
    sbs_alg alg;
    size_t size;
    size_t len;
    uint8_t *data = (uint8_t *)sbs_client_scratch(client, &size);

    sbs_status status = config->key->ops->public_key(config->key->ctx, &alg, data, size, &len);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_public_key_parse(alg, data, len, &parsed);
    if (status != SBS_OK) {
        return status;
    }

    if (sbs_client_computes_kid(config)) {
        status = sbs_jwk_kid(&parsed, config->kid_method, (sbs_text){NULL, 0}, client->priv.kid,
                             sizeof client->priv.kid, &len);
        if (status != SBS_OK) {
            return status;
        }

        client->priv.kid_len = (uint8_t)len;
    }

    client->priv.alg = alg;
    client->priv.key_bits = parsed.bits;
    return SBS_OK;
}
