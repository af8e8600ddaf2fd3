/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of a fan tell, what of that the program is told, and how many lines there are for that. */
#include <string.h>

#include "forward_fan_internal.h"

#define SLOW_MS 1000u /* failures of one moment count once */
#define HELD_MAX_MS 3600000u

/* ---- how many lines ------------------------------------------------------------------------------------------------
 */

/* Additive increase: one more for each good answer below the threshold, beyond it one for as many as there are. */
static void fan_speed_up(sbs_forward_fan *fan) {
    fan->priv.good++;
    if (fan->priv.active >= fan->priv.most ||
        (fan->priv.active >= fan->priv.threshold && fan->priv.good < fan->priv.active)) {
        return;
    }

    fan->priv.good = 0;
    fan->priv.active++;
}

/* Multiplicative decrease. Those that are too many end what they have under way, and take nothing more. */
static void fan_slow_down(sbs_forward_fan *fan) {
    uint64_t now_ms = fan->priv.now.mono_ms;
    if (fan->priv.slowed_ms != 0 && now_ms - fan->priv.slowed_ms < SLOW_MS) {
        return;
    }

    fan->priv.slowed_ms = now_ms;
    fan->priv.active = fan->priv.active > 1 ? fan->priv.active / 2 : 1;
    fan->priv.threshold = fan->priv.active;
    fan->priv.good = 0;
}

static bool is_overload(const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;
    bool busy = push->http_status == 429 || push->http_status == 503;
    return busy || push->status == SBS_ERR_REFUSED || push->status == SBS_ERR_TIMEOUT ||
           push->status == SBS_ERR_NETWORK || push->status == SBS_ERR_TRUNCATED;
}

