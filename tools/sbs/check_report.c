/* SPDX-License-Identifier: Apache-2.0 */
#include "check_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io.h"

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

static void report_put_json(const char *level, const char *step, const char *text, const char *advice) {
    sbs_json_begin_object(&report.json);
    sbs_json_member_text(&report.json, "step", sbs_text_of(step));
    sbs_json_member_text(&report.json, "result", sbs_text_of(level));
    sbs_json_member_text(&report.json, "text", sbs_text_of(text));
    sbs_json_member_text(&report.json, "advice", sbs_text_of(advice));
    sbs_json_end_object(&report.json);
}

static void report_put_line(const char *level, const char *step, const char *text, const char *advice) {
    sbs_put_string(&report.out, level);
    for (size_t width = strlen(level); width < strlen("WARN  "); width++) {
        sbs_put_char(&report.out, ' ');
    }

    sbs_put_string(&report.out, step);
    sbs_put_string(&report.out, ": ");
    sbs_put_string(&report.out, text);

    if (advice != NULL) {
        sbs_put_string(&report.out, ", ");
        sbs_put_string(&report.out, advice);
    }

    sbs_put_char(&report.out, '\n');
}

void cli_check_put(cli_check_level level, const char *step, const char *text, const char *advice) {
    static const char *const names[] = {"OK", "WARN", "FAIL"};
    char line[CLI_REASON_SIZE];

    /* The text may hold the words of a server. */
    (void)snprintf(line, sizeof line, "%s", text);
    line[cli_sanitise(line, strlen(line))] = '\0';

    if (report.as_json) {
        report_put_json(names[level], step, line, advice);
    } else {
        report_put_line(names[level], step, line, advice);
    }
}

void cli_check_put_words(cli_check_level level, const char *step, const char *advice, const char *format, ...) {
    char text[CLI_REASON_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    cli_check_put(level, step, text, advice);
}

/* Messages read "what failed: why, what to do": the advice is what follows the last comma. */
void cli_check_put_told(const char *step, const char *prefix) {
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

    cli_check_put(CLI_CHECK_FAIL, step, text, advice);
}
