/* SPDX-License-Identifier: Apache-2.0 */
#include "modem_internal.h"

#define PIECE 64u
#define CALL_BYTES_MAX 1024u /* that one call reads: a modem that babbles holds nobody */
#define PART_MS 3000u        /* for the answer to a part of a command, which may have none */
#define SYNC_TRIES 10u       /* with 192 blanks each, more than any modem waits for behind a prompt */

uint64_t sbs_modem_now_ms(const sbs_modem *modem) {
    return modem->priv.config->clock().mono_ms;
}

/* ---- the end of a command ---------------------------------------------------------------------------------------- */

static void command_settle(sbs_modem *modem, sbs_status outcome) {
    if (modem->priv.outcome == SBS_PENDING) {
        modem->priv.outcome = outcome;
    }
}

/* What the code of a connection that was not opened means; SBS_OK: nothing that is known. */
static sbs_status command_code(const sbs_modem *modem) {
    const sbs_modem_code *codes = modem->priv.dialect->codes;
    while (codes->status != 0 && codes->code != modem->priv.code) {
        codes++;
    }

    return (sbs_status)codes->status;
}

static sbs_status command_failure(const sbs_modem *modem) {
    const sbs_modem_step *step = modem->priv.step;
    if ((step->flags & SBS_MODEM_OPENS) != 0 && command_code(modem) != SBS_OK) {
        return command_code(modem);
    }

    if (step->failure == 0) {
        return SBS_ERR_NETWORK;
    }
    return (sbs_status)step->failure;
}

/* A trial that opens a connection: the modem has to refuse the server. */
static bool command_is_trial(const sbs_modem *modem) {
    uint16_t both = SBS_MODEM_TRIES | SBS_MODEM_OPENS;
    return (modem->priv.step->flags & both) == both;
}

/* @p forgiven: flags that make it as good as success. */
static void command_fail(sbs_modem *modem, uint16_t forgiven) {
    const sbs_modem_step *step = modem->priv.step;
    if ((step->flags & SBS_MODEM_SYNCS) != 0) {
        return; /* that was the answer to what stood before it */
    }

    bool has_code = modem->priv.is_resulted && (step->flags & SBS_MODEM_COUNTS) == 0;
    if (has_code) {
        modem->priv.code = modem->priv.value;
    }

    /* As it has to be; most of what the network does has codes of its own. */
    bool is_refusal = command_is_trial(modem) && has_code && command_code(modem) == SBS_OK;
    if (is_refusal || (step->flags & forgiven) != 0) {
        command_settle(modem, SBS_OK);
    } else {
        command_settle(modem, command_failure(modem));
    }
}

/* The OK is there, and the result line if there has to be one. */
static void command_succeed(sbs_modem *modem) {
    const sbs_modem_step *step = modem->priv.step;
    bool is_refused = step->result != NULL && (step->flags & SBS_MODEM_COUNTS) == 0 && modem->priv.value != 0;
    bool lacks = step->want != NULL && !modem->priv.is_wanted;
    if (is_refused || lacks) {
        command_fail(modem, SBS_MODEM_MAY_FAIL);
    } else if (command_is_trial(modem)) {
        command_settle(modem, SBS_ERR_UNVERIFIED);
    } else {
        command_settle(modem, SBS_OK);
    }
}

