/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: base64url decodes without a fault, stays within its room, and what it takes encodes to the same text
 * Bound: every text of 0 to 7 characters, every room of 0 to 6 bytes
 * Sources: core/src/text/base64url.c core/src/text/text_writer.c core/src/text/text.c
 * Unwind: 8
 * Deep: 13 -DCHARACTERS=12 -DROOM=10
 * Deepbound: every text of 0 to 12 characters, every room of 0 to 10 bytes
 * Meant: mask_less:wrap base64url_range_value:wrap base64url_value_of:wrap base64url_value_of:conversion
 *   base64url_decode_group:conversion base64url_encode_group:conversion
 * Suite: short
 * Fault: core/src/text/base64url.c `uint32_t value = i < len ?` => `uint32_t value = i <= len ?`
 */
#include "proof.h"
#include "sbs/base64url.h"

#ifndef CHARACTERS
#define CHARACTERS 7
#define ROOM 6
#endif

int main(void) {
    char text[CHARACTERS]; /* any content */
    uint8_t data[ROOM + 1];
    char again[CHARACTERS];
    size_t len = any_count(CHARACTERS);
    size_t room = any_count(ROOM);
    size_t data_len;
    size_t again_len;
    uint8_t guard = nondet_u8();
    data[room] = guard;

    sbs_status status = sbs_base64url_decode(text, len, data, room, &data_len);
    PROVE(data[room] == guard);
    if (status != SBS_OK) {
        PROVE(status == SBS_ERR_FORMAT || (status == SBS_ERR_BUFFER && data_len > room));
        REACHED("a refusal");
        return 0;
    }

    PROVE(data_len <= room && data_len == len * 3 / 4);
    PROVE(sbs_base64url_encode(data, data_len, again, sizeof again, &again_len) == SBS_OK && again_len == len);
    for (size_t i = 0; i < len; i++) {
        PROVE(again[i] == text[i]);
    }

    REACHED("the end");
    return 0;
}
