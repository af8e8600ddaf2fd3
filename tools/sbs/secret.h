/* SPDX-License-Identifier: Apache-2.0 */
/** @file secret.h Tokens and assertions that were sent, so that no message repeats a part of one. */
#ifndef SBS_CLI_SECRET_H
#define SBS_CLI_SECRET_H

#include "sbs/text.h"

/** Remembers a copy of what was sent; what was sent the longest time ago is forgotten for it. Fewer than 8
 * characters are no secret. */
void cli_secret_note(sbs_text text);

/** Replaces each fragment of a noted secret in @p text by "[hidden]". A fragment is 16 characters or more; of a secret
 * of 8 to 15 it is all of it. It is found in upper and lower case, with other characters between its own, and written
 * as URLs, JSON and HTML write characters. Returns the new length, never more than @p len; 0 if there is no memory. */
size_t cli_secret_hide(char *text, size_t len);

/** Wipes and frees them all. */
void cli_secret_forget(void);

#endif
