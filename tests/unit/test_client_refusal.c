/* SPDX-License-Identifier: Apache-2.0 */
/* What the words of a refusal make of it: the token, rights, the server itself, or somebody in front of it. */
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "sbs/outcome.h"
#include "test.h"

#define JSON "Content-Type: application/json\r\n"
#define XML "Content-Type: application/fhir+xml;charset=UTF-8\r\n"
#define CHALLENGE "WWW-Authenticate: Bearer realm=\"fhir\", error=\"invalid_token\", error_description=\"revoked\"\r\n"
#define OUTCOME(code)                                                                                                  \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"" code "\"}]}"
#define XML_OUTCOME                                                                                                    \
    "<OperationOutcome xmlns=\"http://hl7.org/fhir\"><issue><severity value=\"error\"/>"                               \
    "<diagnostics value=\"a &lt; b > &amp;quot; \r\n c\"/></issue><issue><diagnostics value=\"no\"/></issue>"          \
    "</OperationOutcome>"
#define IN_XML "the server answers in XML though JSON was asked for"

static sbs_status refused(fake_setup *s, unsigned times, unsigned status, const char *fields, const char *body) {
    sbs_request request = fake_create("identifier=u%7C1");
    s->fhir.fhir_status = status;
    s->fhir.fhir_times = times;
    s->fhir.fields = fields;
    s->fhir.fhir_body = body;
    return fake_run(s, &request);
}

/* Some servers say it with 400 or 403, in the head, as OAuth does, or as FHIR does. */
static void a_token_that_is_refused_in_any_way_is_asked_for_anew(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields, *body;
        bool token;
    } told[] = {
        {401, "", "", true},
        {400, CHALLENGE, "", true},
        {403, CHALLENGE, "<html>", true},
        {400, JSON, "{\"error\":\"invalid_token\",\"error_description\":\"Token expired\"}", true},
        {403, JSON, OUTCOME("login"), true},
        {400, JSON, OUTCOME("expired"), true},
        {403, "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", "", false},
        {400, JSON, "{\"error\":\"invalid_request\"}", false},
        {422, JSON, OUTCOME("expired"), false},
        {404, CHALLENGE, "", false},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(told); i++) {
        fake_setup_init(s);
        s->config.key = &fake_quick_key;
        sbs_status status = refused(s, 1, told[i].status, told[i].fields, told[i].body);
        assert_int_equal(status == SBS_OK, told[i].token);
        assert_int_equal(s->fhir.tokens, told[i].token ? 2 : 1);
        assert_int_equal(s->fhir.stored_count, told[i].token ? 1 : 0);

        /* Once a request: what is refused again is a fault of access. */
        fake_setup_init(s);
        s->config.key = &fake_quick_key;
        status = refused(s, 9, told[i].status, told[i].fields, told[i].body);
        assert_int_equal(status == SBS_ERR_UNAUTHORIZED, told[i].token);
        assert_int_equal(s->fhir.tokens, told[i].token ? 2 : 1);
        assert_int_equal(sbs_client_detail(&s->client)->http_status, told[i].status);
    }
}

static void words_say_whose_fault_it_is(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields, *body;
        sbs_status told;
        sbs_fault fault;
    } cases[] = {
        {422, JSON, OUTCOME("invalid"), SBS_ERR_REJECTED, SBS_FAULT_NONE},
        {422, JSON, OUTCOME("security"), SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS},
        {400, JSON, OUTCOME("forbidden"), SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS},
        {400, JSON, OUTCOME("suppressed"), SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS},
        {422, JSON, OUTCOME("expired"), SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS},
        {400, JSON, OUTCOME("throttled"), SBS_ERR_REJECTED, SBS_FAULT_SERVER},
        {400, JSON, "{\"error\":\"invalid_token\"}", SBS_ERR_UNAUTHORIZED, SBS_FAULT_ACCESS},
        {400, "Content-Type: text/html\r\n", "<html>", SBS_ERR_REJECTED, SBS_FAULT_ACCESS},
        {413, "Content-Type: text/html\r\n", "<html>", SBS_ERR_REJECTED, SBS_FAULT_NONE},
        {422, XML, XML_OUTCOME, SBS_ERR_REJECTED, SBS_FAULT_NONE},
        {422, XML, "<fault xmlns=\"urn:x\"/>", SBS_ERR_REJECTED, SBS_FAULT_ACCESS},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        fake_setup_init(s);
        s->config.key = &fake_quick_key;
        s->config.read_xml = sbs_xml_words_read;
        assert_int_equal(refused(s, 9, cases[i].status, cases[i].fields, cases[i].body), cases[i].told);
        const sbs_detail *detail = sbs_client_detail(&s->client);
        assert_int_equal(detail->status, cases[i].told);
        assert_int_equal(detail->fault, cases[i].fault);
        assert_false(detail->outcome_unknown);
    }
}

