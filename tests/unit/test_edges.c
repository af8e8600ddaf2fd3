/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers and writers at the edges that no other test comes to. */
#include <stdio.h>
#include <string.h>

#include "sbs/alg.h"
#include "sbs/assertion.h"
#include "sbs/bundle.h"
#include "sbs/confirm.h"
#include "sbs/count.h"
#include "sbs/date.h"
#include "sbs/http.h"
#include "sbs/jwk.h"
#include "sbs/outcome.h"
#include "sbs/psa_key.h"
#include "test.h"

static sbs_json_token tokens[64];

static sbs_flat parse_flat(const char *text) {
    sbs_flat doc;
    assert_int_equal(sbs_flat_parse(&doc, text, strlen(text)), SBS_OK);
    return doc;
}

static sbs_json parse(const char *text) {
    sbs_json doc;
    assert_int_equal(sbs_json_parse(&doc, text, strlen(text), tokens, SBS_COUNT_OF(tokens), NULL), SBS_OK);
    return doc;
}

/* ---- FHIR -------------------- */

static void a_status_of_more_than_three_digits_is_none(void **state) {
    (void)state;
    static const char *const answers[] = {"2000", "20000 OK", "20000"};
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        char text[200];
        sbs_bundle_answer entry;
        sbs_json_node node;
        snprintf(
            text, sizeof text,
            "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"response\":{\"status\":\"%s\"}}]}",
            answers[i]);
        sbs_json doc = parse(text);
        assert_int_equal(sbs_bundle_first_answer(&doc, &node), SBS_OK);
        assert_int_equal(sbs_bundle_answer_read(&doc, node, &entry), SBS_OK);
        assert_int_equal(entry.status, 0);
    }
}

static void the_first_of_two_identifiers_is_enough(void **state) {
    (void)state;
    static const sbs_written searched = {.type = {"Observation", 11}, .system = {"u:s", 3}, .value = {"v", 1}};
    sbs_flat doc = parse_flat(
        "{\"resourceType\":\"Observation\",\"id\":\"x\",\"identifier\":[{\"system\":\"u:s\",\"value\":\"v\"},"
        "{\"value\":\"n\"}]}");
    const char *why = NULL;
    sbs_answered answered = {.status = 200, .body = SBS_BODY_JSON, .doc = &doc, .outcome = SBS_JSON_NONE};
    answered.location = sbs_location_judge((sbs_text){NULL, 0}, &searched, &(sbs_text){NULL, 0});
    assert_int_equal(sbs_confirm(&searched, &answered, &why), SBS_OK);
}

static sbs_xml_kind read_xml(const char *body) {
    char words[100];
    return sbs_xml_words_read(sbs_text_of(body), words, sizeof words);
}

static void xml_without_a_root_is_a_page(void **state) {
    (void)state;
    assert_int_equal(read_xml("no tag at all"), SBS_XML_PAGE);
    assert_int_equal(read_xml("<?xml version=\"1.0\"?>"), SBS_XML_OTHER);
    assert_int_equal(read_xml("<p>"), SBS_XML_PAGE);
    assert_int_equal(read_xml("<section>"), SBS_XML_PAGE);
    assert_int_equal(read_xml("<Answer xmlns=\"urn:x\">"), SBS_XML_OTHER);
    assert_int_equal(read_xml("<HTML lang=\"en\">"), SBS_XML_PAGE);
}

static void words_need_memory_and_text(void **state) {
    (void)state;
    char words[40] = "kept";
    bool transient = true;
    sbs_flat doc = parse_flat("\"\"");
    (void)!sbs_words_read(&doc, words, sizeof words, &transient);
    assert_string_equal(words, "");
    strcpy(words, "kept");
    doc = parse_flat("\"said\"");
    (void)!sbs_words_read(&doc, words, 0, &transient);
    assert_string_equal(words, "kept"); /* not touched */
}

/* ---- HTTP, URL, date -------------------- */

static void json_by_another_name_needs_its_plus(void **state) {
    (void)state;
    assert_false(sbs_http_is_json(SBS_TEXT("application/fhirjson")));
    assert_false(sbs_http_is_json(SBS_TEXT("application/xjson")));
    assert_false(sbs_http_is_json(SBS_TEXT("application/+json")));
    assert_true(sbs_http_is_json(SBS_TEXT("application/x+json")));
}

static bool is_loopback(const char *text) {
    sbs_url url;
    assert_int_equal(sbs_url_parse(sbs_text_of(text), &url), SBS_OK);
    return sbs_url_is_loopback(&url);
}

static void an_address_of_the_network_is_no_loopback(void **state) {
    (void)state;
    assert_false(is_loopback("http://10.0.0.1/"));
    assert_false(is_loopback("http://128.0.0.1/"));
    assert_true(is_loopback("http://127.255.0.1/"));
    const sbs_url made_up = {.host = {"no host", 7}};
    assert_false(sbs_url_is_loopback(&made_up));
}

static void a_date_time_must_not_end_within_its_zone(void **state) {
    (void)state;
    assert_false(sbs_date_is_fhir_datetime(SBS_TEXT("2020-01-01T00:00:00.123")));
    assert_false(sbs_date_is_fhir_datetime(SBS_TEXT("2020-01-01T00:00:00+0a:00")));
    assert_false(sbs_date_is_fhir_datetime(SBS_TEXT("2020-01-01T00:00:00-00.00")));
}

