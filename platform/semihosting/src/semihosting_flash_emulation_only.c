/* SPDX-License-Identifier: Apache-2.0 */
/* EMULATION ONLY. A file of the host as NOR flash. */
#include <stdint.h>
#include <string.h>

#include "sbs/semihosting_emulation_only.h"
#include "semihosting_call.h"

#define CHUNK 256u
#define NAME_SIZE 32u

static uint32_t file_size(const sbs_semihosting_flash *file) {
    return file->flash.sector_size * file->flash.sector_count;
}

static bool file_seek(const sbs_semihosting_flash *file, uint32_t address) {
    uint32_t parameters[] = {file->handle, address};

    return semihosting_call(SEMIHOSTING_SEEK, parameters) == 0;
}

static bool is_inside(const sbs_semihosting_flash *file, uint32_t address, size_t len) {
    return address <= file_size(file) && len <= file_size(file) - address;
}

static uint32_t chunk_of(size_t len) {
    return len < CHUNK ? (uint32_t)len : CHUNK;
}

/* Writes @p len erased bytes from @p address on. */
static bool fill_erased(const sbs_semihosting_flash *file, uint32_t address, uint32_t len) {
    uint8_t erased[CHUNK];
    memset(erased, 0xFF, sizeof erased);
    if (!file_seek(file, address)) {
        return false;
    }

    while (len > 0) {
        uint32_t part = chunk_of(len);
        if (!semihosting_write_all(file->handle, erased, part)) {
            return false;
        }
        len -= part;
    }

    return true;
}

static sbs_status flash_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    const sbs_semihosting_flash *file = ctx;
    if (!is_inside(file, address, len) || !file_seek(file, address)) {
        return SBS_ERR_STORAGE;
    }
    if (len > 0 && !semihosting_read_all(file->handle, buffer, (uint32_t)len)) {
        return SBS_ERR_STORAGE;
    }

    return SBS_OK;
}

/* Whether all bytes are erased ones: nothing is programmed twice. */
static bool erased_at(const sbs_semihosting_flash *file, uint32_t address, size_t len) {
    if (!file_seek(file, address)) {
        return false;
    }

    while (len > 0) {
        uint8_t now[CHUNK];
        uint32_t part = chunk_of(len);
        if (!semihosting_read_all(file->handle, now, part)) {
            return false;
        }
        for (uint32_t i = 0; i < part; i++) {
            if (now[i] != 0xFF) {
                return false;
            }
        }
        len -= part;
    }

    return true;
}

static sbs_status flash_program(void *ctx, uint32_t address, const void *data, size_t len) {
    const sbs_semihosting_flash *file = ctx;
    if (!is_inside(file, address, len) || (address | len) % file->flash.program_unit != 0 ||
        !erased_at(file, address, len)) {
        return SBS_ERR_STORAGE;
    }

    /* Looking at it moved the place in the file. */
    if (!file_seek(file, address) || !semihosting_write_all(file->handle, data, (uint32_t)len)) {
        return SBS_ERR_STORAGE;
    }
    return SBS_OK;
}

static sbs_status flash_erase(void *ctx, uint32_t address) {
    const sbs_semihosting_flash *file = ctx;
    uint32_t size = file->flash.sector_size;
    if (address % size != 0 || !is_inside(file, address, size) || !fill_erased(file, address, size)) {
        return SBS_ERR_STORAGE;
    }

    return SBS_OK;
}

static const sbs_flash_ops ops = {flash_read, flash_program, flash_erase};

/* "FOLDER/NAME", or NAME alone. */
static void file_path(const char *name, char out[SBS_SEMIHOSTING_COMMAND_MAX + NAME_SIZE]) {
    (void)sbs_semihosting_argument("flash-dir", out, SBS_SEMIHOSTING_COMMAND_MAX); /* "" if there is none */
    size_t len = strlen(out);
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

    file_path(name, path);
    file->handle = semihosting_open(path, SEMIHOSTING_MODE_UPDATE);
    if (file->handle == SEMIHOSTING_FAILED) {
        file->handle = semihosting_open(path, SEMIHOSTING_MODE_NEW_UPDATE);
    }
    if (file->handle == SEMIHOSTING_FAILED) {
        return false;
    }

    /* A new file is empty, and one may have been left short by an end in the middle of this. */
    uint32_t len = semihosting_call(SEMIHOSTING_FLEN, &file->handle);
    if (len == SEMIHOSTING_FAILED) {
        return false;
    }
    return len >= file_size(file) || fill_erased(file, len, file_size(file) - len);
}

const sbs_flash *sbs_semihosting_flash_once(sbs_semihosting_flash *flash, const char *name, uint32_t sector_size,
                                            uint32_t sector_count, uint32_t program_unit) {
    if (flash->flash.ops != NULL) {
        return &flash->flash;
    }

    flash->flash = (sbs_flash){&ops, flash, sector_size, sector_count, program_unit};
    if (!open_file(flash, name)) {
        flash->flash.ops = NULL;
        return NULL;
    }
    return &flash->flash;
}
