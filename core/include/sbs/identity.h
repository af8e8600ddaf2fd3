/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file identity.h
 * What makes a resource the same one when it is written again: its identifier, as a search and as a resource id.
 */
#ifndef SBS_IDENTITY_H
#define SBS_IDENTITY_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Characters of a derived id: "sbs-" and 40 hexadecimal digits. */
#define SBS_DERIVED_ID_LEN 44u

/**
 * Derives the id for PUT (R4 http.html, update as create): "sbs-" and the first 160 bits of SHA-256(system|value) in
 * lower-case hexadecimal. @p system may be absent. SBS_ERR_ARGUMENT if @p value is empty or @p system holds a '|' (no
 * URI does, and two identifiers could share an id); SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_identity_derive_id(sbs_text system, sbs_text value, char out[SBS_DERIVED_ID_LEN]);

/** Writes `identifier=system|value` for If-None-Exist: `\ , $ |` of the parts escaped as R4 search.html demands
 * ("Escaping Search Parameters"), and all percent-encoded. */
void sbs_identity_put_search(sbs_writer *out, sbs_text system, sbs_text value);

#ifdef __cplusplus
}
#endif
#endif
