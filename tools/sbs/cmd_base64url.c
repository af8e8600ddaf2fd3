/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "sbs/base64url.h"

#define INPUT_MAX (64u << 20)

static int base64url_encode(const cli_buffer *input, cli_buffer *result) {
    size_t size = SBS_BASE64URL_ENCODED_SIZE(input->len);
    if (!cli_buffer_reserve(result, size)) {
        return cli_fail(CLI_INPUT, "base64url encode: out of memory, give less input");
    }

    const uint8_t *bytes = (const uint8_t *)input->data;
    sbs_status status = sbs_base64url_encode(bytes, input->len, result->data, result->size, &result->len);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "base64url encode: %s, give less input", sbs_status_text(status));
    }

    return CLI_DONE;
}

static int base64url_decode(const cli_buffer *input, cli_buffer *result) {
    size_t size = SBS_BASE64URL_DECODED_SIZE(input->len);

    /* An empty text decodes to nothing, and still needs memory to point to. */
    if (!cli_buffer_reserve(result, size + 1)) {
        return cli_fail(CLI_INPUT, "base64url decode: out of memory, give less input");
    }

    sbs_text text = cli_buffer_text(input);
    uint8_t *bytes = (uint8_t *)result->data;
    if (sbs_base64url_decode(text.ptr, text.len, bytes, result->size, &result->len) != SBS_OK) {
        return cli_fail(CLI_INPUT, "base64url decode: standard input is not base64url, give only A-Z a-z 0-9 - _, "
                                   "without padding, white space or a final line feed");
    }

    return CLI_DONE;
}

/* A pipe gets the bytes alone; on a terminal the prompt is to begin on a line of its own. */
static void base64url_print(const cli_buffer *result) {
    sbs_writer out;
    cli_output(&out);
    sbs_put_text(&out, cli_buffer_text(result));
    if (isatty(STDOUT_FILENO) == 1) {
        sbs_put_char(&out, '\n');
    }
}

static int base64url_convert(bool encoding, cli_buffer *input, cli_buffer *result) {
    int code = cli_read_file("-", "base64url", INPUT_MAX, input);
    if (code != CLI_DONE) {
        return code;
    }
    if (encoding) {
        return base64url_encode(input, result);
    }
    return base64url_decode(input, result);
}

static int base64url_run(const cli_operands *operands) {
    const char *word = operands->items[0];
    bool encoding = strcmp(word, "encode") == 0;
    if (!encoding && strcmp(word, "decode") != 0) {
        return cli_fail(CLI_USAGE, "base64url: '%s' is neither encode nor decode, give one of them", word);
    }

    cli_buffer input = {0};
    cli_buffer result = {0};
    int code = base64url_convert(encoding, &input, &result);
    if (code == CLI_DONE) {
        base64url_print(&result);
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
    .run = base64url_run,
};
