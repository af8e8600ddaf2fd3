/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the loop. */
#ifndef SBS_GATEWAY_LOOP_INTERNAL_H
#define SBS_GATEWAY_LOOP_INTERNAL_H

#include "gateway_history.h"
#include "gateway_listeners.h"
#include "gateway_senses.h"
#include "gateway_watch.h"
#include "sbs/gateway_intake.h"
#include "sbs/gateway_loop.h"
#include "sbs/gateway_page.h"
#include "sbs/gateway_spool.h"
#include "sbs/gateway_upstream.h"
#include "sbs/linux_notify.h"

#define GATEWAY_QUEUE "queue.db" /* in the state folder, as the one that follows */
#define GATEWAY_SECRETS "devices.secrets"

struct sbs_gateway_loop {
    char *config_path;
    sbs_gateway_config *config;
    sbs_gateway_config *next; /* read, and used once the push is drained */
    uint64_t drain_until_ms;
    bool renew; /* the push is to begin anew once it is drained */

    sbs_gateway_devices devices;
    sbs_gateway_keys keys;
    sbs_gateway_clockwork clock;
    sbs_gateway_counts counts[SBS_GATEWAY_DEVICES_MAX];

    char *queue_path;
    sbs_sqlite_queue queue;
    sbs_queue inner, port;
    sbs_sqlite_pusher pusher;
    sbs_gateway_group group;
    bool queue_open;
    char queue_words[160];

    sbs_gateway_sender sender;
    sbs_linux_storage notes; /* of boots and their clocks */
    sbs_storage notes_port;
    sbs_forward_dating dating;
    sbs_gateway_intake intake;
    sbs_gateway_spool spool;
    uint64_t spool_due_ms;
    bool spooled; /* a file was stored in this turn */
    sbs_gateway_page page;
    struct sbs_linux_http_server *server;
    gateway_listeners listeners;
    unsigned control;
    sbs_forward_buffer text; /* of the control's answer under way */

    gateway_history history;
    gateway_senses senses;
    gateway_watch watch;
    sbs_gateway_status status;

    sbs_now now;
    int64_t started_s;
    uint64_t look_ms, look_step_ms; /* somebody else writes to the queue: when it is looked at again; 0: not */
    uint64_t mend_ms;               /* the queue failed: it is opened again then */
    uint64_t disk_ms;               /* when the disk was looked at last */
    uint64_t disk_free;
    uint64_t watchdog_ms, watchdog_due_ms;
    int today;                      /* day of the year, local time; -1: not known */
    bool accepted;                  /* something was in this turn */
    unsigned stored, stored_before; /* answers that wait for the disk, in this turn and in the last that had any */
    uint64_t sync_us;               /* that the last commit of such took */
    uint64_t clock_ms;              /* when the clock is looked at next */
    bool clock_known;
    bool failing, stop, reload;
    bool no_group; /* what a device gave in this turn could not even begin to be stored */
};

/* Of keys that are made. */
sbs_alg gateway_loop_algorithm(const sbs_gateway_config *config);

/* gateway_loop_parts.c: opens what may have to be opened again. */
sbs_status gateway_loop_open_queue(struct sbs_gateway_loop *loop, char *message, size_t size);
sbs_status gateway_loop_open_sender(struct sbs_gateway_loop *loop);
/* The folders of the configuration, anew. */
void gateway_loop_open_spool(struct sbs_gateway_loop *loop);
/* gateway_loop_reload.c: the push ends what is under way, and begins anew, with the new configuration if there is one.
 */
void gateway_loop_renew(struct sbs_gateway_loop *loop);

/* gateway_control.c: answers what a command of the operator asks through the Unix socket. */
void gateway_control_http(struct sbs_gateway_loop *loop, const sbs_linux_http_request *request,
                          sbs_linux_http_answer *out);

/* gateway_loop_status.c */
extern const sbs_gateway_page_ops gateway_page_ops;
uint64_t gateway_loop_accepted(const struct sbs_gateway_loop *loop);
void gateway_loop_note_history(struct sbs_gateway_loop *loop);

#endif
