/* SPDX-License-Identifier: Apache-2.0 */
/* sbs-gateway status */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_view.h"

#define WORDS_SIZE 320u

static void status_line(const sbs_json *doc, const char *label, const char *name) {
    char words[WORDS_SIZE];
    if (view_text(doc, 0, name, words, sizeof words)[0] != '\0') {
        (void)printf("%-22s %s\n", label, words);
    }
}

static void status_device(const sbs_json *doc, sbs_json_node device) {
    char name[WORDS_SIZE], heard[WORDS_SIZE], refusal[WORDS_SIZE];
    (void)view_text(doc, device, "name", name, sizeof name);
    (void)view_text(doc, device, "heard", heard, sizeof heard);
    (void)view_text(doc, device, "lastRefusal", refusal, sizeof refusal);
    (void)printf("  %-20s today %llu, refused %llu, delivered %llu, dead %llu, last heard %s\n", name,
                 (unsigned long long)view_uint(doc, device, "today"),
                 (unsigned long long)view_uint(doc, device, "refused"),
                 (unsigned long long)view_uint(doc, device, "delivered"),
                 (unsigned long long)view_uint(doc, device, "dead"), heard[0] != '\0' ? heard : "never");
    if (refusal[0] != '\0') {
        (void)printf("  %-20s last refused: %s\n", "", refusal);
    }
}

static void status_print(const sbs_json *doc) {
    char sentence[WORDS_SIZE];
    (void)printf("%s\n\n", view_text(doc, 0, "sentence", sentence, sizeof sentence));
    status_line(doc, "waiting", "waiting");
    status_line(doc, "oldest", "oldest");
    status_line(doc, "dead letters", "deadLetters");
    status_line(doc, "to the server", "upstream");
    status_line(doc, "why", "upstreamReason");
    status_line(doc, "last delivery", "lastDelivery");
    status_line(doc, "clock", "clock");
    status_line(doc, "token until", "tokenExpires");
    status_line(doc, "server's certificate", "serverCertificateEnds");
    status_line(doc, "own certificate", "ownCertificateEnds");
    status_line(doc, "disk, bytes free", "diskFree");
    status_line(doc, "key", "key");
    status_line(doc, "queue", "queueFault");
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
    unsigned status = 0;
    if (call->json) {
        return cli_ask_and_print(call, "GET", "/status");
    }

    int code = cli_ask(call, "GET", "/status", &status, &body);
    if (code == CLI_DONE &&
        (status != 200 || sbs_forward_json_parse(&json, sbs_forward_buffer_text(&body), NULL) != SBS_OK)) {
        code = cli_fail(CLI_LOCAL, "status: the gateway that runs has another version");
    }
    if (code == CLI_DONE) {
        status_print(&json.doc);
        code = cli_flush();
    }

    sbs_forward_json_free(&json);
    sbs_forward_buffer_free(&body);
    return code;
}
