/* SPDX-License-Identifier: Apache-2.0 */
/* The application in one loop, without an operating system. */
#include "program.h"
#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_mbedtls.h"
#include "sbs/baremetal_watchdog.h"

sbs_status program_start_crypto(void) {
    return sbs_mbedtls_init(&sbs_baremetal_allocator);
}

void program_lock_network(void) {
}

void program_unlock_network(void) {
}

void program_put_stacks(sbs_writer *out) {
    (void)out;
}

int main(void) {
    bool network_up;
    program_start(NULL, NULL);
    while (!all.restart) {
        uint32_t network_ms = program_poll_network(sbs_baremetal_now(), &network_up);
        (void)program_feed_console();
        if (all.restart) { /* after a reset nothing may be stored any more */
            break;
        }

        sbs_wait wait = program_poll_meter(network_up);
        sbs_baremetal_watchdog_alive();
        if (network_ms > 0 && wait.timeout_ms > 0) {
            sbs_baremetal_idle(); /* a millisecond at most, so that a frame or a byte does not wait for long */
        }
    }

    sbs_baremetal_restart();
}
