/* SPDX-License-Identifier: Apache-2.0 */
#include "broken.h"

#include <string.h>

#include "sbs/count.h"

#define KEPT_IDS 16u

static const sbs_queue_ops *sound_ops;
static const port_queue *sound_port;
static sbs_queue_ops merged_ops;

/* What some breaks remember; cleared for each. */
static struct {
    const void *pointer;
    uint64_t ids[KEPT_IDS];
    unsigned count;
    bool was_restarted, is_open;
} kept;

static void keep(uint64_t id) {
    if (kept.count < KEPT_IDS) {
        kept.ids[kept.count++] = id;
    }
}

static bool is_kept(uint64_t id) {
    for (unsigned i = 0; i < kept.count; i++) {
        if (kept.ids[i] == id) {
            return true;
        }
    }

    return false;
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static sbs_status next_ends_otherwise(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_PENDING;
    }

    return status;
}

static sbs_status next_from_it_on(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    if (after > 0) {
        after--;
    }

    return sound_ops->next(ctx, after, out_item);
}

static sbs_status append_numbers_places(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                        uint64_t *out_id) {
    sbs_status status = sound_ops->append(ctx, meta, data, len, out_id);
    *out_id = 1;
    return status;
}

static sbs_status append_narrows_lane(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                      uint64_t *out_id) {
    sbs_queue_meta narrow = *meta;
    narrow.lane &= 0xFFFFu;
    return sound_ops->append(ctx, &narrow, data, len, out_id);
}

static sbs_status append_knows_all_times(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                         uint64_t *out_id) {
    sbs_queue_meta known = *meta;
    if (known.utc_s == SBS_UTC_UNKNOWN) {
        known.utc_s = 0;
    }

    return sound_ops->append(ctx, &known, data, len, out_id);
}

static sbs_status append_keeps_pointer(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                       uint64_t *out_id) {
    kept.pointer = data;
    return sound_ops->append(ctx, meta, data, len, out_id);
}

static sbs_status read_from_pointer(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->read(ctx, id, offset, buffer, size, out_len);
    if (status == SBS_OK && *out_len > 0) {
        memcpy(buffer, (const char *)kept.pointer + offset, *out_len);
    }

    return status;
}

static sbs_status read_of_words(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    return sound_ops->read(ctx, id, offset & ~(size_t)3u, buffer, size, out_len);
}

static sbs_status read_fails_at_end(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->read(ctx, id, offset, buffer, size, out_len);
    if (status == SBS_OK && *out_len == 0) {
        return SBS_ERR_ARGUMENT;
    }

    return status;
}

static sbs_status append_refuses_empty(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                       uint64_t *out_id) {
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }

    return sound_ops->append(ctx, meta, data, len, out_id);
}

static sbs_status append_refuses_largest(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                         uint64_t *out_id) {
    if (len >= sound_port->largest) {
        return SBS_ERR_TOO_LARGE;
    }

    return sound_ops->append(ctx, meta, data, len, out_id);
}

static sbs_status append_calls_it_full(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                       uint64_t *out_id) {
    sbs_status status = sound_ops->append(ctx, meta, data, len, out_id);
    if (status == SBS_ERR_TOO_LARGE) {
        return SBS_ERR_BUFFER;
    }

    return status;
}

static sbs_status append_cuts(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    if (len > sound_port->largest) {
        len = sound_port->largest;
    }

    return sound_ops->append(ctx, meta, data, len, out_id);
}

static sbs_status append_drops_oldest(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                      uint64_t *out_id) {
    sbs_queue_item oldest;
    sbs_status status = sound_ops->append(ctx, meta, data, len, out_id);
    while (status == SBS_ERR_BUFFER && sound_ops->next(ctx, 0, &oldest) == SBS_OK) {
        (void)sound_ops->settle(ctx, oldest.id, SBS_QUEUE_DELIVERED, NULL, NULL);
        status = sound_ops->append(ctx, meta, data, len, out_id);
    }

    return status;
}

/* ---- marks and settling ------------------------------------------------------------------------------------------ */

static sbs_status mark_does_nothing(void *ctx, uint64_t id) {
    (void)ctx;
    (void)id;
    return SBS_OK;
}

static sbs_status next_tells_a_nibble(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    out_item->attempts &= 0x0Fu;
    return status;
}

static sbs_status settle_again(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    sbs_status status = sound_ops->settle(ctx, id, fate, reason, words);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    return status;
}

