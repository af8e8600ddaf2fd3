/* SPDX-License-Identifier: Apache-2.0 */
/* A record over the console, line by line, and its trial: it replaces the one on the flash once a token was obtained
 * with it. Until then nothing is written, so that a power cut restores the old one by itself. Without an old one the
 * new one is stored at once. */
#include "meter_internal.h"
#include "sbs/base64url.h"
#include "sbs/crc32.h"

#define PIECE_MAX 96u /* bytes of one line */

static void answer(meter *m, const char *word, uint64_t number) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "provision: ");
    sbs_put_string(out, word);
    sbs_put_char(out, ' ');
    sbs_put_uint(out, number);
    meter_end(m);
}

static void refuse(meter *m, const char *field, sbs_status why) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "provision: error field=");
    sbs_put_string(out, *field != '\0' ? field : "record");
    sbs_put_char(out, ' ');
    sbs_put_string(out, sbs_status_text(why));
    meter_end(m);
}

static void tell(meter *m, const char *word, sbs_status why) {
    const sbs_detail *detail = sbs_client_detail(&m->client);
    bool answered = sbs_status_group(why) != SBS_CLASS_LATER;
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "provision: ");
    sbs_put_string(out, word);
    sbs_put_string(out, answered ? " by=server " : " by=network ");
    sbs_put_string(out, sbs_step_text(detail->step));
    sbs_put_string(out, ": ");
    sbs_put_string(out, sbs_status_text(why));
    if (detail->oauth != SBS_OAUTH_NONE) {
        sbs_put_string(out, ", ");
        sbs_put_string(out, sbs_oauth_error_name(detail->oauth));
    }
    meter_end(m);
}

void meter_intake_end(meter *m) {
    meter_release(&m->intake, m->intake_size);
    m->intake_size = m->intake_len = 0;
}

void meter_resume(meter *m) {
    meter_wait(m, 0);
    meter_session_close(m);
    sbs_status status = meter_load_record(m);
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_VERSION || status == SBS_ERR_DAMAGED) {
        if (status != SBS_ERR_NOT_FOUND) {
            meter_say_status(m, "record", status);
        }
        meter_mount_queue(m);
        m->retry_ms = m->fault != SBS_OK ? m->now.mono_ms + METER_STORAGE_RETRY_MS : 0;
        meter_set_condition(m, status == SBS_ERR_VERSION ? METER_NEWER_RECORD : METER_UNPROVISIONED);
        return;
    }
    if (status == SBS_OK) {
        status = meter_session_open(m);
    }
    if (status != SBS_OK) { /* storage or memory: again in a while */
        meter_say_status(m, "record", status);
        m->fault = sbs_status_group(status) == SBS_CLASS_LATER ? SBS_OK : status;
        m->retry_ms = m->now.mono_ms + METER_STORAGE_RETRY_MS;
        meter_show_change(m);
    }
}

/* ---- lines
 * ------------------------------------------------------------------------------------------------------------------ */

static bool parse_hex32(const char *text, uint32_t *out) {
    uint32_t value = 0;
    unsigned digits = 0;
    for (; *text != '\0'; text++, digits++) {
        int digit = *text >= '0' && *text <= '9' ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : -1;
        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint32_t)digit;
    }
    *out = value;
    return digits == 8;
}

static void begin(meter *m, const char *const *words, size_t count) {
    uint64_t size;
    if (count != 3 || sbs_text_to_uint(sbs_text_of(words[2]), &size) != SBS_OK || size < 16 ||
        size > METER_RECORD_MAX) {
        refuse(m, "size", SBS_ERR_TOO_LARGE);
        return;
    }
    if (m->phase < METER_PHASE_IDLE || m->condition == METER_KEY_LOST) {
        refuse(m, "device", SBS_ERR_STATE); /* it has no key yet */
        return;
    }
    meter_session_close(m); /* the record in use goes on from the flash if this one is not to be */
    meter_drop_record(m);
    meter_intake_end(m);
    m->intake_size = METER_BLOCK_HEADER + (size_t)size;
    m->intake = meter_allocate(m->intake_size);
    if (m->intake == NULL) {
        m->intake_size = 0;
        refuse(m, "size", SBS_ERR_MEMORY);
        meter_resume(m);
        return;
    }
    m->intake_len = METER_BLOCK_HEADER;
    m->intake_ms = m->now.mono_ms;
    meter_set_condition(m, METER_PROVISIONING);
    answer(m, "ready", PIECE_MAX);
}

