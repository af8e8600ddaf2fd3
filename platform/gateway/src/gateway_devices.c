/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_devices.h"

#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "devices_file.h"
#include "sbs/base64url.h"
#include "sbs/psa_key.h"

#define SECRET_BYTES 32u
#define VALUE_MAX 512u /* of Authorization; a longer one is wrong */

_Static_assert(SBS_BASE64URL_ENCODED_SIZE(SECRET_BYTES) + 1 == SBS_GATEWAY_SECRET_SIZE, "a secret and its NUL");

/* ---- secrets ----------------------------------------------------------------------------------------------------- */

static void devices_take(sbs_gateway_devices *devices, devices_list *list) {
    free(devices->priv.secrets);
    devices->priv.secrets = list->secrets;
    devices->priv.count = list->count;
    memcpy(devices->priv.stamp, list->stamp, sizeof list->stamp);
}

sbs_status sbs_gateway_devices_open(sbs_gateway_devices *devices, const char *path) {
    *devices = (sbs_gateway_devices){0};
    if (psa_crypto_init() != PSA_SUCCESS) {
        return SBS_ERR_CRYPTO;
    }

    devices->priv.path = strdup(path);
    if (devices->priv.path == NULL) {
        return SBS_ERR_MEMORY;
    }

    devices_list list;
    sbs_status status = sbs_devices_file_read(path, &list);
    if (status == SBS_OK) {
        devices_take(devices, &list);
    }
    return status;
}

sbs_status sbs_gateway_devices_refresh(sbs_gateway_devices *devices) {
    if (sbs_devices_file_is(devices->priv.path, devices->priv.stamp)) {
        return SBS_OK;
    }

    devices_list list;
    sbs_status status = sbs_devices_file_read(devices->priv.path, &list);
    if (status == SBS_OK) {
        devices_take(devices, &list);
    }
    return status;
}

static sbs_gateway_secret *devices_find(const sbs_gateway_devices *devices, const char *name) {
    for (size_t i = 0; i < devices->priv.count; i++) {
        if (strcmp(devices->priv.secrets[i].name, name) == 0) {
            return &devices->priv.secrets[i];
        }
    }
    return NULL;
}

bool sbs_gateway_devices_has(const sbs_gateway_devices *devices, const char *name) {
    return devices_find(devices, name) != NULL;
}

/* The text of a secret is hashed as it is sent. */
static sbs_status secret_hash(sbs_text secret, uint8_t out[32]) {
    size_t len = 0;
    psa_status_t status = psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)secret.ptr, secret.len, out, 32, &len);
    if (status != PSA_SUCCESS) {
        return sbs_psa_to_status(status);
    }
    return SBS_OK;
}

static sbs_status secret_make(sbs_gateway_secret *secret, char out[SBS_GATEWAY_SECRET_SIZE]) {
    uint8_t bytes[SECRET_BYTES];
    size_t len = 0;
    if (psa_generate_random(bytes, sizeof bytes) != PSA_SUCCESS) {
        return SBS_ERR_RANDOM;
    }

    sbs_status status = sbs_base64url_encode(bytes, sizeof bytes, out, SBS_GATEWAY_SECRET_SIZE - 1, &len);
    sbs_wipe(bytes, sizeof bytes);
    if (status != SBS_OK) {
        return status;
    }

    out[len] = '\0';
    return secret_hash((sbs_text){out, len}, secret->hash);
}

/* The place of a name: its own, or a new one at the end. */
static sbs_status secret_place(sbs_gateway_devices *devices, const char *name, sbs_gateway_secret **out) {
    *out = devices_find(devices, name);
    if (*out != NULL) {
        return SBS_OK;
    }
    if (devices->priv.count == SBS_GATEWAY_SECRETS_MAX) {
        return SBS_ERR_BUFFER;
    }

    size_t size = (devices->priv.count + 1) * sizeof *devices->priv.secrets;
    sbs_gateway_secret *grown = realloc(devices->priv.secrets, size);
    if (grown == NULL) {
        return SBS_ERR_MEMORY;
    }

    devices->priv.secrets = grown;
    *out = &grown[devices->priv.count++];
    **out = (sbs_gateway_secret){0};
    memcpy((*out)->name, name, strlen(name) + 1);
    return SBS_OK;
}

