/* SPDX-License-Identifier: Apache-2.0 */
#include "token_output.h"

#include "io.h"
#include "message.h"
#include "sbs/json.h"

int cli_put_token(sbs_text access_token, uint64_t expires_in, sbs_text scope) {
    if (expires_in > UINT32_MAX) { /* what a number of 32 bits cannot hold is as good as for ever */
        expires_in = UINT32_MAX;
    }

    sbs_writer out;
    sbs_json_writer json;
    cli_output(&out);
    sbs_json_writer_init(&json, &out);
    sbs_json_begin_object(&json);
    sbs_json_member_text(&json, "access_token", access_token);
    sbs_json_key(&json, "token_type");
    sbs_json_put_string(&json, "Bearer");
    sbs_json_key(&json, "expires_in");
    sbs_json_put_uint(&json, expires_in);

    /* A server that granted what was asked for may leave it out. */
    if (scope.ptr != NULL) {
        sbs_json_key(&json, "scope");
        sbs_json_put_text(&json, scope);
    }

    sbs_json_end_object(&json);
    sbs_put_char(&out, '\n');

    sbs_status status = sbs_json_writer_finish(&json, NULL);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "token: %s, ask for another one", sbs_status_text(status));
    }

    return CLI_DONE;
}
