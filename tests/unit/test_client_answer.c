/* SPDX-License-Identifier: Apache-2.0 */
/* What the client makes of the answer to a write: what confirms it, what is told, and in which memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fhir.h"
#include "sbs/count.h"
#include "test.h"

#define IDENTIFIER "identifier=u%7C1"
#define JSON "Content-Type: application/fhir+json\r\n"
#define AT(where) "Location: https://fhir.example/r4/" where "\r\n"
#define STORED "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"identifier\":[{\"system\":\"u\",\"value\":\"1\"}]}"
#define OUTCOME(severity, words)                                                                                       \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"" severity                                      \
    "\",\"code\":\"x\",\"diagnostics\":\"" words "\"}]}"

/* The answer to the next FHIR request, beside discovery and token. */
static struct {
    unsigned status;
    const char *fields;
    const char *body;
    const char *stray; /* sent behind it */
    fake_handler whole;
} next;

static void serve_next(fake_server *server, const char *request, size_t len) {
    if (fake_request_is(request, len, "POST /token") || fake_request_is(request, len, "GET /r4/.well-known/")) {
        next.whole(server, request, len);
        return;
    }
    fake_answer(server, next.status, next.fields, next.body);
    if (next.stray != NULL) {
        fake_send(server, next.stray);
    }
}

static void begin(fake_setup *s) {
    fake_setup_init(s);
    s->config.key = &fake_quick_key;
    next.whole = s->fhir.server.handler;
    next.stray = NULL;
    s->fhir.server.handler = serve_next;
}

static sbs_status answered(fake_setup *s, const sbs_request *request, unsigned status, const char *fields,
                           const char *body) {
    next.status = status;
    next.fields = fields;
    next.body = body;
    return fake_run(s, request);
}

static sbs_request update_of(const char *target) {
    return (sbs_request){
        .interaction = SBS_UPDATE, .target = sbs_text_of(target), .body = sbs_text_of(fake_observation)};
}

/* ---- what confirms ----------------------------------------------------------------------------------------------- */

typedef struct answer_row {
    unsigned status;
    const char *fields, *body;
    sbs_status created, updated; /* a create, an update of Observation/o1 */
    const char *id;              /* told after a create that is confirmed */
} answer_row;

#define UNKNOWN SBS_ERR_RESPONSE

static const answer_row rows[] = {
    {201, "", "", SBS_OK, SBS_OK, ""},
    {201, AT("Observation/o1/_history/1"), "", SBS_OK, SBS_OK, "o1"},
    {201, AT("Patient/o1"), "", SBS_OK, SBS_OK, ""},
    {201, JSON, "{\"uuid\":\"1\"}", SBS_OK, SBS_OK, ""},
    {201, "Content-Type: text/html\r\n", "<html>", SBS_OK, SBS_OK, ""},
    {201, "Content-Encoding: gzip\r\n", "coded", SBS_OK, SBS_OK, ""},
    {204, "Content-Type: text/html\r\n", "", SBS_OK, SBS_OK, ""},
    {204, AT("Patient/o1"), "", UNKNOWN, UNKNOWN, ""},
    {200, "", "", SBS_OK, SBS_OK, ""},
    {200, "Content-Type: text/html\r\n", "", SBS_OK, SBS_OK, ""},
    {200, "Content-Type: text/html\r\n", " \r\n", SBS_OK, SBS_OK, ""},
    {200, "Content-Encoding: gzip\r\n", "", SBS_OK, SBS_OK, ""},
    {200, "Content-Encoding: gzip\r\n", "coded", UNKNOWN, UNKNOWN, ""},
    {200, "Content-Encoding: br\r\n" AT("Observation/o1"), "coded", SBS_OK, SBS_OK, "o1"},
    {200, "Content-Encoding: gzip\r\n" AT("Observation/o2"), "coded", SBS_OK, UNKNOWN, "o2"},
    {200, "Content-Encoding: gzip\r\n" AT("Patient/o1"), "coded", UNKNOWN, UNKNOWN, ""},
    {200, "Content-Encoding: utf-8\r\n", STORED, SBS_OK, SBS_OK, ""},
    {200, JSON, STORED, SBS_OK, SBS_OK, ""},
    {200, "Content-Type: application/json\r\n", STORED, SBS_OK, SBS_OK, ""},
    {200, "Content-Type: text/html\r\n", "\xef\xbb\xbf" STORED, SBS_OK, SBS_OK, ""},
    {200, JSON AT("Observation/o2"), STORED, SBS_OK, UNKNOWN, "o2"},
    {200, JSON, "{\"resourceType\":\"Patient\"}", UNKNOWN, UNKNOWN, ""},
    {200, JSON, OUTCOME("warning", ""), SBS_OK, SBS_OK, ""},
    {200, JSON, OUTCOME("error", "no"), UNKNOWN, UNKNOWN, ""},
    {200, JSON, OUTCOME("fatal", "no"), UNKNOWN, UNKNOWN, ""},
    {200, JSON AT("Observation/o1"), OUTCOME("error", "no"), UNKNOWN, UNKNOWN, ""},
    {200, JSON, "{\"type\":\"redirect\",\"to\":\"/login\"}", UNKNOWN, UNKNOWN, ""},
    {200, JSON, "{\"resourceType\":", UNKNOWN, UNKNOWN, ""},
    {200, JSON, "[]", UNKNOWN, UNKNOWN, ""},
    {200, "Content-Type: text/html\r\n" AT("Observation/o1"), "<html>", UNKNOWN, UNKNOWN, ""},
    {200, "", "OK", UNKNOWN, UNKNOWN, ""},
    {202, "", "", UNKNOWN, UNKNOWN, ""},
    {202, JSON AT("Observation/o1"), STORED, UNKNOWN, UNKNOWN, ""},
    {203, JSON, STORED, UNKNOWN, UNKNOWN, ""},
    {205, "", "", UNKNOWN, UNKNOWN, ""},
    {206, JSON, STORED, UNKNOWN, UNKNOWN, ""},
    {207, JSON, STORED, UNKNOWN, UNKNOWN, ""},
    {226, JSON, STORED, UNKNOWN, UNKNOWN, ""},
    {299, "", "", UNKNOWN, UNKNOWN, ""},
};

