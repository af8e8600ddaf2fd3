/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_record.h"

#include "meter_bytes.h"
#include "meter_record_format.h"
#include "sbs/base64url.h"
#include "sbs/count.h"
#include "sbs/crc32.h"
#include "sbs/tls_trust.h"

#define ZONE_MAX 840

/* ---- form -------------------------------------------------------------------------------------------------------- */

typedef struct field_rule {
    const char *name; /* as the option of the provisioning command */
    uint16_t max;     /* bytes with the NUL */
    uint16_t place;   /* of the pointer in meter_record */
} field_rule;

static const field_rule rules[] = {
    [FIELD_FHIR] = {"fhir", METER_URL_MAX, offsetof(meter_record, fhir_base)},
    [FIELD_TOKEN] = {"token-url", METER_URL_MAX, offsetof(meter_record, token_url)},
    [FIELD_CLIENT_ID] = {"client-id", METER_CLIENT_ID_MAX + 1, offsetof(meter_record, client_id)},
    [FIELD_SCOPE] = {"scope", METER_SCOPE_MAX, offsetof(meter_record, scope)},
    [FIELD_KID] = {"kid", SBS_KID_MAX + 1, offsetof(meter_record, kid)},
    [FIELD_SUBJECT] = {"subject", METER_SUBJECT_MAX + 1, offsetof(meter_record, subject)},
    [FIELD_PATIENT] = {"patient", METER_PATIENT_MAX + 1, offsetof(meter_record, patient)},
    [FIELD_PATIENT_SYSTEM] = {"patient", METER_PATIENT_SYSTEM_MAX + 1, offsetof(meter_record, patient_system)},
    [FIELD_NTP] = {"ntp", METER_NTP_MAX + 1, offsetof(meter_record, ntp_server)},
    [FIELD_SECRET] = {"gateway-secret", METER_SECRET_MAX + 1, offsetof(meter_record, secret)},
};

static bool is_printable(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7E) {
            return false;
        }
    }

    return true;
}

static sbs_status read_string(meter_record *record, uint8_t tag, const uint8_t *data, size_t len) {
    if (len > rules[tag].max) {
        return SBS_ERR_TOO_LARGE;
    }

    const char *text = (const char *)data;
    if (len < 2 || memchr(data, 0, len) != data + len - 1 || !is_printable(text)) {
        return SBS_ERR_FORMAT;
    }

    /* The text is used where it stands in the record. */
    memcpy((char *)record + rules[tag].place, &text, sizeof text);
    return SBS_OK;
}

static sbs_status read_settings(meter_record *record, const uint8_t *data, size_t len) {
    if (len != RECORD_SETTINGS || data[5] > 1) {
        return SBS_ERR_FORMAT;
    }

    record->token_policy = data[0];
    record->kid_method = data[1];
    record->alg = data[2];
    record->write_mode = data[3];
    record->unknown_time = data[4];
    record->drop_oldest = data[5] == 1;
    record->zone_minutes = (int16_t)(uint16_t)meter_get_le(data + 6, 2);
    record->interval_s = (uint32_t)meter_get_le(data + 8, 4);
    record->first_delay_s = (uint16_t)meter_get_le(data + 12, 2);

    return SBS_OK;
}

static sbs_status read_field(meter_record *record, uint8_t tag, const uint8_t *data, size_t len,
                             const char **out_field) {
    if (tag == FIELD_CA) {
        *out_field = "ca";
        if (record->ca_count >= METER_CA_MAX) {
            return SBS_ERR_TOO_LARGE;
        }
        record->ca[record->ca_count].der = data;
        record->ca[record->ca_count].len = len;
        record->ca_count++;
        return SBS_OK;
    }

    if (tag == FIELD_SETTINGS) {
        *out_field = "settings";
        return read_settings(record, data, len);
    }

    *out_field = rules[tag].name;
    return read_string(record, tag, data, len);
}

/* Fields stand in the order of their tags, and the settings are always there. */
static sbs_status read_fields(meter_record *record, const uint8_t *data, size_t len, const char **out_field) {
    uint8_t last = 0;
    bool settled = false;
    size_t at = 0;

    while (at < len) {
        *out_field = "";
        if (len - at < RECORD_FIELD) {
            return SBS_ERR_DAMAGED;
        }

        uint8_t tag = data[at];
        size_t field_len = (size_t)meter_get_le(data + at + 1, 2);
        at += RECORD_FIELD;
        /* In order and each once: two records with the same meaning are the same bytes. */
        bool in_order = tag > last || (tag == last && tag == FIELD_CA);
        if (!in_order || tag >= FIELD_END || field_len > len - at) {
            return SBS_ERR_DAMAGED;
        }

        sbs_status status = read_field(record, tag, data + at, field_len, out_field);
        if (status != SBS_OK) {
            return status;
        }
        settled |= tag == FIELD_SETTINGS;
        last = tag;
        at += field_len;
    }

    *out_field = "settings";
    if (!settled) {
        return SBS_ERR_NOT_FOUND;
    }
    return SBS_OK;
}

