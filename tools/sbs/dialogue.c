/* SPDX-License-Identifier: Apache-2.0 */
#include "dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "message.h"
#include "sbs/base64url.h"
#include "sbs/crc32.h"
#include "sbs/linux_clock.h"

#define PIECE 60u       /* bytes of the record in a line; short enough for a device's smallest buffer */
#define ANSWER_MS 5000u /* a device may be in the middle of a signature */
#define TRIES 12u       /* of one line */
#define CLEAR "\x15"    /* what somebody has half typed is taken back */
#define ANSWER "provision: "

static int lost(void) {
    if (cli_signal() != 0) {
        return CLI_NETWORK; /* the signal decides */
    }
    return cli_fail(CLI_NETWORK, "provision: the device does not answer, check the line and that the firmware runs");
}

/* The next line that begins with @p start, from behind it; NULL if none came in time. */
static const char *await(cli_device *device, const char *start, uint64_t deadline_ms) {
    const char *line;
    while ((line = cli_device_line(device, deadline_ms)) != NULL) {
        const char *found = strstr(line, start); /* what was typed may stand before it */
        if (found != NULL) {
            return found + strlen(start);
        }
    }
    return NULL;
}

static uint64_t sooner(uint64_t deadline_ms) {
    uint64_t patience_ms = sbs_linux_now().mono_ms + ANSWER_MS;
    return patience_ms < deadline_ms ? patience_ms : deadline_ms;
}

/* Sends a line until an answer comes that begins with one of the two words; NULL otherwise. */
static const char *ask(cli_device *device, const char *line, const char *start, uint64_t deadline_ms) {
    for (unsigned i = 0; i < TRIES && cli_signal() == 0 && sbs_linux_now().mono_ms < deadline_ms; i++) {
        if (!cli_device_send(device, CLEAR) || !cli_device_send(device, line) || !cli_device_send(device, "\n")) {
            return NULL;
        }
        const char *answer = await(device, start, sooner(deadline_ms));
        if (answer != NULL) {
            return answer;
        }
    }
    return NULL;
}

int cli_dialogue_jwks(cli_device *device, uint64_t deadline_ms) {
    sbs_writer out;
    for (;;) {
        const char *answer = ask(device, "jwk", "jwks: ", deadline_ms);
        if (answer == NULL) {
            return lost();
        }
        if (answer[0] == '{') {
            cli_output(&out);
            sbs_put_string(&out, answer);
            sbs_put_char(&out, '\n');
            return CLI_DONE;
        }
    }
}

/* ---- the record -------------------------------------------------------------------------------------------------- */

static int refused(const char *answer) {
    return cli_fail(CLI_INPUT, "provision: the device refuses the record: %s, correct it", answer);
}

static bool begins(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* A device that is still making its key says so; it is asked again. */
static int begin(cli_device *device, size_t len, uint64_t deadline_ms) {
    char line[48];
    (void)snprintf(line, sizeof line, "provision begin %zu", len);
    for (;;) {
        const char *answer = ask(device, line, ANSWER, deadline_ms);
        if (answer == NULL) {
            return lost();
        }
        if (begins(answer, "ready ")) {
            return CLI_DONE;
        }
        if (begins(answer, "error ") && !begins(answer, "error field=device ")) {
            return refused(answer + 6);
        }
        (void)await(device, "state=", sooner(deadline_ms));
    }
}

/* Where the device goes on after "ok" and "again"; false if it says neither. */
static bool read_place(const char *answer, size_t len, size_t *out_place) {
    uint64_t place;
    const char *number = begins(answer, "ok ") ? answer + 3 : begins(answer, "again ") ? answer + 6 : NULL;
    if (number == NULL || sbs_text_to_uint(sbs_text_of(number), &place) != SBS_OK || place > len) {
        return false;
    }
    *out_place = (size_t)place;
    return true;
}

static int send_pieces(cli_device *device, const uint8_t *record, size_t len, uint64_t deadline_ms) {
    char line[160], text[SBS_BASE64URL_ENCODED_SIZE(PIECE) + 1];
    unsigned standing = 0;
    for (size_t at = 0; at < len;) {
        size_t piece = len - at < PIECE ? len - at : PIECE, text_len, place;
        if (sbs_base64url_encode(record + at, piece, text, sizeof text, &text_len) != SBS_OK) {
            return cli_fail(CLI_INPUT, "provision: the record cannot be encoded, report this");
        }
        (void)snprintf(line, sizeof line, "provision data %zu %.*s %08x", at, (int)text_len, text,
                       (unsigned)sbs_crc32(0, record + at, piece));
        const char *answer = ask(device, line, ANSWER, deadline_ms);
        if (answer == NULL) {
            return lost();
        }
        if (!read_place(answer, len, &place)) {
            return refused(answer);
        }
        standing = place > at ? 0 : standing + 1;
        if (standing > TRIES) {
            return cli_fail(CLI_NETWORK, "provision: the line garbles what is sent, check it");
        }
        at = place;
        cli_progress("sent %zu of %zu bytes", at, len);
    }
    cli_progress_end();
    return CLI_DONE;
}

int cli_dialogue_send(cli_device *device, const uint8_t *record, size_t len, uint64_t deadline_ms) {
    int code = begin(device, len, deadline_ms);
    if (code == CLI_DONE) {
        code = send_pieces(device, record, len, deadline_ms);
    }
    if (code != CLI_DONE) {
        return code;
    }
    /* Once only: an answer that got lost must not end in a second try. */
    if (!cli_device_send(device, CLEAR "provision end\n")) {
        return lost();
    }
    const char *answer;
    while ((answer = await(device, ANSWER, deadline_ms)) != NULL) {
        if (begins(answer, "stored") || begins(answer, "trying")) {
            return CLI_DONE;
        }
        if (begins(answer, "error ")) {
            return refused(answer + 6);
        }
    }
    return lost();
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

static int failed(const char *answer, const char *what) {
    bool by_server = strstr(answer, " by=server ") != NULL;
    const char *why = strstr(answer, by_server ? " by=server " : " by=network ");
    why = why != NULL ? why + (by_server ? 11 : 12) : answer;
    return cli_fail(by_server ? CLI_REFUSED : CLI_NETWORK, "provision: no token: %s, %s", why, what);
}

int cli_dialogue_confirm(cli_device *device, uint64_t deadline_ms) {
    const char *answer;
    cli_note("provision: the device has the record, and asks for a token with it");
    while ((answer = await(device, ANSWER, deadline_ms)) != NULL) {
        if (begins(answer, "confirmed")) {
            cli_note("provision: the device got a token with the record");
            return CLI_DONE;
        }
        if (begins(answer, "restored ")) {
            return failed(answer, "the device went back to the record it had");
        }
        if (begins(answer, "unconfirmed ")) {
            return failed(answer, "the record is stored, not yet confirmed, and the device goes on trying");
        }
        if (begins(answer, "error ")) {
            return refused(answer + 6);
        }
    }
    if (cli_signal() != 0) {
        return CLI_NETWORK;
    }
    return cli_fail(CLI_NETWORK, "provision: no token yet, ask the device with 'status' on its console");
}
