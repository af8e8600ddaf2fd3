/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_keys.h"

#include <psa/error.h>
#include <psa/internal_trusted_storage.h>
#include <string.h>

#include "meter_bytes.h"
#include "sbs/alg.h"
#include "sbs/count.h"

#define RECORD "keys"
#define VERSION 1u
#define RECORD_SIZE 25u      /* version, current, next, old, last (4 each), old_until (8) */
#define IDS_MAX 256u         /* tried where there is no list to be read: more than a device makes */
#define PUBLIC_KEY_SIZE 300u /* keys made here are RSA-2048 or P-384 */

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static sbs_status save_list(const meter_keys *keys) {
    uint8_t record[RECORD_SIZE];
    uint8_t *out = record;

    *out++ = VERSION;
    out = meter_put_le(out, keys->current, 4);
    out = meter_put_le(out, keys->next, 4);
    out = meter_put_le(out, keys->old, 4);
    out = meter_put_le(out, keys->last, 4);
    (void)meter_put_le(out, (uint64_t)keys->old_until_s, 8);

    return keys->storage.ops->set(keys->storage.ctx, RECORD, record, sizeof record);
}

static sbs_status read_list(meter_keys *keys) {
    uint8_t record[RECORD_SIZE];
    size_t len = 0;

    sbs_status status = keys->storage.ops->get(keys->storage.ctx, RECORD, record, sizeof record, &len);
    if (status != SBS_OK && status != SBS_ERR_BUFFER) {
        return status;
    }
    if (len < RECORD_SIZE) {
        return SBS_ERR_DAMAGED;
    }
    if (len > RECORD_SIZE || record[0] != VERSION) { /* a longer one is a newer one */
        return SBS_ERR_VERSION;
    }

    keys->current = (psa_key_id_t)meter_get_le(record + 1, 4);
    keys->next = (psa_key_id_t)meter_get_le(record + 5, 4);
    keys->old = (psa_key_id_t)meter_get_le(record + 9, 4);
    keys->last = (psa_key_id_t)meter_get_le(record + 13, 4);
    keys->old_until_s = (int64_t)meter_get_le(record + 17, 8);

    return SBS_OK;
}

static psa_status_t read_alg(psa_key_id_t id, sbs_alg *out) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(id, &attributes);
    const sbs_alg_info *info = sbs_alg_of_key(psa_get_key_type(&attributes), psa_get_key_bits(&attributes),
                                              psa_get_key_algorithm(&attributes));
    psa_reset_key_attributes(&attributes);
    (void)psa_purge_key(id);

    *out = (sbs_alg)0;
    if (status == PSA_SUCCESS && info != NULL) {
        *out = info->alg;
    }

    return status;
}

sbs_alg meter_keys_alg(psa_key_id_t id) {
    sbs_alg alg;
    (void)read_alg(id, &alg);
    return alg;
}

/* SBS_ERR_KEY: it is gone or damaged, which is not the same as one that cannot be read just now. */
static sbs_status check_key(psa_key_id_t id) {
    sbs_alg alg;
    psa_status_t status = read_alg(id, &alg);
    if (status == PSA_SUCCESS) {
        return SBS_OK;
    }
    if (status == PSA_ERROR_STORAGE_FAILURE || status == PSA_ERROR_INSUFFICIENT_MEMORY) {
        return sbs_psa_to_status(status);
    }

    return SBS_ERR_KEY;
}

/* SBS_OK, too, if there is no such key any more. */
static sbs_status destroy_key(psa_key_id_t id) {
    if (id == PSA_KEY_ID_NULL) {
        return SBS_OK;
    }

    psa_status_t status = psa_destroy_key(id);
    if (status == PSA_ERROR_DATA_CORRUPT || status == PSA_ERROR_DATA_INVALID) {
        status = psa_its_remove(id); /* PSA destroys what it can read only */
    }

    if (status == PSA_ERROR_INVALID_HANDLE || status == PSA_ERROR_DOES_NOT_EXIST) {
        return SBS_OK;
    }

    return sbs_psa_to_status(status);
}

