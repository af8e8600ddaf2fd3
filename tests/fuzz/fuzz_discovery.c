/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery: an accepted token endpoint is an absolute https URL that fits the buffer. */
#include <stdlib.h>
#include <string.h>

#include "sbs/discovery.h"
#include "sbs/url.h"

#define URL_SIZE 96

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_discovery found;
    sbs_url parsed;
    size_t room = size > 0 ? data[size - 1] % URL_SIZE : URL_SIZE;
    char *url = malloc(room > 0 ? room : 1);
    if (url == NULL) {
        return 0;
    }
    if (sbs_discovery_parse((const char *)data, size, sbs_text_of("https://h.example/a/b"), false, url, room, &found) ==
        SBS_OK) {
        if (found.token_endpoint_len >= room || strlen(url) != found.token_endpoint_len ||
            sbs_url_parse((sbs_text){url, found.token_endpoint_len}, &parsed) != SBS_OK || !parsed.https) {
            abort();
        }
    }
    free(url);
    return 0;
}
