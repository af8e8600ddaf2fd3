/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_dating.h
 * Times for measurements that have none of their own: that of their arrival. A computer without a clock does not know
 * it when they arrive; so each is queued with the boot and its uptime (SBS_FORWARD_UNDATED), is held, and gets its time
 * when it is sent:
 *
 *     arrival's UTC known? ── yes ──▶ effectiveDateTime
 *            │ no
 *     of this boot? ── yes ──▶ clock known by now? ── yes ──▶ effectiveDateTime, counted back
 *            │ no                     └── no ──▶ held, others pass it
 *     boot's clock was noted? ── yes ──▶ effectiveDateTime
 *            └── no ──▶ it will never be known: effectiveDateTime is absent as "unknown" (data-absent-reason)
 */
#ifndef SBS_FORWARD_DATING_H
#define SBS_FORWARD_DATING_H

#include "sbs/forward_buffer.h"
#include "sbs/queue.h"
#include "sbs/storage.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where times come from. */
typedef struct sbs_forward_dating {
    int64_t (*utc_now)(void *ctx); /**< the time where it is known to be right, else SBS_UTC_UNKNOWN */
    void *ctx;
    const sbs_storage *storage; /**< keeps the clocks of earlier boots (sbs_push_note_boot()); may be NULL */
    uint32_t boot_id;           /**< of this boot, see sbs_forward_boot_id() */
} sbs_forward_dating;

/** A number for this boot of the kernel, never 0: its boot_id, shortened. 1 where the kernel tells none. */
uint32_t sbs_forward_boot_id(void);

/** Notes the clock of this boot, once it is known: what this boot leaves behind is dated by it in the next one. Call it
 * from time to time; it writes only what changed. */
void sbs_forward_dating_note(const sbs_forward_dating *dating, sbs_now now);

/**
 * Writes the resource @p text with its time in front into @p out, which is emptied before.
 * @param dating NULL: nothing is known but what the meta says; without a time there, the text goes as it is.
 * @param now    of the same monotonic clock as the meta's uptime.
 * @return SBS_OK; SBS_ERR_NO_TIME: not known yet; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_forward_date(const sbs_forward_dating *dating, sbs_now now, const sbs_queue_meta *meta,
                                          sbs_text text, sbs_forward_buffer *out);

#ifdef __cplusplus
}
#endif
#endif