/* What could not be written did not happen: the file says what is good. */
static sbs_status devices_save(sbs_gateway_devices *devices) {
    sbs_status status =
        sbs_devices_file_write(devices->priv.path, devices->priv.secrets, devices->priv.count, devices->priv.stamp);
    if (status != SBS_OK) {
        memset(devices->priv.stamp, 0xFF, sizeof devices->priv.stamp);
        if (sbs_gateway_devices_refresh(devices) != SBS_OK) {
            devices->priv.count = 0; /* and while it cannot be read nobody is let in */
        }
    }
    return status;
}

sbs_status sbs_gateway_devices_make(sbs_gateway_devices *devices, const char *name, int64_t now_s,
                                    char out[SBS_GATEWAY_SECRET_SIZE]) {
    sbs_gateway_secret fresh = {.made_s = now_s};
    sbs_gateway_secret *place = NULL;
    int lock = -1;
    memset(out, 0, SBS_GATEWAY_SECRET_SIZE);
    if (!sbs_config_is_name(name)) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = sbs_devices_file_lock(devices->priv.path, &lock);
    if (status == SBS_OK) {
        status = sbs_gateway_devices_refresh(devices);
    }
    if (status == SBS_OK) {
        status = secret_make(&fresh, out);
    }
    if (status == SBS_OK) {
        status = secret_place(devices, name, &place);
    }

    if (status == SBS_OK) {
        memcpy(place->hash, fresh.hash, sizeof place->hash);
        place->made_s = now_s;
        status = devices_save(devices);
    }
    sbs_devices_file_unlock(lock);

    if (status != SBS_OK) {
        sbs_wipe(out, SBS_GATEWAY_SECRET_SIZE);
    }
    return status;
}

sbs_status sbs_gateway_devices_remove(sbs_gateway_devices *devices, const char *name) {
    int lock = -1;
    sbs_status status = sbs_devices_file_lock(devices->priv.path, &lock);
    if (status == SBS_OK) {
        status = sbs_gateway_devices_refresh(devices);
    }

    sbs_gateway_secret *secret = devices_find(devices, name);
    if (status == SBS_OK && secret == NULL) {
        status = SBS_ERR_NOT_FOUND;
    }
    if (status == SBS_OK) {
        *secret = devices->priv.secrets[--devices->priv.count];
        status = devices_save(devices);
    }

    sbs_devices_file_unlock(lock);
    return status;
}

/* ---- who sends wrong ones ---------------------------------------------------------------------------------------- */

/* The entry of an address, or the one that is given up for it; NULL: there is nothing to count. */
static sbs_gateway_guesser *guesser_of(sbs_gateway_devices *devices, const char *peer) {
    sbs_gateway_guesser *oldest = &devices->priv.guessers[0];
    uint8_t address[16];
    bool ipv4 = false;
    if (!sbs_config_read_peer(peer, address, &ipv4)) {
        return NULL;
    }
    if (!ipv4) {
        memset(address + 8, 0, 8);
    }

    for (size_t i = 0; i < SBS_GATEWAY_GUESSERS_MAX; i++) {
        sbs_gateway_guesser *guesser = &devices->priv.guessers[i];
        if (guesser->wrong > 0 && memcmp(guesser->address, address, sizeof address) == 0) {
            return guesser;
        }
        if (guesser->wrong == 0 || (oldest->wrong > 0 && guesser->last_ms < oldest->last_ms)) {
            oldest = guesser;
        }
    }

    *oldest = (sbs_gateway_guesser){.wrong = 0};
    memcpy(oldest->address, address, sizeof address);
    return oldest;
}

/* Seconds until an address may try again; 0: it may. What is long ago is forgotten. */
static uint32_t guesser_wait_s(sbs_gateway_guesser *guesser, sbs_now now) {
    if (guesser == NULL || guesser->wrong == 0) {
        return 0;
    }

    uint64_t since_ms = now.mono_ms - guesser->last_ms;
    if (since_ms >= SBS_GATEWAY_WRONG_MS) {
        guesser->wrong = 0;
        return 0;
    }
    if (guesser->wrong < SBS_GATEWAY_WRONG_MAX) {
        return 0;
    }
    return (uint32_t)((SBS_GATEWAY_WRONG_MS - since_ms + 999) / 1000);
}

static void guesser_note(sbs_gateway_guesser *guesser, sbs_now now, bool wrong) {
    if (guesser == NULL) {
        return;
    }
    if (!wrong) {
        guesser->wrong = 0;
        return;
    }
    guesser->wrong++;
    guesser->last_ms = now.mono_ms;
}

/* ---- whose secret it is ------------------------------------------------------------------------------------------ */

/* What Authorization holds. */
typedef struct devices_login {
    sbs_text user; /* absent with Bearer */
    sbs_text secret;
    uint8_t memory[VALUE_MAX];
} devices_login;

