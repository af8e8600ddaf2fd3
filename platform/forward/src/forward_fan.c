/* SPDX-License-Identifier: Apache-2.0 */
#include "forward_fan_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sbs/count.h"

#define LINE_ITEM_MAX (2u << 20) /* larger items go over the first line */
#define POLLS_MAX 64u            /* of a line in one turn */
#define LATE_MS 1000u            /* what was told is durable by then */
#define RENEWED_MS 1000u         /* how long a line waits for another one's token, and looks again */
#define RENEW_EARLY_MS 2000u
#define RENEWALS_MAX 2u /* lines that fail to fetch the token, each within its time limit, before all wait */

/* ---- the token of all ------------------------------------------------------------------------------------------- */

static sbs_client *line_client(const sbs_forward_line *line) {
    return sbs_forward_server_client(line->server);
}

/* True if what a line has under way cannot go on: it has no token, or the server refused it. */
static bool line_lacks_token(const sbs_forward_line *line) {
    return sbs_client_lacks_token(line_client(line), line->fan->priv.now);
}

/* A line has fetched a token: it is that of all. Who renews has none until then. */
static void line_note_token(sbs_forward_line *line) {
    sbs_forward_fan *fan = line->fan;
    sbs_token_view token;
    if (sbs_client_token(line_client(line), fan->priv.now, &token) != SBS_OK) {
        return;
    }
    if (line != fan->priv.renewer && token.expires_at_ms <= fan->priv.token_expires_ms + RENEW_EARLY_MS) {
        return;
    }

    fan->priv.token_expires_ms = token.expires_at_ms;
    fan->priv.token_from = line;
    fan->priv.token_turn++;
    fan->priv.renewer = NULL;
    fan->priv.renewals_failed = 0;
    line->token_turn = fan->priv.token_turn;
}

static void line_take_token(sbs_forward_line *line) {
    sbs_forward_fan *fan = line->fan;
    const sbs_forward_line *from = fan->priv.token_from;
    uint64_t now_ms = fan->priv.now.mono_ms;
    sbs_token_view token;
    if (from == NULL || line->token_turn == fan->priv.token_turn ||
        sbs_client_token(line_client(from), fan->priv.now, &token) != SBS_OK) {
        return;
    }

    const sbs_client_memory memory = {
        .token_url = sbs_client_token_url(line_client(from)),
        .discovered_s = (uint32_t)((now_ms - fan->priv.learnt_ms) / 1000),
        .access_token = token.access_token,
        .scope = token.scope,
        .lifetime_s = token.expires_in_s,
        .expires_in_s = (uint32_t)((token.expires_at_ms - now_ms) / 1000),
    };

    /* Where that does not work the line fetches one itself. */
    if (sbs_client_recall(line_client(line), &memory, fan->priv.now) != SBS_ERR_STATE) {
        line->token_turn = fan->priv.token_turn;
    }
}

/* It fetches the next token, and the others wait for that. */
static void line_begin_renewal(sbs_forward_line *line) {
    sbs_client_drop_token(line_client(line));
    line->waiting = false;
    line->fan->priv.renewer = line;
}

/* Who could not, or has nothing to do, does not renew it any more: another one will. Where that one could not, either,
 * it is not the line: all wait as long as it does. */
static void fan_release_renewer(sbs_forward_fan *fan) {
    const sbs_forward_line *renewer = fan->priv.renewer;
    if (renewer == NULL || !(renewer->waiting || renewer->parked)) {
        return;
    }

    fan->priv.renewer = NULL;
    fan->priv.renewals_failed += renewer->waiting;
    if (fan->priv.renewals_failed >= RENEWALS_MAX) {
        fan->priv.renewals_failed = 0;
        fan->priv.renew_ms = renewer->due_ms;
    }
}

/* True if a line that has nothing on its way to the server is to wait for another one that renews the token. */
static bool line_waits_for_token(const sbs_forward_line *line) {
    fan_release_renewer(line->fan);
    return line->fan->priv.renewer != NULL && line->fan->priv.renewer != line;
}

