/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is deleted by age. Ages count only from a clock that the program trusts, and only while that goes on steadily: a
 * look that finds it more than a week ahead of the last look notes the time and deletes nothing, nor does any look of
 * the day that follows, in which a wrong clock can be put right.
 */
#include "sqlite_internal.h"

#define DAY_S 86400
#define JUMP_S (7 * DAY_S)
#define NOTE_S 3600 /* a look is noted once in so long, so that most write nothing */
#define TURNS 64u
#define MOST 128u /* more than one of TURNS operations makes */

/* ---- the clock --------------------------------------------------------------------------------------------------- */

/* Notes the time. A file that nobody has looked at yet counts as one after a jump, unless nothing was ever in it. */
static void note_look(sbs_sqlite_state *state, int64_t now_s) {
    bool first = !sbs_sqlite_is_time(state->looked_s);
    if ((first && state->accepted > 0) || (!first && now_s - state->looked_s > JUMP_S)) {
        state->steady_s = now_s;
    }

    /* The clock was set back: what it told before says nothing of how long it goes on steadily. */
    if (sbs_sqlite_is_time(state->steady_s) && state->steady_s > now_s) {
        state->steady_s = now_s;
    }

    state->looked_s = now_s;
}

static bool is_worth_noting(const sbs_sqlite_state *state, int64_t now_s) {
    return !sbs_sqlite_is_time(state->looked_s) || now_s < state->looked_s || now_s - state->looked_s > NOTE_S;
}

/* Looks at the clock; tells whether ages count. */
static sbs_status look_at_clock(sbs_sqlite_queue *queue, int64_t now_s, bool *out_counts) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_read_state(queue, &state);
    if (status != SBS_OK) {
        return status;
    }

    /* Most looks change nothing, and so write nothing. */
    if (is_worth_noting(&state, now_s)) {
        sbs_sqlite_state *edited = sbs_sqlite_edit_state(queue, &status);
        if (edited == NULL) {
            return status;
        }

        note_look(edited, now_s);
        state = *edited;
    }

    *out_counts = !sbs_sqlite_is_time(state.steady_s) || now_s - state.steady_s >= DAY_S;
    return SBS_OK;
}

/* ---- deleting ---------------------------------------------------------------------------------------------------- */

static sbs_status expire_letter(sbs_sqlite_queue *queue, sqlite3_int64 before_s) {
    return sbs_sqlite_delete_first(queue, sbs_sqlite_bind(queue, SQL_EXPIRED, &before_s, 1), STATE_DEAD);
}

static sbs_status expire_identity(sbs_sqlite_queue *queue, sqlite3_int64 before_s) {
    return sbs_sqlite_forget_first(queue, sbs_sqlite_bind(queue, SQL_EXPIRED_SEEN, &before_s, 1));
}

typedef sbs_status (*expire_one)(sbs_sqlite_queue *queue, sqlite3_int64 before_s);

/* Until nothing is too old any more, or @p most are gone. */
static sbs_status expire(sbs_sqlite_queue *queue, expire_one one, int64_t now_s, uint32_t keep_s, unsigned most) {
    if (keep_s == UINT32_MAX) {
        return SBS_OK;
    }

    for (unsigned i = 0; i < most; i++) {
        sbs_status status = one(queue, now_s - keep_s);
        if (status != SBS_OK) {
            return sbs_sqlite_allow_missing(status);
        }
    }

    return SBS_OK;
}

/* What was settled without a clock gets its time now. */
static sbs_status date_undated(sbs_sqlite_queue *queue, int64_t now_s, unsigned most) {
    sqlite3_int64 values[] = {now_s, most};
    sbs_status status = sbs_sqlite_run(queue, SQL_DATE_DEAD, values, 2);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_run(queue, SQL_DATE_SEEN, values, 2);
}

sbs_status sbs_sqlite_age(sbs_sqlite_queue *queue, unsigned most) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    int64_t now_s = sbs_sqlite_utc(queue);
    if (now_s == SBS_UTC_UNKNOWN) {
        return SBS_OK;
    }

    bool counts = false;
    sbs_status status = look_at_clock(queue, now_s, &counts);
    if (status == SBS_OK) {
        status = date_undated(queue, now_s, most);
    }
    if (status != SBS_OK || !counts) {
        return status;
    }

    status = expire(queue, expire_letter, now_s, config->dead_keep_s, most);
    if (status != SBS_OK) {
        return status;
    }

    return expire(queue, expire_identity, now_s, config->seen_keep_s, most);
}

sbs_status sbs_sqlite_age_sometimes(sbs_sqlite_queue *queue) {
    queue->priv.turns++;
    if (queue->priv.turns < TURNS) {
        return SBS_OK;
    }

    queue->priv.turns = 0;
    return sbs_sqlite_age(queue, MOST);
}
