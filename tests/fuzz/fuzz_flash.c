/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log, queue and storage on a simulated flash: operations, power cuts in the middle of them, and bytes on the flash
 * that nobody of ours wrote. Without such bytes nothing that was accepted is lost; with them nothing but the content
 * is.
 */
#include <stdlib.h>
#include <string.h>

#include "flash_sim.h"
#include "fuzz.h"
#include "sbs/count.h"
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"

#define ITEMS_MAX 48u
#define ITEM_BYTES 40u
#define STEPS_MAX 160u
#define NAMES 3u

typedef enum item_state { ITEM_NONE, ITEM_WAITS, ITEM_MAY_WAIT, ITEM_MAY_BE_GONE, ITEM_GONE } item_state;

typedef struct world {
    fuzz_input script;
    flash_sim sim;
    sbs_flash_queue queue_state;
    sbs_queue queue;
    sbs_flash_storage storage_state;
    sbs_storage storage;
    bool is_storage, mounted, spoilt, drops;
    /* what is known of the queue */
    struct {
        uint64_t id;
        uint8_t len, first;
        item_state state;
    } items[ITEMS_MAX];
    unsigned item_count;
    /* and of the storage: the values that each record may have, after calls that were cut */
    bool may_be[NAMES][256];
} world;

static world w;
static const char *const names[NAMES] = {"a", "clock", "record-2"};

static bool is_one_of(sbs_status status, const sbs_status *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] == status) {
            return true;
        }
    }
    return false;
}

/* ---- mounting ---------------------------------------------------------------------------------------------------- */

static sbs_status mount_once(void) {
    const sbs_flash_queue_config config = {.policy = w.drops ? SBS_FLASH_QUEUE_DROP_OLDEST : SBS_FLASH_QUEUE_REFUSE};
    sbs_status status;
    if (w.is_storage) {
        status = sbs_flash_storage_mount(&w.storage_state, &w.sim.flash);
        w.storage = sbs_flash_storage_port(&w.storage_state);
    } else {
        status = sbs_flash_queue_mount(&w.queue_state, &w.sim.flash, &config);
        w.queue = sbs_flash_queue_port(&w.queue_state);
    }
    w.mounted = status == SBS_OK;
    return status;
}

static void forget(void) {
    w.item_count = 0;
    memset(w.may_be, 0, sizeof w.may_be);
    for (unsigned i = 0; i < NAMES; i++) {
        w.may_be[i][0] = true; /* it is not there */
    }
}

/* Where it was spoilt, a mount may refuse; what is formatted is as new. */
static void mount(void) {
    static const sbs_status refusals[] = {SBS_ERR_DAMAGED, SBS_ERR_VERSION, SBS_ERR_FORMAT};
    flash_sim_boot(&w.sim);
    const sbs_status status = mount_once();
    fuzz_talk("mount: %d\n", (int)status);
    if (status == SBS_OK) {
        return;
    }
    FUZZ_REQUIRE(w.spoilt && is_one_of(status, refusals, SBS_COUNT_OF(refusals)));
    FUZZ_REQUIRE(sbs_flash_log_format(&w.sim.flash) == SBS_OK);
    FUZZ_REQUIRE(mount_once() == SBS_OK);
    w.spoilt = false;
    forget();
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void fill(uint8_t *out, uint8_t first, size_t len) {
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(first + i);
    }
}

