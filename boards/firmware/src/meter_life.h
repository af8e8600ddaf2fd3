/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_life.h What a device remembers of its life: how often it started, its log epoch, and a lower bound of
 * the time of day. */
#ifndef METER_LIFE_H
#define METER_LIFE_H

#include <stdbool.h>

#include "sbs/storage.h"
#include "sbs/time.h"

#define METER_LIFE_SAVE_S 3600 /**< the bound is written at most this often */

typedef struct meter_life {
    sbs_storage storage;
    uint32_t boot_id; /**< grows with every start */
    uint64_t epoch;   /**< 64 random bits, made when the queue was */
    int64_t bound_s;  /**< the time of day is not before this */
    bool loaded;
    bool renewed; /**< the record was damaged and made anew */
} meter_life;

/** Reads the record and counts this start, durably. @p built_utc_s: when the firmware was built. SBS_ERR_VERSION,
 *  SBS_ERR_STORAGE, SBS_ERR_RANDOM. */
SBS_NODISCARD sbs_status meter_life_load(meter_life *life, const sbs_storage *storage, int64_t built_utc_s);

/** The time of day, or SBS_UTC_UNKNOWN if it is before the bound and thus wrong. */
int64_t meter_life_time(const meter_life *life, int64_t utc_s);

/** The time of day was found right by somebody else (a server that gave a token): raises the bound. */
void meter_life_confirm_time(meter_life *life, int64_t utc_s);

#endif
