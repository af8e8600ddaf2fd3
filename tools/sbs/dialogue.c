/* SPDX-License-Identifier: Apache-2.0 */
#include "dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "json_input.h"
#include "json_output.h"
#include "message.h"
#include "sbs/base64url.h"
#include "sbs/crc32.h"
#include "sbs/linux_clock.h"
#include "signals.h"

#define PIECE 60u       /* bytes of the record in a line; short enough for a device's smallest buffer */
#define ANSWER_MS 5000u /* a device may be in the middle of a signature */
#define TRIES 12u       /* of one line */
#define CLEAR "\x15"    /* what somebody has half typed is taken back */
#define ANSWER "provision: "

static int device_lost(void) {
    if (cli_signal() != 0) {
        return CLI_NETWORK; /* the signal decides the exit status */
    }
    return cli_fail(CLI_NETWORK, "provision: the device does not answer, check the line and that the firmware runs");
}

/* ---- a line and its answer --------------------------------------------------------------------------------------- */

/* The rest of the next line that has @p start in it; NULL if none came in time. */
static const char *device_await(cli_device *device, const char *start, uint64_t deadline_ms) {
    const char *line;
    while ((line = cli_device_line(device, deadline_ms)) != NULL) {
        const char *found = strstr(line, start); /* what was typed may stand before it */
        if (found != NULL) {
            return found + strlen(start);
        }
    }
    return NULL;
}

/* When the answer to one line is no longer waited for. */
static uint64_t device_answer_deadline(uint64_t deadline_ms) {
    uint64_t patience_ms = sbs_linux_now().mono_ms + ANSWER_MS;
    return patience_ms < deadline_ms ? patience_ms : deadline_ms;
}

static bool device_send_line(cli_device *device, const char *line) {
    return cli_device_send(device, CLEAR) && cli_device_send(device, line) && cli_device_send(device, "\n");
}

/* Sends a line, again and again, until one with @p start in it answers. Returns what follows it there, or NULL. */
static const char *device_ask(cli_device *device, const char *line, const char *start, uint64_t deadline_ms) {
    for (unsigned i = 0; i < TRIES; i++) {
        if (cli_signal() != 0 || sbs_linux_now().mono_ms >= deadline_ms || !device_send_line(device, line)) {
            return NULL;
        }

        const char *answer = device_await(device, start, device_answer_deadline(deadline_ms));
        if (answer != NULL) {
            return answer;
        }
    }
    return NULL;
}

