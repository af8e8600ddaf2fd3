/* SPDX-License-Identifier: Apache-2.0 */
/* The record log alone: what is stored, how it is found again, and what damage does to it. */
#include <stdio.h>
#include <string.h>

#include "flash_sim.h"
#include "sbs/count.h"
#include "sbs/flash_log.h"
#include "test.h"

#define CONTENT 9u
#define TYPE 2u
#define KEPT_AUX 1u /* such records are moved, others forgotten */

static const uint32_t units[] = {1, 2, 4, 8, 16, 32};

typedef struct rig {
    flash_sim sim;
    sbs_flash_log log;
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE];
} rig;

static sbs_status move_kept(void *ctx, const sbs_flash_log_record *record) {
    rig *r = ctx;
    return record->aux == KEPT_AUX ? sbs_flash_log_move(&r->log, record, record->aux) : SBS_OK;
}

static void give_state(void *ctx, uint8_t out[SBS_FLASH_LOG_STATE_SIZE]) {
    memcpy(out, ((rig *)ctx)->state, SBS_FLASH_LOG_STATE_SIZE);
}

static sbs_status mount_version(rig *r, uint8_t content, uint8_t version) {
    sbs_flash_log_owner owner = {
        .content = content, .version = version, .state = give_state, .move = move_kept, .ctx = r};
    flash_sim_boot(&r->sim);
    return sbs_flash_log_mount(&r->log, &r->sim.flash, &owner);
}

static sbs_status mount(rig *r) {
    return mount_version(r, CONTENT, 1);
}

static void set_up(rig *r, uint32_t sector_size, uint32_t sectors, uint32_t unit) {
    memset(r, 0, sizeof *r);
    flash_sim_init(&r->sim, sector_size, sectors, unit, 1);
    assert_int_equal(mount(r), SBS_OK);
}

static void fill(uint8_t *out, size_t len, uint32_t key) {
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(key * 31u + i);
    }
}

static sbs_status append(rig *r, uint32_t key, size_t len, uint8_t aux) {
    uint8_t payload[1024];
    fill(payload, len, key);
    sbs_flash_log_part parts[2] = {{payload, len / 2}, {payload + len / 2, len - len / 2}};
    sbs_flash_log_record record = {.type = TYPE, .key = key, .aux = aux};
    return sbs_flash_log_append(&r->log, &record, parts, 2);
}

static void assert_payload(rig *r, const sbs_flash_log_record *record) {
    uint8_t payload[1024], expected[1024];
    fill(expected, record->len, record->key);
    assert_int_equal(sbs_flash_log_check(&r->log, record), SBS_OK);
    assert_int_equal(sbs_flash_log_read(&r->log, record, 0, payload, record->len), SBS_OK);
    assert_memory_equal(payload, expected, record->len);
}

/* Walks all; returns how many, and checks that keys are first, first + 1, ... */
static uint32_t walk(rig *r, uint32_t first) {
    sbs_flash_log_cursor cursor = {0};
    sbs_flash_log_record record;
    uint32_t count = 0;
    sbs_status status;
    while ((status = sbs_flash_log_next(&r->log, &cursor, &record)) == SBS_OK) {
        assert_int_equal(record.key, first + count);
        assert_payload(r, &record);
        count++;
    }
    assert_int_equal(status, SBS_ERR_NOT_FOUND);
    return count;
}

static void only_sizes_that_the_port_allows_are_mounted(void **state) {
    (void)state;
    static const sbs_flash bad[] = {
        {.sector_size = 128, .sector_count = 4, .program_unit = 4},
        {.sector_size = 131072, .sector_count = 4, .program_unit = 4},
        {.sector_size = 1000, .sector_count = 4, .program_unit = 4},
        {.sector_size = 512, .sector_count = 2, .program_unit = 4},
        {.sector_size = 512, .sector_count = 70000, .program_unit = 4},
        {.sector_size = 512, .sector_count = 4, .program_unit = 3},
        {.sector_size = 512, .sector_count = 4, .program_unit = 64},
        {.sector_size = 512, .sector_count = 4, .program_unit = 0},
    };
    flash_sim sim;
    flash_sim_init(&sim, 512, 4, 4, 1);
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        sbs_flash flash = bad[i];
        flash.ops = sim.flash.ops;
        assert_int_equal(sbs_flash_check(&flash), SBS_ERR_ARGUMENT);
    }
    assert_int_equal(sbs_flash_check(&sim.flash), SBS_OK);
    flash_sim_free(&sim);
}

