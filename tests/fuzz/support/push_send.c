/* SPDX-License-Identifier: Apache-2.0 */
/* How an answer is framed, and what happens to it on its way. */
#define _GNU_SOURCE
#include "push_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void peer_put(peer_body *body, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(body->text + body->len, sizeof body->text - body->len, format, arguments);
    va_end(arguments);
    FUZZ_REQUIRE(len >= 0 && (size_t)len < sizeof body->text - body->len);
    body->len += (size_t)len;
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

typedef enum framing { BY_LENGTH, IN_CHUNKS, TO_THE_END, TOO_LONG, TOO_SHORT, TWICE, FRAMINGS } framing;

typedef struct sending {
    char text[PEER_BUFFER];
    size_t len;
} sending;

static void add(sending *to, const void *data, size_t len) {
    FUZZ_REQUIRE(len <= sizeof to->text - to->len);
    memcpy(to->text + to->len, data, len);
    to->len += len;
}

static void add_text(sending *to, const char *text) {
    add(to, text, strlen(text));
}

static void add_chunks(push_peer *peer, sending *to, const peer_body *body) {
    static const char *const behind[] = {"\r\n", ";a=b\r\n", ";q=\"x;y\"\r\n", " \r\n"};
    char line[16];
    for (size_t at = 0, len; at < body->len; at += len) {
        len = 1 + fuzz_short(peer->script) % 512;
        if (len == 1 || len > body->len - at) {
            len = body->len - at;
        }
        (void)snprintf(line, sizeof line, "%zx", len);
        add_text(to, line);
        add_text(to, PICK(peer, behind));
        add(to, body->text + at, len);
        add_text(to, "\r\n");
    }
    add_text(to, fuzz_chance(peer->script, 4) ? "0\r\nTrailer: x\r\n\r\n" : "0\r\n\r\n");
}

