/* SPDX-License-Identifier: Apache-2.0 */
/* usage: superloop FHIR_BASE CLIENT_ID KEY.pem CA.pem FLASH COUNT
 * The board of superloop.c on Linux: measures COUNT times, and ends when nothing waits or nothing goes. FLASH is a file
 * that keeps the rules of flash, so a second run goes on where the first one was killed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sbs/flash_storage.h"
#include "sbs/linux.h"
#include "superloop.h"

#define SECTOR 4096u
#define STORAGE_SECTORS 3u
#define QUEUE_SECTORS 5u
#define SENSOR_MS 50u /* between two values */

/* A region of the file. */
typedef struct region {
    sbs_flash flash;
    uint32_t start;
} region;

static struct {
    sbs_linux_platform platform;
    int file;
    region storage, queue;
    sbs_flash_storage records;
    int left;  /* values that the sensor still gives */
    bool down; /* the engine said that everything has to wait */
    uint64_t next_ms;
} host;

/* ---- flash: erased bytes are 0xFF, and an erased byte is programmed once ----------------------------------------- */

static off_t place(const region *of, uint32_t address) {
    return (off_t)of->start + (off_t)address;
}

static sbs_status write_at(const region *of, uint32_t address, const void *data, size_t len) {
    if (pwrite(host.file, data, len, place(of, address)) != (ssize_t)len) {
        return SBS_ERR_STORAGE;
    }
    return SBS_OK;
}

static sbs_status flash_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    off_t at = place(ctx, address);

    if (pread(host.file, buffer, len, at) != (ssize_t)len) {
        return SBS_ERR_STORAGE;
    }
    return SBS_OK;
}

static sbs_status flash_program(void *ctx, uint32_t address, const void *data, size_t len) {
    uint8_t before[SECTOR];

    if (len > sizeof before || flash_read(ctx, address, before, len) != SBS_OK) {
        return SBS_ERR_STORAGE;
    }
    for (size_t i = 0; i < len; i++) {
        if (before[i] != 0xFF) {
            return SBS_ERR_STORAGE; /* programmed twice */
        }
    }

    return write_at(ctx, address, data, len);
}

static sbs_status flash_erase(void *ctx, uint32_t address) {
    uint8_t blank[SECTOR];

    memset(blank, 0xFF, sizeof blank);
    return write_at(ctx, address, blank, sizeof blank);
}

static void make_region(region *out, uint32_t first, uint32_t count) {
    static const sbs_flash_ops ops = {flash_read, flash_program, flash_erase};
    *out = (region){
        .flash = {.ops = &ops, .ctx = out, .sector_size = SECTOR, .sector_count = count, .program_unit = 4},
        .start = first * SECTOR,
    };
}

static bool open_flash(const char *path) {
    make_region(&host.storage, 0, STORAGE_SECTORS);
    make_region(&host.queue, STORAGE_SECTORS, QUEUE_SECTORS);

    host.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (host.file < 0) {
        return false;
    }
    if (lseek(host.file, 0, SEEK_END) > 0) {
        return true; /* of an earlier run */
    }

    for (uint32_t i = 0; i < STORAGE_SECTORS + QUEUE_SECTORS; i++) {
        if (flash_erase(&host.storage, i * SECTOR) != SBS_OK) {
            return false;
        }
    }
    return true;
}

/* ---- the board -------------------------------------------------------------------------------------------------- */

sbs_now board_now(void) {
    return sbs_linux_now();
}

bool board_measured(int32_t *out_centicelsius) {
    if (host.left == 0 || sbs_linux_now().mono_ms < host.next_ms) {
        return false;
    }

    host.left--;
    host.next_ms = sbs_linux_now().mono_ms + SENSOR_MS;
    *out_centicelsius = 3650 + host.left;
    return true;
}

void board_watchdog_feed(void) {
    (void)alarm(10); /* ends the process, as a watchdog resets a chip */
}

void board_sleep(const sbs_wait *wait) {
    sbs_wait shorter = *wait;

    if (shorter.timeout_ms > SENSOR_MS) {
        shorter.timeout_ms = SENSOR_MS; /* the sensor has no interrupt here */
    }
    (void)sbs_linux_wait(&shorter);
}

void board_tell(const char *what, const char *why) {
    printf("%s: %s\n", what, why);
}

bool board_start(int argc, char **argv, superloop_settings *out_settings) {
    if (argc != 7 || sbs_linux_platform_open(&host.platform, argv[3], argv[4]) != SBS_OK || !open_flash(argv[5]) ||
        sbs_flash_storage_mount(&host.records, &host.storage.flash) != SBS_OK) {
        fputs("usage: superloop FHIR_BASE CLIENT_ID KEY.pem CA.pem FLASH COUNT, files that can be read\n", stderr);
        return false;
    }

    host.left = atoi(argv[6]);
    *out_settings = (superloop_settings){
        .fhir_base = argv[1],
        .client_id = argv[2],
        .key = host.platform.key,
        .stream = host.platform.stream,
        .storage = sbs_flash_storage_port(&host.records),
        .queue_flash = &host.queue.flash,
    };
    return true;
}

bool board_goes_on(uint32_t waiting, const sbs_push_event *event) {
    host.down = host.down || event->kind == SBS_PUSH_WAITING || event->kind == SBS_PUSH_PAUSED;

    if (host.left > 0 || (waiting > 0 && !host.down)) {
        return true;
    }
    printf("%u waiting\n", (unsigned)waiting);
    return false;
}
