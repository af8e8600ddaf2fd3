/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_item.h"

#include "meter_bytes.h"
#include "meter_hex.h"
#include "sbs/device.h"
#include "sbs/observation.h"
#include "sbs/version.h"

#define FLAG_SETTLED 1u
#define FLAG_DEMO 2u
#define FIXED_SIZE 26u
#define TEXTS 3u
/* IEEE EUI-64 as the identifier of a device (HL7 Personal Health Device guide) */
#define EUI64_DASHED_LEN 23u

typedef struct quantity_codes {
    uint32_t mdc;
    const char *mdc_text, *mdc_name, *loinc, *loinc_name, *category, *ucum, *unit;
} quantity_codes;

static const quantity_codes quantities[METER_QUANTITIES] = {
    [METER_TEMPERATURE] = {150364, "150364", "MDC_TEMP_BODY", "8310-5", "Body temperature", "vital-signs", "Cel", "°C"},
    [METER_GLUCOSE] = {160184, "160184", "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD", "15074-8",
                       "Glucose [Moles/volume] in Blood", "laboratory", "mmol/L", "mmol/L"},
};

/* ---- in the queue ------------------------------------------------------------------------------------------------ */

size_t meter_item_write(const meter_item *item, uint8_t out[METER_ITEM_MAX]) {
    sbs_text texts[TEXTS] = {item->subject, item->patient, item->patient_system};
    uint8_t flags = 0;
    if (item->settled) {
        flags |= FLAG_SETTLED;
    }

    if (item->demo) {
        flags |= FLAG_DEMO;
    }

    uint8_t *to = out;
    *to++ = METER_ITEM_VERSION;
    *to++ = flags;
    to = meter_put_le(to, quantities[item->quantity].mdc, 4);
    to = meter_put_le(to, (uint64_t)item->value.mantissa, 4);
    *to++ = (uint8_t)item->value.exponent;
    to = meter_put_le(to, item->device, 8);
    to = meter_put_le(to, item->own_ms, 6);
    *to++ = 0; /* duration, in seconds: none of these has one */

    for (unsigned i = 0; i < TEXTS; i++) {
        *to++ = (uint8_t)texts[i].len;
        if (texts[i].len > 0) {
            memcpy(to, texts[i].ptr, texts[i].len);
        }
        to += texts[i].len;
    }

    return (size_t)(to - out);
}

/* They fill the rest of the item. */
static bool read_texts(meter_item *out, const uint8_t *data, size_t len) {
    sbs_text *texts[TEXTS] = {&out->subject, &out->patient, &out->patient_system};
    static const uint8_t most[TEXTS] = {METER_SUBJECT_MAX, METER_PATIENT_MAX, METER_PATIENT_SYSTEM_MAX};
    size_t at = 0;

    for (unsigned i = 0; i < TEXTS; i++) {
        if (at >= len || data[at] > most[i] || data[at] > len - at - 1) {
            return false;
        }

        if (data[at] > 0) {
            *texts[i] = (sbs_text){(const char *)data + at + 1, data[at]};
        }
        at += 1u + data[at];
    }

    return at == len;
}

sbs_status meter_item_read(meter_item *out, const uint8_t *data, size_t len) {
    memset(out, 0, sizeof *out);
    if (len < 1 || data[0] == 0) {
        return SBS_ERR_DAMAGED;
    }
    if (data[0] > METER_ITEM_VERSION) {
        return SBS_ERR_VERSION;
    }
    if (len < FIXED_SIZE || data[1] > (FLAG_SETTLED | FLAG_DEMO) || data[25] != 0) {
        return SBS_ERR_DAMAGED;
    }

    out->settled = (data[1] & FLAG_SETTLED) != 0;
    out->demo = (data[1] & FLAG_DEMO) != 0;
    /* A code that this version does not know makes the item unreadable, not another quantity. */
    while (out->quantity < METER_QUANTITIES && quantities[out->quantity].mdc != meter_get_le(data + 2, 4)) {
        out->quantity++;
    }

    out->value = (sbs_decimal){(int32_t)(uint32_t)meter_get_le(data + 6, 4), (int8_t)data[10]};
    out->device = meter_get_le(data + 11, 8);
    out->own_ms = meter_get_le(data + 19, 6);

    if (out->quantity >= METER_QUANTITIES || !read_texts(out, data + FIXED_SIZE, len - FIXED_SIZE)) {
        return SBS_ERR_DAMAGED;
    }

    return SBS_OK;
}

