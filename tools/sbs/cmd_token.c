/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "io.h"
#include "message.h"
#include "server.h"
#include "token_output.h"

static bool raw;

static const cli_option option_table[] = {
    {"raw", NULL, "print the access token alone", &raw, .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

static int token_print(void) {
    sbs_token_view token;
    sbs_status status = cli_server_token(&token);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "token: it has expired already, check this machine's clock");
    }

    if (!raw) {
        return cli_put_token(token.access_token, token.expires_in_s, token.scope);
    }

    sbs_writer out;
    cli_output(&out);
    sbs_put_text(&out, token.access_token);
    sbs_put_char(&out, '\n');

    return CLI_DONE;
}

static int token_get(void) {
    sbs_request request = {.interaction = SBS_TOKEN};
    sbs_status status = cli_server_run(&request);
    if (status != SBS_OK) {
        return cli_fail_request("token", status, cli_server_detail());
    }
    return token_print();
}

static int token_run(const cli_operands *operands) {
    (void)operands;

    int code = cli_server_open("token", CLI_NEED_TOKEN);
    if (code == CLI_DONE) {
        code = token_get();
    }
    cli_server_close();
    return code;
}

const cli_command cli_token = {
    .name = "token",
    .summary = "Gets an access token and prints it",
    .about = "Either --fhir or --token-url is enough.\n",
    .tables = {&cli_server_table, &cli_kid_table, &cli_no_kid_table, &own_table, &cli_connection_table},
    .example = "sbs token --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device \\\n"
               "      --scope 'system/Observation.c'",
    .run = token_run,
};
