/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/url.h"

#include "text/ascii.h"

enum { LABEL_MAX = 63, IPV6_GROUPS = 8, IPV6_DIGITS = 4, IPV4_OCTETS = 4 };

static sbs_text url_slice(sbs_text text, size_t from, size_t to) {
    return (sbs_text){text.ptr + from, to - from};
}

static bool url_is_ipv4_octet(sbs_text text) {
    uint64_t value = 0;
    bool leading_zero = text.len > 1 && text.ptr[0] == '0';

    return !leading_zero && sbs_text_to_uint(text, &value) == SBS_OK && value <= 255;
}

/* Resolvers take "127.1", "0x7f.1" and "2130706433" for IPv4 addresses: only the dotted quad may look like one. */
static bool url_looks_numeric(sbs_text label) {
    bool hex = label.len > 1 && label.ptr[0] == '0' && sbs_ascii_lower(label.ptr[1]) == 'x';

    return hex || sbs_ascii_all_digits(label);
}

/* A DNS name, or an IPv4 address if the last label looks like a number. The underscore is no character of host names
 * (RFC 1123 section 2.1), but container networks use it. */
static bool url_is_name_or_ipv4(sbs_text text, bool *out_ipv4) {
    unsigned labels = 0;
    unsigned octets = 0;

    for (;;) {
        size_t end = sbs_ascii_find(text, '.');
        sbs_text label = url_slice(text, 0, end);
        if (label.len > LABEL_MAX || !sbs_ascii_all_alnum_or(label, "-_")) {
            return false;
        }

        labels++;
        if (url_is_ipv4_octet(label)) {
            octets++;
        }
        if (end == text.len) {
            *out_ipv4 = labels == IPV4_OCTETS && octets == IPV4_OCTETS;
            return *out_ipv4 || !url_looks_numeric(label);
        }

        text = url_slice(text, end + 1, text.len);
    }
}

/* RFC 3986 section 3.2.2 in hexadecimal groups, without the dotted form, zone identifiers and IPvFuture. */
static bool url_is_ipv6(sbs_text text) {
    unsigned groups = 0;
    unsigned digits = 0;
    bool gap = false;

    for (size_t i = 0; i < text.len; i++) {
        if (sbs_hex_value(text.ptr[i]) >= 0) {
            if (digits == 0) {
                groups++;
            }
            if (digits++ == IPV6_DIGITS) {
                return false;
            }
            continue;
        }

        if (text.ptr[i] != ':') {
            return false;
        }

        /* A single colon stands between groups, "::" anywhere but once. */
        bool two = i + 1 < text.len && text.ptr[i + 1] == ':';
        bool misplaced = digits == 0 || i + 1 == text.len;
        if (two) {
            misplaced = gap;
            gap = true;
            i++;
        }
        if (misplaced) {
            return false;
        }

        digits = 0;
    }
    if (gap) {
        return groups < IPV6_GROUPS;
    }

    return groups == IPV6_GROUPS;
}

static bool url_is_host(sbs_text host, bool ipv6) {
    bool ipv4;

    if (ipv6) {
        return url_is_ipv6(host);
    }
    return host.len < SBS_HOST_SIZE && url_is_name_or_ipv4(host, &ipv4);
}

bool sbs_url_is_path_and_query(sbs_text text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            if (text.len - i < 3 || sbs_hex_byte(text.ptr + i + 1) < 0) {
                return false;
            }
        } else if (!sbs_ascii_is_alnum_or(c, SBS_ASCII_UNRESERVED "!$&'()*+,;=:@/?")) {
            return false;
        }
    }

    return true;
}

static bool url_parse_port(sbs_text text, uint16_t *out_port) {
    uint64_t value = 0;

    if (text.len > 5 || sbs_text_to_uint(text, &value) != SBS_OK || value == 0 || value > UINT16_MAX) {
        return false;
    }

    *out_port = (uint16_t)value;
    return true;
}

static bool url_parse_authority(sbs_text text, sbs_url *url) {
    bool ipv6 = text.len > 0 && text.ptr[0] == '[';
    size_t end = sbs_ascii_find(text, ipv6 ? ']' : ':');
    /* A bracket that is never closed. */
    if (ipv6 && end == text.len) {
        return false;
    }

    url->ipv6 = ipv6;
    url->host = url_slice(text, ipv6, end); /* without the brackets */
    text = url_slice(text, end + ipv6, text.len);
    if (!url_is_host(url->host, url->ipv6)) {
        return false;
    }

    /* Without a port it is the scheme's own, which is not repeated in Host. */
    uint16_t scheme_port = url->https ? 443 : 80;
    url->port = scheme_port;
    if (text.len > 0 && (text.ptr[0] != ':' || !url_parse_port(url_slice(text, 1, text.len), &url->port))) {
        return false;
    }

    url->default_port = url->port == scheme_port;
    return true;
}

static bool url_starts_with_nocase(sbs_text text, sbs_text prefix) {
    return text.len >= prefix.len && sbs_text_equal_nocase(url_slice(text, 0, prefix.len), prefix);
}

sbs_status sbs_url_parse(sbs_text text, sbs_url *out_url) {
    static const sbs_text https = {"https://", 8};
    static const sbs_text http = {"http://", 7};
    sbs_url url = {.https = url_starts_with_nocase(text, https)};

    if (text.len > SBS_URL_MAX || (!url.https && !url_starts_with_nocase(text, http))) {
        return SBS_ERR_URL;
    }

    text = url_slice(text, url.https ? https.len : http.len, text.len);
    size_t query = sbs_ascii_find(text, '?');
    size_t slash = sbs_ascii_find(url_slice(text, 0, query), '/');
    if (!url_parse_authority(url_slice(text, 0, slash), &url) ||
        !sbs_url_is_path_and_query(url_slice(text, slash, text.len))) {
        return SBS_ERR_URL;
    }

    if (slash < query) {
        url.path = url_slice(text, slash, query);
    }
    if (query < text.len) {
        url.query = url_slice(text, query, text.len);
    }

    *out_url = url;
    return SBS_OK;
}

bool sbs_url_is_loopback(const sbs_url *url) {
    bool ipv4 = false;

    if (url->ipv6) {
        return sbs_ascii_is(url->host, "::1");
    }
    return sbs_ascii_is_nocase(url->host, "localhost") ||
           (url_is_name_or_ipv4(url->host, &ipv4) && ipv4 && url_starts_with_nocase(url->host, sbs_text_of("127.")));
}

void sbs_url_put_host(sbs_writer *out, const sbs_url *url) {
    /* A structure that did not come from sbs_url_parse must not inject either. */
    if (!url_is_host(url->host, url->ipv6)) {
        sbs_writer_fail(out, SBS_ERR_URL);
        return;
    }

    sbs_put_string(out, url->ipv6 ? "[" : "");
    sbs_put_text(out, url->host);
    sbs_put_string(out, url->ipv6 ? "]" : "");
    if (!url->default_port) {
        sbs_put_char(out, ':');
        sbs_put_uint(out, url->port);
    }
}