/* ---- who it is --------------------------------------------------------------------------------------------------- */

static void put_eui64(sbs_writer *out, uint64_t device, bool dashes) {
    for (unsigned i = 0; i < 8; i++) {
        if (dashes && i > 0) {
            sbs_put_char(out, '-');
        }
        meter_hex_put(out, (uint8_t)(device >> (56 - 8 * i)));
    }
}

/* The id of a reference "Type/id". */
static sbs_text reference_id(sbs_text reference) {
    const char *slash = memchr(reference.ptr, '/', reference.len);
    if (slash == NULL) {
        return reference;
    }

    size_t skipped = (size_t)(slash - reference.ptr) + 1;
    return (sbs_text){reference.ptr + skipped, reference.len - skipped};
}

/* The clock is set to whole seconds, so the times of two boots may overlap: the digits below the millisecond tell the
 * boot, lest two measurements share an identifier and the later one replaces the other on the server. */
static void put_phd(sbs_writer *out, const meter_item *item, uint32_t boot_id) {
    sbs_phd_measurement measurement = {
        .device = item->device,
        .patient = item->patient,
        .patient_system = item->patient_system,
        .type = quantities[item->quantity].mdc,
        .time = {(int64_t)item->own_ms * 1000 + boot_id % 1000u, -6},
    };

    /* Without an identifier of the patient the server's own id stands for it. */
    if (item->patient.ptr == NULL) {
        measurement.patient = reference_id(item->subject);
        measurement.patient_system = (sbs_text){NULL, 0};
    }

    sbs_identity_put_phd(out, &measurement);
}

static void put_sequence(sbs_writer *out, uint64_t device, uint64_t epoch, uint64_t number) {
    char text[16];
    sbs_writer name;
    sbs_writer_init(&name, text, sizeof text);
    put_eui64(&name, device, false);
    /* Epoch and number are the same after any restart, so a second try names the same resource. */
    sbs_identity_put_sequence(out, (sbs_text){text, sizeof text}, epoch, number);
}

/* Where the clock was set and the patient is known, the guide's rule; else device, epoch and number. */
static sbs_status meter_item_identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    meter_encoder *state = ctx;
    meter_item measured;
    sbs_writer writer;

    if (item->item->meta.format != METER_ITEM_FORMAT) {
        return SBS_ERR_VERSION;
    }

    sbs_status status = meter_item_read(&measured, item->data, item->item->len);
    if (status != SBS_OK) {
        return status;
    }

    sbs_writer_init(&writer, state->identity, sizeof state->identity);
    if (measured.settled && measured.subject.ptr != NULL) {
        put_phd(&writer, &measured, item->item->meta.boot_id);
        out->system = SBS_TEXT(SBS_SYSTEM_PHD);
    } else {
        put_sequence(&writer, measured.device, state->epoch, item->item->id);
        out->system = SBS_TEXT(SBS_SYSTEM_SEQUENCE);
    }

    out->type = SBS_TEXT("Observation");
    out->write_mode = (sbs_write_mode)state->write_mode;
    out->value.ptr = state->identity;

    return sbs_writer_finish(&writer, &out->value.len);
}

/* ---- resources --------------------------------------------------------------------------------------------------- */

/* The device's identifier on the server: its EUI-64 with dashes. */
static sbs_text dashed_eui64(uint64_t device, char out[EUI64_DASHED_LEN]) {
    sbs_writer writer;
    sbs_writer_init(&writer, out, EUI64_DASHED_LEN);
    put_eui64(&writer, device, true);
    return (sbs_text){out, EUI64_DASHED_LEN};
}

