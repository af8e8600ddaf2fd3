/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask the gateway that runs, and print what it says. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "json_view.h"

#define KID_SIZE 128u

int cli_jwk(const cli_call *call) {
    return cli_ask_and_print(call, "GET", call->set ? "/jwks" : "/jwk");
}

int cli_key_rotate(const cli_call *call) {
    return cli_ask_and_print(call, "POST", "/key/rotate");
}

/* The key that signs, and the next one; "" if there is none. */
static int confirm_look(const cli_call *call, char old[KID_SIZE], char next[KID_SIZE]) {
    sbs_forward_buffer body = {0};
    sbs_forward_json json = {0};
    old[0] = next[0] = '\0';

    int code = cli_ask_json(call, "/jwks", &body, &json);
    if (code == CLI_DONE) {
        sbs_json_node first = view_first(&json.doc, 0, "keys");
        sbs_json_node second = first == SBS_JSON_NONE ? first : sbs_json_next(&json.doc, first);
        (void)view_text(&json.doc, first, "kid", old, KID_SIZE);
        (void)view_text(&json.doc, second, "kid", next, KID_SIZE);
    }
    sbs_forward_json_free(&json);
    sbs_forward_buffer_free(&body);
    return code;
}

/* What is destroyed does not come back. */
static int confirm_ask(const cli_call *call, const char *old, const char *next) {
    char answer[16] = "";
    cli_note(
        "key confirm: the key %s is destroyed for good, and %s signs from then on; a server that does not have that "
        "one yet refuses it, and nothing is sent until it has",
        old, next);
    if (call->yes) {
        return CLI_DONE;
    }
    if (isatty(STDIN_FILENO) != 1) {
        return cli_fail(CLI_USAGE, "key confirm: nobody can be asked here, give --yes; nothing was changed");
    }

    (void)fprintf(stderr, "Go on? [y/N] ");
    if (fgets(answer, sizeof answer, stdin) == NULL || (strcmp(answer, "y\n") != 0 && strcmp(answer, "yes\n") != 0)) {
        return cli_fail(CLI_REFUSED, "key confirm: nothing was changed");
    }
    return CLI_DONE;
}

int cli_key_confirm(const cli_call *call) {
    char old[KID_SIZE], next[KID_SIZE];
    int code = confirm_look(call, old, next);
    if (code == CLI_DONE && next[0] != '\0') {
        code = confirm_ask(call, old, next);
    }

    /* Without a next key the gateway says why there is none. */
    return code == CLI_DONE ? cli_ask_and_print(call, "POST", "/key/confirm") : code;
}

int cli_ca(const cli_call *call) {
    return cli_ask_and_print(call, "GET", "/ca");
}

int cli_reload(const cli_call *call) {
    return cli_ask_and_print(call, "POST", "/reload");
}
