/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own: a program that measures with fixed numbers brings its own mbedtls_hardware_poll(). */
#include <stddef.h>

#include <entropy_poll.h>
#include <mbedtls/entropy.h>

#include "sbs/board.h"

#if defined(MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG)
#include <psa/crypto.h>

/* A build without a generator of its own: what the board gives has full entropy (sbs/board.h), and is not stretched. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context, uint8_t *output,
                                             size_t output_size, size_t *output_length) {
    (void)context;
    *output_length = 0;

    if (sbs_board_entropy(output, output_size) != SBS_OK) {
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    }

    *output_length = output_size;
    return PSA_SUCCESS;
}
#else
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    (void)data;
    *olen = 0;

    if (sbs_board_entropy(output, len) != SBS_OK) {
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    }

    *olen = len;
    return 0;
}
#endif
