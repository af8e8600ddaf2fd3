/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_internal.h What the files of the application share. */
#ifndef METER_INTERNAL_H
#define METER_INTERNAL_H

#include "meter.h"

#define METER_INTAKE_SILENCE_MS 20000u /* a record whose next line does not come is given up */
#define METER_STORAGE_RETRY_MS 5000u
#define METER_TRIAL_MS 120000u /* a new record gets this long, with network and time */

/* ---- meter_report.c: what the console shows --------------------------------------------------------------------- */

/** Begins a line of output; what is being typed stays out of its way. */
sbs_writer *meter_say(meter *m);
/** Ends it. */
void meter_end(meter *m);
void meter_say_line(meter *m, const char *text);
/** `text: why`. */
void meter_say_status(meter *m, const char *text, sbs_status why);
/** What the network side is in; shown at once if that changes. */
void meter_set_condition(meter *m, meter_state condition);
/** Shows the state if it changed; storage comes before the network. */
void meter_show_change(meter *m);
/** `state=... queued=... sent=... refused=... dead=...` */
void meter_put_state(const meter *m, sbs_writer *out);
/** `error step=... cause=...`, with the time to the next try. */
void meter_put_error(const meter *m, sbs_writer *out);
/** Notes what the client says of a failure, and shows it if it is news. @p wait_ms: to the next try. */
void meter_note_error(meter *m, sbs_status status, uint32_t wait_ms);
void meter_put_jwks(meter *m);
/** All lines of `status`, `stats`, `queue`. */
void meter_report_status(meter *m);
void meter_report_stats(meter *m);
void meter_report_queue(meter *m);

/* ---- meter_session.c: a record in use ---------------------------------------------------------------------------- */

/** Opens queue and session with the record in m->record; the next thing is a token. */
sbs_status meter_session_open(meter *m);
/** Goes to a phase with the memory that it needs, and a client that is new. */
sbs_status meter_session_enter(meter *m, meter_phase phase);
/** Takes over the token URL that the client has found, and goes on to the token. */
sbs_status meter_session_discovered(meter *m);
/** Where a session begins: discovery, unless the token URL is fixed. */
meter_phase meter_session_first_phase(const meter *m);
/** Ends it; keeps the record's bytes. */
void meter_session_close(meter *m);
/** Closes the connection and frees the session's memory. */
void meter_session_release(meter *m);
/** Starts the client over with the current or the next key. */
sbs_status meter_session_use_key(meter *m, bool next);
/** Mounts the queue with the policy in force. */
void meter_mount_queue(meter *m);
meter_kids meter_kids_of(const meter *m);

/* ---- meter_store.c: records on the flash --------------------------------------------------------------------------
 */

#define METER_BLOCK_HEADER 8u /* before the record: version, the current key's id then (4), 0 (3) */

uint8_t *meter_allocate(size_t size);
void meter_release(uint8_t **block, size_t size);
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
/** Keeps what was reached with this record: a token, the Device. */
void meter_save_progress(meter *m);
/** Marks the device to be erased, so that a power cut does not leave half. */
sbs_status meter_begin_reset(meter *m);
/** Erases what a marked device holds; SBS_ERR_NOT_FOUND if it is not marked. */
sbs_status meter_finish_reset(meter *m);

/* ---- meter_provision.c --------------------------------------------------------------------------------------------
 */

void meter_provision(meter *m, const char *const *words, size_t count);
/** Gives up a record on its way in whose lines do not come. */
void meter_intake_poll(meter *m);
void meter_intake_end(meter *m);
/** The new record gave a token, or @p why it did not. */
void meter_trial_passed(meter *m);
/** True if it goes on. */
bool meter_trial_failed(meter *m, sbs_status why);
/** Goes back to the record on the flash. */
void meter_resume(meter *m);

/* ---- meter_commands.c -----------------------------------------------------------------------------------------------
 */

void meter_command(meter *m, char *line);

/* ---- meter_time.c ------------------------------------------------------------------------------------------------ */

/** Takes over the time, SBS_UTC_UNKNOWN if it is before the lower bound; a clock that was set ends every wait. */
void meter_take_time(meter *m, sbs_now now);
/** A server was reached: its time raises the bound. */
void meter_confirm_time(meter *m);

/* ---- meter.c, meter_measure.c
 * ---------------------------------------------------------------------------------------- */

/** Calls again at once, or after at most that long. */
void meter_wait(meter *m, uint64_t wait_ms);
/** Runs a request of the application's own. SBS_PENDING while it is under way. */
sbs_status meter_run_request(meter *m, const sbs_request *request);
/** What it ended with: a wait before the next try, or none. */
void meter_fail(meter *m, sbs_status status);
void meter_succeed(meter *m);
/** Goes on after a session was entered, or failed to be. */
void meter_begin_anew(meter *m, sbs_status status);
/** Ends the try of the next key; with an error the current one goes on. */
void meter_end_rotation(meter *m, sbs_status status);
/** True if the next key is to be tried now: the phase has changed. */
bool meter_begin_rotation(meter *m);
void meter_step_rotate(meter *m);
/** Destroys the old key when its time has come. */
void meter_expire_key(meter *m);
/** Ends every wait for the network: something changed for the better. */
void meter_wake(meter *m);
/** Takes a measurement if one is due. */
void meter_measure(meter *m);
void meter_work(meter *m, bool begin);

#endif
