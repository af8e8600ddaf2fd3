/* SPDX-License-Identifier: Apache-2.0 */
/* The provisioning record: what it keeps, what it refuses and names, and what damage does to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "sbs/count.h"
#include "sbs/crc32.h"
#include "test.h"

static uint8_t data[METER_RECORD_MAX], copy[METER_RECORD_MAX];
static char long_text[4096];

static size_t write(const meter_record *record) {
    size_t len;
    assert_int_equal(meter_record_write(record, data, sizeof data, &len), SBS_OK);
    return len;
}

static meter_record full_record(void) {
    meter_record record = rig_record();
    record.token_policy = METER_TOKEN_PINNED;
    record.token_url = "https://auth.example";
    record.kid_method = SBS_KID_LITERAL;
    record.kid = "key-1";
    record.alg = SBS_ES384;
    record.write_mode = SBS_WRITE_IF_NONE_EXIST;
    record.unknown_time = SBS_UNKNOWN_TIME_DEAD;
    record.drop_oldest = true;
    record.patient = "7";
    record.patient_system = "urn:oid:1.2";
    record.zone_minutes = -570;
    record.interval_s = 86400;
    record.first_delay_s = 3600;
    for (unsigned i = 1; i < METER_CA_MAX; i++) {
        record.ca[i] = record.ca[0];
    }
    record.ca_count = METER_CA_MAX;
    return record;
}

static void assert_refused(const meter_record *record, sbs_status why, const char *field) {
    meter_record read;
    const char *named;
    size_t len = write(record);
    sbs_status status = meter_record_read(&read, data, len, &named);
    if (status != why || strcmp(named, field) != 0) {
        fail_msg("%s with '%s', not %s with '%s'", sbs_status_name(status), named, sbs_status_name(why), field);
    }
}

static void a_record_is_read_as_it_was_written(void **state) {
    (void)state;
    meter_record record = full_record(), read;
    const char *field;
    size_t len = write(&record);
    assert_int_equal(meter_record_read(&read, data, len, &field), SBS_OK);
    assert_string_equal(field, "");
    assert_string_equal(read.fhir_base, record.fhir_base);
    assert_string_equal(read.token_url, record.token_url);
    assert_string_equal(read.client_id, record.client_id);
    assert_string_equal(read.scope, record.scope);
    assert_string_equal(read.kid, record.kid);
    assert_string_equal(read.subject, record.subject);
    assert_string_equal(read.patient, record.patient);
    assert_string_equal(read.patient_system, record.patient_system);
    assert_string_equal(read.ntp_server, record.ntp_server);
    assert_int_equal(read.token_policy, record.token_policy);
    assert_int_equal(read.kid_method, record.kid_method);
    assert_int_equal(read.alg, record.alg);
    assert_int_equal(read.write_mode, record.write_mode);
    assert_int_equal(read.unknown_time, record.unknown_time);
    assert_true(read.drop_oldest);
    assert_int_equal(read.zone_minutes, -570);
    assert_int_equal(read.interval_s, 86400);
    assert_int_equal(read.first_delay_s, 3600);
    assert_int_equal(read.ca_count, METER_CA_MAX);
    assert_int_equal(read.ca[3].len, rig_ca_len);
    assert_memory_equal(read.ca[3].der, rig_ca, rig_ca_len);
    assert_int_equal(meter_record_check_ca(&read, &field), SBS_OK);
}

/* The bytes of version 1, so that a change of the format is noticed. */
static void a_record_has_the_bytes_of_its_format(void **state) {
    (void)state;
    static const uint8_t der[] = {0x30, 0x00};
    static const uint8_t expected[] = {'S', 'B', 'S',  'R',  1,   0,   84,  0, 1,  10,  0,  'h', 't', 't',  'p',
                                       's', ':', '/',  '/',  'h', 0,   3,   2, 0,  'c', 0,  4,   9,   0,    's',
                                       'y', 's', 't',  'e',  'm', '/', '*', 0, 10, 14,  0,  0,   1,   2,    1,
                                       0,   1,   0xC6, 0xFF, 44,  1,   0,   0, 5,  0,   11, 2,   0,   0x30, 0x00};
    meter_record record = {.fhir_base = "https://h",
                           .client_id = "c",
                           .scope = "system/*",
                           .kid_method = 1,
                           .alg = 2,
                           .write_mode = 1,
                           .drop_oldest = true,
                           .zone_minutes = -58,
                           .interval_s = 300,
                           .first_delay_s = 5,
                           .ca_count = 1};
    record.ca[0].der = der;
    record.ca[0].len = sizeof der;
    size_t len = write(&record);
    assert_int_equal(len, sizeof expected + 4);
    copy[0] = 0;
    memcpy(copy, expected, sizeof expected);
    copy[6] = (uint8_t)len;
    assert_memory_equal(data, copy, sizeof expected);
    uint32_t crc = sbs_crc32(0, data, sizeof expected);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(data[sizeof expected + i], (uint8_t)(crc >> 8 * i));
    }
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.fhir_base = NULL;
    assert_refused(&record, SBS_ERR_NOT_FOUND, "fhir");
    record = rig_record();
    record.client_id = NULL;
    assert_refused(&record, SBS_ERR_NOT_FOUND, "client-id");
    record = rig_record();
    record.scope = NULL;
    assert_refused(&record, SBS_ERR_NOT_FOUND, "scope");
    record = rig_record();
    record.ca_count = 0;
    assert_refused(&record, SBS_ERR_NOT_FOUND, "ca");
}

