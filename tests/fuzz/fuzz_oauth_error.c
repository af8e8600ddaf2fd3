/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth errors: whatever the server says, one line of printable ASCII comes out. */
#include <stdlib.h>
#include <string.h>

#include "sbs/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_oauth_error error;
    char text[64];
    size_t room = size > 0 ? 1 + data[0] % sizeof text : sizeof text;
    sbs_status status = sbs_oauth_error_parse((const char *)data, size, &error, text, room);
    if (memchr(text, '\0', room) == NULL || (status == SBS_OK) != (error != SBS_OAUTH_NONE)) {
        abort();
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            abort();
        }
    }
    return sbs_oauth_error_name(error) == NULL;
}
