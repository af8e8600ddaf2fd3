/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBS_GATEWAY_CHECK_INTERNAL_H
#define SBS_GATEWAY_CHECK_INTERNAL_H

#include "sbs/gateway_check.h"

#if defined(__GNUC__)
#define GATEWAY_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define GATEWAY_PRINTF(string, first)
#endif

void gateway_check_tell(const sbs_gateway_check *check, sbs_gateway_verdict verdict, const char *name,
                        const char *advice, const char *format, ...) GATEWAY_PRINTF(5, 6);

#endif
