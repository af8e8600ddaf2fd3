/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/observation.h"
#include "test.h"

#define T(literal) ((sbs_text){literal, sizeof literal - 1})
#define UTC INT64_C(1700000000) /* 2023-11-14T22:13:20Z */
#define VITAL_SIGNS                                                                                                    \
    "{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"                                                \
    "observation-category\",\"code\":\"vital-signs\"}]}"

static char buffer[4096];
static const sbs_coding vital_signs = {.system = T(SBS_SYSTEM_CATEGORY), .code = T("vital-signs")};
static const sbs_coding temperature[] = {
    {.system = T(SBS_SYSTEM_LOINC), .code = T("8310-5"), .display = T("Body temperature")},
    {.system = T(SBS_SYSTEM_MDC), .code = T("150364")},
};

static sbs_observation vital_sign(void) {
    return (sbs_observation){
        .categories = &vital_signs,
        .category_count = 1,
        .codes = temperature,
        .code_count = 2,
        .subject = T("Patient/123"),
        .device = T("Device/thermometer"),
        .effective_utc_s = UTC,
        .effective_ms = -1,
        .zone_minutes = 60,
        .value = {.kind = SBS_VALUE_QUANTITY,
                  .decimal = {3650, -2},
                  .unit = T("\xc2\xb0"
                            "C"),
                  .ucum = T("Cel")},
    };
}

/* The least that is legal. */
static sbs_observation plain(void) {
    return (sbs_observation){
        .codes = temperature,
        .code_count = 1,
        .effective_utc_s = SBS_UTC_UNKNOWN,
        .value = {.kind = SBS_VALUE_STRING, .text = T("warm")},
    };
}

static void assert_observation(const sbs_observation *observation, const char *expected) {
    sbs_writer out;
    size_t len = 0;
    const char *fault = "?";
    sbs_writer_init(&out, buffer, sizeof buffer);
    const sbs_status status = sbs_observation_put(&out, observation, &fault);
    if (status != SBS_OK) {
        fail_msg("%d at %s", (int)status, fault);
    }
    assert_null(fault);
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    buffer[len] = '\0';
    assert_string_equal(buffer, expected);
}

static void assert_fault(const sbs_observation *observation, sbs_status expected, const char *element) {
    sbs_writer out;
    const char *fault = NULL;
    sbs_writer_init(&out, buffer, sizeof buffer);
    assert_int_equal(sbs_observation_put(&out, observation, &fault), expected);
    assert_non_null(fault);
    assert_string_equal(fault, element);
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, observation, NULL), expected);
}

static const char *const vital_sign_json =
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"category\":[" VITAL_SIGNS "],"
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8310-5\",\"display\":\"Body temperature\"},"
    "{\"system\":\"urn:iso:std:iso:11073:10101\",\"code\":\"150364\"}]},"
    "\"subject\":{\"reference\":\"Patient/123\"},\"effectiveDateTime\":\"2023-11-14T23:13:20+01:00\","
    "\"valueQuantity\":{\"value\":36.50,\"unit\":\"\xc2\xb0"
    "C\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"Cel\"},"
    "\"device\":{\"reference\":\"Device/thermometer\"}}";

static void a_vital_sign_is_written_whole(void **state) {
    (void)state;
    const sbs_observation observation = vital_sign();
    assert_observation(&observation, vital_sign_json);
}

static void an_exact_fit_is_written_and_one_short_is_told(void **state) {
    (void)state;
    const sbs_observation observation = vital_sign();
    const size_t need = strlen(vital_sign_json);
    sbs_writer out;
    size_t len = 0;
    const char *fault = "?";

    sbs_writer_init(&out, buffer, need);
    assert_int_equal(sbs_observation_put(&out, &observation, &fault), SBS_OK);
    assert_memory_equal(buffer, vital_sign_json, need);

    for (size_t size = 0; size < need; size++) {
        memset(buffer, '#', sizeof buffer);
        sbs_writer_init(&out, buffer, size);
        assert_int_equal(sbs_observation_put(&out, &observation, &fault), SBS_ERR_BUFFER);
        assert_null(fault);
        assert_int_equal(sbs_writer_finish(&out, &len), SBS_ERR_BUFFER);
        assert_int_equal(len, need);
        assert_int_equal(buffer[size], '#');
    }
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
    assert_int_equal(out.len, need);
}

