/* SPDX-License-Identifier: Apache-2.0 */
#include "broken.h"

#include <string.h>

#include "sbs/count.h"

#define SMALL 64u

static const sbs_storage_ops *sound_ops;
static const port_storage *sound_port;
static sbs_storage_ops merged_ops;

/* What some breaks remember; cleared for each. */
static struct {
    char name[SBS_STORAGE_NAME_MAX + 1u];
    const uint8_t *pointer;
    uint8_t data[SMALL];
    size_t len;
    bool is_set;
} kept;

static bool is_kept(const char *name) {
    return kept.is_set && strcmp(kept.name, name) == 0;
}

static void keep(const char *name, const uint8_t *data, size_t len) {
    kept.is_set = strlen(name) < sizeof kept.name && len <= SMALL;
    if (!kept.is_set) {
        return;
    }

    memcpy(kept.name, name, strlen(name) + 1u);
    kept.pointer = data;
    kept.len = len;
    if (len > 0) {
        memcpy(kept.data, data, len);
    }
}

/* ---- what is broken ---------------------------------------------------------------------------------------------- */

static sbs_status get_finds_all(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    return status;
}

static sbs_status remove_finds_all(void *ctx, const char *name) {
    sbs_status status = sound_ops->remove(ctx, name);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    return status;
}

static sbs_status set_ends_at_nul(void *ctx, const char *name, const uint8_t *data, size_t len) {
    size_t text = 0;
    while (text < len && data[text] != 0) {
        text++;
    }

    return sound_ops->set(ctx, name, data, text);
}

static sbs_status set_writes_over(void *ctx, const char *name, const uint8_t *data, size_t len) {
    uint8_t old[SMALL];
    size_t old_len = 0;
    if (len > SMALL || sound_ops->get(ctx, name, old, sizeof old, &old_len) != SBS_OK || old_len < len) {
        return sound_ops->set(ctx, name, data, len);
    }

    memcpy(old, data, len);

    return sound_ops->set(ctx, name, old, old_len);
}

static sbs_status set_keeps_pointer(void *ctx, const char *name, const uint8_t *data, size_t len) {
    keep(name, data, len);
    return sound_ops->set(ctx, name, data, len);
}

static sbs_status get_from_pointer(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_OK && is_kept(name)) {
        memcpy(buffer, kept.pointer, *out_len);
    }

    return status;
}

static sbs_status remove_takes_another(void *ctx, const char *name) {
    sbs_status status = sound_ops->remove(ctx, name);
    if (status == SBS_OK) {
        (void)sound_ops->remove(ctx, "a");
    }

    return status;
}

static sbs_status set_refuses_empty(void *ctx, const char *name, const uint8_t *data, size_t len) {
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }

    return sound_ops->set(ctx, name, data, len);
}

static sbs_status get_wants_one_more(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_OK && *out_len == size) {
        return SBS_ERR_BUFFER;
    }

    return status;
}

static sbs_status get_writes_nul(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_OK) {
        buffer[*out_len] = 0;
    }

    return status;
}

static sbs_status get_cuts(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    uint8_t whole[SMALL];
    sbs_status status = sound_ops->get(ctx, name, whole, sizeof whole, out_len);
    if (status != SBS_OK) {
        return status;
    }

    *out_len = *out_len < size ? *out_len : size;
    memcpy(buffer, whole, *out_len);

    return SBS_OK;
}

static sbs_status get_tells_no_size(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_ERR_BUFFER) {
        *out_len = size;
    }

    return status;
}

static sbs_status set_cuts(void *ctx, const char *name, const uint8_t *data, size_t len) {
    if (len > sound_port->largest) {
        len = sound_port->largest;
    }

    return sound_ops->set(ctx, name, data, len);
}

static const char *cut_name(const char *name) {
    static char cut[SBS_STORAGE_NAME_MAX];
    if (strlen(name) != SBS_STORAGE_NAME_MAX) {
        return name;
    }

    memcpy(cut, name, sizeof cut - 1u);

    return cut;
}

static sbs_status get_cuts_name(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    return sound_ops->get(ctx, cut_name(name), buffer, size, out_len);
}

static sbs_status set_cuts_name(void *ctx, const char *name, const uint8_t *data, size_t len) {
    return sound_ops->set(ctx, cut_name(name), data, len);
}

static sbs_status get_takes_any_name(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_ERR_ARGUMENT) {
        return SBS_ERR_NOT_FOUND;
    }

    return status;
}

static sbs_status set_caches(void *ctx, const char *name, const uint8_t *data, size_t len) {
    if (kept.is_set) {
        (void)sound_ops->set(ctx, kept.name, kept.data, kept.len);
    }

    keep(name, data, len);
    if (kept.is_set) {
        return SBS_OK;
    }

    return sound_ops->set(ctx, name, data, len);
}

