/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file semihosting_emulation_only.h
 * EMULATION ONLY. What an emulator's host gives to a board by Arm semihosting: arguments, files as flash, entropy, an
 * exit status. On a device nobody answers: the first call is a fault.
 *
 * The layer also defines sbs_board_entropy() on the host's random numbers.
 */
#ifndef SBS_SEMIHOSTING_EMULATION_ONLY_H
#define SBS_SEMIHOSTING_EMULATION_ONLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_SEMIHOSTING_COMMAND_MAX 512u /**< bytes of the command line, with the NUL */

/** The command line: the emulator's arguments, separated by blanks. A longer one ends the program. */
const char *sbs_semihosting_command_line(void);

/** The value of the argument "name=value" of the command line, NUL-terminated. False, and @p out empty, if there is
 *  none or it does not fit. */
bool sbs_semihosting_argument(const char *name, char *out, size_t size);

/** A flash region that is a file of the host. */
typedef struct sbs_semihosting_flash {
    sbs_flash flash;
    uint32_t handle;
} sbs_semihosting_flash;

/**
 * The region in file @p name in the folder that the argument "flash-dir" names (default: the emulator's current
 * folder), opened at the first call; a new file is filled with 0xFF. What was programmed or erased is the host's at
 * once: it outlives the emulator. program() refuses a unit that is not erased: SBS_ERR_STORAGE.
 * @param flash zeroed before the first call. @return NULL if the file cannot be opened.
 */
const sbs_flash *sbs_semihosting_flash_once(sbs_semihosting_flash *flash, const char *name, uint32_t sector_size,
                                            uint32_t sector_count, uint32_t program_unit);

/** Fills in the six bytes of the argument "mac" (xx:xx:xx:xx:xx:xx), or a locally administered address that follows
 * from
 *  @p board and the command line's flash-dir: it stays the same for the same device. */
void sbs_semihosting_mac(const char *board, uint8_t out_address[6]);

/** Ends the emulator with @p status, 0 to 255. */
_Noreturn void sbs_semihosting_exit(int status);

#ifdef __cplusplus
}
#endif
#endif