static void queue_append(void) {
    uint8_t data[ITEM_BYTES];
    const sbs_queue_meta meta = {.utc_s = 1700000000, .lane = 1, .uptime_ms = 5, .boot_id = 2, .format = 1};
    uint64_t id = 0;
    const size_t len = fuzz_below(&w.script, ITEM_BYTES + 1);
    if (w.item_count >= ITEMS_MAX) {
        return;
    }

    const uint8_t first = fuzz_byte(&w.script);
    fill(data, first, len);
    const unsigned number = w.item_count;
    w.items[number].state = ITEM_MAY_WAIT;
    w.items[number].id = 0;
    w.items[number].first = first;
    w.items[number].len = (uint8_t)len;
    w.item_count++; /* a cut leads away from here */
    const sbs_status status = w.queue.ops->append(w.queue.ctx, &meta, data, len, &id);
    fuzz_talk("append %zu: %d, id %llu\n", len, (int)status, (unsigned long long)id);
    if (status == SBS_OK) {
        for (unsigned i = 0; i < number; i++) { /* the id of one that was cut, and is not there, is free */
            if (w.items[i].id == id) {
                FUZZ_REQUIRE(w.spoilt || w.items[i].state == ITEM_MAY_WAIT);
                w.items[i].state = ITEM_GONE;
            }
        }
        w.items[number].id = id;
        w.items[number].state = ITEM_WAITS;
        return;
    }
    FUZZ_REQUIRE(w.spoilt || status == SBS_ERR_BUFFER || status == SBS_ERR_TOO_LARGE);
    w.item_count--;
}

/* Reads what an item holds; the queue may give it in pieces. */
static void read_item(const sbs_queue_item *item, uint8_t out[ITEM_BYTES + 1]) {
    size_t len = 0;
    FUZZ_REQUIRE(item->len <= ITEM_BYTES);
    for (size_t part = 1; len < item->len && part > 0; len += part) {
        part = 0;
        FUZZ_REQUIRE(w.queue.ops->read(w.queue.ctx, item->id, len, out + len, ITEM_BYTES + 1 - len, &part) == SBS_OK);
    }
    FUZZ_REQUIRE(len == item->len);
}

static bool holds(unsigned number, const uint8_t *bytes, size_t len) {
    uint8_t want[ITEM_BYTES];
    fill(want, w.items[number].first, w.items[number].len);
    return len == w.items[number].len && memcmp(bytes, want, len) == 0;
}

/* The number of the item that has this id and these bytes. One whose append was cut has the id now. */
static unsigned number_of(const sbs_queue_item *item) {
    uint8_t bytes[ITEM_BYTES + 1] = {0};
    unsigned cut = ITEMS_MAX;
    read_item(item, bytes);
    for (unsigned i = 0; i < w.item_count; i++) {
        const bool is_there = w.items[i].state == ITEM_WAITS || w.items[i].state == ITEM_MAY_BE_GONE;
        if (is_there && w.items[i].id == item->id) {
            return holds(i, bytes, item->len) ? i : ITEMS_MAX;
        }
        if (w.items[i].state == ITEM_MAY_WAIT && (w.items[i].id == 0 || w.items[i].id == item->id) &&
            holds(i, bytes, item->len)) {
            cut = i;
        }
    }
    if (cut < ITEMS_MAX) {
        w.items[cut].id = item->id;
    }
    return cut;
}

/* Everything that was accepted and not settled is there, and nothing else. */
static void queue_look(void) {
    bool seen[ITEMS_MAX] = {false};
    uint64_t after = 0;
    for (unsigned i = 0; i < 4 * ITEMS_MAX + 4096; i++) {
        sbs_queue_item item = {0};
        const sbs_status status = w.queue.ops->next(w.queue.ctx, after, &item);
        if (status == SBS_ERR_DAMAGED) {
            FUZZ_REQUIRE(w.spoilt);
            continue;
        }
        if (status != SBS_OK) {
            FUZZ_REQUIRE(status == SBS_ERR_NOT_FOUND || (w.spoilt && status == SBS_ERR_STORAGE));
            break;
        }
        FUZZ_REQUIRE(item.id > after);
        FUZZ_REQUIRE(item.len < w.sim.flash.sector_size);
        after = item.id;
        if (w.spoilt) {
            continue;
        }
        const unsigned number = number_of(&item);
        FUZZ_REQUIRE(number < ITEMS_MAX && !seen[number]);
        seen[number] = true;
    }

    for (unsigned i = 0; i < w.item_count && !w.spoilt; i++) {
        FUZZ_REQUIRE(seen[i] || w.items[i].state != ITEM_WAITS || w.drops);
    }
}

