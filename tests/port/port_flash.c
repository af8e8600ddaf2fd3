/* SPDX-License-Identifier: Apache-2.0 */
/* What port/include/sbs/flash.h promises. The suite itself keeps its rules: each unit is programmed once between
 * erases. */
#include <string.h>

#include "port_report.h"

#define BLOCK 256u /* bytes at a time: the smallest sector, and a multiple of every unit */
#define UNIT_MAX 32u
#define ERASED 0xFFu
#define GUARD 0xC3u

/* ---- calls that most checks make --------------------------------------------------------------------------------- */

static uint32_t sector_at(const port_flash *port, uint32_t sector) {
    return sector * port->flash.sector_size;
}

static uint32_t smaller_of(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* The last block of a sector is not the first. */
static bool has_two_blocks(const port_flash *port) {
    return port->flash.sector_size >= 2u * BLOCK;
}

/* Where it begins. */
static uint32_t last_block(const port_flash *port, uint32_t sector) {
    return sector_at(port, sector) + port->flash.sector_size - BLOCK;
}

static bool flash_erase(port_report *report, const port_flash *port, uint32_t sector) {
    sbs_status status = port->flash.ops->erase(port->flash.ctx, sector_at(port, sector));
    return port_expect_status(report, "erase() of a sector", status, SBS_OK);
}

static bool flash_program(port_report *report, const port_flash *port, uint32_t address, const void *data, size_t len) {
    sbs_status status = port->flash.ops->program(port->flash.ctx, address, data, len);
    return port_expect_status(report, "program() of erased units", status, SBS_OK);
}

static bool flash_read(port_report *report, const port_flash *port, uint32_t address, void *buffer, size_t len) {
    sbs_status status = port->flash.ops->read(port->flash.ctx, address, buffer, len);
    return port_expect_status(report, "read()", status, SBS_OK);
}

static bool flash_holds(port_report *report, const port_flash *port, const char *doing, uint32_t address,
                        const void *data, size_t len) {
    uint8_t got[BLOCK];
    memset(got, (int)GUARD, sizeof got);
    return flash_read(report, port, address, got, len) && port_expect_bytes(report, doing, got, data, len);
}

/* All bytes of a sector are erased ones from @p offset on. */
static bool sector_is_erased(port_report *report, const port_flash *port, uint32_t sector, uint32_t offset) {
    uint8_t erased[BLOCK];
    memset(erased, (int)ERASED, sizeof erased);

    for (uint32_t at = offset; at < port->flash.sector_size; at += BLOCK - at % BLOCK) {
        uint32_t len = smaller_of(BLOCK - at % BLOCK, port->flash.sector_size - at);
        if (!flash_holds(report, port, "bytes that nobody programmed since the erase", sector_at(port, sector) + at,
                         erased, len)) {
            return false;
        }
    }

    return true;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static void flash_geometry(port_report *report, const void *context) {
    const port_flash *port = context;
    uint32_t unit = port->flash.program_unit;
    uint32_t size = port->flash.sector_size;

    (void)(port_expect(report, "sbs_flash.sector_size", size >= 256u && size <= 65536u, "256 to 65536 bytes",
                       "another size") &&
           port_expect(report, "sbs_flash.sector_count", port->flash.sector_count >= 3u, "3 sectors or more",
                       "fewer") &&
           port_expect(report, "sbs_flash.program_unit", unit >= 1u && unit <= UNIT_MAX && (unit & (unit - 1u)) == 0,
                       "1, 2, 4, 8, 16 or 32 bytes", "another size") &&
           port_expect_number(report, "sector_size modulo program_unit", size % unit, 0));
}

static void flash_erases(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[BLOCK];
    uint32_t last = port->flash.sector_count - 1u;
    memset(data, 0, sizeof data);

    /* The whole sector, to its last unit: what programming cleared is set again. */
    const uint32_t sectors[] = {0, last};

    for (size_t i = 0; i < SBS_COUNT_OF(sectors); i++) {
        uint32_t sector = sectors[i];
        if (!flash_erase(report, port, sector) || !flash_program(report, port, sector_at(port, sector), data, BLOCK) ||
            (has_two_blocks(port) && !flash_program(report, port, last_block(port, sector), data, BLOCK)) ||
            !flash_erase(report, port, sector) || !sector_is_erased(report, port, sector, 0)) {
            return;
        }
    }
}

static void flash_erases_one(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[BLOCK];
    port_fill(data, sizeof data, 1);

    /* Something at both ends of three sectors, of which the middle one goes. */
    for (uint32_t sector = 0; sector < 3; sector++) {
        if (!flash_erase(report, port, sector) || !flash_program(report, port, sector_at(port, sector), data, BLOCK) ||
            (has_two_blocks(port) && !flash_program(report, port, last_block(port, sector), data, BLOCK))) {
            return;
        }
    }

    if (!flash_erase(report, port, 1)) {
        return;
    }

    for (uint32_t sector = 0; sector < 3; sector += 2) {
        if (!flash_holds(report, port, "the first bytes of a neighbour", sector_at(port, sector), data, BLOCK) ||
            (has_two_blocks(port) &&
             !flash_holds(report, port, "the last bytes of a neighbour", last_block(port, sector), data, BLOCK))) {
            return;
        }
    }
}

static void flash_programs_unit(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[UNIT_MAX];
    uint32_t unit = port->flash.program_unit;
    if (!flash_erase(report, port, 0)) {
        return;
    }

    /* One after the other, each alone: the one before is as it was, and what follows is erased. */
    for (uint32_t at = 0; at < 4u * UNIT_MAX; at += unit) {
        port_fill(data, unit, at);
        if (!flash_program(report, port, at, data, unit)) {
            return;
        }
    }

    for (uint32_t at = 0; at < 4u * UNIT_MAX; at += unit) {
        port_fill(data, unit, at);
        if (!flash_holds(report, port, "a unit that was programmed alone", at, data, unit)) {
            return;
        }
    }

    (void)sector_is_erased(report, port, 0, 4u * UNIT_MAX);
}

static void flash_programs_sector(port_report *report, const void *context) {
    const port_flash *port = context;
    uint32_t last = port->flash.sector_count - 1u;
    uint8_t data[BLOCK];
    if (!flash_erase(report, port, last)) {
        return;
    }

    /* To the last byte of the region; the last block may be shorter. */
    uint32_t size = port->flash.sector_size;

    for (uint32_t at = 0; at < size; at += BLOCK) {
        uint32_t len = smaller_of(size - at, BLOCK);
        port_fill(data, len, at);
        if (!flash_program(report, port, sector_at(port, last) + at, data, len)) {
            return;
        }
    }

    for (uint32_t at = 0; at < size; at += BLOCK) {
        uint32_t len = smaller_of(size - at, BLOCK);
        port_fill(data, len, at);
        if (!flash_holds(report, port, "a sector that was programmed whole", sector_at(port, last) + at, data, len)) {
            return;
        }
    }
}

static void flash_values(port_report *report, const void *context) {
    static const uint8_t values[] = {0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80};
    const port_flash *port = context;
    uint8_t data[UNIT_MAX];
    if (!flash_erase(report, port, 0)) {
        return;
    }

    for (uint32_t i = 0; i < SBS_COUNT_OF(values); i++) {
        memset(data, values[i], sizeof data);
        if (!flash_program(report, port, i * UNIT_MAX, data, UNIT_MAX) ||
            !flash_holds(report, port, "a unit of one value", i * UNIT_MAX, data, UNIT_MAX)) {
            return;
        }
    }
}

static void flash_sectors_differ(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[UNIT_MAX];
    /* All are written before any is read: one that shows in two places has the later value. */
    for (uint32_t sector = 0; sector < port->flash.sector_count; sector++) {
        port_fill(data, UNIT_MAX, sector + 3u);
        if (!flash_erase(report, port, sector) ||
            !flash_program(report, port, sector_at(port, sector), data, UNIT_MAX)) {
            return;
        }
    }

    for (uint32_t sector = 0; sector < port->flash.sector_count; sector++) {
        port_fill(data, UNIT_MAX, sector + 3u);
        if (!flash_holds(report, port, "what was written into each sector", sector_at(port, sector), data, UNIT_MAX)) {
            return;
        }
    }
}

static void flash_reads_anywhere(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[BLOCK], got[BLOCK];
    port_fill(data, sizeof data, 5);
    if (!flash_erase(report, port, 0) || !flash_program(report, port, 0, data, BLOCK)) {
        return;
    }

    /* Each place within a word or page buffer, and lengths that end at another. */
    for (uint32_t at = 0; at < 40u; at++) {
        for (uint32_t len = 1; len < 80u; len += 13u) {
            memset(got, (int)GUARD, sizeof got);
            if (!flash_read(report, port, at, got, len) ||
                !port_expect_bytes(report, "a read at any address, of any length", got, data + at, len) ||
                !port_expect_number(report, "the byte behind the buffer of read()", got[len], GUARD)) {
                return;
            }
        }
    }
}

static void flash_reads_over_sectors(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[2u * UNIT_MAX];
    uint32_t border = sector_at(port, 1);
    port_fill(data, sizeof data, 6);

    if (flash_erase(report, port, 0) && flash_erase(report, port, 1) &&
        flash_program(report, port, border - UNIT_MAX, data, UNIT_MAX) &&
        flash_program(report, port, border, data + UNIT_MAX, UNIT_MAX)) {
        (void)flash_holds(report, port, "a read over the end of a sector", border - UNIT_MAX, data, sizeof data);
    }
}

static void flash_any_pointer(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[UNIT_MAX + 8u], got[UNIT_MAX + 8u];
    port_fill(data, sizeof data, 8);
    if (!flash_erase(report, port, 0)) {
        return;
    }

    /* Drivers that program words read them from memory that need not be aligned. */
    for (uint32_t shift = 0; shift < 8u; shift++) {
        if (!flash_program(report, port, shift * UNIT_MAX, data + shift, UNIT_MAX) ||
            !flash_read(report, port, shift * UNIT_MAX, got + shift, UNIT_MAX) ||
            !port_expect_bytes(report, "data at an address that is not aligned", got + shift, data + shift, UNIT_MAX)) {
            return;
        }
    }
}

static void flash_lasts(port_report *report, const void *context) {
    const port_flash *port = context;
    uint8_t data[BLOCK];
    if (port->restart == NULL) {
        port_missing(report, "port_flash.restart");
        return;
    }

    port_fill(data, sizeof data, 9);
    if (flash_erase(report, port, 0) && flash_erase(report, port, 1) && flash_program(report, port, 0, data, BLOCK) &&
        port_expect(report, "port_flash.restart", port->restart(port->ctx), "true", "false") &&
        flash_holds(report, port, "what was programmed before the restart", 0, data, BLOCK)) {
        (void)sector_is_erased(report, port, 1, 0);
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const port_check flash_checks[] = {
    {"the geometry is one that is supported",
     "flash.h: \"bytes, 256 to 65536\", \"at least 3\", \"1, 2, 4, 8, 16 or 32\"",
     "sbs_flash.sector_size, sector_count and program_unit; several erase blocks may be one sector", flash_geometry},
    {"an erased sector reads as 0xFF to its last byte", "flash.h: \"Erased bytes read as 0xFF\"",
     "the erase block of the chip: is it as large as sector_size? is a cache behind it?", flash_erases},
    {"erase() leaves the neighbours alone", "flash.h, erase: \"Erases the sector that starts at address\"",
     "the erase block of the chip: is it larger than sector_size?", flash_erases_one},
    {"a single unit is programmed, and its neighbours stay", "flash.h: \"All others are untouched\"",
     "is the unit of the chip larger than program_unit? does a page buffer keep old bytes?", flash_programs_unit},
    {"a whole sector is programmed and read back", "flash.h, program: \"Returns when done\"",
     "the end of a page within program(), and whether it waits until the chip is ready", flash_programs_sector},
    {"every value is kept", "flash.h: \"programming clears bits\"",
     "the byte that differs: inverted, skipped because it is 0xFF, or in another order?", flash_values},
    {"each sector is another one", "flash.h: \"Addresses are offsets from the start of the region\"",
     "how an offset becomes an address of the chip: address lines, a base that is added twice or not at all",
     flash_sectors_differ},
    {"read() takes any address and length", "flash.h, read: \"Reads len bytes\"",
     "reads of words: their first and last bytes, and what is written behind the buffer", flash_reads_anywhere},
    {"read() goes on over the end of a sector", "flash.h, read: \"Reads len bytes\"",
     "a read that is cut at the end of a sector or page", flash_reads_over_sectors},
    {"data in memory need not be aligned", "flash.h, program and read: \"const void *data\", \"void *buffer\"",
     "a cast of data or buffer to a pointer to words; DMA that drops the low bits of an address", flash_any_pointer},
    {"what was programmed or erased lasts over a restart", "flash.h, program: \"Returns when done\"",
     "a cache that is written later, or a region that startup code clears", flash_lasts},
};

unsigned port_suite_flash(const port_suite *suite, const port_flash *port) {
    return port_report_run(suite, "flash", flash_checks, SBS_COUNT_OF(flash_checks), port);
}
