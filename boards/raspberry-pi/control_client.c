/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the gateway that runs, by HTTP on its Unix socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "sbs/gateway_config.h"
#include "sbs/linux_file.h"

#define ANSWER_MAX (32u << 20)
#define TIMEOUT_S 30
#define FILE_MAX 65536u

/* What a faulty file says of the folder, as the gateway still runs with it: the last line "run = PATH". */
static void control_look_for_run(const char *path, char *run, size_t size) {
    sbs_linux_blob file;
    if (sbs_linux_file_read(path, FILE_MAX, &file) != SBS_OK) {
        return;
    }

    char *rest = NULL;
    for (char *line = strtok_r(file.data, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
        char value[108];
        if (sscanf(line, " run = %107s", value) == 1) {
            (void)snprintf(run, size, "%s", value);
        }
    }
    sbs_linux_blob_free(&file);
}

/* Where the socket is. */
static bool control_path(const cli_call *call, char *out, size_t size) {
    char message[512];
    char run[108] = SBS_GATEWAY_RUN;
    sbs_gateway_config *config = calloc(1, sizeof *config);
    if (config != NULL && sbs_gateway_config_load(call->config, config, message, sizeof message) == SBS_OK) {
        (void)snprintf(run, sizeof run, "%s", config->run);
    } else {
        control_look_for_run(call->config, run, sizeof run);
    }

    int len = snprintf(out, size, "%s/" SBS_GATEWAY_CONTROL, run);
    if (config != NULL) {
        sbs_gateway_config_free(config);
    }
    free(config);
    return len > 0 && (size_t)len < size;
}

static int control_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);

    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        (void)close(descriptor);
        errno = error;
        return -1;
    }

    return descriptor;
}

/* Sends the request and reads until the gateway closes. */
static bool control_exchange(int descriptor, const char *request, sbs_forward_buffer *answer) {
    size_t len = strlen(request);
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(descriptor, request + at, len - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += (size_t)sent;
    }

    for (;;) {
        char part[8192];
        ssize_t got = recv(descriptor, part, sizeof part, 0);
        if (got == 0) {
            return true;
        }
        if (got < 0 || answer->len + (size_t)got > ANSWER_MAX ||
            sbs_forward_buffer_put(answer, part, (size_t)got) != SBS_OK) {
            return false;
        }
    }
}

/* Parts the body from the head. */
static bool control_read(const sbs_forward_buffer *answer, unsigned *out_status, sbs_forward_buffer *out_body) {
    static const char line[] = "HTTP/1.1 ";
    sbs_text text = sbs_forward_buffer_text(answer);
    if (text.len < sizeof line + 3 || memcmp(text.ptr, line, sizeof line - 1) != 0) {
        return false;
    }

    *out_status = 0;
    for (size_t i = 0; i < 3; i++) {
        char digit = text.ptr[sizeof line - 1 + i];
        if (digit < '0' || digit > '9') {
            return false;
        }
        *out_status = *out_status * 10 + (unsigned)(digit - '0');
    }

    for (size_t i = 0; i + 4 <= text.len; i++) {
        if (memcmp(text.ptr + i, "\r\n\r\n", 4) == 0) {
            return sbs_forward_buffer_put(out_body, text.ptr + i + 4, text.len - i - 4) == SBS_OK;
        }
    }
    return false;
}

int cli_ask(const cli_call *call, const char *method, const char *path, unsigned *out_status,
            sbs_forward_buffer *out_body) {
    char socket_path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    char request[512];
    sbs_forward_buffer answer = {0};

    /* A name that was mistyped must not lead to the gateway that is installed. */
    if (strcmp(call->config, CLI_CONFIG) != 0 && access(call->config, F_OK) != 0 && errno == ENOENT) {
        return cli_fail(CLI_INPUT, "%s: there is no such file, give the --config of the gateway that runs",
                        call->config);
    }
    if (!control_path(call, socket_path, sizeof socket_path)) {
        return cli_fail(CLI_INPUT, "'run' in %s: the path is too long", call->config);
    }

    int descriptor = control_connect(socket_path);
    if (descriptor < 0 && (errno == EACCES || errno == EPERM)) {
        return cli_fail(CLI_LOCAL, "%s: %s, run this as root or as the gateway's user", socket_path, strerror(errno));
    }
    if (descriptor < 0) {
        return cli_fail(CLI_NETWORK, "no gateway answers at %s: %s, start it with 'systemctl start sbs-gateway'",
                        socket_path, strerror(errno));
    }

    (void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", method,
                   path, strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    bool read = control_exchange(descriptor, request, &answer) && control_read(&answer, out_status, out_body);
    (void)close(descriptor);
    sbs_forward_buffer_free(&answer);
    if (!read) {
        return cli_fail(CLI_NETWORK, "the gateway at %s did not answer: see 'journalctl -u sbs-gateway'", socket_path);
    }

    return CLI_DONE;
}

int cli_refuse(unsigned status, const sbs_forward_buffer *body) {
    sbs_text line = {"", 0};
    if (body->len > 0) {
        line = sbs_forward_buffer_text(body);
        line.len -= line.ptr[line.len - 1] == '\n';
    }
    return cli_fail(status < 500 ? CLI_REFUSED : CLI_LOCAL, "%.*s", (int)line.len, line.ptr);
}

int cli_ask_json(const cli_call *call, const char *path, sbs_forward_buffer *out_body, sbs_forward_json *out_json) {
    unsigned status = 0;
    int code = cli_ask(call, "GET", path, &status, out_body);
    if (code != CLI_DONE) {
        return code;
    }
    if (status >= 300) {
        return cli_refuse(status, out_body);
    }

    if (sbs_forward_json_parse(out_json, sbs_forward_buffer_text(out_body), NULL) != SBS_OK) {
        return cli_fail(CLI_LOCAL, "the gateway that runs has another version: restart it");
    }
    return CLI_DONE;
}

int cli_ask_and_print(const cli_call *call, const char *method, const char *path) {
    sbs_forward_buffer body = {0};
    unsigned status = 0;

    int code = cli_ask(call, method, path, &status, &body);
    if (code == CLI_DONE && status < 300) {
        cli_put(body.data, body.len);
        code = cli_flush();
    } else if (code == CLI_DONE) {
        code = cli_refuse(status, &body);
    }

    sbs_forward_buffer_free(&body);
    return code;
}
