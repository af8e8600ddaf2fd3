/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "commands.h"
#include "io.h"
#include "json_input.h"
#include "message.h"
#include "server.h"

static const cli_option option_table[] = {
    {"fhir", "BASE", "base URL of the FHIR server", &cli_server.fhir, .type = CLI_TEXT, .required = true},
};

static const cli_table own_table = CLI_TABLE(option_table);

static void put_support(sbs_json_writer *json, const char *name, sbs_tristate support) {
    sbs_json_key(json, name);
    sbs_json_put_raw(json, sbs_text_of(support == SBS_YES ? "true" : support == SBS_NO ? "false" : "null"));
}

static int print(sbs_text token_endpoint, const sbs_discovery *discovery) {
    sbs_writer out;
    sbs_json_writer json;
    cli_output(&out);
    sbs_json_writer_init(&json, &out);
    sbs_json_begin_object(&json);
    sbs_json_member_text(&json, "token_endpoint", token_endpoint);
    put_support(&json, "private_key_jwt", discovery->private_key_jwt);
    put_support(&json, "rs384", discovery->rs384);
    put_support(&json, "es384", discovery->es384);
    put_support(&json, "client_credentials", discovery->client_credentials);
    put_support(&json, "client_confidential_asymmetric", discovery->confidential_asymmetric);
    sbs_json_end_object(&json);
    sbs_put_char(&out, '\n');
    sbs_status status = sbs_json_writer_finish(&json, NULL);
    return status == SBS_OK ? CLI_DONE
                            : cli_fail(CLI_INPUT, "discover: %s, ask the server's operator", sbs_status_text(status));
}

static void warn(const char *what, sbs_tristate support, const char *advice) {
    if (support == SBS_NO) {
        cli_warn("the server does not list %s, %s", what, advice);
    }
}

static void warn_all(const sbs_discovery *discovery) {
    warn("private_key_jwt in token_endpoint_auth_methods_supported", discovery->private_key_jwt, "ask its operator");
    warn("client_credentials in grant_types_supported", discovery->client_credentials, "ask its operator");
    warn("client-confidential-asymmetric in capabilities", discovery->confidential_asymmetric, "ask its operator");
    warn("RS384 in token_endpoint_auth_signing_alg_values_supported", discovery->rs384, "an RSA key may be refused");
    warn("ES384 in token_endpoint_auth_signing_alg_values_supported", discovery->es384, "an EC key may be refused");
}

static int read_document(sbs_text text, cli_json *json) {
    sbs_discovery discovery;
    size_t url_size = sizeof "/" + sbs_text_of(cli_server.fhir).len + text.len; /* no resolved reference is longer */
    char *url = malloc(url_size);
    if (url == NULL || !cli_json_reserve(json, text)) {
        free(url);
        return cli_fail(CLI_LOCAL, "discover: out of memory, close other programs");
    }
    sbs_status status = sbs_discovery_parse(text.ptr, text.len, sbs_text_of(cli_server.fhir), cli_server.allow_http,
                                            json->tokens, json->capacity, url, url_size, &discovery);
    if (status != SBS_OK) {
        free(url);
        sbs_detail detail = {.step = SBS_STEP_DISCOVERY, .status = status, .text = ""};
        return cli_fail(CLI_INPUT, "discover: smart-configuration: %s, %s", sbs_status_text(status),
                        cli_advice(status, &detail));
    }
    warn_all(&discovery);
    int code = print((sbs_text){url, discovery.token_endpoint_len}, &discovery);
    free(url);
    return code;
}

static int discover(char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of(&SBS_DISCOVERY_PATH[1]),
        .accept = sbs_text_of("application/json"),
        .response_size = CLI_ANSWER_MAX,
        .without_token = true,
    };
    cli_json json = {0};
    request.response = answer;
    sbs_status status = cli_server_run(&request);
    if (status != SBS_OK) {
        sbs_detail detail = *cli_server_detail();
        detail.step = SBS_STEP_DISCOVERY; /* for the client it was a request like others */
        return cli_fail_request("discover", status, &detail);
    }
    int code = read_document((sbs_text){answer, cli_server_response().body_len}, &json);
    cli_json_free(&json);
    return code;
}

static int run(const cli_operands *operands) {
    (void)operands;
    int code = cli_server_open("discover", CLI_NEED_PUBLIC);
    if (code == CLI_DONE) {
        char *answer = cli_answer_memory("discover");
        code = answer == NULL ? CLI_LOCAL : discover(answer);
        free(answer);
    }
    cli_server_close();
    return code;
}

const cli_command cli_discover = {
    .name = "discover",
    .summary = "Finds a FHIR server's token endpoint and what it supports, and prints both as JSON",
    .about = "What the server does not state is null.\n",
    .tables = {&own_table, &cli_connection_table},
    .example = "sbs discover --fhir https://fhir.example.org/r4",
    .run = run,
};
