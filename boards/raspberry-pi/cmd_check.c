/* SPDX-License-Identifier: Apache-2.0 */
/* sbs-gateway check */
#include <errno.h>
#include <grp.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "sbs/gateway_check.h"
#include "sbs/linux_text.h"
#include "sbs/mbedtls_platform.h"

typedef struct check_view {
    bool json, failed;
    sbs_writer out;
    sbs_json_writer writer;
    sbs_forward_buffer text;
} check_view;

static void check_show(check_view *view) {
    cli_put(view->text.data, view->text.len);
    (void)cli_flush();
    sbs_forward_buffer_clear(&view->text);
}

/* A line is shown when it is found, as what follows may take its time. */
static void check_row(void *ctx, const sbs_forward_finding *finding) {
    check_view *view = ctx;
    view->failed |= finding->verdict == SBS_FORWARD_FAIL;
    finding->text[sbs_linux_clean_text(finding->text, strlen(finding->text))] = '\0';

    if (view->json) {
        sbs_forward_check_put_json(&view->writer, finding);
        return;
    }
    sbs_forward_check_put_line(&view->out, finding);
    check_show(view);
}

/* Root looks as the gateway's user does: what that one cannot read is a finding. */
static void check_become(const char *state) {
    struct stat folder;
    if (geteuid() != 0 || stat(state, &folder) != 0 || folder.st_uid == 0) {
        return;
    }
    if (setgroups(0, NULL) != 0 || setegid(folder.st_gid) != 0 || seteuid(folder.st_uid) != 0) {
        cli_note("check: cannot become the gateway's user: %s", strerror(errno));
    }
}

static void check_all(check_view *view, const cli_call *call) {
    sbs_forward_check check = {.tell = check_row, .ctx = view};
    char message[512];
    sbs_gateway_check_name_settings(&check);
    sbs_gateway_config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        sbs_forward_check_tell(&check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_CONFIGURATION, "close other programs",
                               "out of memory");
        return;
    }

    sbs_status status = sbs_gateway_config_load(call->config, config, message, sizeof message);
    if (status != SBS_OK) {
        sbs_forward_check_tell(&check, SBS_FORWARD_FAIL, SBS_FORWARD_STEP_CONFIGURATION, "mend that first", "%s",
                               message);
    } else {
        sbs_forward_check_tell(&check, SBS_FORWARD_OK, SBS_FORWARD_STEP_CONFIGURATION, NULL, "%s", call->config);
        check_become(config->state);
        sbs_gateway_check_here(&check, config);
        sbs_gateway_check_server(&check, config);
    }

    sbs_gateway_config_free(config);
    free(config);
}

int cli_check(const cli_call *call) {
    check_view view = {.json = call->json};
    sbs_status status = sbs_mbedtls_init(NULL);
    if (status != SBS_OK) {
        return cli_fail(CLI_LOCAL, "cryptography: %s, check the system's random device", sbs_status_text(status));
    }

    sbs_writer_init_sink(&view.out, sbs_forward_buffer_put, &view.text);
    sbs_json_writer_init(&view.writer, &view.out);
    if (call->json) {
        sbs_json_begin_array(&view.writer);
    }
    check_all(&view, call);
    if (call->json) {
        sbs_json_end_array(&view.writer);
        sbs_put_char(&view.out, '\n');
        check_show(&view);
    }

    sbs_forward_buffer_free(&view.text);
    mbedtls_psa_crypto_free();
    int code = cli_flush();
    return code == CLI_DONE && view.failed ? CLI_REFUSED : code;
}
