/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_intake.h
 * The side that devices see: FHIR over HTTP (POST, PUT and GET of Observations, batch, transaction, metadata), and
 * files in folders. It puts resources into the queue within the group that the program's loop has opened. An answer
 * that tells of what may be in that group is held until it is durable: each "yes" to what was given, the fate of what
 * waits, and a 409 (duplicate), as without the other there would be no conflict.
 */
#ifndef SBS_GATEWAY_INTAKE_H
#define SBS_GATEWAY_INTAKE_H

#include "sbs/forward_add.h"
#include "sbs/gateway_config.h"
#include "sbs/gateway_devices.h"
#include "sbs/gateway_status.h"
#include "sbs/linux_http_server.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_RESOURCE_MAX (256u << 10) /**< bytes of one resource */
#define SBS_GATEWAY_MESSAGE_MAX (1u << 20)    /**< of a Bundle, or of a file */
#define SBS_GATEWAY_ENTRIES_MAX 1000u         /**< of a Bundle */

/** Place it anywhere; zero-initialise; it must not move. What it points to must outlive it. */
typedef struct sbs_gateway_intake {
    const sbs_gateway_config *config;
    sbs_gateway_devices *devices; /**< who may give something */
    sbs_sqlite_queue *queue;
    sbs_gateway_counts *counts; /**< of each device, by its place in the configuration */
    bool full;                  /**< set by the loop: the disk is low, nothing is accepted */
    bool failing;               /**< set by the loop: the queue failed, and nothing is accepted until it is mended */
    bool *no_group; /**< set to true when the queue's group could not be opened, for who mends it; NULL: nobody asks */
    bool updates;   /**< set by the loop: the server takes PUT, so other content under a known id is an update */
    uint32_t boot_id; /**< set by the loop: of this boot, for measurements without a time (forward_dating.h) */
    struct {
        sbs_forward_buffer text; /* of the answer under way */
        char location[96];
        char retry[12];
        const sbs_gateway_device *device; /* of the request under way */
    } priv;
} sbs_gateway_intake;

/** Frees. Legal after zero-initialisation, and twice. */
void sbs_gateway_intake_close(sbs_gateway_intake *intake);

/**
 * Answers one request of a device. The queue's group is opened by it when something is to be stored, and committed by
 * the loop. @p out is filled in; its texts are the intake's until the next request.
 *
 * Who a device is, its secret says. A measurement is known by gateway, device and what the device calls it (the id of a
 * PUT, else its identifier, else a key that came with it), so no device can repeat, change or see one of another: it
 * gets an identifier of SBS_FORWARD_SYSTEM_GATEWAY before those that it has, by which server and queue know it from
 * then on. The server is to be told that what is already there is the same one (SBS_ALREADY_ACCEPT).
 * @param now its UTC only where that is known to be right, else SBS_UTC_UNKNOWN: a measurement without a time is dated
 *            by it.
 */
void sbs_gateway_intake_http(sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request,
                             sbs_linux_http_answer *out);

/** What a held answer becomes when the commit failed: 503 with an OperationOutcome. */
void sbs_gateway_intake_lost(const sbs_gateway_intake *intake, sbs_linux_http_answer *out);

#ifdef __cplusplus
}
#endif
#endif
