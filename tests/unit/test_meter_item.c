/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements as bytes of the queue and as Observations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "meter_sensor.h"
#include "test.h"

static const meter_item typical = {
    .quantity = METER_GLUCOSE,
    .demo = true,
    .settled = true,
    .value = {512, -2},
    .device = 0x0123456789ABCDEF,
    .own_ms = 753000000123,
    .subject = {"Patient/1234", 12},
};

static uint8_t data[METER_ITEM_MAX];
static char json[METER_BODY_MAX + 1];
static meter_encoder state_of;

static void an_item_is_read_as_it_was_written(void **state) {
    (void)state;
    meter_item item = typical, read;
    assert_int_equal(meter_item_write(&typical, data), 41);
    assert_int_equal(meter_item_read(&read, data, 41), SBS_OK);
    assert_int_equal(read.quantity, METER_GLUCOSE);
    assert_true(read.demo && read.settled);
    assert_int_equal(read.value.mantissa, 512);
    assert_int_equal(read.value.exponent, -2);
    assert_true(read.device == typical.device && read.own_ms == typical.own_ms);
    assert_memory_equal(read.subject.ptr, "Patient/1234", 12);
    assert_null(read.patient.ptr);
    item.value.mantissa = -40;
    item.quantity = METER_TEMPERATURE;
    item.demo = item.settled = false;
    assert_int_equal(meter_item_read(&read, data, meter_item_write(&item, data)), SBS_OK);
    assert_int_equal(read.value.mantissa, -40);
    assert_int_equal(read.quantity, METER_TEMPERATURE);
    assert_false(read.demo || read.settled);
}

static void a_damaged_item_is_refused(void **state) {
    (void)state;
    meter_item read;
    size_t len = meter_item_write(&typical, data);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, data, cut);
        assert_int_equal(meter_item_read(&read, exact, cut), SBS_ERR_DAMAGED);
        free(exact);
    }
    assert_int_equal(meter_item_read(&read, data, len + 1), SBS_ERR_DAMAGED);
    for (size_t at = 0; at < len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t *exact = malloc(len);
            memcpy(exact, data, len);
            exact[at] = (uint8_t)value;
            if (meter_item_read(&read, exact, len) == SBS_OK) {
                assert_true(read.subject.len <= METER_SUBJECT_MAX && read.quantity < METER_QUANTITIES);
            }
            free(exact);
        }
    }
    data[0] = METER_ITEM_VERSION + 1;
    assert_int_equal(meter_item_read(&read, data, len), SBS_ERR_VERSION);
}

static sbs_status encode(const meter_item *item, int64_t utc_s, sbs_text id, sbs_push_identity *identity) {
    const sbs_push_encoder encoder = meter_item_encoder(&state_of);
    size_t len = meter_item_write(item, data), json_len;
    sbs_queue_item entry = {
        .id = 77, .len = len, .meta = {.boot_id = 9042, .zone_minutes = 120, .format = METER_ITEM_FORMAT}};
    sbs_push_item push_item = {.item = &entry, .data = data, .utc_s = utc_s, .id = id};
    sbs_writer out;
    sbs_status status = encoder.identify(encoder.ctx, &push_item, identity);
    if (status == SBS_OK) {
        sbs_writer_init(&out, json, METER_BODY_MAX);
        status = encoder.encode(encoder.ctx, &push_item, identity, &out);
        if (status == SBS_OK) {
            status = sbs_writer_finish(&out, &json_len);
            json[json_len] = '\0';
        }
    }
    return status;
}

static void assert_identity(const sbs_push_identity *identity, const char *system, const char *value) {
    assert_true(sbs_text_equal(identity->type, sbs_text_of("Observation")));
    assert_true(sbs_text_equal(identity->system, sbs_text_of(system)));
    if (!sbs_text_equal(identity->value, sbs_text_of(value))) {
        fail_msg("%.*s, not %s", (int)identity->value.len, identity->value.ptr, value);
    }
}

static void with_a_clock_and_a_subject_the_guide_names_it(void **state) {
    (void)state;
    sbs_push_identity identity;
    state_of = (meter_encoder){.epoch = 0xFEDCBA9876543210, .device_known = true};
    assert_int_equal(encode(&typical, 1700000000, sbs_text_of("sbs-1"), &identity), SBS_OK);
    assert_identity(&identity, SBS_SYSTEM_PHD, "0123456789ABCDEF-1234-160184-753000000.123042");
    assert_non_null(strstr(json, "\"id\":\"sbs-1\""));
    assert_non_null(strstr(json, "\"code\":\"15074-8\""));
    assert_non_null(strstr(json, "\"code\":\"160184\""));
    assert_non_null(strstr(json, "\"code\":\"laboratory\""));
    assert_non_null(strstr(json, "\"code\":\"HTEST\""));
    assert_non_null(strstr(json, "\"value\":5.12,"));
    assert_non_null(strstr(json, "\"effectiveDateTime\":\"2023-11-15T00:13:20+02:00\""));
    assert_non_null(strstr(json, "\"subject\":{\"reference\":\"Patient/1234\"}"));
    assert_non_null(strstr(json, "\"device\":{\"reference\":\"Device/sbs-"));
}

static void a_patients_identifier_takes_the_place_of_the_id(void **state) {
    (void)state;
    sbs_push_identity identity;
    meter_item item = typical;
    item.patient = sbs_text_of("P-7");
    item.patient_system = sbs_text_of("urn:oid:1.2");
    state_of = (meter_encoder){0};
    assert_int_equal(encode(&item, 1700000000, (sbs_text){NULL, 0}, &identity), SBS_OK);
    assert_identity(&identity, SBS_SYSTEM_PHD, "0123456789ABCDEF-P-7-urn:oid:1.2-160184-753000000.123042");
    assert_null(strstr(json, "\"device\""));
}

static void without_a_clock_epoch_and_number_name_it(void **state) {
    (void)state;
    sbs_push_identity identity;
    meter_item item = typical;
    item.settled = false;
    item.quantity = METER_TEMPERATURE;
    state_of = (meter_encoder){.epoch = 0xFEDCBA9876543210};
    assert_int_equal(encode(&item, 1700000000, (sbs_text){NULL, 0}, &identity), SBS_OK);
    assert_true(sbs_text_equal(identity.system, sbs_text_of(SBS_SYSTEM_SEQUENCE)));
    assert_non_null(strstr(json, "0123456789ABCDEF-"));
    assert_non_null(strstr(json, "-77\""));
    assert_non_null(strstr(json, "vital-signs"));
    assert_int_equal(encode(&item, SBS_UTC_UNKNOWN, (sbs_text){NULL, 0}, &identity), SBS_OK);
    assert_null(strstr(json, "vital-signs"));
    assert_null(strstr(json, "effective"));
}

static void without_a_subject_epoch_and_number_name_it(void **state) {
    (void)state;
    sbs_push_identity identity;
    meter_item item = typical;
    item.subject = (sbs_text){NULL, 0};
    assert_int_equal(encode(&item, 1700000000, (sbs_text){NULL, 0}, &identity), SBS_OK);
    assert_true(sbs_text_equal(identity.system, sbs_text_of(SBS_SYSTEM_SEQUENCE)));
    assert_null(strstr(json, "subject"));
}

