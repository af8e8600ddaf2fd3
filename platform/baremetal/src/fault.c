/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "baremetal_internal.h"
#include "baremetal_ld.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_rtos.h"
#include "sbs/baremetal_vectors.h"
#include "sbs/board.h"
#include "sbs/cortex_m.h"
#include "sbs/count.h"

#define STATE_RUNNING 0x52756E21u /* the watchdog does not run */
#define STATE_WATCHED 0x57617463u /* it runs: whatever ends the program unseen is the watchdog */
#define STATE_WRITTEN 0x4C617374u /* a last word was written */

#define CFSR_MSTKERR (1u << 4)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_BFARVALID (1u << 15)
#define CFSR_MEMORY 0x000000FFu
#define CFSR_BUS 0x0000FF00u
#define CFSR_USAGE 0xFFFF0000u
#define EXCEPTION_NMI 2u
#define FRAME_LR 5u
#define FRAME_PC 6u
#define FRAME_WORDS 8u

/* After power-on this is anything, so it counts only with its checksum. */
typedef struct last_word {
    uint32_t state;
    sbs_crash fault;
    uint32_t checksum;
} last_word;

__attribute__((section(".noinit"))) static last_word kept;
static sbs_crash last;

static uint32_t checksum_of(const last_word *word) {
    const uint8_t *bytes = (const uint8_t *)word;
    uint32_t sum = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < offsetof(last_word, checksum); i++) {
        sum = (sum ^ bytes[i]) * 16777619u;
    }

    return sum;
}

static void keep_word(uint32_t state, const sbs_crash *fault) {
    memset(&kept, 0, sizeof kept); /* the checksum covers what lies between the fields */

    kept.state = state;
    if (fault != NULL) {
        kept.fault = *fault;
    }
    kept.checksum = checksum_of(&kept);
}

void sbs_baremetal_fault_start(void) {
    if (kept.checksum == checksum_of(&kept)) {
        /* A watchdog leaves no word: that it ran, and that nothing was written, is its trace. */
        if (kept.state == STATE_WRITTEN) {
            last = kept.fault;
            last.note[sizeof last.note - 1u] = '\0';
        } else if (kept.state == STATE_WATCHED) {
            last.kind = SBS_CRASH_WATCHDOG;
        }
    }

    keep_word(STATE_RUNNING, NULL);
}

void sbs_baremetal_fault_watchdog_started(void) {
    keep_word(STATE_WATCHED, NULL);
}

const sbs_crash *sbs_baremetal_last_fault(void) {
    return last.kind == SBS_CRASH_NONE ? NULL : &last;
}

_Noreturn void sbs_baremetal_restart(void) {
    keep_word(STATE_RUNNING, NULL);
    sbs_board_reset();
}

_Noreturn static void end_program(sbs_crash *fault) {
    /* The clock is read as it is: nobody counts any more. */
    fault->uptime_ms = sbs_baremetal_ms_now();

    keep_word(STATE_WRITTEN, fault);
    sbs_board_reset();
}

/* The kind of a fault by its status registers. */
static sbs_crash_kind fault_kind(uint32_t cfsr, uint32_t address) {
    /* The guard lies where the stack would grow to. */
    uint32_t guard_end = (uint32_t)(uintptr_t)sbs_ld_ram_start;
    if ((cfsr & CFSR_MSTKERR) != 0 || (address < guard_end && address >= guard_end - SBS_STACK_GUARD_SIZE)) {
        return SBS_CRASH_STACK;
    }

    if ((cfsr & CFSR_MEMORY) != 0) {
        return SBS_CRASH_MEMORY;
    }
    if ((cfsr & CFSR_BUS) != 0) {
        return SBS_CRASH_BUS;
    }
    if ((cfsr & CFSR_USAGE) != 0) {
        return SBS_CRASH_USAGE;
    }

    return SBS_CRASH_HARD;
}

static uint32_t fault_address(uint32_t cfsr) {
    if ((cfsr & CFSR_MMARVALID) != 0) {
        return SBS_SCB_MMFAR;
    }
    if ((cfsr & CFSR_BFARVALID) != 0) {
        return SBS_SCB_BFAR;
    }

    return 0;
}

/* From the entries below. @p frame: what the core pushed, if it could. */
__attribute__((used)) _Noreturn static void exception_ended_program(const uint32_t *frame, uint32_t exception,
                                                                    sbs_crash_kind kind) {
    sbs_crash fault = {.kind = kind, .exception = exception};

    if (kind == SBS_CRASH_HARD) {
        fault.cfsr = SBS_SCB_CFSR;
        fault.address = fault_address(fault.cfsr);
        fault.kind = fault_kind(fault.cfsr, fault.address);
    }

    /* A frame that is not in RAM, where the stacks are, is not read: that would be the next fault. */
    uintptr_t ram = (uintptr_t)sbs_ld_ram_start;
    uintptr_t last_frame = ram + (uintptr_t)sbs_ld_ram_size - FRAME_WORDS * sizeof(uint32_t);
    if ((uintptr_t)frame >= ram && (uintptr_t)frame <= last_frame && (fault.cfsr & CFSR_MSTKERR) == 0) {
        fault.lr = frame[FRAME_LR];
        fault.pc = frame[FRAME_PC];
    }

    end_program(&fault);
}