/* Once in a while, before the clients would do it each for itself. */
static bool line_token_is_old(const sbs_forward_line *line) {
    sbs_token_view token;
    if (sbs_client_token(line_client(line), line->fan->priv.now, &token) != SBS_OK) {
        return false;
    }

    uint64_t left_ms = token.expires_at_ms - line->fan->priv.now.mono_ms;
    uint64_t margin_ms = token.expires_in_s > 300 ? token.expires_in_s * UINT64_C(100) : 30000;
    return token.expires_in_s >= 60 && left_ms <= margin_ms + RENEW_EARLY_MS;
}

/* The newest token, as another line has it; where there is none any more, this line fetches one. False: it has to wait
 * until somebody may try that again. */
static bool line_get_token(sbs_forward_line *line) {
    const sbs_forward_fan *fan = line->fan;
    line_take_token(line);
    bool lacks = line_lacks_token(line);
    if (fan->priv.renewer != NULL || !(lacks || line_token_is_old(line))) {
        return true;
    }

    if (fan->priv.now.mono_ms >= fan->priv.renew_ms) {
        line_begin_renewal(line);
        return true;
    }
    if (!lacks) {
        return true;
    }

    line->waiting = true;
    line->ready = false;
    line->due_ms = fan->priv.renew_ms;
    return false;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static sbs_status line_open_push(sbs_forward_line *line) {
    sbs_forward_fan *fan = line->fan;
    sbs_forward_push_config config = fan->priv.config.push;
    sbs_line_listen(line, &config);
    config.server = line->server;

    /* The only one has the queue, and marks ahead, for itself. */
    if (line->view != NULL) {
        line->queue = sbs_forward_view_port(line->view);
        config.queue = &line->queue;
        config.mark_ahead = 1;
        config.ahead = &fan->priv.share.priv.ahead;
        line->view->notes = line->push.priv.unstored;
        line->view->note_count = SBS_COUNT_OF(line->push.priv.unstored);
    }
    if (fan->priv.count > 0) {
        config.lead = &fan->priv.lines[0]->push;
        config.memory = NULL; /* what is learnt is the lead's */
        config.item_max = LINE_ITEM_MAX;
        line->view->item_max = LINE_ITEM_MAX;
    }

    return sbs_forward_push_open(&line->push, &config);
}

static void line_free(sbs_forward_line *line) {
    (void)sbs_forward_push_close(&line->push);
    sbs_forward_server_close(&line->own);
    sbs_wipe(line, sizeof *line);
    free(line);
}

/* Opens one line more. */
static sbs_status fan_add_line(sbs_forward_fan *fan) {
    sbs_forward_line *line = calloc(1, sizeof *line);
    sbs_status status = SBS_OK;
    if (line == NULL) {
        return SBS_ERR_MEMORY;
    }

    line->fan = fan;
    line->descriptor = -1;
    line->server = fan->priv.config.push.server;
    if (fan->priv.shared) {
        line->view = sbs_forward_share_view(&fan->priv.share, fan->priv.count);
    }

    /* All but the first have a client of their own, set up in the same way. */
    if (fan->priv.count > 0) {
        sbs_forward_server_config config = line->server->priv.given;
        sbs_forward_part part;
        config.wrap = fan->priv.config.wrap;
        config.wrap_ctx = fan->priv.config.wrap_ctx;
        status = sbs_forward_server_open(&line->own, &config, &part);
        line->server = &line->own;
    }

    if (status == SBS_OK) {
        status = line_open_push(line);
    }
    if (status != SBS_OK) {
        line_free(line);
        return status;
    }

    line->ready = true;
    fan->priv.lines[fan->priv.count++] = line;
    return SBS_OK;
}

/* Waits for what the line waits for. One-shot: what is not waited for any more does not wake anybody. */
static void line_arm(sbs_forward_line *line, const sbs_wait *wait) {
    struct epoll_event event = {.data = {.ptr = line}, .events = (uint32_t)EPOLLONESHOT};
    int poller = line->fan->priv.poller;
    if ((wait->events & SBS_WAIT_READ) != 0) {
        event.events |= EPOLLIN;
    }
    if ((wait->events & SBS_WAIT_WRITE) != 0) {
        event.events |= EPOLLOUT;
    }

    /* The number of a socket that was closed may be another one's now. */
    if (epoll_ctl(poller, EPOLL_CTL_MOD, wait->descriptor, &event) != 0 &&
        epoll_ctl(poller, EPOLL_CTL_ADD, wait->descriptor, &event) != 0) {
        line->ready = true;
        return;
    }

    line->descriptor = wait->descriptor;
}

/* Polls a line until it waits, has nothing to do, is held back for the commit, or lacks a token. An error is the
 * queue's. */
static sbs_status line_poll(sbs_forward_line *line) {
    sbs_forward_fan *fan = line->fan;
    uint64_t now_ms = fan->priv.now.mono_ms;
    line->ready = line->parked = false;
    line->descriptor = -1;

    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        sbs_wait wait;
        sbs_status status = sbs_forward_push_poll(&line->push, fan->priv.now, &wait);
        if (status == SBS_OK) {
            line->parked = true;
            line->waiting = line->untold = false;
            return SBS_OK;
        }
        if (status != SBS_PENDING) {
            line->ready = true;
            return status;
        }

        line->waiting &= !line->view->in_flight;
        if (line->view->held_back || (line_lacks_token(line) && fan->priv.renewer != line)) {
            break;
        }
        if (wait.timeout_ms == 0 && wait.events == 0) {
            continue;
        }

        line->due_ms = now_ms + wait.timeout_ms;
        if (wait.timeout_ms == 0) {
            break;
        }
        if (wait.events != 0 && wait.descriptor >= 0) {
            line_arm(line, &wait);
        }
        return SBS_OK;
    }

    line->ready = true;
    return SBS_OK;
}

