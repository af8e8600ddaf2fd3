/* SPDX-License-Identifier: Apache-2.0 */
/* The RSA public operation beside Mbed TLS's own power: random and extreme moduli up to the largest. */
#include <stdlib.h>
#include <string.h>

#include "rsa_public.h"
#include "sbs/count.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"

#define BYTES_MAX 1024u /* 8192 bits */

static uint64_t seed = 0x9e3779b97f4a7c15u;
static long allocations_left = -1;

static void *limited_calloc(size_t count, size_t size) {
    if (allocations_left == 0) {
        return NULL;
    }
    if (allocations_left > 0) {
        --allocations_left;
    }
    return calloc(count, size);
}

/* xorshift64: the same numbers in each run. */
static uint32_t random_number(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

/* A number of exactly @p bits bits; zeros and ones come in runs now and then, where carries go wrong. */
static void set_random(mbedtls_mpi *x, size_t bits) {
    uint8_t bytes[BYTES_MAX];
    size_t len = (bits + 7) / 8;
    unsigned kind = random_number() % 4;
    for (size_t i = 0; i < len; i++) {
        uint8_t runs[] = {0x00, 0xff};
        bytes[i] = kind == 0 ? runs[random_number() % 2] : (uint8_t)random_number();
    }
    assert_int_equal(mbedtls_mpi_read_binary(x, bytes, len), 0);
    for (size_t bit = bits; bit < len * 8; bit++) {
        assert_int_equal(mbedtls_mpi_set_bit(x, bit, 0), 0);
    }
    assert_int_equal(mbedtls_mpi_set_bit(x, bits - 1, 1), 0);
}

typedef struct numbers {
    mbedtls_mpi a, e, n, got, expected;
} numbers;

static void init(numbers *all) {
    mbedtls_mpi_init(&all->a);
    mbedtls_mpi_init(&all->e);
    mbedtls_mpi_init(&all->n);
    mbedtls_mpi_init(&all->got);
    mbedtls_mpi_init(&all->expected);
}

static void deinit(numbers *all) {
    mbedtls_mpi_free(&all->a);
    mbedtls_mpi_free(&all->e);
    mbedtls_mpi_free(&all->n);
    mbedtls_mpi_free(&all->got);
    mbedtls_mpi_free(&all->expected);
}

static void check(numbers *all) {
    assert_int_equal(mbedtls_mpi_exp_mod(&all->expected, &all->a, &all->e, &all->n, NULL), 0);
    assert_int_equal(sbs_rsa_public_exp_mod(&all->got, &all->a, &all->e, &all->n, NULL), 0);
    assert_int_equal(mbedtls_mpi_cmp_mpi(&all->got, &all->expected), 0);
    /* In place, too, as Mbed TLS calls it. */
    assert_int_equal(sbs_rsa_public_exp_mod(&all->a, &all->a, &all->e, &all->n, NULL), 0);
    assert_int_equal(mbedtls_mpi_cmp_mpi(&all->a, &all->expected), 0);
}

static void set_exponent(mbedtls_mpi *e, unsigned choice) {
    static const int usual[] = {65537, 3, 17, 1, 2, 65535};
    if (choice < SBS_COUNT_OF(usual)) {
        assert_int_equal(mbedtls_mpi_lset(e, usual[choice]), 0);
    } else {
        set_random(e, 1 + random_number() % SBS_RSA_EXPONENT_BITS_MAX);
    }
}

/* 0, 1, n - 1, or anything below n. */
static void set_base(numbers *all, unsigned choice) {
    if (choice < 2) {
        assert_int_equal(mbedtls_mpi_lset(&all->a, (mbedtls_mpi_sint)choice), 0);
    } else if (choice == 2) {
        assert_int_equal(mbedtls_mpi_sub_int(&all->a, &all->n, 1), 0);
    } else {
        set_random(&all->a, mbedtls_mpi_bitlen(&all->n));
        assert_int_equal(mbedtls_mpi_mod_mpi(&all->a, &all->a, &all->n), 0);
    }
}

static void equals_for_random_moduli(void **state) {
    (void)state;
    for (unsigned i = 0; i < 6000; i++) {
        numbers all;
        size_t bits = i % 100 == 0 ? 2048 + random_number() % (8192 - 2048 + 1) : 2 + random_number() % 600;
        init(&all);
        set_random(&all.n, bits);
        assert_int_equal(mbedtls_mpi_set_bit(&all.n, 0, 1), 0);
        set_exponent(&all.e, random_number() % 10);
        set_base(&all, random_number() % 8);
        check(&all);
        deinit(&all);
    }
}

/* 2^k - 1, 2^k + 1, 2^k + 2^(k-1) + 1 at each border of words, and at the sizes of keys. */
static void equals_for_extreme_moduli(void **state) {
    static const size_t sizes[] = {2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1023, 1024, 2048, 3072, 4095, 4096, 8191};
    (void)state;
    for (size_t i = 0; i < 3 * SBS_COUNT_OF(sizes); i++) {
        numbers all;
        size_t bits = sizes[i / 3];
        for (unsigned base = 0; base < 5; base++) {
            init(&all);
            assert_int_equal(mbedtls_mpi_set_bit(&all.n, bits, 1), 0);
            assert_int_equal(mbedtls_mpi_set_bit(&all.n, bits - 1, i % 3 == 2), 0);
            assert_int_equal(mbedtls_mpi_add_int(&all.n, &all.n, i % 3 == 0 ? -1 : 1), 0);
            set_exponent(&all.e, base);
            set_base(&all, base);
            check(&all);
            deinit(&all);
        }
    }
}

/* A modulus whose memory is longer than its value, as after arithmetic. */
static void leading_zeros_do_no_harm(void **state) {
    numbers all;
    (void)state;
    init(&all);
    set_random(&all.n, 500);
    assert_int_equal(mbedtls_mpi_set_bit(&all.n, 0, 1), 0);
    assert_int_equal(mbedtls_mpi_grow(&all.n, 40), 0);
    set_exponent(&all.e, 0);
    set_base(&all, 3);
    assert_int_equal(mbedtls_mpi_grow(&all.a, 60), 0);
    check(&all);
    deinit(&all);
}

static int with(int a, int e, int n) {
    numbers all;
    init(&all);
    assert_int_equal(mbedtls_mpi_lset(&all.a, a), 0);
    assert_int_equal(mbedtls_mpi_lset(&all.e, e), 0);
    assert_int_equal(mbedtls_mpi_lset(&all.n, n), 0);
    int code = sbs_rsa_public_exp_mod(&all.got, &all.a, &all.e, &all.n, NULL);
    deinit(&all);
    return code;
}

static void what_is_no_operand_is_refused(void **state) {
    numbers all;
    (void)state;
    assert_int_equal(with(2, 3, 15), 0);
    assert_int_equal(with(2, 3, 16), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(0, 3, 1), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(0, 3, 0), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(2, 3, -15), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(15, 3, 15), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(-1, 3, 15), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(2, 0, 15), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    assert_int_equal(with(2, -3, 15), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);

    init(&all);
    set_random(&all.n, 2048);
    assert_int_equal(mbedtls_mpi_set_bit(&all.n, 0, 1), 0);
    set_random(&all.e, SBS_RSA_EXPONENT_BITS_MAX + 1);
    assert_int_equal(sbs_rsa_public_exp_mod(&all.got, &all.a, &all.e, &all.n, NULL), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    deinit(&all);

    init(&all);
    set_exponent(&all.e, 0);
    assert_int_equal(mbedtls_mpi_set_bit(&all.n, 8192, 1), 0);
    assert_int_equal(mbedtls_mpi_set_bit(&all.n, 0, 1), 0);
    assert_int_equal(sbs_rsa_public_exp_mod(&all.got, &all.a, &all.e, &all.n, NULL), MBEDTLS_ERR_MPI_BAD_INPUT_DATA);
    deinit(&all);
}

static void a_lack_of_memory_is_told(void **state) {
    numbers all;
    (void)state;
    init(&all);
    set_random(&all.n, 2048);
    assert_int_equal(mbedtls_mpi_set_bit(&all.n, 0, 1), 0);
    set_exponent(&all.e, 0);
    set_base(&all, 3);
    for (long count = 0; count < 2; count++) {
        mbedtls_mpi_free(&all.got);
        allocations_left = count;
        int code = sbs_rsa_public_exp_mod(&all.got, &all.a, &all.e, &all.n, NULL);
        allocations_left = -1;
        assert_int_equal(code, MBEDTLS_ERR_MPI_ALLOC_FAILED);
    }
    check(&all);
    deinit(&all);
}

static int set_up(void **state) {
    const sbs_mbedtls_allocator allocator = {limited_calloc, free};
    (void)state;
    assert_int_equal(sbs_mbedtls_init(&allocator), SBS_OK);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_for_random_moduli), cmocka_unit_test(equals_for_extreme_moduli),
        cmocka_unit_test(leading_zeros_do_no_harm), cmocka_unit_test(what_is_no_operand_is_refused),
        cmocka_unit_test(a_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
