/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in the configuration. A later protocol adds a word to `protocols` and rows to `device_options`. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config_internal.h"
#include "sbs/count.h"
#include "sbs/forward_ahead.h"
#include "sbs/forward_batch.h"
#include "sbs/forward_share.h"

#define NAME_MAX_NEAR 32u /* longer names are not compared */

#define SERVER(member) offsetof(sbs_gateway_config, member)
#define LISTENER(member) offsetof(sbs_gateway_listener, member)
#define DEVICE(member) offsetof(sbs_gateway_device, member)
#define ONLY(protocol) (1u << (protocol))

static const sbs_config_option server_options[] = {
    {.name = "fhir", .type = SBS_CONFIG_TEXT, .offset = SERVER(fhir)},
    {.name = "token-url", .type = SBS_CONFIG_TEXT, .offset = SERVER(token_url)},
    {.name = "client-id", .type = SBS_CONFIG_TEXT, .offset = SERVER(client_id)},
    {.name = "scope", .type = SBS_CONFIG_TEXT, .offset = SERVER(scope)},
    {.name = "aud", .type = SBS_CONFIG_TEXT, .offset = SERVER(aud)},
    {.name = "kid", .type = SBS_CONFIG_TEXT, .offset = SERVER(kid)},
    {.name = "key", .type = SBS_CONFIG_TEXT, .offset = SERVER(key)},
    {.name = "ca", .type = SBS_CONFIG_PATH, .offset = SERVER(ca)},
    {.name = "proxy", .type = SBS_CONFIG_SECRET, .offset = SERVER(proxy)},
    {.name = "no-proxy", .type = SBS_CONFIG_TEXT, .offset = SERVER(no_proxy)},
    {.name = "algorithm", .type = SBS_CONFIG_WORD, .offset = SERVER(algorithm), .words = "ES384|RS384"},
    {.name = "write-mode",
     .type = SBS_CONFIG_CHOICE,
     .offset = SERVER(write_mode),
     .min = SBS_FORWARD_AUTO,
     .words = "auto|put|if-none-exist|plain"},
    {.name = "batch", .type = SBS_CONFIG_UINT16, .offset = SERVER(batch), .max = SBS_FORWARD_BATCH_MAX},
    {.name = "connections",
     .type = SBS_CONFIG_UINT16,
     .offset = SERVER(connections),
     .min = 1,
     .max = SBS_FORWARD_VIEWS_MAX},
    {.name = "mark-ahead",
     .type = SBS_CONFIG_UINT16,
     .offset = SERVER(mark_ahead),
     .min = 1,
     .max = SBS_FORWARD_AHEAD_MAX},
    {.name = "gzip", .type = SBS_CONFIG_BOOL, .offset = SERVER(gzip)},
    {.name = "allow-http", .type = SBS_CONFIG_BOOL, .offset = SERVER(allow_http)},
};

static const sbs_config_option gateway_options[] = {
    {.name = "name", .type = SBS_CONFIG_NAME, .offset = SERVER(name)},
    {.name = "state", .type = SBS_CONFIG_PATH, .offset = SERVER(state)},
    {.name = "run", .type = SBS_CONFIG_PATH, .offset = SERVER(run)},
    {.name = "keep-free", .type = SBS_CONFIG_SIZE, .offset = SERVER(keep_free), .max = UINT64_C(1) << 50},
    {.name = "items-max", .type = SBS_CONFIG_UINT32, .offset = SERVER(items_max), .min = 1, .max = 100000000},
    {.name = "dead-keep-days", .type = SBS_CONFIG_UINT32, .offset = SERVER(dead_keep_days), .min = 1, .max = 36500},
};

static const sbs_config_option listener_options[] = {
    {.name = "address", .type = SBS_CONFIG_TEXT, .offset = LISTENER(address)},
    {.name = "certificate", .type = SBS_CONFIG_PATH, .offset = LISTENER(certificate)},
    {.name = "key", .type = SBS_CONFIG_PATH, .offset = LISTENER(key)},
    {.name = "tls", .type = SBS_CONFIG_BOOL, .offset = LISTENER(tls)},
    {.name = "insecure", .type = SBS_CONFIG_BOOL, .offset = LISTENER(insecure)},
    {.name = "allow", .type = SBS_CONFIG_ALLOW, .offset = LISTENER(allow)},
};

static const char protocols[] = "fhir|spool";

static const sbs_config_option device_options[] = {
    {.name = "protocol", .type = SBS_CONFIG_CHOICE, .offset = DEVICE(protocol), .words = protocols},
    {.name = "folder", .type = SBS_CONFIG_PATH, .offset = DEVICE(folder), .protocols = ONLY(SBS_GATEWAY_SPOOL)},
    {.name = "phd",
     .type = SBS_CONFIG_BOOL,
     .offset = DEVICE(phd),
     .protocols = ONLY(SBS_GATEWAY_FHIR) | ONLY(SBS_GATEWAY_SPOOL)},
};

/* ---- what a section describes ------------------------------------------------------------------------------------ */

static void *server_at(sbs_gateway_config *config, const char *of_what, size_t *out_slot, const char **out_fault) {
    (void)of_what;
    (void)out_fault;
    *out_slot = SBS_CONFIG_SLOT_SERVER;
    return config;
}

static void *gateway_at(sbs_gateway_config *config, const char *of_what, size_t *out_slot, const char **out_fault) {
    (void)of_what;
    (void)out_fault;
    *out_slot = SBS_CONFIG_SLOT_GATEWAY;
    return config;
}

