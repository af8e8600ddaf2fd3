/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_serial.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "sbs/count.h"

static const struct {
    uint32_t baud;
    speed_t speed;
} serial_speeds[] = {{9600, B9600},     {19200, B19200},   {38400, B38400},   {57600, B57600},
                     {115200, B115200}, {230400, B230400}, {460800, B460800}, {921600, B921600}};

static bool serial_speed(uint32_t baud, speed_t *out_speed) {
    for (size_t i = 0; i < SBS_COUNT_OF(serial_speeds); i++) {
        if (serial_speeds[i].baud == baud) {
            *out_speed = serial_speeds[i].speed;
            return true;
        }
    }

    return false;
}

/* Nothing there now, or the line is gone. */
static sbs_status serial_status(ssize_t done, size_t *out_done) {
    *out_done = 0;
    if (done > 0) {
        *out_done = (size_t)done;
        return SBS_OK;
    }

    if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return SBS_PENDING;
    }
    return SBS_ERR_NETWORK;
}

static sbs_status serial_read(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    const sbs_linux_serial *line = ctx;
    return serial_status(read(line->priv.fd, buffer, size), out_len);
}

static sbs_status serial_write(void *ctx, const uint8_t *data, size_t len, size_t *out_written) {
    const sbs_linux_serial *line = ctx;
    return serial_status(write(line->priv.fd, data, len), out_written);
}

static sbs_wait serial_waits_for(void *ctx, uint8_t events) {
    const sbs_linux_serial *line = ctx;
    return (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .events = events, .descriptor = line->priv.fd};
}

static const sbs_serial_ops serial_ops = {.read = serial_read, .write = serial_write, .waits_for = serial_waits_for};

static sbs_status serial_set_up(int fd, speed_t speed, bool flow_control) {
    struct termios settings;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        return SBS_ERR_NETWORK;
    }

    if (tcgetattr(fd, &settings) != 0) {
        return SBS_ERR_UNSUPPORTED;
    }

    cfmakeraw(&settings);
    settings.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
    settings.c_cflag |= CLOCAL | CREAD;
    if (flow_control) {
        settings.c_cflag |= CRTSCTS;
    }
    settings.c_cc[VMIN] = 1; /* nothing there is EAGAIN, and no end */
    settings.c_cc[VTIME] = 0;

    if (cfsetispeed(&settings, speed) != 0 || cfsetospeed(&settings, speed) != 0 ||
        tcsetattr(fd, TCSANOW, &settings) != 0) {
        return SBS_ERR_NETWORK;
    }

    return SBS_OK;
}

sbs_status sbs_linux_serial_open(sbs_linux_serial *line, const char *path, uint32_t baud, bool flow_control,
                                 sbs_serial *out_serial) {
    speed_t speed;
    line->priv.fd = -1;
    if (!serial_speed(baud, &speed)) {
        return SBS_ERR_ARGUMENT;
    }

    line->priv.fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (line->priv.fd < 0) {
        return SBS_ERR_NOT_FOUND;
    }

    sbs_status status = serial_set_up(line->priv.fd, speed, flow_control);
    if (status != SBS_OK) {
        int why = errno;
        sbs_linux_serial_close(line);
        errno = why;
        return status;
    }

    *out_serial = (sbs_serial){.ops = &serial_ops, .ctx = line};
    return SBS_OK;
}

void sbs_linux_serial_close(sbs_linux_serial *line) {
    if (line->priv.fd >= 0) {
        (void)close(line->priv.fd);
        line->priv.fd = -1;
    }
}
