/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file token.h
 * The token request body, token responses and OAuth errors (RFC 6749 sections 4.4, 5.1, 5.2; SMART Backend Services).
 */
#ifndef SBS_TOKEN_H
#define SBS_TOKEN_H

#include "sbs/flat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_TOKEN_EXPIRES_DEFAULT 300u /**< seconds, when expires_in is missing (SMART recommends 300) */
#define SBS_TOKEN_EXPIRES_MAX 86400u   /**< larger lifetimes are treated as this */
#define SBS_ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/**
 * Writes the form up to and including `&client_assertion=`: grant_type, scope, client_id, client_assertion_type; the
 * assertion, whose characters need no encoding, follows.
 * @param scope     required by SMART: SBS_ERR_ARGUMENT is kept in @p out if it is empty or no list of scopes.
 * @param client_id the assertion's sub. RFC 7521 section 4.2 does not need it, some servers do (RFC 6749 section
 *                  2.3.1); all take it. Absent: not written, which is the seed's form.
 */
void sbs_token_put_request(sbs_writer *out, sbs_text scope, sbs_text client_id);

/** A token response; spans into the text that was parsed, unescaped in place. */
typedef struct sbs_token {
    sbs_text access_token; /**< b64token (RFC 6750 section 2.1), never empty: safe in a header */
    sbs_text scope;        /**< absent if the server sent none: then as requested (RFC 6749 section 5.1) */
    uint32_t expires_in;   /**< seconds as the server said, saturated; SBS_TOKEN_EXPIRES_DEFAULT if it said nothing */
    bool has_expires_in;
} sbs_token;

/**
 * Reads the body of a 200 answer strictly; unescapes in place. Duplicates of consumed members are refused, unknown ones
 * ignored; a member that is null is missing. A scope may have more blanks than RFC 6749 allows.
 * @param out_member (may be NULL) the static name of the member at fault, NULL if none.
 * @return SBS_OK; SBS_ERR_JSON*, SBS_ERR_DUPLICATE, SBS_ERR_JSON_TYPE; SBS_ERR_OAUTH (there is a member
 * `error`, whatever else there is: read it with sbs_oauth_error_read, nothing was unescaped); SBS_ERR_RESPONSE (a
 * member is missing, or its value is refused: token_type other than bearer, a negative lifetime, 0, a character outside
 * b64token).
 */
SBS_NODISCARD sbs_status sbs_token_parse(char *text, size_t len, sbs_token *out_token, const char **out_member);

typedef enum sbs_oauth_error {
    SBS_OAUTH_NONE,
    SBS_OAUTH_INVALID_REQUEST,
    SBS_OAUTH_INVALID_CLIENT,
    SBS_OAUTH_INVALID_GRANT,
    SBS_OAUTH_UNAUTHORIZED_CLIENT,
    SBS_OAUTH_UNSUPPORTED_GRANT_TYPE,
    SBS_OAUTH_INVALID_SCOPE,
    SBS_OAUTH_TEMPORARILY_UNAVAILABLE,
    SBS_OAUTH_OTHER /**< an `error` that is none of these */
} sbs_oauth_error;

/** The registered name ("invalid_client"), "" for NONE, "other" for OTHER. */
const char *sbs_oauth_error_name(sbs_oauth_error error);

/**
 * Reads an OAuth error object. @p out_text gets `error: description` (or error_uri) as one sanitised line with a NUL;
 * a null or missing description is fine. SBS_ERR_NOT_FOUND if the text is no JSON object with a string `error`
 * (or, as Cerner does, `error_uri` alone).
 */
SBS_NODISCARD sbs_status sbs_oauth_error_parse(const char *text, size_t len, sbs_oauth_error *out_error, char *out_text,
                                               size_t size);

/** The same, with the same errors, for a document that was checked already; @p size: bytes of @p out_text. */
SBS_NODISCARD sbs_status sbs_oauth_error_read(const sbs_flat *doc, sbs_oauth_error *out_error, char *out_text,
                                              size_t size);

#ifdef __cplusplus
}
#endif
#endif
