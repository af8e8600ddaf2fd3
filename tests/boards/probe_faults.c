/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to end a program. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_watchdog.h"
#include "sbs/count.h"

#define WATCHDOG_MS 1000u

static void write_null(void) {
    volatile uint32_t *volatile nowhere = NULL;
    *nowhere = 1;
}

static void read_null(void) {
    volatile uint32_t *volatile nowhere = NULL;
    (void)nowhere[2];
}

/* Behind the vectors, whose place is the guard's where flash begins at 0. */
static void write_flash(void) {
    extern uint8_t sbs_ld_flash_start[], sbs_ld_vectors_size[];
    uintptr_t code = (uintptr_t)sbs_ld_flash_start + (uintptr_t)sbs_ld_vectors_size;
    *(volatile uint32_t *)code = 1;
}

static void jump_into_ram(void) {
    static uint16_t code[2] = {0x4770, 0x4770}; /* bx lr */
    void (*volatile run)(void) = (void (*)(void))((uintptr_t)code | 1u);
    run();
}

static void undefined_instruction(void) {
    __asm__ volatile("udf #0");
}

/* Of an RTOS, where none is. */
static void call_kernel(void) {
    __asm__ volatile("svc #0\n\tnop");
}

/* A frame at a time until the stack is used up. */
static void fill_stack(void) {
    __asm__ volatile("1: push {r0-r7}\n\tb 1b");
}

/* One frame that is larger than what is left, written at its far end. */
static void step_over_the_end(void) {
    __asm__ volatile("sub sp, sp, #0x8000\n\tstr r0, [sp]" ::: "memory");
}

static void hang(void) {
    sbs_baremetal_watchdog_start(WATCHDOG_MS);
    for (;;) {
        __asm__ volatile("");
    }
}

/* The watchdog's interrupt cannot help either (where it is one): its second stage has to. */
static void hang_masked(void) {
    sbs_baremetal_watchdog_start(WATCHDOG_MS);
    __asm__ volatile("cpsid i");
    for (;;) {
        __asm__ volatile("");
    }
}

static void wait_ms(uint32_t duration_ms) {
    uint64_t end = sbs_baremetal_ms() + duration_ms;
    while (sbs_baremetal_ms() < end) {
    }
}

/* Works for longer than the watchdog would allow, in its granted time; the granted time ends, and it hangs. */
static void hang_after_grant(void) {
    sbs_baremetal_watchdog_start(WATCHDOG_MS);
    sbs_baremetal_watchdog_grant(3u * WATCHDOG_MS);
    wait_ms(2u * WATCHDOG_MS);
    sbs_baremetal_watchdog_alive();
    sbs_baremetal_print("granted time was enough\n");
    for (int i = 0; i < 8; i++) {
        wait_ms(WATCHDOG_MS / 4u);
        sbs_baremetal_watchdog_alive();
    }
    sbs_baremetal_print("alive was enough\n");
    sbs_baremetal_watchdog_grant(WATCHDOG_MS / 2u);
    for (;;) {
        __asm__ volatile("");
    }
}

static void panic(void) {
    sbs_baremetal_panic("a note that is longer than the place there is for it");
}

static void restart_on_purpose(void) {
    sbs_baremetal_watchdog_start(WATCHDOG_MS);
    sbs_baremetal_restart();
}

void probe_fault(const char *command) {
    static const struct {
        const char *name;
        void (*act)(void);
    } faults[] = {
        {"write-null", write_null},
        {"read-null", read_null},
        {"write-flash", write_flash},
        {"jump-into-ram", jump_into_ram},
        {"undefined", undefined_instruction},
        {"call-kernel", call_kernel},
        {"fill-stack", fill_stack},
        {"step-over", step_over_the_end},
        {"abort", abort},
        {"panic", panic},
        {"hang", hang},
        {"hang-masked", hang_masked},
        {"hang-after-grant", hang_after_grant},
        {"restart", restart_on_purpose},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(faults); i++) {
        if (strcmp(command, faults[i].name) == 0) {
            faults[i].act();
        }
    }
}
