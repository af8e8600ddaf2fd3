/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_fhir.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the headers above */

const char fake_observation[] = "{\"resourceType\":\"Observation\",\"status\":\"final\"}";

static psa_key_id_t fake_key_id;
static uint8_t fake_public[SBS_PUBLIC_KEY_MAX];
static size_t fake_public_len;

/* A key that answers at once, for tests that need thousands of sessions and no real signature. */
static sbs_status quick_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    assert_true(size >= fake_public_len);
    memcpy(buffer, fake_public, fake_public_len);
    *out_alg = SBS_ES384;
    *out_len = fake_public_len;
    return SBS_OK;
}

static sbs_status quick_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                             size_t *out_len) {
    (void)ctx;
    assert_true(size >= SBS_ES384_SIGNATURE_SIZE);
    memset(signature, hash[0] | 1, SBS_ES384_SIGNATURE_SIZE);
    *out_len = SBS_ES384_SIGNATURE_SIZE;
    return SBS_OK;
}

static const sbs_key_ops quick_ops = {.public_key = quick_public_key, .sign = quick_sign};
const sbs_key fake_quick_key = {.ops = &quick_ops};

static void remember(char *place, size_t size, size_t *out_len, const char *request, size_t len) {
    *out_len = len < size ? len : size;
    memcpy(place, request, *out_len);
}

static void answer(fake_fhir *fhir, unsigned status, const char *fields, const char *body) {
    char all[512];
    snprintf(all, sizeof all, "%s%s%s", fhir->date != NULL ? fhir->date : "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
             fields, fhir->close_each ? "Connection: close\r\n" : "");
    fake_answer(&fhir->server, status, all, body);
    fhir->server.close_after = fhir->close_each;
}

/* True (and answered) if this request is to fail. */
static bool fails(fake_fhir *fhir, unsigned *status, unsigned *times, const char *body) {
    char fields[256];
    unsigned code = *status;
    if (code == 0) {
        return false;
    }
    if (*times <= 1) {
        *status = 0;
    }
    *times -= *times > 0;
    snprintf(fields, sizeof fields, "Content-Type: application/json\r\n%s", fhir->fields != NULL ? fhir->fields : "");
    answer(fhir, code, fields, body != NULL ? body : "");
    return true;
}

static void note_jti(fake_fhir *fhir, sbs_text form) {
    char json[8192];
    size_t len = 0;
    const char *payload = fake_find(form.ptr, form.len, "client_assertion=");
    payload = memchr(payload, '.', form.len - (size_t)(payload - form.ptr));
    const char *end = memchr(payload + 1, '.', form.len - (size_t)(payload + 1 - form.ptr));
    assert_int_equal(sbs_base64url_decode(payload + 1, (size_t)(end - payload - 1), (uint8_t *)json, sizeof json, &len),
                     SBS_OK);
    const char *jti = fake_find(json, len, "\"jti\":\"");
    if (jti != NULL && fhir->jti_count < FAKE_MAX) {
        memcpy(fhir->jti[fhir->jti_count++], jti + 7, 22);
    }
}

static bool token_was_ended(const fake_fhir *fhir, const char *field) {
    return fhir->newest != NULL && strtoul(field + strlen("Bearer tok-1."), NULL, 10) != *fhir->newest;
}

static void serve_token(fake_fhir *fhir, const char *request, size_t len) {
    char good[160];
    unsigned number = fhir->newest != NULL ? ++*fhir->newest : 2;
    snprintf(good, sizeof good,
             "{\"access_token\":\"tok-1.%u\",\"token_type\":\"bearer\",\"expires_in\":%u,\"scope\":"
             "\"system/Observation.cruds\"}",
             number, fhir->token_lives_s != 0 ? fhir->token_lives_s : 300);
    fhir->tokens++;
    fhir->spent = false;
    remember(fhir->last_token_request, sizeof fhir->last_token_request, &fhir->last_token_request_len, request, len);
    note_jti(fhir, fake_body(request, len));
    if (!fails(fhir, &fhir->token_status, &fhir->token_times, fhir->token_error)) {
        answer(fhir, 200, fhir->token_fields != NULL ? fhir->token_fields : "Content-Type: application/json\r\n",
               fhir->token_body != NULL ? fhir->token_body : good);
    }
}