static void a_blood_pressure_is_a_panel(void **state) {
    (void)state;
    static const sbs_coding panel = {.system = T(SBS_SYSTEM_LOINC), .code = T("85354-9")};
    static const sbs_coding systolic[] = {{.system = T(SBS_SYSTEM_LOINC), .code = T("8480-6")},
                                          {.system = T(SBS_SYSTEM_MDC), .code = T("150021")}};
    static const sbs_coding diastolic = {.system = T(SBS_SYSTEM_LOINC), .code = T("8462-4")};
    const sbs_component components[] = {
        {.codes = systolic,
         .code_count = 2,
         .value = {.kind = SBS_VALUE_QUANTITY, .decimal = {120, 0}, .unit = T("mmHg"), .ucum = T("mm[Hg]")}},
        {.codes = &diastolic, .code_count = 1, .value = {.kind = SBS_VALUE_ABSENT, .text = T("not-a-number")}},
    };
    const sbs_text performers[] = {T("Practitioner/1"), T("urn:uuid:9e4a2858-9e86-406b-958f-b86a5e1ceb3d")};
    sbs_observation observation = vital_sign();
    observation.id = T("bp-1.a");
    observation.codes = &panel;
    observation.code_count = 1;
    observation.status = T("preliminary");
    observation.effective = T("2023-11-14");
    observation.device = (sbs_text){NULL, 0};
    observation.performers = performers;
    observation.performer_count = 2;
    observation.value = (sbs_value){.kind = SBS_VALUE_NONE};
    observation.components = components;
    observation.component_count = 2;
    assert_observation(
        &observation,
        "{\"resourceType\":\"Observation\",\"id\":\"bp-1.a\",\"status\":\"preliminary\",\"category\":[" VITAL_SIGNS "],"
        "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"85354-9\"}]},"
        "\"subject\":{\"reference\":\"Patient/123\"},\"effectiveDateTime\":\"2023-11-14\","
        "\"performer\":[{\"reference\":\"Practitioner/1\"},"
        "{\"reference\":\"urn:uuid:9e4a2858-9e86-406b-958f-b86a5e1ceb3d\"}],"
        "\"component\":[{\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8480-6\"},"
        "{\"system\":\"urn:iso:std:iso:11073:10101\",\"code\":\"150021\"}]},"
        "\"valueQuantity\":{\"value\":120,\"unit\":\"mmHg\",\"system\":\"http://"
        "unitsofmeasure.org\",\"code\":\"mm[Hg]\"}},"
        "{\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8462-4\"}]},"
        "\"dataAbsentReason\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/data-absent-reason\","
        "\"code\":\"not-a-number\"}]}}]}");
}

/* The identifier of the Personal Health Device guide, with the characters that a search must escape later. */
static void device_identifier_and_demo_data_are_written(void **state) {
    (void)state;
    sbs_observation observation = plain();
    observation.identifier_system = T("http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation");
    observation.identifier_value = T("ACDE48234567019F-123-urn:oid:1.2.3-753314400.00+4");
    observation.demo = true;
    observation.value = (sbs_value){.kind = SBS_VALUE_DECIMAL_TEXT, .text = T("-0.50"), .ucum = T("{score}")};
    assert_observation(
        &observation,
        "{\"resourceType\":\"Observation\","
        "\"meta\":{\"security\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
        "v3-ActReason\",\"code\":\"HTEST\"}]},"
        "\"identifier\":[{\"system\":\"http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation\","
        "\"value\":\"ACDE48234567019F-123-urn:oid:1.2.3-753314400.00+4\"}],"
        "\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8310-5\","
        "\"display\":\"Body temperature\"}]},"
        "\"valueQuantity\":{\"value\":-0.50,\"unit\":\"{score}\",\"system\":\"http://unitsofmeasure.org\","
        "\"code\":\"{score}\"}}");
}

#define HEAD                                                                                                           \
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\","   \
    "\"code\":\"8310-5\",\"display\":\"Body temperature\"}]},"

