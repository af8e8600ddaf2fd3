/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_config.h
 * The gateway's configuration: one file and the files of a folder beside it, read whole, checked whole, or refused with
 * the file, the line and what to write instead. Secrets do not stand in it, but for a proxy's login.
 */
#ifndef SBS_GATEWAY_CONFIG_H
#define SBS_GATEWAY_CONFIG_H

#include "sbs/client.h"
#include "sbs/forward_mode.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_NAME_SIZE 64u       /**< of a gateway or a device, with the NUL: [A-Za-z0-9.-], as an id of FHIR */
#define SBS_GATEWAY_OPERATOR "operator" /**< no device may be called so: its secret opens the page */
#define SBS_GATEWAY_RUN "/run/sbs-gateway" /**< the default of `run` */
#define SBS_GATEWAY_CONTROL "control.sock" /**< in that folder: the Unix socket of the operator's commands */
#define SBS_GATEWAY_KEYS "keys"            /**< folder in the state folder: keys that the gateway made */
#define SBS_GATEWAY_PAGE_LISTENER "page"   /**< the listener of the status page */
#define SBS_GATEWAY_LISTENERS_MAX 8u       /**< sections [listen ...] */
#define SBS_GATEWAY_DEVICES_MAX 256u       /**< sections [device ...] */
#define SBS_GATEWAY_ALLOW_MAX 16u          /**< addresses or prefixes of one `allow` */

/** What a device speaks. */
typedef enum sbs_gateway_protocol {
    SBS_GATEWAY_FHIR, /**< HTTP, with its secret */
    SBS_GATEWAY_SPOOL /**< files in a folder of its own */
} sbs_gateway_protocol;

/** An address, or all that begin with the same bits. */
typedef struct sbs_gateway_prefix {
    uint8_t bytes[16]; /**< IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;      /**< 0 to 128 */
} sbs_gateway_prefix;

/** A section [listen NAME]; the one called "page" serves the status page and /metrics, all others serve devices. */
typedef struct sbs_gateway_listener {
    char name[SBS_GATEWAY_NAME_SIZE];
    char *address;           /**< ADDRESS:PORT, [IPv6]:PORT, or the path of a Unix socket */
    char *certificate, *key; /**< PEM files; NULL: made by the gateway, where `tls` says so; key alone NULL: it stands
                                in the certificate's file */
    bool tls;                /**< default: unless the address is loopback */
    bool insecure;           /**< plain on a network: only with `allow` and an address that is named */
    sbs_gateway_prefix allow[SBS_GATEWAY_ALLOW_MAX];
    size_t allow_count; /**< 0: from anywhere */
} sbs_gateway_listener;

/** A section [device NAME]. Its place in the list is not its identity: lanes come from its name. */
typedef struct sbs_gateway_device {
    char name[SBS_GATEWAY_NAME_SIZE];
    sbs_gateway_protocol protocol;
    char *folder; /**< of SBS_GATEWAY_SPOOL; default /var/spool/sbs-gateway/NAME */
    bool phd;     /**< adds the gatewayDevice extension of the PHD guide */
} sbs_gateway_device;

/** Everything. Strings are the configuration's own memory. */
typedef struct sbs_gateway_config {
    /* [server] */
    char *fhir, *token_url, *client_id, *scope, *aud, *kid, *ca; /**< NULL: not given */
    char *key;       /**< "pkcs11:" URI of a key in a token that signs; NULL: the gateway's own */
    char *proxy;     /**< http://[USER:PASSWORD@]HOST[:PORT]; "none": none, whatever the environment says */
    char *no_proxy;  /**< exceptions; NULL: those of the environment */
    char *algorithm; /**< of the key that is made: RS384 or ES384, default ES384 */
    sbs_forward_mode write_mode;
    uint16_t batch;       /**< default: chosen by itself (0) */
    uint16_t connections; /**< default 4 */
    uint16_t mark_ahead;  /**< default 32 */
    bool gzip;            /**< default true */
    bool allow_http;      /**< plain http to a loopback address, for tests */
    /* [gateway] */
    char name[SBS_GATEWAY_NAME_SIZE]; /**< part of identifiers that are made; default: the host's name */
    char *state;                      /**< folder of queue, key, secrets; default /var/lib/sbs-gateway */
    char *run;                        /**< folder of the control socket; default /run/sbs-gateway */
    uint64_t keep_free;               /**< bytes of the disk below which nothing is accepted; default 256 MiB */
    uint32_t items_max;               /**< that may wait; default 1 000 000 */
    uint32_t dead_keep_days;          /**< default 30 */
    sbs_gateway_listener listeners[SBS_GATEWAY_LISTENERS_MAX];
    size_t
        listener_count; /**< if none is for devices: "http" 127.0.0.1:8080; if none is "page": that at 127.0.0.1:8081 */
    sbs_gateway_device devices[SBS_GATEWAY_DEVICES_MAX];
    size_t device_count;
} sbs_gateway_config;

/**
 * Reads @p path, and *.conf of @p path's folder's conf.d in the order of their names. A section that stands in several
 * files is one section; what a later file says of an option replaces what an earlier one said.
 *
 * `[section]` or `[section NAME]`, then lines `option = value`; '#' at the start of a line or behind a blank begins a
 * comment. Refused: what is unknown, with the nearest name that is known; what stands twice in one file; a file that
 * everybody may write; a proxy's login in a file that everybody may read. What the server is may be missing, so that a
 * gateway starts and serves devices before it is told: whoever pushes looks at `fhir` and `client_id`.
 * @param out     need not be initialised; to be freed.
 * @param message what is wrong, where, and what to do: one line, without a proxy's login; "" after SBS_OK.
 * @param size    of @p message, at least 1.
 * @return SBS_OK; SBS_ERR_NOT_FOUND; SBS_ERR_FORMAT: see the message; SBS_ERR_STORAGE; SBS_ERR_MEMORY. After an error
 * @p out is empty.
 */
SBS_NODISCARD sbs_status sbs_gateway_config_load(const char *path, sbs_gateway_config *out, char *message, size_t size);

/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_gateway_config_free(sbs_gateway_config *config);

/** The device of that name, or NULL. */
const sbs_gateway_device *sbs_gateway_config_device(const sbs_gateway_config *config, const char *name);

/** True if the address, as text without port, is allowed at the listener. */
bool sbs_gateway_listener_allows(const sbs_gateway_listener *listener, const char *peer);

#ifdef __cplusplus
}
#endif
#endif
