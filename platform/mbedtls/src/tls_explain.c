/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_explain.h"
#include "sbs/count.h"
#include "sbs/mbedtls_series.h"
#include "tls_explain_words.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509.h>
#include <psa/crypto.h>
#include <string.h>

#define RSA_BITS_MAX 4096u /* of PSA in this build: PSA_VENDOR_RSA_MAX_KEY_BITS */

/* ---- the words ------------------------------------------------------------------------------------------------ */

const char *sbs_tls_problem_text(sbs_tls_problem problem) {
    static const char *const texts[] = {
#define SBS_TLS_PROBLEM_TEXT(name, text) text,
        SBS_TLS_PROBLEM_TABLE(SBS_TLS_PROBLEM_TEXT)
#undef SBS_TLS_PROBLEM_TEXT
    };
    size_t index = (size_t)problem;
    if (index < SBS_COUNT_OF(texts)) {
        return texts[index];
    }

    return "";
}

/* RFC 8446 section 6.2, and what TLS 1.2 had beside. */
typedef struct alert_meaning {
    uint8_t alert;
    sbs_tls_problem problem;
    const char *words;
} alert_meaning;

static const alert_meaning alerts[] = {
    {10, SBS_TLS_ALERT, "the server did not expect a message of the handshake (alert unexpected_message)"},
    {20, SBS_TLS_ALERT, "the server could not check a record: it was changed on its way (alert bad_record_mac)"},
    {21, SBS_TLS_ALERT, "the server could not decrypt a record (alert decryption_failed)"},
    {22, SBS_TLS_ALERT, "a record was too long for the server (alert record_overflow)"},
    {30, SBS_TLS_ALERT, "the server could not decompress a record (alert decompression_failure)"},
    {40, SBS_TLS_NOTHING_COMMON,
     "the server has no cipher suite, curve and kind of signature in common with this program (alert "
     "handshake_failure)"},
    {41, SBS_TLS_WANTS_CERTIFICATE, "the server wants a client certificate (alert no_certificate)"},
    {42, SBS_TLS_CERTIFICATE_REFUSED, "the server finds the client certificate damaged (alert bad_certificate)"},
    {43, SBS_TLS_CERTIFICATE_REFUSED,
     "the server does not know the client certificate's kind (alert unsupported_certificate)"},
    {44, SBS_TLS_CERTIFICATE_REFUSED, "the client certificate is revoked (alert certificate_revoked)"},
    {45, SBS_TLS_CERTIFICATE_REFUSED, "the client certificate is expired (alert certificate_expired)"},
    {46, SBS_TLS_CERTIFICATE_REFUSED, "the server does not accept the client certificate (alert certificate_unknown)"},
    {47, SBS_TLS_ALERT, "the server does not allow a value of the handshake (alert illegal_parameter)"},
    {48, SBS_TLS_CERTIFICATE_REFUSED, "the server does not trust the client certificate's issuer (alert unknown_ca)"},
    {49, SBS_TLS_CERTIFICATE_REFUSED, "the server denies access to this client (alert access_denied)"},
    {50, SBS_TLS_ALERT, "the server could not read a message of the handshake (alert decode_error)"},
    {51, SBS_TLS_ALERT, "the server could not check a signature or a key of the handshake (alert decrypt_error)"},
    {70, SBS_TLS_OTHER_VERSION,
     "the server speaks no version of TLS that this program speaks, 1.2 or newer (alert protocol_version)"},
    {71, SBS_TLS_NOTHING_COMMON, "the server wants stronger cipher suites (alert insufficient_security)"},
    {80, SBS_TLS_ALERT, "the server failed inside (alert internal_error)"},
    {86, SBS_TLS_OTHER_VERSION, "the server speaks a newer version of TLS (alert inappropriate_fallback)"},
    {90, SBS_TLS_ALERT, "the server broke the handshake off (alert user_canceled)"},
    {109, SBS_TLS_ALERT, "the server misses an extension in the handshake (alert missing_extension)"},
    {110, SBS_TLS_ALERT, "the server does not allow an extension of the handshake (alert unsupported_extension)"},
    {112, SBS_TLS_UNKNOWN_HOST, "the server has no certificate for this host name (alert unrecognized_name)"},
    {113, SBS_TLS_ALERT, "the server could not use a certificate status (alert bad_certificate_status_response)"},
    {115, SBS_TLS_ALERT, "the server does not know a session that was resumed (alert unknown_psk_identity)"},
    {116, SBS_TLS_WANTS_CERTIFICATE, "the server wants a client certificate (alert certificate_required)"},
    {120, SBS_TLS_ALERT, "the server speaks another protocol than HTTP/1.1 there (alert no_application_protocol)"},
};

