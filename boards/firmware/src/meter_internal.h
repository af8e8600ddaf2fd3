/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file meter_internal.h
 * What the files of the application share. Calls go one way, from a file to those below it:
 *
 *     meter.c             start, key, idle, poll, console
 *     meter_commands.c    the commands of the console
 *     meter_online.c      the steps of a session
 *     meter_rotate.c  meter_provision.c  meter_measure.c  meter_sampler.c (of the task that measures)
 *     meter_session.c     a record in use: memory, client, push engine, requests
 *     meter_time.c        the clock, and when to try again
 *     meter_report.c      what the console shows of it all
 *     meter_store.c       the record on the flash
 *     meter_base.c        lines of output, memory, waiting
 */
#ifndef METER_INTERNAL_H
#define METER_INTERNAL_H

#include "meter.h"

#define METER_STORAGE_RETRY_MS 5000u

/* ---- meter_base.c ------------------------------------------------------------------------------------------------ */

/** Begins a line of output; what is being typed stays out of its way. */
sbs_writer *meter_say(meter *m);
/** Ends it. */
void meter_end(meter *m);
void meter_say_line(meter *m, const char *text);
/** `text: why`. */
void meter_say_status(meter *m, const char *text, sbs_status why);

/** The caller of meter_poll() calls again after at most that long; 0: at once. */
void meter_wait(meter *m, uint64_t wait_ms);
/** The same, until the uptime is @p at_ms, which is ahead. */
void meter_wait_until(meter *m, uint64_t at_ms);
/** Holds back the task that takes the measurements, if one does. */
void meter_hold_sensor(const meter *m, bool hold);
/** Before and after work that may take long. */
void meter_work(meter *m, bool begin);

/** Zeroed memory, NULL if there is none. */
uint8_t *meter_allocate(size_t size);
/** Wipes and frees, and makes it NULL. */
void meter_release(uint8_t **block, size_t size);

/* ---- meter_store.c ----------------------------------------------------------------------------------------------- */

#define METER_BLOCK_HEADER 8u /* before the record: version, the current key's id then (4), 0 (3) */

/** Takes the record in use from the flash. SBS_ERR_NOT_FOUND, SBS_ERR_VERSION, SBS_ERR_DAMAGED, SBS_ERR_MEMORY ... */
sbs_status meter_load_record(meter *m);
bool meter_has_stored_record(const meter *m);
/** Makes m->block the record on the flash. */
sbs_status meter_save_record(const meter *m);
/** Makes m->block a stored record, bound to the current key. */
void meter_stamp_block(meter *m);
/** Reads m->block. */
sbs_status meter_read_block(meter *m, const char **out_field);
/** Forgets the record in use in RAM. */
void meter_drop_record(meter *m);
/** The kids of the keys, by the record in use. */
meter_kids meter_kids_of(const meter *m);
/** Keeps what was reached with this record: a token, the Device. */
void meter_save_progress(meter *m);
/** Marks the device to be erased, so that a power cut does not leave half. */
sbs_status meter_begin_reset(meter *m);
/** Erases what a marked device holds; SBS_ERR_NOT_FOUND if it is not marked. */
sbs_status meter_finish_reset(meter *m);

/* ---- meter_report.c ---------------------------------------------------------------------------------------------- */

/** What the network side is in; shown at once if that changes. */
void meter_set_condition(meter *m, meter_state condition);
/** Shows the state if it changed, or the queue has drained; storage comes before the network. */
void meter_show_change(meter *m);
/** Notes what the client says of a failure, and shows it if it is another one than the last. */
void meter_show_failure(meter *m, sbs_status status);
void meter_put_jwks(meter *m);
/** All lines of `status`, `stats`, `queue`. */
void meter_report_status(meter *m);
void meter_report_stats(meter *m);
void meter_report_queue(meter *m);

/* ---- meter_time.c ------------------------------------------------------------------------------------------------ */

