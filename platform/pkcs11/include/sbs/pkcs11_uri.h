/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pkcs11_uri.h
 * The name of a key in a token: a "pkcs11:" URI (RFC 7512), read strictly. What is not understood is refused, as a
 * part that is passed over could choose another key.
 */
#ifndef SBS_PKCS11_URI_H
#define SBS_PKCS11_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_PKCS11_VALUE_MAX 255u /**< bytes of an object's label or id */
#define SBS_PKCS11_PATH_MAX 1023u /**< bytes of a file's path */
#define SBS_PKCS11_SLOT_ANY UINT64_MAX

/** What a URI names. Texts end with a NUL; "" where the URI does not say. */
typedef struct sbs_pkcs11_uri {
    char token[33];                            /**< CK_TOKEN_INFO.label */
    char manufacturer[33];                     /**< CK_TOKEN_INFO.manufacturerID */
    char model[17];                            /**< CK_TOKEN_INFO.model */
    char serial[17];                           /**< CK_TOKEN_INFO.serialNumber */
    char object[SBS_PKCS11_VALUE_MAX + 1];     /**< CKA_LABEL */
    uint8_t id[SBS_PKCS11_VALUE_MAX];          /**< CKA_ID */
    size_t id_len;                             /**< 0: the URI does not say */
    uint64_t slot_id;                          /**< SBS_PKCS11_SLOT_ANY: the URI does not say */
    char pin_source[SBS_PKCS11_PATH_MAX + 1];  /**< path of a file; "file:" is taken off */
    char module_name[65];                      /**< such as "softhsm2" */
    char module_path[SBS_PKCS11_PATH_MAX + 1]; /**< absolute */
} sbs_pkcs11_uri;

/** True if @p text begins with "pkcs11:", in any case (RFC 3986 section 3.1). */
bool sbs_pkcs11_uri_is(const char *text);

/**
 * Reads a URI. Path attributes: token, manufacturer, model, serial, object, id, slot-id, and type=private; query
 * attributes: pin-source, module-name, module-path (RFC 7512 section 2.3). An attribute is given once and has a value;
 * object or id must be there. pin-value is refused: other users see it in the list of processes.
 * @param out_words why it was refused, a clause for a person; static.
 * @return SBS_OK; SBS_ERR_FORMAT.
 */
SBS_NODISCARD sbs_status sbs_pkcs11_uri_parse(const char *text, sbs_pkcs11_uri *out_uri, const char **out_words);

#ifdef __cplusplus
}
#endif
#endif
