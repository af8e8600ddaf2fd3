/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file status.h
 * The one result type of the library, shared by core, ports and platforms.
 *
 * Zero is done, positive is "no error, but not the plain result", negative is an error. Errors are grouped by what the
 * caller should do; sbs_status_group() tells the group. Lengths never travel in a result.
 */
#ifndef SBS_STATUS_H
#define SBS_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SBS_NODISCARD __attribute__((warn_unused_result))
#else
#define SBS_NODISCARD
#endif

/** X(name, value, sentence): the only place that names a status. */
#define SBS_STATUS_TABLE(X)                                                                                            \
    X(SBS_OK, 0, "done")                                                                                               \
    X(SBS_PENDING, 1, "not yet: call again after the wait")                                                            \
    X(SBS_END, 2, "the peer ended the stream, authenticated")                                                          \
    /* fix the call */                                                                                                 \
    X(SBS_ERR_ARGUMENT, -1, "an argument is not allowed")                                                              \
    X(SBS_ERR_STATE, -2, "the call is not allowed in this state")                                                      \
    X(SBS_ERR_UNSUPPORTED, -3, "not supported")                                                                        \
    X(SBS_ERR_NOT_FOUND, -4, "not found")                                                                              \
    X(SBS_ERR_URL, -5, "not an absolute URL of an allowed form")                                                       \
    X(SBS_ERR_CANCELLED, -6, "cancelled by the caller")                                                                \
    X(SBS_ERR_FORMAT, -7, "a value does not have the form that its standard demands")                                  \
    /* give a larger buffer */                                                                                         \
    X(SBS_ERR_BUFFER, -20, "the buffer is too small")                                                                  \
    X(SBS_ERR_TOKENS, -21, "more JSON values than there is memory for")                                                \
    X(SBS_ERR_TOO_LARGE, -22, "the peer's answer exceeds a limit")                                                     \
    /* try later */                                                                                                    \
    X(SBS_ERR_RESOLVE, -40, "the host name could not be resolved")                                                     \
    X(SBS_ERR_REFUSED, -41, "the connection was refused")                                                              \
    X(SBS_ERR_UNREACHABLE, -42, "the network or the host is unreachable")                                              \
    X(SBS_ERR_TRUNCATED, -43, "the connection ended before the answer was complete")                                   \
    X(SBS_ERR_TIMEOUT, -44, "no answer in time")                                                                       \
    X(SBS_ERR_MEMORY, -45, "out of memory in the platform")                                                            \
    X(SBS_ERR_BUSY, -46, "the server asks to try later")                                                               \
    X(SBS_ERR_NO_TIME, -47, "the time of day is not known")                                                            \
    X(SBS_ERR_CONFLICT, -48, "the server reports a conflict")                                                          \
    X(SBS_ERR_NETWORK, -49, "the connection failed")                                                                   \
    /* the peer's answer breaks its standard: try later, then ask an operator */                                       \
    X(SBS_ERR_JSON, -60, "not valid JSON")                                                                             \
    X(SBS_ERR_JSON_DEPTH, -61, "JSON nested too deeply")                                                               \
    X(SBS_ERR_JSON_TYPE, -62, "a JSON member has the wrong type")                                                      \
    X(SBS_ERR_DUPLICATE, -63, "duplicate JSON member")                                                                 \
    X(SBS_ERR_HTTP, -64, "the HTTP answer is malformed")                                                               \
    X(SBS_ERR_RESPONSE, -65, "the answer lacks what its standard demands")                                             \
    /* ask an operator */                                                                                              \
    X(SBS_ERR_TLS, -80, "the TLS handshake failed")                                                                    \
    X(SBS_ERR_UNTRUSTED, -81, "the server's certificate is not trusted")                                               \
    X(SBS_ERR_WRONG_NAME, -82, "the server's certificate is for another name")                                         \
    X(SBS_ERR_CERT_DATE, -83, "the server's certificate is expired or not valid yet")                                  \
    X(SBS_ERR_OAUTH, -84, "the authorization server refused")                                                          \
    X(SBS_ERR_SCOPE, -85, "the granted scope does not cover the request")                                              \
    X(SBS_ERR_UNAUTHORIZED, -86, "the FHIR server refuses a fresh token")                                              \
    X(SBS_ERR_FORBIDDEN, -87, "the server refuses this kind of request")                                               \
    X(SBS_ERR_TOKEN_HOST, -88, "discovery names another token host than before")                                       \
    X(SBS_ERR_REDIRECT, -89, "the server redirects, and no redirect is followed")                                      \
    X(SBS_ERR_KEY, -90, "the key cannot be used")                                                                      \
    X(SBS_ERR_RANDOM, -91, "the random generator failed")                                                              \
    X(SBS_ERR_CRYPTO, -92, "a cryptographic operation failed")                                                         \
    X(SBS_ERR_STORAGE, -93, "the storage failed")                                                                      \
    X(SBS_ERR_DAMAGED, -94, "a stored entry is damaged")                                                               \
    X(SBS_ERR_VERSION, -95, "a stored entry was written by a newer version")                                           \
    X(SBS_ERR_UNVERIFIED, -96, "the modem does not confirm that it checks the server")                                 \
    /* drop or dead-letter the item */                                                                                 \
    X(SBS_ERR_REJECTED, -110, "the server rejects the resource")                                                       \
    X(SBS_ERR_AMBIGUOUS, -111, "the server holds several resources with this identifier")

/** Result of a call, one of the table above. */
typedef enum sbs_status {
#define SBS_STATUS_ENUM(name, value, sentence) name = (value),
    SBS_STATUS_TABLE(SBS_STATUS_ENUM)
#undef SBS_STATUS_ENUM
} sbs_status;

/** What the caller should do about a status. */
typedef enum sbs_status_class {
    SBS_CLASS_DONE,     /**< zero or positive */
    SBS_CLASS_FIX_CALL, /**< -1 to -19 */
    SBS_CLASS_BUFFER,   /**< -20 to -39: give a larger buffer */
    SBS_CLASS_LATER,    /**< -40 to -59: try later */
    SBS_CLASS_PEER,     /**< -60 to -79: the peer breaks its standard: try later, then ask an operator */
    SBS_CLASS_OPERATOR, /**< -80 to -109: ask an operator */
    SBS_CLASS_ITEM      /**< -110 and below: drop or dead-letter the item */
} sbs_status_class;

/** The group of @p status. Never fails. */
sbs_status_class sbs_status_group(sbs_status status);

/** A static, NUL-terminated English sentence for @p status without a final dot; "unknown status" for other values. */
const char *sbs_status_text(sbs_status status);

/** The static name of @p status as written in this header ("SBS_ERR_JSON"); "SBS_ERR_?" for other values. */
const char *sbs_status_name(sbs_status status);

#ifdef __cplusplus
}
#endif
#endif