static void each_kind_of_value_is_written(void **state) {
    (void)state;
    sbs_observation observation = plain();
    assert_observation(&observation, HEAD "\"valueString\":\"warm\"}");

    observation.value = (sbs_value){
        .kind = SBS_VALUE_CODED,
        .coded = {.system = T("http://snomed.info/sct"), .code = T("260385009"), .display = T("Negative")},
    };
    assert_observation(&observation,
                       HEAD "\"valueCodeableConcept\":{\"coding\":[{\"system\":\"http://snomed.info/sct\","
                            "\"code\":\"260385009\",\"display\":\"Negative\"}]}}");

    observation.value = (sbs_value){.kind = SBS_VALUE_ABSENT, .text = T("error")};
    assert_observation(&observation,
                       HEAD "\"dataAbsentReason\":{\"coding\":[{\"system\":"
                            "\"http://terminology.hl7.org/CodeSystem/data-absent-reason\",\"code\":\"error\"}]}}");
}

static void text_is_escaped(void **state) {
    (void)state;
    sbs_observation observation = plain();
    observation.value.text = T("\"}]\\\n\t\xe2\x82\xac</script>");
    assert_observation(&observation, HEAD "\"valueString\":\"\\\"}]\\\\\\n\\t\xe2\x82\xac</script>\"}");
}

static void assert_effective(int64_t utc_s, int ms, int16_t zone, const char *expected) {
    sbs_observation observation = plain();
    sbs_writer out;
    observation.effective_utc_s = utc_s;
    observation.effective_ms = ms;
    observation.zone_minutes = zone;
    sbs_writer_init(&out, buffer, sizeof buffer);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
    buffer[out.len] = '\0';
    if (expected == NULL) {
        assert_null(strstr(buffer, "effective"));
    } else {
        assert_non_null(strstr(buffer, expected));
    }
}

static void the_time_is_written_as_it_is_known(void **state) {
    (void)state;
    assert_effective(UTC, -1, 0, ",\"effectiveDateTime\":\"2023-11-14T22:13:20Z\",");
    assert_effective(UTC, 7, -300, ",\"effectiveDateTime\":\"2023-11-14T17:13:20.007-05:00\",");
    assert_effective(UTC, -1, SBS_ZONE_UNKNOWN, NULL);
    assert_effective(SBS_UTC_UNKNOWN, -1, 0, NULL);
    assert_effective(0, 0, 0, NULL);

    sbs_observation observation = plain();
    observation.effective_utc_s = UTC;
    observation.effective_ms = 1000;
    assert_fault(&observation, SBS_ERR_FORMAT, "effective");
    observation.effective_ms = 0;
    observation.zone_minutes = 841;
    assert_fault(&observation, SBS_ERR_FORMAT, "effective");
    observation.effective = T("2023-11-14T22:13Z");
    assert_fault(&observation, SBS_ERR_FORMAT, "effective");
    observation.effective = T("");
    assert_fault(&observation, SBS_ERR_FORMAT, "effective");
    /* Text goes before the number, which is wrong still. */
    observation.effective = T("2023");
    sbs_writer out;
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
}

static void the_rules_of_vital_signs_hold(void **state) {
    (void)state;
    sbs_observation observation = vital_sign();
    observation.subject = (sbs_text){NULL, 0};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "subject");
    observation = vital_sign();
    observation.effective_utc_s = SBS_UTC_UNKNOWN;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "effective");
    observation = vital_sign();
    observation.zone_minutes = SBS_ZONE_UNKNOWN;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "effective");
    observation = vital_sign();
    observation.effective = T("2023-11");
    assert_fault(&observation, SBS_ERR_ARGUMENT, "effective");
    observation = vital_sign();
    observation.value = (sbs_value){.kind = SBS_VALUE_NONE};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    /* The rules are the category's: another one has none of them. */
    static const sbs_coding laboratory = {.system = T(SBS_SYSTEM_CATEGORY), .code = T("laboratory")};
    observation = plain();
    observation.categories = &laboratory;
    observation.category_count = 1;
    sbs_writer out;
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
}

static bool is_written_with_category(const sbs_observation *observation) {
    sbs_writer out;
    sbs_writer_init(&out, buffer, sizeof buffer - 1);
    assert_int_equal(sbs_observation_put(&out, observation, NULL), SBS_OK);
    buffer[out.len] = '\0';
    const char *first = strstr(buffer, "\"vital-signs\"");
    assert_true(first == NULL || strstr(first + 1, "\"vital-signs\"") == NULL);
    return first != NULL;
}

