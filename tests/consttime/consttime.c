/* SPDX-License-Identifier: Apache-2.0 */
/* Run under valgrind's memcheck: secrets are marked as uninitialised, so that each branch and each address that depends
 * on one is an error, and is counted. The compiler's own choices are what is tested, at each optimisation level. */
#include <stdio.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "sbs/base64url.h"

#define LENGTH_MAX 70

static unsigned passed;
static unsigned failed;

static void check(const char *what, size_t len, bool good) {
    passed += good;
    failed += !good;
    if (!good) {
        printf("FAILED: %s of %zu bytes\n", what, len);
    }
}

static unsigned errors_since(unsigned before) {
    return (unsigned)VALGRIND_COUNT_ERRORS - before;
}

static unsigned errors_of_encode(const uint8_t *secret, size_t len) {
    char out[SBS_BASE64URL_ENCODED_SIZE(LENGTH_MAX)];
    size_t out_len;
    unsigned before = (unsigned)VALGRIND_COUNT_ERRORS;
    sbs_status status = sbs_base64url_encode(secret, len, out, sizeof out, &out_len);
    return status == SBS_OK ? errors_since(before) : 99;
}

static unsigned errors_of_stream(const uint8_t *secret, size_t len) {
    char out[SBS_BASE64URL_ENCODED_SIZE(LENGTH_MAX)];
    sbs_writer target;
    sbs_writer writer;
    sbs_base64url_stream stream;
    unsigned before = (unsigned)VALGRIND_COUNT_ERRORS;
    sbs_writer_init(&target, out, sizeof out);
    sbs_base64url_stream_init(&stream, &target, &writer);
    sbs_put(&writer, (const char *)secret, len);
    sbs_base64url_stream_finish(&stream);
    return target.error == SBS_OK ? errors_since(before) : 99;
}

/* Whether the whole text is valid may be told: that is one branch, once. */
static unsigned errors_of_decode(const char *secret, size_t len) {
    uint8_t out[LENGTH_MAX];
    size_t out_len;
    unsigned before = (unsigned)VALGRIND_COUNT_ERRORS;
    sbs_status status = sbs_base64url_decode(secret, len, out, sizeof out, &out_len);
    unsigned errors = errors_since(before);
    VALGRIND_MAKE_MEM_DEFINED(&status, sizeof status);
    return status == SBS_OK ? errors : 99;
}

/* The textbook encoder: proof that a table indexed by a secret is found. */
static unsigned errors_of_table(const uint8_t *secret, size_t len) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    volatile char out;
    unsigned before = (unsigned)VALGRIND_COUNT_ERRORS;
    for (size_t i = 0; i < len; i++) {
        out = alphabet[secret[i] & 0x3F];
    }
    (void)out;
    return errors_since(before);
}

/* And that a branch is. */
static unsigned errors_of_branch(const uint8_t *secret, size_t len) {
    volatile unsigned letters = 0;
    unsigned before = (unsigned)VALGRIND_COUNT_ERRORS;
    for (size_t i = 0; i < len; i++) {
        if (secret[i] < 26) {
            letters = letters + 1;
        }
    }
    return errors_since(before);
}

int main(void) {
    uint8_t secret[LENGTH_MAX];
    char text[LENGTH_MAX];
    if (!RUNNING_ON_VALGRIND) {
        puts("FAILED: not running under valgrind");
        return 1;
    }
    memset(text, 'A', sizeof text);
    memset(secret, 0, sizeof secret);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(text, sizeof text);
    for (size_t len = 1; len <= LENGTH_MAX; len++) {
        check("table lookup, which must be found,", len, errors_of_table(secret, len) > 0);
        check("branch, which must be found,", len, errors_of_branch(secret, len) > 0);
        check("encoding", len, errors_of_encode(secret, len) == 0);
        check("stream", len, errors_of_stream(secret, len) == 0);
        check("decoding", len, len % 4 == 1 || errors_of_decode(text, len) == 1);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
