/* SPDX-License-Identifier: Apache-2.0 */
#include "check_writing.h"

#include <stdio.h>
#include <string.h>

#include "check_report.h"
#include "json_input.h"
#include "push_run.h"
#include "sbs/outcome.h"
#include "server.h"

#define TYPE_SIZE 72
#define TEXT_SIZE 192
#define TRY_IT "push something to find out"

/* What push would do for one type that the scope asks to write. */
typedef struct check_plan {
    const char *type;
    bool may_create, may_update;
    bool known; /* the server states something of this type */
    sbs_capability stated;
} check_plan;

/* ---- one type ------------------------------------------------------------------------------------------------- */

/* PUT needs u, also where it creates; all else needs c. */
static sbs_forward_mode plan_mode(const check_plan *plan) {
    if (cli_push_with.write_mode > 1) {
        return (sbs_forward_mode)cli_push_with.write_mode;
    }

    /* Without a statement put is a guess: it is taken only where nothing else is granted. */
    bool put_only = plan->may_update && !plan->may_create;
    if (!plan->known && !put_only) {
        return SBS_FORWARD_IF_NONE_EXIST;
    }
    if (!plan->known || (plan->stated.update_create && plan->may_update)) {
        return SBS_FORWARD_PUT;
    }
    if (plan->stated.conditional_create) {
        return SBS_FORWARD_IF_NONE_EXIST;
    }

    return SBS_FORWARD_PLAIN;
}

/* With --any-scope the operator says that the granted scope is not the whole truth: then a gap is a warning. */
static int plan_put_gap(const char *text, const char *advice) {
    if (cli_server.any_scope) {
        cli_check_put(CLI_CHECK_WARN, "create", text, advice);
        return CLI_DONE;
    }
    cli_check_put(CLI_CHECK_FAIL, "create", text, advice);
    return CLI_REFUSED;
}

static int plan_put_lacks(const check_plan *plan, const char *why) {
    char text[TEXT_SIZE];
    char advice[TEXT_SIZE];

    (void)snprintf(text, sizeof text, "%s: the granted scope has %s", plan->type, why);
    (void)snprintf(advice, sizeof advice, "ask with --scope for system/%s.cu, and have it granted", plan->type);
    return plan_put_gap(text, advice);
}

static void plan_put_warning(const check_plan *plan, const char *what, const char *advice) {
    cli_check_put_words(CLI_CHECK_WARN, "create", advice, "%s: granted, %s", plan->type, what);
}

/* The server knows a resource again by its id or by its identifier; plain has neither. */
static void plan_put_plain(const check_plan *plan) {
    if (plan->stated.conditional_create || (plan->stated.update_create && plan->may_update)) {
        plan_put_warning(plan, "but --write-mode asks for plain: a repeat may be stored twice",
                         "leave --write-mode out, the server states a better one");
        return;
    }

    if (plan->stated.update_create) {
        plan_put_warning(plan, "but the scope allows only plain: a repeat may be stored twice",
                         "ask with --scope for u (update) too");
        return;
    }

    plan_put_warning(plan, "but the server states only plain: a repeat may be stored twice",
                     "if the server can do more than it states, say so with --write-mode");
}

/* A server may be able to do more than it states, where it states anything at all. */
static void plan_put_stated(const check_plan *plan, sbs_forward_mode mode) {
    static const char *const names[] = {"auto", "auto", "put", "if-none-exist", "plain"};
    const sbs_capability *stated = &plan->stated;
    char what[TEXT_SIZE];

    if (!plan->known) {
        plan_put_warning(plan, "but the server states nothing about it", TRY_IT);
        return;
    }

    if (!stated->create && !stated->update && !stated->update_create) {
        plan_put_warning(plan, "but the server does not state that it takes new ones", "ask the server's operator");
        return;
    }

    if (mode == SBS_FORWARD_PLAIN) {
        plan_put_plain(plan);
        return;
    }

    /* A way that --write-mode names is used whatever the server states. */
    bool can_put = mode == SBS_FORWARD_PUT && stated->update_create;
    bool can_post = mode == SBS_FORWARD_IF_NONE_EXIST && stated->conditional_create;
    if (!can_put && !can_post) {
        (void)snprintf(what, sizeof what, "but the server does not state %s", names[mode]);
        plan_put_warning(plan, what, TRY_IT);
        return;
    }

    cli_check_put_words(CLI_CHECK_OK, "create", NULL, "%s: granted, and the server states %s", plan->type, names[mode]);
}