/* ---- content ----------------------------------------------------------------------------------------------------- */

static sbs_status check_url(const char *text, bool origin) {
    sbs_url url;
    if (sbs_url_parse(sbs_text_of(text), &url) != SBS_OK || !url.https) {
        return SBS_ERR_URL;
    }
    if (origin && (url.path.len > 0 || url.query.len > 0)) {
        return SBS_ERR_URL;
    }

    return SBS_OK;
}

static bool has_prefix(sbs_text text, const char *prefix) {
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* At least one system scope, none of a person's; what servers want besides is theirs (".../.default"). */
static sbs_status check_scope(const char *text) {
    sbs_text list = sbs_text_of(text);
    sbs_text token;
    sbs_scope scope;
    bool found = false;

    if (!sbs_scope_list_is_valid(list)) {
        return SBS_ERR_FORMAT;
    }

    while (sbs_scope_next(&list, &token)) {
        if (has_prefix(token, "user/") || has_prefix(token, "patient/")) {
            return SBS_ERR_FORMAT;
        }
        if (has_prefix(token, "system/")) {
            if (sbs_scope_parse(token, &scope) != SBS_OK) {
                return SBS_ERR_FORMAT;
            }
            found = true;
        }
    }

    if (!found) {
        return SBS_ERR_FORMAT;
    }
    return SBS_OK;
}

/* "Type/id", as a reference of the server's own. */
static sbs_status check_subject(const char *text) {
    const char *slash = strchr(text, '/');
    if (slash == NULL || !sbs_fhir_type_is_valid((sbs_text){text, (size_t)(slash - text)})) {
        return SBS_ERR_FORMAT;
    }
    if (!sbs_fhir_id_is_valid(sbs_text_of(slash + 1))) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

/* What is a host and nothing else in a URL. */
static bool is_host(const char *text) {
    sbs_url url;
    char buffer[SBS_HOST_SIZE + 8];
    sbs_writer out;

    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_put_string(&out, "https://");
    sbs_put_string(&out, text);

    return out.error == SBS_OK && sbs_url_parse((sbs_text){buffer, out.len}, &url) == SBS_OK &&
           url.host.len == out.len - 8;
}

/* A gateway gives no tokens, and a condition of a PUT is none that it can keep. */
static sbs_status check_settings(const meter_record *record, const char **out_field) {
    static const char *const names[] = {"token-policy", "kid", "alg", "write-mode", "unknown-time", "zone", "interval"};
    bool gateway = record->secret != NULL;
    bool right[] = {
        record->token_policy <= METER_TOKEN_PINNED && (!gateway || record->token_policy == METER_TOKEN_DISCOVERED),
        record->kid_method <= SBS_KID_NONE && (record->kid_method == SBS_KID_LITERAL) == (record->kid != NULL),
        record->alg <= SBS_ES384,
        record->write_mode <= SBS_WRITE_PLAIN && (!gateway || record->write_mode == SBS_WRITE_IF_NONE_EXIST),
        record->unknown_time <= SBS_UNKNOWN_TIME_DEAD,
        record->zone_minutes >= -ZONE_MAX && record->zone_minutes <= ZONE_MAX,
        record->interval_s <= METER_INTERVAL_MAX_S && record->first_delay_s <= METER_FIRST_DELAY_MAX_S,
    };

    for (size_t i = 0; i < SBS_COUNT_OF(right); i++) {
        *out_field = names[i];
        if (!right[i]) {
            return SBS_ERR_FORMAT;
        }
    }

    return SBS_OK;
}

static sbs_status check_token_url(const meter_record *record) {
    if ((record->token_policy == METER_TOKEN_DISCOVERED) != (record->token_url == NULL)) {
        return SBS_ERR_FORMAT;
    }
    if (record->token_url == NULL) {
        return SBS_OK;
    }

    return check_url(record->token_url, record->token_policy == METER_TOKEN_PINNED);
}

/* A patient's identifier needs a subject, and its system an identifier. */
static sbs_status check_people(const meter_record *record, const char **out_field) {
    if (record->subject != NULL) {
        sbs_status status = check_subject(record->subject);
        if (status != SBS_OK) {
            *out_field = "subject";
            return status;
        }
    }

    bool without_subject = record->subject == NULL && record->patient != NULL;
    bool without_value = record->subject != NULL && record->patient == NULL && record->patient_system != NULL;
    if (without_subject || without_value) {
        *out_field = "patient";
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

/* A base is a URL without a query (sbs_client_init asks for that, too). Without TLS it is a gateway's. */
static sbs_status check_base(meter_record *record) {
    sbs_url url;
    if (record->fhir_base == NULL) {
        return SBS_ERR_NOT_FOUND;
    }
    if (sbs_url_parse(sbs_text_of(record->fhir_base), &url) != SBS_OK || url.query.ptr != NULL) {
        return SBS_ERR_URL;
    }

    record->plain = !url.https;
    if (record->plain && record->secret == NULL) {
        return SBS_ERR_URL;
    }
    return SBS_OK;
}

/* What asks for tokens has no place beside a secret, nor have certificates where there is no TLS: nobody is to believe
 * that they count. */
static sbs_status check_complete(const meter_record *record, bool gateway, const char **out_field) {
    static const char *const names[] = {"client-id", "scope", "ca", "gateway-secret"};
    bool there[] = {record->client_id != NULL, record->scope != NULL, record->ca_count > 0, record->secret != NULL};
    bool wanted[] = {!gateway, !gateway, !record->plain, gateway};
    for (size_t i = 0; i < SBS_COUNT_OF(there); i++) {
        *out_field = names[i];
        if (there[i] != wanted[i]) {
            return wanted[i] ? SBS_ERR_NOT_FOUND : SBS_ERR_FORMAT;
        }
    }

    return SBS_OK;
}

static sbs_status check_secret(const char *text) {
    uint8_t bytes[METER_SECRET_BYTES];
    size_t len = 0;
    sbs_status status = sbs_base64url_decode(text, strlen(text), bytes, sizeof bytes, &len);
    sbs_wipe(bytes, sizeof bytes);

    if (status != SBS_OK || len != sizeof bytes) {
        return SBS_ERR_FORMAT;
    }
    return SBS_OK;
}

/* What says who the device is: to a gateway, or to whom tokens are asked of. */
static sbs_status check_login(const meter_record *record, const char **out_field) {
    *out_field = "token-url";
    sbs_status status = check_token_url(record);
    if (status != SBS_OK) {
        return status;
    }

    if (record->secret != NULL) {
        *out_field = "gateway-secret";
        return check_secret(record->secret);
    }

    *out_field = "scope";
    return check_scope(record->scope);
}

/* Where it fails, @p out_field is the first field at fault. */
static sbs_status check_content(meter_record *record, bool gateway, const char **out_field) {
    *out_field = "fhir";
    sbs_status status = check_base(record);
    if (status == SBS_OK) {
        status = check_complete(record, gateway, out_field);
    }

    if (status == SBS_OK) {
        status = check_settings(record, out_field);
    }

    if (status == SBS_OK) {
        status = check_login(record, out_field);
    }

    if (status == SBS_OK) {
        status = check_people(record, out_field);
    }

    if (status == SBS_OK && record->ntp_server != NULL && !is_host(record->ntp_server)) {
        *out_field = "ntp";
        status = SBS_ERR_FORMAT;
    }

    return status;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static bool is_whole(const uint8_t *data, size_t len) {
    return len >= RECORD_HEADER + RECORD_CRC && len <= METER_RECORD_MAX && memcmp(data, RECORD_MAGIC, 4) == 0 &&
           meter_get_le(data + 6, 2) == len &&
           sbs_crc32(0, data, len - RECORD_CRC) == meter_get_le(data + len - RECORD_CRC, RECORD_CRC);
}

sbs_status meter_record_read(meter_record *out, const uint8_t *data, size_t len, const char **out_field) {
    *out_field = "";
    memset(out, 0, sizeof *out);
    if (!is_whole(data, len)) {
        return SBS_ERR_DAMAGED;
    }
    if (data[4] > METER_RECORD_VERSION) {
        return SBS_ERR_VERSION;
    }
    if (data[4] < METER_RECORD_VERSION_1 || data[5] != 0) {
        return SBS_ERR_DAMAGED;
    }

    sbs_status status = read_fields(out, data + RECORD_HEADER, len - RECORD_HEADER - RECORD_CRC, out_field);
    if (status == SBS_OK) {
        status = check_content(out, data[4] == METER_RECORD_VERSION, out_field);
    }

    if (status == SBS_OK) {
        *out_field = "";
    }

    return status;
}

sbs_status meter_record_check_ca(const meter_record *record, const char **out_field) {
    *out_field = "ca";
    for (unsigned i = 0; i < record->ca_count; i++) {
        /* One at a time, which takes the least memory. */
        sbs_tls_trust trust;
        sbs_tls_trust_init(&trust);
        sbs_status status = sbs_tls_trust_add_der(&trust, record->ca[i].der, record->ca[i].len);
        sbs_tls_trust_deinit(&trust);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}
