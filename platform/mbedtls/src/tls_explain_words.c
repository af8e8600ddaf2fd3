/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_explain_words.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509.h>
#include <string.h>

#include "sbs/date.h"
#include "sbs/http.h"

#define NAMES_SHOWN 3u
#define NAME_SIZE 65u /* of one name as it is shown, with the NUL */

/* ---- parts ------------------------------------------------------------------------------------------------------ */

/* Whoever made the certificate chose these bytes: they are made printable, and cut. */
static void words_put_name(sbs_writer *out, const void *name, size_t len) {
    char shown[NAME_SIZE];
    sbs_http_sanitise((sbs_text){name, len}, shown, sizeof shown);
    sbs_put_string(out, shown);
    if (len >= sizeof shown) {
        sbs_put_string(out, "...");
    }
}

/* The common name, else the organisation. */
static void words_put_subject(sbs_writer *out, const mbedtls_x509_crt *certificate) {
    const mbedtls_x509_name *found = NULL;
    for (const mbedtls_x509_name *part = &certificate->subject; part != NULL; part = part->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) {
            found = part;
            break;
        }
        if (found == NULL && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_ORGANIZATION, &part->oid) == 0) {
            found = part;
        }
    }

    sbs_put_char(out, '"');
    if (found != NULL) {
        words_put_name(out, found->val.p, found->val.len);
    }
    sbs_put_char(out, '"');
}

static void words_put_day(sbs_writer *out, int64_t utc_s) {
    char text[40];
    sbs_writer date;
    size_t len = 0;
    sbs_writer_init(&date, text, sizeof text);
    sbs_date_put(&date, utc_s, -1, 0);
    if (sbs_writer_finish(&date, &len) != SBS_OK) {
        sbs_put_string(out, "a year that is none");
        return;
    }

    sbs_put(out, text, sizeof "2026-01-01" - 1);
}

static void words_put_x509_day(sbs_writer *out, const mbedtls_x509_time *time) {
    words_put_day(out, sbs_date_days(time->year, (unsigned)time->mon, (unsigned)time->day) * 86400);
}

/* ---- dates ------------------------------------------------------------------------------------------------------ */

static void words_put_date_problem(sbs_writer *out, const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate,
                                   sbs_tls_place place) {
    bool expired = tls->priv.problem != SBS_TLS_NOT_YET_VALID;
    if (place == SBS_TLS_ROOT) {
        sbs_put_string(out, "the trusted root certificate ");
        words_put_subject(out, certificate);
    } else if (place == SBS_TLS_BETWEEN) {
        sbs_put_string(out, "the certificate ");
        words_put_subject(out, certificate);
        sbs_put_string(out, ", which the server's goes back to,");
    } else {
        sbs_put_string(out, "the server's certificate");
    }

    if (expired) {
        sbs_put_string(out, " has expired (valid until ");
        words_put_x509_day(out, &certificate->valid_to);
    } else {
        sbs_put_string(out, " is not valid yet (valid from ");
        words_put_x509_day(out, &certificate->valid_from);
    }

    /* A clock that is wrong shows in its date. */
    sbs_put_string(out, "; this machine's clock says ");
    words_put_day(out, tls->priv.now.utc_s);
    sbs_put_char(out, ')');
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static void words_put_address(sbs_writer *out, const uint8_t *address, size_t len) {
    bool is_v4 = len == 4;
    for (size_t i = 0; i < len; i++) {
        if (is_v4 && i > 0) {
            sbs_put_char(out, '.');
        }
        if (!is_v4 && i > 0 && i % 2 == 0) {
            sbs_put_char(out, ':');
        }

        if (is_v4) {
            sbs_put_uint(out, address[i]);
        } else {
            sbs_put_char(out, sbs_hex_digit((uint64_t)address[i] >> 4));
            sbs_put_char(out, sbs_hex_digit(address[i]));
        }
    }
}

/* False if it is none of a host. */
static bool words_put_host(sbs_writer *out, const mbedtls_x509_buf *name) {
    int kind = name->tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    if (kind == MBEDTLS_X509_SAN_DNS_NAME) {
        sbs_put_string(out, "host ");
        words_put_name(out, name->p, name->len);
        return true;
    }

    if (kind == MBEDTLS_X509_SAN_IP_ADDRESS) { /* of 4 or 16 bytes, or it was not parsed */
        sbs_put_string(out, "address ");
        words_put_address(out, name->p, name->len);
        return true;
    }

    return false;
}

static void words_put_name_problem(sbs_writer *out, const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate) {
    sbs_put_string(out, "the server's certificate is not for ");
    if (tls->priv.address_len != 0) {
        sbs_put_string(out, "address ");
    } else {
        sbs_put_string(out, "host ");
    }
    words_put_name(out, tls->priv.session_host, strlen(tls->priv.session_host));

    size_t shown = 0;
    size_t more = 0;
    for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name != NULL; name = name->next) {
        sbs_writer nowhere;
        sbs_writer_init_sizing(&nowhere);
        if (!words_put_host(&nowhere, &name->buf)) {
            continue;
        }

        if (shown == NAMES_SHOWN) {
            more++;
            continue;
        }

        sbs_put_string(out, shown == 0 ? ", but for " : ", ");
        (void)words_put_host(out, &name->buf);
        shown++;
    }

    if (more != 0) {
        sbs_put_string(out, " and ");
        sbs_put_uint(out, more);
        sbs_put_string(out, " more");
    }
}

void sbs_tls_words_make(const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate, sbs_tls_place place,
                        char *words) {
    sbs_writer out;
    size_t len = 0;
    sbs_writer_init(&out, words, SBS_TLS_WORDS_SIZE - 1);
    if (tls->priv.problem == SBS_TLS_OTHER_NAME) {
        words_put_name_problem(&out, tls, certificate);
    } else {
        words_put_date_problem(&out, tls, certificate, place);
    }

    /* Every part is bounded, and together they fit. */
    if (sbs_writer_finish(&out, &len) != SBS_OK) {
        len = 0;
    }
    words[len] = '\0';
}
