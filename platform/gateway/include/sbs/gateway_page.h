/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_page.h
 * The operator's side: the status page, /metrics, /healthz, and the forms by which dead letters are sent again or
 * given up. It works without script and loads nothing from elsewhere.
 *
 *     GET /          the page; on a network without what only the operator may see
 *     GET /operator  the page with everything; on a network it asks for the operator's secret
 *     GET /page.css  how it looks
 *     GET /metrics   for Prometheus (text format 0.0.4); on a network with the operator's secret
 *     GET /healthz   200 while the gateway can store what devices give it, else 503
 *     POST /letters/ID/retry, /letters/ID/discard
 */
#ifndef SBS_GATEWAY_PAGE_H
#define SBS_GATEWAY_PAGE_H

#include <psa/crypto.h>

#include "sbs/forward_buffer.h"
#include "sbs/gateway_devices.h"
#include "sbs/gateway_status.h"
#include "sbs/linux_http_server.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the page asks the loop for. */
typedef struct sbs_gateway_page_ops {
    /** Fills in the status as it is now. */
    void (*status)(void *ctx, sbs_gateway_status *out);
    /** The dead letter with the smallest id above @p after. SBS_ERR_NOT_FOUND at the end. */
    sbs_status (*letter)(void *ctx, uint64_t after, sbs_gateway_letter *out);
    /** Sends a dead letter again, or gives it up; durable with the turn. */
    sbs_status (*retry)(void *ctx, uint64_t id);
    sbs_status (*discard)(void *ctx, uint64_t id);
} sbs_gateway_page_ops;

/** Zero-initialise; sbs_gateway_page_open(). */
typedef struct sbs_gateway_page {
    const sbs_gateway_page_ops *ops;
    void *ctx;
    sbs_gateway_devices *devices; /**< has the operator's secret, under the name "operator" */
    struct {
        psa_key_id_t form_key; /* tokens of forms are made with it */
        sbs_gateway_status status;
        sbs_forward_buffer text;
        char wait[12]; /* of Retry-After */
    } priv;
} sbs_gateway_page;

/** Draws the key of forms; psa_crypto_init() was called. SBS_ERR_CRYPTO. */
SBS_NODISCARD sbs_status sbs_gateway_page_open(sbs_gateway_page *page, const sbs_gateway_page_ops *ops, void *ctx,
                                               sbs_gateway_devices *devices);

/**
 * Answers a request of the page's listener. On a listener that is not loopback nothing is changed, and neither the
 * server's words nor identifiers are shown, without the operator's secret (Basic, RFC 7617). Host must be an address,
 * the gateway's name or localhost (a name that somebody else owns could be turned to this address), Origin the same;
 * each form carries a token of at most two hours. What was changed is held until the turn is durable.
 * @p out is filled in; its texts are the page's until the next request.
 */
void sbs_gateway_page_http(sbs_gateway_page *page, sbs_now now, const sbs_gateway_listener *listener,
                           const sbs_linux_http_request *request, sbs_linux_http_answer *out);

/** Wipes and frees. */
void sbs_gateway_page_close(sbs_gateway_page *page);

#ifdef __cplusplus
}
#endif
#endif