static sbs_status line_run(sbs_forward_line *line) {
    sbs_status status = line_poll(line);
    line_note_token(line);
    return status;
}

static bool fan_all_parked(const sbs_forward_fan *fan) {
    for (size_t i = 0; i < fan->priv.count; i++) {
        if (!fan->priv.lines[i]->parked) {
            return false;
        }
    }

    return true;
}

/* What nobody took because a server asked for time is not done. */
static bool fan_is_done(sbs_forward_fan *fan) {
    bool held = fan->priv.now.mono_ms < fan->priv.held_ms;
    return fan_all_parked(fan) && !(held && sbs_forward_share_has_work(&fan->priv.share, SIZE_MAX));
}

/* A server with a limit has no room for those that have something to do while others stay connected. */
static void fan_disconnect_idle(sbs_forward_fan *fan) {
    bool limited = fan->priv.slowed_ms != 0 && !fan_all_parked(fan);

    for (size_t i = 0; i < fan->priv.count; i++) {
        const sbs_forward_line *line = fan->priv.lines[i];
        if (line->parked && (limited || i >= fan->priv.active)) {
            sbs_exchange_close(&line_client(line)->priv.exchange);
        }
    }
}

/* ---- a turn ----------------------------------------------------------------------------------------------------- */

static void fan_note_ready(sbs_forward_fan *fan) {
    struct epoll_event events[SBS_FORWARD_CONNECTIONS_MAX];
    int count = epoll_wait(fan->priv.poller, events, (int)SBS_FORWARD_CONNECTIONS_MAX, 0);

    for (int i = 0; i < count; i++) {
        sbs_forward_line *line = events[i].data.ptr;
        line->ready = true;
    }
}

/* True if it sent something, or is on its way to a token or a connection: that has time limits of its own. What was
 * refused for its token has to be sent anew. */
static bool line_is_under_way(const sbs_forward_line *line) {
    if (line_lacks_token(line)) {
        return false;
    }
    return line->view->in_flight || (line->descriptor >= 0 && !sbs_client_is_about_to_send(line_client(line)));
}

/* True if it is a line's turn. Who has sent something is not held up by what the others wait for, but takes nothing
 * more.
 */
static bool line_is_due(sbs_forward_line *line, size_t number) {
    sbs_forward_fan *fan = line->fan;
    uint64_t now_ms = fan->priv.now.mono_ms;
    line->view->claims = number < fan->priv.active && now_ms >= fan->priv.held_ms && !fan->priv.draining;
    if (line->parked || (!line->ready && now_ms < line->due_ms)) {
        return false;
    }
    if (line_is_under_way(line)) {
        return true;
    }

    if (now_ms < fan->priv.held_ms || line_waits_for_token(line)) {
        return false;
    }

    return line_get_token(line);
}

