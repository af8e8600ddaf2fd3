/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MY_KEY_H
#define MY_KEY_H

#include "sbs/key.h"

typedef struct my_key {
    int slot;
} my_key;

/** Makes @p out_key a key port over the element's key in @p slot. @p state must outlive it. */
void my_key_init(my_key *state, int slot, sbs_key *out_key);

#endif
