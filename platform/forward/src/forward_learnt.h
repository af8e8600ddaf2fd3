/* SPDX-License-Identifier: Apache-2.0 */
/* What a push learns of its server while it runs, and what it knew before: the statement, batches, codings, the token's
 * endpoint. */
#ifndef SBS_FORWARD_LEARNT_H
#define SBS_FORWARD_LEARNT_H

#include "sbs/forward_push.h"

/* Recalls what is kept, and sets the engine's configuration up so that it learns. */
void sbs_forward_learnt_begin(sbs_forward_push *push);

/* Keeps the statement that was asked for. */
void sbs_forward_learnt_note_statement(sbs_forward_push *push);

/* After a poll of the engine that returned @p status. */
void sbs_forward_learnt_note_event(sbs_forward_push *push, sbs_status status);

/* True if no token came because its endpoint was remembered, and is not there any more: it is looked for anew, and the
 * failure is none. */
bool sbs_forward_learnt_forgets_token_url(sbs_forward_push *push);

/* Keeps the rest. */
void sbs_forward_learnt_end(sbs_forward_push *push);

#endif
