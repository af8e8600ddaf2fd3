/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own: a program that measures with fixed numbers brings its own mbedtls_hardware_poll(). */
#include <stddef.h>

#include <entropy_poll.h>
#include <mbedtls/entropy.h>

#include "sbs/board.h"

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    (void)data;
    *olen = 0;

    if (sbs_board_entropy(output, len) != SBS_OK) {
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    }

    *olen = len;
    return 0;
}
