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

/* Calls @p each for every dead letter, a page at a time; @p each NULL: prints the pages as they are. */
static int dead_walk(const cli_call *call, int (*each)(const cli_call *call, const sbs_json *doc, sbs_json_node letter),
                     uint64_t *out_count) {
    uint64_t after = 0;
    bool more = true;
    int code = CLI_DONE;
    *out_count = 0;

    while (code == CLI_DONE && more) {
        sbs_forward_buffer body = {0};
        sbs_forward_json json = {0};
        char path[PATH_SIZE];
        unsigned status = 0;
        (void)snprintf(path, sizeof path, "/dead?after=%llu", (unsigned long long)after);
        more = false;

        code = cli_ask(call, "GET", path, &status, &body);
        if (code == CLI_DONE && sbs_forward_json_parse(&json, sbs_forward_buffer_text(&body), NULL) == SBS_OK) {
            for (sbs_json_node letter = sbs_json_first(&json.doc, 0); letter != SBS_JSON_NONE && code == CLI_DONE;
                 letter = sbs_json_next(&json.doc, letter)) {
                after = view_uint(&json.doc, letter, "id");
                more = true;
                (*out_count)++;
                code = each(call, &json.doc, letter);
            }
        }
        sbs_forward_json_free(&json);
        sbs_forward_buffer_free(&body);
    }

    return code;
}

static int dead_list_one(const cli_call *call, const sbs_json *doc, sbs_json_node letter) {
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
    uint64_t count;
    int code = dead_walk(call, dead_list_one, &count);
    if (code == CLI_DONE && count == 0 && !call->json) {
        cli_note("no dead letters: the server refused nothing that is not settled");
    }
    return code == CLI_DONE ? cli_flush() : code;
}

/* ---- one -------------------------------------------------------------------------------------------------------- */

int cli_dead_show(const cli_call *call) {
    sbs_forward_buffer body = {0};
    sbs_forward_json json = {0};
    char path[PATH_SIZE], words[WORDS_SIZE];
    unsigned status = 0;
    int code = dead_path(call, "", path);
    if (code == CLI_DONE && call->json) {
        return cli_ask_and_print(call, "GET", path);
    }
    if (code == CLI_DONE) {
        code = cli_ask(call, "GET", path, &status, &body);
    }
    if (code == CLI_DONE &&
        (status != 200 || sbs_forward_json_parse(&json, sbs_forward_buffer_text(&body), NULL) != SBS_OK)) {
        sbs_text line = cli_line_of(&body);
        code = cli_fail(CLI_REFUSED, "%.*s", (int)line.len, line.ptr);
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

static int dead_retry_one(const cli_call *call, const sbs_json *doc, sbs_json_node letter) {
    sbs_forward_buffer body = {0};
    char path[PATH_SIZE];
    unsigned status = 0;
    (void)snprintf(path, sizeof path, "/dead/%llu/retry", (unsigned long long)view_uint(doc, letter, "id"));
    int code = cli_ask(call, "POST", path, &status, &body);
    sbs_forward_buffer_free(&body);
    return code;
}

int cli_dead_retry(const cli_call *call) {
    char path[PATH_SIZE];
    uint64_t count;
    if (call->all) {
        int code = dead_walk(call, dead_retry_one, &count);
        if (code == CLI_DONE) {
            (void)printf("%llu are sent again.\n", (unsigned long long)count);
            code = cli_flush();
        }
        return code;
    }

    int code = dead_path(call, "/retry", path);
    return code == CLI_DONE ? cli_ask_and_print(call, "POST", path) : code;
}

int cli_dead_discard(const cli_call *call) {
    char path[PATH_SIZE];
    int code = dead_path(call, "/discard", path);
    return code == CLI_DONE ? cli_ask_and_print(call, "POST", path) : code;
}
