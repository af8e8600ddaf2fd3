/* SPDX-License-Identifier: Apache-2.0 */
/* A program that uses a key in a token, and nothing else of Linux. */
#include <stdio.h>
#include <string.h>

#include "sbs/pkcs11_key.h"

int main(void) {
    static sbs_pkcs11_key token;
    const sbs_pkcs11_config config = {.uri = "pkcs11:object=device?module-path=/nowhere.so"};
    sbs_key key;
    sbs_status status = sbs_pkcs11_key_open(&token, &config, &key);
    printf("%s\n", sbs_pkcs11_key_words(&token));
    return status == SBS_ERR_NOT_FOUND && strstr(sbs_pkcs11_key_words(&token), "/nowhere.so") != NULL ? 0 : 1;
}