/* `provision data OFFSET BASE64URL CRC`: taken if it is the next piece and whole, otherwise asked for again. */
static void take_piece(meter *m, const char *const *words, size_t count) {
    uint8_t piece[PIECE_MAX];
    uint64_t offset;
    uint32_t crc;
    size_t len = 0;
    size_t got = m->intake_len - METER_BLOCK_HEADER;
    bool right = count == 5 && sbs_text_to_uint(sbs_text_of(words[2]), &offset) == SBS_OK && offset == got &&
                 parse_hex32(words[4], &crc) &&
                 sbs_base64url_decode(words[3], strlen(words[3]), piece, sizeof piece, &len) == SBS_OK &&
                 len <= m->intake_size - m->intake_len && sbs_crc32(0, piece, len) == crc;
    if (right) {
        memcpy(m->intake + m->intake_len, piece, len);
        m->intake_len += len;
        m->intake_ms = m->now.mono_ms;
    }
    sbs_wipe(piece, sizeof piece);
    answer(m, right ? "ok" : "again", m->intake_len - METER_BLOCK_HEADER);
}

static void give_up(meter *m) {
    meter_intake_end(m);
    meter_resume(m);
}

void meter_intake_poll(meter *m) {
    uint64_t silent_ms = m->now.mono_ms - m->intake_ms;
    if (silent_ms >= METER_INTAKE_SILENCE_MS) {
        meter_say_line(m, "provision: given up");
        give_up(m);
        return;
    }
    meter_wait(m, METER_INTAKE_SILENCE_MS - silent_ms);
}

/* ---- the trial
 * ---------------------------------------------------------------------------------------------------------------- */

static sbs_status check_alg(const meter *m, const char **out_field) {
    *out_field = "alg";
    return m->record.alg == 0 || m->record.alg == (uint8_t)meter_keys_alg(m->keys.current) ? SBS_OK
                                                                                           : SBS_ERR_UNSUPPORTED;
}

static sbs_status accept(meter *m, const char **out_field) {
    sbs_status status = meter_read_block(m, out_field);
    if (status == SBS_OK) {
        status = meter_record_check_ca(&m->record, out_field);
    }
    if (status == SBS_OK) {
        status = check_alg(m, out_field);
    }
    *out_field = status == SBS_OK ? "storage" : *out_field;
    m->trial = status == SBS_OK && meter_has_stored_record(m);
    if (status == SBS_OK && !m->trial) {
        status = meter_save_record(m);
    }
    if (status == SBS_OK) {
        *out_field = "record";
        m->interval_s = m->record.interval_s;
        m->waited_first = true; /* somebody waits for the answer */
        status = meter_session_open(m);
    }
    return status;
}

static void end(meter *m) {
    const char *field = "";
    if (m->intake_len != m->intake_size) {
        answer(m, "again", m->intake_len - METER_BLOCK_HEADER);
        return;
    }
    m->block = m->intake;
    m->block_size = m->intake_size;
    m->intake = NULL;
    m->intake_size = m->intake_len = 0;
    meter_stamp_block(m);
    sbs_status status = accept(m, &field);
    if (status != SBS_OK) {
        refuse(m, field, status);
        meter_resume(m);
        return;
    }
    m->trial_end_ms = m->now.mono_ms + METER_TRIAL_MS;
    m->was_ready = false;
    meter_say_line(m, m->trial ? "provision: trying" : "provision: stored");
}

void meter_trial_passed(meter *m) {
    bool news = m->trial || !m->confirmed;
    if (m->trial) {
        sbs_status status = meter_save_record(m);
        if (status != SBS_OK) {
            refuse(m, "storage", status);
            meter_resume(m);
            return;
        }
    }
    m->trial = false;
    m->confirmed = true;
    if (news) {
        meter_save_progress(m);
        meter_say_line(m, "provision: confirmed");
    }
}

bool meter_trial_failed(meter *m, sbs_status why) {
    if (!m->trial) {
        if (!m->confirmed) {
            tell(m, "unconfirmed", why);
        }
        return true;
    }
    if (sbs_status_group(why) == SBS_CLASS_LATER && m->now.mono_ms < m->trial_end_ms) {
        return true;
    }
    tell(m, "restored", why);
    meter_resume(m);
    return false;
}

void meter_provision(meter *m, const char *const *words, size_t count) {
    const char *verb = count > 1 ? words[1] : "";
    if (strcmp(verb, "begin") == 0) {
        begin(m, words, count);
    } else if (m->intake == NULL) {
        meter_say_line(m, "provision: no record is under way; 'sbs provision' writes one");
    } else if (strcmp(verb, "data") == 0) {
        take_piece(m, words, count);
    } else if (strcmp(verb, "end") == 0) {
        end(m);
    } else {
        meter_say_line(m, "provision: given up");
        give_up(m);
    }
}
