/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "items.h"
#include "message.h"
#include "resource.h"
#include "sbs/identity.h"
#include "server.h"
#include "write_mode.h"

#ifdef SBS_CLI_QUEUE
#include "queue_add.h"
#include "queue_file.h"
#include "queue_push.h"
#endif

#define ITEM_MAX (16u << 20)
#define BUSY_MAX 3u /* so many items in a row that the server puts off end the run */

static int write_mode;

static const cli_option option_table[] = {
    {"write-mode", CLI_WRITE_MODES, "default auto: by what the server states", &write_mode, .type = CLI_CHOICE},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* One run over all files. */
typedef struct push_run {
    char *answer;    /* the server's answers */
    char *statement; /* its CapabilityStatement */
    int code;        /* exit status of the first failure */
    size_t count, failed;
    unsigned busy;
    bool stopped;
} push_run;

/* What became of one item. */
typedef struct item_fate {
    const char *what;
    char reason[SBS_DETAIL_TEXT_SIZE + 256];
    char id[SBS_FHIR_ID_MAX + 1];
} item_fate;

/* ---- the listing ---------------------------------------------------------------------------------------------- */

static int list(const cli_resource *resource, const char *path, size_t line, const item_fate *fate) {
    sbs_writer out;
    cli_output(&out);
    cli_resource_put_name(resource, path, line, &out);
    sbs_put_char(&out, '\t');
    sbs_put_string(&out, fate->what);
    if (fate->reason[0] != '\0') {
        sbs_put_string(&out, ": ");
        cli_put_clean(&out, sbs_text_of(fate->reason));
    }
    if (fate->id[0] != '\0') {
        sbs_put_char(&out, '\t');
        sbs_put_string(&out, resource->type);
        sbs_put_char(&out, '/');
        sbs_put_string(&out, fate->id);
    }
    sbs_put_char(&out, '\n');
    return cli_output_flush();
}

/* ---- one item ------------------------------------------------------------------------------------------------- */

static void fail_item(push_run *run, item_fate *fate, const char *what, const char *reason, int code) {
    fate->what = what;
    if (fate->reason != reason) {
        (void)snprintf(fate->reason, sizeof fate->reason, "%s", reason);
    }
    run->failed++;
    run->code = run->code == CLI_DONE ? code : run->code;
}

/* The id in the answer's body, if the body is the resource. */
static void read_answered_id(const char *answer, size_t len, const char *type, item_fate *fate) {
    cli_resource resource = {0};
    if (len > 0 && cli_resource_read(&resource, (sbs_text){answer, len}) == NULL && strcmp(resource.type, type) == 0) {
        memcpy(fate->id, resource.id, sizeof fate->id);
    }
    cli_resource_free(&resource);
}

static void note_stored(push_run *run, const sbs_request *request, const cli_resource *resource, item_fate *fate) {
    sbs_response response = cli_server_response();
    bool create = request->interaction == SBS_CREATE;
    bool may_exist = !create || request->if_none_exist.ptr != NULL;
    run->busy = 0;
    fate->what = response.http_status == 200 && may_exist ? "already there" : "created";
    if (create) {
        (void)snprintf(fate->id, sizeof fate->id, "%s", response.id);
    }
    if (fate->id[0] == '\0') {
        read_answered_id(run->answer, response.body_len, resource->type, fate);
    }
}

static void note_failure(push_run *run, sbs_status status, item_fate *fate) {
    const sbs_detail *detail = cli_server_detail();
    bool item_at_fault = sbs_status_group(status) == SBS_CLASS_ITEM;
    bool put_off = status == SBS_ERR_BUSY || status == SBS_ERR_CONFLICT;
    run->busy = put_off ? run->busy + 1 : 0;
    cli_reason(status, detail, fate->reason, sizeof fate->reason);
    fail_item(run, fate, item_at_fault ? "refused" : "kept", fate->reason, cli_exit_of(status, detail));
    if ((!item_at_fault && !put_off) || run->busy >= BUSY_MAX) {
        run->stopped = true;
        (void)cli_fail_request("push", status, detail);
    }
}

static void send(push_run *run, const cli_resource *resource, const sbs_request *request, item_fate *fate) {
    sbs_status status = cli_server_run(request);
    unsigned http_status = cli_server_response().http_status;
    bool too_long = status == SBS_ERR_BUFFER && http_status >= 200 && http_status <= 299; /* stored, the echo dropped */
    if (status == SBS_OK || too_long) {
        note_stored(run, request, resource, fate);
    } else {
        note_failure(run, status, fate);
    }
}

static void send_put(push_run *run, const cli_resource *resource, item_fate *fate) {
    char target[2 * SBS_FHIR_ID_MAX + 2];
    cli_buffer body = {0};
    sbs_writer writer;
    if (resource->id[0] != '\0') {
        memcpy(fate->id, resource->id, sizeof fate->id);
    } else if (sbs_identity_derive_id(cli_buffer_text(&resource->system), cli_buffer_text(&resource->value),
                                      (sbs_text){NULL, 0}, fate->id) != SBS_OK) {
        fail_item(run, fate, "refused", "no id and no identifier to derive one from", CLI_INPUT);
        return;
    }
    (void)snprintf(target, sizeof target, "%s/%s", resource->type, fate->id);
    sbs_writer_init_sink(&writer, cli_buffer_put, &body);
    cli_resource_put(resource, fate->id, &writer);
    if (sbs_writer_finish(&writer, NULL) == SBS_OK) {
        const sbs_request request = {
            .interaction = SBS_UPDATE, .target = sbs_text_of(target), .body = cli_buffer_text(&body)};
        send(run, resource, &request, fate);
    } else {
        fail_item(run, fate, "kept", "out of memory", CLI_LOCAL);
    }
    cli_buffer_free(&body);
}

static void send_post(push_run *run, const cli_resource *resource, bool conditional, item_fate *fate) {
    cli_buffer body = {0};
    cli_buffer search = {0};
    sbs_writer writer, text;
    sbs_writer_init_sink(&writer, cli_buffer_put, &search);
    sbs_writer_init_sink(&text, cli_buffer_put, &body);
    if (conditional && resource->value.len == 0) {
        fail_item(run, fate, "refused", "no identifier to look for", CLI_INPUT);
        return;
    }
    if (conditional) {
        sbs_identity_put_search(&writer, cli_buffer_text(&resource->system), cli_buffer_text(&resource->value));
    }
    cli_resource_put(resource, NULL, &text);
    if (sbs_writer_finish(&writer, NULL) == SBS_OK && sbs_writer_finish(&text, NULL) == SBS_OK) {
        const sbs_request request = {
            .interaction = SBS_CREATE,
            .target = sbs_text_of(resource->type),
            .body = cli_buffer_text(&body),
            .if_none_exist = {search.data, search.len},
            .response = run->answer,
            .response_size = CLI_ANSWER_MAX,
        };
        send(run, resource, &request, fate);
    } else {
        fail_item(run, fate, "kept", "out of memory", CLI_LOCAL);
    }
    cli_buffer_free(&search);
    cli_buffer_free(&body);
}

static void send_item(push_run *run, const cli_resource *resource, item_fate *fate) {
    cli_write_mode mode = (cli_write_mode)write_mode;
    if (mode == CLI_WRITE_AUTO) {
        mode = cli_write_mode_for("push", resource->type);
    }
    if (mode == CLI_WRITE_PUT) {
        send_put(run, resource, fate);
    } else {
        send_post(run, resource, mode == CLI_WRITE_IF_NONE_EXIST, fate);
    }
    if (fate->reason[0] != '\0') {
        fate->id[0] = '\0'; /* the server holds nothing under it */
    }
}

static int push_item(void *ctx, sbs_text text, const char *path, size_t line) {
    push_run *run = ctx;
    cli_resource resource = {0};
    item_fate fate = {0};
    if (text.ptr == NULL) {
        return CLI_DONE;
    }
    const char *fault = text.len > ITEM_MAX ? "larger than 16 MiB" : cli_resource_read(&resource, text);
    run->count++;
    if (fault != NULL) {
        cli_items_reason(fault, text, line, resource.fault_at, fate.reason, sizeof fate.reason);
        fail_item(run, &fate, "refused", fate.reason, CLI_INPUT);
    } else if (run->stopped) {
        fail_item(run, &fate, "kept", "not tried", CLI_NETWORK);
    } else {
        send_item(run, &resource, &fate);
    }
    int code = list(&resource, path, line, &fate);
    cli_resource_free(&resource);
    if (isatty(STDOUT_FILENO) != 1) {
        cli_progress("pushed %zu, %zu of them not", run->count, run->failed);
    }
    return code;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static int push_all(push_run *run, const cli_operands *operands) {
    int code = CLI_DONE;
    if (write_mode == CLI_WRITE_AUTO) {
        bool answered;
        sbs_status status = cli_write_mode_ask(run->statement, 0, &answered);
        code = status == SBS_OK ? CLI_DONE : cli_write_mode_fail("push", status, answered);
    }
    if (code == CLI_DONE) {
        code = cli_items_read("push", operands, push_item, run, &run->code);
    }
    if (code == CLI_DONE && run->failed > 0) {
        (void)cli_fail(run->code,
                       "push: %zu of %zu resources are not known to be on the server, the lines on standard "
                       "output tell why",
                       run->failed, run->count);
    }
    return code != CLI_DONE ? code : run->code;
}

static int push_directly(const cli_operands *operands) {
    push_run state = {0};
    write_mode = write_mode == 0 ? CLI_WRITE_AUTO : write_mode;
    int code = cli_server_open("push", CLI_NEED_FHIR);
    if (code == CLI_DONE) {
        state.answer = cli_answer_memory("push");
        state.statement = cli_answer_memory("push");
        code = state.answer == NULL || state.statement == NULL ? CLI_LOCAL : push_all(&state, operands);
    }
    cli_write_mode_free();
    free(state.statement);
    free(state.answer);
    cli_server_close();
    return code;
}

#ifdef SBS_CLI_QUEUE
/* First all of them are safe, then they are pushed, behind what waits already. */
static int push_by_queue(const cli_operands *operands) {
    cli_queue_added added = {0};
    int code = cli_queue_open("push", CLI_QUEUE_MADE);
    if (code != CLI_DONE) {
        return code;
    }
    code = cli_queue_add_files("push", operands, false, &added);
    if (cli_signal() == 0) {
        int pushed = cli_queue_push_run("push", write_mode, &added);
        code = code != CLI_DONE ? code : pushed;
    }
    cli_queue_added_free(&added);
    cli_queue_close();
    return code;
}

static int run(const cli_operands *operands) {
    return cli_queue.file != NULL ? push_by_queue(operands) : push_directly(operands);
}
#else
static int run(const cli_operands *operands) {
    return push_directly(operands);
}
#endif

const cli_command cli_push = {
    .name = "push",
    .summary = "Writes resources to the FHIR server, each once, however often it is repeated",
    .about =
        "FILE holds one resource as JSON, or one in each line (NDJSON); '-' is standard input. Each resource gives\n"
        "one line: its identifier, what happened, and its place on the server, separated by tabs.\n"
        "put: PUT under its own id, or one derived from its identifier. if-none-exist: POST unless the server holds\n"
        "the identifier. plain: POST. auto: the first of these that the server states.\n"
#ifdef SBS_CLI_QUEUE
        "With --queue everything is stored durably first and pushed behind what waits there already; what is told as\n"
        "kept is in the queue, goes with the next push, and need not be given again.\n"
#endif
    ,
    .operands = "FILE...",
    .operand_min = 1,
    .operand_max = SIZE_MAX,
    .tables = {&cli_server_table, &cli_kid_table, &cli_no_kid_table, &own_table,
#ifdef SBS_CLI_QUEUE
               &cli_queue_optional_table, &cli_queue_limits_table, &cli_queue_push_table,
#endif
               &cli_connection_table},
    .example = "sbs push --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device \\\n"
               "      --scope 'system/Observation.cu' observation.json",
    .run = run,
};