/* What has a vital sign's code gets the category where the profile can hold, and is sent without it where it cannot. */
static void a_vital_sign_is_known_by_its_code(void **state) {
    (void)state;
    static const char *const codes[] = {"85353-1", "9279-1",  "8867-4",  "2708-6",  "59408-5", "8310-5", "8302-2",
                                        "9843-4",  "29463-7", "39156-5", "85354-9", "8480-6",  "8462-4", "8478-0"};
    static const sbs_coding laboratory = {.system = T(SBS_SYSTEM_CATEGORY), .code = T("laboratory")};
    sbs_observation observation = vital_sign();
    observation.category_count = 0;
    assert_observation(&observation, vital_sign_json);

    for (size_t i = 0; i < SBS_COUNT_OF(codes); i++) {
        sbs_coding code[2] = {{.system = T(SBS_SYSTEM_MDC), .code = T("1")}, {.system = T(SBS_SYSTEM_LOINC)}};
        code[1].code = sbs_text_of(codes[i]);
        observation.codes = code;
        assert_true(is_written_with_category(&observation));
        assert_true(sbs_observation_is_vital_sign(code, 2));
        code[1].system = T(SBS_SYSTEM_MDC);
        assert_false(is_written_with_category(&observation));
        assert_false(sbs_observation_is_vital_sign(code, 2));
    }

    static const sbs_coding glucose = {.system = T(SBS_SYSTEM_LOINC), .code = T("2339-0")};
    observation.codes = &glucose;
    observation.code_count = 1;
    assert_false(is_written_with_category(&observation));

    observation = vital_sign();
    observation.categories = &laboratory;
    assert_true(is_written_with_category(&observation));
    assert_non_null(strstr(buffer, "\"laboratory\""));
}

static void a_vital_sign_that_lacks_something_is_sent(void **state) {
    (void)state;
    sbs_observation observation = vital_sign();
    observation.category_count = 0;
    observation.subject = (sbs_text){NULL, 0};
    assert_false(is_written_with_category(&observation));

    observation = vital_sign();
    observation.category_count = 0;
    observation.effective_utc_s = SBS_UTC_UNKNOWN;
    assert_false(is_written_with_category(&observation));
    observation.effective = T("2023-11");
    assert_false(is_written_with_category(&observation));
    observation.effective = T("2023-11-14");
    assert_true(is_written_with_category(&observation));
}

static void no_value_stands_beside_a_component_of_its_code(void **state) {
    (void)state;
    static const sbs_coding same[] = {{.system = T(SBS_SYSTEM_MDC), .code = T("1")},
                                      {.system = T(SBS_SYSTEM_LOINC), .code = T("8310-5")}};
    static const sbs_coding other_system = {.system = T(SBS_SYSTEM_MDC), .code = T("8310-5")};
    sbs_component component = {.codes = same, .code_count = 2, .value = {.kind = SBS_VALUE_STRING, .text = T("x")}};
    sbs_observation observation = plain();
    sbs_writer out;
    observation.components = &component;
    observation.component_count = 1;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    observation.value = (sbs_value){.kind = SBS_VALUE_NONE};
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
    observation = plain();
    observation.components = &component;
    observation.component_count = 1;
    component.codes = &other_system;
    component.code_count = 1;
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
}

static void only_known_statuses_are_written(void **state) {
    (void)state;
    static const char *const codes[] = {"registered", "preliminary",      "final",  "amended", "corrected",
                                        "cancelled",  "entered-in-error", "unknown"};
    sbs_observation observation = plain();
    sbs_writer out;
    for (size_t i = 0; i < SBS_COUNT_OF(codes); i++) {
        observation.status = sbs_text_of(codes[i]);
        sbs_writer_init_sizing(&out);
        assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
    }
    static const char *const bad[] = {"", "Final", "final ", "done", "fina", "finally"};
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        observation.status = sbs_text_of(bad[i]);
        assert_fault(&observation, SBS_ERR_FORMAT, "status");
    }
}

