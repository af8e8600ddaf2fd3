/* SPDX-License-Identifier: Apache-2.0 */
/** @file secret.h Tokens and assertions that were sent, so that no message repeats a part of one. */
#ifndef SBS_CLI_SECRET_H
#define SBS_CLI_SECRET_H

#include "sbs/text.h"

/** Remembers a copy of what was sent; the oldest of a few is forgotten for it. */
void cli_secret_note(sbs_text secret);

/** Replaces each fragment of a noted secret in @p text by "[hidden]", also where blanks stand between its characters. A
 * fragment is 16 characters or more; of a secret of 8 to 15 it is all of it. Returns the new length, never more than
 * @p len. */
size_t cli_secret_hide(char *text, size_t len);

/** Wipes and frees them all. */
void cli_secret_forget(void);

#endif
