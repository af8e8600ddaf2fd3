/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_constraints.h"

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/text.h"

/* Names times subtrees of one certificate that are compared at most: some milliseconds. */
#define COMPARISONS_MAX 262144u

#define PERMITTED (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0)
#define EXCLUDED (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 1)
#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)

/* A part of a certificate that is still to be read. */
typedef struct span {
    unsigned char *at, *end;
} span;

/* Takes the next element off @p from, its content into @p out_content. False: there is none with this tag. */
static bool span_take(span *from, int tag, span *out_content) {
    size_t len = 0;
    if (mbedtls_asn1_get_tag(&from->at, from->end, &len, tag) != 0) {
        return false;
    }

    *out_content = (span){from->at, from->at + len};
    from->at += len;
    return true;
}

/* ---- one name and one subtree ------------------------------------------------------------------------------------ */

/* True if the name is the domain or below it. A domain that begins with a dot, as some issuers write it, is only what
 * is below; the empty one is everything. */
static bool is_below(sbs_text name, sbs_text domain) {
    if (domain.len == 0) {
        return true;
    }
    if (name.len < domain.len) {
        return false;
    }

    size_t before = name.len - domain.len;
    if (!sbs_text_equal_nocase((sbs_text){name.ptr + before, domain.len}, domain)) {
        return false;
    }

    if (domain.ptr[0] == '.') {
        return before > 0;
    }

    return before == 0 || name.ptr[before - 1] == '.';
}

/* An excluded domain touches a wildcard also where the wildcard stands for a name of that domain. */
static bool is_excluded(sbs_text name, sbs_text domain) {
    if (is_below(name, domain)) {
        return true;
    }

    bool is_wildcard = name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.';
    return is_wildcard && is_below(domain, (sbs_text){name.ptr + 2, name.len - 2});
}

/* The subtree is an address and the mask that counts; of the other family it matches nothing. */
static bool is_in_network(sbs_text address, sbs_text network) {
    if (network.len != 2 * address.len) {
        return false;
    }

    for (size_t i = 0; i < address.len; i++) {
        uint8_t differs = (uint8_t)((uint8_t)address.ptr[i] ^ (uint8_t)network.ptr[i]);
        if ((differs & (uint8_t)network.ptr[address.len + i]) != 0) {
            return false;
        }
    }

    return true;
}

/* A name with a dot at its end is the same name. */
static sbs_text without_last_dot(sbs_text name) {
    if (name.len > 0 && name.ptr[name.len - 1] == '.') {
        name.len--;
    }
    return name;
}

static bool name_matches(int kind, sbs_text name, sbs_text subtree, bool excluding) {
    if (kind == MBEDTLS_X509_SAN_IP_ADDRESS) {
        return is_in_network(name, subtree);
    }

    name = without_last_dot(name);
    subtree = without_last_dot(subtree);
    if (excluding) {
        return is_excluded(name, subtree);
    }
    return is_below(name, subtree);
}

/* ---- one name and all subtrees of a list ------------------------------------------------------------------------- */

typedef struct search {
    int kind; /* of the name: dNSName or iPAddress */
    sbs_text name;
    unsigned left; /* comparisons */
    bool malformed;
    bool has_kind; /* the list has a subtree of the name's kind */
    bool matches;
} search;

/* GeneralSubtree, RFC 5280: minimum is 0 and so not there, maximum is not there. */
static void search_subtree(search *s, span subtree, bool excluding) {
    size_t len = 0;
    unsigned char tag = subtree.at < subtree.end ? *subtree.at : 0;
    int kind = tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
    bool is_base = mbedtls_asn1_get_tag(&subtree.at, subtree.end, &len, tag) == 0 &&
                   (tag & MBEDTLS_ASN1_TAG_CLASS_MASK) == MBEDTLS_ASN1_CONTEXT_SPECIFIC &&
                   len == (size_t)(subtree.end - subtree.at);
    bool is_address = kind == MBEDTLS_X509_SAN_IP_ADDRESS;
    if (!is_base || s->left == 0 || (is_address && len != 8 && len != 32)) {
        s->malformed = true;
        return;
    }

    s->left--;
    if (kind == s->kind) {
        s->has_kind = true;
        s->matches = s->matches || name_matches(kind, s->name, (sbs_text){(const char *)subtree.at, len}, excluding);
    }
}

