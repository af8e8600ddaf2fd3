/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this layer share: modem_stream.c runs commands by modem_command.c, which writes them and reads
 * lines by modem_text.c. */
#ifndef SBS_MODEM_INTERNAL_H
#define SBS_MODEM_INTERNAL_H

#include "sbs/modem.h"
#include "sbs/text.h"

/* ---- modem_text.c: commands and patterns ------------------------------------------------------------------------- */

/* Writes a command with its values, and the CR at its end. */
void sbs_modem_put_command(const sbs_modem *modem, const char *command, sbs_writer *out);

/* What stands in @p line behind @p pattern; NULL if it does not fit. */
const char *sbs_modem_match(const sbs_modem *modem, const char *pattern, const char *line);

/* The number at the beginning of @p text; what is none is @p otherwise. At most 9 digits count. */
int32_t sbs_modem_number(const char *text, int32_t otherwise);

/* ---- modem_command.c: one command at a time ---------------------------------------------------------------------- */

uint64_t sbs_modem_now_ms(const sbs_modem *modem);

/* Begins a command. @p number: %n, and how many bytes go behind the prompt. */
void sbs_modem_begin(sbs_modem *modem, const sbs_modem_step *step, uint32_t number);

/* Writes and reads what can be now. SBS_PENDING: a command is under way; else its result, or SBS_OK without one. A
 * modem that does not answer in time is set up again before the next connection. */
sbs_status sbs_modem_continue(sbs_modem *modem);

/* The host is the caller's again. A command that would still name it goes on without, and the modem refuses it. */
void sbs_modem_abandon(sbs_modem *modem);

/* What to wait for, until a point of the monotonic time at the latest. */
sbs_wait sbs_modem_wait(const sbs_modem *modem, uint64_t until_ms);

#endif
