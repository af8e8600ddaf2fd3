/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at each memory at the moment when it is wiped, so that a wipe of a frame or of memory that is freed at once can
 * be asked for. A program that uses it is linked with --wrap=sbs_wipe. */
#ifndef WIPE_RECORD_H
#define WIPE_RECORD_H

#include <stddef.h>

/* From now on wipes are counted that find @p secret (at most 4096 bytes; a copy is kept; NULL and 0: none). */
void wipe_record_begin(const void *secret, size_t len);
/* How many wipes since then found the secret in what they wiped. */
unsigned wipe_record_found(void);
/* The same for those of exactly @p size bytes. */
unsigned wipe_record_found_in(size_t size);

#endif