static void assert_judged(fake_setup *s, const answer_row *row, const sbs_request *request, sbs_status expected) {
    sbs_status status = answered(s, request, row->status, row->fields, row->body);
    if (status != expected) {
        fail_msg("HTTP %u %s%s: %s", row->status, row->fields, row->body, sbs_status_name(status));
    }
    const sbs_detail *detail = sbs_client_detail(&s->client);
    assert_int_equal(detail->outcome_unknown, status != SBS_OK);
    assert_int_equal(sbs_client_response(&s->client).http_status, row->status);
    if (status != SBS_OK) {
        assert_int_equal(detail->status, status);
        assert_true(detail->text[0] != '\0');
        assert_null(strchr(detail->text, '<'));
    }
}

static void each_answer_is_judged_by_one_rule(void **state) {
    fake_setup *s = *state;
    static char body[512];
    for (size_t i = 0; i < 4 * SBS_COUNT_OF(rows); i++) {
        const answer_row *row = &rows[i / 4];
        sbs_request create = fake_create(IDENTIFIER);
        sbs_request update = update_of("Observation/o1");
        begin(s);
        s->fhir.server.one_byte = s->fhir.server.pending_first = (i & 1) != 0;
        if ((i & 2) != 0) {
            create.response = update.response = body;
            create.response_size = update.response_size = sizeof body;
        }
        assert_judged(s, row, &create, row->created);
        if (row->created == SBS_OK) {
            assert_string_equal(sbs_client_response(&s->client).id, row->id);
        }
        assert_judged(s, row, &update, row->updated);
    }
}

/* It is told under the id that the Location names. */
static void a_server_may_give_an_update_an_id_of_its_own(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *fields, *body, *id;
    } told[] = {
        {AT("Observation/s7/_history/1"), "", "s7"},
        {AT("Observation/s7"), STORED, "s7"},
        {AT("Patient/p"), "", ""},
    };
    begin(s);
    for (size_t i = 0; i < SBS_COUNT_OF(told); i++) {
        sbs_request update = update_of("Observation/mine");
        assert_int_equal(answered(s, &update, 201, told[i].fields, told[i].body), SBS_OK);
        assert_string_equal(sbs_client_response(&s->client).id, told[i].id);
    }
}

