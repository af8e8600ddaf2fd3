/* SPDX-License-Identifier: Apache-2.0 */
/** @file json_view.h Reads members off what the gateway answered. */
#ifndef SBS_GATEWAY_JSON_VIEW_H
#define SBS_GATEWAY_JSON_VIEW_H

#include "sbs/forward_buffer.h"

/** The member's text, shortened to @p size; numbers as they stand; "" if it is not there. Returns @p out. */
const char *view_text(const sbs_json *doc, sbs_json_node object, const char *name, char *out, size_t size);
/** The member's number, 0 if it is not there. */
uint64_t view_uint(const sbs_json *doc, sbs_json_node object, const char *name);
/** The member's first element; SBS_JSON_NONE if there is none. */
sbs_json_node view_first(const sbs_json *doc, sbs_json_node object, const char *name);

#endif
