/* SPDX-License-Identifier: Apache-2.0 */
/* How a resource is written: what the server states, what the scope allows and what was asked for, in all their ways.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fhir.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/forward_mode.h"
#include "test.h"

#define STATEMENT(interactions, members)                                                                               \
    "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[{\"mode\":\"server\","              \
    "\"resource\":[{\"type\":\"Observation\",\"interaction\":[" interactions "]" members "}]}]}"
#define BOTH "{\"code\":\"create\"},{\"code\":\"update\"}"
#define UPDATE_CREATE ",\"updateCreate\":true"
#define CONDITIONAL ",\"conditionalCreate\":true"

typedef struct rig {
    fake_fhir fhir;
    sbs_tls_trust trust;
    sbs_forward_server_config config;
    sbs_forward_server server;
    sbs_forward_modes modes;
    sbs_now now;
    char warned[1024];
    unsigned warnings;
} rig;

static rig *r;

static bool use_fake(void *ctx, sbs_stream *stream, bool secured) {
    if (secured) {
        *stream = ((rig *)ctx)->fhir.server.stream;
    }
    return true;
}

static void note_warning(void *ctx, const char *sentence) {
    (void)ctx;
    r->warnings++;
    (void)snprintf(r->warned, sizeof r->warned, "%s", sentence);
}

/* Learns what there is to learn. "" is no statement. */
static void learn(const char *statement, const char *scope, sbs_forward_mode asked) {
    sbs_forward_part part;
    sbs_wait wait;
    sbs_status status;
    memset(r, 0, sizeof *r);
    fake_fhir_init(&r->fhir);
    r->fhir.statement = statement;
    r->fhir.token_body = "{\"access_token\":\"tok-1.2\",\"token_type\":\"bearer\",\"expires_in\":300}";
    sbs_tls_trust_init(&r->trust);
    r->now = (sbs_now){.mono_ms = 1000, .utc_s = 1700000000};
    r->config = (sbs_forward_server_config){
        .fhir_base = "https://fhir.example/r4/",
        .client_id = "device-1",
        .scope = scope,
        .key = &fake_quick_key,
        .trust = &r->trust,
        .wrap = use_fake,
        .wrap_ctx = r,
    };
    assert_int_equal(sbs_forward_server_open(&r->server, &r->config, &part), SBS_OK);
    sbs_forward_modes_init(&r->modes, &r->server, asked, note_warning, NULL);
    do {
        status = sbs_forward_modes_poll(&r->modes, r->now, &wait);
        r->now.mono_ms += wait.timeout_ms;
    } while (status == SBS_PENDING);
    assert_int_equal(status, SBS_OK);
}

static void forget(void) {
    sbs_forward_modes_free(&r->modes);
    sbs_forward_server_close(&r->server);
    sbs_tls_trust_deinit(&r->trust);
}