/* The framing's lines and the end of the head, and the body in it. */
static void add_framed(push_peer *peer, sending *to, unsigned status, framing how, const peer_body *body) {
    char line[80];
    size_t said = body->len;
    if (how == IN_CHUNKS) {
        add_text(to, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunks(peer, to, body);
        return;
    }

    if (how == TOO_LONG) {
        said += 1 + fuzz_byte(peer->script);
    } else if (how == TOO_SHORT && said > 0) {
        said--;
    }
    if (how != TO_THE_END && status != 204 && status != 304) {
        (void)snprintf(line, sizeof line, "Content-Length: %zu\r\n%s", said,
                       how == TWICE ? "Transfer-Encoding: chunked\r\n" : "");
        add_text(to, line);
    }
    add_text(to, "\r\n");
    if (status != 204 && status != 304) {
        add(to, body->text, body->len);
    }
}

/* Lines that any answer may have. */
static void add_fields(push_peer *peer, sending *to, bool *out_coded) {
    static const char *const dates[] = {"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
                                        "Date: Tue, 14 Nov 2023 22:16:20 GMT\r\n",
                                        "Date: Tue, 14 Nov 2023 22:06:20 GMT\r\n",
                                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                                        "Date: Tuesday, 14-Nov-23 22:20:00 GMT\r\n",
                                        "Date: Tue Nov 14 22:20:00 2023\r\n",
                                        "Date: tomorrow\r\n"};
    static const char *const others[] = {"Age: 5\r\n",
                                         "Retry-After: 7\r\n",
                                         "Retry-After: 0\r\n",
                                         "Retry-After: Tue, 14 Nov 2023 22:20:00 GMT\r\n",
                                         "Retry-After: 99999999999999\r\n",
                                         "Retry-After: soon\r\n",
                                         "Connection: close\r\n",
                                         "Connection: keep-alive, x\r\n",
                                         "X-Long: a\r\n  folded\r\n",
                                         "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
                                         "WWW-Authenticate: Basic realm=\"\xc3\xa4\"\r\n",
                                         "ETag: W/\"1\"\r\n",
                                         "ETag: \"22\"\r\n",
                                         "Content-Encoding: gzip\r\n",
                                         "Content-Encoding: deflate\r\n",
                                         "Content-Encoding: br\r\n",
                                         "Location: https://fhir.example/login?x=1\r\n",
                                         "Content-Location: https://fhir.example/r4/Observation/7\r\n"};
    const unsigned mask = fuzz_byte(peer->script);
    add_text(to, (mask & 7) == 1 ? PICK(peer, dates) : dates[0]);
    for (unsigned bit = 8; bit < 256; bit <<= 1) {
        if ((mask & bit) != 0 && !peer->honest) {
            const char *line = PICK(peer, others);
            *out_coded |= strncmp(line, "Content-E", 9) == 0;
            add_text(to, line);
        }
    }
}

/* Words of ours in the server's mouth: they must not be shown. */
static void add_echo(push_peer *peer, sending *to) {
    if (peer->honest || !fuzz_chance(peer->script, 16)) {
        return;
    }
    add_text(to, "WWW-Authenticate: Bearer error_description=\"");
    add_text(to, fuzz_chance(peer->script, 2) ? peer->token : peer->assertion);
    add_text(to, "\"\r\n");
}

/* ---- what happens to an answer on its way ------------------------------------------------------------------------ */

static void spoil_bytes(push_peer *peer, sending *to) {
    for (unsigned count = 1 + fuzz_below(peer->script, 4); count > 0 && to->len > 0; count--) {
        to->text[fuzz_short(peer->script) % to->len] = (char)fuzz_byte(peer->script);
    }
}

static void splice_bytes(push_peer *peer, sending *to) {
    char some[256];
    const size_t len = fuzz_bytes(peer->script, some, sizeof some);
    const size_t at = to->len == 0 ? 0 : fuzz_short(peer->script) % to->len;
    if (len > sizeof to->text - to->len) {
        return;
    }
    memmove(to->text + at + len, to->text + at, to->len - at);
    memcpy(to->text + at, some, len);
    to->len += len;
}

static void cut_answer(push_peer *peer, sending *to) {
    static const peer_end ends[] = {PEER_BREAKS, PEER_ENDS, PEER_STALLS};
    const size_t at = to->len == 0 ? 0 : fuzz_short(peer->script) % to->len;
    /* A body without a length that ends politely is whole: a network does not do that. */
    peer->end = ends[fuzz_below(peer->script, 3)];
    to->len = at;
}

/* What is lost and what is changed. The answer says what it confirms; changed ones may confirm anything. */
static void meet_with_accidents(push_peer *peer, sending *to, uint64_t carries) {
    peer->message_len = to->len;
    switch (fuzz_below(peer->script, 16)) {
    case 9:
    case 10:
        cut_answer(peer, to);
        break;
    case 11:
        spoil_bytes(peer, to);
        peer->confirms = peer->honest ? 0 : carries;
        peer->message_len = 0;
        break;
    case 12:
        splice_bytes(peer, to);
        peer->confirms = peer->honest ? 0 : carries;
        peer->message_len = 0;
        break;
    case 13: /* more than was asked for */
        add_text(to, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        break;
    default:
        break;
    }
}

static void hand_over(push_peer *peer, const sending *from) {
    fuzz_talk("answer, confirms %llx, end %d:\n%.*s\n", (unsigned long long)peer->confirms, (int)peer->end,
              (int)from->len, from->text);
    memcpy(peer->out, from->text, from->len);
    peer->out_len = from->len;
    peer->out_taken = 0;
    peer->delay = fuzz_below(peer->script, 8) == 7 ? fuzz_byte(peer->script) : 0;
    peer->piece = fuzz_chance(peer->script, 8) ? 1 + fuzz_byte(peer->script) : 0;
}

/* What a network cannot do to a protected stream, an honest world does not do. */
bool peer_tells_more(push_peer *peer, uint32_t of) {
    return !peer->honest && fuzz_chance(peer->script, of);
}

void peer_send(push_peer *peer, unsigned status, const char *fields, const peer_body *body) {
    static const char *const phrases[] = {"OK", "", "Not what you think", "\xc3\xbc", "tok"};
    static sending to;
    char line[80];
    framing how = BY_LENGTH;
    bool coded = false;
    to.len = 0;

    if (peer_tells_more(peer, 16)) {
        add_text(&to, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    }
    (void)snprintf(line, sizeof line, "HTTP/1.%u %u %s\r\n", peer_tells_more(peer, 16) ? 0u : 1u, status,
                   PICK(peer, phrases));
    add_text(&to, line);
    add_text(&to, fields);
    add_fields(peer, &to, &coded);
    add_echo(peer, &to);

    if (fuzz_chance(peer->script, 3)) {
        how = (framing)fuzz_below(peer->script, peer->honest ? IN_CHUNKS + 1 : FRAMINGS);
    }
    if (coded || !peer->is_roomy || body->len > 1500) { /* a body that is not read leaves it to the Location */
        peer->confirms |= peer->confirms_unread;
    }
    if (how > TO_THE_END) {
        peer->confirms = peer->carried; /* nobody knows what is made of it */
    }
    if (how == TO_THE_END) {
        peer->end = PEER_ENDS;
    }
    add_framed(peer, &to, status, how, body);
    if (peer->honest) {
        peer->message_len = to.len;
        if (fuzz_chance(peer->script, 8)) {
            cut_answer(peer, &to);
        }
    } else {
        meet_with_accidents(peer, &to, peer->carried);
    }
    if (peer->message_len > to.len && how == TO_THE_END) {
        peer->message_len = 0; /* cut, and nobody can tell */
    }
    hand_over(peer, &to);
}

void peer_refuse_early(push_peer *peer) {
    static const peer_body empty;
    peer->carried = peer->confirms = peer->confirms_unread = 0;
    peer_send(peer, 413, "", &empty);
}

/* Bytes of the input as they are. */
void peer_send_raw(push_peer *peer) {
    static sending to;
    to.len = fuzz_bytes(peer->script, to.text, 2048);
    peer->confirms = peer->carried;
    peer->message_len = 0;
    peer->end = (peer_end)fuzz_below(peer->script, 4);
    hand_over(peer, &to);
}
