/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in front of an item's bytes: two bytes of flags tell how each field is kept, and the fields follow. */
#ifndef SBS_FLASH_QUEUE_META_H
#define SBS_FLASH_QUEUE_META_H

#include "sbs/queue.h"

#define QUEUE_META_MIN 2u
#define QUEUE_META_MAX 32u

/* Bytes written to out. */
size_t sbs_flash_queue_meta_encode(const sbs_queue_meta *meta, uint8_t out[QUEUE_META_MAX]);
/* Bytes of the fields, from the first two bytes. */
size_t sbs_flash_queue_meta_size(const uint8_t in[QUEUE_META_MIN]);
void sbs_flash_queue_meta_decode(const uint8_t in[QUEUE_META_MAX], sbs_queue_meta *out);

#endif
