/* SPDX-License-Identifier: Apache-2.0 */
/* That wiping survives the optimiser: a secret dies with its frame on a stack of our own, which is searched then. The
 * source of sbs_wipe() is included, so that the compiler sees that nobody reads the memory any more. */
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "../../core/src/text/text.c"
#include "test.h"

#define SECRET_SIZE 64

static _Alignas(64) unsigned char stack[256 * 1024];
static ucontext_t main_context;
static ucontext_t secret_context;
static bool wipe;

static unsigned char secret_byte(size_t i) {
    return (unsigned char)(0xA1 + 29 * i);
}

static void hold_a_secret(void) {
    unsigned char secret[SECRET_SIZE];
    for (size_t i = 0; i < sizeof secret; i++) {
        secret[i] = secret_byte(i);
    }
    __asm__ volatile("" : : "r"(secret) : "memory");
    if (wipe) {
        sbs_wipe(secret, sizeof secret);
    }
}

/* True if a quarter of the secret or more is left somewhere. */
__attribute__((no_sanitize_address)) static bool secret_is_left(void) {
    for (size_t at = 0; at + SECRET_SIZE <= sizeof stack; at++) {
        size_t same = 0;
        for (size_t i = 0; i < SECRET_SIZE; i++) {
            same += ((volatile unsigned char *)stack)[at + i] == secret_byte(i);
        }
        if (same >= SECRET_SIZE / 4) {
            return true;
        }
    }
    return false;
}

__attribute__((no_sanitize_address)) static void run_on_own_stack(void) {
    for (size_t i = 0; i < sizeof stack; i++) {
        ((volatile unsigned char *)stack)[i] = 0;
    }
    assert_int_equal(getcontext(&secret_context), 0);
    secret_context.uc_stack.ss_sp = stack;
    secret_context.uc_stack.ss_size = sizeof stack;
    secret_context.uc_link = &main_context;
    makecontext(&secret_context, hold_a_secret, 0);
    assert_int_equal(swapcontext(&main_context, &secret_context), 0);
}

static void what_is_not_wiped_is_found(void **state) {
    (void)state;
    wipe = false;
    run_on_own_stack();
    assert_true(secret_is_left());
}

static void what_is_wiped_is_gone(void **state) {
    (void)state;
    wipe = true;
    run_on_own_stack();
    assert_false(secret_is_left());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_wiped_is_found),
        cmocka_unit_test(what_is_wiped_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
