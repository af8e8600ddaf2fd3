/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_check.h
 * Whether everything is right before the first measurement comes: what an operator would find out one fault at a time.
 * Nothing is written and no measurement is sent; a token is asked for.
 */
#ifndef SBS_GATEWAY_CHECK_H
#define SBS_GATEWAY_CHECK_H

#include "sbs/gateway_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How it is. */
typedef enum sbs_gateway_verdict {
    SBS_GATEWAY_OK,
    SBS_GATEWAY_WARN, /**< it works, but may not for long or not as meant */
    SBS_GATEWAY_FAIL  /**< it does not work */
} sbs_gateway_verdict;

/** One finding. Texts are valid during the call. */
typedef struct sbs_gateway_finding {
    sbs_gateway_verdict verdict;
    const char *name;   /**< of what was looked at: "disk", "token" */
    const char *text;   /**< what was found */
    const char *advice; /**< what to do; NULL: nothing */
} sbs_gateway_finding;

/** Who is told. */
typedef struct sbs_gateway_check {
    void (*tell)(void *ctx, const sbs_gateway_finding *finding);
    void *ctx;
} sbs_gateway_check;

/** Looks at this machine: state folder, disk, clock, listeners. The first row, "configuration", is the caller's. */
void sbs_gateway_check_here(const sbs_gateway_check *check, const sbs_gateway_config *config);
/** Looks at the way to the server and at the server. PSA must be initialised; who calls it must be able to read the
 * keys in the state folder. */
void sbs_gateway_check_server(const sbs_gateway_check *check, const sbs_gateway_config *config);

#ifdef __cplusplus
}
#endif
#endif