static void serve_discovery(fake_fhir *fhir) {
    static const char good[] = "{\"token_endpoint\":\"https://auth.example/token\",\"capabilities\":[]}";
    char type[96];
    fhir->discoveries++;
    if (!fails(fhir, &fhir->discovery_status, &fhir->discovery_times, "")) {
        snprintf(type, sizeof type, "Content-Type: %s\r\n",
                 fhir->document_type != NULL ? fhir->document_type : "application/json");
        answer(fhir, 200, type, fhir->discovery_body != NULL ? fhir->discovery_body : good);
    }
}

static void serve_statement(fake_fhir *fhir) {
    fhir->statements++;
    if (fhir->statement_answer != NULL) {
        fake_send(&fhir->server, fhir->statement_answer);
        fhir->server.close_after = true;
    } else if (fhir->statement[0] == '\0') {
        answer(fhir, 404, "", "");
    } else {
        answer(fhir, 200, "Content-Type: application/fhir+json\r\n", fhir->statement);
    }
}

unsigned fake_fhir_count(const fake_fhir *fhir, const char *key) {
    unsigned count = 0;
    for (unsigned i = 0; i < fhir->stored_count; i++) {
        count += strcmp(fhir->stored[i], key) == 0;
    }
    return count;
}

static void store(fake_fhir *fhir, const char *key) {
    assert_true(fhir->stored_count < FAKE_MAX);
    snprintf(fhir->stored[fhir->stored_count++], sizeof fhir->stored[0], "%s", key);
}

unsigned fake_fhir_store(fake_fhir *fhir, const char *key, bool conditional, const char *json, size_t len) {
    unsigned own = fhir->verdict != NULL ? fhir->verdict(json, len) : 0;
    if (own != 0) {
        return own;
    }
    bool searched = conditional && (!fhir->ignores_search || fake_request_is(key, strlen(key), "/r4/"));
    if (searched && fake_fhir_count(fhir, key) > 0) {
        return 200;
    }
    store(fhir, key);
    if (fhir->on_stored != NULL) {
        fhir->on_stored(json, len);
    }
    return 201;
}

static const char *own_fields(const fake_fhir *fhir, unsigned status) {
    return status >= 300 && fhir->verdict_fields != NULL ? fhir->verdict_fields : "";
}

static void serve_create(fake_fhir *fhir, const char *request, size_t len) {
    char key[96] = "plain";
    bool conditional = fake_field(request, len, "If-None-Exist", key, sizeof key);
    sbs_text body = fake_body(request, len);
    bool stored = fhir->fhir_status == 0 || fhir->store_first;
    unsigned status = stored ? fake_fhir_store(fhir, key, conditional, body.ptr, body.len) : 0;
    fhir->creates++;
    if (!fails(fhir, &fhir->fhir_status, &fhir->fhir_times, fhir->fhir_body)) {
        answer(fhir, status,
               status == 201 ? "Location: https://fhir.example/r4/Observation/ob-7/_history/1\r\nETag: W/\"1\"\r\n"
                             : own_fields(fhir, status),
               "");
    }
}

static void serve_update(fake_fhir *fhir, const char *request, size_t len) {
    char key[96];
    sbs_text body = fake_body(request, len);
    bool stored = fhir->fhir_status == 0 || fhir->store_first;
    snprintf(key, sizeof key, "%.*s", (int)strcspn(request + 4, " "), request + 4);
    unsigned status = stored ? fake_fhir_store(fhir, key, true, body.ptr, body.len) : 0;
    fhir->updates++;
    if (!fails(fhir, &fhir->fhir_status, &fhir->fhir_times, fhir->fhir_body)) {
        answer(fhir, status, own_fields(fhir, status), "");
    }
}

static void serve_bundle(fake_fhir *fhir, const char *request, size_t len) {
    static char out[16384];
    sbs_text bundle = fake_body(request, len);
    unsigned own = fhir->verdict_of_all != NULL ? fhir->verdict_of_all(bundle.ptr, bundle.len) : 0;
    fhir->bundles++;
    if (own != 0) {
        answer(fhir, own, own_fields(fhir, own), "");
        return;
    }
    if (fhir->bundle_answer != NULL) {
        answer(fhir, 200, "Content-Type: application/fhir+json\r\n", fhir->bundle_answer);
        return;
    }
    if (fhir->fhir_status == 0 || fhir->store_first) {
        fake_bundle_serve(fhir, bundle, out, sizeof out);
    }
    if (!fails(fhir, &fhir->fhir_status, &fhir->fhir_times, fhir->fhir_body)) {
        answer(fhir, 200, "Content-Type: application/fhir+json\r\n", out);
    }
}

