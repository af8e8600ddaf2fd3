/* SPDX-License-Identifier: Apache-2.0 */
/* The least that needs random numbers. */
#include "sbs/baremetal_mbedtls.h"

int main(void) {
    return sbs_mbedtls_init(&sbs_baremetal_allocator) == SBS_OK ? 0 : 1;
}
