/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file discovery.h
 * `[base]/.well-known/smart-configuration` (SMART App Launch 2.2, "Conformance").
 */
#ifndef SBS_DISCOVERY_H
#define SBS_DISCOVERY_H

#include "sbs/flat.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A list may be absent; absent is not "unsupported". */
typedef enum sbs_tristate { SBS_UNSTATED, SBS_NO, SBS_YES } sbs_tristate;

typedef struct sbs_discovery {
    size_t token_endpoint_len;    /**< written to the caller's buffer, absolute */
    sbs_tristate private_key_jwt; /**< in token_endpoint_auth_methods_supported */
    sbs_tristate rs384;           /**< in token_endpoint_auth_signing_alg_values_supported */
    sbs_tristate es384;
    sbs_tristate client_credentials;      /**< in grant_types_supported */
    sbs_tristate confidential_asymmetric; /**< "client-confidential-asymmetric" in capabilities */
} sbs_discovery;

/** Path to append to the FHIR base (one trailing '/' of the base stripped). */
#define SBS_DISCOVERY_PATH "/.well-known/smart-configuration"

/**
 * Reads a smart-configuration. Requires only token_endpoint (a string; relative ones are resolved against @p fhir_base
 * with a '/' added); https only unless @p allow_http. Duplicates of consumed members are refused.
 * @param url, url_size     where the absolute token endpoint goes, with a NUL; must not overlap @p text.
 * @return SBS_OK, SBS_ERR_JSON*, SBS_ERR_DUPLICATE, SBS_ERR_RESPONSE (no token_endpoint, or null),
 *         SBS_ERR_URL, SBS_ERR_BUFFER.
 */
SBS_NODISCARD sbs_status sbs_discovery_parse(const char *text, size_t len, sbs_text fhir_base, bool allow_http,
                                             char *url, size_t url_size, sbs_discovery *out);

/**
 * Reads the token endpoint alone, as sbs_discovery_parse does, from a smart-configuration that was checked already.
 * @p out_len: bytes of the absolute URL that stands in @p url then. Members that are only advice are not looked at.
 * @return SBS_OK, SBS_ERR_JSON_TYPE, SBS_ERR_DUPLICATE, SBS_ERR_RESPONSE (no token_endpoint, or null), SBS_ERR_URL,
 *         SBS_ERR_BUFFER.
 */
SBS_NODISCARD sbs_status sbs_discovery_endpoint(const sbs_flat *doc, sbs_text fhir_base, bool allow_http, char *url,
                                                size_t url_size, size_t *out_len);

/** Reads a token endpoint from the value @p node, wherever it stands, by the same rules. SBS_OK, SBS_ERR_JSON_TYPE,
 *  SBS_ERR_URL, SBS_ERR_BUFFER. */
SBS_NODISCARD sbs_status sbs_discovery_url(const sbs_flat *doc, sbs_json_node node, sbs_text fhir_base, bool allow_http,
                                           char *url, size_t url_size, size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
