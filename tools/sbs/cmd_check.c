/* SPDX-License-Identifier: Apache-2.0 */
/* Each step from the configuration to the permission to write, as far as it goes without writing anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_report.h"
#include "check_writing.h"
#include "commands.h"
#include "message.h"
#include "push_run.h"
#include "sbs/alg.h"
#include "sbs/linux_clock.h"
#include "server.h"

#ifdef SBS_CLI_QUEUE
#include "queue_file.h"
#endif

static bool as_json;

static const cli_option option_table[] = {
    {"json", NULL, "print a JSON array of the steps", &as_json, .type = CLI_FLAG},
    {"follow", NULL, "accepted, as all options of push, so that its line can be checked; changes nothing here",
     &cli_push_with.follow, .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* What has been found so far. */
static struct {
    bool connected; /* the steps of the connection were reported, of the first server */
    bool dated;     /* the clock was compared */
} check;

/* ---- requests, and what they tell of the connection ------------------------------------------------------------ */

/* An authenticated Date tells how right this machine's clock is. */
static void put_clock(void) {
    int64_t date = cli_server_response().date_utc_s;
    if (check.dated || date == SBS_UTC_UNKNOWN) {
        return;
    }

    check.dated = true;
    sbs_forward_check_clock(&cli_check_rows, sbs_linux_now(), date);
}

/* Reports the steps of the connection before @p end as good. */
static void put_connected(sbs_forward_step end) {
    if (!check.connected) {
        sbs_forward_check_connection(&cli_check_rows, cli_server_forward(), end);
    }
    check.connected |= end == SBS_FORWARD_STEP_COUNT;
}

/* Every answer tells of connection and clock first. */
static void put_answered(void) {
    put_connected(SBS_FORWARD_STEP_COUNT);
    put_clock();
}

/* Reports where a request failed. Returns its exit status. */
static int put_failure(sbs_forward_step step, sbs_status status) {
    const sbs_detail *detail = cli_server_detail();
    sbs_forward_step end = sbs_forward_check_reached(cli_server_forward(), status, detail);
    char reason[CLI_REASON_SIZE];

    /* What was reached before the failure is good. */
    put_connected(end);
    if (end != SBS_FORWARD_STEP_COUNT) {
        step = end;
    }

    cli_reason(status, detail, reason, sizeof reason);
    cli_check_put(SBS_FORWARD_FAIL, step, reason, cli_advice(status, detail));
    return cli_exit_of(status, detail);
}

/* ---- the steps ------------------------------------------------------------------------------------------------ */

static void put_key(cli_key *key) {
    const char *alg = sbs_alg_info_of(key->public_key.alg)->name;

    /* The seed's profile has no kid in its header. */
    bool wants_kid = cli_kid_method() != SBS_KID_NONE && cli_server.profile != 2;

    if (wants_kid && cli_key_kid(key) == CLI_DONE && key->kid_len > 0) {
        sbs_forward_check_tell(&cli_check_rows, SBS_FORWARD_OK, SBS_FORWARD_STEP_KEY, NULL, "%s, %zu bits, kid %.*s",
                               alg, key->public_key.bits, (int)key->kid_len, key->kid);
    } else {
        sbs_forward_check_tell(&cli_check_rows, SBS_FORWARD_OK, SBS_FORWARD_STEP_KEY, NULL, "%s, %zu bits", alg,
                               key->public_key.bits);
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
        cli_check_put_told(SBS_FORWARD_STEP_KEY, "key ");
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
    cli_check_put(SBS_FORWARD_FAIL, SBS_FORWARD_STEP_CLOCK, reason, cli_advice(SBS_ERR_NO_TIME, &detail));
    return cli_exit_of(SBS_ERR_NO_TIME, &detail);
}

static int check_discovery(void) {
    sbs_request request = {.interaction = SBS_DISCOVER, .max_attempts = 1};

    if (cli_server.token_url != NULL) {
        sbs_forward_check_discovery(&cli_check_rows, cli_server_forward());
        return CLI_DONE;
    }

    sbs_status status = cli_server_run(&request);
    if (status != SBS_OK) {
        return put_failure(SBS_FORWARD_STEP_DISCOVERY, status);
    }

    put_answered();
    sbs_forward_check_discovery(&cli_check_rows, cli_server_forward());
    return CLI_DONE;
}

static int check_token(void) {
    sbs_request request = {.interaction = SBS_TOKEN, .max_attempts = 1};
    sbs_token_view token;

    sbs_status status = cli_server_run(&request);
    if (status == SBS_OK) {
        status = cli_server_token(&token);
    }
    if (status != SBS_OK) {
        return put_failure(SBS_FORWARD_STEP_TOKEN, status);
    }

    put_answered();
    sbs_forward_check_token(&cli_check_rows, cli_server_forward(), &token);
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
        return put_failure(SBS_FORWARD_STEP_METADATA, status);
    }

    put_answered();
    return cli_check_statement(body);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static int check_steps(char *answer) {
    int code = check_key();
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_server_open("check", CLI_NEED_TOKEN);
    if (code != CLI_DONE) {
        cli_check_put_told(SBS_FORWARD_STEP_CONFIGURATION, "check: ");
        return code;
    }

    cli_check_put(SBS_FORWARD_OK, SBS_FORWARD_STEP_CONFIGURATION, "complete", NULL);

    /* From here on the steps talk to a server. */
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
