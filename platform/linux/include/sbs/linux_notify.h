/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_notify.h
 * What a service tells systemd, by the protocols of sd_notify(3) and of the journal (systemd.journal-fields(7)): a
 * datagram each, without libsystemd. Where nobody listens, states go nowhere and records go to standard error.
 */
#ifndef SBS_LINUX_NOTIFY_H
#define SBS_LINUX_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_LINUX_RECORD_FIELDS 8u /**< most fields of a record beside its message and priority */

/**
 * Sends a state such as "READY=1\nSTATUS=..." to the socket that NOTIFY_SOCKET names. True if it was sent; false where
 * there is no such socket, which is no failure for a program that somebody started by hand.
 */
bool sbs_linux_notify(const char *state);

/** Milliseconds within which the service manager wants to hear "WATCHDOG=1" (WATCHDOG_USEC, for this process), 0: it
 * does not. Half of that is a good pace. */
uint32_t sbs_linux_watchdog_ms(void);

/** How much a record matters, as in syslog(3). */
typedef enum sbs_linux_priority {
    SBS_LINUX_ERROR = 3,
    SBS_LINUX_WARNING = 4,
    SBS_LINUX_NOTICE = 5,
    SBS_LINUX_INFO = 6
} sbs_linux_priority;

/** One field: an upper-case name and its value, which may hold anything but a NUL. */
typedef struct sbs_linux_record_field {
    const char *name, *value;
} sbs_linux_record_field;

/**
 * Writes a record: to the journal's socket where standard error leads to the journal (JOURNAL_STREAM) or to nobody,
 * else as a line "<PRIORITY>MESSAGE" there. Fields behind SBS_LINUX_RECORD_FIELDS, and those whose value is NULL, are
 * left out. It never waits: a record that cannot be written is lost.
 */
void sbs_linux_record(sbs_linux_priority priority, const char *message, const sbs_linux_record_field *fields,
                      size_t count);

#ifdef __cplusplus
}
#endif
#endif
