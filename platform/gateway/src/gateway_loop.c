/* SPDX-License-Identifier: Apache-2.0 */
/* The turns of the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway_loop_internal.h"
#include "sbs/linux_clock.h"

#define MEND_MS 1000u /* after the queue failed */
#define CLOCK_MS 1000u
#define DISK_MS 1000u /* between two looks at the disk, while something comes */
#define STOP_MS 4000u /* the same at the end */
#define STOP_STEP_MS 50u
#define GATHER_PART 8u /* of a sync */
#define GATHER_MAX_US 3000u
#define LOOK_FIRST_MS 20u
#define LOOK_FACTOR 5u
#define LOOK_LAST_MS 2500u

/* ---- what a turn looks after ------------------------------------------------------------------------------------ */

static void loop_watchdog(struct sbs_gateway_loop *loop) {
    if (loop->watchdog_ms != 0 && loop->now.mono_ms >= loop->watchdog_due_ms) {
        (void)sbs_linux_notify("WATCHDOG=1");
        loop->watchdog_due_ms = loop->now.mono_ms + loop->watchdog_ms / 2;
    }
}

/* Midnight, local time, begins the day's counts anew. */
static void loop_note_day(struct sbs_gateway_loop *loop) {
    time_t now = (time_t)loop->now.utc_s;
    struct tm local;
    if (loop->now.utc_s == SBS_UTC_UNKNOWN || localtime_r(&now, &local) == NULL || local.tm_yday == loop->today) {
        return;
    }

    if (loop->today >= 0) {
        for (size_t i = 0; i < SBS_GATEWAY_DEVICES_MAX; i++) {
            loop->counts[i].today = 0;
        }
    }
    loop->today = local.tm_yday;
}

static void loop_keep_certificate(struct sbs_gateway_loop *loop, bool clock_known) {
    char message[SBS_GATEWAY_MESSAGE_SIZE];
    if (gateway_listeners_keep(&loop->listeners, loop->now, clock_known, message, sizeof message)) {
        const sbs_linux_record_field field = {"SBS_EVENT", "certificate"};
        sbs_linux_record(SBS_LINUX_ERROR, message, &field, 1);
    }
}

/* Once the clock is known, what waits for that goes. */
static void loop_note_clock(struct sbs_gateway_loop *loop) {
    if (loop->now.mono_ms < loop->clock_ms) {
        return;
    }

    loop->clock_ms = loop->now.mono_ms + CLOCK_MS;
    sbs_now known = sbs_gateway_clock_known(&loop->clock, loop->now);
    loop_keep_certificate(loop, known.utc_s != SBS_UTC_UNKNOWN);
    if (known.utc_s == SBS_UTC_UNKNOWN) {
        return;
    }

    sbs_forward_dating_note(&loop->dating, known);
    if (!loop->clock_known) {
        loop->listeners.due_ms = 0;
        sbs_gateway_sender_wake(&loop->sender);
    }
    loop->clock_known = true;
}

static void loop_tell_disk(bool full) {
    static const sbs_linux_record_field low = {"SBS_EVENT", "disk-low"};
    static const sbs_linux_record_field good = {"SBS_EVENT", "disk-ok"};
    if (full) {
        sbs_linux_record(SBS_LINUX_ERROR, "the disk has less room than keep-free, devices are told to wait: make room",
                         &low, 1);
    } else {
        sbs_linux_record(SBS_LINUX_NOTICE, "the disk has room again, devices are served", &good, 1);
    }
}

/* Asked while something comes, and while there is too little. */
static void loop_look_at_disk(struct sbs_gateway_loop *loop) {
    bool due = loop->now.mono_ms >= loop->disk_ms + DISK_MS;
    bool matters = loop->accepted || loop->intake.full || loop->disk_ms == 0;
    if (!due || !matters || !loop->queue_open) {
        return;
    }

    loop->disk_ms = loop->now.mono_ms;
    bool full = sbs_sqlite_queue_check_disk(&loop->queue, loop->config->keep_free, &loop->disk_free) != SBS_OK;
    if (full != loop->intake.full) {
        loop_tell_disk(full);
    }
    loop->intake.full = full;
}

/* ---- the queue -------------------------------------------------------------------------------------------------- */

static void loop_note_failure(struct sbs_gateway_loop *loop) {
    const sbs_linux_record_field field = {"SBS_EVENT", "queue-failed"};
    char message[256];
    const char *why = sbs_sqlite_queue_error(&loop->queue);
    if (why[0] == '\0') {
        why = "it cannot be written";
    }
    (void)snprintf(loop->queue_words, sizeof loop->queue_words, "%s", why);
    if (!loop->failing) {
        (void)snprintf(message, sizeof message, "the queue cannot be written: %s; devices are told to try again",
                       loop->queue_words);
        sbs_linux_record(SBS_LINUX_ERROR, message, &field, 1);
    }

    loop->failing = loop->intake.failing = true;
    loop->mend_ms = loop->now.mono_ms + MEND_MS;
}