static void json_memory_that_is_too_small_to_align_holds_no_token(void **state) {
    (void)state;
    _Alignas(8) char memory[8];
    sbs_json doc;
    assert_int_equal(sbs_json_parse_with(&doc, "1", 1, memory + 1, 1), SBS_ERR_TOKENS);
    assert_int_equal(sbs_json_parse_with(&doc, "1", 1, memory, 0), SBS_ERR_TOKENS);
}

/* ---- keys -------------------- */

static void a_key_whose_numbers_are_empty_or_zero_is_refused(void **state) {
    (void)state;
    static const uint8_t empty[] = {0x30, 5, 0x02, 0, 0x02, 1, 3};
    static const uint8_t zero[] = {0x30, 6, 0x02, 1, 0, 0x02, 1, 3};
    sbs_public_key key;
    assert_int_equal(sbs_public_key_parse(SBS_RS384, empty, sizeof empty, &key), SBS_ERR_KEY);
    assert_int_equal(sbs_public_key_parse(SBS_RS384, zero, sizeof zero, &key), SBS_ERR_KEY);
}

/* X.690 section 10.1: the shortest length, which no key of the sizes that are parsed has. */
static void a_header_of_der_has_the_shortest_length(void **state) {
    (void)state;
    static const uint8_t bytes[150];
    char text[512];
    sbs_writer out;
    const sbs_public_key key = {.alg = SBS_RS384, .kind = SBS_KEY_RSA, .data = bytes, .data_len = sizeof bytes};
    sbs_writer_init(&out, text, sizeof text);
    sbs_public_key_put_pem(&out, &key);
    assert_int_equal(out.error, SBS_OK);

    /* 30 81 A9, the algorithm's 30 0D, and 03 81 97. */
    const char *base64 = strchr(text, '\n') + 1;
    assert_memory_equal(base64, "MIGpMA0G", 8);
}

static void a_key_of_an_unknown_algorithm_is_written_without_its_name(void **state) {
    (void)state;
    static const uint8_t number[48] = {1};
    sbs_public_key key = {.alg = (sbs_alg)99, .kind = SBS_KEY_P384};
    key.first = key.second = number;
    key.first_len = key.second_len = sizeof number;
    char text[512];
    sbs_writer out;
    sbs_writer_init(&out, text, sizeof text - 1);
    sbs_jwk_put(&out, &key, (sbs_text){NULL, 0}, SBS_JWK_COMPACT, 0);
    assert_int_equal(out.error, SBS_OK);
    text[out.len] = '\0';
    assert_null(strstr(text, "\"alg\""));
    assert_non_null(strstr(text, "\"crv\":\"P-384\""));
}

static void what_psa_never_says_is_an_error_of_the_cryptography(void **state) {
    (void)state;
    assert_int_equal(sbs_psa_to_status(-9999), SBS_ERR_CRYPTO);
    assert_int_equal(sbs_psa_to_status(1), SBS_ERR_CRYPTO);
    assert_int_equal(sbs_psa_to_status(PSA_ERROR_COMMUNICATION_FAILURE), SBS_ERR_CRYPTO);
}

static sbs_status no_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    (void)out_alg;
    (void)buffer;
    (void)size;
    (void)out_len;
    return SBS_ERR_KEY;
}

static sbs_status no_signature(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    (void)ctx;
    (void)hash;
    (void)signature;
    (void)size;
    (void)out_len;
    return SBS_ERR_KEY;
}

static void an_assertion_that_was_not_written_whole_is_not_signed(void **state) {
    (void)state;
    static const sbs_key_ops ops = {no_public_key, no_signature};
    const sbs_key key = {&ops, NULL, false};
    sbs_assertion assertion = {.hashed = true, .alg = SBS_ES384};
    char text[16];
    sbs_writer out;
    sbs_writer_init(&out, text, sizeof text);
    sbs_writer_fail(&out, SBS_ERR_BUFFER);
    assert_int_equal(sbs_assertion_sign(&assertion, &key, &out), SBS_ERR_STATE);
}

static void nothing_is_verified_with_an_algorithm_that_is_none(void **state) {
    (void)state;
    const uint8_t hash[SBS_HASH_SIZE] = {0};
    assert_int_equal(sbs_psa_verify((sbs_alg)99, hash, sizeof hash, hash, hash, sizeof hash), SBS_ERR_KEY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_of_more_than_three_digits_is_none),
        cmocka_unit_test(the_first_of_two_identifiers_is_enough),
        cmocka_unit_test(xml_without_a_root_is_a_page),
        cmocka_unit_test(words_need_memory_and_text),
        cmocka_unit_test(json_by_another_name_needs_its_plus),
        cmocka_unit_test(an_address_of_the_network_is_no_loopback),
        cmocka_unit_test(a_date_time_must_not_end_within_its_zone),
        cmocka_unit_test(json_memory_that_is_too_small_to_align_holds_no_token),
        cmocka_unit_test(a_key_whose_numbers_are_empty_or_zero_is_refused),
        cmocka_unit_test(a_header_of_der_has_the_shortest_length),
        cmocka_unit_test(a_key_of_an_unknown_algorithm_is_written_without_its_name),
        cmocka_unit_test(what_psa_never_says_is_an_error_of_the_cryptography),
        cmocka_unit_test(an_assertion_that_was_not_written_whole_is_not_signed),
        cmocka_unit_test(nothing_is_verified_with_an_algorithm_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
