/* SPDX-License-Identifier: Apache-2.0 */
/* sbs-gateway device add, secret, remove, watch */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "json_view.h"
#include "sbs/gateway_config.h"
#include "sbs/linux_file.h"

#define PATH_SIZE 512u

static bool device_name_is_valid(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len < SBS_GATEWAY_NAME_SIZE &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

static int device_check_name(const char *name) {
    if (!device_name_is_valid(name)) {
        return cli_fail(CLI_USAGE, "device: '%s' is no name: letters, digits, '.' and '-', at most %u", name,
                        SBS_GATEWAY_NAME_SIZE - 1);
    }
    return CLI_DONE;
}

/* Asks with the device's name in the path. */
static int device_ask(const cli_call *call, const char *method, const char *after) {
    char path[PATH_SIZE];
    int code = device_check_name(call->operands[0]);
    if (code != CLI_DONE) {
        return code;
    }

    (void)snprintf(path, sizeof path, "/device/%s%s", call->operands[0], after);
    return cli_ask_and_print(call, method, path);
}

int cli_device_secret(const cli_call *call) {
    return device_ask(call, "POST", "/secret");
}

int cli_device_remove(const cli_call *call) {
    int code = device_ask(call, "DELETE", "");
    if (code == CLI_DONE) {
        cli_note("its section in the configuration stays: take it out and run 'sbs-gateway reload' once all that it "
                 "gave is sent");
    }
    return code;
}

/* ---- add -------------------------------------------------------------------------------------------------------- */

/* True if the configuration has it. */
static bool device_is_there(const cli_call *call, const char *name) {
    char message[512];
    sbs_gateway_config *config = calloc(1, sizeof *config);
    bool there = config != NULL && sbs_gateway_config_load(call->config, config, message, sizeof message) == SBS_OK &&
                 sbs_gateway_config_device(config, name) != NULL;
    if (config != NULL) {
        sbs_gateway_config_free(config);
    }
    free(config);
    return there;
}

/* Writes its section into a file of its own. */
static int device_write(const cli_call *call, const char *name) {
    char folder[PATH_SIZE], path[PATH_SIZE + SBS_GATEWAY_NAME_SIZE + 32], text[160];
    char *config = strdup(call->config);
    if (config == NULL) {
        return cli_fail(CLI_LOCAL, "out of memory");
    }

    (void)snprintf(folder, sizeof folder, "%s/conf.d", dirname(config));
    (void)snprintf(path, sizeof path, "%s/device-%s.conf", folder, name);
    free(config);
    if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
        return cli_fail(CLI_LOCAL, "device add: %s: %s, run this as root", folder, strerror(errno));
    }

    int len = snprintf(text, sizeof text, "[device %s]\nprotocol = fhir\n", name);
    if (sbs_linux_file_write(path, text, (size_t)len, SBS_LINUX_PUBLIC, false) != SBS_OK) {
        return cli_fail(CLI_LOCAL, "device add: %s: %s, run this as root", path, strerror(errno));
    }

    cli_note("wrote %s", path);
    return CLI_DONE;
}

int cli_device_add(const cli_call *call) {
    const char *name = call->operands[0];
    sbs_forward_buffer body = {0};
    unsigned status = 0;
    int code = device_check_name(name);

    bool section = strcmp(name, SBS_GATEWAY_OPERATOR) != 0 && !device_is_there(call, name);
    if (code == CLI_DONE && section) {
        code = device_write(call, name);
    }
    if (code == CLI_DONE && section) {
        code = cli_ask(call, "POST", "/reload", &status, &body);
        if (code == CLI_DONE && status >= 300) {
            code = cli_refuse(status, &body);
        }
    }
    sbs_forward_buffer_free(&body);
    if (code != CLI_DONE) {
        return code;
    }

    return device_ask(call, "POST", "/first");
}

/* ---- watch ------------------------------------------------------------------------------------------------------ */

static void watch_print(const sbs_json *doc, sbs_json_node seen) {
    static const char *const names[] = {"time", "peer", "method", "status", "bytes", "body"};
    char words[6][256];
    for (size_t i = 0; i < 6; i++) {
        (void)view_text(doc, seen, names[i], words[i], sizeof words[i]);
    }

    time_t when = (time_t)strtoll(words[0], NULL, 10);
    struct tm local;
    char clock[16] = "--:--:--";
    if (when > 0 && localtime_r(&when, &local) != NULL) {
        (void)strftime(clock, sizeof clock, "%H:%M:%S", &local);
    }
    (void)printf("%s  %s  %s  %s bytes  answered %s\n", clock, words[1], words[2], words[4], words[3]);
    if (words[5][0] != '\0') {
        (void)printf("          %s\n", words[5]);
    }
}

/* Prints what came, and returns the number to ask from next. */
static uint64_t watch_take(const sbs_forward_buffer *body, uint64_t after) {
    sbs_forward_json json = {0};
    sbs_json_node node;
    uint64_t next = after;
    if (sbs_forward_json_parse(&json, sbs_forward_buffer_text(body), NULL) == SBS_OK) {
        if (sbs_json_member(&json.doc, 0, "next", &node) == SBS_OK &&
            sbs_text_to_uint(sbs_json_raw(&json.doc, node), &next) != SBS_OK) {
            next = after;
        }
        if (sbs_json_member(&json.doc, 0, "seen", &node) == SBS_OK) {
            for (sbs_json_node one = sbs_json_first(&json.doc, node); one != SBS_JSON_NONE;
                 one = sbs_json_next(&json.doc, one)) {
                watch_print(&json.doc, one);
            }
        }
    }

    sbs_forward_json_free(&json);
    return next;
}

int cli_device_watch(const cli_call *call) {
    char path[PATH_SIZE];
    uint64_t next = UINT64_MAX; /* from now on */
    int code = device_check_name(call->operands[0]);

    while (code == CLI_DONE) {
        sbs_forward_buffer body = {0};
        unsigned status = 0;
        char after[32] = "";
        if (next != UINT64_MAX) {
            (void)snprintf(after, sizeof after, "&after=%llu", (unsigned long long)next);
        }
        (void)snprintf(path, sizeof path, "/watch?device=%s%s%s", call->operands[0], after,
                       call->values ? "&values=1" : "");

        code = cli_ask(call, "GET", path, &status, &body);
        if (code == CLI_DONE && status >= 300) {
            code = cli_refuse(status, &body);
        } else if (code == CLI_DONE) {
            next = watch_take(&body, next);
            code = cli_flush();
        }
        sbs_forward_buffer_free(&body);
        (void)sleep(1);
    }

    return code;
}