static void what_is_required_is_demanded(void **state) {
    (void)state;
    sbs_observation observation = plain();
    observation.code_count = 0;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "code");

    static const sbs_coding no_code = {.system = T(SBS_SYSTEM_LOINC)};
    observation = plain();
    observation.codes = &no_code;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "code");

    static const sbs_coding no_system = {.code = T("vital-signs")};
    observation = plain();
    observation.categories = &no_system;
    observation.category_count = 1;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "category");

    observation = plain();
    observation.identifier_system = T("urn:x");
    assert_fault(&observation, SBS_ERR_ARGUMENT, "identifier");

    observation = plain();
    observation.value = (sbs_value){.kind = SBS_VALUE_NONE};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    observation.value = (sbs_value){.kind = SBS_VALUE_STRING};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    observation.value = (sbs_value){.kind = SBS_VALUE_ABSENT};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    observation.value = (sbs_value){.kind = SBS_VALUE_CODED};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    observation.value = (sbs_value){.kind = SBS_VALUE_QUANTITY, .decimal = {1, 0}};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");
    observation.value = (sbs_value){.kind = (sbs_value_kind)99};
    assert_fault(&observation, SBS_ERR_ARGUMENT, "value");

    sbs_component component = {.codes = temperature, .code_count = 1, .value = {.kind = SBS_VALUE_NONE}};
    observation.value = (sbs_value){.kind = SBS_VALUE_NONE};
    observation.components = &component;
    observation.component_count = 1;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "component");
    component.value = (sbs_value){.kind = SBS_VALUE_STRING, .text = T("x")};
    component.code_count = 0;
    assert_fault(&observation, SBS_ERR_ARGUMENT, "component");
}

static void decimals_keep_their_precision(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "1,5", "+1", "01", ".5", "1.", "0x1", "NaN", "1 ", "1}", "1234567890123456789"};
    sbs_observation observation = plain();
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        observation.value = (sbs_value){.kind = SBS_VALUE_DECIMAL_TEXT, .text = sbs_text_of(bad[i]), .ucum = T("Cel")};
        assert_fault(&observation, SBS_ERR_FORMAT, "value");
    }
    observation.value = (sbs_value){.kind = SBS_VALUE_QUANTITY, .decimal = {1, 19}, .ucum = T("Cel")};
    assert_fault(&observation, SBS_ERR_FORMAT, "value");
    observation.value = (sbs_value){.kind = SBS_VALUE_QUANTITY, .decimal = {-1, -18}, .ucum = T("Cel")};
    assert_observation(&observation, HEAD "\"valueQuantity\":{\"value\":-0.000000000000000001,\"unit\":\"Cel\","
                                          "\"system\":\"http://unitsofmeasure.org\",\"code\":\"Cel\"}}");
}

static void the_first_fault_is_told(void **state) {
    (void)state;
    sbs_observation observation = plain();
    observation.id = T("not/an/id");
    observation.code_count = 0;
    assert_fault(&observation, SBS_ERR_FORMAT, "id");
    /* An error that the writer already has is not the observation's. */
    sbs_writer out;
    const char *fault = "?";
    sbs_writer_init_sizing(&out);
    sbs_writer_fail(&out, SBS_ERR_STORAGE);
    assert_int_equal(sbs_observation_put(&out, &observation, &fault), SBS_ERR_STORAGE);
    assert_null(fault);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vital_sign_is_written_whole),
        cmocka_unit_test(an_exact_fit_is_written_and_one_short_is_told),
        cmocka_unit_test(a_blood_pressure_is_a_panel),
        cmocka_unit_test(device_identifier_and_demo_data_are_written),
        cmocka_unit_test(each_kind_of_value_is_written),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(the_time_is_written_as_it_is_known),
        cmocka_unit_test(the_rules_of_vital_signs_hold),
        cmocka_unit_test(a_vital_sign_is_known_by_its_code),
        cmocka_unit_test(a_vital_sign_that_lacks_something_is_sent),
        cmocka_unit_test(no_value_stands_beside_a_component_of_its_code),
        cmocka_unit_test(only_known_statuses_are_written),
        cmocka_unit_test(what_is_required_is_demanded),
        cmocka_unit_test(decimals_keep_their_precision),
        cmocka_unit_test(the_first_fault_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
