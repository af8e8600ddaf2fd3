/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64. */
uint32_t flash_sim_random(flash_sim *sim) {
    sim->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = sim->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}

static void require(bool rule, const char *what, uint32_t address, size_t len) {
    if (!rule) {
        (void)fprintf(stderr, "flash_sim: %s (address %u, %u bytes)\n", what, (unsigned)address, (unsigned)len);
        abort();
    }
}

/* Kinds of unstable bytes. */
enum { STABLE, ANY_EACH_TIME, ALL_BY_BOOT, EACH_BY_BOOT };

static uint8_t tear_kind(flash_sim_tear tear, bool erase) {
    if (tear == FLASH_SIM_UNSTABLE) {
        return ANY_EACH_TIME;
    }
    if (tear == FLASH_SIM_ALTERNATE) {
        return erase ? EACH_BY_BOOT : ALL_BY_BOOT;
    }

    return STABLE;
}

static void set_torn(flash_sim *sim, uint32_t address, uint8_t kind) {
    sim->torn_count += kind != STABLE;
    sim->torn_count -= sim->torn[address] != STABLE;
    sim->torn[address] = kind;
}

static uint8_t read_byte(flash_sim *sim, uint32_t address) {
    uint32_t by_boot = sim->boot;

    switch (sim->torn[address]) {
    case ANY_EACH_TIME: {
        uint32_t roll = flash_sim_random(sim);
        uint8_t any[4] = {sim->before[address], sim->data[address], (uint8_t)(roll >> 8), 0xFF};
        return any[roll & 3u];
    }
    case EACH_BY_BOOT:
        by_boot = (by_boot ^ (address * 2654435761u)) >> 15;
        return by_boot & 1u ? sim->data[address] : sim->before[address];
    case ALL_BY_BOOT:
        return by_boot & 1u ? sim->data[address] : sim->before[address];
    default:
        return sim->data[address];
    }
}

static sbs_status sim_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    flash_sim *sim = ctx;
    require(address <= sim->size && len <= sim->size - address, "read outside", address, len);
    sim->reads++;
    if (sim->failing) {
        return SBS_ERR_STORAGE;
    }

    if (sim->torn_count == 0) { /* mostly so, and much faster */
        memcpy(buffer, sim->data + address, len);
        return SBS_OK;
    }
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buffer)[i] = read_byte(sim, address + (uint32_t)i);
    }
    return SBS_OK;
}

/* An operation that ends: each byte is what was asked for. */
static void change_wholly(flash_sim *sim, uint32_t address, const uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        uint32_t at = address + (uint32_t)i;

        sim->before[at] = read_byte(sim, at);
        sim->data[at] = data != NULL ? data[i] : 0xFFu;
        set_torn(sim, at, STABLE);
        sim->programmed[at] = data != NULL;
    }
}

/* One in the middle of which power fails. */
static void change_partly(flash_sim *sim, uint32_t address, const uint8_t *data, size_t len) {
    size_t done = len;
    sim->cut_len = (uint32_t)len;
    if (sim->tear == FLASH_SIM_PREFIX) {
        done = sim->cut_bytes <= len ? sim->cut_bytes : flash_sim_random(sim) % (len + 1u);
    }

    for (size_t i = 0; i < len; i++) {
        uint32_t at = address + (uint32_t)i;
        uint8_t value = data != NULL ? data[i] : 0xFFu;

        sim->before[at] = read_byte(sim, at);
        if (sim->tear == FLASH_SIM_GARBAGE) {
            value = (uint8_t)flash_sim_random(sim);
        }
        if (i < done) {
            sim->data[at] = value;
            set_torn(sim, at, tear_kind(sim->tear, data == NULL));
        }
        sim->programmed[at] = true;
    }
}

/* data NULL: erase. */
static void change(flash_sim *sim, uint32_t address, const uint8_t *data, size_t len) {
    sim->operations++;
    if (sim->operations == sim->cut_at) {
        change_partly(sim, address, data, len);
        longjmp(sim->power_cut, 1);
    }

    change_wholly(sim, address, data, len);
}

