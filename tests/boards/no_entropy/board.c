/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that sbs/board.h asks for but sbs_board_entropy(); it is linked and never run. */
#include "sbs/board.h"

#include "sbs/baremetal_vectors.h"
#include "sbs/cortex_m.h"

SBS_BOARD_INTERRUPTS = {[0] = sbs_baremetal_unexpected};

void sbs_board_init(void) {
}

uint32_t sbs_board_systick_hz(void) {
    return 48000000u;
}

const sbs_ethernet *sbs_board_ethernet(void) {
    return NULL;
}

const sbs_flash *sbs_board_storage_flash(void) {
    return NULL;
}

const sbs_flash *sbs_board_queue_flash(void) {
    return NULL;
}

int sbs_board_console_read(void) {
    return -1;
}

void sbs_board_console_write(const char *text, size_t len) {
    (void)text, (void)len;
}

void sbs_board_watchdog_start(uint32_t timeout_ms) {
    (void)timeout_ms;
}

void sbs_board_watchdog_feed(void) {
}

void sbs_board_reset(void) {
    sbs_cortex_m_reset();
}

void sbs_board_exit(int status) {
    (void)status;
    sbs_cortex_m_reset();
}
