/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_item.h A measurement: compact in the queue, an Observation on the wire. Its bytes are described in
 *  boards/firmware/README.md. */
#ifndef METER_ITEM_H
#define METER_ITEM_H

#include "meter_record.h"
#include "sbs/push.h"

#define METER_ITEM_FORMAT 1u /**< sbs_queue_meta.format */
#define METER_ITEM_VERSION 1u
#define METER_ITEM_MAX (29u + METER_SUBJECT_MAX + METER_PATIENT_MAX + METER_PATIENT_SYSTEM_MAX)
#define METER_IDENTITY_SIZE 256u
#define METER_DEVICE_REFERENCE_SIZE (7u + SBS_DERIVED_ID_LEN)

typedef enum meter_quantity { METER_TEMPERATURE, METER_GLUCOSE, METER_QUANTITIES } meter_quantity;

typedef struct meter_item {
    meter_quantity quantity;
    bool demo;                        /**< simulated: marked as no real data */
    bool settled;                     /**< own_ms is of a clock that was set */
    sbs_decimal value;                /**< in the quantity's unit; the mantissa has 32 bits */
    uint64_t device;                  /**< EUI-64 */
    uint64_t own_ms;                  /**< the device's own timestamp: milliseconds since 2000-01-01, 48 bits */
    sbs_text subject;                 /**< reference, absent if none */
    sbs_text patient, patient_system; /**< absent: the subject's id */
} meter_item;

/** Writes an item; returns its length. */
size_t meter_item_write(const meter_item *item, uint8_t out[METER_ITEM_MAX]);
/** Reads one; texts are spans of @p data. SBS_ERR_VERSION, SBS_ERR_DAMAGED. */
SBS_NODISCARD sbs_status meter_item_read(meter_item *out, const uint8_t *data, size_t len);

/** What the encoder knows beside the item. */
typedef struct meter_encoder {
    uint64_t epoch;     /**< 64 random bits, made when the queue was */
    bool device_known;  /**< the server holds the Device resource */
    uint8_t write_mode; /**< sbs_write_mode */
    char identity[METER_IDENTITY_SIZE];
} meter_encoder;

/** The encoder of the push engine over @p state. */
sbs_push_encoder meter_item_encoder(meter_encoder *state);

/** Writes "Device/" and the id that is derived from the EUI-64. */
SBS_NODISCARD sbs_status meter_device_reference(uint64_t device, char out[METER_DEVICE_REFERENCE_SIZE]);
/** Writes the Device resource. */
SBS_NODISCARD sbs_status meter_device_put(sbs_writer *out, uint64_t device, bool demo);

#endif