/** Takes over the time, SBS_UTC_UNKNOWN if it is before the lower bound; a clock that was set ends every wait. */
void meter_take_time(meter *m, sbs_now now);
/** A server was reached: its time raises the bound. */
void meter_confirm_time(meter *m);
/** The time may be wrong: the time server is asked again. */
void meter_doubt_time(const meter *m);
/** Ends every wait for the network: something changed for the better. */
void meter_wake(meter *m);
/** Nothing is tried for that long. */
void meter_retry_in(meter *m, uint32_t wait_ms);

/* ---- meter_session.c --------------------------------------------------------------------------------------------- */

/** Mounts the queue with the policy in force. */
void meter_mount_queue(meter *m);
/** Opens queue and session with the record in m->record; the next thing is discovery or a token. */
sbs_status meter_session_open(meter *m);
/** Where a session begins: discovery, unless the token URL is fixed or a gateway gives none. */
meter_phase meter_session_first_phase(const meter *m);
/** What follows a token: the Device, once, then the measurements; at a gateway the measurements. */
meter_phase meter_session_phase_online(const meter *m);
/** Goes to a phase with the memory that it needs, and a client that is new. */
sbs_status meter_session_enter(meter *m, meter_phase phase);
/** Takes over the token URL that the client has found, and goes on to the token. */
sbs_status meter_session_discovered(meter *m);
/** Starts the client over with the current or the next key. */
sbs_status meter_session_use_key(meter *m, bool next);
/** Ends it; keeps the record's bytes. */
void meter_session_close(meter *m);
/** Closes the connection and frees all that the session has on the heap. */
void meter_session_free(meter *m);

/** Runs a request of the application's own. SBS_PENDING while it is under way. */
sbs_status meter_session_run(meter *m, const sbs_request *request);
/** A request worked: what failed before is over. */
void meter_session_worked(meter *m);
/** A request failed and is tried again after @p wait_ms. */
void meter_session_failed(meter *m, sbs_status status, uint32_t wait_ms);
/** There was no memory, or the record cannot be used: closed, and opened again in a while. */
void meter_session_lost(meter *m);

/* ---- meter_provision.c ------------------------------------------------------------------------------------------- */

/** The command `provision`. */
void meter_provision(meter *m, const char *const *words, size_t count);
/** Gives up a record on its way in whose lines do not come. */
void meter_intake_poll(meter *m);
void meter_intake_free(meter *m);
/** The new record gave a token, or a gateway knows its secret. */
void meter_trial_passed(meter *m);
/** @p why it did not yet. False if that ended the trial: the record before is in use again. */
bool meter_trial_failed(meter *m, sbs_status why);
/** Goes back to the record on the flash. */
void meter_resume(meter *m);

/* ---- meter_rotate.c ---------------------------------------------------------------------------------------------- */

/** True if the next key is to be tried now: the phase has changed. */
bool meter_rotation_begin(meter *m);
/** Ends the try of the next key; with an error the current one goes on. Its own errors are those of the current key. */
sbs_status meter_rotation_end(meter *m, sbs_status result);
/** Destroys the old key when its time has come. */
void meter_rotation_expire(meter *m);

/* ---- meter_measure.c --------------------------------------------------------------------------------------------- */

/** Takes a measurement if one is due. */
void meter_measure(meter *m);
/** What a measurement says beside its value, and when. Texts are the record's. */
void meter_describe(const meter *m, meter_item *out_item, sbs_queue_meta *out_meta);
/** The device's own timestamp; no two are the same. The clock's second at uptime 0 and the uptime together grow. */
uint64_t meter_next_own_ms(int64_t origin_s, uint64_t mono_ms, uint64_t *last_ms);

/* ---- meter_online.c ---------------------------------------------------------------------------------------------- */

/** One step of the session. */
void meter_online_step(meter *m);
/** Ends a try of the next key that is under way. */
void meter_online_stop_rotation(meter *m);

/* ---- meter_commands.c -------------------------------------------------------------------------------------------- */

void meter_command(meter *m, char *line);

#endif
