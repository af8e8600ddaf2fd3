/* SPDX-License-Identifier: Apache-2.0 */
/* EMULATION ONLY. A file of the host as NOR flash. */
#include <stdint.h>
#include <string.h>

#include "sbs/semihosting_emulation_only.h"
#include "semihosting_call.h"

#define CHUNK 256u
#define NAME_SIZE 32u

static uint32_t size_of(const sbs_semihosting_flash *file) {
    return file->flash.sector_size * file->flash.sector_count;
}

static bool seek(const sbs_semihosting_flash *file, uint32_t address) {
    const uint32_t parameters[2] = {file->handle, address};
    return semihosting_call(SEMIHOSTING_SEEK, parameters) == 0;
}

static bool inside(const sbs_semihosting_flash *file, uint32_t address, size_t len) {
    return address <= size_of(file) && len <= size_of(file) - address;
}

/* Writes @p len erased bytes from @p address on. */
static bool fill(const sbs_semihosting_flash *file, uint32_t address, uint32_t len) {
    uint8_t erased[CHUNK];
    memset(erased, 0xFF, sizeof erased);
    if (!seek(file, address)) {
        return false;
    }
    while (len > 0) {
        uint32_t part = len < CHUNK ? len : CHUNK;
        if (!semihosting_write_all(file->handle, erased, part)) {
            return false;
        }
        len -= part;
    }
    return true;
}

static sbs_status flash_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    const sbs_semihosting_flash *file = ctx;
    bool done = inside(file, address, len) && seek(file, address) &&
                (len == 0 || semihosting_read_all(file->handle, buffer, (uint32_t)len));
    return done ? SBS_OK : SBS_ERR_STORAGE;
}

static bool erased_at(const sbs_semihosting_flash *file, uint32_t address, size_t len) {
    uint8_t now[CHUNK];
    bool erased = seek(file, address);
    while (erased && len > 0) {
        uint32_t part = len < CHUNK ? (uint32_t)len : CHUNK;
        erased = semihosting_read_all(file->handle, now, part) != 0;
        for (uint32_t i = 0; erased && i < part; i++) {
            erased = now[i] == 0xFF;
        }
        len -= part;
    }
    return erased;
}

static sbs_status flash_program(void *ctx, uint32_t address, const void *data, size_t len) {
    const sbs_semihosting_flash *file = ctx;
    bool done = inside(file, address, len) && (address | len) % file->flash.program_unit == 0 &&
                erased_at(file, address, len) && seek(file, address) &&
                semihosting_write_all(file->handle, data, (uint32_t)len);
    return done ? SBS_OK : SBS_ERR_STORAGE;
}

static sbs_status flash_erase(void *ctx, uint32_t address) {
    const sbs_semihosting_flash *file = ctx;
    bool done = address % file->flash.sector_size == 0 && inside(file, address, file->flash.sector_size) &&
                fill(file, address, file->flash.sector_size);
    return done ? SBS_OK : SBS_ERR_STORAGE;
}

static const sbs_flash_ops ops = {flash_read, flash_program, flash_erase};

/* "FOLDER/NAME", or NAME alone. */
static void path_of(const char *name, char out[SBS_SEMIHOSTING_COMMAND_MAX + NAME_SIZE]) {
    size_t len = sbs_semihosting_argument("flash-dir", out, SBS_SEMIHOSTING_COMMAND_MAX) ? strlen(out) : 0;
    if (len > 0) {
        out[len++] = '/';
    }
    memcpy(out + len, name, strlen(name) + 1u);
}

static bool open_file(sbs_semihosting_flash *file, const char *name) {
    char path[SBS_SEMIHOSTING_COMMAND_MAX + NAME_SIZE];
    if (strlen(name) + 2u > NAME_SIZE) {
        return false;
    }
    path_of(name, path);
    file->handle = semihosting_open(path, SEMIHOSTING_MODE_UPDATE);
    if (file->handle == SEMIHOSTING_FAILED) {
        file->handle = semihosting_open(path, SEMIHOSTING_MODE_NEW_UPDATE);
    }
    if (file->handle == SEMIHOSTING_FAILED) {
        return false;
    }
    /* A new file is empty, and one may have been left short by an end in the middle of this. */
    uint32_t len = semihosting_call(SEMIHOSTING_FLEN, &file->handle);
    return len != SEMIHOSTING_FAILED && (len >= size_of(file) || fill(file, len, size_of(file) - len));
}

const sbs_flash *sbs_semihosting_flash_once(sbs_semihosting_flash *flash, const char *name, uint32_t sector_size,
                                            uint32_t sector_count, uint32_t program_unit) {
    if (flash->flash.ops == NULL) {
        flash->flash = (sbs_flash){&ops, flash, sector_size, sector_count, program_unit};
        if (!open_file(flash, name)) {
            flash->flash.ops = NULL;
            return NULL;
        }
    }
    return &flash->flash;
}