sbs_status meter_device_reference(uint64_t device, char out[METER_DEVICE_REFERENCE_SIZE]) {
    char value[EUI64_DASHED_LEN];
    memcpy(out, "Device/", 7);
    return sbs_identity_derive_id(SBS_TEXT(SBS_SYSTEM_EUI64), dashed_eui64(device, value), (sbs_text){NULL, 0},
                                  out + 7);
}

static sbs_status put_observation(const meter_encoder *state, const sbs_push_item *item, const meter_item *measured,
                                  const sbs_push_identity *identity, sbs_writer *out) {
    const quantity_codes *quantity = &quantities[measured->quantity];
    char device[METER_DEVICE_REFERENCE_SIZE];
    int16_t zone = item->item->meta.zone_minutes;
    if (zone == SBS_ZONE_UNKNOWN) {
        zone = 0;
    }

    sbs_coding category = {SBS_TEXT(SBS_SYSTEM_CATEGORY), sbs_text_of(quantity->category), {NULL, 0}};
    sbs_coding codes[] = {
        {SBS_TEXT(SBS_SYSTEM_LOINC), sbs_text_of(quantity->loinc), sbs_text_of(quantity->loinc_name)},
        {SBS_TEXT(SBS_SYSTEM_MDC), sbs_text_of(quantity->mdc_text), sbs_text_of(quantity->mdc_name)},
    };

    /* A vital sign has a subject and a time (R4 vitalsigns); what lacks one does not claim to be one. */
    bool complete = measured->subject.ptr != NULL && item->utc_s != SBS_UTC_UNKNOWN;
    sbs_observation observation = {
        .id = item->id,
        .identifier_system = identity->system,
        .identifier_value = identity->value,
        .categories = &category,
        .category_count = complete || measured->quantity == METER_GLUCOSE,
        .codes = codes,
        .code_count = 2,
        .subject = measured->subject,
        .effective_utc_s = item->utc_s,
        .effective_ms = -1,
        .zone_minutes = zone,
        .value = {.kind = SBS_VALUE_QUANTITY,
                  .decimal = measured->value,
                  .unit = sbs_text_of(quantity->unit),
                  .ucum = sbs_text_of(quantity->ucum)},
        .demo = measured->demo,
    };

    /* A reference to what the server does not hold would make it refuse the Observation. */
    if (state->device_known) {
        sbs_status status = meter_device_reference(measured->device, device);
        if (status != SBS_OK) {
            return status;
        }
        observation.device = (sbs_text){device, sizeof device};
    }

    return sbs_observation_put(out, &observation, NULL);
}

static sbs_status meter_item_encode(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity,
                                    sbs_writer *out) {
    meter_encoder *state = ctx;
    meter_item measured;

    sbs_status status = meter_item_read(&measured, item->data, item->item->len);
    if (status != SBS_OK) {
        return status;
    }

    return put_observation(state, item, &measured, identity, out);
}

sbs_push_encoder meter_item_encoder(meter_encoder *state) {
    return (sbs_push_encoder){.identify = meter_item_identify, .encode = meter_item_encode, .ctx = state};
}

sbs_status meter_device_put(sbs_writer *out, uint64_t device, bool demo) {
    char reference[METER_DEVICE_REFERENCE_SIZE];
    char value[EUI64_DASHED_LEN];
    sbs_status status = meter_device_reference(device, reference);
    if (status != SBS_OK) {
        return status;
    }

    sbs_device resource = {
        .id = {reference + 7, SBS_DERIVED_ID_LEN},
        .identifier_system = SBS_TEXT(SBS_SYSTEM_EUI64),
        .identifier_value = dashed_eui64(device, value),
        .name = SBS_TEXT("libsbs demonstration meter"),
        .version = SBS_TEXT(SBS_VERSION),
        .demo = demo,
    };
    return sbs_device_put(out, &resource);
}