static void urls_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {"http://h/r4",      "h/r4",         "https://",
                                      "https://h/r4?x=1", "https://u@h/", "https://h/#f"};
    static const char *const bad_origins[] = {"https://t/path", "https://t/", "http://t", "t", "https://t?x"};
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        meter_record record = rig_record();
        record.fhir_base = bad[i];
        assert_refused(&record, SBS_ERR_URL, "fhir");
    }
    for (size_t i = 0; i < SBS_COUNT_OF(bad_origins); i++) {
        meter_record record = rig_record();
        record.token_policy = METER_TOKEN_PINNED;
        record.token_url = bad_origins[i];
        assert_refused(&record, SBS_ERR_URL, "token-url");
    }
    meter_record record = rig_record();
    record.token_policy = METER_TOKEN_FIXED; /* without a URL */
    assert_refused(&record, SBS_ERR_FORMAT, "token-url");
}

/* A record for a gateway is version 2, as older firmware would take it for damaged; the bytes of others stay version
 * 1's. */
static void a_record_for_a_gateway_has_its_own_version(void **state) {
    (void)state;
    meter_record record = rig_gateway_record(), read;
    const char *field;
    size_t len = write(&record);
    assert_int_equal(data[4], 2);
    assert_int_equal(meter_record_read(&read, data, len, &field), SBS_OK);
    assert_string_equal(read.fhir_base, record.fhir_base);
    assert_string_equal(read.secret, RIG_SECRET);
    assert_true(read.plain);
    assert_null(read.client_id);
    assert_int_equal(meter_record_check_ca(&read, &field), SBS_OK);

    record = rig_record();
    record.fhir_base = "https://gateway.example/fhir";
    record.client_id = record.scope = NULL;
    record.secret = RIG_SECRET;
    record.write_mode = SBS_WRITE_IF_NONE_EXIST;
    assert_int_equal(meter_record_read(&read, data, write(&record), &field), SBS_OK);
    assert_false(read.plain);
    record = rig_record();
    (void)write(&record);
    assert_int_equal(data[4], 1);
}

/* With another version the same fields mean nothing. */
static void a_version_without_its_fields_is_refused(void **state) {
    (void)state;
    for (unsigned gateway = 0; gateway < 2; gateway++) {
        meter_record record = gateway == 1 ? rig_gateway_record() : rig_record(), read;
        const char *field;
        size_t len = write(&record);
        data[4] = gateway == 1 ? 1 : 2;
        uint32_t crc = sbs_crc32(0, data, len - 4);
        for (unsigned i = 0; i < 4; i++) {
            data[len - 4 + i] = (uint8_t)(crc >> 8 * i);
        }
        assert_true(meter_record_read(&read, data, len, &field) != SBS_OK);
    }
}

