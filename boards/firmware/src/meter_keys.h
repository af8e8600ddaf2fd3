/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_keys.h The device's keys: the current one, the next one while it is being introduced, and the old one
 *  until the last assertion made with it has expired. They are persistent PSA keys, listed in one stored record. */
#ifndef METER_KEYS_H
#define METER_KEYS_H

#include "sbs/jwk.h"
#include "sbs/psa_key.h"
#include "sbs/storage.h"
#include "sbs/time.h"

#define METER_KEY_KEEP_S                                                                                               \
    360 /**< an old key is destroyed this long after its last use: assertions live 300 s at most                       \
         */

typedef struct meter_keys {
    sbs_storage storage;
    psa_key_id_t current, next, old; /**< PSA_KEY_ID_NULL: none */
    psa_key_id_t last;               /**< ids are not used again */
    int64_t old_until_s;
    sbs_psa_key state;
    sbs_key inner;
} meter_keys;

/** How kids are made; a literal one belongs to the key @c literal_id alone, others then have their thumbprint. */
typedef struct meter_kids {
    sbs_kid_method method;
    const char *literal;
    psa_key_id_t literal_id;
} meter_kids;

/** Reads the list, and mends what a power cut left. SBS_ERR_NOT_FOUND: no key was made yet; SBS_ERR_KEY: the current
 * key is lost; others of the storage. */
SBS_NODISCARD sbs_status meter_keys_load(meter_keys *keys, const sbs_storage *storage);

/** Makes the first key. Takes seconds to minutes for RSA on a microcontroller. Errors of sbs_psa_key_generate(). */
SBS_NODISCARD sbs_status meter_keys_make_first(meter_keys *keys, sbs_alg alg);
/** Makes the next key. SBS_ERR_STATE if there is one. */
SBS_NODISCARD sbs_status meter_keys_make_next(meter_keys *keys, sbs_alg alg);
/** The next key becomes the current one; the old one is kept for METER_KEY_KEEP_S. */
SBS_NODISCARD sbs_status meter_keys_promote(meter_keys *keys, int64_t utc_s);
/** Destroys the next key. SBS_ERR_NOT_FOUND if there is none. */
SBS_NODISCARD sbs_status meter_keys_abort(meter_keys *keys);
/** Destroys the old key when its time has come. @p out_gone tells that it was. */
SBS_NODISCARD sbs_status meter_keys_expire(meter_keys *keys, int64_t utc_s, bool *out_gone);
/** Destroys all keys and the list. */
SBS_NODISCARD sbs_status meter_keys_reset(meter_keys *keys);

/** A key port over the current or the next key; one at a time. */
void meter_keys_port(meter_keys *keys, bool next, sbs_key *out_key);
/** The kid method for a key. */
sbs_kid_method meter_keys_kid(const meter_kids *kids, psa_key_id_t id);
/** Algorithm of a key, 0 if it cannot be used. */
sbs_alg meter_keys_alg(psa_key_id_t id);

/** Writes the JWK Set of the current and the next key in one line. */
SBS_NODISCARD sbs_status meter_keys_put_set(const meter_keys *keys, const meter_kids *kids, sbs_writer *out);
/** Writes the RFC 7638 thumbprint of a key. */
SBS_NODISCARD sbs_status meter_keys_put_thumbprint(psa_key_id_t id, sbs_writer *out);

#endif
