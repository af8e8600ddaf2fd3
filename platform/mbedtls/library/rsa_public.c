/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RSA public operation in 4n + 2 words beside the modulus of n words, of which Mbed TLS's own takes about 9n: that
 * was the peak of a device's heap, in the handshake with a server whose chain has a key of 4096 bits.
 *
 * Montgomery multiplication (Montgomery 1985), word by word: with W = 2^(bits of a word), R = W^n and m = -N^-1 mod W,
 * the sum t starts at 0 and becomes (t + a[i] * b + ((t + a[i] * b) * m mod W) * N) / W for each word of a. The
 * division leaves no remainder, as m was chosen so. If b < N and t < 2N before, then t < (2N + (W-1)N + (W-1)N) / W =
 * 2N after; so t needs n + 2 words while it grows and n + 1 between, and one subtraction of N makes it a * b / R mod N.
 *
 * What goes in needs the factor R, which takes one multiplication by R^2 mod N. That number is not kept anywhere but
 * computed here, from N's highest power of two below it: 2^(bits-1) < N, as N is odd. Doubling it (mod N)
 * wn - (bits-1) times, wn being the bits of R, makes R mod N. With wn = k * 2^j and k odd, k doublings more make 2^k R,
 * and each multiplication of that by itself doubles the exponent: (2^k R)^2 / R = 2^(2k) R. After j of them it is 2^wn
 * R = R^2. So for 4096 bits, with words of 32: 2 doublings and 12 multiplications.
 *
 * The power is taken bit by bit from the highest of e: 17 multiplications for 65537.
 */
#include "common.h"

#include <string.h>

#include "bignum_core.h"
#include "mbedtls/platform.h"
#include "rsa_public.h"

typedef mbedtls_mpi_uint word;

typedef struct modulus {
    const word *n;
    size_t words;
    word m;  /* -n^-1 mod W */
    word *t; /* words + 2 */
} modulus;

/* out = t mod n, for t < 2n. */
static void reduce(const modulus *mod, word *out) {
    word borrow = mbedtls_mpi_core_sub(out, mod->t, mod->n, mod->words);
    if (borrow != 0 && mod->t[mod->words] == 0) {
        memcpy(out, mod->t, mod->words * sizeof(word));
    }
}

/* x = 2x mod n */
static void double_it(const modulus *mod, word *x) {
    memset(mod->t, 0, (mod->words + 2) * sizeof(word));
    (void)mbedtls_mpi_core_mla(mod->t, mod->words + 1, x, mod->words, 2);
    reduce(mod, x);
}

/* out = a * b / R mod n; b < n. Words of a beyond a_words are zero. out may be a or b. */
static void multiply(const modulus *mod, word *out, const word *a, size_t a_words, const word *b) {
    size_t words = mod->words;
    word *t = mod->t;

    memset(t, 0, (words + 2) * sizeof(word));
    for (size_t i = 0; i < words; i++) {
        if (i < a_words) {
            (void)mbedtls_mpi_core_mla(t, words + 2, b, words, a[i]);
        }
        (void)mbedtls_mpi_core_mla(t, words + 2, mod->n, words, t[0] * mod->m);
        memmove(t, t + 1, (words + 1) * sizeof(word));
        t[words + 1] = 0;
    }

    reduce(mod, out);
}

/* x = R^2 mod n */
static void set_r_squared(const modulus *mod, word *x, size_t bits) {
    size_t bits_of_r = mod->words * biL;
    size_t odd = bits_of_r;
    unsigned squarings = 0;

    for (; odd % 2 == 0; odd /= 2) {
        squarings++;
    }

    memset(x, 0, mod->words * sizeof(word));
    x[(bits - 1) / biL] = (word)1 << ((bits - 1) % biL);
    for (size_t left = bits_of_r - (bits - 1) + odd; left > 0; --left) {
        double_it(mod, x);
    }

    for (; squarings > 0; --squarings) {
        multiply(mod, x, x, mod->words, x);
    }
}

/* x = x^e mod n, with p and mod->t to work in. */
static void power(const modulus *mod, word *x, word *p, const mbedtls_mpi *e, size_t bits) {
    const word one = 1;
    set_r_squared(mod, p, bits);
    multiply(mod, x, x, mod->words, p);
    memcpy(p, x, mod->words * sizeof(word));

    for (size_t bit = mbedtls_mpi_bitlen(e) - 1; bit > 0; --bit) {
        multiply(mod, p, p, mod->words, p);
        if (mbedtls_mpi_get_bit(e, bit - 1) != 0) {
            multiply(mod, p, p, mod->words, x);
        }
    }

    multiply(mod, x, &one, 1, p); /* the factor R goes */
}

int sbs_rsa_public_exp_mod(mbedtls_mpi *x, const mbedtls_mpi *a, const mbedtls_mpi *e, const mbedtls_mpi *n,
                           mbedtls_mpi *cache) {
    size_t bits = mbedtls_mpi_bitlen(n);
    (void)cache;
    if (bits < 2 || bits > MBEDTLS_MPI_MAX_BITS || n->p[0] % 2 == 0 || mbedtls_mpi_cmp_int(n, 0) < 0 ||
        mbedtls_mpi_cmp_int(a, 0) < 0 || mbedtls_mpi_cmp_mpi(a, n) >= 0 || mbedtls_mpi_cmp_int(e, 1) < 0 ||
        mbedtls_mpi_bitlen(e) > SBS_RSA_EXPONENT_BITS_MAX) {
        return MBEDTLS_ERR_MPI_BAD_INPUT_DATA;
    }

    modulus mod = {.n = n->p, .words = (bits - 1) / biL + 1};
    int code = mbedtls_mpi_copy(x, a);
    if (code == 0) {
        code = mbedtls_mpi_grow(x, mod.words);
    }

    if (code != 0) {
        return code;
    }

    word *memory = mbedtls_calloc(2 * mod.words + 2, sizeof(word));
    if (memory == NULL) {
        return MBEDTLS_ERR_MPI_ALLOC_FAILED;
    }

    mod.m = mbedtls_mpi_core_montmul_init(mod.n);
    mod.t = memory + mod.words;
    power(&mod, x->p, memory, e, bits);
    mbedtls_free(memory);

    return 0;
}
