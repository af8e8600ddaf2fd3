/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/mbedtls_series.h"

int sbs_mbedtls_public_key(const mbedtls_pk_context *pk, unsigned char *out, size_t size, size_t *out_len) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    *out_len = 0;

    /* A key pair as one: Mbed TLS 4 keeps no public half beside a private RSA key. */
    int code = mbedtls_pk_get_psa_attributes(pk, PSA_KEY_USAGE_SIGN_HASH, &attributes);
    if (code != 0) {
        code = mbedtls_pk_get_psa_attributes(pk, PSA_KEY_USAGE_VERIFY_HASH, &attributes);
    }
    if (code == 0) {
        code = mbedtls_pk_import_into_psa(pk, &attributes, &id);
    }
    psa_reset_key_attributes(&attributes);
    if (code != 0) {
        return code;
    }

    code = psa_export_public_key(id, out, size, out_len);
    (void)psa_destroy_key(id);
    return code;
}
