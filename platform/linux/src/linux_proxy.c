/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy, with which credentials, and for which hosts. */
#include "sbs/linux_proxy.h"

#include <arpa/inet.h>
#include <mbedtls/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sbs/text.h"
#include "sbs/url.h"

#define SEPARATORS ", \t"
#define LOGIN_MAX 500u /* bytes of "user:password" */

/* ---- the URL ---------------------------------------------------------------------------------------------------- */

/* The next character of user or password, without its escape; -1 for what Basic credentials cannot hold. */
static int next_of_login(const char **at, const char *end) {
    int c = (unsigned char)**at;
    (*at)++;

    if (c == '%') {
        if (end - *at < 2) {
            return -1;
        }
        c = sbs_hex_byte(*at);
        *at += 2;
    }

    if (c < 0x20 || c == 0x7F) { /* also what is no escape */
        return -1;
    }

    return c;
}

/* "user:password" as it stands in the URL becomes "Basic dXNlcjpwYXNzd29yZA==". A colon of the user's own would move
 * the border between the two. */
static bool encode_login(const char *text, size_t len, char out[SBS_LINUX_PROXY_LOGIN_SIZE]) {
    static const char scheme[] = "Basic ";
    unsigned char plain[LOGIN_MAX + 1];
    const char *end = text + len;
    const char *colon = memchr(text, ':', len);
    size_t count = 0;
    bool legal = true;

    for (const char *at = text; at < end && legal;) {
        bool escaped = *at == '%';
        bool of_user = colon == NULL || at < colon;
        int c = next_of_login(&at, end);

        legal = c >= 0 && count < LOGIN_MAX && !(c == ':' && escaped && of_user);
        plain[count] = (unsigned char)c;
        count += legal;
    }
    if (colon == NULL && legal) {
        plain[count++] = ':'; /* an empty password */
    }

    size_t coded = 0;
    (void)snprintf(out, SBS_LINUX_PROXY_LOGIN_SIZE, "%s", scheme);
    legal = legal && mbedtls_base64_encode((unsigned char *)out + sizeof scheme - 1,
                                           SBS_LINUX_PROXY_LOGIN_SIZE - sizeof scheme, &coded, plain, count) == 0;
    sbs_wipe(plain, sizeof plain);
    return legal;
}

/* What is behind the scheme, NULL where it is another one than http. */
static const char *skip_scheme(const char *url) {
    const char *end = strstr(url, "://");
    if (end == NULL) {
        return url;
    }
    if (strncasecmp(url, "http://", 7) == 0) {
        return end + 3;
    }
    return NULL;
}

/* Host and port, and nothing behind them but a '/'. */
static bool take_place(const char *text, sbs_linux_proxy *out) {
    char url[400];
    sbs_url parsed;

    if (snprintf(url, sizeof url, "http://%s", text) >= (int)sizeof url ||
        sbs_url_parse(sbs_text_of(url), &parsed) != SBS_OK || parsed.query.ptr != NULL || parsed.path.len > 1 ||
        parsed.host.len >= sizeof out->host) {
        return false;
    }

    memcpy(out->host, parsed.host.ptr, parsed.host.len);
    out->host[parsed.host.len] = '\0';
    out->port = parsed.port;
    return true;
}

static sbs_linux_proxy_fault parse(const char *url, sbs_linux_proxy *out) {
    const char *text = skip_scheme(url);
    if (text == NULL) {
        return SBS_LINUX_PROXY_SCHEME;
    }

    /* A password may hold '@', and somebody forgets to escape it: the last one counts. */
    const char *at = strrchr(text, '@');
    const char *place = at != NULL ? at + 1 : text;
    if (!take_place(place, out)) {
        return SBS_LINUX_PROXY_URL;
    }

    if (at != NULL && at > text && !encode_login(text, (size_t)(at - text), out->login)) {
        return SBS_LINUX_PROXY_LOGIN;
    }

    return SBS_LINUX_PROXY_NO_FAULT;
}

sbs_status sbs_linux_proxy_parse(const char *url, sbs_linux_proxy *out, sbs_linux_proxy_fault *out_fault) {
    memset(out, 0, sizeof *out);
    *out_fault = parse(url, out);
    if (*out_fault == SBS_LINUX_PROXY_NO_FAULT) {
        return SBS_OK;
    }

    sbs_wipe(out, sizeof *out);
    return SBS_ERR_URL;
}

/* ---- the environment -------------------------------------------------------------------------------------------- */

/* The first of two variables that says something. */
static const char *first_set(const char *name, const char *other) {
    const char *value = getenv(name);
    if (value != NULL && value[0] != '\0') {
        return name;
    }

    value = getenv(other);
    return value != NULL && value[0] != '\0' ? other : NULL;
}

