/* SPDX-License-Identifier: Apache-2.0 */
/** @file linux_memory.h How a program on Linux keeps its memory small. */
#ifndef SBS_LINUX_MEMORY_H
#define SBS_LINUX_MEMORY_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Has each block of 128 KiB or more be memory of its own, which the system has back when it is freed, and of which it
 * gives only what is written to. The GNU C library does so at first, and carves ever larger blocks out of its heap
 * after the first that are freed: what was once written to stays. For main(), before any thread; nothing elsewhere.
 */
void sbs_linux_memory_keep_small(void);

#ifdef __cplusplus
}
#endif
#endif