static void queue_settle(void) {
    if (w.item_count == 0) {
        return;
    }
    const unsigned number = fuzz_below(&w.script, w.item_count);
    const bool dead = fuzz_chance(&w.script, 2);
    const item_state before = w.items[number].state;
    if (w.items[number].id == 0) {
        return;
    }
    w.items[number].state = before == ITEM_GONE ? ITEM_GONE : ITEM_MAY_BE_GONE;
    const sbs_status status =
        w.queue.ops->settle(w.queue.ctx, w.items[number].id, dead ? SBS_QUEUE_DEAD : SBS_QUEUE_DELIVERED,
                            dead ? "refused" : NULL, dead ? "words of a server" : NULL);
    fuzz_talk("settle %llu: %d\n", (unsigned long long)w.items[number].id, (int)status);
    FUZZ_REQUIRE(w.spoilt || w.drops || status == SBS_OK || before != ITEM_WAITS);
    FUZZ_REQUIRE(w.spoilt || status == SBS_OK || status == SBS_ERR_NOT_FOUND);
    w.items[number].state = status == SBS_OK ? ITEM_GONE : before;
}

static void queue_mark(void) {
    if (w.item_count == 0) {
        return;
    }
    const unsigned number = fuzz_below(&w.script, w.item_count);
    if (w.items[number].id == 0) {
        return;
    }
    const sbs_status status = w.queue.ops->mark_attempt(w.queue.ctx, w.items[number].id);
    FUZZ_REQUIRE(w.spoilt || w.drops || status == SBS_OK || w.items[number].state != ITEM_WAITS);
}

/* ---- the storage ------------------------------------------------------------------------------------------------- */

static size_t value_len(uint8_t value) {
    return value % 64u;
}

static void now_is(unsigned which, uint8_t value) {
    memset(w.may_be[which], 0, sizeof w.may_be[which]);
    w.may_be[which][value] = true;
}

static void storage_set(void) {
    uint8_t data[64];
    const unsigned which = fuzz_below(&w.script, NAMES);
    const uint8_t value = (uint8_t)(1 + fuzz_below(&w.script, 255));
    const bool secret = fuzz_chance(&w.script, 4);
    fill(data, value, value_len(value));
    const sbs_flash_log_part part = {data, value_len(value)};
    const bool was_possible = w.may_be[which][value];
    w.may_be[which][value] = true; /* a cut leads away from here */
    const sbs_status status = secret ? sbs_flash_storage_set_secret(&w.storage_state, names[which], &part, 1)
                                     : w.storage.ops->set(w.storage.ctx, names[which], data, value_len(value));
    fuzz_talk("set %s %u: %d\n", names[which], value, (int)status);
    FUZZ_REQUIRE(w.spoilt || status == SBS_OK || status == SBS_ERR_BUFFER || status == SBS_ERR_TOO_LARGE);
    if (status == SBS_OK) {
        now_is(which, value);
    } else {
        w.may_be[which][value] = was_possible;
    }
}

static void storage_remove(void) {
    const unsigned which = fuzz_below(&w.script, NAMES);
    const bool was_possible = w.may_be[which][0];
    w.may_be[which][0] = true;
    const sbs_status status = w.storage.ops->remove(w.storage.ctx, names[which]);
    fuzz_talk("remove %s: %d\n", names[which], (int)status);
    FUZZ_REQUIRE(w.spoilt || status == SBS_OK || status == SBS_ERR_BUFFER || status == SBS_ERR_NOT_FOUND);
    FUZZ_REQUIRE(w.spoilt || status != SBS_ERR_NOT_FOUND || was_possible);
    if (status == SBS_OK) {
        now_is(which, 0);
    } else {
        w.may_be[which][0] = was_possible;
    }
}

