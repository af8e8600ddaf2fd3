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
    bool json;
    unsigned failures;
    sbs_writer out;
    sbs_json_writer writer;
    sbs_forward_buffer text;
} check_view;

static const char *const verdicts[] = {"OK", "WARN", "FAIL"};

static void check_put_json(check_view *view, const sbs_gateway_finding *finding) {
    sbs_json_begin_object(&view->writer);
    sbs_json_member_text(&view->writer, "result", sbs_text_of(verdicts[finding->verdict]));
    sbs_json_member_text(&view->writer, "check", sbs_text_of(finding->name));
    sbs_json_member_text(&view->writer, "text", sbs_text_of(finding->text));
    if (finding->advice != NULL) {
        sbs_json_member_text(&view->writer, "advice", sbs_text_of(finding->advice));
    }
    sbs_json_end_object(&view->writer);
}

static void check_tell(void *ctx, const sbs_gateway_finding *finding) {
    check_view *view = ctx;
    char text[700];
    view->failures += finding->verdict == SBS_GATEWAY_FAIL ? 1 : 0;
    (void)snprintf(text, sizeof text, "%s", finding->text);
    text[sbs_linux_clean_text(text, strlen(text))] = '\0';

    if (view->json) {
        check_put_json(view, finding);
        return;
    }
    (void)printf("%-4s  %-13s  %s%s%s\n", verdicts[finding->verdict], finding->name, text,
                 finding->advice != NULL ? ": " : "", finding->advice != NULL ? finding->advice : "");
    (void)fflush(stdout);
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
    const sbs_gateway_check check = {check_tell, view};
    char message[512];
    sbs_gateway_config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        return;
    }

    sbs_status status = sbs_gateway_config_load(call->config, config, message, sizeof message);
    sbs_gateway_finding finding = {SBS_GATEWAY_OK, "configuration", call->config, NULL};
    if (status != SBS_OK) {
        finding = (sbs_gateway_finding){SBS_GATEWAY_FAIL, "configuration", message, "mend that first"};
    }
    check_tell(view, &finding);
    if (status == SBS_OK) {
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
    sbs_json_begin_array(&view.writer);
    check_all(&view, call);
    sbs_json_end_array(&view.writer);
    if (call->json && sbs_json_writer_finish(&view.writer, NULL) == SBS_OK) {
        cli_put(view.text.data, view.text.len);
        cli_put("\n", 1);
    }

    sbs_forward_buffer_free(&view.text);
    mbedtls_psa_crypto_free();
    int code = cli_flush();
    return code == CLI_DONE && view.failures > 0 ? CLI_REFUSED : code;
}
