/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_life.h"

#include <psa/crypto.h>

#include "meter_bytes.h"

#define RECORD "life"
#define VERSION 1u
#define RECORD_SIZE 21u /* version, boot id (4), epoch (8), bound (8) */

static sbs_status save_life(const meter_life *life) {
    uint8_t record[RECORD_SIZE];
    uint8_t *out = record;

    *out++ = VERSION;
    out = meter_put_le(out, life->boot_id, 4);
    out = meter_put_le(out, life->epoch, 8);
    (void)meter_put_le(out, (uint64_t)life->bound_s, 8);

    return life->storage.ops->set(life->storage.ctx, RECORD, record, sizeof record);
}

static sbs_status draw_random(void *out, size_t len) {
    if (psa_generate_random(out, len) != PSA_SUCCESS) {
        return SBS_ERR_RANDOM;
    }
    return SBS_OK;
}

static sbs_status read_life(meter_life *life) {
    uint8_t record[RECORD_SIZE];
    size_t len = 0;

    sbs_status status = life->storage.ops->get(life->storage.ctx, RECORD, record, sizeof record, &len);
    if (status == SBS_ERR_BUFFER) { /* longer than this version's */
        return SBS_ERR_VERSION;
    }
    if (status != SBS_OK) {
        return status;
    }
    if (len > 0 && record[0] > VERSION) {
        return SBS_ERR_VERSION;
    }
    if (len != RECORD_SIZE || record[0] != VERSION) {
        return SBS_ERR_DAMAGED;
    }

    life->boot_id = (uint32_t)meter_get_le(record + 1, 4);
    life->epoch = meter_get_le(record + 5, 8);
    life->bound_s = (int64_t)meter_get_le(record + 13, 8);

    return SBS_OK;
}

/* A first life; after damage another one, whose boot ids are unlikely to be those of items in the queue. */
static sbs_status begin_life(meter_life *life, bool damaged) {
    life->renewed = damaged;
    life->boot_id = 0;
    if (damaged) {
        sbs_status status = draw_random(&life->boot_id, sizeof life->boot_id);
        if (status != SBS_OK) {
            return status;
        }
    }

    return draw_random(&life->epoch, sizeof life->epoch);
}

sbs_status meter_life_load(meter_life *life, const sbs_storage *storage, int64_t built_utc_s) {
    *life = (meter_life){.storage = *storage, .bound_s = 0};
    sbs_status status = read_life(life);
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED) {
        status = begin_life(life, status == SBS_ERR_DAMAGED);
    }

    if (status != SBS_OK) {
        return status;
    }

    /* Written before anything is measured: no two starts share a number. */
    life->boot_id++;
    /* The firmware may have been replaced since. */
    if (life->bound_s < built_utc_s) {
        life->bound_s = built_utc_s;
    }

    status = save_life(life);
    life->loaded = status == SBS_OK;
    return status;
}

int64_t meter_life_time(const meter_life *life, int64_t utc_s) {
    return utc_s < life->bound_s ? SBS_UTC_UNKNOWN : utc_s;
}

void meter_life_confirm_time(meter_life *life, int64_t utc_s) {
    if (utc_s == SBS_UTC_UNKNOWN || utc_s - life->bound_s < METER_LIFE_SAVE_S) {
        return;
    }

    int64_t before_s = life->bound_s;
    life->bound_s = utc_s;
    if (save_life(life) != SBS_OK) {
        life->bound_s = before_s;
    }
}
