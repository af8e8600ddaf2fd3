/* SPDX-License-Identifier: Apache-2.0 */
/** @file linux_text.h Text from anywhere (file names, identifiers, a server's words) made fit for a terminal and a log.
 */
#ifndef SBS_LINUX_TEXT_H
#define SBS_LINUX_TEXT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Makes @p text one line that changes neither the terminal nor the order of what is read: control characters (C0, DEL,
 * and C1 as UTF-8), line and paragraph separators, bidirectional controls, characters without width and bytes that are
 * no UTF-8 (among them C1 as single bytes) become one '?' each. Other UTF-8 stays.
 * @param len bytes of @p text, which needs no NUL.
 * @return the new length, never more than @p len.
 */
size_t sbs_linux_clean_text(char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif
