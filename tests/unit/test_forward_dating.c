/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements without a time of their own: when each gets one, and which. */
#include <string.h>

#include "sbs/forward_dating.h"
#include "sbs/forward_resource.h"
#include "sbs/push.h"
#include "test.h"

#define NOW 1790000000
#define TEXT_OF_ONE "{\"resourceType\":\"Observation\"}"

static int64_t utc_s;
static sbs_forward_buffer out;

static int64_t tell_utc(void *ctx) {
    (void)ctx;
    return utc_s;
}

/* One record in RAM. */
static struct {
    uint8_t data[256];
    size_t len;
    unsigned sets;
} record;

static sbs_status record_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    (void)name;
    if (record.len == 0 || record.len > size) {
        return SBS_ERR_NOT_FOUND;
    }
    memcpy(buffer, record.data, record.len);
    *out_len = record.len;
    return SBS_OK;
}

static sbs_status record_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    (void)ctx;
    (void)name;
    assert_true(len <= sizeof record.data);
    memcpy(record.data, data, len);
    record.len = len;
    record.sets++;
    return SBS_OK;
}

static const sbs_storage_ops record_ops = {.get = record_get, .set = record_set};
static const sbs_storage storage = {.ops = &record_ops};
static const sbs_forward_dating dating = {.utc_now = tell_utc, .storage = &storage, .boot_id = 7};

static sbs_status date(const sbs_forward_dating *by, uint64_t now_ms, const sbs_queue_meta *meta) {
    return sbs_forward_date(by, (sbs_now){.mono_ms = now_ms, .utc_s = 5}, meta, SBS_TEXT(TEXT_OF_ONE), &out);
}

static void assert_text(const char *expected) {
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
}

static int forget(void **state) {
    (void)state;
    memset(&record, 0, sizeof record);
    utc_s = SBS_UTC_UNKNOWN;
    sbs_forward_buffer_free(&out);
    return 0;
}

static void an_arrival_that_is_known_is_the_time(void **state) {
    const sbs_queue_meta meta = {.utc_s = NOW, .boot_id = 3, .format = SBS_FORWARD_UNDATED};
    (void)state;
    assert_int_equal(date(&dating, 1, &meta), SBS_OK);
    assert_text("{\"effectiveDateTime\":\"2026-09-21T14:13:20Z\",\"resourceType\":\"Observation\"}");
    assert_int_equal(date(NULL, 1, &meta), SBS_OK);
    assert_text("{\"effectiveDateTime\":\"2026-09-21T14:13:20Z\",\"resourceType\":\"Observation\"}");
}

static void what_came_before_the_clock_is_held_until_it_is_known(void **state) {
    const sbs_queue_meta meta = {.utc_s = SBS_UTC_UNKNOWN, .boot_id = 7, .uptime_ms = 10000};
    (void)state;
    assert_int_equal(date(&dating, 20000, &meta), SBS_ERR_NO_TIME);

    /* Ninety seconds after it came the clock is known; the sample of the loop's is not asked. */
    utc_s = NOW + 90;
    assert_int_equal(date(&dating, 100000, &meta), SBS_OK);
    assert_text("{\"effectiveDateTime\":\"2026-09-21T14:13:20Z\",\"resourceType\":\"Observation\"}");

    assert_int_equal(date(NULL, 100000, &meta), SBS_OK);
    assert_text(TEXT_OF_ONE);
}

static void an_earlier_boot_is_dated_by_its_note_or_never(void **state) {
    const sbs_queue_meta meta = {.utc_s = SBS_UTC_UNKNOWN, .boot_id = 6, .uptime_ms = 20000};
    sbs_forward_dating before = dating;
    before.boot_id = 6;
    (void)state;

    sbs_forward_dating_note(&before, (sbs_now){.mono_ms = 1000});
    assert_int_equal(record.sets, 0); /* it is not known yet */
    assert_int_equal(date(&dating, 1, &meta), SBS_OK);
    assert_text("{\"_effectiveDateTime\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
                "data-absent-reason\",\"valueCode\":\"unknown\"}]},\"resourceType\":\"Observation\"}");

    utc_s = NOW - 10;
    sbs_forward_dating_note(&before, (sbs_now){.mono_ms = 10000});
    sbs_forward_dating_note(&before, (sbs_now){.mono_ms = 10500});
    assert_int_equal(record.sets, 1);
    utc_s = SBS_UTC_UNKNOWN;
    assert_int_equal(date(&dating, 1, &meta), SBS_OK);
    assert_text("{\"effectiveDateTime\":\"2026-09-21T14:13:20Z\",\"resourceType\":\"Observation\"}");
}

static void a_boot_has_one_number(void **state) {
    (void)state;
    assert_int_equal(sbs_forward_boot_id(), sbs_forward_boot_id());
    assert_int_not_equal(sbs_forward_boot_id(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_arrival_that_is_known_is_the_time, forget),
        cmocka_unit_test_setup(what_came_before_the_clock_is_held_until_it_is_known, forget),
        cmocka_unit_test_setup(an_earlier_boot_is_dated_by_its_note_or_never, forget),
        cmocka_unit_test_setup(a_boot_has_one_number, forget),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sbs_forward_buffer_free(&out);
    return failed;
}
