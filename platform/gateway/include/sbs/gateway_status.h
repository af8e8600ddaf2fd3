/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_status.h
 * What the gateway knows of itself, as one record that the loop fills in and page, metrics and the command's `status`
 * show. It holds no patient data but what is said to.
 */
#ifndef SBS_GATEWAY_STATUS_H
#define SBS_GATEWAY_STATUS_H

#include "sbs/gateway_config.h"
#include "sbs/sqlite_queue.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_HISTORY 96u /**< quarters of an hour that the chart shows */

/** Whether somebody has to act. */
typedef enum sbs_gateway_light {
    SBS_GATEWAY_GREEN, /**< all that came is on the server, or on its way */
    SBS_GATEWAY_AMBER, /**< something waits; it mends itself, nothing is lost */
    SBS_GATEWAY_RED    /**< somebody has to act */
} sbs_gateway_light;

/** What is counted of a device since the program started. */
typedef struct sbs_gateway_counts {
    uint64_t accepted, repeated, refused, delivered, dead;
    uint32_t today;         /**< accepted since midnight, local time */
    int64_t heard_s;        /**< last request with its secret, or file; SBS_UTC_UNKNOWN */
    uint64_t heard_ms;      /**< the same by the monotonic clock; 0: never */
    char last_refusal[128]; /**< why the last one was refused, "" if none was; no patient data */
} sbs_gateway_counts;

/** What the clock is worth. */
typedef enum sbs_gateway_clock {
    SBS_GATEWAY_CLOCK_UNKNOWN, /**< it was never set: measurements without a time are held */
    SBS_GATEWAY_CLOCK_SERVER,  /**< a server's authenticated Date agrees */
    SBS_GATEWAY_CLOCK_KERNEL,  /**< the kernel calls it synchronised */
    SBS_GATEWAY_CLOCK_WRONG    /**< the server's Date differs by more than a minute */
} sbs_gateway_clock;

/** What happens between gateway and server. */
typedef enum sbs_gateway_upstream {
    SBS_GATEWAY_IDLE,    /**< nothing waits */
    SBS_GATEWAY_SENDING, /**< items go */
    SBS_GATEWAY_WAITING, /**< it tries again by itself: network, server busy */
    SBS_GATEWAY_PAUSED   /**< nothing goes until somebody acts: key, scope, address */
} sbs_gateway_upstream;

/** A dead letter, or an item that waits, as it is listed. All texts are one sanitised line. */
typedef struct sbs_gateway_letter {
    uint64_t id;
    char device[SBS_GATEWAY_NAME_SIZE];
    char type[SBS_SQLITE_TYPE_SIZE];
    char reason[SBS_QUEUE_REASON_SIZE];
    char words[SBS_QUEUE_WORDS_SIZE]; /**< the server's: may name a patient, shown to the operator only */
    int64_t arrived_s, dead_s;
    uint16_t http_status;
} sbs_gateway_letter;

/** Everything that is shown. */
typedef struct sbs_gateway_status {
    const sbs_gateway_config *config;
    const sbs_gateway_counts *counts; /**< config->device_count of them */
    sbs_now now;
    int64_t started_s;
    sbs_sqlite_stats queue;
    bool queue_known; /**< false: the queue could not be read, `queue_words` says why */
    char queue_words[160];
    char set_aside[256]; /**< path of a damaged queue file that was set aside, "": none */
    uint64_t disk_free;  /**< bytes */
    bool disk_low;
    sbs_gateway_upstream upstream;
    char upstream_words[256]; /**< why it waits or is paused; what to do */
    int64_t upstream_since_s;
    int64_t last_delivery_s; /**< SBS_UTC_UNKNOWN: none since the start */
    sbs_gateway_clock clock;
    int64_t token_expires_s;                /**< 0: there is none */
    int64_t server_certificate_s;           /**< end of the server's certificate, 0: not known */
    int64_t own_certificate_s;              /**< end of the gateway's own, 0: none */
    char key_thumbprint[44];                /**< the kid of the key that signs */
    uint32_t accepted[SBS_GATEWAY_HISTORY]; /**< by quarters of an hour, the newest last */
    uint32_t delivered[SBS_GATEWAY_HISTORY];
    uint32_t waiting[SBS_GATEWAY_HISTORY]; /**< at the end of each */
} sbs_gateway_status;

/** Which colour, and one sentence that says whether to act: in plain English, at most @p size bytes with the NUL. */
sbs_gateway_light sbs_gateway_status_sentence(const sbs_gateway_status *status, char *sentence, size_t size);

#ifdef __cplusplus
}
#endif
#endif