/* True if the queue can be written: reading goes well also while another process holds it. */
static bool loop_can_write(struct sbs_gateway_loop *loop) {
    return sbs_sqlite_queue_begin(&loop->queue) == SBS_OK && loop->inner.ops->commit(loop->inner.ctx) == SBS_OK;
}

/* The file is opened again, as what is at its name counts. */
static void loop_mend(struct sbs_gateway_loop *loop) {
    char message[SBS_GATEWAY_MESSAGE_SIZE];
    if (!loop->failing || loop->now.mono_ms < loop->mend_ms) {
        return;
    }

    loop->mend_ms = loop->now.mono_ms + MEND_MS;
    sbs_gateway_sender_close(&loop->sender);
    sbs_sqlite_queue_close(&loop->queue);
    loop->queue_open = false;
    if (gateway_loop_open_queue(loop, message, sizeof message) != SBS_OK) {
        (void)snprintf(loop->queue_words, sizeof loop->queue_words, "%.*s", (int)sizeof loop->queue_words - 1, message);
        return;
    }
    if (!loop_can_write(loop)) {
        loop_note_failure(loop);
        sbs_sqlite_queue_close(&loop->queue);
        loop->queue_open = false;
        return;
    }

    const sbs_linux_record_field field = {"SBS_EVENT", "queue-mended"};
    sbs_linux_record(SBS_LINUX_NOTICE, "the queue can be written again, devices are served", &field, 1);
    loop->failing = loop->intake.failing = false;
    loop->queue_words[0] = '\0';
    (void)gateway_loop_open_sender(loop);
}

/* One commit for all of the turn; then the answers. */
static void loop_end_turn(struct sbs_gateway_loop *loop, sbs_status pushed, uint64_t begun_us) {
    sbs_status kept = SBS_OK;
    if (loop->queue_open) {
        kept = sbs_gateway_group_end(&loop->group);
    }
    if (loop->stored > 0) {
        loop->sync_us = sbs_linux_micros() - begun_us;
        loop->stored = 0;
    }

    /* A file that was moved or removed shows itself when something is to be written, and at the next opening is new. */
    if (kept != SBS_OK || pushed != SBS_OK || loop->no_group) {
        loop_note_failure(loop);
    }
    loop->no_group = false;
    if (kept != SBS_OK && sbs_gateway_sender_restart(&loop->sender) != SBS_OK) {
        loop_note_failure(loop);
    }
    if (sbs_linux_http_server_holds(loop->server)) {
        sbs_linux_http_server_settle(loop->server, loop->now, kept == SBS_OK);
    }
    if (loop->spooled) {
        sbs_gateway_spool_settle(&loop->spool, kept == SBS_OK);
        loop->spooled = false;
    }
}

/* ---- beginning anew --------------------------------------------------------------------------------------------- */

/* Devices keep their counts, wherever they stand in the new configuration. */
static void loop_take_config(struct sbs_gateway_loop *loop) {
    sbs_gateway_counts *old = malloc(sizeof loop->counts);
    if (old == NULL) {
        return;
    }

    memcpy(old, loop->counts, sizeof loop->counts);
    memset(loop->counts, 0, sizeof loop->counts);
    for (size_t i = 0; i < loop->next->device_count; i++) {
        const sbs_gateway_device *device = sbs_gateway_config_device(loop->config, loop->next->devices[i].name);
        loop->counts[i].heard_s = SBS_UTC_UNKNOWN;
        if (device != NULL) {
            loop->counts[i] = old[device - loop->config->devices];
        }
    }

    free(old);
    sbs_gateway_spool_close(&loop->spool); /* it has devices of the old one */
    sbs_gateway_config_free(loop->config);
    free(loop->config);
    loop->config = loop->next;
    loop->intake.config = loop->config;
    loop->disk_ms = 0; /* another keep-free counts from now on */
    gateway_listeners_use(&loop->listeners, loop->config);
    loop->next = NULL;
    gateway_loop_open_spool(loop);
}

/* What is under way ends first; what waits stands in the queue. */
static void loop_renew_when_drained(struct sbs_gateway_loop *loop) {
    if (!loop->renew || loop->failing) {
        return;
    }
    if (!sbs_gateway_sender_drain(&loop->sender) && loop->now.mono_ms < loop->drain_until_ms) {
        return;
    }

    loop->renew = false;
    sbs_gateway_sender_close(&loop->sender);
    if (loop->next != NULL) {
        loop_take_config(loop);
    }
    sbs_gateway_keys_leave_token(&loop->keys); /* a PIN that was refused may have been mended */
    (void)gateway_loop_open_sender(loop);
}

