/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: host, port and path of a URL are checked within their text; a port is 1 to 65535
 * Bound: every text of 0 to 4 bytes as each of them
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 7
 * Unwindset: sbs_ascii_is_alnum_or.0:20 strlen.0:20
 * Meant: sbs_text_to_uint:wrap sbs_text_to_uint:conversion
 * Suite: long
 * Fault: core/src/text/url.c `text.len - i < 3` => `text.len - i < 2`
 */
#include "proof.h"
#include "text/url.c"

enum { BYTES = 4 };

static void prove_part(const char *text, size_t len) {
    sbs_text part = {text, len};
    uint16_t port = 0;
    bool ipv4 = false;
    if (url_parse_port(part, &port)) {
        PROVE(port > 0 && len > 0 && len <= 5);
    }
    (void)sbs_url_is_path_and_query(part);
    if (url_is_ipv6(part)) {
        PROVE(len >= 2);
    }
    if (url_is_name_or_ipv4(part, &ipv4)) {
        PROVE(len > 0 && !ipv4);
    }
    REACHED("the end");
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_part)
    return 0;
}
