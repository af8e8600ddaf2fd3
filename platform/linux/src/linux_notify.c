/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define RECORD_SIZE 4096u

/* Sends one datagram to a Unix socket; an abstract one's name begins with '@'. */
static bool notify_send(const char *path, const char *data, size_t len) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t path_len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || path_len >= sizeof address.sun_path) {
        return false;
    }

    memcpy(address.sun_path, path, path_len);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }

    int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_fd < 0) {
        return false;
    }

    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);
    ssize_t sent = sendto(socket_fd, data, len, MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    (void)close(socket_fd);
    return sent == (ssize_t)len;
}

bool sbs_linux_notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    return path != NULL && notify_send(path, state, strlen(state));
}

/* A decimal number of the environment, 0 where there is none. */
static uint64_t notify_number(const char *name) {
    const char *text = getenv(name);
    char *end;
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }

    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 ? value : 0;
}

uint32_t sbs_linux_watchdog_ms(void) {
    uint64_t usec = notify_number("WATCHDOG_USEC");
    uint64_t pid = notify_number("WATCHDOG_PID");
    if (usec == 0 || (pid != 0 && pid != (uint64_t)getpid())) {
        return 0;
    }

    uint64_t ms = usec / 1000;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* ---- the journal ------------------------------------------------------------------------------------------------ */

/* True if standard error is the journal's stream, as systemd.exec(5) tells it: "DEVICE:INODE". */
static bool record_goes_to_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat file;
    char *end;
    if (stream == NULL || fstat(STDERR_FILENO, &file) != 0) {
        return false;
    }

    uintmax_t device = strtoumax(stream, &end, 10);
    if (*end != ':') {
        return false;
    }

    uintmax_t inode = strtoumax(end + 1, &end, 10);
    return *end == '\0' && device == (uintmax_t)file.st_dev && inode == (uintmax_t)file.st_ino;
}

/* Appends a field: NAME=VALUE, or where the value has several lines its length in 8 bytes, little-endian. What does not
 * fit is left out. */
static void record_put(char *out, size_t *inout_len, const char *name, const char *value) {
    size_t name_len = strlen(name);
    size_t value_len = strlen(value);
    if (*inout_len + name_len + value_len + 11 > RECORD_SIZE) {
        return;
    }

    memcpy(out + *inout_len, name, name_len);
    *inout_len += name_len;
    if (strchr(value, '\n') == NULL) {
        out[(*inout_len)++] = '=';
    } else {
        out[(*inout_len)++] = '\n';
        for (unsigned i = 0; i < 8; i++) {
            out[(*inout_len)++] = (char)((uint64_t)value_len >> (8 * i));
        }
    }

    memcpy(out + *inout_len, value, value_len);
    *inout_len += value_len;
    out[(*inout_len)++] = '\n';
}

void sbs_linux_record(sbs_linux_priority priority, const char *message, const sbs_linux_record_field *fields,
                      size_t count) {
    char record[RECORD_SIZE];
    char level[2] = {(char)('0' + priority), '\0'};
    size_t len = 0;

    if (record_goes_to_journal()) {
        record_put(record, &len, "MESSAGE", message);
        record_put(record, &len, "PRIORITY", level);
        for (size_t i = 0; i < count && i < SBS_LINUX_RECORD_FIELDS; i++) {
            if (fields[i].value != NULL) {
                record_put(record, &len, fields[i].name, fields[i].value);
            }
        }
        if (notify_send(JOURNAL_SOCKET, record, len)) {
            return;
        }
    }

    (void)fprintf(stderr, "<%s>%s\n", level, message);
}
