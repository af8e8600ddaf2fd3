/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask the gateway that runs, and print what it says. */
#include <stdio.h>

#include "cli.h"

int cli_jwk(const cli_call *call) {
    return cli_ask_and_print(call, "GET", call->set ? "/jwks" : "/jwk");
}

int cli_key_rotate(const cli_call *call) {
    return cli_ask_and_print(call, "POST", "/key/rotate");
}

int cli_key_confirm(const cli_call *call) {
    return cli_ask_and_print(call, "POST", "/key/confirm");
}

int cli_ca(const cli_call *call) {
    return cli_ask_and_print(call, "GET", "/ca");
}

int cli_reload(const cli_call *call) {
    return cli_ask_and_print(call, "POST", "/reload");
}
