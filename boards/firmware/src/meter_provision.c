/* SPDX-License-Identifier: Apache-2.0 */
/* A record over the console, line by line, and its trial: it replaces the one on the flash once a token was obtained
 * with it, or a gateway knew its secret. Until then nothing is written, so that a power cut restores the old one by
 * itself. Without an old one the new one is stored at once. */
#include "meter_hex.h"
#include "meter_internal.h"
#include "sbs/base64url.h"
#include "sbs/crc32.h"

#define SILENCE_MS 20000u /* a record whose next line does not come is given up */
#define TRIAL_MS 120000u  /* a new record gets this long, with network and time */
#define PIECE_MAX 96u     /* bytes of one line */
#define RECORD_MIN 16u

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void answer_number(meter *m, const char *word, uint64_t number) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "provision: ");
    sbs_put_string(out, word);
    sbs_put_char(out, ' ');
    sbs_put_uint(out, number);
    meter_end(m);
}

static void answer_refusal(meter *m, const char *field, sbs_status why) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "provision: error field=");
    sbs_put_string(out, field);
    sbs_put_char(out, ' ');
    sbs_put_string(out, sbs_status_text(why));
    meter_end(m);
}

static void answer_failure(meter *m, const char *word, sbs_status why) {
    const sbs_detail *detail = sbs_client_detail(&m->session.client);
    /* Whoever provisions has to know where to look. */
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

/* ---- the record on the flash again ------------------------------------------------------------------------------- */

void meter_intake_free(meter *m) {
    meter_release(&m->trial.intake, m->trial.intake_size);
    m->trial.intake_size = m->trial.intake_len = 0;
}

/* No record, or none that this firmware can use: the queue is there all the same. */
static void resume_without_record(meter *m, sbs_status why) {
    if (why != SBS_ERR_NOT_FOUND) {
        meter_say_status(m, "record", why);
    }

    /* Measurements of a record that was lost are kept for the next one. */
    meter_mount_queue(m);
    m->session.retry_ms = 0;
    if (m->fault != SBS_OK) {
        meter_retry_in(m, METER_STORAGE_RETRY_MS);
    }

    meter_set_condition(m, why == SBS_ERR_VERSION ? METER_NEWER_RECORD : METER_UNPROVISIONED);
}

void meter_resume(meter *m) {
    meter_wait(m, 0);
    meter_session_close(m);
    sbs_status status = meter_load_record(m);
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_VERSION || status == SBS_ERR_DAMAGED) {
        resume_without_record(m, status);
        return;
    }

    if (status == SBS_OK) {
        status = meter_session_open(m);
    }

    if (status == SBS_OK) {
        return;
    }

    /* Storage or memory: again in a while. That memory is short is no fault of the storage. */
    meter_say_status(m, "record", status);
    m->fault = status;

    if (sbs_status_group(status) == SBS_CLASS_LATER) {
        m->fault = SBS_OK;
    }

    meter_retry_in(m, METER_STORAGE_RETRY_MS);
    meter_show_change(m);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* `provision begin LENGTH` */
static void begin_intake(meter *m, const char *const *words, size_t count) {
    uint64_t size;
    if (count != 3 || sbs_text_to_uint(sbs_text_of(words[2]), &size) != SBS_OK || size < RECORD_MIN ||
        size > METER_RECORD_MAX) {
        answer_refusal(m, "size", SBS_ERR_TOO_LARGE);
        return;
    }

    if (m->session.phase < METER_PHASE_IDLE || m->condition == METER_KEY_LOST) {
        answer_refusal(m, "device", SBS_ERR_STATE); /* it has no key yet */
        return;
    }

    /* The record in use makes room. It goes on from the flash if the new one is not to be. */
    meter_session_close(m);
    meter_drop_record(m);
    meter_intake_free(m);
    m->trial.intake = meter_allocate(METER_BLOCK_HEADER + (size_t)size);

    if (m->trial.intake == NULL) {
        answer_refusal(m, "size", SBS_ERR_MEMORY);
        meter_resume(m);
        return;
    }

    /* The header in front is filled in when the record is complete. */
    m->trial.intake_size = METER_BLOCK_HEADER + (size_t)size;
    m->trial.intake_len = METER_BLOCK_HEADER;
    m->trial.intake_ms = m->now.mono_ms;
    meter_set_condition(m, METER_PROVISIONING);
    answer_number(m, "ready", PIECE_MAX);
}

static size_t intake_got(const meter_trial *trial) {
    return trial->intake_len - METER_BLOCK_HEADER;
}

/* True if it is the next piece, whole and right. */
static bool read_piece(const meter_trial *trial, const char *const *words, size_t count, uint8_t piece[PIECE_MAX],
                       size_t *out_len) {
    uint64_t offset;
    uint32_t crc;
    if (count != 5 || sbs_text_to_uint(sbs_text_of(words[2]), &offset) != SBS_OK || offset != intake_got(trial) ||
        !meter_hex_read(words[4], &crc)) {
        return false;
    }
    if (sbs_base64url_decode(words[3], strlen(words[3]), piece, PIECE_MAX, out_len) != SBS_OK) {
        return false;
    }

    return *out_len <= trial->intake_size - trial->intake_len && sbs_crc32(0, piece, *out_len) == crc;
}

/* `provision data OFFSET BASE64URL CRC`: what is not right is asked for again. */
static void take_piece(meter *m, const char *const *words, size_t count) {
    uint8_t piece[PIECE_MAX];
    size_t len = 0;
    const char *word = "again";

    if (read_piece(&m->trial, words, count, piece, &len)) {
        memcpy(m->trial.intake + m->trial.intake_len, piece, len);
        m->trial.intake_len += len;
        m->trial.intake_ms = m->now.mono_ms;
        word = "ok";
    }

    /* A piece of the record stays nowhere but in the intake. */
    sbs_wipe(piece, sizeof piece);
    answer_number(m, word, intake_got(&m->trial));
}

static void give_up_intake(meter *m) {
    meter_say_line(m, "provision: given up");
    meter_intake_free(m);
    meter_resume(m);
}

void meter_intake_poll(meter *m) {
    uint64_t silent_ms = m->now.mono_ms - m->trial.intake_ms;
    if (silent_ms >= SILENCE_MS) {
        give_up_intake(m);
        return;
    }

    meter_wait(m, SILENCE_MS - silent_ms);
}

/* ---- the trial --------------------------------------------------------------------------------------------------- */

static sbs_status check_record(meter *m, const char **out_field) {
    sbs_status status = meter_read_block(m, out_field);
    if (status == SBS_OK) {
        status = meter_record_check_ca(&m->record, out_field);
    }

    if (status != SBS_OK) {
        return status;
    }

    *out_field = "alg";
    if (m->record.alg != 0 && m->record.alg != (uint8_t)meter_keys_alg(m->keys.current)) {
        return SBS_ERR_UNSUPPORTED;
    }

    return SBS_OK;
}

/* Checks the record in m->block and opens a session with it. The first one is stored, another one is tried. */
static sbs_status accept_record(meter *m, const char **out_field) {
    m->trial.active = false;
    sbs_status status = check_record(m, out_field);
    if (status != SBS_OK) {
        return status;
    }

    *out_field = "storage";
    m->trial.active = meter_has_stored_record(m);
    if (!m->trial.active) {
        status = meter_save_record(m);
        if (status != SBS_OK) {
            return status;
        }
    }

    *out_field = "record";
    /* It is in force while it is tried, too. */
    m->measuring.interval_s = m->record.interval_s;
    m->session.waited_first = true; /* somebody waits for the answer */

    return meter_session_open(m);
}

/* `provision end` */
static void end_intake(meter *m) {
    const char *field = "";
    if (m->trial.intake_len != m->trial.intake_size) {
        answer_number(m, "again", intake_got(&m->trial));
        return;
    }

    /* The memory of the intake becomes the record: there is not room for two. */
    m->block = m->trial.intake;
    m->block_size = m->trial.intake_size;
    m->trial.intake = NULL;
    m->trial.intake_size = m->trial.intake_len = 0;
    meter_stamp_block(m);

    sbs_status status = accept_record(m, &field);
    if (status != SBS_OK) {
        answer_refusal(m, *field != '\0' ? field : "record", status);
        meter_resume(m);
        return;
    }

    /* The time of a trial begins now, and the session begins with discovery or a token. */
    m->trial.end_ms = m->now.mono_ms + TRIAL_MS;
    m->session.was_ready = false;
    meter_say_line(m, m->trial.active ? "provision: trying" : "provision: stored");
}

/* The record before may have held a secret that still counts. */
static void scrub_old_record(meter *m) {
    if (m->ports.scrub == NULL) {
        return;
    }

    sbs_status status = m->ports.scrub(m->ports.ctx);
    if (status != SBS_OK) {
        meter_say_status(m, "the record before is not erased", status);
    }
}

void meter_trial_passed(meter *m) {
    if (!m->trial.active && m->confirmed) {
        return;
    }

    if (m->trial.active) {
        sbs_status status = meter_save_record(m);
        if (status != SBS_OK) {
            answer_refusal(m, "storage", status);
            meter_resume(m);
            return;
        }

        scrub_old_record(m);
    }

    m->trial.active = false;
    m->confirmed = true;
    meter_save_progress(m);
    meter_say_line(m, "provision: confirmed");
}

bool meter_trial_failed(meter *m, sbs_status why) {
    if (!m->trial.active) {
        if (!m->confirmed) {
            answer_failure(m, "unconfirmed", why);
        }
        return true;
    }

    /* The network may still mend itself, what a server refused will stay refused. */
    if (sbs_status_group(why) == SBS_CLASS_LATER && m->now.mono_ms < m->trial.end_ms) {
        return true;
    }

    answer_failure(m, "restored", why);
    meter_resume(m);
    return false;
}

void meter_provision(meter *m, const char *const *words, size_t count) {
    const char *verb = count > 1 ? words[1] : "";
    if (strcmp(verb, "begin") == 0) {
        begin_intake(m, words, count);
    } else if (m->trial.intake == NULL) {
        meter_say_line(m, "provision: no record is under way; 'sbs provision' writes one");
    } else if (strcmp(verb, "data") == 0) {
        take_piece(m, words, count);
    } else if (strcmp(verb, "end") == 0) {
        end_intake(m);
    } else {
        give_up_intake(m);
    }
}
