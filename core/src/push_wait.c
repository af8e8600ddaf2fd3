/* SPDX-License-Identifier: Apache-2.0 */
/* How long the push engine waits. */
#include "push_internal.h"

#include <psa/crypto.h>

static uint32_t backoff_of(const sbs_backoff *configured, uint32_t base_ms, uint32_t cap_ms, unsigned attempt) {
    sbs_backoff backoff = {
        .base_ms = configured->base_ms != 0 ? configured->base_ms : base_ms,
        .cap_ms = configured->cap_ms != 0 ? configured->cap_ms : cap_ms,
    };
    uint32_t random = UINT32_MAX;
    (void)psa_generate_random((uint8_t *)&random, sizeof random); /* without jitter the longest wait is taken */
    return sbs_backoff_delay(&backoff, attempt, random);
}

/* How long an item waits on its own: a quarter of a minute that doubles up to five, and at least half of that. */
uint32_t sbs_push_own_wait(const sbs_push *push, unsigned tries) {
    uint32_t base_ms = sbs_push_at_least(push->priv.config->backoff.base_ms, 16000) / 2;
    const sbs_backoff half = {base_ms, sbs_push_at_least(base_ms, 150000)};
    return sbs_backoff_delay(&half, tries, UINT32_MAX) + backoff_of(&half, 0, 0, tries);
}

uint32_t sbs_push_settle_ms(const sbs_push *push) {
    uint32_t configured = push->priv.config->settle_ms;
    return configured != 0 ? configured : 5000;
}

uint32_t sbs_push_unsettled_ms(const sbs_push *push) {
    uint64_t now_ms = push->priv.now.mono_ms;
    return now_ms < push->priv.settled_ms ? (uint32_t)(push->priv.settled_ms - now_ms) : 0;
}

uint32_t sbs_push_asked_ms(const sbs_push *push) {
    return sbs_client_detail(push->priv.config->client)->retry_after_s * 1000u;
}

uint32_t sbs_push_server_ms(const sbs_push *push, unsigned attempt) {
    return backoff_of(&push->priv.config->backoff, 1000, 300000, attempt);
}

uint32_t sbs_push_pause_ms(sbs_push *push) {
    return backoff_of(&push->priv.config->pause, 60000, 3600000, sbs_push_increase(&push->priv.pauses_in_row));
}