static bool is_value(uint8_t value, sbs_status status, const uint8_t *got, size_t len) {
    uint8_t want[64];
    if (value == 0) {
        return status == SBS_ERR_NOT_FOUND;
    }
    fill(want, value, value_len(value));
    return status == SBS_OK && len == value_len(value) && memcmp(got, want, len) == 0;
}

static void storage_look(void) {
    for (unsigned i = 0; i < NAMES; i++) {
        uint8_t got[64];
        size_t len = 0;
        const sbs_status status = w.storage.ops->get(w.storage.ctx, names[i], got, sizeof got, &len);
        if (w.spoilt) {
            continue;
        }
        bool fits = false;
        for (unsigned value = 0; value < 256; value++) {
            fits |= w.may_be[i][value] && is_value((uint8_t)value, status, got, len);
        }
        FUZZ_REQUIRE(fits);
    }
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */

/* Bytes that stand there as if they had been programmed. */
static void spoil(void) {
    const uint32_t at = (uint32_t)(fuzz_short(&w.script) * 3u) % w.sim.size;
    uint8_t some[64];
    const size_t len = fuzz_bytes(&w.script, some, sizeof some);
    w.spoilt = true;
    for (size_t i = 0; i < len && at + i < w.sim.size; i++) {
        w.sim.data[at + i] = some[i];
        w.sim.programmed[at + i] = true;
    }
}

static void cut_soon(void) {
    const flash_sim_tear tear = (flash_sim_tear)fuzz_below(&w.script, FLASH_SIM_TEARS);
    flash_sim_cut_after(&w.sim, 1 + fuzz_below(&w.script, 12), tear, fuzz_byte(&w.script));
}

static void step(void) {
    switch (fuzz_below(&w.script, 12)) {
    case 0:
    case 1:
        if (w.is_storage) {
            storage_set();
        } else {
            queue_append();
        }
        break;
    case 2:
        if (w.is_storage) {
            storage_remove();
        } else {
            queue_settle();
        }
        break;
    case 3:
        if (!w.is_storage) {
            queue_mark();
        }
        break;
    case 4:
        if (w.is_storage) {
            storage_look();
        } else {
            queue_look();
        }
        break;
    case 5:
        mount();
        break;
    case 6:
        cut_soon();
        break;
    case 7:
        if (w.is_storage) {
            (void)sbs_flash_storage_scrub(&w.storage_state);
        }
        break;
    case 8: /* a bit that fell over: one in a header is put right, one in an item costs the item */
        flash_sim_flip(&w.sim, fuzz_short(&w.script) % w.sim.size, fuzz_below(&w.script, 8));
        w.spoilt = true;
        break;
    case 9:
        spoil();
        mount(); /* nobody writes there while it is in use */
        break;
    default:
        break;
    }
}

static void begin(void) {
    static const uint32_t sizes[] = {256, 512, 1024};
    static const uint32_t units[] = {1, 4, 8, 16, 32, 2};
    const unsigned options = fuzz_byte(&w.script);
    flash_sim_init(&w.sim, sizes[options % 3], 3 + (options >> 2) % 3, units[fuzz_below(&w.script, 6)], 5);
    w.is_storage = (options & 64) != 0;
    w.drops = (options & 128) != 0;
    w.spoilt = false;
    forget();
    if (fuzz_chance(&w.script, 4)) { /* the whole flash is the input's */
        const size_t len = w.script.len < w.sim.size ? w.script.len : w.sim.size;
        memcpy(w.sim.data, w.script.data, len);
        memset(w.sim.programmed, 1, len);
        w.spoilt = true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    volatile unsigned steps = 0;
    w.script = (fuzz_input){data, size};
    begin();
    if (setjmp(w.sim.power_cut) != 0) { /* here each cut leads to */
        fuzz_talk("cut\n");
    }
    mount();
    while (w.script.len > 0 && steps < STEPS_MAX) {
        steps++;
        step();
    }

    w.sim.cut_at = 0;
    mount();
    if (w.is_storage) {
        storage_look();
    } else {
        queue_look();
    }
    flash_sim_free(&w.sim);
    return 0;
}
