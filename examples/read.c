/* SPDX-License-Identifier: Apache-2.0 */
/* usage: read FHIR_BASE CLIENT_ID KEY.pem CA.pem QUERY: a GET, and a line for each match of the search. */
#include <stdio.h>

#include "sbs/linux.h"
#include "sbs/sbs.h"

#define ANSWER_MAX 65536u /* a larger page is SBS_ERR_BUFFER: ask with a smaller _count */

/* A member of an object, SBS_JSON_NONE if there is none of this name. */
static sbs_json_node member(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node value = SBS_JSON_NONE;

    if (object == SBS_JSON_NONE || sbs_json_member(doc, object, name, &value) != SBS_OK) {
        return SBS_JSON_NONE;
    }
    return value;
}

/* A value as it stands in the JSON, escapes and all. */
static sbs_text raw(const sbs_json *doc, sbs_json_node value) {
    if (value == SBS_JSON_NONE) {
        return SBS_TEXT("-");
    }
    return sbs_json_raw(doc, value);
}

/* A line for each match. What the server adds to them (included resources, its own remarks) is passed over. */
static sbs_status show_matches(char *answer, size_t len) {
    sbs_json doc;
    sbs_json_node entry, observation;
    sbs_status status = sbs_json_parse_in(&doc, answer, len, 2 * ANSWER_MAX);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_bundle_first_match(&doc, &entry, &observation);
    if (status != SBS_OK) {
        return status; /* no searchset */
    }

    while (entry != SBS_JSON_NONE) {
        sbs_text id = raw(&doc, member(&doc, observation, "id"));
        sbs_text value = raw(&doc, member(&doc, member(&doc, observation, "valueQuantity"), "value"));
        printf("%.*s\t%.*s\n", (int)id.len, id.ptr, (int)value.len, value.ptr);
        entry = sbs_bundle_next_match(&doc, entry, &observation);
    }
    if (sbs_bundle_next_page(&doc) != SBS_JSON_NONE) {
        puts("more on the next page");
    }
    return SBS_OK;
}

int main(int argc, char **argv) {
    static char work[65536], answer[2 * ANSWER_MAX]; /* the second half of the answer is for its JSON tokens */
    static sbs_linux_platform platform;
    static sbs_client client;

    if (argc != 6 || sbs_linux_platform_open(&platform, argv[3], argv[4]) != SBS_OK) {
        fputs("usage: read FHIR_BASE CLIENT_ID KEY.pem CA.pem 'Observation?_count=10', files that can be read\n",
              stderr);
        return 2;
    }

    const sbs_client_config config = {
        .fhir_base = argv[1],
        .client_id = argv[2],
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.rs",
        .key = &platform.key,
        .stream = &platform.stream,
        .work = work,
        .work_size = sizeof work,
    };
    const sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of(argv[5]),
        .response = answer,
        .response_size = ANSWER_MAX,
    };

    sbs_wait wait;
    sbs_status status = sbs_client_init(&client, &config);
    if (status == SBS_OK) {
        status = sbs_client_start(&client, &request);
    }
    if (status == SBS_OK) {
        while ((status = sbs_client_poll(&client, sbs_linux_now(), &wait)) == SBS_PENDING) {
            (void)sbs_linux_wait(&wait);
        }
    }

    if (status == SBS_OK) {
        status = show_matches(answer, sbs_client_response(&client).body_len);
    }
    if (status != SBS_OK) {
        fprintf(stderr, "read: %s: %s\n", sbs_status_text(status), sbs_client_detail(&client)->text);
    }

    sbs_client_deinit(&client);
    sbs_linux_platform_close(&platform);
    return status == SBS_OK ? 0 : 1;
}
