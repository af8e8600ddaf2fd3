/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "sbs/base64url.h"

#define INPUT_MAX (64u << 20)

static int encode(const cli_buffer *input, cli_buffer *result) {
    size_t size = SBS_BASE64URL_ENCODED_SIZE(input->len);
    if (!cli_buffer_reserve(result, size) || sbs_base64url_encode((const uint8_t *)input->data, input->len,
                                                                  result->data, result->size, &result->len) != SBS_OK) {
        return cli_fail(CLI_INPUT, "base64url encode: out of memory, give less input");
    }
    return CLI_DONE;
}

static int decode(const cli_buffer *input, cli_buffer *result) {
    size_t size = SBS_BASE64URL_DECODED_SIZE(input->len);
    if (!cli_buffer_reserve(result, size + 1)) {
        return cli_fail(CLI_INPUT, "base64url decode: out of memory, give less input");
    }
    sbs_text text = cli_buffer_text(input);
    if (sbs_base64url_decode(text.ptr, text.len, (uint8_t *)result->data, result->size, &result->len) != SBS_OK) {
        return cli_fail(CLI_INPUT, "base64url decode: standard input is not base64url, give A-Z a-z 0-9 - _ alone, "
                                   "without padding, white space or a final line feed");
    }
    return CLI_DONE;
}

static int run(const cli_operands *operands) {
    bool encoding = strcmp(operands->items[0], "encode") == 0;
    cli_buffer input = {0};
    cli_buffer result = {0};
    sbs_writer out;
    if (!encoding && strcmp(operands->items[0], "decode") != 0) {
        return cli_fail(CLI_USAGE, "base64url: '%s' is neither encode nor decode, give one of them",
                        operands->items[0]);
    }
    int code = cli_read_file("-", "base64url", INPUT_MAX, &input);
    if (code == CLI_DONE) {
        code = encoding ? encode(&input, &result) : decode(&input, &result);
    }
    if (code == CLI_DONE) {
        cli_output(&out);
        sbs_put_text(&out, cli_buffer_text(&result));
        /* In a pipe the bytes alone; a person's prompt starts on a line of its own. */
        sbs_put_string(&out, isatty(STDOUT_FILENO) == 1 ? "\n" : "");
    }
    cli_buffer_free(&input);
    cli_buffer_free(&result);
    return code;
}

const cli_command cli_base64url = {
    .name = "base64url",
    .summary = "Encodes or decodes base64url without padding, from standard input to standard output",
    .about = "Decoding is strict (RFC 4648 sections 3.3 and 3.5, RFC 7515 section 2): white space is refused too.\n",
    .operands = "encode|decode",
    .operand_min = 1,
    .operand_max = 1,
    .example = "printf '{\"alg\":\"RS384\"}' | sbs base64url encode",
    .run = run,
};