/* Byte for byte: checksums made by other code than the log's. Flash that was written once is read by later versions. */
static void headers_are_stored_as_the_readme_says(void **state) {
    (void)state;
    static const uint8_t sector[] = {
        'S',  'L',  'B',  'L',  1, CONTENT, 1, 4, 2, 0, 4, 0,                         /* versions, unit, geometry */
        1,    0,    0,    0,    1, 0,       0, 0, 0, 0, 0, 0,                         /* sequence, first, prev_end */
        1,    0,    0,    0,    1, 0,       0, 0, 0, 0, 0, 0,                         /* erased, generation, link */
        0,    0,    0,    0,    0, 0,       0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* state */
        0xA3, 0x34, 0x9B, 0x8D,
    };
    static const uint8_t stored[] = {0xCA, 1, 3, 0, 0x56, 0x34, 0x12, 0x95, 0xD3, 0x00, 0x41, 'a', 'b', 'c'};
    rig r;
    set_up(&r, 512, 4, 4);
    sbs_flash_log_part part = {"abc", 3};
    sbs_flash_log_record record = {.type = TYPE, .key = 0x123456, .aux = KEPT_AUX};
    assert_int_equal(sbs_flash_log_append(&r.log, &record, &part, 1), SBS_OK);
    assert_memory_equal(r.sim.data + 512, sector, sizeof sector);
    assert_memory_equal(r.sim.data + 512 + sizeof sector, stored, sizeof stored);
    flash_sim_free(&r.sim);
}

static void what_was_appended_is_found_in_order(void **state) {
    (void)state;
    for (size_t u = 0; u < SBS_COUNT_OF(units); u++) {
        rig r;
        set_up(&r, 512, 6, units[u]);
        assert_int_equal(walk(&r, 1), 0);
        for (uint32_t key = 1; key <= 12; key++) {
            assert_int_equal(append(&r, key, key * 3u % 40u, KEPT_AUX), SBS_OK);
            assert_int_equal(walk(&r, 1), key);
        }
        assert_int_equal(mount(&r), SBS_OK);
        assert_int_equal(walk(&r, 1), 12);
        assert_int_equal(r.log.torn, 0);
        flash_sim_free(&r.sim);
    }
}

/* The largest record fits an opened sector exactly, and one more byte fits none. */
static void a_record_may_fill_a_sector_exactly(void **state) {
    (void)state;
    for (size_t u = 0; u < SBS_COUNT_OF(units); u++) {
        rig r;
        set_up(&r, 512, 4, units[u]);
        size_t len = 0;
        while (sbs_flash_log_extent(&r.log, len + 1u) <= sbs_flash_log_usable(&r.log)) {
            len++;
        }
        assert_int_equal(append(&r, 1, len + 1u, KEPT_AUX), SBS_ERR_TOO_LARGE);
        assert_int_equal(append(&r, 1, len, KEPT_AUX), SBS_OK);
        assert_int_equal(append(&r, 2, len, KEPT_AUX), SBS_OK);
        assert_int_equal(walk(&r, 1), 2);
        sbs_flash_log_record record = {.len = 4};
        uint8_t byte[8];
        assert_int_equal(sbs_flash_log_read(&r.log, &record, 0, byte, 5), SBS_ERR_ARGUMENT);
        assert_int_equal(sbs_flash_log_read(&r.log, &record, 5, byte, 0), SBS_ERR_ARGUMENT);
        flash_sim_free(&r.sim);
    }
}

