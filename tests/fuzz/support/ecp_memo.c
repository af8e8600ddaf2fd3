/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiplications on curves take milliseconds under the sanitizers, and the handshakes of one input repeat those of
 * another: results are kept. What is asked for anew is computed, so that a changed key or signature fails as ever.
 */
#include <mbedtls/ecp.h>
#include <string.h>

#include "fuzz.h"

#define MEMO_COUNT 512u
#define NUMBER_SIZE 48u

typedef struct memo_key {
    uint8_t group, second; /* second: there are two products */
    uint8_t m[NUMBER_SIZE], x[NUMBER_SIZE], y[NUMBER_SIZE];
    uint8_t n[NUMBER_SIZE], u[NUMBER_SIZE], v[NUMBER_SIZE];
} memo_key;

static struct memo {
    bool used;
    memo_key key;
    mbedtls_ecp_point result;
} memos[MEMO_COUNT];

static bool key_put(uint8_t *out, const mbedtls_mpi *number) {
    return mbedtls_mpi_cmp_int(number, 0) >= 0 && mbedtls_mpi_write_binary(number, out, NUMBER_SIZE) == 0;
}

static bool key_make(memo_key *key, const mbedtls_ecp_group *group, const mbedtls_mpi *m, const mbedtls_ecp_point *p) {
    memset(key, 0, sizeof *key);
    key->group = (uint8_t)group->id;
    return mbedtls_mpi_cmp_int(&p->MBEDTLS_PRIVATE(Z), 1) == 0 && key_put(key->m, m) &&
           key_put(key->x, &p->MBEDTLS_PRIVATE(X)) && key_put(key->y, &p->MBEDTLS_PRIVATE(Y));
}

static struct memo *memo_of(const memo_key *key) {
    uint32_t hash = 2166136261u;
    const uint8_t *bytes = (const uint8_t *)key;
    for (size_t i = 0; i < sizeof *key; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return &memos[hash % MEMO_COUNT];
}

static bool memo_find(const memo_key *key, mbedtls_ecp_point *out) {
    const struct memo *memo = memo_of(key);
    return memo->used && memcmp(&memo->key, key, sizeof *key) == 0 && mbedtls_ecp_copy(out, &memo->result) == 0;
}

static void memo_keep(const memo_key *key, const mbedtls_ecp_point *result) {
    struct memo *memo = memo_of(key);
    if (!memo->used) {
        mbedtls_ecp_point_init(&memo->result);
    }
    memo->used = mbedtls_ecp_copy(&memo->result, result) == 0;
    memo->key = *key;
}

/* For blinding. The target's random goes on as if nothing was computed, whether it was or not. */
static int blind(void *ctx, unsigned char *out, size_t len) {
    static uint32_t state = 1;
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (unsigned char)(state >> 24);
    }
    return 0;
}

typedef int random_function(void *, unsigned char *, size_t);

int __real_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *P, random_function *f_rng, void *p_rng,
                                       mbedtls_ecp_restart_ctx *rs_ctx);
int __wrap_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *P, random_function *f_rng, void *p_rng,
                                       mbedtls_ecp_restart_ctx *rs_ctx);
int __wrap_mbedtls_ecp_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                           const mbedtls_ecp_point *P, random_function *f_rng, void *p_rng);
int __real_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q,
                                          mbedtls_ecp_restart_ctx *rs_ctx);
int __wrap_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q,
                                          mbedtls_ecp_restart_ctx *rs_ctx);

int __wrap_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *P, random_function *f_rng, void *p_rng,
                                       mbedtls_ecp_restart_ctx *rs_ctx) {
    memo_key key;
    const bool known = key_make(&key, grp, m, P);
    (void)f_rng;
    (void)p_rng;
    if (known && memo_find(&key, R)) {
        return 0;
    }
    const int code = __real_mbedtls_ecp_mul_restartable(grp, R, m, P, blind, NULL, rs_ctx);
    if (known && code == 0) {
        memo_keep(&key, R);
    }
    return code;
}

int __wrap_mbedtls_ecp_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                           const mbedtls_ecp_point *P, random_function *f_rng, void *p_rng) {
    return __wrap_mbedtls_ecp_mul_restartable(grp, R, m, P, f_rng, p_rng, NULL);
}

int __wrap_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *P, const mbedtls_mpi *n, const mbedtls_ecp_point *Q,
                                          mbedtls_ecp_restart_ctx *rs_ctx) {
    memo_key key;
    const bool known = key_make(&key, grp, m, P) && mbedtls_mpi_cmp_int(&Q->MBEDTLS_PRIVATE(Z), 1) == 0 &&
                       key_put(key.n, n) && key_put(key.u, &Q->MBEDTLS_PRIVATE(X)) &&
                       key_put(key.v, &Q->MBEDTLS_PRIVATE(Y));
    key.second = 1;
    if (known && memo_find(&key, R)) {
        return 0;
    }
    const int code = __real_mbedtls_ecp_muladd_restartable(grp, R, m, P, n, Q, rs_ctx);
    if (known && code == 0) {
        memo_keep(&key, R);
    }
    return code;
}