/* A search that found something else stored nothing, and nobody knows better by asking again. */
static void another_identifier_is_a_failure_of_its_own(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    request.identifier_system = SBS_TEXT("u");
    request.identifier_value = SBS_TEXT("1");
    assert_int_equal(answered(s, &request, 200, JSON, STORED), SBS_OK);
    request.identifier_value = SBS_TEXT("2");
    assert_int_equal(answered(s, &request, 200, JSON AT("Observation/o1"), STORED), SBS_ERR_AMBIGUOUS);
    assert_string_equal(sbs_client_detail(&s->client)->text, "it has another identifier");
    assert_false(sbs_client_detail(&s->client)->outcome_unknown);
    assert_int_equal(sbs_client_detail(&s->client)->attempts, 1);
    assert_int_equal(answered(s, &request, 200, "", ""), SBS_OK);
    assert_int_equal(answered(s, &request, 201, JSON, STORED), SBS_OK);
}

static void a_read_needs_200(void **state) {
    fake_setup *s = *state;
    char body[8];
    sbs_request read = {
        .interaction = SBS_READ, .target = SBS_TEXT("Observation/o1"), .response = body, .response_size = sizeof body};
    static const unsigned others[] = {201, 202, 203, 204, 206, 226};
    assert_int_equal(answered(s, &read, 200, "Content-Type: text/plain\r\n", "anything"), SBS_OK);
    assert_int_equal(sbs_client_response(&s->client).body_len, 8);
    for (size_t i = 0; i < SBS_COUNT_OF(others); i++) {
        assert_int_equal(answered(s, &read, others[i], JSON, "{}"), SBS_ERR_RESPONSE);
        assert_false(sbs_client_detail(&s->client)->outcome_unknown);
    }
    assert_int_equal(answered(s, &read, 200, "Content-Encoding: gzip\r\n", "coded"), SBS_ERR_HTTP);
    assert_int_equal(sbs_client_response(&s->client).body_len, 0);
}

static void the_answer_to_a_bundle_is_the_callers_to_judge(void **state) {
    fake_setup *s = *state;
    char body[64];
    sbs_request bundle = {.interaction = SBS_BUNDLE,
                          .body = SBS_TEXT("{\"resourceType\":\"Bundle\"}"),
                          .response = body,
                          .response_size = sizeof body};
    assert_int_equal(answered(s, &bundle, 200, JSON, "{\"resourceType\":\"Bundle\"}"), SBS_OK);
    assert_int_equal(answered(s, &bundle, 202, JSON, "{\"resourceType\":\"Bundle\"}"), SBS_ERR_RESPONSE);
    assert_true(sbs_client_detail(&s->client)->outcome_unknown);
    assert_int_equal(answered(s, &bundle, 200, "Content-Type: text/html\r\n", "<html>"), SBS_ERR_RESPONSE);
    bundle.response_size = 24;
    assert_int_equal(answered(s, &bundle, 200, JSON, "{\"resourceType\":\"Bundle\"}"), SBS_ERR_BUFFER);
    bundle.response = NULL; /* nobody looks at it: then it must be one */
    assert_int_equal(answered(s, &bundle, 200, JSON, "{\"resourceType\":\"Bundle\"}"), SBS_OK);
    assert_int_equal(answered(s, &bundle, 200, JSON, OUTCOME("error", "no")), SBS_ERR_RESPONSE);
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static void a_redirect_says_where_it_points(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields, *body, *text;
    } cases[] = {
        {307, "Location: https://other.example/r4\r\n", "", "https://other.example/r4"},
        {301, "Content-Type: text/html\r\nLocation: /fhir/x\r\n", "<html>", "/fhir/x"},
        {302, "Location: a \t b\xc3\xa4\r\n", "", "a b?"},
        {308, "Location: https://other.example/r4\r\n" JSON, OUTCOME("error", "moved"), "error x: moved"},
        {307, "Location: https://other.example/r4\r\n", "gone there", "gone there"},
        {307, "Location: https://other.example/?t=tok-1.2\r\n", "", ""},
        {307, "", "", ""},
        {404, "Location: https://other.example/r4\r\n", "", ""},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request update = update_of("Observation/o1");
        sbs_status status = answered(s, &update, cases[i].status, cases[i].fields, cases[i].body);
        assert_int_equal(status == SBS_ERR_REDIRECT, cases[i].status < 400);
        assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].text);
    }
}