/* The largest item fits the memory for its request, with the search that If-None-Exist needs. */
static void the_largest_item_fits(void **state) {
    (void)state;
    char subject[METER_SUBJECT_MAX], patient[METER_PATIENT_MAX], system[METER_PATIENT_SYSTEM_MAX];
    char search[METER_BODY_MAX];
    sbs_push_identity identity;
    sbs_writer out;
    size_t search_len;
    memset(subject, 'A', sizeof subject);
    subject[15] = '/';
    memset(patient, '"' + 1, sizeof patient);
    memset(system, '#', sizeof system);
    meter_item item = typical;
    item.value = (sbs_decimal){INT32_MIN, -8};
    item.subject = (sbs_text){subject, sizeof subject};
    item.patient = (sbs_text){patient, sizeof patient};
    item.patient_system = (sbs_text){system, sizeof system};
    item.own_ms = 0xFFFFFFFFFFFF;
    state_of = (meter_encoder){.device_known = true};
    assert_int_equal(encode(&item, 1700000000, (sbs_text){NULL, 0}, &identity), SBS_OK);
    sbs_writer_init(&out, search, sizeof search);
    sbs_identity_put_search(&out, identity.system, identity.value);
    assert_int_equal(sbs_writer_finish(&out, &search_len), SBS_OK);
    print_message("largest request %zu + %zu of %u bytes\n", strlen(json), search_len, METER_BODY_MAX);
    assert_true(strlen(json) + search_len + 2 <= METER_BODY_MAX);
}

static void an_item_of_another_format_is_refused(void **state) {
    (void)state;
    const sbs_push_encoder encoder = meter_item_encoder(&state_of);
    sbs_push_identity identity;
    sbs_queue_item entry = {
        .id = 1, .len = meter_item_write(&typical, data), .meta = {.format = METER_ITEM_FORMAT + 1}};
    sbs_push_item item = {.item = &entry, .data = data};
    assert_int_equal(encoder.identify(encoder.ctx, &item, &identity), SBS_ERR_VERSION);
}

static void the_sensor_stays_within_its_curve(void **state) {
    (void)state;
    unsigned different = 0;
    sbs_decimal before[2] = {{0, 0}, {0, 0}};
    for (uint32_t i = 0; i < 1000; i++) {
        meter_quantity quantity;
        sbs_decimal value;
        assert_int_equal(meter_sensor_read(i, &quantity, &value), SBS_OK);
        int64_t low = quantity == METER_GLUCOSE ? 390 : 3600, high = quantity == METER_GLUCOSE ? 1000 : 3910;
        assert_true(value.exponent == -2 && value.mantissa > low && value.mantissa < high);
        different += value.mantissa != before[quantity].mantissa;
        before[quantity] = value;
    }
    assert_true(different > 900);
}

static void the_device_is_a_resource_with_its_eui64(void **state) {
    (void)state;
    sbs_writer out;
    size_t len;
    char reference[METER_DEVICE_REFERENCE_SIZE];
    sbs_writer_init(&out, json, METER_BODY_MAX);
    assert_int_equal(meter_device_put(&out, 0x0123456789ABCDEF, false), SBS_OK);
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    json[len] = '\0';
    assert_int_equal(meter_device_reference(0x0123456789ABCDEF, reference), SBS_OK);
    assert_memory_equal(reference, "Device/sbs-", 11);
    assert_non_null(strstr(json, "\"value\":\"01-23-45-67-89-AB-CD-EF\""));
    assert_null(strstr(json, "HTEST"));
    assert_non_null(fake_find(json, len, "\"resourceType\":\"Device\",\"id\":\"sbs-"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_is_read_as_it_was_written),
        cmocka_unit_test(a_damaged_item_is_refused),
        cmocka_unit_test(with_a_clock_and_a_subject_the_guide_names_it),
        cmocka_unit_test(a_patients_identifier_takes_the_place_of_the_id),
        cmocka_unit_test(without_a_clock_epoch_and_number_name_it),
        cmocka_unit_test(without_a_subject_epoch_and_number_name_it),
        cmocka_unit_test(the_largest_item_fits),
        cmocka_unit_test(an_item_of_another_format_is_refused),
        cmocka_unit_test(the_sensor_stays_within_its_curve),
        cmocka_unit_test(the_device_is_a_resource_with_its_eui64),
    };
    return cmocka_run_group_tests(tests, rig_group, NULL);
}
