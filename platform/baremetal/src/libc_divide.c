/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The division of 64 bits, which the compiler calls: bit by bit in a seventh of the bytes that the compiler's own
 * takes. What divides here are times, decimals, and big numbers now and then; powers of big numbers do not. Neither
 * this one nor the one that it takes the place of hides its operands by its time.
 */
#include <stdint.h>

#if defined(SBS_LIBC_TEST)
#define __udivmoddi4 own_udivmoddi4 /* NOLINT(bugprone-reserved-identifier): the compiler's name for it */
#endif

/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *out_rest);

/* The divisor is not 0: the compiler's caller has looked. */
uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *out_rest) {
    uint64_t quotient = 0;

    if (dividend >= divisor) {
        int shift = __builtin_clzll(divisor) - __builtin_clzll(dividend);
        divisor <<= shift;

        for (; shift >= 0; --shift, divisor >>= 1) {
            quotient <<= 1;
            if (dividend >= divisor) {
                dividend -= divisor;
                quotient |= 1;
            }
        }
    }

    if (out_rest != 0) {
        *out_rest = dividend;
    }
    return quotient;
}