/* The token's answer was a 200, and the request for which it was fetched was never sent. */
static void a_failed_request_shows_no_status_of_an_earlier_answer(void **state) {
    fake_setup *s = *state;
    sbs_request read = {.interaction = SBS_READ, .target = SBS_TEXT("Patient/1")};
    assert_int_equal(fake_run(s, &read), SBS_ERR_SCOPE);
    assert_int_equal(s->fhir.tokens, 1);
    assert_int_equal(sbs_client_detail(&s->client)->http_status, 0);
    assert_int_equal(sbs_client_response(&s->client).http_status, 0);

    sbs_request update = update_of("Observation/o1");
    assert_int_equal(answered(s, &update, 422, JSON, "{}"), SBS_ERR_REJECTED);
    assert_int_equal(sbs_client_response(&s->client).http_status, 422);
    assert_int_equal(fake_run(s, &read), SBS_ERR_SCOPE);
    assert_int_equal(sbs_client_response(&s->client).http_status, 0);
}

static void the_buffer_that_is_too_small_is_named(void **state) {
    fake_setup *s = *state;
    static char search[5000];
    char body[24];
    char few[16];
    sbs_request bundle = {
        .interaction = SBS_BUNDLE, .body = SBS_TEXT("{}"), .response = body, .response_size = sizeof body};
    assert_int_equal(answered(s, &bundle, 200, JSON, "{\"resourceType\":\"Bundle\"}"), SBS_ERR_BUFFER);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");

    s->config.room_words = sbs_room_words;
    assert_int_equal(fake_run(s, &bundle), SBS_ERR_BUFFER);
    assert_string_equal(sbs_client_detail(&s->client)->text, "response buffer: no room for 25 bytes");

    s->config.work_size = 2048;
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    memset(search, 'x', sizeof search);
    sbs_request create = fake_create(NULL);
    create.if_none_exist = (sbs_text){search, sizeof search};
    assert_int_equal(fake_run(s, &create), SBS_ERR_BUFFER);
    const char *text = sbs_client_detail(&s->client)->text;
    assert_memory_equal(text, "work buffer: no room for 5", 26);

    static char document[5000];
    memset(document, ' ', sizeof document - 1);
    s->fhir.discovery_body = document;
    sbs_request discover = {.interaction = SBS_DISCOVER};
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    assert_int_equal(fake_run(s, &discover), SBS_ERR_BUFFER);
    assert_string_equal(sbs_client_detail(&s->client)->text, "work buffer: no room for 4999 bytes");

    s->config.words = few; /* too few for the words: none */
    s->config.words_size = sizeof few;
    assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
    assert_int_equal(fake_run(s, &discover), SBS_ERR_BUFFER);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void a_body_that_does_not_fit_is_left_out(void **state) {
    fake_setup *s = *state;
    char body[sizeof STORED];
    sbs_request request = fake_create(IDENTIFIER);
    request.response = body;
    request.response_size = sizeof STORED - 1;
    assert_int_equal(answered(s, &request, 201, JSON, STORED), SBS_OK);
    assert_int_equal(sbs_client_response(&s->client).body_len, sizeof STORED - 1);
    assert_memory_equal(body, STORED, sizeof STORED - 1);
    assert_int_equal(answered(s, &request, 200, JSON, STORED), SBS_OK);

    request.response_size--;
    assert_int_equal(answered(s, &request, 201, JSON, STORED), SBS_OK);
    assert_int_equal(sbs_client_response(&s->client).body_len, 0);
    assert_int_equal(answered(s, &request, 200, JSON AT("Observation/o1"), STORED), SBS_OK);
    assert_int_equal(answered(s, &request, 200, JSON, STORED), SBS_ERR_RESPONSE);
    assert_true(sbs_client_detail(&s->client)->outcome_unknown);
}

/* Whatever memory there is, what is no confirmation is never taken for one, and 201 always is one. */
static void every_size_of_the_work_buffer(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    bool judged = false;
    for (size_t size = SBS_EXCHANGE_SCRATCH_MIN; size <= 3072; size++) {
        begin(s);
        s->config.work_size = size;
        if (sbs_client_init(&s->client, &s->config) != SBS_OK || answered(s, &request, 201, "", "") != SBS_OK) {
            assert_false(judged);
            continue;
        }
        assert_int_equal(answered(s, &request, 200, JSON, "{\"type\":\"redirect\"}"), SBS_ERR_RESPONSE);
        assert_int_equal(answered(s, &request, 201, JSON, STORED), SBS_OK);
        assert_int_equal(answered(s, &request, 200, JSON AT("Observation/o1"), STORED), SBS_OK);
        sbs_status status = answered(s, &request, 200, JSON, STORED);
        assert_true(status == SBS_OK || (status == SBS_ERR_RESPONSE && !judged));
        judged = status == SBS_OK;
    }
    assert_true(judged);
}

static const char *decoded;

static sbs_status decode(void *ctx, sbs_http_coding coding, char *body, size_t len, size_t size, size_t *out_len) {
    assert_ptr_equal(ctx, &decoded);
    assert_int_equal(coding, SBS_CODING_GZIP);
    assert_memory_equal(body, "coded", len);
    if (decoded == NULL) {
        return SBS_ERR_UNSUPPORTED;
    }
    if (strlen(decoded) > size) {
        return SBS_ERR_BUFFER;
    }
    *out_len = strlen(decoded);
    memcpy(body, decoded, *out_len);
    return SBS_OK;
}

static void a_coded_body_is_judged_once_decoded(void **state) {
    fake_setup *s = *state;
    static const char coded[] = JSON "Content-Encoding: gzip\r\n";
    char body[sizeof STORED];
    sbs_request request = fake_create(IDENTIFIER);
    s->config.decode = decode;
    s->config.hook_ctx = &decoded;
    decoded = STORED;
    assert_int_equal(answered(s, &request, 200, coded, "coded"), SBS_OK);
    decoded = "{\"type\":\"redirect\"}";
    assert_int_equal(answered(s, &request, 200, coded, "coded"), SBS_ERR_RESPONSE);
    decoded = OUTCOME("error", "compressed words");
    assert_int_equal(answered(s, &request, 422, coded, "coded"), SBS_ERR_REJECTED);
    assert_string_equal(sbs_client_detail(&s->client)->text, "error x: compressed words");
    decoded = NULL;
    assert_int_equal(answered(s, &request, 422, coded, "coded"), SBS_ERR_REJECTED);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
    assert_int_equal(answered(s, &request, 200, coded, "coded"), SBS_ERR_RESPONSE);

    sbs_request read = {.interaction = SBS_READ, .target = SBS_TEXT("Observation/o1"), .response = body};
    decoded = STORED;
    read.response_size = sizeof STORED - 1;
    assert_int_equal(answered(s, &read, 200, coded, "coded"), SBS_OK);
    assert_int_equal(sbs_client_response(&s->client).body_len, sizeof STORED - 1);
    assert_memory_equal(body, STORED, sizeof STORED - 1);
    read.response_size--;
    assert_int_equal(answered(s, &read, 200, coded, "coded"), SBS_ERR_BUFFER);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

#define LONG_TOKEN "tok-0123456789abcdefghijklmnopqrstuvwxyz.ABCDEFG"
#define JWT "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJkZXZpY2UtMSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"

static void words_are_found_where_servers_put_them(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields, *body, *words;
    } cases[] = {
        {422, JSON, OUTCOME("error", "bad date"), "error x: bad date"},
        {400, "Content-Type: application/problem+json\r\n",
         "{\"title\":\"Forbidden\",\"status\":403,\"detail\":\"no create\"}", "Forbidden: no create"},
        {400, JSON, "{\"message\":\"missing subject\"}", "missing subject"},
        {400, JSON, "{\"status\":400,\"error\":\"Bad Request\",\"message\":\"no\",\"path\":\"/r4\"}",
         "Bad Request: no"},
        {400, JSON, "{\"error\":{\"code\":7,\"message\":\"quota\"}}", "quota"},
        {400, JSON, "{\"error\":\"invalid_request\",\"error_description\":\"why\"}", "invalid_request: why"},
        {400, JSON, "{\"validationErrors\":{\"subject\":\"is required\"}}", "{\"subject\":\"is required\"}"},
        {400, JSON, "{\"validationErrors\":[\"a\",\"b\"]}", "[\"a\",\"b\"]"},
        {400, JSON, "{\"fault\":\"unlisted\"}", "{\"fault\":\"unlisted\"}"},
        {400, JSON, "\"only text\"", "only text"},
        {400, JSON, "\xef\xbb\xbf{\"message\":\"marked\"}", "marked"},
        {400, JSON, "{\"entry\":[{\"resource\":" OUTCOME("error", "inside") "}]}", "error x: inside"},
        {400, JSON,
         "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"code\":\"x\",\"diagnostics\":\"\",\"details\":{"
         "\"coding\":"
         "[{\"display\":\"shown\"}]}}]}",
         "x: shown"},
        {400, "Content-Type: text/plain\r\n", "plain\x1b[2J\r\n text", "plain?[2J text"},
        {400, "", "plain text without a type", "plain text without a type"},
        {400, JSON, "{\"no\":", "{\"no\":"},
        {400, "Content-Type: text/html\r\n", "<html><h1>400</h1></html>", ""},
        {400, "Content-Type: text/plain\r\n", "\r\n <!DOCTYPE html>", ""},
        {400, JSON, "{}", ""},
        {403,
         "WWW-Authenticate: Bearer realm=\"r\", error=\"insufficient_scope\", Error_Description=\"needs write\"\r\n",
         "", "Bearer realm=\"r\", error=\"insufficient_scope\", Error_Description=\"needs write\""},
        {403,
         "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Bearer error_description=\"old\"\r\n"
         "WWW-Authenticate: Basic realm=\"r\"\r\n",
         "<html>", "Bearer error_description=\"old\""},
        {403, "WWW-Authenticate: Bearer realm=\"r\"\r\n", "", "Bearer realm=\"r\""},
        {403, "WWW-Authenticate: Bearer realm=\"r\"\r\n", "{\"message\":\"better\"}", "better"},
    };
    s->config.read_words = sbs_words_read;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        (void)!answered(s, &request, cases[i].status, cases[i].fields, cases[i].body);
        assert_int_equal(sbs_client_detail(&s->client)->http_status, cases[i].status);
        assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].words);
    }
}