/* Live records go round the ring as often as it takes; a full log refuses and keeps all. */
static void live_records_go_round_the_ring(void **state) {
    (void)state;
    for (size_t u = 0; u < SBS_COUNT_OF(units); u++) {
        rig r;
        set_up(&r, 512, 3, units[u]);
        assert_int_equal(append(&r, 1, 50, KEPT_AUX), SBS_OK);
        for (uint32_t i = 0; i < 200; i++) {
            assert_int_equal(append(&r, 7, 50, 0), SBS_OK);
        }
        assert_int_equal(mount(&r), SBS_OK);
        sbs_flash_log_cursor cursor = {0};
        sbs_flash_log_record record;
        unsigned kept = 0;
        while (sbs_flash_log_next(&r.log, &cursor, &record) == SBS_OK) {
            assert_payload(&r, &record);
            kept += record.key == 1;
        }
        assert_int_equal(kept, 1);
        sbs_status status;
        uint32_t added = 0;
        while ((status = append(&r, 100 + added, 50, KEPT_AUX)) == SBS_OK) {
            added++;
            assert_true(added < 100);
        }
        assert_int_equal(status, SBS_ERR_BUFFER);
        assert_int_equal(append(&r, 100 + added, 50, KEPT_AUX), SBS_ERR_BUFFER);
        assert_int_equal(mount(&r), SBS_OK);
        cursor = (sbs_flash_log_cursor){0};
        unsigned found = 0;
        while (sbs_flash_log_next(&r.log, &cursor, &record) == SBS_OK) {
            assert_payload(&r, &record);
            found += record.key >= 100;
        }
        assert_int_equal(found, added);
        flash_sim_free(&r.sim);
    }
}

static void all_sectors_are_erased_equally_often(void **state) {
    (void)state;
    rig r;
    set_up(&r, 512, 8, 4);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(append(&r, i, 40, i % 10 == 0 && i > 2980 ? KEPT_AUX : 0), SBS_OK);
        if (i % 97 == 0) {
            assert_int_equal(mount(&r), SBS_OK);
        }
    }
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t told = flash_sim_header_erased(&r.sim, i);
        assert_int_equal(told, r.sim.erased[i]);
        least = told < least ? told : least;
        most = told > most ? told : most;
    }
    assert_true(most > 20);
    assert_true(most - least <= 1);
    flash_sim_free(&r.sim);
}

static void the_owners_state_is_kept(void **state) {
    (void)state;
    rig r;
    set_up(&r, 512, 4, 4);
    uint8_t stored[SBS_FLASH_LOG_STATE_SIZE];
    sbs_flash_log_cursor from;
    for (uint32_t i = 0; i < 200; i++) {
        memset(r.state, (int)(i & 0x7Fu), sizeof r.state);
        assert_int_equal(append(&r, i, 30, i >= 198 ? KEPT_AUX : 0), SBS_OK);
        assert_int_equal(mount(&r), SBS_OK);
        assert_int_equal(sbs_flash_log_state(&r.log, stored, &from), SBS_OK);
        sbs_flash_log_record record;
        assert_int_equal(sbs_flash_log_next(&r.log, &from, &record), SBS_OK);
        assert_int_equal(record.key, i);
        assert_int_equal(stored[0], i & 0x7Fu);
    }
    flash_sim_free(&r.sim);
}

static void a_newer_version_is_refused(void **state) {
    (void)state;
    rig r;
    set_up(&r, 512, 4, 4);
    assert_int_equal(append(&r, 1, 30, KEPT_AUX), SBS_OK);
    assert_int_equal(mount_version(&r, CONTENT + 1u, 1), SBS_ERR_FORMAT);
    assert_int_equal(mount_version(&r, CONTENT, 0), SBS_ERR_VERSION);
    assert_int_equal(mount_version(&r, CONTENT, 2), SBS_OK);
    assert_int_equal(append(&r, 2, 30, KEPT_AUX), SBS_OK);
    uint64_t operations = r.sim.operations;
    assert_int_equal(mount(&r), SBS_ERR_VERSION); /* one newer sector is enough */
    assert_int_equal(r.sim.operations, operations);
    assert_int_equal(sbs_flash_log_format(&r.sim.flash), SBS_OK);
    assert_int_equal(mount(&r), SBS_OK);
    assert_int_equal(walk(&r, 1), 0);
    flash_sim_free(&r.sim);
}

