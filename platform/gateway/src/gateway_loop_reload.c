/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the configuration again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_loop_internal.h"

#define DRAIN_MS 5000u /* for what is under way, before a push begins anew */

void gateway_loop_renew(struct sbs_gateway_loop *loop) {
    if (!loop->renew) {
        loop->drain_until_ms = loop->now.mono_ms + DRAIN_MS;
    }
    loop->renew = true;
}

static bool loop_same(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool loop_same_listeners(const sbs_gateway_config *a, const sbs_gateway_config *b) {
    bool same = a->listener_count == b->listener_count;
    for (size_t i = 0; i < a->listener_count && same; i++) {
        const sbs_gateway_listener *left = &a->listeners[i];
        const sbs_gateway_listener *right = &b->listeners[i];
        same = strcmp(left->name, right->name) == 0 && loop_same(left->address, right->address) &&
               left->tls == right->tls && loop_same(left->certificate, right->certificate) &&
               loop_same(left->key, right->key);
    }
    return same;
}

/* What stands for the whole life of the process. NULL: nothing of it changed. */
static const char *loop_needs_restart(const sbs_gateway_config *old, const sbs_gateway_config *new) {
    if (!loop_same_listeners(old, new)) {
        return "a [listen ...] section changed";
    }
    if (!loop_same(old->state, new->state) || !loop_same(old->run, new->run)) {
        return "'state' or 'run' changed";
    }
    return NULL;
}

sbs_status sbs_gateway_loop_reload(struct sbs_gateway_loop *loop, char *message, size_t message_size) {
    sbs_gateway_config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        (void)snprintf(message, message_size, "%s, the old configuration stays", sbs_status_text(SBS_ERR_MEMORY));
        return SBS_ERR_MEMORY;
    }

    sbs_status status = sbs_gateway_config_load(loop->config_path, config, message, message_size);
    const char *restart = status == SBS_OK ? loop_needs_restart(loop->config, config) : NULL;
    if (restart != NULL) {
        (void)snprintf(message, message_size,
                       "%s: that takes a restart ('systemctl restart sbs-gateway'), the old configuration stays",
                       restart);
        status = SBS_ERR_STATE;
    }
    if (status != SBS_OK) {
        sbs_gateway_config_free(config);
        free(config);
        return status;
    }

    if (loop->next != NULL) {
        sbs_gateway_config_free(loop->next);
        free(loop->next);
    }
    loop->next = config;
    gateway_loop_renew(loop);
    (void)snprintf(message, message_size, "the new configuration is used, devices in it: %zu", config->device_count);
    return SBS_OK;
}