/* A program that does not read the words of all JSON reads an OperationOutcome, and tells other JSON as it stands. */
static void without_a_reader_of_words_json_is_told_as_it_stands(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *body, *words;
    } cases[] = {
        {OUTCOME("error", "bad date"), "error x: bad date"},
        {"{\"message\":\"missing\r\nsubject\"}", "{\"message\":\"missing subject\"}"},
        {" {\"resourceType\":\"OperationOutcome\",\"issue\":[]}",
         "{\"resourceType\":\"OperationOutcome\",\"issue\":[]}"},
        {"<html>", ""},
        {"", ""},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        (void)!answered(s, &request, 400, JSON, cases[i].body);
        assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].words);
    }
}

/* The status counts, and a challenge in the head. */
static void without_a_reader_of_refusals_the_head_counts(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields, *body, *words;
        sbs_status result;
    } cases[] = {
        {400, JSON, OUTCOME("error", "expired"), "", SBS_ERR_REJECTED},
        {400, "Content-Type: text/html\r\n", "<html>", "", SBS_ERR_REJECTED},
        {400, "Content-Type: text/plain\r\n", "no", "", SBS_ERR_REJECTED},
        {403, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", "", "Bearer error=\"invalid_token\"",
         SBS_ERR_UNAUTHORIZED},
        {200, JSON, "{\"resourceType\":\"Patient\"}", SBS_CONFIRM_BODY, SBS_ERR_RESPONSE},
    };
    s->config.read_refusal = NULL;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        assert_int_equal(answered(s, &request, cases[i].status, cases[i].fields, cases[i].body), cases[i].result);
        assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].words);
        assert_false(sbs_client_detail(&s->client)->page);
    }
}

