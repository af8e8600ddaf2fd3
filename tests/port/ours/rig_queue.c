/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_queue.h"

#include <string.h>

#include "flash_sim.h"
#include "sbs/flash_queue.h"
#include "sbs/forward_ram.h"
#include "test.h"

static uint8_t memory[4096];

/* ---- on flash ---------------------------------------------------------------------------------------------------- */

static struct {
    flash_sim sim;
    sbs_flash_queue queue;
    sbs_queue port;
} on_flash;

static bool flash_restart(void *ctx) {
    const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    (void)ctx;
    flash_sim_boot(&on_flash.sim);

    return sbs_flash_queue_mount(&on_flash.queue, &on_flash.sim.flash, &config) == SBS_OK;
}

/* The item's bytes wherever they stand: copies of before are settled, or behind the ring's end. */
static bool flash_damage(void *ctx, uint64_t id) {
    uint8_t bytes[64];
    size_t len = 0;
    (void)ctx;
    if (on_flash.port.ops->read(on_flash.port.ctx, id, 0, bytes, sizeof bytes, &len) != SBS_OK || len == 0) {
        return false;
    }

    bool was_found = false;

    for (uint32_t at = 0; at + len <= on_flash.sim.size; at++) {
        if (memcmp(on_flash.sim.data + at, bytes, len) == 0) {
            flash_sim_flip(&on_flash.sim, at, 5);
            was_found = true;
        }
    }

    return was_found;
}

void rig_queue_flash_open(port_queue *out) {
    flash_sim_init(&on_flash.sim, 2048, 4, 8, 1);
    assert_true(flash_restart(NULL));
    on_flash.port = sbs_flash_queue_port(&on_flash.queue);
    *out = (port_queue){.queue = on_flash.port,
                        .restart = flash_restart,
                        .damage = flash_damage,
                        .memory = memory,
                        .memory_size = sizeof memory,
                        .largest = sbs_flash_queue_max(&on_flash.queue),
                        .too_large = on_flash.sim.flash.sector_size,
                        .full_after = on_flash.sim.size / 32u};
}

void rig_queue_flash_close(void) {
    flash_sim_free(&on_flash.sim);
}

/* ---- in RAM ------------------------------------------------------------------------------------------------------ */

static sbs_forward_ram in_ram;

void rig_queue_ram_open(port_queue *out) {
    *out = (port_queue){.queue = sbs_forward_ram_port(&in_ram), .full_after = SBS_FORWARD_RAM_ITEMS};
}

void rig_queue_ram_close(void) {
    sbs_forward_ram_free(&in_ram);
}
