/* SPDX-License-Identifier: Apache-2.0 */
/* Each step from the configuration to the permission to write, as far as it goes without writing anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_report.h"
#include "check_writing.h"
#include "commands.h"
#include "proxy.h"
#include "push_run.h"
#include "sbs/alg.h"
#include "sbs/linux_clock.h"
#include "server.h"

#ifdef SBS_CLI_QUEUE
#include "queue_file.h"
#endif

#define CLOCK_GOOD_S 5 /* no server minds a difference of so little */

static bool as_json;

static const cli_option option_table[] = {
    {"json", NULL, "print a JSON array of the steps", &as_json, .type = CLI_FLAG},
    {"follow", NULL, "accepted, as all options of push, so that its line can be checked; changes nothing here",
     &cli_push_with.follow, .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* What has been found so far. */
static struct {
    bool connected;  /* the steps of the connection were reported */
    bool dated;      /* the clock was compared */
    bool plain_http; /* no TLS, for tests */
    char host[SBS_HOST_SIZE];
} check;

/* ---- requests, and what they tell of the connection ------------------------------------------------------------ */

static const char *const connection_steps[] = {"DNS", "TCP", "TLS"};
enum { STEP_DNS, STEP_TCP, STEP_TLS, STEP_ANSWER };

/* A proxy resolves the name and connects: that is one step, then. */
static const char *step_name(unsigned step) {
    if (step <= STEP_TCP && cli_proxy_of(cli_server.fhir) != NULL) {
        return "proxy";
    }
    return connection_steps[step];
}

static void put_connection_step(unsigned step) {
    const char *proxy = cli_proxy_of(cli_server.fhir);
    if (step == STEP_TLS && check.plain_http) {
        cli_check_put(CLI_CHECK_WARN, connection_steps[step], "none, plain http", "use it for tests only");
    } else if (proxy == NULL || step == STEP_TLS) {
        cli_check_put(CLI_CHECK_OK, connection_steps[step], check.host, NULL);
    } else if (step == STEP_TCP) {
        cli_check_put(CLI_CHECK_OK, step_name(step), proxy, NULL);
    }
}

/* How far a request came that failed. */
static unsigned step_reached(sbs_status status, const sbs_detail *detail) {
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

/* Reports the steps of the connection up to @p end as good, of the first server alone. */
static void put_connected(unsigned end) {
    for (unsigned i = 0; i < end && !check.connected; i++) {
        put_connection_step(i);
    }

    if (end == STEP_ANSWER) {
        check.connected = true;
    }
}

/* An authenticated Date tells how right this machine's clock is. */
static void put_clock(void) {
    int64_t date = cli_server_response().date_utc_s;
    if (check.dated || date == SBS_UTC_UNKNOWN) {
        return;
    }

    check.dated = true;

    int64_t ahead = sbs_linux_now().utc_s - date;
    const char *advice = "set this machine's clock";
    if (ahead > CLOCK_GOOD_S) {
        cli_check_put_words(CLI_CHECK_WARN, "clock", advice, "%lld s ahead of the server's", (long long)ahead);
    } else if (ahead < -CLOCK_GOOD_S) {
        cli_check_put_words(CLI_CHECK_WARN, "clock", advice, "%lld s behind the server's", -(long long)ahead);
    } else {
        cli_check_put(CLI_CHECK_OK, "clock", "agrees with the server's", NULL);
    }
}

/* Every answer tells of connection and clock first. */
static void put_answered(void) {
    put_connected(STEP_ANSWER);
    put_clock();
}

/* Reports where a request failed. Returns its exit status. */
static int put_failure(const char *step, sbs_status status) {
    const sbs_detail *detail = cli_server_detail();
    unsigned end = step_reached(status, detail);
    char reason[CLI_REASON_SIZE];

    /* What was reached before the failure is good. */
    put_connected(end);
    if (end != STEP_ANSWER) {
        step = step_name(end);
    }

    cli_reason(status, detail, reason, sizeof reason);
    cli_check_put(CLI_CHECK_FAIL, step, reason, cli_advice(status, detail));
    return cli_exit_of(status, detail);
}

/* ---- the steps ------------------------------------------------------------------------------------------------ */

static void put_key(cli_key *key) {
    const char *alg = sbs_alg_info_of(key->public_key.alg)->name;

    /* The seed's profile has no kid in its header. */
    bool wants_kid = cli_kid_method() != SBS_KID_NONE && cli_server.profile != 2;

    if (wants_kid && cli_key_kid(key) == CLI_DONE && key->kid_len > 0) {
        cli_check_put_words(CLI_CHECK_OK, "key", NULL, "%s, %zu bits, kid %.*s", alg, key->public_key.bits,
                            (int)key->kid_len, key->kid);
    } else {
        cli_check_put_words(CLI_CHECK_OK, "key", NULL, "%s, %zu bits", alg, key->public_key.bits);
    }
}

static int check_key(void) {
    cli_key key = {0};

    if (strcmp(cli_server.key, "-") == 0) {
        return CLI_DONE; /* standard input can be read once, and the client needs it */
    }

    int code = cli_key_load(cli_server.key, false, &key);
    if (code == CLI_DONE) {
        put_key(&key);
    } else {
        cli_check_put_told("key", "key ");
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
    cli_check_put(CLI_CHECK_FAIL, "clock", reason, cli_advice(SBS_ERR_NO_TIME, &detail));
    return cli_exit_of(SBS_ERR_NO_TIME, &detail);
}

static int check_discovery(void) {
    sbs_request request = {.interaction = SBS_DISCOVER, .max_attempts = 1};

    if (cli_server.token_url != NULL) {
        cli_check_put(CLI_CHECK_OK, "discovery", "not needed, --token-url is given", NULL);
        return CLI_DONE;
    }

    sbs_status status = cli_server_run(&request);
    if (status != SBS_OK) {
        return put_failure("discovery", status);
    }

    put_answered();
    /* The URL is the one that the token request will go to. */
    sbs_text url = sbs_client_token_url(cli_server_client());
    cli_check_put_words(CLI_CHECK_OK, "discovery", NULL, "token endpoint %.*s", (int)url.len, url.ptr);
    return CLI_DONE;
}

/* A scope of SMART's form may be covered by a wider one; any other is granted as it stands or not at all. */
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
            cli_check_put_words(CLI_CHECK_WARN, "scope", "have it granted", "%.*s is not granted", (int)token.len,
                                token.ptr);
        }
    }

    if (all) {
        cli_check_put_words(CLI_CHECK_OK, "scope", NULL, "%.*s", (int)granted.len, granted.ptr);
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

    put_answered();
    cli_check_put_words(CLI_CHECK_OK, "token", NULL, "valid for %u s", (unsigned)token.expires_in_s);
    check_scope(token.scope);
    return CLI_DONE;
}

static bool is_refusal(sbs_status status) {
    return status == SBS_ERR_UNAUTHORIZED || status == SBS_ERR_FORBIDDEN;
}

static int check_metadata(char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of("metadata"),
        .response_size = SBS_FORWARD_STATEMENT_MAX,
        .without_token = true,
        .max_attempts = 1,
    };

    request.response = answer;

    sbs_status status = cli_server_run(&request);
    if (is_refusal(status)) {
        request.without_token = false; /* the standard says that it is public; not every server agrees */
        status = cli_server_run(&request);
    }

    /* Push works without a statement, but cannot choose as well. */
    if (is_refusal(status)) {
        return cli_check_unstated();
    }

    sbs_text body = {answer, cli_server_response().body_len};
    if (sbs_forward_is_useless(cli_server_forward(), status)) {
        put_answered();
        cli_check_useless(status, body);
        return cli_exit_of(status, cli_server_detail());
    }
    if (status != SBS_OK) {
        return put_failure("metadata", status);
    }

    put_answered();
    return cli_check_statement(body);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

/* The first server that is asked: that of discovery, or without --fhir the token endpoint's. */
static void note_host(void) {
    sbs_url url;
    const char *text = cli_server.fhir;

    if (text == NULL) {
        text = cli_server.token_url;
    }

    if (sbs_url_parse(sbs_text_of(text), &url) == SBS_OK) {
        (void)snprintf(check.host, sizeof check.host, "%.*s", (int)url.host.len, url.host.ptr);
        check.plain_http = !url.https;
    }
}

static int check_steps(char *answer) {
    int code = check_key();
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_server_open("check", CLI_NEED_TOKEN);
    if (code != CLI_DONE) {
        cli_check_put_told("configuration", "check: ");
        return code;
    }

    cli_check_put(CLI_CHECK_OK, "configuration", "complete", NULL);
    /* From here on the steps talk to a server. */
    note_host();

    code = check_clock();
    if (code == CLI_DONE) {
        code = check_discovery();
    }
    if (code == CLI_DONE) {
        code = check_token();
    }
    if (code == CLI_DONE && cli_server.fhir != NULL) {
        code = check_metadata(answer);
    }

    return code;
}

static int check_run(const cli_operands *operands) {
    (void)operands;
    char *answer = cli_answer_memory("check", SBS_FORWARD_STATEMENT_MAX);
    if (answer == NULL) {
        return CLI_LOCAL;
    }

    cli_check_begin(as_json);
    int code = check_steps(answer);
    cli_server_close();
    free(answer);

    int written = cli_check_end(); /* the listing is shown whatever the steps said */
    if (code != CLI_DONE) {
        return code;
    }

    return written;
}

const cli_command cli_check = {
    .name = "check",
    .summary = "Tries each step from the configuration to the permission to write",
    .about =
        "Nothing is written to the server. Each step gives a line: OK, WARN or FAIL, what was found, and what to\n"
        "do. It ends at the first FAIL, whose exit status is the command's. It takes the options of push and\n"
        "queue push, so that 'check' can be tried with theirs: --write-mode is checked, the queue is not touched.\n"
        "A CapabilityStatement may have 4 MB.\n",
    .tables = {&own_table, &cli_server_table, &cli_kid_table, &cli_no_kid_table,
#ifdef SBS_CLI_QUEUE
               &cli_queue_optional_table, &cli_queue_limits_table, &cli_drain_table,
#endif
               &cli_push_table, &cli_connection_table},
    .example = "sbs check --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device "
               "--scope 'system/Observation.cu'",
    .run = check_run,
};
