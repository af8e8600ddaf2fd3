/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "io.h"
#include "json_input.h"
#include "message.h"
#include "server.h"

static int check_path(const char *path) {
    size_t scheme = strcspn(path, ":/?#");
    if (path[0] == '\0' || path[0] == '/') {
        return cli_fail(CLI_USAGE, "get: '%s' is no path below the base, give one without '/' before it", path);
    }
    if (path[scheme] == ':') {
        return cli_fail(CLI_USAGE, "get: '%s' is an absolute URL, give the path below --fhir", path);
    }
    if (strchr(path, '#') != NULL) {
        return cli_fail(CLI_USAGE, "get: '%s' has a fragment, leave '#' and what follows out", path);
    }
    if (!sbs_url_is_path_and_query(sbs_text_of(path))) {
        return cli_fail(CLI_USAGE,
                        "get: '%s' has characters that a URL does not allow, write them as %%XX ('|' is %%7C)", path);
    }
    return CLI_DONE;
}

/* What is not there was perhaps looked for in the wrong place: the URL shows it. */
static int get_fail(const char *path, sbs_status status, const sbs_detail *detail) {
    cli_buffer advice = {0};
    sbs_writer out;
    if (detail->step != SBS_STEP_RESOURCE || (detail->http_status != 404 && detail->http_status != 410)) {
        return cli_fail_request("get", status, detail);
    }

    size_t base_len = strlen(cli_server.fhir);
    while (base_len > 0 && cli_server.fhir[base_len - 1] == '/') {
        base_len--;
    }
    sbs_writer_init_sink(&out, cli_buffer_put, &advice);
    sbs_put_string(&out, "check --fhir and the path: asked was ");
    sbs_put_text(&out, (sbs_text){cli_server.fhir, base_len});
    sbs_put_char(&out, '/');
    sbs_put_string(&out, path);
    sbs_put(&out, "", 1);
    int code = cli_fail_request_with("get", status, detail, advice.data == NULL ? "check --fhir" : advice.data);
    cli_buffer_free(&advice);
    return code;
}

static int get(const char *path, char *answer) {
    sbs_request request = {
        .interaction = SBS_READ,
        .target = sbs_text_of(path),
        .accept = sbs_text_of(cli_server.profile == 2 ? "application/json" : NULL),
        .response = answer,
        .response_size = CLI_ANSWER_MAX,
    };
    sbs_writer out;
    sbs_status status = cli_server_run(&request);
    if (status == SBS_ERR_ARGUMENT) {
        return cli_fail(CLI_USAGE, "get: '%s' leaves the base, give a path below it", path);
    }
    if (status != SBS_OK) {
        return get_fail(path, status, cli_server_detail());
    }
    sbs_text body = {answer, cli_server_response().body_len};
    if (body.len > 0 && !cli_is_json(body)) {
        return cli_fail(CLI_INPUT, "get: the answer is not valid JSON, check --fhir");
    }
    cli_output(&out);
    sbs_put_text(&out, body);
    return CLI_DONE;
}

static int run(const cli_operands *operands) {
    int code = check_path(operands->items[0]);
    code = code != CLI_DONE ? code : cli_server_open("get", CLI_NEED_FHIR);
    if (code == CLI_DONE) {
        char *answer = cli_answer_memory("get");
        code = answer == NULL ? CLI_LOCAL : get(operands->items[0], answer);
        free(answer);
    }
    cli_server_close();
    return code;
}

const cli_command cli_get = {
    .name = "get",
    .summary = "Reads or searches on the FHIR server and prints the answer's body",
    .about = "PATH is relative to --fhir, its query encoded already.\n",
    .operands = "PATH",
    .operand_min = 1,
    .operand_max = 1,
    .tables = {&cli_server_table, &cli_kid_table, &cli_no_kid_table, &cli_connection_table},
    .example = "sbs get --fhir https://fhir.example.org/r4 --key device.pem --client-id my-device \\\n"
               "      --scope 'system/Observation.rs' 'Observation?code=4548-4&_sort=-date&_count=10'",
    .run = run,
};
