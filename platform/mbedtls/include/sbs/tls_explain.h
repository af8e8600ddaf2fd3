/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls_explain.h
 * Why a TLS connection failed, in words for a person: a status has one sentence for every failed handshake. It also
 * refuses names that an issuer's name constraints do not allow, which Mbed TLS does not look at
 * (sbs/tls_constraints.h). For tools and gateways; a firmware that does not name this module does not link it.
 *
 * Put `.explain = sbs_tls_explain_init(&explain)` into sbs_tls_config, and ask after a failure.
 */
#ifndef SBS_TLS_EXPLAIN_H
#define SBS_TLS_EXPLAIN_H

#include "sbs/tls_constraints.h"
#include "sbs/tls_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** X(name, what is wrong, a clause of its own). */
#define SBS_TLS_PROBLEM_TABLE(X)                                                                                       \
    X(SBS_TLS_NO_PROBLEM, "")                                                                                          \
    /* the peer on that port */                                                                                        \
    X(SBS_TLS_PLAIN_HTTP, "what answers on that port speaks plain http, not https")                                    \
    X(SBS_TLS_NO_TLS, "what answers on that port does not speak TLS")                                                  \
    X(SBS_TLS_OTHER_VERSION, "the server speaks no version of TLS that this program speaks (1.2 or newer)")            \
    X(SBS_TLS_NOTHING_COMMON, ("the server has no cipher suite, curve and kind of signature in common with this "      \
                               "program"))                                                                             \
    X(SBS_TLS_ALERT, "the server ended the handshake with an alert")                                                   \
    X(SBS_TLS_UNKNOWN_HOST, "the server has no certificate for this host name (alert unrecognized_name)")              \
    /* the client's own certificate */                                                                                 \
    X(SBS_TLS_WANTS_CERTIFICATE, "the server wants a client certificate")                                              \
    X(SBS_TLS_CERTIFICATE_REFUSED, "the server does not accept the client certificate")                                \
    /* the server's certificate, or one of its chain */                                                                \
    X(SBS_TLS_ISSUER_MISSING, ("its issuer is neither trusted nor among what the server sent, which may lack an "      \
                               "intermediate certificate"))                                                            \
    X(SBS_TLS_ROOT_UNKNOWN, "the root that it goes back to is not among the trusted ones")                             \
    X(SBS_TLS_NOT_AN_ISSUER, "it was issued by a certificate that may not issue any")                                  \
    X(SBS_TLS_ISSUER_UNFIT,                                                                                            \
      ("a certificate of its issuer's name is there, but did not sign it, may not, or has a key "                      \
       "that this program does not support"))                                                                          \
    X(SBS_TLS_CRITICAL_EXTENSION, "a certificate has a critical extension that this program does not know")            \
    X(SBS_TLS_UNKNOWN_CURVE, "a certificate has a key on a curve that this program does not support")                  \
    X(SBS_TLS_UNKNOWN_KEY, "a certificate has a key of a kind or size that this program does not support")             \
    X(SBS_TLS_UNKNOWN_SIGNATURE, "a certificate has a kind of signature that this program does not support")           \
    X(SBS_TLS_KEY_TOO_LARGE, ("a certificate has an RSA key of more than 4096 bits, which this program does not "      \
                              "support"))                                                                              \
    X(SBS_TLS_TOO_WEAK, "a certificate is signed with SHA-1 or older, or has a key that is too short")                 \
    X(SBS_TLS_OTHER_USE, "the certificate is not one for servers")                                                     \
    X(SBS_TLS_NO_NAMES, "the certificate names no host in subjectAltName, and its common name does not count")         \
    X(SBS_TLS_NAME_NOT_ALLOWED, ("the certificate has a name that its issuer may not give (name constraints)"))        \
    X(SBS_TLS_ROOT_EXPIRED, "a trusted root certificate has expired")                                                  \
    X(SBS_TLS_EXPIRED, "the server's certificate, or one between it and the root, has expired")                        \
    X(SBS_TLS_NOT_YET_VALID, "the server's certificate, or one of its issuers, is not valid yet")                      \
    X(SBS_TLS_OTHER_NAME, "the server's certificate is for other names")                                               \
    X(SBS_TLS_CHAIN_TOO_LONG, "the server's certificates are too long or too many for this program")                   \
    X(SBS_TLS_MALFORMED, "a certificate is malformed")                                                                 \
    /* anything else */                                                                                                \
    X(SBS_TLS_RECORD_TOO_LONG, SBS_TLS_RECORD_TOO_LONG_TEXT)                                                           \
    X(SBS_TLS_BROKEN_RULES, "the server sent what TLS does not allow")

typedef enum sbs_tls_problem {
#define SBS_TLS_PROBLEM_ENUM(name, text) name,
    SBS_TLS_PROBLEM_TABLE(SBS_TLS_PROBLEM_ENUM)
#undef SBS_TLS_PROBLEM_ENUM
} sbs_tls_problem;

/** Bytes of a sentence with names and dates, with the NUL. */
#define SBS_TLS_WORDS_SIZE 448u

/** What is kept for one stream. It must outlive the stream. */
typedef struct sbs_tls_explain {
    sbs_tls_explain_ops ops;
    struct {
        char words[SBS_TLS_WORDS_SIZE]; /* of the problem that the stream has, if it is one of names or dates */
        sbs_tls_constraints constraints;
    } priv;
} sbs_tls_explain;

/** Prepares @p explain. Returns what sbs_tls_config.explain takes. */
sbs_tls_explain_ops *sbs_tls_explain_init(sbs_tls_explain *explain);

/** What was wrong with the connection since the last open() began, also after it was closed. */
sbs_tls_problem sbs_tls_stream_problem(const sbs_tls_stream *tls);

/** The TLS alert (RFC 8446 section 6) that the peer sent with it, 0 if none. */
uint8_t sbs_tls_stream_alert(const sbs_tls_stream *tls);

/**
 * The same as a clause, with the alert's meaning, the names or the dates if there are any: never NULL, "" if nothing is
 * known. Names out of certificates are printable ASCII and cut. Good until the next open().
 */
const char *sbs_tls_stream_words(const sbs_tls_stream *tls);

/** Why the first certificate that sbs_tls_trust_add_pem() skipped cannot be used; SBS_TLS_NO_PROBLEM if all could. */
sbs_tls_problem sbs_tls_trust_problem(const sbs_tls_trust *trust);

/** The static clause of @p problem. Never NULL. */
const char *sbs_tls_problem_text(sbs_tls_problem problem);

#ifdef __cplusplus
}
#endif
#endif
