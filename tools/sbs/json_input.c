/* SPDX-License-Identifier: Apache-2.0 */
#include "json_input.h"

bool cli_is_json(sbs_text text) {
    cli_json json = {0};
    bool valid = cli_json_parse(&json, text, NULL) == SBS_OK;
    cli_json_free(&json);
    return valid;
}
