/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "server.h"

static const cli_option option_table[] = {
    {"fhir", "BASE", "base URL of the FHIR server", &cli_server.fhir, .type = CLI_TEXT, .required = true},
};

static const cli_table own_table = CLI_TABLE(option_table);

static void put_support(sbs_json_writer *json, const char *name, sbs_tristate support) {
    const char *word = "null"; /* the server does not say */
    if (support == SBS_YES) {
        word = "true";
    } else if (support == SBS_NO) {
        word = "false";
    }

    sbs_json_key(json, name);
    sbs_json_put_raw(json, sbs_text_of(word));
}

static int discovery_print(sbs_text token_endpoint, const sbs_discovery *discovery) {
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
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "discover: %s, ask the server's operator", sbs_status_text(status));
    }

    return CLI_DONE;
}

static void warn_if_unsupported(const char *what, sbs_tristate support, const char *advice) {
    if (support == SBS_NO) {
        cli_warn("the server does not list %s, %s", what, advice);
    }
}

static void warn_unsupported(const sbs_discovery *discovery) {
    const char *ask = "ask its operator";
    warn_if_unsupported("private_key_jwt in token_endpoint_auth_methods_supported", discovery->private_key_jwt, ask);
    warn_if_unsupported("client_credentials in grant_types_supported", discovery->client_credentials, ask);
    warn_if_unsupported("client-confidential-asymmetric in capabilities", discovery->confidential_asymmetric, ask);

    /* Which of the two matters depends on the key, which this command does not have. */
    const char *rs384 = "RS384 in token_endpoint_auth_signing_alg_values_supported";
    const char *es384 = "ES384 in token_endpoint_auth_signing_alg_values_supported";
    warn_if_unsupported(rs384, discovery->rs384, "an RSA key may be refused");
    warn_if_unsupported(es384, discovery->es384, "an EC key may be refused");
}

/* @p url has room for whatever token endpoint the document names. */
static int discovery_read_into(sbs_text text, char *url, size_t url_size) {
    sbs_discovery discovery;
    sbs_status status = sbs_discovery_parse(text.ptr, text.len, sbs_text_of(cli_server.fhir), cli_server.allow_http,
                                            url, url_size, &discovery);
    if (status != SBS_OK) {
        sbs_detail detail = {.step = SBS_STEP_DISCOVERY, .status = status, .text = ""};
        return cli_fail(CLI_INPUT, "discover: smart-configuration: %s, %s", sbs_status_text(status),
                        cli_advice(status, &detail));
    }

    /* Warned of, not refused: servers leave out what they can do. */
    warn_unsupported(&discovery);
    return discovery_print((sbs_text){url, discovery.token_endpoint_len}, &discovery);
}

static int discovery_read(sbs_text text) {
    size_t url_size = sizeof "/" + sbs_text_of(cli_server.fhir).len + text.len; /* no resolved reference is longer */
    char *url = malloc(url_size);
    int code;
    if (url != NULL) {
        code = discovery_read_into(text, url, url_size);
    } else {
        code = cli_fail(CLI_LOCAL, "discover: out of memory, close other programs");
    }

    free(url);
    return code;
}

static int discovery_request(char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of(&SBS_DISCOVERY_PATH[1]),
        .accept = sbs_text_of("application/json"),
        .response = answer,
        .response_size = CLI_DISCOVERY_MAX,
        .without_token = true,
    };
    sbs_status status = cli_server_run(&request);
    if (status == SBS_ERR_BUFFER && cli_server_response().http_status == 200) {
        return cli_fail(CLI_INPUT, "discover: the document has more than 1 MB, check --fhir");
    }
    if (status != SBS_OK) {
        sbs_detail detail = *cli_server_detail();
        detail.step = SBS_STEP_DISCOVERY; /* the client saw a read like any other */
        return cli_fail_request("discover", status, &detail);
    }

    return discovery_read((sbs_text){answer, cli_server_response().body_len});
}

static int discover_run(const cli_operands *operands) {
    (void)operands;

    int code = cli_server_open("discover", CLI_NEED_PUBLIC);
    if (code == CLI_DONE) {
        char *answer = cli_answer_memory("discover", CLI_DISCOVERY_MAX);
        code = CLI_LOCAL;
        if (answer != NULL) {
            code = discovery_request(answer);
        }

        free(answer);
    }

    cli_server_close();
    return code;
}

const cli_command cli_discover = {
    .name = "discover",
    .summary = "Finds a FHIR server's token endpoint and what it supports, and prints both as JSON",
    .about = "What the server does not state is null. A document of more than 1 MB is refused.\n",
    .tables = {&own_table, &cli_connection_table},
    .example = "sbs discover --fhir https://fhir.example.org/r4",
    .run = discover_run,
};
