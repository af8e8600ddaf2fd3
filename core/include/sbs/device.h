/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file device.h
 * Builds a FHIR R4 Device as JSON: what measures, told once, so that its Observations can refer to it.
 */
#ifndef SBS_DEVICE_H
#define SBS_DEVICE_H

#include "sbs/fhir.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A Device. Zero-initialise, then fill in; what is absent is not written. */
typedef struct sbs_device {
    sbs_text id; /**< for PUT; absent for create */
    sbs_text identifier_system, identifier_value;
    sbs_text status;  /**< absent: "active"; one of the R4 device-status codes */
    sbs_text name;    /**< deviceName of the type user-friendly-name; may be absent */
    sbs_text version; /**< of its software; may be absent */
    bool demo;        /**< see sbs_fhir_put_demo_mark() */
} sbs_device;

/**
 * Writes one Device.
 * @return the kept error of @p out: SBS_ERR_ARGUMENT for an identifier without value, SBS_ERR_FORMAT for a text that
 * its type does not allow, SBS_ERR_BUFFER.
 */
SBS_NODISCARD sbs_status sbs_device_put(sbs_writer *out, const sbs_device *device);

#ifdef __cplusplus
}
#endif
#endif
