/* SPDX-License-Identifier: Apache-2.0 */
/* A URI of a key in a token is refused with words, or names a key by bounded texts that no terminal takes for commands;
 * and what it names, written again with every byte escaped, is the same key. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/pkcs11_uri.h"

#define TEXT_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good) {
        abort();
    }
}

static void check_text(const char *text, size_t size) {
    check(memchr(text, '\0', size) != NULL);
    for (; *text != '\0'; text++) {
        check((unsigned char)*text >= 0x20 && *text != 0x7F);
    }
}

static void put_escaped(char *out, const char *name, const void *value, size_t len) {
    const uint8_t *bytes = (const uint8_t *)value;
    out += strlen(out);
    out += sprintf(out, "%s=", name);
    for (size_t i = 0; i < len; i++) {
        out += sprintf(out, "%%%02x", bytes[i]);
    }
}

static void check_again(const sbs_pkcs11_uri *uri) {
    static sbs_pkcs11_uri again;
    static char text[TEXT_MAX];
    const char *words;

    (void)strcpy(text, "pkcs11:");
    if (uri->id_len > 0) {
        put_escaped(text, "id", uri->id, uri->id_len);
    }
    if (uri->object[0] != '\0') {
        put_escaped(text, uri->id_len > 0 ? ";object" : "object", uri->object, strlen(uri->object));
    }
    if (uri->token[0] != '\0') {
        put_escaped(text, ";token", uri->token, strlen(uri->token));
    }

    check(sbs_pkcs11_uri_parse(text, &again, &words) == SBS_OK);
    check(again.id_len == uri->id_len && memcmp(again.id, uri->id, uri->id_len) == 0);
    check(strcmp(again.object, uri->object) == 0 && strcmp(again.token, uri->token) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static sbs_pkcs11_uri uri;
    char *text = malloc(size + 1);
    const char *words = NULL;
    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';

    sbs_status status = sbs_pkcs11_uri_parse(text, &uri, &words);
    check((status == SBS_OK) == (words == NULL) && (status == SBS_OK || status == SBS_ERR_FORMAT));
    if (status == SBS_OK) {
        check(uri.id_len <= sizeof uri.id && (uri.id_len > 0 || uri.object[0] != '\0'));
        check_text(uri.token, sizeof uri.token);
        check_text(uri.manufacturer, sizeof uri.manufacturer);
        check_text(uri.model, sizeof uri.model);
        check_text(uri.serial, sizeof uri.serial);
        check_text(uri.object, sizeof uri.object);
        check_text(uri.pin_source, sizeof uri.pin_source);
        check_text(uri.module_name, sizeof uri.module_name);
        check_text(uri.module_path, sizeof uri.module_path);
        check(strchr(uri.module_name, '/') == NULL);
        check_again(&uri);
    }

    free(text);
    return 0;
}