static sbs_status mark_takes_settled(void *ctx, uint64_t id) {
    sbs_status status = sound_ops->mark_attempt(ctx, id);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    return status;
}

static sbs_status settle_all_up_to(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    sbs_queue_item first;
    while (sound_ops->next(ctx, 0, &first) == SBS_OK && first.id < id) {
        (void)sound_ops->settle(ctx, first.id, fate, reason, words);
    }

    return sound_ops->settle(ctx, id, fate, reason, words);
}

static sbs_status settle_cuts_reason(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason,
                                     const char *words) {
    char cut[SBS_QUEUE_REASON_SIZE] = "";
    if (reason != NULL) {
        size_t len = strlen(reason) < sizeof cut ? strlen(reason) : sizeof cut - 1u;
        memcpy(cut, reason, len);
    }

    return sound_ops->settle(ctx, id, fate, cut, words);
}

static void counters_confuse_fates(void *ctx, sbs_queue_counters *out) {
    sound_ops->counters(ctx, out);
    out->delivered += out->dead;
    out->dead = 0;
}

/* ---- restarts ---------------------------------------------------------------------------------------------------- */

static sbs_status append_to_cache(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                  uint64_t *out_id) {
    sbs_status status = sound_ops->append(ctx, meta, data, len, out_id);
    keep(*out_id);
    return status;
}

static sbs_status next_without_kept_ones(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    while (status == SBS_OK && kept.was_restarted && is_kept(out_item->id)) {
        status = sound_ops->next(ctx, out_item->id, out_item);
    }

    return status;
}

static sbs_status next_forgets_attempts(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    if (kept.was_restarted) {
        out_item->attempts = 0;
    }

    return status;
}

static sbs_status settle_only_in_cache(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason,
                                       const char *words) {
    (void)ctx;
    (void)fate;
    (void)reason;
    (void)words;
    keep(id);

    return SBS_OK;
}

static sbs_status next_without_settled(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    while (status == SBS_OK && !kept.was_restarted && is_kept(out_item->id)) {
        status = sound_ops->next(ctx, out_item->id, out_item);
    }

    return status;
}

static sbs_status append_counts_anew(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len,
                                     uint64_t *out_id) {
    sbs_status status = sound_ops->append(ctx, meta, data, len, out_id);
    if (kept.was_restarted) {
        *out_id = 1;
    }

    return status;
}

static void counters_begin_anew(void *ctx, sbs_queue_counters *out) {
    sound_ops->counters(ctx, out);
    if (kept.was_restarted) {
        out->accepted = 0;
    }
}

/* ---- groups and failures ----------------------------------------------------------------------------------------- */

static sbs_status begin_once(void *ctx) {
    if (kept.is_open) {
        return SBS_ERR_STATE;
    }

    kept.is_open = true;

    return sound_ops->begin(ctx);
}

static sbs_status commit_and_note(void *ctx) {
    kept.is_open = false;
    return sound_ops->commit(ctx);
}

static sbs_status group_does_nothing(void *ctx) {
    (void)ctx;
    return SBS_OK;
}

static sbs_status next_tells_no_failures(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    out_item->failures = 0;
    return status;
}

static sbs_status next_forgets_failures(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    if (kept.was_restarted) {
        out_item->failures = 0;
    }

    return status;
}

static sbs_status next_hides_damage(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status = sound_ops->next(ctx, after, out_item);
    while (status == SBS_ERR_DAMAGED) {
        status = sound_ops->next(ctx, after, out_item);
    }

    return status;
}

