/* SPDX-License-Identifier: Apache-2.0 */
/* EMULATION ONLY. One semihosting call ("Semihosting for AArch32 and AArch64", version 2.0). */
#ifndef SBS_SEMIHOSTING_CALL_H
#define SBS_SEMIHOSTING_CALL_H

#include <stdint.h>

#define SEMIHOSTING_OPEN 0x01u
#define SEMIHOSTING_CLOSE 0x02u
#define SEMIHOSTING_WRITE 0x05u
#define SEMIHOSTING_READ 0x06u
#define SEMIHOSTING_SEEK 0x0Au
#define SEMIHOSTING_FLEN 0x0Cu
#define SEMIHOSTING_GET_CMDLINE 0x15u
#define SEMIHOSTING_EXIT_EXTENDED 0x20u

#define SEMIHOSTING_MODE_READ 1u       /* "rb" */
#define SEMIHOSTING_MODE_UPDATE 3u     /* "r+b" */
#define SEMIHOSTING_MODE_NEW_UPDATE 7u /* "w+b" */
#define SEMIHOSTING_FAILED UINT32_MAX

/* Defined only for a board that says that it is emulated: without it nothing of this layer links. */
extern const char sbs_board_is_emulation_only[];

static inline uint32_t semihosting_call(uint32_t operation, const void *parameters) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

uint32_t semihosting_open(const char *path, uint32_t mode);
/* Whether all @p len bytes were read or written. */
int semihosting_read_all(uint32_t handle, void *buffer, uint32_t len);
int semihosting_write_all(uint32_t handle, const void *data, uint32_t len);

#endif
