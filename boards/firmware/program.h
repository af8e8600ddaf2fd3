/* SPDX-License-Identifier: Apache-2.0 */
/** @file program.h The application on a board: what the one loop (main.c) and the tasks (main_freertos.c) share. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "meter.h"
#include "meter_tls.h"
#include "sbs/flash_storage.h"
#include "sbs/lwip_net.h"
#include "sbs/lwip_stream.h"

typedef struct program {
    sbs_flash_storage storage;
    sbs_lwip_net net;
    sbs_lwip_net_config net_config;
    bool net_running;
    volatile bool time_refused;    /* still to be told */
    volatile sbs_status net_fault; /* the same */
    uint64_t net_retry_ms;
    sbs_lwip_stream tcp;
    meter_tls tls;
    meter meter;
    uint64_t longest_us, busy_us; /* one call of meter_poll(), and all of them together */
    bool restart;                 /* asked for */
    char time_server[METER_NTP_MAX + 1];
} program;

extern program all;

/** Says hello, starts the watchdog, and brings up storage, cryptography, network and application. @p stream_config of
 *  the TCP stream, NULL: the default; @p tasks NULL: one loop. */
void program_start(const sbs_lwip_stream_config *stream_config, const meter_tasks *tasks);

/** Starts the network where it does not run, or polls it. Returns how long it has nothing to do; whether it is ready.
 */
uint32_t program_poll_network(sbs_now now, bool *out_ready);
/** Gives what was typed to the application, or a part of it: true if there may be more. */
bool program_feed_console(void);
/** One poll of the application. */
sbs_wait program_poll_meter(bool network_up);
/** A line of `stats`: @p name has the newline before it and the equals sign. */
void program_put_figure(sbs_writer *out, const char *name, uint64_t value);

/* What each of the two forms has of its own. */

/** sbs_mbedtls_init(), with what tasks need before it. */
sbs_status program_start_crypto(void);
/** Around what is done to the network but by program_poll_network(). */
void program_lock_network(void);
void program_unlock_network(void);
/** Lines of `stats` about the stacks of tasks. */
void program_put_stacks(sbs_writer *out);

#endif
