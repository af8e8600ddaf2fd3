/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_devices.h
 * Who may give something: the secrets of devices. A secret is 256 random bits, shown once as base64url; kept is its
 * SHA-256, in a file of mode 0600. It comes as `Authorization: Bearer SECRET`, or as Basic with the device's name and
 * the secret as password (RFC 6750, RFC 7617). After five wrong ones from an address, that address gets 429 for a time.
 */
#ifndef SBS_GATEWAY_DEVICES_H
#define SBS_GATEWAY_DEVICES_H

#include "sbs/gateway_config.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_SECRET_SIZE 44u /**< characters of a secret, with the NUL */
#define SBS_GATEWAY_GUESSERS_MAX 256u

/** One kept secret. */
typedef struct sbs_gateway_secret {
    char name[SBS_GATEWAY_NAME_SIZE]; /**< of the device, or "operator" of the page */
    uint8_t hash[32];
    int64_t made_s;
} sbs_gateway_secret;

/** An address that sent wrong ones. */
typedef struct sbs_gateway_guesser {
    char peer[46];
    uint32_t wrong;
    uint64_t last_ms;
} sbs_gateway_guesser;

/** Zero-initialise. */
typedef struct sbs_gateway_devices {
    struct {
        char *path;
        sbs_gateway_secret *secrets;
        size_t count;
        sbs_gateway_guesser guessers[SBS_GATEWAY_GUESSERS_MAX];
    } priv;
} sbs_gateway_devices;

/** Reads the file, which may be missing. SBS_ERR_FORMAT, SBS_ERR_FORBIDDEN (mode or owner), SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_gateway_devices_open(sbs_gateway_devices *devices, const char *path);
/** Makes a new secret for @p name, which replaces an older one, writes the file, and shows it in @p out, which the
 * caller wipes. */
SBS_NODISCARD sbs_status sbs_gateway_devices_make(sbs_gateway_devices *devices, const char *name, int64_t now_s,
                                                  char out[SBS_GATEWAY_SECRET_SIZE]);
/** Takes away the secret of @p name. SBS_ERR_NOT_FOUND. */
SBS_NODISCARD sbs_status sbs_gateway_devices_remove(sbs_gateway_devices *devices, const char *name);
/** True if @p name has one. */
bool sbs_gateway_devices_has(const sbs_gateway_devices *devices, const char *name);

/**
 * Who sent this value of Authorization. Takes the same time whatever is wrong.
 * @return SBS_OK, with the name in @p out_name; SBS_ERR_FORBIDDEN: none or a wrong one (401); SBS_ERR_BUSY: too many
 * wrong ones from @p peer lately (429), @p out_wait_s says how long it lasts.
 */
SBS_NODISCARD sbs_status sbs_gateway_devices_who(sbs_gateway_devices *devices, sbs_now now, const char *peer,
                                                 sbs_text authorization, const char **out_name, uint32_t *out_wait_s);

/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_gateway_devices_close(sbs_gateway_devices *devices);

#ifdef __cplusplus
}
#endif
#endif
