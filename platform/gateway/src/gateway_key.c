/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_key.h"

#include <stdlib.h>
#include <string.h>

#define RECORD "gateway-keys"
#define RECORD_SIZE 13u
#define RECORD_VERSION 1u
#define PUBLIC_SIZE SBS_PUBLIC_KEY_MAX

/* ---- the list --------------------------------------------------------------------------------------------------- */

static void keys_put_le(uint8_t *out, psa_key_id_t id) {
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(id >> (8 * i));
    }
}

static psa_key_id_t keys_get_le(const uint8_t *data) {
    psa_key_id_t id = 0;
    for (unsigned i = 4; i > 0; i--) {
        id = id << 8 | data[i - 1];
    }
    return id;
}

static sbs_status keys_save(const sbs_gateway_keys *keys) {
    uint8_t record[RECORD_SIZE] = {RECORD_VERSION};
    keys_put_le(record + 1, keys->priv.current);
    keys_put_le(record + 5, keys->priv.next);
    keys_put_le(record + 9, keys->priv.last);
    return keys->priv.storage.ops->set(keys->priv.storage.ctx, RECORD, record, sizeof record);
}

static sbs_status keys_load(sbs_gateway_keys *keys) {
    uint8_t record[RECORD_SIZE];
    size_t len = 0;

    sbs_status status = keys->priv.storage.ops->get(keys->priv.storage.ctx, RECORD, record, sizeof record, &len);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status == SBS_ERR_BUFFER ? SBS_ERR_VERSION : status;
    }
    if (len != RECORD_SIZE || record[0] != RECORD_VERSION) {
        return SBS_ERR_VERSION;
    }

    keys->priv.current = keys_get_le(record + 1);
    keys->priv.next = keys_get_le(record + 5);
    keys->priv.last = keys_get_le(record + 9);
    return SBS_OK;
}

/* A power cut may have left a key that no list names: it has the next id, and was never shown to anybody. */
static sbs_status keys_make(sbs_gateway_keys *keys, sbs_alg alg, psa_key_id_t *out_id) {
    psa_key_id_t id = keys->priv.last + 1;
    psa_key_id_t made = PSA_KEY_ID_NULL;
    sbs_status status = sbs_psa_key_generate(alg, 0, id, &made);
    if (status == SBS_ERR_STATE) {
        (void)psa_destroy_key(id);
        status = sbs_psa_key_generate(alg, 0, id, &made);
    }
    if (status != SBS_OK) {
        return status;
    }

    psa_key_id_t before = *out_id;
    *out_id = id;
    keys->priv.last = id;
    status = keys_save(keys);
    if (status != SBS_OK) {
        (void)psa_destroy_key(id);
        *out_id = before;
        keys->priv.last = id - 1;
    }

    return status;
}

/* ---- for the program -------------------------------------------------------------------------------------------- */

sbs_status sbs_gateway_keys_open(sbs_gateway_keys *keys, const char *path, sbs_alg alg, bool *out_made) {
    *keys = (sbs_gateway_keys){0};
    if (out_made != NULL) {
        *out_made = false;
    }

    sbs_status status = sbs_linux_storage_open(&keys->priv.files, path, &keys->priv.storage);
    if (status == SBS_OK) {
        status = sbs_linux_its_open(path);
    }
    if (status != SBS_OK) {
        sbs_linux_storage_close(&keys->priv.files);
        return status;
    }

    keys->priv.open = true;
    status = keys_load(keys);
    if (status == SBS_OK && keys->priv.current == PSA_KEY_ID_NULL) {
        status = keys_make(keys, alg, &keys->priv.current);
        if (out_made != NULL) {
            *out_made = status == SBS_OK;
        }
    }
    if (status != SBS_OK) {
        sbs_gateway_keys_close(keys);
    }

    return status;
}

void sbs_gateway_keys_port(sbs_gateway_keys *keys, sbs_key *out_key) {
    if (keys->priv.uri != NULL) {
        *out_key = keys->priv.token_port;
        return;
    }
    sbs_psa_key_init(&keys->priv.state, keys->priv.current, out_key);
}

sbs_status sbs_gateway_keys_rotate(sbs_gateway_keys *keys, sbs_alg alg) {
    if (keys->priv.next != PSA_KEY_ID_NULL) {
        return SBS_ERR_STATE;
    }
    return keys_make(keys, alg, &keys->priv.next);
}

sbs_status sbs_gateway_keys_confirm(sbs_gateway_keys *keys) {
    psa_key_id_t old = keys->priv.current;
    psa_key_id_t next = keys->priv.next;
    if (next == PSA_KEY_ID_NULL) {
        return SBS_ERR_NOT_FOUND;
    }

    /* The list first: a key that it does not name is of no use to anybody, one that is gone would be. */
    keys->priv.current = next;
    keys->priv.next = PSA_KEY_ID_NULL;
    sbs_status status = keys_save(keys);
    if (status != SBS_OK) {
        keys->priv.current = old;
        keys->priv.next = next;
        return status;
    }

    keys->priv.state.id = next;
    (void)psa_destroy_key(old);
    return SBS_OK;
}

bool sbs_gateway_keys_is_rotating(const sbs_gateway_keys *keys) {
    return keys->priv.next != PSA_KEY_ID_NULL;
}

/* ---- in a token ------------------------------------------------------------------------------------------------- */

void sbs_gateway_keys_leave_token(sbs_gateway_keys *keys) {
    sbs_pkcs11_key_close(&keys->priv.token);
    free(keys->priv.uri);
    keys->priv.uri = NULL;
    keys->priv.token = (sbs_pkcs11_key){0};
    keys->priv.token_port = (sbs_key){0};
    keys->priv.token_open = false;
}

