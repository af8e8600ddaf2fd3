/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_line.h"

#define BACKSPACE '\b'
#define DELETE 0x7F
#define CTRL_C 0x03
#define CTRL_U 0x15

static void echo_text(sbs_writer *echo, const char *text) {
    if (echo != NULL) {
        sbs_put_string(echo, text);
    }
}

void meter_line_clear(meter_line *line) {
    bool after_cr = line->after_cr;
    sbs_wipe(line, sizeof *line);
    line->after_cr = after_cr;
}

static void line_take_back(meter_line *line, sbs_writer *echo) {
    if (line->len > 0) {
        line->len--;
        line->text[line->len] = '\0';
        echo_text(echo, "\b \b");
    }
}

static void line_append(meter_line *line, char c, sbs_writer *echo) {
    if (line->len + 1u >= METER_LINE_SIZE) {
        line->too_long = true;
        return;
    }

    line->text[line->len++] = c;
    line->text[line->len] = '\0';
    char shown[2] = {c, '\0'};

    echo_text(echo, shown);
}

bool meter_line_take(meter_line *line, char c, sbs_writer *echo) {
    bool ends = c == '\r' || (c == '\n' && !line->after_cr);
    line->after_cr = c == '\r';

    if (ends) {
        echo_text(echo, "\n");
    } else if (c == BACKSPACE || c == DELETE) {
        line_take_back(line, echo);
    } else if (c == CTRL_C || c == CTRL_U) {
        meter_line_clear(line);
        echo_text(echo, "\n");
    } else if (c >= 0x20 && c < 0x7F) {
        line_append(line, c, echo);
    }

    return ends;
}

size_t meter_line_split(char *text, const char *words[METER_WORDS_MAX]) {
    size_t count = 0;
    while (*text != '\0') {
        if (*text == ' ') {
            *text++ = '\0';
            continue;
        }

        if (count == METER_WORDS_MAX) {
            return METER_WORDS_MAX + 1;
        }
        words[count++] = text;
        text += strcspn(text, " ");
    }

    return count;
}
