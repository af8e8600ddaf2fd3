/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_check.h
 * Whether everything is right before the first measurement comes: what an operator would find out one fault at a time.
 * The rows are those of forward_check.h. Nothing is written and no measurement is sent; a token is asked for.
 */
#ifndef SBS_GATEWAY_CHECK_H
#define SBS_GATEWAY_CHECK_H

#include "sbs/forward_check.h"
#include "sbs/gateway_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Fills in how an operator of the gateway names the settings that an advice is about. */
void sbs_gateway_check_name_settings(sbs_forward_check *check);

/** Looks at this machine: state folder, disk, clock, listeners. The first row, of the configuration, is the caller's.
 */
void sbs_gateway_check_here(const sbs_forward_check *check, const sbs_gateway_config *config);
/** Looks at the way to the server and at the server. PSA must be initialised; who calls it must be able to read the
 * keys in the state folder. */
void sbs_gateway_check_server(const sbs_forward_check *check, const sbs_gateway_config *config);

#ifdef __cplusplus
}
#endif
#endif
