/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "commands.h"
#include "io.h"
#include "json_input.h"
#include "message.h"
#include "sbs/client.h"
#include "token_output.h"

/* An OAuth error object is a refusal. Returns CLI_DONE if @p text is none. */
static int token_explain_refusal(sbs_text text) {
    char words[1024];
    sbs_detail detail = {.status = SBS_ERR_OAUTH};

    sbs_status status = sbs_oauth_error_parse(text.ptr, text.len, &detail.oauth, words, sizeof words);
    if (status != SBS_OK) {
        return CLI_DONE;
    }

    return cli_fail(CLI_REFUSED, "token response: the authorization server refused: %s, %s", words,
                    cli_advice(SBS_ERR_OAUTH, &detail));
}

/* Says where @p text stops to be JSON. Returns CLI_DONE if it is JSON. */
static int token_explain_json(sbs_text text) {
    size_t where = 0;
    cli_json json = {0};
    sbs_status status = cli_json_parse(&json, text, &where);
    cli_json_free(&json);
    if (status != SBS_ERR_JSON) {
        return CLI_DONE;
    }

    size_t line;
    size_t column;
    cli_json_where(text, where, &line, &column);

    return cli_fail(CLI_INPUT,
                    "token response: %s (standard input, line %zu, column %zu), ask the authorization server's "
                    "operator",
                    sbs_status_text(status), line, column);
}

/* Prints why @p text is no token. @p text is a copy that the token's parser has not changed. */
static int token_explain(sbs_text text, sbs_status status, const char *member) {
    /* A refusal is what the server meant, whatever else is wrong with the body. */
    int code = token_explain_refusal(text);
    if (code == CLI_DONE && status == SBS_ERR_JSON) {
        code = token_explain_json(text);
    }

    if (code != CLI_DONE) {
        return code;
    }

    char which[64] = "";
    if (member != NULL) {
        (void)snprintf(which, sizeof which, " (%s)", member);
    }

    return cli_fail(CLI_INPUT, "token response: %s%s, ask the authorization server's operator", sbs_status_text(status),
                    which);
}

static int parse_token(const cli_buffer *input, cli_buffer *copy) {
    sbs_text text = cli_buffer_text(input);

    /* The parser writes into its text, and a fault is explained from the one that was read. */
    if (cli_buffer_put(copy, text.ptr, text.len) != SBS_OK || !cli_buffer_reserve(copy, 1)) {
        return cli_fail(CLI_INPUT, "token response: out of memory, give a smaller one");
    }

    sbs_token token;
    const char *member = NULL;
    sbs_status status = sbs_token_parse(copy->data, copy->len, &token, &member);
    if (status != SBS_OK) {
        return token_explain(text, status, member);
    }

    return cli_put_token(token.access_token, token.expires_in, token.scope);
}

static int parse_token_run(const cli_operands *operands) {
    (void)operands;

    cli_buffer input = {0};
    int code = cli_read_file("-", "token response", SBS_TOKEN_RESPONSE_MAX, &input);
    if (code != CLI_DONE) {
        return code;
    }

    cli_buffer copy = {0};
    code = parse_token(&input, &copy);
    cli_buffer_free(&copy);
    cli_buffer_free(&input);

    return code;
}

const cli_command cli_parse_token = {
    .name = "parse-token",
    .summary = "Checks the body of a token endpoint's answer, read from standard input, and prints the token",
    .about = "It applies what the client applies to a 200 answer (RFC 6749 section 5.1, SMART Backend Services).\n",
    .example = "sbs parse-token < response.json",
    .run = parse_token_run,
};
