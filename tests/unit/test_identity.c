/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/identity.h"
#include "test.h"

static const sbs_text none = {NULL, 0};

/* printf 'urn:x|1' | sha256sum | cut -c1-40 */
static void an_id_is_the_hash_of_its_identifier(void **state) {
    char id[SBS_DERIVED_ID_LEN];
    (void)state;
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:x"), SBS_TEXT("1"), none, id), SBS_OK);
    assert_memory_equal(id, "sbs-9898c72d5faca3ae852231cc61a06c27dc446a3f", 44);
    char other[SBS_DERIVED_ID_LEN];
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:x"), SBS_TEXT("2"), none, other), SBS_OK);
    assert_memory_not_equal(id, other, sizeof id);
    assert_int_equal(sbs_identity_derive_id(none, SBS_TEXT("1"), none, other), SBS_OK);
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("a|b"), SBS_TEXT("1"), none, other), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("a"), SBS_TEXT(""), none, other), SBS_ERR_ARGUMENT);
}

/* printf 'urn:x|1\0Patient/a' | sha256sum | cut -c1-40 */
static void an_id_tells_subjects_apart(void **state) {
    char id[SBS_DERIVED_ID_LEN];
    (void)state;
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:x"), SBS_TEXT("1"), SBS_TEXT("Patient/a"), id), SBS_OK);
    assert_memory_equal(id, "sbs-d863e50427e288ec3f6f7708fe9501b4b8f9a93b", 44);

    /* No value can stand for another one with its subject. */
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:x"), SBS_TEXT("1\0Patient/a"), none, id), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("u\0x"), SBS_TEXT("1"), none, id), SBS_ERR_ARGUMENT);
}

static void a_subject_is_the_same_however_it_is_written(void **state) {
    static const char *const rows[][2] = {
        {"Patient/a", "Patient/a"},
        {"Patient/a/_history/7", "Patient/a"},
        {"https://fhir.example/r4/Patient/a", "Patient/a"},
        {"https://fhir.example/r4/Patient/a/_history/7", "Patient/a"},
        {"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
        {"Patient?identifier=x|1", "Patient?identifier=x|1"},
        {"#p", ""},
        {"", ""},
    };
    (void)state;

    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        sbs_text subject = sbs_identity_subject(sbs_text_of(rows[i][0]));
        assert_true(sbs_text_equal(subject, sbs_text_of(rows[i][1])));
    }
    assert_int_equal(sbs_identity_subject(none).len, 0);
}

static void a_search_is_escaped_twice(void **state) {
    char buffer[128];
    size_t len = 0;
    sbs_writer out;
    (void)state;
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_identity_put_search(&out, SBS_TEXT("http://sys"), SBS_TEXT("a+b,c$d|e\\f~\xc3\xa9"));
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    const char *wanted = "identifier=http%3A%2F%2Fsys%7Ca%2Bb%5C%2Cc%5C%24d%5C%7Ce%5C%5Cf~%C3%A9";
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(buffer, wanted, len);
}

static void assert_value(sbs_writer *out, const char *buffer, const char *wanted) {
    size_t len = 0;
    assert_int_equal(sbs_writer_finish(out, &len), SBS_OK);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(buffer, wanted, len);
}

/* The guide's own time stamp texts ("Generating the Reported Time Stamp Identifier"), with its numbers. */
static void a_phd_identifier_follows_the_guide(void **state) {
    char buffer[160];
    sbs_writer out;
    sbs_phd_measurement m = {
        .device = 0xFEEDABEE00112233,
        .patient = SBS_TEXT("sisansarahId"),
        .patient_system = SBS_TEXT("urn:oid:2.999.1.2"),
        .type = 150364,
        .time = {690897360567, -3},
        .has_offset = true,
        .offset = 4,
        .has_duration = true,
        .duration = {1000, -3},
    };
    (void)state;
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_identity_put_phd(&out, &m);
    assert_value(&out, buffer, "FEEDABEE00112233-sisansarahId-urn:oid:2.999.1.2-150364-690897360.567+4..1.000");
    m.patient_system.ptr = NULL;
    m.patient_system.len = 0;
    m.offset = -20;
    m.has_duration = false;
    m.time = (sbs_decimal){12345678, -3};
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_identity_put_phd(&out, &m);
    assert_value(&out, buffer, "FEEDABEE00112233-sisansarahId-150364-12345.678-20");
    m.patient.len = 0;
    sbs_identity_put_phd(&out, &m);
    assert_int_equal(sbs_writer_finish(&out, NULL), SBS_ERR_ARGUMENT);
}

static void a_sequence_identifies_without_a_clock(void **state) {
    char buffer[64];
    sbs_writer out;
    (void)state;
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_identity_put_sequence(&out, SBS_TEXT("meter-17"), 0x00C0FFEE, 18446744073709551615u);
    assert_value(&out, buffer, "meter-17-0000000000C0FFEE-18446744073709551615");
    sbs_identity_put_sequence(&out, SBS_TEXT(""), 1, 1);
    assert_int_equal(sbs_writer_finish(&out, NULL), SBS_ERR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_the_hash_of_its_identifier),
        cmocka_unit_test(an_id_tells_subjects_apart),
        cmocka_unit_test(a_subject_is_the_same_however_it_is_written),
        cmocka_unit_test(a_search_is_escaped_twice),
        cmocka_unit_test(a_phd_identifier_follows_the_guide),
        cmocka_unit_test(a_sequence_identifies_without_a_clock),
    };
    return psa_crypto_init() != PSA_SUCCESS ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