static const alert_meaning *meaning_of(uint8_t alert) {
    for (size_t i = 0; i < SBS_COUNT_OF(alerts); i++) {
        if (alerts[i].alert == alert) {
            return &alerts[i];
        }
    }
    return NULL;
}

sbs_tls_problem sbs_tls_stream_problem(const sbs_tls_stream *tls) {
    return (sbs_tls_problem)tls->priv.problem;
}

uint8_t sbs_tls_stream_alert(const sbs_tls_stream *tls) {
    return tls->priv.alert;
}

static sbs_tls_explain *explain_of(const sbs_tls_stream *tls) {
    return (sbs_tls_explain *)(void *)tls->priv.config->explain; /* its first member */
}

/* Their words have names and dates, and are made when they are found. */
static bool has_own_words(sbs_tls_problem problem) {
    return problem >= SBS_TLS_ROOT_EXPIRED && problem <= SBS_TLS_OTHER_NAME;
}

const char *sbs_tls_stream_words(const sbs_tls_stream *tls) {
    sbs_tls_problem problem = sbs_tls_stream_problem(tls);
    if (tls->priv.alert != 0) {
        const alert_meaning *meaning = meaning_of(tls->priv.alert);
        if (meaning != NULL && meaning->problem == problem) {
            return meaning->words;
        }
    }

    if (has_own_words(problem)) {
        return explain_of(tls)->priv.words;
    }

    return sbs_tls_problem_text(problem);
}

/* ---- certificates --------------------------------------------------------------------------------------------- */

typedef struct code_problem {
    int code;
    sbs_tls_problem problem;
} code_problem;

/* What Mbed TLS returns where it cannot read a certificate or a message: a whole code, or a module's part of one. */
static const code_problem parse_codes[] = {
    {MBEDTLS_ERR_X509_INVALID_EXTENSIONS + MBEDTLS_ERR_ASN1_UNEXPECTED_TAG, SBS_TLS_CRITICAL_EXTENSION},
    {MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE, SBS_TLS_CRITICAL_EXTENSION},
    {MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE, SBS_TLS_UNKNOWN_CURVE},
    {MBEDTLS_ERR_PK_UNKNOWN_PK_ALG, SBS_TLS_UNKNOWN_KEY},
    {MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE, SBS_TLS_UNKNOWN_KEY},
    {MBEDTLS_ERR_PK_INVALID_PUBKEY, SBS_TLS_UNKNOWN_KEY}, /* RSA of more than 8192 bits, too */
    {MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG, SBS_TLS_UNKNOWN_SIGNATURE},
    {PSA_ERROR_NOT_SUPPORTED, SBS_TLS_KEY_TOO_LARGE}, /* tls_trust.c's own */
    {MBEDTLS_ERR_X509_FATAL_ERROR, SBS_TLS_CHAIN_TOO_LONG},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, SBS_TLS_BROKEN_RULES},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, SBS_TLS_BROKEN_RULES},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, SBS_TLS_BROKEN_RULES},
    {MBEDTLS_ERR_SSL_INVALID_MAC, SBS_TLS_BROKEN_RULES},
};

