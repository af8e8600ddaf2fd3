/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_check.h"

#include <string.h>
#include <sys/stat.h>

#include "items.h"
#include "message.h"

bool cli_queue_can_look(const char *path) {
    struct stat info;
    return strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int look_take(void *ctx, sbs_text text, const char *path, size_t line) {
    cli_queue_look *look = (cli_queue_look *)ctx;
    bool identified = false;
    (void)path;
    (void)line;
    if (text.ptr == NULL) {
        return CLI_DONE;
    }

    if (sbs_forward_add_check(look->adder, text, &identified) != NULL) {
        look->has_refused = true;
    } else if (!identified) {
        look->has_nameless = true;
    }
    return CLI_DONE;
}

int cli_queue_look_at(const char *command, const cli_operands *file, cli_queue_look *look, int *out_code) {
    return cli_items_read(command, file, look_take, look, out_code);
}