static int plan_check(const check_plan *plan) {
    sbs_forward_mode mode = plan_mode(plan);

    /* The letters that are missing come first: no statement of the server makes up for them. */
    if (!plan->may_create && !plan->may_update) {
        return plan_put_lacks(plan, "neither c (create) nor u (update)");
    }
    if (mode == SBS_FORWARD_PUT && !plan->may_update) {
        return plan_put_lacks(plan, "no u (update), which put needs");
    }
    if (mode != SBS_FORWARD_PUT && !plan->may_create) {
        return plan_put_lacks(plan, "no c (create), which the server's way to write needs");
    }

    plan_put_stated(plan, mode);
    return CLI_DONE;
}

static int type_check(const sbs_json *doc, const char *type) {
    sbs_token_view token = {0};
    check_plan plan = {.type = type};
    bool has_token = cli_server_token(&token) == SBS_OK;

    /* A token that cannot be read says nothing about what is granted. */
    bool any = cli_server.any_scope || !has_token;

    plan.may_create = any || sbs_scope_covers(token.scope, type, SBS_SCOPE_CREATE);
    plan.may_update = any || sbs_scope_covers(token.scope, type, SBS_SCOPE_UPDATE);
    plan.known = doc != NULL && sbs_capability_read(doc, type, &plan.stated) == SBS_OK;
    return plan_check(&plan);
}

/* ---- all types ------------------------------------------------------------------------------------------------ */

/* A scope that asks for nothing to write is no set-up to push with. @p type: the first that it names, "" for none. */
static int put_writes_nothing(const char *type) {
    char text[TEXT_SIZE];
    char advice[TEXT_SIZE];

    if (type[0] == '\0') {
        cli_check_put(CLI_CHECK_WARN, "create", "--scope names no type to write that this program understands",
                      "to push, ask for a scope such as system/Observation.cu");
        return CLI_DONE;
    }

    (void)snprintf(text, sizeof text, "--scope has neither c (create) nor u (update) for %s", type);
    (void)snprintf(advice, sizeof advice, "ask with --scope for system/%s.cu", type);
    return plan_put_gap(text, advice);
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

/* R4 and R4B count as 4. A version that cannot be read, or a newer one, may still work. */
static int check_version(const sbs_json *doc, sbs_text body) {
    sbs_text version;
    unsigned major;

    if (sbs_capability_version(doc, &version, &major) != SBS_OK) {
        cli_check_useless(SBS_OK, body);
        return CLI_INPUT;
    }

    if (major == 4) {
        cli_check_put_words(CLI_CHECK_OK, "metadata", NULL, "FHIR %.*s", (int)version.len, version.ptr);
        return CLI_DONE;
    }

    bool may_work = major == 0 || major > 4;
    cli_check_level level = CLI_CHECK_FAIL;
    int code = CLI_INPUT;
    if (may_work) {
        level = CLI_CHECK_WARN;
        code = CLI_DONE;
    }

    cli_check_put_words(level, "metadata", "give the base URL of an R4 endpoint with --fhir",
                        "FHIR %.*s, but this program writes resources of R4", (int)version.len, version.ptr);
    return code;
}

void cli_check_useless(sbs_status status, sbs_text body) {
    char what[CLI_REASON_SIZE];

    sbs_forward_name_useless(cli_server_forward(), status, body, what, sizeof what);
    cli_check_put(CLI_CHECK_FAIL, "metadata", what, "check --fhir, or choose a way to write with --write-mode");
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
    cli_check_put(CLI_CHECK_WARN, "metadata", "the server does not show its CapabilityStatement",
                  "choose a way to write with --write-mode");
    return check_types(NULL);
}