static sbs_status sim_program(void *ctx, uint32_t address, const void *data, size_t len) {
    flash_sim *sim = ctx;
    uint32_t unit = sim->flash.program_unit;
    require(address % unit == 0 && len % unit == 0 && len > 0, "unaligned program", address, len);
    require(address < sim->size && len <= sim->size - address, "program outside", address, len);
    require(address / sim->flash.sector_size == (address + (uint32_t)len - 1u) / sim->flash.sector_size,
            "program over the end of a sector", address, len);
    for (size_t i = 0; i < len; i++) {
        require(!sim->programmed[address + i], "programmed twice", address + (uint32_t)i, len);
    }

    if (sim->failing) {
        return SBS_ERR_STORAGE;
    }

    change(sim, address, data, len);
    return SBS_OK;
}

static sbs_status sim_erase(void *ctx, uint32_t address) {
    flash_sim *sim = ctx;
    require(address % sim->flash.sector_size == 0 && address < sim->size, "erase at no sector", address, 0);
    if (sim->failing) {
        return SBS_ERR_STORAGE;
    }

    sim->erased[address / sim->flash.sector_size]++;
    change(sim, address, NULL, sim->flash.sector_size);
    return SBS_OK;
}

static const sbs_flash_ops sim_ops = {sim_read, sim_program, sim_erase};

static void *sim_allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);

    require(memory != NULL, "out of memory", 0, count);
    return memory;
}

void flash_sim_init(flash_sim *sim, uint32_t sector_size, uint32_t sectors, uint32_t unit, uint64_t seed) {
    memset(sim, 0, sizeof *sim);
    sim->flash = (sbs_flash){
        .ops = &sim_ops, .ctx = sim, .sector_size = sector_size, .sector_count = sectors, .program_unit = unit};
    sim->size = sector_size * sectors;
    sim->random = seed;

    sim->data = sim_allocate(sim->size, 1);
    sim->before = sim_allocate(sim->size, 1);
    sim->programmed = sim_allocate(sim->size, 1);
    sim->torn = sim_allocate(sim->size, 1);
    sim->erased = sim_allocate(sectors, sizeof *sim->erased);
    memset(sim->data, 0xFF, sim->size);
}

void flash_sim_free(flash_sim *sim) {
    free(sim->data);
    free(sim->before);
    free(sim->programmed);
    free(sim->torn);
    free(sim->erased);
}

void flash_sim_boot(flash_sim *sim) {
    sim->cut_at = 0;
    sim->boot = flash_sim_random(sim);
}

void flash_sim_cut_after(flash_sim *sim, uint64_t operations, flash_sim_tear tear, uint32_t cut_bytes) {
    sim->cut_at = sim->operations + operations;
    sim->tear = tear;
    sim->cut_bytes = cut_bytes;
}

void flash_sim_flip(flash_sim *sim, uint32_t address, unsigned bit) {
    sim->data[address] ^= (uint8_t)(1u << bit);
}

void flash_sim_copy(flash_sim *to, const flash_sim *from) {
    memcpy(to->data, from->data, from->size);
    memcpy(to->before, from->before, from->size);
    memcpy(to->programmed, from->programmed, from->size);
    memcpy(to->torn, from->torn, from->size);
    to->torn_count = from->torn_count;
    memcpy(to->erased, from->erased, from->flash.sector_count * sizeof *from->erased);
    to->operations = from->operations;
    to->random = from->random;
    to->cut_at = 0;
}

uint32_t flash_sim_header_erased(const flash_sim *sim, uint32_t sector) {
    const uint8_t *header = sim->data + (size_t)sector * sim->flash.sector_size;
    if (memcmp(header, "SLBL", 4) != 0) {
        return 0;
    }

    return header[24] | (uint32_t)header[25] << 8 | (uint32_t)header[26] << 16 | (uint32_t)header[27] << 24;
}
