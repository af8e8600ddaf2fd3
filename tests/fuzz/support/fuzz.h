/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: an input that is taken piece by piece, promises that must hold, and random that repeats.
 */
#ifndef SBS_FUZZ_H
#define SBS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target's entry, as libFuzzer calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code: says where and which, and aborts, if it does not hold. */
#define FUZZ_REQUIRE(condition) fuzz_require((condition), __FILE__, __LINE__, #condition)
void fuzz_require(bool holds, const char *file, int line, const char *condition);

/* The rest of an input. What is taken beyond its end is zero, which each target reads as "all is well". */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t len;
} fuzz_input;

uint8_t fuzz_byte(fuzz_input *input);
/* Two bytes. */
uint16_t fuzz_short(fuzz_input *input);
/* Below @p bound, which is not 0. */
uint32_t fuzz_below(fuzz_input *input, uint32_t bound);
/* True for one value in @p of, never at the end of the input. */
bool fuzz_chance(fuzz_input *input, uint32_t of);
/* Up to @p size bytes, as many as the next one or two bytes say; returns how many. */
size_t fuzz_bytes(fuzz_input *input, void *out, size_t size);
/* The same as text with a NUL. */
size_t fuzz_text(fuzz_input *input, char *out, size_t size);
/* A copy that stands alone in memory, so that reading past it is seen; to be freed. */
void *fuzz_copy(const void *data, size_t len);

/* Starts what psa_generate_random gives afresh. Each input begins with it. */
void fuzz_random_reset(uint64_t seed);

/* Tells what happens, with FUZZ_TALK in the environment: for a person who looks at one input. */
void fuzz_talk(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* psa_crypto_init, once. */
void fuzz_crypto(void);

#endif