/* XML is no web page, and an OperationOutcome in it is the server's own word. */
static void xml_is_told_from_a_web_page(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields, *body;
        bool page;
        const char *words; /* NULL: not compared */
    } cases[] = {
        {422, XML, XML_OUTCOME, false, "a < b > &quot; c"},
        {422, XML, "\xEF\xBB\xBF <?xml version=\"1.0\"?>\r\n<!-- no --> " XML_OUTCOME, false, "a < b > &quot; c"},
        {422, "", XML_OUTCOME, false, "a < b > &quot; c"},
        {400, XML, "<OperationOutcome><issue><diagnostics value=", false, IN_XML},
        {400, XML, "<OperationOutcome/>", false, IN_XML},
        {400, "Content-Type: text/xml\r\n", "<?xml version=\"1.0\"?><fault/>", false, IN_XML},
        {400, "Content-Type: text/xml\r\n", "<fault xmlns='urn:x'/>", false, IN_XML},
        {200, XML, "<Observation xmlns=\"http://hl7.org/fhir\"/>", false, IN_XML},
        {400, "Content-Type: application/xhtml+xml\r\n", "<?xml version=\"1.0\"?><html/>", true, ""},
        {400, "Content-Type: text/html\r\n", "\xEF\xBB\xBF<!DOCTYPE html><html>", true, ""},
        {400, "", "<html>", true, ""},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        fake_setup_init(s);
        s->config.key = &fake_quick_key;
        s->config.read_xml = sbs_xml_words_read;
        assert_int_not_equal(refused(s, 1, cases[i].status, cases[i].fields, cases[i].body), SBS_OK);
        const sbs_detail *detail = sbs_client_detail(&s->client);
        assert_int_equal(detail->page, cases[i].page);
        assert_string_equal(detail->text, cases[i].words);

        /* A program that does not read XML is told what it is all the same. */
        fake_setup_init(s);
        s->config.key = &fake_quick_key;
        assert_int_not_equal(refused(s, 1, cases[i].status, cases[i].fields, cases[i].body), SBS_OK);
        assert_int_equal(sbs_client_detail(&s->client)->fault, SBS_FAULT_ACCESS);
        assert_null(strchr(sbs_client_detail(&s->client)->text, '<'));
    }
}

static void words_of_xml_are_cut_to_their_memory(void **state) {
    (void)state;
    char words[9];
    for (size_t size = 1; size <= sizeof words; size++) {
        memset(words, 'x', sizeof words);
        assert_int_equal(
            SBS_XML_OUTCOME,
            sbs_xml_words_read(SBS_TEXT("<OperationOutcome><diagnostics value='&amp;&amp;12345678'/>"), words, size));
        assert_int_equal(strlen(words), size - 1);
        assert_memory_equal(words, "&&123456", size - 1);
    }
}

static void who_cannot_be_reached_is_named(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create("identifier=u%7C1");
    static const sbs_status failures[] = {SBS_ERR_RESOLVE, SBS_ERR_REFUSED, SBS_ERR_UNREACHABLE, SBS_ERR_TIMEOUT};
    for (size_t i = 0; i < SBS_COUNT_OF(failures); i++) {
        fake_setup_init(s);
        s->config.key = &fake_quick_key;
        s->config.room_words = sbs_room_words;
        s->config.max_attempts = 1;
        s->fhir.server.open_fails = failures[i];
        assert_int_equal(fake_run(s, &request), failures[i]);
        assert_string_equal(sbs_client_detail(&s->client)->text, "fhir.example:443");
    }
}

static int set_up(void **state) {
    static fake_setup setup;
    *state = &setup;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_token_that_is_refused_in_any_way_is_asked_for_anew, set_up),
        cmocka_unit_test_setup(words_say_whose_fault_it_is, set_up),
        cmocka_unit_test_setup(xml_is_told_from_a_web_page, set_up),
        cmocka_unit_test_setup(who_cannot_be_reached_is_named, set_up),
        cmocka_unit_test(words_of_xml_are_cut_to_their_memory),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
