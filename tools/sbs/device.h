/* SPDX-License-Identifier: Apache-2.0 */
/** @file device.h A device's console: a serial line, or a socket where a serial line ends (an emulator's). */
#ifndef SBS_CLI_DEVICE_H
#define SBS_CLI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_DEVICE_LINE 4096u /* longest line of a device; a JWK Set is one */

typedef struct cli_device {
    int descriptor;
    bool is_terminal;
    bool skipping; /* the rest of a line that is too long */
    size_t len;
    char line[CLI_DEVICE_LINE]; /* what has come of the line under way */
} cli_device;

/** Opens @p path: a terminal (115200 baud, raw), a Unix socket, or HOST:PORT on loopback. Returns an exit status. */
int cli_device_open(cli_device *device, const char *path);
void cli_device_close(cli_device *device);

/** Sends text, all of it. False if the device is gone; errno tells. */
bool cli_device_send(cli_device *device, const char *text);

/** The next whole line without its end, NUL-terminated and valid until the next call; NULL if none came by
 *  @p deadline_ms (monotonic), the device is gone, or a signal came. Controls are left out. */
const char *cli_device_line(cli_device *device, uint64_t deadline_ms);

#endif