/*
 * What ends the program comes here. With little or no stack left, its upper end is used again: nobody returns. The
 * frame lies at the lower end then; that of an RTOS's task on the task's own stack (ARM DDI 0403E B1.5.8).
 */
#define FAULT_ENTRY(kind)                                                                                              \
    __asm__ volatile("tst lr, #4\n\t"                                                                                  \
                     "ite eq\n\t"                                                                                      \
                     "mrseq r0, msp\n\t"                                                                               \
                     "mrsne r0, psp\n\t"                                                                               \
                     "mov r3, sp\n\t"                                                                                  \
                     "ldr r2, =sbs_ld_stack_bottom + 512\n\t"                                                          \
                     "cmp r3, r2\n\t"                                                                                  \
                     "itt lo\n\t"                                                                                      \
                     "ldrlo r2, =sbs_ld_stack_top\n\t"                                                                 \
                     "movlo sp, r2\n\t"                                                                                \
                     "mrs r1, ipsr\n\t"                                                                                \
                     "movs r2, %0\n\t"                                                                                 \
                     "b exception_ended_program" ::"i"(kind))

__attribute__((naked)) void sbs_baremetal_fault(void) {
    FAULT_ENTRY(SBS_CRASH_HARD);
}

__attribute__((naked, used)) void sbs_baremetal_unexpected(void) {
    FAULT_ENTRY(SBS_CRASH_INTERRUPT);
}

/* Who is forgiven goes on where he was. With little stack left nobody is asked: the question needs some. */
__attribute__((naked)) void sbs_baremetal_watchdog_expired(void) {
    __asm__ volatile("mov r3, sp\n\t"
                     "ldr r2, =sbs_ld_stack_bottom + 512\n\t"
                     "cmp r3, r2\n\t"
                     "blo 1f\n\t"
                     "push {r3, lr}\n\t"
                     "bl sbs_baremetal_watchdog_forgives\n\t"
                     "pop {r3, lr}\n\t"
                     "cbz r0, 1f\n\t"
                     "bx lr\n\t"
                     "1:");
    FAULT_ENTRY(SBS_CRASH_WATCHDOG);
}

/* An RTOS has its own. */
__attribute__((naked, weak)) void sbs_baremetal_svcall(void) {
    __asm__ volatile("b sbs_baremetal_unexpected");
}

__attribute__((naked, weak)) void sbs_baremetal_pendsv(void) {
    __asm__ volatile("b sbs_baremetal_unexpected");
}

_Noreturn static void end_with_note(sbs_crash_kind kind, const char *note, void *caller) {
    sbs_crash fault = {.kind = kind, .pc = (uint32_t)(uintptr_t)caller};

    for (size_t i = 0; i + 1u < sizeof fault.note && note[i] != '\0'; i++) {
        fault.note[i] = note[i];
    }

    end_program(&fault);
}

_Noreturn void sbs_baremetal_panic(const char *note) {
    end_with_note(SBS_CRASH_PANIC, note, __builtin_return_address(0));
}

/* The C library's. */
_Noreturn void abort(void) {
    end_with_note(SBS_CRASH_ABORT, "", __builtin_return_address(0));
}

/* newlib's assert() ends here; the line can be told from pc. */
_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expression);
_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expression) {
    (void)line;
    (void)function;
    (void)expression;

    const char *slash = strrchr(file, '/');
    if (slash != NULL) {
        file = slash + 1;
    }
    end_with_note(SBS_CRASH_ASSERT, file, __builtin_return_address(0));
}

const char *sbs_fault_kind_text(sbs_crash_kind kind) {
    static const char words[][10] = {"none",      "hard",     "memory", "stack", "bus",  "usage",
                                     "interrupt", "watchdog", "assert", "abort", "panic"};
    if ((unsigned)kind >= SBS_COUNT_OF(words)) {
        return "unknown";
    }

    return words[kind];
}

void sbs_baremetal_print_last_fault(void) {
    if (sbs_baremetal_mpu_missing() > 0) {
        sbs_baremetal_print("memory is NOT PROTECTED: the MPU lacks %u regions\n", sbs_baremetal_mpu_missing());
    }

    const sbs_crash *fault = sbs_baremetal_last_fault();
    if (fault == NULL) {
        return;
    }

    sbs_baremetal_print("last fault: %s pc=%08x lr=%08x cfsr=%08x address=%08x exception=%u uptime_ms=%llu %s\n",
                        sbs_fault_kind_text(fault->kind), (unsigned)fault->pc, (unsigned)fault->lr,
                        (unsigned)fault->cfsr, (unsigned)fault->address, (unsigned)fault->exception,
                        (unsigned long long)fault->uptime_ms, fault->note);
}
