/* SPDX-License-Identifier: Apache-2.0 */
#include "client_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "message.h"
#include "options.h"
#include "sbs/count.h"

int cli_check_client_id(const char *command, const char *client_id) {
    if (!cli_is_printable(client_id, SIZE_MAX)) {
        return cli_fail(CLI_USAGE,
                        "%s: --client-id: empty or not printable ASCII (RFC 6749 A.1), give it as the server assigned "
                        "it",
                        command);
    }

    /* Copied from a mail or a table: no server assigns such an id, and it answers invalid_client without saying why. */
    if (client_id[0] == ' ' || client_id[strlen(client_id) - 1] == ' ') {
        return cli_fail(CLI_USAGE, "%s: --client-id: '%s' begins or ends with a blank, leave that out", command,
                        client_id);
    }

    return CLI_DONE;
}

static bool scope_begins_at(const char *text) {
    static const char *const starts[] = {"system/", "user/", "patient/"};
    for (size_t i = 0; i < SBS_COUNT_OF(starts); i++) {
        if (strncmp(text, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* True if a comma of @p scope parts scopes. One in the search of a scope ("system/Observation.rs?category=a,b") is part
 * of it, unless the next scope begins there. */
static bool scope_is_parted_by_commas(const char *scope) {
    bool in_search = false;
    for (const char *at = scope; *at != '\0'; at++) {
        if (*at == ' ') {
            in_search = false;
        } else if (*at == '?') {
            in_search = true;
        } else if (*at == ',' && (!in_search || scope_begins_at(at + 1))) {
            return true;
        }
    }

    return false;
}

int cli_check_scope_commas(const char *command, const char *scope, const char *otherwise) {
    if (!scope_is_parted_by_commas(scope)) {
        return CLI_DONE;
    }
    return cli_fail(CLI_USAGE, "%s: --scope: '%s' has a comma, separate scopes with spaces%s", command, scope,
                    otherwise);
}
