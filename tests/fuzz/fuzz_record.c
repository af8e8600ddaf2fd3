/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firmware's provisioning record: its bytes as they are, or fields that the input chooses, framed and with a
 * checksum that fits. What is read has a place in the record, and is written again as the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "meter_item.h"
#include "meter_record.h"
#include "meter_record_format.h"
#include "sbs/crc32.h"

static void put_number(uint8_t *out, size_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Magic, length and checksum as they should be, around what the input gives. */
static size_t frame(uint8_t *out, size_t len, bool gateway) {
    const size_t all = RECORD_HEADER + len + RECORD_CRC;
    memcpy(out, RECORD_MAGIC, 4);
    out[4] = gateway ? METER_RECORD_VERSION : METER_RECORD_VERSION_1;
    out[5] = 0;
    put_number(out + 6, all, 2);
    put_number(out + RECORD_HEADER + len, sbs_crc32(0, out, RECORD_HEADER + len), RECORD_CRC);
    return all;
}

static const char *const texts[FIELD_END][3] = {
    [FIELD_FHIR] = {"https://fhir.example/r4", "http://fhir.example", "https://fhir.example/r4?x"},
    [FIELD_TOKEN] = {"https://auth.example/token", "https://auth.example", "auth"},
    [FIELD_CLIENT_ID] = {"client-1", "c", "a b"},
    [FIELD_SCOPE] = {"system/Observation.cruds", "user/*.r", "https://x/.default system/*.r"},
    [FIELD_KID] = {"k1", "k", "~"},
    [FIELD_SUBJECT] = {"Patient/p1", "Patient", "Patient/p 1"},
    [FIELD_PATIENT] = {"4711", "x", "p"},
    [FIELD_PATIENT_SYSTEM] = {"urn:oid:1", "x", "s"},
    [FIELD_NTP] = {"time.example", "a/b", "[::1]"},
    [FIELD_SECRET] = {"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDF",
                      "MDEy"},
};

static size_t put_field(fuzz_input *input, uint8_t *out, unsigned tag) {
    uint8_t *value = out + RECORD_FIELD;
    size_t len = 0;
    if (fuzz_chance(input, 6)) {
        len = fuzz_bytes(input, value, 255);
    } else if (tag == FIELD_SETTINGS) {
        memset(value, 0, RECORD_SETTINGS);
        for (unsigned i = 0; i < 5; i++) {
            value[i] = (uint8_t)fuzz_below(input, 4);
        }
        len = RECORD_SETTINGS - (fuzz_chance(input, 16) ? 1 : 0);
        put_number(value + 6, fuzz_chance(input, 4) ? fuzz_short(input) : 60, 2);
        put_number(value + 8, fuzz_chance(input, 4) ? fuzz_short(input) * 7u : 60, 4);
    } else if (tag < FIELD_END && texts[tag][0] != NULL) {
        const char *text = texts[tag][fuzz_below(input, 4) % 3];
        len = strlen(text) + 1;
        memcpy(value, text, len);
    } else {
        len = fuzz_bytes(input, value, 64);
    }
    out[0] = (uint8_t)tag;
    put_number(out + 1, len, 2);
    return RECORD_FIELD + len;
}

static size_t put_together(fuzz_input *input, uint8_t *out) {
    size_t len = 0;
    uint8_t *fields = out + RECORD_HEADER;
    const bool gateway = fuzz_chance(input, 2);
    for (unsigned tag = FIELD_FHIR; tag < FIELD_END && len < 4000; tag++) {
        const unsigned what = fuzz_below(input, 8);
        const bool of_tokens = tag == FIELD_TOKEN || tag == FIELD_CLIENT_ID || tag == FIELD_SCOPE;
        const bool fits = gateway ? !of_tokens : tag != FIELD_SECRET;
        if (what != 7 && (fits || what == 5)) {
            len += put_field(input, fields + len, what == 6 ? fuzz_below(input, 16) : tag);
        }
        tag -= tag == FIELD_CA && fuzz_chance(input, 3) ? 1u : 0;
    }
    const size_t all = frame(out, len, gateway);
    if (fuzz_chance(input, 8)) {
        out[fuzz_short(input) % all] = fuzz_byte(input);
    }
    return all;
}

static bool is_inside(const char *text, const uint8_t *data, size_t len) {
    const uint8_t *at = (const uint8_t *)text;
    return text == NULL || (at >= data && at < data + len && memchr(at, 0, len - (size_t)(at - data)) != NULL);
}

static void check_record(const meter_record *record, const uint8_t *data, size_t len) {
    static uint8_t again[METER_RECORD_MAX];
    size_t again_len = 0;
    const char *field = NULL;
    const bool gateway = record->secret != NULL;
    FUZZ_REQUIRE(record->fhir_base != NULL);
    FUZZ_REQUIRE((record->client_id == NULL) == gateway && (record->scope == NULL) == gateway);
    FUZZ_REQUIRE((record->ca_count == 0) == record->plain && record->ca_count <= METER_CA_MAX);
    FUZZ_REQUIRE(is_inside(record->secret, data, len) && (!gateway || strlen(record->secret) == METER_SECRET_MAX));
    FUZZ_REQUIRE(is_inside(record->fhir_base, data, len) && is_inside(record->token_url, data, len));
    FUZZ_REQUIRE(is_inside(record->client_id, data, len) && is_inside(record->scope, data, len));
    FUZZ_REQUIRE(is_inside(record->subject, data, len) && is_inside(record->patient, data, len));
    FUZZ_REQUIRE(is_inside(record->patient_system, data, len) && is_inside(record->ntp_server, data, len));
    FUZZ_REQUIRE(memcmp(record->fhir_base, "https://", 8) == 0 || (gateway && record->plain));

    /* Two records of the same meaning are the same bytes. */
    FUZZ_REQUIRE(meter_record_write(record, again, sizeof again, &again_len) == SBS_OK);
    FUZZ_REQUIRE(again_len == len && memcmp(again, data, len) == 0);
    (void)meter_record_check_ca(record, &field);
    FUZZ_REQUIRE(field != NULL);
}

static void read_record(const uint8_t *data, size_t len) {
    meter_record record;
    const char *field = NULL;
    const sbs_status status = meter_record_read(&record, data, len, &field);
    fuzz_talk("record of %zu: %d, field %s\n", len, (int)status, field);
    FUZZ_REQUIRE(field != NULL && strlen(field) < 32);
    if (status == SBS_OK) {
        check_record(&record, data, len);
    }
}

/* The queue's own records of the same firmware. */
static void read_item(const uint8_t *data, size_t len) {
    meter_item item;
    uint8_t again[METER_ITEM_MAX];
    if (meter_item_read(&item, data, len) != SBS_OK) {
        return;
    }
    FUZZ_REQUIRE(item.quantity < METER_QUANTITIES);
    FUZZ_REQUIRE(meter_item_write(&item, again) <= sizeof again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t made[METER_RECORD_MAX];
    fuzz_input input = {data, size};
    size_t len;
    fuzz_crypto();
    const unsigned how = fuzz_below(&input, 4);
    if (how < 2) {
        len = put_together(&input, made);
    } else if (how == 2) {
        len = input.len > 2048 ? 2048 : input.len;
        memcpy(made + RECORD_HEADER, input.data, len);
        len = frame(made, len, fuzz_chance(&input, 2));
    } else {
        len = input.len > sizeof made ? sizeof made : input.len;
        memcpy(made, input.data, len);
    }

    uint8_t *copy = fuzz_copy(made, len);
    read_record(copy, len);
    read_item(copy, len);
    free(copy);
    return 0;
}
