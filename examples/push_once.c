/* SPDX-License-Identifier: Apache-2.0 */
/* usage: push FHIR_BASE CLIENT_ID KEY_FILE CA_FILE: pushes one body temperature, once, however often it is run. */
#include <stdio.h>

#include "sbs/linux.h"
#include "sbs/sbs.h"

static size_t build(char *json, size_t size) {
    size_t len = 0;
    const sbs_coding code = {SBS_TEXT(SBS_SYSTEM_LOINC), SBS_TEXT("8310-5"), SBS_TEXT("Body temperature")};
    const sbs_observation observation = {
        .identifier_system = SBS_TEXT("urn:example:meter-17"),
        .identifier_value = SBS_TEXT("1"),
        .codes = &code,
        .code_count = 1,
        .subject = SBS_TEXT("Patient/123"),
        .effective = SBS_TEXT("2026-11-23T10:00:00+01:00"),
        .value = {.kind = SBS_VALUE_QUANTITY, .decimal = {3650, -2}, .ucum = SBS_TEXT("Cel")},
    };
    sbs_writer out;
    sbs_writer_init(&out, json, size);
    return sbs_observation_put(&out, &observation, NULL) == SBS_OK && sbs_writer_finish(&out, &len) == SBS_OK ? len : 0;
}

int main(int argc, char **argv) {
    static char work[65536], json[1024];
    static sbs_linux_platform platform; /* TCP, TLS and the key file */
    static sbs_client client;
    if (argc != 5 || sbs_linux_platform_open(&platform, argv[3], argv[4]) != SBS_OK) {
        fputs("usage: push FHIR_BASE CLIENT_ID KEY.pem CA.pem, files that can be read\n", stderr);
        return 2;
    }
    const sbs_client_config config = {
        .fhir_base = argv[1],
        .client_id = argv[2],
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.c",
        .key = &platform.key,
        .stream = &platform.stream,
        .work = work,
        .work_size = sizeof work,
    };
    const sbs_request request = {
        .interaction = SBS_CREATE,
        .target = SBS_TEXT("Observation"),
        .body = {json, build(json, sizeof json)},
        .if_none_exist = SBS_TEXT("identifier=urn%3Aexample%3Ameter-17%7C1"),
    };
    sbs_wait wait;
    sbs_status status = sbs_client_init(&client, &config);
    if (status == SBS_OK && (status = sbs_client_start(&client, &request)) == SBS_OK) {
        while ((status = sbs_client_poll(&client, sbs_linux_now(), &wait)) == SBS_PENDING) {
            (void)sbs_linux_wait(&wait);
        }
    }
    printf("%s: %s%s\n", sbs_status_text(status), sbs_client_detail(&client)->text, sbs_client_response(&client).id);
    sbs_client_deinit(&client);
    sbs_linux_platform_close(&platform);
    return status == SBS_OK ? 0 : 1;
}
