/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "rig_queue.h"
#include "sqlite_rig.h"
#include "test.h"

#define LARGEST 4000u

static uint8_t memory[LARGEST + 1u];

static bool sqlite_restart(void *ctx) {
    (void)ctx;
    return rig_open_again() == SBS_OK;
}

static bool sqlite_damage(void *ctx, uint64_t id) {
    char sql[128];
    (void)ctx;
    (void)snprintf(sql, sizeof sql, "UPDATE sbs_body SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE id = %llu",
                   (unsigned long long)id);
    rig_tamper(sql);

    return true;
}

void rig_queue_sqlite_open(port_queue *out) {
    assert_int_equal(rig_set_up(NULL), 0);
    rig.config.item_max = LARGEST;
    rig.config.items_max = 50;
    rig_reopen();
    *out = (port_queue){.queue = rig.port,
                        .restart = sqlite_restart,
                        .damage = sqlite_damage,
                        .memory = memory,
                        .memory_size = sizeof memory,
                        .largest = LARGEST,
                        .too_large = LARGEST + 1u,
                        .full_after = 50};
}

void rig_queue_sqlite_close(void) {
    assert_int_equal(rig_tear_down(NULL), 0);
}