static void another_geometry_is_refused(void **state) {
    (void)state;
    rig r;
    set_up(&r, 512, 4, 4);
    assert_int_equal(append(&r, 1, 30, KEPT_AUX), SBS_OK);
    r.sim.flash.program_unit = 8;
    assert_int_equal(mount(&r), SBS_ERR_FORMAT);
    r.sim.flash.program_unit = 4;
    r.sim.flash.sector_count = 3;
    assert_int_equal(mount(&r), SBS_ERR_FORMAT);
    r.sim.flash.sector_count = 4;
    assert_int_equal(mount(&r), SBS_OK);
    flash_sim_free(&r.sim);
}

static void foreign_content_is_refused(void **state) {
    (void)state;
    rig r;
    set_up(&r, 512, 4, 4);
    memset(r.sim.data, 0x5A, r.sim.size);
    assert_int_equal(mount(&r), SBS_ERR_DAMAGED);
    assert_int_equal(r.sim.operations, 0);
    flash_sim_free(&r.sim);
}

static void a_failing_device_is_told(void **state) {
    (void)state;
    rig r;
    set_up(&r, 512, 4, 4);
    assert_int_equal(append(&r, 1, 30, KEPT_AUX), SBS_OK);
    r.sim.failing = true;
    assert_int_equal(append(&r, 2, 30, KEPT_AUX), SBS_ERR_STORAGE);
    assert_int_equal(mount(&r), SBS_ERR_STORAGE);
    r.sim.failing = false;
    assert_int_equal(mount(&r), SBS_OK);
    assert_int_equal(append(&r, 2, 30, KEPT_AUX), SBS_OK);
    assert_int_equal(walk(&r, 1), 2);
    flash_sim_free(&r.sim);
}

/* Every single bit of a log, flipped: each record is right, or said to be damaged, or said to be missing. */
static void flip_all(uint32_t unit, unsigned *repaired, unsigned *reported) {
    rig r;
    set_up(&r, 512, 4, unit);
    for (uint32_t key = 1; key <= 16; key++) {
        assert_int_equal(append(&r, key, 20, KEPT_AUX), SBS_OK);
    }
    for (uint32_t bit = 0; bit < r.sim.size * 8u; bit++) {
        bool seen[17] = {false};
        unsigned damaged = 0;
        flash_sim_flip(&r.sim, bit / 8u, bit % 8u);
        assert_int_equal(mount(&r), SBS_OK);
        sbs_flash_log_cursor cursor = {0};
        sbs_flash_log_record record;
        sbs_status status;
        while ((status = sbs_flash_log_next(&r.log, &cursor, &record)) != SBS_ERR_NOT_FOUND) {
            if (status == SBS_ERR_DAMAGED || sbs_flash_log_check(&r.log, &record) != SBS_OK) {
                damaged++;
                continue;
            }
            assert_payload(&r, &record);
            assert_false(seen[record.key]);
            seen[record.key] = true;
        }
        unsigned missing = 0;
        for (uint32_t key = 1; key <= 16; key++) {
            missing += !seen[key];
        }
        assert_true(missing <= damaged);
        assert_true(damaged <= 1);
        *repaired += r.log.repaired > 0;
        *reported += damaged;
        flash_sim_flip(&r.sim, bit / 8u, bit % 8u);
    }
    flash_sim_free(&r.sim);
}

static void each_bit_may_flip(void **state) {
    (void)state;
    unsigned repaired = 0, reported = 0;
    flip_all(1, &repaired, &reported);
    flip_all(8, &repaired, &reported);
    assert_true(repaired > 0);
    assert_true(reported > 0);
    print_message("flash log: bits flipped one by one: %u headers put right, %u records reported, none wrong\n",
                  repaired, reported);
}

/* Whole headers and stretches overwritten: what lies behind is still found. */
static void large_damage_is_passed_over(void **state) {
    (void)state;
    for (uint32_t len = 2; len <= 100; len++) {
        rig r;
        set_up(&r, 512, 4, 4);
        for (uint32_t key = 1; key <= 14; key++) {
            assert_int_equal(append(&r, key, 20, KEPT_AUX), SBS_OK);
        }
        uint32_t at = 512u + 56u + len * 2u; /* the first sector used is the second one */
        for (uint32_t i = 0; i < len; i++) {
            r.sim.data[at + i] = (uint8_t)flash_sim_random(&r.sim);
        }
        assert_int_equal(mount(&r), SBS_OK);
        sbs_flash_log_cursor cursor = {0};
        sbs_flash_log_record record;
        sbs_status status;
        unsigned good = 0, damaged = 0;
        while ((status = sbs_flash_log_next(&r.log, &cursor, &record)) != SBS_ERR_NOT_FOUND) {
            bool sound = status == SBS_OK && sbs_flash_log_check(&r.log, &record) == SBS_OK;
            good += sound;
            damaged += !sound;
        }
        assert_true(good + 1u + len / 36u + 1u >= 14u);
        assert_true(damaged >= 1);
        flash_sim_free(&r.sim);
    }
}

