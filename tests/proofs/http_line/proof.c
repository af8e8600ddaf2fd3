/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: collecting a line of an HTTP answer writes within the line's memory, counts the head's bytes to their bound,
 *   takes something or asks for more, and keeps the invariant of the reader
 * Bound: any state that the invariant allows, room for lines of 1 to 16 bytes; 0 to 2 bytes of input, any bytes
 * Sources: core/src/text/ascii.c core/src/http/http_fields.c
 * Unwind: 20
 * Unwindset: reader_take_line.0:4 sbs_ascii_place.0:4
 * Meant: reader_take_line_byte:conversion reader_take_line:conversion
 * Suite: long
 * Fault: core/src/http/http_reader.c `reader->priv.line_len < reader->priv.line_size` => `reader->priv.line_len <=
 *   reader->priv.line_size`
 */
#include "http_reader.h"

enum { BYTES = 2, LINE = 16 };

static void prove_line(const char *data, size_t len) {
    char line[LINE + 1];
    sbs_http_reader reader = any_reader(line, 1 + any_count(LINE - 1));
    reader_input in = {.data = data, .len = len, .event = SBS_HTTP_MORE};
    size_t line_size = reader.priv.line_size;
    char guard = nondet_char();
    ASSUME(state_has_line(reader.priv.state));
    line[line_size] = guard;

    bool ended = reader_has_flag(&reader, SBS_HTTP_LINE_END);
    sbs_status status = reader_take_line(&reader, &in);
    PROVE(line[line_size] == guard);
    PROVE(in.used <= len && in.event == SBS_HTTP_MORE);
    PROVE(status == SBS_OK || status == SBS_PENDING || status == SBS_ERR_HTTP || status == SBS_ERR_TOO_LARGE);
    if (status == SBS_PENDING) {
        PROVE(in.used == len);
        PROVE(reader_is_sound(&reader));
        REACHED("more is needed");
    }
    if (status == SBS_OK) {
        PROVE(in.used > 0 || ended);
        PROVE(reader_is_sound(&reader));
        PROVE(reader.priv.state != STATE_CHUNK_END || reader.priv.line_len == 0);
        if (len > 0) {
            REACHED("a line");
        }
    }
    if (status < 0 && len > 0) {
        REACHED("a refusal");
    }
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_line)
    return 0;
}