/* The base64 of Basic has another alphabet and padding. */
static bool login_decode(sbs_text encoded, devices_login *login, size_t *out_len) {
    char bare[VALUE_MAX];
    size_t len = encoded.len;
    while (len > 0 && encoded.len - len < 2 && encoded.ptr[len - 1] == '=') {
        len--;
    }

    for (size_t i = 0; i < len; i++) {
        bare[i] = encoded.ptr[i];
        if (bare[i] == '+') {
            bare[i] = '-';
        } else if (bare[i] == '/') {
            bare[i] = '_';
        }
    }

    sbs_status status = sbs_base64url_decode(bare, len, login->memory, sizeof login->memory, out_len);
    sbs_wipe(bare, sizeof bare);
    return status == SBS_OK;
}

static bool login_read_basic(sbs_text encoded, devices_login *login) {
    size_t len = 0;
    if (!login_decode(encoded, login, &len)) {
        return false;
    }

    const uint8_t *colon = memchr(login->memory, ':', len);
    if (colon == NULL) {
        return false;
    }

    size_t user_len = (size_t)(colon - login->memory);
    login->user = (sbs_text){(const char *)login->memory, user_len};
    login->secret = (sbs_text){(const char *)colon + 1, len - user_len - 1};
    return true;
}

/* "Bearer SECRET" or "Basic BASE64", the scheme without case (RFC 9110 section 11.1). */
static bool login_read(sbs_text value, devices_login *login) {
    size_t len = 0;
    while (len < value.len && value.ptr[len] != ' ') {
        len++;
    }

    sbs_text scheme = {value.ptr, len};
    while (len < value.len && value.ptr[len] == ' ') {
        len++;
    }

    sbs_text rest = {value.ptr + len, value.len - len};
    if (rest.len == 0 || value.len > VALUE_MAX) {
        return false;
    }
    if (sbs_text_equal_nocase(scheme, SBS_TEXT("Bearer"))) {
        login->secret = rest;
        return true;
    }
    return sbs_text_equal_nocase(scheme, SBS_TEXT("Basic")) && login_read_basic(rest, login);
}

/* 0 if both are the same, without a branch on what differs. */
static uint8_t hash_difference(const uint8_t *a, const uint8_t *b) {
    uint8_t difference = 0;
    for (size_t i = 0; i < 32; i++) {
        difference |= a[i] ^ b[i];
    }
    return difference;
}

/* Every secret is looked at, so that the time tells neither which it is nor how much of it is right. */
static const char *login_find(const sbs_gateway_devices *devices, const devices_login *login) {
    uint8_t hash[32];
    const sbs_gateway_secret *found = NULL;
    if (secret_hash(login->secret, hash) != SBS_OK) {
        return NULL;
    }

    for (size_t i = 0; i < devices->priv.count; i++) {
        const sbs_gateway_secret *secret = &devices->priv.secrets[i];
        if (hash_difference(hash, secret->hash) == 0) {
            found = secret;
        }
    }
    sbs_wipe(hash, sizeof hash);

    if (found == NULL || (login->user.ptr != NULL && !sbs_text_equal(login->user, sbs_text_of(found->name)))) {
        return NULL;
    }
    return found->name;
}

sbs_status sbs_gateway_devices_who(sbs_gateway_devices *devices, sbs_now now, const char *peer, sbs_text authorization,
                                   const char **out_name, uint32_t *out_wait_s) {
    devices_login login = {0};
    const char *name = NULL;
    sbs_gateway_guesser *guesser = guesser_of(devices, peer);
    *out_name = NULL;

    *out_wait_s = guesser_wait_s(guesser, now);
    if (*out_wait_s > 0) {
        return SBS_ERR_BUSY;
    }
    if (authorization.len == 0) {
        return SBS_ERR_FORBIDDEN;
    }

    if (login_read(authorization, &login)) {
        name = login_find(devices, &login);
    }
    sbs_wipe(&login, sizeof login);
    guesser_note(guesser, now, name == NULL);
    if (name == NULL) {
        return SBS_ERR_FORBIDDEN;
    }

    *out_name = name;
    return SBS_OK;
}

void sbs_gateway_devices_close(sbs_gateway_devices *devices) {
    free(devices->priv.path);
    if (devices->priv.secrets != NULL) {
        sbs_wipe(devices->priv.secrets, devices->priv.count * sizeof *devices->priv.secrets);
        free(devices->priv.secrets);
    }
    *devices = (sbs_gateway_devices){0};
}
