/* SPDX-License-Identifier: Apache-2.0 */
#include "advice.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "sbs/scope.h"
#include "server.h"

#define DISCOVERY_PATH "/.well-known/smart-configuration"

static sbs_forward_server *server_in_use;

void cli_advice_use(sbs_forward_server *server) {
    server_in_use = server;
}

/* ---- redirects ------------------------------------------------------------------------------------------------ */

/* The token endpoint in use: the one that was given, or that discovery found. Absent before. */
static sbs_text token_url_in_use(void) {
    if (cli_server.token_url != NULL) {
        return sbs_text_of(cli_server.token_url);
    }
    if (server_in_use == NULL) {
        return (sbs_text){NULL, 0};
    }
    return sbs_client_token_url(sbs_forward_server_client(server_in_use));
}

/* The Location of a redirect is all of the server's words then. Sentences are none. */
static sbs_text redirect_location(const sbs_detail *detail) {
    sbs_text location = sbs_text_of(detail->text);
    bool relative = location.len > 0 && location.ptr[0] == '/';
    bool absolute = strncmp(detail->text, "https://", 8) == 0 || strncmp(detail->text, "http://", 7) == 0;

    if ((!relative && !absolute) || strchr(detail->text, ' ') != NULL) {
        location.len = 0;
    }
    return location;
}

/* Writes the absolute URL that the server redirects to. False if it is not known. */
static bool redirect_target(const sbs_detail *detail, char *out, size_t size) {
    sbs_text location = redirect_location(detail);
    size_t len = 0;

    if (location.len == 0 || location.len >= size) {
        return false;
    }

    if (location.ptr[0] != '/') {
        memcpy(out, location.ptr, location.len);
        out[location.len] = '\0';
        return true;
    }

    /* It begins with a slash: of what was asked, the host counts alone. */
    sbs_text asked = {NULL, 0};
    if (detail->step == SBS_STEP_TOKEN) {
        asked = token_url_in_use();
    } else if (cli_server.fhir != NULL) {
        asked = sbs_text_of(cli_server.fhir);
    }
    if (asked.len == 0 || sbs_url_resolve(asked, location, out, size - 1, &len) != SBS_OK) {
        return false;
    }

    out[len] = '\0';
    return true;
}

/* Length without the slashes at the end. */
static size_t length_without_slashes(const char *url, size_t len) {
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    return len;
}

/* The length of the base in the URL of a discovery document, 0 if it is none. */
static size_t discovery_base_length(const char *url) {
    size_t len = length_without_slashes(url, strlen(url));
    size_t path_len = sizeof DISCOVERY_PATH - 1;

    if (len <= path_len || memcmp(url + len - path_len, DISCOVERY_PATH, path_len) != 0) {
        return 0;
    }
    return length_without_slashes(url, len - path_len);
}

/* True if the first @p len bytes of @p url are the base that was given. */
static bool is_base_given(const char *url, size_t len) {
    size_t given_len = length_without_slashes(cli_server.fhir, strlen(cli_server.fhir));
    return len == given_len && memcmp(url, cli_server.fhir, len) == 0;
}

static bool is_below_base_given(const char *url) {
    size_t given_len = length_without_slashes(cli_server.fhir, strlen(cli_server.fhir));
    return strlen(url) > given_len && url[given_len] == '/' && is_base_given(url, given_len);
}

static void redirect_put_discovery(char *out, size_t size, const char *target) {
    size_t base_len = discovery_base_length(target);

    if (base_len == 0) {
        (void)snprintf(out, size,
                       "check --fhir and what stands before the server: %s is no base, perhaps a sign-in page", target);
        return;
    }

    /* The same document elsewhere below the base: no other --fhir leads there. */
    if (cli_server.fhir != NULL && is_base_given(target, base_len)) {
        (void)snprintf(out, size, "give the token endpoint with --token-url: %s has the same base as --fhir", target);
        return;
    }

    (void)snprintf(out, size, "give --fhir %.*s, if you trust it", (int)base_len, target);
}