static void *listener_at(sbs_gateway_config *config, const char *of_what, size_t *out_slot, const char **out_fault) {
    size_t at = 0;
    while (at < config->listener_count && strcmp(config->listeners[at].name, of_what) != 0) {
        at++;
    }

    if (at == SBS_GATEWAY_LISTENERS_MAX) {
        *out_fault = "more listeners than there can be, 8";
        return NULL;
    }

    sbs_gateway_listener *listener = &config->listeners[at];
    if (at == config->listener_count) {
        (void)snprintf(listener->name, sizeof listener->name, "%s", of_what);
        config->listener_count++;
    }

    *out_slot = SBS_CONFIG_SLOT_LISTENERS + at;
    return listener;
}

static void *device_at(sbs_gateway_config *config, const char *of_what, size_t *out_slot, const char **out_fault) {
    size_t at = 0;
    while (at < config->device_count && strcmp(config->devices[at].name, of_what) != 0) {
        at++;
    }

    if (at == SBS_GATEWAY_DEVICES_MAX) {
        *out_fault = "more devices than there can be, 256";
        return NULL;
    }
    if (strcmp(of_what, SBS_GATEWAY_OPERATOR) == 0) {
        *out_fault = "\"operator\" is who reads the page, name the device otherwise";
        return NULL;
    }

    sbs_gateway_device *device = &config->devices[at];
    if (at == config->device_count) {
        (void)snprintf(device->name, sizeof device->name, "%s", of_what);
        config->device_count++;
    }

    *out_slot = SBS_CONFIG_SLOT_DEVICES + at;
    return device;
}

static const sbs_config_section sections[] = {
    {"server", server_options, SBS_COUNT_OF(server_options), server_at, false},
    {"gateway", gateway_options, SBS_COUNT_OF(gateway_options), gateway_at, false},
    {"listen", listener_options, SBS_COUNT_OF(listener_options), listener_at, true},
    {"device", device_options, SBS_COUNT_OF(device_options), device_at, true},
};

_Static_assert(SBS_COUNT_OF(server_options) <= SBS_CONFIG_OPTIONS_MAX, "places of options");
_Static_assert(sizeof(sbs_gateway_protocol) == sizeof(unsigned) && sizeof(sbs_forward_mode) == sizeof(unsigned),
               "how a choice is stored");

/* ---- looking it up ----------------------------------------------------------------------------------------------- */

const sbs_config_section *sbs_config_find_section(const char *name) {
    for (size_t i = 0; i < SBS_COUNT_OF(sections); i++) {
        if (strcmp(sections[i].name, name) == 0) {
            return &sections[i];
        }
    }
    return NULL;
}

const sbs_config_section *sbs_config_section_of(size_t slot) {
    if (slot >= SBS_CONFIG_SLOT_DEVICES) {
        return &sections[3];
    }
    if (slot >= SBS_CONFIG_SLOT_LISTENERS) {
        return &sections[2];
    }
    return &sections[slot];
}

const sbs_config_option *sbs_config_find_option(const sbs_config_section *section, const char *name) {
    for (size_t i = 0; i < section->count; i++) {
        if (strcmp(section->options[i].name, name) == 0) {
            return &section->options[i];
        }
    }
    return NULL;
}

const char *sbs_config_owner(const char *option) {
    for (size_t i = 0; i < SBS_COUNT_OF(sections); i++) {
        if (sbs_config_find_option(&sections[i], option) != NULL) {
            return sections[i].name;
        }
    }
    return NULL;
}

const char *sbs_config_protocol(sbs_gateway_protocol protocol) {
    static const char *const names[] = {[SBS_GATEWAY_FHIR] = "fhir", [SBS_GATEWAY_SPOOL] = "spool"};
    return names[protocol];
}

static unsigned least(unsigned a, unsigned b) {
    if (a < b) {
        return a;
    }
    return b;
}

/* How many letters have to be put in, left out or changed (Levenshtein); UINT32_MAX for names that are too long. */
static unsigned name_distance(const char *a, const char *b) {
    unsigned row[NAME_MAX_NEAR + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len > NAME_MAX_NEAR || b_len > NAME_MAX_NEAR) {
        return UINT32_MAX;
    }

    for (size_t i = 0; i <= b_len; i++) {
        row[i] = (unsigned)i;
    }

    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;

        for (size_t k = 1; k <= b_len; k++) {
            unsigned changed = diagonal + (a[i - 1] != b[k - 1]);
            diagonal = row[k];
            row[k] = least(changed, least(row[k], row[k - 1]) + 1);
        }
    }
    return row[b_len];
}

const char *sbs_config_nearest(const sbs_config_section *section, const char *name) {
    const char *nearest = NULL;
    unsigned best = least(3, (unsigned)strlen(name) / 2); /* of two letters nothing is meant */
    size_t count = SBS_COUNT_OF(sections);
    if (section != NULL) {
        count = section->count;
    }

    for (size_t i = 0; i < count; i++) {
        const char *candidate = sections[i % SBS_COUNT_OF(sections)].name;
        if (section != NULL) {
            candidate = section->options[i].name;
        }

        unsigned distance = name_distance(name, candidate);
        if (distance <= best && (nearest == NULL || distance < best)) {
            nearest = candidate;
            best = distance;
        }
    }
    return nearest;
}

bool sbs_config_is_name(const char *text) {
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-");

    /* It becomes the name of a folder, so "." and ".." are none. */
    return len > 0 && len < SBS_GATEWAY_NAME_SIZE && text[len] == '\0' && text[0] != '.' && text[0] != '-';
}
