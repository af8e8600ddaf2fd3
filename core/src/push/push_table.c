/* SPDX-License-Identifier: Apache-2.0 */
/* The items that wait on their own. */
#include "push/push_internal.h"

#define SUSPECT_MS UINT64_MAX /* until the first look is over */

sbs_push_deferred *sbs_push_find(const sbs_push *push, uint64_t id) {
    sbs_push_deferred *entry = push->priv.table;
    for (size_t left = push->priv.deferred_count; left > 0; left--, entry++) {
        if (entry->id == id) {
            return entry;
        }
    }

    return NULL;
}

sbs_push_deferred *sbs_push_take(sbs_push *push, uint32_t lane, uint64_t id) {
    sbs_push_deferred *entry = sbs_push_find(push, id);
    if (entry != NULL || push->priv.deferred_count >= push->priv.deferred_max) {
        return entry;
    }

    /* Its failures count from here on: not what others did before. */
    entry = &push->priv.table[push->priv.deferred_count++];
    *entry = (sbs_push_deferred){.id = id, .lane = lane, .successes = push->priv.successes};
    return entry;
}

static uint32_t *push_find_unstored(sbs_push *push, uint64_t id) {
    uint32_t *place = push->priv.unstored;
    for (; place < push->priv.unstored + push->priv.sent_max; place++) {
        if (*place == (uint32_t)id) {
            return place;
        }
    }

    return NULL;
}

bool sbs_push_is_unstored(sbs_push *push, uint64_t id) {
    const sbs_push_deferred *entry = sbs_push_find(push, id);
    if (entry != NULL) {
        return entry->never_stored;
    }
    return push_find_unstored(push, id) != NULL;
}

void sbs_push_note_unstored(sbs_push *push, const struct sbs_push_sent *sent, bool may_be_stored) {
    bool unstored = sent->first && !may_be_stored;
    sbs_push_deferred *entry = sbs_push_find(push, sent->id);
    uint32_t *place = push_find_unstored(push, sent->id);

    /* An item that waits on its own keeps it in its entry; of the others the oldest note gives way. */
    if (entry != NULL) {
        entry->never_stored = unstored;
        unstored = false;
    } else if (unstored && place == NULL) {
        place = &push->priv.unstored[push->priv.unstored_next++];
        if (push->priv.unstored_next >= push->priv.sent_max) {
            push->priv.unstored_next = 0;
        }
    }

    if (place != NULL) {
        *place = unstored ? (uint32_t)sent->id : 0;
    }
}

void sbs_push_forget(sbs_push *push, uint64_t id) {
    sbs_push_deferred *entry = sbs_push_find(push, id);
    if (entry != NULL) {
        *entry = push->priv.table[--push->priv.deferred_count];
    }
}

bool sbs_push_is_blocked(const sbs_push *push, uint32_t lane, uint64_t id) {
    const sbs_push_deferred *entry = push->priv.table;
    for (size_t left = push->priv.deferred_count; left > 0; left--, entry++) {
        if (entry->lane == lane && entry->id < id && !entry->passes) {
            return true;
        }
    }

    return false;
}

static bool deferred_is_before(const sbs_push_deferred *a, const sbs_push_deferred *b) {
    return a->until_ms < b->until_ms || (a->until_ms == b->until_ms && a->id < b->id);
}

sbs_push_deferred *sbs_push_first(const sbs_push *push) {
    sbs_push_deferred *first = NULL;
    sbs_push_deferred *entry = push->priv.table;
    for (size_t left = push->priv.deferred_count; left > 0; left--, entry++) {
        if (entry->until_ms != SUSPECT_MS && (first == NULL || deferred_is_before(entry, first)) &&
            !sbs_push_is_blocked(push, entry->lane, entry->id)) {
            first = entry;
        }
    }

    return first;
}

const sbs_push_deferred *sbs_push_due(const sbs_push *push) {
    const sbs_push_deferred *first = sbs_push_first(push);
    if (first == NULL || first->until_ms > push->priv.now.mono_ms) {
        return NULL;
    }

    if (!first->never_stored && sbs_push_unsettled_ms(push) > 0) {
        return NULL;
    }

    return first;
}

bool sbs_push_restore_order(sbs_push *push, const struct sbs_push_sent *sent) {
    bool passed = false;
    sbs_push_deferred *entry = push->priv.table;
    for (size_t left = push->priv.deferred_count; left > 0; left--, entry++) {
        if (entry->lane == sent->lane && entry->id < sent->id) {
            entry->passes = entry->failures >= SBS_PUSH_FAILURES_MAX;
            passed = true;
        }
    }

    return passed;
}

void sbs_push_wake_deferred(sbs_push *push, uint8_t failures_max) {
    sbs_push_deferred *entry = push->priv.table;
    for (size_t left = push->priv.deferred_count; left > 0; left--, entry++) {
        if (entry->failures <= failures_max) {
            entry->until_ms = 0;
        }
    }
}

void sbs_push_suspect(sbs_push *push, const sbs_queue_item *item) {
    sbs_push_deferred *entry = sbs_push_take(push, item->meta.lane, item->id);
    if (entry == NULL) {
        return;
    }

    entry->until_ms = SUSPECT_MS;
    entry->failures = UINT8_MAX;
    if (item->failures < UINT8_MAX) {
        entry->failures = (uint8_t)item->failures;
    }

    /* A time that is unknown, or in the future, makes it huge: then its age counts from now on. */
    uint64_t age_s = (uint64_t)push->priv.now.utc_s - (uint64_t)item->failing_since_s;
    entry->since_s = push->priv.now_s;
    if (age_s < INT32_MAX) {
        entry->since_s -= (uint32_t)age_s;
    }
}

/* What was sent, or may have been, can be stored or not: only what cannot be is sent again as if for the first time. */
void sbs_push_note_tried(sbs_push *push, bool may_be_stored) {
    for (unsigned i = 0; i < push->priv.batch_len; i++) {
        sbs_push_note_unstored(push, &push->priv.sent[i], may_be_stored);
    }
}
