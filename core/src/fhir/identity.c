/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/identity.h"

#include <psa/crypto.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/outcome.h"
#include "sbs/psa_key.h"
#include "sbs/url.h"

#define DIGEST_USED 20u

static bool text_holds(sbs_text text, char c) {
    return text.len > 0 && memchr(text.ptr, c, text.len) != NULL;
}

static psa_status_t identity_hash(const sbs_text *parts, size_t count, uint8_t digest[32]) {
    psa_hash_operation_t hash = PSA_HASH_OPERATION_INIT;
    size_t len;
    psa_status_t status = psa_hash_setup(&hash, PSA_ALG_SHA_256);

    for (size_t i = 0; i < count && status == PSA_SUCCESS; i++) {
        if (parts[i].len > 0) {
            status = psa_hash_update(&hash, (const uint8_t *)parts[i].ptr, parts[i].len);
        }
    }

    if (status == PSA_SUCCESS) {
        status = psa_hash_finish(&hash, digest, 32, &len);
    }

    (void)psa_hash_abort(&hash);
    return status;
}

sbs_status sbs_identity_derive_id(sbs_text system, sbs_text value, sbs_text subject, char out[SBS_DERIVED_ID_LEN]) {
    const sbs_text parts[] = {system, {"|", 1}, value, {"", 1}, subject};
    uint8_t digest[32];
    if (value.len == 0 || text_holds(system, '|') || text_holds(system, '\0') || text_holds(value, '\0')) {
        return SBS_ERR_ARGUMENT;
    }

    /* A zero byte keeps the parts apart: none of them holds one. */
    size_t count = subject.len > 0 ? SBS_COUNT_OF(parts) : 3;
    psa_status_t status = identity_hash(parts, count, digest);
    if (status != PSA_SUCCESS) {
        return sbs_psa_to_status(status);
    }

    /* Ids of derived resources can be told from the server's own. */
    memcpy(out, "sbs-", 4);
    for (size_t i = 0; i < DIGEST_USED; i++) {
        out[4 + 2 * i] = sbs_hex_digit(digest[i] >> 4);
        out[5 + 2 * i] = sbs_hex_digit(digest[i]);
    }

    return SBS_OK;
}

sbs_text sbs_identity_subject(sbs_text reference) {
    sbs_text type, id;
    if (reference.len == 0 || reference.ptr[0] == '#') {
        return (sbs_text){NULL, 0};
    }
    if (sbs_location_parse(reference, &type, &id) != SBS_OK) {
        return reference;
    }

    return (sbs_text){type.ptr, (size_t)(id.ptr + id.len - type.ptr)};
}

static void search_put_part(sbs_writer *out, sbs_text part) {
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];

        /* Escaped as a search parameter first, and that percent-encoded: "%5C" is the backslash. */
        if (c == '\\' || c == ',' || c == '$' || c == '|') {
            sbs_put_string(out, "%5C");
        }
        sbs_url_put_encoded(out, (sbs_text){part.ptr + i, 1});
    }
}

void sbs_identity_put_search(sbs_writer *out, sbs_text system, sbs_text value) {
    sbs_put_string(out, "identifier=");
    search_put_part(out, system);
    sbs_put_string(out, "%7C");
    search_put_part(out, value);
}

static void identity_put_hex(sbs_writer *out, uint64_t value) {
    for (unsigned shift = 64; shift > 0; shift -= 4) {
        sbs_put_char(out, sbs_hex_digit_upper(value >> (shift - 4)));
    }
}

void sbs_identity_put_phd(sbs_writer *out, const sbs_phd_measurement *measurement) {
    if (measurement->patient.len == 0) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    identity_put_hex(out, measurement->device);
    sbs_put_char(out, '-');
    sbs_put_text(out, measurement->patient);
    if (measurement->patient_system.len > 0) {
        sbs_put_char(out, '-');
        sbs_put_text(out, measurement->patient_system);
    }

    sbs_put_char(out, '-');
    sbs_put_uint(out, measurement->type);
    sbs_put_char(out, '-');
    sbs_decimal_put(out, measurement->time);
    if (measurement->has_offset) {
        if (measurement->offset >= 0) {
            sbs_put_char(out, '+');
        }
        sbs_put_int(out, measurement->offset);
    }

    if (measurement->has_duration) {
        sbs_put_string(out, "..");
        sbs_decimal_put(out, measurement->duration);
    }
}

void sbs_identity_put_sequence(sbs_writer *out, sbs_text device, uint64_t epoch, uint64_t sequence) {
    if (device.len == 0) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
    }

    sbs_put_text(out, device);
    sbs_put_char(out, '-');
    identity_put_hex(out, epoch);
    sbs_put_char(out, '-');
    sbs_put_uint(out, sequence);
}