void sbs_linux_proxy_place(const char *host, uint16_t port, char *out, size_t size) {
    const char *format = strchr(host, ':') != NULL ? "[%.253s]:%u" : "%.253s:%u";
    (void)snprintf(out, size, format, host, (unsigned)port);
}

const char *sbs_linux_proxy_variable(void) {
    return first_set("https_proxy", "HTTPS_PROXY");
}

const char *sbs_linux_proxy_exceptions(void) {
    const char *name = first_set("no_proxy", "NO_PROXY");
    return name != NULL ? getenv(name) : NULL;
}

/* ---- exceptions ------------------------------------------------------------------------------------------------- */

/* An address as bytes; 0: it is none. */
static size_t take_address(const char *text, uint8_t out[16]) {
    if (inet_pton(AF_INET, text, out) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

/* True if the first @p bits of both are the same. */
static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits) {
    size_t bytes = bits / 8;
    if (memcmp(address, prefix, bytes) != 0) {
        return false;
    }

    unsigned rest = bits % 8;
    return rest == 0 || ((address[bytes] ^ prefix[bytes]) >> (8 - rest)) == 0;
}

/* "10.0.0.0/8", "fd00::/8", or one address. */
static bool is_in_network(char *network, const uint8_t *address, size_t len) {
    uint8_t prefix[16];
    uint64_t bits = len * 8;
    char *slash = strchr(network, '/');
    if (slash != NULL) {
        *slash = '\0';
    }

    if (take_address(network, prefix) != len) {
        return false;
    }
    if (slash != NULL && (sbs_text_to_uint(sbs_text_of(slash + 1), &bits) != SBS_OK || bits > len * 8)) {
        return false;
    }

    return has_prefix(address, prefix, (unsigned)bits);
}

/* The name itself, or one that ends with it behind a dot. */
static bool is_in_domain(const char *domain, const char *host) {
    size_t domain_len = strlen(domain += *domain == '.');
    size_t host_len = strlen(host);
    if (domain_len == 0 || domain_len > host_len || strcasecmp(host + host_len - domain_len, domain) != 0) {
        return false;
    }
    return domain_len == host_len || host[host_len - domain_len - 1] == '.';
}

/* Cuts ":443" off. False if it is not @p port. An address of IPv6 has more colons, and its port behind brackets. */
static bool take_port(char **entry, uint16_t port) {
    uint64_t number = port;
    char *colon = strrchr(*entry, ':');

    if ((*entry)[0] == '[') {
        char *end = strchr(*entry, ']');
        if (end == NULL) {
            return false;
        }
        colon = end[1] == ':' ? end + 1 : NULL;
        *end = '\0';
        (*entry)++;
    } else if (colon != NULL && strchr(*entry, ':') != colon) {
        colon = NULL;
    }
    if (colon == NULL) {
        return true;
    }

    *colon = '\0';
    return sbs_text_to_uint(sbs_text_of(colon + 1), &number) == SBS_OK && number == port;
}

static bool is_excepted_by(char *entry, const char *host, uint16_t port) {
    uint8_t address[16];
    if (strcmp(entry, "*") == 0) {
        return true;
    }
    if (!take_port(&entry, port)) {
        return false;
    }

    size_t len = take_address(host, address);
    return len > 0 ? is_in_network(entry, address, len) : is_in_domain(entry, host);
}

static bool is_loopback(const char *host) {
    uint8_t address[16];
    static const uint8_t one[16] = {[15] = 1};
    static const uint8_t mapped[13] = {[10] = 0xFF, [11] = 0xFF, [12] = 127}; /* 127.0.0.0/8 within IPv6 */
    switch (take_address(host, address)) {
    case 4:
        return address[0] == 127;
    case 16:
        return memcmp(address, one, sizeof one) == 0 || memcmp(address, mapped, sizeof mapped) == 0;
    default:
        return is_in_domain("localhost", host);
    }
}

bool sbs_linux_proxy_serves(const char *exceptions, const char *host, uint16_t port) {
    char entry[300];
    if (is_loopback(host)) {
        return false;
    }

    while (exceptions != NULL && *exceptions != '\0') {
        exceptions += strspn(exceptions, SEPARATORS);
        size_t len = strcspn(exceptions, SEPARATORS);

        /* One that is longer than any name excepts nothing. */
        if (len > 0 && len < sizeof entry) {
            memcpy(entry, exceptions, len);
            entry[len] = '\0';
            if (is_excepted_by(entry, host, port)) {
                return false;
            }
        }
        exceptions += len;
    }

    return true;
}