static sbs_status get_cached(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    if (!is_kept(name) || size < kept.len) {
        return sound_ops->get(ctx, name, buffer, size, out_len);
    }

    memcpy(buffer, kept.data, kept.len);
    *out_len = kept.len;

    return SBS_OK;
}

static sbs_status remove_only_marks(void *ctx, const char *name) {
    uint8_t whole[SMALL];
    size_t len = 0;
    sbs_status status = sound_ops->get(ctx, name, whole, sizeof whole, &len);
    if (status == SBS_OK) {
        keep(name, whole, len);
    }

    return status;
}

static sbs_status get_skips_marked(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    if (is_kept(name)) {
        return SBS_ERR_NOT_FOUND;
    }

    return sound_ops->get(ctx, name, buffer, size, out_len);
}

static sbs_status set_removes_first(void *ctx, const char *name, const uint8_t *data, size_t len) {
    (void)sound_ops->remove(ctx, name);
    return sound_ops->set(ctx, name, data, len);
}

static sbs_status set_hides_failure(void *ctx, const char *name, const uint8_t *data, size_t len) {
    sbs_status status = sound_ops->set(ctx, name, data, len);
    if (status == SBS_ERR_STORAGE) {
        return SBS_OK;
    }

    return status;
}

static sbs_status get_erases_damage(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_ERR_DAMAGED) {
        (void)sound_ops->remove(ctx, name);
    }

    return status;
}

static sbs_status get_gives_damage(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_ERR_DAMAGED) {
        return SBS_OK;
    }

    return status;
}

static sbs_status get_takes_newer_for_damage(void *ctx, const char *name, uint8_t *buffer, size_t size,
                                             size_t *out_len) {
    sbs_status status = sound_ops->get(ctx, name, buffer, size, out_len);
    if (status == SBS_ERR_VERSION) {
        return SBS_ERR_DAMAGED;
    }

    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

const broken_storage broken_storages[] = {
    {"a record that is not there is not found", "get() finds everything", {.get = get_finds_all}},
    {"a record that is not there is not found", "remove() finds everything", {.remove = remove_finds_all}},
    {"a record of each byte value is read back unchanged", "a value ends at its NUL", {.set = set_ends_at_nul}},
    {"set() replaces a whole record", "a longer record shows under a shorter one", {.set = set_writes_over}},
    {"set() keeps none of its arguments", "a pointer is kept", {.set = set_keeps_pointer, .get = get_from_pointer}},
    {"remove() takes this record away and no other", "another goes, too", {.remove = remove_takes_another}},
    {"an empty record is a record", "no empty one is taken", {.set = set_refuses_empty}},
    {"a buffer of exactly the record's size suffices", "one byte more is wanted", {.get = get_wants_one_more}},
    {"a buffer of exactly the record's size suffices", "a NUL is written behind it", {.get = get_writes_nul}},
    {"a buffer that is too short is refused with the needed size", "the value is cut", {.get = get_cuts}},
    {"a buffer that is too short is refused with the needed size", "no size is told", {.get = get_tells_no_size}},
    {"the largest record fits, and one byte more is refused", "a larger one is cut", {.set = set_cuts}},
    {"names have up to 31 bytes and all of them count",
     "they are cut after 30",
     {.get = get_cuts_name, .set = set_cuts_name}},
    {"a name that is not allowed is refused", "get() looks for any name", {.get = get_takes_any_name}},
    {"a record is durable when set() has returned", "it is in a cache", {.set = set_caches, .get = get_cached}},
    {"a removed record stays removed over a restart",
     "it is only marked",
     {.remove = remove_only_marks, .get = get_skips_marked}},
    {"a loss of power leaves the old record or the new one", "the old one goes first", {.set = set_removes_first}},
    {"a set() that fails leaves the old record", "the failure is not told", {.set = set_hides_failure}},
    {"damage is reported and the record kept", "it is erased", {.get = get_erases_damage}},
    {"damage is reported and the record kept", "it is not reported", {.get = get_gives_damage}},
    {"a record of newer code is refused and left alone", "it counts as damaged", {.get = get_takes_newer_for_damage}},
};

const size_t broken_storage_count = SBS_COUNT_OF(broken_storages);

/* The power is off: what was only in memory is gone. */
static bool restart_forgets(void *ctx) {
    kept.is_set = false;
    return sound_port->restart(ctx);
}

void broken_storage_make(const broken_storage *how, const port_storage *sound, port_storage *out) {
    memset(&kept, 0, sizeof kept);
    sound_port = sound;
    sound_ops = sound->storage.ops;
    merged_ops = *sound_ops;
    if (how->ops.get != NULL) {
        merged_ops.get = how->ops.get;
    }

    if (how->ops.set != NULL) {
        merged_ops.set = how->ops.set;
    }

    if (how->ops.remove != NULL) {
        merged_ops.remove = how->ops.remove;
    }

    *out = *sound;
    out->storage.ops = &merged_ops;
    out->restart = restart_forgets;
}
