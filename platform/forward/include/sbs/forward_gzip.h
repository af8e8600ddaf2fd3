/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_gzip.h
 * When a body goes by gzip. Nothing states whether a server takes that, and those that do not say so in any way they
 * like: 400, 415, 500, a web page. So one body is tried, after another one went well as it is:
 *
 *     UNTRIED ──tried──▶ confirmed ─▶ WORKS: bodies are coded where it saves time
 *        ▲       │                      │ refused
 *        │       └─refused──▶ the same as it is ◀─┘ ── goes well ──▶ FAILS: none is coded any more
 *        └─────────────── is refused, too: that said nothing of codings (and WORKS stays)
 */
#ifndef SBS_FORWARD_GZIP_H
#define SBS_FORWARD_GZIP_H

#include "sbs/forward_memory.h"
#include "sbs/linux_encode.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_GZIP_LEAST 512u /**< bytes of a body that is worth it */
#define SBS_FORWARD_GZIP_FAST_MS 3u /**< an exchange that takes less is faster without */

/** Zero-initialise. */
typedef struct sbs_forward_gzip {
    struct {
        sbs_linux_encoder encoder;
        sbs_forward_tried known;
        bool off, went_well;
        bool coded;   /* the request under way */
        bool doubted; /* a coded one was refused, and goes as it is */
        uint8_t trials;
        uint64_t took_ms; /* the last exchange */
    } priv;
} sbs_forward_gzip;

/** Starts with what an earlier run learnt. @p off: none is coded, whatever is known. */
void sbs_forward_gzip_init(sbs_forward_gzip *gzip, sbs_forward_tried known, bool off);
/** Codes with the memory of @p lender, another connection's, which must outlive this one. Before the first body. */
void sbs_forward_gzip_borrow(sbs_forward_gzip *gzip, sbs_forward_gzip *lender);
/** What is known by now. */
sbs_forward_tried sbs_forward_gzip_known(const sbs_forward_gzip *gzip);
/** Takes what another connection to the same server found out, where nothing is known yet, or where it fails. */
void sbs_forward_gzip_learn(sbs_forward_gzip *gzip, sbs_forward_tried known);
/** The coded body, and true, if @p body is to be sent coded; its memory is valid until the next call. */
bool sbs_forward_gzip_code(sbs_forward_gzip *gzip, sbs_text body, sbs_text *out_coded);
/**
 * Notes how the request ended for which code() was asked last. @p went_well: it was confirmed; @p http_status: 0: there
 * was no answer. @p busy: the server asked for time, which is no word about the coding. True: it was refused coded, and
 * is to be sent again as it is before that counts.
 */
bool sbs_forward_gzip_ended(sbs_forward_gzip *gzip, bool went_well, unsigned http_status, bool busy, uint64_t took_ms);
/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_forward_gzip_free(sbs_forward_gzip *gzip);

#ifdef __cplusplus
}
#endif
#endif