static void what_has_no_place_beside_a_secret_is_refused(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    record.client_id = "c";
    assert_refused(&record, SBS_ERR_FORMAT, "client-id");
    record = rig_gateway_record();
    record.scope = "system/*.cruds";
    assert_refused(&record, SBS_ERR_FORMAT, "scope");
    record = rig_gateway_record();
    record.ca[0] = rig_record().ca[0];
    record.ca_count = 1;
    assert_refused(&record, SBS_ERR_FORMAT, "ca");
    record = rig_gateway_record();
    record.token_policy = METER_TOKEN_FIXED;
    record.token_url = "https://t/";
    assert_refused(&record, SBS_ERR_FORMAT, "token-policy");
    record = rig_gateway_record();
    record.token_url = "https://t/";
    assert_refused(&record, SBS_ERR_FORMAT, "token-url");
    record = rig_gateway_record();
    record.write_mode = SBS_WRITE_PUT;
    assert_refused(&record, SBS_ERR_FORMAT, "write-mode");
    record.write_mode = SBS_WRITE_PLAIN;
    assert_refused(&record, SBS_ERR_FORMAT, "write-mode");
}

static void secrets_are_checked(void **state) {
    static const struct {
        const char *secret;
        sbs_status why;
    } cases[] = {
        {"", SBS_ERR_FORMAT},
        {"short", SBS_ERR_FORMAT},
        {"QUJD", SBS_ERR_FORMAT}, /* three bytes */
        {"tok-0123456789abcdefghijklmnopqrstuvwxyzAB\n", SBS_ERR_FORMAT},
        {"tok-0123456789abcdefghijklmnopqrstuvwxyzABF", SBS_ERR_FORMAT}, /* bits behind the last byte */
        {"tok-0123456789abcdefghijklmnopqrstuvwxyzAB/", SBS_ERR_FORMAT},
        {RIG_SECRET "A", SBS_ERR_TOO_LARGE},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        meter_record record = rig_gateway_record();
        record.secret = cases[i].secret;
        assert_refused(&record, cases[i].why, "gateway-secret");
    }
}

static void scopes_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {"user/Patient.r", "patient/Observation.c", "system/Observation.dus", "a  b",
                                      "openid",         "system/Observation"};
    static const char *const good[] = {"system/*.*", "system/Observation.c?category=x",
                                       "https://h/.default system/Observation.c"};
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        meter_record record = rig_record();
        record.scope = bad[i];
        assert_refused(&record, SBS_ERR_FORMAT, "scope");
    }
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        meter_record record = rig_record(), read;
        const char *field;
        record.scope = good[i];
        assert_int_equal(meter_record_read(&read, data, write(&record), &field), SBS_OK);
    }
}

static void values_are_checked(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.subject = "p1";
    assert_refused(&record, SBS_ERR_FORMAT, "subject");
    record = rig_record();
    record.subject = NULL;
    record.patient = "7";
    assert_refused(&record, SBS_ERR_FORMAT, "patient");
    record = rig_record();
    record.patient_system = "urn:x";
    assert_refused(&record, SBS_ERR_FORMAT, "patient");
    record = rig_record();
    record.kid = "k"; /* without the method */
    assert_refused(&record, SBS_ERR_FORMAT, "kid");
    record = rig_record();
    record.alg = 3;
    assert_refused(&record, SBS_ERR_FORMAT, "alg");
    record = rig_record();
    record.write_mode = 3;
    assert_refused(&record, SBS_ERR_FORMAT, "write-mode");
    record = rig_record();
    record.interval_s = METER_INTERVAL_MAX_S + 1;
    assert_refused(&record, SBS_ERR_FORMAT, "interval");
    record = rig_record();
    record.zone_minutes = 841;
    assert_refused(&record, SBS_ERR_FORMAT, "zone");
    record = rig_record();
    record.ntp_server = "a b";
    assert_refused(&record, SBS_ERR_FORMAT, "ntp");
    record = rig_record();
    record.client_id = "a\tb";
    assert_refused(&record, SBS_ERR_FORMAT, "client-id");
}

