/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_record.h"
#include "meter_record_format.h"
#include "sbs/crc32.h"

static void put_le(sbs_writer *out, uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        sbs_put_char(out, (char)(uint8_t)(value >> (8 * i)));
    }
}

static void put_field(sbs_writer *out, uint8_t tag, const void *data, size_t len) {
    sbs_put_char(out, (char)tag);
    put_le(out, (uint32_t)len, 2);
    sbs_put(out, data, len);
}

/* Nothing for one that is absent. With its NUL, so that the device uses it where it stands. */
static void put_string(sbs_writer *out, uint8_t tag, const char *string) {
    if (string != NULL) {
        put_field(out, tag, string, strlen(string) + 1);
    }
}

static void put_settings(sbs_writer *out, const meter_record *record) {
    sbs_put_char(out, (char)FIELD_SETTINGS);
    put_le(out, RECORD_SETTINGS, 2);
    sbs_put_char(out, (char)record->token_policy);
    sbs_put_char(out, (char)record->kid_method);
    sbs_put_char(out, (char)record->alg);
    sbs_put_char(out, (char)record->write_mode);
    sbs_put_char(out, (char)record->unknown_time);
    sbs_put_char(out, (char)record->drop_oldest);
    put_le(out, (uint16_t)record->zone_minutes, 2);
    put_le(out, record->interval_s, 4);
    put_le(out, record->first_delay_s, 2);
}

static void put_fields(sbs_writer *out, const meter_record *record) {
    put_string(out, FIELD_FHIR, record->fhir_base);
    put_string(out, FIELD_TOKEN, record->token_url);
    put_string(out, FIELD_CLIENT_ID, record->client_id);
    put_string(out, FIELD_SCOPE, record->scope);
    put_string(out, FIELD_KID, record->kid);
    put_string(out, FIELD_SUBJECT, record->subject);
    put_string(out, FIELD_PATIENT, record->patient);
    put_string(out, FIELD_PATIENT_SYSTEM, record->patient_system);
    put_string(out, FIELD_NTP, record->ntp_server);
    put_settings(out, record);

    for (unsigned i = 0; i < record->ca_count; i++) {
        put_field(out, FIELD_CA, record->ca[i].der, record->ca[i].len);
    }

    put_string(out, FIELD_SECRET, record->secret);
}

sbs_status meter_record_write(const meter_record *record, uint8_t *out, size_t size, size_t *out_len) {
    sbs_writer writer;
    sbs_writer_init_sizing(&writer);
    put_fields(&writer, record);
    size_t total = RECORD_HEADER + writer.len + RECORD_CRC;
    *out_len = total;

    if (total > size) {
        return SBS_ERR_BUFFER;
    }

    sbs_writer_init(&writer, (char *)out, size);
    sbs_put(&writer, RECORD_MAGIC, 4);
    sbs_put_char(&writer, (char)(METER_RECORD_VERSION_1 + (record->secret != NULL)));
    sbs_put_char(&writer, 0);
    put_le(&writer, (uint32_t)total, 2);
    put_fields(&writer, record);
    put_le(&writer, sbs_crc32(0, out, writer.len), RECORD_CRC);

    return sbs_writer_finish(&writer, out_len);
}
