/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file utf8.h
 * UTF-8 as RFC 3629 has it; private to the core.
 */
#ifndef SBS_UTF8_H
#define SBS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/**
 * The length, 1 to 4, of the well-formed sequence that starts at @p text, of which @p len > 0 bytes are there.
 * 0 if it is malformed: cut off, overlong, a surrogate, or above U+10FFFF.
 */
size_t sbs_utf8_sequence(const char *text, size_t len);

/** Encodes a Unicode scalar value (not a surrogate, at most U+10FFFF); returns the 1 to 4 bytes written. */
size_t sbs_utf8_encode(uint32_t code_point, char out[4]);

#endif
