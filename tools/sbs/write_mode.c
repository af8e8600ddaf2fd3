/* SPDX-License-Identifier: Apache-2.0 */
#include "write_mode.h"

#include "json_input.h"
#include "message.h"
#include "server.h"

static cli_json statement;
static bool known, warned;

static sbs_status ask(char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of("metadata"),
        .response_size = CLI_ANSWER_MAX,
        .without_token = true,
    };
    request.response = answer;
    sbs_status status = cli_server_run(&request);
    if (status == SBS_ERR_UNAUTHORIZED || status == SBS_ERR_FORBIDDEN) {
        request.without_token = false; /* the standard says that it is public; not every server agrees */
        status = cli_server_run(&request);
    }
    return status;
}

int cli_write_mode_learn(char *answer) {
    sbs_capability capability;
    sbs_status status = ask(answer);
    if (status == SBS_ERR_FORBIDDEN || status == SBS_ERR_UNAUTHORIZED) {
        return CLI_DONE; /* there is none for us: nothing is known */
    }
    if (status != SBS_OK) {
        return cli_fail_request("push: CapabilityStatement", status, cli_server_detail());
    }
    status = cli_json_parse(&statement, (sbs_text){answer, cli_server_response().body_len}, NULL);
    if (status == SBS_OK) {
        status = sbs_capability_read(&statement.doc, "Observation", &capability);
    }
    known = status == SBS_OK;
    return known ? CLI_DONE
                 : cli_fail(CLI_INPUT, "push: CapabilityStatement: %s, choose with --write-mode",
                            sbs_status_text(status));
}

cli_write_mode cli_write_mode_for(const char *type) {
    sbs_capability capability = {0};
    if (known && sbs_capability_read(&statement.doc, type, &capability) != SBS_OK) {
        capability = (sbs_capability){0};
    }
    if (capability.update_create) {
        return CLI_WRITE_PUT;
    }
    if (capability.conditional_create) {
        return CLI_WRITE_IF_NONE_EXIST;
    }
    if (!warned) {
        cli_warn("push: the server does not state update-as-create or conditional create for %s: a repeated push "
                 "stores it again, choose with --write-mode",
                 type);
        warned = true;
    }
    return CLI_WRITE_PLAIN;
}

void cli_write_mode_free(void) {
    cli_json_free(&statement);
    known = false;
}