sbs_status sbs_gateway_keys_use(sbs_gateway_keys *keys, const char *uri) {
    static char pin[] = "SBS_PKCS11_PIN";
    bool same = uri != NULL && keys->priv.uri != NULL && strcmp(uri, keys->priv.uri) == 0;
    if (!same) {
        sbs_gateway_keys_leave_token(keys);
        if (uri == NULL) {
            return SBS_OK;
        }
        keys->priv.uri = strdup(uri);
    }
    if (keys->priv.uri == NULL) {
        return SBS_ERR_MEMORY;
    }

    if (keys->priv.token_open) {
        return SBS_OK;
    }
    if (sbs_pkcs11_key_pin_was_refused(&keys->priv.token)) {
        return SBS_ERR_KEY;
    }

    const sbs_pkcs11_config config = {
        .uri = keys->priv.uri,
        .module = getenv("SBS_PKCS11_MODULE"),
        .pin = sbs_pkcs11_pin_from_environment,
        .pin_ctx = pin,
    };
    sbs_status status = sbs_pkcs11_key_open(&keys->priv.token, &config, &keys->priv.token_port);
    keys->priv.token_open = status == SBS_OK;
    return status;
}

bool sbs_gateway_keys_in_token(const sbs_gateway_keys *keys) {
    return keys->priv.uri != NULL;
}

bool sbs_gateway_keys_pin_was_refused(const sbs_gateway_keys *keys) {
    return sbs_pkcs11_key_pin_was_refused(&keys->priv.token);
}

const char *sbs_gateway_keys_words(const sbs_gateway_keys *keys) {
    return sbs_pkcs11_key_words(&keys->priv.token);
}

/* ---- what is shown of them -------------------------------------------------------------------------------------- */

/* @p out_key refers to @p data. */
static sbs_status keys_public(sbs_key port, uint8_t data[PUBLIC_SIZE], sbs_public_key *out_key) {
    sbs_alg alg;
    size_t len = 0;

    sbs_status status = port.ops->public_key(port.ctx, &alg, data, PUBLIC_SIZE, &len);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_public_key_parse(alg, data, len, out_key);
}

typedef struct keys_shown {
    uint8_t data[PUBLIC_SIZE];
    char kid[SBS_KID_MAX];
} keys_shown;

static sbs_status keys_jwk(sbs_key port, sbs_text kid, keys_shown *memory, sbs_jwk *out_jwk) {
    sbs_status status = keys_public(port, memory->data, &out_jwk->key);
    if (status != SBS_OK) {
        return status;
    }

    sbs_kid_method method = kid.len > 0 ? SBS_KID_LITERAL : SBS_KID_THUMBPRINT;
    out_jwk->kid.ptr = memory->kid;
    return sbs_jwk_kid(&out_jwk->key, method, kid, memory->kid, sizeof memory->kid, &out_jwk->kid.len);
}

/* The keys that there are: the current one first. */
typedef struct keys_ports {
    sbs_psa_key states[2];
    sbs_key keys[2];
    size_t count;
} keys_ports;

static void keys_list(const sbs_gateway_keys *keys, keys_ports *out) {
    const psa_key_id_t ids[2] = {keys->priv.current, keys->priv.next};
    out->count = 0;
    if (keys->priv.token_open) {
        out->keys[out->count++] = keys->priv.token_port;
    }
    if (keys->priv.uri != NULL) {
        return;
    }

    while (out->count < 2 && ids[out->count] != PSA_KEY_ID_NULL) {
        sbs_psa_key_init(&out->states[out->count], ids[out->count], &out->keys[out->count]);
        out->count++;
    }
}

sbs_status sbs_gateway_keys_put(const sbs_gateway_keys *keys, const char *kid, bool set, sbs_writer *out) {
    keys_ports ports;
    keys_shown shown[2];
    sbs_jwk jwks[2];
    size_t count = 0;
    keys_list(keys, &ports);
    if (ports.count == 0) {
        return SBS_ERR_KEY;
    }

    /* A name that an operator gave is the current key's: the next one has its thumbprint until it is that. */
    while (count < ports.count) {
        sbs_text name = count == 0 && kid != NULL ? sbs_text_of(kid) : (sbs_text){NULL, 0};
        sbs_status status = keys_jwk(ports.keys[count], name, &shown[count], &jwks[count]);
        if (status != SBS_OK) {
            return status;
        }
        count++;
    }

    if (set) {
        sbs_jwk_set_put(out, jwks, count, SBS_JWK_COMPACT);
    } else {
        sbs_jwk_put(out, &jwks[count - 1].key, jwks[count - 1].kid, SBS_JWK_COMPACT, 0);
    }
    return out->error;
}

sbs_status sbs_gateway_keys_thumbprint(const sbs_gateway_keys *keys, char out[SBS_KID_THUMBPRINT_LEN + 1]) {
    keys_ports ports;
    keys_shown shown;
    sbs_jwk jwk;
    memset(out, 0, SBS_KID_THUMBPRINT_LEN + 1);

    keys_list(keys, &ports);
    if (ports.count == 0) {
        return SBS_ERR_KEY;
    }

    sbs_status status = keys_jwk(ports.keys[0], (sbs_text){NULL, 0}, &shown, &jwk);
    if (status == SBS_OK) {
        memcpy(out, jwk.kid.ptr, jwk.kid.len);
    }

    return status;
}

void sbs_gateway_keys_close(sbs_gateway_keys *keys) {
    sbs_gateway_keys_leave_token(keys);
    if (!keys->priv.open) {
        return;
    }

    sbs_linux_its_close();
    sbs_linux_storage_close(&keys->priv.files);
    *keys = (sbs_gateway_keys){0};
}
