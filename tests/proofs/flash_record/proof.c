/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: a record header that was encoded decodes to the same; any other bytes are refused or decode to a legal
 *   type, and encode to the same bytes again; one flipped bit of what the check covers is found
 * Bound: every record, every 11 bytes, every bit
 * Sources: platform/flash/src/flash_format.c core/src/text/crc32.c
 * Unwind: 57
 * Meant: sbs_put_le:conversion
 * Suite: short
 * Fault: platform/flash/src/flash_format.c `sbs_put_le(out + 4, record->key, 3)` => `sbs_put_le(out + 4,
 *   record->key, 2)`
 */
#include "proof.h"
#include "flash_format.h"

static void prove_round_trip(void) {
    sbs_flash_log_record record = {0};
    sbs_flash_log_record again = {0};
    uint8_t bytes[RECORD_HEADER_SIZE];
    record.type = nondet_u8();
    record.aux = nondet_u8();
    record.len = nondet_u16();
    record.key = nondet_u32();
    record.crc = nondet_u32();
    ASSUME(record.type <= SBS_FLASH_LOG_TYPE_MAX && record.key <= 0xFFFFFF);
    sbs_record_encode(&record, bytes);
    PROVE(sbs_record_decode(bytes, &again));
    PROVE(again.type == record.type && again.aux == record.aux && again.len == record.len);
    PROVE(again.key == record.key && again.crc == record.crc);
    REACHED("a record");

    size_t bit = any_count(7 * 8 - 1);
    bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    PROVE(!sbs_record_decode(bytes, &again));
    REACHED("a flipped bit");
}

static void prove_any_bytes(void) {
    sbs_flash_log_record record = {0};
    uint8_t bytes[RECORD_HEADER_SIZE];
    uint8_t again[RECORD_HEADER_SIZE];
    if (sbs_record_decode(bytes, &record)) {
        PROVE(record.type <= SBS_FLASH_LOG_TYPE_MAX && record.key <= 0xFFFFFF);
        sbs_record_encode(&record, again);
        for (size_t i = 0; i < sizeof bytes; i++) {
            PROVE(again[i] == bytes[i]);
        }
        REACHED("bytes that are a record");
    }
}

int main(void) {
    prove_round_trip();
    prove_any_bytes();
    return 0;
}
