/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_hex.h Hexadecimal digits, of checksums on the console and of the device's identifier. */
#ifndef METER_HEX_H
#define METER_HEX_H

#include "sbs/text.h"

/** Reads exactly 8 digits, letters in lower case. */
bool meter_hex_read(const char *text, uint32_t *out);

/** Writes a byte as two digits, letters in upper case. */
void meter_hex_put(sbs_writer *out, uint8_t byte);

#endif
