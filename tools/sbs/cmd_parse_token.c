/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"
#include "io.h"
#include "json_input.h"
#include "message.h"
#include "sbs/client.h"
#include "token_output.h"

/* Prints why @p text is no token. It is not the token response's own text, which parsing may have changed. */
static int explain(sbs_text text, cli_json *json, sbs_status status, const char *member) {
    char words[1024];
    sbs_detail detail = {.status = SBS_ERR_OAUTH};
    if (sbs_oauth_error_parse(text.ptr, text.len, json->tokens, json->capacity, &detail.oauth, words, sizeof words) ==
        SBS_OK) {
        return cli_fail(CLI_REFUSED, "token response: the authorization server refused: %s, %s", words,
                        cli_advice(SBS_ERR_OAUTH, &detail));
    }
    size_t where = 0;
    if (status == SBS_ERR_JSON && cli_json_parse(json, text, &where) == SBS_ERR_JSON) {
        size_t line;
        size_t column;
        cli_json_where(text, where, &line, &column);
        return cli_fail(CLI_INPUT,
                        "token response: %s (standard input, line %zu, column %zu), ask the authorization "
                        "server's operator",
                        sbs_status_text(status), line, column);
    }
    return cli_fail(CLI_INPUT, "token response: %s%s%s%s, ask the authorization server's operator",
                    sbs_status_text(status), member == NULL ? "" : " (", member == NULL ? "" : member,
                    member == NULL ? "" : ")");
}

static int parse(const cli_buffer *input, cli_buffer *copy, cli_json *json) {
    sbs_token token;
    const char *member = NULL;
    sbs_text text = cli_buffer_text(input);
    if (cli_buffer_put(copy, text.ptr, text.len) != SBS_OK || !cli_buffer_reserve(copy, 1) ||
        !cli_json_reserve(json, text)) {
        return cli_fail(CLI_INPUT, "token response: out of memory, give a smaller one");
    }
    sbs_status status = sbs_token_parse(copy->data, copy->len, json->tokens, json->capacity, &token, &member);
    if (status != SBS_OK) {
        return explain(text, json, status, member);
    }
    return cli_put_token(token.access_token, token.expires_in, token.scope);
}

static int run(const cli_operands *operands) {
    cli_buffer input = {0};
    cli_buffer copy = {0};
    cli_json json = {0};
    (void)operands;
    int code = cli_read_file("-", "token response", SBS_TOKEN_RESPONSE_MAX, &input);
    if (code == CLI_DONE) {
        code = parse(&input, &copy, &json);
    }
    cli_json_free(&json);
    cli_buffer_free(&copy);
    cli_buffer_free(&input);
    return code;
}

const cli_command cli_parse_token = {
    .name = "parse-token",
    .summary = "Checks the body of a token endpoint's answer, read from standard input, and prints the token",
    .about = "It applies what the client applies to a 200 answer (RFC 6749 section 5.1, SMART Backend Services).\n",
    .example = "sbs parse-token < response.json",
    .run = run,
};
