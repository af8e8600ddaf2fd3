/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: base64url writes within its room or says that it is short, and decodes to the same bytes
 * Bound: all of 0 to 4 bytes, every room of 0 to 7 characters
 * Sources: core/src/text/base64url.c core/src/text/text_writer.c core/src/text/text.c
 * Unwind: 8
 * Deep: 13 -DBYTES=9 -DROOM=12
 * Deepbound: all of 0 to 9 bytes, every room of 0 to 12 characters
 * Meant: mask_less:wrap base64url_range_value:wrap base64url_decode_group:conversion
 *   base64url_encode_group:conversion
 * Suite: short
 * Fault: core/src/text/base64url.c `for (size_t i = 0; i <= len; i++)` => `for (size_t i = 0; i < len; i++)`
 */
#include "proof.h"
#include "sbs/base64url.h"

#ifndef BYTES
#define BYTES 4
#define ROOM 7
#endif

int main(void) {
    uint8_t data[BYTES];
    uint8_t again[BYTES];
    char text[ROOM + 1];
    size_t len = any_count(BYTES);
    size_t room = any_count(ROOM);
    size_t text_len;
    size_t again_len;
    char guard = nondet_char();
    text[room] = guard;

    sbs_status status = sbs_base64url_encode(data, len, text, room, &text_len);
    PROVE(text[room] == guard);
    PROVE(text_len == SBS_BASE64URL_ENCODED_SIZE(len));
    PROVE(status == (text_len <= room ? SBS_OK : SBS_ERR_BUFFER));
    if (status != SBS_OK) {
        REACHED("a room that is too small");
        return 0;
    }

    PROVE(sbs_base64url_decode(text, text_len, again, sizeof again, &again_len) == SBS_OK && again_len == len);
    for (size_t i = 0; i < len; i++) {
        PROVE(again[i] == data[i]);
    }

    REACHED("the end");
    return 0;
}
