/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_record_format.h The bytes of a record, for its reader and writer. */
#ifndef METER_RECORD_FORMAT_H
#define METER_RECORD_FORMAT_H

#define RECORD_MAGIC "SBSR"
#define RECORD_HEADER 8u    /* magic, version, 0, length of all (2) */
#define RECORD_CRC 4u       /* at the end */
#define RECORD_FIELD 3u     /* tag, length (2) */
#define RECORD_SETTINGS 14u /* bytes of the field of settings */

/* Tags in the order in which fields stand; only certificates may stand several times. */
enum {
    FIELD_FHIR = 1,
    FIELD_TOKEN,
    FIELD_CLIENT_ID,
    FIELD_SCOPE,
    FIELD_KID,
    FIELD_SUBJECT,
    FIELD_PATIENT,
    FIELD_PATIENT_SYSTEM,
    FIELD_NTP,
    FIELD_SETTINGS,
    FIELD_CA,
    FIELD_SECRET, /* since version 2 */
    FIELD_END
};

#endif
