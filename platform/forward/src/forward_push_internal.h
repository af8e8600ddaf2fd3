/* SPDX-License-Identifier: Apache-2.0 */
/** @file forward_push_internal.h What the files of a push share. */
#ifndef SBS_FORWARD_PUSH_INTERNAL_H
#define SBS_FORWARD_PUSH_INTERNAL_H

#include "sbs/forward_push.h"

#define SLOT_COUNT (SBS_FORWARD_BATCH_MAX + 1u)

/** What is known of an item; NULL if it was not looked at lately. */
sbs_forward_slot *sbs_push_slot(sbs_forward_push *push, uint64_t id);
/** What was learnt, by this push or by the one that leads. */
sbs_forward_modes *sbs_push_modes(sbs_forward_push *push);
/** The engine's encoder. */
sbs_push_encoder sbs_push_encoder_of(sbs_forward_push *push);

#endif
