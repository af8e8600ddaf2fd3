/* SPDX-License-Identifier: Apache-2.0 */
#include "write_mode.h"

#include <stdio.h>

#include "json_input.h"
#include "message.h"
#include "server.h"

static cli_json statement;
static bool known, warned;

static sbs_status ask(char *answer, uint16_t attempts) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of("metadata"),
        .response_size = CLI_ANSWER_MAX,
        .without_token = true,
        .max_attempts = attempts,
    };
    request.response = answer;
    sbs_status status = cli_server_run(&request);
    if (status == SBS_ERR_UNAUTHORIZED || status == SBS_ERR_FORBIDDEN) {
        request.without_token = false; /* the standard says that it is public; not every server agrees */
        status = cli_server_run(&request);
    }
    return status;
}

sbs_status cli_write_mode_ask(char *answer, uint16_t attempts, bool *out_answered) {
    sbs_capability capability;
    sbs_status status = ask(answer, attempts);
    *out_answered = status == SBS_OK;
    if (status == SBS_ERR_FORBIDDEN || status == SBS_ERR_UNAUTHORIZED) {
        return SBS_OK; /* there is none for us: nothing is known */
    }
    if (status == SBS_OK) {
        status = cli_json_parse(&statement, (sbs_text){answer, cli_server_response().body_len}, NULL);
        status = status == SBS_OK ? sbs_capability_read(&statement.doc, "Observation", &capability) : status;
        known = status == SBS_OK;
    }
    return status;
}

int cli_write_mode_fail(const char *command, sbs_status status, bool answered) {
    char what[48];
    if (answered) {
        return cli_fail(CLI_INPUT, "%s: CapabilityStatement: %s, choose with --write-mode", command,
                        sbs_status_text(status));
    }
    (void)snprintf(what, sizeof what, "%s: CapabilityStatement", command);
    return cli_fail_request(what, status, cli_server_detail());
}

/* What the statement says of a type; nothing where it says nothing. */
static sbs_capability stated(const char *type) {
    sbs_capability capability = {0};
    if (known && sbs_capability_read(&statement.doc, type, &capability) != SBS_OK) {
        capability = (sbs_capability){0};
    }
    return capability;
}

cli_write_mode cli_write_mode_for(const char *command, const char *type) {
    sbs_capability capability = stated(type);
    if (capability.update_create) {
        return CLI_WRITE_PUT;
    }
    if (capability.conditional_create) {
        return CLI_WRITE_IF_NONE_EXIST;
    }
    if (!warned) {
        cli_warn("%s: the server does not state update-as-create or conditional create for %s: a repeated push stores "
                 "it again, choose with --write-mode",
                 command, type);
        warned = true;
    }
    return CLI_WRITE_PLAIN;
}

static void warn_twice(const char *command, const char *why, const char *type) {
    if (!warned) {
        cli_warn("%s: %s for %s: an item whose answer is lost may be stored twice, use --write-mode put if the server "
                 "can",
                 command, why, type);
        warned = true;
    }
}

cli_write_mode cli_write_mode_queued(const char *command, const char *type, cli_write_mode asked) {
    if (asked == CLI_WRITE_PUT || asked == CLI_WRITE_PLAIN) {
        return asked;
    }
    if (!known) {
        warn_twice(command, "the server shows no CapabilityStatement, so nothing says whether it heeds If-None-Exist",
                   type);
        return CLI_WRITE_IF_NONE_EXIST;
    }
    if (asked == CLI_WRITE_IF_NONE_EXIST && !stated(type).conditional_create) {
        warn_twice(command, "the server does not state conditional create, it may ignore If-None-Exist", type);
    }
    return asked == CLI_WRITE_IF_NONE_EXIST ? asked : cli_write_mode_for(command, type);
}

bool cli_write_mode_may_search(void) {
    return !stated("Observation").update_create;
}

bool cli_write_mode_takes_batch(void) {
    return !known || stated("Observation").batch;
}

void cli_write_mode_free(void) {
    cli_json_free(&statement);
    known = false;
}