/* Who answers in the server's place is told apart from who answers for it. */
static void a_web_page_is_noted(void **state) {
    fake_setup *s = *state;
    static char large[20000]; /* more than the work buffer holds */
    static const struct {
        unsigned status;
        const char *fields, *body;
        bool page;
    } cases[] = {
        {400, "", "<html>", true},
        {200, "Content-Type: text/html\r\n", "\r\n<!DOCTYPE html>", true},
        {400, "Content-Type: text/html\r\n", large, true},
        {400, JSON, large, false},
        {400, JSON, "{\"message\":\"<b>no</b>\"}", false},
        {400, "Content-Type: text/plain\r\n", "no", false},
        {400, "Content-Type: text/html\r\n", "", false},
    };
    memset(large, 'x', sizeof large - 1);
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        assert_int_not_equal(answered(s, &request, cases[i].status, cases[i].fields, cases[i].body), SBS_OK);
        assert_int_equal(sbs_client_detail(&s->client)->page, cases[i].page);
    }
}

#define TWENTY "aB3_aB3-aB3_aB3-aB3_"
#define HUNDRED TWENTY TWENTY TWENTY TWENTY TWENTY

static void no_part_of_a_token_is_told(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *said;
        bool told;
    } cases[] = {
        {"what is " LONG_TOKEN "?", false},
        {"tok-0123456789abcdefghijklmnopqrstuvwxyz.ABCDEF", false},
        {"0123456789abcdef is a part", false},
        {"0123456789abcde is a short one", true},
        {"an assertion: " JWT, false},
        {"an assertion: " JWT "%20", false},
        {"an assertion: eyJhbGciOiJFUzM4NCJ9.eyJ" HUNDRED HUNDRED HUNDRED ".c2lnbmF0dXJlLXNpZ25hdHVyZQ", false},
        {"its end: eyJ" TWENTY "." HUNDRED, false},
        {"its head: eyJhbGciOiJFUzM4NCJ9.", true},
        {"https://fhir.hospital.example/r4 version 1.2.3", true},
        {"urn:oid:1.2.840.113619.2.1.2.3.4.5.6.7.8.9.0.1.2", true},
    };
    s->fhir.token_body =
        "{\"access_token\":\"" LONG_TOKEN "\",\"token_type\":\"bearer\",\"scope\":\"system/Observation.cruds\"}";
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        assert_int_equal(answered(s, &request, 400, "Content-Type: text/plain\r\n", cases[i].said), SBS_ERR_REJECTED);
        assert_string_equal(sbs_client_detail(&s->client)->text, cases[i].told ? cases[i].said : "");
    }
}