static sbs_tls_problem problem_of_code(int code) {
    int module = -(-code & ~0x7f);
    for (size_t i = 0; i < SBS_COUNT_OF(parse_codes); i++) {
        if (parse_codes[i].code == code || parse_codes[i].code == module) {
            return parse_codes[i].problem;
        }
    }

    bool of_certificate = module <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && module > MBEDTLS_ERR_X509_ALLOC_FAILED;
    bool of_key = module <= MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE && module > MBEDTLS_ERR_PK_ALLOC_FAILED;
    if (of_certificate || of_key) {
        return SBS_TLS_MALFORMED;
    }

    return SBS_TLS_NO_PROBLEM;
}

sbs_tls_problem sbs_tls_trust_problem(const sbs_tls_trust *trust) {
    if (trust->priv.code == 0) {
        return SBS_TLS_NO_PROBLEM;
    }
    sbs_tls_problem problem = problem_of_code(trust->priv.code);
    if (problem != SBS_TLS_NO_PROBLEM) {
        return problem;
    }
    return SBS_TLS_MALFORMED;
}

static bool is_same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b) {
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* The certificate among these whose subject is that name. */
static const mbedtls_x509_crt *find_subject(const mbedtls_x509_crt *list, const mbedtls_x509_buf *name) {
    for (; list != NULL && list->raw.p != NULL; list = list->next) {
        if (is_same(&list->subject_raw, name)) {
            return list;
        }
    }
    return NULL;
}

static bool is_too_large(const mbedtls_x509_crt *certificate) {
    return sbs_mbedtls_is_rsa(&certificate->pk) && mbedtls_pk_get_bitlen(&certificate->pk) > RSA_BITS_MAX;
}

/* No trusted issuer was found for this one. What the server sent after it hangs on it. */
static sbs_tls_problem why_untrusted(const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate) {
    const mbedtls_x509_crt *trusted = &tls->priv.config->trust->priv.chain;
    if (is_same(&certificate->issuer_raw, &certificate->subject_raw)) {
        if (find_subject(trusted, &certificate->subject_raw) != NULL) {
            return SBS_TLS_ISSUER_UNFIT;
        }
        return SBS_TLS_ROOT_UNKNOWN;
    }

    const mbedtls_x509_crt *issuer = find_subject(trusted, &certificate->issuer_raw);
    if (issuer == NULL) {
        issuer = find_subject(certificate->next, &certificate->issuer_raw);
    }

    if (issuer == NULL) {
        return SBS_TLS_ISSUER_MISSING;
    }

    if (is_too_large(issuer)) {
        return SBS_TLS_KEY_TOO_LARGE;
    }

    bool may_issue = issuer->MBEDTLS_PRIVATE(ca_istrue) != 0 &&
                     mbedtls_x509_crt_check_key_usage(issuer, MBEDTLS_X509_KU_KEY_CERT_SIGN) == 0;
    if (may_issue) {
        return SBS_TLS_ISSUER_UNFIT;
    }

    return SBS_TLS_NOT_AN_ISSUER;
}

typedef struct flag_problem {
    uint32_t flags;
    sbs_tls_problem problem;
} flag_problem;

static const flag_problem flag_problems[] = {
    {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY, SBS_TLS_TOO_WEAK},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     SBS_TLS_OTHER_USE},
    {MBEDTLS_X509_BADCERT_OTHER, SBS_TLS_NAME_NOT_ALLOWED}, /* explain_certificate's own */
};

static sbs_tls_problem problem_of_flags(uint32_t flags) {
    for (size_t i = 0; i < SBS_COUNT_OF(flag_problems); i++) {
        if ((flags & flag_problems[i].flags) != 0) {
            return flag_problems[i].problem;
        }
    }
    return SBS_TLS_NO_PROBLEM;
}

/* A chain that is not trusted says nothing reliable about names and dates, and a wrong name outweighs wrong dates. Of
 * what weighs the same, that nearest to the root stays. */
static unsigned weight_of(sbs_tls_problem problem) {
    switch (problem) {
    case SBS_TLS_NO_PROBLEM:
        return 0;
    case SBS_TLS_ROOT_EXPIRED:
    case SBS_TLS_EXPIRED:
    case SBS_TLS_NOT_YET_VALID:
        return 1;
    case SBS_TLS_OTHER_NAME:
    case SBS_TLS_NO_NAMES:
        return 2;
    default:
        return 3;
    }
}