sbs_status meter_keys_load(meter_keys *keys, const sbs_storage *storage) {
    memset(keys, 0, sizeof *keys);
    keys->storage = *storage;
    sbs_status status = read_list(keys);
    if (status != SBS_OK) {
        return status;
    }

    /* The current key is looked at last: its loss is what the caller has to hear of. */
    if (keys->next != PSA_KEY_ID_NULL) {
        status = check_key(keys->next);
        if (status == SBS_ERR_KEY) { /* destroyed, and power was cut; or damaged */
            status = destroy_key(keys->next);
            keys->next = PSA_KEY_ID_NULL;
        }
        if (status != SBS_OK) {
            return status;
        }
    }

    return check_key(keys->current);
}

/* ---- life of a key ----------------------------------------------------------------------------------------------- */

/* Key first, list second: a cut between the two leaves a key that nobody lists, whose id is the next one to be made. */
static sbs_status make_key(meter_keys *keys, sbs_alg alg, psa_key_id_t *slot) {
    psa_key_id_t id = keys->last + 1;
    psa_key_id_t made;
    sbs_status status = destroy_key(id);
    if (status == SBS_OK) {
        status = sbs_psa_key_generate(alg, 0, id, &made);
    }

    if (status != SBS_OK) {
        return status;
    }

    /* A list that cannot be written leaves all as it was. */
    meter_keys before = *keys;
    *slot = id;
    keys->last = id;
    status = save_list(keys);
    if (status != SBS_OK) {
        *keys = before;
        (void)destroy_key(id);
    }

    return status;
}

sbs_status meter_keys_make_first(meter_keys *keys, sbs_alg alg) {
    if (keys->current != PSA_KEY_ID_NULL) {
        return SBS_ERR_STATE;
    }
    return make_key(keys, alg, &keys->current);
}

sbs_status meter_keys_make_next(meter_keys *keys, sbs_alg alg) {
    if (keys->next != PSA_KEY_ID_NULL) {
        return SBS_ERR_STATE;
    }
    return make_key(keys, alg, &keys->next);
}

sbs_status meter_keys_promote(meter_keys *keys, int64_t utc_s) {
    if (keys->next == PSA_KEY_ID_NULL) {
        return SBS_ERR_NOT_FOUND;
    }

    sbs_status status = destroy_key(keys->old); /* of a rotation just before */
    if (status != SBS_OK) {
        return status;
    }

    meter_keys before = *keys;
    keys->old = keys->current;
    keys->current = keys->next;
    keys->next = PSA_KEY_ID_NULL;
    keys->old_until_s = utc_s + METER_KEY_KEEP_S;
    status = save_list(keys);
    if (status != SBS_OK) {
        *keys = before;
    }

    return status;
}

sbs_status meter_keys_abort(meter_keys *keys) {
    if (keys->next == PSA_KEY_ID_NULL) {
        return SBS_ERR_NOT_FOUND;
    }

    /* The key first: a list that names one that is gone is mended at the next start. */
    sbs_status status = destroy_key(keys->next);
    if (status == SBS_OK) {
        keys->next = PSA_KEY_ID_NULL;
        status = save_list(keys);
    }

    return status;
}

sbs_status meter_keys_expire(meter_keys *keys, int64_t utc_s, bool *out_gone) {
    *out_gone = false;
    if (keys->old == PSA_KEY_ID_NULL || utc_s == SBS_UTC_UNKNOWN || utc_s < keys->old_until_s) {
        return SBS_OK;
    }

    sbs_status status = destroy_key(keys->old);
    if (status == SBS_OK) {
        keys->old = PSA_KEY_ID_NULL;
        status = save_list(keys);
        *out_gone = status == SBS_OK;
    }

    return status;
}

