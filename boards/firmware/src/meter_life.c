/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_life.h"

#include <psa/crypto.h>

#include "meter_bytes.h"

#define RECORD "life"
#define VERSION 1u
#define RECORD_SIZE 21u /* version, boot id (4), epoch (8), bound (8) */

static sbs_status save(const meter_life *life) {
    uint8_t record[RECORD_SIZE];
    uint8_t *out = record;
    *out++ = VERSION;
    out = meter_put_le(out, life->boot_id, 4);
    out = meter_put_le(out, life->epoch, 8);
    (void)meter_put_le(out, (uint64_t)life->bound_s, 8);
    return life->storage.ops->set(life->storage.ctx, RECORD, record, sizeof record);
}

static sbs_status draw(void *out, size_t len) {
    return psa_generate_random(out, len) == PSA_SUCCESS ? SBS_OK : SBS_ERR_RANDOM;
}

static sbs_status read_record(meter_life *life) {
    uint8_t record[RECORD_SIZE];
    size_t len = 0;
    sbs_status status = life->storage.ops->get(life->storage.ctx, RECORD, record, sizeof record, &len);
    if (status == SBS_ERR_BUFFER || (status == SBS_OK && len > 0 && record[0] > VERSION)) {
        return SBS_ERR_VERSION;
    }
    if (status == SBS_OK && (len != RECORD_SIZE || record[0] != VERSION)) {
        return SBS_ERR_DAMAGED;
    }
    if (status == SBS_OK) {
        life->boot_id = (uint32_t)meter_get_le(record + 1, 4);
        life->epoch = meter_get_le(record + 5, 8);
        life->bound_s = (int64_t)meter_get_le(record + 13, 8);
    }
    return status;
}

/* A first life; after damage another one, whose boot ids are unlikely to be those of items in the queue. */
static sbs_status begin(meter_life *life, bool damaged) {
    life->renewed = damaged;
    life->boot_id = 0;
    sbs_status status = damaged ? draw(&life->boot_id, sizeof life->boot_id) : SBS_OK;
    return status == SBS_OK ? draw(&life->epoch, sizeof life->epoch) : status;
}

sbs_status meter_life_load(meter_life *life, const sbs_storage *storage, int64_t built_utc_s) {
    *life = (meter_life){.storage = *storage, .bound_s = 0};
    sbs_status status = read_record(life);
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED) {
        status = begin(life, status == SBS_ERR_DAMAGED);
    }
    if (status != SBS_OK) {
        return status;
    }
    life->boot_id++;
    life->bound_s = life->bound_s < built_utc_s ? built_utc_s : life->bound_s;
    status = save(life);
    life->loaded = status == SBS_OK;
    return status;
}

int64_t meter_life_time(const meter_life *life, int64_t utc_s) {
    return utc_s < life->bound_s ? SBS_UTC_UNKNOWN : utc_s;
}

void meter_life_confirm_time(meter_life *life, int64_t utc_s) {
    if (utc_s != SBS_UTC_UNKNOWN && utc_s - life->bound_s >= METER_LIFE_SAVE_S) {
        int64_t before_s = life->bound_s;
        life->bound_s = utc_s;
        if (save(life) != SBS_OK) {
            life->bound_s = before_s;
        }
    }
}
