/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scope.h
 * SMART scopes, v1 and v2 grammar (SMART App Launch 2.2, "Scopes and Launch Context").
 */
#ifndef SBS_SCOPE_H
#define SBS_SCOPE_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_SCOPE_CREATE 1u
#define SBS_SCOPE_READ 2u
#define SBS_SCOPE_UPDATE 4u
#define SBS_SCOPE_DELETE 8u
#define SBS_SCOPE_SEARCH 16u

/** One clinical scope, normalised: v1 read = rs, write = cud, * = cruds. */
typedef struct sbs_scope {
    sbs_text context;    /**< "system", "user" or "patient" */
    sbs_text type;       /**< resource type or "*" */
    sbs_text query;      /**< after '?', absent if none: the grant is limited to matching resources */
    uint8_t permissions; /**< SBS_SCOPE_* bits */
} sbs_scope;

/** True if @p text is one or more RFC 6749 scope tokens separated by single spaces (appendix A.4), or empty. */
bool sbs_scope_list_is_valid(sbs_text text);

/** The same with any blanks between and around the tokens: what a server may say. */
bool sbs_scope_list_is_legible(sbs_text text);

/** Takes the next token off @p list (advances it). False at the end. Several spaces count as one. */
bool sbs_scope_next(sbs_text *list, sbs_text *out_token);

/** Parses one clinical scope. SBS_ERR_FORMAT if it is none (for example "openid", "system/Observation.dus"). */
SBS_NODISCARD sbs_status sbs_scope_parse(sbs_text token, sbs_scope *out_scope);

/**
 * True if the granted list covers all @p permissions on @p type in the context "system". A grant limited by a query
 * counts: whether what is sent is within it is the server's to judge; scopes that are not understood are ignored. The
 * permissions may come from several scopes together.
 */
bool sbs_scope_covers(sbs_text granted, const char *type, uint8_t permissions);

#ifdef __cplusplus
}
#endif
#endif