static void search_list(search *s, span list, bool excluding) {
    s->has_kind = false;
    s->matches = false;
    while (list.at < list.end && !s->malformed) {
        span subtree;
        if (!span_take(&list, SEQUENCE, &subtree)) {
            s->malformed = true;
            return;
        }
        search_subtree(s, subtree, excluding);
    }
}

/* NameConstraints: both lists are optional. */
static bool value_allows(search *s, span value) {
    span content;
    span list;
    if (!span_take(&value, SEQUENCE, &content) || value.at != value.end) {
        return false;
    }

    if (span_take(&content, PERMITTED, &list)) {
        search_list(s, list, false);
        if (s->malformed || (s->has_kind && !s->matches)) {
            return false;
        }
    }

    if (span_take(&content, EXCLUDED, &list)) {
        search_list(s, list, true);
        if (s->malformed || s->matches) {
            return false;
        }
    }

    return content.at == content.end;
}

/* ---- certificates ------------------------------------------------------------------------------------------------ */

/* Takes extensions off until one of name constraints; Mbed TLS has read them all before. */
static bool next_constraints(span *extensions, span *out_value) {
    span extension;
    while (span_take(extensions, SEQUENCE, &extension)) {
        span oid;
        int critical = 0;
        if (!span_take(&extension, MBEDTLS_ASN1_OID, &oid)) {
            return false;
        }

        size_t len = (size_t)(oid.end - oid.at);
        bool is_it = len == MBEDTLS_OID_SIZE(MBEDTLS_OID_NAME_CONSTRAINTS) &&
                     memcmp(oid.at, MBEDTLS_OID_NAME_CONSTRAINTS, len) == 0;
        (void)mbedtls_asn1_get_bool(&extension.at, extension.end, &critical);
        if (is_it) {
            return span_take(&extension, MBEDTLS_ASN1_OCTET_STRING, out_value);
        }
    }

    return false;
}

static span extensions_of(const mbedtls_x509_crt *certificate) {
    span outer = {certificate->v3_ext.p, certificate->v3_ext.p + certificate->v3_ext.len};
    span inner = {NULL, NULL};
    if (certificate->v3_ext.p == NULL || !span_take(&outer, SEQUENCE, &inner)) {
        return (span){NULL, NULL};
    }
    return inner;
}

static bool issuer_allows(const mbedtls_x509_crt *issuer, search *s) {
    span extensions = extensions_of(issuer);
    span value;
    while (next_constraints(&extensions, &value)) {
        if (!value_allows(s, value)) {
            return false;
        }
    }
    return true;
}

static bool all_allow(const sbs_tls_constraints *constraints, const mbedtls_x509_crt *certificate) {
    search s = {.left = COMPARISONS_MAX};
    for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name != NULL; name = name->next) {
        s.kind = name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
        s.name = (sbs_text){(const char *)name->buf.p, name->buf.len};
        if (s.kind != MBEDTLS_X509_SAN_DNS_NAME && s.kind != MBEDTLS_X509_SAN_IP_ADDRESS) {
            continue;
        }

        for (unsigned i = 0; i < constraints->priv.count; i++) {
            if (!issuer_allows(constraints->priv.issuers[i], &s)) {
                return false;
            }
        }
    }

    return true;
}

bool sbs_tls_constraints_allow(sbs_tls_constraints *constraints, const mbedtls_x509_crt *certificate, int depth) {
    bool allowed = all_allow(constraints, certificate);
    if (depth == 0) {
        constraints->priv.count = 0; /* the next chain begins */
        return allowed;
    }

    span extensions = extensions_of(certificate);
    span value;
    if (!next_constraints(&extensions, &value)) {
        return allowed;
    }

    if (constraints->priv.count == SBS_COUNT_OF(constraints->priv.issuers)) {
        return false; /* longer than any chain that Mbed TLS takes */
    }

    constraints->priv.issuers[constraints->priv.count++] = certificate;
    return allowed;
}