static void loop_reload_by_signal(struct sbs_gateway_loop *loop) {
    char message[SBS_GATEWAY_MESSAGE_SIZE];
    loop->reload = false;
    if (sbs_gateway_loop_reload(loop, message, sizeof message) != SBS_OK) {
        const sbs_linux_record_field field = {"SBS_EVENT", "reload-refused"};
        sbs_linux_record(SBS_LINUX_ERROR, message, &field, 1);
    }
}

/* Where several devices post at a time, those that were answered a moment ago post again at once, and one sync can
 * serve all: the commit waits for them, for a small part of the time that a sync takes. A device that is alone waits
 * for nobody. */
static void loop_gather(struct sbs_gateway_loop *loop, sbs_wait *served) {
    unsigned expected = loop->stored + loop->stored_before;
    uint64_t now_us = sbs_linux_micros();
    uint64_t until_us = now_us + loop->sync_us / GATHER_PART;
    if (until_us > now_us + GATHER_MAX_US) {
        until_us = now_us + GATHER_MAX_US;
    }

    while (loop->stored > 0 && expected > 2 && loop->stored < expected && now_us < until_us) {
        if (gateway_senses_linger(served, until_us - now_us)) {
            sbs_linux_http_server_turn(loop->server, loop->now, served);
        }
        now_us = sbs_linux_micros();
    }

    if (loop->stored > 0) {
        loop->stored_before = loop->stored;
    }
}

/* Files are taken in the same transaction as requests. */
static void loop_take_files(struct sbs_gateway_loop *loop) {
    uint32_t wait_ms = SBS_WAIT_FOREVER;
    if (loop->now.mono_ms < loop->spool_due_ms || loop->failing || !loop->queue_open) {
        return;
    }

    loop->spooled = sbs_gateway_spool_turn(&loop->spool, sbs_gateway_clock_known(&loop->clock, loop->now), &wait_ms);
    loop->spool_due_ms = UINT64_MAX;
    if (wait_ms != SBS_WAIT_FOREVER) {
        loop->spool_due_ms = loop->now.mono_ms + wait_ms;
    }
    if (loop->spooled) {
        sbs_gateway_group_expect(&loop->group);
        loop->accepted = true;
    }
}

/* ---- a turn ----------------------------------------------------------------------------------------------------- */

/* Another process is told of before what it wrote can be seen: its sync comes between. So it is looked for at growing
 * distances. */
static void loop_look_again(struct sbs_gateway_loop *loop) {
    if (loop->look_ms == 0 || loop->now.mono_ms < loop->look_ms) {
        return;
    }

    sbs_gateway_sender_appended(&loop->sender);
    loop->look_step_ms *= LOOK_FACTOR;
    loop->look_ms = 0;
    if (loop->look_step_ms <= LOOK_LAST_MS) {
        loop->look_ms = loop->now.mono_ms + loop->look_step_ms;
    }
}

/* The time until something has to be done that nobody wakes the loop for. */
static uint32_t loop_own_wait(const struct sbs_gateway_loop *loop, uint32_t wait_ms) {
    uint64_t now_ms = loop->now.mono_ms;
    uint64_t due_ms = (now_ms / GATEWAY_QUARTER_MS + 1) * GATEWAY_QUARTER_MS;
    if (loop->watchdog_ms != 0 && loop->watchdog_due_ms < due_ms) {
        due_ms = loop->watchdog_due_ms;
    }
    if (loop->failing && loop->mend_ms < due_ms) {
        due_ms = loop->mend_ms;
    }
    if (!loop->failing && loop->spool_due_ms < due_ms) {
        due_ms = loop->spool_due_ms;
    }
    if (loop->look_ms != 0 && loop->look_ms < due_ms) {
        due_ms = loop->look_ms;
    }
    if (loop->intake.full && loop->disk_ms + DISK_MS < due_ms) {
        due_ms = loop->disk_ms + DISK_MS;
    }
    if (loop->renew && now_ms + STOP_STEP_MS < due_ms) {
        due_ms = now_ms + STOP_STEP_MS;
    }

    uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    return left_ms < wait_ms ? (uint32_t)left_ms : wait_ms;
}

