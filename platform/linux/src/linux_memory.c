/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_memory.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

void sbs_linux_memory_keep_small(void) {
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}
