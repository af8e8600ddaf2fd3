/* SPDX-License-Identifier: Apache-2.0 */
#include "check_report.h"

#include <stdio.h>
#include <string.h>

#include "io.h"
#include "message.h"
#include "signals.h"

static struct {
    sbs_writer out;
    sbs_json_writer json;
    bool as_json;
} report;

void cli_check_begin(bool as_json) {
    report.as_json = as_json;
    cli_output(&report.out);
    sbs_json_writer_init(&report.json, &report.out);

    if (as_json) {
        sbs_json_begin_array(&report.json);
    }
}

int cli_check_end(void) {
    if (report.as_json) {
        sbs_json_end_array(&report.json);
        sbs_put_char(&report.out, '\n');
    }

    if (cli_signal() != 0) {
        return CLI_DONE;
    }
    return cli_output_flush();
}

static void report_row(void *ctx, const sbs_forward_finding *finding) {
    (void)ctx;
    finding->text[cli_sanitise(finding->text, strlen(finding->text))] = '\0';

    if (report.as_json) {
        sbs_forward_check_put_json(&report.json, finding);
    } else {
        sbs_forward_check_put_line(&report.out, finding);
    }
}

const sbs_forward_check cli_check_rows = {
    .tell = report_row,
    .fhir = "--fhir",
    .scope = "--scope",
    .token_url = "--token-url",
    .write_mode = "--write-mode",
};

void cli_check_put(sbs_forward_verdict verdict, sbs_forward_step step, const char *text, const char *advice) {
    sbs_forward_check_tell(&cli_check_rows, verdict, step, advice, "%s", text);
}

/* Messages read "what failed: why, what to do": the advice is what follows the last comma. */
void cli_check_put_told(sbs_forward_step step, const char *prefix) {
    char text[CLI_REASON_SIZE];
    const char *told = cli_last_failure();

    size_t len = strlen(prefix);
    if (strncmp(told, prefix, len) == 0) {
        told += len;
    }

    (void)snprintf(text, sizeof text, "%s", told);

    char *advice = NULL;
    for (char *at = strstr(text, ", "); at != NULL; at = strstr(at + 1, ", ")) {
        advice = at;
    }

    if (advice != NULL) {
        *advice = '\0';
        advice += strlen(", ");
    }

    cli_check_put(SBS_FORWARD_FAIL, step, text, advice);
}