static void loop_wait(struct sbs_gateway_loop *loop, const sbs_wait *served, uint32_t wait_ms) {
    sbs_wait waits[GATEWAY_WAITS_MAX];
    size_t count = 0;
    gateway_sensed sensed;

    waits[count++] = *served;
    waits[count++] = (sbs_wait){.timeout_ms = loop_own_wait(loop, wait_ms), .descriptor = -1};
    int folders = sbs_gateway_spool_descriptor(&loop->spool);
    waits[count++] = (sbs_wait){SBS_WAIT_FOREVER, SBS_WAIT_READ, folders};
    unsigned spooling = 1u << (count - 1);
    unsigned pushing = 0;
    if (loop->queue_open && !loop->failing) {
        pushing = 1u << count;
        waits[count++] = sbs_gateway_sender_wait(&loop->sender, loop->now);
    }

    gateway_senses_wait(&loop->senses, waits, count, &sensed);
    loop->stop |= sensed.stop;
    loop->reload |= sensed.reload;
    if ((sensed.ready & spooling) != 0) {
        loop->spool_due_ms = 0;
    }
    if ((sensed.ready & pushing) != 0) {
        sbs_gateway_sender_ready(&loop->sender);
    }
    if (sensed.network) {
        loop->listeners.due_ms = 0; /* its certificate names the addresses of this machine */
        sbs_gateway_sender_wake(&loop->sender);
    }
    if (sensed.files) {
        sbs_gateway_sender_appended(&loop->sender);
        loop->look_step_ms = LOOK_FIRST_MS;
        loop->look_ms = loop->now.mono_ms + LOOK_FIRST_MS;
    }
}

void sbs_gateway_loop_turn(struct sbs_gateway_loop *loop, uint32_t wait_ms) {
    sbs_wait served;
    sbs_status pushed = SBS_OK;
    loop->now = sbs_linux_now();
    loop->accepted = false;

    loop_watchdog(loop);
    loop_note_day(loop);
    loop_mend(loop);
    if (loop->reload) {
        loop_reload_by_signal(loop);
    }
    loop_renew_when_drained(loop);
    loop_look_again(loop);

    sbs_linux_http_server_turn(loop->server, loop->now, &served);
    loop_gather(loop, &served);
    loop_look_at_disk(loop);
    loop_take_files(loop);
    if (loop->accepted) {
        sbs_gateway_sender_appended(&loop->sender);
    }
    uint64_t begun_us = sbs_linux_micros(); /* the push may commit for all */
    if (loop->queue_open && !loop->failing && !loop->no_group) {
        pushed = sbs_gateway_sender_poll(&loop->sender, loop->now);
    }

    /* What was answered may have made room for more to be read at once. */
    if (sbs_linux_http_server_holds(loop->server)) {
        wait_ms = 0;
    }
    loop_end_turn(loop, pushed, begun_us);
    loop->intake.updates = sbs_gateway_sender_puts(&loop->sender);
    loop_note_clock(loop);
    gateway_loop_note_history(loop);
    gateway_watch_end(loop);
    loop_wait(loop, &served, wait_ms);
}

/* ---- all turns -------------------------------------------------------------------------------------------------- */

/* Who is under way gets an answer; the push ends its requests, and takes up no new ones. */
static void loop_stop(struct sbs_gateway_loop *loop) {
    uint64_t until_ms = sbs_linux_now().mono_ms + STOP_MS;
    (void)sbs_linux_notify("STOPPING=1");

    bool drained = false;
    while (!drained && sbs_linux_now().mono_ms < until_ms) {
        bool served = sbs_linux_http_server_drain(loop->server);
        bool pushed = sbs_gateway_sender_drain(&loop->sender);
        drained = served && pushed;
        if (!drained) {
            sbs_gateway_loop_turn(loop, STOP_STEP_MS);
        }
    }
}

/* "started: http 127.0.0.1:8080 (port 8080), page ...": where port 0 stood in the configuration, the real one. */
static void loop_tell_start(const struct sbs_gateway_loop *loop) {
    const sbs_linux_record_field field = {"SBS_EVENT", "started"};
    char message[SBS_GATEWAY_MESSAGE_SIZE] = "started:";

    for (size_t i = 0; i < loop->config->listener_count; i++) {
        const sbs_gateway_listener *listener = &loop->config->listeners[i];
        size_t len = strlen(message);
        (void)snprintf(message + len, sizeof message - len, "%s %s %s (port %u)", i > 0 ? "," : "", listener->name,
                       listener->address, sbs_gateway_loop_port(loop, listener->name));
    }

    sbs_linux_record(SBS_LINUX_INFO, message, &field, 1);
}

sbs_status sbs_gateway_loop_run(struct sbs_gateway_loop *loop) {
    loop_tell_start(loop);
    (void)sbs_linux_notify("READY=1\nSTATUS=Devices are served.");

    while (!loop->stop) {
        sbs_gateway_loop_turn(loop, SBS_WAIT_FOREVER);
    }

    loop_stop(loop);
    return SBS_OK;
}
