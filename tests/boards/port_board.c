/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance suite of ports (tests/port) on a board: its flash, storage and queue on it, and a key of PSA. Erases
 * the whole region of the queue. An example of a program that runs the suite without an operating system. */
#include "port_suite.h"
#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_mbedtls.h"
#include "sbs/baremetal_print.h"
#include "sbs/board.h"
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"
#include "sbs/psa_key.h"

#define SECTORS 3u /* enough for a log, and soon full */

static uint8_t memory[9000];
static sbs_flash region;
static sbs_flash_queue queue;
static sbs_flash_storage storage;

static void board_say(const char *line) {
    sbs_baremetal_print("%s\n", line);
}

static void board_wait(const sbs_wait *wait) {
    (void)wait;
    sbs_baremetal_idle();
}

static bool region_erase(void) {
    for (uint32_t i = 0; i < region.sector_count; i++) {
        if (region.ops->erase(region.ctx, i * region.sector_size) != SBS_OK) {
            return false;
        }
    }
    return true;
}

static bool queue_mount(void *ctx) {
    const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    (void)ctx;
    return sbs_flash_queue_mount(&queue, &region, &config) == SBS_OK;
}

static bool storage_mount(void *ctx) {
    (void)ctx;
    return sbs_flash_storage_mount(&storage, &region) == SBS_OK;
}

static unsigned check_queue(const port_suite *suite) {
    if (!region_erase() || !queue_mount(NULL)) {
        board_say("FAILED: no queue could be made");
        return 1;
    }

    port_queue port = {.queue = sbs_flash_queue_port(&queue),
                       .restart = queue_mount,
                       .memory = memory,
                       .memory_size = sizeof memory,
                       .largest = sbs_flash_queue_max(&queue),
                       .too_large = region.sector_size,
                       .full_after = region.sector_size * SECTORS / 32u};
    return port_suite_queue(suite, &port);
}

static unsigned check_storage(const port_suite *suite) {
    if (!region_erase() || !storage_mount(NULL)) {
        board_say("FAILED: no storage could be made");
        return 1;
    }

    port_storage port = {.storage = sbs_flash_storage_port(&storage),
                         .restart = storage_mount,
                         .memory = memory,
                         .memory_size = sizeof memory,
                         .largest = sbs_flash_storage_max(&storage, SBS_STORAGE_NAME_MAX)};
    return port_suite_storage(suite, &port);
}

static unsigned check_key(const port_suite *suite) {
    sbs_psa_key psa;
    sbs_key key;
    psa_key_id_t id;
    if (sbs_mbedtls_init(&sbs_baremetal_allocator) != SBS_OK ||
        sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &id) != SBS_OK) {
        board_say("FAILED: no key could be made");
        return 1;
    }

    sbs_psa_key_init(&psa, id, &key);
    return port_suite_key(suite, &key);
}

int main(void) {
    const port_suite suite = {.say = board_say, .now = sbs_baremetal_now, .wait = board_wait};
    const sbs_flash *flash = sbs_board_queue_flash();
    if (flash == NULL) {
        board_say("FAILED: no flash");
        return 1;
    }

    port_flash port = {.flash = *flash};
    unsigned failures = port_suite_flash(&suite, &port);

    region = *flash;
    region.sector_count = SECTORS;
    failures += check_queue(&suite);
    failures += check_storage(&suite);
    failures += check_key(&suite);
    return failures == 0 ? 0 : 1;
}
