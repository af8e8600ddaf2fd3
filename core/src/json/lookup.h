/* SPDX-License-Identifier: Apache-2.0 */
/* Internal: lookups in documents whose members are only advisory, where "missing" and "unusable" are the same. */
#ifndef SBS_LOOKUP_H
#define SBS_LOOKUP_H

#include "sbs/json.h"

/** The member @p name of @p object; SBS_JSON_NONE if it is missing, stands twice, or @p object is no object. */
sbs_json_node sbs_lookup(const sbs_json *doc, sbs_json_node object, const char *name);

/** True if the member @p name of @p object is the string @p value. */
bool sbs_lookup_is(const sbs_json *doc, sbs_json_node object, const char *name, const char *value);

/** True if the member @p name of @p object is true. */
bool sbs_lookup_true(const sbs_json *doc, sbs_json_node object, const char *name);

/** The first element of the array member @p name of @p object, or SBS_JSON_NONE. Go on with sbs_json_next. */
sbs_json_node sbs_lookup_first(const sbs_json *doc, sbs_json_node object, const char *name);

#endif
