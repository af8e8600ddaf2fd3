/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_serial.h
 * A serial line of Linux (port/serial.h): /dev/ttyUSB2 of a modem, /dev/serial0 of a Raspberry Pi. Nothing waits.
 */
#ifndef SBS_LINUX_SERIAL_H
#define SBS_LINUX_SERIAL_H

#include "sbs/serial.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A line. Place it anywhere; it must not move while it is open. */
typedef struct sbs_linux_serial {
    struct {
        int fd; /* -1: closed */
    } priv;
} sbs_linux_serial;

/**
 * Opens the line for this process alone: raw, 8 data bits, no parity, one stop bit.
 * @param path the device.
 * @param baud 9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600.
 * @param flow_control RTS and CTS are wired, and hold back whoever is too fast.
 * @return SBS_OK; SBS_ERR_ARGUMENT: another speed; SBS_ERR_NOT_FOUND: no such device, or no right to it;
 * SBS_ERR_UNSUPPORTED: it is no serial line; SBS_ERR_NETWORK: another process has it, or the system refuses. errno says
 * more. After an error nothing needs to be closed.
 */
SBS_NODISCARD sbs_status sbs_linux_serial_open(sbs_linux_serial *line, const char *path, uint32_t baud,
                                               bool flow_control, sbs_serial *out_serial);

/** Closes it. Legal twice, and after a failed open. */
void sbs_linux_serial_close(sbs_linux_serial *line);

#ifdef __cplusplus
}
#endif
#endif