static void sizes_are_checked(void **state) {
    (void)state;
    meter_record record = rig_record(), read;
    const char *field;
    memset(long_text, 'c', METER_CLIENT_ID_MAX);
    record.client_id = long_text;
    assert_int_equal(meter_record_read(&read, data, write(&record), &field), SBS_OK);
    memset(long_text, 'c', METER_CLIENT_ID_MAX + 1);
    assert_refused(&record, SBS_ERR_TOO_LARGE, "client-id");
    record = rig_record();
    memcpy(long_text, "https://", 8);
    long_text[METER_URL_MAX] = '\0';
    record.fhir_base = long_text;
    assert_refused(&record, SBS_ERR_TOO_LARGE, "fhir");
    size_t len;
    record = full_record();
    assert_int_equal(meter_record_write(&record, copy, 100, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, write(&record));
}

static void bad_certificates_are_refused(void **state) {
    (void)state;
    meter_record record = rig_record();
    const char *field;
    record.ca[0].len = rig_ca_len - 1;
    assert_int_equal(meter_record_check_ca(&record, &field), SBS_ERR_FORMAT);
    assert_string_equal(field, "ca");
    record.ca[0].der = (const uint8_t *)"no certificate";
    record.ca[0].len = 14;
    assert_int_equal(meter_record_check_ca(&record, &field), SBS_ERR_FORMAT);
}

static void a_record_that_is_truncated_anywhere_is_refused(void **state) {
    (void)state;
    meter_record record = full_record(), read;
    const char *field;
    size_t len = write(&record);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1); /* the sanitizer sees a read behind it */
        memcpy(exact, data, cut);
        assert_int_equal(meter_record_read(&read, exact, cut, &field), SBS_ERR_DAMAGED);
        free(exact);
    }
    assert_int_equal(meter_record_read(&read, data, len + 1, &field), SBS_ERR_DAMAGED);
}

static void every_flipped_bit_is_found(void **state) {
    (void)state;
    meter_record record = full_record(), read;
    const char *field;
    size_t len = write(&record);
    for (size_t bit = 0; bit < len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(meter_record_read(&read, data, len, &field), SBS_ERR_DAMAGED);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* A hostile record has a right checksum: whatever it holds, it is refused or stays within its bytes. */
static void hostile_bytes_do_no_harm(void **state) {
    (void)state;
    meter_record record = full_record(), read;
    const char *field;
    size_t len = write(&record);
    for (size_t at = 4; at + 4 < len; at++) {
        for (unsigned value = 0; value < 256; value += at < 200 ? 1 : 37) {
            uint8_t *exact = malloc(len);
            memcpy(exact, data, len);
            exact[at] = (uint8_t)value;
            uint32_t crc = sbs_crc32(0, exact, len - 4);
            for (unsigned i = 0; i < 4; i++) {
                exact[len - 4 + i] = (uint8_t)(crc >> 8 * i);
            }
            if (meter_record_read(&read, exact, len, &field) == SBS_OK) {
                assert_true(strlen(read.fhir_base) <= METER_URL_MAX);
                assert_true(read.secret != NULL || strlen(read.client_id) <= METER_CLIENT_ID_MAX);
                for (unsigned i = 0; i < read.ca_count; i++) {
                    assert_true(read.ca[i].der >= exact && read.ca[i].der + read.ca[i].len <= exact + len);
                }
            }
            free(exact);
        }
    }
}

static void a_newer_version_is_told(void **state) {
    (void)state;
    meter_record record = rig_record(), read;
    const char *field;
    size_t len = write(&record);
    data[4] = METER_RECORD_VERSION + 1;
    uint32_t crc = sbs_crc32(0, data, len - 4);
    for (unsigned i = 0; i < 4; i++) {
        data[len - 4 + i] = (uint8_t)(crc >> 8 * i);
    }
    assert_int_equal(meter_record_read(&read, data, len, &field), SBS_ERR_VERSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(a_record_has_the_bytes_of_its_format),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(urls_are_checked),
        cmocka_unit_test(a_record_for_a_gateway_has_its_own_version),
        cmocka_unit_test(a_version_without_its_fields_is_refused),
        cmocka_unit_test(what_has_no_place_beside_a_secret_is_refused),
        cmocka_unit_test(secrets_are_checked),
        cmocka_unit_test(scopes_are_checked),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(bad_certificates_are_refused),
        cmocka_unit_test(a_record_that_is_truncated_anywhere_is_refused),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(hostile_bytes_do_no_harm),
        cmocka_unit_test(a_newer_version_is_told),
    };
    return cmocka_run_group_tests(tests, rig_group, NULL);
}
