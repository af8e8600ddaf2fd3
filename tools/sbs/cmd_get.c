/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "json_input.h"
#include "json_output.h"
#include "message.h"
#include "server.h"

static int get_check_path(const char *path) {
    size_t scheme = strcspn(path, ":/?#");
    if (path[0] == '\0' || path[0] == '/') {
        return cli_fail(CLI_USAGE, "get: '%s' is not a path below the base, give one such as Patient/123", path);
    }

    if (path[scheme] == ':') {
        return cli_fail(CLI_USAGE, "get: '%s' is an absolute URL, give the path below --fhir", path);
    }

    if (strchr(path, '#') != NULL) {
        return cli_fail(CLI_USAGE, "get: '%s' has a fragment, leave out '#' and what follows it", path);
    }

    if (!sbs_url_is_path_and_query(sbs_text_of(path))) {
        return cli_fail(CLI_USAGE,
                        "get: '%s' has characters that a URL does not allow, write them as %%XX ('|' is %%7C)", path);
    }

    return CLI_DONE;
}

/* The base URL without the slashes at its end. */
static sbs_text get_base_url(void) {
    sbs_text base = sbs_text_of(cli_server.fhir);
    while (base.len > 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    return base;
}

/* What was not found was perhaps looked for in the wrong place: the whole URL shows it. */
static int get_fail(const char *path, sbs_status status, const sbs_detail *detail) {
    bool missing = detail->http_status == 404 || detail->http_status == 410;
    if (detail->step != SBS_STEP_RESOURCE || !missing) {
        return cli_fail_request("get", status, detail);
    }

    cli_buffer advice = {0};
    sbs_writer out;
    sbs_writer_init_sink(&out, cli_buffer_put, &advice);
    sbs_put_string(&out, "check --fhir and the path: the request went to ");
    sbs_put_text(&out, get_base_url());
    sbs_put_char(&out, '/');
    sbs_put_string(&out, path);

    /* The message wants a C string. */
    sbs_put(&out, "", 1);

    const char *words = advice.data;
    if (words == NULL) { /* no memory */
        words = "check --fhir";
    }

    int code = cli_fail_request_with("get", status, detail, words);
    cli_buffer_free(&advice);
    return code;
}

static int get_resource(const char *path, char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of(path),
        .response = answer,
        .response_size = CLI_ANSWER_MAX,
    };
    if (cli_server.profile == 2) { /* the seed asks for plain JSON */
        request.accept = sbs_text_of("application/json");
    }

    sbs_status status = cli_server_run(&request);
    if (status == SBS_ERR_ARGUMENT) {
        return cli_fail(CLI_USAGE, "get: '%s' leaves the base, give a path below it", path);
    }

    if (status != SBS_OK) {
        return get_fail(path, status, cli_server_detail());
    }

    sbs_text body = {answer, cli_server_response().body_len};

    /* A page of a proxy must not end up in a pipe as if it were a resource. */
    if (body.len > 0 && !cli_is_json(body)) {
        return cli_fail(CLI_INPUT, "get: the answer is not valid JSON, check --fhir");
    }

    sbs_writer out;
    cli_output(&out);

    /* A terminal obeys what a string may hold; whoever reads a pipe gets the bytes as they came. */
    if (isatty(STDOUT_FILENO) == 1) {
        cli_put_json_visibly(&out, body);
    } else {
        sbs_put_text(&out, body);
    }

    return CLI_DONE;
}

static int get_open_and_read(const char *path) {
    int code = cli_server_open("get", CLI_NEED_FHIR);
    if (code != CLI_DONE) {
        return code;
    }

    char *answer = cli_answer_memory("get", CLI_ANSWER_MAX);
    if (answer == NULL) {
        return CLI_LOCAL;
    }

    code = get_resource(path, answer);
    free(answer);
    return code;
}

static int get_run(const cli_operands *operands) {
    const char *path = operands->items[0];
    int code = get_check_path(path);
    if (code != CLI_DONE) {
        return code;
    }

    code = get_open_and_read(path);
    cli_server_close();
    return code;
}

const cli_command cli_get = {
    .name = "get",
    .summary = "Reads or searches on the FHIR server and prints the answer's body",
    .about = "PATH is relative to --fhir; its query must be percent-encoded already.\n",
    .operands = "PATH",
    .operand_min = 1,
    .operand_max = 1,
    .tables = {&cli_server_table, &cli_kid_table, &cli_no_kid_table, &cli_connection_table},
    .example = "sbs get --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device \\\n"
               "      --scope 'system/Observation.rs' 'Observation?code=4548-4&_sort=-date&_count=10'",
    .run = get_run,
};