static sbs_status fan_run_due(sbs_forward_fan *fan) {
    size_t count = fan->priv.count;
    fan->priv.turn++;

    for (size_t i = 0; i < count; i++) {
        size_t number = (fan->priv.turn + i) % count;
        sbs_forward_line *line = fan->priv.lines[number];
        if (!line_is_due(line, number)) {
            continue;
        }

        sbs_status status = line_run(line);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

/* A line that takes something up, of those that are parked or not opened yet. SBS_ERR_NOT_FOUND: there is none. */
static sbs_status fan_wake_one(sbs_forward_fan *fan) {
    for (size_t i = 0; i < fan->priv.active && i < fan->priv.count; i++) {
        sbs_forward_line *line = fan->priv.lines[i];
        size_t item_max = line->view->item_max;
        if (!line->parked || !sbs_forward_share_has_work(&fan->priv.share, item_max)) {
            continue;
        }

        line->view->claims = true;
        line->parked = false;
        line->ready = true;
        if (!line_is_due(line, i)) {
            return SBS_ERR_NOT_FOUND;
        }

        sbs_status status = line_run(line);
        return status == SBS_OK && line->parked ? SBS_ERR_NOT_FOUND : status;
    }

    if (fan->priv.count >= fan->priv.active || !sbs_forward_share_has_work(&fan->priv.share, LINE_ITEM_MAX)) {
        return SBS_ERR_NOT_FOUND;
    }

    /* Without memory for more, those that there are go on. */
    sbs_status status = fan_add_line(fan);
    if (status != SBS_OK) {
        fan->priv.most = fan->priv.count;
        fan->priv.active = (uint32_t)fan->priv.count;
        return SBS_ERR_NOT_FOUND;
    }

    sbs_forward_line *line = fan->priv.lines[fan->priv.count - 1];
    return line_is_due(line, fan->priv.count - 1) ? line_run(line) : SBS_ERR_NOT_FOUND;
}

static sbs_status fan_wake_more(sbs_forward_fan *fan) {
    sbs_status status = SBS_OK;
    if (fan->priv.now.mono_ms < fan->priv.held_ms || fan->priv.draining) {
        return SBS_OK;
    }

    for (size_t i = 0; i < SBS_FORWARD_CONNECTIONS_MAX && status == SBS_OK; i++) {
        status = fan_wake_one(fan);
    }

    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

/* True if no line does anything but wait for its time. */
static bool fan_is_at_rest(const sbs_forward_fan *fan) {
    for (size_t i = 0; i < fan->priv.count; i++) {
        const sbs_forward_line *line = fan->priv.lines[i];
        if (line->view->in_flight || line->view->held_back || line->ready || line->descriptor >= 0) {
            return false;
        }
    }

    return true;
}

/* One commit for all that happened. Who was held back goes on, or starts over. */
static sbs_status fan_commit(sbs_forward_fan *fan, bool at_rest) {
    bool held_back[SBS_FORWARD_CONNECTIONS_MAX];
    bool undone = false;
    bool late = fan->priv.told && fan->priv.now.mono_ms - fan->priv.told_ms >= LATE_MS;

    for (size_t i = 0; i < fan->priv.count; i++) {
        held_back[i] = fan->priv.lines[i]->view->held_back;
    }

    sbs_status status = sbs_forward_share_commit(&fan->priv.share, late, at_rest, &undone);
    for (size_t i = 0; i < fan->priv.count && status != SBS_OK; i++) {
        if (held_back[i]) {
            sbs_forward_push_cancel(&fan->priv.lines[i]->push);
            fan->priv.lines[i]->view->in_flight = false;
        }
    }

    if (undone) {
        sbs_fan_tell_undone(fan);
    } else if (sbs_forward_share_is_durable(&fan->priv.share)) {
        sbs_fan_tell_durable(fan);
    }

    return status;
}

static sbs_wait fan_wait(const sbs_forward_fan *fan) {
    uint64_t now_ms = fan->priv.now.mono_ms;
    uint64_t first_ms = UINT64_MAX;
    bool armed = false;

    for (size_t i = 0; i < fan->priv.count; i++) {
        const sbs_forward_line *line = fan->priv.lines[i];
        uint64_t due_ms = line->ready ? now_ms : line->due_ms;
        bool free_to_go = line_is_under_way(line);
        if (line->parked) {
            continue;
        }
        if (!free_to_go && due_ms < fan->priv.held_ms) {
            due_ms = fan->priv.held_ms;
        }
        if (!free_to_go && fan->priv.renewer != NULL && fan->priv.renewer != line && due_ms <= now_ms) {
            due_ms = now_ms + RENEWED_MS; /* another one renews the token; what comes of it wakes all */
        }
        armed |= line->descriptor >= 0;
        first_ms = due_ms < first_ms ? due_ms : first_ms;
    }

    if (fan->priv.told && fan->priv.told_ms + LATE_MS < first_ms) {
        first_ms = fan->priv.told_ms + LATE_MS;
    }
    if (fan->priv.held_ms > now_ms && fan->priv.held_ms < first_ms) {
        first_ms = fan->priv.held_ms; /* those that took nothing more go on */
    }

    sbs_wait wait = {.timeout_ms = SBS_WAIT_FOREVER, .descriptor = -1};
    if (armed) {
        wait.descriptor = fan->priv.poller;
        wait.events = SBS_WAIT_READ;
    }
    if (first_ms != UINT64_MAX) {
        uint64_t left_ms = first_ms > now_ms ? first_ms - now_ms : 0;
        wait.timeout_ms = left_ms < SBS_WAIT_FOREVER ? (uint32_t)left_ms : SBS_WAIT_FOREVER - 1;
    }

    return wait;
}

/* While nothing is under way the lead looks for what was appended, or put back, as a single push does: before it is
 * said that nothing is left, and beside those that wait. */
static sbs_status fan_look_again(sbs_forward_fan *fan) {
    sbs_forward_line *lead = fan->priv.lines[0];
    if (!fan_is_at_rest(fan) || fan->priv.now.mono_ms < fan->priv.held_ms || fan->priv.draining) {
        return SBS_OK;
    }

    lead->view->claims = true;
    if (lead->parked) {
        sbs_forward_push_wake(&lead->push);
    }

    return line_run(lead);
}

static sbs_status fan_turn(sbs_forward_fan *fan, sbs_wait *out_wait) {
    fan_note_ready(fan);

    sbs_status status = fan_run_due(fan);
    if (status == SBS_OK) {
        status = fan_wake_more(fan);
    }
    if (status == SBS_OK) {
        status = fan_look_again(fan);
    }

    sbs_status ended = fan_commit(fan, fan_is_at_rest(fan));
    *out_wait = (sbs_wait){.timeout_ms = 0, .descriptor = -1};
    if (status != SBS_OK || ended != SBS_OK) {
        return status != SBS_OK ? status : ended;
    }

    sbs_fan_park_idle(fan);
    fan_release_renewer(fan);
    fan_disconnect_idle(fan);
    sbs_fan_tell_waits(fan);
    *out_wait = fan_wait(fan);
    return fan_is_done(fan) ? SBS_OK : SBS_PENDING;
}

/* ---- for the program -------------------------------------------------------------------------------------------- */

sbs_status sbs_forward_fan_poll(sbs_forward_fan *fan, sbs_now now, sbs_wait *out_wait) {
    sbs_forward_line *lead = fan->priv.lines[0];
    fan->priv.now = now;
    if (!fan->priv.shared) {
        return sbs_forward_push_poll(&lead->push, now, out_wait);
    }

    if (!sbs_forward_push_has_learnt(&lead->push)) {
        sbs_status status = sbs_forward_push_poll(&lead->push, now, out_wait);
        fan->priv.learnt_ms = now.mono_ms;
        line_note_token(lead);
        return status;
    }

    return fan_turn(fan, out_wait);
}

static sbs_status fan_prepare(sbs_forward_fan *fan) {
    const sbs_forward_fan_config *config = &fan->priv.config;
    fan->priv.poller = -1;
    fan->priv.active = 1;
    fan->priv.most = config->connections;
    fan->priv.threshold = config->connections;
    fan->priv.shared = config->connections > 1 && sbs_forward_ahead_fits(config->push.queue);
    if (config->connections > SBS_FORWARD_CONNECTIONS_MAX) {
        return SBS_ERR_ARGUMENT;
    }
    if (!fan->priv.shared) {
        return SBS_OK;
    }

    fan->priv.poller = epoll_create1(EPOLL_CLOEXEC);
    if (fan->priv.poller < 0) {
        return SBS_ERR_MEMORY;
    }

    uint32_t depth = config->push.mark_ahead > 0 ? config->push.mark_ahead : 1;
    return sbs_forward_share_open(&fan->priv.share, config->push.queue, depth, config->connections);
}

static void fan_free(sbs_forward_fan *fan) {
    for (size_t i = fan->priv.count; i > 0; i--) {
        line_free(fan->priv.lines[i - 1]);
    }

    sbs_forward_share_close(&fan->priv.share);
    if (fan->priv.poller >= 0) {
        (void)close(fan->priv.poller);
    }

    sbs_wipe(fan, sizeof *fan);
    fan->priv.poller = -1;
}

sbs_status sbs_forward_fan_open(sbs_forward_fan *fan, const sbs_forward_fan_config *config) {
    *fan = (sbs_forward_fan){.priv = {.config = *config}};

    sbs_status status = fan_prepare(fan);
    if (status == SBS_OK) {
        status = fan_add_line(fan);
    }
    if (status != SBS_OK) {
        fan_free(fan);
        return status;
    }

    fan->priv.open = true;
    return SBS_OK;
}

sbs_status sbs_forward_fan_close(sbs_forward_fan *fan) {
    sbs_status status = SBS_OK;
    if (!fan->priv.open) {
        return SBS_OK;
    }

    if (fan->priv.shared) {
        sbs_forward_fan_cancel(fan);
        line_take_token(fan->priv.lines[0]); /* it is the lead's that is kept for the next run */
        status = fan_commit(fan, true);
        if (status != SBS_OK) {
            sbs_fan_tell_undone(fan);
        }
    } else {
        status = sbs_forward_push_close(&fan->priv.lines[0]->push);
    }

    fan_free(fan);
    return status;
}

bool sbs_forward_fan_mode_of(const sbs_forward_fan *fan, uint64_t id, sbs_write_mode *out_mode) {
    for (size_t i = 0; i < fan->priv.count; i++) {
        if (sbs_forward_push_mode_of(&fan->priv.lines[i]->push, id, out_mode)) {
            return true;
        }
    }

    return false;
}

bool sbs_forward_fan_puts(sbs_forward_fan *fan, const char *type, sbs_now now) {
    sbs_forward_push *lead = &fan->priv.lines[0]->push;
    return sbs_forward_push_has_learnt(lead) && sbs_forward_modes_for(&lead->priv.modes, type, now) == SBS_WRITE_PUT;
}

void sbs_forward_fan_wake(sbs_forward_fan *fan) {
    fan->priv.held_ms = fan->priv.renew_ms = 0;
    for (size_t i = 0; i < fan->priv.count; i++) {
        sbs_forward_line *line = fan->priv.lines[i];
        sbs_forward_push_wake(&line->push);
        line->ready |= !line->parked; /* those that have nothing to do are looked after by the lead */
    }
}

void sbs_forward_fan_cancel(sbs_forward_fan *fan) {
    for (size_t i = 0; i < fan->priv.count; i++) {
        sbs_forward_line *line = fan->priv.lines[i];
        sbs_forward_push_cancel(&line->push);
        if (line->view != NULL) {
            line->view->in_flight = false;
            line->ready = true;
        }
    }
}

bool sbs_forward_fan_drain(sbs_forward_fan *fan) {
    fan->priv.draining = true;
    if (!fan->priv.shared || !sbs_forward_push_has_learnt(&fan->priv.lines[0]->push)) {
        return true;
    }

    for (size_t i = 0; i < fan->priv.count; i++) {
        if (fan->priv.lines[i]->view->in_flight) {
            return false;
        }
    }

    return true;
}

uint32_t sbs_forward_fan_active(const sbs_forward_fan *fan) {
    return fan->priv.active;
}