/* Words come from the head of an answer, too. */
static void nor_in_a_field(void **state) {
    fake_setup *s = *state;
    static const struct {
        unsigned status;
        const char *fields;
    } cases[] = {
        {403, "WWW-Authenticate: Bearer error_description=\"" LONG_TOKEN "\"\r\n"},
        {403, "WWW-Authenticate: Bearer error_description=\"" JWT "\"\r\n"},
        {307, "Location: /sign-in?token=" LONG_TOKEN "\r\n"},
        {307, "Location: https://other.example/" JWT "\r\n"},
    };
    s->fhir.token_body =
        "{\"access_token\":\"" LONG_TOKEN "\",\"token_type\":\"bearer\",\"scope\":\"system/Observation.cruds\"}";
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        assert_int_not_equal(answered(s, &request, cases[i].status, cases[i].fields, ""), SBS_OK);
        assert_string_equal(sbs_client_detail(&s->client)->text, "");
    }
}

static void a_short_token_is_hidden_too(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    assert_int_equal(answered(s, &request, 400, "", "not ok-1.2"), SBS_ERR_REJECTED); /* of tok-1.2 */
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
    assert_int_equal(answered(s, &request, 400, "", "not k-1.2"), SBS_ERR_REJECTED);
    assert_string_equal(sbs_client_detail(&s->client)->text, "not k-1.2");
}

/* The caller's memory holds the words, to its last byte but the NUL. */
static void words_stand_in_the_callers_memory(void **state) {
    fake_setup *s = *state;
    static const char said[] = "these are the words";
    sbs_request request = fake_create(IDENTIFIER);
    char words[sizeof said + 1];
    s->config.words = words;
    for (size_t size = 1; size <= sizeof said; size++) {
        memset(words, '#', sizeof words);
        s->config.words_size = size;
        assert_int_equal(sbs_client_init(&s->client, &s->config), SBS_OK);
        assert_string_equal(sbs_client_detail(&s->client)->text, "");
        assert_int_equal(answered(s, &request, 400, "", said), SBS_ERR_REJECTED);
        assert_ptr_equal(sbs_client_detail(&s->client)->text, words);
        assert_true(strlen(words) <= size - 1 && strncmp(words, said, strlen(words)) == 0);
        assert_int_equal(words[size], '#');
    }
    assert_string_equal(words, said);
}

