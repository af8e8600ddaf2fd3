/* SPDX-License-Identifier: Apache-2.0 */
/* What was not given, and what holds between options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_internal.h"
#include "sbs/linux_proxy.h"
#include "sbs/pkcs11_uri.h"
#include "sbs/url.h"

#define SPOOL_ROOT "/var/spool/sbs-gateway/"

/* ---- defaults ---------------------------------------------------------------------------------------------------- */

static sbs_status default_text(char **target, const char *prefix, const char *text) {
    if (*target != NULL) {
        return SBS_OK;
    }

    size_t size = strlen(prefix) + strlen(text) + 1;
    *target = malloc(size);
    if (*target == NULL) {
        return SBS_ERR_MEMORY;
    }
    (void)snprintf(*target, size, "%s%s", prefix, text);
    return SBS_OK;
}

/* The host's name, with what a name cannot hold replaced. */
static void default_name(char *name) {
    if (name[0] != '\0') {
        return;
    }

    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(name, SBS_GATEWAY_NAME_SIZE, "%.*s", (int)SBS_GATEWAY_NAME_SIZE - 1, host);
    for (char *c = name; *c != '\0'; c++) {
        char one[2] = {*c, '\0'};
        if (!sbs_config_is_name(one) && *c != '.' && *c != '-') {
            *c = '-';
        }
    }
    if (!sbs_config_is_name(name)) {
        (void)snprintf(name, SBS_GATEWAY_NAME_SIZE, "gateway");
    }
}

/* A listener of this computer alone, where none was given. */
static sbs_status default_listener(sbs_gateway_config *config, const char *name, const char *address) {
    if (config->listener_count == SBS_GATEWAY_LISTENERS_MAX) {
        return SBS_OK;
    }

    sbs_gateway_listener *listener = &config->listeners[config->listener_count];
    sbs_status status = default_text(&listener->address, "", address);
    if (status == SBS_OK) {
        (void)snprintf(listener->name, sizeof listener->name, "%s", name);
        config->listener_count++;
    }
    return status;
}

static bool is_page(const sbs_gateway_listener *listener) {
    return strcmp(listener->name, SBS_GATEWAY_PAGE_LISTENER) == 0;
}

static sbs_status default_listeners(sbs_gateway_config *config) {
    bool page = false;
    bool devices = false;
    for (size_t i = 0; i < config->listener_count; i++) {
        page = page || is_page(&config->listeners[i]);
        devices = devices || !is_page(&config->listeners[i]);
    }

    sbs_status status = SBS_OK;
    if (!devices) {
        status = default_listener(config, "http", "127.0.0.1:8080");
    }
    if (status == SBS_OK && !page) {
        status = default_listener(config, SBS_GATEWAY_PAGE_LISTENER, "127.0.0.1:8081");
    }
    return status;
}

