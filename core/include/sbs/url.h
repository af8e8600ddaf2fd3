/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file url.h
 * Strict http(s) URLs (RFC 3986, RFC 9110 section 4.2), relative resolution for discovery, form encoding.
 */
#ifndef SBS_URL_H
#define SBS_URL_H

#include "sbs/config.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest URL: RFC 9110 section 4.1 asks for at least 8000 octets, and none that means well needs more. */
#define SBS_URL_MAX 8000u

/** The parts of an absolute URL; spans into the text that was parsed. */
typedef struct sbs_url {
    sbs_text host;  /**< DNS name or IPv4 literal, or IPv6 literal without brackets (hexadecimal
                         groups only); 1 to 253 bytes. Only the dotted
                         quad may look like an IPv4 address: "127.1" and "0x7f.1" are refused. */
    sbs_text path;  /**< from the first '/' up to the query; absent if the URL has none (then "/" is requested) */
    sbs_text query; /**< with its '?', absent if none */
    uint16_t port;  /**< explicit, or 443 / 80 */
    bool https;
    bool ipv6;         /**< host is an IPv6 literal: brackets in Host (RFC 9110 section 7.2) */
    bool default_port; /**< the port is the scheme's own: not repeated in Host */
} sbs_url;

/**
 * Parses an absolute URL without user information and without fragment. Characters outside RFC 3986, an empty host, a
 * port that is empty, 0 or above 65535, a broken percent escape, more than SBS_URL_MAX bytes: SBS_ERR_URL. The scheme
 * is compared without case.
 */
SBS_NODISCARD sbs_status sbs_url_parse(sbs_text text, sbs_url *out_url);

/** True if the host is a loopback one: "localhost", 127.0.0.0/8 or ::1. */
bool sbs_url_is_loopback(const sbs_url *url);

/** Writes the value of the Host field: host, brackets if IPv6, port unless it is the default one. A host that
 *  sbs_url_parse would refuse keeps SBS_ERR_URL. */
void sbs_url_put_host(sbs_writer *out, const sbs_url *url);

/**
 * Resolves @p reference against the base URL with a '/' added to its path if it ends without one, so that "token"
 * under "https://h/fhir" gives "https://h/fhir/token" (SMART 2.2 conformance; RFC 3986 section 5.2, dot segments
 * removed). An absolute reference is copied unchanged; an empty one and one with a fragment are refused. The result is
 * written to @p out (which must not overlap the arguments) and is a legal argument of sbs_url_parse. base.len +
 * reference.len + 1 bytes always suffice. SBS_ERR_URL, also if the result is too long for a URL; SBS_ERR_BUFFER with
 * the size to give in @p out_len.
 */
SBS_NODISCARD sbs_status sbs_url_resolve(sbs_text base, sbs_text reference, char *out, size_t size, size_t *out_len);

/** True if every byte may stand in a path or query as it is (RFC 3986 pchar, '/', '?', valid percent escapes). */
bool sbs_url_is_path_and_query(sbs_text text);

/** application/x-www-form-urlencoded as Python's quote_plus does it: ALPHA DIGIT - . _ ~ stay, space is '+', other
 *  bytes %XX in upper case. */
void sbs_form_put_encoded(sbs_writer *out, sbs_text text);
/** Percent-encodes all but ALPHA DIGIT - . _ ~ (RFC 3986 unreserved); space is %20. For search values. */
void sbs_url_put_encoded(sbs_writer *out, sbs_text text);

#ifdef __cplusplus
}
#endif
#endif
