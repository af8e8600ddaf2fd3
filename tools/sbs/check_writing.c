/* SPDX-License-Identifier: Apache-2.0 */
#include "check_writing.h"

#include <stdio.h>
#include <string.h>

#include "check_report.h"
#include "json_input.h"
#include "message.h"
#include "push_run.h"
#include "sbs/outcome.h"
#include "server.h"

#define TYPE_SIZE 72
#define TEXT_SIZE 192

/* ---- one type ------------------------------------------------------------------------------------------------- */

static int check_exit(bool good) {
    if (good) {
        return CLI_DONE;
    }
    return CLI_REFUSED;
}

static int type_check(const sbs_json *doc, const char *type) {
    sbs_token_view token = {0};
    sbs_forward_writing writing = {.type = type, .any_scope = cli_server.any_scope, .asked = SBS_FORWARD_AUTO};
    bool has_token = cli_server_token(&token) == SBS_OK;
    if (cli_push_with.write_mode > 1) {
        writing.asked = (sbs_forward_mode)cli_push_with.write_mode;
    }

    /* A token that cannot be read says nothing about what is granted. */
    bool any = cli_server.any_scope || !has_token;

    writing.may_create = any || sbs_scope_covers(token.scope, type, SBS_SCOPE_CREATE);
    writing.may_update = any || sbs_scope_covers(token.scope, type, SBS_SCOPE_UPDATE);
    writing.known = doc != NULL && sbs_capability_read(doc, type, &writing.stated) == SBS_OK;
    return check_exit(sbs_forward_check_writing(&cli_check_rows, &writing));
}

/* ---- all types ------------------------------------------------------------------------------------------------ */

/* A scope that asks for nothing to write is no set-up to push with. @p type: the first that it names, "" for none. */
static int put_writes_nothing(const char *type) {
    char text[TEXT_SIZE];
    char advice[TEXT_SIZE];

    if (type[0] == '\0') {
        cli_check_put(SBS_FORWARD_WARN, SBS_FORWARD_STEP_CREATE,
                      "--scope names no type to write that this program understands",
                      "to push, ask for a scope such as system/Observation.cu");
        return CLI_DONE;
    }

    /* With --any-scope the operator says that the granted scope is not the whole truth: then a gap is a warning. */
    sbs_forward_verdict verdict = cli_server.any_scope ? SBS_FORWARD_WARN : SBS_FORWARD_FAIL;
    (void)snprintf(text, sizeof text, "--scope has neither c (create) nor u (update) for %s", type);
    (void)snprintf(advice, sizeof advice, "ask with --scope for system/%s.cu", type);
    cli_check_put(verdict, SBS_FORWARD_STEP_CREATE, text, advice);
    return check_exit(cli_server.any_scope);
}

/* @p doc: the CapabilityStatement, NULL if the server shows none. */
static int check_types(const sbs_json *doc) {
    sbs_text asked = sbs_text_of(cli_server.scope);
    sbs_text token;
    sbs_scope scope;
    char first[TYPE_SIZE] = "";
    char type[TYPE_SIZE];
    bool writes = false;
    int code = CLI_DONE;

    while (code == CLI_DONE && sbs_scope_next(&asked, &token)) {
        if (sbs_scope_parse(token, &scope) != SBS_OK || scope.type.len >= sizeof type) {
            continue;
        }

        (void)snprintf(type, sizeof type, "%.*s", (int)scope.type.len, scope.type.ptr);
        /* Of all types, measurements are what is pushed most. */
        if (strcmp(type, "*") == 0) {
            (void)snprintf(type, sizeof type, "Observation");
        }
        if (first[0] == '\0') {
            (void)snprintf(first, sizeof first, "%s", type);
        }
        /* A type that is only read does not matter to push. */
        if ((scope.permissions & (SBS_SCOPE_CREATE | SBS_SCOPE_UPDATE)) != 0) {
            writes = true;
            code = type_check(doc, type);
        }
    }

    if (!writes) {
        return put_writes_nothing(first);
    }

    return code;
}

/* ---- the statement -------------------------------------------------------------------------------------------- */

static int check_version(const sbs_json *doc, sbs_text body) {
    sbs_text version;
    unsigned major;

    if (sbs_capability_version(doc, &version, &major) != SBS_OK) {
        cli_check_useless(SBS_OK, body);
        return CLI_INPUT;
    }

    return sbs_forward_check_release(&cli_check_rows, version, major) ? CLI_DONE : CLI_INPUT;
}

void cli_check_useless(sbs_status status, sbs_text body) {
    char what[CLI_REASON_SIZE];

    sbs_forward_name_useless(cli_server_forward(), status, body, what, sizeof what);
    cli_check_put(SBS_FORWARD_FAIL, SBS_FORWARD_STEP_METADATA, what,
                  "check --fhir, or choose a way to write with --write-mode");
}

int cli_check_statement(sbs_text body) {
    cli_json json = {0};
    int code = CLI_INPUT;

    sbs_status status = cli_json_parse(&json, body, NULL);
    if (status != SBS_OK) {
        cli_check_useless(status, body);
    } else {
        code = check_version(&json.doc, body);
        if (code == CLI_DONE) {
            code = check_types(&json.doc);
        }
    }

    cli_json_free(&json);
    return code;
}

int cli_check_unstated(void) {
    sbs_forward_check_unstated(&cli_check_rows);
    return check_types(NULL);
}
