/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: wipe_probe FHIR_BASE CLIENT_ID KEY_FILE CA_FILE [token | key]
 * Goes the whole way over TLS, cleans up as a program should, and stops itself for wipe.test.mjs to search its memory.
 * With "token" it keeps a copy of the token, with "key" it leaves the key open: the search must find them.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sbs/linux.h"
#include "sbs/sbs.h"

static char leaked[8192];

static sbs_status run(sbs_client *client, const sbs_request *request) {
    sbs_wait wait;
    sbs_status status = sbs_client_start(client, request);
    if (status == SBS_OK) {
        while ((status = sbs_client_poll(client, sbs_linux_now(), &wait)) == SBS_PENDING) {
            (void)sbs_linux_wait(&wait);
        }
    }
    return status;
}

static sbs_status go_the_whole_way(sbs_linux_platform *platform, char **argv, bool leak) {
    static char work[65536];
    static sbs_client client;
    static const char resource[] =
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"wipe\"}}";
    const sbs_client_config config = {
        .fhir_base = argv[1],
        .client_id = argv[2],
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.cruds",
        .key = &platform->key,
        .stream = &platform->stream,
        .work = work,
        .work_size = sizeof work,
    };
    const sbs_request create = {
        .interaction = SBS_CREATE, .target = SBS_TEXT("Observation"), .body = SBS_TEXT(resource)};
    sbs_status status = sbs_client_init(&client, &config);
    if (status == SBS_OK) {
        status = run(&client, &create);
    }
    sbs_token_view token;
    if (leak && sbs_client_token(&client, sbs_linux_now(), &token) == SBS_OK &&
        token.access_token.len < sizeof leaked) {
        memcpy(leaked, token.access_token.ptr, token.access_token.len);
    }
    sbs_client_deinit(&client);
    return status;
}

int main(int argc, char **argv) {
    static sbs_linux_platform platform;
    if (argc < 5 || sbs_linux_platform_open(&platform, argv[3], argv[4]) != SBS_OK) {
        return 2;
    }
    sbs_status status = go_the_whole_way(&platform, argv, argc > 5 && strcmp(argv[5], "token") == 0);
    if (argc <= 5 || strcmp(argv[5], "key") != 0) {
        sbs_linux_platform_close(&platform);
        mbedtls_psa_crypto_free();
    }
    printf("%s\n", sbs_status_text(status));
    fflush(stdout);
    raise(SIGSTOP);
    return status == SBS_OK ? 0 : 1;
}