/* A server that asks for time asks all for it. */
static void fan_hold(sbs_forward_fan *fan, const sbs_forward_event *event) {
    const sbs_detail *detail = event->detail;
    if (detail == NULL || !detail->asked_to_wait) {
        return;
    }

    uint64_t wait_ms = detail->retry_after_s * UINT64_C(1000);
    if (wait_ms > HELD_MAX_MS) {
        wait_ms = HELD_MAX_MS;
    }
    if (fan->priv.now.mono_ms + wait_ms > fan->priv.held_ms) {
        fan->priv.held_ms = fan->priv.now.mono_ms + wait_ms;
    }
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

static bool fan_others_go_on(const sbs_forward_fan *fan, const sbs_forward_line *line) {
    for (size_t i = 0; i < fan->priv.count; i++) {
        const sbs_forward_line *other = fan->priv.lines[i];
        if (other != line && !other->waiting && !other->parked) {
            return true;
        }
    }

    return false;
}

static void fan_tell(sbs_forward_fan *fan, const sbs_forward_event *event) {
    const sbs_forward_push_config *config = &fan->priv.config.push;
    config->event(config->ctx, event);
}

/* Kept until it is clear whether all wait. What it says of an item was told when that failed. */
static void line_keep_event(sbs_forward_line *line, const sbs_forward_event *event) {
    size_t len = strlen(event->target);
    if (len >= sizeof line->target) {
        len = 0;
    }
    memcpy(line->target, event->target, len);
    line->target[len] = '\0';

    line->event = *event->push;
    line->told = *event;
    line->told.push = &line->event;
    line->told.target = line->target;
    line->told.name = line->told.place = line->told.version = "";
    line->untold = true;
}

static void line_note_wait(sbs_forward_line *line, const sbs_forward_event *event) {
    sbs_forward_fan *fan = line->fan;
    line->waiting = true;
    line->view->in_flight = false;
    fan_hold(fan, event);
    if (is_overload(event)) {
        fan_slow_down(fan);
    }

    /* What it has not sent others may take. */
    sbs_forward_view_release(line->view);
    line_keep_event(line, event);
}

static void line_event(void *ctx, const sbs_forward_event *event) {
    sbs_forward_line *line = ctx;
    sbs_forward_fan *fan = line->fan;
    sbs_push_event_kind kind = event->push->kind;

    if (line->view == NULL || !sbs_forward_push_has_learnt(&line->push)) {
        fan_tell(fan, event);
        return;
    }
    if (kind == SBS_PUSH_WAITING || kind == SBS_PUSH_PAUSED) {
        line_note_wait(line, event);
        return;
    }

    if (!fan->priv.told) {
        fan->priv.told_ms = fan->priv.now.mono_ms;
    }
    fan->priv.told = true;

    if (kind == SBS_PUSH_DEFERRED) {
        sbs_forward_view_keep(line->view, event->push->id);
        fan_hold(fan, event);
        if (is_overload(event)) {
            fan_slow_down(fan);
        }
    } else {
        line->waiting = line->untold = false;
        fan_speed_up(fan);
    }

    fan_tell(fan, event);
}

/* Who waits, and has nothing that others did not take, has nothing to do once nothing is left. */
void sbs_fan_park_idle(sbs_forward_fan *fan) {
    if (sbs_forward_share_has_work(&fan->priv.share, SIZE_MAX)) {
        return;
    }

    for (size_t i = 0; i < fan->priv.count; i++) {
        sbs_forward_line *line = fan->priv.lines[i];
        if (line->waiting && line->view->claimed == 0) {
            line->parked = true;
            line->untold = false;
        }
    }
}

/* The first that waits speaks for all, once none does anything else. */
void sbs_fan_tell_waits(sbs_forward_fan *fan) {
    sbs_forward_line *first = NULL;

    for (size_t i = 0; i < fan->priv.count; i++) {
        sbs_forward_line *line = fan->priv.lines[i];
        if (line->untold && fan_others_go_on(fan, line)) {
            return;
        }
        if (line->untold && (first == NULL || line->due_ms < first->due_ms)) {
            first = line;
        }
    }

    if (first == NULL) {
        return;
    }

    fan_tell(fan, &first->told);
    for (size_t i = 0; i < fan->priv.count; i++) {
        fan->priv.lines[i]->untold = false;
    }
}

void sbs_fan_tell_durable(sbs_forward_fan *fan) {
    const sbs_forward_push_config *config = &fan->priv.config.push;
    if (fan->priv.told && config->durable != NULL) {
        config->durable(config->ctx);
    }
    fan->priv.told = false;
}

void sbs_fan_tell_undone(sbs_forward_fan *fan) {
    const sbs_forward_push_config *config = &fan->priv.config.push;
    if (fan->priv.told && config->undone != NULL) {
        config->undone(config->ctx);
    }
    fan->priv.told = false;
}

static void line_durable(void *ctx) {
    const sbs_forward_line *line = ctx;
    const sbs_forward_push_config *config = &line->fan->priv.config.push;
    if (line->view == NULL && config->durable != NULL) {
        config->durable(config->ctx);
    }
}

static void line_undone(void *ctx) {
    const sbs_forward_line *line = ctx;
    const sbs_forward_push_config *config = &line->fan->priv.config.push;
    if (line->view == NULL && config->undone != NULL) {
        config->undone(config->ctx);
    }
}

static void line_warn(void *ctx, const char *sentence) {
    const sbs_forward_line *line = ctx;
    sbs_forward_fan *fan = line->fan;
    const sbs_forward_push_config *config = &fan->priv.config.push;
    if (config->warn != NULL && sentence != fan->priv.warned) {
        config->warn(config->ctx, sentence);
    }
    fan->priv.warned = sentence; /* once for all lines */
}

static const char *line_refuse(void *ctx, uint64_t id) {
    const sbs_forward_line *line = ctx;
    const sbs_forward_push_config *config = &line->fan->priv.config.push;
    return config->refuse == NULL ? NULL : config->refuse(config->ctx, id);
}

static bool line_name(void *ctx, uint64_t id, sbs_writer *out) {
    const sbs_forward_line *line = ctx;
    const sbs_forward_push_config *config = &line->fan->priv.config.push;
    return config->name != NULL && config->name(config->ctx, id, out);
}

void sbs_line_listen(sbs_forward_line *line, sbs_forward_push_config *config) {
    config->event = line_event;
    config->durable = line_durable;
    config->undone = line_undone;
    config->warn = line_warn;
    config->refuse = line_refuse;
    config->name = line_name;
    config->ctx = line;
}