static sbs_status defaults_fill(sbs_config_reading *reading) {
    sbs_gateway_config *config = reading->config;
    default_name(config->name);

    sbs_status status = default_text(&config->state, "", "/var/lib/sbs-gateway");
    if (status == SBS_OK) {
        status = default_text(&config->run, "", SBS_GATEWAY_RUN);
    }
    if (status == SBS_OK) {
        status = default_text(&config->algorithm, "", "ES384");
    }
    if (status == SBS_OK) {
        status = default_listeners(config);
    }

    for (size_t i = 0; i < config->device_count && status == SBS_OK; i++) {
        if (config->devices[i].protocol == SBS_GATEWAY_SPOOL) {
            status = default_text(&config->devices[i].folder, SPOOL_ROOT, config->devices[i].name);
        }
    }
    if (status != SBS_OK) {
        (void)sbs_config_fail(reading, "out of memory");
    }
    return status;
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

static sbs_status check_url(sbs_config_reading *reading, const char *option, const char *value) {
    sbs_url url;
    if (value == NULL) {
        return SBS_OK;
    }

    if (sbs_url_parse(sbs_text_of(value), &url) != SBS_OK) {
        return sbs_config_fail_at(reading, SBS_CONFIG_SLOT_SERVER, option,
                                  "%s: not a URL like https://fhir.example.org/fhir", option);
    }
    if (!url.https && !(reading->config->allow_http && sbs_url_is_loopback(&url))) {
        return sbs_config_fail_at(reading, SBS_CONFIG_SLOT_SERVER, option,
                                  "%s: write https://, patients' data go through it", option);
    }
    return SBS_OK;
}

/* Its value is never shown: it may hold a login. */
static sbs_status check_proxy(sbs_config_reading *reading) {
    static const char *const sentences[] = {
        [SBS_LINUX_PROXY_NO_FAULT] = "not a proxy's URL",
        [SBS_LINUX_PROXY_SCHEME] = "only http:// is spoken to a proxy",
        [SBS_LINUX_PROXY_URL] = "write http://[USER:PASSWORD@]HOST[:PORT], or none",
        [SBS_LINUX_PROXY_LOGIN] = "user and password are too long, or hold what Basic credentials cannot",
    };
    sbs_linux_proxy proxy;
    sbs_linux_proxy_fault fault = SBS_LINUX_PROXY_NO_FAULT;
    const char *url = reading->config->proxy;
    if (url == NULL || strcmp(url, "none") == 0) {
        return SBS_OK;
    }

    sbs_status status = sbs_linux_proxy_parse(url, &proxy, &fault);
    sbs_wipe(&proxy, sizeof proxy);
    if (status != SBS_OK) {
        return sbs_config_fail_at(reading, SBS_CONFIG_SLOT_SERVER, "proxy", "proxy: %s", sentences[fault]);
    }
    return SBS_OK;
}

/* Its value is not shown: one that is refused may hold a PIN. */
static sbs_status check_key(sbs_config_reading *reading) {
    sbs_pkcs11_uri uri;
    const char *words = NULL;
    const char *key = reading->config->key;
    if (key == NULL) {
        return SBS_OK;
    }

    if (!sbs_pkcs11_uri_is(key)) {
        return sbs_config_fail_at(reading, SBS_CONFIG_SLOT_SERVER, "key",
                                  "key: names a key in a token, pkcs11:token=LABEL;object=LABEL?module-path=FILE&"
                                  "pin-source=FILE; leave it out, and the gateway makes its own");
    }
    if (sbs_pkcs11_uri_parse(key, &uri, &words) != SBS_OK) {
        return sbs_config_fail_at(reading, SBS_CONFIG_SLOT_SERVER, "key",
                                  "key: %s, write pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=FILE",
                                  words);
    }
    return SBS_OK;
}

static sbs_status check_server(sbs_config_reading *reading) {
    sbs_status status = check_url(reading, "fhir", reading->config->fhir);
    if (status == SBS_OK) {
        status = check_url(reading, "token-url", reading->config->token_url);
    }
    if (status == SBS_OK) {
        status = check_proxy(reading);
    }
    if (status == SBS_OK) {
        status = check_key(reading);
    }
    return status;
}

/* ---- listeners --------------------------------------------------------------------------------------------------- */

/* Plain on a network is for devices that cannot do TLS, and for nobody else. */
static sbs_status check_plain(sbs_config_reading *reading, const sbs_gateway_listener *listener, size_t slot,
                              sbs_config_address address) {
    if (!listener->insecure) {
        return sbs_config_fail_at(reading, slot, "tls",
                                  "tls: without it on a network everybody there reads the secrets and the "
                                  "measurements; if a device can do no TLS: insecure = yes, with `allow`");
    }
    if (listener->allow_count == 0) {
        return sbs_config_fail_at(reading, slot, "insecure",
                                  "insecure: name who may come: allow = 192.168.8.20, 192.168.8.21");
    }
    if (address.wildcard) {
        return sbs_config_fail_at(reading, slot, "address",
                                  "address: without TLS name the one address of the devices' network");
    }
    return SBS_OK;
}

static bool tls_is_given(const sbs_config_reading *reading, size_t slot) {
    const sbs_config_section *section = sbs_config_section_of(slot);
    const sbs_config_option *option = sbs_config_find_option(section, "tls");
    return reading->given[slot][option - section->options].line > 0;
}

static sbs_status check_address(sbs_config_reading *reading, sbs_gateway_listener *listener, size_t slot,
                                sbs_config_address *out) {
    if (listener->address == NULL) {
        return sbs_config_fail_at(reading, slot, NULL, "[listen %s] has no address, write address = 127.0.0.1:8080",
                                  listener->name);
    }

    *out = sbs_config_read_address(listener->address);
    if (!out->valid) {
        return sbs_config_fail_at(reading, slot, "address",
                                  "address: write ADDRESS:PORT or [IPV6]:PORT, with an address and no name: "
                                  "192.168.8.1:8443");
    }

    for (size_t i = 0; &reading->config->listeners[i] != listener; i++) {
        if (strcmp(reading->config->listeners[i].address, listener->address) == 0) {
            return sbs_config_fail_at(reading, slot, "address", "address: [listen %s] has the same",
                                      reading->config->listeners[i].name);
        }
    }
    return SBS_OK;
}

static sbs_status check_listener(sbs_config_reading *reading, sbs_gateway_listener *listener, size_t slot) {
    sbs_config_address address = {0};
    sbs_status status = check_address(reading, listener, slot, &address);
    if (status != SBS_OK) {
        return status;
    }

    if (!tls_is_given(reading, slot)) {
        listener->tls = !listener->insecure && (!address.loopback || listener->certificate != NULL);
    }
    if (listener->insecure && is_page(listener)) {
        return sbs_config_fail_at(reading, slot, "insecure", "insecure: the page needs TLS on a network");
    }
    if (listener->tls && listener->insecure) {
        return sbs_config_fail_at(reading, slot, "insecure", "insecure: contradicts tls = yes");
    }
    if (listener->key != NULL && listener->certificate == NULL) {
        return sbs_config_fail_at(reading, slot, "key", "key: give its certificate, too");
    }
    if (listener->certificate != NULL && !listener->tls) {
        return sbs_config_fail_at(reading, slot, "certificate", "certificate: contradicts tls = no");
    }
    if (listener->address[0] == '/' && listener->tls) {
        return sbs_config_fail_at(reading, slot, "tls", "tls: there is none on a Unix socket");
    }
    if (!listener->tls && !address.loopback) {
        return check_plain(reading, listener, slot, address);
    }
    return SBS_OK;
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

/* Options of another protocol than the device's. */
static sbs_status check_protocol(sbs_config_reading *reading, const sbs_gateway_device *device, size_t slot) {
    const sbs_config_section *section = sbs_config_section_of(slot);
    for (size_t i = 0; i < section->count; i++) {
        const sbs_config_option *option = &section->options[i];
        bool has_it = option->protocols == 0 || (option->protocols >> device->protocol & 1) != 0;

        if (!has_it && reading->given[slot][i].line > 0) {
            return sbs_config_fail_at(reading, slot, option->name, "%s: a device with protocol = %s has none",
                                      option->name, sbs_config_protocol(device->protocol));
        }
    }
    return SBS_OK;
}

static sbs_status check_device(sbs_config_reading *reading, const sbs_gateway_device *device, size_t slot) {
    sbs_status status = check_protocol(reading, device, slot);
    if (status != SBS_OK || device->folder == NULL) {
        return status;
    }

    for (const sbs_gateway_device *other = reading->config->devices; other != device; other++) {
        if (other->folder != NULL && strcmp(other->folder, device->folder) == 0) {
            return sbs_config_fail_at(reading, slot, "folder", "folder: [device %s] has the same", other->name);
        }
    }
    return SBS_OK;
}

sbs_status sbs_config_check(sbs_config_reading *reading) {
    sbs_gateway_config *config = reading->config;
    sbs_status status = defaults_fill(reading);
    if (status == SBS_OK) {
        status = check_server(reading);
    }

    for (size_t i = 0; i < config->listener_count && status == SBS_OK; i++) {
        status = check_listener(reading, &config->listeners[i], SBS_CONFIG_SLOT_LISTENERS + i);
    }
    for (size_t i = 0; i < config->device_count && status == SBS_OK; i++) {
        status = check_device(reading, &config->devices[i], SBS_CONFIG_SLOT_DEVICES + i);
    }
    return status;
}
