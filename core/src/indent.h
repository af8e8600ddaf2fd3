/* SPDX-License-Identifier: Apache-2.0 */
/* Internal: compact JSON on its way to lines that people read, as Python's json.dumps(..., indent=2) makes them. */
#ifndef SBS_INDENT_H
#define SBS_INDENT_H

#include "sbs/text.h"

typedef struct sbs_indent {
    sbs_writer *target;
    unsigned depth;
    bool in_string;
    bool escaped;    /* the character before this one was a backslash within a string */
    bool after_open; /* the character before this one opened a container */
} sbs_indent;

/** Makes @p writer a sink writer that takes JSON without white space, and writes its lines to @p target. @p depth: the
 *  level that the first container starts at. Errors stay in the target. */
void sbs_indent_init(sbs_indent *indent, sbs_writer *target, unsigned depth, sbs_writer *writer);

#endif