static void redirect_put_resource(char *out, size_t size, const char *target) {
    if (cli_server.fhir != NULL && is_below_base_given(target)) {
        (void)snprintf(out, size, "ask the server's operator: %s has the same base as --fhir", target);
        return;
    }
    (void)snprintf(out, size, "give the base of %s with --fhir, if you trust it", target);
}

const char *cli_advice_redirect(sbs_status status, const sbs_detail *detail) {
    static char advice[CLI_REASON_SIZE];
    char target[SBS_FORWARD_WORDS_SIZE];

    if (status != SBS_ERR_REDIRECT || !redirect_target(detail, target, sizeof target)) {
        return NULL;
    }

    /* Often what a gateway that ends TLS calls itself. */
    if (strncmp(target, "http://", 7) == 0 && !cli_server.allow_http) {
        (void)snprintf(advice, sizeof advice, "ask the server's operator for an https URL: %s is plain http", target);
        return advice;
    }

    switch (detail->step) {
    case SBS_STEP_TOKEN:
        (void)snprintf(advice, sizeof advice, "give --token-url %s, if you trust it", target);
        break;
    case SBS_STEP_DISCOVERY:
        redirect_put_discovery(advice, sizeof advice, target);
        break;
    default:
        redirect_put_resource(advice, sizeof advice, target);
        break;
    }

    return advice;
}

/* ---- hosts that are not reached ------------------------------------------------------------------------------- */

static bool is_unreached(sbs_status status) {
    switch (status) {
    case SBS_ERR_RESOLVE:
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_TIMEOUT:
    case SBS_ERR_NETWORK:
        return true;
    default:
        return false;
    }
}

/* A document that is served outside may name a host that is known inside alone. Nobody needs to be told so of the host
 * that he gave himself. */
static bool was_discovered_elsewhere(const sbs_detail *detail) {
    sbs_url token, base;

    if (detail->step != SBS_STEP_TOKEN || cli_server.token_url != NULL || cli_server.fhir == NULL) {
        return false;
    }
    if (sbs_url_parse(token_url_in_use(), &token) != SBS_OK ||
        sbs_url_parse(sbs_text_of(cli_server.fhir), &base) != SBS_OK) {
        return false;
    }

    return token.port != base.port || !sbs_text_equal_nocase(token.host, base.host);
}

const char *cli_advice_unreached(sbs_status status, const sbs_detail *detail, const char *usual) {
    static char advice[CLI_REASON_SIZE];
    const char *named = "";

    if (!is_unreached(status)) {
        return NULL;
    }

    if (was_discovered_elsewhere(detail)) {
        named = "; the discovery document names it; --token-url gives another";
    }

    (void)snprintf(advice, sizeof advice, "%s%s", usual, named);
    return advice;
}

/* ---- scopes --------------------------------------------------------------------------------------------------- */

/* Words that are no scopes of resources, and that everybody knows. */
static bool is_scope_of_launch(sbs_text word) {
    static const char *const words[] = {"openid",        "fhirUser", "profile", "offline_access",
                                        "online_access", "launch",   "email"};

    for (size_t i = 0; i < SBS_COUNT_OF(words); i++) {
        if (sbs_text_equal(word, sbs_text_of(words[i]))) {
            return true;
        }
    }
    return word.len > 7 && memcmp(word.ptr, "launch/", 7) == 0; /* launch/patient */
}

static bool has_unclear_word(sbs_text list) {
    sbs_text word;

    while (sbs_scope_next(&list, &word)) {
        sbs_scope scope;
        bool understood = sbs_scope_parse(word, &scope) == SBS_OK && scope.query.ptr == NULL;
        if (!understood && !is_scope_of_launch(word)) {
            return true;
        }
    }
    return false;
}

bool cli_scope_is_unclear(void) {
    if (server_in_use == NULL) {
        return false;
    }
    if (has_unclear_word(sbs_forward_server_scope(server_in_use, sbs_linux_now()))) {
        return true;
    }
    return cli_server.scope != NULL && has_unclear_word(sbs_text_of(cli_server.scope));
}
