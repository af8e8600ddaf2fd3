/* SPDX-License-Identifier: Apache-2.0 */
/* sbs-gateway dead list, show, retry, discard */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json_view.h"

#define WORDS_SIZE 1100u
#define PATH_SIZE 96u

static int dead_path(const cli_call *call, const char *after, char path[PATH_SIZE]) {
    uint64_t id;
    if (sbs_text_to_uint(sbs_text_of(call->operands[0]), &id) != SBS_OK || id == 0) {
        return cli_fail(CLI_USAGE, "dead: '%s' is no number of a dead letter, 'sbs-gateway dead list' has them",
                        call->operands[0]);
    }
    (void)snprintf(path, PATH_SIZE, "/dead/%llu%s", (unsigned long long)id, after);
    return CLI_DONE;
}

/* ---- list ------------------------------------------------------------------------------------------------------- */

static void dead_print(const sbs_json *doc, sbs_json_node letter) {
    char device[WORDS_SIZE], type[WORDS_SIZE], reason[WORDS_SIZE], since[WORDS_SIZE];
    uint64_t http = view_uint(doc, letter, "httpStatus");
    char status[40] = "";
    if (http != 0) {
        (void)snprintf(status, sizeof status, " (HTTP %llu)", (unsigned long long)http);
    }

    (void)printf("%llu\t%s\t%s\t%s\t%s%s\n", (unsigned long long)view_uint(doc, letter, "id"),
                 view_text(doc, letter, "device", device, sizeof device),
                 view_text(doc, letter, "type", type, sizeof type), view_text(doc, letter, "dead", since, sizeof since),
                 view_text(doc, letter, "reason", reason, sizeof reason), status);
}

/* How many were looked at, and of how many the gateway did what was asked. */
typedef struct dead_tally {
    uint64_t found, done;
} dead_tally;

typedef int dead_each(const cli_call *call, const sbs_json *doc, sbs_json_node letter, dead_tally *tally);

/* Calls @p each for those of one answer that are asked for. @p after: the last one, for the next question. */
static int dead_take(const cli_call *call, const sbs_json *doc, dead_each *each, uint64_t *after, dead_tally *tally) {
    int code = CLI_DONE;
    for (sbs_json_node letter = sbs_json_first(doc, 0); letter != SBS_JSON_NONE && code == CLI_DONE;
         letter = sbs_json_next(doc, letter)) {
        char device[WORDS_SIZE];
        *after = view_uint(doc, letter, "id");
        (void)view_text(doc, letter, "device", device, sizeof device);
        if (call->device == NULL || strcmp(call->device, device) == 0) {
            tally->found++;
            code = each(call, doc, letter, tally);
        }
    }
    return code;
}

/* Calls @p each for every dead letter that is asked for, an answer of the gateway at a time. */
static int dead_walk(const cli_call *call, dead_each *each, dead_tally *tally) {
    uint64_t after = 0;
    uint64_t before = UINT64_MAX;
    int code = CLI_DONE;
    *tally = (dead_tally){0};

    while (code == CLI_DONE && after != before) {
        sbs_forward_buffer body = {0};
        sbs_forward_json json = {0};
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof path, "/dead?after=%llu", (unsigned long long)after);
        before = after;

        code = cli_ask_json(call, path, &body, &json);
        if (code == CLI_DONE) {
            code = dead_take(call, &json.doc, each, &after, tally);
        }
        sbs_forward_json_free(&json);
        sbs_forward_buffer_free(&body);
    }

    return code;
}

/* What is said where there was none, of all or of the device that was named. */
static void dead_note_none(const cli_call *call, const char *what) {
    if (call->device != NULL) {
        cli_note("no dead letters of the device %s: %s", call->device, what);
    } else {
        cli_note("no dead letters: %s", what);
    }
}