static void words_do_not_outlive_their_request(void **state) {
    fake_setup *s = *state;
    sbs_request request = fake_create(IDENTIFIER);
    assert_int_equal(answered(s, &request, 400, "WWW-Authenticate: Basic\r\n", ""), SBS_ERR_REJECTED);
    assert_string_equal(sbs_client_detail(&s->client)->text, "Basic");
    assert_int_equal(answered(s, &request, 201, "", ""), SBS_OK);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
    assert_int_equal(answered(s, &request, 400, "", ""), SBS_ERR_REJECTED);
    assert_string_equal(sbs_client_detail(&s->client)->text, "");
}

/* ---- connection -------------------------------------------------------------------------------------------------- */

/* A server that answers twice: the second answer must not be taken for the one to the next request. */
static void a_stray_answer_confirms_nothing(void **state) {
    fake_setup *s = *state;
    static const char stray[] = "HTTP/1.1 201 X\r\nContent-Length: 0\r\n\r\n";
    sbs_request request = fake_create(IDENTIFIER);
    for (unsigned when = 0; when < 3; when++) {
        begin(s);
        next.stray = when == 0 ? stray : NULL; /* at once, with the answer */
        assert_int_equal(answered(s, &request, 201, "", ""), SBS_OK);
        unsigned opens = s->fhir.server.opens;
        assert_int_equal(s->fhir.server.is_open, when != 0);

        next.stray = NULL;
        next.status = 422;
        if (when == 1) { /* before the next request begins */
            fake_send(&s->fhir.server, stray);
        }
        assert_int_equal(sbs_client_start(&s->client, &request), SBS_OK);
        while (when == 2 && !sbs_client_is_about_to_send(&s->client)) {
            sbs_wait wait;
            assert_int_equal(sbs_client_poll(&s->client, s->now, &wait), SBS_PENDING);
        }
        if (when == 2) { /* before its first byte goes */
            fake_send(&s->fhir.server, stray);
        }
        assert_int_equal(fake_poll(s), SBS_ERR_REJECTED);
        assert_int_equal(s->fhir.server.opens, opens + 1);
    }
}

static void a_retry_after_counts_also_when_it_is_past(void **state) {
    fake_setup *s = *state;
    static const struct {
        const char *value;
        uint32_t seconds;
    } cases[] = {{"7", 7}, {"0", 0}, {"Tue, 14 Nov 2000 22:13:20 GMT", 0}, {"soon", 0}, {"", 0}};
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_request request = fake_create(IDENTIFIER);
        char field[64];
        (void)snprintf(field, sizeof field, "Retry-After: %s\r\n", cases[i].value);
        assert_int_equal(answered(s, &request, 400, field, ""), SBS_ERR_REJECTED);
        assert_true(s->client.priv.exchange.answer.has_retry_after);
        assert_int_equal(sbs_client_detail(&s->client)->retry_after_s, cases[i].seconds);
    }
}

static int set_up(void **state) {
    static fake_setup setup;
    begin(&setup);
    *state = &setup;
    return 0;
}

#define CASE(function) cmocka_unit_test_setup(function, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(each_answer_is_judged_by_one_rule),
        CASE(a_server_may_give_an_update_an_id_of_its_own),
        CASE(another_identifier_is_a_failure_of_its_own),
        CASE(a_read_needs_200),
        CASE(the_answer_to_a_bundle_is_the_callers_to_judge),
        CASE(a_body_that_does_not_fit_is_left_out),
        CASE(every_size_of_the_work_buffer),
        CASE(a_coded_body_is_judged_once_decoded),
        CASE(words_are_found_where_servers_put_them),
        CASE(without_a_reader_of_words_json_is_told_as_it_stands),
        CASE(without_a_reader_of_refusals_the_head_counts),
        CASE(a_web_page_is_noted),
        CASE(no_part_of_a_token_is_told),
        CASE(nor_in_a_field),
        CASE(a_redirect_says_where_it_points),
        CASE(a_failed_request_shows_no_status_of_an_earlier_answer),
        CASE(the_buffer_that_is_too_small_is_named),
        CASE(a_short_token_is_hidden_too),
        CASE(words_stand_in_the_callers_memory),
        CASE(words_do_not_outlive_their_request),
        CASE(a_stray_answer_confirms_nothing),
        CASE(a_retry_after_counts_also_when_it_is_past),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
