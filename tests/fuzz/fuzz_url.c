/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a URL, and after a line feed a reference. What is accepted must write and resolve without breaking a rule. */
#include <stdlib.h>
#include <string.h>

#include "sbs/http.h"

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

/* A request to an accepted URL has two CRLF and no other control character. */
static void write_request(const sbs_url *url) {
    char buffer[8192];
    sbs_writer out;
    size_t len = 0;
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_http_put_request_line(&out, "GET", url, (sbs_text){NULL, 0});
    const sbs_status status = sbs_writer_finish(&out, &len);
    require(status == SBS_OK || status == SBS_ERR_BUFFER);
    size_t controls = 0;
    for (size_t i = 0; status == SBS_OK && i < len; i++) {
        controls += (unsigned char)buffer[i] <= 0x1F || (unsigned char)buffer[i] >= 0x7F ? 1 : 0;
    }
    require(status != SBS_OK || (controls == 4 && memcmp(buffer + len - 2, "\r\n", 2) == 0));
}

static void resolve(sbs_text base, sbs_text reference) {
    const size_t size = base.len + reference.len + 1;
    size_t len = 0;
    sbs_url url;
    char *out = malloc(size);
    require(out != NULL);
    const sbs_status status = sbs_url_resolve(base, reference, out, size, &len);
    require(status == SBS_OK || status == SBS_ERR_URL);
    require(status != SBS_OK || (len <= size && sbs_url_parse((sbs_text){out, len}, &url) == SBS_OK));
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    const sbs_text base = {text, end != NULL ? (size_t)(end - text) : size};
    sbs_url url;
    if (sbs_url_parse(base, &url) == SBS_OK) {
        require(url.host.len > 0 && url.host.len < SBS_HOST_SIZE && url.port > 0);
        (void)sbs_url_is_loopback(&url);
        write_request(&url);
    }
    if (end != NULL) {
        resolve(base, (sbs_text){end + 1, size - base.len - 1});
    }
    return 0;
}