#define SECTOR_HEADER 60u

/* Fills until the log has this head, with records that are kept. */
static void fill_to_head(rig *r, uint32_t head) {
    set_up(r, 512, 6, 4);
    for (uint32_t key = 1; r->log.head < head; key++) {
        assert_int_equal(append(r, key, 60, KEPT_AUX), SBS_OK);
    }
}

static uint8_t *sector(rig *r, uint32_t number) {
    return r->sim.data + (size_t)(number % r->sim.flash.sector_count) * r->sim.flash.sector_size;
}

/* Whether the head counts is judged by the sector before it: its header, or else that its records are there. */
static void the_sector_before_the_head_may_have_lost_its_header(void **state) {
    (void)state;
    rig r;
    fill_to_head(&r, 3);
    uint32_t end = r.log.end;
    memset(sector(&r, 2), 0, SECTOR_HEADER);
    assert_int_equal(mount(&r), SBS_OK);
    assert_int_equal(r.log.head, 3);
    assert_int_equal(r.log.first, 1);
    assert_int_equal(r.log.end, end);
    flash_sim_free(&r.sim);
}

/* Where the sector before it is gone, an older head with its link whole is better; and it is good where there is none.
 */
static void a_head_without_the_sector_before_it_is_the_last_choice(void **state) {
    (void)state;
    rig r;
    fill_to_head(&r, 4);
    memset(sector(&r, 3), 0xFF, 512);
    assert_int_equal(mount(&r), SBS_OK);
    assert_int_equal(r.log.head, 2);
    flash_sim_free(&r.sim);

    fill_to_head(&r, 4);
    uint32_t end = r.log.end;
    for (uint32_t number = 1; number <= 3; number++) {
        memset(sector(&r, number), 0xFF, 512);
    }
    assert_int_equal(mount(&r), SBS_OK);
    assert_int_equal(r.log.head, 4);
    assert_int_equal(r.log.first, 1);
    assert_int_equal(r.log.end, end);
    flash_sim_free(&r.sim);
}

/* A head without a header that can be read: the state is that of an older sector, or none in the first round. */
static void a_log_without_headers_begins_with_its_first_sector(void **state) {
    (void)state;
    rig r;
    fill_to_head(&r, 2);
    uint32_t end = r.log.end;
    memset(sector(&r, 2), 0, SECTOR_HEADER);
    assert_int_equal(mount(&r), SBS_OK);
    assert_int_equal(r.log.head, 2);
    assert_int_equal(r.log.first, 1);
    assert_int_equal(r.log.end, end);
    flash_sim_free(&r.sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_sizes_that_the_port_allows_are_mounted),
        cmocka_unit_test(headers_are_stored_as_the_readme_says),
        cmocka_unit_test(what_was_appended_is_found_in_order),
        cmocka_unit_test(a_record_may_fill_a_sector_exactly),
        cmocka_unit_test(live_records_go_round_the_ring),
        cmocka_unit_test(all_sectors_are_erased_equally_often),
        cmocka_unit_test(the_owners_state_is_kept),
        cmocka_unit_test(a_newer_version_is_refused),
        cmocka_unit_test(another_geometry_is_refused),
        cmocka_unit_test(foreign_content_is_refused),
        cmocka_unit_test(a_failing_device_is_told),
        cmocka_unit_test(each_bit_may_flip),
        cmocka_unit_test(large_damage_is_passed_over),
        cmocka_unit_test(the_sector_before_the_head_may_have_lost_its_header),
        cmocka_unit_test(a_head_without_the_sector_before_it_is_the_last_choice),
        cmocka_unit_test(a_log_without_headers_begins_with_its_first_sector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
