/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_line.h A bounded line editor for a console, and the words of a line. */
#ifndef METER_LINE_H
#define METER_LINE_H

#include "sbs/text.h"

#define METER_LINE_SIZE 160u /**< bytes of a line, with the NUL */
#define METER_WORDS_MAX 5u

typedef struct meter_line {
    char text[METER_LINE_SIZE]; /**< NUL-terminated */
    uint8_t len;
    bool too_long; /**< more was typed than fits; the line is not to be used */
    bool after_cr;
} meter_line;

/**
 * Takes one byte. True: a line is complete in @c text, until meter_line_clear(). CR, LF and CRLF end it; BS and DEL
 * take back a character; Ctrl-C and Ctrl-U the line; other controls and bytes beyond ASCII are ignored.
 * @param echo what a terminal shows; NULL: nothing.
 */
bool meter_line_take(meter_line *line, char c, sbs_writer *echo);

/** Wipes the line for the next one. */
void meter_line_clear(meter_line *line);

/** Splits @p text at its blanks, in place. Returns how many words there are; METER_WORDS_MAX + 1 for more than fit. */
size_t meter_line_split(char *text, const char *words[METER_WORDS_MAX]);

#endif
