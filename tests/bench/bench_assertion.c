/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an assertion costs beyond its signature. In one run and interleaved, medians of: a bare psa_sign_hash; a whole
 * assertion with the same key; the same with self-verification; and everything but the signature, measured directly
 * with a key port that answers at once (a difference of two long times would drown it in noise).
 *
 * usage: bench_assertion [ROUNDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sbs/assertion.h"
#include "sbs/psa_key.h"

#define ROUNDS_DEFAULT 200u
#define ROUNDS_MAX 10000u
#define INSTANT_BATCH 20u /* instant assertions a round: one is too short for the clock */

typedef enum measure { BARE, WHOLE, VERIFIED, INSTANT, MEASURES } measure;

typedef struct bench {
    sbs_alg alg;
    psa_algorithm_t psa_alg;
    psa_key_id_t id;
    sbs_key key;
    sbs_key verified;
    sbs_key instant;
    sbs_psa_key state;
    sbs_assertion_params params;
    double *times[MEASURES];
} bench;

static double now_us(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        abort();
    }
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void require(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "bench_assertion: %s failed\n", what);
        exit(1);
    }
}

/* ---- a key that answers at once ------------------------------------------------------------------------------- */

static sbs_status instant_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    const bench *of = (const bench *)ctx;
    return of->key.ops->public_key(of->key.ctx, out_alg, buffer, size, out_len);
}

static sbs_status instant_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    const bench *of = (const bench *)ctx;
    *out_len = of->alg == SBS_ES384 ? SBS_ES384_SIGNATURE_SIZE : 256;
    memset(signature, hash[0], size < *out_len ? size : *out_len);
    return SBS_OK;
}

static const sbs_key_ops instant_ops = {instant_public_key, instant_sign};

/* ---- measures ------------------------------------------------------------------------------------------------- */

static void sign_bare(const bench *with) {
    static const uint8_t hash[SBS_HASH_SIZE] = {1, 2, 3};
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t len;
    require(psa_sign_hash(with->id, with->psa_alg, hash, sizeof hash, signature, sizeof signature, &len) == PSA_SUCCESS,
            "psa_sign_hash");
}

/* As the client makes it: algorithm and size of the key are known. */
static void make_assertion(const bench *with, const sbs_key *key) {
    static sbs_assertion assertion;
    char out[2048];
    sbs_writer writer;
    sbs_writer_init(&writer, out, sizeof out);
    require(sbs_assertion_start(&assertion, &with->params, with->alg, with->alg == SBS_ES384 ? 384 : 2048, &writer) ==
                SBS_OK,
            "sbs_assertion_start");
    require(sbs_assertion_sign(&assertion, key, &writer) == SBS_OK, "sbs_assertion_sign");
}

static double time_of(const bench *with, measure what) {
    const double start = now_us();
    switch (what) {
    case BARE:
        sign_bare(with);
        break;
    case WHOLE:
        make_assertion(with, &with->key);
        break;
    case VERIFIED:
        make_assertion(with, &with->verified);
        break;
    default:
        for (unsigned i = 0; i < INSTANT_BATCH; i++) {
            make_assertion(with, &with->instant);
        }
        return (now_us() - start) / INSTANT_BATCH;
    }
    return now_us() - start;
}

static int compare(const void *a, const void *b) {
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *times, unsigned count) {
    qsort(times, count, sizeof *times, compare);
    return times[count / 2];
}

static void run(bench *with, const char *name, unsigned rounds) {
    double medians[MEASURES];
    for (unsigned i = 0; i < MEASURES; i++) {
        with->times[i] = malloc(rounds * sizeof(double));
        require(with->times[i] != NULL, "malloc");
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < MEASURES; i++) {
            with->times[i][round] = time_of(with, (measure)i);
        }
    }
    for (unsigned i = 0; i < MEASURES; i++) {
        medians[i] = median(with->times[i], rounds);
        free(with->times[i]);
    }
    printf("%s  bare signature %.1f us, all else of an assertion %.2f us: %.3f %% of the signature\n", name,
           medians[BARE], medians[INSTANT], 100 * medians[INSTANT] / medians[BARE]);
    printf("%s  whole assertion / bare signature %.4f, with self-verification %.4f (%.1f us more)\n", name,
           medians[WHOLE] / medians[BARE], medians[VERIFIED] / medians[BARE], medians[VERIFIED] - medians[WHOLE]);
}

static void bench_alg(sbs_alg alg, const char *name, unsigned rounds) {
    bench with = {.alg = alg};
    with.psa_alg = alg == SBS_ES384 ? PSA_ALG_ECDSA(PSA_ALG_SHA_384) : PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384);
    require(sbs_psa_key_generate(alg, 0, PSA_KEY_ID_NULL, &with.id) == SBS_OK, "sbs_psa_key_generate");
    sbs_psa_key_init(&with.state, with.id, &with.key);
    with.verified = with.key;
    with.verified.verify_after_sign = sbs_psa_verify;
    with.instant = (sbs_key){&instant_ops, &with, false};
    with.params = (sbs_assertion_params){
        .client_id = sbs_text_of("9e4a2858-9e86-406b-958f-b86a5e1ceb3d"),
        .aud = sbs_text_of("https://authorize.smarthealthit.org/token"),
        .kid = sbs_text_of("IlSbC9I-GckJeDIN"),
        .issued_at = 1700000000,
    };
    run(&with, name, rounds);
    (void)psa_destroy_key(with.id);
}

int main(int argc, char **argv) {
    unsigned rounds = ROUNDS_DEFAULT;
    if (argc > 1) {
        const unsigned long asked = strtoul(argv[1], NULL, 10);
        require(asked >= 1 && asked <= ROUNDS_MAX, "ROUNDS (1 to 10000)");
        rounds = (unsigned)asked;
    }
    require(psa_crypto_init() == PSA_SUCCESS, "psa_crypto_init");
    bench_alg(SBS_RS384, "RS384", rounds);
    bench_alg(SBS_ES384, "ES384", rounds);
    return 0;
}
