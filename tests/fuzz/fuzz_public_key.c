/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys: what is accepted is DER in its one form, so that writing the numbers again gives the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "sbs/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t element(size_t content) {
    return content + (content < 128 ? 2 : content < 256 ? 3 : 4);
}

static void check(const sbs_public_key *key, size_t size) {
    const size_t numbers =
        element(key->first_len + (key->first[0] >> 7)) + element(key->second_len + (key->second[0] >> 7));
    if (key->alg == SBS_RS384 && (element(numbers) != size || key->bits < 2048 || key->bits > 4096 ||
                                  (key->bits + 7) / 8 != key->first_len || key->second_len > key->first_len)) {
        abort();
    }
    if (key->alg == SBS_ES384 && (size != 97 || key->first_len != 48 || key->second_len != 48)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const sbs_alg algs[] = {SBS_RS384, SBS_ES384};
    for (size_t i = 0; i < 2; i++) {
        sbs_public_key key;
        sbs_writer writer;
        if (sbs_public_key_parse(algs[i], data, size, &key) != SBS_OK) {
            continue;
        }
        check(&key, size);
        sbs_writer_init_sizing(&writer);
        sbs_public_key_put_pem(&writer, &key);
        sbs_jwk_put(&writer, &key, sbs_text_of("kid"), SBS_JWK_INDENTED, 0);
        if (sbs_writer_finish(&writer, NULL) != SBS_OK) {
            abort();
        }
    }
    return 0;
}
