/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_record.h The provisioning record: one versioned binary record with all that an operator decides. Its
 * bytes are described in boards/firmware/README.md. */
#ifndef METER_RECORD_H
#define METER_RECORD_H

#include "sbs/push.h"

#define METER_RECORD_VERSION 2u   /**< of a record for a gateway, which older firmware does not understand */
#define METER_RECORD_VERSION_1 1u /**< of all others */
#define METER_RECORD_MAX 12288u   /**< bytes of a record */
#define METER_CA_MAX 4u
#define METER_CLIENT_ID_MAX 3072u
#define METER_URL_MAX 512u
#define METER_SCOPE_MAX 512u
#define METER_SUBJECT_MAX 80u
#define METER_PATIENT_MAX 64u
#define METER_PATIENT_SYSTEM_MAX 96u
#define METER_NTP_MAX 127u
#define METER_SECRET_BYTES 32u
#define METER_SECRET_MAX 43u /**< characters: these bytes in base64url, as `sbs-gateway device add` prints them */
#define METER_INTERVAL_MAX_S 86400u
#define METER_FIRST_DELAY_MAX_S 3600u

/** Where the assertion may be sent. */
typedef enum meter_token_policy {
    METER_TOKEN_DISCOVERED, /**< where discovery says, pinned at the first success */
    METER_TOKEN_FIXED,      /**< to this URL, without discovery */
    METER_TOKEN_PINNED      /**< where discovery says, on this origin only */
} meter_token_policy;

/** A record; texts and certificates are spans of the bytes that it was read from. Absent ones are NULL. */
typedef struct meter_record {
    const char *fhir_base;
    const char *token_url; /**< the URL or the origin; NULL if it is discovered */
    const char *client_id;
    const char *scope;
    const char *kid; /**< SBS_KID_LITERAL */
    const char *subject;
    const char *patient; /**< identifier of the patient, if it is not the subject's id */
    const char *patient_system;
    const char *ntp_server;
    const char *secret; /**< of this device at a gateway, which takes the place of a token; NULL: tokens */
    struct {
        const uint8_t *der;
        size_t len;
    } ca[METER_CA_MAX];
    uint8_t ca_count;
    uint8_t token_policy; /**< meter_token_policy */
    uint8_t kid_method;   /**< sbs_kid_method */
    uint8_t alg;          /**< sbs_alg; 0: the key's */
    uint8_t write_mode;   /**< sbs_write_mode */
    uint8_t unknown_time; /**< sbs_unknown_time */
    bool drop_oldest;     /**< when the queue is full; else new measurements are refused */
    bool plain;           /**< fhir_base is http; not written, but told by meter_record_read() */
    int16_t zone_minutes;
    uint32_t interval_s; /**< between measurements, 0: only by command */
    uint16_t first_delay_s;
} meter_record;

/**
 * Reads and checks a record: form, checksum, URLs, scopes, sizes. Plain http is for a gateway only. SBS_ERR_DAMAGED;
 * SBS_ERR_VERSION (written by newer firmware); SBS_ERR_NOT_FOUND, SBS_ERR_URL, SBS_ERR_FORMAT, SBS_ERR_TOO_LARGE with
 * the field's name in @p out_field.
 */
SBS_NODISCARD sbs_status meter_record_read(meter_record *out, const uint8_t *data, size_t len, const char **out_field);

/** Checks that every certificate can be used as an anchor. SBS_ERR_FORMAT, SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status meter_record_check_ca(const meter_record *record, const char **out_field);

/** Writes a record with its checksum. SBS_ERR_BUFFER with the size needed in @p out_len. What it writes is not checked
 *  otherwise: meter_record_read() does that. */
SBS_NODISCARD sbs_status meter_record_write(const meter_record *record, uint8_t *out, size_t size, size_t *out_len);

#endif
