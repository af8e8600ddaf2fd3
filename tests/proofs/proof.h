/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What proofs share. Each is one file, tests/proofs/NAME/proof.c, that CBMC runs (tools/prove). Its leading comment
 * says:
 *
 *   Proves:     what holds, in one sentence
 *   Bound:      for which inputs and states
 *   Sources:    files of the code that are compiled in; a proof that needs their static names includes them instead.
 *               Left out where there are none
 *   Unwind:     rounds of a loop, at most; CBMC proves that no loop has more
 *   Unwindset:  the same for single loops (FUNCTION.NUMBER:ROUNDS)
 *   Options:    further ones of CBMC
 *   Deep:       UNWIND and options that widen the bound in the long suite, where this is run instead
 *   Deepbound:  the bound then
 *   Meant:      FUNCTION:wrap or FUNCTION:conversion, where unsigned arithmetic wraps or a cast cuts on purpose
 *   Suite:      short, or long for what takes minutes
 *   Fault:      FILE `text` => `other text`: a fault that the proof must find (tools/prove --self-check)
 *   Planted:    further options of CBMC with that fault, such as a smaller bound that it is found in sooner
 */
#ifndef SBS_PROOF_H
#define SBS_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROVE(condition) __CPROVER_assert(condition, #condition)
#define ASSUME(condition) __CPROVER_assume(condition)
/* A place that some input must reach: a proof that assumes too much proves nothing. */
#define REACHED(what) __CPROVER_assert(0, "reached: " what)

/* Any value: CBMC knows names that begin so. */
bool nondet_bool(void);
char nondet_char(void);
int nondet_int(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
int8_t nondet_i8(void);
int16_t nondet_i16(void);
int64_t nondet_i64(void);
size_t nondet_size(void);

/* Any number of things, at most @p max. */
static inline size_t any_count(size_t max) {
    size_t count = nondet_size();
    ASSUME(count <= max);
    return count;
}

/* Runs @p prove for each number of bytes up to @p max, on text that ends where its memory does, so that nothing behind
 * it may be read. A length that CBMC knows costs it far less than one that it must carry along. */
#define FOR_EACH_LENGTH(max, prove)                                                                                    \
    for (size_t length = 0; length <= (max); length++) {                                                               \
        char memory[(max) + 1];                                                                                        \
        prove(memory + (max) + 1 - length, length);                                                                    \
    }

#endif
