/* SPDX-License-Identifier: Apache-2.0 */
/* Throughput of base64url and the JSON reader beside OpenSSL, cJSON and jansson. Candidates take turns in one run and
 * the fastest of many rounds counts, so that the ratios mean something on a busy machine. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "sbs/base64url.h"
#include "sbs/json.h"

#define ROUNDS 200
#define TOKENS_MAX 8192

typedef struct sample {
    const char *name;
    const void *input;
    size_t len;
    unsigned repeat; /* calls in one round */
} sample;

typedef bool (*candidate)(const sample *s);

static unsigned char output[256 * 1024];
static sbs_json_token tokens[TOKENS_MAX];

static bool sbs_encode(const sample *s) {
    size_t len;
    return sbs_base64url_encode(s->input, s->len, (char *)output, sizeof output, &len) == SBS_OK;
}

static bool openssl_encode(const sample *s) {
    return EVP_EncodeBlock(output, s->input, (int)s->len) > 0;
}

static bool sbs_decode(const sample *s) {
    size_t len;
    return sbs_base64url_decode(s->input, s->len, output, sizeof output, &len) == SBS_OK;
}

static bool openssl_decode(const sample *s) {
    return EVP_DecodeBlock(output, s->input, (int)s->len) > 0;
}

static bool sbs_read(const sample *s) {
    sbs_json doc;
    return sbs_json_parse(&doc, s->input, s->len, tokens, TOKENS_MAX, NULL) == SBS_OK;
}

static bool cjson_read(const sample *s) {
    cJSON *root = cJSON_ParseWithLength(s->input, s->len);
    cJSON_Delete(root);
    return root != NULL;
}

static bool jansson_read(const sample *s) {
    json_error_t error;
    json_t *root = json_loadb(s->input, s->len, JSON_DECODE_ANY, &error);
    json_decref(root);
    return root != NULL;
}

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double time_round(candidate run, const sample *s) {
    double start = seconds();
    for (unsigned i = 0; i < s->repeat; i++) {
        if (!run(s)) {
            fprintf(stderr, "%s: a candidate failed\n", s->name);
            exit(1);
        }
    }
    return seconds() - start;
}

/* The first candidate is ours; ratios above 1 mean that ours is faster. */
static void compare(const sample *s, const char *const *names, const candidate *candidates, size_t count) {
    double best[3] = {1e9, 1e9, 1e9};
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            double taken = time_round(candidates[i], s);
            best[i] = taken < best[i] ? taken : best[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        printf("%-26s %-8s %9.1f MB/s", s->name, names[i], (double)s->len * s->repeat / best[i] / 1e6);
        printf(i == 0 ? "\n" : "   ours is %.2f times as fast\n", best[i] / best[0]);
    }
}

/* The size is a multiple of three: OpenSSL wants padding, which base64url does not have. */
static void bench_base64(size_t size) {
    static const char *const names[] = {"sbs", "openssl"};
    static const candidate encoders[] = {sbs_encode, openssl_encode};
    static const candidate decoders[] = {sbs_decode, openssl_decode};
    char name[40];
    uint8_t *data = malloc(size);
    char *text = malloc(2 * size);
    size_t len;
    unsigned repeat = (unsigned)(100000 / size + 1);
    for (size_t i = 0; i < size; i++) {
        /* Only letters and digits in the text, which both alphabets share. */
        static const uint8_t triple[] = {0x69, 0xB7, 0x1D};
        data[i] = triple[i % 3];
    }
    (void)snprintf(name, sizeof name, "encode %zu bytes", size);
    compare(&(sample){name, data, size, repeat}, names, encoders, 2);
    if (sbs_base64url_encode(data, size, text, 2 * size, &len) == SBS_OK) {
        (void)snprintf(name, sizeof name, "decode %zu characters", len);
        compare(&(sample){name, text, len, repeat}, names, decoders, 2);
    }
    free(data);
    free(text);
}

static void bench_json(const char *what, const char *text, size_t len) {
    static const char *const names[] = {"sbs", "cJSON", "jansson"};
    static const candidate readers[] = {sbs_read, cjson_read, jansson_read};
    char name[40];
    (void)snprintf(name, sizeof name, "parse %s, %zu bytes", what, len);
    compare(&(sample){name, text, len, (unsigned)(100000 / len + 1)}, names, readers, 3);
}

/* A token response with an access token of 1200 characters. */
static size_t write_token(char *text, size_t size) {
    char token[1201];
    memset(token, 'x', sizeof token - 1);
    token[sizeof token - 1] = '\0';
    return (size_t)snprintf(text, size,
                            "{\"access_token\":\"%s\",\"token_type\":\"bearer\",\"expires_in\":300,"
                            "\"scope\":\"system/Observation.cu system/Device.rs\"}",
                            token);
}

static size_t write_bundle(char *text, size_t size, unsigned entries) {
    size_t len = (size_t)snprintf(text, size, "{\"resourceType\": \"Bundle\", \"type\": \"searchset\", \"entry\": [");
    for (unsigned i = 0; i < entries; i++) {
        len +=
            (size_t)snprintf(text + len, size - len,
                             "%s\n  {\"resource\": {\"resourceType\": \"Observation\", \"id\": \"o%u\",\n"
                             "    \"status\": \"final\", \"code\": {\"coding\": [{\"system\": \"http://loinc.org\",\n"
                             "    \"code\": \"8867-4\", \"display\": \"Heart rate\"}]},\n"
                             "    \"effectiveDateTime\": \"2024-05-01T12:00:%02uZ\", \"valueQuantity\":\n"
                             "    {\"value\": %u.50, \"unit\": \"/min\", \"note\": \"a \\\"b\\\" \\u00e9\"}}}",
                             i > 0 ? "," : "", i, i % 60, 40 + i % 100);
    }
    return len + (size_t)snprintf(text + len, size - len, "\n]}\n");
}

int main(void) {
    static char text[128 * 1024];
    bench_base64(48);
    bench_base64(1500);
    bench_base64(66000);
    bench_json("token", text, write_token(text, sizeof text));
    bench_json("bundle", text, write_bundle(text, sizeof text, 4));
    bench_json("bundle", text, write_bundle(text, sizeof text, 160));
    return 0;
}
