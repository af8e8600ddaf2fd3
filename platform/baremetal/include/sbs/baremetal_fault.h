/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_fault.h
 * The last word: what ended the program before this start. It is kept in RAM that no reset clears.
 */
#ifndef SBS_BAREMETAL_FAULT_H
#define SBS_BAREMETAL_FAULT_H

#include <stdint.h>

typedef enum sbs_crash_kind {
    SBS_CRASH_NONE,
    SBS_CRASH_HARD,      /**< a fault that has no kind of its own */
    SBS_CRASH_MEMORY,    /**< an access the MPU forbids: NULL, a write to flash, a jump into RAM */
    SBS_CRASH_STACK,     /**< the stack grew below its end */
    SBS_CRASH_BUS,       /**< nothing answers at the address */
    SBS_CRASH_USAGE,     /**< an undefined instruction, a division by zero, an unaligned access */
    SBS_CRASH_INTERRUPT, /**< an exception of the core that has no handler */
    SBS_CRASH_WATCHDOG,  /**< the program hung; a reset by hand while the watchdog ran looks the same, with pc 0 */
    SBS_CRASH_ASSERT,    /**< assert(); the note says where */
    SBS_CRASH_ABORT,     /**< abort() */
    SBS_CRASH_PANIC      /**< sbs_baremetal_panic(); the note says why */
} sbs_crash_kind;

#define SBS_CRASH_NOTE_SIZE 32u

typedef struct sbs_crash {
    sbs_crash_kind kind;
    uint32_t pc;        /**< where; 0: not known (no room was left on the stack) */
    uint32_t lr;        /**< the caller, as far as the register tells */
    uint32_t cfsr;      /**< Configurable Fault Status Register (ARM DDI 0403E B3.2.15) */
    uint32_t address;   /**< accessed address, 0: not known */
    uint32_t exception; /**< number of the exception that ended the program, 0: none */
    uint64_t uptime_ms; /**< since the start that it ended */
    char note[SBS_CRASH_NOTE_SIZE];
} sbs_crash;

/** The last word of the program before this start; NULL if that began with power-on or was asked for. */
const sbs_crash *sbs_baremetal_last_fault(void);

/** Prints it in one line on the console; nothing if there is none. A line more says that memory is not protected, on a
 *  microcontroller whose MPU has too few regions. */
void sbs_baremetal_print_last_fault(void);

/** A word for the kind: "memory". */
const char *sbs_fault_kind_text(sbs_crash_kind kind);

/** Leaves a last word with @p note (cut to what fits; never a secret) and resets. */
_Noreturn void sbs_baremetal_panic(const char *note);

/** Resets on purpose: no last word. */
_Noreturn void sbs_baremetal_restart(void);

#endif