/* What is listed, and the one whose list a power cut kept from being written. Without a list: whatever there is. */
static sbs_status destroy_all(const meter_keys *keys) {
    /* An unlisted key can have one id only, the next. */
    psa_key_id_t listed[] = {keys->current, keys->next, keys->old, keys->last + 1};
    bool has_list = keys->last != 0;
    size_t count = has_list ? SBS_COUNT_OF(listed) : IDS_MAX;

    for (size_t i = 0; i < count; i++) {
        psa_key_id_t id = (psa_key_id_t)i + 1;
        if (has_list) {
            id = listed[i];
        }
        sbs_status status = destroy_key(id);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

sbs_status meter_keys_reset(meter_keys *keys) {
    sbs_status status = destroy_all(keys);
    if (status != SBS_OK) {
        return status;
    }

    /* The list goes last, so that a cut finds the keys again. */
    status = keys->storage.ops->remove(keys->storage.ctx, RECORD);
    keys->current = keys->next = keys->old = keys->last = PSA_KEY_ID_NULL;
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    return status;
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

static sbs_status port_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    meter_keys *keys = ctx;
    return keys->inner.ops->public_key(keys->inner.ctx, out_alg, buffer, size, out_len);
}

/* The private key leaves the RAM at once: it stands in the flash, and TLS needs the room. */
static sbs_status port_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                            size_t *out_len) {
    meter_keys *keys = ctx;
    sbs_status status = keys->inner.ops->sign(keys->inner.ctx, hash, signature, size, out_len);
    (void)psa_purge_key(keys->state.id);
    return status;
}

void meter_keys_port(meter_keys *keys, bool next, sbs_key *out_key) {
    static const sbs_key_ops ops = {port_public_key, port_sign};
    psa_key_id_t id = next ? keys->next : keys->current;
    sbs_psa_key_init(&keys->state, id, &keys->inner);
    *out_key = (sbs_key){&ops, keys, keys->inner.verify_after_sign};
}

sbs_kid_method meter_keys_kid(const meter_kids *kids, psa_key_id_t id) {
    if (kids->method == SBS_KID_LITERAL && kids->literal_id != id) {
        return SBS_KID_THUMBPRINT;
    }
    return kids->method;
}

static sbs_status read_public(psa_key_id_t id, uint8_t data[PUBLIC_KEY_SIZE], sbs_public_key *out_key) {
    size_t len = 0;
    sbs_status status = sbs_psa_to_status(psa_export_public_key(id, data, PUBLIC_KEY_SIZE, &len));
    sbs_alg alg = meter_keys_alg(id);

    (void)psa_purge_key(id);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_public_key_parse(alg, data, len, out_key);
}

typedef struct shown_key {
    uint8_t data[PUBLIC_KEY_SIZE];
    char kid[SBS_KID_MAX];
} shown_key;

/* @p out_jwk refers to @p memory. */
static sbs_status read_jwk(const meter_kids *kids, psa_key_id_t id, shown_key *memory, sbs_jwk *out_jwk) {
    sbs_status status = read_public(id, memory->data, &out_jwk->key);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_jwk_kid(&out_jwk->key, meter_keys_kid(kids, id), sbs_text_of(kids->literal), memory->kid,
                         sizeof memory->kid, &out_jwk->kid.len);
    out_jwk->kid.ptr = NULL;

    if (out_jwk->kid.len > 0) {
        out_jwk->kid.ptr = memory->kid;
    }

    return status;
}

sbs_status meter_keys_put_set(const meter_keys *keys, const meter_kids *kids, sbs_writer *out) {
    shown_key memory[2];
    sbs_jwk set[2];
    psa_key_id_t ids[2] = {keys->current, keys->next};
    size_t count = 0;

    while (count < 2 && ids[count] != PSA_KEY_ID_NULL) {
        sbs_status status = read_jwk(kids, ids[count], &memory[count], &set[count]);
        if (status != SBS_OK) {
            return status;
        }
        count++;
    }

    sbs_jwk_set_put(out, set, count, SBS_JWK_COMPACT);
    return out->error;
}

sbs_status meter_keys_put_thumbprint(psa_key_id_t id, sbs_writer *out) {
    uint8_t data[PUBLIC_KEY_SIZE];
    char kid[SBS_KID_THUMBPRINT_LEN];
    sbs_public_key key;
    size_t len = 0;

    sbs_status status = read_public(id, data, &key);
    if (status == SBS_OK) {
        status = sbs_jwk_kid(&key, SBS_KID_THUMBPRINT, (sbs_text){NULL, 0}, kid, sizeof kid, &len);
    }

    if (status == SBS_OK) {
        sbs_put(out, kid, len);
    }

    return status;
}
