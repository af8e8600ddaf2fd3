/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_gzip.h"

#define TRIALS_MAX 3u /* of a run, where what was tried failed as it is, too */
#define SLOW_MS 50u   /* an exchange for which the smallest body is worth its time */

void sbs_forward_gzip_init(sbs_forward_gzip *gzip, sbs_forward_tried known, bool off) {
    *gzip = (sbs_forward_gzip){.priv = {.known = known, .off = off}};
}

void sbs_forward_gzip_borrow(sbs_forward_gzip *gzip, sbs_forward_gzip *lender) {
    sbs_linux_encoder_borrow(&gzip->priv.encoder, &lender->priv.encoder);
}

sbs_forward_tried sbs_forward_gzip_known(const sbs_forward_gzip *gzip) {
    return gzip->priv.known;
}

void sbs_forward_gzip_learn(sbs_forward_gzip *gzip, sbs_forward_tried known) {
    if (gzip->priv.known == SBS_FORWARD_UNTRIED || known == SBS_FORWARD_FAILS) {
        gzip->priv.known = known;
    }
}

static bool gzip_is_wanted(const sbs_forward_gzip *gzip, size_t len) {
    if (gzip->priv.off || gzip->priv.doubted || len < SBS_FORWARD_GZIP_LEAST) {
        return false;
    }

    switch (gzip->priv.known) {
    case SBS_FORWARD_WORKS:
        return !gzip->priv.went_well || gzip->priv.took_ms >= SBS_FORWARD_GZIP_FAST_MS;
    case SBS_FORWARD_UNTRIED:
        return gzip->priv.went_well && gzip->priv.trials < TRIALS_MAX;
    default:
        return false;
    }
}

bool sbs_forward_gzip_code(sbs_forward_gzip *gzip, sbs_text body, sbs_text *out_coded) {
    bool quick = gzip->priv.took_ms < SLOW_MS;
    gzip->priv.coded = gzip_is_wanted(gzip, body.len) &&
                       sbs_linux_gzip(&gzip->priv.encoder, body, quick, out_coded) == SBS_OK &&
                       out_coded->len < body.len - body.len / 8;
    return gzip->priv.coded;
}

/* A coded body was refused. */
static bool gzip_doubt(sbs_forward_gzip *gzip) {
    gzip->priv.doubted = true;
    if (gzip->priv.known == SBS_FORWARD_UNTRIED) {
        gzip->priv.trials++;
    }
    return true;
}

bool sbs_forward_gzip_ended(sbs_forward_gzip *gzip, bool went_well, unsigned http_status, bool busy, uint64_t took_ms) {
    bool coded = gzip->priv.coded;
    bool taken = http_status >= 200 && http_status < 300; /* whatever else is wrong with the answer */
    bool answered = http_status != 0 && !taken && !busy;
    gzip->priv.coded = false;

    if (went_well) {
        gzip->priv.took_ms = took_ms;
        gzip->priv.went_well = true;
        if (coded && gzip->priv.known != SBS_FORWARD_FAILS) {
            gzip->priv.known = SBS_FORWARD_WORKS;
        } else if (gzip->priv.doubted) {
            gzip->priv.known = SBS_FORWARD_FAILS;
        }
        gzip->priv.doubted = false;
        return false;
    }

    /* A try that got no answer is made again in another run: the network loses more than codings do. */
    if (coded && !answered && gzip->priv.known == SBS_FORWARD_UNTRIED && !busy) {
        gzip->priv.trials = TRIALS_MAX;
    }
    if (coded && answered) {
        return gzip_doubt(gzip);
    }

    if (answered) {
        gzip->priv.doubted = false; /* it failed as it is, too */
    }
    return false;
}

void sbs_forward_gzip_free(sbs_forward_gzip *gzip) {
    sbs_linux_encoder_free(&gzip->priv.encoder);
}