/* Mbed TLS hands over a root as it stands in the trusted list, so the place in memory tells. */
static sbs_tls_place place_of(const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate, int depth) {
    const mbedtls_x509_crt *trusted = &tls->priv.config->trust->priv.chain;
    while (trusted != NULL && trusted != certificate) {
        trusted = trusted->next;
    }

    if (trusted != NULL) {
        return SBS_TLS_ROOT;
    }
    if (depth > 0) {
        return SBS_TLS_BETWEEN;
    }
    return SBS_TLS_SERVER;
}

/* A host of DNS, or an address. */
static bool names_a_host(const mbedtls_x509_crt *certificate) {
    const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
    for (; name != NULL; name = name->next) {
        int kind = name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
        if (kind == MBEDTLS_X509_SAN_DNS_NAME || kind == MBEDTLS_X509_SAN_IP_ADDRESS) {
            return true;
        }
    }
    return false;
}

static sbs_tls_problem problem_of_name_or_date(const mbedtls_x509_crt *certificate, sbs_tls_place place,
                                               uint32_t flags) {
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
        if (names_a_host(certificate)) {
            return SBS_TLS_OTHER_NAME;
        }
        return SBS_TLS_NO_NAMES;
    }

    if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
        return SBS_TLS_NOT_YET_VALID;
    }

    if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) == 0) {
        return SBS_TLS_NO_PROBLEM;
    }

    if (place == SBS_TLS_ROOT) {
        return SBS_TLS_ROOT_EXPIRED;
    }

    return SBS_TLS_EXPIRED;
}

static sbs_tls_problem problem_of_certificate(const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate, int depth,
                                              uint32_t flags) {
    sbs_tls_problem problem = problem_of_flags(flags);
    if (problem != SBS_TLS_NO_PROBLEM) {
        return problem;
    }

    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        return why_untrusted(tls, certificate);
    }

    if (depth == 0 && is_too_large(certificate)) {
        return SBS_TLS_KEY_TOO_LARGE;
    }

    return problem_of_name_or_date(certificate, place_of(tls, certificate, depth), flags);
}

static void explain_certificate(sbs_tls_stream *tls, const mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
    sbs_tls_explain *explain = explain_of(tls);
    if (!sbs_tls_constraints_allow(&explain->priv.constraints, certificate, depth)) {
        *flags |= MBEDTLS_X509_BADCERT_OTHER;
    }

    sbs_tls_problem problem = problem_of_certificate(tls, certificate, depth, *flags);
    if (weight_of(problem) <= weight_of(sbs_tls_stream_problem(tls))) {
        return;
    }

    tls->priv.problem = (uint8_t)problem;
    if (has_own_words(problem)) {
        sbs_tls_words_make(tls, certificate, place_of(tls, certificate, depth), explain->priv.words);
    }
}

/* ---- failures ------------------------------------------------------------------------------------------------- */

/* A handshake that the server refuses after its own part of it, refuses the client. */
static bool is_after_hello(const sbs_tls_stream *tls) {
    return tls->priv.ssl.MBEDTLS_PRIVATE(state) > MBEDTLS_SSL_SERVER_HELLO_DONE;
}

static void note_alert(sbs_tls_stream *tls, uint8_t alert) {
    const alert_meaning *meaning = meaning_of(alert);
    sbs_tls_problem problem = SBS_TLS_ALERT;
    if (meaning != NULL) {
        problem = meaning->problem;
    }

    if (alert == 40 && is_after_hello(tls)) { /* TLS 1.2 has no alert of its own for it */
        problem = SBS_TLS_CERTIFICATE_REFUSED;
    }

    /* So servers say that no certificate was sent. */
    if (problem == SBS_TLS_CERTIFICATE_REFUSED && tls->priv.config->identity == NULL) {
        problem = SBS_TLS_WANTS_CERTIFICATE;
    }

    tls->priv.alert = alert;
    tls->priv.problem = (uint8_t)problem;
}

