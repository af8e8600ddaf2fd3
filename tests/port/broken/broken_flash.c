/* SPDX-License-Identifier: Apache-2.0 */
/* Flash in memory that allows everything, so that what is broken shows in what is read. */
#include "broken.h"

#include <string.h>

#include "sbs/count.h"

#define SECTOR 1024u
#define SECTORS 4u
#define UNIT 4u
#define PAGE 128u

static struct {
    sbs_flash_ops ops;
    uint8_t data[SECTOR * SECTORS + UNIT];
    bool was_restarted;
} memory;

static sbs_status sound_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    (void)ctx;
    memcpy(buffer, memory.data + address, len);
    return SBS_OK;
}

static sbs_status sound_program(void *ctx, uint32_t address, const void *data, size_t len) {
    const uint8_t *bytes = data;
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        memory.data[address + i] &= bytes[i];
    }

    return SBS_OK;
}

static sbs_status sound_erase(void *ctx, uint32_t address) {
    (void)ctx;
    memset(memory.data + address, 0xFF, SECTOR);
    return SBS_OK;
}

/* ---- what is broken ---------------------------------------------------------------------------------------------- */

static void has_two_sectors(sbs_flash *flash) {
    flash->sector_count = 2;
}

static void has_odd_unit(sbs_flash *flash) {
    flash->program_unit = 12;
}

static void has_small_sectors(sbs_flash *flash) {
    flash->sector_size = 128;
}

static sbs_status erase_is_short(void *ctx, uint32_t address) {
    (void)ctx;
    memset(memory.data + address, 0xFF, SECTOR - UNIT);
    return SBS_OK;
}

static sbs_status erase_to_zero(void *ctx, uint32_t address) {
    (void)ctx;
    memset(memory.data + address, 0, SECTOR);
    return SBS_OK;
}

static sbs_status erase_takes_two(void *ctx, uint32_t address) {
    (void)sound_erase(ctx, address);
    if (address >= SECTOR) {
        return sound_erase(ctx, address - SECTOR);
    }

    return SBS_OK;
}

static sbs_status erase_fails(void *ctx, uint32_t address) {
    (void)ctx;
    if (address == SECTOR) {
        return SBS_ERR_STORAGE;
    }

    return sound_erase(ctx, address);
}

static sbs_status program_takes_next(void *ctx, uint32_t address, const void *data, size_t len) {
    memory.data[address + len] = 0;
    return sound_program(ctx, address, data, len);
}

static sbs_status program_wraps(void *ctx, uint32_t address, const void *data, size_t len) {
    const uint8_t *bytes = data;
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        memory.data[address / PAGE * PAGE + (address + i) % PAGE] &= bytes[i];
    }

    return SBS_OK;
}

static sbs_status program_drops_bit(void *ctx, uint32_t address, const void *data, size_t len) {
    sbs_status status = sound_program(ctx, address, data, len);
    for (size_t i = 0; i < len; i++) {
        memory.data[address + i] &= 0x7Fu;
    }

    return status;
}

static uint32_t folded(uint32_t address) {
    return address % (2u * SECTOR);
}

static sbs_status read_folds(void *ctx, uint32_t address, void *buffer, size_t len) {
    return sound_read(ctx, folded(address), buffer, len);
}

static sbs_status program_folds(void *ctx, uint32_t address, const void *data, size_t len) {
    return sound_program(ctx, folded(address), data, len);
}

static sbs_status erase_folds(void *ctx, uint32_t address) {
    return sound_erase(ctx, folded(address));
}

static sbs_status read_of_words(void *ctx, uint32_t address, void *buffer, size_t len) {
    return sound_read(ctx, address & ~3u, buffer, len);
}

static sbs_status read_goes_beyond(void *ctx, uint32_t address, void *buffer, size_t len) {
    return sound_read(ctx, address, buffer, len + 1u);
}

static sbs_status read_stops_at_sector(void *ctx, uint32_t address, void *buffer, size_t len) {
    size_t left = SECTOR - address % SECTOR;
    if (len > left) {
        len = left;
    }

    return sound_read(ctx, address, buffer, len);
}

static sbs_status program_aligns(void *ctx, uint32_t address, const void *data, size_t len) {
    const uint8_t *bytes = data;
    return sound_program(ctx, address, bytes - (uintptr_t)bytes % 4u, len);
}

static sbs_status read_after_restart(void *ctx, uint32_t address, void *buffer, size_t len) {
    sbs_status status = sound_read(ctx, address, buffer, len);
    if (memory.was_restarted) {
        memset(buffer, 0xFF, len);
    }

    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

const broken_flash broken_flashes[] = {
    {"the geometry is one that is supported", "two sectors", {0}, has_two_sectors},
    {"the geometry is one that is supported", "a unit that is no power of two", {0}, has_odd_unit},
    {"the geometry is one that is supported", "sectors of 128 bytes", {0}, has_small_sectors},
    {"an erased sector reads as 0xFF to its last byte", "a unit is left", {.erase = erase_is_short}, NULL},
    {"an erased sector reads as 0xFF to its last byte", "it reads as 0", {.erase = erase_to_zero}, NULL},
    {"erase() leaves the neighbours alone", "the one before goes, too", {.erase = erase_takes_two}, NULL},
    {"erase() leaves the neighbours alone", "one fails", {.erase = erase_fails}, NULL},
    {"a single unit is programmed, and its neighbours stay",
     "the next byte, too",
     {.program = program_takes_next},
     NULL},
    {"a whole sector is programmed and read back", "a page wraps", {.program = program_wraps}, NULL},
    {"every value is kept", "the highest bit is lost", {.program = program_drops_bit}, NULL},
    {"each sector is another one",
     "an address line is missing",
     {.read = read_folds, .program = program_folds, .erase = erase_folds},
     NULL},
    {"read() takes any address and length", "words only", {.read = read_of_words}, NULL},
    {"read() takes any address and length", "one byte too many", {.read = read_goes_beyond}, NULL},
    {"read() goes on over the end of a sector", "it stops there", {.read = read_stops_at_sector}, NULL},
    {"data in memory need not be aligned", "its address is rounded", {.program = program_aligns}, NULL},
    {"what was programmed or erased lasts over a restart", "startup clears it", {.read = read_after_restart}, NULL},
};

const size_t broken_flash_count = SBS_COUNT_OF(broken_flashes);

static bool memory_restart(void *ctx) {
    (void)ctx;
    memory.was_restarted = true;
    return true;
}

void broken_flash_make(const broken_flash *how, port_flash *out) {
    memset(&memory, 0, sizeof memory);
    memory.ops = (sbs_flash_ops){sound_read, sound_program, sound_erase};
    if (how != NULL && how->ops.read != NULL) {
        memory.ops.read = how->ops.read;
    }

    if (how != NULL && how->ops.program != NULL) {
        memory.ops.program = how->ops.program;
    }

    if (how != NULL && how->ops.erase != NULL) {
        memory.ops.erase = how->ops.erase;
    }

    *out = (port_flash){
        .flash = {.ops = &memory.ops, .sector_size = SECTOR, .sector_count = SECTORS, .program_unit = UNIT},
        .restart = memory_restart};
    if (how != NULL && how->change != NULL) {
        how->change(&out->flash);
    }
}