static bool text_begins(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* What follows @p start in @p text; NULL if the text does not begin so. */
static const char *text_after(const char *text, const char *start) {
    if (!text_begins(text, start)) {
        return NULL;
    }
    return text + strlen(start);
}

/* ---- the keys ---------------------------------------------------------------------------------------------------- */

int cli_dialogue_jwks(cli_device *device, uint64_t deadline_ms) {
    for (;;) {
        const char *answer = device_ask(device, "jwk", "jwks: ", deadline_ms);
        if (answer == NULL) {
            return device_lost();
        }

        /* The key is still being made, or the line was garbled on its way. */
        if (answer[0] != '{' || !cli_is_json(sbs_text_of(answer))) {
            continue;
        }

        sbs_writer out;
        cli_output(&out);
        cli_put_json_visibly(&out, sbs_text_of(answer));
        sbs_put_char(&out, '\n');
        return CLI_DONE;
    }
}

/* ---- the record -------------------------------------------------------------------------------------------------- */

static int record_refused(const char *answer) {
    return cli_fail(CLI_INPUT, "provision: the device refuses the record: %s, correct it", answer);
}

/* A device that is still making its key answers with an error that names the device. It is asked again, once it has
 * told its state. */
static int record_announce(cli_device *device, size_t len, uint64_t deadline_ms) {
    char line[48];
    (void)snprintf(line, sizeof line, "provision begin %zu", len);

    for (;;) {
        const char *answer = device_ask(device, line, ANSWER, deadline_ms);
        if (answer == NULL) {
            return device_lost();
        }

        if (text_begins(answer, "ready ")) {
            return CLI_DONE;
        }

        const char *fault = text_after(answer, "error ");
        if (fault != NULL && !text_begins(fault, "field=device ")) {
            return record_refused(fault);
        }

        /* It tells its state when that changes: then it is worth asking again. */
        (void)device_await(device, "state=", device_answer_deadline(deadline_ms));
    }
}

/* Where the device goes on after "ok" and "again"; false if it says neither. */
static bool record_read_place(const char *answer, size_t len, size_t *out_place) {
    const char *number = text_after(answer, "ok ");
    if (number == NULL) {
        number = text_after(answer, "again ");
    }

    if (number == NULL) {
        return false;
    }

    uint64_t place;
    if (sbs_text_to_uint(sbs_text_of(number), &place) != SBS_OK || place > len) {
        return false;
    }

    *out_place = (size_t)place;
    return true;
}

/* Sends the bytes at @p *at and moves it to where the device goes on: behind them, or to what it did not get whole. */
static int record_send_piece(cli_device *device, const uint8_t *record, size_t len, size_t *at, uint64_t deadline_ms) {
    char line[160], text[SBS_BASE64URL_ENCODED_SIZE(PIECE) + 1];
    size_t text_len;
    size_t piece = len - *at;

    /* The last piece is shorter. */
    if (piece > PIECE) {
        piece = PIECE;
    }

    if (sbs_base64url_encode(record + *at, piece, text, sizeof text, &text_len) != SBS_OK) {
        return cli_fail(CLI_INPUT, "provision: the record cannot be encoded, report this");
    }

    /* A line without flow control loses bytes; the device asks again for what does not fit its sum. */
    unsigned crc = (unsigned)sbs_crc32(0, record + *at, piece);
    (void)snprintf(line, sizeof line, "provision data %zu %.*s %08x", *at, (int)text_len, text, crc);
    const char *answer = device_ask(device, line, ANSWER, deadline_ms);
    sbs_wipe(line, sizeof line);
    sbs_wipe(text, sizeof text);

    /* A slow device was asked to begin more than once, and says so as often: that is no answer to this line. */
    while (answer != NULL && text_begins(answer, "ready ")) {
        answer = device_await(device, ANSWER, device_answer_deadline(deadline_ms));
    }
    if (answer == NULL) {
        return device_lost();
    }

    if (!record_read_place(answer, len, at)) {
        return record_refused(answer);
    }

    return CLI_DONE;
}

static int record_send_pieces(cli_device *device, const uint8_t *record, size_t len, uint64_t deadline_ms) {
    unsigned without_progress = 0;
    size_t at = 0;

    while (at < len) {
        size_t before = at;
        int code = record_send_piece(device, record, len, &at, deadline_ms);
        if (code != CLI_DONE) {
            return code;
        }

        without_progress++;
        if (at > before) {
            without_progress = 0;
        }

        /* Each piece arrives damaged: more of the same would never end. */
        if (without_progress > TRIES) {
            return cli_fail(CLI_NETWORK, "provision: the line garbles what is sent, check the cable and the speed");
        }

        cli_progress("sent %zu of %zu bytes", at, len);
    }

    cli_progress_end();
    return CLI_DONE;
}

/* Sent once only: if the answer is lost, a repeated line must not start a second try of the record. */
static int record_finish(cli_device *device, uint64_t deadline_ms) {
    if (!cli_device_send(device, CLEAR "provision end\n")) {
        return device_lost();
    }

    const char *answer;
    while ((answer = device_await(device, ANSWER, deadline_ms)) != NULL) {
        if (text_begins(answer, "stored") || text_begins(answer, "trying")) {
            return CLI_DONE;
        }

        const char *fault = text_after(answer, "error ");
        if (fault != NULL) {
            return record_refused(fault);
        }
    }

    return device_lost();
}

int cli_dialogue_send(cli_device *device, const uint8_t *record, size_t len, uint64_t deadline_ms) {
    int code = record_announce(device, len, deadline_ms);
    if (code != CLI_DONE) {
        return code;
    }

    code = record_send_pieces(device, record, len, deadline_ms);
    if (code != CLI_DONE) {
        return code;
    }

    return record_finish(device, deadline_ms);
}

/* ---- what came of it --------------------------------------------------------------------------------------------- */

typedef struct confirm_words {
    const char *begun, *done, *failed, *late;
} confirm_words;

static const confirm_words confirm_texts[] = {
    {"asks for a token with it", "the device got a token with the record", "no token", "no token yet"},
    {"asks the gateway with it", "the gateway took the device's secret", "not taken", "no answer of the gateway yet"},
};

/* The device says who is to blame, "by=server" or "by=network", and then why. @p what_now: what became of the record.
 */
static int confirm_failed(const confirm_words *words, const char *answer, const char *what_now) {
    static const char by_server[] = " by=server ", by_network[] = " by=network ";
    int code = CLI_NETWORK;
    const char *why = strstr(answer, by_server);
    if (why != NULL) {
        code = CLI_REFUSED;
        why += sizeof by_server - 1;
    } else if ((why = strstr(answer, by_network)) != NULL) {
        why += sizeof by_network - 1;
    } else {
        why = answer;
    }

    return cli_fail(code, "provision: %s: %s, %s", words->failed, why, what_now);
}

int cli_dialogue_confirm(cli_device *device, bool gateway, uint64_t deadline_ms) {
    const confirm_words *words = &confirm_texts[gateway];
    const char *answer;
    cli_note("provision: the device has the record, and %s", words->begun);

    while ((answer = device_await(device, ANSWER, deadline_ms)) != NULL) {
        if (text_begins(answer, "confirmed")) {
            cli_note("provision: %s", words->done);
            return CLI_DONE;
        }

        if (text_begins(answer, "restored ")) {
            return confirm_failed(words, answer, "the device went back to the record that it had");
        }

        if (text_begins(answer, "unconfirmed ")) {
            return confirm_failed(words, answer,
                                  "the record is stored but not yet confirmed, and the device keeps trying");
        }

        const char *fault = text_after(answer, "error ");
        if (fault != NULL) {
            return record_refused(fault);
        }
    }

    if (cli_signal() != 0) {
        return CLI_NETWORK; /* the signal decides the exit status */
    }

    return cli_fail(CLI_NETWORK, "provision: %s, ask the device with 'status' on its console", words->late);
}
