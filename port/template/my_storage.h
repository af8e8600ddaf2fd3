/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MY_STORAGE_H
#define MY_STORAGE_H

#include <stdbool.h>

#include "sbs/storage.h"

typedef struct my_storage {
    bool is_mounted;
} my_storage;

/** Makes @p out_storage a record store over @p state, which must outlive it. */
void my_storage_init(my_storage *state, sbs_storage *out_storage);

#endif
