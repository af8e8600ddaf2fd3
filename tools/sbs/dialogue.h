/* SPDX-License-Identifier: Apache-2.0 */
/** @file dialogue.h The lines that go to a device and come from it while it is provisioned (boards/firmware/README.md).
 */
#ifndef SBS_CLI_DIALOGUE_H
#define SBS_CLI_DIALOGUE_H

#include <stdint.h>

#include "device.h"

/** Prints the device's JWK Set on standard output. Returns an exit status. */
int cli_dialogue_jwks(cli_device *device, uint64_t deadline_ms);

/** Sends a record, piece by piece. CLI_DONE: the device has accepted it. Returns an exit status. */
int cli_dialogue_send(cli_device *device, const uint8_t *record, size_t len, uint64_t deadline_ms);

/** Waits until the device has got a token with the record, or was taken by the gateway. Returns an exit status. */
int cli_dialogue_confirm(cli_device *device, bool gateway, uint64_t deadline_ms);

#endif
