/* SPDX-License-Identifier: Apache-2.0 */
/* Each step from the configuration to the permission to write, as far as it goes without writing anything. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "io.h"
#include "json_input.h"
#include "message.h"
#include "push_run.h"
#include "sbs/linux_clock.h"
#include "sbs/outcome.h"
#include "server.h"

#ifdef SBS_CLI_QUEUE
#include "queue_file.h"
#endif

#define CLOCK_GOOD_S 5 /* within this no server minds */

typedef enum check_level { CHECK_OK, CHECK_WARN, CHECK_FAIL } check_level;

static bool as_json;

static const cli_option option_table[] = {
    {"json", NULL, "print a JSON array of the steps", &as_json, .type = CLI_FLAG},
    {"follow", NULL, "of push: taken, but no matter here, as is all of push that concerns no step",
     &cli_push_with.follow, .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* What has been found so far. */
static struct {
    sbs_writer out;
    sbs_json_writer json;
    bool connected, dated, plain_http;
    char host[SBS_HOST_SIZE];
} check;

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static void put_json(const char *level, const char *step, const char *text, const char *advice) {
    sbs_json_begin_object(&check.json);
    sbs_json_member_text(&check.json, "step", sbs_text_of(step));
    sbs_json_member_text(&check.json, "result", sbs_text_of(level));
    sbs_json_member_text(&check.json, "text", sbs_text_of(text));
    sbs_json_member_text(&check.json, "advice", sbs_text_of(advice));
    sbs_json_end_object(&check.json);
}

/* One step. @p advice: what to do; NULL if nothing. */
static void put_step(check_level level, const char *step, const char *text, const char *advice) {
    static const char *const names[] = {"OK", "WARN", "FAIL"};
    char line[CLI_REASON_SIZE];
    size_t len = strlen(text) < sizeof line ? strlen(text) : sizeof line - 1;
    memcpy(line, text, len);
    line[cli_sanitise(line, len)] = '\0';
    if (as_json) {
        put_json(names[level], step, line, advice);
        return;
    }

    sbs_put_string(&check.out, names[level]);
    sbs_put_string(&check.out, level == CHECK_OK ? "    " : "  ");
    sbs_put_string(&check.out, step);
    sbs_put_string(&check.out, ": ");
    sbs_put_string(&check.out, line);
    if (advice != NULL) {
        sbs_put_string(&check.out, ", ");
        sbs_put_string(&check.out, advice);
    }
    sbs_put_char(&check.out, '\n');
}

CLI_PRINTF(4, 5)
static void put_words(check_level level, const char *step, const char *advice, const char *format, ...) {
    char text[CLI_REASON_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_step(level, step, text, advice);
}

/* The step failed before anything was asked, with a message "what: why, what to do". */
static void put_told(const char *step, const char *prefix) {
    char text[CLI_REASON_SIZE];
    const char *told = cli_last_failure();
    size_t len = strlen(prefix);
    (void)snprintf(text, sizeof text, "%s", strncmp(told, prefix, len) == 0 ? told + len : told);
    char *advice = NULL;
    for (char *at = strstr(text, ", "); at != NULL; at = strstr(at + 1, ", ")) {
        advice = at;
    }
    if (advice != NULL) {
        *advice = '\0';
        advice += 2;
    }
    put_step(CHECK_FAIL, step, text, advice);
}

/* ---- requests, and what they tell of the connection ------------------------------------------------------------ */

static const char *const connection_steps[] = {"DNS", "TCP", "TLS"};
enum { STEP_DNS, STEP_TCP, STEP_TLS, STEP_ANSWER };

/* How far a request came that failed. */
static unsigned reached(sbs_status status, const sbs_detail *detail) {
    if (detail->http_status != 0) {
        return STEP_ANSWER;
    }
    switch (status) {
    case SBS_ERR_RESOLVE:
        return STEP_DNS;
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_NETWORK:
    case SBS_ERR_TIMEOUT:
        return STEP_TCP;
    case SBS_ERR_TLS:
    case SBS_ERR_UNTRUSTED:
    case SBS_ERR_WRONG_NAME:
    case SBS_ERR_CERT_DATE:
        return STEP_TLS;
    default:
        return STEP_ANSWER;
    }
}

/* The steps of the connection up to @p end are good; told for the first server alone. */
static void put_connected(unsigned end) {
    for (unsigned i = 0; i < end && !check.connected; i++) {
        if (i == STEP_TLS && check.plain_http) {
            put_step(CHECK_WARN, connection_steps[i], "none, plain http", "use it for tests only");
        } else {
            put_step(CHECK_OK, connection_steps[i], check.host, NULL);
        }
    }
    check.connected = check.connected || end == STEP_ANSWER;
}

/* An authenticated Date tells how right this machine's clock is. */
static void put_clock(void) {
    int64_t date = cli_server_response().date_utc_s;
    int64_t ahead = sbs_linux_now().utc_s - date;
    if (check.dated || date == SBS_UTC_UNKNOWN) {
        return;
    }
    check.dated = true;
    if (ahead > CLOCK_GOOD_S || ahead < -CLOCK_GOOD_S) {
        put_words(CHECK_WARN, "clock", "set this machine's clock", "%lld s %s the server's",
                  (long long)(ahead < 0 ? -ahead : ahead), ahead < 0 ? "behind" : "ahead of");
    } else {
        put_step(CHECK_OK, "clock", "as the server's", NULL);
    }
}

/* Tells where a request failed. Returns its exit status. */
static int put_failure(const char *step, sbs_status status) {
    const sbs_detail *detail = cli_server_detail();
    unsigned end = reached(status, detail);
    char reason[CLI_REASON_SIZE];
    put_connected(end);
    cli_reason(status, detail, reason, sizeof reason);
    put_step(CHECK_FAIL, end == STEP_ANSWER ? step : connection_steps[end], reason, cli_advice(status, detail));
    return cli_exit_of(status, detail);
}

/* ---- the steps ------------------------------------------------------------------------------------------------ */

static int check_key(void) {
    cli_key key = {0};
    if (strcmp(cli_server.key, "-") == 0) {
        return CLI_DONE; /* it can be read once */
    }
    int code = cli_key_load(cli_server.key, false, &key);
    if (code != CLI_DONE) {
        put_told("key", "key ");
    } else {
        int kid = cli_kid_method() == SBS_KID_NONE || cli_server.profile == 2 ? CLI_DONE : cli_key_kid(&key);
        put_words(CHECK_OK, "key", NULL, "%s, %zu bits%s%.*s", key.public_key.alg == SBS_RS384 ? "RS384" : "ES384",
                  key.public_key.bits, kid == CLI_DONE && key.kid_len > 0 ? ", kid " : "", (int)key.kid_len, key.kid);
    }
    cli_key_free(&key);
    return code;
}

/* Before anything is asked: without a time of day there is no assertion. */
static int check_clock(void) {
    sbs_detail detail = {.status = SBS_ERR_NO_TIME, .text = ""};
    char reason[CLI_REASON_SIZE];
    if (sbs_linux_now().utc_s != SBS_UTC_UNKNOWN) {
        return CLI_DONE;
    }
    cli_reason(SBS_ERR_NO_TIME, &detail, reason, sizeof reason);
    put_step(CHECK_FAIL, "clock", reason, cli_advice(SBS_ERR_NO_TIME, &detail));
    return cli_exit_of(SBS_ERR_NO_TIME, &detail);
}

static int check_discovery(void) {
    sbs_request request = {.interaction = SBS_DISCOVER, .max_attempts = 1};
    if (cli_server.token_url != NULL) {
        put_step(CHECK_OK, "discovery", "not needed, --token-url is given", NULL);
        return CLI_DONE;
    }
    sbs_status status = cli_server_run(&request);
    if (status != SBS_OK) {
        return put_failure("discovery", status);
    }
    put_connected(STEP_ANSWER);
    put_clock();
    sbs_text url = sbs_client_token_url(cli_server_client());
    put_words(CHECK_OK, "discovery", NULL, "token endpoint %.*s", (int)url.len, url.ptr);
    return CLI_DONE;
}

static bool is_granted(sbs_text granted, sbs_text asked) {
    sbs_scope scope;
    char type[72];
    sbs_text token;
    if (sbs_scope_parse(asked, &scope) == SBS_OK && scope.type.len < sizeof type &&
        sbs_text_equal(scope.context, sbs_text_of("system")) && scope.query.ptr == NULL) {
        memcpy(type, scope.type.ptr, scope.type.len);
        type[scope.type.len] = '\0';
        return sbs_scope_covers(granted, type, scope.permissions);
    }
    while (sbs_scope_next(&granted, &token)) {
        if (sbs_text_equal(token, asked)) {
            return true;
        }
    }
    return false;
}

static void check_scope(sbs_text granted) {
    sbs_text asked = sbs_text_of(cli_server.scope);
    sbs_text token;
    bool all = true;
    while (sbs_scope_next(&asked, &token)) {
        if (!is_granted(granted, token)) {
            all = false;
            put_words(CHECK_WARN, "scope", "have it granted", "%.*s is not granted", (int)token.len, token.ptr);
        }
    }
    if (all) {
        put_words(CHECK_OK, "scope", NULL, "%.*s", (int)granted.len, granted.ptr);
    }
}

static int check_token(void) {
    sbs_request request = {.interaction = SBS_TOKEN, .max_attempts = 1};
    sbs_token_view token;
    sbs_status status = cli_server_run(&request);
    if (status == SBS_OK) {
        status = cli_server_token(&token);
    }
    if (status != SBS_OK) {
        return put_failure("token", status);
    }
    put_connected(STEP_ANSWER);
    put_clock();
    put_words(CHECK_OK, "token", NULL, "good for %u s", (unsigned)token.expires_in_s);
    check_scope(token.scope);
    return CLI_DONE;
}

/* ---- what the FHIR server states ------------------------------------------------------------------------------- */

static int check_version(const sbs_json *doc) {
    sbs_text version;
    unsigned major;
    if (sbs_capability_version(doc, &version, &major) != SBS_OK) {
        put_step(CHECK_FAIL, "metadata", "no CapabilityStatement", "check --fhir");
        return CLI_INPUT;
    }
    if (major == 4) {
        put_words(CHECK_OK, "metadata", NULL, "FHIR %.*s", (int)version.len, version.ptr);
        return CLI_DONE;
    }
    const check_level level = major == 0 || major > 4 ? CHECK_WARN : CHECK_FAIL;
    put_words(level, "metadata", "give the base of its R4 with --fhir", "FHIR %.*s, and resources are written for R4",
              (int)version.len, version.ptr);
    return level == CHECK_FAIL ? CLI_INPUT : CLI_DONE;
}

/* What push would do for one type that the scope asks to write. */
typedef struct check_plan {
    const char *type;
    bool may_create, may_update;
    bool known; /* the server states something */
    sbs_capability stated;
} check_plan;

/* PUT needs u, also where it creates; all else needs c. */
static sbs_forward_mode plan_mode(const check_plan *plan) {
    if (cli_push_with.write_mode > 1) {
        return (sbs_forward_mode)cli_push_with.write_mode;
    }
    if (!plan->known) {
        return plan->may_update && !plan->may_create ? SBS_FORWARD_PUT : SBS_FORWARD_IF_NONE_EXIST;
    }
    if (plan->stated.update_create && plan->may_update) {
        return SBS_FORWARD_PUT;
    }
    return plan->stated.conditional_create ? SBS_FORWARD_IF_NONE_EXIST : SBS_FORWARD_PLAIN;
}

static int put_lacks(const check_plan *plan, const char *letters, const char *why) {
    char advice[160];
    bool any = cli_server.any_scope;
    (void)snprintf(advice, sizeof advice, "ask with --scope for system/%s.%s, and have it granted", plan->type,
                   letters);
    put_words(any ? CHECK_WARN : CHECK_FAIL, "create", advice, "%s: the granted scope has %s", plan->type, why);
    return any ? CLI_DONE : CLI_REFUSED;
}

static void put_planned(const check_plan *plan, const char *mode) {
    put_words(CHECK_OK, "create", NULL, "%s: granted, and stated: %s", plan->type, mode);
}

static void put_twice(const check_plan *plan) {
    bool update = plan->stated.update_create && !plan->may_update;
    put_words(CHECK_WARN, "create",
              update ? "ask with --scope for u (update) too"
                     : "choose with --write-mode what the server can, if it can more than it states",
              "%s: granted, and stated: plain: a repeat may be stored twice", plan->type);
}

static int check_plan_of(const check_plan *plan) {
    static const char *const names[] = {"auto", "auto", "put", "if-none-exist", "plain"};
    sbs_forward_mode mode = plan_mode(plan);
    const sbs_capability *stated = &plan->stated;
    if (!plan->may_create && !plan->may_update) {
        return put_lacks(plan, "cu", "neither c (create) nor u (update)");
    }
    if (mode == SBS_FORWARD_PUT && !plan->may_update) {
        return put_lacks(plan, "cu", "no u (update), which put needs");
    }
    if (mode != SBS_FORWARD_PUT && !plan->may_create) {
        return put_lacks(plan, "cu", "no c (create), which the server's way to write needs");
    }

    if (!plan->known) {
        put_words(CHECK_WARN, "create", "push something to see", "%s: granted; nothing is stated", plan->type);
    } else if (!stated->create && !stated->update && !stated->update_create) {
        put_words(CHECK_WARN, "create", "ask the server's operator",
                  "%s: granted, but the server does not state that it takes new ones", plan->type);
    } else if (mode == SBS_FORWARD_PLAIN) {
        put_twice(plan);
    } else if (mode == SBS_FORWARD_PUT ? !stated->update_create : !stated->conditional_create) {
        put_words(CHECK_WARN, "create", "push something to see", "%s: granted, but the server does not state %s",
                  plan->type, names[mode]);
    } else {
        put_planned(plan, names[mode]);
    }
    return CLI_DONE;
}

/* One type that the scope asks to write. */
static int check_create(const sbs_json *doc, const char *type) {
    sbs_token_view token = {0};
    check_plan plan = {.type = type};
    bool has_token = cli_server_token(&token) == SBS_OK;
    bool any = cli_server.any_scope || !has_token;
    plan.may_create = any || sbs_scope_covers(token.scope, type, SBS_SCOPE_CREATE);
    plan.may_update = any || sbs_scope_covers(token.scope, type, SBS_SCOPE_UPDATE);
    plan.known = doc != NULL && sbs_capability_read(doc, type, &plan.stated) == SBS_OK;
    return check_plan_of(&plan);
}

/* A scope that asks for nothing to write is no set-up to push with. */
static int put_writes_nothing(const char *type) {
    char advice[160];
    bool any = cli_server.any_scope;
    if (type[0] == '\0') {
        put_step(CHECK_WARN, "create", "--scope names nothing to write that can be read here",
                 "to push, ask for such as system/Observation.cu");
        return CLI_DONE;
    }
    (void)snprintf(advice, sizeof advice, "ask with --scope for system/%s.cu", type);
    put_words(any ? CHECK_WARN : CHECK_FAIL, "create", advice, "--scope has neither c (create) nor u (update) for %s",
              type);
    return any ? CLI_DONE : CLI_REFUSED;
}

static int check_writing(const sbs_json *doc) {
    sbs_text asked = sbs_text_of(cli_server.scope);
    sbs_text token;
    sbs_scope scope;
    char first[72] = "";
    char type[72];
    bool writes = false;
    int code = CLI_DONE;
    while (code == CLI_DONE && sbs_scope_next(&asked, &token)) {
        if (sbs_scope_parse(token, &scope) != SBS_OK || scope.type.len >= sizeof type) {
            continue;
        }
        (void)snprintf(type, sizeof type, "%.*s", (int)scope.type.len, scope.type.ptr);
        const char *name = strcmp(type, "*") == 0 ? "Observation" : type;
        if (first[0] == '\0') {
            (void)snprintf(first, sizeof first, "%s", name);
        }
        if ((scope.permissions & (SBS_SCOPE_CREATE | SBS_SCOPE_UPDATE)) != 0) {
            writes = true;
            code = check_create(doc, name);
        }
    }
    return writes ? code : put_writes_nothing(first);
}

static int check_statement(sbs_text body) {
    cli_json json = {0};
    int code;
    if (cli_json_parse(&json, body, NULL) != SBS_OK) {
        put_step(CHECK_FAIL, "metadata", "not valid JSON", "check --fhir");
        code = CLI_INPUT;
    } else {
        code = check_version(&json.doc);
        if (code == CLI_DONE) {
            code = check_writing(&json.doc);
        }
    }
    cli_json_free(&json);
    return code;
}

static int check_metadata(char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of("metadata"),
        .response_size = CLI_ANSWER_MAX,
        .without_token = true,
        .max_attempts = 1,
    };
    request.response = answer;
    sbs_status status = cli_server_run(&request);
    if (status == SBS_ERR_UNAUTHORIZED || status == SBS_ERR_FORBIDDEN) {
        request.without_token = false; /* the standard says that it is public; not every server agrees */
        status = cli_server_run(&request);
    }
    if (status == SBS_OK) {
        put_connected(STEP_ANSWER);
        put_clock();
        return check_statement((sbs_text){answer, cli_server_response().body_len});
    }
    if (status != SBS_ERR_UNAUTHORIZED && status != SBS_ERR_FORBIDDEN) {
        return put_failure("metadata", status);
    }
    put_step(CHECK_WARN, "metadata", "the server shows none", "name the way to write with --write-mode");
    return check_writing(NULL);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static void note_host(void) {
    sbs_url url;
    const char *text = cli_server.token_url != NULL && cli_server.fhir == NULL ? cli_server.token_url : cli_server.fhir;
    if (sbs_url_parse(sbs_text_of(text), &url) == SBS_OK) {
        (void)snprintf(check.host, sizeof check.host, "%.*s", (int)url.host.len, url.host.ptr);
        check.plain_http = !url.https;
    }
}

static int run_steps(char *answer) {
    int code = check_key();
    if (code != CLI_DONE) {
        return code;
    }
    code = cli_server_open("check", CLI_NEED_TOKEN);
    if (code != CLI_DONE) {
        put_told("configuration", "check: ");
        return code;
    }
    put_step(CHECK_OK, "configuration", "complete", NULL);
    note_host();

    code = check_clock();
    if (code == CLI_DONE) {
        code = check_discovery();
    }
    if (code == CLI_DONE) {
        code = check_token();
    }
    return code != CLI_DONE || cli_server.fhir == NULL ? code : check_metadata(answer);
}

static int run(const cli_operands *operands) {
    (void)operands;
    char *answer = cli_answer_memory("check");
    if (answer == NULL) {
        return CLI_LOCAL;
    }
    cli_output(&check.out);
    sbs_json_writer_init(&check.json, &check.out);
    if (as_json) {
        sbs_json_begin_array(&check.json);
    }
    int code = run_steps(answer);
    if (as_json) {
        sbs_json_end_array(&check.json);
        sbs_put_char(&check.out, '\n');
    }
    cli_server_close();
    free(answer);

    int written = cli_signal() == 0 ? cli_output_flush() : CLI_DONE; /* a listing is told whatever it says */
    return code != CLI_DONE ? code : written;
}

const cli_command cli_check = {
    .name = "check",
    .summary = "Tries each step from the configuration to the permission to write",
    .about =
        "Nothing is written to the server. Each step gives a line: OK, WARN or FAIL, what was found, and what to\n"
        "do. It ends at the first FAIL, whose exit status is the command's. It takes the options of push and\n"
        "queue push, so that 'check' can be tried with theirs: --write-mode is checked, the queue is not touched.\n",
    .tables = {&own_table, &cli_server_table, &cli_kid_table, &cli_no_kid_table,
#ifdef SBS_CLI_QUEUE
               &cli_queue_optional_table, &cli_queue_limits_table,
#endif
               &cli_push_table, &cli_connection_table},
    .example = "sbs check --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device "
               "--scope 'system/Observation.cu'",
    .run = run,
};
