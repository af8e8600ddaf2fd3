/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_storage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "flash_sim.h"
#include "sbs/crc32.h"
#include "sbs/flash_storage.h"
#include "sbs/linux_storage.h"
#include "test.h"
#include "test_folder.h"

#define MEMORY_SIZE (2u * SBS_LINUX_RECORD_MAX + 2u)
#define HEADER_SIZE 12u /* of a record's file */
#define VERSION_AT 4u
#define CRC_AT 8u

static uint8_t memory[MEMORY_SIZE];

/* ---- on flash ---------------------------------------------------------------------------------------------------- */

static struct {
    flash_sim sim;
    sbs_flash_storage storage;
    sbs_storage port;
} on_flash;

static bool flash_restart(void *ctx) {
    (void)ctx;
    flash_sim_boot(&on_flash.sim);
    return sbs_flash_storage_mount(&on_flash.storage, &on_flash.sim.flash) == SBS_OK;
}

/* The value wherever it stands on the flash: the log keeps older ones until their sector's turn comes. */
static bool flash_damage(void *ctx, const char *name) {
    uint8_t value[256];
    size_t len = 0;
    (void)ctx;
    if (on_flash.port.ops->get(on_flash.port.ctx, name, value, sizeof value, &len) != SBS_OK || len == 0) {
        return false;
    }

    bool was_found = false;

    for (uint32_t at = 0; at + len <= on_flash.sim.size; at++) {
        if (memcmp(on_flash.sim.data + at, value, len) == 0) {
            flash_sim_flip(&on_flash.sim, at, 3);
            was_found = true;
        }
    }

    return was_found;
}

static void flash_refuse(void *ctx, bool refuse) {
    (void)ctx;
    on_flash.sim.failing = refuse;
}

static bool flash_set_and_cut(void *ctx, const sbs_storage *storage, const char *name, const uint8_t *data, size_t len,
                              uint32_t step) {
    (void)ctx;
    flash_sim_cut_after(&on_flash.sim, step + 1u, FLASH_SIM_PREFIX, UINT32_MAX);
    if (setjmp(on_flash.sim.power_cut) != 0) {
        return flash_restart(NULL);
    }

    assert_int_equal(storage->ops->set(storage->ctx, name, data, len), SBS_OK);
    on_flash.sim.cut_at = 0;

    return false;
}

void rig_storage_flash_open(port_storage *out) {
    flash_sim_init(&on_flash.sim, 2048, 4, 8, 1);
    assert_true(flash_restart(NULL));
    on_flash.port = sbs_flash_storage_port(&on_flash.storage);
    *out = (port_storage){.storage = on_flash.port,
                          .restart = flash_restart,
                          .damage = flash_damage,
                          .refuse_writes = flash_refuse,
                          .set_and_cut = flash_set_and_cut,
                          .memory = memory,
                          .memory_size = sizeof memory,
                          .largest = sbs_flash_storage_max(&on_flash.storage, SBS_STORAGE_NAME_MAX)};
}

void rig_storage_flash_close(void) {
    flash_sim_free(&on_flash.sim);
}

/* ---- in files ---------------------------------------------------------------------------------------------------- */

static struct {
    char *folder;
    char path[512];
    sbs_linux_storage storage;
    sbs_storage port;
} in_files;

static bool linux_restart(void *ctx) {
    (void)ctx;
    sbs_linux_storage_close(&in_files.storage);
    return sbs_linux_storage_open(&in_files.storage, in_files.folder, &in_files.port) == SBS_OK;
}

static FILE *record_open(const char *name) {
    (void)snprintf(in_files.path, sizeof in_files.path, "%s/%s", in_files.folder, name);
    return fopen(in_files.path, "r+b");
}

static size_t record_read(const char *name, uint8_t *out, size_t size) {
    FILE *file = record_open(name);
    if (file == NULL) {
        return 0;
    }

    size_t len = fread(out, 1, size, file);
    (void)fclose(file);

    return len;
}

static bool record_write(const char *name, const uint8_t *bytes, size_t len) {
    FILE *file = record_open(name);
    if (file == NULL) {
        return false;
    }

    size_t written = fwrite(bytes, 1, len, file);

    return fclose(file) == 0 && written == len;
}

static bool linux_damage(void *ctx, const char *name) {
    uint8_t bytes[512];
    size_t len = record_read(name, bytes, sizeof bytes);
    (void)ctx;
    if (len <= HEADER_SIZE) {
        return false;
    }

    bytes[len - 1] ^= 8u;

    return record_write(name, bytes, len);
}

static bool linux_renew(void *ctx, const char *name) {
    uint8_t bytes[512];
    size_t len = record_read(name, bytes, sizeof bytes);
    (void)ctx;
    if (len <= HEADER_SIZE) {
        return false;
    }

    /* A file of a newer version is whole: its checksum is right. */
    bytes[VERSION_AT]++;
    uint32_t crc = sbs_crc32(sbs_crc32(0, name, strlen(name) + 1u), bytes, CRC_AT);
    crc = sbs_crc32(crc, bytes + HEADER_SIZE, len - HEADER_SIZE);

    for (unsigned i = 0; i < 4u; i++) {
        bytes[CRC_AT + i] = (uint8_t)(crc >> (8u * i));
    }

    return record_write(name, bytes, len);
}

/* No file may grow. */
static void linux_refuse(void *ctx, bool refuse) {
    struct rlimit limit;
    (void)ctx;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = refuse ? 0 : limit.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void rig_storage_linux_open(port_storage *out) {
    in_files.folder = test_folder_make(NULL);
    assert_int_equal(sbs_linux_storage_open(&in_files.storage, in_files.folder, &in_files.port), SBS_OK);
    *out = (port_storage){.storage = in_files.port,
                          .restart = linux_restart,
                          .damage = linux_damage,
                          .renew = linux_renew,
                          .refuse_writes = linux_refuse,
                          .memory = memory,
                          .memory_size = sizeof memory,
                          .largest = SBS_LINUX_RECORD_MAX};
}

void rig_storage_linux_close(void) {
    sbs_linux_storage_close(&in_files.storage);
    test_folder_remove(in_files.folder);
}