static int dead_list_one(const cli_call *call, const sbs_json *doc, sbs_json_node letter, dead_tally *tally) {
    (void)tally;
    if (call->json) {
        sbs_text raw = sbs_json_raw(doc, letter);
        cli_put(raw.ptr, raw.len);
        cli_put("\n", 1);
    } else {
        dead_print(doc, letter);
    }
    return CLI_DONE;
}

int cli_dead_list(const cli_call *call) {
    dead_tally tally;
    int code = dead_walk(call, dead_list_one, &tally);
    if (code == CLI_DONE && tally.found == 0 && !call->json) {
        dead_note_none(call, "the server refused nothing that is not settled");
    }
    return code == CLI_DONE ? cli_flush() : code;
}

/* ---- one -------------------------------------------------------------------------------------------------------- */

int cli_dead_show(const cli_call *call) {
    sbs_forward_buffer body = {0};
    sbs_forward_json json = {0};
    char path[PATH_SIZE], words[WORDS_SIZE];
    int code = dead_path(call, "", path);
    if (code == CLI_DONE && call->json) {
        return cli_ask_and_print(call, "GET", path);
    }
    if (code == CLI_DONE) {
        code = cli_ask_json(call, path, &body, &json);
    }

    if (code == CLI_DONE) {
        sbs_json_node content;
        dead_print(&json.doc, 0);
        (void)printf("the server says: %s\n", view_text(&json.doc, 0, "words", words, sizeof words));
        if (sbs_json_member(&json.doc, 0, "content", &content) == SBS_OK) {
            sbs_text text;
            if (sbs_json_text_in_place(&json.doc, content, body.data, &text) == SBS_OK) {
                cli_put(text.ptr, text.len);
                cli_put("\n", 1);
            }
        }
        code = cli_flush();
    }

    sbs_forward_json_free(&json);
    sbs_forward_buffer_free(&body);
    return code;
}

/* ---- some ------------------------------------------------------------------------------------------------------- */

/* One that was settled while the list was gone through is no failure. */
static int dead_retry_one(const cli_call *call, const sbs_json *doc, sbs_json_node letter, dead_tally *tally) {
    sbs_forward_buffer body = {0};
    char path[PATH_SIZE];
    unsigned status = 0;
    (void)snprintf(path, sizeof path, "/dead/%llu/retry", (unsigned long long)view_uint(doc, letter, "id"));

    int code = cli_ask(call, "POST", path, &status, &body);
    if (code == CLI_DONE && status < 300) {
        tally->done++;
    } else if (code == CLI_DONE && status != 404) {
        code = cli_refuse(status, &body);
    }
    sbs_forward_buffer_free(&body);
    return code;
}

static int dead_retry_some(const cli_call *call) {
    dead_tally tally;
    int code = dead_walk(call, dead_retry_one, &tally);
    if (tally.done == 1) {
        (void)printf("1 is sent again.\n");
    } else if (tally.done > 0) {
        (void)printf("%llu are sent again.\n", (unsigned long long)tally.done);
    } else if (code == CLI_DONE) {
        dead_note_none(call, "there is nothing to send again");
    }

    int written = cli_flush(); /* what was done is told, whatever came behind it */
    return code == CLI_DONE ? written : code;
}

int cli_dead_retry(const cli_call *call) {
    char path[PATH_SIZE];
    size_t ways = call->count + (call->device != NULL) + call->all;
    if (ways != 1) {
        return cli_fail(CLI_USAGE, "dead retry: give one of ID, --device NAME and --all");
    }
    if (call->count == 0) {
        return dead_retry_some(call);
    }

    int code = dead_path(call, "/retry", path);
    return code == CLI_DONE ? cli_ask_and_print(call, "POST", path) : code;
}

int cli_dead_discard(const cli_call *call) {
    char path[PATH_SIZE];
    int code = dead_path(call, "/discard", path);
    return code == CLI_DONE ? cli_ask_and_print(call, "POST", path) : code;
}