static sbs_status next_repeats_damage(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    if (kept.count > 0 && after < kept.ids[0]) {
        out_item->id = kept.ids[0];
        return SBS_ERR_DAMAGED;
    }

    sbs_status status = sound_ops->next(ctx, after, out_item);
    if (status == SBS_ERR_DAMAGED) {
        keep(out_item->id);
    }

    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

const broken_queue broken_queues[] = {
    {"an empty queue has no next item", "its end is told otherwise", {.next = next_ends_otherwise}, false},
    {"items come in the order in which they were appended", "from it on", {.next = next_from_it_on}, false},
    {"ids grow and none is used twice", "places are numbered", {.append = append_numbers_places}, false},
    {"what stands beside an item is kept, to its last bit", "16 bits of lane", {.append = append_narrows_lane}, false},
    {"what stands beside an item is kept, to its last bit",
     "no unknown time",
     {.append = append_knows_all_times},
     false},
    {"append() keeps no pointer to the bytes",
     "it is kept",
     {.append = append_keeps_pointer, .read = read_from_pointer},
     false},
    {"read() gives any part of an item", "words only", {.read = read_of_words}, false},
    {"read() gives nothing at or behind the end", "an error", {.read = read_fails_at_end}, false},
    {"an empty item is an item", "none is taken", {.append = append_refuses_empty}, false},
    {"the largest item fits", "one byte less", {.append = append_refuses_largest}, false},
    {"an item that never fits is told so, and not accepted", "it is full", {.append = append_calls_it_full}, false},
    {"an item that never fits is told so, and not accepted", "it is cut", {.append = append_cuts}, false},
    {"mark_attempt() counts the attempts of this item", "nothing counts", {.mark_attempt = mark_does_nothing}, false},
    {"attempts saturate and never decrease", "4 bits", {.next = next_tells_a_nibble}, false},
    {"settle() removes an item, once", "twice", {.settle = settle_again}, false},
    {"settle() removes an item, once", "it can be marked", {.mark_attempt = mark_takes_settled}, false},
    {"settle() takes any item and leaves the others", "all before it", {.settle = settle_all_up_to}, false},
    {"a reason has less than 64 bytes, words are cut", "a reason is cut", {.settle = settle_cuts_reason}, false},
    {"the counters say what happened", "dead counts as delivered", {.counters = counters_confuse_fates}, false},
    {"a full queue refuses, loses nothing, and takes items again",
     "the oldest goes",
     {.append = append_drops_oldest},
     false},
    {"an accepted item survives a restart",
     "it is in a cache",
     {.append = append_to_cache, .next = next_without_kept_ones},
     false},
    {"attempts survive a restart", "they are forgotten", {.next = next_forgets_attempts}, false},
    {"a settled item stays settled over a restart",
     "it is in a cache",
     {.settle = settle_only_in_cache, .next = next_without_settled},
     false},
    {"no id is used again after a restart", "they begin anew", {.append = append_counts_anew}, false},
    {"the counters go on after a restart", "they begin anew", {.counters = counters_begin_anew}, false},
    {"begin() and commit() come together", "begin() alone", {.next = NULL}, true},
    {"a second begin() and a commit() without a group do nothing",
     "the second is refused",
     {.begin = begin_once, .commit = commit_and_note},
     false},
    {"a group is durable when commit() has returned", "nothing is written", {.commit = group_does_nothing}, false},
    {"a group that was not committed was not done", "each is done at once", {.begin = group_does_nothing}, false},
    {"failures are kept and told", "none is told", {.next = next_tells_no_failures}, false},
    {"failures survive a restart", "they are forgotten", {.next = next_forgets_failures}, false},
    {"a damaged item is reported once, and the others stay", "it is left out", {.next = next_hides_damage}, false},
    {"a damaged item is reported once, and the others stay", "again and again", {.next = next_repeats_damage}, false},
};

const size_t broken_queue_count = SBS_COUNT_OF(broken_queues);

static bool restart_and_note(void *ctx) {
    kept.was_restarted = true;
    return sound_port->restart(ctx);
}

/* What is replaced among the functions that every queue has. */
static void merge_items(const sbs_queue_ops *ops) {
    if (ops->append != NULL) {
        merged_ops.append = ops->append;
    }

    if (ops->next != NULL) {
        merged_ops.next = ops->next;
    }

    if (ops->read != NULL) {
        merged_ops.read = ops->read;
    }

    if (ops->mark_attempt != NULL) {
        merged_ops.mark_attempt = ops->mark_attempt;
    }

    if (ops->settle != NULL) {
        merged_ops.settle = ops->settle;
    }

    if (ops->counters != NULL) {
        merged_ops.counters = ops->counters;
    }
}

void broken_queue_make(const broken_queue *how, const port_queue *sound, port_queue *out) {
    memset(&kept, 0, sizeof kept);
    sound_port = sound;
    sound_ops = sound->queue.ops;
    merged_ops = *sound_ops;
    merge_items(&how->ops);
    if (how->ops.begin != NULL) {
        merged_ops.begin = how->ops.begin;
    }

    if (how->ops.commit != NULL) {
        merged_ops.commit = how->ops.commit;
    }

    if (how->without_commit) {
        merged_ops.commit = NULL;
    }

    *out = *sound;
    out->queue.ops = &merged_ops;
    out->restart = restart_and_note;
}