/* The start of a record that is none (RFC 8446 section 5.1). */
static sbs_tls_problem problem_of_bytes(const uint8_t *header) {
    if (memcmp(header, "HTTP", 4) == 0 || header[0] == '<') {
        return SBS_TLS_PLAIN_HTTP;
    }
    bool is_record = header[0] >= 20 && header[0] <= 23 && header[1] == 3;
    if (is_record) {
        return SBS_TLS_NO_PROBLEM;
    }
    return SBS_TLS_NO_TLS;
}

/* A peer that gave up may have closed its end while we were sending: its alert waits to be read. */
static bool hear_last_alert(sbs_tls_stream *tls) {
    uint8_t record[7] = {0};
    size_t len = 0;
    sbs_status status = tls->priv.raw.ops->receive(tls->priv.raw.ctx, record, sizeof record, &len);

    bool is_alert = status == SBS_OK && len == sizeof record && record[0] == 21 && record[1] == 3 && record[4] == 2 &&
                    record[5] == MBEDTLS_SSL_ALERT_LEVEL_FATAL;
    if (is_alert) {
        note_alert(tls, record[6]);
    }

    return is_alert;
}

/* A record by its header (RFC 5246 section 6.2.3). */
static bool is_longer_than_tls_allows(const uint8_t *header) {
    return header[3] * 256u + header[4] > 16384u + 2048u;
}

/* Where it is not the peer that says it. */
static sbs_tls_problem problem_of_handshake(const mbedtls_ssl_context *ssl, int code) {
    switch (code) {
    case MBEDTLS_ERR_SSL_INVALID_RECORD: {
        sbs_tls_problem problem = problem_of_bytes(ssl->MBEDTLS_PRIVATE(in_hdr));
        if (problem != SBS_TLS_NO_PROBLEM) {
            return problem;
        }
        return SBS_TLS_BROKEN_RULES;
    }

    case MBEDTLS_ERR_SSL_BAD_INPUT_DATA: /* what exceeds the buffer: of lawful messages only the certificates' */
        if (is_longer_than_tls_allows(ssl->MBEDTLS_PRIVATE(in_hdr))) {
            return SBS_TLS_BROKEN_RULES;
        }
        return SBS_TLS_CHAIN_TOO_LONG;
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return SBS_TLS_OTHER_VERSION;
    case MBEDTLS_ERR_SSL_BAD_CERTIFICATE: /* found after the chain was checked */
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return problem_of_flags(mbedtls_ssl_get_verify_result(ssl));
    default:
        return problem_of_code(code);
    }
}

static bool explain_failure(sbs_tls_stream *tls, int code) {
    mbedtls_ssl_context *ssl = &tls->priv.ssl;
    bool in_handshake = !mbedtls_ssl_is_handshake_over(ssl);
    if (code == 0) {
        return in_handshake && tls->priv.raw_status == SBS_ERR_NETWORK && hear_last_alert(tls);
    }

    if (ssl->MBEDTLS_PRIVATE(in_hdr) == NULL) {
        return false;
    }

    if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        note_alert(tls, ssl->MBEDTLS_PRIVATE(in_msg)[1]);
        return true;
    }

    if (tls->priv.code == SBS_TLS_CODE_RECORD_TOO_LONG) {
        tls->priv.problem = SBS_TLS_RECORD_TOO_LONG;
        return false;
    }

    if (in_handshake && tls->priv.problem == SBS_TLS_NO_PROBLEM) {
        tls->priv.problem = (uint8_t)problem_of_handshake(ssl, code);
    }

    return false;
}

sbs_tls_explain_ops *sbs_tls_explain_init(sbs_tls_explain *explain) {
    memset(explain, 0, sizeof *explain);
    explain->ops = (sbs_tls_explain_ops){.certificate = explain_certificate, .failure = explain_failure};
    return &explain->ops;
}
