/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <psa/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/mbedtls_platform.h"

void fuzz_require(bool holds, const char *file, int line, const char *condition) {
    if (holds) {
        return;
    }
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

uint8_t fuzz_byte(fuzz_input *input) {
    if (input->len == 0) {
        return 0;
    }
    input->len--;
    return *input->data++;
}

uint16_t fuzz_short(fuzz_input *input) {
    const unsigned low = fuzz_byte(input);
    return (uint16_t)(low | ((unsigned)fuzz_byte(input) << 8));
}

uint32_t fuzz_below(fuzz_input *input, uint32_t bound) {
    return (bound > 256 ? fuzz_short(input) : fuzz_byte(input)) % bound;
}

bool fuzz_chance(fuzz_input *input, uint32_t of) {
    return fuzz_below(input, of) == of - 1;
}

size_t fuzz_bytes(fuzz_input *input, void *out, size_t size) {
    size_t len = size == 0 ? 0 : fuzz_below(input, (uint32_t)size + 1);
    if (len > input->len) {
        len = input->len;
    }
    if (len > 0) {
        memcpy(out, input->data, len);
        input->data += len;
        input->len -= len;
    }
    return len;
}

size_t fuzz_text(fuzz_input *input, char *out, size_t size) {
    const size_t len = fuzz_bytes(input, out, size - 1);
    out[len] = '\0';
    return len;
}

void *fuzz_copy(const void *data, size_t len) {
    void *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(copy, data, len);
    }
    return copy;
}

/* ---- random ------------------------------------------------------------------------------------------------------ */

static uint64_t random_state;

void fuzz_random_reset(uint64_t seed) {
    random_state = seed;
}

/* splitmix64: no secret depends on it here. */
static uint64_t random_next(void) {
    random_state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context, uint8_t *output,
                                             size_t output_size, size_t *output_length) {
    (void)context;
    for (size_t i = 0; i < output_size; i++) {
        output[i] = (uint8_t)random_next();
    }
    *output_length = output_size;
    return PSA_SUCCESS;
}

void fuzz_talk(const char *format, ...) {
    static int talks = -1;
    if (talks < 0) {
        talks = getenv("FUZZ_TALK") != NULL;
    }
    if (talks == 0) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
}

void fuzz_crypto(void) {
    static bool done;
    if (!done && sbs_mbedtls_init(NULL) != SBS_OK) {
        abort();
    }
    done = true;
}