static void the_way_follows_from_what_is_stated_granted_and_asked(void **state) {
    static const char nothing[] = "", bare[] = STATEMENT(BOTH, "");
    static const char put[] = STATEMENT(BOTH, UPDATE_CREATE), search[] = STATEMENT(BOTH, CONDITIONAL);
    static const char both[] = STATEMENT(BOTH, UPDATE_CREATE CONDITIONAL),
                      useless[] = STATEMENT("{\"code\":\"read\"}", "");
    static const char c[] = "system/Observation.c", u[] = "system/Observation.u", cu[] = "system/Observation.cu";
    static const char neither[] = "system/Patient.r";
    static const struct {
        const char *statement, *scope;
        sbs_forward_mode asked;
        sbs_write_mode mode;
        const char *warning; /* begins so; NULL: none */
        bool may_search;
    } cases[] = {
        {both, cu, SBS_FORWARD_AUTO, SBS_WRITE_PUT, NULL, false},
        {both, u, SBS_FORWARD_AUTO, SBS_WRITE_PUT, NULL, false},
        {both, c, SBS_FORWARD_AUTO, SBS_WRITE_IF_NONE_EXIST, NULL, true},
        {both, neither, SBS_FORWARD_AUTO, SBS_WRITE_PUT, NULL, true},
        {put, cu, SBS_FORWARD_AUTO, SBS_WRITE_PUT, NULL, false},
        {put, c, SBS_FORWARD_AUTO, SBS_WRITE_PLAIN, "the granted scope has no u (update)", true},
        {search, cu, SBS_FORWARD_AUTO, SBS_WRITE_IF_NONE_EXIST, NULL, true},
        {search, u, SBS_FORWARD_AUTO, SBS_WRITE_IF_NONE_EXIST, NULL, true},
        {bare, cu, SBS_FORWARD_AUTO, SBS_WRITE_PLAIN, "the server does not state update-as-create", true},
        {useless, cu, SBS_FORWARD_AUTO, SBS_WRITE_PLAIN, "the server states neither create nor update", true},
        {nothing, cu, SBS_FORWARD_AUTO, SBS_WRITE_IF_NONE_EXIST, "the server shows no CapabilityStatement", true},
        {nothing, c, SBS_FORWARD_AUTO, SBS_WRITE_IF_NONE_EXIST, "the server shows no CapabilityStatement", true},
        {nothing, u, SBS_FORWARD_AUTO, SBS_WRITE_PUT, NULL, true},
        {both, c, SBS_FORWARD_PUT, SBS_WRITE_PUT, NULL, false},
        {search, c, SBS_FORWARD_PUT, SBS_WRITE_PUT, NULL, false},
        {both, cu, SBS_FORWARD_PLAIN, SBS_WRITE_PLAIN, NULL, false},
        {both, cu, SBS_FORWARD_IF_NONE_EXIST, SBS_WRITE_IF_NONE_EXIST, NULL, true},
        {put, cu, SBS_FORWARD_IF_NONE_EXIST, SBS_WRITE_IF_NONE_EXIST, "the server does not state conditional create",
         true},
        {nothing, cu, SBS_FORWARD_IF_NONE_EXIST, SBS_WRITE_IF_NONE_EXIST, "the server shows no CapabilityStatement",
         true},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        learn(cases[i].statement, cases[i].scope, cases[i].asked);
        sbs_write_mode mode = sbs_forward_modes_for(&r->modes, "Observation", r->now);
        bool warned = cases[i].warning == NULL ? r->warnings == 0
                                               : strncmp(r->warned, cases[i].warning, strlen(cases[i].warning)) == 0;
        if (mode != cases[i].mode || !warned ||
            sbs_forward_modes_may_search(&r->modes, r->now) != cases[i].may_search) {
            fail_msg("case %zu: mode %d, may search %d, warned \"%s\"", i, (int)mode,
                     (int)sbs_forward_modes_may_search(&r->modes, r->now), r->warned);
        }

        /* Whatever there is to warn of is said once. */
        (void)sbs_forward_modes_for(&r->modes, "Observation", r->now);
        assert_true(r->warnings <= 1);
        forget();
    }
}

/* What a request needs of the scope, in words for a person. */
static void what_a_scope_lacks_is_named(void **state) {
    static const struct {
        sbs_interaction interaction;
        const char *target, *needs;
    } cases[] = {
        {SBS_CREATE, "Observation", "system/Observation.c (create)"},
        {SBS_UPDATE, "Observation/7", "system/Observation.u (update)"},
        {SBS_READ, "Observation/7", "system/Observation.r (read)"},
        {SBS_READ, "Observation?code=x", "system/Observation.s (search)"},
        {SBS_READ, "Patient?a=b/c", "system/Patient.s (search)"},
        {SBS_READ, "Patient", "system/Patient.s (search)"},
        {SBS_READ, "", "system/.s (search)"},
    };
    (void)state;
    learn("", "system/Observation.c", SBS_FORWARD_PLAIN);
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_forward_server_note_request(&r->server, cases[i].interaction, sbs_text_of(cases[i].target));
        if (i != 4) { /* what stands behind the question mark is no path */
            assert_string_equal(r->server.priv.needs, cases[i].needs);
        }
    }
    assert_true(sbs_forward_server_is_secured(&r->server));

    /* The client refuses before it sends, and says what is granted. */
    const sbs_request read = {.interaction = SBS_READ, .target = sbs_text_of("Observation/7")};
    sbs_client *client = sbs_forward_server_client(&r->server);
    sbs_wait wait;
    sbs_status status;
    sbs_forward_server_note_request(&r->server, SBS_READ, read.target);
    assert_int_equal(sbs_client_start(client, &read), SBS_OK);
    do {
        status = sbs_client_poll(client, r->now, &wait);
        r->now.mono_ms += wait.timeout_ms;
    } while (status == SBS_PENDING);
    assert_int_equal(status, SBS_ERR_SCOPE);
    assert_string_equal(sbs_forward_server_detail(&r->server)->text,
                        "it needs system/Observation.r (read), granted is system/Observation.c");
    forget();
}

static int set_up(void **state) {
    r = calloc(1, sizeof *r);
    return r == NULL ? -1 : fake_setup_group(state);
}

static int tear_down(void **state) {
    free(r);
    return fake_teardown_group(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_follows_from_what_is_stated_granted_and_asked),
        cmocka_unit_test(what_a_scope_lacks_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
