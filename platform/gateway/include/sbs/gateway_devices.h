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

#define SBS_GATEWAY_SECRET_SIZE 44u   /**< characters of a secret, with the NUL */
#define SBS_GATEWAY_SECRETS_MAX 1024u /**< that are kept: of devices that were given up, too */
#define SBS_GATEWAY_GUESSERS_MAX 256u /**< addresses that are remembered, then the oldest is forgotten */
#define SBS_GATEWAY_WRONG_MAX 5u      /**< wrong secrets from one address */
#define SBS_GATEWAY_WRONG_MS 60000u   /**< how long they are held against it, from the last one on */

/** One kept secret. */
typedef struct sbs_gateway_secret {
    char name[SBS_GATEWAY_NAME_SIZE]; /**< of the device, or "operator" of the page */
    uint8_t hash[32];
    int64_t made_s;
} sbs_gateway_secret;

/** An address that sent wrong ones. */
typedef struct sbs_gateway_guesser {
    uint8_t address[16]; /**< IPv4 as ::ffff:a.b.c.d; of IPv6 the first 64 bits: a host has them all to itself */
    uint32_t wrong;      /**< 0: the place is free */
    uint64_t last_ms;
} sbs_gateway_guesser;

/** Zero-initialise. */
typedef struct sbs_gateway_devices {
    struct {
        char *path;
        sbs_gateway_secret *secrets;
        size_t count;
        int64_t stamp[5]; /* of the file that was read: device, inode, size, time */
        sbs_gateway_guesser guessers[SBS_GATEWAY_GUESSERS_MAX];
    } priv;
} sbs_gateway_devices;

/**
 * Reads the file, which may be missing. @p path is copied. Its folder must be there before a secret is made.
 * @return SBS_OK; SBS_ERR_FORMAT: it is another file, or damaged; SBS_ERR_FORBIDDEN: others may read or write it, or it
 * belongs to another user; SBS_ERR_STORAGE, errno says why; SBS_ERR_MEMORY; SBS_ERR_CRYPTO. After an error nobody has a
 * secret; close() is legal.
 */
SBS_NODISCARD sbs_status sbs_gateway_devices_open(sbs_gateway_devices *devices, const char *path);
/**
 * Reads the file again if it is another one than before: the command adds and removes secrets while the daemon runs.
 * Costs one stat(2) if it is not. Names that were told before are not valid any more. Errors as of open(); then those
 * of before stay, and the next call tries again.
 */
SBS_NODISCARD sbs_status sbs_gateway_devices_refresh(sbs_gateway_devices *devices);
/**
 * Makes a new secret for @p name, which replaces an older one, writes the file, and shows it in @p out, which the
 * caller wipes. What other processes changed meanwhile is kept. The superuser gives the file to whom its folder
 * belongs. @p now_s: the time, or SBS_UTC_UNKNOWN.
 * @return SBS_OK; SBS_ERR_ARGUMENT: no name of a device; SBS_ERR_BUFFER: SBS_GATEWAY_SECRETS_MAX are there; errors of
 * open(); SBS_ERR_RANDOM. After an error the older one is still good.
 */
SBS_NODISCARD sbs_status sbs_gateway_devices_make(sbs_gateway_devices *devices, const char *name, int64_t now_s,
                                                  char out[SBS_GATEWAY_SECRET_SIZE]);
/** Takes away the secret of @p name. SBS_ERR_NOT_FOUND; errors of make(). */
SBS_NODISCARD sbs_status sbs_gateway_devices_remove(sbs_gateway_devices *devices, const char *name);
/** True if @p name has one. */
bool sbs_gateway_devices_has(const sbs_gateway_devices *devices, const char *name);

/**
 * Who sent this value of Authorization (absent: none came). Takes the same time whatever of the secret is wrong.
 * @param peer     address without port; "" (a Unix socket): wrong ones are not counted.
 * @param out_name good until the secrets change (refresh, make, remove, close).
 * @return SBS_OK, with the name in @p out_name; SBS_ERR_FORBIDDEN: none or a wrong one (401); SBS_ERR_BUSY: too many
 * wrong ones from @p peer lately (429), @p out_wait_s says how long it lasts. None at all is not counted.
 */
SBS_NODISCARD sbs_status sbs_gateway_devices_who(sbs_gateway_devices *devices, sbs_now now, const char *peer,
                                                 sbs_text authorization, const char **out_name, uint32_t *out_wait_s);

/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_gateway_devices_close(sbs_gateway_devices *devices);

#ifdef __cplusplus
}
#endif
#endif
