/* SPDX-License-Identifier: Apache-2.0 */
/* What programs of each stored format and version left behind, byte for byte: tests/golden/README.md. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of tests/golden/NAME.txt, in new memory. */
uint8_t *golden_load(const char *name, size_t *out_len);

/* Sees that the program of today writes the same. With SBS_GOLDEN=FOLDER in the environment the bytes are written there
 * as NAME.txt instead, for a format that is new. */
void golden_compare(const char *name, const void *bytes, size_t len);

#endif
