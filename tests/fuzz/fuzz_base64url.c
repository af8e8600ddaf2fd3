/* SPDX-License-Identifier: Apache-2.0 */
/* What is decoded encodes to the same text; what is encoded decodes to the same bytes; in place is no different. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good) {
        abort();
    }
}

static void decode_then_encode(const char *text, size_t len) {
    uint8_t *bytes = malloc(SBS_BASE64URL_DECODED_SIZE(len) + 1);
    char *in_place = malloc(len + 1);
    char *again = malloc(len + 1);
    size_t count;
    size_t in_place_count;
    size_t again_len;
    memcpy(in_place, text, len);
    sbs_status status = sbs_base64url_decode(text, len, bytes, SBS_BASE64URL_DECODED_SIZE(len), &count);
    check(sbs_base64url_decode(in_place, len, (uint8_t *)in_place, len, &in_place_count) == status);
    check(in_place_count == count);
    if (status == SBS_OK) {
        check(memcmp(in_place, bytes, count) == 0);
        check(sbs_base64url_encode(bytes, count, again, len, &again_len) == SBS_OK);
        check(again_len == len && memcmp(again, text, len) == 0);
    } else {
        check(status == SBS_ERR_FORMAT && count == 0);
    }
    free(bytes);
    free(in_place);
    free(again);
}

static void encode_then_decode(const uint8_t *data, size_t size) {
    size_t len = SBS_BASE64URL_ENCODED_SIZE(size);
    char *text = malloc(len + 1);
    uint8_t *back = malloc(size + 1);
    size_t got;
    check(sbs_base64url_encode(data, size, text, len, &got) == SBS_OK && got == len);
    check(sbs_base64url_decode(text, len, back, size, &got) == SBS_OK && got == size);
    check(size == 0 || memcmp(back, data, size) == 0);
    free(text);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    decode_then_encode((const char *)data, size);
    encode_then_decode(data, size);
    return 0;
}