/* Nobody answers: what comes later would be taken for the answer to something else. */
static void command_time_out(sbs_modem *modem) {
    uint16_t flags = modem->priv.step->flags;
    if ((flags & SBS_MODEM_SYNCS) != 0 && modem->priv.tries < SYNC_TRIES) {
        uint8_t tries = (uint8_t)(modem->priv.tries + 1u);
        sbs_modem_begin(modem, modem->priv.step, 0);
        modem->priv.tries = tries;
        return;
    }

    if (modem->priv.is_final && (flags & SBS_MODEM_MAY_FAIL) != 0) {
        command_settle(modem, SBS_OK);
        return;
    }

    modem->priv.ready = false;
    modem->priv.data_left = 0;
    command_settle(modem, SBS_ERR_TIMEOUT);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void line_is_reset(sbs_modem *modem) {
    modem->priv.connected = false;
    modem->priv.ended = SBS_ERR_TRUNCATED;
    modem->priv.data_waits = false;
    if (modem->priv.step != NULL && (modem->priv.step->flags & SBS_MODEM_SYNCS) != 0) {
        return; /* it is set up from here on */
    }

    modem->priv.ready = false;
    if (modem->priv.step != NULL) {
        command_settle(modem, SBS_ERR_NETWORK);
    }
}

/* True if the line is one that nobody asked for. */
static bool line_is_event(sbs_modem *modem) {
    const sbs_modem_urc *urc = modem->priv.dialect->urcs;
    while (urc->event != 0 && sbs_modem_match(modem, urc->pattern, modem->priv.line) == NULL) {
        urc++;
    }

    switch (urc->event) {
    case SBS_MODEM_DATA:
        modem->priv.data_waits = true;
        break;
    case SBS_MODEM_ENDED:
        modem->priv.ended = SBS_END;
        break;
    case SBS_MODEM_LOST:
        modem->priv.ended = SBS_ERR_TRUNCATED;
        break;
    case SBS_MODEM_OFFLINE:
        modem->priv.ready = false;
        modem->priv.ended = SBS_ERR_TRUNCATED;
        break;
    case SBS_MODEM_RESET:
        line_is_reset(modem);
        break;
    default:
        break;
    }

    return urc->event != 0;
}

/* What the modem says at the end of a command. */
static void line_is_final(sbs_modem *modem) {
    const char *line = modem->priv.line;
    bool with_payload = (modem->priv.step->flags & SBS_MODEM_HAS_PAYLOAD) != 0;
    const char *number;

    if (strcmp(line, "OK") == 0) {
        modem->priv.is_final = !with_payload || modem->priv.prompted;
    } else if (with_payload && strcmp(line, "SEND OK") == 0) {
        modem->priv.is_final = true;
    } else if (with_payload && strcmp(line, "SEND FAIL") == 0) { /* no room: all of it goes again */
        command_settle(modem, SBS_ERR_BUSY);
    } else if (with_payload && strcmp(line, "CONNECT") == 0) {
        modem->priv.prompted = true;
    } else if (strcmp(line, "ERROR") == 0) {
        command_fail(modem, SBS_MODEM_MAY_FAIL | SBS_MODEM_MAY_REFUSE);
    } else if ((number = sbs_modem_match(modem, "+CME ERROR: ", line)) != NULL) {
        modem->priv.code = sbs_modem_number(number, 0);
        command_fail(modem, SBS_MODEM_MAY_FAIL | SBS_MODEM_MAY_REFUSE);
    }
}

/* What is between: the wanted line, the result, the head of data. */
static void line_is_told(sbs_modem *modem) {
    const sbs_modem_step *step = modem->priv.step;
    const char *rest;
    if (step->want != NULL && sbs_modem_match(modem, step->want, modem->priv.line) != NULL) {
        modem->priv.is_wanted = true;
    }

    if (step->result != NULL && (rest = sbs_modem_match(modem, step->result, modem->priv.line)) != NULL) {
        modem->priv.is_resulted = true;
        modem->priv.value = sbs_modem_number(rest, -1);
        if ((step->flags & SBS_MODEM_OPENS) != 0) { /* what was told before was about another connection */
            modem->priv.ended = SBS_OK;
        }
    }

    if (step == &modem->priv.dialect->receive &&
        (rest = sbs_modem_match(modem, modem->priv.dialect->data, modem->priv.line)) != NULL) {
        modem->priv.data_left = (uint32_t)sbs_modem_number(rest, 0) & INT32_MAX;
    }
}

static void line_end(sbs_modem *modem) {
    const sbs_modem_step *step = modem->priv.step;
    modem->priv.line[modem->priv.line_len] = '\0';
    bool is_empty = modem->priv.line_len == 0;
    modem->priv.line_len = 0;
    if (is_empty || line_is_event(modem) || step == NULL || modem->priv.outcome != SBS_PENDING) {
        return;
    }

    line_is_final(modem);
    line_is_told(modem);
    if (modem->priv.is_final && (step->flags & SBS_MODEM_ALIGNS) != 0 && !modem->priv.is_wanted) {
        modem->priv.is_final = false;
    }

    if (modem->priv.is_final && (step->result == NULL || modem->priv.is_resulted)) {
        command_succeed(modem);
    }
}

static bool line_is_prompt(const sbs_modem *modem, char c) {
    return c == '>' && modem->priv.line_len == 0 && modem->priv.step != NULL && !modem->priv.prompted &&
           (modem->priv.step->flags & SBS_MODEM_HAS_PAYLOAD) != 0;
}

static void line_take(sbs_modem *modem, char c) {
    if (line_is_prompt(modem, c)) {
        modem->priv.prompted = true;
    } else if (c == '\n') { /* not the CR before it: data begin behind both */
        line_end(modem);
    } else if (c == '\r' || (c == ' ' && modem->priv.line_len == 0)) {
        return; /* behind a prompt stands a blank */
    } else if (modem->priv.line_len < SBS_MODEM_LINE_SIZE - 1u) {
        modem->priv.line[modem->priv.line_len++] = c;
    }
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* Takes as many as belong to the data; returns how many. */
static size_t data_take(sbs_modem *modem, const uint8_t *bytes, size_t len) {
    size_t room = modem->priv.config->receive_size - modem->priv.receive_len;
    if (len > modem->priv.data_left) {
        len = modem->priv.data_left;
    }
    modem->priv.data_left -= (uint32_t)len;

    if (len > room) { /* more than was asked for: what comes next would be out of its place */
        modem->priv.ended = SBS_ERR_TRUNCATED;
        return len;
    }

    memcpy(modem->priv.config->receive_buffer + modem->priv.receive_len, bytes, len);
    modem->priv.receive_len += len;

    return len;
}

static void bytes_take(sbs_modem *modem, const uint8_t *bytes, size_t len) {
    size_t at = 0;
    while (at < len) {
        if (modem->priv.data_left > 0) {
            at += data_take(modem, bytes + at, len - at);
        } else {
            line_take(modem, (char)bytes[at++]);
        }
    }
}

static sbs_status bytes_read(sbs_modem *modem) {
    const sbs_serial *serial = &modem->priv.config->serial;
    uint8_t bytes[PIECE];
    size_t len;
    modem->priv.busy = false;

    for (size_t all = 0; all < CALL_BYTES_MAX; all += len) {
        sbs_status status = serial->ops->read(serial->ctx, bytes, sizeof bytes, &len);
        if (status == SBS_OK) {
            bytes_take(modem, bytes, len);
            sbs_wipe(bytes, len);
        }

        if (status != SBS_OK) {
            return status;
        }
    }

    modem->priv.busy = true;
    return SBS_PENDING;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* A part of a command that is written as a whole. */
typedef struct piece {
    size_t skip; /* bytes before it, still to be passed over */
    size_t len;
    char bytes[PIECE];
} piece;

static sbs_status piece_put(void *ctx, const char *data, size_t len) {
    piece *part = ctx;
    for (size_t i = 0; i < len; i++) {
        if (part->skip > 0) {
            part->skip--;
        } else if (part->len < sizeof part->bytes) {
            part->bytes[part->len++] = data[i];
        }
    }

    return SBS_OK;
}

/* The next bytes of the command; none if all are written. */
static void command_piece(const sbs_modem *modem, piece *part) {
    sbs_writer out;
    *part = (piece){.skip = modem->priv.written};
    sbs_writer_init_sink(&out, piece_put, part);
    sbs_modem_put_command(modem, modem->priv.step->command, &out);
}

/* The next bytes to write: of the command, or behind the prompt. */
static size_t writing_next(const sbs_modem *modem, piece *part, const uint8_t **out_bytes) {
    const sbs_modem_step *step = modem->priv.step;
    if (step == NULL || modem->priv.outcome != SBS_PENDING) {
        return 0;
    }

    if (!modem->priv.prompted) {
        command_piece(modem, part);
        *out_bytes = (const uint8_t *)part->bytes;
        return part->len;
    }

    const uint8_t *all = modem->priv.config->send_buffer;
    if (step != &modem->priv.dialect->send) {
        all = (const uint8_t *)modem->priv.config->certificate;
    }
    *out_bytes = all + modem->priv.written;

    return modem->priv.number - modem->priv.written;
}

static sbs_status bytes_write(sbs_modem *modem) {
    const sbs_serial *serial = &modem->priv.config->serial;
    const uint8_t *bytes;
    piece part;
    size_t len, written;

    while ((len = writing_next(modem, &part, &bytes)) > 0) {
        sbs_status status = serial->ops->write(serial->ctx, bytes, len, &written);
        if (status != SBS_OK) {
            return status;
        }
        modem->priv.written += written;
    }

    return SBS_OK;
}

/* ---- a command --------------------------------------------------------------------------------------------------- */

void sbs_modem_begin(sbs_modem *modem, const sbs_modem_step *step, uint32_t number) {
    modem->priv.step = step;
    modem->priv.number = number;
    modem->priv.tries = 0;
    modem->priv.written = 0;
    modem->priv.value = 0;
    modem->priv.prompted = modem->priv.is_final = modem->priv.is_wanted = modem->priv.is_resulted = false;
    modem->priv.outcome = SBS_PENDING;
    modem->priv.deadline_ms = sbs_modem_now_ms(modem) + step->seconds * 1000u;
    if ((step->flags & SBS_MODEM_OPENS) != 0) {
        modem->priv.code = 0;
    }
    if ((step->flags & SBS_MODEM_TELLS_TIME) != 0) { /* one time for all pieces of the command, and its reading back */
        modem->priv.told_utc_s = modem->priv.config->clock().utc_s;
    }
}

void sbs_modem_abandon(sbs_modem *modem) {
    piece rest = {0};
    if (modem->priv.step != NULL && (modem->priv.step->flags & SBS_MODEM_OPENS) != 0) {
        command_piece(modem, &rest);
    }

    modem->priv.host = NULL;
    if (rest.len > 0) {
        modem->priv.deadline_ms = sbs_modem_now_ms(modem) + PART_MS;
    }
}

sbs_status sbs_modem_continue(sbs_modem *modem) {
    bool was_prompted = modem->priv.prompted;
    sbs_status status = bytes_write(modem);
    if (status >= SBS_OK) {
        status = bytes_read(modem);
    }

    if (modem->priv.prompted && !was_prompted) { /* the bytes behind it go now, and have their own time */
        modem->priv.written = 0;
        modem->priv.deadline_ms = sbs_modem_now_ms(modem) + modem->priv.step->seconds * 1000u;
        modem->priv.busy = true;
    }

    if (status < SBS_OK) { /* the line is gone */
        modem->priv.ready = false;
        modem->priv.step = NULL;
        return status;
    }

    if (modem->priv.step == NULL) {
        return SBS_OK;
    }

    if (modem->priv.outcome == SBS_PENDING && sbs_modem_now_ms(modem) >= modem->priv.deadline_ms) {
        command_time_out(modem);
    }

    if (modem->priv.outcome == SBS_PENDING) {
        return SBS_PENDING;
    }
    modem->priv.step = NULL;

    return modem->priv.outcome;
}

sbs_wait sbs_modem_wait(const sbs_modem *modem, uint64_t until_ms) {
    const sbs_serial *serial = &modem->priv.config->serial;
    uint64_t now_ms = sbs_modem_now_ms(modem);
    uint8_t events = SBS_WAIT_READ;
    const uint8_t *bytes;
    piece part;

    if (writing_next(modem, &part, &bytes) > 0) {
        events |= SBS_WAIT_WRITE;
    }
    sbs_wait wait = serial->ops->waits_for(serial->ctx, events);

    if (modem->priv.step != NULL && modem->priv.deadline_ms < until_ms) {
        until_ms = modem->priv.deadline_ms;
    }
    if (modem->priv.busy || until_ms <= now_ms) {
        wait.timeout_ms = 0;
    } else if (until_ms - now_ms < wait.timeout_ms) {
        wait.timeout_ms = (uint32_t)(until_ms - now_ms);
    }

    return wait;
}
