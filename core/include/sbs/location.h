/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file location.h
 * Where a server put a resource: the path of a Location (R4 http.html, create).
 */
#ifndef SBS_LOCATION_H
#define SBS_LOCATION_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Finds type and id in a Location value, absolute or relative, with or without `_history` (R4 http.html, create).
 *  SBS_ERR_FORMAT. */
SBS_NODISCARD sbs_status sbs_location_parse(sbs_text location, sbs_text *out_type, sbs_text *out_id);

#ifdef __cplusplus
}
#endif
#endif
