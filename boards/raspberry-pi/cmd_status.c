/* SPDX-License-Identifier: Apache-2.0 */
/* sbs-gateway status */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_view.h"
#include "sbs/count.h"

#define WORDS_SIZE 320u

/* What is told of the whole, in this order: the member of the gateway's answer, where it has one. */
static void status_lines(const sbs_json *doc) {
    static const struct {
        const char *label, *member;
    } lines[] = {
        {"waiting", "waiting"},
        {"oldest", "oldest"},
        {"dead letters", "deadLetters"},
        {"to the server", "upstream"},
        {"why", "upstreamReason"},
        {"last delivery", "lastDelivery"},
        {"clock", "clock"},
        {"token until", "tokenExpires"},
        {"server's certificate", "serverCertificateEnds"},
        {"own certificate", "ownCertificateEnds"},
        {"disk, bytes free", "diskFree"},
        {"key", "key"},
        {"queue", "queueFault"},
    };

    for (size_t i = 0; i < SBS_COUNT_OF(lines); i++) {
        char words[WORDS_SIZE];
        if (view_text(doc, 0, lines[i].member, words, sizeof words)[0] != '\0') {
            (void)printf("%-22s %s\n", lines[i].label, words);
        }
    }
}

static void status_device(const sbs_json *doc, sbs_json_node device) {
    char name[WORDS_SIZE], heard[WORDS_SIZE], refusal[WORDS_SIZE];
    (void)view_text(doc, device, "name", name, sizeof name);
    if (view_text(doc, device, "heard", heard, sizeof heard)[0] == '\0') {
        (void)snprintf(heard, sizeof heard, "never");
    }
    (void)view_text(doc, device, "lastRefusal", refusal, sizeof refusal);
    (void)printf("  %-20s today %llu, refused %llu, delivered %llu, dead %llu, last heard %s\n", name,
                 (unsigned long long)view_uint(doc, device, "today"),
                 (unsigned long long)view_uint(doc, device, "refused"),
                 (unsigned long long)view_uint(doc, device, "delivered"),
                 (unsigned long long)view_uint(doc, device, "dead"), heard);
    if (refusal[0] != '\0') {
        (void)printf("  %-20s last refused: %s\n", "", refusal);
    }
}

static void status_print(const sbs_json *doc) {
    char sentence[WORDS_SIZE];
    (void)printf("%s\n\n", view_text(doc, 0, "sentence", sentence, sizeof sentence));
    status_lines(doc);
    (void)printf("\ndevices:\n");

    sbs_json_node device = view_first(doc, 0, "devices");
    if (device == SBS_JSON_NONE) {
        (void)printf("  none, 'sbs-gateway device add NAME' adds one\n");
    }
    for (; device != SBS_JSON_NONE; device = sbs_json_next(doc, device)) {
        status_device(doc, device);
    }
}

int cli_status(const cli_call *call) {
    sbs_forward_buffer body = {0};
    sbs_forward_json json = {0};
    if (call->json) {
        return cli_ask_and_print(call, "GET", "/status");
    }

    int code = cli_ask_json(call, "/status", &body, &json);
    if (code == CLI_DONE) {
        status_print(&json.doc);
        code = cli_flush();
    }

    sbs_forward_json_free(&json);
    sbs_forward_buffer_free(&body);
    return code;
}