static void serve_fhir(fake_fhir *fhir, const char *request, size_t len) {
    char value[8192];
    bool public_path = fake_request_is(request, len, "GET /r4/metadata");
    bool authorized =
        fake_field(request, len, "Authorization", value, sizeof value) && strncmp(value, "Bearer tok-", 11) == 0;
    bool refused = !public_path && (!authorized || fhir->spent || token_was_ended(fhir, value));
    fhir->spent = fhir->one_use;
    if (refused) {
        fhir->unauthorized++;
        answer(fhir, 401, "", "");
    } else if (fake_request_is(request, len, "POST /r4 ")) {
        serve_bundle(fhir, request, len);
    } else if (fake_request_is(request, len, "POST ")) {
        serve_create(fhir, request, len);
    } else if (fake_request_is(request, len, "PUT /r4/Observation/")) {
        serve_update(fhir, request, len);
    } else {
        fhir->reads++;
        if (!fails(fhir, &fhir->fhir_status, &fhir->fhir_times, fhir->fhir_body)) {
            answer(fhir, 200, "Content-Type: application/fhir+json\r\n", "{\"resourceType\":\"Bundle\"}");
        }
    }
}

static void serve(fake_server *server, const char *request, size_t len) {
    fake_fhir *fhir = server->ctx;
    remember(fhir->last, sizeof fhir->last, &fhir->last_len, request, len);
    if (fake_request_is(request, len, "POST /token")) {
        serve_token(fhir, request, len);
    } else if (fake_request_is(request, len, "GET /r4/.well-known/smart-configuration ")) {
        serve_discovery(fhir);
    } else if (fhir->statement != NULL && fake_request_is(request, len, "GET /r4/metadata")) {
        serve_statement(fhir);
    } else {
        serve_fhir(fhir, request, len);
        if (fhir->lost_answers > 0) {
            fhir->lost_answers--;
            server->out_len = 0;
            server->broken = true;
        }
    }
}

void fake_fhir_init(fake_fhir *fhir) {
    memset(fhir, 0, sizeof *fhir);
    fake_server_init(&fhir->server, serve, fhir);
}

int fake_setup_group(void **state) {
    (void)state;
    return psa_crypto_init() != PSA_SUCCESS ||
           sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &fake_key_id) != SBS_OK ||
           psa_export_public_key(fake_key_id, fake_public, sizeof fake_public, &fake_public_len) != PSA_SUCCESS;
}

int fake_teardown_group(void **state) {
    (void)state;
    psa_destroy_key(fake_key_id);
    mbedtls_psa_crypto_free();
    return 0;
}

void fake_setup_init(fake_setup *setup) {
    memset(setup, 0, sizeof *setup);
    fake_fhir_init(&setup->fhir);
    sbs_psa_key_init(&setup->key_state, fake_key_id, &setup->key);
    setup->now = (sbs_now){.mono_ms = 1000, .utc_s = 1700000000};
    setup->config = (sbs_client_config){
        .fhir_base = "https://fhir.example/r4/",
        .client_id = "device-1",
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.cruds",
        .key = &setup->key,
        .stream = &setup->fhir.server.stream,
        .work = setup->work,
        .work_size = sizeof setup->work,
    };
    assert_int_equal(sbs_client_init(&setup->client, &setup->config), SBS_OK);
}

sbs_status fake_poll(fake_setup *setup) {
    for (unsigned polls = 0; polls < 200000; polls++) {
        sbs_wait wait;
        sbs_status status = sbs_client_poll(&setup->client, setup->now, &wait);
        setup->polls++;
        if (status != SBS_PENDING) {
            return status;
        }
        assert_true(wait.timeout_ms != SBS_WAIT_FOREVER);
        setup->now.mono_ms += wait.timeout_ms;
        uint64_t before_s = (setup->now.mono_ms - wait.timeout_ms) / 1000;
        setup->now.utc_s += (int64_t)(setup->now.mono_ms / 1000 - before_s);
        setup->waited_ms += wait.timeout_ms;
    }
    fail_msg("the client does not come to an end");
    return SBS_ERR_STATE;
}

sbs_status fake_run(fake_setup *setup, const sbs_request *request) {
    sbs_status status = sbs_client_start(&setup->client, request);
    return status == SBS_OK ? fake_poll(setup) : status;
}

sbs_request fake_create(const char *identifier) {
    return (sbs_request){
        .interaction = SBS_CREATE,
        .target = sbs_text_of("Observation"),
        .body = sbs_text_of(fake_observation),
        .if_none_exist = sbs_text_of(identifier),
    };
}
