/* SPDX-License-Identifier: Apache-2.0 */
/* The 64-bit division of bare metal beside the machine's. */
#include <stdint.h>

#include "sbs/count.h"
#include "test.h"

uint64_t own_udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *out_rest);

static void check(uint64_t dividend, uint64_t divisor) {
    uint64_t rest = ~(uint64_t)0;
    assert_true(own_udivmoddi4(dividend, divisor, &rest) == dividend / divisor);
    assert_true(rest == dividend % divisor);
    assert_true(own_udivmoddi4(dividend, divisor, NULL) == dividend / divisor);
}

static void every_pair_of_edges_divides_as_the_machine_does(void **state) {
    uint64_t edges[3 * 64];
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        edges[3 * i] = ((uint64_t)1 << i) - 1;
        edges[3 * i + 1] = (uint64_t)1 << i;
        edges[3 * i + 2] = ~((uint64_t)1 << i);
    }

    for (size_t i = 0; i < SBS_COUNT_OF(edges); i++) {
        for (size_t k = 0; k < SBS_COUNT_OF(edges); k++) {
            if (edges[k] != 0) {
                check(edges[i], edges[k]);
            }
        }
    }
}

static void random_numbers_of_each_length_do(void **state) {
    uint64_t seed = 0x9e3779b97f4a7c15u;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t numbers[2];
        for (unsigned k = 0; k < 2; k++) { /* xorshift64 */
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            numbers[k] = seed >> (seed & 63);
        }
        if (numbers[1] != 0) {
            check(numbers[0], numbers[1]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_edges_divides_as_the_machine_does),
        cmocka_unit_test(random_numbers_of_each_length_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
